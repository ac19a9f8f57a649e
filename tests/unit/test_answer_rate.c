// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_rate.c - what a client past its rate is told, and what it costs
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define ZONE                                                                   \
	"ex. SOA ns.ex. host.ex. 1 2 3 4 300\n"                                \
	"ex. NS ns.ex.\n"                                                      \
	"a.ex. TXT \"123456789012345678901234567890123456789012345678901\"\n"  \
	"b.ex. A 192.0.2.1\n"                                                  \
	"*.w.ex. A 192.0.2.1\n"                                                \
	"cut.ex. NS ns.cut.ex.\n"                                              \
	"ns.cut.ex. A 192.0.2.1\n"

static const struct sockaddr_in client = {
	.sin_family = AF_INET,
	.sin_addr = {0x010200c0},
};
static struct limiter *limiter;
static struct cookies cookies;
static uint8_t nsid[ANSWER_NSID_SIZE];

static void load(unsigned rate, const char *text)
{
	asking_load(text);
	asking_client = (const struct sockaddr *)&client;
	limiter = limiter_free(limiter);
	assert_int_equal(limiter_new(&limiter, rate, true), 0);
	assert_int_equal(cookie_init(&cookies), 0);
	asking_options()->limiter = limiter;
	asking_options()->cookies = &cookies;
	asking_options()->nsid = nsid;
	asking_options()->nsid_len = sizeof(nsid);
}

static int end(void **state)
{
	limiter = limiter_free(limiter);
	return test_tables_close(state);
}

static const char *ask(const char *name, const char *type)
{
	return asking_ask_with(
		&(struct asking_query){name, type, ANSWER_UDP, 1232});
}

/* Of a name's data, and of what is at or below a cut if the cut is asked. */
static void who_is_past_the_rate_of_a_name_costs_no_look(void **state)
{
	static const struct asking_query cases[] = {
		{"a.ex.", "TXT", ANSWER_UDP, 0},
		{"b.ex.", "TXT", ANSWER_UDP, 0},
		{"cut.ex.", "A", ANSWER_UDP, 0},
		{"ex.", "SOA", ANSWER_UDP, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned limited = 0;

		load(2, ZONE);
		for (unsigned n = 0; n < 3; n++) {
			asking_ask_with(&cases[i]);
			assert_true(asking_effort() > 0);
			assert_int_equal(asking_facts()->is_limited, n == 2);
		}
		for (unsigned n = 0; n < 10; n++) {
			const char *text = asking_ask_with(&cases[i]);

			assert_int_equal(asking_effort(), 0);
			assert_true(asking_facts()->is_limited);
			limited += !strcmp(text, "NOERROR tc\n");
		}
		assert_int_equal(limited, 5);
	}
}

/* What only a look can tell apart is looked at. */
static void who_is_past_one_rate_gets_what_has_another(void **state)
{
	static const struct asking_case cases[] = {
		{"b.ex.", "A", "NOERROR aa\nan b.ex. 3600 A 192.0.2.1\n"},
		{"x.cut.ex.", "A",
		 "NOERROR\nns cut.ex. 3600 NS ns.cut.ex.\n"
		 "ar ns.cut.ex. 3600 A 192.0.2.1\n"},
		{"cut.ex.", "DS",
		 "NOERROR aa\nns ex. 300 SOA ns.ex. host.ex. 1 2 3 4 300\n"},
		{"1.w.ex.", "A", "NOERROR aa\nan 1.w.ex. 3600 A 192.0.2.1\n"},
		{"x.ex.", "A",
		 "NXDOMAIN aa\nns ex. 300 SOA ns.ex. host.ex. 1 2 3 4 300\n"},
		{"other.", "A", "REFUSED\n"},
	};

	(void)state;
	load(1, ZONE);
	ask("a.ex.", "TXT");
	for (unsigned n = 0; n < 5; n++)
		ask("a.ex.", "TXT");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(ask(cases[i].name, cases[i].type),
				    cases[i].answer);
	/* The zone's names that are not there have no more; others have. */
	for (unsigned n = 0; n < 3; n++)
		assert_string_not_equal(ask("y.ex.", "A"), cases[4].answer);
}

static size_t add_option(uint8_t *at, uint16_t code, size_t len)
{
	put_u16(at, code);
	put_u16(at + 2, (uint16_t)len);
	memset(at + 4, 'c', len);
	return 4 + len;
}

/*
 * Past the rate at last something comes back: NSID, which may be long, and
 * extended errors are not in it. A server cookie has 16 octets.
 */
static void who_is_past_the_rate_is_not_told_more_than_was_asked(void **state)
{
	static const struct {
		const char *name, *type;
		uint8_t header, version;
		bool nsid;
		size_t cookie, more;
	} cases[] = {
		{"a.ex.", "TXT", .nsid = true},
		{"a.ex.", "TXT", .nsid = false},
		{"a.ex.", "TXT", .nsid = true, .cookie = 8, .more = 16},
		{"a.ex.", "TXT", .nsid = true, .cookie = 24},
		{"cut.ex.", "A", .nsid = true},
		{"x.ex.", "A", .nsid = true},
		{"other.", "A", .nsid = true},
		{"other.", "A", .nsid = true, .cookie = 24},
		{"ex.", "AXFR", .nsid = true},
		{"ex.", "A", .nsid = true, .version = 1},
		{"ex.", "A", .nsid = true, .header = 0x20}, /* NOTIFY */
		{"ex.", "A", .nsid = true, .cookie = 5},    /* FORMERR */
	};
	static uint8_t query[1024], out[MESSAGE_TCP_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned told = 0;
		size_t len, opt;

		load(1, ZONE);
		len = asking_query(&(struct asking_query){cases[i].name,
							  cases[i].type,
							  ANSWER_UDP, 1232},
				   query);
		opt = len - 11;
		query[2] |= cases[i].header;
		query[opt + 6] = cases[i].version;
		if (cases[i].nsid)
			len += add_option(query + len, 3, 0);
		if (cases[i].cookie)
			len += add_option(query + len, 10, cases[i].cookie);
		put_u16(query + opt + 9, (uint16_t)(len - opt - 11));
		assert_true(asking_send(ANSWER_UDP, query, len, out) > 0);
		for (unsigned n = 0; n < 6; n++) {
			size_t sent = asking_send(ANSWER_UDP, query, len, out);

			assert_true(sent <= len + cases[i].more);
			told += sent != 0;
		}
		assert_int_equal(told, 3);
	}
}

/* Fifteen labels a target, with records and a neighbour each. */
static void what_takes_long_to_find_counts_as_several(void **state)
{
	struct buffer text = {0};
	unsigned sent = 0;

	(void)state;
	buffer_add_text(&text, "ex. SOA ns h 1 2 3 4 300\nb.ex. A 192.0.2.1\n");
	for (unsigned i = 0; i < 20; i++) {
		char name[128];
		int len = snprintf(name, sizeof(name), "m%u.ex.", i);

		for (unsigned labels = 0; labels < 15; labels++) {
			buffer_printf(&text, "%s TXT a\n-.%s TXT a\n", name,
				      name);
			memmove(name + 2, name, (size_t)len + 1);
			memcpy(name, "a.", 2);
			len += 2;
		}
		buffer_printf(&text, "ex. MX 1 %s\n%s A 192.0.2.1\n", name,
			      name);
	}
	buffer_add(&text, "", 1);
	load(100, (const char *)text.data);
	buffer_deinit(&text);
	for (unsigned i = 0; i < 100; i++) {
		ask("ex.", "MX");
		sent += !asking_facts()->is_limited;
	}
	assert_in_range(sent, 20, 50);
	sent = 0;
	for (unsigned i = 0; i < 200; i++) {
		ask("b.ex.", "A");
		sent += !asking_facts()->is_limited;
	}
	assert_int_equal(sent, 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_past_the_rate_of_a_name_costs_no_look),
		cmocka_unit_test(who_is_past_one_rate_gets_what_has_another),
		cmocka_unit_test(
			who_is_past_the_rate_is_not_told_more_than_was_asked),
		cmocka_unit_test(what_takes_long_to_find_counts_as_several),
	};

	return cmocka_run_group_tests(tests, test_tables_open, end);
}
