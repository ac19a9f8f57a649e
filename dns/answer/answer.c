// SPDX-License-Identifier: Apache-2.0
/*
 * answer.c - a query in, a response out
 *
 * What holds for every response stands here: which queries are answered at
 * all, how large a response may be, the header and the OPT record. The
 * records are chain.c's.
 */
#include <assert.h>
#include <time.h>

#include "dns/answer/answer.h"
#include "dns/answer/chain.h"
#include "dns/answer/query.h"
#include "dns/answer/response.h"

#define KEEPALIVE_SIZE 2

#define EDE_NONE -1 /* and 0 is "other error" */

/* One query on its way to be a response. */
struct exchange {
	const struct answer_options *options;
	const struct answer_client *client;
	struct query query;
	struct response response;
	enum rcode rcode;
	int ede;		    /* enum edns_ede, or EDE_NONE */
	uint16_t flags;		    /* AA, TC */
	unsigned varying;	    /* see struct chain */
	uint32_t effort;	    /* the same */
	bool has_cookie, is_proven; /* the client's server cookie is good */
	uint8_t cookie[COOKIE_SIZE];
	bool is_limited; /* by its client's rate */
	bool is_brief;	 /* for the same reason: only what must be said */
};

/* A cookie goes back whatever judge() says of the query, so this is first. */
static void take_cookie(struct exchange *exchange)
{
	struct cookies *cookies = exchange->options->cookies;
	const struct query *query = &exchange->query;
	struct address client;

	if (!query->has_edns || !query->cookie || !cookies ||
	    !exchange->client->address)
		return;
	address_from_sockaddr(exchange->client->address, &client);
	exchange->has_cookie = true;
	exchange->is_proven =
		cookie_answer(cookies, query->cookie, query->cookie_len,
			      &client, (uint32_t)time(NULL), exchange->cookie);
}

/* A cookie is all that is asked for: RFC 7873, section 5.4. */
static enum rcode judge_cookie(const struct exchange *exchange)
{
	if (!exchange->has_cookie)
		return RCODE_FORMERR;
	if (exchange->query.cookie_len > COOKIE_CLIENT_SIZE &&
	    !exchange->is_proven)
		return RCODE_BADCOOKIE;
	return RCODE_NOERROR;
}

/* What speaks against a query before any name is looked up. */
static enum rcode judge(struct exchange *exchange, enum query_verdict verdict)
{
	const struct query *query = &exchange->query;

	if (query_opcode(query) != MESSAGE_OPCODE_QUERY)
		return RCODE_NOTIMP;
	if (verdict == QUERY_BROKEN)
		return RCODE_FORMERR;
	/* RFC 6891, section 6.1.3. */
	if (query->has_edns && query->edns_version > 0)
		return RCODE_BADVERS;
	if (!query->question_len)
		return judge_cookie(exchange);
	if (query->class != RR_CLASS_IN)
		return RCODE_REFUSED;
	if (query->type == RR_AXFR || query->type == RR_IXFR) {
		/* AXFR is for TCP: RFC 5936, section 4.2. */
		if (exchange->client->transport == ANSWER_UDP)
			return RCODE_NOTIMP;
		exchange->ede = EDNS_EDE_PROHIBITED;
		return RCODE_REFUSED;
	}
	return RCODE_NOERROR;
}

static bool tells_nsid(const struct exchange *exchange)
{
	return exchange->query.wants_nsid && exchange->options->nsid &&
	       !exchange->is_brief;
}

/* Over UDP it is ignored: RFC 7828, section 3.3.1. */
static bool tells_keepalive(const struct exchange *exchange)
{
	return exchange->query.wants_keepalive &&
	       exchange->options->keepalive &&
	       exchange->client->transport == ANSWER_TCP;
}

/*
 * Room to keep free for the OPT record. An extended error needs none: it goes
 * with responses that have no records.
 */
static size_t opt_size(const struct exchange *exchange)
{
	size_t size = EDNS_OPT_SIZE;

	if (!exchange->query.has_edns)
		return 0;
	if (tells_nsid(exchange))
		size += EDNS_OPTION_HEAD + exchange->options->nsid_len;
	if (exchange->has_cookie)
		size += EDNS_OPTION_HEAD + COOKIE_SIZE;
	if (tells_keepalive(exchange))
		size += EDNS_OPTION_HEAD + KEEPALIVE_SIZE;
	return size;
}

/* The largest response: RFC 6891, section 6.2.3; RFC 1035, section 4.2.1. */
static size_t size_limit(const struct exchange *exchange)
{
	size_t size = exchange->query.edns_size;

	if (exchange->client->transport == ANSWER_TCP)
		return MESSAGE_TCP_SIZE;
	if (!exchange->query.has_edns)
		return MESSAGE_UDP_SIZE;
	if (size > exchange->options->edns_size)
		size = exchange->options->edns_size;
	return size < MESSAGE_UDP_SIZE ? MESSAGE_UDP_SIZE : size;
}

static uint8_t *put_option(uint8_t *at, uint16_t code, const void *data,
			   uint16_t len)
{
	put_u16(at, code);
	put_u16(at + EDNS_OPTION_LENGTH, len);
	memcpy(at + EDNS_OPTION_HEAD, data, len);
	return at + EDNS_OPTION_HEAD + len;
}

static uint8_t *put_options(const struct exchange *exchange, uint8_t *at)
{
	uint8_t word[2];

	if (tells_nsid(exchange))
		at = put_option(at, EDNS_NSID, exchange->options->nsid,
				exchange->options->nsid_len);
	if (exchange->has_cookie)
		at = put_option(at, EDNS_COOKIE, exchange->cookie, COOKIE_SIZE);
	if (tells_keepalive(exchange)) {
		put_u16(word, exchange->options->keepalive);
		at = put_option(at, EDNS_KEEPALIVE, word, sizeof(word));
	}
	if (exchange->ede != EDE_NONE && !exchange->is_brief) {
		put_u16(word, (uint16_t)exchange->ede);
		at = put_option(at, EDNS_EDE, word, sizeof(word));
	}
	return at;
}

/* In every response to a query that had one: RFC 6891, section 6.1.1. */
static void add_opt(struct exchange *exchange)
{
	struct response *response = &exchange->response;
	uint8_t *owner = response->out + response->len;
	uint8_t *end = put_options(exchange, owner + EDNS_OPT_SIZE);
	uint8_t *head = owner + 1;

	*owner = 0; /* the root */
	put_u16(head, RR_OPT);
	put_u16(head + EDNS_UDP_SIZE, exchange->options->edns_size);
	head[EDNS_RCODE] = (uint8_t)(exchange->rcode >> RCODE_HEAD_BITS);
	head[EDNS_VERSION] = 0; /* the one we speak */
	/* DO goes back as it came: RFC 3225, section 3. */
	put_u16(head + EDNS_FLAGS, exchange->query.wants_dnssec ? EDNS_DO : 0);
	put_u16(head + RR_HEAD_RDLENGTH, (uint16_t)(end - head - RR_HEAD_SIZE));
	response->len += (size_t)(end - owner);
	response_count(response, RESPONSE_ADDITIONAL, 1);
}

static void answer_question(struct exchange *exchange,
			    struct snapshot *snapshot, uint32_t table)
{
	struct chain chain;

	chain.snapshot = snapshot;
	chain.table = table;
	chain.query = &exchange->query;
	chain.response = &exchange->response;
	/* RFC 8482, section 4.1; section 4.4 for TCP. */
	chain.is_any_one = exchange->client->transport == ANSWER_UDP;
	chain_follow(&chain);

	exchange->rcode = chain.rcode;
	if (chain.rcode == RCODE_REFUSED)
		exchange->ede = EDNS_EDE_NOT_AUTHORITATIVE;
	if (chain.is_authoritative)
		exchange->flags |= MESSAGE_AA;
	if (chain.is_truncated)
		exchange->flags |= MESSAGE_TC;
	exchange->varying = chain.varying;
	exchange->effort = chain.effort;
}

static enum limiter_class class_of(const struct exchange *exchange)
{
	switch (exchange->rcode) {
	case RCODE_NOERROR:
		if (!exchange->query.question_len)
			return LIMITER_ERROR;
		return exchange->flags & MESSAGE_AA ? LIMITER_DATA
						    : LIMITER_REFERRAL;
	case RCODE_NXDOMAIN:
	case RCODE_YXDOMAIN:
		return LIMITER_NAME_ERROR;
	default:
		return LIMITER_ERROR;
	}
}

/* Seeks that make a response count as one more. */
#define COST_SEEKS 64

static enum limiter_verdict judge_rate(struct exchange *exchange,
				       enum limiter_class class)
{
	struct limiter_kind kind = {.client = exchange->client->address,
				    .class = class};
	struct name alike;

	if (class == LIMITER_ERROR)
		name_root(&alike);
	else
		name_ancestor(&exchange->query.name, exchange->varying, &alike);
	kind.name = alike.wire;
	kind.len = alike.len;
	return limiter_judge(
		exchange->options->limiter, exchange->client->now_ms, &kind,
		1 + exchange->effort / (COST_SEEKS * SNAPSHOT_SEEK));
}

/*
 * What is past the rate is left out, or says so little that it cannot amplify:
 * come over TCP; or, to who knows cookies, come with the one in here (RFC 7873,
 * section 5.2.3). An error is as short as that, and goes as it is. None of them
 * tells an NSID, which may be longer than the query.
 *
 * Return: whether anything is sent.
 */
static bool obey(struct exchange *exchange, enum limiter_verdict verdict,
		 enum limiter_class class)
{
	exchange->is_limited = verdict == LIMITER_DROP;
	if (verdict != LIMITER_SLIP)
		return verdict != LIMITER_DROP;
	exchange->is_brief = true;
	if (class == LIMITER_ERROR)
		return true;
	exchange->is_limited = true;
	response_clear(&exchange->response);
	exchange->rcode =
		exchange->has_cookie ? RCODE_BADCOOKIE : RCODE_NOERROR;
	exchange->flags = exchange->has_cookie ? 0 : MESSAGE_TC;
	return true;
}

static bool keep_to_rate(struct exchange *exchange)
{
	enum limiter_class class = class_of(exchange);

	return obey(exchange, judge_rate(exchange, class), class);
}

/*
 * Before anything is looked up: is it past the rate by what the name was found
 * to be before? Data is counted by the name itself, and a referral by the cut,
 * which refers whoever asks for it but for its DS.
 */
static enum limiter_verdict judge_early(const struct exchange *exchange)
{
	const struct query *query = &exchange->query;
	struct limiter *limiter = exchange->options->limiter;
	uint64_t now_ms = exchange->client->now_ms;
	struct limiter_kind kind = {exchange->client->address, LIMITER_DATA,
				    query->name.wire, query->name.len};
	enum limiter_verdict verdict =
		limiter_judge_early(limiter, now_ms, &kind);

	if (verdict != LIMITER_SEND || query->type == RR_DS)
		return verdict;
	kind.class = LIMITER_REFERRAL;
	return limiter_judge_early(limiter, now_ms, &kind);
}

/* A good cookie, or TCP, proves whose the address is. */
static bool has_rate(const struct exchange *exchange)
{
	const struct limiter *limiter = exchange->options->limiter;
	const struct answer_client *client = exchange->client;

	return limiter && client->transport == ANSWER_UDP && client->address &&
	       !exchange->is_proven && limiter_counts(limiter, client->address);
}

/*
 * Fill in the response, unless the client is past the rate.
 * Return: whether it is sent.
 */
static bool respond(struct exchange *exchange, struct snapshot *snapshot,
		    uint32_t table)
{
	bool is_asked = exchange->rcode == RCODE_NOERROR &&
			exchange->query.question_len;
	bool is_counted = has_rate(exchange);
	enum limiter_verdict early = LIMITER_SEND;

	if (is_asked && is_counted)
		early = judge_early(exchange);
	if (early != LIMITER_SEND)
		return obey(exchange, early, LIMITER_DATA);
	if (is_asked)
		answer_question(exchange, snapshot, table);
	return !is_counted || keep_to_rate(exchange);
}

static void tell_facts(const struct exchange *exchange,
		       struct answer_facts *out)
{
	const struct query *query = &exchange->query;

	out->question_len = query->question_len;
	out->type = query->question_len ? query->type : 0;
	out->rcode = (uint16_t)exchange->rcode;
	out->is_limited = exchange->is_limited;
	out->is_truncated = exchange->flags & MESSAGE_TC;
	out->is_spent = exchange->effort >= CHAIN_EFFORT;
	out->has_edns = query->has_edns;
	out->wants_dnssec = query->wants_dnssec;
}

size_t answer(const struct answer_options *options, struct snapshot *snapshot,
	      uint32_t table, const struct answer_client *client,
	      const uint8_t *query, size_t len, uint8_t *out,
	      struct answer_facts *facts)
{
	enum query_verdict verdict;
	struct exchange exchange;
	size_t size;

	assert(options->nsid_len <= ANSWER_NSID_SIZE);
	assert(options->edns_size >= MESSAGE_UDP_SIZE);
	facts->is_limited = exchange.is_limited = exchange.is_brief = false;
	verdict = query_parse(query, len, &exchange.query);
	if (verdict == QUERY_DROP)
		return 0;

	exchange.options = options;
	exchange.client = client;
	exchange.ede = EDE_NONE;
	exchange.flags = 0;
	exchange.effort = 0;
	exchange.has_cookie = exchange.is_proven = false;
	take_cookie(&exchange);
	size = size_limit(&exchange);
	response_init(&exchange.response, out, size - opt_size(&exchange),
		      query, &exchange.query);

	exchange.rcode = judge(&exchange, verdict);
	if (!respond(&exchange, snapshot, table)) {
		tell_facts(&exchange, facts);
		return 0;
	}
	if (exchange.query.has_edns)
		add_opt(&exchange);
	response_flag(
		&exchange.response,
		(uint16_t)(exchange.flags | (exchange.rcode & MESSAGE_RCODE)));
	tell_facts(&exchange, facts);
	assert(exchange.response.len <= size);
	return exchange.response.len;
}
