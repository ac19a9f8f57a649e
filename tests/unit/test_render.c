// SPDX-License-Identifier: Apache-2.0
/*
 * What is rendered is read again as a transfer that comes in, and has to be the
 * zone: RFC 5936, section 2.2; RFC 1995, section 4.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/store/incoming.h"
#include "dns/transfer/render.h"
#include "tests/unit/tables.h"
#include "tests/unit/zone_model.h"

static struct spools spools;
static unsigned told; /* times that more was to be read */

static void grown(void *arg)
{
	(void)arg;
	told++;
}

static int run(const struct served_table *on, const char *zone,
	       const uint32_t *from, bool stops, struct spool *spool)
{
	struct render_what what = {
		.server = on->server,
		.zone = test_name(zone),
		.is_increment = from != NULL,
		.from = from ? *from : 0,
	};
	struct render_moment moment;
	atomic_bool stop = stops;
	int r;

	told = 0;
	spool_init(spool, &spools);
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = render_look(tt.snapshot, &what, &moment, NULL);
	if (r == 0)
		r = render(tt.snapshot, &what, &moment, spool, grown, NULL,
			   &stop);
	snapshot_end(tt.snapshot);
	spool_end(spool, r);
	return r;
}

/* The next message of it; 0: that was all. */
static size_t next(const struct spool *spool, uint64_t *at, uint8_t *out)
{
	uint8_t length[MESSAGE_LENGTH_SIZE];

	if (*at == spool_ready(spool))
		return 0;
	assert_int_equal(spool_read(spool, *at, length, sizeof(length)), 0);
	assert_int_equal(
		spool_read(spool, *at + sizeof(length), out, get_u16(length)),
		0);
	*at += sizeof(length) + get_u16(length);
	/* What answers: the header is the client's to be written. */
	put_u16(out + MESSAGE_FLAGS, MESSAGE_QR | MESSAGE_AA);
	return get_u16(length);
}

struct got {
	enum incoming_state state;
	uint32_t serial;
	unsigned messages;
	size_t largest;
	struct change zone; /* owned */
	struct incoming *incoming;
};

static void read_back(const struct spool *spool, const char *zone,
		      const uint32_t *from, struct got *out)
{
	static uint8_t message[MESSAGE_TCP_SIZE];
	struct incoming_request request = {
		.apex = test_name(zone),
		.type = from ? RR_IXFR : RR_AXFR,
		.serial = from ? *from : 0,
	};
	struct refusal why;
	uint64_t at = 0;
	size_t len;

	*out = (struct got){.state = INCOMING_MORE};
	assert_int_equal(incoming_new(&out->incoming, &request), 0);
	while ((len = next(spool, &at, message))) {
		assert_int_equal(out->state, INCOMING_MORE);
		/* The question is in the first one alone. */
		assert_int_equal(get_u16(message + MESSAGE_QDCOUNT),
				 !out->messages);
		if (!out->messages && from)
			put_u16(message + MESSAGE_HEAD_SIZE + request.apex.len,
				RR_IXFR);
		assert_int_equal(incoming_take(out->incoming, message, len,
					       &out->zone, &out->state, &why),
				 0);
		out->messages++;
		if (len > out->largest)
			out->largest = len;
	}
	assert_int_not_equal(out->state, INCOMING_MORE);
	out->serial = incoming_serial(out->incoming);
}

static void got_deinit(struct got *got)
{
	change_deinit(&got->zone);
	incoming_free(got->incoming);
}

/* As a secondary would have it. */
static char *as_table(const struct got *got)
{
	uint32_t table = test_new_table();
	MDB_txn *txn = test_begin();
	struct refusal why;

	assert_int_equal(table_apply(&tt.tables, txn, table, &got->zone, true,
				     NOW, &why),
			 0);
	test_commit(txn);
	return test_dump(table);
}

static char *text_of(unsigned names)
{
	struct buffer text = {0};

	buffer_printf(&text, "z. 60 SOA ns.z. h.z. 7 1 2 3 4\nz. 60 NS ns.z.\n"
			     "ns.z. 60 A 192.0.2.1\n");
	for (unsigned i = 0; i < names; i++)
		buffer_printf(&text,
			      "h%u.z. 60 A 10.0.%u.%u\nH%u.z. 60 TXT \"%u\"\n",
			      i, i >> 8, i & 255, i, i);
	buffer_add(&text, "", 1);
	return (char *)text.data;
}

static void a_zone_comes_whole_in_messages_of_any_number(void **state)
{
	static const unsigned names[] = {0, 1, 300, 700, 20000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct served_table on = serve(SERIAL_AUTO, true);
		CLEANUP(freep) char *text = text_of(names[i]);
		CLEANUP(freep) char *there = NULL, *here = NULL;
		struct spool spool;
		struct got got;

		assert_int_equal(test_apply(on.table, text, false, NULL), 0);
		assert_int_equal(run(&on, "z.", NULL, false, &spool), 0);
		read_back(&spool, "z.", NULL, &got);
		assert_int_equal(got.state, INCOMING_ZONE);
		assert_int_equal(got.serial, 7);
		assert_true(got.largest <= RENDER_SIZE);
		there = test_dump(on.table);
		here = as_table(&got);
		assert_string_equal(here, there);
		assert_true(names[i] < 20000 ? !told : told > 1);
		got_deinit(&got);
		spool_deinit(&spool);
	}
}

static void what_is_below_it_is_there_as_it_is_shown(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	CLEANUP(freep) char *here = NULL;
	struct spool spool;
	struct got got;

	(void)state;
	assert_int_equal(
		test_apply(on.table,
			   "z. 60 SOA ns. h. 7 1 2 3 4\n"
			   "s.z. 60 SOA ns. h. 9 1 2 3 4\ns.z. 60 NS ns.s.z.\n"
			   "ns.s.z. 60 A 192.0.2.1\nwww.s.z. 60 TXT x\n"
			   "y.z. 60 TXT y\nother. 60 TXT z\n",
			   false, NULL),
		0);
	assert_int_equal(run(&on, "z.", NULL, false, &spool), 0);
	read_back(&spool, "z.", NULL, &got);
	here = as_table(&got);
	assert_string_equal(here, "z.\t60\tIN\tSOA\tns. h. 7 1 2 3 4\n"
				  "s.z.\t60\tIN\tNS\tns.s.z.\n"
				  "ns.s.z.\t60\tIN\tA\t192.0.2.1\n"
				  "y.z.\t60\tIN\tTXT\t\"y\"\n");
	got_deinit(&got);
	spool_deinit(&spool);
}

static void differences_lead_from_any_serial_to_the_newest(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	CLEANUP(freep) char *text = text_of(300);
	struct spool spool;
	struct got got;

	(void)state;
	assert_int_equal(test_apply(on.table, text, false, NULL), 0);
	for (unsigned i = 0; i < 5; i++) {
		char line[64];

		snprintf(line, sizeof(line), "new.z. 60 A 192.0.2.%u\n", i);
		assert_int_equal(test_apply(on.table, line, false, NULL), 0);
	}
	for (uint32_t from = 7; from <= 12; from++) {
		assert_int_equal(run(&on, "z.", &from, false, &spool), 0);
		read_back(&spool, "z.", &from, &got);
		assert_int_equal(got.state, from == 12 ? INCOMING_SAME
						       : INCOMING_DIFFERENCES);
		assert_int_equal(got.serial, 12);
		got_deinit(&got);
		spool_deinit(&spool);
	}
	/* Who is further behind gets all: RFC 1995, section 4. */
	assert_int_equal(run(&on, "z.", &(uint32_t){6}, false, &spool), 0);
	read_back(&spool, "z.", &(uint32_t){6}, &got);
	assert_int_equal(got.state, INCOMING_ZONE);
	got_deinit(&got);
	spool_deinit(&spool);
}

static void a_large_record_has_a_message_of_its_own(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	CLEANUP(buffer_deinit) struct buffer text = {0};
	CLEANUP(freep) char *there = NULL, *here = NULL;
	struct spool spool;
	struct got got;

	(void)state;
	buffer_printf(&text, "z. 60 SOA ns.z. h.z. 7 1 2 3 4\nb.z. 60 TXT");
	for (unsigned i = 0; i < 200; i++)
		buffer_printf(&text, " %0250u", i);
	buffer_printf(&text, "\nc.z. 60 A 192.0.2.1\n");
	buffer_add(&text, "", 1);
	assert_int_equal(test_apply(on.table, (char *)text.data, false, NULL),
			 0);
	assert_int_equal(run(&on, "z.", NULL, false, &spool), 0);
	read_back(&spool, "z.", NULL, &got);
	assert_true(got.largest > RENDER_SIZE);
	/* It has room for a signature. */
	assert_true(got.largest <= MESSAGE_TCP_SIZE - RENDER_ROOM);
	assert_int_equal(got.messages, 2);
	there = test_dump(on.table);
	here = as_table(&got);
	assert_string_equal(here, there);
	got_deinit(&got);
	spool_deinit(&spool);
}

static void it_ends_where_it_is_to_stop_or_there_is_none(void **state)
{
	struct served_table on = serve(SERIAL_AUTO, true);
	CLEANUP(freep) char *text = text_of(700);
	struct spool spool;

	(void)state;
	assert_int_equal(test_apply(on.table, text, false, NULL), 0);
	assert_int_equal(run(&on, "z.", NULL, true, &spool), -ECANCELED);
	spool_deinit(&spool);
	assert_int_equal(run(&on, "h1.z.", NULL, false, &spool), -ENOENT);
	spool_deinit(&spool);
	on.server = 1;
	assert_int_equal(run(&on, "z.", NULL, false, &spool), -ENOENT);
	spool_deinit(&spool);
}

static int start(void **state)
{
	spools = (struct spools){
		.dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.max = UINT64_MAX,
	};
	return spools.dir_fd < 0 ? -1 : test_tables_open(state);
}

static int end(void **state)
{
	close(spools.dir_fd);
	return test_tables_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_comes_whole_in_messages_of_any_number),
		cmocka_unit_test(what_is_below_it_is_there_as_it_is_shown),
		cmocka_unit_test(
			differences_lead_from_any_serial_to_the_newest),
		cmocka_unit_test(a_large_record_has_a_message_of_its_own),
		cmocka_unit_test(it_ends_where_it_is_to_stop_or_there_is_none),
	};

	return cmocka_run_group_tests(tests, start, end);
}
