// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/store/table_pair.h"

static int show(struct table_cursor *at, int rc)
{
	if (rc == 0 && get_u32(at->key.mv_data) == at->table)
		return 0;
	at->key.mv_size = 0;
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

static int begin(struct table_cursor *at, const struct tables *tables,
		 MDB_txn *txn, uint32_t table, const struct zone_key *from)
{
	uint8_t octets[TABLE_KEY_SIZE + 1];
	int rc = mdb_cursor_open(txn, tables->records, &at->cursor);

	at->table = table;
	put_u32(octets, table);
	memcpy(octets + TABLE_NUMBER_SIZE, from->octets, from->len);
	at->key = (MDB_val){TABLE_NUMBER_SIZE + from->len, octets};
	if (rc == 0)
		rc = mdb_cursor_get(at->cursor, &at->key, &at->value,
				    MDB_SET_RANGE);
	return show(at, rc);
}

int table_pair_init(struct table_pair *pair, const struct tables *tables,
		    MDB_txn *txn, uint32_t a, uint32_t b, bool has_b,
		    const struct zone_key *from)
{
	int r = begin(&pair->a, tables, txn, a, from);

	return r || !has_b ? r : begin(&pair->b, tables, txn, b, from);
}

void table_pair_deinit(struct table_pair *pair)
{
	table_cursor_closep(&pair->a.cursor);
	table_cursor_closep(&pair->b.cursor);
}

/* What it stands on becomes the entry's. */
static int take(struct table_cursor *at, struct pair_entry *entry,
		struct rrsets *side)
{
	entry->key = (const uint8_t *)at->key.mv_data + TABLE_NUMBER_SIZE;
	entry->key_len = at->key.mv_size - TABLE_NUMBER_SIZE;
	*side = (struct rrsets){at->value.mv_data, at->value.mv_size};
	return show(at,
		    mdb_cursor_get(at->cursor, &at->key, &at->value, MDB_NEXT));
}

/* Which of them comes first; 0: both are of one owner. */
static int order(const struct table_pair *pair)
{
	const MDB_val *a = &pair->a.key, *b = &pair->b.key;

	if (!a->mv_size || !b->mv_size)
		return !a->mv_size - !b->mv_size;
	return table_key_compare((uint8_t *)a->mv_data + TABLE_NUMBER_SIZE,
				 a->mv_size - TABLE_NUMBER_SIZE,
				 (uint8_t *)b->mv_data + TABLE_NUMBER_SIZE,
				 b->mv_size - TABLE_NUMBER_SIZE);
}

int table_pair_next(struct table_pair *pair, struct pair_entry *out)
{
	int first = order(pair), r = 0;

	*out = (struct pair_entry){0};
	if (!pair->a.key.mv_size && !pair->b.key.mv_size)
		return -ENOENT;
	if (first <= 0)
		r = take(&pair->a, out, &out->a);
	if (r == 0 && first >= 0)
		r = take(&pair->b, out, &out->b);
	return r;
}
