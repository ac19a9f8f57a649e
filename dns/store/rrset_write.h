/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rrset_write.h - writing one RRset behind others, for rrset_edit.c
 *
 * The head comes before the records and tells how many octets they and their
 * text have. So it is kept here while records are added, and put in its place
 * at the end; until then the buffer is no value that anybody may read.
 *
 * Threading: whoever has the buffer.
 */
#ifndef DNS_RRSET_WRITE_H
#define DNS_RRSET_WRITE_H

#include "dns/store/rrset_layout.h"

/* What the owner adds to the text of each record. */
struct rrset_owner {
	size_t text_len;  /* octets of name_to_text() */
	uint32_t escapes; /* and of those, how many JSON escapes */
};

struct rrset_write {
	struct buffer *out; /* borrowed; nobody else adds to it meanwhile */
	struct rrset_owner owner;
	size_t at; /* of the head in the buffer */
	struct rrset_head head;
};

/**
 * rrset_write_begin() - leave room for a head, and take over what there was
 * @old: of the same owner and type; or of no octets, and tells the type
 *
 * Return: 0, -ENOMEM.
 */
int rrset_write_begin(struct rrset_write *write, struct buffer *out,
		      struct rrset_owner owner, struct rrset_head old,
		      const uint8_t *rrs);

/** rrset_write_all() - what is in it by now; good until the next function */
struct rrset rrset_write_all(const struct rrset_write *write);

/** rrset_write_clear() - take all records out */
void rrset_write_clear(struct rrset_write *write);

/** rrset_write_add() - append a record: 0, -ENOMEM */
int rrset_write_add(struct rrset_write *write, const struct rr *rr);

/** rrset_write_ttl() - give all records this TTL, in seconds */
void rrset_write_ttl(struct rrset_write *write, uint32_t ttl);

/** rrset_write_end() - put the head in its place */
void rrset_write_end(const struct rrset_write *write);

#endif
