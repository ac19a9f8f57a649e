// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "fs/daemon/aside.h"
#include "fs/pool.h"
#include "fs/watch.h"
#include "tests/unit/kernel.h"

/* ---- The host ---- */

void test_tree_open(struct test_tree *tree)
{
	*tree = (struct test_tree){0};
	tree->commons.uid = getuid();
	tree->commons.gid = getgid();
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
		shares_set(&tree->commons.shares, kind, 1 << 20);
	test_host_init(&tree->th);
	tree->th.changed = commons_changed;
	tree->th.changed_arg = &tree->commons;
	tree->th.seen = watch_seen;
	test_host_open(&tree->th);
	tree->commons.host = tree->th.host;
	assert_int_equal(aside_new(&tree->commons.aside, &tree->th.loop), 0);
	assert_int_equal(pool_new(&tree->commons.pool, &tree->th.loop), 0);
	assert_int_equal(commons_start(&tree->commons, 60, 1 << 30), 0);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void test_tree_close(struct test_tree *tree)
{
	tree->commons.aside = aside_free(tree->commons.aside);
	tree->commons.pool = pool_free(tree->commons.pool);
	commons_end(&tree->commons);
	tree->th.host = host_close(tree->th.host);
	uv_walk(&tree->th.loop, close_handle, NULL);
	uv_run(&tree->th.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&tree->th.loop), 0);
	test_host_deinit(&tree->th);
}

/* ---- A kernel ---- */

static ssize_t take_out(void *arg, const struct iovec *iov, int count)
{
	struct kernel *kernel = arg;
	struct answer *answer;
	size_t len = 0, at = 0;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	assert_false(kernel->is_closing);
	answer = calloc(1, sizeof(*answer) + len);
	assert_non_null(answer);
	memcpy(&answer->head, iov[0].iov_base, sizeof(answer->head));
	assert_int_equal(iov[0].iov_len, sizeof(answer->head));
	assert_int_equal(answer->head.len, len);
	for (int i = 1; i < count; i++) {
		if (iov[i].iov_len)
			memcpy(answer->body + at, iov[i].iov_base,
			       iov[i].iov_len);
		at += iov[i].iov_len;
	}
	answer->len = at;
	if (kernel->refuses && answer->head.unique) {
		free(answer);
		return -ENOENT;
	}
	if (answer->head.unique)
		DL_APPEND(kernel->answers, answer);
	else
		DL_APPEND(kernel->told, answer);
	return (ssize_t)len;
}

static void answer_ask(void *arg, const struct caller_about *about,
		       caller_done *done, void *done_arg)
{
	struct kernel *kernel = arg;

	(void)about;
	kernel->asked++;
	done(done_arg, &kernel->caller);
}

void kernel_open(struct kernel *kernel, struct test_tree *tree,
		 const char *name)
{
	*kernel = (struct kernel){
		.tree = tree,
		.uid = getuid(),
		.pid = 100,
		.caller = {.process = 100},
		.peer = {.name = name,
			 .write = take_out,
			 .ask = answer_ask,
			 .arg = kernel},
	};
	assert_int_equal(view_open(&kernel->fs, &tree->commons, &kernel->peer),
			 0);
}

static void on_closed(void *arg)
{
	struct kernel *kernel = arg;

	assert_false(kernel->is_closed);
	kernel->is_closed = true;
}

void kernel_close(struct kernel *kernel)
{
	view_close(kernel->fs, on_closed, kernel);
	kernel->is_closing = true;
	while (!kernel->is_closed)
		uv_run(&kernel->tree->th.loop, UV_RUN_ONCE);
	kernel_free(kernel);
}

void kernel_free(struct kernel *kernel)
{
	struct answer *answer, *next;

	DL_FOREACH_SAFE (kernel->answers, answer, next)
		free(answer);
	DL_FOREACH_SAFE (kernel->told, answer, next)
		free(answer);
	kernel->answers = kernel->told = NULL;
}

uint64_t kernel_send(struct kernel *kernel, uint32_t opcode, uint64_t node,
		     const void *body, size_t len, const void *more,
		     size_t more_len)
{
	struct fuse_in_header head = {
		.len = (uint32_t)(sizeof(head) + len + more_len),
		.opcode = opcode,
		.unique = ++kernel->unique,
		.nodeid = node,
		.uid = kernel->uid,
		.gid = getgid(),
		.pid = (uint32_t)kernel->pid,
	};
	uint8_t *octets = malloc(head.len);
	struct fuse_buf buf = {.size = head.len, .mem = octets};

	assert_non_null(octets);
	memcpy(octets, &head, sizeof(head));
	if (len)
		memcpy(octets + sizeof(head), body, len);
	if (more_len)
		memcpy(octets + sizeof(head) + len, more, more_len);
	session_process(kernel->fs->session, &buf);
	free(octets);
	return head.unique;
}

struct answer *kernel_take(struct kernel *kernel, uint64_t unique)
{
	struct answer *answer;

	DL_FOREACH (kernel->answers, answer) {
		if (answer->head.unique == unique) {
			DL_DELETE(kernel->answers, answer);
			return answer;
		}
	}
	return NULL;
}

static void on_late(uv_timer_t *timer)
{
	bool *is_late = timer->data;

	*is_late = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle);
}

struct answer *kernel_wait(struct kernel *kernel, uint64_t unique)
{
	uv_timer_t *timer = malloc(sizeof(*timer));
	uv_loop_t *loop = &kernel->tree->th.loop;
	struct answer *answer;
	bool is_late = false;

	uv_timer_init(loop, timer);
	timer->data = &is_late;
	uv_timer_start(timer, on_late, 10000, 0);
	while (!(answer = kernel_take(kernel, unique)) && !is_late)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)timer, on_timer_closed);
	assert_non_null(answer);
	return answer;
}

/* ---- Requests ---- */

static struct answer *ask(struct kernel *kernel, uint32_t opcode, uint64_t node,
			  const void *body, size_t len, const char *name)
{
	return kernel_wait(kernel,
			   kernel_send(kernel, opcode, node, body, len, name,
				       name ? strlen(name) + 1 : 0));
}

static int end(struct answer *answer)
{
	int error = answer->head.error;

	free(answer);
	return error;
}

static int end_entry(struct answer *answer, uint64_t *node)
{
	if (answer->head.error == 0)
		*node = answer->entry.nodeid;
	return end(answer);
}

int kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name,
		  uint64_t *node)
{
	return end_entry(ask(kernel, FUSE_LOOKUP, parent, NULL, 0, name), node);
}

int kernel_mkdir(struct kernel *kernel, uint64_t parent, const char *name,
		 uint64_t *node)
{
	struct fuse_mkdir_in in = {.mode = 0755};

	return end_entry(ask(kernel, FUSE_MKDIR, parent, &in, sizeof(in), name),
			 node);
}

int kernel_create(struct kernel *kernel, uint64_t parent, const char *name,
		  uint64_t *node, uint64_t *handle)
{
	struct fuse_create_in in = {.flags = O_RDWR | O_CREAT | O_EXCL,
				    .mode = S_IFREG | 0644};
	struct answer *answer =
		ask(kernel, FUSE_CREATE, parent, &in, sizeof(in), name);

	if (answer->head.error == 0) {
		*node = answer->created.entry.nodeid;
		*handle = answer->created.open.fh;
	}
	return end(answer);
}

int kernel_open_file(struct kernel *kernel, uint64_t node, uint32_t flags,
		     uint64_t *handle)
{
	struct fuse_open_in in = {.flags = flags};
	struct answer *answer =
		ask(kernel, FUSE_OPEN, node, &in, sizeof(in), NULL);

	if (answer->head.error == 0)
		*handle = answer->open.fh;
	return end(answer);
}

int kernel_write(struct kernel *kernel, uint64_t node, uint64_t handle,
		 uint64_t offset, const char *text)
{
	size_t len = strlen(text);
	struct fuse_write_in in = {
		.fh = handle,
		.offset = offset,
		.size = (uint32_t)len,
		.lock_owner = 1,
		.write_flags = FUSE_WRITE_LOCKOWNER,
	};

	return end(
		kernel_wait(kernel, kernel_send(kernel, FUSE_WRITE, node, &in,
						sizeof(in), text, len)));
}

int kernel_read(struct kernel *kernel, uint64_t node, uint64_t handle,
		char *out, size_t size)
{
	struct fuse_read_in in = {.fh = handle, .size = (uint32_t)size - 1};
	struct answer *answer =
		ask(kernel, FUSE_READ, node, &in, sizeof(in), NULL);
	int len = (int)answer->len;

	if (answer->head.error)
		return end(answer);
	assert_true(answer->len < size);
	memcpy(out, answer->body, answer->len);
	out[len] = 0;
	free(answer);
	return len;
}

int kernel_flush(struct kernel *kernel, uint64_t node, uint64_t handle)
{
	struct fuse_flush_in in = {.fh = handle, .lock_owner = 1};

	return end(ask(kernel, FUSE_FLUSH, node, &in, sizeof(in), NULL));
}

int kernel_release(struct kernel *kernel, uint64_t node, uint64_t handle)
{
	struct fuse_release_in in = {.fh = handle};

	return end(ask(kernel, FUSE_RELEASE, node, &in, sizeof(in), NULL));
}

int kernel_rename(struct kernel *kernel, uint64_t from, const char *name,
		  uint64_t to, const char *new_name)
{
	struct fuse_rename_in in = {.newdir = to};
	char names[256];
	size_t len = strlen(name) + 1;

	memcpy(names, name, len);
	memcpy(names + len, new_name, strlen(new_name) + 1);
	len += strlen(new_name) + 1;
	return end(
		kernel_wait(kernel, kernel_send(kernel, FUSE_RENAME, from, &in,
						sizeof(in), names, len)));
}

int kernel_unlink(struct kernel *kernel, uint64_t parent, const char *name)
{
	return end(ask(kernel, FUSE_UNLINK, parent, NULL, 0, name));
}

void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count)
{
	struct fuse_forget_in in = {.nlookup = count};

	kernel_send(kernel, FUSE_FORGET, node, &in, sizeof(in), NULL, 0);
}

/* Return: how often @name is in it; @offset: of the last entry. */
static int walk(const struct answer *answer, const char *name, uint64_t *node,
		uint64_t *offset)
{
	int found = 0;
	size_t at = 0;

	while (at < answer->len) {
		struct fuse_direntplus entry;
		const char *entry_name;

		memcpy(&entry, answer->body + at, FUSE_NAME_OFFSET_DIRENTPLUS);
		entry_name = (const char *)answer->body + at +
			     FUSE_NAME_OFFSET_DIRENTPLUS;
		if (strlen(name) == entry.dirent.namelen &&
		    !memcmp(name, entry_name, entry.dirent.namelen)) {
			found++;
			*node = entry.entry_out.nodeid;
		}
		*offset = entry.dirent.off;
		at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS +
					entry.dirent.namelen);
	}
	return found;
}

int kernel_list(struct kernel *kernel, uint64_t dir, const char *name,
		uint64_t *node)
{
	struct fuse_open_in open = {0};
	struct fuse_read_in in = {.size = 4096};
	struct fuse_release_in release = {0};
	struct answer *answer =
		ask(kernel, FUSE_OPENDIR, dir, &open, sizeof(open), NULL);
	int found = 0;
	size_t len;

	assert_int_equal(answer->head.error, 0);
	in.fh = release.fh = answer->open.fh;
	free(answer);
	do {
		answer = ask(kernel, FUSE_READDIRPLUS, dir, &in, sizeof(in),
			     NULL);
		assert_int_equal(answer->head.error, 0);
		len = answer->len;
		found += walk(answer, name, node, &in.offset);
		free(answer);
	} while (len);
	assert_int_equal(end(ask(kernel, FUSE_RELEASEDIR, dir, &release,
				 sizeof(release), NULL)),
			 0);
	return found;
}

int kernel_cat(struct kernel *kernel, uint64_t parent, const char *name,
	       char *out, size_t size)
{
	uint64_t node = 0, handle = 0;
	int r = kernel_lookup(kernel, parent, name, &node), len;

	if (r == 0)
		r = kernel_open_file(kernel, node, O_RDONLY, &handle);
	if (r < 0)
		return r;
	len = kernel_read(kernel, node, handle, out, size);
	assert_int_equal(kernel_release(kernel, node, handle), 0);
	kernel_forget(kernel, node, 1);
	return len;
}
