// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_request.c - a FUSE request from another host, into libfuse
 *
 * Whatever octets come: what request_take() lets through is of the length that
 * the protocol's text gives it, which is written down here a second time; and a
 * libfuse that is handed it finds every terminator and every octet of data in
 * it. Its operations read all that they are given, so that a sanitizer sees a
 * request that ends too early.
 */
#define FUSE_USE_VERSION 314

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <sys/uio.h>

#include "fs/fleet/request.h"
#include "fuzz.h"

#define HEAD 40
#define MIB  (1024 * 1024)

/* ---- libfuse ---- */

static struct fuse_session *session;
/* What operations have been handed, so that nothing of it is optimised away. */
static volatile unsigned sum;
static unsigned calls;

static void see_text(const char *text)
{
	calls++;
	for (; *text; text++)
		sum += (unsigned char)*text;
}

static void see_data(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum += (unsigned char)data[i];
}

static void on_text(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	(void)ino;
	see_text(name);
	fuse_reply_err(req, ENOENT);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	calls++;
	fuse_reply_err(req, ENOENT);
}

static void on_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr,
		       int set, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	calls++;
	fuzz_claim(!(set & FUSE_SET_ATTR_SIZE) || attr->st_size >= 0);
	fuse_reply_err(req, ENOENT);
}

static void on_mknod(fuse_req_t req, fuse_ino_t ino, const char *name,
		     mode_t mode, dev_t rdev)
{
	(void)mode, (void)rdev;
	on_text(req, ino, name);
}

static void on_mkdir(fuse_req_t req, fuse_ino_t ino, const char *name,
		     mode_t mode)
{
	(void)mode;
	on_text(req, ino, name);
}

static void on_symlink(fuse_req_t req, const char *target, fuse_ino_t ino,
		       const char *name)
{
	see_text(target);
	calls--;
	on_text(req, ino, name);
}

static void on_rename(fuse_req_t req, fuse_ino_t ino, const char *name,
		      fuse_ino_t new_ino, const char *new_name, unsigned flags)
{
	(void)new_ino, (void)flags;
	see_text(new_name);
	calls--;
	on_text(req, ino, name);
}

static void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_ino,
		    const char *name)
{
	(void)new_ino;
	on_text(req, ino, name);
}

static void on_create(fuse_req_t req, fuse_ino_t ino, const char *name,
		      mode_t mode, struct fuse_file_info *fi)
{
	(void)mode, (void)fi;
	on_text(req, ino, name);
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	fuzz_claim(size && size <= MIB && offset >= 0);
	on_getattr(req, ino, fi);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *data,
		     size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)ino;
	fuzz_claim(size && size <= MIB && offset >= 0);
	fuzz_claim(!fi->writepage);
	see_data(data, size);
	calls++;
	fuse_reply_write(req, size);
}

static void on_fsync(fuse_req_t req, fuse_ino_t ino, int datasync,
		     struct fuse_file_info *fi)
{
	(void)datasync;
	on_getattr(req, ino, fi);
}

static void on_release(fuse_req_t req, fuse_ino_t ino,
		       struct fuse_file_info *fi)
{
	fuzz_claim(!fi->flock_release);
	on_getattr(req, ino, fi);
}

static void on_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
		    struct fuse_pollhandle *poll)
{
	if (poll)
		fuse_pollhandle_destroy(poll);
	on_getattr(req, ino, fi);
}

static void on_statfs(fuse_req_t req, fuse_ino_t ino)
{
	(void)ino;
	calls++;
	fuse_reply_err(req, EIO);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = on_text,
	.getattr = on_getattr,
	.setattr = on_setattr,
	.mkdir = on_mkdir,
	.mknod = on_mknod,
	.symlink = on_symlink,
	.link = on_link,
	.unlink = on_text,
	.rmdir = on_text,
	.rename = on_rename,
	.create = on_create,
	.open = on_getattr,
	.read = on_read,
	.write = on_write,
	.flush = on_getattr,
	.fsync = on_fsync,
	.release = on_release,
	.poll = on_poll,
	.opendir = on_getattr,
	.readdir = on_read,
	.readdirplus = on_read,
	.releasedir = on_getattr,
	.fsyncdir = on_fsync,
	.statfs = on_statfs,
};

static ssize_t take_response(int fd, struct iovec *iov, int count, void *data)
{
	ssize_t len = 0;

	(void)fd, (void)data;
	for (int i = 0; i < count; i++)
		len += (ssize_t)iov[i].iov_len;
	return len;
}

static ssize_t give_nothing(int fd, void *out, size_t len, void *data)
{
	(void)fd, (void)out, (void)len, (void)data;
	return -1;
}

static void start(void)
{
	static const struct fuse_custom_io io = {
		.writev = take_response,
		.read = give_nothing,
	};
	char name[] = "fuzz", *argv[] = {name, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct {
		struct fuse_in_header head;
		struct fuse_init_in init;
	} request = {
		.head = {.len = sizeof(request),
			 .opcode = FUSE_INIT,
			 .unique = 1},
		.init = {.major = 7, .minor = 31},
	};
	struct fuse_buf buf = {.size = sizeof(request), .mem = &request};

	session =
		fuse_session_new(&args, &operations, sizeof(operations), NULL);
	fuzz_claim(session);
	/* A descriptor that nobody reads. */
	fuzz_claim(fuse_session_custom_io(session, &io,
					  open("/dev/null", O_RDWR)) == 0);
	fuse_session_process_buf(session, &buf);
	fuse_opt_free_args(&args);
}

static void give_to_libfuse(uint8_t *octets, size_t size)
{
	struct fuse_buf buf = {.size = size, .mem = octets};

	if (!session)
		start();
	calls = 0;
	fuse_session_process_buf(session, &buf);
	fuzz_claim(calls == 1);
}

/* ---- What the protocol says, once more ---- */

static uint32_t at32(const uint8_t *octets, size_t at)
{
	uint32_t value;

	memcpy(&value, octets + at, sizeof(value));
	return value;
}

static uint64_t at64(const uint8_t *octets, size_t at)
{
	uint64_t value;

	memcpy(&value, octets + at, sizeof(value));
	return value;
}

struct shape {
	uint32_t opcode;
	unsigned fixed, names;
	int handle; /* in the body; -1: none */
	int second;
};

static const struct shape shapes[] = {
	{1, 0, 1, -1, -1},   {3, 16, 0, 8, -1},	 {4, 88, 0, 8, -1},
	{6, 0, 2, -1, -1},   {8, 16, 1, -1, -1}, {9, 8, 1, -1, -1},
	{10, 0, 1, -1, -1},  {11, 0, 1, -1, -1}, {12, 8, 2, -1, 0},
	{13, 8, 1, -1, 0},   {14, 8, 0, -1, -1}, {15, 40, 0, 0, -1},
	{16, 40, 0, 0, -1},  {17, 0, 0, -1, -1}, {18, 24, 0, 0, -1},
	{20, 16, 0, 0, -1},  {25, 24, 0, 0, -1}, {27, 8, 0, -1, -1},
	{28, 40, 0, 0, -1},  {29, 24, 0, 0, -1}, {30, 16, 0, 0, -1},
	{35, 16, 1, -1, -1}, {40, 24, 0, 0, -1}, {44, 40, 0, 0, -1},
	{45, 16, 2, -1, 0},
};

static const struct shape *shape_of(uint32_t opcode)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		if (shapes[i].opcode == opcode)
			return &shapes[i];
	return NULL;
}

static void claim_name(const char *name)
{
	size_t len = strlen(name);

	fuzz_claim(len >= 1 && len <= 4095);
	fuzz_claim(!strchr(name, '/'));
	fuzz_claim(strcmp(name, ".") != 0 && strcmp(name, "..") != 0);
}

/* All octets are accounted for. */
static void claim_length(const struct request *request,
			 const struct shape *shape, const uint8_t *octets,
			 size_t size)
{
	size_t used = HEAD + shape->fixed;

	if (shape->names >= 1) {
		fuzz_claim(request->name == (const char *)octets + used);
		claim_name(request->name);
		used += strlen(request->name) + 1;
	} else {
		fuzz_claim(!request->name);
	}
	if (shape->names == 2) {
		fuzz_claim(request->new_name == (const char *)octets + used);
		if (shape->opcode != FUSE_SYMLINK)
			claim_name(request->new_name);
		used += strlen(request->new_name) + 1;
	} else {
		fuzz_claim(!request->new_name);
	}
	if (shape->opcode == FUSE_WRITE)
		used += at32(octets, HEAD + 16);
	fuzz_claim(used == size);
}

static void claim_numbers(const struct request *request,
			  const struct shape *shape, const uint8_t *octets)
{
	bool has_handle = shape->handle >= 0;

	if (shape->opcode == FUSE_GETATTR)
		has_handle = at32(octets, HEAD) & 1;
	if (shape->opcode == FUSE_SETATTR)
		has_handle = at32(octets, HEAD) & 1 << 6;
	fuzz_claim(!!request->handle == has_handle);
	if (has_handle)
		fuzz_claim((uint8_t *)request->handle ==
			   octets + HEAD + shape->handle);
	fuzz_claim(!!request->second == (shape->second >= 0));
	if (request->second)
		fuzz_claim((uint8_t *)request->second == octets + HEAD);
	fuzz_claim(at64(octets, 16) != 0);
	fuzz_claim(at32(octets, 36) == 0);
}

static void claim_request(const struct request *request, uint8_t *octets,
			  size_t size)
{
	const struct shape *shape = shape_of(at32(octets, 4));

	fuzz_claim((uint8_t *)request->head == octets);
	fuzz_claim(at32(octets, 0) == size);
	fuzz_claim((uint8_t *)request->body == octets + HEAD);
	fuzz_claim(request->body_len == size - HEAD);
	fuzz_claim(request->response_max <= MIB);
	fuzz_claim((request->class != REQUEST_LOCAL) == !!shape);
	fuzz_claim(request_opcode_is_forwarded(at32(octets, 4)) == !!shape);
	if (!shape)
		return;
	claim_length(request, shape, octets, size);
	claim_numbers(request, shape, octets);
}

/* The other side takes it again, and sees the same. */
static void claim_again(const uint8_t *octets, size_t size)
{
	uint8_t *copy = fuzz_copy(octets, size);
	struct request request;

	fuzz_claim(request_take(&request, copy, size) == 0);
	fuzz_claim(!memcmp(copy, octets, size));
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *octets = fuzz_copy(data, size);
	struct request request = {.head = NULL};
	int r;

	/* Few inputs would have their own length; half of them get it. */
	if (size >= HEAD && !octets[3])
		memcpy(octets, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
	r = request_take(&request, octets, size);
	fuzz_claim(r == 0 || r == -EPROTO || r == -ENOSYS);
	fuzz_claim((r == -EPROTO) == !request.head);
	if (r == -ENOSYS)
		fuzz_claim(!shape_of(at32(octets, 4)));
	if (r == 0) {
		claim_request(&request, octets, size);
		claim_again(octets, size);
		if (request.class != REQUEST_LOCAL)
			give_to_libfuse(octets, size);
	}
	free(octets);
	return 0;
}
