/* SPDX-License-Identifier: Apache-2.0 */
/*
 * call.h - a request that changes an open file, while it has its turn
 *
 * The operations of a kind (kind.h) are given it, and give it back with
 * call_finish(), then or in a callback. Until then the open file is theirs: no
 * other call runs on it, and it is not freed.
 */
#ifndef FS_CALL_H
#define FS_CALL_H

#include "fs/handle_layout.h"
#include "fs/session.h"

enum call_kind {
	CALL_WRITE,
	CALL_FLUSH,
	CALL_FSYNC,
	CALL_TRUNCATE,
	CALL_RELEASE,
};

/* The text ends here. @killed: with the end of a process that was killed */
typedef void call_end_text(struct call *call, bool killed);

struct call {
	struct call *next; /* in handle->calls */
	fuse_req_t req;	   /* NULL: done is called instead */
	handle_done *done;
	void *arg;
	enum call_kind kind;
	struct handle *handle;
	struct fuse_ctx caller;
	uint64_t owner;	 /* of a write or a flush: the kernel's lock_owner */
	uint64_t offset; /* of a truncation: the size */
	size_t len;	 /* of data; and what a write says that it took */
	uint64_t turn;	 /* of the request: see session_hold() */
	struct receipt receipt; /* the same */

	call_end_text *end_text; /* of a close: what it may do */
	bool is_everybodys;	 /* and it may, whoever closes */
	bool publishes;		 /* and it ends a replacement or a change */
	bool is_ending;		 /* and who closes is on his way out */
	bool holds;		 /* requests about its anchor: */
	struct hold hold;
	int result;
	char data[]; /* of a write */
};

/**
 * call_finish() - the operation is done, and its request is answered
 * @arg:    the call, which is no more
 * @result: 0; -errno, and a line in `error` has told why
 *
 * As a callback of edits, rewrites and addresses wants it.
 */
void call_finish(void *arg, int result);

/**
 * call_close() - a flush: the text ends if who closes has written it
 * @is_everybodys: it ends whoever closes
 *
 * Who closes is asked for, so @end_text is called later. It ends the call.
 */
void call_close(struct call *call, bool is_everybodys, call_end_text *end_text);

/**
 * call_hold() - a release: requests about its anchor wait until it is done
 *
 * A release is told of when close() has returned: who looks next must find it
 * done. For what takes longer than a moment nobody is let wait.
 */
void call_hold(struct call *call);

#endif
