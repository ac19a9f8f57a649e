// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/fuse.h>
#include <utlist.h>

#include "fs/relay.h"
#include "fs/session.h"
#include "fs/view.h"

/* What our operations were written for: see libfuse 3.14. */
#define INIT_MINOR 31
#define INIT_FLAGS                                                             \
	(FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES |             \
	 FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_PARALLEL_DIROPS |  \
	 FUSE_MAX_PAGES)
#define READ_AHEAD (128 * 1024) /* octets, as Linux has it */

/*
 * No process has that one, and none is needed: libfuse only passes it on, and
 * closes it at the end.
 */
#define NO_DESCRIPTOR INT_MAX

struct relay {
	struct fuse_session *fuse;
	struct fs *current;	/* see fs_of(), and relay_enter() */
	struct relayed *errands; /* uthash by unique */
	uint64_t unique;	/* of the last one */
	bool has_begun;		/* INIT was answered */
};

struct relayed {
	UT_hash_handle hh; /* in relay->errands, by: */
	uint64_t unique;   /* that libfuse knows */
	uint64_t asked;	   /* that the peer does */
	struct fs *fs;
	struct relayed *prev, *next; /* in session->errands */
};

/* ---- Out ---- */

static size_t total(const struct iovec *iov, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	return len;
}

/* Whose response it is, which gets its number back; or NULL. */
static struct fs *end_errand(struct relay *relay, struct fuse_out_header *head)
{
	struct relayed *errand;
	struct fs *fs;

	HASH_FIND(hh, relay->errands, &head->unique, sizeof(head->unique),
		  errand);
	if (!errand)
		return NULL;
	fs = errand->fs;
	head->unique = errand->asked;
	HASH_DEL(relay->errands, errand);
	DL_DELETE(fs->session->errands, errand);
	free(errand);
	return fs;
}

/* Closing, a view has nobody any more who would take it. */
static ssize_t hand_over(struct fs *fs, const struct iovec *iov, int count)
{
	ssize_t len = (ssize_t)total(iov, count);

	if (fs->session->stopping)
		return len;
	return fs->peer->write(fs->peer->arg, iov, count);
}

static ssize_t write_out(int fd, struct iovec *iov, int count, void *userdata)
{
	struct relay *relay =
		container_of((struct fs **)userdata, struct relay, current);
	struct fuse_out_header *head = iov[0].iov_base;
	bool is_notification = !head->unique;
	ssize_t len = (ssize_t)total(iov, count), r = len;
	struct fs *fs;

	(void)fd;
	assert(iov[0].iov_len >= sizeof(*head));
	if (!relay->has_begun) {
		relay->has_begun = head->error == 0;
		return len;
	}
	fs = is_notification ? relay->current : end_errand(relay, head);
	assert(fs || !is_notification);
	/* An interrupt that came too late is told so by libfuse. */
	if (fs)
		r = hand_over(fs, iov, count);
	if (r >= 0 || is_notification)
		return len;
	errno = (int)-r;
	return -1;
}

/* It is not asked for what to do. */
static ssize_t read_nothing(int fd, void *data, size_t size, void *userdata)
{
	(void)fd;
	(void)data;
	(void)size;
	(void)userdata;
	errno = ENODEV;
	return -1;
}

/* ---- Open ---- */

/* As a kernel begins; its response is ours. */
static int begin(struct relay *relay)
{
	struct {
		struct fuse_in_header head;
		struct fuse_init_in body;
	} request = {
		.head = {.len = sizeof(request),
			 .opcode = FUSE_INIT,
			 .unique = ++relay->unique},
		.body = {.major = FUSE_KERNEL_VERSION,
			 .minor = INIT_MINOR,
			 .max_readahead = READ_AHEAD,
			 .flags = INIT_FLAGS},
	};
	const struct fuse_buf buf = {.size = sizeof(request), .mem = &request};

	fuse_session_process_buf(relay->fuse, &buf);
	return relay->has_begun && !fuse_session_exited(relay->fuse) ? 0 : -EIO;
}

static int start(struct relay *relay)
{
	static const struct fuse_custom_io io = {
		.writev = write_out,
		.read = read_nothing,
	};
	static char *argv[] = {"circuitfs", NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int r;

	relay->fuse = fuse_session_new(&args, &fs_operations,
				       sizeof(fs_operations), &relay->current);
	fuse_opt_free_args(&args);
	if (!relay->fuse)
		return -EIO;
	r = fuse_session_custom_io(relay->fuse, &io, NO_DESCRIPTOR);
	return r < 0 ? r : begin(relay);
}

int relay_open(struct fuse_session **out, struct commons *commons)
{
	struct relay *relay = commons->relay;
	int r;

	if (!relay) {
		relay = calloc(1, sizeof(*relay));
		if (!relay)
			return -ENOMEM;
		r = start(relay);
		if (r < 0) {
			relay_free(relay);
			return r;
		}
		commons->relay = relay;
	}
	*out = relay->fuse;
	return 0;
}

struct relay *relay_free(struct relay *relay)
{
	if (!relay)
		return NULL;
	assert(!relay->errands && !relay->current);
	if (relay->fuse)
		fuse_session_destroy(relay->fuse);
	free(relay);
	return NULL;
}

/* ---- In ---- */

static bool is_answered(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET &&
	       opcode != FUSE_INTERRUPT;
}

static void refuse(struct fs *fs, uint64_t unique, int result)
{
	struct fuse_out_header head = {
		.len = sizeof(head), .error = result, .unique = unique};
	const struct iovec iov = {.iov_base = &head, .iov_len = sizeof(head)};

	hand_over(fs, &iov, 1);
}

static int begin_errand(struct relay *relay, struct fs *fs,
			struct fuse_in_header *head)
{
	struct relayed *errand = malloc(sizeof(*errand));

	if (!errand)
		return -ENOMEM;
	errand->fs = fs;
	errand->asked = head->unique;
	errand->unique = head->unique = ++relay->unique;
	HASH_ADD(hh, relay->errands, unique, sizeof(errand->unique), errand);
	DL_APPEND(fs->session->errands, errand);
	return 0;
}

/* Return: whether there still is something to interrupt. */
static bool translate_interrupt(struct fs *fs, const struct fuse_buf *request)
{
	struct fuse_in_header *head = request->mem;
	struct fuse_interrupt_in *interrupt = (void *)(head + 1);
	struct relayed *errand;

	if (request->size < sizeof(*head) + sizeof(*interrupt))
		return false;
	DL_FOREACH (fs->session->errands, errand) {
		if (errand->asked != interrupt->unique)
			continue;
		interrupt->unique = errand->unique;
		return true;
	}
	return false;
}

void relay_process(struct fs *fs, const struct fuse_buf *request)
{
	struct relay *relay = fs->commons->relay;
	struct fuse_in_header *head = request->mem;
	struct fs *before;
	int r = 0;

	assert(request->size >= sizeof(*head));
	/* The session is not one kernel's to begin or to end. */
	if (head->opcode == FUSE_INIT || head->opcode == FUSE_DESTROY) {
		refuse(fs, head->unique, -EIO);
		return;
	}
	if (head->opcode == FUSE_INTERRUPT && !translate_interrupt(fs, request))
		return;
	if (is_answered(head->opcode))
		r = begin_errand(relay, fs, head);
	else
		head->unique = ++relay->unique;
	if (r < 0) {
		refuse(fs, head->unique, r);
		return;
	}
	before = relay_enter(fs);
	fuse_session_process_buf(relay->fuse, request);
	relay_leave(fs, before);
}

struct fs *relay_enter(struct fs *fs)
{
	struct relay *relay = fs->commons->relay;
	struct fs *before;

	if (!fs->peer)
		return NULL;
	before = relay->current;
	relay->current = fs;
	return before;
}

void relay_leave(struct fs *fs, struct fs *before)
{
	if (fs->peer)
		fs->commons->relay->current = before;
}
