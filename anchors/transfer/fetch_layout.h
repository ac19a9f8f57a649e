/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fetch_layout.h - what the files of fetch.h share
 *
 * fetch.c has the connection: it asks, and reads octets. fetch_take.c makes
 * messages and records of them, on a thread of the pool. fetch_write.c hands
 * the records to the writer. One of the three has the fetch at a time: no more
 * is read while messages are taken, nor while the writer is behind, so that a
 * primary which is faster than the disk fills no memory.
 *
 * Threading: the main loop, but for what struct fetch_batch says.
 */
#ifndef ANCHORS_TRANSFER_FETCH_LAYOUT_H
#define ANCHORS_TRANSFER_FETCH_LAYOUT_H

#include "anchors/staging.h"
#include "anchors/transfer/fetch.h"
#include "dns/answer/tsig.h"
#include "dns/store/incoming.h"

#define FETCH_REASON_SIZE 192

/* Messages that are taken at once, and what came of them. */
struct fetch_batch {
	uv_work_t work;
	struct change change; /* records of a zone */
	enum incoming_state state;
	bool is_verified; /* the last message was signed */
	int unsigned_by;  /* of tsig_accept(); 0 */
	int result;	  /* of incoming_take() */
	struct refusal why;
};

struct fetch {
	struct fetch_request request;
	struct anchor *anchor; /* a reference; NULL: it has nothing of others */
	fetch_done *done;      /* NULL: it was told, or nobody waits */
	void *arg;

	uv_tcp_t tcp;
	uv_timer_t timer;
	unsigned handles; /* not closed yet */
	bool is_closing;
	uv_connect_t connect;
	uv_write_t write;
	uint8_t query[1024]; /* with its length */
	bool is_connected;
	bool is_reading;
	uint64_t end_ms; /* by uv_now(): in any case */

	/* While it is taking, a thread of the pool has these. */
	bool is_taking;
	struct hmac *hmac;
	struct tsig tsig;
	struct incoming *incoming;
	struct buffer input;
	struct fetch_batch batch;

	bool is_busy; /* the writer has something of it */
	struct staging *staging;
	char reason[FETCH_REASON_SIZE];
};

/* ---- fetch.c ---- */

/** fetch_read() - more octets are wanted */
void fetch_read(struct fetch *fetch);

/** fetch_pause() - none are */
void fetch_pause(struct fetch *fetch);

/** fetch_progress() - a message has come: it is not silent */
void fetch_progress(struct fetch *fetch);

/** fetch_end() - tell the result, once, and let go of all that is others' */
void fetch_end(struct fetch *fetch, int result);

/** fetch_fail() - the same, with the reason */
void PRINTF(3, 4)
	fetch_fail(struct fetch *fetch, int result, const char *format, ...);

/** fetch_free_if_done() - if it has ended, and nobody has anything of it */
void fetch_free_if_done(struct fetch *fetch);

/* ---- fetch_take.c ---- */

/** fetch_take() - the messages that are whole by now; else read more */
void fetch_take(struct fetch *fetch);

/** fetch_go_on() - the writer is not behind any more */
void fetch_go_on(struct fetch *fetch);

/* ---- fetch_write.c ---- */

/** fetch_stage() - records of a zone; takes what is in @change
 *
 * fetch_go_on() follows, in the call or later, or the end.
 */
void fetch_stage(struct fetch *fetch, struct change *change);

/** fetch_publish(), fetch_apply() - what came becomes the zone; the end follows
 *
 * The one is all of it, which was staged; the other, differences.
 */
void fetch_publish(struct fetch *fetch);
void fetch_apply(struct fetch *fetch);

#endif
