// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fs/fleet/bus_inside.h"

#define MUCH ((size_t)128 * 1024)

static void put(struct bus_in *in, const char *subject, size_t len)
{
	bus_in_put(in, bus_item_new(BUS_MESSAGE, subject, NULL, len));
}

static void put_word(struct bus_in *in, enum bus_item_kind kind)
{
	bus_in_put(in, bus_item_new(kind, NULL, NULL, 0));
}

/* The next one is of that subject; NULL: a word of the bus itself. */
static void next_is(struct bus_in *in, const char *subject)
{
	struct bus_item *item = bus_in_take(in);

	assert_non_null(item);
	if (subject)
		assert_string_equal(item->subject, subject);
	else
		assert_null(item->subject);
	free(item);
}

static void is_empty(struct bus_in *in)
{
	assert_null(bus_in_take(in));
	assert_int_equal(in->octets, 0);
	assert_null(in->senders);
}

static void who_sends_much_waits_for_himself(void **state)
{
	struct bus_in in = {0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		put(&in, i % 2 ? "c.rpc.h1.h2" : "c.in.h1.h2", 10);
	put(&in, "c.rpc.h1.h3", 10);
	put(&in, "c.live.h3", 10);
	put(&in, "c.live.h4", 10);
	next_is(&in, "c.in.h1.h2");
	next_is(&in, "c.rpc.h1.h3");
	next_is(&in, "c.live.h4");
	next_is(&in, "c.rpc.h1.h2");
	next_is(&in, "c.live.h3");
	for (int i = 2; i < 1000; i++)
		next_is(&in, i % 2 ? "c.rpc.h1.h2" : "c.in.h1.h2");
	is_empty(&in);
}

static void what_is_told_of_the_bus_keeps_its_place(void **state)
{
	struct bus_in in = {0};

	(void)state;
	put_word(&in, BUS_UP);
	put(&in, "c.in.h1.h2", 1);
	put(&in, "c.in.h1.h2", 2);
	put(&in, "c.in.h1.h3", 3);
	put_word(&in, BUS_DOWN);
	put_word(&in, BUS_UP);
	put(&in, "c.in.h1.h4", 4);
	put(&in, "c.in.h1.h3", 5);
	next_is(&in, NULL);
	next_is(&in, "c.in.h1.h2");
	next_is(&in, "c.in.h1.h3");
	next_is(&in, "c.in.h1.h2");
	next_is(&in, NULL);
	next_is(&in, NULL);
	next_is(&in, "c.in.h1.h4");
	next_is(&in, "c.in.h1.h3");
	is_empty(&in);
}

static void one_sender_has_its_share_and_no_more(void **state)
{
	size_t count = BUS_IN_SHARE / MUCH + 10;
	struct bus_in in = {0};

	(void)state;
	for (size_t i = 0; i < count; i++)
		put(&in, "c.rpc.h1.h2", MUCH);
	assert_in_range(in.octets, BUS_IN_SHARE - 2 * MUCH, BUS_IN_SHARE);
	assert_in_range(in.refused, 10, 12);
	/* Another one has its own; and what is taken makes room. */
	put(&in, "c.rpc.h1.h3", MUCH);
	next_is(&in, "c.rpc.h1.h2");
	count = in.refused;
	put(&in, "c.rpc.h1.h2", MUCH);
	assert_int_equal(in.refused, count);
	next_is(&in, "c.rpc.h1.h3");
	/* Small ones take memory, too. */
	for (size_t i = 0; i < BUS_IN_SHARE / 64; i++)
		put(&in, "c.live.h4", 0);
	assert_in_range(in.octets, BUS_IN_SHARE, BUS_IN_MAX);
	bus_in_deinit(&in);
	is_empty(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_sends_much_waits_for_himself),
		cmocka_unit_test(what_is_told_of_the_bus_keeps_its_place),
		cmocka_unit_test(one_sender_has_its_share_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
