// SPDX-License-Identifier: Apache-2.0
/*
 * table_measure.c - the sizes of all text anew
 *
 * An RRset is kept with the octets of its lines and of its JSON, so that
 * `records` and `stat` have a size before anything is printed. A program that
 * knows more types prints some of them otherwise. So the sizes are set right
 * once, when it opens what another one has written.
 */
#include <errno.h>

#include "dns/store/rrset_layout.h"
#include "dns/store/table_layout.h"
#include "dns/store/zone_layout.h"

struct measure {
	MDB_cursor *cursor;
	struct buffer value; /* the owner's, to be changed */
	struct buffer line;
	bool is_changed; /* some owner was */
	struct name owner;
	char owner_text[NAME_TEXT_SIZE];
	size_t owner_len;
};

static void measure_deinit(struct measure *measure)
{
	if (measure->cursor)
		mdb_cursor_close(measure->cursor);
	buffer_deinit(&measure->value);
	buffer_deinit(&measure->line);
}

/* @head's sizes, as its records are printed: 0, -ENOMEM. */
static int measure_rrset(struct measure *measure, const struct rrset *rrset,
			 struct rrset_head *head)
{
	struct buffer *line = &measure->line;
	struct rrset_rr rr;
	size_t offset = 0;
	int r = 0;

	head->text = head->json = 0;
	while (r == 0 && rrset_next(rrset, &offset, &rr)) {
		line->len = 0;
		r = rr_to_text(measure->owner_text, measure->owner_len,
			       rrset->type, get_u32(rr.wire + 4), rr.rdata,
			       rr.rdlen, line);
		head->text += (uint32_t)line->len + 1;
		head->json += (uint32_t)line->len + 2 +
			      rrset_json_escapes((char *)line->data, line->len);
	}
	return r;
}

/* The heads in @measure->value; 1: some were others, 0, -ENOMEM. */
static int measure_value(struct measure *measure)
{
	struct rrsets rrsets = {measure->value.data, measure->value.len};
	size_t offset = 0, at = 0;
	struct rrset rrset;
	int r = 0, changed = 0;

	for (; r == 0 && rrsets_next(rrsets, &offset, &rrset); at = offset) {
		struct rrset_head old = rrset_head_at(rrsets, at), head = old;

		r = measure_rrset(measure, &rrset, &head);
		changed |= memcmp(&head, &old, sizeof(head)) != 0;
		memcpy(measure->value.data + at, &head, sizeof(head));
	}
	return r < 0 ? r : changed;
}

static void add_size(struct table_counts *counts, struct rrsets_size size,
		     uint64_t factor)
{
	counts->text += factor * size.text;
	counts->json += factor * size.json;
}

/* What the cursor stands on, and its table's counts: 0, -errno. */
static int measure_owner(struct measure *measure, const struct tables *tables,
			 MDB_txn *txn, MDB_val key, MDB_val value)
{
	struct rrsets old = {value.mv_data, value.mv_size}, new;
	uint32_t table = get_u32(key.mv_data);
	struct table_counts counts;
	struct rrsets_size before;
	int r;

	if (name_from_key((uint8_t *)key.mv_data + TABLE_NUMBER_SIZE,
			  key.mv_size - TABLE_NUMBER_SIZE, &measure->owner) < 0)
		return -EIO;
	measure->owner_len = name_to_text(&measure->owner, measure->owner_text);
	measure->value.len = 0;
	r = buffer_add(&measure->value, value.mv_data, value.mv_size);
	if (r == 0)
		r = measure_value(measure);
	if (r <= 0)
		return r;
	measure->is_changed = true;
	new = (struct rrsets){measure->value.data, measure->value.len};
	before = rrsets_size(&measure->owner, old);
	value.mv_data = measure->value.data;
	r = table_errno(
		mdb_cursor_put(measure->cursor, &key, &value, MDB_CURRENT));
	if (r == 0)
		r = table_get_counts(tables, txn, table, &counts);
	if (r < 0)
		return r;
	/* Unsigned arithmetic wraps, so minus one times is a subtraction. */
	add_size(&counts, before, (uint64_t)-1);
	add_size(&counts, rrsets_size(&measure->owner, new), 1);
	return table_put_counts(tables, txn, table, &counts);
}

int tables_measure(const struct tables *tables, MDB_txn *txn)
{
	CLEANUP(measure_deinit) struct measure measure = {0};
	MDB_val key, value;
	int rc = mdb_cursor_open(txn, tables->records, &measure.cursor), r = 0;

	while (rc == 0 && r == 0) {
		rc = mdb_cursor_get(measure.cursor, &key, &value, MDB_NEXT);
		if (rc == 0)
			r = measure_owner(&measure, tables, txn, key, value);
	}
	if (r == 0 && rc != MDB_NOTFOUND)
		r = table_errno(rc);
	return r == 0 && measure.is_changed ? zones_measure(tables, txn) : r;
}
