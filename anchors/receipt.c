// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

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

int receipt_put(const struct store *store, MDB_txn *txn,
		const struct receipt *receipt, uint64_t anchor)
{
	struct row_key at = key_of(receipt->from, receipt->slot);
	struct receipt_row row = {
		.session = receipt->session,
		.seq = receipt->seq,
		.anchor = anchor,
	};
	MDB_val key = {at.len, at.octets}, value = {sizeof(row), &row};

	return table_errno(mdb_put(txn, store->receipts, &key, &value, 0));
}

int receipt_get(const struct store *store, MDB_txn *txn, const char *from,
		uint16_t slot, struct receipt_row *out)
{
	struct row_key at = key_of(from, slot);
	MDB_val key = {at.len, at.octets}, value;
	int rc = mdb_get(txn, store->receipts, &key, &value);

	if (rc != 0)
		return table_errno(rc);
	if (value.mv_size != sizeof(*out))
		return -EBADMSG;
	memcpy(out, value.mv_data, sizeof(*out));
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
