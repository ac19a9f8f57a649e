/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claim.h - whose is the name? the one rule, and both sides come to one end
 *
 * A host that comes to the bus claims its name for CLAIM_MS before it serves
 * under it. Who hears another one beat under the same name compares: who serves
 * beats who claims; else the one that began earlier, by what it says, has it;
 * then the smaller incarnation, then the smaller uuid. The better one says so
 * at once, the other yields. Both compare the same numbers, so both find the
 * same; what was sent before the other was heard is told again with each beat.
 *
 * Who has yielded claims again when nobody was heard under the name for
 * CLAIM_FREE_MS, and a chance of a second more, or when a good-bye was.
 *
 * It knows no clock and sends nothing: its caller does what it returns.
 *
 * Threading: the main loop.
 */
#ifndef FS_FLEET_CLAIM_H
#define FS_FLEET_CLAIM_H

#include "fs/fleet/hosts.h"

#define CLAIM_MS       800
#define CLAIM_AGAIN_MS 200 /* it is said again, while it claims */
#define CLAIM_FREE_MS  HOSTS_GONE_MS
#define CLAIM_TELL_MS  100 /* another one is told at most so often */

struct claim_rank {
	uint64_t since_ns; /* that it claims or serves, by its wall clock */
	uint64_t incarnation;
	const uint8_t *uuid; /* 16 octets */
	bool serves;
};

struct claim {
	enum hosts_state state;
	uint64_t since_ms; /* that it is in that state */
	uint64_t since_ns; /* of its rank; 0: of none */
	uint64_t told_ms;  /* the last beat that claim.c asked for */
	uint64_t free_ms;  /* when the name is free, while it yields */
	uint64_t rival;	   /* the incarnation that it yields to */
	/* This host's, for its rank. */
	uint64_t incarnation;
	const uint8_t *uuid;
};

enum claim_news {
	CLAIM_NOTHING,
	CLAIM_BEATS, /* send a beat, of the state that it is in */
	CLAIM_IS_NEW /* the state is another one: send a beat as well */
};

/** claim_begin() - ask for the name, from any state */
void claim_begin(struct claim *claim, uint64_t now_ms, uint64_t now_ns);

/** claim_end() - it has no name, and asks for none */
void claim_end(struct claim *claim, uint64_t now_ms);

/** claim_heard() - a beat of another one under the name */
enum claim_news claim_heard(struct claim *claim, const struct claim_rank *rival,
			    uint64_t now_ms);

/** claim_bye() - the one with that incarnation stops */
void claim_bye(struct claim *claim, uint64_t incarnation, uint64_t now_ms);

/** claim_tick() - ten times a second, while the bus is up */
enum claim_news claim_tick(struct claim *claim, uint64_t now_ms,
			   uint64_t now_ns);

#endif
