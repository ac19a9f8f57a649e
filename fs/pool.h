/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - threads for what would hold the main loop
 *
 * What runs here keeps a core busy for as long as there is work, and it shall
 * not be that of those who answer: its threads are nice POOL_NICE. So they may
 * be set aside at any point, and tell the loop by a bell, which does not have
 * it wait for who rings (dns/wire/bell.h), as that of libuv's pool would.
 *
 * A thread is started when work waits and none is idle, POOL_THREADS at most.
 *
 * Threading: the main loop, but for run().
 */
#ifndef FS_POOL_H
#define FS_POOL_H

#include <uv.h>

#define POOL_NICE    10
#define POOL_THREADS 4

struct pool;

/* What is to be done; part of whatever it is about. */
struct pool_work {
	void (*run)(struct pool_work *work);  /* on a thread of the pool */
	void (*done)(struct pool_work *work); /* then, in the loop */
	struct pool_work *prev, *next;	      /* the pool's */
};

/** pool_new() - 0, -ENOMEM, -EMFILE */
int pool_new(struct pool **out, uv_loop_t *loop);

/**
 * pool_free() - when all work is done; NULL is fine
 *
 * Its handle is closed: run the loop until it is empty after.
 */
struct pool *pool_free(struct pool *pool);

/**
 * pool_submit() - have @run() and then @done() called
 *
 * Where the system has no thread to give and the pool has none, @run() is
 * called here and now. Not so @done(), which is never called in this call.
 */
void pool_submit(struct pool *pool, struct pool_work *work,
		 void (*run)(struct pool_work *work),
		 void (*done)(struct pool_work *work));

#endif
