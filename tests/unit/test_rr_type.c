// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "dns/wire/rr_type.h"
#include "dns/wire/util.h"

/* Numbers as RFC 1035, 1183, 2163, 2230, 2672 and 2782 have them. */
static void names_are_where_the_fields_have_them(void **state)
{
	static const struct {
		uint16_t type;
		struct rr_names names;
	} cases[] = {
		{2, {0, 1, 0, true}},	{3, {0, 1, 0, true}},
		{4, {0, 1, 0, true}},	{5, {0, 1, 0, true}},
		{6, {0, 2, 20, true}},	{7, {0, 1, 0, true}},
		{8, {0, 1, 0, true}},	{9, {0, 1, 0, true}},
		{12, {0, 1, 0, true}},	{14, {0, 2, 0, true}},
		{15, {2, 1, 0, true}},	{17, {0, 2, 0, false}},
		{18, {2, 1, 0, false}}, {21, {2, 1, 0, false}},
		{26, {2, 2, 0, false}}, {33, {6, 1, 0, false}},
		{36, {2, 1, 0, false}}, {39, {0, 1, 0, false}},
	};
	size_t next = 0;

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		struct rr_names names = rr_names((uint16_t)type), none = {0};
		bool is_case =
			next < ARRAY_SIZE(cases) && cases[next].type == type;
		struct rr_names want = is_case ? cases[next].names : none;

		next += is_case;
		if (names.skip != want.skip || names.count != want.count ||
		    names.tail != want.tail || names.compress != want.compress)
			fail_msg("TYPE%u", type);
	}
}

static void a_target_is_behind_the_fields_before_it(void **state)
{
	static const struct {
		uint16_t type;
		int offset;
	} cases[] = {{2, 0},  {15, 2}, {33, 6},	 {64, 2},    {65, 2},
		     {1, -1}, {5, -1}, {36, -1}, {65280, -1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(rr_target_offset(cases[i].type),
				 cases[i].offset);
}

static void each_place_in_metrics_is_one_types(void **state)
{
	unsigned places[RR_COUNTED + 1] = {0};

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		unsigned place = rr_type_of((uint16_t)type)->counted;

		assert_true(place <= RR_COUNTED);
		places[place]++;
		if (place)
			assert_int_equal(rr_type_counted(place), type);
	}
	for (unsigned place = 1; place <= RR_COUNTED; place++)
		assert_int_equal(places[place], 1);
}

/* What may be missing is the end of the RDATA, and so is what has any size. */
static void a_row_ends_in_the_fields_that_may_be_missing(void **state)
{
	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		const struct rr_type *row = rr_type_of((uint16_t)type);
		const uint8_t *field = row->fields;

		assert_int_equal(row->fields[RR_FIELDS_MAX], FIELD_NONE);
		assert_true(row->name[0] || !row->fields[0]);
		assert_true(memchr(row->name, '\0', sizeof(row->name)));
		for (; *field; field++) {
			assert_true(FIELD_KIND(*field) < FIELD_KINDS);
			if (*field & FIELD_REPEATED)
				assert_int_equal(field[1], FIELD_NONE);
			else if (*field & FIELD_OPTIONAL && field[1])
				assert_true(field[1] & FIELD_OPTIONAL);
		}
	}
}

static void no_two_types_have_one_name(void **state)
{
	char text[16];
	uint16_t back;

	(void)state;
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		size_t len = rr_type_to_text((uint16_t)type, text);

		assert_int_equal(rr_type_from_text(text, len, &back), 0);
		assert_int_equal(back, type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_where_the_fields_have_them),
		cmocka_unit_test(a_target_is_behind_the_fields_before_it),
		cmocka_unit_test(each_place_in_metrics_is_one_types),
		cmocka_unit_test(a_row_ends_in_the_fields_that_may_be_missing),
		cmocka_unit_test(no_two_types_have_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
