/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unbound.h - nameservers whose address cannot be had, until it can
 *
 * What the store says is to be served, though at the start an interface may
 * not be up yet, somebody else may have the port, or descriptors may be too
 * few. Such a nameserver keeps its records and its address; its `error` says
 * what is wrong, and a timer tries again each second for as long as there is
 * one of them. An address that is given later is bound or refused at once, so
 * none is added after the start.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_UNBOUND_H
#define ANCHORS_UNBOUND_H

#include <uv.h>

#include "dns/wire/buffer.h"

struct host;

struct unbound {
	uv_timer_t *retry;     /* runs while there is one of them */
	struct buffer anchors; /* struct anchor *: references */
};

/** unbound_init() - there is none: 0, -ENOMEM */
int unbound_init(struct unbound *out, uv_loop_t *loop);

/** unbound_deinit() - forget all; its handle is closed: run the loop after */
void unbound_deinit(struct unbound *unbound);

/**
 * unbound_serve_all() - let every nameserver of the tree answer, or wait
 *
 * Those for which there are no descriptors have a line in the log for all of
 * them together. Return: 0; -ENOMEM.
 */
int unbound_serve_all(struct host *host);

#endif
