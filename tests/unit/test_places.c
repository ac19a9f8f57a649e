// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dns/serve/places.h"

static struct address at(const char *text)
{
	struct address address;

	assert_int_equal(address_parse(text, &address), 0);
	return address;
}

static unsigned take_all(struct places *places, const char *text)
{
	struct address client = at(text);
	unsigned count = 0;

	while (places_take(places, &client))
		count++;
	return count;
}

static void leave(struct places *places, const char *text, unsigned count)
{
	struct address client = at(text);

	while (count--)
		places_leave(places, &client);
}

static void each_site_leaves_as_many_as_it_has(void **state)
{
	static const struct {
		unsigned most, shares[5];
	} cases[] = {
		{1, {1, 0}},
		{2, {1, 1, 0}},
		{4, {2, 1, 1, 0}},
		{250, {125, 63, 31, 16, 8}},
	};
	static const char *const sites[] = {"192.0.2.1:1", "192.0.2.2:1",
					    "192.0.2.3:1", "[2001:db8::1]:1",
					    "192.0.2.4:1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct places places;

		assert_int_equal(places_init(&places, cases[i].most), 0);
		for (size_t j = 0; j < ARRAY_SIZE(sites); j++)
			assert_int_equal(take_all(&places, sites[j]),
					 cases[i].shares[j]);
		for (size_t j = 0; j < ARRAY_SIZE(sites); j++)
			leave(&places, sites[j], cases[i].shares[j]);
		assert_int_equal(places_taken(&places), 0);
		places_deinit(&places);
	}
}

static void a_site_is_an_address_or_a_network_of_ipv6(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"192.0.2.1:1", "192.0.2.1:2", true},
		{"192.0.2.1:1", "192.0.2.2:1", false},
		{"[2001:db8::1]:1", "[2001:db8::ffff:1]:9", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address client = at(cases[i].b);
		struct places places;
		unsigned has;

		assert_int_equal(places_init(&places, 8), 0);
		has = take_all(&places, cases[i].a);
		assert_int_equal(has, 4);
		assert_int_equal(places_take(&places, &client), !cases[i].same);
		if (!cases[i].same)
			places_leave(&places, &client);
		leave(&places, cases[i].a, has);
		places_deinit(&places);
	}
}

static void what_is_left_is_taken_again(void **state)
{
	struct places places;

	(void)state;
	assert_int_equal(places_init(&places, 8), 0);
	assert_int_equal(take_all(&places, "192.0.2.1"), 4);
	assert_int_equal(take_all(&places, "192.0.2.2"), 2);
	leave(&places, "192.0.2.1", 4);
	assert_int_equal(take_all(&places, "192.0.2.2"), 2);
	assert_int_equal(take_all(&places, "192.0.2.1"), 2);
	leave(&places, "192.0.2.2", 4);
	leave(&places, "192.0.2.1", 2);
	places_deinit(&places);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_site_leaves_as_many_as_it_has),
		cmocka_unit_test(a_site_is_an_address_or_a_network_of_ipv6),
		cmocka_unit_test(what_is_left_is_taken_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
