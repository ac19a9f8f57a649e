// SPDX-License-Identifier: Apache-2.0
/*
 * update.c - an UPDATE is judged and done: RFC 2136, section 3
 */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <utlist.h>

#include "dns/store/edited.h"
#include "dns/store/serial.h"
#include "dns/store/soa.h"
#include "dns/store/table_layout.h"
#include "dns/store/update_layout.h"
#include "dns/store/zone.h"

/* One that is being done. */
struct running {
	const struct update *update;
	struct edited_names owners;
	bool is_nested; /* there is a zone above */
	enum rcode rcode;
	struct refusal *why;
};

static void running_deinit(struct running *running)
{
	edited_deinit(&running->owners);
}

/* Return: 0, so that the caller looks at the RCODE. */
static int PRINTF(4, 5)
	answer_with(struct running *running, enum rcode rcode,
		    const struct update_item *item, const char *format, ...)
{
	char owner[NAME_TEXT_SIZE];
	va_list args;

	running->rcode = rcode;
	va_start(args, format);
	refusal_vset(running->why, 0, format, args);
	va_end(args);
	refusal_at_owner(running->why, 0, owner,
			 name_to_text(&item->owner, owner));
	return 0;
}

static const uint8_t *rdata_of(const struct running *running,
			       const struct update_item *item)
{
	static const uint8_t none[1];

	/* Where no item has any, there are no octets to point into. */
	return item->rdlen ? running->update->rdata.data + item->rdata_at
			   : none;
}

/* Is the name, or its RRset, of this zone, and of none in it or above it? */
static int check_zone(struct running *running, const struct update_item *item)
{
	const struct edited_names *owners = &running->owners;
	const struct update *update = running->update;
	int side;

	if (!name_is_under(&item->owner, &update->zone))
		return answer_with(running, RCODE_NOTZONE, item,
				   "the name is not in the zone");
	side = zone_side(owners->tables, owners->txn, owners->table,
			 &update->zone, &item->owner, item->type);
	if (side <= ZONE_OWN)
		return side;
	return answer_with(running, RCODE_NOTZONE, item,
			   side == ZONE_ABOVE
				   ? "the DS at the apex is the zone's above"
				   : "the name is in a zone of its own, nested "
				     "in this");
}

/* ---- Prerequisites: section 3.2 ---- */

static int want(struct running *running, const struct update_item *item,
		bool is_so, enum rcode otherwise)
{
	char type[16];

	if (is_so)
		return 0;
	rr_type_to_text(item->type, type);
	return answer_with(running, otherwise, item,
			   "%s: a prerequisite is not true", type);
}

static int check_simple(struct running *running, const struct update_item *item,
			const struct edited_name *owner)
{
	bool has_rrset = edited_rrset(owner, item->type) != NULL;

	switch (item->op) {
	case UPDATE_NAME_IN_USE:
		return want(running, item, owner->rrsets, RCODE_NXDOMAIN);
	case UPDATE_NAME_NOT_IN_USE:
		return want(running, item, !owner->rrsets, RCODE_YXDOMAIN);
	case UPDATE_RRSET_IS:
		return want(running, item, has_rrset, RCODE_NXRRSET);
	case UPDATE_RRSET_IS_NOT:
		return want(running, item, !has_rrset, RCODE_YXRRSET);
	default:
		/* Of all records of the set: check_sets(). */
		return 0;
	}
}

/* All records of one RRset that are asked for, as a set: section 3.2.3. */
static int count_asked(struct running *running, struct edited_names *asked)
{
	const struct update_item *item;
	struct edited_name *owner;
	size_t count;
	int r = 0;

	item = update_items(&running->update->prerequisites, &count);
	for (; r == 0 && count; item++, count--) {
		if (item->op != UPDATE_RRSET_HAS)
			continue;
		r = edited_name(asked, &item->owner, &owner);
		if (r == 0)
			r = edited_put(owner, item->type, 0,
				       rdata_of(running, item), item->rdlen,
				       NULL);
	}
	return r;
}

static bool is_same_set(const struct edited_rrset *a,
			const struct edited_rrset *b)
{
	struct edited_record *record, *next, *other;

	if (HASH_COUNT(a->records) != HASH_COUNT(b->records))
		return false;
	HASH_ITER (hh, a->records, record, next) {
		HASH_FIND(hh, b->records, record->key, record->rdlen, other);
		if (!other)
			return false;
	}
	return true;
}

/* Each set is compared once, at the first of its records, and then dropped. */
static int check_set(struct running *running, struct edited_names *asked,
		     const struct update_item *item)
{
	struct edited_name *wanted, *there;
	struct edited_rrset *rrset, *set;
	bool is_so;
	int r = edited_name(asked, &item->owner, &wanted);

	if (r == 0)
		r = edited_name(&running->owners, &item->owner, &there);
	if (r < 0)
		return r;
	set = edited_rrset(wanted, item->type);
	if (!set)
		return 0;
	rrset = edited_rrset(there, item->type);
	is_so = rrset && is_same_set(rrset, set);
	edited_take_rrset(wanted, set);
	return want(running, item, is_so, RCODE_NXRRSET);
}

/* A name that is asked for begins empty: it is of no table. */
static int check_sets(struct running *running)
{
	CLEANUP(edited_deinit) struct edited_names asked = {0};
	const struct update_item *item;
	size_t count;
	int r = count_asked(running, &asked);

	item = update_items(&running->update->prerequisites, &count);
	for (; r == 0 && running->rcode == RCODE_NOERROR && count;
	     item++, count--)
		if (item->op == UPDATE_RRSET_HAS)
			r = check_set(running, &asked, item);
	return r;
}

static int check_prerequisite(struct running *running,
			      const struct update_item *item)
{
	struct edited_name *owner;
	int r;

	if (item->ttl)
		return answer_with(running, RCODE_FORMERR, item,
				   "a prerequisite has a TTL");
	r = check_zone(running, item);
	if (r < 0 || running->rcode != RCODE_NOERROR)
		return r;
	if (item->malformed)
		return answer_with(running, RCODE_FORMERR, item, "%s",
				   item->malformed);
	r = edited_name(&running->owners, &item->owner, &owner);
	return r < 0 ? r : check_simple(running, item, owner);
}

/* In their order: section 3.2.5. */
static int check_prerequisites(struct running *running)
{
	const struct update_item *item;
	size_t count;
	int r = 0;

	item = update_items(&running->update->prerequisites, &count);
	for (; r == 0 && running->rcode == RCODE_NOERROR && count;
	     item++, count--)
		r = check_prerequisite(running, item);
	return r < 0 || running->rcode != RCODE_NOERROR ? r
							: check_sets(running);
}

/* ---- Changes: section 3.4.2 ---- */

static bool is_apex(const struct running *running,
		    const struct update_item *item)
{
	return name_equal(&item->owner, &running->update->zone);
}

/*
 * SOA and NS of the apex: the zone has them for as long as it is there. With a
 * zone above it, a DS is that one's.
 */
static bool is_kept(const struct running *running,
		    const struct update_item *item, uint16_t type)
{
	return is_apex(running, item) &&
	       (type == RR_SOA || type == RR_NS ||
		(type == RR_DS && running->is_nested));
}

/* DNSSEC's records may stand beside a CNAME, and it beside them. */
static bool is_alone(uint16_t type)
{
	return type != RR_CNAME && !rr_type_of(type)->goes_with_cname;
}

/* Section 3.4.2.2: a CNAME beside data, or data beside a CNAME. */
static bool is_beside_cname(const struct edited_name *owner, uint16_t type)
{
	struct edited_rrset *rrset;

	if (type != RR_CNAME)
		return is_alone(type) && edited_rrset(owner, RR_CNAME);
	DL_FOREACH (owner->rrsets, rrset)
		if (is_alone(rrset->type))
			return true;
	return false;
}

/* Section 3.4.2.2: an SOA only for the one there is, and only forward. */
static bool is_forward(const struct running *running,
		       const struct update_item *item,
		       const struct edited_name *owner)
{
	struct edited_rrset *soa = edited_rrset(owner, RR_SOA);

	if (!is_apex(running, item) || !soa)
		return false;
	return serial_is_ahead(
		soa_serial(rdata_of(running, item), item->rdlen),
		soa_serial(soa->records->rdata, soa->records->rdlen));
}

/* Address and protocol: with these, it is the same WKS (section 1.1.5). */
#define WKS_SAME 5

static struct edited_record *same_wks(const struct edited_rrset *rrset,
				      const uint8_t *rdata)
{
	struct edited_record *record, *next;

	HASH_ITER (hh, rrset->records, record, next) {
		if (!memcmp(record->rdata, rdata, WKS_SAME))
			return record;
	}
	return NULL;
}

/* What the new record takes the place of goes first. */
static void make_way(const struct running *running,
		     const struct update_item *item, struct edited_name *owner)
{
	struct edited_rrset *rrset = edited_rrset(owner, item->type);
	struct edited_record *same;

	if (!rrset)
		return;
	if (rr_type_of(item->type)->is_single) {
		if (!edited_find(rrset, rdata_of(running, item), item->rdlen))
			edited_take_rrset(owner, rrset);
	} else if (item->type == RR_WKS) {
		same = same_wks(rrset, rdata_of(running, item));
		if (same)
			edited_take(owner, rrset, same);
	}
}

static int add(struct running *running, const struct update_item *item,
	       struct edited_name *owner)
{
	if (is_beside_cname(owner, item->type))
		return 0;
	if (item->type == RR_SOA && !is_forward(running, item, owner))
		return 0;
	make_way(running, item, owner);
	owner->has_changed = true;
	return edited_put(owner, item->type, item->ttl, rdata_of(running, item),
			  item->rdlen, &item->measure);
}

static void delete_name(struct running *running, const struct update_item *item,
			struct edited_name *owner)
{
	struct edited_rrset *rrset, *next;

	for (rrset = owner->rrsets; rrset; rrset = next) {
		next = rrset->next;
		if (!is_kept(running, item, rrset->type))
			edited_take_rrset(owner, rrset);
	}
}

static void delete_rrset(struct running *running,
			 const struct update_item *item,
			 struct edited_name *owner)
{
	struct edited_rrset *rrset = edited_rrset(owner, item->type);

	if (rrset && !is_kept(running, item, item->type))
		edited_take_rrset(owner, rrset);
}

/* The SOA stays, and the last NS of the apex: section 3.4.2.4. */
static void delete_rr(struct running *running, const struct update_item *item,
		      struct edited_name *owner)
{
	struct edited_rrset *rrset = edited_rrset(owner, item->type);
	struct edited_record *record;

	if (!rrset || item->type == RR_SOA)
		return;
	record = edited_find(rrset, rdata_of(running, item), item->rdlen);
	if (!record)
		return;
	if (is_kept(running, item, item->type) &&
	    HASH_COUNT(rrset->records) == 1)
		return;
	edited_take(owner, rrset, record);
}

static int do_change(struct running *running, const struct update_item *item)
{
	struct edited_name *owner;
	int r = edited_name(&running->owners, &item->owner, &owner);

	if (r < 0)
		return r;
	if (item->op == UPDATE_ADD)
		return add(running, item, owner);
	if (item->op == UPDATE_DELETE_NAME)
		delete_name(running, item, owner);
	else if (item->op == UPDATE_DELETE_RRSET)
		delete_rrset(running, item, owner);
	else
		delete_rr(running, item, owner);
	return 0;
}

/* All are looked at before the first is done. */
static int check_changes(struct running *running)
{
	const struct update_item *item;
	size_t count;
	int r = 0;

	if (running->update->rcode != RCODE_NOERROR) {
		running->rcode = running->update->rcode;
		if (running->why)
			*running->why = running->update->why;
		return 0;
	}
	item = update_items(&running->update->changes, &count);
	for (; r == 0 && running->rcode == RCODE_NOERROR && count;
	     item++, count--)
		r = check_zone(running, item);
	return r;
}

static int look_above(struct running *running)
{
	const struct edited_names *owners = &running->owners;
	struct zone_counts counts = {0};
	int r = table_zone(owners->tables, owners->txn, owners->table,
			   &running->update->zone, &counts);

	running->is_nested = counts.is_nested;
	return r == -ENOENT ? 0 : r;
}

static int do_changes(struct running *running, int64_t now_ns,
		      struct change *change)
{
	const struct edited_names *owners = &running->owners;
	const struct update_item *item;
	size_t count;
	int r = look_above(running);

	item = update_items(&running->update->changes, &count);
	for (; r == 0 && count; item++, count--)
		r = do_change(running, item);
	if (r == 0)
		r = edited_change(owners, change);
	if (r == 0)
		r = table_apply_by(owners->tables, owners->txn, owners->table,
				   change, SETTLE_BY_UPDATE, now_ns,
				   running->why);
	if (r > 0) {
		/* Too many, too large, or it would not fit a message. */
		running->rcode = RCODE_REFUSED;
		r = 0;
	}
	if (r < 0 || running->rcode != RCODE_NOERROR)
		change_deinit(change);
	return r;
}

int update_run(const struct update *update, const struct tables *tables,
	       MDB_txn *txn, uint32_t table, int64_t now_ns,
	       struct change *done, enum rcode *rcode, struct refusal *why)
{
	CLEANUP(running_deinit)
	struct running running = {
		.update = update,
		.owners = {tables, txn, table, NULL},
		.rcode = RCODE_NOERROR,
		.why = why,
	};
	int r = check_prerequisites(&running);

	if (r == 0 && running.rcode == RCODE_NOERROR)
		r = check_changes(&running);
	if (r == 0 && running.rcode == RCODE_NOERROR)
		r = do_changes(&running, now_ns, done);
	*rcode = running.rcode;
	return r;
}
