/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - a piece of work for the writer, and what becomes of it
 *
 * Who wants something done in the store puts a job into a struct of its own,
 * with what run() needs beside it, and gives it to writer_submit(). From then
 * on all of it is the writer's, until done() gives it back on the main loop.
 *
 * A job that refuses (a positive errno) has changed nothing, and the others
 * of its group go on. When the store fails, the transaction is lost: every
 * job of the group is then run again in a transaction of its own, so that the
 * failure meets only the ones that cause it. So run() must be repeatable: it
 * changes nothing but its own job and the store.
 *
 * A job that another host has called for leaves a receipt in the transaction of
 * what it has done.
 *
 * Early work, a slice of a replacement that nobody can see yet, is handed back
 * as soon as it ran; its transaction stays open for a moment for what follows.
 * Should that transaction be lost, the job_loss learns it that all jobs of the
 * replacement share, and none of them is run any more.
 */
#ifndef ANCHORS_JOB_H
#define ANCHORS_JOB_H

#include <limits.h>
#include <lmdb.h>
#include <stdbool.h>

#include "anchors/receipt.h"

enum job_reply {
	JOB_DURABLE, /* when it is on disk */
	JOB_EARLY,   /* when it ran */
};

/*
 * What happened to early work. The writer's thread only; it must live until a
 * durable job that shares it was handed back.
 */
struct job_loss {
	int error;	       /* 0, or the -errno with which it was lost */
	bool pending;	       /* some of it is in the open transaction */
	struct job_loss *next; /* utlist: the others of which some is */
};

/*
 * What run() of early work, or of what ends it, returns when a slice is done,
 * and more is left. From there on it waits with the early work.
 */
#define JOB_MORE INT_MAX

struct job {
	/*
	 * The writer's thread. Return: 0, positive refused, negative failed;
	 * JOB_MORE: run it again, in this transaction or a later one; unless a
	 * slice of it is lost, of which job->loss learns.
	 */
	int (*run)(struct job *job, MDB_txn *txn);
	/* The main loop, exactly once; @result is 0 or -errno. Owns the job. */
	void (*done)(struct job *job, int result);
	enum job_reply reply;
	bool adds;   /* takes space, so a full disk refuses it first */
	bool behind; /* the early work that waits; also of a durable one */
	struct job_loss
		*loss; /* of early work and of what ends it, else NULL */
	size_t octets; /* that it, or its slice, writes, about: of early work */
	/* What is kept of it when run() has done it; early work has none. */
	const struct receipt *receipt; /* NULL, or one that lives as long */
	uint64_t made;		       /* the anchor to keep with it, or 0 */

	/* The writer's own. */
	int result;		 /* of the last time that it ran */
	struct job *prev, *next; /* utlist */
};

#endif
