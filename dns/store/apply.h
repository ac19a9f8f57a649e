/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply.h - a change of a table on its way: judged, settled, counted, written
 *
 * table_apply.c judges each owner and writes; settle.c looks at what all of
 * them come to for the zones, and may add the owner of an SOA.
 *
 * Threading: the writer's.
 */
#ifndef DNS_APPLY_H
#define DNS_APPLY_H

#include "dns/store/settle.h"
#include "dns/store/zone_tally.h"

/* What an owner's new value is. */
struct verdict {
	size_t key_at; /* of table_key() in the buffer of keys */
	size_t key_len;
	size_t value_at; /* in the buffer of new values */
	size_t value_len;
	struct rrsets old; /* good until the first write */
	struct zone_change zone;
	bool gives_serial; /* its SOA has another than before */

	/* settle_owner.c's: what of it is a change of its zone. */
	uint8_t parts; /* enum rrset_part */
	size_t next;   /* of the same zone; SETTLE_NONE */
};

#define SETTLE_NONE SIZE_MAX

struct sorted_item;

/* One change on its way into a table. */
struct apply {
	const struct tables *tables;
	MDB_txn *txn;
	uint32_t table;
	bool fresh;
	enum settle_by by;
	int64_t now_ns;
	struct refusal *why;
	/*
	 * One cursor finds and puts all owners. They come in order, and LMDB
	 * looks in the page where the cursor stands before it descends.
	 */
	MDB_cursor *cursor;
	struct table_counts counts;
	bool moves_zones; /* some SOA comes or goes */
	uint64_t before;  /* records */
	struct sorted_item *sorted;
	struct buffer sorted_keys;  /* the arena behind sorted */
	struct buffer verdicts;	    /* struct verdict; in order of keys */
	struct buffer keys, values; /* theirs */
	struct buffer value;	    /* the one being worked out */
	struct buffer items; /* struct change_item of the owner at hand */
};

static inline struct verdict *apply_verdict(const struct apply *apply, size_t i)
{
	return (struct verdict *)apply->verdicts.data + i;
}

static inline size_t apply_count(const struct apply *apply)
{
	return apply->verdicts.len / sizeof(struct verdict);
}

/* These two are good until the next verdict is added. */
static inline const uint8_t *apply_key(const struct apply *apply,
				       const struct verdict *verdict)
{
	return apply->keys.data + verdict->key_at;
}

static inline struct rrsets apply_value(const struct apply *apply,
					const struct verdict *verdict)
{
	/* Where all owners go, there are no octets to point into. */
	if (!verdict->value_len)
		return (struct rrsets){0};
	return (struct rrsets){apply->values.data + verdict->value_at,
			       verdict->value_len};
}

/**
 * apply_begin() - look at the table, with tables, txn, table, by, now_ns and
 * why set, and all else zero: 0, -errno; apply_deinit() in any case
 */
int apply_begin(struct apply *apply);
void apply_deinit(struct apply *apply);

/** apply_add() - one more owner, with its new value: 0, -ENOMEM */
int apply_add(struct apply *apply, const uint8_t *key, size_t key_len,
	      const struct name *owner, struct rrsets old, struct rrsets new);

/** apply_set() - another value for an owner: 0, -ENOMEM */
int apply_set(struct apply *apply, size_t at, const struct name *owner,
	      struct rrsets new);

/** apply_end() - all owners are added: settle, count, write; as table_apply()
 */
int apply_end(struct apply *apply);

#endif
