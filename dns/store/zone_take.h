/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_take.h - what a table has to become so that one zone of it is as it
 * stands in another table
 *
 * Both are walked side by side, in slices. All at and below the apex is the
 * zone's, but for zones nested in it, which stay as they are: of the source,
 * NS and addresses at or below a nested apex are left out, for the nested
 * zone's are the truth, and its DS is taken, which is the zone's above. The
 * apex keeps a DS of its own if the zone itself is nested, and its SOA if the
 * source has none.
 *
 * Threading: of the transaction's thread.
 */
#ifndef DNS_ZONE_TAKE_H
#define DNS_ZONE_TAKE_H

#include "dns/store/zone_layout.h"

/* A walk; it may go on in a later transaction. */
struct zone_take {
	const struct tables *tables;
	uint32_t table, source;
	struct name apex;
	/*
	 * What else the source has in zones nested here, and zones that are
	 * nested there, are left out too, and an SOA that the source has not
	 * goes; else they are refused, and it stays.
	 */
	bool is_loose;
	/* The zone has no new records, and the SOA goes too: there is no source
	 * but one to be filled. */
	bool clears;
	/*
	 * The other way round: what the source has to become so that it is the
	 * whole table with that zone in it. Owners outside are walked too.
	 */
	bool fills;
	bool again; /* some of that was done before, and is to be so anew */
	bool is_nested;
	struct refusal *why;
	struct zone_key place;	/* the owner to go on with, no table; and */
	bool begun;		/* whether there is one */
	struct zone_key nested; /* the zone at hand below the apex */
	struct zone_key there;	/* and that of the source */
	struct buffer value;
};

/*
 * Takes an owner whose value, of the source where that @fills, is another; what
 * is not 0 ends the slice and is returned. @key is name_to_key() form; all is
 * good until the next write.
 */
typedef int zone_take_fn(void *arg, const uint8_t *key, size_t key_len,
			 struct rrsets old, struct rrsets new);

/** zone_take_slice() - go on for @max owners
 *
 * Return: 0, with @left: was that not all? EINVAL, with @why; what @take
 * returned; -errno.
 */
int zone_take_slice(struct zone_take *walk, MDB_txn *txn, size_t max,
		    zone_take_fn *take, void *arg, bool *left);

void zone_take_deinit(struct zone_take *walk);

#endif
