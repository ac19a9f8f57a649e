// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/tables.h"
#include "tests/unit/zone_model.h"

struct served_table serve(enum serial_policy policy, bool shared)
{
	static uint64_t servers = 100;
	struct home home = {.policy = (uint8_t)policy,
			    .has_secondaries = shared};
	struct served_table out = {.server = ++servers};
	MDB_txn *txn = test_begin();

	assert_int_equal(table_create(&tt.tables, txn, &out.table), 0);
	assert_int_equal(
		table_publish(&tt.tables, txn, out.server, out.table, 1), 0);
	assert_int_equal(home_make(&tt.tables, txn, out.server, &out.home), 0);
	assert_int_equal(home_put(&tt.tables, txn, out.home, &home), 0);
	test_commit(txn);
	return out;
}

/* ---- Sets ---- */

static int compare(const void *a, const void *b)
{
	const struct buffer *x = a, *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->data, y->data, len);

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

static void add(struct zone_model *model, const void *octets, size_t len)
{
	struct buffer record = {0};

	model->records =
		realloc(model->records, (model->count + 1) * sizeof(record));
	assert_non_null(model->records);
	assert_int_equal(buffer_add(&record, octets, len), 0);
	model->records[model->count++] = record;
}

/* It has to be there. */
static void drop(struct zone_model *model, const void *octets, size_t len)
{
	struct buffer record = {(uint8_t *)octets, len, 0};

	for (size_t i = 0; i < model->count; i++) {
		if (compare(&model->records[i], &record))
			continue;
		buffer_deinit(&model->records[i]);
		model->records[i] = model->records[--model->count];
		return;
	}
	fail_msg("the journal drops what the zone has not");
}

static void set_soa(struct zone_model *model, const uint8_t *octets, size_t len)
{
	model->soa.len = 0;
	assert_int_equal(buffer_add(&model->soa, octets, len), 0);
	model->serial = get_u32(model->soa.data + len - 20);
	put_u32(model->soa.data + len - 20, 0);
}

void zone_model_free(struct zone_model *model)
{
	for (size_t i = 0; i < model->count; i++)
		buffer_deinit(&model->records[i]);
	free(model->records);
	buffer_deinit(&model->soa);
	*model = (struct zone_model){0};
}

void zone_model_copy(struct zone_model *out, const struct zone_model *from)
{
	*out = (struct zone_model){.apex = from->apex, .serial = from->serial};
	assert_int_equal(buffer_add(&out->soa, from->soa.data, from->soa.len),
			 0);
	for (size_t i = 0; i < from->count; i++)
		add(out, from->records[i].data, from->records[i].len);
}

bool zone_model_same(const struct zone_model *a, const struct zone_model *b)
{
	if (compare(&a->soa, &b->soa) || a->count != b->count)
		return false;
	if (!a->count)
		return true;
	qsort(a->records, a->count, sizeof(*a->records), compare);
	qsort(b->records, b->count, sizeof(*b->records), compare);
	for (size_t i = 0; i < a->count; i++)
		if (compare(&a->records[i], &b->records[i]))
			return false;
	return true;
}

uint64_t zone_model_wire(const struct zone_model *model)
{
	uint64_t octets = model->soa.len;

	for (size_t i = 0; i < model->count; i++)
		octets += model->records[i].len;
	return octets;
}

/* ---- What a table's zones show ---- */

static bool has_soa(uint32_t table, const struct name *name)
{
	struct rrsets rrsets;
	struct rrset soa;

	return snapshot_get(tt.snapshot, table, name, &rrsets) == 0 &&
	       rrsets_find(rrsets, RR_SOA, &soa);
}

/* The zone at or above @name; false: none. */
static bool zone_of(uint32_t table, const struct name *name, struct name *apex)
{
	for (unsigned i = 0; i <= name_labels(name); i++) {
		name_ancestor(name, i, apex);
		if (has_soa(table, apex))
			return true;
	}
	return false;
}

static bool zone_above(uint32_t table, const struct name *apex,
		       struct name *out)
{
	struct name parent;

	if (apex->len == 1)
		return false;
	name_ancestor(apex, 1, &parent);
	return zone_of(table, &parent, out);
}

struct zone_model *zone_models_find(const struct zone_models *models,
				    const struct name *apex)
{
	for (size_t i = 0; i < models->count; i++)
		if (name_equal(&models->zones[i].apex, apex))
			return &models->zones[i];
	return NULL;
}

static struct zone_model *find(struct zone_models *models,
			       const struct name *apex)
{
	struct zone_model *model = zone_models_find(models, apex);

	if (model)
		return model;
	models->zones = realloc(models->zones,
				(models->count + 1) * sizeof(*models->zones));
	assert_non_null(models->zones);
	model = &models->zones[models->count++];
	*model = (struct zone_model){.apex = *apex};
	return model;
}

static void show(struct zone_model *model, const struct name *owner,
		 struct rrset_rr rr)
{
	struct buffer record = {0};

	buffer_add(&record, owner->wire, owner->len);
	buffer_add(&record, rr.wire, RR_HEAD_SIZE + (size_t)rr.rdlen);
	if (get_u16(rr.wire) == RR_SOA)
		set_soa(model, record.data, record.len);
	else
		add(model, record.data, record.len);
	buffer_deinit(&record);
}

/* Does the zone with that apex name @owner as a server? */
static bool is_server(uint32_t table, const struct name *apex,
		      const struct name *owner)
{
	struct rrsets rrsets;
	struct rrset ns;
	struct rrset_rr rr;
	struct name server;
	size_t offset = 0;

	if (!name_is_under(owner, apex) ||
	    snapshot_get(tt.snapshot, table, apex, &rrsets) < 0 ||
	    !rrsets_find(rrsets, RR_NS, &ns))
		return false;
	while (rrset_next(&ns, &offset, &rr))
		if (name_from_wire(rr.rdata, rr.rdlen, &server) > 0 &&
		    name_equal(&server, owner))
			return true;
	return false;
}

/* Which zones show a record. */
static void show_everywhere(struct zone_models *models, uint32_t table,
			    const struct name *owner, struct rrset_rr rr)
{
	uint16_t type = get_u16(rr.wire);
	bool is_address = type == RR_A || type == RR_AAAA;
	struct name apex, above;

	if (!zone_of(table, owner, &apex))
		return;
	if (type != RR_DS || !name_equal(owner, &apex) ||
	    !zone_above(table, &apex, &above))
		show(find(models, &apex), owner, rr);
	while (zone_above(table, &apex, &above)) {
		if (((type == RR_NS || type == RR_DS) &&
		     name_equal(owner, &apex)) ||
		    (is_address && is_server(table, &apex, owner)))
			show(find(models, &above), owner, rr);
		apex = above;
	}
}

void zone_models_read(struct zone_models *out, uint32_t table)
{
	struct buffer owners = {0};
	struct snapshot_entry entry;
	struct name owner;
	int r;

	*out = (struct zone_models){0};
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = snapshot_seek(tt.snapshot, table, NULL, 0, &entry);
	for (; r == 0; r = snapshot_next(tt.snapshot, &entry)) {
		name_from_key(entry.key, entry.key_len, &owner);
		buffer_add(&owners, &owner, sizeof(owner));
	}
	for (size_t at = 0; at < owners.len; at += sizeof(owner)) {
		struct rrsets rrsets;
		struct rrset rrset;
		struct rrset_rr rr;
		size_t offset = 0;

		memcpy(&owner, owners.data + at, sizeof(owner));
		snapshot_get(tt.snapshot, table, &owner, &rrsets);
		while (rrsets_next(rrsets, &offset, &rrset))
			for (size_t i = 0; rrset_next(&rrset, &i, &rr);)
				show_everywhere(out, table, &owner, rr);
	}
	snapshot_end(tt.snapshot);
	buffer_deinit(&owners);
}

void zone_models_free(struct zone_models *models)
{
	for (size_t i = 0; i < models->count; i++)
		zone_model_free(&models->zones[i]);
	free(models->zones);
	*models = (struct zone_models){0};
}

/* ---- A secondary ---- */

/* Where a transfer is: the SOAs take turns. */
struct follow {
	struct zone_model *model;
	bool comes; /* what follows is added */
};

static void follow_record(struct follow *follow, const uint8_t *octets,
			  size_t len, uint16_t type)
{
	struct zone_model *model = follow->model;

	if (type == RR_SOA && !follow->comes) {
		set_soa(model, octets, len);
		follow->comes = true;
	} else if (type == RR_SOA) {
		assert_int_equal(get_u32(octets + len - 20), model->serial);
		follow->comes = false;
	} else if (follow->comes) {
		add(model, octets, len);
	} else {
		drop(model, octets, len);
	}
}

static void follow_chunk(struct follow *follow, MDB_val chunk)
{
	const uint8_t *at = chunk.mv_data, *end = at + chunk.mv_size;
	struct name owner;

	while (at < end) {
		int len = name_from_wire(at, (size_t)(end - at), &owner);
		size_t all;

		assert_true(len > 0);
		all = (size_t)len + RR_HEAD_SIZE +
		      get_u16(at + len + RR_HEAD_RDLENGTH);
		assert_true(all <= (size_t)(end - at));
		follow_record(follow, at, all, get_u16(at + len));
		at += all;
	}
}

bool zone_model_follow(struct zone_model *model, uint32_t home)
{
	struct follow follow = {model, true};
	struct zone_row row;
	uint64_t sequence;
	uint32_t chunk = 0;
	MDB_val value;
	int r;

	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = snapshot_zone_row(tt.snapshot, home, &model->apex, &row);
	if (r == 0)
		r = snapshot_journal_find(tt.snapshot, &row, model->serial,
					  &sequence);
	if (r < 0) {
		assert_int_equal(r, -ENOENT);
		snapshot_end(tt.snapshot);
		return false;
	}
	while ((r = snapshot_journal_next(tt.snapshot, &row, &sequence, &chunk,
					  &value)) == 0)
		follow_chunk(&follow, value);
	assert_int_equal(r, -ENOENT);
	assert_true(follow.comes);
	snapshot_end(tt.snapshot);
	return true;
}
