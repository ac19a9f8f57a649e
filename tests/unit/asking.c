// SPDX-License-Identifier: Apache-2.0
/*
 * asking.c - for tests of answer(): records in, a question in, text out
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <ldns/ldns.h>

#include "asking.h"
#include "tables.h"

static uint32_t table;
static MDB_txn *uncommitted;
static struct answer_options options;
const struct sockaddr *asking_client;
static struct answer_facts facts;
static struct errand errand;
static struct answer_server server = {.id = 1};
static unsigned effort;

static void apply(const struct change *change, bool fresh, MDB_txn *txn)
{
	struct refusal why;

	if (table_apply(&tt.tables, txn, table, change, fresh, 1, &why) != 0)
		fail_msg("%s: %s", why.text, why.reason);
}

uint32_t asking_load(const char *text)
{
	CLEANUP(change_deinit) struct change change = {0};
	MDB_txn *txn;

	test_change(&change, text);
	txn = test_begin();
	assert_int_equal(table_create(&tt.tables, txn, &table), 0);
	apply(&change, true, txn);
	assert_int_equal(table_publish(&tt.tables, txn, 1, table, 1), 0);
	test_commit(txn);

	server.served.home = 0;
	server.is_dark = false;
	options = (struct answer_options){.edns_size = ANSWER_EDNS_SIZE};
	asking_client = NULL;
	return table;
}

void asking_turn_to(uint32_t other)
{
	table = other;
}

void asking_edit(const char *drop, const char *add)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct name name;
	MDB_txn *txn;

	if (drop) {
		name = test_name(drop);
		assert_int_equal(change_drop(&change, &name), 0);
	}
	if (add)
		test_change(&change, add);
	txn = test_begin();
	apply(&change, false, txn);
	test_commit(txn);
}

void asking_begin_edits(unsigned count)
{
	CLEANUP(change_deinit) struct change change = {0};
	char line[64];

	uncommitted = test_begin();
	for (unsigned i = 0; i < count; i++) {
		snprintf(line, sizeof(line), "n%u.ex. A 192.0.2.9\n", i);
		test_change(&change, line);
	}
	apply(&change, false, uncommitted);
}

void asking_abort_edits(void)
{
	mdb_txn_abort(uncommitted);
}

const struct answer_facts *asking_facts(void)
{
	return &facts;
}

struct errand *asking_errand(void)
{
	return &errand;
}

struct answer_server *asking_server(void)
{
	return &server;
}

struct answer_options *asking_options(void)
{
	return &options;
}

unsigned asking_effort(void)
{
	return effort;
}

size_t asking_send(enum answer_transport transport, const uint8_t *query,
		   size_t len, uint8_t out[MESSAGE_TCP_SIZE])
{
	struct answer_client client = {
		.transport = transport,
		.address = asking_client,
	};
	/* On the heap, so that a read past its end is seen. */
	uint8_t *copy = malloc(len ? len : 1);
	uint64_t before = snapshot_effort(tt.snapshot);
	size_t answered;

	assert_non_null(copy);
	memcpy(copy, query, len);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	server.served.table = table;
	answered = answer(&options, tt.snapshot, &server, &client, copy, len,
			  out, &facts, &errand);
	snapshot_end(tt.snapshot);
	effort = (unsigned)(snapshot_effort(tt.snapshot) - before);
	free(copy);
	return answered;
}

size_t asking_query(const struct asking_query *query, uint8_t out[512])
{
	struct name name = test_name(query->name);
	uint16_t type;
	size_t len;

	type = (uint16_t)ldns_get_rr_type_by_name(query->type);
	assert_int_not_equal(type, 0);

	memset(out, 0, MESSAGE_HEAD_SIZE);
	put_u16(out, 0x1234);
	put_u16(out + MESSAGE_QDCOUNT, 1);
	len = MESSAGE_HEAD_SIZE;
	memcpy(out + len, name.wire, name.len);
	len += name.len;
	put_u16(out + len, type);
	put_u16(out + len + 2, RR_CLASS_IN);
	len += MESSAGE_QUESTION_TAIL;
	if (!query->edns_size)
		return len;
	memset(out + len, 0, EDNS_OPT_SIZE);
	put_u16(out + len + 1, RR_OPT);
	put_u16(out + len + 1 + EDNS_UDP_SIZE, query->edns_size);
	put_u16(out + MESSAGE_ARCOUNT, 1);
	return len + EDNS_OPT_SIZE;
}

/* A record as ldns prints it, on one line, without the class. */
static void print_record(FILE *to, const char *section, const ldns_rr *rr)
{
	char *text = ldns_rr2str(rr);
	char *save = NULL, *word;
	unsigned words = 0;

	assert_non_null(text);
	fprintf(to, "%s", section);
	text[strcspn(text, "\n")] = '\0';
	for (word = strtok_r(text, "\t ", &save); word && *word != ';';
	     word = strtok_r(NULL, "\t ", &save))
		if (++words != 3)
			fprintf(to, " %s", word);
	fputc('\n', to);
	free(text);
}

static void print_section(FILE *to, const char *section,
			  const ldns_rr_list *list)
{
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++)
		print_record(to, section, ldns_rr_list_rr(list, i));
}

const char *asking_text(const uint8_t *response, size_t len)
{
	static char text[ASKING_TEXT_SIZE];
	char *rcode;
	ldns_pkt *pkt;
	FILE *to;

	if (len == 0)
		return "no answer\n";
	assert_int_equal(ldns_wire2pkt(&pkt, response, len), LDNS_STATUS_OK);
	assert_true(ldns_pkt_qr(pkt));
	to = fmemopen(text, sizeof(text), "w");
	assert_non_null(to);
	rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt));
	fprintf(to, "%s%s%s%s\n", rcode, ldns_pkt_aa(pkt) ? " aa" : "",
		ldns_pkt_tc(pkt) ? " tc" : "", ldns_pkt_rd(pkt) ? " rd" : "");
	free(rcode);
	print_section(to, "an", ldns_pkt_answer(pkt));
	print_section(to, "ns", ldns_pkt_authority(pkt));
	print_section(to, "ar", ldns_pkt_additional(pkt));
	fputc('\0', to);
	fclose(to);
	ldns_pkt_free(pkt);
	return text;
}

const char *asking_ask_with(const struct asking_query *query)
{
	static uint8_t out[MESSAGE_TCP_SIZE];
	uint8_t packet[512];
	size_t len = asking_query(query, packet);

	len = asking_send(query->transport, packet, len, out);
	return asking_text(out, len);
}

const char *asking_ask(const char *name, const char *type)
{
	return asking_ask_with(
		&(struct asking_query){.name = name, .type = type});
}

void asking_check(const struct asking_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *text = asking_ask(cases[i].name, cases[i].type);

		if (strcmp(text, cases[i].answer) != 0)
			fail_msg("%s %s\n--- wanted\n%s--- got\n%s",
				 cases[i].name, cases[i].type, cases[i].answer,
				 text);
	}
}
