// SPDX-License-Identifier: Apache-2.0
/*
 * answer.c - a query in, a response out
 *
 * What holds for every response stands here: which queries are answered at
 * all, how large a response may be, the header and the OPT record. The
 * records are chain.c's.
 */
#include <assert.h>

#include "dns/answer.h"
#include "dns/chain.h"
#include "dns/query.h"
#include "dns/response.h"

#define OPT_FIXED_SIZE 11
#define OPT_DO	       0x8000
#define OPTION_HEAD    4
#define KEEPALIVE_SIZE 2

enum ede { /* RFC 8914, section 4 */
	   EDE_NONE = -1,
	   EDE_PROHIBITED = 18,
	   EDE_NOT_AUTHORITATIVE = 20,
};

/* One query on its way to be a response. */
struct task {
	const struct answer_options *options;
	enum answer_transport transport;
	struct query query;
	struct response response;
	enum response_rcode rcode;
	enum ede ede;
};

/* What speaks against a query before any name is looked up. */
static enum response_rcode judge(struct task *task, enum query_verdict verdict)
{
	const struct query *query = &task->query;

	if (query_opcode(query) != QUERY_OPCODE_QUERY)
		return RESPONSE_NOTIMP;
	if (verdict == QUERY_BROKEN)
		return RESPONSE_FORMERR;
	/* RFC 6891, section 6.1.3. */
	if (query->has_edns && query->edns_version > 0)
		return RESPONSE_BADVERS;
	if (query->class != QUERY_CLASS_IN)
		return RESPONSE_REFUSED;
	if (query->type == RR_AXFR || query->type == RR_IXFR) {
		/* AXFR is for TCP: RFC 5936, section 4.2. */
		if (task->transport == ANSWER_UDP)
			return RESPONSE_NOTIMP;
		task->ede = EDE_PROHIBITED;
		return RESPONSE_REFUSED;
	}
	return RESPONSE_NOERROR;
}

static bool tells_nsid(const struct task *task)
{
	return task->query.wants_nsid && task->options->nsid;
}

/* Over UDP it is ignored: RFC 7828, section 3.3.1. */
static bool tells_keepalive(const struct task *task)
{
	return task->query.wants_keepalive && task->options->keepalive &&
	       task->transport == ANSWER_TCP;
}

/*
 * Room to keep free for the OPT record. An extended error needs none: it goes
 * with responses that have no records.
 */
static size_t opt_size(const struct task *task)
{
	size_t size = OPT_FIXED_SIZE;

	if (!task->query.has_edns)
		return 0;
	if (tells_nsid(task))
		size += OPTION_HEAD + task->options->nsid_len;
	if (tells_keepalive(task))
		size += OPTION_HEAD + KEEPALIVE_SIZE;
	return size;
}

/* The largest response: RFC 6891, section 6.2.3; RFC 1035, section 4.2.1. */
static size_t size_limit(const struct task *task)
{
	size_t size = task->query.edns_size;

	if (task->transport == ANSWER_TCP)
		return ANSWER_TCP_SIZE;
	if (!task->query.has_edns)
		return ANSWER_UDP_SIZE;
	if (size > task->options->edns_size)
		size = task->options->edns_size;
	return size < ANSWER_UDP_SIZE ? ANSWER_UDP_SIZE : size;
}

static uint8_t *put_option(uint8_t *at, uint16_t code, const void *data,
			   uint16_t len)
{
	put_u16(at, code);
	put_u16(at + 2, len);
	memcpy(at + OPTION_HEAD, data, len);
	return at + OPTION_HEAD + len;
}

static uint8_t *put_options(const struct task *task, uint8_t *at)
{
	uint8_t word[2];

	if (tells_nsid(task))
		at = put_option(at, QUERY_OPTION_NSID, task->options->nsid,
				task->options->nsid_len);
	if (tells_keepalive(task)) {
		put_u16(word, task->options->keepalive);
		at = put_option(at, QUERY_OPTION_KEEPALIVE, word, sizeof(word));
	}
	if (task->ede != EDE_NONE) {
		put_u16(word, (uint16_t)task->ede);
		at = put_option(at, QUERY_OPTION_EDE, word, sizeof(word));
	}
	return at;
}

/* In every response to a query that had one: RFC 6891, section 6.1.1. */
static void add_opt(struct task *task)
{
	struct response *response = &task->response;
	uint8_t *at = response->out + response->len;
	uint8_t *end = put_options(task, at + OPT_FIXED_SIZE);

	at[0] = 0;
	put_u16(at + 1, RR_OPT);
	put_u16(at + 3, task->options->edns_size);
	at[5] = (uint8_t)(task->rcode >> 4);
	at[6] = 0; /* the version we speak */
	/* DO goes back as it came: RFC 3225, section 3. */
	put_u16(at + 7, task->query.wants_dnssec ? OPT_DO : 0);
	put_u16(at + 9, (uint16_t)(end - at - OPT_FIXED_SIZE));
	response->len += (size_t)(end - at);
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
	chain.is_any_one = task->transport == ANSWER_UDP;
	chain_follow(&chain);

	task->rcode = chain.rcode;
	if (chain.rcode == RESPONSE_REFUSED)
		task->ede = EDE_NOT_AUTHORITATIVE;
	if (chain.is_authoritative)
		response_flag(&task->response, QUERY_AA);
	if (chain.is_truncated)
		response_flag(&task->response, QUERY_TC);
}

size_t answer(const struct answer_options *options, struct snapshot *snapshot,
	      uint32_t table, enum answer_transport transport,
	      const uint8_t *query, size_t len, uint8_t *out)
{
	enum query_verdict verdict;
	struct task task;

	assert(options->nsid_len <= ANSWER_NSID_SIZE);
	verdict = query_parse(query, len, &task.query);
	if (verdict == QUERY_DROP)
		return 0;

	task.options = options;
	task.transport = transport;
	task.ede = EDE_NONE;
	response_init(&task.response, out, size_limit(&task) - opt_size(&task),
		      query, &task.query);

	task.rcode = judge(&task, verdict);
	if (task.rcode == RESPONSE_NOERROR)
		answer_question(&task, snapshot, table);
	if (task.query.has_edns)
		add_opt(&task);
	response_flag(&task.response, task.rcode & 0xf);
	return task.response.len;
}
