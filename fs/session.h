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
 *
 * Each view has one. That of another host's kernel has no descriptor: its
 * requests come by session_process(), and its responses leave by relay.h.
 */
#ifndef FS_SESSION_H
#define FS_SESSION_H

#include "fs/fs.h"

struct relayed;
struct waiting;

/* Requests about @anchor wait for it. Its owner's memory. */
struct hold {
	struct hold *prev, *next; /* in session->holds */
	const struct anchor *anchor;
	uint64_t turn;		 /* see session_hold() */
	struct waiting *waiting; /* utlist, oldest first; freed as they go */
};

struct session {
	struct fs *fs;
	struct fuse_session *fuse;
	uv_poll_t poll;
	struct fuse_buf buffer; /* libfuse allocates it at the first request */
	uint64_t turn;		/* of the request at hand: how many came */
	uint64_t turns;		/* of the last one that came */
	struct hold *holds;	/* utlist, oldest first */
	struct relayed *errands; /* utlist: relay.h's, of a peer's view */
	unsigned pending;	/* requests taken and not yet answered */
	bool is_polled;		/* session_start() was called */
	bool has_begun;		/* the kernel was answered INIT */
	bool stopping;		/* no request is taken any more */
	void (*gone)(void);	/* the mount is no more, or was never good */
	/* The last one was answered while it is stopping; NULL: none cares. */
	void (*drained)(struct session *session);
};

/**
 * session_start() - take requests from a mounted session
 * @gone: called once, when the mount has ended from outside
 */
int session_start(struct session *session, uv_loop_t *loop, void (*gone)(void));

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

/**
 * session_process() - take one request
 * @request: borrowed, and may be written to
 *
 * Once it is stopping, nothing happens.
 */
void session_process(struct session *session, const struct fuse_buf *request);

/** session_add_pending(), session_end_pending() - one is taken, or answered */
void session_add_pending(struct session *session);
void session_end_pending(struct session *session);

/** session_stop() - take no more requests; twice is fine */
void session_stop(struct session *session);

#endif
