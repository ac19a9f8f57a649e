// SPDX-License-Identifier: Apache-2.0
/*
 * snapshot.c - reading the store: one moment of every table
 *
 * The read transaction and its cursor are made once. snapshot_begin() renews
 * the transaction, which costs a fraction of making one; the cursor is renewed
 * when the first seek of a moment needs it, for a batch of queries may find
 * all it needs without (landmarks.h).
 *
 * Keys of all tables stand in one database, the table's number in front, so
 * the cursor may come to another table's owner: move() sees that and says that
 * there is none.
 */
#include <assert.h>
#include <errno.h>

#include "dns/store/landmarks.h"
#include "dns/store/table_key.h"
#include "dns/store/table_layout.h"

struct snapshot {
	const struct tables *tables;
	MDB_txn *txn;
	MDB_cursor *cursor; /* in records; kept from moment to moment */
	bool begun;
	bool cursor_is_here; /* the cursor was renewed for this moment */
	bool past_end;	     /* the last seek found nothing at all */
	uint32_t table;	     /* that the cursor walks through */
	uint64_t effort;     /* see snapshot_effort() */
	struct landmarks landmarks;
};

static void close_transaction(struct snapshot *snapshot)
{
	table_cursor_closep(&snapshot->cursor);
	if (snapshot->txn)
		mdb_txn_abort(steal(&snapshot->txn));
}

static int open_transaction(struct snapshot *snapshot)
{
	const struct tables *tables = snapshot->tables;
	int rc = mdb_txn_begin(tables->env, NULL, MDB_RDONLY, &snapshot->txn);

	if (rc == 0)
		rc = mdb_cursor_open(snapshot->txn, tables->records,
				     &snapshot->cursor);
	if (rc != 0)
		close_transaction(snapshot);
	return rc;
}

/* Begun anew in the environment to fall back on, if there is one by now. */
static int fall_back(struct snapshot *snapshot)
{
	const struct tables *fallback =
		atomic_load(&snapshot->tables->fallback);

	if (!fallback)
		return MDB_PANIC;
	close_transaction(snapshot);
	snapshot->tables = fallback;
	return open_transaction(snapshot);
}

int snapshot_new(struct snapshot **out, const struct tables *tables)
{
	CLEANUP(snapshot_freep) struct snapshot *snapshot = NULL;
	int rc;

	snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return -ENOMEM;
	snapshot->tables = tables;
	rc = open_transaction(snapshot);
	if (rc == MDB_PANIC)
		rc = fall_back(snapshot);
	if (rc != 0)
		return table_errno(rc);
	mdb_txn_reset(snapshot->txn);
	*out = steal(&snapshot);
	return 0;
}

struct snapshot *snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return NULL;
	close_transaction(snapshot);
	free(snapshot);
	return NULL;
}

void snapshot_freep(struct snapshot **snapshot)
{
	*snapshot = snapshot_free(*snapshot);
}

int snapshot_begin(struct snapshot *snapshot)
{
	int rc;

	assert(!snapshot->begun);
	rc = snapshot->txn ? mdb_txn_renew(snapshot->txn)
			   : open_transaction(snapshot);
	if (rc == MDB_PANIC)
		rc = fall_back(snapshot);
	if (rc != 0)
		return table_errno(rc);
	snapshot->begun = true;
	snapshot->cursor_is_here = false;
	return 0;
}

void snapshot_end(struct snapshot *snapshot)
{
	assert(snapshot->begun);
	mdb_txn_reset(snapshot->txn);
	snapshot->begun = false;
}

MDB_txn *snapshot_txn(const struct snapshot *snapshot)
{
	assert(snapshot->begun);
	return snapshot->txn;
}

size_t snapshot_moment(const struct snapshot *snapshot)
{
	return mdb_txn_id(snapshot_txn(snapshot));
}

const struct tables *snapshot_tables(const struct snapshot *snapshot)
{
	return snapshot->tables;
}

int snapshot_measure(struct snapshot *snapshot, struct snapshot_size *out)
{
	const struct tables *tables = snapshot->tables;
	const MDB_dbi all[] = {tables->records, tables->tables, tables->serving,
			       tables->apexes,	tables->zones,	tables->lists,
			       tables->keys,	tables->journal};
	size_t used = 0;
	MDB_envinfo info;
	MDB_stat stat;
	int rc;

	_Static_assert(ARRAY_SIZE(all) == TABLES_DBS, "all of them");
	assert(snapshot->begun);
	rc = mdb_env_info(mdb_txn_env(snapshot->txn), &info);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(all); i++) {
		rc = mdb_stat(snapshot->txn, all[i], &stat);
		used += stat.ms_branch_pages + stat.ms_leaf_pages +
			stat.ms_overflow_pages;
	}
	if (rc != 0)
		return table_errno(rc);
	out->file = (uint64_t)(info.me_last_pgno + 1) * stat.ms_psize;
	out->used = (uint64_t)used * stat.ms_psize;
	return 0;
}

int snapshot_serving(struct snapshot *snapshot, uint64_t server, uint32_t *out)
{
	assert(snapshot->begun);
	return table_serving(snapshot->tables, snapshot->txn, server, out);
}

int snapshot_counts(struct snapshot *snapshot, uint32_t table,
		    struct table_counts *out)
{
	assert(snapshot->begun);
	return table_get_counts(snapshot->tables, snapshot->txn, table, out);
}

int snapshot_get(struct snapshot *snapshot, uint32_t table,
		 const struct name *owner, struct rrsets *out)
{
	assert(snapshot->begun);
	return table_get_owner(snapshot->tables, snapshot->txn, table, owner,
			       out);
}

/* Move the cursor, and show where it is if that is in the table at hand. */
static int move(struct snapshot *snapshot, MDB_val key, MDB_cursor_op op,
		struct snapshot_entry *out)
{
	uint8_t number[TABLE_NUMBER_SIZE];
	MDB_val value;
	int rc = mdb_cursor_get(snapshot->cursor, &key, &value, op);

	snapshot->effort += op == MDB_SET_RANGE ? SNAPSHOT_SEEK : 1;
	snapshot->past_end = rc == MDB_NOTFOUND;
	if (rc != 0)
		return table_errno(rc);
	table_number_key(number, snapshot->table);
	if (memcmp(key.mv_data, number, sizeof(number)))
		return -ENOENT;
	out->key = (const uint8_t *)key.mv_data + TABLE_NUMBER_SIZE;
	out->key_len = key.mv_size - TABLE_NUMBER_SIZE;
	out->rrsets = (struct rrsets){value.mv_data, value.mv_size};
	return 0;
}

/* Bring the cursor into this moment, and write the full key of a seek. */
static int prepare(struct snapshot *snapshot, uint32_t table,
		   const uint8_t *key, size_t key_len, uint8_t *octets,
		   MDB_val *out)
{
	assert(snapshot->begun && key_len <= NAME_KEY_SIZE);
	snapshot->table = table;
	put_u32(octets, table);
	if (key_len)
		memcpy(octets + TABLE_NUMBER_SIZE, key, key_len);
	*out = (MDB_val){TABLE_NUMBER_SIZE + key_len, octets};
	if (snapshot->cursor_is_here)
		return 0;
	snapshot->cursor_is_here = true;
	return table_errno(mdb_cursor_renew(snapshot->txn, snapshot->cursor));
}

int snapshot_seek(struct snapshot *snapshot, uint32_t table, const uint8_t *key,
		  size_t key_len, struct snapshot_entry *out)
{
	uint8_t octets[TABLE_KEY_SIZE];
	MDB_val seek;
	int r = prepare(snapshot, table, key, key_len, octets, &seek);

	return r < 0 ? r : move(snapshot, seek, MDB_SET_RANGE, out);
}

/* What is remembered of a key of this moment, or may be from now on. */
static struct landmark *landmark_of(struct snapshot *snapshot, uint32_t table,
				    const uint8_t *key, size_t key_len)
{
	snapshot->effort++;
	return landmarks_at(&snapshot->landmarks, snapshot_moment(snapshot),
			    table, key, key_len);
}

static int tell(const struct landmark *landmark, struct snapshot_entry *out)
{
	if (!landmark || landmark->state == LANDMARK_UNKNOWN)
		return -EAGAIN;
	if (landmark->state == LANDMARK_END)
		return -ENOENT;
	*out = landmark->entry;
	return 0;
}

int snapshot_known(struct snapshot *snapshot, uint32_t table,
		   const uint8_t *key, size_t key_len,
		   struct snapshot_entry *out)
{
	return tell(landmark_of(snapshot, table, key, key_len), out);
}

int snapshot_learn(struct snapshot *snapshot, uint32_t table,
		   const uint8_t *key, size_t key_len,
		   struct snapshot_entry *out)
{
	int r = snapshot_seek(snapshot, table, key, key_len, out);
	struct landmark *landmark = landmark_of(snapshot, table, key, key_len);

	if (landmark && r == 0) {
		landmark->state = LANDMARK_OWNER;
		landmark->entry = *out;
	} else if (landmark && r == -ENOENT) {
		landmark->state = LANDMARK_END;
	}
	return r;
}

uint64_t snapshot_effort(const struct snapshot *snapshot)
{
	return snapshot->effort;
}

int snapshot_next(struct snapshot *snapshot, struct snapshot_entry *out)
{
	assert(snapshot->begun && snapshot->cursor_is_here);
	return move(snapshot, (MDB_val){0}, MDB_NEXT, out);
}

int snapshot_previous(struct snapshot *snapshot, struct snapshot_entry *out)
{
	assert(snapshot->begun && snapshot->cursor_is_here);
	/* Behind a key that no other follows, the cursor stands nowhere. */
	return move(snapshot, (MDB_val){0},
		    snapshot->past_end ? MDB_LAST : MDB_PREV, out);
}

static void remember(struct snapshot *snapshot, const uint8_t *key,
		     size_t key_len, const struct snapshot_entry *found)
{
	struct landmark *landmark =
		landmark_of(snapshot, snapshot->table, key, key_len);

	if (!landmark)
		return;
	landmark->state = LANDMARK_OWNER;
	landmark->entry = *found;
}

int snapshot_look_back(struct snapshot *snapshot, const uint8_t *key,
		       size_t key_len, const struct snapshot_entry *before,
		       struct snapshot_entry *out)
{
	const struct landmark *landmark =
		landmark_of(snapshot, snapshot->table, key, key_len);
	struct snapshot_entry further;
	int order = -1;
	int r = tell(landmark, out);

	assert(snapshot->cursor_is_here);
	/* Keys that are too long to be remembered are deep: it is far away. */
	if (r != -EAGAIN || !landmark)
		return r;
	r = snapshot_previous(snapshot, &further);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		order = table_key_compare(further.key, further.key_len, key,
					  key_len);
	remember(snapshot, before->key, before->key_len, before);
	if (order > 0)
		return -EAGAIN;
	/* Nothing stands between the two. */
	*out = order ? *before : further;
	remember(snapshot, key, key_len, out);
	return 0;
}

bool snapshot_recall(struct snapshot *snapshot, uint32_t table,
		     const uint8_t *key, size_t key_len,
		     struct snapshot_entry *out)
{
	struct landmark *landmark = landmark_of(snapshot, table, key, key_len);

	if (!landmark || landmark->state != LANDMARK_OWNER ||
	    landmark->entry.key_len != key_len ||
	    (key_len && memcmp(landmark->entry.key, key, key_len)))
		return false;
	*out = landmark->entry;
	return true;
}
