// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "anchors/transfer/fair.h"
#include "dns/wire/util.h"
#include "tests/unit/chance.h"

#define HOSTS 5
#define EACH  20

static struct address host(unsigned number)
{
	struct address at = {.kind = ADDRESS_IPV4, .port = 53};

	at.ip[0] = 192;
	at.ip[3] = (uint8_t)number;
	return at;
}

static void wait_for(struct fair *fair, struct fair_turn *turn, unsigned number)
{
	struct address at = host(number);

	assert_int_equal(fair_wait(fair, turn, number, &at), 0);
}

static void a_user_with_many_hosts_leaves_as_much_as_he_has(void **state)
{
	struct fair fair = {.most = 8, .most_each = 2};
	struct fair_turn his[10] = {{0}}, others[3] = {{0}};
	struct address at;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(his); i++) {
		at = host(i);
		assert_int_equal(fair_wait(&fair, &his[i], 7, &at), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(fair_next(&fair), &his[i]);
	assert_null(fair_next(&fair));
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++) {
		at = host(i);
		assert_int_equal(fair_wait(&fair, &others[i], 8, &at), 0);
	}
	assert_ptr_equal(fair_next(&fair), &others[0]);
	assert_ptr_equal(fair_next(&fair), &others[1]);
	assert_null(fair_next(&fair));
	/* What one gives back is for who has less. */
	fair_end(&fair, &his[0]);
	assert_ptr_equal(fair_next(&fair), &others[2]);
	assert_null(fair_next(&fair));
	for (unsigned i = 0; i < ARRAY_SIZE(his); i++)
		fair_end(&fair, &his[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
		fair_end(&fair, &others[i]);
	assert_null(fair.users);
	assert_null(fair.ready);
}

static void a_host_with_much_to_do_leaves_turns_to_others(void **state)
{
	struct fair fair = {.most = 4, .most_each = 2};
	struct fair_turn many[10] = {{0}}, few = {0}, other = {0}, late = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		wait_for(&fair, &many[i], 1);
	assert_ptr_equal(fair_next(&fair), &many[0]);
	assert_ptr_equal(fair_next(&fair), &many[1]);
	/* That is all that one may have, though there is room. */
	assert_null(fair_next(&fair));
	wait_for(&fair, &few, 2);
	assert_ptr_equal(fair_next(&fair), &few);
	wait_for(&fair, &other, 3);
	assert_ptr_equal(fair_next(&fair), &other);
	/* That is all that all may have. */
	wait_for(&fair, &late, 4);
	assert_null(fair_next(&fair));
	fair_end(&fair, &many[1]);
	assert_ptr_equal(fair_next(&fair), &late);
	fair_end(&fair, &late);
	/* One is left, and one he has. */
	assert_null(fair_next(&fair));
	fair_end(&fair, &few);
	assert_ptr_equal(fair_next(&fair), &many[2]);
	assert_null(fair_next(&fair));
	fair_end(&fair, &other);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		fair_end(&fair, &many[i]);
	assert_int_equal(fair.on, 0);
	assert_null(fair.users);
	assert_null(fair.ready);
}

static void hosts_have_turns_one_after_the_other(void **state)
{
	struct fair fair = {.most = 100, .most_each = 100};
	struct fair_turn turns[3][3] = {{{0}}};

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++)
			wait_for(&fair, &turns[i][j], i);
	for (unsigned j = 0; j < 3; j++)
		for (unsigned i = 0; i < 3; i++)
			assert_ptr_equal(fair_next(&fair), &turns[i][j]);
	assert_null(fair_next(&fair));
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++)
			fair_end(&fair, &turns[i][j]);
	assert_null(fair.users);
}

static void another_port_is_another_host(void **state)
{
	struct fair fair = {.most = 4, .most_each = 1};
	struct fair_turn a = {0}, b = {0};
	struct address other = host(1);

	(void)state;
	other.port = 54;
	wait_for(&fair, &a, 1);
	assert_int_equal(fair_wait(&fair, &b, 1, &other), 0);
	assert_ptr_equal(fair_next(&fair), &a);
	assert_ptr_equal(fair_next(&fair), &b);
	fair_end(&fair, &a);
	fair_end(&fair, &b);
	/* And once more, for who is not in it. */
	fair_end(&fair, &b);
	assert_null(fair.users);
}

/* What is true at any time, by looking at all turns. */
static void check(const struct fair *fair, struct fair_turn turns[HOSTS][EACH])
{
	unsigned all = 0;

	for (unsigned i = 0; i < HOSTS; i++) {
		unsigned on = 0;

		for (unsigned j = 0; j < EACH; j++)
			on += turns[i][j].is_on;
		assert_true(on <= fair->most_each);
		all += on;
	}
	assert_int_equal(fair->on, all);
	assert_true(all <= fair->most);
}

/* Is there a host, each another user's, that may have one more? */
static bool may_go_on(const struct fair *fair,
		      struct fair_turn turns[HOSTS][EACH])
{
	for (unsigned i = 0; fair->on < fair->most && i < HOSTS; i++) {
		unsigned on = 0, waits = 0;

		for (unsigned j = 0; j < EACH; j++) {
			on += turns[i][j].is_on;
			waits += turns[i][j].queue && !turns[i][j].is_on;
		}
		if (waits && on < fair->most_each && on < fair->most - fair->on)
			return true;
	}
	return false;
}

static void nobody_waits_where_there_is_room_and_bounds_hold(void **state)
{
	static struct fair_turn turns[HOSTS][EACH];
	struct fair fair = {.most = 7, .most_each = 3};

	(void)state;
	for (unsigned step = 0; step < 20000; step++) {
		unsigned i = chance(HOSTS);
		struct fair_turn *turn = &turns[i][chance(EACH)];
		bool may = may_go_on(&fair, turns);

		if (chance(2)) {
			assert_int_equal(fair_next(&fair) != NULL, may);
		} else if (turn->queue) {
			fair_end(&fair, turn);
		} else {
			wait_for(&fair, turn, i);
		}
		check(&fair, turns);
	}
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned j = 0; j < EACH; j++)
			fair_end(&fair, &turns[i][j]);
	assert_null(fair.users);
	assert_null(fair.ready);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_with_much_to_do_leaves_turns_to_others),
		cmocka_unit_test(
			a_user_with_many_hosts_leaves_as_much_as_he_has),
		cmocka_unit_test(hosts_have_turns_one_after_the_other),
		cmocka_unit_test(another_port_is_another_host),
		cmocka_unit_test(
			nobody_waits_where_there_is_room_and_bounds_hold),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
