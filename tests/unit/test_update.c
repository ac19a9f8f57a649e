// SPDX-License-Identifier: Apache-2.0
/*
 * Dynamic updates, as RFC 2136 has them: each form of prerequisite of section
 * 3.2, and each rule of section 3.4. A message is written here a line for each
 * record: its section ("pre" or "up"), name, class, type, TTL and RDATA.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/store/update.h"
#include "tests/unit/tables.h"

static const char *zone_name = "ex.";

/* All tests begin with this. */
#define SOA "ex. 60 SOA ns.ex. h.ex. 10 2 3 4 5\n"
#define NS  "ex. 60 NS ns.ex.\n"

static const char *zone = SOA NS "a.ex. 60 A 192.0.2.1\n"
				 "a.ex. 60 A 192.0.2.2\n"
				 "a.ex. 60 TXT \"x\"\n"
				 "c.ex. 60 CNAME a.ex.\n"
				 "w.ex. 60 WKS 192.0.2.1 TCP 25\n"
				 "deep.ent.ex. 60 TXT \"y\"\n"
				 "sub.ex. 60 SOA ns.ex. h.ex. 1 2 3 4 5\n"
				 "sub.ex. 60 NS ns.ex.\n";

/* ---- Messages ---- */

struct message {
	uint8_t octets[MESSAGE_TCP_SIZE];
	size_t len;
};

static void put(struct message *message, const void *octets, size_t len)
{
	assert_true(message->len + len <= sizeof(message->octets));
	if (len)
		memcpy(message->octets + message->len, octets, len);
	message->len += len;
}

static uint16_t class_of(const char *word)
{
	return !strcmp(word, "IN")     ? RR_CLASS_IN
	       : !strcmp(word, "ANY")  ? RR_CLASS_ANY
	       : !strcmp(word, "NONE") ? RR_CLASS_NONE
				       : 3;
}

static void put_rdata(struct message *message, uint16_t type, const char *text)
{
	CLEANUP(buffer_deinit) struct buffer rdata = {0};
	struct lexer lexer = lexer_begin(text, strlen(text), NULL);
	struct rr_measure measure;
	uint8_t len[2] = {0};
	struct name root;

	name_root(&root);
	if (*text)
		assert_int_equal(rr_rdata_from_text(type, &lexer, &root, &rdata,
						    &measure),
				 0);
	put_u16(len, (uint16_t)rdata.len);
	put(message, len, sizeof(len));
	put(message, rdata.data, rdata.len);
}

static void put_line(struct message *message, const char *lines)
{
	char line[1024];
	char section[8], owner[256], class[8], type[16], rdata[512] = "";
	uint8_t head[RR_HEAD_RDLENGTH], *count;
	unsigned ttl;
	uint16_t number;
	struct name name;

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(lines, "\n"), lines);
	assert_true(sscanf(line, "%7s %255s %7s %15s %u %511[^\n]", section,
			   owner, class, type, &ttl, rdata) >= 5);
	name = test_name(owner);
	if (!strcmp(type, "ANY"))
		number = RR_ANY;
	else
		assert_int_equal(rr_type_from_text(type, strlen(type), &number),
				 0);
	put_u16(head, number);
	put_u16(head + RR_HEAD_CLASS, class_of(class));
	put_u32(head + RR_HEAD_TTL, ttl);
	put(message, name.wire, name.len);
	put(message, head, sizeof(head));
	put_rdata(message, rr_type_is_data(number) ? number : RR_TXT, rdata);
	count = message->octets +
		(*section == 'p' ? MESSAGE_ANCOUNT : MESSAGE_NSCOUNT);
	put_u16(count, (uint16_t)(get_u16(count) + 1));
}

static void begin(struct message *message)
{
	struct name name = test_name(zone_name);
	static const uint8_t tail[] = {0, RR_SOA, 0, RR_CLASS_IN};

	memset(message->octets, 0, MESSAGE_HEAD_SIZE);
	put_u16(message->octets + MESSAGE_QDCOUNT, 1);
	message->len = MESSAGE_HEAD_SIZE;
	put(message, name.wire, name.len);
	put(message, tail, sizeof(tail));
}

static void write_message(struct message *message, const char *lines)
{
	begin(message);
	for (; *lines; lines += strcspn(lines, "\n") + 1)
		put_line(message, lines);
}

/* ---- Running one ---- */

/* Nobody may touch this name, and nobody this type. */
static bool may(void *arg, const struct name *name, uint16_t type)
{
	struct name kept = test_name("kept.ex.");

	(void)arg;
	return !name_equal(name, &kept) && type != RR_AAAA;
}

static enum rcode run(uint32_t table, const struct message *message)
{
	CLEANUP(change_deinit) struct change done = {0};
	CLEANUP(update_freep) struct update *update = NULL;
	struct name apex = test_name(zone_name);
	struct refusal why = {0};
	enum rcode rcode;
	MDB_txn *txn;
	int r = update_parse(&update, message->octets, message->len, &apex, may,
			     NULL, &why);

	if (r == -EBADMSG) {
		assert_true(why.reason[0]);
		return RCODE_FORMERR;
	}
	assert_int_equal(r, 0);
	txn = test_begin();
	assert_int_equal(update_run(update, &tt.tables, txn, table, 1, &done,
				    &rcode, &why),
			 0);
	test_commit(txn);
	if (rcode != RCODE_NOERROR) {
		assert_int_equal(done.count, 0);
		assert_true(why.reason[0] && why.text[0]);
	}
	return rcode;
}

static bool has_line(const char *text, const char *line)
{
	const char *at = strstr(text, line);

	while (at && at > text && at[-1] != '\n')
		at = strstr(at + 1, line);
	return at;
}

/* The lines of @after that @before has not, and the other way round. */
static void diff(const char *before, const char *after, char sign,
		 struct buffer *out)
{
	for (const char *line = after; *line; line = strchr(line, '\n') + 1) {
		char text[1024];

		snprintf(text, sizeof(text), "%.*s\n", (int)strcspn(line, "\n"),
			 line);
		if (has_line(before, text))
			continue;
		for (char *tab = text; (tab = strchr(tab, '\t'));)
			*tab = ' ';
		assert_int_equal(buffer_printf(out, "%c%s", sign, text), 0);
	}
}

static uint32_t load(const char *text)
{
	uint32_t table = test_new_table();

	assert_int_equal(test_apply(table, text, false, NULL), 0);
	return table;
}

struct update_case {
	const char *message;
	enum rcode rcode;
	const char *change; /* "-" lines that went, then "+" that came */
};

static void check(const struct update_case *cases, size_t count)
{
	static struct message message;

	for (size_t i = 0; i < count; i++) {
		CLEANUP(buffer_deinit) struct buffer change = {0};
		CLEANUP(freep) char *before = NULL;
		CLEANUP(freep) char *after = NULL;
		uint32_t table = load(zone);
		enum rcode rcode;

		before = test_dump(table);
		write_message(&message, cases[i].message);
		rcode = run(table, &message);
		after = test_dump(table);
		diff(after, before, '-', &change);
		diff(before, after, '+', &change);
		buffer_add(&change, "", 1);
		if (rcode != cases[i].rcode ||
		    strcmp((char *)change.data, cases[i].change) != 0)
			fail_msg("%srcode %d:\n%s", cases[i].message, rcode,
				 change.data);
	}
}

/* ---- Section 3.2 ---- */

#define ADD_B "up b.ex. IN A 60 192.0.2.9\n"
#define HAS_B "+b.ex. 60 IN A 192.0.2.9\n"

static void prerequisites(void **state)
{
	static const struct update_case cases[] = {
		{ADD_B, RCODE_NOERROR, HAS_B},
		/* 3.2.1, 2.4.1: an RRset is there, whatever it holds. */
		{"pre a.ex. ANY A 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre A.EX. ANY TXT 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre a.ex. ANY MX 0\n" ADD_B, RCODE_NXRRSET, ""},
		{"pre x.ex. ANY A 0\n" ADD_B, RCODE_NXRRSET, ""},
		/* 2.4.2: with these records, whole sets, TTLs ignored. */
		{"pre a.ex. IN A 0 192.0.2.2\npre a.ex. IN A 0 "
		 "192.0.2.1\n" ADD_B,
		 RCODE_NOERROR, HAS_B},
		{"pre a.ex. IN A 0 192.0.2.1\n" ADD_B, RCODE_NXRRSET, ""},
		{"pre a.ex. IN A 0 192.0.2.1\npre a.ex. IN A 0 192.0.2.2\n"
		 "pre a.ex. IN A 0 192.0.2.3\n" ADD_B,
		 RCODE_NXRRSET, ""},
		{"pre a.ex. IN A 0 192.0.2.1\npre a.ex. IN A 0 "
		 "192.0.2.3\n" ADD_B,
		 RCODE_NXRRSET, ""},
		{"pre a.ex. IN TXT 0 \"X\"\n" ADD_B, RCODE_NXRRSET, ""},
		{"pre c.ex. IN CNAME 0 A.Ex.\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre x.ex. IN A 0 192.0.2.1\n" ADD_B, RCODE_NXRRSET, ""},
		/* 2.4.3: an RRset is not there. */
		{"pre a.ex. NONE MX 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre x.ex. NONE A 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre a.ex. NONE A 0\n" ADD_B, RCODE_YXRRSET, ""},
		/* 2.4.4, 2.4.5: a name is in use, or not. */
		{"pre a.ex. ANY ANY 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre x.ex. ANY ANY 0\n" ADD_B, RCODE_NXDOMAIN, ""},
		{"pre ent.ex. ANY ANY 0\n" ADD_B, RCODE_NXDOMAIN, ""},
		{"pre x.ex. NONE ANY 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre ent.ex. NONE ANY 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"pre a.ex. NONE ANY 0\n" ADD_B, RCODE_YXDOMAIN, ""},
		/* Malformed ones. */
		{"pre a.ex. ANY A 1\n" ADD_B, RCODE_FORMERR, ""},
		{"pre a.ex. ANY A 0 192.0.2.1\n" ADD_B, RCODE_FORMERR, ""},
		{"pre a.ex. NONE A 0 192.0.2.1\n" ADD_B, RCODE_FORMERR, ""},
		{"pre a.ex. IN A 5 192.0.2.1\n" ADD_B, RCODE_FORMERR, ""},
		{"pre a.ex. CH A 0\n" ADD_B, RCODE_FORMERR, ""},
		{"pre a.ex. IN ANY 0\n" ADD_B, RCODE_FORMERR, ""},
		/* In their order. */
		{"pre x.ex. ANY A 0\npre a.ex. ANY A 1\n" ADD_B, RCODE_NXRRSET,
		 ""},
		{"pre x.ex. ANY A 0\npre a.ex. CH A 0\n" ADD_B, RCODE_NXRRSET,
		 ""},
		{"pre a.ex. ANY A 1\npre x.ex. ANY A 0\n" ADD_B, RCODE_FORMERR,
		 ""},
		{"pre a.net. CH A 0\n" ADD_B, RCODE_NOTZONE, ""},
		/* Of another zone, or one in this. */
		{"pre a.other. ANY A 0\n" ADD_B, RCODE_NOTZONE, ""},
		{"pre www.sub.ex. NONE A 0\n" ADD_B, RCODE_NOTZONE, ""},
		{"pre sub.ex. NONE DS 0\n" ADD_B, RCODE_NOERROR, HAS_B},
		/* The first that is not true tells. */
		{"pre x.ex. ANY ANY 0\npre a.ex. NONE A 0\n" ADD_B,
		 RCODE_NXDOMAIN, ""},
		/* And they come before what speaks against the changes. */
		{"pre x.ex. ANY ANY 0\nup a.other. IN A 1 192.0.2.1\n",
		 RCODE_NXDOMAIN, ""},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

/* ---- Section 3.4.1 ---- */

static void all_changes_are_looked_at_first(void **state)
{
	static const struct update_case cases[] = {
		{ADD_B "up a.other. IN A 1 192.0.2.1\n", RCODE_NOTZONE, ""},
		{ADD_B "up www.sub.ex. IN A 1 192.0.2.1\n", RCODE_NOTZONE, ""},
		{ADD_B "up sub.ex. ANY ANY 0\n", RCODE_NOTZONE, ""},
		{ADD_B "up a.ex. IN ANY 1\n", RCODE_FORMERR, ""},
		{ADD_B "up a.ex. ANY A 1\n", RCODE_FORMERR, ""},
		{ADD_B "up a.ex. ANY A 0 192.0.2.1\n", RCODE_FORMERR, ""},
		{ADD_B "up a.ex. NONE A 1 192.0.2.1\n", RCODE_FORMERR, ""},
		{ADD_B "up a.ex. NONE ANY 0\n", RCODE_FORMERR, ""},
		{ADD_B "up a.ex. CH A 0 192.0.2.1\n", RCODE_FORMERR, ""},
		{ADD_B "up kept.ex. IN A 0 192.0.2.1\n", RCODE_REFUSED, ""},
		{ADD_B "up kept.ex. ANY ANY 0\n", RCODE_REFUSED, ""},
		{ADD_B "up a.ex. IN AAAA 0 2001:db8::1\n", RCODE_REFUSED, ""},
		/* The first in the message tells. */
		{"up kept.ex. ANY ANY 0\nup a.other. IN A 1 192.0.2.1\n",
		 RCODE_REFUSED, ""},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

/* ---- Section 3.4.2 ---- */

static void records_are_added(void **state)
{
	static const struct update_case cases[] = {
		{"up a.ex. IN A 60 192.0.2.3\n", RCODE_NOERROR,
		 "+a.ex. 60 IN A 192.0.2.3\n"},
		/* One that is there gets the TTL, and with it all of them. */
		{"up a.ex. IN A 60 192.0.2.1\n", RCODE_NOERROR, ""},
		{"up a.ex. IN A 0 192.0.2.1\n", RCODE_NOERROR,
		 "-a.ex. 60 IN A 192.0.2.1\n-a.ex. 60 IN A 192.0.2.2\n"
		 "+a.ex. 0 IN A 192.0.2.1\n+a.ex. 0 IN A 192.0.2.2\n"},
		/* CNAME and other data: in silence. */
		{"up a.ex. IN CNAME 60 b.ex.\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"up c.ex. IN A 60 192.0.2.3\n" ADD_B, RCODE_NOERROR, HAS_B},
		{"up c.ex. IN CNAME 60 b.ex.\n", RCODE_NOERROR,
		 "-c.ex. 60 IN CNAME a.ex.\n+c.ex. 60 IN CNAME b.ex.\n"},
		/* In the order of the message. */
		{"up a.ex. ANY ANY 0\nup a.ex. IN CNAME 60 b.ex.\n",
		 RCODE_NOERROR,
		 "-a.ex. 60 IN A 192.0.2.1\n-a.ex. 60 IN A 192.0.2.2\n"
		 "-a.ex. 60 IN TXT \"x\"\n+a.ex. 60 IN CNAME b.ex.\n"},
		{"up c.ex. ANY CNAME 0\nup c.ex. IN A 60 192.0.2.3\n",
		 RCODE_NOERROR,
		 "-c.ex. 60 IN CNAME a.ex.\n+c.ex. 60 IN A 192.0.2.3\n"},
		{"up n.ex. IN A 60 192.0.2.3\nup n.ex. ANY A 0\n",
		 RCODE_NOERROR, ""},
		/* An SOA for the one there is, and only forward. */
		{"up ex. IN SOA 60 ns.ex. h.ex. 11 2 3 4 5\n", RCODE_NOERROR,
		 "-ex. 60 IN SOA ns.ex. h.ex. 10 2 3 4 5\n"
		 "+ex. 60 IN SOA ns.ex. h.ex. 11 2 3 4 5\n"},
		{"up ex. IN SOA 60 ns.ex. h.ex. 10 9 9 9 9\n", RCODE_NOERROR,
		 ""},
		{"up ex. IN SOA 60 ns.ex. h.ex. 9 9 9 9 9\n", RCODE_NOERROR,
		 ""},
		{"up b.ex. IN SOA 60 ns.ex. h.ex. 99 9 9 9 9\n", RCODE_NOERROR,
		 ""},
		/* WKS of one address and protocol replaces. */
		{"up w.ex. IN WKS 60 192.0.2.1 TCP 26\n", RCODE_NOERROR,
		 "-w.ex. 60 IN WKS 192.0.2.1 6 25\n"
		 "+w.ex. 60 IN WKS 192.0.2.1 6 26\n"},
		{"up w.ex. IN WKS 60 192.0.2.1 UDP 26\n", RCODE_NOERROR,
		 "+w.ex. 60 IN WKS 192.0.2.1 17 26\n"},
		/* The DS of a zone in this one is this one's. */
		{"up sub.ex. IN DS 60 1 8 2 "
		 "000102030405060708090a0b0c0d0e0f"
		 "000102030405060708090a0b0c0d0e0f\n",
		 RCODE_NOERROR,
		 "+sub.ex. 60 IN DS 1 8 2 "
		 "000102030405060708090a0b0c0d0e0f"
		 "000102030405060708090a0b0c0d0e0f\n"},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

#define DIGEST                                                                 \
	"000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"

/* RFC 4035, section 2.4. */
static void a_ds_is_changed_by_the_zone_above_alone(void **state)
{
	static const struct update_case
		below[] =
			{
				{"up sub.ex. IN DS 60 2 8 2 " DIGEST "\n",
				 RCODE_NOTZONE, ""},
				{"up sub.ex. ANY DS 0\n", RCODE_NOTZONE, ""},
				{"up sub.ex. NONE DS 0 1 8 2 " DIGEST "\n",
				 RCODE_NOTZONE, ""},
				{"up sub.ex. ANY ANY 0\n", RCODE_NOERROR,
				 "-sub.ex. 60 IN TXT \"x\"\n"},
				{"up deep.sub.ex. IN DS 60 2 8 2 " DIGEST "\n",
				 RCODE_NOERROR,
				 "+deep.sub.ex. 60 IN DS 2 8 2 " DIGEST "\n"},
			},
		above[] = {
			{"up sub.ex. ANY DS 0\n", RCODE_NOERROR,
			 "-sub.ex. 60 IN DS 1 8 2 " DIGEST "\n"},
			/* That one's zone above is nested in this one. */
			{"up deep.sub.ex. IN DS 60 2 8 2 " DIGEST "\n",
			 RCODE_NOTZONE, ""},
			{"up ex. IN DS 60 2 8 2 " DIGEST "\nup ex. ANY ANY 0\n",
			 RCODE_NOERROR, ""},
		};
	const char *before = zone;

	(void)state;
	zone = SOA NS "sub.ex. 60 SOA ns.ex. h.ex. 1 2 3 4 5\n"
		      "sub.ex. 60 NS ns.ex.\nsub.ex. 60 TXT x\n"
		      "sub.ex. 60 DS 1 8 2 " DIGEST "\n"
		      "deep.sub.ex. 60 SOA ns.ex. h.ex. 1 2 3 4 5\n";
	check(above, ARRAY_SIZE(above));
	zone_name = "sub.ex.";
	check(below, ARRAY_SIZE(below));
	zone_name = "ex.";
	zone = before;
}

static void records_are_deleted(void **state)
{
	static const struct update_case cases[] = {
		/* 3.4.2.3: RRsets. */
		{"up a.ex. ANY A 0\n", RCODE_NOERROR,
		 "-a.ex. 60 IN A 192.0.2.1\n-a.ex. 60 IN A 192.0.2.2\n"},
		{"up a.ex. ANY MX 0\nup x.ex. ANY A 0\n", RCODE_NOERROR, ""},
		{"up a.ex. ANY ANY 0\n", RCODE_NOERROR,
		 "-a.ex. 60 IN A 192.0.2.1\n-a.ex. 60 IN A 192.0.2.2\n"
		 "-a.ex. 60 IN TXT \"x\"\n"},
		/* The apex keeps its SOA and NS. */
		{"up ex. ANY SOA 0\nup ex. ANY NS 0\n", RCODE_NOERROR, ""},
		{"up ex. IN TXT 60 \"z\"\nup ex. ANY ANY 0\n", RCODE_NOERROR,
		 ""},
		/* 3.4.2.4: records. */
		{"up a.ex. NONE A 0 192.0.2.1\n", RCODE_NOERROR,
		 "-a.ex. 60 IN A 192.0.2.1\n"},
		{"up a.ex. NONE A 0 192.0.2.3\n", RCODE_NOERROR, ""},
		{"up c.ex. NONE CNAME 0 A.EX.\n", RCODE_NOERROR,
		 "-c.ex. 60 IN CNAME a.ex.\n"},
		{"up ex. NONE SOA 0 ns.ex. h.ex. 10 2 3 4 5\n", RCODE_NOERROR,
		 ""},
		/* The last NS stays; another one may take its place. */
		{"up ex. NONE NS 0 ns.ex.\n", RCODE_NOERROR, ""},
		{"up ex. NONE NS 0 ns.ex.\nup ex. IN NS 60 ns2.ex.\n",
		 RCODE_NOERROR, "+ex. 60 IN NS ns2.ex.\n"},
		{"up ex. IN NS 60 ns2.ex.\nup ex. NONE NS 0 ns.ex.\n",
		 RCODE_NOERROR,
		 "-ex. 60 IN NS ns.ex.\n+ex. 60 IN NS ns2.ex.\n"},
		/* Of a name that is no apex, all may go. */
		{"up b.ex. IN NS 60 ns.ex.\nup b.ex. NONE NS 0 ns.ex.\n",
		 RCODE_NOERROR, ""},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

/* ---- Messages ---- */

static void a_message_that_is_cut_off_is_malformed(void **state)
{
	static struct message message, cut;
	uint32_t table = load(zone);

	(void)state;
	write_message(&message, "pre a.ex. IN A 0 192.0.2.1\n" ADD_B);
	for (cut.len = 0; cut.len < message.len; cut.len++) {
		memcpy(cut.octets, message.octets, cut.len);
		assert_int_equal(run(table, &cut), RCODE_FORMERR);
	}
	put(&message, "", 1);
	assert_int_equal(run(table, &message), RCODE_FORMERR);
}

/* Thousands of changes to a name of as many records. */
static void a_large_one_takes_no_time(void **state)
{
	static struct message message;
	uint32_t table = load(SOA NS);
	CLEANUP(freep) char *dump = NULL;
	char line[128];
	unsigned count = 0;

	(void)state;
	begin(&message);
	for (; message.len < sizeof(message.octets) - 100; count++) {
		snprintf(line, sizeof(line), "up big.ex. IN A 60 10.0.%u.%u\n",
			 count / 256, count % 256);
		put_line(&message, line);
	}
	assert_true(count > 2500);
	assert_int_equal(run(table, &message), RCODE_NOERROR);
	dump = test_dump(table);
	assert_non_null(strstr(dump, "10.0.9.195\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prerequisites),
		cmocka_unit_test(all_changes_are_looked_at_first),
		cmocka_unit_test(records_are_added),
		cmocka_unit_test(a_ds_is_changed_by_the_zone_above_alone),
		cmocka_unit_test(records_are_deleted),
		cmocka_unit_test(a_message_that_is_cut_off_is_malformed),
		cmocka_unit_test(a_large_one_takes_no_time),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
