// SPDX-License-Identifier: Apache-2.0
/*
 * journal.c - entries in chunks, and finding one by its serial
 *
 *   zone id (4) sequence (8) chunk (4), network order -> records
 *
 * What went and what came are told apart by the number of the chunk, so that
 * both may be written in one walk through two tables, and are read one behind
 * the other: what went from 0 on, the old SOA in front; the new SOA by itself
 * at JOURNAL_CAME; what came behind that. A small entry is one chunk.
 *
 * An entry takes the sequence behind the last one, and what an entry that was
 * given up has left there goes first. So of two that are written at a time only
 * one may end: who writes for long sees by zone_row.next that another one has.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/journal.h"
#include "dns/store/table_layout.h"

#define JOURNAL_KEY_SIZE 16
#define JOURNAL_CAME	 UINT32_C(0x80000000)

/* One of the two halves, as far as it is not in the store yet. */
struct half {
	struct buffer records;
	struct buffer ends; /* size_t: where in them a chunk is full */
	size_t begin;	    /* of the one that is not */
	uint32_t chunk;	    /* the next one's number */
};

struct journal_entry {
	const struct tables *tables;
	uint32_t id;
	uint64_t sequence;
	uint64_t most;	 /* octets that are worth keeping */
	uint64_t octets; /* of both halves and the new SOA */
	uint64_t stored;
	bool is_purged; /* what stood here is gone */
	bool is_large;	/* more than @most: nothing is kept */
	struct half gone, came;
	struct buffer soa;
};

static MDB_val key_of(uint8_t octets[JOURNAL_KEY_SIZE], uint32_t id,
		      uint64_t sequence, uint32_t chunk)
{
	put_u32(octets, id);
	put_u32(octets + 4, (uint32_t)(sequence >> 32));
	put_u32(octets + 8, (uint32_t)sequence);
	put_u32(octets + 12, chunk);
	return (MDB_val){JOURNAL_KEY_SIZE, octets};
}

static uint64_t sequence_of(MDB_val key)
{
	const uint8_t *octets = key.mv_data;

	return (uint64_t)get_u32(octets + 4) << 32 | get_u32(octets + 8);
}

static bool is_of(MDB_val key, uint32_t id)
{
	return key.mv_size == JOURNAL_KEY_SIZE && get_u32(key.mv_data) == id;
}

/* Remove what @id has from @from on, and before @to; @octets: how much. */
static int purge(const struct tables *tables, MDB_txn *txn, uint32_t id,
		 uint64_t from, uint64_t to, uint64_t *octets)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	uint8_t place[JOURNAL_KEY_SIZE];
	MDB_val key = key_of(place, id, from, 0), value;
	int rc = mdb_cursor_open(txn, tables->journal, &cursor);

	*octets = 0;
	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (rc == 0 && is_of(key, id) && sequence_of(key) < to) {
		*octets += value.mv_size;
		rc = mdb_cursor_del(cursor, 0);
		/* The cursor stands on what followed: NEXT goes no further. */
		if (rc == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc == MDB_NOTFOUND ? 0 : table_errno(rc);
}

/* ---- Writing ---- */

int journal_begin(struct journal_entry **out, const struct tables *tables,
		  uint64_t most)
{
	struct journal_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return -ENOMEM;
	entry->tables = tables;
	entry->most = most;
	entry->came.chunk = JOURNAL_CAME + 1;
	*out = entry;
	return 0;
}

static void half_deinit(struct half *half)
{
	buffer_deinit(&half->records);
	buffer_deinit(&half->ends);
	half->begin = 0;
}

void journal_free(struct journal_entry *entry)
{
	if (!entry)
		return;
	half_deinit(&entry->gone);
	half_deinit(&entry->came);
	buffer_deinit(&entry->soa);
	free(entry);
}

/* Nobody has seen it, and nobody will. */
static int purge_own(struct journal_entry *entry, MDB_txn *txn)
{
	uint64_t octets;

	return purge(entry->tables, txn, entry->id, entry->sequence, UINT64_MAX,
		     &octets);
}

static int put(struct journal_entry *entry, MDB_txn *txn, uint32_t chunk,
	       const uint8_t *records, size_t len)
{
	uint8_t place[JOURNAL_KEY_SIZE];
	MDB_val key = key_of(place, entry->id, entry->sequence, chunk);
	MDB_val value = {len, (void *)records};
	int r = entry->is_purged ? 0 : purge_own(entry, txn);

	if (r < 0)
		return r;
	entry->is_purged = true;
	entry->stored += len;
	return table_errno(
		mdb_put(txn, entry->tables->journal, &key, &value, 0));
}

/* Its full chunks; of the rest only as much as is not full stays. */
static int put_full(struct journal_entry *entry, MDB_txn *txn,
		    struct half *half)
{
	size_t begin = 0, end;
	int r = 0;

	for (size_t at = 0; r == 0 && at < half->ends.len; at += sizeof(end)) {
		memcpy(&end, half->ends.data + at, sizeof(end));
		r = put(entry, txn, half->chunk++, half->records.data + begin,
			end - begin);
		begin = end;
	}
	assert(r || begin == half->begin);
	if (r < 0 || !begin)
		return r;
	half->records.len -= begin;
	memmove(half->records.data, half->records.data + begin,
		half->records.len);
	half->ends.len = half->begin = 0;
	return 0;
}

static int put_half(struct journal_entry *entry, MDB_txn *txn,
		    struct half *half)
{
	int r = put_full(entry, txn, half);

	if (r < 0 || !half->records.len)
		return r;
	return put(entry, txn, half->chunk++, half->records.data,
		   half->records.len);
}

/* Whose it is, which does not change once something is written. */
static void set_row(struct journal_entry *entry, const struct zone_row *row)
{
	assert(row->id);
	assert(!entry->is_purged ||
	       (entry->id == row->id && entry->sequence == row->next));
	entry->id = row->id;
	entry->sequence = row->next;
}

bool journal_is_full(const struct journal_entry *entry)
{
	return entry->gone.ends.len || entry->came.ends.len ||
	       (entry->is_large && entry->is_purged);
}

int journal_flush(struct journal_entry *entry, MDB_txn *txn,
		  const struct zone_row *row)
{
	int r;

	set_row(entry, row);
	if (entry->is_large && !entry->is_purged)
		return 0;
	if (entry->is_large) {
		entry->is_purged = false;
		return purge_own(entry, txn);
	}
	r = put_full(entry, txn, &entry->gone);
	return r ? r : put_full(entry, txn, &entry->came);
}

static int add(struct buffer *out, const struct name *owner, struct rrset_rr rr)
{
	size_t len = RR_HEAD_SIZE + (size_t)rr.rdlen;
	int r = buffer_reserve(out, owner->len + len);

	if (r == 0)
		r = buffer_add(out, owner->wire, owner->len);
	return r ? r : buffer_add(out, rr.wire, len);
}

static int add_to(struct journal_entry *entry, struct half *half,
		  const struct name *owner, struct rrset_rr rr)
{
	size_t len = owner->len + RR_HEAD_SIZE + (size_t)rr.rdlen;
	size_t end = half->records.len;
	int r = 0;

	entry->octets += len;
	entry->is_large |= entry->octets > entry->most;
	if (entry->is_large) {
		half_deinit(&entry->gone);
		half_deinit(&entry->came);
		return 0;
	}
	if (end > half->begin && end - half->begin + len > JOURNAL_CHUNK) {
		r = buffer_add(&half->ends, &end, sizeof(end));
		half->begin = end;
	}
	return r ? r : add(&half->records, owner, rr);
}

int journal_gone(struct journal_entry *entry, const struct name *owner,
		 struct rrset_rr rr)
{
	assert(entry->octets || get_u16(rr.wire) == RR_SOA);
	return add_to(entry, &entry->gone, owner, rr);
}

int journal_came(struct journal_entry *entry, const struct name *owner,
		 struct rrset_rr rr)
{
	if (get_u16(rr.wire) != RR_SOA)
		return add_to(entry, &entry->came, owner, rr);
	assert(!entry->soa.len);
	entry->octets += owner->len + RR_HEAD_SIZE + (size_t)rr.rdlen;
	return add(&entry->soa, owner, rr);
}

/* All of it in one chunk, which most are. */
static int put_small(struct journal_entry *entry, MDB_txn *txn)
{
	struct buffer *all = &entry->gone.records;
	int r = buffer_add(all, entry->soa.data, entry->soa.len);

	if (r == 0)
		r = buffer_add(all, entry->came.records.data,
			       entry->came.records.len);
	return r ? r : put(entry, txn, 0, all->data, all->len);
}

static int put_rest(struct journal_entry *entry, MDB_txn *txn)
{
	int r;

	if (!entry->is_purged && entry->octets <= JOURNAL_CHUNK)
		return put_small(entry, txn);
	r = put_half(entry, txn, &entry->gone);
	if (r == 0)
		r = put(entry, txn, JOURNAL_CAME, entry->soa.data,
			entry->soa.len);
	return r ? r : put_half(entry, txn, &entry->came);
}

/* The serial that an entry begins with; its first record is an SOA. */
static int serial_at(const struct tables *tables, MDB_txn *txn, uint32_t id,
		     uint64_t sequence, uint32_t *out)
{
	uint8_t place[JOURNAL_KEY_SIZE];
	MDB_val key = key_of(place, id, sequence, 0), value;
	int rc = mdb_get(txn, tables->journal, &key, &value);
	const uint8_t *at = value.mv_data, *end;
	struct name name;

	if (rc != 0)
		return rc == MDB_NOTFOUND ? -EIO : table_errno(rc);
	end = at + value.mv_size;
	for (unsigned i = 0; i < 3; i++) {
		int len = name_from_wire(at, (size_t)(end - at), &name);

		/* Behind the owner stands the head, then MNAME and RNAME. */
		if (len < 0 || end - at < len + (i ? 0 : RR_HEAD_SIZE))
			return -EIO;
		at += len + (i ? 0 : RR_HEAD_SIZE);
	}
	if (end - at < 4)
		return -EIO;
	*out = get_u32(at);
	return 0;
}

int journal_shorten(const struct tables *tables, MDB_txn *txn,
		    struct zone_row *row, uint64_t most)
{
	int r = 0;

	while (r == 0 && row->first < row->next && row->journal > most) {
		uint64_t octets;

		r = purge(tables, txn, row->id, row->first, row->first + 1,
			  &octets);
		row->first++;
		assert(octets <= row->journal);
		row->journal -= octets;
	}
	return r;
}

int journal_close(struct journal_entry *entry, MDB_txn *txn,
		  const struct zone_row *row, uint64_t *octets)
{
	int r;

	assert(entry->soa.len);
	set_row(entry, row);
	*octets = 0;
	if (entry->is_large)
		return journal_flush(entry, txn, row);
	r = put_rest(entry, txn);
	if (r < 0)
		return r;
	assert(entry->stored == entry->octets);
	*octets = entry->stored;
	return 0;
}

int journal_accept(const struct tables *tables, MDB_txn *txn,
		   struct zone_row *row, uint32_t to, uint64_t octets)
{
	uint32_t first;
	int r;

	if (!octets)
		return journal_drop(tables, txn, row);
	row->next++;
	row->journal += octets;
	r = serial_at(tables, txn, row->id, row->first, &first);
	/* All of it has to lie on one half of the circle: serial_is_ahead(). */
	if (r < 0 || serial_is_ahead(to, first))
		return r;
	return journal_shorten(tables, txn, row, octets);
}

int journal_drop(const struct tables *tables, MDB_txn *txn,
		 struct zone_row *row)
{
	uint64_t octets;
	int r = row->id ? purge(tables, txn, row->id, 0, UINT64_MAX, &octets)
			: 0;

	row->first = row->next;
	row->journal = 0;
	return r;
}

/* ---- Reading ---- */

int snapshot_journal_find(struct snapshot *snapshot, const struct zone_row *row,
			  uint32_t serial, uint64_t *sequence)
{
	const struct tables *tables = snapshot_tables(snapshot);
	MDB_txn *txn = snapshot_txn(snapshot);
	uint64_t low = row->first, high = row->next;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint32_t there;
		int r = serial_at(tables, txn, row->id, middle, &there);

		if (r < 0)
			return r;
		if (there == serial) {
			*sequence = middle;
			return 0;
		}
		if (serial_is_ahead(serial, there))
			low = middle + 1;
		else
			high = middle;
	}
	return -ENOENT;
}

int snapshot_journal_next(struct snapshot *snapshot, const struct zone_row *row,
			  uint64_t *sequence, uint32_t *chunk, MDB_val *out)
{
	CLEANUP(table_cursor_closep) MDB_cursor *cursor = NULL;
	const struct tables *tables = snapshot_tables(snapshot);
	uint8_t place[JOURNAL_KEY_SIZE];
	MDB_val key = key_of(place, row->id, *sequence, *chunk);
	int rc = mdb_cursor_open(snapshot_txn(snapshot), tables->journal,
				 &cursor);

	if (rc == 0)
		rc = mdb_cursor_get(cursor, &key, out, MDB_SET_RANGE);
	if (rc != 0)
		return table_errno(rc);
	if (!is_of(key, row->id) || sequence_of(key) >= row->next)
		return -ENOENT;
	*sequence = sequence_of(key);
	*chunk = get_u32((const uint8_t *)key.mv_data + 12) + 1;
	return 0;
}
