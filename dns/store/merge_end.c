// SPDX-License-Identifier: Apache-2.0
/*
 * merge_end.c - what has been worked out becomes true
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/merge_layout.h"

typedef int done_fn(const struct merge *merge, const struct settling *settling,
		    const struct done_zone *done, struct settle_zone *zone);

static int each_done(const struct merge *merge, const struct settling *settling,
		     done_fn *fn)
{
	const struct buffer *all = &merge->done;
	struct done_zone done;
	struct name apex;
	int r = 0;

	for (size_t at = 0; r == 0 && at < all->len;) {
		struct settle_zone zone;

		memcpy(&done, all->data + at, sizeof(done));
		apex.len = done.len;
		memcpy(apex.wire, all->data + at + sizeof(done), done.len);
		at += sizeof(done) + done.len;
		r = settle_zone_begin(&zone, settling, &apex);
		if (r == 0)
			r = fn(merge, settling, &done, &zone);
	}
	return r;
}

static int check_done(const struct merge *merge,
		      const struct settling *settling,
		      const struct done_zone *done, struct settle_zone *zone)
{
	(void)merge;
	(void)settling;
	return zone->row.edits == done->edits ? 0 : -EAGAIN;
}

static int write_done(const struct merge *merge,
		      const struct settling *settling,
		      const struct done_zone *done, struct settle_zone *zone)
{
	int r;

	zone->was = done->was;
	zone->is = done->is;
	zone->before = done->before;
	zone->serial = done->serial;
	r = settle_zone_end(zone, settling, done->entry);
	if (r < 0 || !zone->is)
		return r;
	return settle_zone_bound(zone, settling, merge->to.table);
}

int merge_end(const struct merge *merge, MDB_txn *txn)
{
	struct settling settling = merge->settling;
	struct home home;
	int r = home_get(settling.tables, txn, settling.home_id, &home);

	assert(merge->is_done);
	settling.txn = txn;
	if (r < 0)
		return r;
	if (memcmp(&home, &settling.home, sizeof(home)))
		return -EAGAIN;
	r = each_done(merge, &settling, check_done);
	return r ? r : each_done(merge, &settling, write_done);
}
