// SPDX-License-Identifier: Apache-2.0
#include <ldns/ldns.h>

#include "dns/answer/query.h"
#include "dns/answer/response.h"
#include "fuzz.h"
#include "response.h"
#include "store.h"

#define POINTER	    0xc0
#define RECORDS_MAX 6000 /* of 11 octets at least, in 65535 */
#define COMPARED    400	 /* records that are looked at for doubles */
#define SECTIONS    3

struct record {
	unsigned section;
	struct name owner; /* lower case */
	uint16_t type;
	size_t rdata, rdlen; /* in message.rdata, without compression */
};

/* A response that is being read. */
struct message {
	const uint8_t *octets;
	size_t len;
	uint16_t flags, counts[4];
	struct record records[RECORDS_MAX];
	size_t count;
	size_t opts;
	uint8_t rdata[4 << 20];
	size_t used;
};

/*
 * Reads the name at @at, of which @end is the first octet behind it: RFC 1035,
 * section 4.1.4. A pointer leads to before the labels that end in it.
 */
static size_t read_name(const struct message *m, size_t at, struct name *out)
{
	size_t start = at, end = 0;

	out->len = 0;
	for (;;) {
		uint8_t octet;

		fuzz_claim(at < m->len);
		octet = m->octets[at];
		if (octet >= POINTER) {
			size_t to;

			fuzz_claim(at + 2 <= m->len);
			to = get_u16(m->octets + at) & 0x3fff;
			end = end ? end : at + 2;
			fuzz_claim(to >= MESSAGE_HEAD_SIZE);
			fuzz_claim(to < start);
			/* Not to another pointer: one step is enough. */
			fuzz_claim(m->octets[to] < POINTER);
			start = at = to;
			continue;
		}
		fuzz_claim(octet <= NAME_LABEL_SIZE);
		fuzz_claim(at + 1 + octet <= m->len);
		fuzz_claim(out->len + 1 + octet <= NAME_WIRE_SIZE);
		memcpy(out->wire + out->len, m->octets + at, 1 + (size_t)octet);
		out->len = (uint8_t)(out->len + 1 + octet);
		at += 1 + (size_t)octet;
		if (!octet)
			return end ? end : at;
	}
}

static void add_rdata(struct message *m, const uint8_t *octets, size_t len)
{
	fuzz_claim(m->used + len <= sizeof(m->rdata));
	memcpy(m->rdata + m->used, octets, len);
	m->used += len;
}

/* RDATA from @at up to @end, its names spelled out in lower case. */
static void read_rdata(struct message *m, uint16_t type, size_t at, size_t end)
{
	struct rr_names shape = rr_names(type);
	struct name name;

	if (!shape.compress) {
		add_rdata(m, m->octets + at, end - at);
		return;
	}
	fuzz_claim(at + shape.skip <= end);
	add_rdata(m, m->octets + at, shape.skip);
	at += shape.skip;
	for (unsigned i = 0; i < shape.count; i++) {
		at = read_name(m, at, &name);
		fuzz_claim(at <= end);
		name_lower(&name);
		add_rdata(m, name.wire, name.len);
	}
	fuzz_claim(end - at == shape.tail);
	add_rdata(m, m->octets + at, shape.tail);
}

static void claim_options(const uint8_t *rdata, size_t len)
{
	while (len) {
		size_t option;

		fuzz_claim(len >= EDNS_OPTION_HEAD);
		option = EDNS_OPTION_HEAD +
			 (size_t)get_u16(rdata + EDNS_OPTION_LENGTH);
		fuzz_claim(option <= len);
		rdata += option;
		len -= option;
	}
}

static size_t read_record(struct message *m, unsigned section, size_t at)
{
	struct record *record = &m->records[m->count++];
	size_t rdlen;

	fuzz_claim(m->count <= RECORDS_MAX);
	record->section = section;
	at = read_name(m, at, &record->owner);
	name_lower(&record->owner);
	fuzz_claim(at + RR_HEAD_SIZE <= m->len);
	record->type = get_u16(m->octets + at);
	rdlen = get_u16(m->octets + at + RR_HEAD_RDLENGTH);
	fuzz_claim(at + RR_HEAD_SIZE + rdlen <= m->len);
	if (record->type == RR_OPT) {
		fuzz_claim(section == SECTIONS && record->owner.len == 1);
		claim_options(m->octets + at + RR_HEAD_SIZE, rdlen);
		m->opts++;
	} else {
		fuzz_claim(get_u16(m->octets + at + RR_HEAD_CLASS) ==
			   RR_CLASS_IN);
		fuzz_claim(get_u32(m->octets + at + RR_HEAD_TTL) <= RR_TTL_MAX);
	}
	record->rdata = m->used;
	read_rdata(m, record->type, at + RR_HEAD_SIZE,
		   at + RR_HEAD_SIZE + rdlen);
	record->rdlen = m->used - record->rdata;
	return at + RR_HEAD_SIZE + rdlen;
}

/* @question: octets behind the header that must be those of the query */
static void read_message(struct message *m, const uint8_t *octets, size_t len,
			 size_t question)
{
	size_t at = MESSAGE_HEAD_SIZE + question;

	fuzz_claim(len >= at);
	m->octets = octets;
	m->len = len;
	m->flags = get_u16(octets + MESSAGE_FLAGS);
	m->count = m->opts = m->used = 0;
	for (unsigned i = 0; i < 4; i++)
		m->counts[i] = get_u16(octets + MESSAGE_QDCOUNT + 2 * i);
	fuzz_claim(m->counts[0] == (question != 0));
	for (unsigned section = 1; section <= SECTIONS; section++)
		for (unsigned i = 0; i < m->counts[section]; i++)
			at = read_record(m, section, at);
	fuzz_claim(at == len);
}

static bool same_record(const struct message *m, const struct record *a,
			const struct record *b)
{
	return a->type == b->type && a->rdlen == b->rdlen &&
	       name_equal(&a->owner, &b->owner) &&
	       !memcmp(m->rdata + a->rdata, m->rdata + b->rdata, a->rdlen);
}

/* RFC 2181, section 5: a set has no doubles. */
static void claim_no_doubles(const struct message *m)
{
	if (m->count > COMPARED)
		return;
	for (size_t i = 0; i < m->count; i++)
		for (size_t j = 0; j < i; j++)
			fuzz_claim(!same_record(m, &m->records[i],
						&m->records[j]));
}

static bool has_records(const struct message *m)
{
	return m->count > m->opts;
}

static void claim_flags(const struct message *m, const struct query *asked)
{
	unsigned rcode = m->flags & MESSAGE_RCODE;

	fuzz_claim(m->flags & MESSAGE_QR);
	fuzz_claim(
		!((m->flags ^ asked->flags) & (MESSAGE_OPCODE | MESSAGE_RD)));
	/* RA, Z, AD and CD */
	fuzz_claim(!(m->flags & 0x00f0));
	/* The store is sound, so nothing can fail. */
	fuzz_claim(rcode != RCODE_SERVFAIL);
	if (rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP ||
	    rcode == RCODE_REFUSED) {
		fuzz_claim(!has_records(m));
		fuzz_claim(!(m->flags & (MESSAGE_AA | MESSAGE_TC)));
	}
	/* RFC 2308, section 2.1: a truncated denial has lost its SOA. */
	if (rcode == RCODE_NXDOMAIN && m->counts[2] && !m->counts[1])
		fuzz_claim(m->records[0].type == RR_SOA);
}

/* Another reader's opinion; ldns knows all types that it did not let in. */
static void claim_that_ldns_reads(const struct message *m)
{
	ldns_pkt *pkt;

	/* It looks at each record before it knows how many there are. */
	if (m->count > COMPARED)
		return;
	fuzz_claim(ldns_wire2pkt(&pkt, m->octets, m->len) == LDNS_STATUS_OK);
	fuzz_claim(ldns_pkt_ancount(pkt) == m->counts[1]);
	fuzz_claim(ldns_pkt_nscount(pkt) == m->counts[2]);
	ldns_pkt_free(pkt);
}

static size_t limit_of(const struct answer_options *options,
		       enum answer_transport transport,
		       const struct query *asked)
{
	size_t limit;

	if (transport == ANSWER_TCP)
		return MESSAGE_TCP_SIZE;
	if (!asked->has_edns || asked->edns_size <= MESSAGE_UDP_SIZE)
		return MESSAGE_UDP_SIZE;
	limit = asked->edns_size;
	return limit < options->edns_size ? limit : options->edns_size;
}

/* On the heap and just as large as may be, so that ASan sees a step too far. */
static size_t ask(const struct answer_options *options, uint32_t table,
		  enum answer_transport transport, const uint8_t *query,
		  size_t len, uint8_t fill, uint8_t *out)
{
	struct answer_client client = {.transport = transport};
	struct answer_server server = {.id = 1, .served.table = table};
	static struct errand errand;
	struct answer_facts facts;
	size_t answered;

	memset(&errand, fill, sizeof(errand));
	memset(out, fill, MESSAGE_TCP_SIZE);
	fuzz_claim(snapshot_begin(store_snapshot()) == 0);
	answered = answer(options, store_snapshot(), &server, &client, query,
			  len, out, &facts, &errand);
	/* Without a home there is nobody who may ask for one. */
	fuzz_claim(errand.kind == ERRAND_NONE);
	snapshot_end(store_snapshot());
	return answered;
}

/* Asks twice, over memory that was full of different things. */
static size_t ask_twice(const struct answer_options *options, uint32_t table,
			enum answer_transport transport, const uint8_t *query,
			size_t len, uint8_t *out)
{
	uint8_t *again = fuzz_copy(out, MESSAGE_TCP_SIZE);
	size_t answered = ask(options, table, transport, query, len, 0x55, out);

	fuzz_claim(answered ==
		   ask(options, table, transport, query, len, 0xaa, again));
	fuzz_claim(!memcmp(out, again, answered));
	/* Nobody answers an answer. */
	if (answered)
		fuzz_claim(ask(options, table, transport, out, answered, 0,
			       again) == 0);
	free(again);
	return answered;
}

static void judge(const struct answer_options *options,
		  enum answer_transport transport, const uint8_t *query,
		  const struct query *asked, const uint8_t *out, size_t len,
		  struct message *m)
{
	fuzz_claim(len <= limit_of(options, transport, asked));
	read_message(m, out, len, asked->question_len);
	fuzz_claim(get_u16(out) == get_u16(query));
	fuzz_claim(!memcmp(out + MESSAGE_HEAD_SIZE, query + MESSAGE_HEAD_SIZE,
			   asked->question_len));
	fuzz_claim(m->opts == (asked->has_edns ? 1 : 0));
	claim_flags(m, asked);
	claim_no_doubles(m);
	claim_that_ldns_reads(m);
}

/* ANY may say less over UDP (RFC 8482), and AXFR has another rcode there. */
static bool differs_by_transport(const struct query *asked)
{
	return asked->type == RR_ANY || asked->type == RR_AXFR ||
	       asked->type == RR_IXFR;
}

static void claim_agreement(const struct answer_options *options,
			    const struct query *asked,
			    const struct message *udp,
			    const struct message *tcp)
{
	fuzz_claim(!(tcp->flags & MESSAGE_TC));
	if (udp->flags & MESSAGE_TC) {
		fuzz_claim(tcp->len > limit_of(options, ANSWER_UDP, asked));
		return;
	}
	fuzz_claim(udp->flags == tcp->flags);
	fuzz_claim(udp->counts[1] == tcp->counts[1]);
	fuzz_claim(udp->counts[2] == tcp->counts[2]);
	for (size_t i = 0; i < (size_t)udp->counts[1] + udp->counts[2]; i++) {
		const struct record *a = &udp->records[i];
		const struct record *b = &tcp->records[i];

		fuzz_claim(a->type == b->type && a->rdlen == b->rdlen);
		fuzz_claim(name_equal(&a->owner, &b->owner));
		fuzz_claim(!memcmp(udp->rdata + a->rdata, tcp->rdata + b->rdata,
				   a->rdlen));
	}
}

void response_judge(const struct answer_options *options, uint32_t table,
		    const uint8_t *query, size_t len)
{
	static struct message udp, tcp;
	uint8_t *udp_out = malloc(MESSAGE_TCP_SIZE);
	uint8_t *tcp_out = malloc(MESSAGE_TCP_SIZE);
	struct query asked;
	enum query_verdict verdict = query_parse(query, len, &asked);
	size_t udp_len, tcp_len;

	fuzz_claim(udp_out && tcp_out);
	udp_len = ask_twice(options, table, ANSWER_UDP, query, len, udp_out);
	tcp_len = ask_twice(options, table, ANSWER_TCP, query, len, tcp_out);
	fuzz_claim((udp_len == 0) == (verdict == QUERY_DROP));
	fuzz_claim((tcp_len == 0) == (verdict == QUERY_DROP));
	fuzz_claim((udp_len == 0) ==
		   (len < MESSAGE_HEAD_SIZE || query[2] & 0x80));
	if (udp_len) {
		judge(options, ANSWER_UDP, query, &asked, udp_out, udp_len,
		      &udp);
		judge(options, ANSWER_TCP, query, &asked, tcp_out, tcp_len,
		      &tcp);
		if (!differs_by_transport(&asked))
			claim_agreement(options, &asked, &udp, &tcp);
	}
	free(udp_out);
	free(tcp_out);
}
