/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rr_wire.h - a record of a message as the store keeps it
 *
 * What comes by UPDATE or by a transfer is judged by the same rules as a line
 * of text: its type's fields (rr_type.h) and what its RFC says of them
 * (rr_rules.h). Names in RDATA are taken out of their compression, where the
 * type may have any (RFC 3597, section 4).
 *
 * Any thread may call this.
 */
#ifndef DNS_RR_WIRE_H
#define DNS_RR_WIRE_H

#include "dns/text/rr.h"
#include "dns/wire/message_rr.h"

/**
 * rr_rdata_from_message() - a record's RDATA, uncompressed and checked
 * @rdata: is set to it: its former content is lost
 *
 * Return: 0; -EINVAL with @why (or NULL): it is none of that type, names are
 * compressed that may not be, or a rule is broken; -ENOMEM.
 */
int rr_rdata_from_message(const uint8_t *message, size_t len,
			  const struct message_rr *from, struct buffer *rdata,
			  struct refusal *why);

/**
 * rr_from_message() - the same, of the whole record, to be stored
 * @out: borrows @rdata
 *
 * Of class IN and a type that is data; else -EINVAL.
 */
int rr_from_message(const uint8_t *message, size_t len,
		    const struct message_rr *from, struct buffer *rdata,
		    struct rr *out, struct refusal *why);

#endif
