// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/fuse.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/fleet/wire.h"

#define INCARNATION 77
#define SESSION	    88
#define ROOM	    64 /* for what a body that is too short should have */

/* ---- Messages ---- */

/* One that passes, of @kind with a body of @len octets. */
static uint8_t *make(enum wire_kind kind, size_t len)
{
	uint8_t *octets = calloc(1, sizeof(struct wire_head) + len + ROOM);
	struct wire_head *head = (struct wire_head *)octets;

	assert_non_null(octets);
	wire_begin(head, kind, INCARNATION, SESSION, len);
	head->seq = 1;
	if (kind == WIRE_FORGET || kind == WIRE_DISCARD || kind == WIRE_NOTED)
		head->slot = WIRE_SLOT_NOTES;
	if (kind == WIRE_FORGET)
		for (size_t i = 0; i < len / 8; i++)
			octets[sizeof(*head) + i * 8] = 1;
	if (kind == WIRE_BEAT)
		((struct wire_beat *)(head + 1))->version_min =
			((struct wire_beat *)(head + 1))->version_max = 1;
	if (kind == WIRE_WAS_DONE) {
		((struct wire_was_done *)(head + 1))->session = 1;
		((struct wire_was_done *)(head + 1))->seq = 1;
	}
	return octets;
}

static int check(const uint8_t *octets, size_t len)
{
	const struct wire_head *head = NULL;
	const void *body = NULL;
	size_t body_len = 999;
	int r = wire_check(octets, sizeof(*head) + len, &head, &body,
			   &body_len);

	if (r == 0) {
		assert_ptr_equal(head, octets);
		assert_ptr_equal(body, octets + sizeof(*head));
		assert_int_equal(body_len, len);
	} else {
		assert_null(head);
		assert_null(body);
		assert_int_equal(body_len, 999);
	}
	return r;
}

#define POLL_LEN  (sizeof(struct fuse_out_header) + 8)
#define INVAL_LEN (sizeof(struct fuse_out_header) + 24)

static void a_body_is_as_long_as_its_kind(void **state)
{
	static const struct {
		enum wire_kind kind;
		size_t len;
		int result;
	} cases[] = {
		{WIRE_BEAT, sizeof(struct wire_beat), 0},
		{WIRE_BEAT, sizeof(struct wire_beat) - 1, -EPROTO},
		{WIRE_BEAT, sizeof(struct wire_beat) + 8, -EPROTO},
		{WIRE_BYE, 0, 0},
		{WIRE_BYE, 1, -EPROTO},
		{WIRE_WHO, 0, 0},
		{WIRE_WHO, 8, -EPROTO},
		{WIRE_OPEN, 0, 0},
		{WIRE_OPEN, 8, -EPROTO},
		{WIRE_CALL, 40, 0},
		{WIRE_CALL, 39, -EPROTO},
		{WIRE_CALL, 0, -EPROTO},
		{WIRE_CALL, WIRE_BODY_MAX, 0},
		{WIRE_PROBE, 0, 0},
		{WIRE_PROBE, 1, -EPROTO},
		{WIRE_WAS_DONE, sizeof(struct wire_was_done), 0},
		{WIRE_WAS_DONE, 0, -EPROTO},
		{WIRE_INTERRUPT, 0, 0},
		{WIRE_INTERRUPT, 8, -EPROTO},
		{WIRE_FORGET, 0, -EPROTO},
		{WIRE_FORGET, 16, 0},
		{WIRE_FORGET, 24, -EPROTO},
		{WIRE_FORGET, 16 * 1000, 0},
		{WIRE_DISCARD, 16, 0},
		{WIRE_DISCARD, 8, -EPROTO},
		{WIRE_CALLER, sizeof(struct wire_caller), 0},
		{WIRE_CALLER, sizeof(struct wire_caller) - 1, -EPROTO},
		{WIRE_CLOSE, 0, 0},
		{WIRE_CLOSE, 1, -EPROTO},
		{WIRE_OPENED, 0, 0},
		{WIRE_OPENED, 1, -EPROTO},
		{WIRE_ENDED, 0, 0},
		{WIRE_ENDED, 1, -EPROTO},
		{WIRE_ANSWER, 16, 0},
		{WIRE_ANSWER, 15, -EPROTO},
		{WIRE_ANSWER, WIRE_BODY_MAX, 0},
		{WIRE_KNOWN, 0, 0},
		{WIRE_UNKNOWN, 0, 0},
		{WIRE_UNDONE, 0, 0},
		{WIRE_UNDONE, 4, -EPROTO},
		{WIRE_NOTIFY, 0, -EPROTO},
		{WIRE_NOTIFY, 16, -EPROTO},
		{WIRE_NOTIFY, POLL_LEN, 0},
		{WIRE_NOTIFY, INVAL_LEN, 0},
		{WIRE_NOTIFY, INVAL_LEN + 8, -EPROTO},
		{WIRE_ASK, sizeof(struct wire_ask), 0},
		{WIRE_ASK, 0, -EPROTO},
		{WIRE_NOTED, 0, 0},
		{WIRE_NOTED, 1, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *octets = make(cases[i].kind, cases[i].len);

		assert_int_equal(check(octets, cases[i].len), cases[i].result);
		free(octets);
	}
}

static void what_is_no_kind_is_no_message(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		uint8_t *octets = make(WIRE_PROBE, 0);
		struct wire_head *head = (struct wire_head *)octets;
		bool is_bare;

		head->kind = (uint8_t)kind;
		is_bare = kind == WIRE_BYE || kind == WIRE_WHO ||
			  kind == WIRE_OPEN || kind == WIRE_PROBE ||
			  kind == WIRE_INTERRUPT || kind == WIRE_CLOSE ||
			  kind == WIRE_OPENED || kind == WIRE_ENDED ||
			  kind == WIRE_KNOWN || kind == WIRE_UNKNOWN ||
			  kind == WIRE_UNDONE;
		assert_int_equal(check(octets, 0), is_bare ? 0 : -EPROTO);
		free(octets);
	}
}

static void a_message_cut_off_in_its_head_is_none(void **state)
{
	uint8_t *octets = make(WIRE_PROBE, 0);
	const struct wire_head *head = NULL;
	const void *body = NULL;
	size_t len;

	(void)state;
	for (size_t cut = 0; cut < sizeof(struct wire_head); cut++) {
		uint8_t *copy = malloc(cut ? cut : 1);

		assert_non_null(copy);
		memcpy(copy, octets, cut);
		assert_int_equal(wire_check(copy, cut, &head, &body, &len),
				 -EPROTO);
		free(copy);
	}
	free(octets);
}

static void a_number_that_nobody_gives_is_none(void **state)
{
	static const struct {
		enum wire_kind kind;
		size_t len;
		uint64_t incarnation, session, seq;
		uint16_t slot;
		int result;
	} cases[] = {
		{WIRE_PROBE, 0, 1, 1, 1, 0, 0},
		{WIRE_PROBE, 0, UINT64_MAX, UINT64_MAX, UINT64_MAX, 63, 0},
		{WIRE_PROBE, 0, 0, 1, 1, 0, -EPROTO},
		{WIRE_PROBE, 0, 1, 0, 1, 0, -EPROTO},
		{WIRE_PROBE, 0, 1, 1, 0, 0, -EPROTO},
		{WIRE_PROBE, 0, 1, 1, 1, 64, -EPROTO},
		{WIRE_PROBE, 0, 1, 1, 1, UINT16_MAX, -EPROTO},
		{WIRE_CALL, 40, 1, 1, 1, 64, -EPROTO},
		{WIRE_ANSWER, 16, 1, 1, 0, 1, -EPROTO},
		{WIRE_OPEN, 0, 1, 0, 0, 0, -EPROTO},
		{WIRE_OPEN, 0, 1, 1, 0, 0, 0},
		{WIRE_OPEN, 0, 1, 1, 0, 65, -EPROTO},
		/* Of the call that was not done, if it is about one. */
		{WIRE_ENDED, 0, 1, 1, 0, 0, 0},
		{WIRE_ENDED, 0, 1, 1, 9, 63, 0},
		{WIRE_ENDED, 0, 1, 1, 9, 64, 0},
		{WIRE_DISCARD, 16, 1, 1, 1, WIRE_SLOT_NOTES, 0},
		{WIRE_DISCARD, 16, 1, 1, 0, WIRE_SLOT_NOTES, -EPROTO},
		{WIRE_DISCARD, 16, 1, 1, 1, 0, -EPROTO},
		{WIRE_FORGET, 16, 1, 1, 1, 63, -EPROTO},
		{WIRE_NOTED, 0, 1, 1, 1, 63, -EPROTO},
		{WIRE_BYE, 0, 1, 0, 0, 0, 0},
		{WIRE_BYE, 0, 0, 0, 0, 0, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *octets = make(cases[i].kind, cases[i].len);
		struct wire_head *head = (struct wire_head *)octets;

		head->incarnation = cases[i].incarnation;
		head->session = cases[i].session;
		head->seq = cases[i].seq;
		head->slot = cases[i].slot;
		assert_int_equal(check(octets, cases[i].len), cases[i].result);
		free(octets);
	}
}

static void a_part_lies_within_the_whole(void **state)
{
	static const struct {
		enum wire_kind kind;
		uint32_t whole, offset;
		size_t len;
		int result;
	} cases[] = {
		{WIRE_CALL, 100, 0, 60, 0},
		{WIRE_CALL, 100, 60, 40, 0},
		{WIRE_CALL, 100, 99, 1, 0},
		{WIRE_CALL, 100, 60, 41, -EPROTO},
		{WIRE_CALL, 100, 60, 0, -EPROTO},
		{WIRE_CALL, 100, 100, 0, -EPROTO},
		{WIRE_CALL, 100, 100, 1, -EPROTO},
		{WIRE_CALL, 100, UINT32_MAX, 1, -EPROTO},
		{WIRE_CALL, 100, UINT32_MAX - 39, 100, -EPROTO},
		{WIRE_CALL, WIRE_BODY_MAX, 0, 1, 0},
		{WIRE_CALL, WIRE_BODY_MAX + 1, 0, 1, -EPROTO},
		{WIRE_CALL, UINT32_MAX, 0, 1, -EPROTO},
		{WIRE_CALL, 39, 0, 39, -EPROTO},
		{WIRE_ANSWER, 16, 15, 1, 0},
		{WIRE_ANSWER, 15, 14, 1, -EPROTO},
		/* What is short comes as a whole. */
		{WIRE_FORGET, 32, 0, 16, -EPROTO},
		{WIRE_FORGET, 16, 16, 16, -EPROTO},
		{WIRE_DISCARD, 32, 0, 16, -EPROTO},
		{WIRE_NOTIFY, INVAL_LEN, 0, POLL_LEN, -EPROTO},
		{WIRE_PROBE, 1, 0, 0, -EPROTO},
		{WIRE_PROBE, 0, 1, 0, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *octets = make(cases[i].kind, cases[i].len);
		struct wire_head *head = (struct wire_head *)octets;

		head->whole = cases[i].whole;
		head->offset = cases[i].offset;
		assert_int_equal(check(octets, cases[i].len), cases[i].result);
		free(octets);
	}
}

#define IN(type, member)      offsetof(struct type, member), sizeof_(type, member)
#define sizeof_(type, member) sizeof(((struct type *)0)->member)

static void what_a_short_body_says_is_looked_at(void **state)
{
	static const struct {
		enum wire_kind kind;
		size_t len, at, width;
		uint64_t value;
		int result;
	} cases[] = {
		{WIRE_BEAT, 56, IN(wire_beat, version_min), 0, -EPROTO},
		{WIRE_BEAT, 56, IN(wire_beat, version_max), 0, -EPROTO},
		{WIRE_BEAT, 56, IN(wire_beat, version_max), 255, 0},
		{WIRE_BEAT, 56, IN(wire_beat, serves), 1, 0},
		{WIRE_BEAT, 56, IN(wire_beat, serves), 2, -EPROTO},
		{WIRE_BEAT, 56, IN(wire_beat, mode), 0755, 0},
		{WIRE_BEAT, 56, IN(wire_beat, mode), S_IFDIR | 0755, 0},
		{WIRE_BEAT, 56, IN(wire_beat, mode), S_IFLNK | 0777, -EPROTO},
		{WIRE_FORGET, 32, IN(wire_forget, node), 0, -EPROTO},
		{WIRE_FORGET, 32, IN(wire_forget, count), 0, -EPROTO},
		{WIRE_FORGET, 32, 16, 8, 0, -EPROTO},
		{WIRE_FORGET, 32, 24, 8, 0, -EPROTO},
		{WIRE_FORGET, 32, 24, 8, UINT64_MAX, 0},
		{WIRE_DISCARD, 16, IN(wire_discard, is_dir), 1, 0},
		{WIRE_DISCARD, 16, IN(wire_discard, is_dir), 2, -EPROTO},
		{WIRE_WAS_DONE, 24, IN(wire_was_done, session), 0, -EPROTO},
		{WIRE_WAS_DONE, 24, IN(wire_was_done, seq), 0, -EPROTO},
		{WIRE_WAS_DONE, 24, IN(wire_was_done, slot), 63, 0},
		{WIRE_WAS_DONE, 24, IN(wire_was_done, slot), 64, -EPROTO},
		{WIRE_CALLER, 48, IN(wire_caller, is_killed), 1, 0},
		{WIRE_CALLER, 48, IN(wire_caller, is_killed), 2, -EPROTO},
		{WIRE_CALLER, 48, IN(wire_caller, is_ending), 2, -EPROTO},
		{WIRE_CALLER, 48, IN(wire_caller, is_member), 2, -EPROTO},
		{WIRE_CALLER, 48, IN(wire_caller, is_same), 255, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *octets = make(cases[i].kind, cases[i].len);

		assert_int_equal(check(octets, cases[i].len), 0);
		memcpy(octets + sizeof(struct wire_head) + cases[i].at,
		       &cases[i].value, cases[i].width);
		assert_int_equal(check(octets, cases[i].len), cases[i].result);
		free(octets);
	}
}

static void a_command_without_its_end_is_none(void **state)
{
	uint8_t *octets = make(WIRE_CALLER, sizeof(struct wire_caller));
	struct wire_caller *caller =
		(struct wire_caller *)(octets + sizeof(struct wire_head));

	(void)state;
	memset(caller->command, 'x', sizeof(caller->command) - 1);
	assert_int_equal(check(octets, sizeof(*caller)), 0);
	memset(caller->command, 'x', sizeof(caller->command));
	assert_int_equal(check(octets, sizeof(*caller)), -EPROTO);
	free(octets);
}

/* ---- Versions ---- */

static void another_version_is_told_from_nonsense(void **state)
{
	static const struct {
		uint32_t magic;
		uint8_t kind, version;
		int result;
	} cases[] = {
		{WIRE_MAGIC, WIRE_PROBE, WIRE_VERSION_MAX, 0},
		{WIRE_MAGIC, WIRE_PROBE, 0, -EPROTONOSUPPORT},
		{WIRE_MAGIC, WIRE_PROBE, WIRE_VERSION_MAX + 1,
		 -EPROTONOSUPPORT},
		/* A version to come may have kinds of its own. */
		{WIRE_MAGIC, 99, WIRE_VERSION_MAX + 1, -EPROTONOSUPPORT},
		{WIRE_MAGIC, 99, WIRE_VERSION_MAX, -EPROTO},
		{0x63726963, WIRE_PROBE, WIRE_VERSION_MAX, -EPROTONOSUPPORT},
		{0, WIRE_PROBE, WIRE_VERSION_MAX, -EPROTO},
		/* By these a host says which versions it speaks. */
		{WIRE_MAGIC, WIRE_BYE, WIRE_VERSION_MAX + 1, 0},
		{WIRE_MAGIC, WIRE_WHO, WIRE_VERSION_MAX + 1, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *octets = make(WIRE_PROBE, 0);
		struct wire_head *head = (struct wire_head *)octets;

		head->magic = cases[i].magic;
		head->kind = cases[i].kind;
		head->version = cases[i].version;
		assert_int_equal(check(octets, 0), cases[i].result);
		free(octets);
	}
}

static void both_speak_the_highest_that_both_know(void **state)
{
	(void)state;
	assert_int_equal(wire_version(1, 1), WIRE_VERSION_MIN == 1 ? 1 : 0);
	assert_int_equal(wire_version(1, UINT8_MAX), WIRE_VERSION_MAX);
	assert_int_equal(wire_version(WIRE_VERSION_MAX, UINT8_MAX),
			 WIRE_VERSION_MAX);
	assert_int_equal(wire_version(WIRE_VERSION_MAX + 1, UINT8_MAX), 0);
	assert_int_equal(wire_version(0, 0), 0);
}

/* ---- Names and subjects ---- */

#define NAME_OF_63                                                             \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"

static void a_host_is_one_token(void **state)
{
	static const struct {
		const char *name;
		bool is_good;
	} cases[] = {
		{"h1", true},	 {"a", true},	     {"0", true},
		{"a-b", true},	 {NAME_OF_63, true}, {"", false},
		{"H1", false},	 {"h.1", false},     {"h1 ", false},
		{"*", false},	 {">", false},	     {"h_1", false},
		{".git", false}, {"h1\n", false},    {"h\xc3\xa4", false},
		{"a/b", false},	 {"..", false},	     {NAME_OF_63 "f", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(wire_name_is_good(cases[i].name),
				 cases[i].is_good);
}

static void a_subject_is_read_as_it_is_made(void **state)
{
	static const char *const names[] = {"h1", "a", NAME_OF_63};
	char subject[WIRE_SUBJECT_SIZE], first[WIRE_NAME_MAX + 1],
		second[WIRE_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			wire_subject(subject, "rpc", names[i], names[j]);
			assert_true(wire_subject_hosts(subject, "rpc", first,
						       second));
			assert_string_equal(first, names[i]);
			assert_string_equal(second, names[j]);
		}
		wire_subject(subject, "live", names[i], NULL);
		assert_true(wire_subject_hosts(subject, "live", first, NULL));
		assert_string_equal(first, names[i]);
	}
	wire_subject(subject, "in", "h1", "*");
	assert_string_equal(subject, "c.in.h1.*");
	wire_subject(subject, "live", "*", NULL);
	assert_string_equal(subject, "c.live.*");
}

static void another_subject_is_refused(void **state)
{
	static const struct {
		const char *subject, *word;
		bool has_second;
	} cases[] = {
		{"", "rpc", true},
		{"c.rpc", "rpc", true},
		{"c.rpc.h1", "rpc", true},
		{"c.rpc.h1.", "rpc", true},
		{"c.rpc..h2", "rpc", true},
		{"c.rpc.h1.h2.h3", "rpc", true},
		{"c.rpc.h1.h2.", "rpc", true},
		{"c.rpc.h1.*", "rpc", true},
		{"c.rpc.h1.H2", "rpc", true},
		{"c.in.h1.h2", "rpc", true},
		{"c.rpcs.h1.h2", "rpc", true},
		{"d.rpc.h1.h2", "rpc", true},
		{"c.rpc.h1.h2", "rpc", false},
		{"c.live.", "live", false},
		{"c.live.h1.", "live", false},
		{"c.live.>", "live", false},
		{"c.live." NAME_OF_63 "f", "live", false},
		{"c.rpc.h1." NAME_OF_63 "f", "rpc", true},
	};
	char first[WIRE_NAME_MAX + 1], second[WIRE_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_false(wire_subject_hosts(
			cases[i].subject, cases[i].word, first,
			cases[i].has_second ? second : NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_body_is_as_long_as_its_kind),
		cmocka_unit_test(what_is_no_kind_is_no_message),
		cmocka_unit_test(a_message_cut_off_in_its_head_is_none),
		cmocka_unit_test(a_number_that_nobody_gives_is_none),
		cmocka_unit_test(a_part_lies_within_the_whole),
		cmocka_unit_test(what_a_short_body_says_is_looked_at),
		cmocka_unit_test(a_command_without_its_end_is_none),
		cmocka_unit_test(another_version_is_told_from_nonsense),
		cmocka_unit_test(both_speak_the_highest_that_both_know),
		cmocka_unit_test(a_host_is_one_token),
		cmocka_unit_test(a_subject_is_read_as_it_is_made),
		cmocka_unit_test(another_subject_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
