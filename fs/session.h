/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - libfuse inside the libuv loop
 *
 * The session's descriptor is a poll handle. A wake-up takes a bounded number
 * of requests, so that the other handles of the loop get their turn.
 *
 * Nobody waits for the answer to a release: the kernel sends it after close(2)
 * has returned. But who looks next must find done what it still does to an
 * anchor. So a hold keeps back the requests about that anchor until then. They
 * go on in the order in which they came, and each waits only for what had begun
 * when it came.
 */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "fs/fs.h"

struct waiting;

/* Requests about @anchor wait for it. Its owner's memory. */
struct hold {
	struct hold *prev, *next; /* in session->holds */
	const struct anchor *anchor;
	uint64_t turn;		 /* see session_hold() */
	struct waiting *waiting; /* utlist, oldest first; freed as they go */
};

struct session {
	struct fs *fs; /* set before session_start() */
	struct fuse_session *fuse;
	uv_poll_t poll;
	struct fuse_buf buffer; /* libfuse allocates it at the first request */
	uint64_t turn;		/* of the request at hand: how many came */
	uint64_t turns;		/* of the last one that came */
	struct hold *holds;	/* utlist, oldest first */
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
 * session_hold() - let the requests about an anchor wait, and about no other
 * @hold: stays where it is until session_release()
 * @turn: session->turn of the request that it is done for: who came later waits
 *
 * So do those for a file that tells of all anchors: `metrics`.
 */
void session_hold(struct session *session, struct hold *hold,
		  const struct anchor *anchor, uint64_t turn);

/** session_release() - and go on; @hold is free when this returns */
void session_release(struct session *session, struct hold *hold);

/** session_is_mounted() - false: somebody has unmounted it */
bool session_is_mounted(const struct session *session);

/** session_stop() - take no more requests, and close the poll handle */
void session_stop(struct session *session);

#endif
