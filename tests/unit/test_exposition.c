// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "anchors/exposition.h"
#include "anchors/histogram.h"

static void expect(const struct buffer *out, const char *text)
{
	assert_int_equal(out->len, strlen(text));
	assert_memory_equal(out->data, text, out->len);
}

static void a_family_is_help_type_and_samples(void **state)
{
	CLEANUP(buffer_deinit) struct buffer out = {0};
	struct exposition to = {.out = &out};
	struct exposition_label labels[] = {{"a", "x"}, {"b", "y"}};

	(void)state;
	exposition_family(&to, "cats_total", "counter", "Cats seen.");
	exposition_sample(&to, NULL, labels, 2, 3);
	exposition_sample(&to, "_sum", labels, 1, 0.25);
	exposition_single(&to, "dogs", "gauge", "Dogs here.", 0);
	assert_int_equal(to.error, 0);
	expect(&out, "# HELP cats_total Cats seen.\n"
		     "# TYPE cats_total counter\n"
		     "cats_total{a=\"x\",b=\"y\"} 3\n"
		     "cats_total_sum{a=\"x\"} 0.25\n"
		     "# HELP dogs Dogs here.\n"
		     "# TYPE dogs gauge\n"
		     "dogs 0\n");
}

static void a_label_may_hold_any_octets(void **state)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{"ns/sub", "ns/sub"},
		{"a\\b", "a\\\\b"},
		{"a\"b\nc", "a\\\"b\\nc"},
		{"caf\xc3\xa9 \xf0\x9f\x90\xb1",
		 "caf\xc3\xa9 \xf0\x9f\x90\xb1"},
		{"\xff", "\\\\xff"},
		{"\xc3", "\\\\xc3"},
		{"\xc0\xaf", "\\\\xc0\\\\xaf"},		   /* overlong */
		{"\xed\xa0\x80", "\\\\xed\\\\xa0\\\\x80"}, /* a surrogate */
		{"\xf4\x90\x80\x80",
		 "\\\\xf4\\\\x90\\\\x80\\\\x80"}, /* too large */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buffer_deinit) struct buffer out = {0}, want = {0};
		struct exposition to = {.out = &out, .family = "m"};
		struct exposition_label label = {"l", cases[i].value};

		exposition_sample(&to, NULL, &label, 1, 1);
		buffer_printf(&want, "m{l=\"%s\"} 1\n%c", cases[i].text, 0);
		expect(&out, (char *)want.data);
	}
}

static void a_count_is_written_whole(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "m 0\n"},
		{123456789, "m 123456789\n"},
		{9007199254740991, "m 9007199254740991\n"},
		{1.5, "m 1.5\n"},
		{1795392000.25, "m 1795392000.25\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buffer_deinit) struct buffer out = {0};
		struct exposition to = {.out = &out, .family = "m"};

		exposition_sample(&to, NULL, NULL, 0, cases[i].value);
		expect(&out, cases[i].text);
	}
}

static void a_histogram_counts_up_to_its_bounds_and_above(void **state)
{
	struct histogram histogram = {0};
	uint64_t last = histogram_bound_ns(HISTOGRAM_BUCKETS - 1);

	(void)state;
	histogram_add(&histogram, 0);
	histogram_add(&histogram, histogram_bound_ns(0));
	histogram_add(&histogram, histogram_bound_ns(0) + 1);
	histogram_add(&histogram, last);
	histogram_add(&histogram, last + 1);
	assert_int_equal(histogram.counts[0], 2);
	assert_int_equal(histogram.counts[1], 1);
	assert_int_equal(histogram.counts[HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(histogram.counts[HISTOGRAM_BUCKETS], 1);
	assert_int_equal(histogram.sum_ns,
			 2 * histogram_bound_ns(0) + 2 * last + 2);
	for (unsigned i = 1; i < HISTOGRAM_BUCKETS; i++)
		assert_true(histogram_bound_ns(i) > histogram_bound_ns(i - 1));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_is_help_type_and_samples),
		cmocka_unit_test(a_label_may_hold_any_octets),
		cmocka_unit_test(a_count_is_written_whole),
		cmocka_unit_test(a_histogram_counts_up_to_its_bounds_and_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
