// SPDX-License-Identifier: Apache-2.0
/* test_address.c - addresses as text and as sockets take them */
#include <setjmp.h>
#include <stdarg.h>
#include <arpa/inet.h>
#include <errno.h>
#include <cmocka.h>

#include "dns/wire/address.h"

static void an_address_has_one_canonical_text(void **state)
{
	static const struct {
		const char *text, *canonical;
		enum address_kind kind;
	} cases[] = {
		{"127.0.0.1:5353", "127.0.0.1:5353", ADDRESS_IPV4},
		{"127.0.0.1:0", "127.0.0.1:0", ADDRESS_IPV4},
		{"127.0.0.1", "127.0.0.1:53", ADDRESS_IPV4},
		{"0.0.0.0:053", "0.0.0.0:53", ADDRESS_IPV4},
		{"255.255.255.255:65535", "255.255.255.255:65535",
		 ADDRESS_IPV4},
		{"[::1]:5353", "[::1]:5353", ADDRESS_IPV6},
		{"[::1]", "[::1]:53", ADDRESS_IPV6},
		{"::1", "[::1]:53", ADDRESS_IPV6},
		{"::", "[::]:53", ADDRESS_IPV6},
		{"2001:db8::53:1", "[2001:db8::53:1]:53", ADDRESS_IPV6},
		{"[2001:DB8:0:0::1]:1", "[2001:db8::1]:1", ADDRESS_IPV6},
		{"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.1]:1", ADDRESS_IPV6},
		{":5353", ":5353", ADDRESS_EVERY},
		{":0", ":0", ADDRESS_EVERY},
		{"off", "off", ADDRESS_OFF},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[ADDRESS_TEXT_SIZE];
		struct address one, two;

		assert_int_equal(address_parse(cases[i].text, &one), 0);
		assert_int_equal(one.kind, cases[i].kind);
		assert_int_equal(address_print(&one, text),
				 strlen(cases[i].canonical));
		assert_string_equal(text, cases[i].canonical);
		assert_int_equal(address_parse(text, &two), 0);
		assert_true(address_equal(&one, &two));
	}
}

static void what_is_no_address_is_refused_and_touches_nothing(void **state)
{
	static const char *const cases[] = {
		"",
		":",
		"off ",
		"Off",
		"localhost",
		"localhost:53",
		"127.0.0.1:",
		"127.0.0.1:65536",
		"127.0.0.1:99999",
		"127.0.0.1:000053",
		"127.0.0.1:-1",
		"127.0.0.1:+1",
		"127.0.0.1: 1",
		"127.0.0.1:1x",
		"127.0.0.1 ",
		" 127.0.0.1",
		"127.1:53",
		"999.1.1.1:53",
		"010.0.0.1:53",
		"127.0.0.1:53:53",
		"[127.0.0.1]:53",
		"[::1",
		"[::1]53",
		"[::1]:",
		"[::1]:65536",
		"[]:53",
		"::1%lo",
		"[fe80::1%eth0]:53",
		"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]:53",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address before, after;

		memset(&before, 0xa5, sizeof(before));
		memset(&after, 0xa5, sizeof(after));
		assert_int_equal(address_parse(cases[i], &after), -EINVAL);
		assert_memory_equal(&before, &after, sizeof(before));
	}
}

static void addresses_differ_in_kind_ip_or_port(void **state)
{
	static const char *const cases[] = {
		"127.0.0.1:1", "127.0.0.2:1", "127.0.0.1:2", "[::1]:1",
		"[::2]:1",     "[::1]:2",     ":1",	     ":2",
		"off",	       "0.0.0.0:1",   "[::]:1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(cases); j++) {
			struct address a, b;

			assert_int_equal(address_parse(cases[i], &a), 0);
			assert_int_equal(address_parse(cases[j], &b), 0);
			assert_int_equal(address_equal(&a, &b), i == j);
		}
	}
}

static void a_socket_address_carries_family_ip_and_port(void **state)
{
	static const struct {
		const char *text;
		int family;
		const char *ip;
		uint16_t port;
	} cases[] = {
		{"192.0.2.1:5353", AF_INET, "192.0.2.1", 5353},
		{"[2001:db8::1]:53", AF_INET6, "2001:db8::1", 53},
		{":7", AF_INET, "0.0.0.0", 7},
		{":7", AF_INET6, "::", 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sockaddr_storage storage;
		const struct sockaddr_in6 *in6 = (const void *)&storage;
		const struct sockaddr_in *in4 = (const void *)&storage;
		bool six = cases[i].family == AF_INET6;
		char ip[INET6_ADDRSTRLEN];
		struct address address;

		assert_int_equal(address_parse(cases[i].text, &address), 0);
		assert_int_equal(
			address_sockaddr(&address, cases[i].family, &storage),
			six ? sizeof(*in6) : sizeof(*in4));
		assert_int_equal(storage.ss_family, cases[i].family);
		assert_int_equal(ntohs(six ? in6->sin6_port : in4->sin_port),
				 cases[i].port);
		inet_ntop(cases[i].family,
			  six ? (const void *)&in6->sin6_addr
			      : (const void *)&in4->sin_addr,
			  ip, sizeof(ip));
		assert_string_equal(ip, cases[i].ip);
	}
}

static void
a_packet_reaches_its_own_family_and_side_of_the_machine(void **state)
{
	static const struct {
		const char *from, *to;
		bool leads;
	} cases[] = {
		{"192.0.2.1:53", "198.51.100.2:53", true},
		{"127.0.0.1:53", "127.9.9.9:5", true},
		{"127.0.0.1:53", "192.0.2.1:53", false},
		{"192.0.2.1:53", "127.0.0.1:53", false},
		{"[2001:db8::1]:53", "[2001:db8::2]:53", true},
		{"[::1]:53", "[2001:db8::2]:53", false},
		{"[::1]:53", "[::1]:54", true},
		{"192.0.2.1:53", "[2001:db8::2]:53", false},
		{":53", "192.0.2.1:53", false},
		{"off", "192.0.2.1:53", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address from, to;

		assert_int_equal(address_parse(cases[i].from, &from), 0);
		assert_int_equal(address_parse(cases[i].to, &to), 0);
		assert_int_equal(address_leads_to(&from, &to), cases[i].leads);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_has_one_canonical_text),
		cmocka_unit_test(
			what_is_no_address_is_refused_and_touches_nothing),
		cmocka_unit_test(addresses_differ_in_kind_ip_or_port),
		cmocka_unit_test(a_socket_address_carries_family_ip_and_port),
		cmocka_unit_test(
			a_packet_reaches_its_own_family_and_side_of_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
