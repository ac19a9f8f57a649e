// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/serve/socket.h"
#include "tests/unit/net.h"

/* Somebody else's socket. */
enum other {
	UDP_BOUND,
	TCP_BOUND,
	TCP_LISTENING,
	OTHERS,
};

#define PLAIN	  0
#define REUSEADDR 1
#define REUSEPORT 2

static int other_open(enum other other, unsigned reuse,
		      const struct address *at)
{
	int family = at->kind == ADDRESS_IPV4 ? AF_INET : AF_INET6;
	int only = at->kind == ADDRESS_IPV6;
	struct sockaddr_storage name;
	socklen_t len = address_sockaddr(at, family, &name);
	int type = other == UDP_BOUND ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(family, type, 0);
	int on = 1;

	assert_true(fd >= 0);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (reuse & REUSEADDR)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (reuse & REUSEPORT)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&name, len) < 0) {
		on = -errno;
		close(fd);
		return on;
	}
	if (other == TCP_LISTENING)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* A port that was free for both a moment ago. */
static void free_port(struct address *at)
{
	struct address every = net_address(":0");
	struct socket_pair pair;

	assert_int_equal(socket_bind(&pair, &every, &every), 0);
	at->port = every.port;
	socket_close(&pair);
}

static void try_beside(enum other other, unsigned reuse, const char *theirs,
		       const char *ours, int result)
{
	struct address their_at = net_address(theirs);
	struct address our_at = net_address(ours);
	unsigned before = net_descriptors();
	struct socket_pair pair = {.udp = -1, .tcp = -1};
	struct address bound;
	int fd, r;

	do { /* until nobody else is faster */
		free_port(&their_at);
		fd = other_open(other, reuse, &their_at);
	} while (fd == -EADDRINUSE);
	assert_true(fd >= 0);
	our_at.port = their_at.port;
	r = socket_bind(&pair, &bound, &our_at);
	if (r != result)
		fail_msg("other %d, reuse %u, at %s, we at %s: %d, not %d",
			 other, reuse, theirs, ours, r, result);
	socket_close(&pair);
	close(fd);
	assert_int_equal(net_descriptors(), before);
}

static void a_taken_port_is_refused_and_leaves_nothing_open(void **state)
{
	static const struct {
		const char *theirs, *ours;
		int result;
	} cases[] = {
		{"127.0.0.1:0", "127.0.0.1:0", -EADDRINUSE},
		{"0.0.0.0:0", "127.0.0.1:0", -EADDRINUSE},
		{"127.0.0.2:0", "0.0.0.0:0", -EADDRINUSE},
		{"127.0.0.2:0", ":0", -EADDRINUSE},
		{":0", "127.0.0.1:0", -EADDRINUSE},
		{":0", "[::1]:0", -EADDRINUSE},
		{":0", ":0", -EADDRINUSE},
		{"[::1]:0", ":0", -EADDRINUSE},
		{"[::1]:0", "[::]:0", -EADDRINUSE},
		{"[::]:0", "[::1]:0", -EADDRINUSE},
		{"0.0.0.0:0", ":0", -EADDRINUSE},
		{"127.0.0.1:0", "127.0.0.2:0", 0},
		{"127.0.0.1:0", "[::1]:0", 0},
		{"127.0.0.1:0", "[::]:0", 0},
		{"0.0.0.0:0", "[::]:0", 0},
		{"[::]:0", "0.0.0.0:0", 0},
	};

	(void)state;
	if (!net_has_ipv6())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (enum other other = 0; other < OTHERS; other++)
			for (unsigned reuse = PLAIN; reuse <= 3; reuse++) {
				/* Nobody's yet: see the next test. */
				if (other == TCP_BOUND && reuse & REUSEADDR)
					continue;
				try_beside(other, reuse, cases[i].theirs,
					   cases[i].ours, cases[i].result);
			}
}

static void who_only_bound_with_reuseaddr_cannot_listen_beside_us(void **state)
{
	struct address at = net_address("127.0.0.1:0");
	struct socket_pair pair;
	int fd;

	(void)state;
	free_port(&at);
	fd = other_open(TCP_BOUND, REUSEADDR, &at);
	assert_true(fd >= 0);
	assert_int_equal(socket_bind(&pair, &at, &at), 0);
	assert_int_equal(listen(fd, 1), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
	socket_close(&pair);
}

static void nobody_can_bind_what_we_have_bound(void **state)
{
	static const char *const theirs[] = {"127.0.0.1:0", "0.0.0.0:0", ":0"};
	struct address ours = net_address("127.0.0.1:0");
	struct socket_pair pair;
	struct address at;

	(void)state;
	assert_int_equal(socket_bind(&pair, &ours, &ours), 0);
	for (size_t i = 0; i < ARRAY_SIZE(theirs); i++)
		for (unsigned reuse = PLAIN; reuse <= 3; reuse++) {
			at = net_at(theirs[i], &ours);
			if (at.kind == ADDRESS_EVERY && !net_has_ipv6())
				continue;
			assert_int_equal(other_open(UDP_BOUND, reuse, &at),
					 -EADDRINUSE);
			assert_int_equal(other_open(TCP_LISTENING, reuse, &at),
					 -EADDRINUSE);
		}
	socket_close(&pair);
}

static void a_failed_bind_frees_the_half_that_worked(void **state)
{
	struct address at = net_address("127.0.0.1:0");
	struct socket_pair pair = {.udp = -1, .tcp = -1};
	struct address bound = {0};
	int tcp, udp;

	(void)state;
	free_port(&at);
	tcp = other_open(TCP_LISTENING, PLAIN, &at);
	assert_int_equal(socket_bind(&pair, &bound, &at), -EADDRINUSE);
	assert_int_equal(bound.kind, ADDRESS_OFF);
	assert_int_equal(pair.udp, -1);
	udp = other_open(UDP_BOUND, PLAIN, &at);
	assert_true(udp >= 0);
	close(udp);
	close(tcp);
}

static void port_zero_is_one_port_for_udp_and_tcp(void **state)
{
	static const char *const texts[] = {"127.0.0.1:0", "0.0.0.0:0",
					    "[::1]:0", ":0"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct address at = net_address(texts[i]);
		struct socket_pair pair, again;
		struct address bound, other;
		int fd;

		if (strchr("[:", texts[i][0]) && !net_has_ipv6())
			continue;
		assert_int_equal(socket_bind(&pair, &bound, &at), 0);
		assert_int_not_equal(bound.port, 0);
		assert_int_equal(bound.kind, at.kind);
		assert_int_equal(socket_bind(&again, &other, &bound),
				 -EADDRINUSE);
		/* That it listens for TCP at the port it told: */
		other = net_at(strchr(texts[i], '[') ? "[::1]" : "127.0.0.1",
			       &bound);
		fd = net_connect(SOCK_STREAM, &other);
		close(fd);
		socket_close(&pair);
	}
}

static void sockets_are_nonblocking_and_not_inherited(void **state)
{
	struct address at = net_address("127.0.0.1:0");
	struct socket_pair pair;
	int fds[2];

	(void)state;
	assert_int_equal(socket_bind(&pair, &at, &at), 0);
	fds[0] = pair.udp;
	fds[1] = pair.tcp;
	for (unsigned i = 0; i < 2; i++) {
		assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
	}
	socket_close(&pair);
	socket_close(&pair);
}

static void an_address_that_no_server_can_have_is_not_available(void **state)
{
	static const char *const texts[] = {
		"203.0.113.77:0",      "224.0.0.1:0",
		"255.255.255.255:0",   "[ff02::1]:0",
		"[2001:db8::77]:0",    "[::ffff:127.0.0.1]:0",
		"[fe80::1234:5678]:0",
	};
	unsigned before = net_descriptors();
	struct socket_pair pair;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct address at = net_address(texts[i]);

		if (texts[i][0] == '[' && !net_has_ipv6())
			continue;
		assert_int_equal(socket_bind(&pair, &at, &at), -EADDRNOTAVAIL);
	}
	assert_int_equal(net_descriptors(), before);
}

static void an_address_is_there_or_not_whoever_has_its_ports(void **state)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{"127.0.0.1:53", 0},
		{"127.1.2.3:53", 0},
		{"[::1]:53", 0},
		{":53", 0},
		{"0.0.0.0:53", 0},
		{"[::]:53", 0},
		{"203.0.113.77:53", -EADDRNOTAVAIL},
		{"[2001:db8::77]:53", -EADDRNOTAVAIL},
	};
	struct address at = net_address("127.0.0.1:0");
	unsigned before = net_descriptors();
	struct socket_pair pair;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct address there = net_address(cases[i].text);

		if (cases[i].text[0] == '[' && !net_has_ipv6())
			continue;
		assert_int_equal(socket_probe(&there), cases[i].result);
	}
	assert_int_equal(socket_bind(&pair, &at, &at), 0);
	assert_int_equal(socket_probe(&at), 0);
	socket_close(&pair);
	assert_int_equal(net_descriptors(), before);
}

static void a_low_port_needs_the_right(void **state)
{
	struct address at = net_address("127.0.0.1:1");
	struct socket_pair pair;
	int r;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(seteuid(65534), 0);
	r = socket_bind(&pair, &at, &at);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(r, -EACCES);
}

/* ---- More of them at one address ---- */

#define SPREAD	  4
#define DATAGRAMS 400

struct spread_place {
	struct socket_pair pair;
	struct address at;  /* bound */
	struct address ask; /* where clients send to */
	int fds[SPREAD];
};

static void spread_open(struct spread_place *place, const char *text)
{
	struct address at = net_address(text);

	assert_int_equal(socket_bind(&place->pair, &place->at, &at), 0);
	place->fds[0] = place->pair.udp;
	place->ask =
		net_at(strchr(text, '[') ? "[::1]" : "127.0.0.1", &place->at);
	assert_int_equal(socket_spread(place->fds[0], &place->at,
				       place->fds + 1, SPREAD - 1),
			 0);
}

static void spread_close(struct spread_place *place)
{
	for (unsigned i = 1; i < SPREAD; i++)
		close(place->fds[i]);
	socket_close(&place->pair);
}

static void send_from_one_port(const struct spread_place *place)
{
	int fd = net_connect(SOCK_DGRAM, &place->ask);

	net_send_datagrams(fd, DATAGRAMS);
	close(fd);
}

/* How many are there to be read? */
static unsigned received(int fd)
{
	uint8_t data[64];
	unsigned count = 0;

	while (recv(fd, data, sizeof(data), MSG_DONTWAIT) > 0)
		count++;
	return count;
}

/* By their ids, and whatever port they come from. */
static void expect_shared(const struct spread_place *place)
{
	send_from_one_port(place);
	for (unsigned i = 0; i < SPREAD; i++)
		assert_int_equal(received(place->fds[i]), DATAGRAMS / SPREAD);
}

static void expect_one_has_all(const struct spread_place *place)
{
	unsigned with = 0, count;

	send_from_one_port(place);
	for (unsigned i = 0; i < SPREAD; i++) {
		count = received(place->fds[i]);
		assert_true(count == 0 || count == DATAGRAMS);
		with += count > 0;
	}
	assert_int_equal(with, 1);
}

static void expect_ours_have_all(const struct spread_place *place)
{
	unsigned sum = 0;

	send_from_one_port(place);
	for (unsigned i = 0; i < SPREAD; i++)
		sum += received(place->fds[i]);
	assert_int_equal(sum, DATAGRAMS);
}

static void expect_nobody_can_bind(const struct spread_place *place,
				   unsigned most)
{
	for (unsigned reuse = PLAIN; reuse <= most; reuse++) {
		assert_int_equal(other_open(UDP_BOUND, reuse, &place->at),
				 -EADDRINUSE);
		assert_int_equal(other_open(TCP_LISTENING, reuse, &place->at),
				 -EADDRINUSE);
	}
}

static void expect_refused_for_other_users(const struct spread_place *place)
{
	if (geteuid() != 0)
		return;
	assert_int_equal(seteuid(65534), 0);
	expect_nobody_can_bind(place, 3);
	assert_int_equal(seteuid(0), 0);
}

static void try_spread(const char *text)
{
	struct spread_place place;
	int other;

	spread_open(&place, text);
	expect_shared(&place);
	/* What is not of our user, or does not want to share, cannot. */
	expect_nobody_can_bind(&place, REUSEADDR);
	expect_refused_for_other_users(&place);
	other = other_open(UDP_BOUND, REUSEPORT, &place.at);
	assert_true(other >= 0);
	assert_int_equal(other_open(TCP_LISTENING, REUSEPORT, &place.at),
			 -EADDRINUSE);
	expect_shared(&place);
	/* Nor does it get what is not shared; or shared again. */
	socket_share(place.fds, SPREAD, false);
	expect_ours_have_all(&place);
	socket_share(place.fds, SPREAD, true);
	expect_shared(&place);
	assert_int_equal(received(other), 0);
	close(other);
	socket_share(place.fds, SPREAD, false);
	expect_nobody_can_bind(&place, 3);
	expect_refused_for_other_users(&place);
	expect_one_has_all(&place);
	spread_close(&place);
}

static void sockets_that_share_give_nothing_to_others(void **state)
{
	static const char *const texts[] = {"127.0.0.1:0", "0.0.0.0:0",
					    "[::1]:0", "[::]:0", ":0"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (!strchr("[:", texts[i][0]) || net_has_ipv6())
			try_spread(texts[i]);
}

static void who_cannot_have_more_is_alone_as_before(void **state)
{
	struct address at = net_address("127.0.0.1:0");
	struct rlimit all, few;
	struct socket_pair pair;
	int fds[SPREAD];

	(void)state;
	assert_int_equal(socket_bind(&pair, &at, &at), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = (struct rlimit){.rlim_cur = (rlim_t)pair.tcp + 3,
			      .rlim_max = all.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(socket_spread(pair.udp, &at, fds, SPREAD), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	for (unsigned reuse = PLAIN; reuse <= 3; reuse++)
		assert_int_equal(other_open(UDP_BOUND, reuse, &at),
				 -EADDRINUSE);
	socket_close(&pair);
}

static void what_was_received_before_a_shut_can_still_be_read(void **state)
{
	struct address at = net_address("127.0.0.1:0");
	struct socket_pair pair;
	int fd;

	(void)state;
	assert_int_equal(socket_bind(&pair, &at, &at), 0);
	fd = net_connect(SOCK_DGRAM, &at);
	net_send_datagrams(fd, 10);
	socket_shut(pair.udp);
	net_send_datagrams(fd, 10);
	assert_int_equal(received(pair.udp), 10);
	close(fd);
	socket_close(&pair);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_taken_port_is_refused_and_leaves_nothing_open),
		cmocka_unit_test(
			who_only_bound_with_reuseaddr_cannot_listen_beside_us),
		cmocka_unit_test(nobody_can_bind_what_we_have_bound),
		cmocka_unit_test(a_failed_bind_frees_the_half_that_worked),
		cmocka_unit_test(port_zero_is_one_port_for_udp_and_tcp),
		cmocka_unit_test(sockets_are_nonblocking_and_not_inherited),
		cmocka_unit_test(
			an_address_that_no_server_can_have_is_not_available),
		cmocka_unit_test(
			an_address_is_there_or_not_whoever_has_its_ports),
		cmocka_unit_test(a_low_port_needs_the_right),
		cmocka_unit_test(sockets_that_share_give_nothing_to_others),
		cmocka_unit_test(who_cannot_have_more_is_alone_as_before),
		cmocka_unit_test(
			what_was_received_before_a_shut_can_still_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
