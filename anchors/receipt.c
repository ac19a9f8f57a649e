// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "anchors/host.h"
#include "anchors/receipt.h"

/* ---- The call at hand ---- */

struct receipt receipt_of(const char *from, uint64_t session, uint16_t slot,
			  uint64_t seq)
{
	struct receipt receipt = {
		.session = session,
		.slot = slot,
		.seq = seq,
	};
	size_t len = strlen(from);

	assert(len <= RECEIPT_NAME_MAX);
	memcpy(receipt.from, from, len);
	return receipt;
}

const struct receipt *receipt_at_hand(const struct host *host)
{
	return &host->receipt;
}

void receipt_enter(struct host *host, const struct receipt *receipt,
		   struct receipt *before)
{
	struct receipt next = *receipt;

	*before = host->receipt;
	host->receipt = next;
}

void receipt_leave(struct host *host, const struct receipt *before)
{
	host->receipt = *before;
}

/* ---- Rows ---- */

/* The name, and behind its NUL the slot in network order. */
struct row_key {
	size_t len;
	uint8_t octets[RECEIPT_NAME_MAX + 1 + sizeof(uint16_t)];
};

static struct row_key key_of(const char *from, uint16_t slot)
{
	struct row_key key = {.len = strlen(from) + 1};

	assert(key.len > 1 && key.len <= RECEIPT_NAME_MAX + 1);
	memcpy(key.octets, from, key.len);
	key.octets[key.len++] = (uint8_t)(slot >> 8);
	key.octets[key.len++] = (uint8_t)slot;
	return key;
}

/* One of an earlier program has no order. Return: whether it is one. */
static bool take_row(const MDB_val *value, struct receipt_row *out)
{
	*out = (struct receipt_row){0};
	if (value->mv_size != sizeof(*out) &&
	    value->mv_size != offsetof(struct receipt_row, order))
		return false;
	memcpy(out, value->mv_data, value->mv_size);
	return true;
}

/* ---- Room ---- */

static int by_order(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return (first > second) - (first < second);
}

/* All orders; their number is what fits. 0; -errno. */
static int list_orders(MDB_cursor *cursor, uint64_t *orders, size_t *count)
{
	size_t max = *count, i = 0;
	struct receipt_row row;
	MDB_val key, value;
	int rc;

	while (i < max &&
	       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		take_row(&value, &row);
		orders[i++] = row.order;
	}
	*count = i;
	return i == max || rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

/* Those of this transaction stay, whatever @until is: they are asked for yet.
 */
static int drop_until(MDB_cursor *cursor, uint64_t until)
{
	uint64_t now = mdb_txn_id(mdb_cursor_txn(cursor));
	struct receipt_row row;
	MDB_val key, value;
	int rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);

	for (; rc == 0; rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		take_row(&value, &row);
		if (row.order > until || row.order == now)
			continue;
		rc = mdb_cursor_del(cursor, 0);
		if (rc != 0)
			break;
	}
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

static int drop_oldest(MDB_cursor *cursor, size_t count)
{
	CLEANUP(freep) uint64_t *orders = calloc(count, sizeof(*orders));
	int r = orders ? list_orders(cursor, orders, &count) : -ENOMEM;

	if (r < 0 || count <= RECEIPTS_DROPPED)
		return r;
	qsort(orders, count, sizeof(*orders), by_order);
	return drop_until(cursor, orders[RECEIPTS_DROPPED - 1]);
}

/* For one row more: 0; -errno. */
static int make_room(const struct store *store, MDB_txn *txn)
{
	MDB_cursor *cursor;
	MDB_stat stat;
	int r, rc = mdb_stat(txn, store->receipts, &stat);

	if (rc != 0 || stat.ms_entries < RECEIPTS_MAX)
		return table_errno(rc);
	rc = mdb_cursor_open(txn, store->receipts, &cursor);
	if (rc != 0)
		return table_errno(rc);
	r = drop_oldest(cursor, stat.ms_entries);
	mdb_cursor_close(cursor);
	return r;
}

/* ---- Put and got ---- */

static bool has_row(const struct store *store, MDB_txn *txn, MDB_val *key)
{
	MDB_val value;

	return mdb_get(txn, store->receipts, key, &value) == 0;
}

int receipt_put(const struct store *store, MDB_txn *txn,
		const struct receipt *receipt, uint64_t anchor)
{
	struct row_key at = key_of(receipt->from, receipt->slot);
	struct receipt_row row = {
		.session = receipt->session,
		.seq = receipt->seq,
		.anchor = anchor,
		.order = mdb_txn_id(txn),
	};
	MDB_val key = {at.len, at.octets}, value = {sizeof(row), &row};
	int r = has_row(store, txn, &key) ? 0 : make_room(store, txn);

	return r < 0 ? r
		     : table_errno(
			       mdb_put(txn, store->receipts, &key, &value, 0));
}

int receipt_get(const struct store *store, MDB_txn *txn, const char *from,
		uint16_t slot, struct receipt_row *out)
{
	struct row_key at = key_of(from, slot);
	MDB_val key = {at.len, at.octets}, value;
	struct receipt_row row;
	int rc = mdb_get(txn, store->receipts, &key, &value);

	if (rc != 0)
		return table_errno(rc);
	if (!take_row(&value, &row))
		return -EBADMSG;
	*out = row;
	return 0;
}

int receipt_find(const struct host *host, const struct receipt *receipt,
		 uint64_t *anchor)
{
	const struct store *store = &host->store;
	struct receipt_row row;
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return table_errno(rc);
	r = receipt_get(store, txn, receipt->from, receipt->slot, &row);
	mdb_txn_abort(txn);
	if (r < 0)
		return r;
	if (row.session != receipt->session || row.seq != receipt->seq)
		return -ENOENT;
	*anchor = row.anchor;
	return 0;
}
