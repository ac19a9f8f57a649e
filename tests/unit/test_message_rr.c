// SPDX-License-Identifier: Apache-2.0
/*
 * Records of a message: names that are compressed, cut off or go round, and
 * RDATA that comes out as the same text would have made it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dns/text/rr_wire.h"

#define AT_NAME MESSAGE_HEAD_SIZE

/* A message with a header of zeros and what is behind it. */
struct made {
	uint8_t octets[MESSAGE_TCP_SIZE];
	size_t len;
};

static struct made made;

static void begin(void)
{
	memset(made.octets, 0, MESSAGE_HEAD_SIZE);
	made.len = MESSAGE_HEAD_SIZE;
}

static void add(const void *octets, size_t len)
{
	memcpy(made.octets + made.len, octets, len);
	made.len += len;
}

#define ADD(text) add(text, sizeof(text) - 1)

static int name_at(size_t at, struct name *out, size_t *end)
{
	*end = at;
	return message_name(made.octets, made.len, end, out);
}

static void assert_name(size_t at, const char *text, size_t behind)
{
	char printed[NAME_TEXT_SIZE];
	struct name name;
	size_t end;

	assert_int_equal(name_at(at, &name, &end), 0);
	name_to_text(&name, printed);
	assert_string_equal(printed, text);
	assert_int_equal(end, behind);
}

static void assert_no_name(size_t at)
{
	struct name name;
	size_t end;

	assert_int_equal(name_at(at, &name, &end), -EINVAL);
	assert_int_equal(end, at);
}

static void test_names(void **state)
{
	(void)state;
	begin();
	ADD("\3www\7example\0"); /* 12 */
	ADD("\2ns\xc0\x10");	 /* 25: ns.example. */
	ADD("\xc0\x19");	 /* 30: the same, by two pointers */
	ADD("\xc0\x18");	 /* 32: the root of the first */
	assert_name(12, "www.example.", 25);
	assert_name(25, "ns.example.", 30);
	assert_name(30, "ns.example.", 32);
	assert_name(32, ".", 34);
}

static void test_broken_names(void **state)
{
	(void)state;
	begin();
	ADD("\xc0\x0c"); /* itself */
	ADD("\xc0\x10"); /* forward */
	ADD("\xc0\x0e"); /* back, and forward again */
	ADD("\xc0\x04"); /* the header */
	ADD("\x40\0");	 /* a label of another kind */
	ADD("\1a\1");	 /* the end is missing */
	assert_no_name(12);
	assert_no_name(14);
	assert_no_name(16);
	assert_no_name(18);
	assert_no_name(20);
	assert_no_name(22);
	assert_no_name(made.len);
	begin();
	ADD("\1a\xc0"); /* half a pointer */
	assert_no_name(12);
}

/* 255 octets are a name, and one more is none, pointers or not. */
static void test_long_names(void **state)
{
	struct name name;
	size_t end;

	(void)state;
	begin();
	for (int i = 0; i < 126; i++)
		ADD("\1x");
	ADD("\0");	     /* 253 octets */
	ADD("\1y\xc0\x0c");  /* 255 */
	ADD("\2yy\xc0\x0c"); /* 256 */
	assert_int_equal(name_at(12 + 253, &name, &end), 0);
	assert_int_equal(name.len, 255);
	assert_no_name(12 + 253 + 4);
}

/* A record of @type with RDATA @rdata, owned by what stands at 12. */
static int take(uint16_t type, const void *rdata, size_t len,
		struct buffer *out)
{
	uint8_t head[2 + RR_HEAD_SIZE] = {0xc0, 0x0c};
	struct message_rr rr;
	size_t at = made.len;

	put_u16(head + 2, type);
	put_u16(head + 2 + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u32(head + 2 + RR_HEAD_TTL, 7);
	put_u16(head + 2 + RR_HEAD_RDLENGTH, (uint16_t)len);
	add(head, sizeof(head));
	add(rdata, len);
	assert_int_equal(message_rr_next(made.octets, made.len, &at, &rr), 0);
	assert_int_equal(at, made.len);
	assert_int_equal(rr.ttl, 7);
	return rr_rdata_from_message(made.octets, made.len, &rr, out, NULL);
}

static void begin_at_example(void)
{
	begin();
	ADD("\7example\0");
}

static void test_compressed_rdata(void **state)
{
	CLEANUP(buffer_deinit) struct buffer rdata = {0};
	static const uint8_t mx[] = "\0\12\2mx\7example";

	(void)state;
	begin_at_example();
	assert_int_equal(take(RR_MX, "\0\12\2mx\xc0\x0c", 7, &rdata), 0);
	assert_int_equal(rdata.len, sizeof(mx));
	assert_memory_equal(rdata.data, mx, sizeof(mx));
	/* Cut off; with something behind it; behind a pointer, too much. */
	assert_int_equal(take(RR_MX, "\0\12\2mx", 5, &rdata), -EINVAL);
	assert_int_equal(take(RR_MX, "\0\12\2mx\xc0\x0cz", 8, &rdata), -EINVAL);
	/* Of a type that has none compressed, none is: SVCB. */
	assert_int_equal(take(RR_SVCB, "\0\1\2mx\xc0\x0c", 7, &rdata), -EINVAL);
	assert_int_equal(take(RR_SVCB, "\0\1\2mx\0", 6, &rdata), 0);
	/* Fields and rules of the type. */
	assert_int_equal(take(RR_A, "\1\2\3", 3, &rdata), -EINVAL);
	assert_int_equal(take(RR_TXT, "", 0, &rdata), -EINVAL);
	assert_int_equal(take(65280, "any", 3, &rdata), 0);
}

static void test_cut_off(void **state)
{
	CLEANUP(buffer_deinit) struct buffer rdata = {0};
	struct message_rr rr;
	size_t at, first;

	(void)state;
	begin_at_example();
	first = made.len;
	assert_int_equal(take(RR_A, "\1\2\3\4", 4, &rdata), 0);
	for (size_t len = first; len < made.len; len++) {
		at = first;
		assert_int_equal(message_rr_next(made.octets, len, &at, &rr),
				 -EINVAL);
		assert_int_equal(at, first);
	}
}

/* What text makes of RDATA goes through a message and is what it was. */
static void check_line(char *line)
{
	CLEANUP(buffer_deinit) struct buffer rdata = {0}, back = {0};
	char *text = strchr(line, '\t'), *end;
	struct rr_measure measure;
	struct lexer lexer;
	struct name root;
	uint16_t type;

	if (*line == '#' || !text)
		return;
	end = text + 1 + strcspn(text + 1, "\t\n");
	assert_int_equal(rr_type_from_text(line, (size_t)(text - line), &type),
			 0);
	if (rr_type_of(type)->has_hashed_owner)
		return; /* the owner here is no hash */
	name_root(&root);
	lexer = lexer_begin(text + 1, (size_t)(end - text - 1), NULL);
	assert_int_equal(
		rr_rdata_from_text(type, &lexer, &root, &rdata, &measure), 0);
	begin_at_example();
	if (made.len + 12 + rdata.len > sizeof(made.octets))
		return;
	if (take(type, rdata.data, rdata.len, &back))
		fail_msg("%s", line);
	assert_int_equal(back.len, rdata.len);
	if (rdata.len)
		assert_memory_equal(back.data, rdata.data, rdata.len);
}

static void test_good_rdata(void **state)
{
	FILE *file = fopen(RDATA_GOOD, "r");
	char *line = NULL;
	size_t room = 0;
	unsigned count = 0;

	(void)state;
	assert_non_null(file);
	for (; getline(&line, &room, file) > 0; count++)
		check_line(line);
	assert_true(count > 100);
	free(line);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_broken_names),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_compressed_rdata),
		cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_good_rdata),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
