/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - the thread that owns every write transaction
 *
 * The main loop hands it jobs. The writer takes all that wait, runs them one
 * after the other in one transaction, commits, and hands them back, so that a
 * hundred clients share the two syncs of a commit. What a job is, what it may
 * do and what a failure does to the others of its group, is told in job.h.
 *
 * Early work has a queue of its own: after each round of the others, one job of
 * it is run, or a slice of one. So who waits for the disk waits for no more of
 * a replacement, however large, than a few milliseconds of it.
 *
 * On a full disk a job that adds nothing may use the store's reserve.
 *
 * The writer also frees loose tables, a slice with every commit and more when
 * it has nothing else to do.
 *
 * A round, then, is: writer.c takes jobs from the queue, group.c runs them,
 * transaction.c commits and sweeps, writer.c hands them back and wakes the
 * main loop, which calls done(). What travels is the job, which one of the two
 * threads has at a time; the mutex is held only to move it.
 */
#ifndef ANCHORS_WRITER_H
#define ANCHORS_WRITER_H

#include <uv.h>

#include "anchors/histogram.h"
#include "anchors/job.h"
#include "anchors/store.h"

struct writer;

/**
 * writer_new() - start the thread; done() callbacks run on @loop
 *
 * The calling thread is the main loop's. Return: 0; -ENOMEM, -EMFILE, -EAGAIN;
 * an error of the store's.
 */
int writer_new(struct writer **out, uv_loop_t *loop, struct store *store);

/**
 * writer_free() - run what is queued, commit, stop and join
 *
 * Jobs that are not handed back yet are, by their done(), before it returns;
 * so are those that a done() hands over meanwhile.
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
