/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - libfuse inside the libuv loop
 *
 * The session's descriptor is a poll handle. A wake-up takes a bounded number
 * of requests, so that the other handles of the loop get their turn.
 */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "fs/fs.h"

struct session {
	struct fuse_session *fuse;
	uv_poll_t poll;
	struct fuse_buf buffer; /* libfuse allocates it at the first request */
	unsigned holds;		/* requests wait while this is not 0 */
	unsigned pending;	/* requests taken and not yet answered */
	bool stopping;
	void (*gone)(void); /* the mount is no more, or was never good */
};

/**
 * session_start() - take requests from a mounted session
 * @gone: called once, when the mount has ended from outside
 */
int session_start(struct session *session, uv_loop_t *loop,
		  struct fuse_session *fuse, void (*gone)(void));

/**
 * session_hold(), session_release() - let requests wait, and go on
 *
 * For what a later request must see and its caller could not wait for.
 */
void session_hold(struct session *session);
void session_release(struct session *session);

/** session_is_mounted() - false: somebody has unmounted it */
bool session_is_mounted(const struct session *session);

/** session_stop() - take no more requests, and close the poll handle */
void session_stop(struct session *session);

#endif
