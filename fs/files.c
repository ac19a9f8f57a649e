// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "fs/files.h"
#include "fs/page.h"

static const char help_text[] =
	"circuitfs: each directory is an anchor, and holds one nameserver.\n"
	"\n"
	"  mkdir ns                        start one on a free port\n"
	"  mkdir ns@127.0.0.1:5353         ... or on an address "
	"([IPv6]:PORT, :PORT, IP)\n"
	"  cat ns/addr                     where it listens\n"
	"  echo 127.0.0.1:5354 > ns/addr   move it; \"off\" stops answering\n"
	"  echo 'www.example. 300 IN A 192.0.2.1' >> ns/records\n"
	"                                  add a record, or a zone file's "
	"lines\n"
	"  cp zone ns/records              replace all records as one change\n"
	"  cat ns/records                  every record, as a zone file\n"
	"  cat ns/stat                     address and records, as JSON\n"
	"  ls ns/names                     the names that have records\n"
	"  cat ns/names/www.example.       one name's records; > and >> edit "
	"it\n"
	"  mv ns/names/a. ns/names/b.      rename one; rm drops it\n"
	"  cat ns/error error              why a write or a mkdir failed\n"
	"  cat ns/log                      each query, as it comes\n"
	"  cat metrics                     figures, as Prometheus reads them\n"
	"  mkdir ns/sub                    anchors nest\n"
	"  rmdir ns                        stop it and discard its records\n"
	"\n"
	"Text is the zone file format of RFC 1035: origin \".\", TTL 3600. A ; "
	"begins a\n"
	"comment, so quote text that has one: x.example. TXT \"v=DKIM1; "
	"p=...\"\n"
	"What a write, a close or a mkdir did is on disk when it returns.\n"
	"More: man 5 circuitfs, man 8 circuitfs.\n";

static int render_name(struct fs *fs, const struct node *node, size_t max,
		       struct buffer *out)
{
	struct rrsets rrsets;
	struct name owner;
	uint32_t table;
	int r = node_table(fs, node->anchor, &table);

	if (r < 0)
		return r;
	node_owner(node, &owner);
	r = snapshot_get(fs->host->snapshot, table, &owner, &rrsets);
	if (r == 0 && rrsets_text_size(rrsets) > max)
		r = -EFBIG;
	if (r == 0)
		r = rrsets_to_text(&owner, rrsets, out);
	snapshot_end(fs->host->snapshot);
	return r == -ENOENT ? 0 : r;
}

static int render_addr(const struct anchor *anchor, struct buffer *out)
{
	char text[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, text);
	return buffer_printf(out, "%s\n", text);
}

int small_file_render(struct fs *fs, const struct node *node, size_t max,
		      struct buffer *out)
{
	switch (node->kind) {
	case NODE_HELP:
		return buffer_add_text(out, help_text);
	case NODE_ERROR:
		return error_ring_print(&node->anchor->errors, out);
	case NODE_ADDR:
		return render_addr(node->anchor, out);
	case NODE_NAME:
		return render_name(fs, node, max, out);
	default:
		return -EINVAL;
	}
}

size_t small_file_size(struct fs *fs, const struct node *node)
{
	char text[ADDRESS_TEXT_SIZE];

	switch (node->kind) {
	case NODE_HELP:
		return sizeof(help_text) - 1;
	case NODE_METRICS:
		return page_size(fs);
	case NODE_ERROR:
		return error_ring_len(&node->anchor->errors);
	case NODE_ADDR:
		return address_print(&node->anchor->address, text) + 1;
	default:
		return 0;
	}
}

/* ---- Streams ---- */

#define STREAM_HEAD "{\"Address\":\"%s\",\"Records\":{"
#define STREAM_TAIL "}}\n"

struct stream {
	struct snapshot *snapshot; /* begun */
	struct dump *dump;
};

struct stat_head {
	char text[sizeof(STREAM_HEAD) + ADDRESS_TEXT_SIZE];
};

static struct dump_frame stat_frame(const struct anchor *anchor,
				    struct stat_head *head)
{
	char address[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, address);
	snprintf(head->text, sizeof(head->text), STREAM_HEAD, address);
	return (struct dump_frame){head->text, STREAM_TAIL};
}

uint64_t stat_size(const struct anchor *anchor,
		   const struct table_counts *counts)
{
	struct stat_head head;
	struct dump_frame frame = stat_frame(anchor, &head);

	return dump_frame_size(counts, &frame);
}

static int begin_dump(struct stream *stream, const struct node *node)
{
	struct dump_frame frame;
	struct stat_head head;
	struct name owner;
	uint32_t table;
	int r = snapshot_begin(stream->snapshot);

	if (r == 0)
		r = snapshot_serving(stream->snapshot, node->anchor->id,
				     &table);
	if (r < 0)
		return r == -ENOENT ? -ENODEV : r;
	if (node->kind == NODE_STAT)
		frame = stat_frame(node->anchor, &head);
	if (node->kind == NODE_NAME)
		node_owner(node, &owner);
	return dump_new(&stream->dump, stream->snapshot, table,
			node->kind == NODE_NAME ? &owner : NULL,
			node->kind == NODE_STAT ? &frame : NULL);
}

int stream_open(struct stream **out, struct fs *fs, const struct node *node,
		struct snapshot *snapshot)
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
		r = begin_dump(stream, node);
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
