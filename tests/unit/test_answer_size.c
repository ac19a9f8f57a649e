// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_size.c - how large a response may be, and what gives way
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define ZONE                                                                   \
	"$ORIGIN ex.\n"                                                        \
	"@ SOA ns h 1 2 3 4 300\n"                                             \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

/* Repeats a text; each "#" in it is the number of the turn, from 0. */
static size_t repeat(char *out, size_t size, const char *format, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		for (const char *at = format; *at && len + 16 < size; at++) {
			if (*at == '#')
				len += (size_t)snprintf(out + len, size - len,
							"%d", i);
			else
				out[len++] = *at;
		}
	out[len] = '\0';
	return len;
}

static void a_response_keeps_to_the_size_that_was_asked_for(void **state)
{
	/* 26 + 16 * n octets, and 11 for OPT. */
	static const struct {
		int records;
		uint16_t edns_size, server_size;
		enum answer_transport transport;
		bool fits;
	} cases[] = {
		{30, 0, 1232, ANSWER_UDP, true},
		{31, 0, 1232, ANSWER_UDP, false},
		{31, 0, 1232, ANSWER_TCP, true},
		{29, 512, 1232, ANSWER_UDP, true},
		{30, 512, 1232, ANSWER_UDP, false},
		/* Less than 512 is 512: RFC 6891, section 6.2.3. */
		{29, 1, 1232, ANSWER_UDP, true},
		{30, 1, 1232, ANSWER_UDP, false},
		{74, 1232, 1232, ANSWER_UDP, true},
		{75, 1232, 1232, ANSWER_UDP, false},
		/* The lesser of the two counts. */
		{75, 4096, 1232, ANSWER_UDP, false},
		{75, 4096, 4096, ANSWER_UDP, true},
		{75, 1232, 4096, ANSWER_UDP, false},
		{75, 1232, 512, ANSWER_UDP, false},
		{29, 1232, 512, ANSWER_UDP, true},
		{30, 1232, 512, ANSWER_UDP, false},
		{1000, 1232, 1232, ANSWER_TCP, true},
	};
	char zone[64 * 1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct asking_query query = {"big.dev.", "A",
						   cases[i].transport,
						   cases[i].edns_size};
		const char *text;

		zone[0] = '\0';
		for (int n = 0; n < cases[i].records; n++)
			snprintf(zone + strlen(zone),
				 sizeof(zone) - strlen(zone),
				 "big.dev. A 10.0.%d.%d\n", n / 256, n % 256);
		asking_load(zone);
		asking_options()->edns_size = cases[i].server_size;
		text = asking_ask_with(&query);
		/* An RRset comes whole or not at all: RFC 2181, section 9. */
		if (cases[i].fits)
			assert_memory_equal(text, "NOERROR aa\nan ", 14);
		else
			assert_string_equal(text, "NOERROR aa tc\n");
	}
}

/* Nothing is kept free for what the OPT record does not have in the end. */
static void a_response_may_fill_its_last_octet(void **state)
{
	/* 12 of head, 13 of question, 11 of OPT, 12 + 256 + 1 + n of TXT. */
	static const struct {
		int octets;
		uint16_t edns_size;
		bool fits;
	} cases[] = {
		{207, 512, true},
		{208, 512, false},
		{218, 0, true},
		{219, 0, false},
	};
	char zone[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct asking_query query = {
			"big.dev.", "TXT", ANSWER_UDP, cases[i].edns_size};
		uint8_t packet[512], out[MESSAGE_TCP_SIZE];
		size_t len;

		snprintf(zone, sizeof(zone),
			 "big.dev. TXT \"%0255d\" \"%0*d\"\n", 0,
			 cases[i].octets, 0);
		asking_load(zone);
		len = asking_query(&query, packet);
		len = asking_send(ANSWER_UDP, packet, len, out);
		assert_int_equal(len == 512, cases[i].fits);
		assert_int_equal((out[2] & 2) == 0, cases[i].fits);
	}
}

static void
additional_data_is_dropped_before_anything_is_truncated(void **state)
{
	char zone[16 * 1024];
	const char *text;
	size_t len;

	(void)state;
	len = (size_t)snprintf(zone, sizeof(zone), ZONE);
	repeat(zone + len, sizeof(zone) - len,
	       "mx MX # m#\nm# A 192.0.2.#\nm# AAAA 2001:db8::#\n", 20);
	asking_load(zone);
	text = asking_ask("mx.ex.", "MX");
	assert_memory_equal(text, "NOERROR aa\nan ", 14);
	assert_non_null(strstr(text, "MX 19 m19.ex."));
	assert_non_null(strstr(text, "\nar m0.ex. 3600 A "));
	assert_null(strstr(text, "\nar m19.ex."));
}

static void glue_that_does_not_fit_sets_tc_if_it_is_needed(void **state)
{
	static const struct {
		const char *records;
		const char *head;
	} cases[] = {
		/* In-domain: RFC 9471, section 3.1. */
		{"cut NS ns#.cut\nns#.cut A 192.0.2.#\nns#.cut AAAA "
		 "2001:db8::#\n",
		 "NOERROR tc\nns "},
		/* Siblings': section 3.2. */
		{"cut NS ns#.sib\nns#.sib A 192.0.2.#\nns#.sib AAAA "
		 "2001:db8::#\n"
		 "sib NS ns#.sib\n",
		 "NOERROR\nns "},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct asking_query query = {"a.cut.ex.", "A", ANSWER_UDP, 0};
		char zone[16 * 1024];
		const char *text;
		size_t len = (size_t)snprintf(zone, sizeof(zone), ZONE);

		repeat(zone + len, sizeof(zone) - len, cases[i].records, 13);
		asking_load(zone);
		text = asking_ask_with(&query);
		assert_memory_equal(text, cases[i].head, strlen(cases[i].head));
		assert_non_null(strstr(text, "\nar ns0."));

		query.edns_size = 1232;
		text = asking_ask_with(&query);
		assert_memory_equal(text, "NOERROR\nns ", 11);
		assert_non_null(strstr(text, "\nar ns12."));
	}
}

static void required_glue_comes_before_that_of_siblings(void **state)
{
	char zone[16 * 1024];
	size_t len = (size_t)snprintf(zone, sizeof(zone), ZONE "sib NS ns\n");
	const char *text;

	(void)state;
	len += repeat(zone + len, sizeof(zone) - len,
		      "cut NS a#.sib\na#.sib A 192.0.2.#\na#.sib AAAA "
		      "2001:db8::#\n",
		      12);
	snprintf(zone + len, sizeof(zone) - len,
		 "cut NS z.cut\nz.cut A 192.0.2.99\n");
	asking_load(zone);
	text = asking_ask("x.cut.ex.", "A");
	assert_memory_equal(text, "NOERROR\nns ", 11);
	assert_non_null(strstr(text, "\nar z.cut.ex. 3600 A 192.0.2.99\n"));
	assert_null(strstr(text, "\nar a11.sib.ex."));
}

static void a_truncated_chain_or_referral_has_no_part_of_an_rrset(void **state)
{
	char zone[16 * 1024];
	size_t len = (size_t)snprintf(zone, sizeof(zone), ZONE);

	(void)state;
	len += repeat(zone + len, sizeof(zone) - len,
		      "cut NS a-rather-long-name-of-a-server-#.example.com.\n"
		      "big A 192.0.2.#\n",
		      40);
	snprintf(zone + len, sizeof(zone) - len, "c CNAME big\n");
	asking_load(zone);
	assert_string_equal(asking_ask("x.cut.ex.", "A"), "NOERROR tc\n");
	assert_string_equal(asking_ask("c.ex.", "A"),
			    "NOERROR aa tc\nan c.ex. 3600 CNAME big.ex.\n");
}

static void the_largest_rrset_fits_over_tcp(void **state)
{
	char zone[200 * 1024];
	const char *text;
	size_t len = 0;

	(void)state;
	/* 255 octets and 13 of head, so many that it stays below 65535. */
	for (int i = 0; i < 240; i++)
		len += (size_t)snprintf(zone + len, sizeof(zone) - len,
					"big.dev. TXT \"%0253d\"\n", i);
	asking_load(zone);
	text = asking_ask_with(
		&(struct asking_query){"big.dev.", "TXT", ANSWER_TCP, 1232});
	assert_memory_equal(text, "NOERROR aa\nan ", 14);
}

static void ten_thousand_names_do_not_exhaust_compression(void **state)
{
	char *zone = malloc(512 * 1024);
	const char *text;

	(void)state;
	assert_non_null(zone);
	repeat(zone, 512 * 1024, "many.dev. NS a#.b#.c#.example.\n", 1500);
	asking_load(zone);
	free(zone);
	text = asking_ask_with(
		&(struct asking_query){"many.dev.", "NS", ANSWER_TCP, 0});
	assert_non_null(strstr(text, " a0.b0.c0.example.\n"));
	assert_non_null(strstr(text, " a1499.b1499.c1499.example.\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_response_keeps_to_the_size_that_was_asked_for),
		cmocka_unit_test(a_response_may_fill_its_last_octet),
		cmocka_unit_test(
			additional_data_is_dropped_before_anything_is_truncated),
		cmocka_unit_test(
			glue_that_does_not_fit_sets_tc_if_it_is_needed),
		cmocka_unit_test(required_glue_comes_before_that_of_siblings),
		cmocka_unit_test(
			a_truncated_chain_or_referral_has_no_part_of_an_rrset),
		cmocka_unit_test(the_largest_rrset_fits_over_tcp),
		cmocka_unit_test(ten_thousand_names_do_not_exhaust_compression),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
