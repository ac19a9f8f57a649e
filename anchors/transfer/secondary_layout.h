/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secondary_layout.h - what the files of secondary.h share
 *
 * secondary_look.c finds out which zones there are; secondary_zone.c has one of
 * them, and when it is to be asked for; secondary_ask.c asks, and has it
 * transferred; secondary.c is what others see of it.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_SECONDARY_LAYOUT_H
#define ANCHORS_TRANSFER_SECONDARY_LAYOUT_H

#include "anchors/transfer/due.h"
#include "anchors/transfer/fetch.h"
#include "anchors/transfer/looks.h"
#include "anchors/transfer/secondary.h"
#include "anchors/transfer/fair.h"

#define SECONDARY_REASON_SIZE 192
#define SECONDARY_RETRY_MS    1000 /* the first of 1, 2, 4 ... */
/* NOTIFYs that come together are one. */
#define SECONDARY_WANTED_MS 20
/* What waits beside zones: the wake and the look. */
#define SECONDARY_OWN_DUES 2

struct primary {
	struct address address;
	bool has_key;
	struct name key;
	bool is_current;
	int64_t since_ns;
	char reason[SECONDARY_REASON_SIZE];
};

enum secondary_step {
	SECONDARY_RESTS, /* until it is due */
	SECONDARY_ASKS,	 /* for the SOA of the primary at hand */
	SECONDARY_WAITS, /* for its turn to fetch */
	SECONDARY_FETCHES_IT,
	SECONDARY_NOTES, /* what it has found out, in the store */
};

struct secondary_zone {
	UT_hash_handle hh; /* in zones, by key */
	struct secondaries *secondaries;
	uint64_t server;
	struct name apex;
	struct primary *primaries; /* @count of them */
	unsigned count;
	unsigned
		first; /* whose NOTIFY it was; the others go round from there */
	unsigned asked; /* in this round */
	unsigned at;	/* the one at hand */
	unsigned asked_times;
	bool is_gone; /* and freed when nothing of it is under way */

	/* What we have. */
	bool has_soa;
	bool is_dark;
	uint32_t serial, refresh_s, retry_s, expire_s;
	int64_t checked_ns;  /* wall clock */
	uint64_t checked_ms; /* the same by uv_now(), of this start: clocks of
			      * the wall may jump; 0: not yet */

	enum secondary_step step;
	bool is_wanted;	 /* something new came while it was busy */
	bool has_wanted; /* a NOTIFY named the serial: */
	uint32_t wanted;
	bool seeks; /* this round: a primary that has this, */
	uint32_t sought;
	bool is_newest;	   /* one has said so that has not */
	bool notes_dark;   /* what it notes */
	bool wants_all;	   /* differences did not do: AXFR next */
	unsigned failures; /* rounds that failed, one after the other */
	uint64_t began_ms; /* the last round that NOTIFY began in vain */
	struct due due;
	struct fair_turn turn; /* while it waits to fetch, and fetches */
	struct asked *question;
	struct fetch *fetch;
	uint8_t key[PEER_KEY_SIZE];
	size_t key_len;
};

struct secondaries {
	struct host *host;
	struct querier *querier; /* borrowed */
	uv_timer_t timer;
	struct secondary_zone *zones; /* uthash */
	size_t count;		      /* of them, and of those that are gone */
	struct dues dues;	      /* struct secondary_zone */
	struct due wake;	      /* for turns to fetch */
	struct due look;	      /* for looks at all zones */
	struct look *looks;	      /* nameservers to be looked at */
	struct fair turns;
	struct secondary_figures figures; /* what is counted of them */
};

static inline uint64_t secondaries_now(const struct secondaries *secondaries)
{
	return uv_now(secondaries->host->loop);
}

/* ---- secondary_look.c ---- */

/** secondaries_look_on() - at some more of those that are to be looked at */
void secondaries_look_on(struct secondaries *secondaries);

/* ---- secondary_zone.c ---- */

/** secondary_find() - NULL: it is none */
struct secondary_zone *secondary_find(const struct secondaries *secondaries,
				      uint64_t server, const struct name *apex);

/** secondary_make() - with room to wait in; NULL: no memory */
struct secondary_zone *secondary_make(struct secondaries *secondaries,
				      uint64_t server, const struct name *apex);

/** secondary_drop() - it is none any more; freed when nothing is under way */
void secondary_drop(struct secondary_zone *zone);

/** secondary_rest_for() - it is due in @ms */
void secondary_rest_for(struct secondary_zone *zone, uint64_t ms);

/** secondary_wanted_ms() - in how long a NOTIFY is looked at */
uint64_t secondary_wanted_ms(const struct secondary_zone *zone);

/** secondary_rest() - the round is over; when is the next? */
void secondary_rest(struct secondary_zone *zone, bool has_failed);

/** secondary_read() - what we have of it, from the store: 0, -errno */
int secondary_read(struct secondary_zone *zone);

/** secondary_left_ms() - until it expires; 0: it has */
uint64_t secondary_left_ms(const struct secondary_zone *zone);

/* ---- secondary_ask.c ---- */

/** secondary_run() - begin a round: the zone rests, and asks its primaries */
void secondary_run(struct secondary_zone *zone);

/** secondary_stop() - forget what is under way; it rests */
void secondary_stop(struct secondary_zone *zone);

/** secondary_fetch_waiting() - there may be a turn for some of them */
void secondary_fetch_waiting(struct secondaries *secondaries);

#endif
