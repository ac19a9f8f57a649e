/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.h - what a name is in a table: RFC 1034, section 4.3.2, steps 2 and 3
 *
 * A table holds any number of zones, nested ones too, and records outside any
 * zone; one lookup finds out which rules a name is under and what is there.
 *
 * Bounded: the number of seeks grows with the depth of the names that the
 * table holds, never with the name that is asked nor with the table's size.
 *
 * Threading: as the snapshot's.
 */
#ifndef DNS_LOOKUP_H
#define DNS_LOOKUP_H

#include "dns/store/snapshot.h"

enum lookup_kind {
	LOOKUP_OUTSIDE,	   /* not in a zone, and nothing matches */
	LOOKUP_NAME_ERROR, /* in a zone, and no such name */
	LOOKUP_NODE,	   /* a name, or the wildcard that stands for it */
	LOOKUP_CUT,	   /* at or below a zone cut */
	LOOKUP_DNAME,	   /* below a DNAME */
};

/* What the name is looked up for. */
enum lookup_side {
	LOOKUP_ANSWER,
	/*
	 * For the DS of a cut, which the parent zone has: the name's own SOA
	 * and NS count for nothing, unless no zone above it is held (RFC 4035,
	 * section 3.1.4.1).
	 */
	LOOKUP_PARENT,
	/* For addresses of an NS: cuts hide nothing. */
	LOOKUP_GLUE,
};

struct lookup {
	enum lookup_kind kind;
	uint8_t labels; /* of the name; the root's is never counted */
	bool in_zone;
	uint8_t apex;	      /* in a zone: how many labels its apex has */
	struct rrsets zone;   /* in a zone: the RRsets of the apex */
	uint8_t node;	      /* CUT, DNAME: how many labels its owner has */
	struct rrsets rrsets; /* NODE, CUT, DNAME: the RRsets of that owner; of
			       * an empty non-terminal, none */
	bool is_wildcard;     /* NODE: they are a wildcard's, which stands for
			       * the name */
};

/**
 * lookup_glue() - LOOKUP_GLUE, for a name at or below a cut that was found
 *
 * What stands from the cut upwards is not looked at again. Return: 0; -EIO.
 */
int lookup_glue(struct snapshot *snapshot, uint32_t table,
		const struct name *name, const struct lookup *cut,
		struct lookup *out);

/** lookup_name() - find a name: 0; -EIO */
int lookup_name(struct snapshot *snapshot, uint32_t table,
		const struct name *name, enum lookup_side side,
		struct lookup *out);

#endif
