/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incoming.h - a transfer that comes in: RFC 5936, RFC 1995
 *
 * One goes in message by message, and nothing in it is trusted. What it comes
 * to is known when its last record was read; nothing changes before. It is
 * either all of a zone, whose records are handed out as they come, to be staged
 * in place of the old ones; or the differences from our serial on, which are
 * kept, and made one change of in the writer's transaction.
 *
 * Threading: whoever has it; incoming_differences_apply() on the writer's.
 */
#ifndef DNS_INCOMING_H
#define DNS_INCOMING_H

#include "dns/store/table.h"
#include "dns/text/rr_wire.h"

struct incoming;

/* Octets of differences that are kept at most: more than that is an AXFR. */
#define INCOMING_DIFFERENCES_SIZE (64 << 20)

struct incoming_request {
	struct name apex;
	uint16_t id;	      /* of the query */
	uint16_t type;	      /* RR_AXFR, RR_IXFR */
	bool has_serial;      /* there is a zone, which does not go back: */
	uint32_t serial;      /* ours; also of an IXFR, which has one */
	uint64_t records_max; /* 0: any number */
};

enum incoming_state {
	INCOMING_MORE,	      /* wants the next message */
	INCOMING_SAME,	      /* the primary's serial is not ahead of ours */
	INCOMING_ZONE,	      /* all of the zone was handed out */
	INCOMING_DIFFERENCES, /* they are here */
};

/** incoming_new() - 0, -ENOMEM */
int incoming_new(struct incoming **out, const struct incoming_request *request);
struct incoming *incoming_free(struct incoming *incoming); /* NULL is fine */
void incoming_freep(struct incoming **incoming);

/**
 * incoming_take() - the next message, without its TSIG
 * @zone:  receives records, of a transfer of all of the zone
 * @state: is set
 *
 * Return: 0; -EREMOTEIO: its RCODE says no, as incoming_rcode() tells; -EBADMSG
 * with @why: it is none of this transfer, or malformed; -EDQUOT with @why: it
 * has too many records, or differences; -ERANGE with @why: it is behind the
 * request's serial; -ENOMEM. On error it is of no use any
 * more.
 */
int incoming_take(struct incoming *incoming, const uint8_t *message, size_t len,
		  struct change *zone, enum incoming_state *state,
		  struct refusal *why);

/** incoming_rcode() - of the last message */
enum rcode incoming_rcode(const struct incoming *incoming);

/** incoming_serial() - what the zone has after it, once the state is no more
 * INCOMING_MORE
 */
uint32_t incoming_serial(const struct incoming *incoming);

/** incoming_is_zone() - is it all of the zone that comes? From the first record
 * on that tells */
bool incoming_is_zone(const struct incoming *incoming);

/**
 * incoming_differences() - what they come to, as a change to be applied
 *
 * Return: 0; ESTALE: a record that goes is not there, or our serial is another
 * by now: only an AXFR helps; -errno.
 */
int incoming_differences(const struct incoming *incoming,
			 const struct tables *tables, MDB_txn *txn,
			 uint32_t table, struct change *out);

#endif
