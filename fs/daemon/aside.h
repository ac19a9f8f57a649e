/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside.h - questions whose answer may never come
 *
 * What the kernel tells of another process, of a disk or of a socket can wait
 * for as long as those like; and what it tells of a caller can wait for the
 * very answer that the caller waits for. So nothing of that is asked on the
 * main loop. A question goes to a thread of its own, and the loop hears of it
 * when it is answered, or when its time is over: then it is not known.
 *
 * A thread that is stuck keeps its question, and the others go on. There are
 * at most ASIDE_THREADS; with all of them stuck, nothing is known in time.
 *
 * How: a question waits in a queue, from which a thread takes it and asks it
 * without the mutex; then it is in the list of those that are answered, and an
 * uv_async_t wakes the loop, which calls answered() and frees it. All of them
 * are in the list of pending ones, which is the loop's, and one timer runs
 * until the first of these is to be given up. What is given up while it waits
 * is taken out of the queue; what a thread has by then is freed by the thread.
 *
 * Threading: the main loop, but for ask().
 */
#ifndef FS_ASIDE_H
#define FS_ASIDE_H

#include <stdbool.h>
#include <uv.h>

#define ASIDE_THREADS 8

struct aside;

/* At the head of what is asked, in memory of malloc()'s. */
struct question {
	/* On another thread. It touches what it is in, and nothing else. */
	void (*ask)(struct question *question);
	/*
	 * On the main loop, exactly once. What ask() wrote may be looked at if
	 * it is in time. The memory is freed by whoever is last.
	 */
	void (*answered)(struct question *question, bool in_time);

	/* aside.c's. */
	struct question *prev, *next; /* of those that are pending */
	struct question *behind;      /* in the queue for a thread */
	uint64_t until_ms;	      /* by uv_now() */
	int state;
};

/** aside_new() - threads start when they are needed: 0, -ENOMEM, -errno */
int aside_new(struct aside **out, uv_loop_t *loop);

/**
 * aside_ask() - have @question asked; takes its memory
 * @within_ms: when to give it up
 *
 * answered() is called later, never in this call.
 */
void aside_ask(struct aside *aside, struct question *question,
	       uint64_t within_ms);

/**
 * aside_free() - wait for what is pending, each until its time is over
 *
 * Runs the loop. Threads that are stuck are left behind, with what they ask.
 * The handles in the loop are closed: run the loop once more after.
 */
struct aside *aside_free(struct aside *aside);

#endif
