// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "fs/fleet/bus_inside.h"

#define MUCH ((size_t)128 * 1024)

static uint64_t now_ms = 1000;

static void put(struct bus_in *in, const char *subject, size_t len)
{
	bus_in_put(in, bus_item_new(BUS_MESSAGE, subject, NULL, len), now_ms);
}

static void put_word(struct bus_in *in, enum bus_item_kind kind)
{
	bus_in_put(in, bus_item_new(kind, NULL, NULL, 0), now_ms);
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
	while (in.refused == count)
		put(&in, "c.live.h4", 0);
	assert_in_range(in.octets, BUS_IN_SHARE, BUS_IN_MAX);
	bus_in_deinit(&in);
	is_empty(&in);
}

/* It comes, is taken, and was for nothing; or it was not let in. */
static void put_in_vain(struct bus_in *in, const char *subject, size_t len)
{
	struct bus_item *item;

	put(in, subject, len);
	item = in->floods ? NULL : bus_in_take(in);
	if (!item)
		return;
	bus_in_vain(in, item, now_ms);
	free(item);
}

/* How many messages it takes until somebody is shut out. */
static unsigned put_until_shut(struct bus_in *in, const char *subject,
			       size_t len)
{
	unsigned count = 0;

	for (; !in->floods && count < 100000; count++)
		put_in_vain(in, subject, len);
	return count;
}

static void who_sends_much_for_nothing_is_shut_out(void **state)
{
	struct bus_in in = {0};
	unsigned count;

	(void)state;
	put(&in, "c.rpc.h1.h3", 10);
	put(&in, "c.rpc.h1.h2", 10);
	put(&in, "c.rpc.h1.h3", 10);
	/* What was good does not count, however much it is. */
	for (int i = 0; i < 2 * BUS_VAIN_MAX; i++) {
		put(&in, "c.in.h1.h4", 10);
		free(bus_in_take(&in));
	}
	count = put_until_shut(&in, "c.in.h1.h2", 10);
	assert_in_range(count, BUS_VAIN_MAX, BUS_VAIN_MAX + 10);
	assert_int_equal(in.shut, 1);
	/* That comes first; what waits is gone, and nothing more comes. */
	put(&in, "c.live.h2", 10);
	assert_int_equal(in.refused, 1);
	next_is(&in, "c.in.h1.h2");
	assert_null(bus_in_take(&in));
	/* It is told again, if it goes on. */
	count = put_until_shut(&in, "c.live.h2", 10);
	assert_in_range(count, BUS_VAIN_MAX - 10, BUS_VAIN_MAX + 10);
	assert_int_equal(in.shut, 1);
	next_is(&in, "c.live.h2");
	now_ms += 100000;
	bus_in_sweep(&in, now_ms);
	put(&in, "c.live.h2", 10);
	assert_null(bus_in_take(&in));
	/* Who is forgiven is soon shut out again. */
	bus_in_forgive(&in, "h2", now_ms);
	count = put_until_shut(&in, "c.live.h2", 10);
	assert_in_range(count, BUS_VAIN_MAX / 8, BUS_VAIN_MAX / 8 + 10);
	assert_int_equal(in.shut, 2);
	next_is(&in, "c.live.h2");
	bus_in_forgive(&in, "h2", now_ms);
	now_ms += 100000;
	bus_in_sweep(&in, now_ms);
	is_empty(&in);
}

static void long_messages_for_nothing_count_more(void **state)
{
	struct bus_in in = {0};

	(void)state;
	assert_in_range(put_until_shut(&in, "c.rpc.h1.h2", MUCH),
			BUS_VAIN_MAX / 18, BUS_VAIN_MAX / 16);
	bus_in_deinit(&in);
	/* So do those that were not let in, as too much waited. */
	while (!in.floods)
		put(&in, "c.rpc.h1.h2", MUCH);
	assert_in_range(in.refused, BUS_VAIN_MAX / 18, BUS_VAIN_MAX / 16);
	next_is(&in, "c.rpc.h1.h2");
	assert_int_equal(in.octets, 0);
	bus_in_deinit(&in);
}

static void some_for_nothing_are_forgotten(void **state)
{
	struct bus_in in = {0};

	(void)state;
	for (int i = 0; i < 10 * BUS_VAIN_MAX; i++) {
		put_in_vain(&in, "c.rpc.h1.h2", 10);
		now_ms += i % BUS_VAIN_PER_MS == 0;
	}
	assert_int_equal(in.shut, 0);
	bus_in_sweep(&in, now_ms);
	now_ms += 10;
	bus_in_sweep(&in, now_ms);
	is_empty(&in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_sends_much_waits_for_himself),
		cmocka_unit_test(what_is_told_of_the_bus_keeps_its_place),
		cmocka_unit_test(one_sender_has_its_share_and_no_more),
		cmocka_unit_test(who_sends_much_for_nothing_is_shut_out),
		cmocka_unit_test(long_messages_for_nothing_count_more),
		cmocka_unit_test(some_for_nothing_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
