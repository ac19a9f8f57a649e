/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message_rr.h - the records of a message that came in: RFC 1035, section 4.1
 *
 * Of requests and transfers, of which nothing is trusted: nothing is looked at
 * beyond the message, and a name's pointers lead back only (section 4.1.4), so
 * that none goes round. Pure functions; any thread may call them.
 */
#ifndef DNS_MESSAGE_RR_H
#define DNS_MESSAGE_RR_H

#include "dns/wire/message.h"
#include "dns/wire/name.h"

/* A record as it stands in a message. */
struct message_rr {
	struct name owner; /* in lower case */
	uint16_t type, class;
	uint32_t ttl;	 /* seconds; one of more than RR_TTL_MAX is 0 here:
			  * RFC 2181, section 8 */
	size_t rdata_at; /* where its RDATA begins in the message */
	uint16_t rdlen;	 /* octets of that there, compressed as it may be */
};

/**
 * message_name() - the name at *@at, compressed or not
 * @at:  octets before it; moved behind it
 * @out: its case kept
 *
 * Return: 0; -EINVAL, with @at as it was.
 */
int message_name(const uint8_t *message, size_t len, size_t *at,
		 struct name *out);

/** message_question() - the same of a question's name, type and class */
int message_question(const uint8_t *message, size_t len, size_t *at,
		     struct name *name, uint16_t *type, uint16_t *class);

/** message_rr_next() - the same of a record */
int message_rr_next(const uint8_t *message, size_t len, size_t *at,
		    struct message_rr *out);

#endif
