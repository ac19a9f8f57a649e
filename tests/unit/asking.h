/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asking.h - for tests of answer(): records in, a question in, text out
 *
 * Groups have the fixtures of tables.h, and so one store for all tests; each
 * call of asking_load() makes a new table the one that is asked.
 */
#ifndef TESTS_UNIT_ASKING_H
#define TESTS_UNIT_ASKING_H

#include "dns/answer/answer.h"
#include "tables.h"

#define ASKING_TEXT_SIZE (256 * 1024)

/** asking_load() - serve the records of a master file; returns their table */
uint32_t asking_load(const char *text);

/** asking_turn_to() - ask another table that was loaded */
void asking_turn_to(uint32_t table);

/** asking_edit() - change the records served: drop an owner, add some; or NULL
 */
void asking_edit(const char *drop, const char *add);

/** asking_begin_edits() - add names n0.ex. to the count, and do not commit */
void asking_begin_edits(unsigned count);
void asking_abort_edits(void);

/** asking_options() - what answer() is called with; may be changed */
struct answer_options *asking_options(void);

/** Whose address the queries come from; asking_load() makes it unknown. */
extern const struct sockaddr *asking_client;

/** asking_facts() - of the last answer */
const struct answer_facts *asking_facts(void);

/** asking_errand() - of the last request */
struct errand *asking_errand(void);

/** asking_server() - who is asked; asking_load() sets its table alone */
struct answer_server *asking_server(void);

/** asking_effort() - what snapshot_effort() counted for the last answer */
unsigned asking_effort(void);

/** asking_send() - octets in, octets out; 0: no answer. Checked by ASan. */
size_t asking_send(enum answer_transport transport, const uint8_t *query,
		   size_t len, uint8_t out[MESSAGE_TCP_SIZE]);

struct asking_query {
	const char *name;
	const char *type;
	enum answer_transport transport;
	uint16_t edns_size; /* 0: without EDNS */
};

/** asking_query() - write a query; returns its octets */
size_t asking_query(const struct asking_query *query, uint8_t out[512]);

/**
 * asking_text() - a response as text
 *
 * The first line is the rcode and the flags aa, tc and rd; then comes a line
 * for each record but OPT: "an", "ns" or "ar", owner, TTL, type and RDATA.
 * Static; good until the next call.
 */
const char *asking_text(const uint8_t *response, size_t len);

/** asking_ask() - asking_query(), asking_send() and asking_text() */
const char *asking_ask(const char *name, const char *type);
const char *asking_ask_with(const struct asking_query *query);

/* A table of questions to one set of records. */
struct asking_case {
	const char *name, *type;
	const char *answer; /* what asking_text() says */
};

void asking_check(const struct asking_case *cases, size_t count);

#endif
