/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.h - kernels of other hosts, for unit tests: each has a view
 *
 * What such a kernel asks goes into a view of its own over one host, and what
 * comes back is kept here.
 */
#ifndef TESTS_KERNEL_H
#define TESTS_KERNEL_H

#include <linux/fuse.h>

#include "fs/fs.h"
#include "fs/session.h"
#include "fs/view.h"
#include "tests/unit/hosts.h"

/* A host and what all views of it share. */
struct test_tree {
	struct test_host th;
	struct commons commons;
	struct aside *aside;
};

void test_tree_open(struct test_tree *tree);
void test_tree_close(struct test_tree *tree);

/* A response that came, or a notification. */
struct answer {
	struct answer *prev, *next;
	struct fuse_out_header head;
	size_t len; /* of the body */
	union {
		uint8_t body[1]; /* and what follows */
		struct fuse_entry_out entry;
		struct fuse_open_out open;
		struct fuse_attr_out attr;
		struct fuse_notify_inval_inode_out inval;
		struct fuse_notify_poll_wakeup_out wakeup;
		struct {
			struct fuse_entry_out entry;
			struct fuse_open_out open;
		} created;
	};
};

struct kernel {
	struct test_tree *tree;
	struct view_peer peer;
	struct fs *fs;
	uint64_t unique; /* of the last request */
	uid_t uid;	 /* whose requests they are */
	pid_t pid;
	bool refuses; /* nobody takes what comes: -ENOENT */
	bool is_closing, is_closed;
	struct answer *answers; /* utlist: of responses, not taken yet */
	struct answer *told;	/* utlist: notifications, oldest first */
	unsigned asked;		/* about callers */
	struct caller caller;	/* what is told of them */
};

void kernel_open(struct kernel *kernel, struct test_tree *tree,
		 const char *name);
/* Close its view, and wait until that is done. */
void kernel_close(struct kernel *kernel);
void kernel_free(struct kernel *kernel);

/* Send a request, in two parts. Return: its number. */
uint64_t kernel_send(struct kernel *kernel, uint32_t opcode, uint64_t node,
		     const void *body, size_t len, const void *more,
		     size_t more_len);

/* The answer to it, if it has come; the caller frees it. */
struct answer *kernel_take(struct kernel *kernel, uint64_t unique);

/* Wait for the answer to it; the caller frees it. */
struct answer *kernel_wait(struct kernel *kernel, uint64_t unique);

/* ---- Requests, and their answers; an error is 0 or -errno ---- */

int kernel_lookup(struct kernel *kernel, uint64_t parent, const char *name,
		  uint64_t *node);
int kernel_mkdir(struct kernel *kernel, uint64_t parent, const char *name,
		 uint64_t *node);
int kernel_create(struct kernel *kernel, uint64_t parent, const char *name,
		  uint64_t *node, uint64_t *handle);
int kernel_open_file(struct kernel *kernel, uint64_t node, uint32_t flags,
		     uint64_t *handle);
int kernel_write(struct kernel *kernel, uint64_t node, uint64_t handle,
		 uint64_t offset, const char *text);
/* Return: octets, with a NUL behind them; -errno. */
int kernel_read(struct kernel *kernel, uint64_t node, uint64_t handle,
		char *out, size_t size);
int kernel_flush(struct kernel *kernel, uint64_t node, uint64_t handle);
int kernel_release(struct kernel *kernel, uint64_t node, uint64_t handle);
int kernel_rename(struct kernel *kernel, uint64_t from, const char *name,
		  uint64_t to, const char *new_name);
int kernel_unlink(struct kernel *kernel, uint64_t parent, const char *name);
void kernel_forget(struct kernel *kernel, uint64_t node, uint64_t count);
/* The whole of a directory, by READDIRPLUS: how often @name is in it; its node
 * of the last time. */
int kernel_list(struct kernel *kernel, uint64_t dir, const char *name,
		uint64_t *node);
/* Open, read and release a file by its name. Return: as kernel_read(). */
int kernel_cat(struct kernel *kernel, uint64_t parent, const char *name,
	       char *out, size_t size);

#endif
