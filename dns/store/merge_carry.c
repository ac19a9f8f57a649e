// SPDX-License-Identifier: Apache-2.0
/*
 * merge_carry.c - zones that are secondaries are taken over into the new table
 */
#include <errno.h>

#include "dns/store/merge_layout.h"

/* In order of their names, so that a nested one comes behind. */
int merge_find_secondaries(struct merge *merge, MDB_txn *txn,
			   const struct name *taken)
{
	const struct settling *settling = &merge->settling;
	uint8_t key[NAME_KEY_SIZE];
	size_t key_len = 0;
	struct zone_row row;
	struct name apex;
	bool is_first = true;
	int r = 0;

	if (!settling->home.secondaries && !settling->home.catalogs)
		return 0;
	while (r == 0) {
		r = zone_row_next(settling->tables, txn, settling->home_id,
				  is_first ? NULL : key, key_len, &apex, &row);
		if (r == 0 && (row.is_secondary || row.is_catalog) &&
		    !(taken && name_equal(&apex, taken)))
			r = buffer_add(&merge->secondaries, &apex,
				       sizeof(apex));
		key_len = r ? 0 : name_to_key(&apex, key);
		is_first = false;
	}
	return r == -ENOENT ? 0 : r;
}

static int carry_owner(void *arg, const uint8_t *key, size_t key_len,
		       struct rrsets old, struct rrsets new)
{
	return merge_write_owner(arg, key, key_len, old, new);
}

int merge_carry_slice(struct merge *merge, MDB_txn *txn, size_t max)
{
	struct zone_take *take = &merge->take;
	bool left;
	int r;

	if (!take->begun) {
		buffer_deinit(&take->value);
		*take = (struct zone_take){
			.tables = merge->settling.tables,
			.table = merge->to.table,
			.source = merge->from.table,
			.is_loose = true,
		};
		memcpy(&take->apex, merge->secondaries.data + merge->carried,
		       sizeof(take->apex));
	}
	r = zone_take_slice(take, txn, max, carry_owner, merge, &left);
	if (r == 0 && !left) {
		merge->carried += sizeof(take->apex);
		take->begun = false;
	}
	return r;
}
