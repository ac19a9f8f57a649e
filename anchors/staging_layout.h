/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging_layout.h - what a staging is, for the files that make it up
 *
 * staging.c fills the table, piece by piece; staging_publish.c makes it what is
 * answered. The jobs of one staging share its loss, so that none goes on when
 * an earlier one is lost.
 */
#ifndef ANCHORS_STAGING_LAYOUT_H
#define ANCHORS_STAGING_LAYOUT_H

#include "anchors/staging.h"
#include "anchors/task.h"

struct staging {
	struct anchor *anchor; /* a reference */
	struct job_loss loss;

	/* The main loop's before staging_publish(), then the writer's. */
	bool expects; /* publish only if all is as it was then: */
	struct staging_mark mark;
	int otherwise; /* what to tell if it is not; -errno */
	bool clears;   /* nothing is staged: what is there is removed */
	bool forgets;  /* and of a zone its settings, too */
	enum settle_by by;

	/* The writer's thread. */
	uint32_t table;
	bool has_table;

	/* The main loop. */
	unsigned running; /* changes that the writer has still to judge */
	int result;	  /* of the first that failed */
	struct refusal refusal;
	bool refused; /* the refusal says why */
	anchor_done *done;
	void *arg;
	unsigned ahead; /* call done() when no more than these are running */
	struct receipt receipt; /* of the call that waits */
};

/* What each operation on a staging begins with. */
struct staging_task {
	struct task task;
	struct staging *staging;
	bool made_table; /* this task made its table */
};

/** staging_free() - when the writer is through with it; the main loop */
void staging_free(struct staging *staging);

/** staging_task_new() - as task_new(): @size of a struct that begins with one
 */
void *staging_task_new(size_t size, struct staging *staging, anchor_done *done,
		       void *arg);

/** staging_table() - make sure that there is a table to stage in; from run() */
int staging_table(struct staging_task *on, MDB_txn *txn);

/**
 * staging_fits() - may all that is staged be published? From run()
 *
 * Return: 0; EDQUOT, with the task's refusal; ENODEV; -errno.
 */
int staging_fits(struct staging_task *on, MDB_txn *txn);

#endif
