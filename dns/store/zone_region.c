// SPDX-License-Identifier: Apache-2.0
/*
 * zone_region.c - all owners of a zone's own
 *
 * Records and apexes are walked side by side: whichever comes first is shown,
 * and behind a nested apex both cursors seek to what follows all of it.
 */
#include <errno.h>

#include "dns/store/zone_layout.h"

static int show_owner(struct zone_region *region, int rc)
{
	if (rc == 0 &&
	    table_key_is_under(region->key.mv_data, region->key.mv_size,
			       region->apex.octets, region->apex.len))
		return 0;
	region->key.mv_size = 0;
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

int zone_region_seek(struct zone_region *region, const struct zone_key *from)
{
	int r = zone_at_below(region->apexes, &region->apex, from,
			      &region->nested);

	if (r == -ENOENT)
		region->nested.key.len = 0;
	else if (r < 0)
		return r;
	region->key = (MDB_val){from->len, (void *)from->octets};
	return show_owner(region,
			  mdb_cursor_get(region->records, &region->key,
					 &region->value, MDB_SET_RANGE));
}

void zone_region_deinit(struct zone_region *region)
{
	table_cursor_closep(&region->records);
	table_cursor_closep(&region->apexes);
}

int zone_region_init(struct zone_region *region, const struct tables *tables,
		     MDB_txn *txn, const struct zone_key *apex)
{
	int r;

	*region = (struct zone_region){.apex = *apex};
	r = table_errno(
		mdb_cursor_open(txn, tables->records, &region->records));
	if (r == 0)
		r = table_errno(
			mdb_cursor_open(txn, tables->apexes, &region->apexes));
	if (r == 0)
		r = zone_region_seek(region, apex);
	if (r < 0)
		zone_region_deinit(region);
	return r;
}

/* Is the next thing a nested zone? */
static bool nested_is_next(const struct zone_region *region)
{
	const struct zone_key *nested = &region->nested.key;

	return nested->len && (!region->key.mv_size ||
			       table_key_compare(nested->octets, nested->len,
						 region->key.mv_data,
						 region->key.mv_size) <= 0);
}

int zone_region_next(struct zone_region *region, MDB_val *key, MDB_val *value,
		     struct zone_at *nested)
{
	if (nested_is_next(region)) {
		struct zone_key behind = region->nested.key;

		*nested = region->nested;
		key->mv_size = 0;
		zone_key_skip(&behind);
		return zone_region_seek(region, &behind);
	}
	if (!region->key.mv_size)
		return -ENOENT;
	*key = region->key;
	*value = region->value;
	return show_owner(region, mdb_cursor_get(region->records, &region->key,
						 &region->value, MDB_NEXT));
}
