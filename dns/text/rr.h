/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rr.h - one resource record, between text and wire
 *
 * The type's row says which fields its RDATA has (rr_type.h), and field.h reads
 * and prints each of them. Owner, TTL and class are the reader's business.
 *
 * Any thread may call these.
 */
#ifndef DNS_RR_H
#define DNS_RR_H

#include "dns/text/lexer.h"
#include "dns/wire/buffer.h"
#include "dns/wire/message.h"
#include "dns/wire/name.h"
#include "dns/wire/rr_type.h"

/* How long the RDATA is in text, so that nothing is printed to be measured. */
struct rr_measure {
	uint32_t text;	  /* octets of the RDATA's presentation format */
	uint32_t escapes; /* of these, how many JSON escapes: " and \ */
};

struct rr {
	struct name owner;    /* lower case */
	uint16_t type;	      /* host order */
	uint32_t ttl;	      /* seconds */
	uint16_t rdlen;	      /* octets */
	const uint8_t *rdata; /* wire form, no compression; borrowed */
	struct rr_measure measure;
};

/**
 * rr_rdata_from_text() - RDATA from the tokens of a master file
 * @type:    its type
 * @lexer:   before the first of them; all that are left are taken
 * @origin:  completes relative names in it, and is what "@" means; or NULL, as
 *            in name_from_text()
 * @rdata:   is set to the wire form: its former content is lost
 * @measure: how long the canonical text is
 *
 * Return: 0; -EINVAL with the lexer's refusal; -ENOMEM.
 */
int rr_rdata_from_text(uint16_t type, struct lexer *lexer,
		       const struct name *origin, struct buffer *rdata,
		       struct rr_measure *measure);

/**
 * rr_rdata_to_text() - append the presentation format of RDATA
 *
 * No comment, no newline, one line; what it writes, rr_rdata_from_text()
 * reads back to the same octets. RDATA that does not parse as its type is
 * written as RFC 3597, section 5 has it.
 *
 * Return: 0, -ENOMEM.
 */
int rr_rdata_to_text(uint16_t type, const uint8_t *rdata, uint16_t rdlen,
		     struct buffer *out);

/** rr_measure() - measure RDATA by printing it: 0, -ENOMEM */
int rr_measure(uint16_t type, const uint8_t *rdata, uint16_t rdlen,
	       struct rr_measure *out);

/**
 * rr_to_text() - append the line of a record: "owner\tTTL\tIN\tTYPE\tRDATA"
 * @owner: the owner's text form, @owner_len octets
 *
 * Without the newline. The length is rr_text_len() of the same.
 *
 * Return: 0, -ENOMEM.
 */
int rr_to_text(const char *owner, size_t owner_len, uint16_t type, uint32_t ttl,
	       const uint8_t *rdata, uint16_t rdlen, struct buffer *out);

/** rr_text_len() - octets that rr_to_text() would write */
uint32_t rr_text_len(size_t owner_len, uint16_t type, uint32_t ttl,
		     const struct rr_measure *measure);

#endif
