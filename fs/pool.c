// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utlist.h>

#include "dns/wire/bell.h"
#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/pool.h"

struct pool {
	/* The main loop's. */
	struct bell bell;
	pthread_t threads[POOL_THREADS];
	unsigned started;
	size_t out; /* works that are not done */

	pthread_mutex_t mutex; /* protects these: */
	pthread_cond_t cond;
	struct pool_work *waiting; /* utlist */
	struct pool_work *ended;   /* utlist */
	size_t queued;		   /* how many wait */
	size_t idle;		   /* threads that wait for work */
	bool stop;
};

/* ---- A thread ---- */

/* Called with the mutex held. Return: NULL: there is no more to come. */
static struct pool_work *take(struct pool *pool)
{
	struct pool_work *work;

	pool->idle++;
	assert(pool->idle <= POOL_THREADS);
	while (!pool->waiting && !pool->stop)
		pthread_cond_wait(&pool->cond, &pool->mutex);
	pool->idle--;
	work = pool->waiting;
	if (work) {
		DL_DELETE(pool->waiting, work);
		pool->queued--;
	}
	return work;
}

static void hand_back(struct pool *pool, struct pool_work *work)
{
	pthread_mutex_lock(&pool->mutex);
	DL_APPEND(pool->ended, work);
	pthread_mutex_unlock(&pool->mutex);
	/* Here it may lose its core, and nobody waits for it. */
	bell_ring(&pool->bell);
}

static void *thread_main(void *arg)
{
	struct pool *pool = arg;
	struct pool_work *work;

	setpriority(PRIO_PROCESS, (id_t)gettid(), POOL_NICE);
	thread_slice(THREAD_SLICE_LONG);
	for (;;) {
		pthread_mutex_lock(&pool->mutex);
		work = take(pool);
		pthread_mutex_unlock(&pool->mutex);
		if (!work)
			return NULL;
		work->run(work);
		hand_back(pool, work);
	}
}

/* ---- The main loop's side ---- */

/* What ends meanwhile rings again: others have their turn before it. */
static void on_ended(void *arg)
{
	struct pool *pool = arg;
	struct pool_work *ended, *work;

	pthread_mutex_lock(&pool->mutex);
	ended = steal(&pool->ended);
	pthread_mutex_unlock(&pool->mutex);
	while ((work = ended)) {
		DL_DELETE(ended, work);
		assert(pool->out);
		pool->out--;
		work->done(work);
	}
}

/* One more, if there are fewer idle ones than there is work. */
static void start_thread(struct pool *pool)
{
	bool is_wanted;

	pthread_mutex_lock(&pool->mutex);
	is_wanted = pool->queued >= pool->idle;
	pthread_mutex_unlock(&pool->mutex);
	if (is_wanted && pool->started < POOL_THREADS &&
	    thread_start(&pool->threads[pool->started], thread_main, pool) == 0)
		pool->started++;
}

void pool_submit(struct pool *pool, struct pool_work *work,
		 void (*run)(struct pool_work *work),
		 void (*done)(struct pool_work *work))
{
	work->run = run;
	work->done = done;
	pool->out++;
	start_thread(pool);
	if (!pool->started) {
		run(work);
		hand_back(pool, work);
		return;
	}
	pthread_mutex_lock(&pool->mutex);
	DL_APPEND(pool->waiting, work);
	pool->queued++;
	pthread_mutex_unlock(&pool->mutex);
	/* Under the mutex, it would wake up only to wait for it. */
	pthread_cond_signal(&pool->cond);
}

/* ---- Start and stop ---- */

int pool_new(struct pool **out, uv_loop_t *loop)
{
	CLEANUP(freep) struct pool *pool = calloc(1, sizeof(*pool));
	int r = pool ? bell_init(&pool->bell, loop, on_ended, pool) : -ENOMEM;

	if (r < 0)
		return r;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->cond, NULL);
	*out = steal(&pool);
	return 0;
}

struct pool *pool_free(struct pool *pool)
{
	if (!pool)
		return NULL;
	assert(!pool->out);
	pthread_mutex_lock(&pool->mutex);
	pool->stop = true;
	pthread_cond_broadcast(&pool->cond);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->started; i++)
		pthread_join(pool->threads[i], NULL);
	bell_deinit(&pool->bell);
	pthread_cond_destroy(&pool->cond);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
	return NULL;
}
