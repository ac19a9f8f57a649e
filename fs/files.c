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

static int render_name(struct fs *fs, const struct node *node,
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

int small_file_render(struct fs *fs, const struct node *node,
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
		return render_name(fs, node, out);
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

/* ---- records and stat ---- */

#define STREAM_HEAD  "{\"Address\":\"%s\",\"Records\":{"
#define STREAM_TAIL  "}}\n"
#define STREAM_CHUNK (64 * 1024) /* rendered at a time, at least */

enum stream_at {
	STREAM_AT_HEAD,
	STREAM_AT_BODY,
	STREAM_AT_TAIL,
	STREAM_AT_END,
};

struct stream {
	struct snapshot *snapshot; /* begun */
	uint32_t table;
	bool json;
	char head[sizeof(STREAM_HEAD) + ADDRESS_TEXT_SIZE];

	enum stream_at at; /* what comes behind the chunk */
	bool first;	   /* the next owner is the first one */
	struct buffer chunk;
	uint64_t chunk_offset; /* of the chunk in the file */
};

static size_t print_head(const struct anchor *anchor, char *out, size_t size)
{
	char address[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, address);
	return (size_t)snprintf(out, size, STREAM_HEAD, address);
}

uint64_t stat_size(const struct anchor *anchor,
		   const struct table_counts *counts)
{
	char head[sizeof(STREAM_HEAD) + ADDRESS_TEXT_SIZE];
	uint64_t commas = counts->names ? counts->names - 1 : 0;

	return print_head(anchor, head, sizeof(head)) + counts->json + commas +
	       strlen(STREAM_TAIL);
}

static void rewind_stream(struct stream *stream)
{
	stream->at = stream->json ? STREAM_AT_HEAD : STREAM_AT_BODY;
	stream->first = true;
	stream->chunk.len = 0;
	stream->chunk_offset = 0;
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
	stream->json = node->kind == NODE_STAT;
	print_head(node->anchor, stream->head, sizeof(stream->head));
	rewind_stream(stream);
	stream->snapshot = steal(&own);
	if (!stream->snapshot)
		r = snapshot_new(&stream->snapshot, &fs->host->store.tables);
	if (r == 0)
		r = snapshot_begin(stream->snapshot);
	if (r == 0)
		r = snapshot_serving(stream->snapshot, node->anchor->id,
				     &stream->table);
	if (r < 0) {
		stream_close(stream);
		return r == -ENOENT ? -ENODEV : r;
	}
	*out = stream;
	return 0;
}

struct stream *stream_close(struct stream *stream)
{
	if (!stream)
		return NULL;
	/* Freeing a snapshot ends it. */
	snapshot_free(stream->snapshot);
	buffer_deinit(&stream->chunk);
	free(stream);
	return NULL;
}

static int next_entry(struct stream *stream, struct snapshot_entry *entry)
{
	if (!stream->first)
		return snapshot_next(stream->snapshot, entry);
	return snapshot_seek(stream->snapshot, stream->table, NULL, 0, entry);
}

/* Render one owner, or step over it when all of it lies before @wanted. */
static int add_owner(struct stream *stream, const struct snapshot_entry *entry,
		     uint64_t wanted)
{
	struct buffer *chunk = &stream->chunk;
	struct rrsets_size size;
	struct name owner;
	uint64_t len;
	bool comma = stream->json && !stream->first;
	int r = name_from_key(entry->key, entry->key_len, &owner);

	if (r < 0)
		return -EIO;
	if (!chunk->len) {
		size = rrsets_size(&owner, entry->rrsets);
		len = stream->json ? size.json + comma : size.text;
		if (stream->chunk_offset + len <= wanted) {
			stream->chunk_offset += len;
			return 0;
		}
	}
	if (comma)
		r = buffer_add(chunk, ",", 1);
	if (r == 0)
		r = stream->json ? rrsets_to_json(&owner, entry->rrsets, chunk)
				 : rrsets_to_text(&owner, entry->rrsets, chunk);
	return r;
}

/* Render the next piece behind the chunk. */
static int advance(struct stream *stream, uint64_t wanted)
{
	struct snapshot_entry entry;
	int r;

	switch (stream->at) {
	case STREAM_AT_HEAD:
		stream->at = STREAM_AT_BODY;
		return buffer_add_text(&stream->chunk, stream->head);
	case STREAM_AT_BODY:
		r = next_entry(stream, &entry);
		if (r == 0)
			r = add_owner(stream, &entry, wanted);
		else if (r == -ENOENT)
			stream->at =
				stream->json ? STREAM_AT_TAIL : STREAM_AT_END;
		stream->first = false;
		return r == -ENOENT ? 0 : r;
	case STREAM_AT_TAIL:
		stream->at = STREAM_AT_END;
		return buffer_add_text(&stream->chunk, STREAM_TAIL);
	default:
		return 0;
	}
}

/* Forget the part of the chunk before @offset. */
static void drop_until(struct stream *stream, uint64_t offset)
{
	struct buffer *chunk = &stream->chunk;
	uint64_t drop = offset - stream->chunk_offset;

	if (drop > chunk->len)
		drop = chunk->len;
	if (!drop)
		return;
	memmove(chunk->data, chunk->data + drop, chunk->len - drop);
	chunk->len -= drop;
	stream->chunk_offset += drop;
}

ssize_t stream_read(struct stream *stream, uint64_t offset, size_t size,
		    const uint8_t **data)
{
	struct buffer *chunk = &stream->chunk;

	if (offset < stream->chunk_offset)
		rewind_stream(stream);
	for (;;) {
		int r;

		drop_until(stream, offset);
		if (stream->at == STREAM_AT_END ||
		    (stream->chunk_offset == offset && chunk->len >= size))
			break;
		do {
			r = advance(stream, offset);
			if (r < 0)
				return r;
		} while (stream->at != STREAM_AT_END &&
			 chunk->len < STREAM_CHUNK);
	}
	if (stream->chunk_offset != offset)
		return 0;
	*data = chunk->data;
	return (ssize_t)(chunk->len < size ? chunk->len : size);
}
