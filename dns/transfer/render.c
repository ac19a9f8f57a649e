// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "dns/answer/response.h"
#include "dns/store/journal.h"
#include "dns/transfer/owner.h"
#include "dns/transfer/render.h"

/* Two names and five numbers: RFC 1035, section 3.3.13. */
#define SOA_NUMBERS 20

/* The message that is being written. */
struct draft {
	struct spool *spool;
	const struct name *zone;
	void (*grown)(void *arg);
	void *arg;
	const atomic_bool *stop;
	uint64_t shown; /* octets that @grown was told of */
	bool is_first;
	bool is_empty;
	const struct name
		*below;	 /* an owner with the parent at hand; or NULL */
	uint16_t parent; /* where that parent stands in the message; or 0 */
	struct response response;
	uint8_t message[MESSAGE_TCP_SIZE];
};

/* ---- Messages ---- */

/* The question that stands for the client's: RFC 5936, section 2.2.1. */
static size_t put_question(const struct name *zone, uint8_t *packet)
{
	size_t len = MESSAGE_HEAD_SIZE;

	memcpy(packet + len, zone->wire, zone->len);
	len += zone->len;
	put_u16(packet + len, RR_AXFR);
	put_u16(packet + len + 2, RR_CLASS_IN);
	return (size_t)zone->len + MESSAGE_QUESTION_TAIL;
}

static void draft_begin(struct draft *draft, size_t limit)
{
	uint8_t packet[MESSAGE_HEAD_SIZE + NAME_WIRE_SIZE +
		       MESSAGE_QUESTION_TAIL] = {0};
	struct query query = {.question_len = 0};

	if (draft->is_first) {
		query.name = *draft->zone;
		query.question_len = put_question(draft->zone, packet);
	}
	response_init(&draft->response, draft->message, limit, packet, &query);
	/* Names keep their case, and the question has its client's: RFC 5936,
	 * section 3.4. */
	draft->response.keeps_case = true;
	draft->response.name = NULL;
	draft->is_empty = true;
	draft->parent = 0;
}

static int draft_end(struct draft *draft)
{
	uint64_t ready;
	int r;

	assert(!draft->is_empty);
	r = spool_add(draft->spool, draft->message,
		      (uint16_t)draft->response.len);
	if (r < 0)
		return r;
	draft->is_first = false;
	ready = spool_ready(draft->spool);
	if (ready > draft->shown)
		draft->grown(draft->arg);
	draft->shown = ready;
	return atomic_load(draft->stop) ? -ECANCELED : 0;
}

static int try_add(struct draft *draft, const struct name *owner,
		   const struct rrset *rrset)
{
	struct response *response = &draft->response;
	size_t at = response->len;
	int r;

	if (owner == draft->below && draft->parent)
		r = response_add_below(response, RESPONSE_ANSWER, owner,
				       draft->parent, rrset);
	else
		r = response_add(response, RESPONSE_ANSWER, owner, rrset);
	if (r < 0)
		return r;
	if (owner == draft->below && !draft->parent)
		draft->parent = response_parent(response, at);
	draft->is_empty = false;
	return 0;
}

/*
 * Into a message of its own, if need be, which has what TSIG leaves; or, if
 * that is too little, all, and then it goes to nobody who wants it signed.
 */
static int add_large(struct draft *draft, const struct name *owner,
		     const struct rrset *one)
{
	static const size_t limits[] = {
		RENDER_SIZE,
		MESSAGE_TCP_SIZE - RENDER_ROOM,
		MESSAGE_TCP_SIZE,
	};
	int r = draft->is_empty ? 0 : draft_end(draft);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		draft_begin(draft, limits[i]);
		r = try_add(draft, owner, one);
		if (r != -ENOSPC)
			return r;
	}
	return -EMSGSIZE;
}

static int add_record(struct draft *draft, const struct name *owner,
		      const struct rrset *one)
{
	int r = try_add(draft, owner, one);

	return r == -ENOSPC ? add_large(draft, owner, one) : r;
}

/* @rr as an RRset of one record: its own TTL, which RRSIG records differ in. */
static struct rrset rrset_of(const struct rrset_rr *rr)
{
	return (struct rrset){
		.type = get_u16(rr->wire),
		.count = 1,
		.ttl = get_u32(rr->wire + RR_HEAD_TTL),
		.rrs = rr->wire,
		.len = (size_t)RR_HEAD_SIZE + rr->rdlen,
	};
}

static int add_rrset(struct draft *draft, const struct name *owner,
		     const struct rrset *rrset)
{
	struct rrset_rr rr;
	struct rrset one;
	size_t offset = 0;
	int r = 0;

	if (rrset->type != RR_RRSIG && try_add(draft, owner, rrset) == 0)
		return 0;
	while (r == 0 && rrset_next(rrset, &offset, &rr)) {
		one = rrset_of(&rr);
		r = add_record(draft, owner, &one);
	}
	return r;
}

/* ---- What there is ---- */

static int find_soa(struct snapshot *snapshot, uint32_t table,
		    const struct name *zone, struct rrset *out)
{
	struct rrsets rrsets;
	int r = snapshot_get(snapshot, table, zone, &rrsets);

	if (r < 0)
		return r;
	return rrsets_find(rrsets, RR_SOA, out) ? 0 : -ENOENT;
}

static uint32_t serial_of(const struct rrset *soa)
{
	struct rrset_rr rr;
	size_t offset = 0;
	bool is_there = rrset_next(soa, &offset, &rr);

	assert(is_there && rr.rdlen > SOA_NUMBERS);
	(void)is_there;
	return get_u32(rr.rdata + rr.rdlen - SOA_NUMBERS);
}

int render_look(struct snapshot *snapshot, const struct render_what *what,
		struct render_moment *out, struct zone_counts *counts)
{
	struct zone_counts found;
	struct rrset soa;
	int r = snapshot_served(snapshot, what->server, &out->served);

	if (r == 0)
		r = find_soa(snapshot, out->served.table, &what->zone, &soa);
	if (r == 0)
		r = snapshot_zone(snapshot, out->served.table, &what->zone,
				  &found);
	if (r < 0)
		return r;
	out->serial = serial_of(&soa);
	out->changed_ns = (uint64_t)found.changed_ns;
	if (counts)
		*counts = found;
	return 0;
}

static int find_entry(struct snapshot *snapshot, const struct render_what *what,
		      const struct render_moment *moment, struct zone_row *row,
		      uint64_t *sequence)
{
	int r;

	if (!moment->served.home)
		return -ENOENT;
	r = snapshot_zone_row(snapshot, moment->served.home, &what->zone, row);
	if (r == 0)
		r = snapshot_journal_find(snapshot, row, what->from, sequence);
	return r;
}

int render_goes_back(struct snapshot *snapshot, const struct render_what *what,
		     const struct render_moment *moment, uint64_t *most)
{
	struct zone_row row = {0};
	uint64_t sequence;
	int r = 0;

	if (what->from != moment->serial)
		r = find_entry(snapshot, what, moment, &row, &sequence);
	if (r == 0)
		*most = row.journal;
	return r;
}

/* ---- All of it ---- */

static int add_soa(struct draft *draft, struct snapshot *snapshot,
		   uint32_t table)
{
	struct rrset soa;
	int r = find_soa(snapshot, table, draft->zone, &soa);

	return r < 0 ? r : add_rrset(draft, draft->zone, &soa);
}

static int add_owner(struct draft *draft, const struct name *owner,
		     struct rrsets rrsets)
{
	struct rrset rrset;
	size_t offset = 0;
	int r = 0;

	while (r == 0 && rrsets_next(rrsets, &offset, &rrset))
		r = add_rrset(draft, owner, &rrset);
	return r;
}

static int walk_zone(struct draft *draft, struct zone_walk *walk)
{
	struct owner_name owner = {.parent_len = 0};
	struct zone_entry entry;
	bool same;
	int r;

	draft->below = &owner.name;
	while ((r = zone_walk_owner(walk, &entry)) == 0) {
		r = owner_read(&owner, entry.key, entry.key_len, &same);
		if (r < 0)
			return -EIO;
		if (!same)
			draft->parent = 0;
		/* The apex is the question's name, or is written as a whole. */
		r = owner.name.len == draft->zone->len
			    ? add_owner(draft, draft->zone, entry.rrsets)
			    : add_owner(draft, &owner.name, entry.rrsets);
		if (r < 0)
			return r;
	}
	draft->below = NULL;
	return r == -ENOENT ? 0 : r;
}

/* The walk begins with the SOA: RFC 5936, section 2.2. */
static int render_zone(struct draft *draft, struct snapshot *snapshot,
		       uint32_t table)
{
	struct zone_walk *walk;
	int r = zone_walk_snapshot(&walk, snapshot, table, draft->zone);

	if (r < 0)
		return r;
	r = walk_zone(draft, walk);
	zone_walk_free(walk);
	return r < 0 ? r : add_soa(draft, snapshot, table);
}

/* A record of a journal's chunk; 0: it has none, or is not one of ours. */
static size_t chunk_record(const uint8_t *at, size_t left, struct name *owner,
			   struct rrset_rr *out)
{
	int len = name_from_wire(at, left, owner);
	size_t need;

	if (len < 0 || left - (size_t)len < RR_HEAD_SIZE)
		return 0;
	out->wire = at + len;
	out->rdata = out->wire + RR_HEAD_SIZE;
	out->rdlen = get_u16(out->wire + RR_HEAD_RDLENGTH);
	need = (size_t)len + RR_HEAD_SIZE + out->rdlen;
	return need <= left ? need : 0;
}

static int add_chunk(struct draft *draft, const MDB_val *chunk)
{
	const uint8_t *at = chunk->mv_data;
	size_t left = chunk->mv_size, taken;
	struct rrset_rr rr;
	struct name owner;
	struct rrset one;
	int r;

	for (; left; at += taken, left -= taken) {
		taken = chunk_record(at, left, &owner, &rr);
		if (!taken)
			return -EIO;
		one = rrset_of(&rr);
		r = add_record(draft, &owner, &one);
		if (r < 0)
			return r;
	}
	return 0;
}

/*
 * RFC 1995, section 4. To who has the current serial the SOA alone is said,
 * which is how it is told that there is nothing new (section 2).
 */
static int render_journal(struct draft *draft, struct snapshot *snapshot,
			  const struct zone_row *row, uint64_t sequence,
			  uint32_t table)
{
	uint32_t chunk = 0;
	MDB_val value;
	int r = add_soa(draft, snapshot, table);

	while (r == 0) {
		r = snapshot_journal_next(snapshot, row, &sequence, &chunk,
					  &value);
		if (r == 0)
			r = add_chunk(draft, &value);
	}
	return r == -ENOENT ? add_soa(draft, snapshot, table) : r;
}

static int render_what(struct draft *draft, struct snapshot *snapshot,
		       const struct render_what *what,
		       const struct render_moment *moment)
{
	uint32_t table = moment->served.table;
	struct zone_row row;
	uint64_t sequence;
	int r = -ENOENT;

	if (what->is_increment && what->from == moment->serial)
		return add_soa(draft, snapshot, table);
	if (what->is_increment)
		r = find_entry(snapshot, what, moment, &row, &sequence);
	if (r == 0)
		return render_journal(draft, snapshot, &row, sequence, table);
	/* Meanwhile it may have been cut: then all, RFC 1995, section 4. */
	return r == -ENOENT ? render_zone(draft, snapshot, table) : r;
}

int render(struct snapshot *snapshot, const struct render_what *what,
	   const struct render_moment *moment, struct spool *spool,
	   void (*grown)(void *arg), void *arg, const atomic_bool *stop)
{
	CLEANUP(freep) struct draft *draft = malloc(sizeof(*draft));
	int r;

	if (!draft)
		return -ENOMEM;
	draft->spool = spool;
	draft->zone = &what->zone;
	draft->grown = grown;
	draft->arg = arg;
	draft->stop = stop;
	draft->shown = 0;
	draft->below = NULL;
	draft->is_first = true;
	draft_begin(draft, RENDER_SIZE);
	r = render_what(draft, snapshot, what, moment);
	return r < 0 ? r : draft_end(draft);
}
