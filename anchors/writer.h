/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the thread that owns every write transaction
 *
 * The main loop hands it jobs. The writer takes all that wait, runs them one
 * after the other in one transaction, commits, and hands them back, so that a
 * hundred clients share the two syncs of a commit.
 *
 * Early work has a queue of its own: after each round of the others, one job of
 * it is run, or a slice of one. So who waits for the disk waits for no more of
 * a replacement, however large, than a few milliseconds of it.
 *
 * A job that refuses (a positive errno) has changed nothing, and the others
 * of its group go on. When the store fails, the transaction is lost: every
 * job of the group is then run again in a transaction of its own, so that the
 * failure meets only the ones that cause it. So run() must be repeatable: it
 * changes nothing but its own job and the store.
 *
 * A JOB_EARLY job, a slice of a replacement that nobody can see yet, is
 * handed back as soon as it ran; its transaction stays open for a moment for
 * what follows. Should that transaction be lost, job->lost learns it.
 *
 * On a full disk a job that adds nothing may use the store's reserve.
 *
 * The writer also frees loose tables, a slice with every commit and more when
 * it has nothing else to do.
 */
#ifndef ANCHORS_WRITER_H
#define ANCHORS_WRITER_H

#include <limits.h>
#include <uv.h>

#include "anchors/histogram.h"
#include "anchors/store.h"

enum job_reply {
	JOB_DURABLE, /* when it is on disk */
	JOB_EARLY,   /* when it ran */
};

/* What happened to early work: 0, or the -errno with which it was lost. */
struct job_loss {
	int error;	       /* the writer's thread only */
	bool pending;	       /* in the open transaction; the writer's only */
	struct job_loss *next; /* the writer's only */
};

struct writer;

/* What run() of early work returns when a slice is done, and more is left. */
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
	struct job_loss *loss; /* of early work, else NULL */
	size_t octets; /* about how much it, or its slice, writes; of early
			* ones */

	int result;	  /* the writer's */
	struct job *next; /* the writer's */
};

/** writer_new() - start the thread; done() callbacks run on @loop */
int writer_new(struct writer **out, uv_loop_t *loop, struct store *store);

/**
 * writer_free() - run what is queued, commit, stop and join
 *
 * Jobs that are not handed back yet are, by their done(), before it returns.
 * The handle in the main loop is closed: run the loop once more after.
 */
struct writer *writer_free(struct writer *writer);

/** writer_submit() - queue a job; the main loop */
void writer_submit(struct writer *writer, struct job *job);

/** writer_commits() - how long commits took; any thread may read it */
const struct histogram *writer_commits(const struct writer *writer);

/** writer_loosen() - free a loose table by and by; only from run() */
int writer_loosen(struct writer *writer, uint32_t table);

#endif
