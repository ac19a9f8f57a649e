// SPDX-License-Identifier: Apache-2.0
/*
 * incoming.c - a transfer that comes in, record by record
 *
 * The first record is the zone's SOA, the newest. What follows tells which kind
 * it is: another SOA, of our serial, begins differences (RFC 1995, section 4);
 * anything else is the zone, which ends with the SOA once more (RFC 5936,
 * section 2.2).
 */
#include <errno.h>

#include "dns/store/edited.h"
#include "dns/store/incoming.h"
#include "dns/store/serial.h"
#include "dns/store/soa.h"
#include "dns/store/zone.h"

enum place {
	AT_FIRST,  /* the SOA is to come */
	AT_SECOND, /* and this tells what it is */
	IN_ZONE,
	IN_GONE, /* of differences: what goes from @from on */
	IN_CAME, /* and what comes, up to @to */
	AT_END,
};

/* A record of the differences. */
struct difference {
	bool has_come; /* else it goes */
	struct name owner;
	uint16_t type;
	uint32_t ttl;
	uint16_t rdlen;
	struct rr_measure measure;
	/* rdlen octets of RDATA follow */
};

struct incoming {
	struct incoming_request request;
	enum place place;
	enum rcode rcode;
	bool is_later;	 /* than the first message */
	uint32_t serial; /* of the first SOA: the newest */
	uint32_t to;	 /* of the differences so far */
	uint64_t records;
	struct buffer rdata; /* of one record */
	struct buffer soa;   /* RDATA of the first one */
	uint32_t soa_ttl;
	struct buffer differences; /* struct difference */
};

int incoming_new(struct incoming **out, const struct incoming_request *request)
{
	struct incoming *incoming = calloc(1, sizeof(*incoming));

	if (!incoming)
		return -ENOMEM;
	incoming->request = *request;
	*out = incoming;
	return 0;
}

struct incoming *incoming_free(struct incoming *incoming)
{
	if (!incoming)
		return NULL;
	buffer_deinit(&incoming->rdata);
	buffer_deinit(&incoming->soa);
	buffer_deinit(&incoming->differences);
	free(incoming);
	return NULL;
}

void incoming_freep(struct incoming **incoming)
{
	*incoming = incoming_free(*incoming);
}

enum rcode incoming_rcode(const struct incoming *incoming)
{
	return incoming->rcode;
}

uint32_t incoming_serial(const struct incoming *incoming)
{
	return incoming->serial;
}

bool incoming_is_zone(const struct incoming *incoming)
{
	return incoming->place == IN_ZONE;
}

static int malformed(struct refusal *why, const char *reason)
{
	return refusal_set(why, -EBADMSG, "%s", reason);
}

/* ---- A record ---- */

/* The record at hand, and where it goes. */
struct arrival {
	struct incoming *incoming;
	struct rr rr;
	bool is_soa;
	uint32_t serial; /* of an SOA */
	struct change *zone;
	struct refusal *why;
};

/* Where nobody has answered by UDP, it is seen here: RFC 1034, section 4.3.5.
 */
static int check_serial(struct arrival *arrival)
{
	const struct incoming_request *request = &arrival->incoming->request;

	if (!request->has_serial ||
	    !serial_is_ahead(request->serial, arrival->serial))
		return 0;
	return refusal_set(arrival->why, -ERANGE,
			   "it has serial %u, which is behind %u",
			   arrival->serial, request->serial);
}

static int take_first(struct arrival *arrival)
{
	struct incoming *incoming = arrival->incoming;
	const struct rr *rr = &arrival->rr;
	int r;

	if (!arrival->is_soa)
		return malformed(arrival->why,
				 "the transfer does not begin with the SOA");
	r = check_serial(arrival);
	if (r < 0)
		return r;
	incoming->serial = arrival->serial;
	incoming->soa_ttl = rr->ttl;
	incoming->place = AT_SECOND;
	return buffer_add(&incoming->soa, rr->rdata, rr->rdlen);
}

static int add_difference(struct arrival *arrival, bool has_come)
{
	struct buffer *all = &arrival->incoming->differences;
	const struct rr *rr = &arrival->rr;
	const struct difference difference = {
		.has_come = has_come,
		.owner = rr->owner,
		.type = rr->type,
		.ttl = rr->ttl,
		.rdlen = rr->rdlen,
		.measure = rr->measure,
	};
	int r;

	if (all->len + sizeof(difference) + rr->rdlen >
	    INCOMING_DIFFERENCES_SIZE)
		return refusal_set(arrival->why, -EDQUOT,
				   "there are too many differences");
	r = buffer_add(all, &difference, sizeof(difference));
	return r < 0 ? r : buffer_add(all, rr->rdata, rr->rdlen);
}

/* The SOA that the zone had begins what goes. */
static int begin_gone(struct arrival *arrival, uint32_t from)
{
	if (arrival->serial != from)
		return malformed(arrival->why,
				 "the differences leave out a serial");
	arrival->incoming->place = IN_GONE;
	return add_difference(arrival, false);
}

static int take_zone(struct arrival *arrival)
{
	struct incoming *incoming = arrival->incoming;
	const struct rr *rr = &arrival->rr;

	if (!arrival->is_soa)
		return change_add(arrival->zone, rr, 0);
	/* The same one again, or it was a zone that changed meanwhile. */
	if (rr->rdlen != incoming->soa.len ||
	    memcmp(rr->rdata, incoming->soa.data, rr->rdlen))
		return malformed(arrival->why,
				 "the transfer ends with another SOA than it "
				 "began with");
	incoming->place = AT_END;
	return change_add(arrival->zone, rr, 0);
}

static int take_second(struct arrival *arrival)
{
	struct incoming *incoming = arrival->incoming;

	if (incoming->request.type == RR_IXFR && arrival->is_soa &&
	    arrival->serial != incoming->serial)
		return begin_gone(arrival, incoming->request.serial);
	incoming->place = IN_ZONE;
	return take_zone(arrival);
}

static int take_gone(struct arrival *arrival)
{
	struct incoming *incoming = arrival->incoming;

	if (!arrival->is_soa)
		return add_difference(arrival, false);
	incoming->to = arrival->serial;
	incoming->place = IN_CAME;
	return add_difference(arrival, true);
}

static int take_came(struct arrival *arrival)
{
	struct incoming *incoming = arrival->incoming;

	if (!arrival->is_soa)
		return add_difference(arrival, true);
	/* The last one says once more where all of it leads to. */
	if (incoming->to == incoming->serial &&
	    arrival->serial == incoming->serial) {
		incoming->place = AT_END;
		return 0;
	}
	return begin_gone(arrival, incoming->to);
}

static int take_record(struct arrival *arrival)
{
	switch (arrival->incoming->place) {
	case AT_FIRST:
		return take_first(arrival);
	case AT_SECOND:
		return take_second(arrival);
	case IN_ZONE:
		return take_zone(arrival);
	case IN_GONE:
		return take_gone(arrival);
	case IN_CAME:
		return take_came(arrival);
	default:
		return malformed(arrival->why,
				 "there are records behind the last SOA");
	}
}

static int check_record(struct arrival *arrival)
{
	struct incoming *incoming = arrival->incoming;
	const struct name *apex = &incoming->request.apex;
	const struct rr *rr = &arrival->rr;

	if (!name_is_under(&rr->owner, apex))
		return malformed(arrival->why,
				 "there is a record of another zone in it");
	arrival->is_soa = rr->type == RR_SOA;
	if (arrival->is_soa && !name_equal(&rr->owner, apex))
		return malformed(arrival->why,
				 "there is the SOA of another zone in it");
	if (arrival->is_soa)
		arrival->serial = soa_serial(rr->rdata, rr->rdlen);
	/* Of differences, as many again may go as come. */
	if (incoming->request.records_max &&
	    ++incoming->records > 2 * incoming->request.records_max + 4)
		return refusal_set(
			arrival->why, -EDQUOT,
			"it has more than max-records=%llu",
			(unsigned long long)incoming->request.records_max);
	return 0;
}

/* ---- A message ---- */

static int check_head(struct incoming *incoming, const uint8_t *message,
		      size_t len, struct refusal *why)
{
	uint16_t flags;

	if (len < MESSAGE_HEAD_SIZE)
		return malformed(why, "a message has no header");
	flags = get_u16(message + MESSAGE_FLAGS);
	if (!(flags & MESSAGE_QR) || (flags & MESSAGE_OPCODE) ||
	    get_u16(message) != incoming->request.id)
		return malformed(why, "a message is no answer to the query");
	incoming->rcode = flags & MESSAGE_RCODE;
	if (incoming->rcode != RCODE_NOERROR)
		return -EREMOTEIO;
	if (flags & MESSAGE_TC)
		return malformed(why, "a message is truncated");
	return 0;
}

/* RFC 5936, section 2.2.1: the question as asked, in later ones or not. */
static int check_question(struct incoming *incoming, const uint8_t *message,
			  size_t len, size_t *at, struct refusal *why)
{
	unsigned count = get_u16(message + MESSAGE_QDCOUNT);
	const struct incoming_request *request = &incoming->request;
	uint16_t type, class;
	struct name name;

	if (!count)
		return 0;
	if (count > 1 ||
	    message_question(message, len, at, &name, &type, &class) < 0 ||
	    !name_equal(&name, &request->apex) || type != request->type ||
	    class != RR_CLASS_IN)
		return malformed(why, "a message answers another question");
	return 0;
}

static int take_records(struct incoming *incoming, const uint8_t *message,
			size_t len, size_t at, struct change *zone,
			struct refusal *why)
{
	struct arrival arrival = {
		.incoming = incoming, .zone = zone, .why = why};
	unsigned left = get_u16(message + MESSAGE_ANCOUNT);
	struct message_rr rr;
	int r = 0;

	while (r == 0 && left--) {
		if (message_rr_next(message, len, &at, &rr) < 0)
			return malformed(why, "a message ends within a record");
		r = rr_from_message(message, len, &rr, &incoming->rdata,
				    &arrival.rr, why);
		if (r == -EINVAL)
			return -EBADMSG;
		if (r == 0)
			r = check_record(&arrival);
		if (r == 0)
			r = take_record(&arrival);
	}
	return r;
}

/*
 * An SOA alone says that there is nothing newer; or, over TCP, a server that
 * sends a record at a time has begun.
 */
static enum incoming_state state_of(const struct incoming *incoming)
{
	const struct incoming_request *request = &incoming->request;

	if (incoming->place == AT_END)
		return incoming->differences.len ? INCOMING_DIFFERENCES
						 : INCOMING_ZONE;
	if (incoming->place == AT_SECOND && request->type == RR_IXFR &&
	    !serial_is_ahead(incoming->serial, request->serial))
		return INCOMING_SAME;
	return INCOMING_MORE;
}

int incoming_take(struct incoming *incoming, const uint8_t *message, size_t len,
		  struct change *zone, enum incoming_state *state,
		  struct refusal *why)
{
	size_t at = MESSAGE_HEAD_SIZE;
	int r = check_head(incoming, message, len, why);

	if (r == 0)
		r = check_question(incoming, message, len, &at, why);
	if (r == 0)
		r = take_records(incoming, message, len, at, zone, why);
	if (r < 0)
		return r;
	if (!get_u16(message + MESSAGE_ANCOUNT))
		return malformed(why, "a message has no records");
	*state = state_of(incoming);
	return 0;
}

/* ---- Differences ---- */

static int do_difference(struct edited_names *names,
			 const struct difference *difference,
			 const uint8_t *rdata)
{
	struct edited_record *record = NULL;
	struct edited_rrset *rrset;
	struct edited_name *name;
	int r = edited_name(names, &difference->owner, &name);

	if (r < 0)
		return r;
	if (difference->has_come) {
		name->has_changed = true;
		return edited_put(name, difference->type, difference->ttl,
				  rdata, difference->rdlen,
				  &difference->measure);
	}
	rrset = edited_rrset(name, difference->type);
	if (rrset)
		record = edited_find(rrset, rdata, difference->rdlen);
	if (!record)
		return ESTALE;
	edited_take(name, rrset, record);
	return 0;
}

/*
 * Of a zone nested in this one, what is here is the truth, and so is the DS of
 * the zone above: as where all of a zone comes, they are left out.
 */
static int do_own(struct edited_names *names, const struct name *apex,
		  const struct difference *difference, const uint8_t *rdata)
{
	int side = zone_side(names->tables, names->txn, names->table, apex,
			     &difference->owner, difference->type);

	if (side != ZONE_OWN)
		return side < 0 ? side : 0;
	return do_difference(names, difference, rdata);
}

int incoming_differences(const struct incoming *incoming,
			 const struct tables *tables, MDB_txn *txn,
			 uint32_t table, struct change *out)
{
	CLEANUP(edited_deinit)
	struct edited_names names = {tables, txn, table, NULL};
	const struct name *apex = &incoming->request.apex;
	const struct buffer *all = &incoming->differences;
	int alone = zone_is_alone(tables, txn, table, apex);
	int r = alone < 0 ? alone : 0;

	for (size_t at = 0; r == 0 && at < all->len;) {
		struct difference difference;

		memcpy(&difference, all->data + at, sizeof(difference));
		at += sizeof(difference);
		r = alone ? do_difference(&names, &difference, all->data + at)
			  : do_own(&names, apex, &difference, all->data + at);
		at += difference.rdlen;
	}
	return r ? r : edited_change(&names, out);
}
