/* SPDX-License-Identifier: Apache-2.0 */
/*
 * update_layout.h - an UPDATE that was read, for update*.c
 *
 * update_parse.c reads the message, and update.c judges it in a transaction.
 */
#ifndef DNS_UPDATE_LAYOUT_H
#define DNS_UPDATE_LAYOUT_H

#include "dns/store/update.h"

/* What a prerequisite or a change says: sections 2.4 and 2.5. */
enum update_op {
	UPDATE_NAME_IN_USE,	/* class ANY, type ANY */
	UPDATE_NAME_NOT_IN_USE, /* class NONE, type ANY */
	UPDATE_RRSET_IS,	/* class ANY */
	UPDATE_RRSET_IS_NOT,	/* class NONE */
	UPDATE_RRSET_HAS,	/* the zone's class: with these records */
	UPDATE_ADD,		/* the zone's class */
	UPDATE_DELETE_NAME,	/* class ANY, type ANY */
	UPDATE_DELETE_RRSET,	/* class ANY */
	UPDATE_DELETE_RR,	/* class NONE */
};

/* One record of the message. */
struct update_item {
	enum update_op op;
	struct name owner; /* lower case */
	uint16_t type;
	uint32_t ttl;
	uint16_t rdlen;
	size_t rdata_at;	   /* in update->rdata */
	const char *malformed;	   /* of a prerequisite: why, or NULL */
	struct rr_measure measure; /* of UPDATE_ADD */
};

struct update {
	struct name zone;
	struct buffer prerequisites; /* struct update_item */
	struct buffer changes;	     /* the same */
	struct buffer rdata;
	/* What speaks against the changes; RCODE_NOERROR: nothing yet. */
	enum rcode rcode;
	struct refusal why;
};

static inline const struct update_item *update_items(const struct buffer *items,
						     size_t *count)
{
	*count = items->len / sizeof(struct update_item);
	return (const struct update_item *)items->data;
}

#endif
