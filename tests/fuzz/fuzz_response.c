// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_response.c - a FUSE response from another host, on its way to a kernel
 *
 * An input is the opcode that was asked for, how much may come (two octets),
 * and a response. What response_take() lets through is judged as Linux does it
 * (fs/fuse/dev.c, dir.c, readdir.c), which is written down here a second time;
 * it gets numbers of this host, and then is judged again.
 */
#include <errno.h>
#include <sys/stat.h>

#include "fs/fleet/request.h"
#include "fs/fleet/response.h"
#include "fuzz.h"

#define HEAD		 16
#define ENTRY		 128
#define NAME_MAX_OF_FUSE 1024

static uint32_t at32(const uint8_t *octets)
{
	uint32_t value;

	memcpy(&value, octets, sizeof(value));
	return value;
}

static uint64_t at64(const uint8_t *octets)
{
	uint64_t value;

	memcpy(&value, octets, sizeof(value));
	return value;
}

/* ---- As the kernel judges it ---- */

/* Octets of the body; -1: any number up to what was asked for. */
static long size_of(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		return ENTRY;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		return 104;
	case FUSE_CREATE:
		return ENTRY + 16;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return 16;
	case FUSE_WRITE:
	case FUSE_POLL:
		return 8;
	case FUSE_STATFS:
		return 80;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		return -1;
	default:
		return 0;
	}
}

/* fuse_invalid_attr(); @attr of 88 octets */
static void claim_attr(const uint8_t *attr)
{
	uint32_t mode = at32(attr + 60);

	fuzz_claim(S_ISDIR(mode) || S_ISREG(mode));
	fuzz_claim(!(mode & ~(uint32_t)(S_IFMT | 07777)));
	fuzz_claim(at64(attr) != 0);
	fuzz_claim(at64(attr + 8) <= INT64_MAX);
	for (unsigned i = 0; i < 3; i++)
		fuzz_claim(at32(attr + 48 + 4 * i) < 1000000000);
	fuzz_claim(at32(attr + 64) != 0);
	fuzz_claim(at32(attr + 84) == 0);
}

/* fuse_invalid_nodeid(), and the rest of it. */
static void claim_entry(const uint8_t *entry, bool may_be_none)
{
	uint64_t nodeid = at64(entry);

	if (!nodeid) {
		fuzz_claim(may_be_none);
		for (unsigned i = 0; i < ENTRY; i++)
			fuzz_claim(!entry[i]);
		return;
	}
	fuzz_claim(nodeid != FUSE_ROOT_ID);
	fuzz_claim(at32(entry + 32) < 1000000000);
	fuzz_claim(at32(entry + 36) < 1000000000);
	claim_attr(entry + 40);
}

static void claim_dirent_name(const uint8_t *name, uint32_t len, bool has_node)
{
	fuzz_claim(len >= 1 && len <= NAME_MAX_OF_FUSE);
	fuzz_claim(!memchr(name, '/', len));
	fuzz_claim(!memchr(name, '\0', len));
	if (has_node)
		fuzz_claim(!(len == 1 && name[0] == '.') &&
			   !(len == 2 && name[0] == '.' && name[1] == '.'));
}

/* parse_dirfile(), parse_dirplusfile(); return: entries. */
static unsigned claim_listing(const uint8_t *at, size_t left, bool is_plus)
{
	size_t ahead = is_plus ? ENTRY : 0;
	unsigned count = 0;
	uint64_t place = 0;

	while (left >= ahead + 24) {
		const uint8_t *dirent = at + ahead;
		uint32_t len = at32(dirent + 16), type = at32(dirent + 20);
		size_t size = (ahead + 24 + (size_t)len + 7) / 8 * 8;

		fuzz_claim(size <= left);
		if (is_plus)
			claim_entry(at, true);
		claim_dirent_name(dirent + 24, len, is_plus && at64(at));
		fuzz_claim(type == 0 || type == 4 || type == 8);
		fuzz_claim(at64(dirent + 8) > place);
		place = at64(dirent + 8);
		fuzz_claim(place <= INT64_MAX);
		at += size;
		left -= size;
		count++;
	}
	fuzz_claim(!left);
	return count;
}

static void claim_body(uint32_t opcode, const uint8_t *body, size_t len,
		       size_t max)
{
	long size = size_of(opcode);

	fuzz_claim(size < 0 ? len <= max : len == (size_t)size);
	if (size == ENTRY)
		claim_entry(body, opcode == FUSE_LOOKUP);
	if (opcode == FUSE_CREATE)
		claim_entry(body, false);
	if (size == 104)
		claim_attr(body + 16);
	if (opcode == FUSE_WRITE)
		fuzz_claim(at32(body) <= max);
	if (opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS)
		claim_listing(body, len, opcode == FUSE_READDIRPLUS);
}

/* fuse_dev_do_write() */
static void claim_taken(const struct response *response, uint32_t opcode,
			size_t max, const uint8_t *octets, size_t len)
{
	int32_t error = (int32_t)at32(octets + 4);

	fuzz_claim(at32(octets) == len);
	fuzz_claim(error <= 0 && error > -512 && error != -ENOSYS);
	fuzz_claim((const uint8_t *)response->head == octets);
	fuzz_claim((const uint8_t *)response->body == octets + HEAD);
	fuzz_claim(response->body_len == len - HEAD);
	if (error) {
		fuzz_claim(len == HEAD);
		fuzz_claim(!response->entry && !response->attr &&
			   !response->open);
	} else {
		claim_body(opcode, octets + HEAD, len - HEAD, max);
	}
}

/* What follows an opening's; return: its octets, which are not the kernel's. */
static size_t claim_ahead(const struct response *response, uint32_t opcode,
			  size_t max, const uint8_t *octets, size_t len)
{
	const struct wire_ahead *ahead = response->ahead;
	size_t size;

	if (!ahead)
		return 0;
	fuzz_claim(opcode == FUSE_OPEN || opcode == FUSE_OPENDIR);
	fuzz_claim(!response->head->error);
	fuzz_claim((const uint8_t *)ahead == octets + HEAD + 16);
	fuzz_claim(len - HEAD <= max);
	size = sizeof(*ahead) + ahead->text;
	fuzz_claim(size == len - HEAD - 16);
	fuzz_claim(ahead->has_attr <= 1 && ahead->has_text <= 1);
	if (opcode == FUSE_OPENDIR)
		claim_listing((const uint8_t *)(ahead + 1), ahead->text, true);
	else
		fuzz_claim(!ahead->text || ahead->has_text);
	if (ahead->has_attr)
		claim_attr((const uint8_t *)&ahead->attr + 16);
	return size;
}

/* ---- Numbers of this host ---- */

struct renumbering {
	unsigned seen;
	uint64_t next;
	const uint8_t *from, *to;
};

static const uint8_t uuid[16] = "0123456789abcde";

static int renumber(void *arg, struct fuse_entry_out *entry,
		    struct fuse_dirent *dirent)
{
	struct renumbering *to = arg;

	to->seen++;
	fuzz_claim((uint8_t *)dirent >= to->from);
	fuzz_claim((uint8_t *)dirent->name + dirent->namelen <= to->to);
	dirent->ino = response_ino(uuid, dirent->ino);
	fuzz_claim(dirent->ino > 1);
	if (!entry)
		return 0;
	fuzz_claim((uint8_t *)(entry + 1) == (uint8_t *)dirent);
	if (entry->nodeid) {
		entry->nodeid = to->next++;
		entry->attr.ino = dirent->ino;
	}
	return 0;
}

static void renumber_all(struct response *response, uint32_t opcode)
{
	struct renumbering to = {
		.next = (uint64_t)1 << 63,
		.from = response->body,
		.to = (uint8_t *)response->body + response->body_len,
	};

	if (response->entry && response->entry->nodeid)
		response->entry->nodeid = to.next++;
	if (response->attr)
		response->attr->ino = response_ino(uuid, response->attr->ino);
	if (response->open)
		response->open->fh = to.next++;
	if (response->head->error ||
	    (opcode != FUSE_READDIR && opcode != FUSE_READDIRPLUS))
		return;
	fuzz_claim(response_walk(response, opcode, renumber, &to) == 0);
	fuzz_claim(to.seen == claim_listing(response->body, response->body_len,
					    opcode == FUSE_READDIRPLUS));
}

static void try(uint32_t opcode, size_t max, uint8_t *octets, size_t len)
{
	struct response response = {.head = NULL}, again;
	int r = response_take(&response, opcode, max, octets, len);

	fuzz_claim(r == 0 || r == -EPROTO);
	fuzz_claim((r == 0) == !!response.head);
	if (r < 0)
		return;
	len -= claim_ahead(&response, opcode, max, octets, len);
	claim_taken(&response, opcode, max, octets, len);
	renumber_all(&response, opcode);
	claim_taken(&response, opcode, max, octets, len);
	fuzz_claim(response_take(&again, opcode, max, octets, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {.at = data, .left = size};
	uint32_t opcode = fuzz_u8(&in);
	size_t max = fuzz_u16(&in);
	uint8_t *octets;

	if (!request_opcode_is_forwarded(opcode))
		return 0;
	octets = fuzz_copy(in.at, in.left);
	/* Few inputs would have their own length; half of them get it. */
	if (in.left >= HEAD && !octets[3])
		memcpy(octets, &(uint32_t){(uint32_t)in.left},
		       sizeof(uint32_t));
	try(opcode, max, octets, in.left);
	free(octets);
	return 0;
}
