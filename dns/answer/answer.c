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
struct task {
	const struct answer_options *options;
	const struct answer_client *client;
	struct query query;
	struct response response;
	enum rcode rcode;
	int ede;		    /* enum edns_ede, or EDE_NONE */
	uint16_t flags;		    /* AA, TC */
	unsigned unlike;	    /* see struct chain */
	uint32_t effort;	    /* the same */
	bool has_cookie, is_proven; /* the client's server cookie is good */
	uint8_t cookie[COOKIE_SIZE];
	bool is_limited; /* by its client's rate */
	bool is_brief;	 /* for the same reason: only what must be said */
};

/* Before judge(): what goes back is good whatever becomes of the query. */
static void take_cookie(struct task *task)
{
	struct cookies *cookies = task->options->cookies;
	const struct query *query = &task->query;
	struct address client;

	if (!query->has_edns || !query->cookie || !cookies ||
	    !task->client->address)
		return;
	address_from_sockaddr(task->client->address, &client);
	task->has_cookie = true;
	task->is_proven =
		cookie_answer(cookies, query->cookie, query->cookie_len,
			      &client, (uint32_t)time(NULL), task->cookie);
}

/* A cookie is all that is asked for: RFC 7873, section 5.4. */
static enum rcode judge_cookie(const struct task *task)
{
	if (!task->has_cookie)
		return RCODE_FORMERR;
	if (task->query.cookie_len > COOKIE_CLIENT_SIZE && !task->is_proven)
		return RCODE_BADCOOKIE;
	return RCODE_NOERROR;
}

/* What speaks against a query before any name is looked up. */
static enum rcode judge(struct task *task, enum query_verdict verdict)
{
	const struct query *query = &task->query;

	if (query_opcode(query) != MESSAGE_OPCODE_QUERY)
		return RCODE_NOTIMP;
	if (verdict == QUERY_BROKEN)
		return RCODE_FORMERR;
	/* RFC 6891, section 6.1.3. */
	if (query->has_edns && query->edns_version > 0)
		return RCODE_BADVERS;
	if (!query->question_len)
		return judge_cookie(task);
	if (query->class != RR_CLASS_IN)
		return RCODE_REFUSED;
	if (query->type == RR_AXFR || query->type == RR_IXFR) {
		/* AXFR is for TCP: RFC 5936, section 4.2. */
		if (task->client->transport == ANSWER_UDP)
			return RCODE_NOTIMP;
		task->ede = EDNS_EDE_PROHIBITED;
		return RCODE_REFUSED;
	}
	return RCODE_NOERROR;
}

static bool tells_nsid(const struct task *task)
{
	return task->query.wants_nsid && task->options->nsid && !task->is_brief;
}

/* Over UDP it is ignored: RFC 7828, section 3.3.1. */
static bool tells_keepalive(const struct task *task)
{
	return task->query.wants_keepalive && task->options->keepalive &&
	       task->client->transport == ANSWER_TCP;
}

/*
 * Room to keep free for the OPT record. An extended error needs none: it goes
 * with responses that have no records.
 */
static size_t opt_size(const struct task *task)
{
	size_t size = EDNS_OPT_SIZE;

	if (!task->query.has_edns)
		return 0;
	if (tells_nsid(task))
		size += EDNS_OPTION_HEAD + task->options->nsid_len;
	if (task->has_cookie)
		size += EDNS_OPTION_HEAD + COOKIE_SIZE;
	if (tells_keepalive(task))
		size += EDNS_OPTION_HEAD + KEEPALIVE_SIZE;
	return size;
}

/* The largest response: RFC 6891, section 6.2.3; RFC 1035, section 4.2.1. */
static size_t size_limit(const struct task *task)
{
	size_t size = task->query.edns_size;

	if (task->client->transport == ANSWER_TCP)
		return MESSAGE_TCP_SIZE;
	if (!task->query.has_edns)
		return MESSAGE_UDP_SIZE;
	if (size > task->options->edns_size)
		size = task->options->edns_size;
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

static uint8_t *put_options(const struct task *task, uint8_t *at)
{
	uint8_t word[2];

	if (tells_nsid(task))
		at = put_option(at, EDNS_NSID, task->options->nsid,
				task->options->nsid_len);
	if (task->has_cookie)
		at = put_option(at, EDNS_COOKIE, task->cookie, COOKIE_SIZE);
	if (tells_keepalive(task)) {
		put_u16(word, task->options->keepalive);
		at = put_option(at, EDNS_KEEPALIVE, word, sizeof(word));
	}
	if (task->ede != EDE_NONE && !task->is_brief) {
		put_u16(word, (uint16_t)task->ede);
		at = put_option(at, EDNS_EDE, word, sizeof(word));
	}
	return at;
}

/* In every response to a query that had one: RFC 6891, section 6.1.1. */
static void add_opt(struct task *task)
{
	struct response *response = &task->response;
	uint8_t *owner = response->out + response->len;
	uint8_t *end = put_options(task, owner + EDNS_OPT_SIZE);
	uint8_t *head = owner + 1;

	*owner = 0; /* the root */
	put_u16(head, RR_OPT);
	put_u16(head + EDNS_UDP_SIZE, task->options->edns_size);
	head[EDNS_RCODE] = (uint8_t)(task->rcode >> RCODE_HEAD_BITS);
	head[EDNS_VERSION] = 0; /* the one we speak */
	/* DO goes back as it came: RFC 3225, section 3. */
	put_u16(head + EDNS_FLAGS, task->query.wants_dnssec ? EDNS_DO : 0);
	put_u16(head + RR_HEAD_RDLENGTH, (uint16_t)(end - head - RR_HEAD_SIZE));
	response->len += (size_t)(end - owner);
	response_count(response, RESPONSE_ADDITIONAL, 1);
}

static void answer_question(struct task *task, struct snapshot *snapshot,
			    uint32_t table)
{
	struct chain chain;

	chain.snapshot = snapshot;
	chain.table = table;
	chain.query = &task->query;
	chain.response = &task->response;
	/* RFC 8482, section 4.1; section 4.4 for TCP. */
	chain.is_any_one = task->client->transport == ANSWER_UDP;
	chain_follow(&chain);

	task->rcode = chain.rcode;
	if (chain.rcode == RCODE_REFUSED)
		task->ede = EDNS_EDE_NOT_AUTHORITATIVE;
	if (chain.is_authoritative)
		task->flags |= MESSAGE_AA;
	if (chain.is_truncated)
		task->flags |= MESSAGE_TC;
	task->unlike = chain.unlike;
	task->effort = chain.effort;
}

static enum limiter_class class_of(const struct task *task)
{
	switch (task->rcode) {
	case RCODE_NOERROR:
		if (!task->query.question_len)
			return LIMITER_ERROR;
		return task->flags & MESSAGE_AA ? LIMITER_DATA
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

static enum limiter_verdict judge_rate(struct task *task,
				       enum limiter_class class)
{
	struct limiter_kind kind = {.client = task->client->address,
				    .class = class};
	struct name alike;

	if (class == LIMITER_ERROR)
		name_root(&alike);
	else
		name_ancestor(&task->query.name, task->unlike, &alike);
	kind.name = alike.wire;
	kind.len = alike.len;
	return limiter_judge(task->options->limiter, task->client->now_ms,
			     &kind,
			     1 + task->effort / (COST_SEEKS * SNAPSHOT_SEEK));
}

/*
 * What is past the rate is left out, or says so little that it cannot amplify:
 * come over TCP; or, to who knows cookies, come with the one in here (RFC 7873,
 * section 5.2.3). An error is as short as that, and goes as it is. None of them
 * tells an NSID, which may be longer than the query.
 *
 * Return: whether anything is sent.
 */
static bool obey(struct task *task, enum limiter_verdict verdict,
		 enum limiter_class class)
{
	task->is_limited = verdict == LIMITER_DROP;
	if (verdict != LIMITER_SLIP)
		return verdict != LIMITER_DROP;
	task->is_brief = true;
	if (class == LIMITER_ERROR)
		return true;
	task->is_limited = true;
	response_clear(&task->response);
	task->rcode = task->has_cookie ? RCODE_BADCOOKIE : RCODE_NOERROR;
	task->flags = task->has_cookie ? 0 : MESSAGE_TC;
	return true;
}

static bool keep_to_rate(struct task *task)
{
	enum limiter_class class = class_of(task);

	return obey(task, judge_rate(task, class), class);
}

/*
 * Before anything is looked up: is it past the rate by what the name was found
 * to be before? Data is counted by the name itself, and a referral by the cut,
 * which refers whoever asks for it but for its DS.
 */
static enum limiter_verdict judge_early(const struct task *task)
{
	const struct query *query = &task->query;
	struct limiter *limiter = task->options->limiter;
	uint64_t now_ms = task->client->now_ms;
	struct limiter_kind kind = {task->client->address, LIMITER_DATA,
				    query->name.wire, query->name.len};
	enum limiter_verdict verdict =
		limiter_judge_early(limiter, now_ms, &kind);

	if (verdict != LIMITER_SEND || query->type == RR_DS)
		return verdict;
	kind.class = LIMITER_REFERRAL;
	return limiter_judge_early(limiter, now_ms, &kind);
}

/* A good cookie, or TCP, proves whose the address is. */
static bool has_rate(const struct task *task)
{
	const struct limiter *limiter = task->options->limiter;
	const struct answer_client *client = task->client;

	return limiter && client->transport == ANSWER_UDP && client->address &&
	       !task->is_proven && limiter_counts(limiter, client->address);
}

/*
 * Fill in the response, unless the client is past the rate.
 * Return: whether it is sent.
 */
static bool respond(struct task *task, struct snapshot *snapshot,
		    uint32_t table)
{
	bool is_asked =
		task->rcode == RCODE_NOERROR && task->query.question_len;
	bool is_counted = has_rate(task);
	enum limiter_verdict early = LIMITER_SEND;

	if (is_asked && is_counted)
		early = judge_early(task);
	if (early != LIMITER_SEND)
		return obey(task, early, LIMITER_DATA);
	if (is_asked)
		answer_question(task, snapshot, table);
	return !is_counted || keep_to_rate(task);
}

static void tell_facts(const struct task *task, struct answer_facts *out)
{
	const struct query *query = &task->query;

	out->question_len = query->question_len;
	out->type = query->question_len ? query->type : 0;
	out->rcode = (uint16_t)task->rcode;
	out->is_limited = task->is_limited;
	out->is_truncated = task->flags & MESSAGE_TC;
	out->is_spent = task->effort >= CHAIN_EFFORT;
	out->has_edns = query->has_edns;
	out->wants_dnssec = query->wants_dnssec;
}

size_t answer(const struct answer_options *options, struct snapshot *snapshot,
	      uint32_t table, const struct answer_client *client,
	      const uint8_t *query, size_t len, uint8_t *out,
	      struct answer_facts *facts)
{
	enum query_verdict verdict;
	struct task task;

	assert(options->nsid_len <= ANSWER_NSID_SIZE);
	facts->is_limited = task.is_limited = task.is_brief = false;
	verdict = query_parse(query, len, &task.query);
	if (verdict == QUERY_DROP)
		return 0;

	task.options = options;
	task.client = client;
	task.ede = EDE_NONE;
	task.flags = 0;
	task.effort = 0;
	task.has_cookie = task.is_proven = false;
	take_cookie(&task);
	response_init(&task.response, out, size_limit(&task) - opt_size(&task),
		      query, &task.query);

	task.rcode = judge(&task, verdict);
	if (!respond(&task, snapshot, table)) {
		tell_facts(&task, facts);
		return 0;
	}
	if (task.query.has_edns)
		add_opt(&task);
	response_flag(&task.response,
		      (uint16_t)(task.flags | (task.rcode & MESSAGE_RCODE)));
	tell_facts(&task, facts);
	return task.response.len;
}
