/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h - writing a response
 *
 * RRsets go in one after the other, each of them whole or not at all, with
 * names compressed against all that was written before (RFC 1035, section
 * 4.1.4). It lives on the stack of answer() and writes to the caller's
 * memory; nothing is allocated.
 */
#ifndef DNS_RESPONSE_H
#define DNS_RESPONSE_H

#include "dns/answer/query.h"
#include "dns/store/rrset.h"

#define RESPONSE_NAMES 120 /* labels that are remembered for compression */
#define RESPONSE_SLOTS 256

/* A section, by where its count stands in the header. */
enum response_section {
	RESPONSE_ANSWER = MESSAGE_ANCOUNT,
	RESPONSE_AUTHORITY = MESSAGE_NSCOUNT,
	RESPONSE_ADDITIONAL = MESSAGE_ARCOUNT,
};

/* Labels that stand in the message: a tree whose edges are hashed. */
struct response_names {
	struct {
		uint16_t offset; /* where the label stands */
		uint16_t
			parent; /* where the rest of the name stands; 0: root */
		uint8_t slot;
	} labels[RESPONSE_NAMES];
	uint8_t count;
	uint8_t slots[RESPONSE_SLOTS]; /* index in labels and 1; 0: free */
};

struct response {
	uint8_t *out;
	size_t len;
	size_t limit;		 /* octets that records may fill */
	const struct name *name; /* of the question; NULL: there is none */
	bool keeps_case; /* no name ends in one of another case; false */
	bool has_names;	 /* names is in use */
	struct response_names names;
};

/**
 * response_init() - header and question
 * @out:    room for @limit octets at least
 * @limit:  octets of the response without what is added to it at its end
 * @packet: where @query was read from
 *
 * The header says: a response to it, of the same ID, opcode and RD bit.
 */
void response_init(struct response *response, uint8_t *out, size_t limit,
		   const uint8_t *packet, const struct query *query);

/**
 * response_add() - write an RRset; sections are written in their order
 * @owner: the query's own name is known by its address and costs nothing
 * @rrset: its ttl counts, whatever its records say
 *
 * Return: 0; -ENOSPC and nothing is written: it does not fit.
 */
int response_add(struct response *response, enum response_section section,
		 const struct name *owner, const struct rrset *rrset);

/**
 * response_add_at() - the same, where it is known where the owner stands
 * @offset: as response_in_question() or response_in_rdata() told; 0: not known
 */
int response_add_at(struct response *response, enum response_section section,
		    const struct name *owner, uint16_t offset,
		    const struct rrset *rrset);

/**
 * response_add_below() - the same, where it is known where the parent stands
 * @parent: as response_parent() told of a sibling; the name is not looked for,
 *          nor remembered
 */
int response_add_below(struct response *response, enum response_section section,
		       const struct name *owner, uint16_t parent,
		       const struct rrset *rrset);

/**
 * response_parent() - where the parent of a record's owner stands
 * @at: of the record, the first one of an RRset that was added
 *
 * Return: octets from the start; 0: no pointer reaches it, or it is the root.
 */
uint16_t response_parent(const struct response *response, size_t at);

/**
 * response_in_question() - where a name stands that the question's ends in
 * Return: octets from the start; 0: it is the root.
 */
uint16_t response_in_question(const struct response *response,
			      const struct name *ending);

/**
 * response_in_rdata() - where a name stands that a record has in its RDATA
 * @at:   of a record that was added, whose type has names that are compressed;
 *        moved to the next one
 * @skip: octets of RDATA before the name
 *
 * Return: as response_parent().
 */
uint16_t response_in_rdata(const struct response *response, size_t *at,
			   size_t skip);

/** response_clear() - take all RRsets out again */
void response_clear(struct response *response);

/** response_flag() - set header flags */
static inline void response_flag(struct response *response, uint16_t flags)
{
	uint8_t *at = response->out + MESSAGE_FLAGS;

	put_u16(at, (uint16_t)(get_u16(at) | flags));
}

/** response_count() - count more records in a section */
static inline void response_count(struct response *response,
				  enum response_section section, unsigned more)
{
	uint8_t *at = response->out + section;

	put_u16(at, (uint16_t)(get_u16(at) + more));
}

#endif
