// SPDX-License-Identifier: Apache-2.0
/*
 * response.c - one row for each opcode: what is in a response
 *
 * The kernel is strict with its daemon: it takes a response of any other length
 * as none, and then whoever has asked waits in state D until somebody answers.
 * With what is in it it is less so.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "dns/wire/util.h"
#include "fs/fleet/request.h"
#include "fs/fleet/response.h"
#include "fs/kind.h"

#define NANOSECONDS 1000000000
/* Of FUSE's errors; beyond are the kernel's own, for itself. */
#define ERRNO_MAX 511

#define BLOCK_MAX ((uint32_t)16 << 20)

/* What poll(2) tells of a file. */
#define POLL_EVENTS                                                            \
	((uint32_t)(POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP |           \
		    POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND |        \
		    POLLMSG | POLLRDHUP))

static_assert(sizeof(struct fuse_open_out) == 16, "as in all versions");
static_assert(crypto_shorthash_KEYBYTES == 16, "a uuid is a key");

/* ---- Put right, and looked at, opcode by opcode ---- */

static bool attr_is_good(struct fuse_attr *attr)
{
	uint32_t type = attr->mode & S_IFMT;

	/* What 7.32 has here makes other files of them. */
	attr->flags = 0;
	attr->rdev = 0;
	attr->mode &= S_IFMT | 07777;
	return (type == S_IFDIR || type == S_IFREG) && attr->ino &&
	       attr->nlink && attr->size <= INT64_MAX &&
	       attr->blksize <= BLOCK_MAX && attr->atimensec < NANOSECONDS &&
	       attr->mtimensec < NANOSECONDS && attr->ctimensec < NANOSECONDS;
}

/* There is one root, and nobody finds it in a directory. */
static bool entry_is_good(struct fuse_entry_out *entry)
{
	return entry->nodeid > FUSE_ROOT_ID &&
	       entry->entry_valid_nsec < NANOSECONDS &&
	       entry->attr_valid_nsec < NANOSECONDS &&
	       attr_is_good(&entry->attr);
}

static bool settle_entry(struct response *response, size_t max)
{
	(void)max;
	response->entry = response->body;
	response->attr = &response->entry->attr;
	return entry_is_good(response->entry);
}

static bool settle_lookup(struct response *response, size_t max)
{
	struct fuse_entry_out *entry = response->body;

	if (entry->nodeid)
		return settle_entry(response, max);
	*entry = (struct fuse_entry_out){0};
	response->entry = entry;
	return true;
}

static bool settle_attr(struct response *response, size_t max)
{
	struct fuse_attr_out *out = response->body;

	(void)max;
	out->dummy = 0;
	response->attr = &out->attr;
	return out->attr_valid_nsec < NANOSECONDS && attr_is_good(&out->attr);
}

/*
 * Of the flags only those that a file here is opened with; and nothing in the
 * last octets, which 7.40 has found a use for.
 */
static void take_open(struct response *response, struct fuse_open_out *open)
{
	*open = (struct fuse_open_out){
		.fh = open->fh,
		.open_flags = open->open_flags &
			      (FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE),
	};
	response->open = open;
}

static bool ahead_is_good(struct wire_ahead *ahead, size_t len)
{
	if (len < sizeof(*ahead) || ahead->has_attr > 1 ||
	    ahead->has_text > 1 || ahead->text != len - sizeof(*ahead))
		return false;
	ahead->attr.dummy = 0;
	return !ahead->has_attr || attr_is_good(&ahead->attr.attr);
}

/* What is ahead is taken out of the body, which is for the kernel. */
static bool take_opened(struct response *response, size_t max)
{
	struct fuse_open_out *open = response->body;
	size_t more = response->body_len - sizeof(*open);

	if (response->body_len < sizeof(*open) ||
	    (more && response->body_len > max))
		return false;
	take_open(response, open);
	if (!more)
		return true;
	response->ahead = (struct wire_ahead *)(open + 1);
	response->body_len = sizeof(*open);
	response->head->len -= (uint32_t)more;
	return ahead_is_good(response->ahead, more);
}

static bool settle_open(struct response *response, size_t max)
{
	const struct wire_ahead *ahead;

	if (!take_opened(response, max))
		return false;
	ahead = response->ahead;
	return !ahead || ahead->has_text || !ahead->text;
}

static bool settle_create(struct response *response, size_t max)
{
	struct fuse_entry_out *entry = response->body;

	take_open(response, (struct fuse_open_out *)(entry + 1));
	return settle_entry(response, max);
}

static bool settle_read(struct response *response, size_t max)
{
	return response->body_len <= max;
}

static bool settle_write(struct response *response, size_t max)
{
	struct fuse_write_out *out = response->body;

	out->padding = 0;
	return out->size <= max;
}

static bool settle_statfs(struct response *response, size_t max)
{
	struct fuse_statfs_out *out = response->body;
	struct fuse_kstatfs *st = &out->st;

	(void)max;
	st->padding = 0;
	memset(st->spare, 0, sizeof(st->spare));
	return st->bsize && st->bsize <= BLOCK_MAX && st->frsize &&
	       st->frsize <= BLOCK_MAX && st->namelen &&
	       st->namelen <= RESPONSE_NAME_MAX;
}

static bool settle_poll(struct response *response, size_t max)
{
	struct fuse_poll_out *out = response->body;

	(void)max;
	out->revents &= POLL_EVENTS;
	out->padding = 0;
	return true;
}

/* ---- Directories ---- */

/* What is left of a listing to be walked. */
struct walk {
	uint8_t *at;
	size_t left;
	size_t ahead; /* of a name: octets of an entry */
	bool is_plus;
};

static void walk_begin(struct walk *out, const struct response *response,
		       bool is_plus)
{
	*out = (struct walk){
		.at = response->body,
		.left = response->body_len,
		.ahead = is_plus ? FUSE_NAME_OFFSET_DIRENTPLUS
				 : FUSE_NAME_OFFSET,
		.is_plus = is_plus,
	};
}

/* Return: 1; 0: that was all; -EPROTO: what is left is no entry. */
static int walk_next(struct walk *walk, struct fuse_entry_out **entry,
		     struct fuse_dirent **dirent)
{
	struct fuse_direntplus *plus = (struct fuse_direntplus *)walk->at;
	struct fuse_dirent *found;
	size_t size;

	if (!walk->left)
		return 0;
	if (walk->left < walk->ahead)
		return -EPROTO;
	found = walk->is_plus ? &plus->dirent : (struct fuse_dirent *)walk->at;
	if (found->namelen > walk->left - walk->ahead)
		return -EPROTO;
	size = FUSE_REC_ALIGN(walk->ahead + found->namelen);
	if (size > walk->left)
		return -EPROTO;
	walk->at += size;
	walk->left -= size;
	*entry = walk->is_plus ? &plus->entry_out : NULL;
	*dirent = found;
	return 1;
}

static bool is_dots(const struct fuse_dirent *dirent)
{
	return dirent->namelen <= 2 &&
	       !memcmp(dirent->name, "..", dirent->namelen);
}

static bool dirent_is_good(struct fuse_dirent *dirent)
{
	/* DT_DIR and DT_REG, as in dirent.h; else the kernel is not told. */
	if (dirent->type != S_IFDIR >> 12 && dirent->type != S_IFREG >> 12)
		dirent->type = 0;
	return dirent->namelen && dirent->namelen <= RESPONSE_NAME_MAX &&
	       !memchr(dirent->name, '/', dirent->namelen) &&
	       !memchr(dirent->name, '\0', dirent->namelen) &&
	       dirent->off <= INT64_MAX;
}

/* The kernel counts an entry's node, but for those that it passes over. */
static bool listed_is_good(struct fuse_entry_out *entry,
			   const struct fuse_dirent *dirent)
{
	if (entry->nodeid)
		return !is_dots(dirent) && entry_is_good(entry);
	*entry = (struct fuse_entry_out){0};
	return true;
}

/*
 * Places grow from entry to entry: whoever lists goes on from the last of them,
 * and would get the same ones again.
 */
static bool settle_listing(struct response *response, size_t max, bool is_plus)
{
	struct fuse_entry_out *entry;
	struct fuse_dirent *dirent;
	struct walk walk;
	uint64_t last = 0;
	int r;

	if (response->body_len > max)
		return false;
	walk_begin(&walk, response, is_plus);
	while ((r = walk_next(&walk, &entry, &dirent)) > 0) {
		if (!dirent_is_good(dirent) || dirent->off <= last ||
		    (entry && !listed_is_good(entry, dirent)))
			return false;
		last = dirent->off;
	}
	return r == 0;
}

struct response response_ahead(const struct response *response)
{
	return (struct response){
		.head = response->head,
		.body = response->ahead + 1,
		.body_len = response->ahead->text,
	};
}

static bool settle_opendir(struct response *response, size_t max)
{
	struct response listing;

	if (!take_opened(response, max))
		return false;
	if (!response->ahead)
		return true;
	listing = response_ahead(response);
	return settle_listing(&listing, max, true);
}

static bool settle_readdir(struct response *response, size_t max)
{
	return settle_listing(response, max, false);
}

static bool settle_readdirplus(struct response *response, size_t max)
{
	return settle_listing(response, max, true);
}

int response_walk(const struct response *response, uint32_t opcode,
		  response_entry *each, void *arg)
{
	struct fuse_entry_out *entry;
	struct fuse_dirent *dirent;
	struct walk walk;
	int r;

	assert(opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS);
	walk_begin(&walk, response, opcode == FUSE_READDIRPLUS);
	while ((r = walk_next(&walk, &entry, &dirent)) > 0) {
		r = each(arg, entry, dirent);
		if (r < 0)
			return r;
	}
	return r;
}

/* ---- The table ---- */

static const struct shape {
	bool is_known;
	bool is_of_any_size; /* settle() has a look at it */
	size_t size;	     /* of the body */
	bool (*settle)(struct response *response, size_t max);
} shapes[] = {
	[FUSE_LOOKUP] = {true, false, sizeof(struct fuse_entry_out),
			 settle_lookup},
	[FUSE_GETATTR] = {true, false, sizeof(struct fuse_attr_out),
			  settle_attr},
	[FUSE_SETATTR] = {true, false, sizeof(struct fuse_attr_out),
			  settle_attr},
	[FUSE_SYMLINK] = {true, false, sizeof(struct fuse_entry_out),
			  settle_entry},
	[FUSE_MKNOD] = {true, false, sizeof(struct fuse_entry_out),
			settle_entry},
	[FUSE_MKDIR] = {true, false, sizeof(struct fuse_entry_out),
			settle_entry},
	[FUSE_UNLINK] = {true, false, 0, NULL},
	[FUSE_RMDIR] = {true, false, 0, NULL},
	[FUSE_RENAME] = {true, false, 0, NULL},
	[FUSE_RENAME2] = {true, false, 0, NULL},
	[FUSE_LINK] = {true, false, sizeof(struct fuse_entry_out),
		       settle_entry},
	[FUSE_CREATE] = {true, false,
			 sizeof(struct fuse_entry_out) +
				 sizeof(struct fuse_open_out),
			 settle_create},
	[FUSE_STATFS] = {true, false, sizeof(struct fuse_statfs_out),
			 settle_statfs},
	[FUSE_OPEN] = {true, true, 0, settle_open},
	[FUSE_READ] = {true, true, 0, settle_read},
	[FUSE_WRITE] = {true, false, sizeof(struct fuse_write_out),
			settle_write},
	[FUSE_FLUSH] = {true, false, 0, NULL},
	[FUSE_FSYNC] = {true, false, 0, NULL},
	[FUSE_POLL] = {true, false, sizeof(struct fuse_poll_out), settle_poll},
	[FUSE_RELEASE] = {true, false, 0, NULL},
	[FUSE_OPENDIR] = {true, true, 0, settle_opendir},
	[FUSE_READDIR] = {true, true, 0, settle_readdir},
	[FUSE_READDIRPLUS] = {true, true, 0, settle_readdirplus},
	[FUSE_FSYNCDIR] = {true, false, 0, NULL},
	[FUSE_RELEASEDIR] = {true, false, 0, NULL},
};

/* ---- Taken ---- */

static void put_errno_right(struct fuse_out_header *head)
{
	if (head->error == -ENOSYS)
		head->error = -EOPNOTSUPP;
	else if (head->error > 0 || head->error < -ERRNO_MAX)
		head->error = -EIO;
}

static bool settle(struct response *response, const struct shape *shape,
		   size_t max)
{
	if (!shape->is_of_any_size && response->body_len != shape->size)
		return false;
	return !shape->settle || shape->settle(response, max);
}

int response_take(struct response *out, uint32_t opcode, size_t max,
		  void *octets, size_t len)
{
	struct response response = {.head = octets};

	assert((uintptr_t)octets % _Alignof(struct fuse_out_header) == 0);
	assert(request_opcode_is_forwarded(opcode));
	assert(opcode < ARRAY_SIZE(shapes) && shapes[opcode].is_known);
	if (len < sizeof(*response.head) || response.head->len != len)
		return -EPROTO;
	put_errno_right(response.head);
	response.body = response.head + 1;
	response.body_len = len - sizeof(*response.head);
	if (response.head->error ? response.body_len
				 : !settle(&response, &shapes[opcode], max))
		return -EPROTO;
	*out = response;
	return 0;
}

uint64_t response_ino(const uint8_t uuid[16], uint64_t ino)
{
	uint8_t octets[sizeof(ino)], hash[crypto_shorthash_BYTES];
	uint64_t kind = ino & (((uint64_t)1 << KIND_BITS) - 1), hashed;

	ino >>= KIND_BITS;
	memcpy(octets, &ino, sizeof(octets));
	crypto_shorthash(hash, octets, sizeof(octets), uuid);
	memcpy(&hashed, hash, sizeof(hashed));
	hashed = hashed << KIND_BITS | kind;
	/* 0 is no file to some programs, and 1 the root of the mount. */
	return hashed > FUSE_ROOT_ID ? hashed : hashed + FUSE_ROOT_ID + 1;
}
