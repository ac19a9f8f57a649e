// SPDX-License-Identifier: Apache-2.0
/*
 * answer.c - a query in, a response out
 *
 * What holds for every response stands here: which queries are answered at
 * all, how large a response may be, the header and the OPT record. The
 * records are chain.c's.
 */
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "dns/answer/answer.h"
#include "dns/answer/chain.h"
#include "dns/answer/exchange.h"

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

/* What speaks against a question before any name is looked up. */
static enum rcode judge_question(struct exchange *exchange)
{
	const struct query *query = &exchange->query;

	if (!query->question_len)
		return judge_cookie(exchange);
	if (query->class != RR_CLASS_IN)
		return RCODE_REFUSED;
	if (query->type == RR_AXFR || query->type == RR_IXFR)
		return request_transfer(exchange);
	return RCODE_NOERROR;
}

/* What there is to say of any request but the answer to a question. */
static enum rcode judge(struct exchange *exchange, enum query_verdict verdict)
{
	const struct query *query = &exchange->query;
	unsigned opcode = query_opcode(query);

	if (opcode != MESSAGE_OPCODE_QUERY && opcode != MESSAGE_OPCODE_NOTIFY &&
	    opcode != MESSAGE_OPCODE_UPDATE)
		return RCODE_NOTIMP;
	if (verdict == QUERY_BROKEN)
		return RCODE_FORMERR;
	/* RFC 6891, section 6.1.3. */
	if (query->has_edns && query->edns_version > 0)
		return RCODE_BADVERS;
	if (opcode == MESSAGE_OPCODE_QUERY)
		return judge_question(exchange);
	return opcode == MESSAGE_OPCODE_NOTIFY ? request_notify(exchange)
					       : request_update(exchange);
}

/*
 * Who signed a request is found out before anything else of it counts: RFC
 * 8945, section 5.2. Return: what of it then stands; an rcode that answers it.
 */
static enum rcode check_signature(struct exchange *exchange,
				  const uint8_t *message, size_t len)
{
	struct errand *errand = exchange->errand;
	int r;

	errand->len = len;
	r = tsig_check(&errand->tsig, exchange->options->hmac,
		       exchange->snapshot, exchange->server->served.home,
		       message, &errand->len, (uint64_t)time(NULL));
	if (r < 0)
		return r == -EINVAL ? RCODE_FORMERR : RCODE_SERVFAIL;
	return errand->tsig.is_good ? RCODE_NOERROR : RCODE_NOTAUTH;
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

/* In every response to a query that had one: RFC 6891, section 6.1.1. */
static void add_opt(struct exchange *exchange)
{
	struct response *response = &exchange->response;

	response->len += opt_write(exchange, response->out + response->len);
	response_count(response, RESPONSE_ADDITIONAL, 1);
}

static void answer_question(struct exchange *exchange)
{
	const struct answer_server *server = exchange->server;
	struct chain chain;

	chain.snapshot = exchange->snapshot;
	chain.table = server->served.table;
	chain.dark = server->is_dark ? &server->served : NULL;
	chain.query = &exchange->query;
	chain.response = &exchange->response;
	/* RFC 8482, section 4.1; section 4.4 for TCP. */
	chain.is_any_one = exchange->client->transport == ANSWER_UDP;
	chain_follow(&chain);

	exchange->rcode = chain.rcode;
	if (chain.rcode == RCODE_REFUSED)
		exchange->ede = EDNS_EDE_NOT_AUTHORITATIVE;
	if (chain.is_dark)
		exchange->ede = EDNS_EDE_INVALID_DATA;
	if (chain.is_authoritative)
		exchange->flags |= MESSAGE_AA;
	if (chain.is_truncated)
		exchange->flags |= MESSAGE_TC;
	exchange->varying = chain.varying;
	exchange->effort = chain.effort;
	if (exchange->query.wants_expire && exchange->query.type == RR_SOA &&
	    chain.is_authoritative)
		request_expire(exchange);
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
static bool respond(struct exchange *exchange)
{
	bool is_asked = exchange->rcode == RCODE_NOERROR &&
			exchange->query.question_len && !exchange->is_done;
	bool is_counted = has_rate(exchange);
	enum limiter_verdict early = LIMITER_SEND;

	if (is_asked && is_counted)
		early = judge_early(exchange);
	if (early != LIMITER_SEND)
		return obey(exchange, early, LIMITER_DATA);
	if (is_asked)
		answer_question(exchange);
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

/*
 * Header and question. The question and the TSIG have room even where both are
 * as long as can be: the query was as long.
 *
 * Return: the octets that the response may have.
 */
static size_t begin_response(struct exchange *exchange, const uint8_t *query,
			     uint8_t *out)
{
	size_t tail = opt_size(exchange) + tsig_room(&exchange->errand->tsig);
	size_t least = MESSAGE_HEAD_SIZE + exchange->query.question_len + tail +
		       OPT_EDE_SIZE;
	size_t size = size_limit(exchange);

	if (size < least)
		size = least;
	response_init(&exchange->response, out, size - tail, query,
		      &exchange->query);
	return size;
}

/* Return: octets of the response; 0: no memory to sign it with. */
static size_t end_response(struct exchange *exchange)
{
	struct response *response = &exchange->response;
	struct tsig *tsig = &exchange->errand->tsig;

	if (exchange->query.has_edns)
		add_opt(exchange);
	response_flag(response, (uint16_t)(exchange->flags |
					   (exchange->rcode & MESSAGE_RCODE)));
	if (!tsig->is_signed)
		return response->len;
	return tsig_sign(tsig, exchange->options->hmac, response->out,
			 response->len, (uint64_t)time(NULL));
}

/* It is not answered here, or not now. */
static bool is_put_off(const struct errand *errand)
{
	return errand->kind == ERRAND_TRANSFER || errand->kind == ERRAND_UPDATE;
}

/* Fill in all of the response that is due now; its octets, or 0. */
static size_t make_response(struct exchange *exchange, size_t size)
{
	struct errand *errand = exchange->errand;
	size_t len;

	if (is_put_off(errand))
		return 0;
	if (!respond(exchange)) {
		errand->kind = ERRAND_NONE;
		tsig_wipe(&errand->tsig);
		return 0;
	}
	len = end_response(exchange);
	assert(len <= size);
	tsig_wipe(&errand->tsig);
	return len;
}

static void exchange_init(struct exchange *exchange)
{
	exchange->ede = EDE_NONE;
	exchange->flags = 0;
	exchange->varying = 0;
	exchange->effort = 0;
	exchange->has_cookie = exchange->is_proven = false;
	exchange->is_done = exchange->has_expire = false;
	exchange->is_limited = exchange->is_brief = false;
	exchange->rcode = RCODE_NOERROR;
	exchange->errand->kind = ERRAND_NONE;
	exchange->errand->tsig.is_signed = false;
}

size_t answer(const struct answer_options *options, struct snapshot *snapshot,
	      const struct answer_server *server,
	      const struct answer_client *client, const uint8_t *query,
	      size_t len, uint8_t *out, struct answer_facts *facts,
	      struct errand *errand)
{
	enum query_verdict verdict;
	struct exchange exchange;
	size_t size;

	assert(options->nsid_len <= ANSWER_NSID_SIZE);
	assert(options->edns_size >= MESSAGE_UDP_SIZE);
	exchange.options = options;
	exchange.snapshot = snapshot;
	exchange.server = server;
	exchange.client = client;
	exchange.errand = errand;
	exchange_init(&exchange);
	facts->is_limited = false;
	verdict = query_parse(query, len, &exchange.query);
	if (verdict == QUERY_DROP)
		return 0;

	take_cookie(&exchange);
	errand->len = len;
	if (exchange.query.has_tsig && verdict == QUERY_OK)
		exchange.rcode = check_signature(&exchange, query, len);
	size = begin_response(&exchange, query, out);
	if (exchange.rcode == RCODE_NOERROR)
		exchange.rcode = judge(&exchange, verdict);
	if (exchange.rcode != RCODE_NOERROR)
		request_tell(&exchange);
	len = make_response(&exchange, size);
	tell_facts(&exchange, facts);
	return len;
}
