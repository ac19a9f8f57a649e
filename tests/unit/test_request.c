// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/fleet/request.h"
#include "recorded.h"

#define HEAD sizeof(struct fuse_in_header)

/* Where a member is in a request, and its width. */
#define IN(type, member)                                                       \
	HEAD + offsetof(struct type, member), sizeof(((struct type *)0)->member)

/* One of @opcode with a body of @fixed zeroes, and @rest behind them. */
static uint8_t *make(uint32_t opcode, size_t fixed, const void *rest,
		     size_t rest_len, size_t *len)
{
	uint8_t *octets = calloc(1, HEAD + fixed + rest_len + 1);
	struct fuse_in_header *head = (struct fuse_in_header *)octets;

	assert_non_null(octets);
	*len = HEAD + fixed + rest_len;
	head->len = (uint32_t)*len;
	head->opcode = opcode;
	head->nodeid = 7;
	memcpy(octets + HEAD + fixed, rest, rest_len);
	return octets;
}

static int take(uint8_t *octets, size_t len)
{
	struct request request;

	return request_take(&request, octets, len);
}

/* ---- Recorded ones ---- */

static void what_a_kernel_sends_is_taken_apart(void **state)
{
	static const struct {
		uint32_t opcode;
		enum request_class class;
		const char *name, *new_name;
		bool has_second, has_handle, is_dir;
		size_t response_max;
	} cases[] = {
		{FUSE_LOOKUP, REQUEST_READS, .name = "zz", .response_max = 128},
		{FUSE_GETATTR, REQUEST_READS, .response_max = 104},
		{FUSE_SETATTR, REQUEST_CHANGES, .response_max = 104},
		{FUSE_SYMLINK, REQUEST_CHANGES, .name = "l", .new_name = "a",
		 .response_max = 128},
		{FUSE_MKNOD, REQUEST_CHANGES, .name = "mk",
		 .response_max = 128},
		{FUSE_MKDIR, REQUEST_CHANGES, .name = "ns@127.0.0.1:15354",
		 .response_max = 128},
		{FUSE_UNLINK, REQUEST_CHANGES, .name = "zz"},
		{FUSE_RMDIR, REQUEST_CHANGES, .name = "ns@127.0.0.1:15354"},
		{FUSE_RENAME, REQUEST_CHANGES, .name = "scratch",
		 .new_name = "records", .has_second = true},
		{FUSE_RENAME2, REQUEST_CHANGES, .name = "ns@127.0.0.1:15354",
		 .new_name = "x", .has_second = true},
		{FUSE_LINK, REQUEST_CHANGES, .name = "k", .has_second = true,
		 .response_max = 128},
		{FUSE_CREATE, REQUEST_CHANGES, .name = "zz",
		 .response_max = 144},
		{FUSE_STATFS, REQUEST_READS, .response_max = 80},
		/* It is for writing. */
		{FUSE_OPEN, REQUEST_CHANGES, .response_max = 16},
		{FUSE_READ, REQUEST_FILE, .has_handle = true,
		 .response_max = 131072},
		{FUSE_WRITE, REQUEST_FILE, .has_handle = true,
		 .response_max = 2},
		{FUSE_FLUSH, REQUEST_FILE, .has_handle = true},
		{FUSE_FSYNC, REQUEST_FILE, .has_handle = true},
		{FUSE_POLL, REQUEST_FILE, .has_handle = true,
		 .response_max = 8},
		{FUSE_RELEASE, REQUEST_FILE, .has_handle = true},
		{FUSE_OPENDIR, REQUEST_READS, .response_max = 16},
		{FUSE_READDIR, REQUEST_FILE, .has_handle = true, .is_dir = true,
		 .response_max = 131072},
		{FUSE_READDIRPLUS, REQUEST_FILE, .has_handle = true,
		 .is_dir = true, .response_max = 131072},
		{FUSE_FSYNCDIR, REQUEST_FILE, .has_handle = true,
		 .is_dir = true},
		{FUSE_RELEASEDIR, REQUEST_FILE, .has_handle = true,
		 .is_dir = true},
		{FUSE_FORGET, REQUEST_LOCAL, .name = NULL},
		{FUSE_BATCH_FORGET, REQUEST_LOCAL, .name = NULL},
		{FUSE_INTERRUPT, REQUEST_LOCAL, .name = NULL},
		{FUSE_INIT, REQUEST_LOCAL, .name = NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request request;
		size_t len;
		uint8_t *octets = recorded_request(cases[i].opcode, &len);

		assert_int_equal(request_take(&request, octets, len), 0);
		assert_ptr_equal(request.head, octets);
		assert_int_equal(request.head->opcode, cases[i].opcode);
		assert_int_equal(request.class, cases[i].class);
		assert_int_equal(!!request.name, !!cases[i].name);
		if (request.name)
			assert_string_equal(request.name, cases[i].name);
		assert_int_equal(!!request.new_name, !!cases[i].new_name);
		if (request.new_name)
			assert_string_equal(request.new_name,
					    cases[i].new_name);
		assert_int_equal(!!request.second, cases[i].has_second);
		assert_int_equal(!!request.handle, cases[i].has_handle);
		assert_int_equal(request.handle_is_dir, cases[i].is_dir);
		assert_int_equal(request.response_max, cases[i].response_max);
		assert_ptr_equal(request.body, octets + HEAD);
		assert_int_equal(request.body_len, len - HEAD);
		assert_int_equal(request_opcode_is_forwarded(cases[i].opcode),
				 cases[i].class != REQUEST_LOCAL);
		free(octets);
	}
}

/* Neither shorter nor longer; what lies behind would be read as a part of it.
 */
static void another_length_is_none(void **state)
{
	(void)state;
	for (const struct recorded *row = recorded; row->opcode; row++) {
		size_t len;
		uint8_t *octets = recorded_octets(row->request, &len);

		if (!request_opcode_is_forwarded(row->opcode)) {
			free(octets);
			continue;
		}
		for (size_t other = 0; other < len + 9; other++) {
			uint8_t *copy = malloc(other ? other : 1);

			assert_non_null(copy);
			memcpy(copy, octets, other);
			if (other >= sizeof(uint32_t))
				recorded_put_number(copy, 4, other);
			assert_int_equal(take(copy, other),
					 other == len ? 0 : -EPROTO);
			free(copy);
		}
		/* The head says another one than the message has. */
		recorded_put_number(octets, 4, len + 1);
		assert_int_equal(take(octets, len + 1), -EPROTO);
		recorded_put_number(octets, 4, len + 1);
		assert_int_equal(take(octets, len), -EPROTO);
		recorded_put_number(octets, 4, len - 1);
		assert_int_equal(take(octets, len), -EPROTO);
		free(octets);
	}
}

static void an_opcode_that_nobody_sends_is_told_apart(void **state)
{
	static const uint32_t opcodes[] = {
		0,
		FUSE_READLINK,
		7,
		19,
		FUSE_SETXATTR,
		FUSE_GETXATTR,
		FUSE_LISTXATTR,
		FUSE_REMOVEXATTR,
		FUSE_GETLK,
		FUSE_SETLK,
		FUSE_SETLKW,
		FUSE_ACCESS,
		FUSE_BMAP,
		FUSE_IOCTL,
		FUSE_NOTIFY_REPLY,
		FUSE_FALLOCATE,
		FUSE_LSEEK,
		FUSE_COPY_FILE_RANGE,
		FUSE_SETUPMAPPING,
		FUSE_REMOVEMAPPING,
		FUSE_SYNCFS,
		FUSE_TMPFILE,
		52,
		100,
		CUSE_INIT,
		UINT32_MAX,
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		struct request request = {.head = NULL};
		size_t len;
		uint8_t *octets = make(opcodes[i], 16, "x", 2, &len);

		assert_int_equal(request_take(&request, octets, len), -ENOSYS);
		assert_ptr_equal(request.head, octets);
		assert_false(request_opcode_is_forwarded(opcodes[i]));
		/* Even of these the head has to be one. */
		recorded_put_number(octets, 4, len + 8);
		request.head = NULL;
		assert_int_equal(request_take(&request, octets, len), -EPROTO);
		assert_null(request.head);
		free(octets);
	}
}

/* ---- Names ---- */

#define TEXT(text) text, sizeof(text)

static void a_name_is_one_entry_of_a_directory(void **state)
{
	static const struct {
		const char *rest;
		size_t len;
		int result;
	} cases[] = {
		{TEXT("a"), 0},
		{TEXT("..."), 0},
		{TEXT(".a"), 0},
		{TEXT("..a"), 0},
		{TEXT(" "), 0},
		{TEXT("\xff\n\x01"), 0},
		{TEXT("www.example."), 0},
		{TEXT(""), -EPROTO},
		{TEXT("."), -EPROTO},
		{TEXT(".."), -EPROTO},
		{TEXT("/"), -EPROTO},
		{TEXT("a/b"), -EPROTO},
		{TEXT("/a"), -EPROTO},
		{TEXT("a/"), -EPROTO},
		{TEXT("a\0"), -EPROTO},
		{TEXT("a\0b"), -EPROTO},
		{"a", 1, -EPROTO},
		{"", 0, -EPROTO},
	};
	static const struct {
		uint32_t opcode;
		size_t fixed;
	} opcodes[] = {
		{FUSE_LOOKUP, 0}, {FUSE_UNLINK, 0}, {FUSE_RMDIR, 0},
		{FUSE_MKDIR, 8},  {FUSE_MKNOD, 16}, {FUSE_CREATE, 16},
		{FUSE_LINK, 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(cases); j++) {
			size_t len;
			uint8_t *octets =
				make(opcodes[i].opcode, opcodes[i].fixed,
				     cases[j].rest, cases[j].len, &len);

			assert_int_equal(take(octets, len), cases[j].result);
			free(octets);
		}
	}
}

static void of_two_names_both_are(void **state)
{
	static const struct {
		const char *rest;
		size_t len;
		int rename, symlink;
	} cases[] = {
		{TEXT("a\0b"), 0, 0},
		{TEXT("a\0../b/./c"), -EPROTO, 0},
		{TEXT("a\0."), -EPROTO, 0},
		{TEXT("a\0.."), -EPROTO, 0},
		{TEXT("a\0"), -EPROTO, -EPROTO},
		{TEXT("a"), -EPROTO, -EPROTO},
		{TEXT("\0b"), -EPROTO, -EPROTO},
		{TEXT("..\0b"), -EPROTO, -EPROTO},
		{TEXT("a/c\0b"), -EPROTO, -EPROTO},
		{TEXT("a\0b\0c"), -EPROTO, -EPROTO},
		{TEXT("a\0b\0"), -EPROTO, -EPROTO},
		{"a\0b", 3, -EPROTO, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets =
			make(FUSE_RENAME, 8, cases[i].rest, cases[i].len, &len);

		assert_int_equal(take(octets, len), cases[i].rename);
		free(octets);
		octets = make(FUSE_RENAME2, 16, cases[i].rest, cases[i].len,
			      &len);
		assert_int_equal(take(octets, len), cases[i].rename);
		free(octets);
		octets = make(FUSE_SYMLINK, 0, cases[i].rest, cases[i].len,
			      &len);
		assert_int_equal(take(octets, len), cases[i].symlink);
		free(octets);
	}
}

static void a_name_has_an_end(void **state)
{
	char text[2 + PATH_MAX + 1 + 2];
	uint8_t *octets;
	size_t len;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[REQUEST_NAME_MAX] = '\0';
	octets = make(FUSE_LOOKUP, 0, text, REQUEST_NAME_MAX + 1, &len);
	assert_int_equal(take(octets, len), 0);
	free(octets);
	octets = make(FUSE_LOOKUP, 0, text + 2, REQUEST_NAME_MAX - 1, &len);
	assert_int_equal(take(octets, len), 0);
	free(octets);

	text[REQUEST_NAME_MAX] = 'x';
	text[REQUEST_NAME_MAX + 1] = '\0';
	octets = make(FUSE_LOOKUP, 0, text, REQUEST_NAME_MAX + 2, &len);
	assert_int_equal(take(octets, len), -EPROTO);
	free(octets);

	/* And so does a symlink's target. */
	text[REQUEST_NAME_MAX + 1] = 'x';
	text[1] = text[2 + PATH_MAX - 1] = '\0';
	octets = make(FUSE_SYMLINK, 0, text, 2 + PATH_MAX, &len);
	assert_int_equal(take(octets, len), 0);
	free(octets);
	text[2 + PATH_MAX - 1] = 'x';
	text[2 + PATH_MAX] = '\0';
	octets = make(FUSE_SYMLINK, 0, text, 2 + PATH_MAX + 1, &len);
	assert_int_equal(take(octets, len), -EPROTO);
	free(octets);
}

/* ---- Members ---- */

#define MIB (1024 * 1024)

/* Each changes one member of a recorded request. */
static void a_number_out_of_range_is_none(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t at, width;
		uint64_t value;
		int result;
	} cases[] = {
		{FUSE_LOOKUP, offsetof(struct fuse_in_header, nodeid), 8, 0,
		 -EPROTO},
		{FUSE_LOOKUP, offsetof(struct fuse_in_header, nodeid), 8,
		 UINT64_MAX, 0},
		{FUSE_LOOKUP, offsetof(struct fuse_in_header, total_extlen), 2,
		 1, -EPROTO},
		{FUSE_LOOKUP, offsetof(struct fuse_in_header, total_extlen), 2,
		 UINT16_MAX, -EPROTO},
		{FUSE_READ, IN(fuse_read_in, size), 0, -EPROTO},
		{FUSE_READ, IN(fuse_read_in, size), 1, 0},
		{FUSE_READ, IN(fuse_read_in, size), MIB, 0},
		{FUSE_READ, IN(fuse_read_in, size), MIB + 1, -EPROTO},
		{FUSE_READ, IN(fuse_read_in, size), UINT32_MAX, -EPROTO},
		{FUSE_READ, IN(fuse_read_in, offset), INT64_MAX - 131072, 0},
		{FUSE_READ, IN(fuse_read_in, offset), INT64_MAX - 131071,
		 -EPROTO},
		{FUSE_READ, IN(fuse_read_in, offset), UINT64_MAX, -EPROTO},
		{FUSE_READDIR, IN(fuse_read_in, size), 0, -EPROTO},
		{FUSE_READDIR, IN(fuse_read_in, size), MIB + 1, -EPROTO},
		{FUSE_READDIR, IN(fuse_read_in, offset), UINT64_MAX, -EPROTO},
		{FUSE_READDIRPLUS, IN(fuse_read_in, size), 0, -EPROTO},
		{FUSE_READDIRPLUS, IN(fuse_read_in, size), UINT32_MAX, -EPROTO},
		{FUSE_WRITE, IN(fuse_write_in, size), 0, -EPROTO},
		{FUSE_WRITE, IN(fuse_write_in, size), 1, -EPROTO},
		{FUSE_WRITE, IN(fuse_write_in, size), 2, 0},
		{FUSE_WRITE, IN(fuse_write_in, size), 3, -EPROTO},
		{FUSE_WRITE, IN(fuse_write_in, size), UINT32_MAX, -EPROTO},
		{FUSE_WRITE, IN(fuse_write_in, offset), INT64_MAX - 2, 0},
		{FUSE_WRITE, IN(fuse_write_in, offset), INT64_MAX - 1, -EPROTO},
		{FUSE_SETATTR, IN(fuse_setattr_in, valid), 0, 0},
		{FUSE_SETATTR, IN(fuse_setattr_in, valid), FATTR_ATIME_NOW,
		 -EPROTO},
		{FUSE_SETATTR, IN(fuse_setattr_in, valid), FATTR_MTIME_NOW,
		 -EPROTO},
		{FUSE_SETATTR, IN(fuse_setattr_in, valid),
		 FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME | FATTR_MTIME_NOW,
		 0},
		/* What is not set is not looked at. */
		{FUSE_SETATTR, IN(fuse_setattr_in, size), UINT64_MAX, 0},
		{FUSE_SETATTR, IN(fuse_setattr_in, atimensec), UINT32_MAX, 0},
		{FUSE_BATCH_FORGET, IN(fuse_batch_forget_in, count), 8, 0},
		{FUSE_BATCH_FORGET, IN(fuse_batch_forget_in, count), 7,
		 -EPROTO},
		{FUSE_BATCH_FORGET, IN(fuse_batch_forget_in, count), 9,
		 -EPROTO},
		{FUSE_BATCH_FORGET, IN(fuse_batch_forget_in, count), 0x10000008,
		 -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets = recorded_request(cases[i].opcode, &len);

		assert_int_equal(take(octets, len), 0);
		recorded_put_number(octets + cases[i].at, cases[i].width,
				    cases[i].value);
		assert_int_equal(take(octets, len), cases[i].result);
		free(octets);
	}
}

static void what_is_set_is_in_range(void **state)
{
	static const struct {
		uint32_t valid;
		size_t at, width;
		uint64_t value;
		int result;
	} cases[] = {
		{FATTR_SIZE, IN(fuse_setattr_in, size), INT64_MAX, 0},
		{FATTR_SIZE, IN(fuse_setattr_in, size), 1ull << 63, -EPROTO},
		{FATTR_ATIME, IN(fuse_setattr_in, atimensec), 999999999, 0},
		{FATTR_ATIME, IN(fuse_setattr_in, atimensec), 1000000000,
		 -EPROTO},
		{FATTR_MTIME, IN(fuse_setattr_in, mtimensec), 1000000000,
		 -EPROTO},
		{FATTR_CTIME, IN(fuse_setattr_in, ctimensec), 1000000000,
		 -EPROTO},
		/* Before 1970. */
		{FATTR_MTIME, IN(fuse_setattr_in, mtime), UINT64_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets = recorded_request(FUSE_SETATTR, &len);
		struct fuse_setattr_in *in =
			(struct fuse_setattr_in *)(octets + HEAD);

		in->valid = cases[i].valid;
		recorded_put_number(octets + cases[i].at, cases[i].width,
				    cases[i].value);
		assert_int_equal(take(octets, len), cases[i].result);
		free(octets);
	}
}

/*
 * What only the kernel that asks knows of, or that is another flag elsewhere,
 * does not reach who is asked.
 */
static void what_is_not_of_this_protocol_is_cleared(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t at, width;
		uint64_t value, becomes;
	} cases[] = {
		{FUSE_LOOKUP, offsetof(struct fuse_in_header, padding), 2, 9,
		 0},
		{FUSE_GETATTR, IN(fuse_getattr_in, getattr_flags), UINT32_MAX,
		 FUSE_GETATTR_FH},
		{FUSE_GETATTR, IN(fuse_getattr_in, dummy), 1, 0},
		/* It does not say that it has one. */
		{FUSE_GETATTR, IN(fuse_getattr_in, fh), 5, 0},
		{FUSE_SETATTR, IN(fuse_setattr_in, fh), 5, 0},
		{FUSE_SETATTR, IN(fuse_setattr_in, valid), UINT32_MAX, 0x7ff},
		{FUSE_SETATTR, IN(fuse_setattr_in, padding), 5, 0},
		{FUSE_SETATTR, IN(fuse_setattr_in, unused4), 5, 0},
		{FUSE_SETATTR, IN(fuse_setattr_in, unused5), 5, 0},
		{FUSE_MKNOD, IN(fuse_mknod_in, padding), 5, 0},
		{FUSE_RENAME2, IN(fuse_rename2_in, flags), 7, 7},
		{FUSE_RENAME2, IN(fuse_rename2_in, padding), 5, 0},
		{FUSE_OPEN, IN(fuse_open_in, open_flags), 1, 0},
		{FUSE_OPEN, IN(fuse_open_in, flags), UINT32_MAX,
		 O_ACCMODE | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC},
		{FUSE_CREATE, IN(fuse_create_in, open_flags), 1, 0},
		{FUSE_CREATE, IN(fuse_create_in, flags), UINT32_MAX,
		 O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND |
			 O_NONBLOCK | O_SYNC},
		{FUSE_OPENDIR, IN(fuse_open_in, open_flags), 1, 0},
		{FUSE_OPENDIR, IN(fuse_open_in, flags), UINT32_MAX, O_NONBLOCK},
		{FUSE_READ, IN(fuse_read_in, read_flags), UINT32_MAX,
		 FUSE_READ_LOCKOWNER},
		{FUSE_READ, IN(fuse_read_in, flags), O_DIRECT | O_NONBLOCK,
		 O_NONBLOCK},
		{FUSE_READ, IN(fuse_read_in, padding), 5, 0},
		{FUSE_WRITE, IN(fuse_write_in, write_flags), UINT32_MAX,
		 FUSE_WRITE_LOCKOWNER},
		{FUSE_WRITE, IN(fuse_write_in, flags), O_APPEND | 0x20,
		 O_APPEND},
		{FUSE_WRITE, IN(fuse_write_in, padding), 5, 0},
		{FUSE_FLUSH, IN(fuse_flush_in, unused), 5, 0},
		{FUSE_FLUSH, IN(fuse_flush_in, padding), 5, 0},
		{FUSE_RELEASE, IN(fuse_release_in, release_flags), UINT32_MAX,
		 0},
		{FUSE_RELEASEDIR, IN(fuse_release_in, release_flags), 1, 0},
		{FUSE_FSYNC, IN(fuse_fsync_in, fsync_flags), UINT32_MAX, 1},
		{FUSE_FSYNC, IN(fuse_fsync_in, padding), 5, 0},
		{FUSE_FSYNCDIR, IN(fuse_fsync_in, fsync_flags), 6, 0},
		{FUSE_POLL, IN(fuse_poll_in, flags), UINT32_MAX, 1},
		{FUSE_POLL, IN(fuse_poll_in, events), UINT32_MAX, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets = recorded_request(cases[i].opcode, &len);
		uint8_t *at = octets + cases[i].at;

		recorded_put_number(at, cases[i].width, cases[i].value);
		assert_int_equal(take(octets, len), 0);
		assert_int_equal(recorded_number(at, cases[i].width),
				 cases[i].becomes);
		free(octets);
	}
}

static void an_attribute_may_be_of_an_open_file(void **state)
{
	struct request request;
	size_t len;
	uint8_t *octets = recorded_request(FUSE_GETATTR, &len);
	struct fuse_getattr_in *getattr =
		(struct fuse_getattr_in *)(octets + HEAD);
	struct fuse_setattr_in *setattr;

	(void)state;
	getattr->getattr_flags = FUSE_GETATTR_FH;
	getattr->fh = 5;
	assert_int_equal(request_take(&request, octets, len), 0);
	assert_ptr_equal(request.handle, &getattr->fh);
	assert_int_equal(*request.handle, 5);
	free(octets);

	octets = recorded_request(FUSE_SETATTR, &len);
	setattr = (struct fuse_setattr_in *)(octets + HEAD);
	setattr->valid |= FATTR_FH;
	setattr->fh = 6;
	assert_int_equal(request_take(&request, octets, len), 0);
	assert_ptr_equal(request.handle, &setattr->fh);
	assert_int_equal(*request.handle, 6);
	free(octets);
}

static void the_second_node_is_where_it_is(void **state)
{
	static const uint32_t opcodes[] = {FUSE_RENAME, FUSE_RENAME2,
					   FUSE_LINK};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		struct request request;
		size_t len;
		uint8_t *octets = recorded_request(opcodes[i], &len);

		recorded_put_number(octets + HEAD, 8, 4711);
		assert_int_equal(request_take(&request, octets, len), 0);
		assert_int_equal(*request.second, 4711);
		free(octets);
	}
}

static void an_open_changes_something_if_it_may(void **state)
{
	static const struct {
		uint32_t flags;
		enum request_class class;
	} cases[] = {
		{O_RDONLY, REQUEST_READS},
		{O_RDONLY | O_NONBLOCK, REQUEST_READS},
		{O_RDONLY | O_APPEND, REQUEST_READS},
		{O_RDONLY | O_TRUNC, REQUEST_CHANGES},
		{O_WRONLY, REQUEST_CHANGES},
		{O_RDWR, REQUEST_CHANGES},
		{O_ACCMODE, REQUEST_CHANGES},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct request request;
		size_t len;
		uint8_t *octets = recorded_request(FUSE_OPEN, &len);

		((struct fuse_open_in *)(octets + HEAD))->flags =
			cases[i].flags;
		assert_int_equal(request_take(&request, octets, len), 0);
		assert_int_equal(request.class, cases[i].class);
		free(octets);
	}
}

static void a_write_of_1_mib_is_taken(void **state)
{
	static const uint8_t data[MIB + 1];
	struct request request;
	size_t len;
	uint8_t *octets = make(FUSE_WRITE, 40, data, MIB, &len);

	(void)state;
	((struct fuse_write_in *)(octets + HEAD))->size = MIB;
	assert_int_equal(request_take(&request, octets, len), 0);
	assert_int_equal(request.response_max, MIB);
	free(octets);

	octets = make(FUSE_WRITE, 40, data, MIB + 1, &len);
	((struct fuse_write_in *)(octets + HEAD))->size = MIB + 1;
	assert_int_equal(take(octets, len), -EPROTO);
	free(octets);
}

/* What both sides do to it does no harm twice. */
static void taken_again_it_is_the_same(void **state)
{
	(void)state;
	for (const struct recorded *row = recorded; row->opcode; row++) {
		uint8_t *octets, *before;
		size_t len;
		int r;

		octets = recorded_octets(row->request, &len);
		r = take(octets, len);
		before = malloc(len);
		assert_non_null(before);
		memcpy(before, octets, len);
		assert_int_equal(take(octets, len), r);
		assert_memory_equal(octets, before, len);
		free(before);
		free(octets);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_kernel_sends_is_taken_apart),
		cmocka_unit_test(another_length_is_none),
		cmocka_unit_test(an_opcode_that_nobody_sends_is_told_apart),
		cmocka_unit_test(a_name_is_one_entry_of_a_directory),
		cmocka_unit_test(of_two_names_both_are),
		cmocka_unit_test(a_name_has_an_end),
		cmocka_unit_test(a_number_out_of_range_is_none),
		cmocka_unit_test(what_is_set_is_in_range),
		cmocka_unit_test(what_is_not_of_this_protocol_is_cleared),
		cmocka_unit_test(an_attribute_may_be_of_an_open_file),
		cmocka_unit_test(the_second_node_is_where_it_is),
		cmocka_unit_test(an_open_changes_something_if_it_may),
		cmocka_unit_test(a_write_of_1_mib_is_taken),
		cmocka_unit_test(taken_again_it_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
