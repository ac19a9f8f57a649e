// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "anchors/staging.h"
#include "tests/unit/hosts.h"
#include "tests/unit/tables.h"

#define SESSION 7
#define SLOT	3

/* What a call has ended in, and the receipt that was at hand then. */
struct answer {
	struct host *host;
	int result;
	unsigned back;
	struct receipt then;
};

static void done(void *arg, int result, const struct refusal *refusal)
{
	struct answer *answer = arg;

	(void)refusal;
	answer->result = result;
	answer->then = *receipt_at_hand(answer->host);
	answer->back++;
}

static int wait_for(struct test_host *th, const struct answer *answer)
{
	while (!answer->back)
		uv_run(&th->loop, UV_RUN_ONCE);
	assert_int_equal(answer->back, 1);
	return answer->result;
}

/* The call @seq of h2's is at hand. */
static void begin(struct test_host *th, uint64_t seq, struct receipt *before)
{
	struct receipt receipt = receipt_of("h2", SESSION, SLOT, seq);

	receipt_enter(th->host, &receipt, before);
}

static int find(struct test_host *th, uint64_t seq, uint64_t *anchor)
{
	struct receipt receipt = receipt_of("h2", SESSION, SLOT, seq);

	*anchor = UINT64_MAX;
	return receipt_find(th->host, &receipt, anchor);
}

static bool is_done(struct test_host *th, uint64_t seq)
{
	uint64_t anchor;
	int r = find(th, seq, &anchor);

	assert_true(r == 0 || r == -ENOENT);
	return r == 0;
}

/* As the call @seq; 0: this host's own. */
static int make(struct test_host *th, const char *name, uint64_t seq)
{
	struct answer made = {.host = th->host};
	struct receipt before;

	/* Each has its own. */
	th->host->listen = test_host_address();
	if (seq)
		begin(th, seq, &before);
	nameserver_make(th->host->root, name, 0, 0, 0755, done, &made);
	if (seq)
		receipt_leave(th->host, &before);
	wait_for(th, &made);
	assert_int_equal(made.then.seq, seq);
	return made.result;
}

static void setup(struct test_host *th)
{
	test_host_init(th);
	test_host_open(th);
	test_host_lease(th, "h2", SESSION);
}

static void teardown(struct test_host *th)
{
	test_host_close(th);
	test_host_deinit(th);
}

static void tells_what_was_made_also_after_a_restart(void **state)
{
	uint64_t id, anchor;
	struct test_host th;

	(void)state;
	setup(&th);
	assert_int_equal(find(&th, 1, &anchor), -ENOENT);
	assert_int_equal(make(&th, "ns", 1), 0);
	id = anchor_child(th.host->root, "ns")->id;
	assert_int_equal(find(&th, 1, &anchor), 0);
	assert_int_equal(anchor, id);
	test_host_close(&th);
	test_host_open(&th);
	assert_int_equal(find(&th, 1, &anchor), 0);
	assert_int_equal(anchor, id);
	teardown(&th);
}

static void keeps_the_last_call_of_each_slot(void **state)
{
	struct receipt other = receipt_of("h2", SESSION, SLOT + 1, 1);
	struct receipt stranger = receipt_of("h3", SESSION, SLOT, 2);
	struct receipt later = receipt_of("h2", SESSION + 1, SLOT, 2);
	struct test_host th;
	uint64_t anchor;

	(void)state;
	setup(&th);
	assert_int_equal(make(&th, "a", 1), 0);
	assert_int_equal(make(&th, "b", 2), 0);
	assert_false(is_done(&th, 1));
	assert_true(is_done(&th, 2));
	assert_int_equal(receipt_find(th.host, &other, &anchor), -ENOENT);
	assert_int_equal(receipt_find(th.host, &stranger, &anchor), -ENOENT);
	assert_int_equal(receipt_find(th.host, &later, &anchor), -ENOENT);
	teardown(&th);
}

static void has_none_of_what_is_refused_and_of_its_own(void **state)
{
	struct answer edited = {0};
	struct receipt before;
	struct change change = {0};
	struct test_host th;

	(void)state;
	setup(&th);
	assert_int_equal(make(&th, "ns", 0), 0);
	assert_int_equal(make(&th, "ns", 1), -EEXIST);
	assert_false(is_done(&th, 1));
	/* The writer refuses this one: a CNAME is alone. */
	test_change(&change, "a. A 192.0.2.1\na. CNAME b.\n");
	edited.host = th.host;
	begin(&th, 2, &before);
	nameserver_edit(anchor_child(th.host->root, "ns"), &change, NULL, NULL,
			done, &edited);
	receipt_leave(th.host, &before);
	assert_int_equal(wait_for(&th, &edited), -EINVAL);
	assert_false(is_done(&th, 2));
	teardown(&th);
}

static void is_not_begun_when_nothing_may_be(void **state)
{
	struct answer edited = {0}, staged = {0};
	struct change change = {0};
	struct staging *staging;
	struct receipt before;
	struct anchor *ns;
	struct test_host th;

	(void)state;
	setup(&th);
	edited.host = staged.host = th.host;
	assert_int_equal(make(&th, "ns", 1), 0);
	ns = anchor_child(th.host->root, "ns");
	assert_int_equal(staging_new(&staging, ns), 0);
	lease_end(&th.host->leases, &th.lease);
	assert_int_equal(make(&th, "ns2", 2), -EHOSTDOWN);
	assert_null(anchor_child(th.host->root, "ns2"));
	begin(&th, 3, &before);
	test_change(&change, "a. A 192.0.2.1\n");
	nameserver_edit(ns, &change, NULL, NULL, done, &edited);
	test_change(&change, "a. A 192.0.2.1\n");
	staging_add(staging, &change, 0, done, &staged);
	receipt_leave(th.host, &before);
	assert_int_equal(wait_for(&th, &edited), -EHOSTDOWN);
	assert_int_equal(wait_for(&th, &staged), -EHOSTDOWN);
	assert_int_equal(ns->edits, 0);
	assert_false(is_done(&th, 2));
	assert_false(is_done(&th, 3));
	staging_discard(staging);

	/* Nor is what is of another session; what is this host's own is. */
	test_host_lease(&th, "h2", SESSION + 1);
	assert_int_equal(make(&th, "ns2", 4), -EHOSTDOWN);
	assert_int_equal(make(&th, "ns2", 0), 0);
	teardown(&th);
}

static struct receipt numbered(uint64_t number)
{
	char name[16];

	snprintf(name, sizeof(name), "h%u", (unsigned)number);
	return receipt_of(name, SESSION, SLOT, 1);
}

static size_t rows(struct test_host *th)
{
	MDB_stat stat;
	MDB_txn *txn;

	assert_int_equal(
		mdb_txn_begin(th->host->store.env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_stat(txn, th->host->store.receipts, &stat), 0);
	mdb_txn_abort(txn);
	return stat.ms_entries;
}

static void put_numbered(struct test_host *th, uint64_t from, uint64_t to)
{
	struct receipt receipt;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(th->host->store.env, NULL, 0, &txn), 0);
	for (uint64_t i = from; i < to; i++) {
		receipt = numbered(i);
		assert_int_equal(
			receipt_put(&th->host->store, txn, &receipt, i), 0);
	}
	assert_int_equal(mdb_txn_commit(txn), 0);
}

static bool has_numbered(struct test_host *th, uint64_t number)
{
	struct receipt receipt = numbered(number);
	uint64_t anchor;
	int r = receipt_find(th->host, &receipt, &anchor);

	assert_true(r == 0 || r == -ENOENT);
	assert_true(r < 0 || anchor == number);
	return r == 0;
}

static void so_many_are_kept_and_the_oldest_go(void **state)
{
	const uint64_t step = RECEIPTS_DROPPED / 2;
	struct test_host th;
	uint64_t i;

	(void)state;
	setup(&th);
	for (i = 0; i < RECEIPTS_MAX; i += step)
		put_numbered(&th, i, i + step);
	/* It takes the place of one that there is. */
	put_numbered(&th, 0, 1);
	assert_int_equal(rows(&th), RECEIPTS_MAX);
	put_numbered(&th, i, i + 1);
	assert_in_range(rows(&th), RECEIPTS_MAX / 2,
			RECEIPTS_MAX - RECEIPTS_DROPPED / 2);
	assert_true(has_numbered(&th, i));
	assert_true(has_numbered(&th, 0));
	assert_false(has_numbered(&th, 1));
	assert_false(has_numbered(&th, step + 1));
	assert_true(has_numbered(&th, 3 * step));
	assert_true(has_numbered(&th, i - 1));
	/* However many come at once. */
	put_numbered(&th, i + 1, i + RECEIPTS_DROPPED + 10);
	assert_in_range(rows(&th), 1, RECEIPTS_MAX);
	assert_true(has_numbered(&th, i + RECEIPTS_DROPPED + 9));
	teardown(&th);
}

static void one_of_an_earlier_program_is_read(void **state)
{
	struct receipt_row row = {.session = SESSION, .seq = 1, .anchor = 77};
	uint8_t octets[] = {'h', '2', 0, 0, SLOT};
	MDB_val key = {sizeof(octets), octets};
	MDB_val value = {offsetof(struct receipt_row, order), &row};
	struct test_host th;
	uint64_t anchor;
	MDB_txn *txn;

	(void)state;
	setup(&th);
	assert_int_equal(mdb_txn_begin(th.host->store.env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, th.host->store.receipts, &key, &value, 0),
			 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	assert_int_equal(find(&th, 1, &anchor), 0);
	assert_int_equal(anchor, 77);
	teardown(&th);
}

/* A write stages, and a close publishes: only the latter is done for good. */
static void is_of_the_close_that_publishes(void **state)
{
	struct answer staged = {0}, settled = {0}, published = {0};
	struct staging *staging;
	struct receipt before;
	struct change change = {0};
	struct test_host th;

	(void)state;
	setup(&th);
	staged.host = settled.host = published.host = th.host;
	assert_int_equal(make(&th, "ns", 0), 0);
	assert_int_equal(
		staging_new(&staging, anchor_child(th.host->root, "ns")), 0);
	test_change(&change, "a. A 192.0.2.1\n");
	begin(&th, 1, &before);
	staging_add(staging, &change, 1, done, &staged);
	receipt_leave(th.host, &before);
	assert_int_equal(wait_for(&th, &staged), 0);

	begin(&th, 2, &before);
	staging_settle(staging, done, &settled);
	receipt_leave(th.host, &before);
	assert_int_equal(wait_for(&th, &settled), 0);
	/* It waited for what the first call had staged. */
	assert_int_equal(settled.then.seq, 2);
	assert_false(is_done(&th, 1));

	begin(&th, 2, &before);
	staging_publish(staging, NULL, done, &published);
	receipt_leave(th.host, &before);
	assert_int_equal(wait_for(&th, &published), 0);
	assert_true(is_done(&th, 2));
	teardown(&th);
}

static void has_none_of_what_is_thrown_away(void **state)
{
	struct answer staged = {0};
	struct staging *staging;
	struct receipt before;
	struct change change = {0};
	struct test_host th;

	(void)state;
	setup(&th);
	staged.host = th.host;
	assert_int_equal(make(&th, "ns", 0), 0);
	assert_int_equal(
		staging_new(&staging, anchor_child(th.host->root, "ns")), 0);
	test_change(&change, "a. A 192.0.2.1\n");
	begin(&th, 1, &before);
	staging_add(staging, &change, 0, done, &staged);
	assert_int_equal(wait_for(&th, &staged), 0);
	staging_discard(staging);
	receipt_leave(th.host, &before);
	/* All that was before this one is done, too. */
	assert_int_equal(make(&th, "other", 0), 0);
	test_host_close(&th);
	test_host_open(&th);
	assert_false(is_done(&th, 1));
	teardown(&th);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_what_was_made_also_after_a_restart),
		cmocka_unit_test(keeps_the_last_call_of_each_slot),
		cmocka_unit_test(so_many_are_kept_and_the_oldest_go),
		cmocka_unit_test(one_of_an_earlier_program_is_read),
		cmocka_unit_test(has_none_of_what_is_refused_and_of_its_own),
		cmocka_unit_test(is_not_begun_when_nothing_may_be),
		cmocka_unit_test(is_of_the_close_that_publishes),
		cmocka_unit_test(has_none_of_what_is_thrown_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
