/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bell.h - a thread tells a loop that there is something for it
 *
 * It is for what uv_async_t is for, where the thread may have to let others go
 * first. While a sender is inside uv_async_send() the loop turns on the spot,
 * giving up its core each time; and the sender is often set aside just there,
 * for it is there that it wakes the loop. Who rings has nothing that the loop
 * waits for.
 */
#ifndef DNS_BELL_H
#define DNS_BELL_H

#include <uv.h>

struct bell {
	int fd;
	uv_poll_t *poll; /* freed when it has closed */
	void (*rung)(void *arg);
	void *arg;
};

/**
 * bell_init() - have @rung(@arg) called in @loop once it was rung; its thread
 *
 * It is called once for all rings that came until then. @bell must not move.
 * Return: 0; -ENOMEM, -EMFILE.
 */
int bell_init(struct bell *bell, uv_loop_t *loop, void (*rung)(void *arg),
	      void *arg);

/** bell_ring() - any thread */
void bell_ring(struct bell *bell);

/** bell_deinit() - nobody rings it any more; the loop's thread */
void bell_deinit(struct bell *bell);

#endif
