// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/text/reader.h"
#include "tests/unit/chance.h"

#define ROOT_HINTS "/usr/share/dns/root.hints"

/* A reader and what it has read. */
struct stream {
	struct reader *reader;
	struct change change;
};

static void stream_deinit(struct stream *stream)
{
	reader_freep(&stream->reader);
	change_deinit(&stream->change);
}

#define STREAM CLEANUP(stream_deinit) struct stream

static struct name name(const char *text)
{
	struct name root, out;

	name_root(&root);
	assert_int_equal(name_from_text(text, strlen(text), &root, &out, NULL),
			 0);
	return out;
}

static struct stream stream_new(const char *origin, const char *only)
{
	struct stream stream = {0};
	struct name from = name(origin);
	struct scope scope = {SCOPE_OWNER, name(only ? only : ".")};

	assert_int_equal(
		reader_new(&stream.reader, &from, only ? &scope : NULL), 0);
	return stream;
}

static int feed(struct stream *stream, const char *text, size_t len)
{
	/* A copy of exactly that size, so that reading past it is seen. */
	CLEANUP(freep) char *copy = malloc(len ? len : 1);
	int r;

	assert_non_null(copy);
	memcpy(copy, text, len);
	r = reader_feed(stream->reader, copy, len, &stream->change);
	assert_true(r == 0 || r == -EINVAL);
	return r;
}

static int feed_text(struct stream *stream, const char *text)
{
	return feed(stream, text, strlen(text));
}

/* The records as lines: "LINE owner TTL TYPE rdata". */
static char *dump(const struct change *change)
{
	struct buffer out = {0};
	struct change_item item;
	char owner[NAME_TEXT_SIZE], type[16];
	size_t at = 0;

	while (change_next(change, &at, &item)) {
		name_to_text(&item.rr.owner, owner);
		rr_type_to_text(item.rr.type, type);
		buffer_printf(&out, "%u %s %u %s ", item.line, owner,
			      item.rr.ttl, type);
		rr_rdata_to_text(item.rr.type, item.rr.rdata, item.rr.rdlen,
				 &out);
		buffer_add(&out, "\n", 1);
	}
	buffer_add(&out, "", 1);
	return (char *)out.data;
}

/* Reads @text and the end; 0 or -EINVAL. */
static int read_all(struct stream *stream, const char *text)
{
	int r = feed_text(stream, text);

	return r < 0 ? r : reader_end(stream->reader, &stream->change);
}

static void assert_reads(const char *origin, const char *text,
			 const char *records)
{
	STREAM stream = stream_new(origin, NULL);
	int r = read_all(&stream, text);

	if (r < 0)
		fail_msg("%s: %s", text, reader_error(stream.reader)->reason);
	CLEANUP(freep) char *have = dump(&stream.change);

	assert_string_equal(have, records);
	assert_int_equal(reader_tail(stream.reader), 0);
}

static void a_master_file_reads_as_rfc_1035_has_it(void **state)
{
	static const struct {
		const char *text, *records;
	} cases[] = {
		{"", ""},
		{"\n\n", ""},
		{"; comment\n", ""},
		{"   \t ; comment\n  \n", ""},
		{"a A 192.0.2.1\n", "1 a. 3600 A 192.0.2.1\n"},
		{"a A 192.0.2.1", "1 a. 3600 A 192.0.2.1\n"},
		{"Miek.NL. 60 IN a 192.0.2.1\n", "1 miek.nl. 60 A 192.0.2.1\n"},
		{"a IN 60 A 192.0.2.1\n", "1 a. 60 A 192.0.2.1\n"},
		{"a 60 A 192.0.2.1\n", "1 a. 60 A 192.0.2.1\n"},
		{"a CLASS1 A 192.0.2.1\n", "1 a. 3600 A 192.0.2.1\n"},
		{"a in 1H30m tYpE1 192.0.2.1\n", "1 a. 5400 A 192.0.2.1\n"},
		{"a 0 A 192.0.2.1\n", "1 a. 0 A 192.0.2.1\n"},
		{"a 2147483647 A 192.0.2.1\n", "1 a. 2147483647 A 192.0.2.1\n"},
		{"a A 192.0.2.1\n  A 192.0.2.2\n\tTXT x\n",
		 "1 a. 3600 A 192.0.2.1\n2 a. 3600 A 192.0.2.2\n"
		 "3 a. 3600 TXT \"x\"\n"},
		{"a A 192.0.2.1 ; comment\n", "1 a. 3600 A 192.0.2.1\n"},
		{"a A 192.0.2.1;comment\n", "1 a. 3600 A 192.0.2.1\n"},
		{"a\tA\t192.0.2.1  \t\n", "1 a. 3600 A 192.0.2.1\n"},
		{"$ORIGIN example.\n@ NS ns\n$ORIGIN sub\nx MX 1 @\n",
		 "2 example. 3600 NS ns.example.\n"
		 "4 x.sub.example. 3600 MX 1 sub.example.\n"},
		{"$origin example\n$TTL 1d\na A 192.0.2.1\nb 5 A 192.0.2.1\n"
		 "$ttl 7\nc A 192.0.2.1\n",
		 "3 a.example. 86400 A 192.0.2.1\n"
		 "4 b.example. 5 A 192.0.2.1\n6 c.example. 7 A 192.0.2.1\n"},
		{"a SOA ns mail (\n 1 ; serial\n 2\n3 4 5 )\nb A 192.0.2.1\n",
		 "1 a. 3600 SOA ns. mail. 1 2 3 4 5\n"
		 "5 b. 3600 A 192.0.2.1\n"},
		{"a MX (10(b))\nc MX(1 d)\n",
		 "1 a. 3600 MX 10 b.\n2 c. 3600 MX 1 d.\n"},
		{"a TXT \"a b\" c\n", "1 a. 3600 TXT \"a b\" \"c\"\n"},
		{"a TXT \"a\"\"b\"c\n", "1 a. 3600 TXT \"a\" \"b\" \"c\"\n"},
		{"a TXT \"(;\" ; )\n", "1 a. 3600 TXT \"(;\"\n"},
		{"a TXT a\\;b \\\"c\\\" d\\(\\) e\\ f\n",
		 "1 a. 3600 TXT \"a;b\" \"\\\"c\\\"\" \"d()\" \"e f\"\n"},
		{"a TXT \"x\ny\" z\nb A 192.0.2.1\n",
		 "1 a. 3600 TXT \"x\\010y\" \"z\"\n3 b. 3600 A 192.0.2.1\n"},
		{"a TXT \"\n\n\"\n", "1 a. 3600 TXT \"\\010\\010\"\n"},
		{"a TXT \"x\\\"y\"\n", "1 a. 3600 TXT \"x\\\"y\"\n"},
		{"a A 192.0.2.1\r\nb A 192.0.2.2\r\n\r\n; c\r\n",
		 "1 a. 3600 A 192.0.2.1\n2 b. 3600 A 192.0.2.2\n"},
		{"a SOA ns mail (\r\n 1 2\r\n 3 4 5)\r\n",
		 "1 a. 3600 SOA ns. mail. 1 2 3 4 5\n"},
		{"\xef\xbb\xbf"
		 "a A 192.0.2.1\n",
		 "1 a. 3600 A 192.0.2.1\n"},
		{"\xef\xbb\xbf$TTL 5\na A 192.0.2.1\n", "2 a. 5 A 192.0.2.1\n"},
		{"; \x01\x02\f any octet in a comment \" ( \\\na A 192.0.2.1\n",
		 "2 a. 3600 A 192.0.2.1\n"},
		{"a\\.b\\032\\\"\\$ A 192.0.2.1\n",
		 "1 a\\.b\\032\\\"\\$. 3600 A 192.0.2.1\n"},
		{"\\$ORIGIN A 192.0.2.1\n", "1 \\$origin. 3600 A 192.0.2.1\n"},
		{"A A 192.0.2.1\nIN A 192.0.2.2\n300 A 192.0.2.3\n",
		 "1 a. 3600 A 192.0.2.1\n2 in. 3600 A 192.0.2.2\n"
		 "3 300. 3600 A 192.0.2.3\n"},
		{"a TYPE65280 \\# 4 0A00 0001\na A \\# 4 0A000001\n",
		 "1 a. 3600 TYPE65280 \\# 4 0a000001\n"
		 "2 a. 3600 A 10.0.0.1\n"},
		{"a HTTPS 1 . alpn=\"h2,h3\" key667=\"a b\"\n",
		 "1 a. 3600 HTTPS 1 . alpn=h2,h3 key667=\"a b\"\n"},
		{"a APL\n", "1 a. 3600 APL \\# 0\n"},
		{"*.a A 192.0.2.1\n", "1 *.a. 3600 A 192.0.2.1\n"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_reads(".", cases[i].text, cases[i].records);
}

static void names_are_relative_to_the_origin_given(void **state)
{
	(void)state;
	assert_reads("miek.nl.", "@ A 192.0.2.1\nwww CNAME @\n",
		     "1 miek.nl. 3600 A 192.0.2.1\n"
		     "2 www.miek.nl. 3600 CNAME miek.nl.\n");
}

static void an_at_sign_without_an_origin_is_refused(void **state)
{
	static const char *const refused[] = {
		"@ SOA ns h 1 2 3 4 5\n",
		"a NS @\n",
		"a MX 1 @\n",
		"$ORIGIN @\n",
		"  A 192.0.2.1\n",
	};
	static const char *const taken[] = {
		"www.example A 192.0.2.1\n",
		". NS a.\n",
		"$ORIGIN .\n@ NS a.\n",
		"$ORIGIN example\n@ NS @\n",
		"a TXT @\n",
		"\\@ A 192.0.2.1\n",
	};
	const char *why;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		STREAM stream = {0};

		assert_int_equal(reader_new(&stream.reader, NULL, NULL), 0);
		assert_int_equal(read_all(&stream, refused[i]), -EINVAL);
		why = reader_error(stream.reader)->reason;
		assert_true(strstr(why, "zones/NAME/records; the root is "
					"'.'") ||
			    strstr(why, "the owner is missing"));
		assert_int_equal(stream.change.count, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		STREAM stream = {0};

		assert_int_equal(reader_new(&stream.reader, NULL, NULL), 0);
		assert_int_equal(read_all(&stream, taken[i]), 0);
		assert_int_equal(stream.change.count, 1);
	}
}

/* A refused $ORIGIN is not one for what follows. */
static void an_origin_that_is_undone_is_none(void **state)
{
	STREAM stream = {0};

	(void)state;
	assert_int_equal(reader_new(&stream.reader, NULL, NULL), 0);
	assert_int_equal(feed_text(&stream, "$ORIGIN a.\n"), 0);
	reader_undo(stream.reader);
	assert_int_equal(feed_text(&stream, "@ A 192.0.2.1\n"), -EINVAL);
	assert_int_equal(feed_text(&stream, "$ORIGIN a.\n@ A 1\n"), -EINVAL);
	assert_int_equal(feed_text(&stream, "@ A 192.0.2.1\n"), -EINVAL);
	assert_int_equal(feed_text(&stream, "$ORIGIN a.\n@ A 192.0.2.1\n"), 0);
}

static void what_is_no_record_is_refused_with_its_reason(void **state)
{
	static const struct {
		const char *text, *why; /* a part of the reason */
		uint32_t line;
	} cases[] = {
		{"a\n", "the type is missing", 1},
		{"a 300 IN\n", "the type is missing", 1},
		{"a ALIAS b.\n", "A and AAAA records that it stands", 1},
		{"a AWS ALIAS A x\n", "Route 53's own", 1},
		{"a LUA A \"1\"\n", "PowerDNS's own", 1},
		{"a [AGE:3649312] 1200 A 192.0.2.1\n", "time stamp of Windows",
		 1},
		{"a FOO b.\n", "can be written as TYPE123", 1},
		{"# a comment\n", "begins with \";\"", 1},
		{"  # a comment\n", "begins with \";\"", 1},
		{"a.b NSEC3 2 0 0 - 04 A\n", "owner is a hash", 1},
		{". NSEC3 2 0 0 - 04 A\n", "owner is a hash", 1},
		{"a FOO 1\n", "the type \"FOO\" is not known", 1},
		{"a FOO 1\n", "as TYPE123 \\# LENGTH HEX", 1},
		{"a ANY x\n", "the type ANY", 1},
		{"a TYPE255 \\# 0\n", "the type TYPE255", 1},
		{"a AXFR x\n", "the type AXFR", 1},
		{"a OPT \\# 0\n", "the type OPT", 1},
		{"a TSIG \\# 0\n", "the type TSIG", 1},
		{"a TYPE0 \\# 0\n", "the type TYPE0", 1},
		{" A 192.0.2.1\n", "owner is missing", 1},
		{"a A 192.0.2.1 x\n", "behind the RDATA", 1},
		{"a A 192.0.2.256\n", "bad RDATA for A", 1},
		{"a CH A 192.0.2.1\n", "only IN is kept", 1},
		{"a hs A 192.0.2.1\n", "only IN is kept", 1},
		{"a CLASS3 A 192.0.2.1\n", "only IN is kept", 1},
		{"a CLASS A 192.0.2.1\n", "not known", 1},
		{"a IN IN A 192.0.2.1\n", "second class", 1},
		{"a 1 2 A 192.0.2.1\n", "second TTL", 1},
		{"a 1 IN 2 A 192.0.2.1\n", "second TTL", 1},
		{"a 1x A 192.0.2.1\n", "no TTL", 1},
		{"a 2147483648 A 192.0.2.1\n", "TTL is above 2147483647", 1},
		{"a 99999999999 A 192.0.2.1\n", "TTL is above", 1},
		{"a 30500568904943w A 192.0.2.1\n", "TTL is above", 1},
		{"a 18446744073709551617 A 192.0.2.1\n", "TTL is above", 1},
		{"a 4000w A 192.0.2.1\n", "TTL is above", 1},
		{"$TTL 2147483648\n", "TTL is above", 1},
		{"$TTL x\n", "no TTL", 1},
		{"$TTL\n", "value is missing", 1},
		{"$TTL 1 2\n", "behind the directive", 1},
		{"$ORIGIN a..b\n", "bad $ORIGIN", 1},
		{"$INCLUDE /etc/passwd\n", "$INCLUDE is refused", 1},
		{"$include x\n", "$INCLUDE is refused", 1},
		{"$GENERATE 1-2 a A 192.0.2.$\n", "$GENERATE is not known", 1},
		{"$GENERATE 1-2 a A 192.0.2.$\n", "write out its records", 1},
		{"$\n", "not known", 1},
		{"\"a\" A 192.0.2.1\n", "without quotes", 1},
		{"a..b A 192.0.2.1\n", "bad owner", 1},
		{"a\"b A 192.0.2.1\n", "quote is not closed", 1},
		{"a MX 1 b)\n", "nothing opened", 1},
		{"a MX (1 b", "\"(\" is not closed", 1},
		{"a TXT \"b", "quote is not closed", 1},
		{"a TXT \"b\\", "backslash", 1},
		{"a TXT b\\\n", "backslash", 1},
		{"a TXT b\\\r\n", "backslash", 1},
		{"a TXT \"b\\\nc\"\n", "backslash", 1},
		{"a\x01 A 192.0.2.1\n", "control octet", 1},
		{"a\fA 192.0.2.1\n", "control octet", 1},
		{"\fa A 192.0.2.1\n", "control octet", 1},
		{"a A 192.0.2.1\rb A 192.0.2.1\n", "control octet", 1},
		{"a A 192.0.2.1\n\n\nb A x\n", "bad RDATA", 4},
		{"a TXT \"\n\n\"\nb A x\n", "bad RDATA", 4},
		{"a SOA a b (\n1 2\n3 4 x )\n", "bad RDATA for SOA", 1},
		{"b A 192.0.2.1\na SOA a b (\n1 2\n3 4 x )\n", "SOA", 2},
		{"a A 192.0.2.1\na MX (10\nb) c\n", "behind", 2},
		{"a A 192.0.2.1\n\xef\xbb\xbf A x\n", "RDATA", 2},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		STREAM stream = stream_new(".", NULL);
		const struct refusal *error = reader_error(stream.reader);

		if (read_all(&stream, cases[i].text) == 0)
			fail_msg("%s is taken", cases[i].text);
		if (!strstr(error->reason, cases[i].why))
			fail_msg("%s: %s", cases[i].text, error->reason);
		assert_int_equal(error->line, cases[i].line);
	}
}

static void a_nul_octet_is_refused_wherever_it_stands(void **state)
{
	static const char *const cases[] = {
		"a#A 192.0.2.1\n", "#",		  "; a#\n",
		"a TXT \"#\"\n",   "a TXT \\#\n", "a MX ( # 1 b )\n",
	};
	char text[64];
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		STREAM stream = stream_new(".", NULL);

		strcpy(text, cases[i]);
		len = strlen(text);
		*strchr(text, '#') = '\0';
		assert_int_equal(feed(&stream, text, len), -EINVAL);
		assert_non_null(strstr(reader_error(stream.reader)->reason,
				       "a NUL octet; if the text is UTF-16"));
	}
}

static void the_error_shows_the_start_of_the_entry(void **state)
{
	STREAM stream = stream_new(".", NULL);
	const struct refusal *error = reader_error(stream.reader);
	char text[300];

	(void)state;
	assert_int_equal(feed_text(&stream, "a A 1\t\x7f\xff\n"), -EINVAL);
	assert_string_equal(error->text, "a A 1\\009\\127\\255");
	assert_int_equal(feed_text(&stream, "; x\na b\r\n"), -EINVAL);
	assert_string_equal(error->text, "a b");
	memset(text, '\x01', sizeof(text));
	assert_int_equal(feed(&stream, text, 299), 0);
	assert_int_equal(feed_text(&stream, "\n"), -EINVAL);
	assert_in_range(strlen(error->text), 88, 95);
}

static void records_of_another_owner_are_refused(void **state)
{
	STREAM stream = stream_new("miek.nl.", "miek.nl.");
	const struct refusal *error = reader_error(stream.reader);

	(void)state;
	assert_int_equal(feed_text(&stream, "@ A 192.0.2.1\nMiek.NL. A "
					    "192.0.2.2\n  A 192.0.2.3\n"),
			 0);
	assert_int_equal(stream.change.count, 3);
	assert_int_equal(feed_text(&stream, "www A 192.0.2.1\n"), -EINVAL);
	assert_string_equal(error->reason,
			    "the owner is not miek.nl.: this file holds "
			    "miek.nl.'s records only");
	assert_int_equal(feed_text(&stream, "$ORIGIN x\n@ A 192.0.2.1\n"),
			 -EINVAL);
	assert_int_equal(error->line, 5);
	assert_int_equal(stream.change.count, 3);
}

static void records_outside_of_a_zone_are_refused(void **state)
{
	struct scope zone = {SCOPE_ZONE, name("miek.nl.")};
	struct name origin = zone.name;
	STREAM stream = {0};
	const char *why;

	(void)state;
	assert_int_equal(reader_new(&stream.reader, &origin, &zone), 0);
	/* A blank owner is the zone, as long as nothing else was said. */
	assert_int_equal(feed_text(&stream, "  NS ns\n@ A 192.0.2.1\nA.B A "
					    "192.0.2.2\n  A 192.0.2.3\n"),
			 0);
	assert_int_equal(stream.change.count, 4);
	assert_int_equal(feed_text(&stream, "nl. A 192.0.2.1\n"), -EINVAL);
	assert_int_equal(feed_text(&stream, "xmiek.nl. A 192.0.2.1\n"),
			 -EINVAL);
	why = reader_error(stream.reader)->reason;
	assert_non_null(strstr(why, "the owner is outside miek.nl."));
	assert_int_equal(stream.change.count, 4);
}

static void a_failed_write_has_written_nothing(void **state)
{
	STREAM stream = stream_new(".", NULL);

	(void)state;
	assert_int_equal(feed_text(&stream, "a 60 A 192.0.2.1\nb 60 A 192."),
			 0);
	assert_int_equal(reader_tail(stream.reader), 11);
	/* Completes the tail, changes all state, and fails. */
	assert_int_equal(feed_text(&stream, "0.2.2\n$ORIGIN x.\n$TTL 5\nc A "
					    "192.0.2.3\nd TXT \"\nd A x\n\"x"
					    "\nd A x\n"),
			 -EINVAL);
	assert_int_equal(stream.change.count, 1);
	assert_int_equal(reader_tail(stream.reader), 11);
	/* Opens quote and parenthesis within the tail, and fails. */
	assert_int_equal(feed(&stream, "( \" \\\0", 6), -EINVAL);
	assert_int_equal(reader_tail(stream.reader), 11);

	assert_int_equal(feed_text(&stream, "0.2.9\n A 192.0.2.4\nc A "
					    "192.0.2.5\n"),
			 0);
	CLEANUP(freep) char *have = dump(&stream.change);

	assert_string_equal(have, "1 a. 60 A 192.0.2.1\n2 b. 60 A 192.0.2.9\n"
				  "3 b. 3600 A 192.0.2.4\n"
				  "4 c. 3600 A 192.0.2.5\n");
}

static void an_end_that_fails_leaves_the_tail(void **state)
{
	STREAM stream = stream_new(".", NULL);

	(void)state;
	assert_int_equal(feed_text(&stream, "a A 192.0.2.1\na MX (10 "), 0);
	assert_int_equal(reader_end(stream.reader, &stream.change), -EINVAL);
	assert_int_equal(reader_tail(stream.reader), 9);
	assert_int_equal(reader_error(stream.reader)->line, 2);
	assert_string_equal(reader_error(stream.reader)->text, "a MX (10 ");
	assert_int_equal(feed_text(&stream, "b ) c"), 0);
	assert_int_equal(reader_end(stream.reader, &stream.change), -EINVAL);
	assert_int_equal(feed_text(&stream, "\n"), -EINVAL);
	assert_int_equal(stream.change.count, 1);

	reader_refuse_tail(stream.reader, "no newline");
	assert_string_equal(reader_error(stream.reader)->reason, "no newline");
	assert_string_equal(reader_error(stream.reader)->text,
			    "a MX (10 b ) c");
}

static void lines_go_on_after_an_end(void **state)
{
	STREAM stream = stream_new(".", NULL);

	(void)state;
	assert_int_equal(read_all(&stream, "a A 192.0.2.1"), 0);
	assert_int_equal(reader_tail(stream.reader), 0);
	assert_int_equal(read_all(&stream, "  A 192.0.2.2\n; end"), 0);
	assert_int_equal(read_all(&stream, "  "), 0);
	assert_int_equal(read_all(&stream, "b A 192.0.2.3"), 0);
	CLEANUP(freep) char *have = dump(&stream.change);

	assert_string_equal(have,
			    "1 a. 3600 A 192.0.2.1\n2 a. 3600 A 192.0.2.2\n"
			    "5 b. 3600 A 192.0.2.3\n");
}

/* What the store refuses later is taken back as if it had not been read. */
static void a_read_can_be_undone(void **state)
{
	static const struct {
		const char *text, *rest;
	} firsts[] = {
		{"", ""},
		{"a 5 A 192.0.2.", "1"},
		{"a 5 TXT \"(", ")\""},
	};
	static const char *const seconds[] = {
		NULL,
		"",
		"9",
		"9\n",
		"9\n$ORIGIN x.\n$TTL 7\nb A 192.0.2.1\nc",
		"9\"\nd NS e\n",
		"\n\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(firsts) * ARRAY_SIZE(seconds); i++) {
		const char *first = firsts[i % ARRAY_SIZE(firsts)].text;
		const char *rest = firsts[i % ARRAY_SIZE(firsts)].rest;
		const char *second = seconds[i / ARRAY_SIZE(firsts)];
		STREAM undone = stream_new(".", NULL);
		STREAM plain = stream_new(".", NULL);
		struct change_mark before;
		size_t at;

		assert_int_equal(feed_text(&undone, "z 5 A 192.0.2.8\n"), 0);
		assert_int_equal(feed_text(&plain, "z 5 A 192.0.2.8\n"), 0);
		if (first[0])
			assert_int_equal(feed_text(&undone, first), 0);
		assert_int_equal(feed_text(&plain, first), 0);
		for (at = 0; at < 2; at++) {
			before = change_mark(&undone.change);
			if (at == 0 &&
			    (!second || feed_text(&undone, second) < 0))
				continue;
			if (at == 1 &&
			    reader_end(undone.reader, &undone.change) < 0)
				continue;
			reader_undo(undone.reader);
			change_rewind(&undone.change, before);
		}
		assert_int_equal(reader_tail(undone.reader), strlen(first));
		assert_int_equal(feed_text(&undone, rest), 0);
		assert_int_equal(feed_text(&plain, rest), 0);
		rest = "\n A 192.0.2.7\nb A 192.0.2.6\n";
		assert_int_equal(feed_text(&undone, rest), 0);
		assert_int_equal(feed_text(&plain, rest), 0);
		CLEANUP(freep) char *have = dump(&undone.change);
		CLEANUP(freep) char *want = dump(&plain.change);

		assert_string_equal(have, want);
	}
}

static void an_entry_ends_at_512_kib(void **state)
{
	static const char head[] = "a TXT (";
	CLEANUP(freep) char *text = malloc(READER_LINE_SIZE + 2);
	size_t len = READER_LINE_SIZE, at, piece;
	int r;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', len + 2);
	memcpy(text, head, sizeof(head) - 1);
	memcpy(text + len - 3, "x)\n", 3);
	{
		STREAM stream = stream_new(".", NULL);

		assert_int_equal(feed(&stream, text, len), 0);
		assert_int_equal(stream.change.count, 1);
	}
	memcpy(text + len - 3, " x)\n", 4);
	{
		STREAM stream = stream_new(".", NULL);

		assert_int_equal(feed(&stream, text, len + 1), -EINVAL);
		assert_int_equal(stream.change.count, 0);
	}
	for (piece = 1; piece < 9000; piece += 4321) {
		STREAM stream = stream_new(".", NULL);

		r = 0;
		for (at = 0; r == 0 && at < len + 1; at += piece)
			r = feed(&stream, text + at,
				 len + 1 - at < piece ? len + 1 - at : piece);
		assert_int_equal(r, -EINVAL);
		assert_true(at >= len);
		assert_true(reader_tail(stream.reader) <= READER_LINE_SIZE);
		assert_non_null(
			strstr(reader_error(stream.reader)->reason, "512 KiB"));
	}
}

/* --- files, splits and noise --- */

static char *read_file(const char *path)
{
	struct buffer text = {0};
	FILE *file = fopen(path, "r");
	size_t len;

	if (!file)
		return NULL;
	do {
		assert_int_equal(buffer_reserve(&text, 65536), 0);
		len = fread(text.data + text.len, 1, 65535, file);
		text.len += len;
	} while (len);
	fclose(file);
	assert_int_equal(buffer_add(&text, "", 1), 0);
	return (char *)text.data;
}

static void the_root_hints_read(void **state)
{
	CLEANUP(freep) char *text = read_file(ROOT_HINTS);
	STREAM stream = stream_new(".", NULL);

	(void)state;
	if (!text)
		skip();
	assert_int_equal(read_all(&stream, text), 0);
	assert_int_equal(stream.change.count, 39);
}

/* Every piece of syntax, and errors. */
static const char *const pieces[] = {
	"a A 192.0.2.1\n",
	"  AAAA ::1\n",
	"$ORIGIN x.\n",
	"$TTL 1h\n",
	"b 5 IN TXT \"a b\" c ; d\n",
	"c TXT \"x\ny\\\"\" z\n",
	"@ SOA a b ( 1 ; \"(\n 2 3\n4\n5 )\n",
	"\n",
	"; \" ( \\\n",
	"\r\n",
	"d A 192.0.2.2\r\n",
	"\\$e.f\\.g MX ( 10 h )\n",
	"i TXT j\\;k\\\\\n",
	"$ORIGIN y\n",
	"@ NS @\n",
	"k TYPE1 \\# 4 01020304\n",
	"\xef\xbb\xbf",
	"l HTTPS 1 . alpn=\"h2\"\n",
	"\"",
	"(",
	")",
	"\\",
	"$INCLUDE z\n",
	"m A x\n",
	"\x01",
	"\r",
};

static void random_file(struct buffer *out)
{
	/* The last ones are errors: leave them out mostly. */
	size_t most = chance(4) ? ARRAY_SIZE(pieces) - 8 : ARRAY_SIZE(pieces);
	uint32_t count = chance(30);
	const char *piece;

	out->len = 0;
	while (count--) {
		piece = pieces[chance((uint32_t)most)];
		assert_int_equal(buffer_add_text(out, piece), 0);
	}
}

/* Feeds in pieces of up to @most octets until one fails. */
static int feed_split(struct stream *stream, const uint8_t *text, size_t len,
		      uint32_t most)
{
	size_t at = 0, piece;
	int r = 0;

	while (r == 0 && at < len) {
		piece = most == 1 ? 1 : chance(most + 1);
		if (piece > len - at)
			piece = len - at;
		r = feed(stream, (const char *)text + at, piece);
		at += piece;
	}
	return r < 0 ? r : reader_end(stream->reader, &stream->change);
}

static void assert_same_error(const struct reader *a, const struct reader *b)
{
	const struct refusal *x = reader_error(a), *y = reader_error(b);

	assert_int_equal(x->line, y->line);
	assert_string_equal(x->text, y->text);
	assert_string_equal(x->reason, y->reason);
}

static void splits_make_no_difference(void **state)
{
	static const uint32_t sizes[] = {1, 2, 7, 40, 200};
	CLEANUP(buffer_deinit) struct buffer text = {0};
	size_t j;
	int i, r;

	(void)state;
	for (i = 0; i < 3000; i++) {
		STREAM whole = stream_new(".", NULL);

		random_file(&text);
		r = feed(&whole, (char *)text.data, text.len);
		if (r == 0)
			r = reader_end(whole.reader, &whole.change);
		CLEANUP(freep) char *records = dump(&whole.change);

		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			STREAM split = stream_new(".", NULL);

			assert_int_equal(feed_split(&split, text.data, text.len,
						    sizes[j]),
					 r);
			if (r < 0) {
				assert_same_error(split.reader, whole.reader);
				continue;
			}
			CLEANUP(freep) char *have = dump(&split.change);

			assert_string_equal(have, records);
		}
	}
}

static void what_was_read_prints_and_reads_again(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0}, again = {0};
	struct change_item item;
	char owner[NAME_TEXT_SIZE];
	size_t at;
	int i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		STREAM first = stream_new(".", NULL);
		STREAM second = stream_new("elsewhere.", NULL);

		random_file(&text);
		feed(&first, (char *)text.data, text.len);
		again.len = 0;
		for (at = 0; change_next(&first.change, &at, &item);) {
			name_to_text(&item.rr.owner, owner);
			rr_to_text(owner, strlen(owner), item.rr.type,
				   item.rr.ttl, item.rr.rdata, item.rr.rdlen,
				   &again);
			buffer_add(&again, "\n", 1);
		}
		assert_int_equal(feed(&second, (char *)again.data, again.len),
				 0);
		assert_int_equal(second.change.count, first.change.count);
	}
}

static void noise_is_refused_or_taken_and_never_more(void **state)
{
	static const char octets[] = "aA1 \t\n\r\"\\();$@.#IN\0\x80\f";
	uint8_t text[200];
	size_t i, len;
	int j;

	(void)state;
	for (j = 0; j < 30000; j++) {
		STREAM stream = stream_new(".", chance(2) ? NULL : "a.");
		struct change_mark before;
		size_t tail;

		while (chance(4)) {
			len = chance(sizeof(text));
			for (i = 0; i < len; i++)
				text[i] = chance(20)
						  ? (uint8_t)octets[chance(
							    sizeof(octets) - 1)]
						  : (uint8_t)chance(256);
			before = change_mark(&stream.change);
			tail = reader_tail(stream.reader);
			if (feed(&stream, (char *)text, len) == 0)
				continue;
			assert_int_equal(stream.change.count, before.count);
			assert_int_equal(stream.change.items.len, before.len);
			assert_int_equal(reader_tail(stream.reader), tail);
		}
		reader_end(stream.reader, &stream.change);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_master_file_reads_as_rfc_1035_has_it),
		cmocka_unit_test(names_are_relative_to_the_origin_given),
		cmocka_unit_test(an_at_sign_without_an_origin_is_refused),
		cmocka_unit_test(an_origin_that_is_undone_is_none),
		cmocka_unit_test(what_is_no_record_is_refused_with_its_reason),
		cmocka_unit_test(a_nul_octet_is_refused_wherever_it_stands),
		cmocka_unit_test(the_error_shows_the_start_of_the_entry),
		cmocka_unit_test(records_of_another_owner_are_refused),
		cmocka_unit_test(records_outside_of_a_zone_are_refused),
		cmocka_unit_test(a_failed_write_has_written_nothing),
		cmocka_unit_test(an_end_that_fails_leaves_the_tail),
		cmocka_unit_test(lines_go_on_after_an_end),
		cmocka_unit_test(a_read_can_be_undone),
		cmocka_unit_test(an_entry_ends_at_512_kib),
		cmocka_unit_test(the_root_hints_read),
		cmocka_unit_test(splits_make_no_difference),
		cmocka_unit_test(what_was_read_prints_and_reads_again),
		cmocka_unit_test(noise_is_refused_or_taken_and_never_more),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
