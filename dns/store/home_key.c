// SPDX-License-Identifier: Apache-2.0
/*
 * home_key.c - keys of TSIG
 *
 * A row is the kind of hash in one octet, and the secret behind it.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>

#include "dns/store/home_layout.h"

static struct home_key key_prefix(uint32_t home)
{
	struct home_key key = {0};

	home_key_number(&key, home);
	return key;
}

static struct home_key key_key(uint32_t home, const struct name *name)
{
	struct home_key key = key_prefix(home);

	home_key_name(&key, name);
	return key;
}

static int key_from(MDB_val value, struct tsig_key *out)
{
	const uint8_t *octets = value.mv_data;

	if (value.mv_size < 1 || value.mv_size > 1 + sizeof(out->secret))
		return -EIO;
	out->kind = octets[0];
	out->len = (uint16_t)(value.mv_size - 1);
	memcpy(out->secret, octets + 1, out->len);
	return 0;
}

int home_key(const struct tables *tables, MDB_txn *txn, uint32_t home,
	     const struct name *name, struct tsig_key *out)
{
	struct home_key octets = key_key(home, name);
	MDB_val key = home_key_val(&octets), value;
	int r = table_errno(mdb_get(txn, tables->keys, &key, &value));

	if (r < 0)
		return r;
	out->name = *name;
	name_lower(&out->name);
	return key_from(value, out);
}

static int has_row(const struct tables *tables, MDB_txn *txn, MDB_val key)
{
	MDB_val value;
	int rc = mdb_get(txn, tables->keys, &key, &value);

	return rc == 0 ? 1 : rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

/* One more, and the home says so too. */
static int count_key(const struct tables *tables, MDB_txn *txn, uint32_t number)
{
	struct home home;
	int r = home_get(tables, txn, number, &home);

	if (r < 0)
		return r;
	if (home.keys >= HOME_KEYS_MAX)
		return -EDQUOT;
	home.keys++;
	return home_put(tables, txn, number, &home);
}

int home_key_put(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct tsig_key *key)
{
	struct home_key at = key_key(home, &key->name);
	uint8_t row[1 + KEY_SECRET_SIZE];
	int r = has_row(tables, txn, home_key_val(&at));

	assert(key->len <= KEY_SECRET_SIZE);
	if (r == 0)
		r = count_key(tables, txn, home);
	if (r < 0)
		return r;
	row[0] = (uint8_t)key->kind;
	memcpy(row + 1, key->secret, key->len);
	r = home_put_row(txn, tables->keys, home_key_val(&at), row,
			 1u + key->len);
	sodium_memzero(row, sizeof(row));
	return r;
}

int home_key_del(const struct tables *tables, MDB_txn *txn, uint32_t home,
		 const struct name *name)
{
	struct home_key octets = key_key(home, name);
	MDB_val key = home_key_val(&octets);
	struct home stored;
	int r = table_errno(mdb_del(txn, tables->keys, &key, NULL));

	if (r == 0)
		r = home_get(tables, txn, home, &stored);
	if (r < 0)
		return r;
	assert(stored.keys);
	stored.keys--;
	return home_put(tables, txn, home, &stored);
}

int snapshot_key(struct snapshot *snapshot, uint32_t home,
		 const struct name *name, struct tsig_key *out)
{
	return home_key(snapshot_tables(snapshot), snapshot_txn(snapshot), home,
			name, out);
}

int snapshot_key_next(struct snapshot *snapshot, uint32_t home,
		      const uint8_t *after, size_t after_len,
		      struct tsig_key *out)
{
	const struct tables *tables = snapshot_tables(snapshot);
	struct home_key prefix = key_prefix(home);
	MDB_val value;
	int r = home_next_row(snapshot_txn(snapshot), tables->keys, &prefix,
			      after, after_len, &out->name, &value);

	return r < 0 ? r : key_from(value, out);
}
