// SPDX-License-Identifier: Apache-2.0
/*
 * writer.c - the commit thread
 *
 * Two lists cross between the main loop and the writer, each under the mutex:
 * jobs that wait, and jobs that are done. All other state belongs to one of
 * the two threads, as the comments say.
 */
#include <assert.h>
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "anchors/writer.h"
#include "dns/wire/thread.h"

/* How long early work may wait for what follows before it is committed. */
#define WRITER_LINGER_NS (5 * 1000 * 1000)
/*
 * How much of it may pile up in one transaction, in octets. LMDB keeps the
 * pages of an open transaction in memory, about three times as much.
 */
#define WRITER_EARLY_MAX (8 * 1024 * 1024)
/*
 * The same while others change something too, who wait for its commit; and for
 * how long after one of them has.
 */
#define WRITER_EARLY_SHARED (512 * 1024)
#define WRITER_SHARED_NS    (1000 * 1000 * 1000)
/*
 * How many owners of loose tables go with a commit, for each such table: the
 * more are left, the faster they go, or a client that does nothing but replace
 * would fill the disk. And the most in one transaction, a few milliseconds.
 */
#define WRITER_SWEEP	 256
#define WRITER_SWEEP_MAX 2048
/* What is staged sweeps as it goes: one owner for so many octets of change. */
#define WRITER_SWEEP_PER 32

struct job_list {
	struct job *head;
	struct job **tail;
};

struct writer {
	struct store *store;
	pthread_t thread;
	/*
	 * Wakes the main loop. Not a uv_async_t: while its sender is inside
	 * uv_async_send(), the loop spins, and on one core it often is.
	 */
	int wake_fd;
	uv_poll_t *wake; /* of the main loop; freed when it has closed */

	uv_mutex_t mutex;
	uv_cond_t cond;
	struct job_list waiting;       /* mutex */
	struct job_list early_waiting; /* mutex; and what has to be behind */
	struct job_list done;	       /* mutex */
	bool stop;		       /* mutex */

	/* The writer's thread from here on; commits is read by others. */
	struct histogram commits;
	MDB_txn *txn;		    /* open, with early work in it; or NULL */
	size_t early;		    /* octets of early work in it */
	uint64_t shared_until_ns;   /* see WRITER_EARLY_SHARED */
	struct job_loss *losses;    /* whose early work is in it */
	struct buffer loose;	    /* uint32_t: tables to free */
	struct buffer loose_before; /* the same when the transaction began */
	bool sweep_failed;	    /* until something is committed again */
};

static void list_init(struct job_list *list)
{
	list->head = NULL;
	list->tail = &list->head;
}

static void list_add(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->tail = job;
	list->tail = &job->next;
}

static void list_put_back(struct job_list *list, struct job *job)
{
	job->next = list->head;
	if (!list->head)
		list->tail = &job->next;
	list->head = job;
}

/* The first one alone, or NULL. */
static struct job *list_take_first(struct job_list *list)
{
	struct job *job = list->head;

	if (!job)
		return NULL;
	list->head = job->next;
	if (!list->head)
		list->tail = &list->head;
	job->next = NULL;
	return job;
}

static struct job *list_take(struct job_list *list)
{
	struct job *head = list->head;

	list_init(list);
	return head;
}

/* ---- The main loop's side ---- */

static void call_done(struct writer *writer)
{
	struct job *job, *next;

	uv_mutex_lock(&writer->mutex);
	job = list_take(&writer->done);
	uv_mutex_unlock(&writer->mutex);
	for (; job; job = next) {
		next = job->next;
		/* Refused or failed: to the caller it is one errno. */
		job->done(job, job->result > 0 ? -job->result : job->result);
	}
}

static void on_wake(uv_poll_t *wake, int status, int events)
{
	struct writer *writer = wake->data;
	eventfd_t count;

	(void)status;
	(void)events;
	if (eventfd_read(writer->wake_fd, &count) == 0)
		call_done(writer);
}

void writer_submit(struct writer *writer, struct job *job)
{
	assert(job->reply == JOB_DURABLE || job->loss);
	uv_mutex_lock(&writer->mutex);
	if (job->reply == JOB_EARLY || job->behind)
		list_add(&writer->early_waiting, job);
	else
		list_add(&writer->waiting, job);
	uv_mutex_unlock(&writer->mutex);
	/* Not before: the writer would wake up only to wait for the mutex. */
	uv_cond_signal(&writer->cond);
}

const struct histogram *writer_commits(const struct writer *writer)
{
	return &writer->commits;
}

/* ---- The writer's thread ---- */

int writer_loosen(struct writer *writer, uint32_t table)
{
	return buffer_add(&writer->loose, &table, sizeof(table));
}

static int begin(struct writer *writer)
{
	int r;

	if (writer->txn)
		return 0;
	writer->loose_before.len = 0;
	r = buffer_add(&writer->loose_before, writer->loose.data,
		       writer->loose.len);
	if (r < 0)
		return r;
	return table_errno(
		mdb_txn_begin(writer->store->env, NULL, 0, &writer->txn));
}

/* The transaction has ended, well (0) or with its early work lost. */
static void settle(struct writer *writer, int error)
{
	struct job_loss *loss, *next;

	for (loss = writer->losses; loss; loss = next) {
		next = loss->next;
		loss->pending = false;
		if (error)
			loss->error = error;
	}
	writer->losses = NULL;
	writer->early = 0;
	writer->txn = NULL;
	if (error) {
		struct buffer lost = writer->loose;

		writer->loose = writer->loose_before;
		writer->loose_before = lost;
	}
}

static void lose(struct writer *writer, int error)
{
	if (writer->txn)
		mdb_txn_abort(writer->txn);
	settle(writer, error);
}

static int sweep(struct writer *writer, size_t max)
{
	uint32_t table;
	bool left = false;
	int r;

	if (!writer->loose.len || writer->sweep_failed)
		return 0;
	memcpy(&table, writer->loose.data + writer->loose.len - sizeof(table),
	       sizeof(table));
	r = table_free_slice(&writer->store->tables, writer->txn, table, max,
			     &left);
	if (r == 0 && !left)
		writer->loose.len -= sizeof(table);
	writer->sweep_failed = r < 0;
	return r;
}

static size_t sweep_with_commit(const struct writer *writer)
{
	size_t max = WRITER_SWEEP * (writer->loose.len / sizeof(uint32_t));

	return max < WRITER_SWEEP_MAX ? max : WRITER_SWEEP_MAX;
}

static int commit(struct writer *writer, size_t sweep_max)
{
	uint64_t begun_ns;
	MDB_txn *txn;
	size_t id;
	int r = sweep(writer, sweep_max);

	if (r < 0) {
		lose(writer, r);
		return r;
	}
	txn = steal(&writer->txn);
	begun_ns = uv_hrtime();
	id = mdb_txn_id(txn);
	r = store_errno(writer->store, table_errno(mdb_txn_commit(txn)));
	histogram_add(&writer->commits, uv_hrtime() - begun_ns);
	if (r < 0)
		store_commit_failed(writer->store, id);
	else if (writer->store->reserve_used)
		store_keep_reserve(writer->store);
	settle(writer, r);
	writer->sweep_failed &= r < 0;
	return r;
}

static int run(struct writer *writer, struct job *job)
{
	if (job->loss && job->loss->error)
		return job->loss->error;
	if (job->adds && !store_has_room(writer->store))
		return ENOSPC;
	return job->run(job, writer->txn);
}

/* It is handed back, or goes on, before it is on disk. */
static void remember_early(struct writer *writer, struct job *job)
{
	if ((job->result && job->result != JOB_MORE) || job->loss->pending)
		return;
	job->loss->pending = true;
	job->loss->next = writer->losses;
	writer->losses = job->loss;
}

static size_t early_max(const struct writer *writer)
{
	return uv_hrtime() < writer->shared_until_ns ? WRITER_EARLY_SHARED
						     : WRITER_EARLY_MAX;
}

/* All jobs in one transaction: 0, or -errno and the transaction is lost. */
static int run_group(struct writer *writer, struct job *jobs)
{
	bool durable = false, shared = false;
	size_t staged = 0;
	int r = begin(writer);

	for (struct job *job = jobs; r >= 0 && job; job = job->next) {
		r = job->result = run(writer, job);
		if (r == JOB_MORE)
			remember_early(writer, job);
		durable |= job->reply == JOB_DURABLE;
		/* What ends a replacement waits for nobody's work but its own.
		 */
		shared |= job->reply == JOB_DURABLE && !job->loss;
		staged += job->octets;
	}
	if (shared && (writer->early || staged))
		writer->shared_until_ns = uv_hrtime() + WRITER_SHARED_NS;
	if (r >= 0)
		r = sweep(writer, staged / WRITER_SWEEP_PER);
	if (r < 0) {
		lose(writer, r);
		return r;
	}
	writer->early += staged;
	if (durable || writer->early > early_max(writer))
		return commit(writer, sweep_with_commit(writer));
	for (struct job *job = jobs; job; job = job->next)
		remember_early(writer, job);
	return 0;
}

static void try_alone(struct writer *writer, struct job *job)
{
	int r = begin(writer);

	job->result = r < 0 ? r : run(writer, job);
	if (job->result == JOB_MORE)
		remember_early(writer, job);
	if (job->result < 0) {
		lose(writer, job->result);
	} else {
		r = commit(writer, 0);
		if (r < 0)
			job->result = r;
	}
}

static void run_alone(struct writer *writer, struct job *job)
{
	try_alone(writer, job);
	if (job->result == -ENOSPC && !job->adds) {
		store_use_reserve(writer->store);
		try_alone(writer, job);
		store_keep_reserve(writer->store);
	}
	if (job->result < 0 && job->loss)
		job->loss->error = job->result;
}

static void hand_back(struct writer *writer, struct job *jobs)
{
	struct job *next;

	uv_mutex_lock(&writer->mutex);
	for (; jobs; jobs = next) {
		next = jobs->next;
		list_add(&writer->done, jobs);
	}
	uv_mutex_unlock(&writer->mutex);
	/* It cannot fail: nobody adds up 2^64 of them. */
	eventfd_write(writer->wake_fd, 1);
}

static int sweep_now(struct writer *writer, size_t max)
{
	int r = begin(writer);

	return r < 0 ? r : commit(writer, max);
}

/* With nothing else to do: also this makes room, and may need some first. */
static void sweep_idle(struct writer *writer)
{
	int r = sweep_now(writer, WRITER_SWEEP_MAX);

	if (r == -ENOSPC) {
		store_use_reserve(writer->store);
		writer->sweep_failed = false;
		r = sweep_now(writer, WRITER_SWEEP);
		store_keep_reserve(writer->store);
	}
	writer->sweep_failed = r < 0;
}

/* What waits: nothing when there is time for other things, or to stop. */
static void take(struct writer *writer, struct job **jobs, struct job **early,
		 bool *stop)
{
	bool linger = writer->txn;
	bool idle = writer->loose.len && !writer->sweep_failed;

	uv_mutex_lock(&writer->mutex);
	while (!writer->waiting.head && !writer->early_waiting.head &&
	       !writer->stop) {
		if (!linger && idle)
			break;
		if (!linger)
			uv_cond_wait(&writer->cond, &writer->mutex);
		else if (uv_cond_timedwait(&writer->cond, &writer->mutex,
					   WRITER_LINGER_NS) == UV_ETIMEDOUT)
			break;
	}
	*jobs = list_take(&writer->waiting);
	*early = list_take_first(&writer->early_waiting);
	*stop = !*jobs && !*early && writer->stop;
	uv_mutex_unlock(&writer->mutex);
}

static void serve(struct writer *writer, struct job *jobs)
{
	if (run_group(writer, jobs) < 0)
		for (struct job *job = jobs; job; job = job->next)
			run_alone(writer, job);
}

/* With more left, it is still the first. */
static void go_on(struct writer *writer, struct job *job)
{
	uv_mutex_lock(&writer->mutex);
	list_put_back(&writer->early_waiting, job);
	uv_mutex_unlock(&writer->mutex);
}

static void *writer_main(void *arg)
{
	struct writer *writer = arg;
	bool stop = false;

	while (!stop) {
		struct job *jobs, *early;

		take(writer, &jobs, &early, &stop);
		if (jobs) {
			serve(writer, jobs);
			hand_back(writer, jobs);
		}
		if (early) {
			serve(writer, early);
			if (early->result == JOB_MORE)
				go_on(writer, early);
			else
				hand_back(writer, early);
		} else if (jobs) {
			continue;
		} else if (writer->txn) {
			commit(writer, sweep_with_commit(writer));
		} else if (writer->loose.len && !stop) {
			sweep_idle(writer);
		}
	}
	return NULL;
}

/* ---- Start and stop ---- */

/* What is loose before anything runs was left behind: garbage. */
static int find_loose(struct writer *writer)
{
	int r, rc;

	rc = mdb_txn_begin(writer->store->env, NULL, MDB_RDONLY, &writer->txn);
	if (rc != 0)
		return table_errno(rc);
	r = table_loose(&writer->store->tables, writer->txn, &writer->loose);
	mdb_txn_abort(steal(&writer->txn));
	return r;
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void writer_delete(struct writer *writer)
{
	uv_close((uv_handle_t *)writer->wake, free_handle);
	close(writer->wake_fd);
	buffer_deinit(&writer->loose);
	buffer_deinit(&writer->loose_before);
	uv_cond_destroy(&writer->cond);
	uv_mutex_destroy(&writer->mutex);
	free(writer);
}

static int start_wake(struct writer *writer, uv_loop_t *loop)
{
	uv_poll_t *wake = malloc(sizeof(*wake));
	int r;

	if (!wake)
		return -ENOMEM;
	writer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r = writer->wake_fd < 0 ? -errno
				: uv_poll_init(loop, wake, writer->wake_fd);
	if (r < 0) {
		if (writer->wake_fd >= 0)
			close(writer->wake_fd);
		free(wake);
		return r;
	}
	writer->wake = wake;
	wake->data = writer;
	return uv_poll_start(wake, UV_READABLE, on_wake);
}

int writer_new(struct writer **out, uv_loop_t *loop, struct store *store)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int r = writer ? start_wake(writer, loop) : -ENOMEM;

	if (r < 0) {
		free(writer);
		return r;
	}
	writer->store = store;
	list_init(&writer->waiting);
	list_init(&writer->early_waiting);
	list_init(&writer->done);
	uv_mutex_init(&writer->mutex);
	uv_cond_init(&writer->cond);
	r = find_loose(writer);
	if (r == 0)
		r = thread_start(&writer->thread, writer_main, writer);
	if (r < 0) {
		writer_delete(writer);
		return r;
	}
	*out = writer;
	return 0;
}

struct writer *writer_free(struct writer *writer)
{
	if (!writer)
		return NULL;
	uv_mutex_lock(&writer->mutex);
	writer->stop = true;
	uv_cond_signal(&writer->cond);
	uv_mutex_unlock(&writer->mutex);
	pthread_join(writer->thread, NULL);
	call_done(writer);
	writer_delete(writer);
	return NULL;
}
