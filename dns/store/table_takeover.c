// SPDX-License-Identifier: Apache-2.0
/*
 * table_takeover.c - a store of format 1 becomes one of format 2
 *
 * What `serving` says of a nameserver was a table's number alone, there were no
 * apexes, and the octets where a table's home stands now were not set.
 */
#include <errno.h>

#include "dns/store/home.h"
#include "dns/store/zone_layout.h"

static int widen_serving(const struct tables *tables, MDB_txn *txn)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, tables->serving, &cursor);

	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (rc == 0) {
		uint8_t numbers[TABLE_SERVED_SIZE] = {0};
		uint8_t server[TABLE_SERVER_SIZE];
		MDB_val served = {sizeof(numbers), numbers};

		if (key.mv_size != sizeof(server) ||
		    value.mv_size != TABLE_NUMBER_SIZE)
			return -EIO;
		memcpy(numbers, value.mv_data, TABLE_NUMBER_SIZE);
		/* A row that grows is moved, and its key with it. */
		memcpy(server, key.mv_data, sizeof(server));
		key.mv_data = server;
		rc = mdb_cursor_put(cursor, &key, &served, MDB_CURRENT);
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

static int clear_homes(const struct tables *tables, MDB_txn *txn)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, tables->tables, &cursor);

	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (rc == 0) {
		struct table_counts counts = {0}, old;
		MDB_val cleared = {sizeof(counts), &counts};

		if (value.mv_size != sizeof(old))
			return -EIO;
		memcpy(&old, value.mv_data, sizeof(old));
		counts.names = old.names;
		counts.records = old.records;
		counts.text = old.text;
		counts.json = old.json;
		counts.changed_ns = old.changed_ns;
		counts.served = old.served;
		rc = mdb_cursor_put(cursor, &key, &cleared, MDB_CURRENT);
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

/* The zone's last change is not known: that of its table is no earlier. */
static int add_apex(const struct tables *tables, MDB_txn *txn,
		    MDB_cursor *apexes, MDB_val key)
{
	struct zone_at at = {0};
	struct table_counts counts;
	int r;

	if (key.mv_size < TABLE_NUMBER_SIZE ||
	    key.mv_size > sizeof(at.key.octets))
		return -EIO;
	zone_key_set(&at.key, key.mv_data, key.mv_size);
	r = table_get_counts(tables, txn, get_u32(at.key.octets), &counts);
	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	at.counts.changed_ns = counts.changed_ns;
	return zone_at_put(apexes, &at);
}

static int find_apexes(const struct tables *tables, MDB_txn *txn)
{
	CLEANUP(table_cursor_closep) MDB_cursor *records = NULL;
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	MDB_val key, value;
	struct rrset soa;
	int r = 0, rc = mdb_cursor_open(txn, tables->records, &records);

	if (rc == 0)
		rc = mdb_cursor_open(txn, tables->apexes, &apexes);
	if (rc == 0)
		rc = mdb_cursor_get(records, &key, &value, MDB_FIRST);
	while (rc == 0 && r == 0) {
		struct rrsets rrsets = {value.mv_data, value.mv_size};

		if (rrsets_find(rrsets, RR_SOA, &soa))
			r = add_apex(tables, txn, apexes, key);
		if (r == 0)
			rc = mdb_cursor_get(records, &key, &value, MDB_NEXT);
	}
	return r < 0 || rc == MDB_NOTFOUND ? r : table_errno(rc);
}

int tables_take_over(const struct tables *tables, MDB_txn *txn)
{
	int r = widen_serving(tables, txn);

	if (r == 0)
		r = clear_homes(tables, txn);
	if (r == 0)
		r = find_apexes(tables, txn);
	return r < 0 ? r : zones_measure(tables, txn);
}
