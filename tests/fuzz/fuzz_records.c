// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_records.c - text to a table, and back to text that says the same
 *
 * The first three octets of the input say how the text is cut and for whom it
 * is; the rest is a master file. It is read at once and in pieces, some of
 * them undone and read again; what was read is put into a table, and the table
 * is printed as `records`, as the files of names/ and as `stat` have it.
 */
#include <errno.h>
#include <stdio.h>

#include "dns/text/reader.h"
#include "fuzz.h"
#include "store.h"

#define FOR_ONE 1 /* a file of names/: one owner, which is the origin */

/* A stream and what it made. */
struct stream {
	struct reader *reader;
	struct change change;
	int r;
};

static const char owner_text[] = "a.ex.";

static void stream_open(struct stream *stream, const struct name *origin,
			const struct name *only)
{
	struct scope scope = {.kind = SCOPE_OWNER};

	*stream = (struct stream){0};
	if (only)
		scope.name = *only;
	fuzz_claim(reader_new(&stream->reader, origin, only ? &scope : NULL) ==
		   0);
}

static void stream_close(struct stream *stream)
{
	reader_free(stream->reader);
	change_deinit(&stream->change);
}

static void feed(struct stream *stream, const uint8_t *text, size_t len)
{
	/* A copy, so that nobody keeps a pointer into it. */
	uint8_t *copy = fuzz_copy(text, len);

	stream->r =
		reader_feed(stream->reader, (char *)copy, len, &stream->change);
	free(copy);
	fuzz_claim(stream->r == 0 || stream->r == -EINVAL);
}

static void end(struct stream *stream)
{
	if (stream->r == 0)
		stream->r = reader_end(stream->reader, &stream->change);
	fuzz_claim(stream->r == 0 || stream->r == -EINVAL);
}

/* Feed, take it back, and feed it again. */
static void feed_twice(struct stream *stream, const uint8_t *text, size_t len)
{
	struct change_mark mark = change_mark(&stream->change);
	size_t tail = reader_tail(stream->reader);

	feed(stream, text, len);
	if (stream->r == 0) {
		reader_undo(stream->reader);
		change_rewind(&stream->change, mark);
	}
	fuzz_claim(reader_tail(stream->reader) == tail);
	feed(stream, text, len);
}

static void feed_pieces(struct stream *stream, struct fuzz_input text,
			uint16_t seed)
{
	uint32_t random = seed;

	while (text.left && stream->r == 0) {
		size_t len;

		random = random * 1103515245 + 12345;
		len = 1 + (random >> 16) % (1u + (seed & 0x3f));
		if (len > text.left)
			len = text.left;
		if (random >> 30)
			feed(stream, text.at, len);
		else
			feed_twice(stream, text.at, len);
		text.at += len;
		text.left -= len;
	}
}

/* What a person reads of a refusal is one line of printable ASCII. */
static void claim_printable(const char *text)
{
	for (; *text; text++)
		fuzz_claim(*text >= ' ' && *text <= '~');
}

static void claim_same_error(const struct stream *a, const struct stream *b)
{
	const struct refusal *x = reader_error(a->reader);
	const struct refusal *y = reader_error(b->reader);

	fuzz_claim(x->line == y->line);
	fuzz_claim(strcmp(x->reason, y->reason) == 0);
	claim_printable(x->text);
	claim_printable(x->reason);
	claim_printable(y->text);
}

/* --- what is printed of a table --- */

struct printed {
	struct buffer text; /* `records` */
	uint64_t names, records, json;
};

static void claim_json_string(const char **at, const char *end)
{
	fuzz_claim(*at < end && **at == '"');
	for (++*at; *at < end && **at != '"'; ++*at) {
		fuzz_claim(**at >= ' ' && **at <= '~');
		if (**at == '\\') {
			++*at;
			fuzz_claim(*at < end && strchr("\"\\t", **at));
		}
	}
	fuzz_claim(*at < end);
	++*at;
}

/* "owner":["rr",...]: RFC 8259, section 7 */
static void claim_json(const struct buffer *json, uint64_t records)
{
	const char *at = (const char *)json->data, *end = at + json->len;

	claim_json_string(&at, end);
	fuzz_claim(end - at > 2 && *at++ == ':' && *at++ == '[');
	for (uint64_t i = 0; i < records; i++) {
		if (i)
			fuzz_claim(at < end && *at++ == ',');
		claim_json_string(&at, end);
	}
	fuzz_claim(at + 1 == end && *at == ']');
}

static uint64_t count_lines(const struct buffer *text)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < text->len; i++) {
		uint8_t octet = text->data[i];

		lines += octet == '\n';
		fuzz_claim(octet == '\n' || octet == '\t' ||
			   (octet >= ' ' && octet <= '~'));
	}
	return lines;
}

/* As `names/` does it: the owner is the origin, and no other is taken. */
static void claim_name_file(const struct name *owner, const struct buffer *text,
			    uint64_t records)
{
	struct stream stream;

	stream_open(&stream, owner, owner);
	feed(&stream, text->data, text->len);
	end(&stream);
	fuzz_claim(stream.r == 0);
	fuzz_claim(stream.change.count == records);
	stream_close(&stream);
}

static void print_owner(const struct snapshot_entry *entry, struct printed *out)
{
	CLEANUP(buffer_deinit) struct buffer text = {0}, json = {0};
	struct rrsets_size size;
	struct name owner;

	fuzz_claim(name_from_key(entry->key, entry->key_len, &owner) == 0);
	size = rrsets_size(&owner, entry->rrsets);
	fuzz_claim(rrsets_to_text(&owner, entry->rrsets, &text) == 0);
	fuzz_claim(rrsets_to_json(&owner, entry->rrsets, &json) == 0);
	fuzz_claim(size.text == text.len && size.json == json.len);
	fuzz_claim(size.records == count_lines(&text) && size.records > 0);
	claim_json(&json, size.records);
	claim_name_file(&owner, &text, size.records);
	fuzz_claim(buffer_add(&out->text, text.data, text.len) == 0);
	out->names++;
	out->records += size.records;
	out->json += size.json;
}

static void print(uint32_t table, struct printed *out)
{
	struct snapshot *snapshot = store_snapshot();
	struct snapshot_entry entry;
	struct table_counts counts;
	int r;

	*out = (struct printed){0};
	fuzz_claim(snapshot_begin(snapshot) == 0);
	r = snapshot_seek(snapshot, table, NULL, 0, &entry);
	for (; r == 0; r = snapshot_next(snapshot, &entry))
		print_owner(&entry, out);
	fuzz_claim(r == -ENOENT);
	fuzz_claim(snapshot_counts(snapshot, table, &counts) == 0);
	snapshot_end(snapshot);
	fuzz_claim(counts.names == out->names);
	fuzz_claim(counts.records == out->records);
	fuzz_claim(counts.text == out->text.len);
	fuzz_claim(counts.json == out->json);
}

static void claim_that_it_reads_back(const struct printed *first)
{
	uint32_t table = store_table();
	struct refusal why = {0};
	struct printed second;
	struct stream stream;
	struct name root;

	name_root(&root);
	stream_open(&stream, &root, NULL);
	feed(&stream, first->text.data, first->text.len);
	fuzz_claim(stream.r == 0);
	fuzz_claim(reader_tail(stream.reader) == 0);
	fuzz_claim(store_apply(table, &stream.change, true, &why) == 0);
	print(table, &second);
	fuzz_claim_same("what was printed and what was read back", &first->text,
			&second.text);
	buffer_deinit(&second.text);
	stream_close(&stream);
	store_free(table);
}

static void claim_table(const struct change *change)
{
	uint32_t table = store_table();
	struct refusal why = {0};
	struct printed printed;

	if (store_apply(table, change, true, &why) == 0) {
		print(table, &printed);
		claim_that_it_reads_back(&printed);
		/* A set is a set: the same once more changes nothing. */
		fuzz_claim(store_apply(table, change, false, &why) == 0);
		buffer_deinit(&printed.text);
	} else {
		claim_printable(why.text);
		claim_printable(why.reason);
		fuzz_claim(why.reason[0]);
	}
	store_free(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t set = fuzz_u8(&in);
	uint16_t seed = fuzz_u16(&in);
	struct stream whole, pieces;
	struct name root, owner;

	name_root(&root);
	fuzz_claim(name_from_text(owner_text, strlen(owner_text), &root, &owner,
				  NULL) == 0);
	stream_open(&whole, set & FOR_ONE ? &owner : &root,
		    set & FOR_ONE ? &owner : NULL);
	stream_open(&pieces, set & FOR_ONE ? &owner : &root,
		    set & FOR_ONE ? &owner : NULL);
	feed(&whole, in.at, in.left);
	end(&whole);
	feed_pieces(&pieces, in, seed);
	end(&pieces);

	fuzz_claim(whole.r == pieces.r);
	if (whole.r < 0) {
		claim_same_error(&whole, &pieces);
	} else {
		fuzz_claim_same("what was read at once and in pieces",
				&whole.change.items, &pieces.change.items);
		claim_table(&whole.change);
	}
	stream_close(&whole);
	stream_close(&pieces);
	return 0;
}
