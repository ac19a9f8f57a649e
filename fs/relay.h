/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay.h - one libfuse session for all kernels of other hosts
 *
 * Each session of libfuse takes a key of pthread_key_create(3), of which a
 * process has 1024; so the views of peers share one. It has no descriptor:
 * requests are given to it by hand, under numbers of its own, and by these each
 * response finds the view that has asked. A notification has no number: it is
 * for the view that was entered last.
 *
 * Threading: the main loop.
 */
#ifndef FS_RELAY_H
#define FS_RELAY_H

#include "fs/fs.h"

struct relayed; /* a request that is not answered yet */
struct relay;

/**
 * relay_open() - the libfuse session of a peer's view, made with the first one
 * Return: 0; -ENOMEM, -EIO.
 */
int relay_open(struct fuse_session **out, struct commons *commons);

/** relay_free() - when no view of a peer is left; NULL is fine */
struct relay *relay_free(struct relay *relay);

/**
 * relay_process() - take a request of @fs, which is a peer's
 * @request: borrowed, and written to
 */
void relay_process(struct fs *fs, const struct fuse_buf *request);

/**
 * relay_enter() - what is notified from here on is for the kernel of @fs
 * Return: for relay_leave(). Of this machine's kernel nothing happens.
 */
struct fs *relay_enter(struct fs *fs);
void relay_leave(struct fs *fs, struct fs *before);

#endif
