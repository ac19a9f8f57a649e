/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfers.h - transfers out: who asks for what, and what is rendered for it
 *
 * A transfer is one AXFR or IXFR to one client. Its messages are in a spool
 * (spool.h), which is rendered on libuv's pool, RENDERS at a time, and which
 * all share who ask for the same while the zone is the same. Messages are read
 * from it as they are wanted, also while it is still being written, and are
 * given what is the client's own: ID, question, OPT record, TSIG.
 *
 * Sites (address_site()) share what there is. One has no more than
 * RENDERS_EACH rendered at a time; and who has a file does not get another one
 * that would leave less for others than it has then.
 *
 * Threading: all transfers of a struct transfers, and it itself, belong to one
 * loop's thread. A transfer that was not begun yet may come from another one.
 */
#ifndef DNS_TRANSFERS_H
#define DNS_TRANSFERS_H

#include <uv.h>

#include "dns/answer/errand.h"
#include "dns/transfer/render.h"

/* Renders at a time; each takes a thread of the pool, and a snapshot. */
#define RENDERS	     2
#define RENDERS_EACH 1

struct transfer_options {
	int dir_fd;	    /* where spools are; borrowed */
	uint64_t spool_max; /* octets of all of them together */
};

/* Since the start, but for the last; read on any thread. */
struct transfer_counts {
	_Atomic uint64_t zones;	     /* sent to the end: as a whole */
	_Atomic uint64_t increments; /* the same: by the journal */
	_Atomic uint64_t failed;     /* rendering did not work */
	_Atomic uint64_t full;	     /* there was no room for a spool */
	_Atomic uint64_t refused;    /* there was no place for the client */
	_Atomic uint64_t cut;	     /* clients that took nothing for long */
	_Atomic uint64_t octets;     /* that have been made of messages */
};

struct transfers;
struct transfer;

/**
 * transfers_new() - nothing is rendered yet
 * @loop, @tables, @counts: borrowed, must live longer
 *
 * Return: 0, -ENOMEM, or a snapshot's error.
 */
int transfers_new(struct transfers **out, uv_loop_t *loop,
		  const struct tables *tables,
		  const struct transfer_options *options,
		  struct transfer_counts *counts);

/** transfers_stop() - with all transfers freed: renders end, and the loop */
void transfers_stop(struct transfers *transfers);

/** transfers_free() - after the loop has run out */
struct transfers *transfers_free(struct transfers *transfers);

/** transfers_spooled() - octets of all spools in files; any thread */
uint64_t transfers_spooled(const struct transfers *transfers);

/** transfer_new() - what @errand asks for: 0, -ENOMEM; any thread */
int transfer_new(struct transfer **out, const struct errand *errand);

/** transfer_free() - NULL is fine; ended or not */
struct transfer *transfer_free(struct transfer *transfer);

/**
 * transfer_begin() - have it rendered, or share what is
 * @more: called on the loop whenever transfer_next() may have something, after
 *        it had nothing
 *
 * What is wrong is said by transfer_next().
 */
void transfer_begin(struct transfer *transfer, struct transfers *transfers,
		    void (*more)(void *arg), void *arg);

bool transfer_has_begun(const struct transfer *transfer);

/**
 * transfer_next() - the next message
 * @hmac: to sign it
 * @out:  room for MESSAGE_TCP_SIZE octets
 * @len:  is set
 *
 * If there is nothing to be sent at all, the one message says so. Return: 0;
 * -EAGAIN: not yet; -ENOENT: that was all; -errno: the client must be cut off,
 * for what it has is no whole transfer.
 */
int transfer_next(struct transfer *transfer, struct hmac *hmac, uint8_t *out,
		  size_t *len);

/** transfer_count_cut() - its client took nothing for too long */
void transfer_count_cut(struct transfer *transfer);

/** transfer_refuse() - the message that it cannot be now: SERVFAIL; any thread
 */
size_t transfer_refuse(struct transfer *transfer, struct hmac *hmac,
		       uint8_t *out);

#endif
