// SPDX-License-Identifier: Apache-2.0
/*
 * writer.c - the queue, and the thread that takes from it
 *
 * Jobs cross between the main loop and the writer on three lists, each of them
 * under the mutex: two of those that wait, one of those that are done. What is
 * done in a round with those that were taken is told in group.h.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "anchors/group.h"
#include "anchors/writer.h"
#include "dns/wire/bell.h"
#include "dns/wire/thread.h"

/* How long early work may wait for what follows before it is committed. */
#define WRITER_LINGER_NS (5 * 1000 * 1000)
/* For how long jobs are handed back in a turn of the loop. */
#define DONE_NS (1000 * 1000)

struct writer {
	/* The main loop's. */
	pthread_t loop_thread;
	pthread_t thread;
	bool running;	  /* @thread is */
	size_t out;	  /* jobs that are not handed back yet */
	struct bell bell; /* jobs are done */

	uv_mutex_t mutex; /* protects these: */
	uv_cond_t cond;
	struct job *waiting;	   /* utlist */
	struct job *early_waiting; /* utlist; and what has to be behind */
	struct job *done;	   /* utlist */
	bool stop;

	struct transaction transaction; /* the writer's thread */
};

static void assert_loop(const struct writer *writer)
{
	assert(pthread_equal(writer->loop_thread, pthread_self()));
}

/* ---- The main loop's side ---- */

/* These are the first again. */
static void put_back(struct writer *writer, struct job *jobs)
{
	uv_mutex_lock(&writer->mutex);
	DL_CONCAT(jobs, writer->done);
	writer->done = jobs;
	uv_mutex_unlock(&writer->mutex);
	bell_ring(&writer->bell);
}

/* As many as there is time for until @until_ns (uv_hrtime()); one at least. */
static void call_done(struct writer *writer, uint64_t until_ns)
{
	struct job *jobs, *job;

	uv_mutex_lock(&writer->mutex);
	jobs = steal(&writer->done);
	uv_mutex_unlock(&writer->mutex);
	while ((job = jobs)) {
		assert(writer->out);
		writer->out--;
		DL_DELETE(jobs, job);
		/* The caller need not know whether it was refused or failed. */
		job->done(job, job->result > 0 ? -job->result : job->result);
		if (jobs && uv_hrtime() >= until_ns) {
			put_back(writer, jobs);
			return;
		}
	}
}

static void on_done(void *arg)
{
	call_done(arg, uv_hrtime() + DONE_NS);
}

void writer_submit(struct writer *writer, struct job *job)
{
	assert_loop(writer);
	assert(job->reply == JOB_DURABLE || job->loss);
	writer->out++;
	uv_mutex_lock(&writer->mutex);
	if (job->reply == JOB_EARLY || job->behind)
		DL_APPEND(writer->early_waiting, job);
	else
		DL_APPEND(writer->waiting, job);
	uv_mutex_unlock(&writer->mutex);
	/* Under the mutex, the writer would wake up only to wait for it. */
	uv_cond_signal(&writer->cond);
}

const struct histogram *writer_commits(const struct writer *writer)
{
	return &writer->transaction.commits;
}

/* ---- The writer's thread ---- */

int writer_loosen(struct writer *writer, uint32_t table)
{
	return transaction_loosen(&writer->transaction, table);
}

static void hand_back(struct writer *writer, struct job *jobs)
{
	uv_mutex_lock(&writer->mutex);
	DL_CONCAT(writer->done, jobs);
	uv_mutex_unlock(&writer->mutex);
	bell_ring(&writer->bell);
}

/* It has more to do, and is still the first. */
static void go_on(struct writer *writer, struct job *job)
{
	uv_mutex_lock(&writer->mutex);
	DL_PREPEND(writer->early_waiting, job);
	uv_mutex_unlock(&writer->mutex);
}

/* Of those that were run together, the ones with more to do wait again. */
static struct job *take_ended(struct writer *writer, struct job *jobs)
{
	struct job *ended = NULL, *job, *next;

	DL_FOREACH_SAFE (jobs, job, next) {
		DL_DELETE(jobs, job);
		if (job->result == JOB_MORE)
			go_on(writer, job);
		else
			DL_APPEND(ended, job);
	}
	return ended;
}

/* The first one, as a list of its own; NULL: there is none. */
static struct job *take_first(struct job **list)
{
	struct job *alone = NULL, *first = *list;

	if (first) {
		DL_DELETE(*list, first);
		DL_APPEND(alone, first);
	}
	return alone;
}

/* It takes what waits: nothing, if it is time for other things, or to stop. */
static void take(struct writer *writer, struct job **jobs, struct job **early,
		 bool *stop)
{
	const struct transaction *transaction = &writer->transaction;
	bool linger = transaction->txn;
	bool idle = !transaction_is_swept(transaction);

	uv_mutex_lock(&writer->mutex);
	while (!writer->waiting && !writer->early_waiting && !writer->stop) {
		if (!linger && idle)
			break;
		if (!linger)
			uv_cond_wait(&writer->cond, &writer->mutex);
		else if (uv_cond_timedwait(&writer->cond, &writer->mutex,
					   WRITER_LINGER_NS) == UV_ETIMEDOUT)
			break;
	}
	*jobs = steal(&writer->waiting);
	*early = take_first(&writer->early_waiting);
	*stop = !*jobs && !*early && writer->stop;
	uv_mutex_unlock(&writer->mutex);
}

/* Nobody waits for it, and it is long: who answers has the core before it. */
static void run_early(struct transaction *transaction, struct job *early)
{
	thread_slice(THREAD_SLICE_LONG);
	group_run(transaction, early);
	thread_slice(THREAD_SLICE_DEFAULT);
}

static void *writer_main(void *arg)
{
	struct writer *writer = arg;
	struct transaction *transaction = &writer->transaction;
	bool stop = false;

	transaction_enter(transaction);
	while (!stop) {
		struct job *jobs, *early;

		take(writer, &jobs, &early, &stop);
		if (jobs) {
			group_run(transaction, jobs);
			hand_back(writer, take_ended(writer, jobs));
		}
		if (early) {
			run_early(transaction, early);
			if (early->result == JOB_MORE)
				go_on(writer, early);
			else
				hand_back(writer, early);
		} else if (jobs) {
			continue;
		} else if (transaction->txn) {
			transaction_commit(transaction,
					   transaction_share(transaction));
		} else if (transaction->loose.len && !stop) {
			transaction_sweep_idle(transaction);
		}
	}
	return NULL;
}

/* ---- Start and stop ---- */

/* All that writer_free() takes apart, but for the thread. */
static int writer_alloc(struct writer **out, uv_loop_t *loop)
{
	CLEANUP(freep) struct writer *writer = calloc(1, sizeof(*writer));
	int r = writer ? bell_init(&writer->bell, loop, on_done, writer)
		       : -ENOMEM;

	if (r < 0)
		return r;
	writer->loop_thread = pthread_self();
	uv_mutex_init(&writer->mutex);
	uv_cond_init(&writer->cond);
	*out = steal(&writer);
	return 0;
}

static void writer_freep(struct writer **writer)
{
	writer_free(*writer);
}

int writer_new(struct writer **out, uv_loop_t *loop, struct store *store)
{
	CLEANUP(writer_freep) struct writer *writer = NULL;
	int r = writer_alloc(&writer, loop);

	if (r == 0)
		r = transaction_init(&writer->transaction, store);
	if (r == 0)
		r = thread_start(&writer->thread, writer_main, writer);
	if (r < 0)
		return r;
	writer->running = true;
	*out = steal(&writer);
	return 0;
}

static void stop_thread(struct writer *writer)
{
	uv_mutex_lock(&writer->mutex);
	writer->stop = true;
	uv_cond_signal(&writer->cond);
	uv_mutex_unlock(&writer->mutex);
	if (writer->running)
		pthread_join(writer->thread, NULL);
	call_done(writer, UINT64_MAX);
	/* A done() may have had more to do, which is done on this thread. */
	while (writer->waiting || writer->early_waiting) {
		writer_main(writer);
		call_done(writer, UINT64_MAX);
	}
}

struct writer *writer_free(struct writer *writer)
{
	if (!writer)
		return NULL;
	assert_loop(writer);
	stop_thread(writer);
	assert(!writer->waiting && !writer->early_waiting && !writer->out);

	bell_deinit(&writer->bell);
	transaction_deinit(&writer->transaction);
	uv_cond_destroy(&writer->cond);
	uv_mutex_destroy(&writer->mutex);
	free(writer);
	return NULL;
}
