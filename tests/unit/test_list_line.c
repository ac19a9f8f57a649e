// SPDX-License-Identifier: Apache-2.0
/*
 * test_list_line.c - lines of `secondaries`, `primaries`, `updates`, `catalog`
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/text/list_line.h"
#include "tables.h"

static struct name zone;

static const struct name *zone_of(bool is_of_zone)
{
	return is_of_zone ? &zone : NULL;
}

/* The canonical text of @text, or the reason why there is none. */
static const char *merged(enum list_format format, bool is_of_zone,
			  const char *former, const char *text)
{
	static char said[2 * LIST_TEXT_MAX];
	CLEANUP(buffer_deinit) struct buffer out = {0};
	struct refusal why = {0};
	int r = list_merge(format, zone_of(is_of_zone), former, strlen(former),
			   text, strlen(text), &out, &why);

	if (r < 0)
		snprintf(said, sizeof(said), "%u: %s", why.line, why.reason);
	else
		snprintf(said, sizeof(said), "%.*s", (int)out.len,
			 out.data ? (char *)out.data : "");
	if (r < 0)
		assert_int_equal(out.len, 0);
	return said;
}

struct text_case {
	enum list_format format;
	bool is_of_zone;
	const char *text, *said;
};

static void check(const struct text_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct text_case *c = &cases[i];
		const char *said =
			merged(c->format, c->is_of_zone, "", c->text);

		if (strcmp(said, c->said) != 0)
			fail_msg("%s\n--- wanted\n%s\n--- got\n%s", c->text,
				 c->said, said);
		if (c->said[0] >= '1' && c->said[1] == ':')
			continue;
		/* Canonical text is what it is made of. */
		said = merged(c->format, c->is_of_zone, "", c->said);
		assert_string_equal(said, c->said);
	}
}

#define TO LIST_OF_SECONDARIES, false

static void peers_are_addresses_networks_or_any_with_a_key(void **state)
{
	static const struct text_case cases[] = {
		{TO, "", ""},
		{TO, "\n # nobody\n\t\n", ""},
		{TO, "192.0.2.2", "192.0.2.2\n"},
		{TO, "192.0.2.2:53", "192.0.2.2:53\n"},
		{TO, "  192.0.2.2:5300\tXFR # ours\r\n",
		 "192.0.2.2:5300 xfr.\n"},
		{TO, "2001:DB8::1", "2001:db8::1\n"},
		{TO, "[2001:db8::1]", "2001:db8::1\n"},
		{TO, "[2001:db8::1]:5300 a.b", "[2001:db8::1]:5300 a.b.\n"},
		{TO, "192.0.2.77/24", "192.0.2.0/24\n"},
		{TO, "192.0.2.77/32", "192.0.2.77/32\n"},
		{TO, "0.0.0.0/0", "0.0.0.0/0\n"},
		{TO, "2001:db8:1234::/33 k", "2001:db8::/33 k.\n"},
		{TO, "::ffff:192.0.2.1", "192.0.2.1\n"},
		{TO, "::ffff:192.0.2.1/120", "192.0.2.0/24\n"},
		{TO, "ANY", "any\n"},
		{TO, "any edns", "any edns.\n"},
		{TO, "any \\035x", "any \\035x.\n"},
		{TO, "any #x", "any\n"},
		{TO, "any x#y", "any x#y.\n"},
		{LIST_OF_PRIMARIES, true, "192.0.2.1 k\n[::1]:53\n",
		 "192.0.2.1 k.\n[::1]:53\n"},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void wrong_peers_are_refused_with_line_and_reason(void **state)
{
	static const char no[] = "1: not an address, network or \"any\"";
	static const struct text_case cases[] = {
		{TO, "192.0.2", no},
		{TO, "192.0.2.256", no},
		{TO, "192.0.2.1:0", no},
		{TO, "192.0.2.1:65536", no},
		{TO, "192.0.2.1/33", no},
		{TO, "192.0.2.1/", no},
		{TO, "192.0.2.1/-1", no},
		{TO, "192.0.2.1:53/24", no},
		{TO, "[::1]:53/64", no},
		{TO, "[::1]/64", "::/64\n"},
		{TO, "::1/129", no},
		{TO, "fe80::1%eth0", no},
		{TO, ":53", no},
		{TO, "off", no},
		{TO, "xfr", no},
		{TO, "192.0.2.1 k k2", "1: more than an address and a key"},
		{TO, "192.0.2.1\n\n192.0.2.1 a..b",
		 "3: the key's name: a name has an empty label"},
		{TO, "192.0.2.1 .", "1: no key has that name"},
		{LIST_OF_PRIMARIES, true, "any", "1: not an address"},
		{LIST_OF_PRIMARIES, true, "192.0.2.0/24", "1: not an address"},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

#define UP  LIST_OF_UPDATES, true
#define ALL LIST_OF_UPDATES, false

static void updates_tell_keys_from_addresses(void **state)
{
	static const struct text_case cases[] = {
		{UP, "Acme", "acme.\n"},
		{UP, "192.0.2.1", "192.0.2.1\n"},
		{UP, "192.0.2.0/24 www A", "192.0.2.0/24 www A\n"},
		{UP, "any", "any.\n"},
		{UP, "10", "10.\n"},
		{UP, "192.0.2", "192.0.2.\n"},
		{UP, "a1.2.3.4", "a1.2.3.4.\n"},
		{UP, "\\:a\\/b:", "1: not an address or network"},
		{UP, "\\:a\\/b", "\\058a\\047b.\n"},
		{UP, "fe80::g", "1: not an address or network"},
		{UP, "192.0.2.300", "1: not an address or network"},
		{UP, "192.0.2.1:53", "1: not an address or network"},
		{UP, "[::1]:53", "1: not an address or network"},
		{UP, "2001:db8::g", "1: not an address or network"},
		{UP, "192.0.2.0/240", "1: not an address or network"},
		{UP, "k www A TXT",
		 "1: more than a key or address, name and types"},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void names_and_types_have_one_text(void **state)
{
	static const char no_types[] = "1: not a list of types such as A,TXT";
	static const struct text_case cases[] = {
		{UP, "k www", "k. www\n"},
		{UP, "k WWW.Example.Org.", "k. www\n"},
		{UP, "k @ a,type28,A,TYPE65280", "k. @ A,AAAA,TYPE65280\n"},
		{UP, "k example.org.", "k. @\n"},
		{UP, "k _acme-challenge.* TXT", "k. _acme-challenge.* TXT\n"},
		{UP, "k a.b.* TXT", "k. a.b.* TXT\n"},
		{UP, "k *", "k. *\n"},
		{UP, "k * TXT", "k. * TXT\n"},
		/* Stars that are labels. */
		{UP, "k \\042", "k. \\042\n"},
		{UP, "k a.\\042", "k. a.\\042\n"},
		{UP, "k *.a", "k. *.a\n"},
		{UP, "k *.*", "k. \\042.*\n"},
		{UP, "k a\\.*", "k. a\\.*\n"},
		{UP, "k a\\\\.*", "k. a\\\\.*\n"},
		{UP, "k a*", "k. a*\n"},
		{UP, "k a.\\*", "k. a.\\042\n"},
		{UP, "k *.example.org.", "k. \\042\n"},
		{UP, "k \\035a", "k. \\035a\n"},
		{UP, "k www.example.net.", "1: it is not in the zone"},
		{UP, "k a..b", "1: a name has an empty label"},
		{UP, "k a ,", no_types},
		{UP, "k a A,", no_types},
		{UP, "k a A,,B", no_types},
		{UP, "k a ANY", no_types},
		{UP, "k a OPT", no_types},
		{UP, "k a NOTYPE", no_types},
		{ALL, "k www.example.org A", "k. www.example.org. A\n"},
		{ALL, "k _acme-challenge.*", "k. _acme-challenge.*\n"},
		{ALL, "k _acme-challenge.*.", "k. _acme-challenge.*\n"},
		{ALL, "k a.\\042", "k. a.\\042.\n"},
		{ALL, "k .", "k. .\n"},
		{ALL, "k @", "k. .\n"},
		{LIST_OF_NAME, false, "Catalog.Example", "catalog.example.\n"},
		{LIST_OF_NAME, false, "a b", "1: more than a name"},
		{LIST_OF_NAME, false, "a\na.\n", "a.\n"},
		{LIST_OF_NAME, false, "a\nb\n", "2: more than one name"},
	};

	(void)state;
	check(cases, ARRAY_SIZE(cases));
}

static void a_line_is_there_once_whatever_it_was_written_like(void **state)
{
	(void)state;
	assert_string_equal(merged(TO, "192.0.2.1 a.\n192.0.2.2\n",
				   "192.0.2.2\n192.0.2.3\n192.0.2.1 A\n"
				   "192.0.2.1\n192.0.2.03\n"),
			    "5: not an address, network or \"any\"");
	assert_string_equal(merged(TO, "192.0.2.1 a.\n192.0.2.2\n",
				   "192.0.2.2\n192.0.2.3\n192.0.2.1 A\n"
				   "192.0.2.1\n"),
			    "192.0.2.1 a.\n192.0.2.2\n192.0.2.3\n"
			    "192.0.2.1\n");
}

static char *many_lines(unsigned count, const char *end)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(buffer_printf(&text, "10.0.%u.%u%s\n", i / 256,
					       i % 256, end),
				 0);
	assert_int_equal(buffer_add(&text, "", 1), 0);
	return (char *)steal(&text.data);
}

static void there_are_bounds(void **state)
{
	char *most = many_lines(LIST_LINES_MAX, "");
	char *more = many_lines(LIST_LINES_MAX + 1, "");
	char *long_lines =
		many_lines(1000, " a2345678901234567890123456789012345678"
				 "90123456789012345678901234567890");

	(void)state;
	assert_int_equal(strlen(merged(TO, "", most)), strlen(most));
	assert_string_equal(merged(TO, most, "10.0.0.0\n"), most);
	assert_string_equal(merged(TO, "", more), "1025: more than 1024 lines");
	assert_string_equal(merged(TO, most, "9.0.0.0\n"),
			    "1: more than 1024 lines");
	assert_non_null(strstr(merged(TO, "", long_lines),
			       ": the key's name: a label is longer"));
	free(most);
	free(more);
	free(long_lines);
}

static void all_octets_together_have_a_bound(void **state)
{
	char *text =
		many_lines(1000, " a23456789012345678901234567890123456789."
				 "a23456789012345678901234567890123456789");

	(void)state;
	assert_non_null(strstr(merged(TO, "", text), ": more than 65536 oct"));
	free(text);
}

static void the_clients_address_is_compared_by_the_bits_that_count(void **state)
{
	static const struct {
		const char *line, *client;
		bool matches;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1:53", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::c000:201", false},
		{"192.0.2.0/24", "192.0.2.255", true},
		{"192.0.2.0/24", "192.0.3.0", false},
		{"192.0.2.128/25", "192.0.2.127", false},
		{"192.0.2.128/25", "192.0.2.128", true},
		{"0.0.0.0/0", "203.0.113.1", true},
		{"0.0.0.0/0", "2001:db8::1", false},
		{"::/0", "2001:db8::1", true},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"2001:db8::1", "2001:db8::1", true},
		{"2001:db8::1", "2001:db8::2", false},
		{"any", "2001:db8::2", true},
		{"any", "192.0.2.1", true},
	};
	struct address client;
	struct list_line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t at = 0;

		assert_int_equal(
			list_line_next(LIST_OF_SECONDARIES, NULL, cases[i].line,
				       strlen(cases[i].line), &at, &line, NULL),
			0);
		assert_int_equal(address_parse(cases[i].client, &client), 0);
		if (list_line_matches(&line, &client) != cases[i].matches)
			fail_msg("%s %s", cases[i].line, cases[i].client);
	}
}

static void a_line_lets_change_what_it_names(void **state)
{
	static const struct {
		bool is_of_zone;
		const char *line, *name;
		uint16_t type;
		bool lets;
	} cases[] = {
		{true, "k", "www.example.org", 1, true},
		{true, "k", "www.example.org", 0, true},
		{true, "k www", "WWW.example.org", 1, true},
		{true, "k www", "www.example.org", 0, true},
		{true, "k www", "a.www.example.org", 1, false},
		{true, "k www", "example.org", 1, false},
		{true, "k www A", "www.example.org", 1, true},
		{true, "k www A", "www.example.org", 16, false},
		{true, "k www A", "www.example.org", 0, false},
		{true, "k @ A,TXT", "example.org", 16, true},
		{true, "k _acme.*", "_acme.example.org", 16, true},
		{true, "k _acme.*", "_ACME.a.example.org", 16, true},
		{true, "k _acme.*", "_acme.a.b.example.org", 16, true},
		{true, "k _acme.*", "x._acme.example.org", 16, false},
		{true, "k _acme.*", "a.example.org", 16, false},
		{true, "k _acme.*", "example.org", 16, false},
		{true, "k _acme.*", "_acme.example.net", 16, false},
		{true, "k _acme.*", "_acme.ample.org", 16, false},
		{true, "k a.b.*", "a.b.example.org", 16, true},
		{true, "k a.b.*", "a.c.b.example.org", 16, false},
		{true, "k example.*", "example.org", 16, false},
		{true, "k *", "example.org", 16, true},
		{true, "k * TXT", "x.example.org", 16, true},
		{true, "k * TXT", "x.example.org", 1, false},
		{true, "k \\042", "*.example.org", 1, true},
		{true, "k \\042", "x.example.org", 1, false},
		{false, "k _acme.*", "_acme.example.org", 16, true},
		{false, "k _acme.*", "_acme", 16, false},
		{false, "k *", "org", 16, true},
		{false, "k *", ".", 16, false},
		{false, "k www.example.org", "www.example.org", 16, true},
		{false, "k www", "www.example.org", 16, false},
	};
	struct list_line line;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct name *of = zone_of(cases[i].is_of_zone);
		struct name name = test_name(cases[i].name);
		size_t at = 0;

		assert_int_equal(
			list_line_next(LIST_OF_UPDATES, of, cases[i].line,
				       strlen(cases[i].line), &at, &line, NULL),
			0);
		if (list_line_names(&line, of, &name, cases[i].type) !=
		    cases[i].lets)
			fail_msg("%s: %s %u", cases[i].line, cases[i].name,
				 cases[i].type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			peers_are_addresses_networks_or_any_with_a_key),
		cmocka_unit_test(wrong_peers_are_refused_with_line_and_reason),
		cmocka_unit_test(updates_tell_keys_from_addresses),
		cmocka_unit_test(names_and_types_have_one_text),
		cmocka_unit_test(
			a_line_is_there_once_whatever_it_was_written_like),
		cmocka_unit_test(there_are_bounds),
		cmocka_unit_test(all_octets_together_have_a_bound),
		cmocka_unit_test(
			the_clients_address_is_compared_by_the_bits_that_count),
		cmocka_unit_test(a_line_lets_change_what_it_names),
	};

	zone = test_name("example.org");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
