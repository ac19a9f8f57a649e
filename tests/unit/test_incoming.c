// SPDX-License-Identifier: Apache-2.0
/*
 * Transfers that come in: RFC 5936, section 2.2, and RFC 1995, section 4. They
 * are written here a word for each record: "S3" is the zone's SOA with serial
 * 3, "a1" is a.ex. A 192.0.2.1, "X1" is a name of another zone, "T2" the SOA of
 * a name below the apex; and "|" ends a message.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/store/incoming.h"
#include "tests/unit/tables.h"

#define ID 77

struct message {
	uint8_t octets[MESSAGE_TCP_SIZE];
	size_t len;
};

static void put(struct message *message, const void *octets, size_t len)
{
	assert_true(message->len + len <= sizeof(message->octets));
	memcpy(message->octets + message->len, octets, len);
	message->len += len;
}

static void begin(struct message *message)
{
	memset(message->octets, 0, MESSAGE_HEAD_SIZE);
	message->len = MESSAGE_HEAD_SIZE;
	put_u16(message->octets, ID);
	put_u16(message->octets + MESSAGE_FLAGS, MESSAGE_QR | MESSAGE_AA);
}

static void put_rr(struct message *message, const char *owner, uint16_t type,
		   const uint8_t *rdata, uint16_t rdlen)
{
	uint8_t *count = message->octets + MESSAGE_ANCOUNT;
	struct name name = test_name(owner);
	uint8_t head[RR_HEAD_SIZE] = {0};

	put_u16(head, type);
	put_u16(head + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u32(head + RR_HEAD_TTL, 60);
	put_u16(head + RR_HEAD_RDLENGTH, rdlen);
	put(message, name.wire, name.len);
	put(message, head, sizeof(head));
	put(message, rdata, rdlen);
	put_u16(count, (uint16_t)(get_u16(count) + 1));
}

static void put_word(struct message *message, const char *word)
{
	uint8_t soa[22] = {0}, a[4] = {192, 0, 2, 0};
	unsigned number = (unsigned)atoi(word + 1);
	char owner[16];

	put_u32(soa + 2, number);
	put_u32(soa + 18, 5);
	a[3] = (uint8_t)number;
	snprintf(owner, sizeof(owner), "%c.ex.", word[0]);
	if (word[0] == 'S')
		put_rr(message, "ex.", RR_SOA, soa, sizeof(soa));
	else if (word[0] == 'T')
		put_rr(message, "t.ex.", RR_SOA, soa, sizeof(soa));
	else if (word[0] == 'X')
		put_rr(message, "x.elsewhere.", RR_A, a, sizeof(a));
	else
		put_rr(message, owner, RR_A, a, sizeof(a));
}

/* The next message of the words; false: there is none. */
static bool next_message(const char **words, struct message *message)
{
	if (!*words)
		return false;
	begin(message);
	while (**words && **words != '|') {
		if (**words != ' ')
			put_word(message, *words);
		*words += **words == ' ' ? 1 : strcspn(*words, " |");
	}
	*words = **words ? *words + 1 : NULL;
	return true;
}

static struct incoming *new_incoming(uint16_t type, uint64_t most)
{
	struct incoming_request request = {
		.apex = test_name("ex."),
		.id = ID,
		.type = type,
		.has_serial = true,
		.serial = 1,
		.records_max = most,
	};
	struct incoming *incoming;

	assert_int_equal(incoming_new(&incoming, &request), 0);
	return incoming;
}

/* All messages of it, up to the first error or the end. */
static int take_all(struct incoming *incoming, const char *words,
		    struct change *zone, enum incoming_state *state,
		    struct refusal *why)
{
	struct message message;
	int r = 0;

	*state = INCOMING_MORE;
	while (r == 0 && *state == INCOMING_MORE &&
	       next_message(&words, &message))
		r = incoming_take(incoming, message.octets, message.len, zone,
				  state, why);
	return r;
}

static void all_forms_of_a_transfer_are_told_apart(void **unused)
{
	static const struct {
		uint16_t type;
		const char *words;
		int result;
		enum incoming_state state;
		size_t count; /* of records handed out */
	} cases[] = {
		{RR_AXFR, "S3 a1 b2 S3", 0, INCOMING_ZONE, 3},
		{RR_AXFR, "S3|a1|b2|S3", 0, INCOMING_ZONE, 3},
		{RR_AXFR, "S3 S3", 0, INCOMING_ZONE, 1},
		{RR_AXFR, "S3", 0, INCOMING_MORE, 0},
		{RR_AXFR, "S3 a1", 0, INCOMING_MORE, 1},
		/* Whatever its serial: an AXFR is taken. */
		{RR_AXFR, "S1 a1 S1", 0, INCOMING_ZONE, 2},
		{RR_AXFR, "a1 S3", -EBADMSG, 0, 0},
		{RR_AXFR, "S3 a1 S4", -EBADMSG, 0, 0},
		{RR_AXFR, "S3 S4 a1 S3", -EBADMSG, 0, 0},
		{RR_AXFR, "S3 a1 S3 b1", -EBADMSG, 0, 0},
		{RR_AXFR, "S3 X1 S3", -EBADMSG, 0, 0},
		{RR_AXFR, "S3 T1 S3", -EBADMSG, 0, 0},
		{RR_AXFR, "S3||S3", -EBADMSG, 0, 0},
		{RR_AXFR, "", -EBADMSG, 0, 0},
		/* The same, asked for as differences. */
		{RR_IXFR, "S3 a1 b2 S3", 0, INCOMING_ZONE, 3},
		{RR_IXFR, "S3|a1 b2 S3", 0, INCOMING_ZONE, 3},
		{RR_IXFR, "S3 S3", 0, INCOMING_ZONE, 1},
		/* There is nothing newer. */
		{RR_IXFR, "S1", 0, INCOMING_SAME, 0},
		/* Or only what is older: no zone goes back. */
		{RR_IXFR, "S0", -ERANGE, 0, 0},
		{RR_AXFR, "S0 a1 S0", -ERANGE, 0, 0},
		{RR_AXFR, "S1 a1 S1", 0, INCOMING_ZONE, 2},
		{RR_IXFR, "S3", 0, INCOMING_MORE, 0},
		/* Differences: one, several, empty ones. */
		{RR_IXFR, "S3 S1 a1 S3 b1 S3", 0, INCOMING_DIFFERENCES, 0},
		{RR_IXFR, "S3|S1|a1|S3|b1|S3", 0, INCOMING_DIFFERENCES, 0},
		{RR_IXFR, "S3 S1 a1 S2 b1 S2 b1 S3 c1 S3", 0,
		 INCOMING_DIFFERENCES, 0},
		{RR_IXFR, "S2 S1 S2 S2", 0, INCOMING_DIFFERENCES, 0},
		{RR_IXFR, "S3 S1 S2 S2 S3", 0, INCOMING_MORE, 0},
		{RR_IXFR, "S3 S2 a1 S3 b1 S3", -EBADMSG, 0, 0},
		{RR_IXFR, "S3 S1 a1 S2 b1 S3 c1 S3", -EBADMSG, 0, 0},
		{RR_IXFR, "S3 S1 a1 S3 b1 S3 c1", -EBADMSG, 0, 0},
		{RR_IXFR, "S3 S1 X1 S3 S3", -EBADMSG, 0, 0},
		{RR_IXFR, "S3 S1 T1 S3 S3", -EBADMSG, 0, 0},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CLEANUP(incoming_freep)
		struct incoming *incoming = new_incoming(cases[i].type, 0);
		CLEANUP(change_deinit) struct change zone = {0};
		struct refusal why = {0};
		enum incoming_state state;
		int r = take_all(incoming, cases[i].words, &zone, &state, &why);

		if (r != cases[i].result ||
		    (r == 0 &&
		     (state != cases[i].state || zone.count != cases[i].count)))
			fail_msg("\"%s\": %d, state %d, %zu records",
				 cases[i].words, r, state, zone.count);
		if (r == 0 && state != INCOMING_MORE)
			assert_int_equal(incoming_serial(incoming),
					 (unsigned)atoi(cases[i].words + 1));
		assert_true(r == 0 || why.reason[0]);
	}
}

static void what_answers_something_else_is_refused(void **unused)
{
	static const struct {
		size_t at; /* this octet of the message */
		uint8_t value;
		int result;
	} cases[] = {
		{1, ID + 1, -EBADMSG},		 /* its ID */
		{MESSAGE_FLAGS, 0, -EBADMSG},	 /* no response */
		{MESSAGE_FLAGS, 0xa0, -EBADMSG}, /* of NOTIFY */
		{MESSAGE_FLAGS, 0x86, -EBADMSG}, /* TC */
		{MESSAGE_FLAGS + 1, RCODE_REFUSED, -EREMOTEIO},
		{MESSAGE_QDCOUNT + 1, 2, -EBADMSG},
		{MESSAGE_QDCOUNT + 1, 1, -EBADMSG}, /* the SOA is no question */
		{MESSAGE_ANCOUNT + 1, 3, -EBADMSG}, /* cut off */
		{MESSAGE_ANCOUNT, 255, -EBADMSG},
		{MESSAGE_HEAD_SIZE, 0xc0, -EBADMSG}, /* points at itself */
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		CLEANUP(incoming_freep)
		struct incoming *incoming = new_incoming(RR_AXFR, 0);
		CLEANUP(change_deinit) struct change zone = {0};
		const char *words = "S3 a1";
		enum incoming_state state;
		struct message message;
		struct refusal why;

		next_message(&words, &message);
		message.octets[cases[i].at] = cases[i].value;
		assert_int_equal(incoming_take(incoming, message.octets,
					       message.len, &zone, &state,
					       &why),
				 cases[i].result);
	}
}

static void one_that_is_cut_off_anywhere_is_refused(void **unused)
{
	const char *words = "S3 a1 S3";
	struct message message;

	(void)unused;
	next_message(&words, &message);
	for (size_t len = 0; len < message.len; len++) {
		CLEANUP(incoming_freep)
		struct incoming *incoming = new_incoming(RR_AXFR, 0);
		CLEANUP(change_deinit) struct change zone = {0};
		enum incoming_state state;
		struct refusal why;

		assert_int_equal(incoming_take(incoming, message.octets, len,
					       &zone, &state, &why),
				 -EBADMSG);
	}
}

static void one_without_an_end_ends_at_max_records(void **unused)
{
	CLEANUP(incoming_freep)
	struct incoming *incoming = new_incoming(RR_AXFR, 100);
	CLEANUP(change_deinit) struct change zone = {0};
	enum incoming_state state = INCOMING_MORE;
	const char *words = "S3";
	struct message message;
	struct refusal why;
	unsigned taken = 0;
	int r;

	(void)unused;
	next_message(&words, &message);
	r = incoming_take(incoming, message.octets, message.len, &zone, &state,
			  &why);
	for (; r == 0 && taken < 1000; taken++) {
		words = "a1";
		next_message(&words, &message);
		r = incoming_take(incoming, message.octets, message.len, &zone,
				  &state, &why);
	}
	assert_int_equal(r, -EDQUOT);
	assert_in_range(taken, 100, 210);
}

static void so_many_differences_are_no_use(void **unused)
{
	CLEANUP(incoming_freep)
	struct incoming *incoming = new_incoming(RR_IXFR, 0);
	CLEANUP(change_deinit) struct change zone = {0};
	enum incoming_state state;
	const char *words = "S3 S1";
	static char many[6000];
	struct message message;
	struct refusal why;
	unsigned messages = 0;
	int r;

	(void)unused;
	for (size_t i = 0; i < 1500; i++)
		memcpy(many + 3 * i, "a1 ", 4);
	next_message(&words, &message);
	r = incoming_take(incoming, message.octets, message.len, &zone, &state,
			  &why);
	for (; r == 0; messages++) {
		words = many;
		next_message(&words, &message);
		r = incoming_take(incoming, message.octets, message.len, &zone,
				  &state, &why);
		assert_true(messages < 4096);
	}
	assert_int_equal(r, -EDQUOT);
}

/* ---- Differences, on what is there ---- */

#define BEFORE                                                                 \
	"ex. 60 SOA . . 1 0 0 0 5\na.ex. 60 A 192.0.2.1\n"                     \
	"a.ex. 60 A 192.0.2.2\nb.ex. 60 A 192.0.2.1\n"

static int apply(uint32_t table, const char *words)
{
	CLEANUP(incoming_freep)
	struct incoming *incoming = new_incoming(RR_IXFR, 0);
	CLEANUP(change_deinit) struct change zone = {0}, change = {0};
	enum incoming_state state;
	struct refusal why;
	MDB_txn *txn = test_begin();
	int r;

	assert_int_equal(take_all(incoming, words, &zone, &state, &why), 0);
	assert_int_equal(state, INCOMING_DIFFERENCES);
	r = incoming_differences(incoming, &tt.tables, txn, table, &change);
	if (r == 0)
		r = table_apply(&tt.tables, txn, table, &change, false, 1,
				&why);
	test_commit(txn);
	return r;
}

static void differences_are_made_in_order(void **unused)
{
	static const struct {
		const char *words;
		int result;
		const char *after; /* without the SOA's line */
	} cases[] = {
		{"S2 S1 a1 S2 c1 S2", 0,
		 "a.ex.\t60\tIN\tA\t192.0.2.2\nb.ex.\t60\tIN\tA\t192.0.2.1\n"
		 "c.ex.\t60\tIN\tA\t192.0.2.1\n"},
		/* What comes may go again. */
		{"S3 S1 S2 c1 S2 c1 S3 c2 S3", 0,
		 "a.ex.\t60\tIN\tA\t192.0.2.1\na.ex.\t60\tIN\tA\t192.0.2.2\n"
		 "b.ex.\t60\tIN\tA\t192.0.2.1\nc.ex.\t60\tIN\tA\t192.0.2.2\n"},
		/* A name that loses all it has. */
		{"S2 S1 a1 a2 b1 S2 S2", 0, ""},
		/* These help nobody. */
		{"S2 S1 a3 S2 S2", ESTALE, NULL},
		{"S2 S1 q1 S2 S2", ESTALE, NULL},
		{"S3 S1 a1 S2 S2 a1 S3 S3", ESTALE, NULL},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t table = test_new_table();
		struct refusal why;
		char *dump;

		assert_int_equal(test_apply(table, BEFORE, false, &why), 0);
		assert_int_equal(apply(table, cases[i].words), cases[i].result);
		if (!cases[i].after)
			continue;
		dump = test_dump(table);
		assert_string_equal(strchr(dump, '\n') + 1, cases[i].after);
		free(dump);
	}
}

/* Nor do they change a zone that is nested in it. */
static void what_is_nested_is_left_out_of_differences(void **unused)
{
	uint32_t table = test_new_table();
	struct refusal why;
	char *dump;

	(void)unused;
	assert_int_equal(test_apply(table,
				    BEFORE
				    "n.ex. 60 SOA . . 7 0 0 0 5\n"
				    "n.ex. 60 A 192.0.2.1\nx.n.ex. 60 TXT x\n",
				    false, &why),
			 0);
	assert_int_equal(apply(table, "S2 S1 b1 n1 n9 S2 n2 c1 S2"), 0);
	dump = test_dump(table);
	assert_string_equal(strchr(dump, '\n') + 1,
			    "a.ex.\t60\tIN\tA\t192.0.2.1\n"
			    "a.ex.\t60\tIN\tA\t192.0.2.2\n"
			    "c.ex.\t60\tIN\tA\t192.0.2.1\n"
			    "n.ex.\t60\tIN\tSOA\t. . 7 0 0 0 5\n"
			    "n.ex.\t60\tIN\tA\t192.0.2.1\n"
			    "x.n.ex.\t60\tIN\tTXT\t\"x\"\n");
	free(dump);
}

static void differences_from_another_serial_are_no_use(void **unused)
{
	uint32_t table = test_new_table();
	struct refusal why;

	(void)unused;
	/* It is another one by now. */
	assert_int_equal(
		test_apply(table, "ex. 60 SOA . . 9 0 0 0 5\n", false, &why),
		0);
	assert_int_equal(apply(table, "S2 S1 S2 c1 S2"), ESTALE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_forms_of_a_transfer_are_told_apart),
		cmocka_unit_test(what_answers_something_else_is_refused),
		cmocka_unit_test(one_that_is_cut_off_anywhere_is_refused),
		cmocka_unit_test(one_without_an_end_ends_at_max_records),
		cmocka_unit_test(so_many_differences_are_no_use),
		cmocka_unit_test(differences_are_made_in_order),
		cmocka_unit_test(what_is_nested_is_left_out_of_differences),
		cmocka_unit_test(differences_from_another_serial_are_no_use),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
