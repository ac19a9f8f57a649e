// SPDX-License-Identifier: Apache-2.0
/*
 * request.c - requests for transfers, NOTIFY and UPDATE: what is judged at once
 *
 * Each names a zone by its apex, and no other name will do. Who is in no list
 * learns nothing, and is no work for anybody else.
 */
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "dns/answer/admit.h"
#include "dns/answer/exchange.h"
#include "dns/store/soa.h"
#include "dns/wire/rr_type.h"

#define NS_PER_S 1000000000

/* What is here of the zone that a request names. */
struct zone_here {
	struct rrset soa;
	bool has_soa;
	struct zone_row row;
	bool has_row;
};

static uint32_t number_of(const struct zone_here *zone, enum soa_number number)
{
	struct rrset_rr soa;
	size_t offset = 0;

	rrset_next(&zone->soa, &offset, &soa);
	return soa_get(soa.rdata, soa.rdlen, number);
}

/* 0; -EIO */
static int find_zone(const struct exchange *exchange, struct zone_here *out)
{
	const struct served *served = &exchange->server->served;
	const struct name *apex = &exchange->query.name;
	struct rrsets rrsets;
	int r = snapshot_get(exchange->snapshot, served->table, apex, &rrsets);

	out->has_soa = r == 0 && rrsets_find(rrsets, RR_SOA, &out->soa);
	out->has_row = false;
	if (r < 0 && r != -ENOENT)
		return r;
	if (!served->home)
		return 0;
	r = snapshot_zone_row(exchange->snapshot, served->home, apex,
			      &out->row);
	out->has_row = r == 0;
	return r == -ENOENT ? 0 : r;
}

static bool is_secondary(const struct zone_here *zone)
{
	return zone->has_row && zone->row.is_secondary;
}

/* ---- Errands ---- */

static void make_errand(struct exchange *exchange, enum errand_kind kind)
{
	struct errand *errand = exchange->errand;
	const struct query *query = &exchange->query;

	errand->kind = kind;
	errand->server = exchange->server->id;
	errand->zone = query->name;
	name_lower(&errand->zone);
	errand->type = query->type;
	errand->opcode = (uint16_t)query_opcode(query);
	errand->rcode = (uint16_t)exchange->rcode;
	errand->has_serial = query->has_serial;
	errand->serial = query->serial;
	errand->client = (struct address){.kind = ADDRESS_OFF};
	if (exchange->client->address)
		address_from_sockaddr(exchange->client->address,
				      &errand->client);
	errand->is_proven = exchange->is_proven ||
			    exchange->client->transport == ANSWER_TCP;
	/* Nothing is behind the question yet. */
	assert(exchange->response.len <= sizeof(errand->head));
	errand->head_len = (uint16_t)exchange->response.len;
	memcpy(errand->head, exchange->response.out, errand->head_len);
	errand->opt_len = 0;
	if (query->has_edns)
		errand->opt_len = (uint16_t)opt_write(exchange, errand->opt);
	exchange->is_done = true;
}

/* How admit.c knows who asks. */
static int ask_list(struct exchange *exchange,
		    int (*admit)(struct snapshot *snapshot, uint32_t home,
				 const struct name *apex,
				 const struct admit_who *who))
{
	const struct answer_client *client = exchange->client;
	struct admit_who who = {
		.is_proven =
			exchange->is_proven || client->transport == ANSWER_TCP,
		.key = errand_key(exchange->errand),
	};

	if (client->address)
		address_from_sockaddr(client->address, &who.address);
	return admit(exchange->snapshot, exchange->server->served.home,
		     &exchange->query.name, &who);
}

/* What a list said, as an rcode. */
static enum rcode admitted(struct exchange *exchange, int r)
{
	if (r == 0)
		return RCODE_NOERROR;
	if (r != -EACCES)
		return RCODE_SERVFAIL;
	exchange->ede = EDNS_EDE_PROHIBITED;
	return RCODE_REFUSED;
}

static enum rcode not_ours(struct exchange *exchange)
{
	exchange->ede = EDNS_EDE_NOT_AUTHORITATIVE;
	return RCODE_NOTAUTH;
}

/* ---- EXPIRE: RFC 7314 ---- */

/* What is left of a secondary's time; a primary has all of it. */
static uint32_t time_left(const struct zone_here *zone)
{
	uint32_t expire = number_of(zone, SOA_EXPIRE);
	int64_t age = time(NULL) - zone->row.checked_ns / NS_PER_S;

	if (age < 0)
		return expire;
	return age < expire ? expire - (uint32_t)age : 0;
}

static void tell_expire(struct exchange *exchange, const struct zone_here *zone)
{
	if (!exchange->query.wants_expire)
		return;
	exchange->has_expire = true;
	exchange->expire = is_secondary(zone) ? time_left(zone)
					      : number_of(zone, SOA_EXPIRE);
}

void request_expire(struct exchange *exchange)
{
	struct zone_here zone;

	if (find_zone(exchange, &zone) == 0 && zone.has_soa)
		tell_expire(exchange, &zone);
}

/* ---- AXFR and IXFR ---- */

static bool is_over_udp(const struct exchange *exchange)
{
	return exchange->client->transport == ANSWER_UDP;
}

/*
 * The SOA alone: there is nothing newer (RFC 1995, section 2), or what there
 * is comes over TCP (section 4).
 */
static enum rcode answer_soa(struct exchange *exchange,
			     const struct zone_here *zone)
{
	if (response_add(&exchange->response, RESPONSE_ANSWER,
			 &exchange->query.name, &zone->soa) < 0)
		exchange->flags |= MESSAGE_TC;
	exchange->flags |= MESSAGE_AA;
	exchange->is_done = true;
	return RCODE_NOERROR;
}

static bool has_newest(const struct exchange *exchange,
		       const struct zone_here *zone)
{
	uint32_t ours = number_of(zone, SOA_SERIAL);
	uint32_t theirs = exchange->query.serial;

	return theirs == ours || serial_is_ahead(theirs, ours);
}

static enum rcode give_transfer(struct exchange *exchange,
				const struct zone_here *zone)
{
	tell_expire(exchange, zone);
	if (exchange->query.type == RR_IXFR &&
	    (is_over_udp(exchange) || has_newest(exchange, zone)))
		return answer_soa(exchange, zone);
	make_errand(exchange, ERRAND_TRANSFER);
	return RCODE_NOERROR;
}

enum rcode request_transfer(struct exchange *exchange)
{
	const struct query *query = &exchange->query;
	struct zone_here zone;
	enum rcode rcode;

	/* AXFR is for TCP: RFC 5936, section 4.2. */
	if (query->type == RR_AXFR && is_over_udp(exchange))
		return RCODE_NOTIMP;
	/* RFC 1995, section 3. */
	if (query->type == RR_IXFR && !query->has_serial)
		return RCODE_FORMERR;
	if (find_zone(exchange, &zone) < 0)
		return RCODE_SERVFAIL;
	if (zone.has_row && zone.row.is_dark) {
		exchange->ede = EDNS_EDE_INVALID_DATA;
		return RCODE_SERVFAIL;
	}
	/* RFC 5936, section 2.2.1. */
	if (!zone.has_soa)
		return not_ours(exchange);
	rcode = admitted(exchange, ask_list(exchange, admit_transfer));
	return rcode ? rcode : give_transfer(exchange, &zone);
}

/*
 * The zone that a NOTIFY or an UPDATE is of, by its SOA: RFC 1996, section 3.7,
 * knows no other question, nor does RFC 2136, section 3.1.1.
 */
static enum rcode find_told(struct exchange *exchange, struct zone_here *zone)
{
	const struct query *query = &exchange->query;

	if (!query->question_len || query->type != RR_SOA)
		return RCODE_FORMERR;
	if (query->class != RR_CLASS_IN)
		return not_ours(exchange);
	return find_zone(exchange, zone) < 0 ? RCODE_SERVFAIL : RCODE_NOERROR;
}

/* ---- NOTIFY ---- */

enum rcode request_notify(struct exchange *exchange)
{
	struct zone_here zone;
	enum rcode rcode = find_told(exchange, &zone);

	if (rcode)
		return rcode;
	if (!is_secondary(&zone))
		return not_ours(exchange);
	rcode = admitted(exchange, ask_list(exchange, admit_notify));
	if (rcode)
		return rcode;
	make_errand(exchange, ERRAND_NOTIFY);
	exchange->flags |= MESSAGE_AA;
	return RCODE_NOERROR;
}

/* ---- UPDATE ---- */

enum rcode request_update(struct exchange *exchange)
{
	struct zone_here zone;
	enum rcode rcode = find_told(exchange, &zone);

	if (rcode)
		return rcode;
	/* Section 3.1.2; what a secondary gets is not forwarded. */
	if (!zone.has_soa || is_secondary(&zone))
		return not_ours(exchange);
	rcode = admitted(exchange, ask_list(exchange, admit_updater));
	if (rcode == RCODE_NOERROR)
		make_errand(exchange, ERRAND_UPDATE);
	return rcode;
}

/* ---- What `error` is to say ---- */

static bool is_this_machine(const struct sockaddr *from)
{
	static const uint8_t one[16] = {[15] = 1};
	struct address address;

	if (!from)
		return false;
	address_from_sockaddr(from, &address);
	return address.kind == ADDRESS_IPV4 ? address.ip[0] == IN_LOOPBACKNET
					    : !memcmp(address.ip, one, 16);
}

/* Who has the key; its clock may be wrong. */
static bool has_key(const struct tsig *tsig)
{
	return tsig->is_signed &&
	       (tsig->is_good || tsig->error == TSIG_BADTIME);
}

void request_tell(struct exchange *exchange)
{
	const struct query *query = &exchange->query;
	const struct tsig *tsig = &exchange->errand->tsig;
	bool is_question = query_opcode(query) == MESSAGE_OPCODE_QUERY &&
			   query->type != RR_AXFR && query->type != RR_IXFR;

	/* A plain question that is refused is everyday. */
	if (!query->question_len ||
	    (is_question && !(tsig->is_signed && tsig->error)) ||
	    (exchange->rcode != RCODE_REFUSED &&
	     exchange->rcode != RCODE_NOTAUTH))
		return;
	if (!has_key(tsig) && !is_this_machine(exchange->client->address))
		return;
	make_errand(exchange, ERRAND_TELL);
	exchange->is_done = false;
}
