// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/fleet/request.h"
#include "fs/fleet/response.h"
#include "recorded.h"

#define HEAD sizeof(struct fuse_out_header)

/* Where a member is in a response, and its width. */
#define IN(type, member)                                                       \
	HEAD + offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define IN_CREATE(member)                                                      \
	HEAD + sizeof(struct fuse_entry_out) +                                 \
		offsetof(struct fuse_open_out, member),                        \
		sizeof(((struct fuse_open_out *)0)->member)

static int take(uint32_t opcode, size_t max, uint8_t *octets, size_t len)
{
	struct response response;

	return response_take(&response, opcode, max, octets, len);
}

/* As it was asked for. */
static size_t asked_max(const struct recorded *row)
{
	struct request request;
	size_t len;
	uint8_t *octets = recorded_octets(row->request, &len);

	assert_int_equal(request_take(&request, octets, len), 0);
	free(octets);
	return request.response_max;
}

/* ---- Recorded ones ---- */

static bool has_entry(uint32_t opcode)
{
	return opcode == FUSE_LOOKUP || opcode == FUSE_MKDIR ||
	       opcode == FUSE_MKNOD || opcode == FUSE_CREATE;
}

static bool has_open(uint32_t opcode)
{
	return opcode == FUSE_OPEN || opcode == FUSE_OPENDIR ||
	       opcode == FUSE_CREATE;
}

static void claim_pointers(const struct response *response, uint32_t opcode)
{
	uint8_t *body = (uint8_t *)(response->head + 1);
	bool is_error = response->head->error;
	bool has_attr = has_entry(opcode) || opcode == FUSE_GETATTR ||
			opcode == FUSE_SETATTR;

	assert_ptr_equal(response->body, body);
	assert_int_equal(!!response->entry, !is_error && has_entry(opcode));
	assert_int_equal(!!response->attr, !is_error && has_attr);
	assert_int_equal(!!response->open, !is_error && has_open(opcode));
	if (response->entry) {
		assert_ptr_equal(response->entry, body);
		assert_ptr_equal(response->attr, &response->entry->attr);
	}
	if (response->open)
		assert_ptr_equal(response->open,
				 body + (opcode == FUSE_CREATE ? 128 : 0));
}

static void what_a_daemon_answers_is_taken(void **state)
{
	(void)state;
	for (const struct recorded *row = recorded; row->opcode; row++) {
		struct response response;
		uint8_t *octets, *before;
		size_t len;

		if (!request_opcode_is_forwarded(row->opcode))
			continue;
		octets = recorded_octets(row->response, &len);
		before = recorded_octets(row->response, &len);
		assert_int_equal(response_take(&response, row->opcode,
					       asked_max(row), octets, len),
				 0);
		claim_pointers(&response, row->opcode);
		assert_int_equal(response.body_len, len - HEAD);
		/* There is nothing wrong with it, but that the kernel has to
		 * look up what a listing has without a node. */
		if (row->opcode != FUSE_READDIRPLUS)
			assert_memory_equal(octets, before, len);
		free(octets);
		free(before);
	}
}

/* A kernel that is given one answers EINVAL, and its caller goes on waiting. */
static void another_length_is_none(void **state)
{
	(void)state;
	for (const struct recorded *row = recorded; row->opcode; row++) {
		uint8_t *octets;
		size_t len;

		if (!request_opcode_is_forwarded(row->opcode) ||
		    row->opcode == FUSE_READ)
			continue;
		octets = recorded_octets(row->response, &len);
		for (size_t other = 0; other < len + 9; other++) {
			uint8_t *copy = malloc(other ? other : 1);
			bool is_empty_listing =
				row->opcode == FUSE_READDIRPLUS &&
				other == HEAD;

			assert_non_null(copy);
			memcpy(copy, octets, other);
			if (other >= sizeof(uint32_t))
				recorded_put_number(copy, 4, other);
			/* A listing may end at the end of an entry. */
			if (row->opcode != FUSE_READDIRPLUS || other > len ||
			    (other - HEAD) % 8)
				assert_int_equal(
					take(row->opcode, 1 << 20, copy, other),
					other == len ? 0 : -EPROTO);
			else if (is_empty_listing)
				assert_int_equal(
					take(row->opcode, 1 << 20, copy, other),
					0);
			free(copy);
		}
		recorded_put_number(octets, 4, len + 1);
		assert_int_equal(take(row->opcode, 1 << 20, octets, len),
				 -EPROTO);
		free(octets);
	}
}

static void no_more_is_read_than_was_asked_for(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t max, body;
		int result;
	} cases[] = {
		{FUSE_READ, 100, 0, 0},		{FUSE_READ, 100, 100, 0},
		{FUSE_READ, 100, 101, -EPROTO}, {FUSE_READ, 1, 1, 0},
		{FUSE_READDIR, 100, 0, 0},	{FUSE_READDIRPLUS, 100, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = HEAD + cases[i].body;
		uint8_t *octets = calloc(1, len);

		assert_non_null(octets);
		recorded_put_number(octets, 4, len);
		assert_int_equal(
			take(cases[i].opcode, cases[i].max, octets, len),
			cases[i].result);
		free(octets);
	}
}

static void no_more_was_written_than_was_sent(void **state)
{
	static const struct {
		uint32_t size;
		int result;
	} cases[] = {
		{0, 0}, {1, 0}, {2, 0}, {3, -EPROTO}, {UINT32_MAX, -EPROTO},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets = recorded_response(FUSE_WRITE, &len);

		recorded_put_number(octets + HEAD, 4, cases[i].size);
		assert_int_equal(take(FUSE_WRITE, 2, octets, len),
				 cases[i].result);
		free(octets);
	}
}

/* ---- Errors ---- */

static void an_errno_is_one_of_the_kernels(void **state)
{
	static const struct {
		int32_t error, becomes;
	} cases[] = {
		{-EPERM, -EPERM},
		{-EAGAIN, -EAGAIN},
		{-EHOSTDOWN, -EHOSTDOWN},
		{-511, -511},
		{-ENOSYS, -EOPNOTSUPP},
		{-512, -EIO},
		{-513, -EIO},
		{-4096, -EIO},
		{INT32_MIN, -EIO},
		{1, -EIO},
		{ENOSYS, -EIO},
		{INT32_MAX, -EIO},
	};

	(void)state;
	for (const struct recorded *row = recorded; row->opcode; row++) {
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			struct fuse_out_header head = {
				.len = HEAD,
				.error = cases[i].error,
			};
			struct response response;

			if (!request_opcode_is_forwarded(row->opcode))
				continue;
			assert_int_equal(response_take(&response, row->opcode,
						       0, &head, HEAD),
					 0);
			assert_int_equal(head.error, cases[i].becomes);
			claim_pointers(&response, row->opcode);
		}
	}
}

static void an_error_has_nothing_behind_it(void **state)
{
	(void)state;
	for (const struct recorded *row = recorded; row->opcode; row++) {
		uint8_t octets[HEAD + 144] = {0};
		struct fuse_out_header *head = (void *)octets;

		if (!request_opcode_is_forwarded(row->opcode))
			continue;
		for (size_t body = 8; body <= 144; body += 8) {
			head->len = (uint32_t)(HEAD + body);
			head->error = -ENOENT;
			assert_int_equal(
				take(row->opcode, 1 << 20, octets, HEAD + body),
				-EPROTO);
		}
	}
}

/* ---- Members ---- */

#define OF_ENTRY(value) FUSE_MKDIR, IN(fuse_entry_out, value)
#define OF_ATTR(value)	FUSE_GETATTR, IN(fuse_attr_out, value)
#define OF_SPACE(value) FUSE_STATFS, IN(fuse_statfs_out, st.value)

/* Each changes one member of a recorded response. */
static void what_cannot_be_is_none(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t at, width;
		uint64_t value;
		int result;
	} cases[] = {
		{OF_ENTRY(nodeid), 0, -EPROTO},
		{OF_ENTRY(nodeid), FUSE_ROOT_ID, -EPROTO},
		{OF_ENTRY(nodeid), 2, 0},
		{OF_ENTRY(nodeid), UINT64_MAX, 0},
		{OF_ENTRY(entry_valid_nsec), 999999999, 0},
		{OF_ENTRY(entry_valid_nsec), 1000000000, -EPROTO},
		{OF_ENTRY(attr_valid_nsec), 1000000000, -EPROTO},
		{OF_ENTRY(attr.mode), 0, -EPROTO},
		{OF_ENTRY(attr.mode), S_IFREG | 0644, 0},
		{OF_ENTRY(attr.mode), S_IFDIR | 02755, 0},
		{OF_ENTRY(attr.mode), S_IFLNK | 0777, -EPROTO},
		{OF_ENTRY(attr.mode), S_IFBLK | 0666, -EPROTO},
		{OF_ENTRY(attr.mode), S_IFCHR | 0666, -EPROTO},
		{OF_ENTRY(attr.mode), S_IFIFO | 0666, -EPROTO},
		{OF_ENTRY(attr.mode), S_IFSOCK | 0666, -EPROTO},
		{OF_ENTRY(attr.mode), 0170644, -EPROTO},
		{FUSE_LOOKUP, IN(fuse_entry_out, nodeid), FUSE_ROOT_ID,
		 -EPROTO},
		{FUSE_CREATE, IN(fuse_entry_out, nodeid), 0, -EPROTO},
		{FUSE_MKNOD, IN(fuse_entry_out, nodeid), 0, -EPROTO},
		{OF_ATTR(attr_valid_nsec), 1000000000, -EPROTO},
		{OF_ATTR(attr.ino), 0, -EPROTO},
		{OF_ATTR(attr.ino), UINT64_MAX, 0},
		{OF_ATTR(attr.size), INT64_MAX, 0},
		{OF_ATTR(attr.size), UINT64_MAX, -EPROTO},
		{OF_ATTR(attr.nlink), 0, -EPROTO},
		{OF_ATTR(attr.nlink), 1, 0},
		{OF_ATTR(attr.atimensec), 1000000000, -EPROTO},
		{OF_ATTR(attr.mtimensec), 1000000000, -EPROTO},
		{OF_ATTR(attr.ctimensec), 1000000000, -EPROTO},
		{OF_ATTR(attr.mtime), UINT64_MAX, 0},
		{OF_ATTR(attr.blksize), 0, 0},
		{OF_ATTR(attr.blksize), UINT32_MAX, -EPROTO},
		{FUSE_SETATTR, IN(fuse_attr_out, attr.nlink), 0, -EPROTO},
		{OF_SPACE(bsize), 0, -EPROTO},
		{OF_SPACE(bsize), UINT32_MAX, -EPROTO},
		{OF_SPACE(frsize), 0, -EPROTO},
		{OF_SPACE(frsize), UINT32_MAX, -EPROTO},
		{OF_SPACE(namelen), 0, -EPROTO},
		{OF_SPACE(namelen), 1025, -EPROTO},
		{OF_SPACE(blocks), UINT64_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets = recorded_response(cases[i].opcode, &len);

		assert_int_equal(take(cases[i].opcode, 0, octets, len), 0);
		recorded_put_number(octets + cases[i].at, cases[i].width,
				    cases[i].value);
		assert_int_equal(take(cases[i].opcode, 0, octets, len),
				 cases[i].result);
		free(octets);
	}
}

static void what_no_peer_has_a_say_in_is_cleared(void **state)
{
	static const struct {
		uint32_t opcode;
		size_t at, width;
		uint64_t value, becomes;
	} cases[] = {
		/* FUSE_ATTR_SUBMOUNT */
		{OF_ENTRY(attr.flags), 1, 0},
		{OF_ENTRY(attr.rdev), 0x103, 0},
		{OF_ENTRY(attr.mode), 0xffff0000 | S_IFREG | 0644,
		 S_IFREG | 0644},
		{OF_ATTR(attr.flags), 1, 0},
		{OF_ATTR(dummy), 1, 0},
		{FUSE_OPEN, IN(fuse_open_out, open_flags), UINT32_MAX,
		 FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE},
		/* A backing file's number, since 7.40: it has another name. */
		{FUSE_OPEN, HEAD + 12, 4, 5, 0},
		{FUSE_OPENDIR, IN(fuse_open_out, open_flags), FOPEN_CACHE_DIR,
		 0},
		{FUSE_CREATE, IN_CREATE(open_flags), FOPEN_KEEP_CACHE, 0},
		{FUSE_CREATE, HEAD + sizeof(struct fuse_entry_out) + 12, 4, 5,
		 0},
		{FUSE_CREATE, IN_CREATE(fh), 5, 5},
		{FUSE_WRITE, IN(fuse_write_out, padding), 5, 0},
		{OF_SPACE(padding), 5, 0},
		{OF_SPACE(spare[5]), 5, 0},
		{FUSE_POLL, IN(fuse_poll_out, revents), POLLIN | POLLNVAL,
		 POLLIN},
		{FUSE_POLL, IN(fuse_poll_out, revents), 0xffff0000, 0},
		{FUSE_POLL, IN(fuse_poll_out, padding), 5, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;
		uint8_t *octets = recorded_response(cases[i].opcode, &len);
		uint8_t *at = octets + cases[i].at;

		recorded_put_number(at, cases[i].width, cases[i].value);
		assert_int_equal(take(cases[i].opcode, 2, octets, len), 0);
		assert_int_equal(recorded_number(at, cases[i].width),
				 cases[i].becomes);
		free(octets);
	}
}

static void what_came_with_an_open_is_not_the_kernels(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		size_t len; /* of all that is ahead */
		int result;
	} cases[] = {
		{offsetof(struct wire_ahead, zero), 0, 120 + 5, 0},
		{offsetof(struct wire_ahead, zero), 0, 120 + 6, -EPROTO},
		{offsetof(struct wire_ahead, zero), 0, 120 + 4, -EPROTO},
		{offsetof(struct wire_ahead, zero), 0, 119, -EPROTO},
		{offsetof(struct wire_ahead, text), UINT32_MAX, 125, -EPROTO},
		{offsetof(struct wire_ahead, has_attr), 0, 125, 0},
		{offsetof(struct wire_ahead, has_attr), 2, 125, -EPROTO},
		{offsetof(struct wire_ahead, has_text), 0, 125, -EPROTO},
		{offsetof(struct wire_ahead, attr.attr.mode), S_IFLNK, 125,
		 -EPROTO},
	};
	struct {
		struct fuse_out_header head;
		struct fuse_open_out open;
		struct wire_ahead ahead;
		char text[8];
	} octets;
	struct response response;
	size_t len;
	int r;

	(void)state;
	_Static_assert(sizeof(octets.ahead) == 120, "as above");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&octets, 0, sizeof(octets));
		octets.open.fh = 5;
		octets.ahead.has_attr = octets.ahead.has_text = 1;
		octets.ahead.text = 5;
		octets.ahead.attr.attr.mode = S_IFREG;
		octets.ahead.attr.attr.ino = octets.ahead.attr.attr.nlink = 1;
		memcpy((char *)&octets.ahead + cases[i].at, &cases[i].value,
		       sizeof(cases[i].value));
		len = 32 + cases[i].len;
		octets.head.len = (uint32_t)len;
		r = response_take(&response, FUSE_OPEN, len - 16, &octets, len);
		assert_int_equal(r, cases[i].result);
		if (r < 0)
			continue;
		assert_ptr_equal(response.ahead, &octets.ahead);
		assert_int_equal(response.body_len, sizeof(octets.open));
		assert_int_equal(octets.head.len, 32);
		/* More than was asked for. */
		octets.head.len = (uint32_t)len;
		assert_int_equal(response_take(&response, FUSE_OPEN, len - 17,
					       &octets, len),
				 -EPROTO);
	}
}

static void a_listing_came_with_an_opendir(void **state)
{
	struct {
		struct fuse_out_header head;
		struct fuse_open_out open;
		struct wire_ahead ahead;
		char text[4096];
	} octets = {.open.fh = 5};
	size_t len, whole;
	uint8_t *listed = recorded_response(FUSE_READDIRPLUS, &len);
	struct response response, listing;

	(void)state;
	len -= sizeof(octets.head);
	assert_in_range(len, 200, sizeof(octets.text));
	memcpy(octets.text, listed + sizeof(octets.head), len);
	free(listed);
	whole = offsetof(typeof(octets), text) + len;
	octets.head.len = (uint32_t)whole;
	octets.ahead.text = (uint32_t)len;
	/* It need not be all of it. */
	assert_int_equal(response_take(&response, FUSE_OPENDIR, whole - 16,
				       &octets, whole),
			 0);
	assert_int_equal(response.body_len, sizeof(octets.open));
	listing = response_ahead(&response);
	assert_ptr_equal(listing.body, octets.text);
	assert_int_equal(listing.body_len, len);
	/* A piece of an entry; then, a name that there cannot be. */
	octets.head.len = (uint32_t)(whole -= 8);
	octets.ahead.text -= 8;
	assert_int_equal(response_take(&response, FUSE_OPENDIR, whole - 16,
				       &octets, whole),
			 -EPROTO);
	octets.head.len = (uint32_t)(whole += 8);
	octets.ahead.text += 8;
	octets.text[FUSE_NAME_OFFSET_DIRENTPLUS] = '/';
	assert_int_equal(response_take(&response, FUSE_OPENDIR, whole - 16,
				       &octets, whole),
			 -EPROTO);
}

static void only_lookup_may_say_that_there_is_none(void **state)
{
	static const struct fuse_entry_out none;
	struct response response;
	size_t len;
	uint8_t *octets = recorded_response(FUSE_LOOKUP, &len);

	(void)state;
	recorded_put_number(octets + HEAD, 8, 0);
	assert_int_equal(response_take(&response, FUSE_LOOKUP, 0, octets, len),
			 0);
	assert_non_null(response.entry);
	assert_null(response.attr);
	/* Whatever else it said is gone. */
	assert_memory_equal(response.entry, &none, sizeof(none));
	free(octets);
}

/* ---- Listings ---- */

struct listed {
	uint64_t node, off;
	const char *name;
	uint32_t len; /* of the name; 0: its length */
	uint32_t type;
};

#define ENTRY(node, off, name)                                                 \
	{                                                                      \
		node, off, name, 0, 0                                          \
	}
#define END ENTRY(0, 0, NULL)

static struct fuse_entry_out entry_of(uint64_t node)
{
	return (struct fuse_entry_out){
		.nodeid = node,
		.attr = {.ino = 5, .mode = S_IFREG | 0644, .nlink = 1},
	};
}

static size_t add_listed(uint8_t *at, const struct listed *listed,
			 uint32_t opcode)
{
	size_t name_len = listed->len ? listed->len : strlen(listed->name);
	struct fuse_dirent dirent = {
		.ino = 5,
		.off = listed->off,
		.namelen = (uint32_t)name_len,
		.type = listed->type,
	};
	struct fuse_entry_out entry = entry_of(listed->node);
	size_t used = 0;

	if (opcode == FUSE_READDIRPLUS) {
		memcpy(at, &entry, sizeof(entry));
		used += sizeof(entry);
	}
	memcpy(at + used, &dirent, FUSE_NAME_OFFSET);
	used += FUSE_NAME_OFFSET;
	memcpy(at + used, listed->name, name_len);
	return FUSE_REC_ALIGN(used + name_len);
}

/* Ended by a row without a name. Return: octets. */
static size_t make_listing(uint8_t *out, const struct listed *listed,
			   uint32_t opcode)
{
	size_t len = HEAD;

	for (; listed->name; listed++)
		len += add_listed(out + len, listed, opcode);
	recorded_put_number(out, 4, len);
	return len;
}

static void a_listing_is_of_names(void **state)
{
	static const char slash[] = "a/b", nul[] = "a\0b";
	static const struct {
		struct listed listed[4];
		int plain, plus;
	} cases[] = {
		{{ENTRY(0, 1, "."), ENTRY(0, 2, ".."),
		  ENTRY(9, 3, "www.example.")},
		 0,
		 0},
		{{ENTRY(0, 7, "a"), ENTRY(0, 9, "b")}, 0, 0},
		{{{2, 1, "a", 0, DT_REG},
		  ENTRY(3, 2, "bb"),
		  ENTRY(4, 3, "ccc")},
		 0,
		 0},
		{{ENTRY(2, 1, slash)}, -EPROTO, -EPROTO},
		{{ENTRY(2, 1, "/")}, -EPROTO, -EPROTO},
		{{{2, 1, nul, 3, 0}}, -EPROTO, -EPROTO},
		{{ENTRY(2, 1, "")}, -EPROTO, -EPROTO},
		{{ENTRY(2, 1, "a"), ENTRY(3, 2, "")}, -EPROTO, -EPROTO},
		/* It would begin again, or never end. */
		{{ENTRY(2, 0, "a")}, -EPROTO, -EPROTO},
		{{ENTRY(2, 1, "a"), ENTRY(3, 1, "b")}, -EPROTO, -EPROTO},
		{{ENTRY(2, 5, "a"), ENTRY(3, 4, "b")}, -EPROTO, -EPROTO},
		{{ENTRY(2, INT64_MAX, "a")}, 0, 0},
		{{ENTRY(2, UINT64_MAX, "a")}, -EPROTO, -EPROTO},
		/* The kernel does not count these, so nobody would forget. */
		{{ENTRY(2, 1, ".")}, 0, -EPROTO},
		{{ENTRY(2, 1, "..")}, 0, -EPROTO},
		{{ENTRY(2, 1, "...")}, 0, 0},
		{{ENTRY(FUSE_ROOT_ID, 1, "a")}, 0, -EPROTO},
	};
	_Alignas(8) uint8_t octets[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len;

		memset(octets, 0, sizeof(octets));
		len = make_listing(octets, cases[i].listed, FUSE_READDIR);
		assert_int_equal(take(FUSE_READDIR, len - HEAD, octets, len),
				 cases[i].plain);
		/* More than was asked for. */
		assert_int_equal(
			take(FUSE_READDIR, len - HEAD - 1, octets, len),
			-EPROTO);
		memset(octets, 0, sizeof(octets));
		len = make_listing(octets, cases[i].listed, FUSE_READDIRPLUS);
		assert_int_equal(
			take(FUSE_READDIRPLUS, len - HEAD, octets, len),
			cases[i].plus);
	}
}

static void a_name_of_a_listing_has_an_end(void **state)
{
	static char name[RESPONSE_NAME_MAX + 2];
	_Alignas(8) uint8_t octets[2048] = {0};
	struct listed listed[2] = {{.node = 2, .off = 1, .name = name}};
	size_t len;

	(void)state;
	memset(name, 'x', RESPONSE_NAME_MAX);
	len = make_listing(octets, listed, FUSE_READDIR);
	assert_int_equal(take(FUSE_READDIR, 2048, octets, len), 0);
	name[RESPONSE_NAME_MAX] = 'x';
	len = make_listing(octets, listed, FUSE_READDIR);
	assert_int_equal(take(FUSE_READDIR, 2048, octets, len), -EPROTO);
}

static void a_name_does_not_end_behind_the_listing(void **state)
{
	static const uint32_t lengths[] = {
		2, 8, 9, 100, 4096, 1u << 31, UINT32_MAX - 7, UINT32_MAX};
	static const uint32_t opcodes[] = {FUSE_READDIR, FUSE_READDIRPLUS};
	static const struct listed listed[] = {ENTRY(2, 1, "a"), END};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		size_t ahead = opcodes[i] == FUSE_READDIR
				       ? 0
				       : sizeof(struct fuse_entry_out);

		for (size_t j = 0; j < ARRAY_SIZE(lengths); j++) {
			uint8_t made[256] = {0}, *octets;
			size_t len = make_listing(made, listed, opcodes[i]);

			/* So that a sanitizer sees what is behind. */
			octets = malloc(len);
			assert_non_null(octets);
			memcpy(octets, made, len);
			memset(octets + HEAD + ahead + FUSE_NAME_OFFSET, 'x',
			       8);
			recorded_put_number(octets + HEAD + ahead + 16, 4,
					    lengths[j]);
			assert_int_equal(take(opcodes[i], 1 << 20, octets, len),
					 lengths[j] <= 8 ? 0 : -EPROTO);
			free(octets);
		}
	}
}

static void a_listing_cut_off_is_none(void **state)
{
	static const struct listed listed[] = {ENTRY(2, 1, "a"),
					       ENTRY(3, 2, "bbbbbbbbb"), END};
	static const uint32_t opcodes[] = {FUSE_READDIR, FUSE_READDIRPLUS};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		uint8_t made[512] = {0};
		size_t len = make_listing(made, listed, opcodes[i]);
		size_t first =
			HEAD + add_listed(made + HEAD, &listed[0], opcodes[i]);

		for (size_t cut = HEAD; cut <= len; cut++) {
			uint8_t *octets = malloc(cut);
			bool is_end = cut == HEAD || cut == first || cut == len;

			assert_non_null(octets);
			memcpy(octets, made, cut);
			recorded_put_number(octets, 4, cut);
			assert_int_equal(take(opcodes[i], 512, octets, cut),
					 is_end ? 0 : -EPROTO);
			free(octets);
		}
	}
}

static void a_type_is_a_file_or_a_directory(void **state)
{
	static const struct {
		uint32_t type, becomes;
	} cases[] = {
		{DT_REG, DT_REG}, {DT_DIR, DT_DIR},    {DT_UNKNOWN, 0},
		{DT_LNK, 0},	  {DT_BLK, 0},	       {DT_WHT, 0},
		{UINT32_MAX, 0},  {0x100 | DT_DIR, 0},
	};
	_Alignas(8) uint8_t octets[256] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct listed listed[2] = {
			{.off = 1, .name = "a", .type = cases[i].type}};
		size_t len = make_listing(octets, listed, FUSE_READDIR);

		assert_int_equal(take(FUSE_READDIR, 256, octets, len), 0);
		assert_int_equal(((struct fuse_dirent *)(octets + HEAD))->type,
				 cases[i].becomes);
	}
}

struct seen {
	unsigned count;
	char names[256];
	int stop;
};

static int see(void *arg, struct fuse_entry_out *entry,
	       struct fuse_dirent *dirent)
{
	struct seen *seen = arg;

	if (seen->count + 1 == (unsigned)seen->stop)
		return -ENOMEM;
	seen->count++;
	strncat(seen->names, dirent->name, dirent->namelen);
	strcat(seen->names, "|");
	dirent->ino = 1000 + seen->count;
	if (entry && entry->nodeid)
		entry->nodeid = 2000 + seen->count;
	return 0;
}

static void each_entry_is_shown_and_may_be_changed(void **state)
{
	struct seen seen = {0}, again = {.stop = 3};
	struct response response;
	size_t len;
	uint8_t *octets = recorded_response(FUSE_READDIRPLUS, &len);
	struct fuse_direntplus *first = (void *)(octets + HEAD);

	(void)state;
	assert_int_equal(response_take(&response, FUSE_READDIRPLUS, 1 << 20,
				       octets, len),
			 0);
	assert_int_equal(response_walk(&response, FUSE_READDIRPLUS, see, &seen),
			 0);
	assert_string_equal(seen.names, ".|..|h1|");
	/* What is not counted has nothing. */
	assert_int_equal(first->entry_out.nodeid, 0);
	assert_int_equal(first->entry_out.attr.mode, 0);
	assert_int_equal(first->dirent.ino, 1001);
	assert_int_equal(
		response_walk(&response, FUSE_READDIRPLUS, see, &again),
		-ENOMEM);
	assert_int_equal(again.count, 2);
	free(octets);
}

/* The owner's own libfuse is asked, too, before anything was taken. */
static void a_walk_does_not_leave_the_listing(void **state)
{
	static const struct listed listed[] = {ENTRY(2, 1, "a"), END};
	_Alignas(8) uint8_t octets[256] = {0};
	size_t len = make_listing(octets, listed, FUSE_READDIR);
	struct response response = {
		.head = (void *)octets,
		.body = octets + HEAD,
		.body_len = len - HEAD,
	};
	struct seen seen = {0};

	(void)state;
	assert_int_equal(response_walk(&response, FUSE_READDIR, see, &seen), 0);
	recorded_put_number(octets + HEAD + 16, 4, 9);
	assert_int_equal(response_walk(&response, FUSE_READDIR, see, &seen),
			 -EPROTO);
	assert_int_equal(seen.count, 1);
}

/* ---- st_ino ---- */

static void a_file_has_another_number_on_each_host(void **state)
{
	static const uint8_t here[16] = {1, 2, 3}, there[16] = {1, 2, 4};

	(void)state;
	for (uint64_t ino = 0; ino < 10000; ino++) {
		uint64_t number = response_ino(here, ino);

		assert_true(number > FUSE_ROOT_ID);
		assert_int_equal(number, response_ino(here, ino));
		assert_int_not_equal(number, response_ino(there, ino));
		assert_int_not_equal(number, response_ino(here, ino + 1));
		assert_int_not_equal(number, ino);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_daemon_answers_is_taken),
		cmocka_unit_test(another_length_is_none),
		cmocka_unit_test(no_more_is_read_than_was_asked_for),
		cmocka_unit_test(no_more_was_written_than_was_sent),
		cmocka_unit_test(an_errno_is_one_of_the_kernels),
		cmocka_unit_test(an_error_has_nothing_behind_it),
		cmocka_unit_test(what_cannot_be_is_none),
		cmocka_unit_test(what_no_peer_has_a_say_in_is_cleared),
		cmocka_unit_test(what_came_with_an_open_is_not_the_kernels),
		cmocka_unit_test(a_listing_came_with_an_opendir),
		cmocka_unit_test(only_lookup_may_say_that_there_is_none),
		cmocka_unit_test(a_listing_is_of_names),
		cmocka_unit_test(a_name_of_a_listing_has_an_end),
		cmocka_unit_test(a_name_does_not_end_behind_the_listing),
		cmocka_unit_test(a_listing_cut_off_is_none),
		cmocka_unit_test(a_type_is_a_file_or_a_directory),
		cmocka_unit_test(each_entry_is_shown_and_may_be_changed),
		cmocka_unit_test(a_walk_does_not_leave_the_listing),
		cmocka_unit_test(a_file_has_another_number_on_each_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
