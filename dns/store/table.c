// SPDX-License-Identifier: Apache-2.0
/*
 * table.c - which tables there are, and who answers from which
 *
 * A table begins loose: table_create() gives it a number and counts of zero.
 * table_publish() marks it as served, has `serving` name it and makes the
 * former one loose. Whoever has a snapshot of before goes on with that one,
 * which is still there: LMDB keeps what an open snapshot shows.
 * What is loose goes in slices, owners first and its counts last, so that a
 * table that is half gone is found again after a crash.
 *
 * Counts are read and written within the transaction that changes what they
 * count, so they are true in every snapshot.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/home.h"
#include "dns/store/table_key.h"
#include "dns/store/table_layout.h"

int table_errno(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
		return -EMFILE;
	default:
		/* Positive codes are errnos; the others are a broken store. */
		return rc > 0 ? -rc : -EIO;
	}
}

int tables_open(struct tables *out, MDB_env *env, MDB_txn *txn)
{
	struct tables tables = {.env = env};
	const struct {
		const char *name;
		MDB_dbi *dbi;
	} all[] = {
		{"records", &tables.records}, {"tables", &tables.tables},
		{"serving", &tables.serving}, {"apexes", &tables.apexes},
		{"zones", &tables.zones},     {"lists", &tables.lists},
		{"keys", &tables.keys},	      {"journal", &tables.journal},
	};
	unsigned flags = 0;
	int rc = mdb_env_get_flags(env, &flags);

	_Static_assert(ARRAY_SIZE(all) == TABLES_DBS, "all of them");
	flags = flags & MDB_RDONLY ? 0 : MDB_CREATE;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(all); i++)
		rc = mdb_dbi_open(txn, all[i].name, flags, all[i].dbi);
	if (rc == 0)
		*out = tables;
	return table_errno(rc);
}

void tables_fall_back(struct tables *tables, const struct tables *fallback)
{
	atomic_store(&tables->fallback, fallback);
}

int table_get_counts(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     struct table_counts *out)
{
	uint8_t number[TABLE_NUMBER_SIZE];
	MDB_val key = table_number_key(number, table), value;
	int rc = mdb_get(txn, tables->tables, &key, &value);

	if (rc == 0)
		memcpy(out, value.mv_data, sizeof(*out));
	return table_errno(rc);
}

int table_put_counts(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     const struct table_counts *counts)
{
	uint8_t number[TABLE_NUMBER_SIZE];
	MDB_val key = table_number_key(number, table);
	MDB_val value = {sizeof(*counts), (void *)counts};

	return table_errno(mdb_put(txn, tables->tables, &key, &value, 0));
}

int table_get_owner(const struct tables *tables, MDB_txn *txn, uint32_t table,
		    const struct name *owner, struct rrsets *out)
{
	uint8_t octets[TABLE_KEY_SIZE];
	MDB_val key = {table_key(octets, table, owner), octets}, value;
	int rc = mdb_get(txn, tables->records, &key, &value);

	if (rc == 0)
		*out = (struct rrsets){value.mv_data, value.mv_size};
	return table_errno(rc);
}

int table_fits(const struct tables *tables, uint64_t before, uint64_t after,
	       struct refusal *why)
{
	if (!tables->records_max || after <= tables->records_max ||
	    after <= before)
		return 0;
	return refusal_set(
		why, EDQUOT,
		"max-records=%llu: there are %llu records here, and this "
		"would make it %llu; remove some, or start with more",
		(unsigned long long)tables->records_max,
		(unsigned long long)before, (unsigned long long)after);
}

int table_records(const struct tables *tables, MDB_txn *txn, uint32_t table,
		  uint64_t *out)
{
	struct table_counts counts;
	int r = table_get_counts(tables, txn, table, &counts);

	if (r == 0)
		*out = counts.records;
	return r;
}

/* A number that no table has: behind the last one, or the first gap. */
static int free_number(const struct tables *tables, MDB_txn *txn, uint32_t *out)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	uint32_t number = 0;
	int rc = mdb_cursor_open(txn, tables->tables, &cursor);

	if (rc != 0)
		return table_errno(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	if (rc == 0 && get_u32(key.mv_data) < UINT32_MAX) {
		number = get_u32(key.mv_data) + 1;
	} else {
		rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		while (rc == 0 && get_u32(key.mv_data) == number) {
			number++;
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		}
	}
	if (rc != 0 && rc != MDB_NOTFOUND)
		return table_errno(rc);
	*out = number;
	return 0;
}

int table_create(const struct tables *tables, MDB_txn *txn, uint32_t *out)
{
	struct table_counts counts = {0};
	uint32_t number = 0;
	int r = free_number(tables, txn, &number);

	if (r == 0)
		r = table_put_counts(tables, txn, number, &counts);
	if (r == 0)
		*out = number;
	return r;
}

int table_serving(const struct tables *tables, MDB_txn *txn, uint64_t server,
		  uint32_t *out)
{
	struct served served;
	int r = table_served(tables, txn, server, &served);

	if (r == 0)
		*out = served.table;
	return r;
}

int table_served(const struct tables *tables, MDB_txn *txn, uint64_t server,
		 struct served *out)
{
	uint8_t octets[TABLE_SERVER_SIZE];
	MDB_val key = table_server_key(octets, server), value;
	int rc = mdb_get(txn, tables->serving, &key, &value);

	if (rc != 0)
		return table_errno(rc);
	if (value.mv_size != TABLE_SERVED_SIZE)
		return -EIO;
	out->table = get_u32(value.mv_data);
	out->home = get_u32((uint8_t *)value.mv_data + TABLE_NUMBER_SIZE);
	return 0;
}

int table_put_served(const struct tables *tables, MDB_txn *txn, uint64_t server,
		     const struct served *served)
{
	uint8_t octets[TABLE_SERVER_SIZE], numbers[TABLE_SERVED_SIZE];
	MDB_val key = table_server_key(octets, server);
	MDB_val value = {sizeof(numbers), numbers};

	put_u32(numbers, served->table);
	put_u32(numbers + TABLE_NUMBER_SIZE, served->home);
	return table_errno(mdb_put(txn, tables->serving, &key, &value, 0));
}

static int set_served(const struct tables *tables, MDB_txn *txn, uint32_t table,
		      bool is_served, uint32_t home, int64_t now_ns)
{
	struct table_counts counts;
	int r = table_get_counts(tables, txn, table, &counts);

	if (r < 0)
		return r;
	counts.served = is_served;
	counts.home = home;
	counts.changed_ns = now_ns;
	return table_put_counts(tables, txn, table, &counts);
}

int table_touch(const struct tables *tables, MDB_txn *txn, uint32_t table,
		int64_t changed_ns)
{
	struct table_counts counts;
	int r = table_get_counts(tables, txn, table, &counts);

	if (r < 0)
		return r;
	counts.changed_ns = changed_ns;
	return table_put_counts(tables, txn, table, &counts);
}

int table_publish(const struct tables *tables, MDB_txn *txn, uint64_t server,
		  uint32_t table, int64_t now_ns)
{
	struct served served = {0};
	int r = table_served(tables, txn, server, &served);

	if (r == 0)
		r = set_served(tables, txn, served.table, false, 0, now_ns);
	if (r < 0 && r != -ENOENT)
		return r;
	served.table = table;
	r = set_served(tables, txn, table, true, served.home, now_ns);
	return r < 0 ? r : table_put_served(tables, txn, server, &served);
}

int table_retire(const struct tables *tables, MDB_txn *txn, uint64_t server)
{
	uint8_t octets[TABLE_SERVER_SIZE];
	MDB_val key = table_server_key(octets, server);
	struct served served;
	int r = table_served(tables, txn, server, &served);

	if (r == 0)
		r = set_served(tables, txn, served.table, false, served.home,
			       0);
	if (r == 0 && served.home)
		r = home_retire(tables, txn, served.home);
	if (r < 0)
		return r;
	return table_errno(mdb_del(txn, tables->serving, &key, NULL));
}

int table_loose(const struct tables *tables, MDB_txn *txn, struct buffer *out)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int r = 0, rc = mdb_cursor_open(txn, tables->tables, &cursor);

	if (rc != 0)
		return table_errno(rc);
	while (r == 0 &&
	       (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		uint32_t number = get_u32(key.mv_data);
		struct table_counts counts;

		memcpy(&counts, value.mv_data, sizeof(counts));
		if (!counts.served)
			r = buffer_add(out, &number, sizeof(number));
	}
	if (r == 0 && rc != MDB_NOTFOUND)
		r = table_errno(rc);
	return r;
}

static bool begins_with(MDB_val key, MDB_val prefix)
{
	return key.mv_size >= prefix.mv_size &&
	       !memcmp(key.mv_data, prefix.mv_data, prefix.mv_size);
}

int table_del_slice(MDB_txn *txn, MDB_dbi dbi, MDB_val prefix, size_t *max,
		    bool *left)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key = prefix, value;
	int rc = mdb_cursor_open(txn, dbi, &cursor);

	if (rc != 0)
		return table_errno(rc);
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && *max && begins_with(key, prefix)) {
		size_t cost = 1 + value.mv_size / 4096;

		*max -= cost < *max ? cost : *max;
		rc = mdb_cursor_del(cursor, 0);
		/* The cursor stands on what followed: NEXT goes no further. */
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (rc != 0 && rc != MDB_NOTFOUND)
		return table_errno(rc);
	*left = rc == 0 && begins_with(key, prefix);
	return 0;
}

/* What its nameserver had beside it, if that was retired with it. */
static int free_home(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     size_t *max, bool *left)
{
	struct table_counts counts;
	int r = table_get_counts(tables, txn, table, &counts);

	if (r < 0 || !counts.home)
		return r == -ENOENT ? 0 : r;
	assert(!counts.served);
	return home_free_slice(tables, txn, counts.home, max, left);
}

int table_free_slice(const struct tables *tables, MDB_txn *txn, uint32_t table,
		     size_t max, bool *left)
{
	uint8_t number[TABLE_NUMBER_SIZE];
	MDB_val key = table_number_key(number, table);
	int rc, r = table_del_slice(txn, tables->apexes, key, &max, left);

	if (r == 0 && !*left)
		r = table_del_slice(txn, tables->records, key, &max, left);
	if (r == 0 && !*left)
		r = free_home(tables, txn, table, &max, left);
	if (r < 0 || *left)
		return r;
	rc = mdb_del(txn, tables->tables, &key, NULL);
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}
