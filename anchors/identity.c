// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>
#include <time.h>

#include "anchors/identity.h"

/*
 * So much is chance, in nanoseconds: copies of one state that start at a
 * moment, or with clocks that are behind, would begin the same incarnation
 * else.
 */
#define IDENTITY_CHANCE_NS (1U << 20)

static bool read_meta(struct store *store, MDB_txn *txn, const char *name,
		      void *out, size_t len)
{
	MDB_val key = {strlen(name), (void *)name}, value;

	if (mdb_get(txn, store->meta, &key, &value) != 0 ||
	    value.mv_size != len)
		return false;
	memcpy(out, value.mv_data, len);
	return true;
}

static int write_meta(struct store *store, MDB_txn *txn, const char *name,
		      const void *data, size_t len)
{
	MDB_val key = {strlen(name), (void *)name}, value = {len, (void *)data};

	return table_errno(mdb_put(txn, store->meta, &key, &value, 0));
}

/* The clock may have been set back since the last start. */
static void next(struct identity *identity)
{
	struct timespec now;
	uint64_t now_ns;

	clock_gettime(CLOCK_REALTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (identity->incarnation < now_ns)
		identity->incarnation = now_ns;
	identity->incarnation += 1 + randombytes_uniform(IDENTITY_CHANCE_NS);
}

static int take(struct store *store, MDB_txn *txn, struct identity *out)
{
	int r;

	read_meta(store, txn, "incarnation", &out->incarnation,
		  sizeof(out->incarnation));
	if (!read_meta(store, txn, "uuid", out->uuid, sizeof(out->uuid)))
		randombytes_buf(out->uuid, sizeof(out->uuid));
	next(out);
	r = write_meta(store, txn, "incarnation", &out->incarnation,
		       sizeof(out->incarnation));
	return r < 0 ? r
		     : write_meta(store, txn, "uuid", out->uuid,
				  sizeof(out->uuid));
}

int identity_take(struct store *store, struct identity *out)
{
	MDB_txn *txn;
	int r, rc = mdb_txn_begin(store->env, NULL, 0, &txn);

	*out = (struct identity){0};
	if (rc != 0) {
		randombytes_buf(out->uuid, sizeof(out->uuid));
		next(out);
		return table_errno(rc);
	}
	r = take(store, txn, out);
	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	return store_errno(store, table_errno(mdb_txn_commit(txn)));
}
