// SPDX-License-Identifier: Apache-2.0
/*
 * request.c - one row for each opcode: what is in a request, and where
 *
 * The layouts are those of FUSE 7.31, which is what a view of a peer's speaks;
 * the headers of all systems that we are built on have them. The kernel that
 * asks may have agreed on more with its libfuse. What it then fills in where
 * 7.31 has padding is cleared here, and so are flags that it has only agreed on
 * for itself.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "dns/wire/util.h"
#include "fs/fleet/request.h"
#include "fs/fleet/wire.h"

/*
 * Flags of open(2) that operations look at. Others have other numbers on other
 * processors (O_DIRECTORY and O_LARGEFILE of x86 are O_DIRECT and O_NOFOLLOW
 * elsewhere), or are the kernel's own.
 */
#define OPEN_FLAGS                                                             \
	((uint32_t)(O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND |        \
		    O_NONBLOCK | O_SYNC))

#define SETATTR_VALID                                                          \
	((uint32_t)(FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE |          \
		    FATTR_ATIME | FATTR_MTIME | FATTR_FH | FATTR_ATIME_NOW |   \
		    FATTR_MTIME_NOW | FATTR_LOCKOWNER | FATTR_CTIME))

#define NANOSECONDS 1000000000

/* ---- Put right, and looked at, opcode by opcode ---- */

static bool settle_getattr(struct request *request)
{
	struct fuse_getattr_in *in = request->body;

	in->getattr_flags &= FUSE_GETATTR_FH;
	if (!in->getattr_flags) {
		request->tells = in->dummy == WIRE_TELLS;
		request->told_of = request->tells ? (pid_t)in->fh : 0;
		in->fh = 0;
		request->handle = NULL;
	}
	in->dummy = 0;
	return true;
}

static bool time_is_good(uint32_t valid, uint32_t set, uint32_t now,
			 uint32_t nanoseconds)
{
	if (valid & set)
		return nanoseconds < NANOSECONDS;
	return !(valid & now);
}

static bool settle_setattr(struct request *request)
{
	struct fuse_setattr_in *in = request->body;

	in->valid &= SETATTR_VALID;
	in->padding = in->unused4 = in->unused5 = 0;
	if (!(in->valid & FATTR_FH)) {
		in->fh = 0;
		request->handle = NULL;
	}
	return time_is_good(in->valid, FATTR_ATIME, FATTR_ATIME_NOW,
			    in->atimensec) &&
	       time_is_good(in->valid, FATTR_MTIME, FATTR_MTIME_NOW,
			    in->mtimensec) &&
	       time_is_good(in->valid, FATTR_CTIME, 0, in->ctimensec) &&
	       (!(in->valid & FATTR_SIZE) || in->size <= INT64_MAX);
}

static bool settle_mknod(struct request *request)
{
	struct fuse_mknod_in *in = request->body;

	in->padding = 0;
	return true;
}

static bool settle_rename2(struct request *request)
{
	struct fuse_rename2_in *in = request->body;

	in->padding = 0;
	return true;
}

/* O_ACCMODE is none of three: whoever judges rights wants all of them for it.
 */
static bool settle_open(struct request *request)
{
	struct fuse_open_in *in = request->body;

	in->flags &= OPEN_FLAGS & ~(uint32_t)(O_CREAT | O_EXCL);
	request->ahead = in->open_flags & WIRE_AHEAD ? in->open_flags : 0;
	in->open_flags = 0;
	if ((in->flags & O_ACCMODE) != O_RDONLY || (in->flags & O_TRUNC))
		request->class = REQUEST_CHANGES;
	return true;
}

static bool settle_opendir(struct request *request)
{
	struct fuse_open_in *in = request->body;

	in->flags &= O_NONBLOCK;
	request->ahead = in->open_flags & WIRE_AHEAD ? in->open_flags : 0;
	in->open_flags = 0;
	return true;
}

static bool settle_create(struct request *request)
{
	struct fuse_create_in *in = request->body;

	in->flags &= OPEN_FLAGS;
	in->open_flags = 0;
	return true;
}

static bool is_in_file(uint64_t offset, uint32_t size)
{
	return size && size <= REQUEST_DATA_MAX &&
	       offset <= (uint64_t)INT64_MAX - size;
}

/* READ, and READDIR: its offset is a place that an entry told. */
static bool settle_read(struct request *request)
{
	struct fuse_read_in *in = request->body;

	in->read_flags &= FUSE_READ_LOCKOWNER;
	in->flags &= OPEN_FLAGS;
	in->padding = 0;
	request->response_max = in->size;
	return is_in_file(in->offset, in->size);
}

static bool settle_write(struct request *request)
{
	struct fuse_write_in *in = request->body;

	in->write_flags &= FUSE_WRITE_LOCKOWNER;
	in->flags &= OPEN_FLAGS;
	in->padding = 0;
	request->response_max = in->size;
	return is_in_file(in->offset, in->size) &&
	       in->size == request->body_len - sizeof(*in);
}

static bool settle_flush(struct request *request)
{
	struct fuse_flush_in *in = request->body;

	request->tells = in->padding == WIRE_TELLS;
	in->unused = in->padding = 0;
	return true;
}

static bool settle_release(struct request *request)
{
	struct fuse_release_in *in = request->body;

	/* Nothing here locks, and a FLUSH comes as one. */
	in->release_flags = 0;
	in->flags &= OPEN_FLAGS;
	return true;
}

static bool settle_fsync(struct request *request)
{
	struct fuse_fsync_in *in = request->body;

	in->fsync_flags &= FUSE_FSYNC_FDATASYNC;
	in->padding = 0;
	return true;
}

static bool settle_poll(struct request *request)
{
	struct fuse_poll_in *in = request->body;

	in->flags &= FUSE_POLL_SCHEDULE_NOTIFY;
	return true;
}

static bool settle_batch_forget(struct request *request)
{
	const struct fuse_batch_forget_in *in = request->body;

	return request->body_len - sizeof(*in) ==
	       in->count * sizeof(struct fuse_forget_one);
}

/* ---- The table ---- */

struct layout {
	bool is_known;
	enum request_class class;
	uint8_t fixed;	 /* octets of the body, before names and data */
	uint8_t names;	 /* each with its NUL */
	bool has_text;	 /* the second of them is any text */
	bool has_data;	 /* more follows, which settle() counts */
	bool has_second; /* a node, with which the body begins */
	bool has_handle; /* at @handle of the body */
	bool handle_is_dir;
	uint8_t handle;
	uint8_t response; /* octets of its body */
	bool (*settle)(struct request *request);
};

#define OF(is_of)	 .is_known = true, .class = REQUEST_##is_of
#define BODY(type)	 .fixed = sizeof(struct type)
#define RESPONSE(type)	 .response = sizeof(struct type)
#define HAS_HANDLE(type) .has_handle = true, .handle = offsetof(struct type, fh)
#define HAS_DIR(type)	 HAS_HANDLE(type), .handle_is_dir = true

static const struct layout layouts[] = {
	[FUSE_LOOKUP] = {OF(READS), .names = 1, RESPONSE(fuse_entry_out)},
	[FUSE_GETATTR] = {OF(READS), BODY(fuse_getattr_in),
			  HAS_HANDLE(fuse_getattr_in), RESPONSE(fuse_attr_out),
			  .settle = settle_getattr},
	[FUSE_SETATTR] = {OF(CHANGES), BODY(fuse_setattr_in),
			  HAS_HANDLE(fuse_setattr_in), RESPONSE(fuse_attr_out),
			  .settle = settle_setattr},
	[FUSE_SYMLINK] = {OF(CHANGES), .names = 2, .has_text = true,
			  RESPONSE(fuse_entry_out)},
	[FUSE_MKNOD] = {OF(CHANGES), BODY(fuse_mknod_in), .names = 1,
			RESPONSE(fuse_entry_out), .settle = settle_mknod},
	[FUSE_MKDIR] = {OF(CHANGES), BODY(fuse_mkdir_in), .names = 1,
			RESPONSE(fuse_entry_out)},
	[FUSE_UNLINK] = {OF(CHANGES), .names = 1},
	[FUSE_RMDIR] = {OF(CHANGES), .names = 1},
	[FUSE_RENAME] = {OF(CHANGES), BODY(fuse_rename_in), .names = 2,
			 .has_second = true},
	[FUSE_RENAME2] = {OF(CHANGES), BODY(fuse_rename2_in), .names = 2,
			  .has_second = true, .settle = settle_rename2},
	[FUSE_LINK] = {OF(CHANGES), BODY(fuse_link_in), .names = 1,
		       .has_second = true, RESPONSE(fuse_entry_out)},
	[FUSE_CREATE] = {OF(CHANGES), BODY(fuse_create_in), .names = 1,
			 .response = sizeof(struct fuse_entry_out) +
				     sizeof(struct fuse_open_out),
			 .settle = settle_create},
	[FUSE_STATFS] = {OF(READS), RESPONSE(fuse_statfs_out)},

	[FUSE_OPEN] = {OF(READS), BODY(fuse_open_in), RESPONSE(fuse_open_out),
		       .settle = settle_open},
	[FUSE_READ] = {OF(FILE), BODY(fuse_read_in), HAS_HANDLE(fuse_read_in),
		       .settle = settle_read},
	[FUSE_WRITE] = {OF(FILE), BODY(fuse_write_in), .has_data = true,
			HAS_HANDLE(fuse_write_in), .settle = settle_write},
	[FUSE_FLUSH] = {OF(FILE), BODY(fuse_flush_in),
			HAS_HANDLE(fuse_flush_in), .settle = settle_flush},
	[FUSE_FSYNC] = {OF(FILE), BODY(fuse_fsync_in),
			HAS_HANDLE(fuse_fsync_in), .settle = settle_fsync},
	[FUSE_POLL] = {OF(FILE), BODY(fuse_poll_in), HAS_HANDLE(fuse_poll_in),
		       RESPONSE(fuse_poll_out), .settle = settle_poll},
	[FUSE_RELEASE] = {OF(FILE), BODY(fuse_release_in),
			  HAS_HANDLE(fuse_release_in),
			  .settle = settle_release},

	[FUSE_OPENDIR] = {OF(READS), BODY(fuse_open_in),
			  RESPONSE(fuse_open_out), .settle = settle_opendir},
	[FUSE_READDIR] = {OF(FILE), BODY(fuse_read_in), HAS_DIR(fuse_read_in),
			  .settle = settle_read},
	[FUSE_READDIRPLUS] = {OF(FILE), BODY(fuse_read_in),
			      HAS_DIR(fuse_read_in), .settle = settle_read},
	[FUSE_FSYNCDIR] = {OF(FILE), BODY(fuse_fsync_in),
			   HAS_DIR(fuse_fsync_in), .settle = settle_fsync},
	[FUSE_RELEASEDIR] = {OF(FILE), BODY(fuse_release_in),
			     HAS_DIR(fuse_release_in),
			     .settle = settle_release},

	[FUSE_FORGET] = {OF(LOCAL), BODY(fuse_forget_in)},
	[FUSE_BATCH_FORGET] = {OF(LOCAL), BODY(fuse_batch_forget_in),
			       .has_data = true, .settle = settle_batch_forget},
	[FUSE_INTERRUPT] = {OF(LOCAL), BODY(fuse_interrupt_in)},
	[FUSE_INIT] = {OF(LOCAL), .has_data = true},
	[FUSE_DESTROY] = {OF(LOCAL)},
};

static const struct layout *find_layout(uint32_t opcode)
{
	return opcode < ARRAY_SIZE(layouts) && layouts[opcode].is_known
		       ? &layouts[opcode]
		       : NULL;
}

bool request_opcode_is_forwarded(uint32_t opcode)
{
	const struct layout *layout = find_layout(opcode);

	return layout && layout->class != REQUEST_LOCAL;
}

/* ---- Taken apart ---- */

struct rest {
	const char *at;
	size_t left;
};

/* A text of 1 to @max octets and its NUL. */
static const char *take_text(struct rest *rest, size_t max)
{
	const char *text = rest->at;
	size_t len = strnlen(text, rest->left);

	if (!len || len > max || len == rest->left)
		return NULL;
	rest->at += len + 1;
	rest->left -= len + 1;
	return text;
}

static const char *take_name(struct rest *rest)
{
	const char *name = take_text(rest, REQUEST_NAME_MAX);

	if (!name || strchr(name, '/') || !strcmp(name, ".") ||
	    !strcmp(name, ".."))
		return NULL;
	return name;
}

static bool take_names(struct request *request, const struct layout *layout,
		       struct rest *rest)
{
	if (layout->names >= 1 && !(request->name = take_name(rest)))
		return false;
	if (layout->names < 2)
		return true;
	request->new_name = layout->has_text ? take_text(rest, PATH_MAX - 1)
					     : take_name(rest);
	return request->new_name;
}

static bool take_body(struct request *request, const struct layout *layout)
{
	uint8_t *body = request->body;
	struct rest rest;

	if (request->body_len < layout->fixed)
		return false;
	rest.at = (const char *)body + layout->fixed;
	rest.left = request->body_len - layout->fixed;
	if (!take_names(request, layout, &rest) ||
	    (rest.left && !layout->has_data))
		return false;
	if (layout->has_second)
		request->second = (uint64_t *)body;
	if (layout->has_handle)
		request->handle = (uint64_t *)(body + layout->handle);
	return !layout->settle || layout->settle(request);
}

/*
 * Behind the names a newer kernel may put more, of a length that it says here;
 * it does so for a libfuse that has asked for it, and none has.
 */
static bool head_is_good(const struct fuse_in_header *head, size_t len)
{
	return len >= sizeof(*head) && head->len == len && !head->total_extlen;
}

int request_take(struct request *out, void *octets, size_t len)
{
	struct request request = {.head = octets};
	const struct layout *layout;

	assert((uintptr_t)octets % _Alignof(struct fuse_in_header) == 0);
	if (!head_is_good(octets, len))
		return -EPROTO;
	request.head->padding = 0;
	layout = find_layout(request.head->opcode);
	if (!layout) {
		*out = request;
		return -ENOSYS;
	}
	request.class = layout->class;
	request.handle_is_dir = layout->handle_is_dir;
	request.body = request.head + 1;
	request.body_len = len - sizeof(*request.head);
	request.response_max = layout->response;
	if (!take_body(&request, layout) ||
	    (request.class != REQUEST_LOCAL && !request.head->nodeid))
		return -EPROTO;
	*out = request;
	return 0;
}
