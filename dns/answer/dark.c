// SPDX-License-Identifier: Apache-2.0
/*
 * dark.c - zones that are held here, with nothing to answer from
 */
#include <errno.h>

#include "dns/answer/dark.h"
#include "dns/wire/rr_type.h"

/* 1: there is a zone that is not dark; 0; -EIO */
static int has_soa(struct snapshot *snapshot, uint32_t table,
		   const struct name *apex)
{
	struct rrsets rrsets;
	struct rrset soa;
	int r = snapshot_get(snapshot, table, apex, &rrsets);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return rrsets_find(rrsets, RR_SOA, &soa);
}

static int is_dark_apex(struct snapshot *snapshot, uint32_t home,
			const struct name *apex)
{
	struct zone_row row;
	int r = snapshot_zone_row(snapshot, home, apex, &row);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return row.is_dark;
}

int dark_covers(struct snapshot *snapshot, const struct served *served,
		const struct name *name, bool is_above)
{
	struct name at = *name;
	int r = 0;

	if (is_above && at.len > 1)
		name_ancestor(&at, 1, &at);
	for (;;) {
		r = is_dark_apex(snapshot, served->home, &at);
		if (r)
			return r;
		r = has_soa(snapshot, served->table, &at);
		if (r < 0)
			return r;
		if (r || at.len == 1)
			return 0;
		name_ancestor(&at, 1, &at);
	}
}
