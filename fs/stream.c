// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "fs/stream.h"

struct stream {
	struct snapshot *snapshot; /* begun */
	struct dump *dump;
};

static int begin_dump(struct stream *stream, const struct node *node,
		      const struct dump_frame *frame)
{
	struct scope scope;
	uint32_t table;
	int r = snapshot_begin(stream->snapshot);

	if (r == 0)
		r = snapshot_serving(stream->snapshot, node->anchor->id,
				     &table);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	node_scope(node, &scope);
	return dump_new(&stream->dump, stream->snapshot, table, &scope, frame);
}

int stream_open(struct stream **out, struct fs *fs, const struct node *node,
		const struct dump_frame *frame, struct snapshot *snapshot)
{
	CLEANUP(snapshot_freep) struct snapshot *own = snapshot;
	struct stream *stream;
	int r = 0;

	if (node->anchor->gone)
		return -ENODEV;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return -ENOMEM;
	stream->snapshot = steal(&own);
	if (!stream->snapshot)
		r = snapshot_new(&stream->snapshot, &fs->host->store.tables);
	if (r == 0)
		r = begin_dump(stream, node, frame);
	if (r < 0)
		stream_close(stream);
	else
		*out = stream;
	return r;
}

struct stream *stream_close(struct stream *stream)
{
	if (!stream)
		return NULL;
	dump_free(stream->dump);
	/* Freeing a snapshot ends it. */
	snapshot_free(stream->snapshot);
	free(stream);
	return NULL;
}

uint64_t stream_size(const struct stream *stream)
{
	return dump_size(stream->dump);
}

int stream_read(struct stream *stream, struct dump_read *read,
		uint64_t until_ns)
{
	return dump_read(stream->dump, read, until_ns);
}
