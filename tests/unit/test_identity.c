// SPDX-License-Identifier: Apache-2.0
/*
 * test_identity.c - which state it is, and which start of it
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "anchors/identity.h"

struct state {
	char dir[64];
	struct store store;
};

static void open_store(struct state *state)
{
	struct buffer why = {0};

	assert_int_equal(store_open(&state->store, state->dir, &why), 0);
	buffer_deinit(&why);
}

static int begin(void **out)
{
	struct state *state = calloc(1, sizeof(*state));

	assert_non_null(state);
	strcpy(state->dir, "/tmp/circuitfs-test-XXXXXX");
	assert_non_null(mkdtemp(state->dir));
	open_store(state);
	*out = state;
	return 0;
}

static int end(void **out)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "pid",
					    "reserve"};
	struct state *state = *out;
	char path[96];

	store_close(&state->store);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", state->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(state->dir), 0);
	free(state);
	return 0;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void a_state_stays_itself_and_each_start_is_a_later_one(void **out)
{
	struct state *state = *out;
	struct identity first, next;

	assert_int_equal(identity_take(&state->store, &first), 0);
	assert_true(first.incarnation + 10000000000 > now_ns());
	for (unsigned i = 0; i < 20; i++) {
		store_close(&state->store);
		open_store(state);
		assert_int_equal(identity_take(&state->store, &next), 0);
		assert_memory_equal(next.uuid, first.uuid, sizeof(first.uuid));
		assert_true(next.incarnation > first.incarnation);
		first = next;
	}
}

/* As after a day on a machine whose clock was a day ahead. */
static void a_clock_that_went_back_makes_no_earlier_start(void **out)
{
	struct state *state = *out;
	uint64_t ahead = now_ns() + (uint64_t)86400 * 1000000000;
	MDB_val key = {11, "incarnation"}, value = {sizeof(ahead), &ahead};
	struct identity identity;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(state->store.env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, state->store.meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	assert_int_equal(identity_take(&state->store, &identity), 0);
	assert_true(identity.incarnation > ahead);
}

static void two_states_are_two(void **out)
{
	struct state *state = *out;
	struct identity here, there;
	void *other;

	begin(&other);
	assert_int_equal(identity_take(&state->store, &here), 0);
	assert_int_equal(identity_take(&((struct state *)other)->store, &there),
			 0);
	assert_memory_not_equal(here.uuid, there.uuid, sizeof(here.uuid));
	assert_true(here.incarnation != there.incarnation);
	end(&other);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(a_state_stays_itself_and_each_start_is_a_later_one),
		CASE(a_clock_that_went_back_makes_no_earlier_start),
		CASE(two_states_are_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
