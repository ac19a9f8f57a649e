// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <utlist.h>

#include "dns/wire/thread.h"
#include "dns/wire/util.h"
#include "fs/daemon/aside.h"

enum state {
	STATE_WAITS,	/* for a thread */
	STATE_ASKED,	/* a thread has it */
	STATE_ANSWERED, /* the main loop is to hear of it */
	STATE_OVER,	/* the main loop has */
};

struct aside {
	/* The main loop's. */
	uv_loop_t *loop;
	uv_async_t *wake;
	uv_timer_t *timer; /* runs until the next question's time is over */
	struct question *pending; /* utlist */

	/* Under the mutex, as is each question's state. */
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	struct question *queue;	   /* utlist by behind: for a thread */
	struct question *answered; /* the same: for the main loop */
	unsigned queued, idle, threads;
	bool stopped;
};

/* ---- A thread ---- */

static void aside_delete(struct aside *aside)
{
	assert(!aside->threads && !aside->idle);
	assert(!aside->pending);
	pthread_cond_destroy(&aside->cond);
	pthread_mutex_destroy(&aside->mutex);
	free(aside);
}

static void unqueue(struct aside *aside, struct question *question)
{
	assert(question->state == STATE_WAITS);
	assert(aside->queued);
	LL_DELETE2(aside->queue, question, behind);
	aside->queued--;
	assert(!aside->queue == !aside->queued);
}

/* Called with the mutex held. Return: what to ask next; NULL at the end. */
static struct question *take(struct aside *aside)
{
	struct question *first;

	aside->idle++;
	assert(aside->idle <= aside->threads);
	while (!aside->queue && !aside->stopped)
		pthread_cond_wait(&aside->cond, &aside->mutex);
	aside->idle--;
	first = aside->queue;
	if (first) {
		unqueue(aside, first);
		first->state = STATE_ASKED;
	}
	return first;
}

/* Called with the mutex held, which it lets go of while it asks. */
static void ask_one(struct aside *aside, struct question *question)
{
	pthread_mutex_unlock(&aside->mutex);
	question->ask(question);
	pthread_mutex_lock(&aside->mutex);
	assert(question->state == STATE_ASKED || question->state == STATE_OVER);
	if (question->state == STATE_OVER) {
		free(question);
		return;
	}
	question->state = STATE_ANSWERED;
	LL_APPEND2(aside->answered, question, behind);
	uv_async_send(aside->wake);
}

static void *thread_main(void *arg)
{
	struct aside *aside = arg;
	struct question *question;
	bool last;

	pthread_mutex_lock(&aside->mutex);
	while ((question = take(aside)))
		ask_one(aside, question);
	last = --aside->threads == 0;
	pthread_mutex_unlock(&aside->mutex);
	if (last)
		aside_delete(aside);
	return NULL;
}

/* ---- The main loop's side ---- */

/* Have the loop hear of it, once, and free it if no thread has it. */
static void settle(struct aside *aside, struct question *question, bool in_time)
{
	bool is_asked;

	DL_DELETE(aside->pending, question);
	question->answered(question, in_time);
	pthread_mutex_lock(&aside->mutex);
	is_asked = question->state == STATE_ASKED;
	assert(question->state != STATE_WAITS);
	assert(!in_time || question->state == STATE_ANSWERED);
	/* It was answered after all, but nobody waits for it any more. */
	if (!in_time && question->state == STATE_ANSWERED)
		LL_DELETE2(aside->answered, question, behind);
	question->state = STATE_OVER;
	pthread_mutex_unlock(&aside->mutex);
	if (!is_asked)
		free(question);
}

static void on_wake(uv_async_t *wake)
{
	struct aside *aside = wake->data;
	struct question *first;

	for (;;) {
		pthread_mutex_lock(&aside->mutex);
		first = aside->answered;
		if (first)
			LL_DELETE2(aside->answered, first, behind);
		pthread_mutex_unlock(&aside->mutex);
		if (!first)
			return;
		settle(aside, first, true);
	}
}

/* Return: whether it is given up; else it was answered just now. */
static bool give_up(struct aside *aside, struct question *question)
{
	bool answered;

	pthread_mutex_lock(&aside->mutex);
	answered = question->state == STATE_ANSWERED;
	assert(question->state != STATE_OVER);
	if (question->state == STATE_WAITS) {
		unqueue(aside, question);
		question->state = STATE_OVER;
	}
	pthread_mutex_unlock(&aside->mutex);
	return !answered;
}

static void on_timer(uv_timer_t *timer);

/* Have the timer run when the next question's time is over. */
static void await_next(struct aside *aside)
{
	uint64_t next = UINT64_MAX, now = uv_now(aside->loop);
	struct question *question;

	DL_FOREACH (aside->pending, question) {
		if (question->until_ms < next)
			next = question->until_ms;
	}
	/* At least 1: libuv runs timers until none is due in this turn. */
	if (next != UINT64_MAX)
		uv_timer_start(aside->timer, on_timer,
			       next > now ? next - now : 1, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct aside *aside = timer->data;
	struct question *question, *following;
	uint64_t now = uv_now(aside->loop);

	DL_FOREACH_SAFE (aside->pending, question, following) {
		if (question->until_ms <= now && give_up(aside, question))
			settle(aside, question, false);
	}
	/* Who was told may have asked again. */
	await_next(aside);
	/*
	 * Who runs the loop once at a time looks whether this is what he waits
	 * for; but libuv runs the timers first, and would wait after that.
	 */
	uv_async_send(aside->wake);
}

void aside_ask(struct aside *aside, struct question *question,
	       uint64_t within_ms)
{
	/* Its time begins now, not with the loop's turn. */
	uv_update_time(aside->loop);
	question->until_ms = uv_now(aside->loop) + within_ms;
	question->state = STATE_WAITS;
	DL_APPEND(aside->pending, question);
	if (!uv_is_active((uv_handle_t *)aside->timer) ||
	    uv_timer_get_due_in(aside->timer) > within_ms)
		uv_timer_start(aside->timer, on_timer, within_ms, 0);
	pthread_mutex_lock(&aside->mutex);
	LL_APPEND2(aside->queue, question, behind);
	aside->queued++;
	assert(aside->threads <= ASIDE_THREADS);
	/* Without a thread, the question's time will be over. */
	if (aside->queued > aside->idle && aside->threads < ASIDE_THREADS &&
	    thread_start(NULL, thread_main, aside) == 0)
		aside->threads++;
	pthread_cond_signal(&aside->cond);
	pthread_mutex_unlock(&aside->mutex);
}

/* ---- Start and stop ---- */

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

int aside_new(struct aside **out, uv_loop_t *loop)
{
	struct aside *aside = calloc(1, sizeof(*aside));
	uv_async_t *wake = malloc(sizeof(*wake));
	uv_timer_t *timer = malloc(sizeof(*timer));
	int r = aside && wake && timer ? uv_async_init(loop, wake, on_wake)
				       : -ENOMEM;

	if (r < 0) {
		free(aside);
		free(wake);
		free(timer);
		return r;
	}
	uv_timer_init(loop, timer);
	pthread_mutex_init(&aside->mutex, NULL);
	pthread_cond_init(&aside->cond, NULL);
	aside->loop = loop;
	aside->wake = wake;
	aside->timer = timer;
	wake->data = timer->data = aside;
	*out = aside;
	return 0;
}

struct aside *aside_free(struct aside *aside)
{
	bool none;

	if (!aside)
		return NULL;
	/* A word to the service manager, for which nobody waits, is one. */
	while (aside->pending)
		uv_run(aside->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)aside->wake, free_handle);
	uv_close((uv_handle_t *)aside->timer, free_handle);
	pthread_mutex_lock(&aside->mutex);
	aside->stopped = true;
	none = !aside->threads;
	pthread_cond_broadcast(&aside->cond);
	pthread_mutex_unlock(&aside->mutex);
	if (none)
		aside_delete(aside);
	return NULL;
}
