// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/rights.h"
#include "door.h"
#include "nats.h"

#define MUCH	    ((size_t)144 * 1024) /* one message */
#define PATIENCE_MS 10000

/* A host, and what it hears. */
struct host {
	struct bus *bus;
	unsigned ups, downs, messages, nobodies, misplaced, unaligned;
	uint32_t next; /* the number that comes next, of numbered messages */
	size_t last_len;
	char last[64];
	char subject[128];
	char lines[2048];  /* of the log */
	unsigned pause_ms; /* that it takes for each message */
};

static uv_loop_t loop;
static uv_timer_t rounds;
static bool stuck; /* bus_round() is not called */
static struct host h1, h2;
static struct nats servers[3];

static bool on_message(void *arg, const struct bus_message *message)
{
	struct host *host = arg;
	uint32_t number;

	host->unaligned += (uintptr_t)message->data % 16 != 0;
	snprintf(host->subject, sizeof(host->subject), "%s", message->subject);
	if (message->nobody) {
		host->nobodies++;
		return true;
	}
	host->last_len = message->len;
	snprintf(host->last, sizeof(host->last), "%.*s", (int)message->len,
		 (char *)message->data);
	if (message->len >= sizeof(number)) {
		memcpy(&number, message->data, sizeof(number));
		host->misplaced += number != host->next;
		host->next = number + 1;
	}
	host->messages++;
	if (host->pause_ms)
		usleep(host->pause_ms * 1000);
	return true;
}

static void on_changed(void *arg, bool up)
{
	struct host *host = arg;

	if (up)
		host->ups++;
	else
		host->downs++;
	assert_int_equal(bus_is_up(host->bus), up);
}

static void on_line(int priority, const char *line)
{
	size_t len = strlen(h1.lines);

	(void)priority;
	snprintf(h1.lines + len, sizeof(h1.lines) - len, "%s\n", line);
}

static void on_round(uv_timer_t *timer)
{
	(void)timer;
	if (h1.bus && !stuck)
		bus_round(h1.bus);
	if (h2.bus && !stuck)
		bus_round(h2.bus);
}

/* Run the loop until the condition holds; or fail. */
#define await_within(ms, condition)                                            \
	do {                                                                   \
		uint64_t end_ = bus_now_ms() + (ms);                           \
		while (!(condition)) {                                         \
			if (bus_now_ms() > end_)                               \
				fail_msg("in vain: %s\n%s", #condition,        \
					 h1.lines);                            \
			uv_run(&loop, UV_RUN_ONCE);                            \
		}                                                              \
	} while (0)
#define await(condition) await_within(PATIENCE_MS, condition)

static void run_ms(uint64_t ms)
{
	uint64_t end = bus_now_ms() + ms;

	while (bus_now_ms() < end)
		uv_run(&loop, UV_RUN_ONCE);
}

static void join(struct host *host, const char *urls, const char *ca)
{
	const struct bus_options options = {
		.urls = urls,
		.ca = ca,
		.name = host == &h1 ? "h1" : "h2",
		.message = on_message,
		.changed = on_changed,
		.report = on_line,
		.arg = host,
	};

	assert_int_equal(bus_new(&host->bus, &loop, &options), 0);
}

/* Both at one server, which waits for them. */
static void join_both_at(const char *configuration)
{
	nats_start(&servers[0], 0, configuration);
	join(&h1, servers[0].url, NULL);
	join(&h2, servers[0].url, NULL);
	await(h1.ups && h2.ups);
}

static void join_both(void)
{
	join_both_at("");
}

static int say(struct host *host, const char *subject, const char *text)
{
	struct iovec piece = {(void *)(uintptr_t)text, strlen(text)};

	return bus_send(host->bus, subject, NULL, &piece, 1);
}

static int say_number(struct host *host, const char *subject, uint32_t number)
{
	struct iovec piece = {&number, sizeof(number)};

	return bus_send(host->bus, subject, NULL, &piece, 1);
}

/*
 * The server knows all that @host has subscribed to: it has said that there is
 * nobody whom it could ask, in the order in which it was told.
 */
static void await_subscribed(struct host *host)
{
	unsigned before = host->nobodies;

	assert_int_equal(bus_subscribe(host->bus, "c.sync"), 0);
	assert_int_equal(bus_send(host->bus, "c.none", "c.sync", NULL, 0), 0);
	await(host->nobodies == before + 1);
	bus_unsubscribe(host->bus, "c.sync");
}

static int setup(void **state)
{
	(void)state;
	h1 = h2 = (struct host){0};
	stuck = false;
	if (uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &rounds) < 0)
		return -1;
	return uv_timer_start(&rounds, on_round, 20, 20);
}

static int teardown(void **state)
{
	(void)state;
	/* A server that is stopped must not be waited for. */
	h1.bus = bus_free(h1.bus);
	h2.bus = bus_free(h2.bus);
	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		nats_stop(&servers[i]);
	uv_close((uv_handle_t *)&rounds, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

static void a_message_comes_whole_and_aligned(void **state)
{
	char a[] = "0123", b[] = "45678";
	struct iovec pieces[] = {{a, 4}, {NULL, 0}, {b, 5}};

	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h2.bus, "c.rpc.h2.*"), 0);
	await_subscribed(&h2);
	for (unsigned i = 0; i < 9; i++) {
		pieces[0].iov_len = i % 5;
		assert_int_equal(
			bus_send(h1.bus, "c.rpc.h2.h1", NULL, pieces, 3), 0);
	}
	await(h2.messages == 9);
	assert_string_equal(h2.last, "01245678");
	assert_string_equal(h2.subject, "c.rpc.h2.h1");
	assert_int_equal(h2.unaligned, 0);
	assert_int_equal(h1.messages, 0);
}

static void messages_keep_their_order_across_subjects(void **state)
{
	static const char *const subjects[] = {"c.rpc.h2.h1", "c.in.h2.h1",
					       "c.live.h1"};
	const uint32_t count = 30000;

	(void)state;
	join_both();
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		assert_int_equal(bus_subscribe(h2.bus, subjects[i]), 0);
	await_subscribed(&h2);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(say_number(&h1, subjects[i % 3], i), 0);
	await(h2.messages == count);
	assert_int_equal(h2.misplaced, 0);
}

static void who_subscribes_and_then_asks_hears_the_answer(void **state)
{
	char subject[32];

	(void)state;
	join_both();
	for (unsigned i = 0; i < 100; i++) {
		snprintf(subject, sizeof(subject), "c.x.%u", i);
		assert_int_equal(bus_subscribe(h1.bus, subject), 0);
		/* No one: the server answers by itself. */
		assert_int_equal(bus_send(h1.bus, "c.none", subject, NULL, 0),
				 0);
		await(h1.nobodies == i + 1);
		assert_string_equal(h1.subject, subject);
		bus_unsubscribe(h1.bus, subject);
	}
}

static void a_subscription_counts(void **state)
{
	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	await_subscribed(&h2);
	assert_int_equal(say(&h1, "c.a", "once"), 0);
	await(h2.messages == 1);
	bus_unsubscribe(h2.bus, "c.a");
	run_ms(200);
	assert_int_equal(say(&h1, "c.a", "twice"), 0);
	await(h2.messages == 2);
	bus_unsubscribe(h2.bus, "c.a");
	run_ms(200);
	assert_int_equal(say(&h1, "c.a", "thrice"), 0);
	run_ms(200);
	assert_int_equal(h2.messages, 2);
}

static void what_is_sent_does_not_come_back(void **state)
{
	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h1.bus, "c.live.*"), 0);
	assert_int_equal(bus_subscribe(h2.bus, "c.live.*"), 0);
	await_subscribed(&h2);
	assert_int_equal(say(&h1, "c.live.h1", "here"), 0);
	await(h2.messages == 1);
	run_ms(100);
	assert_int_equal(h1.messages, 0);
}

static void subscriptions_survive_a_life(void **state)
{
	int port;

	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	await_subscribed(&h2);
	port = servers[0].port;
	nats_stop(&servers[0]);
	await(h1.downs && h2.downs);
	assert_int_equal(say(&h1, "c.a", "lost"), -ENOTCONN);
	assert_int_equal(bus_size_max(h1.bus), 0);
	assert_int_equal(bus_subscribe(h2.bus, "c.b"), 0);
	bus_unsubscribe(h2.bus, "c.a");
	nats_start(&servers[0], port, "");
	await(h1.ups == 2 && h2.ups == 2);
	assert_int_equal(say(&h1, "c.a", "a"), 0);
	assert_int_equal(say(&h1, "c.b", "b"), 0);
	await(h2.messages == 1);
	assert_string_equal(h2.last, "b");
}

/* The server is frozen while much waits, and killed; another one comes. */
static void nothing_that_was_queued_survives_a_life(void **state)
{
	CLEANUP(freep) char *much = calloc(1, MUCH);
	struct iovec piece = {much, MUCH};
	struct bus_figures figures;
	int port;

	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	await_subscribed(&h2);
	kill(servers[0].pid, SIGSTOP);
	for (int i = 0; i < 400; i++)
		assert_int_equal(bus_send(h1.bus, "c.a", NULL, &piece, 1), 0);
	assert_int_equal(say(&h1, "c.a", "old"), 0);
	await_within(2500, h1.downs && h2.downs);
	bus_figures(h1.bus, &figures);
	assert_true(figures.dropped > 100 && figures.dropped < 402);
	assert_int_equal(figures.waiting_out, 0);
	port = servers[0].port;
	nats_stop(&servers[0]);
	nats_start(&servers[0], port, "");
	await(h1.ups == 2 && h2.ups == 2);
	assert_int_equal(say(&h1, "c.a", "new"), 0);
	await(h2.messages == 1);
	assert_string_equal(h2.last, "new");
}

static void an_absent_host_is_told(void **state)
{
	uint64_t begin;

	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h1.bus, "c.in.h1.*"), 0);
	begin = bus_now_ms();
	assert_int_equal(bus_send(h1.bus, "c.rpc.h9.h1", "c.in.h1.h9", NULL, 0),
			 0);
	await(h1.nobodies == 1);
	assert_string_equal(h1.subject, "c.in.h1.h9");
	assert_in_range(bus_now_ms() - begin, 0, 200);
	/* Who is there, is not told of. */
	assert_int_equal(bus_subscribe(h2.bus, "c.rpc.h2.*"), 0);
	await_subscribed(&h2);
	assert_int_equal(bus_send(h1.bus, "c.rpc.h2.h1", "c.in.h1.h2", NULL, 0),
			 0);
	await(h2.messages == 1);
	run_ms(100);
	assert_int_equal(h1.nobodies, 1);
}

/* Of two servers, both of which know the hosts at the other. */
static void start_two(char urls[160], const char *config)
{
	char text[512];
	int routes[2] = {nats_free_port(), nats_free_port()};

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 "server_name: n%d\n"
			 "cluster { name: c, listen: \"127.0.0.1:%d\", routes: "
			 "[\"nats://127.0.0.1:%d\"] }\n%s",
			 i, routes[i], routes[!i], config);
		nats_start(&servers[i], 0, text);
	}
	snprintf(urls, 160, "%s+%s", servers[0].url, servers[1].url);
}

/* The one that the host has told of last. */
static struct nats *server_of_h1(void)
{
	char text[128];

	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "connected to %s\n",
			 servers[i].url);
		if (strstr(h1.lines, text))
			return &servers[i];
	}
	fail_msg("not connected: %s", h1.lines);
	return NULL;
}

static void a_frozen_server_is_left_for_another(void **state)
{
	char urls[160];

	(void)state;
	start_two(urls, "");
	join(&h1, urls, NULL);
	await(h1.ups == 1);
	for (unsigned i = 1; i < 4; i++) {
		struct nats *server = server_of_h1();

		h1.lines[0] = 0;
		kill(server->pid, SIGSTOP);
		/* Within 2 s, and what a machine with other work adds. */
		await_within(2500, h1.downs == i);
		await_within(1000, h1.ups == i + 1);
		assert_ptr_not_equal(server_of_h1(), server);
		kill(server->pid, SIGCONT);
		run_ms(1100);
	}
}

static void a_beat_is_sent_while_the_main_loop_comes_round(void **state)
{
	uint64_t begin;

	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h2.bus, "c.live.h1"), 0);
	await_subscribed(&h2);
	assert_int_equal(bus_beaten_ms(h1.bus), 0);
	begin = bus_now_ms();
	assert_int_equal(bus_set_beat(h1.bus, "c.live.h1", "beat", 4), 0);
	await_within(1000, h2.messages == 1);
	await_within(1000, bus_beaten_ms(h1.bus) >= begin);
	begin = bus_now_ms();
	await_within(3000, h2.messages == 2);
	assert_in_range(bus_now_ms() - begin, 1500, 3000);
	/* h1 is stuck. */
	stuck = true;
	run_ms(4500);
	assert_in_range(h2.messages, 2, 2);
	assert_true(bus_now_ms() - bus_beaten_ms(h1.bus) > 4000);
	stuck = false;
	await_within(1000, h2.messages == 3);
	assert_int_equal(bus_set_beat(h1.bus, NULL, NULL, 0), 0);
	run_ms(2500);
	assert_int_equal(h2.messages, 3);
}

/* A listener that accepts, and says nothing. */
static int listen_silently(int *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(fd, 100), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	*port = ntohs(at.sin_port);
	return fd;
}

static void a_silent_listener_takes_half_a_second(void **state)
{
	CLEANUP(closep) int fd = -1;
	char urls[128];
	uint64_t begin;
	int port;

	(void)state;
	fd = listen_silently(&port);
	nats_start(&servers[0], 0, "");
	snprintf(urls, sizeof(urls), "nats://127.0.0.1:%d+%s", port,
		 servers[0].url);
	for (int i = 0; i < 5; i++) {
		unsigned ups = h1.ups;

		begin = bus_now_ms();
		join(&h1, urls, NULL);
		await_within(1500, h1.ups > ups);
		h1.bus = bus_free(h1.bus);
	}
	snprintf(urls, sizeof(urls), "tls://127.0.0.1:%d", port);
	join(&h1, urls, NULL);
	run_ms(800);
	begin = bus_now_ms();
	h1.bus = bus_free(h1.bus);
	assert_in_range(bus_now_ms() - begin, 0, 1000);
	assert_non_null(strstr(h1.lines, "cannot connect to tls://"));
}

static size_t waiting_out(const struct host *host)
{
	struct bus_figures figures;

	bus_figures(host->bus, &figures);
	return figures.waiting_out;
}

static void what_waits_has_a_bound(void **state)
{
	CLEANUP(freep) char *much = calloc(1, MUCH + 1);
	struct iovec piece = {much, MUCH};
	struct bus_figures figures;
	int r, count = 0;

	(void)state;
	join_both();
	assert_int_equal(bus_size_max(h1.bus), MUCH);
	piece.iov_len = MUCH + 1;
	assert_int_equal(bus_send(h1.bus, "c.a", NULL, &piece, 1), -EMSGSIZE);
	piece.iov_len = MUCH;
	kill(servers[0].pid, SIGSTOP);
	while ((r = bus_send(h1.bus, "c.a", NULL, &piece, 1)) == 0)
		count++;
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(count, 440, 600);
	bus_figures(h1.bus, &figures);
	assert_in_range(figures.waiting_out, 1, BUS_OUT_MAX);
	kill(servers[0].pid, SIGCONT);
	await(!waiting_out(&h1));
	assert_int_equal(h1.downs, 0);
}

/*
 * More comes than may wait, while the main loop hears none of it; of several
 * senders, each of which may have so much waiting.
 */
static void a_slow_main_loop_loses_nothing(void **state)
{
	static const char *const subjects[] = {"c.a.x", "c.a.y", "c.a.z"};
	CLEANUP(freep) char *much = calloc(1, MUCH);
	struct bus_figures figures;
	struct iovec piece = {much, MUCH};
	uint32_t number = 0;

	(void)state;
	/* As much may wait in the server, and so long, as ever it takes. */
	join_both_at("max_pending: 512MB\nwrite_deadline: \"60s\"");
	assert_int_equal(bus_subscribe(h2.bus, "c.a.*"), 0);
	await_subscribed(&h2);
	h2.pause_ms = 2;
	while (number < 1000) {
		memcpy(much, &number, sizeof(number));
		if (bus_send(h1.bus, subjects[number % 3], NULL, &piece, 1) ==
		    0)
			number++;
		else
			uv_run(&loop, UV_RUN_ONCE);
		bus_figures(h2.bus, &figures);
		assert_in_range(figures.waiting_in, 0, BUS_IN_MAX + (4 << 20));
	}
	await_within(100000, h2.messages == number || h2.downs);
	if (h2.downs)
		fail_msg("%s", h1.lines);
	assert_int_equal(h2.misplaced, 0);
}

/* As a host that is stopped: it has subscribed, and never reads. */
static int subscribe_and_sleep(int port)
{
	static const char words[] =
		"CONNECT {\"verbose\":false}\r\nSUB c.sleepy 1\r\nPING\r\n";
	struct sockaddr_in at = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(send(fd, words, strlen(words), 0), strlen(words));
	return fd;
}

static void
a_receiver_that_is_stopped_does_not_end_its_senders_life(void **state)
{
	CLEANUP(closep) int fd = -1;
	CLEANUP(freep) char *much = calloc(1, MUCH);
	struct iovec piece = {much, MUCH};
	uint64_t end;

	(void)state;
	nats_start(&servers[0], 0, "write_deadline: \"10s\"");
	join(&h1, servers[0].url, NULL);
	await(h1.ups);
	fd = subscribe_and_sleep(servers[0].port);
	run_ms(200);
	end = bus_now_ms() + 5000;
	while (bus_now_ms() < end) {
		bus_send(h1.bus, "c.sleepy", NULL, &piece, 1);
		run_ms(4);
	}
	assert_int_equal(h1.downs, 0);
}

static void what_waits_is_sent_before_the_end(void **state)
{
	(void)state;
	join_both();
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	await_subscribed(&h2);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(say_number(&h1, "c.a", i), 0);
	h1.bus = bus_free(h1.bus);
	await(h2.messages == 10000);
	assert_int_equal(h2.misplaced, 0);
}

static void a_subject_that_is_not_allowed_is_told_once(void **state)
{
	(void)state;
	nats_start(&servers[0], 0,
		   "authorization { users: [{ user: a, password: b, "
		   "permissions: { publish: \"c.a\" } }] }\n"
		   "no_auth_user: a");
	join(&h1, servers[0].url, NULL);
	await(h1.ups);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(say(&h1, "c.b", "no"), 0);
		run_ms(20);
	}
	await(strstr(h1.lines, "ermissions"));
	h1.lines[0] = 0;
	assert_int_equal(say(&h1, "c.b", "no"), 0);
	run_ms(500);
	assert_string_equal(h1.lines, "");
	assert_int_equal(h1.downs, 0);
}

static void urls_and_credentials_are_checked(void **state)
{
	static const char *const bad[] = {
		"",
		"nats://",
		"http://a",
		"nats://a:0",
		"nats://a:65536",
		"nats://u:p@a:4222",
		"nats://a+",
		"nats://[::1",
		"nats://a/b",
		"nats://[a]:1",
	};
	struct bus_options options = {.name = "h1"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		options.urls = bad[i];
		if (bus_new(&h1.bus, &loop, &options) != -EINVAL)
			fail_msg("'%s' is taken", bad[i]);
	}
	options.urls = "nats://a";
	options.credentials = "nothing";
	assert_int_equal(bus_new(&h1.bus, &loop, &options), -EINVAL);
	assert_null(h1.bus);
}

static void tls_url(char url[64], const char *host)
{
	snprintf(url, 64, "tls://%s:%d", host, servers[0].port);
}

/* The name is checked, and an address is a name, too. */
static void a_server_of_tls_must_be_the_right_one(void **state)
{
	struct nats_tls tls, other;
	char url[64];

	(void)state;
	if (!nats_tls_make(&tls, "DNS:localhost,IP:127.0.0.1"))
		skip();
	assert_true(nats_tls_make(&other, "DNS:elsewhere.example"));
	nats_start(&servers[0], 0, tls.config);
	tls_url(url, "localhost");
	join(&h1, url, tls.ca);
	await(h1.ups == 1);
	h1.bus = bus_free(h1.bus);
	tls_url(url, "127.0.0.1");
	join(&h1, url, tls.ca);
	await(h1.ups == 2);
	h1.bus = bus_free(h1.bus);

	/* Another CA, and the system's. */
	join(&h1, url, other.ca);
	join(&h2, url, NULL);
	await(strstr(h1.lines, "cannot connect to tls://"));
	run_ms(300);
	assert_int_equal(h1.ups + h2.ups, 2);
	h1.bus = bus_free(h1.bus);
	h2.bus = bus_free(h2.bus);
	/* Another name. */
	nats_stop(&servers[0]);
	nats_start(&servers[0], 0, other.config);
	tls_url(url, "localhost");
	join(&h1, url, other.ca);
	run_ms(700);
	assert_int_equal(h1.ups, 2);
	h1.bus = bus_free(h1.bus);
	/* What is asked for without TLS is not sent where it is wanted. */
	join(&h1, servers[0].url, NULL);
	run_ms(300);
	assert_int_equal(h1.ups, 2);
	nats_tls_free(&tls);
	nats_tls_free(&other);
}

static void a_server_of_tls_that_is_frozen_is_noticed(void **state)
{
	CLEANUP(freep) char *much = calloc(1, MUCH);
	struct iovec piece = {much, MUCH};
	struct nats_tls tls;
	char url[64];

	(void)state;
	if (!nats_tls_make(&tls, "IP:127.0.0.1"))
		skip();
	nats_start(&servers[0], 0, tls.config);
	tls_url(url, "127.0.0.1");
	join(&h1, url, tls.ca);
	join(&h2, url, tls.ca);
	await(h1.ups && h2.ups);
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	await_subscribed(&h2);
	kill(servers[0].pid, SIGSTOP);
	for (int i = 0; i < 400; i++)
		assert_int_equal(bus_send(h1.bus, "c.a", NULL, &piece, 1), 0);
	await_within(2500, h1.downs && h2.downs);
	kill(servers[0].pid, SIGCONT);
	await_within(3000, h1.ups == 2 && h2.ups == 2);
	assert_int_equal(say(&h1, "c.a", "new"), 0);
	await(h2.messages && !strcmp(h2.last, "new"));
	nats_tls_free(&tls);
}

/*
 * Through a door that closes in the middle of what comes: half a record of TLS
 * is there, and the rest never comes.
 */
static void half_a_record_does_not_hold_it(void **state)
{
	CLEANUP(freep) char *much = calloc(1, MUCH);
	struct iovec piece = {much, MUCH};
	struct nats_tls tls;
	struct door door;
	char url[64];

	(void)state;
	if (!nats_tls_make(&tls, "IP:127.0.0.1"))
		skip();
	nats_start(&servers[0], 0, tls.config);
	door_open(&door, servers[0].port, 1000000);
	tls_url(url, "127.0.0.1");
	join(&h1, url, tls.ca);
	snprintf(url, sizeof(url), "tls://127.0.0.1:%d", door.port);
	join(&h2, url, tls.ca);
	await(h1.ups && h2.ups);
	assert_int_equal(bus_subscribe(h2.bus, "c.a"), 0);
	await_subscribed(&h2);
	for (int i = 0; i < 30; i++)
		assert_int_equal(bus_send(h1.bus, "c.a", NULL, &piece, 1), 0);
	await_within(3000, h2.downs);
	h2.bus = bus_free(h2.bus);
	door_close(&door);
	nats_tls_free(&tls);
}

/* The first round is of 500 ms; what is known to be too little is not tried. */
static void a_server_is_given_the_time_that_it_took_before(void **state)
{
	struct door door;
	char url[64];

	(void)state;
	nats_start(&servers[0], 0, "");
	door_open(&door, servers[0].port, 1000000);
	atomic_store(&door.wait_ms, 700);
	snprintf(url, sizeof(url), "nats://127.0.0.1:%d", door.port);
	join(&h1, url, NULL);
	await(h1.ups == 1);
	assert_non_null(strstr(h1.lines, "cannot connect"));
	/* A life that is shorter counts as none. */
	run_ms(1100);
	h1.lines[0] = 0;
	atomic_store(&door.puts_out, true);
	await(h1.ups == 2);
	assert_null(strstr(h1.lines, "cannot connect"));
	h1.bus = bus_free(h1.bus);
	door_close(&door);
}

/* The same in the middle of the handshake: wherever it is, it has an end. */
static void half_a_handshake_does_not_hold_it(void **state)
{
	struct nats_tls tls;
	char url[64];

	(void)state;
	if (!nats_tls_make(&tls, "IP:127.0.0.1"))
		skip();
	nats_start(&servers[0], 0, tls.config);
	for (size_t most = 100; most < 1200; most += 150) {
		struct door door;
		uint64_t begin = bus_now_ms();

		h1.lines[0] = 0;
		door_open(&door, servers[0].port, most);
		snprintf(url, sizeof(url), "tls://127.0.0.1:%d", door.port);
		join(&h1, url, tls.ca);
		while (!strstr(h1.lines, "cannot connect") &&
		       bus_now_ms() < begin + 3000)
			uv_run(&loop, UV_RUN_ONCE);
		if (bus_now_ms() > begin + 1000)
			fail_msg("%zu octets: %ju ms", most,
				 (uintmax_t)(bus_now_ms() - begin));
		h1.bus = bus_free(h1.bus);
		door_close(&door);
	}
	nats_tls_free(&tls);
}

/* ---- With the daemon's rights ---- */

static int connect_confined(const char *url, const char *ca, const char *dir)
{
	struct rights_user same = {.uid = getuid(), .gid = getgid()};
	uint64_t end = bus_now_ms() + 3000;

	if (rights_confine(&same, dir, true) < 0 || setup(NULL) < 0)
		return 1;
	join(&h1, url, ca);
	while (bus_now_ms() < end && !h1.ups)
		uv_run(&loop, UV_RUN_ONCE);
	if (!h1.ups || bus_subscribe(h1.bus, "c.x") < 0 ||
	    bus_send(h1.bus, "c.none", "c.x", NULL, 0) < 0)
		return 2;
	while (bus_now_ms() < end && !h1.nobodies)
		uv_run(&loop, UV_RUN_ONCE);
	h1.bus = bus_free(h1.bus);
	return h1.nobodies ? 0 : 3;
}

/* Before all others: there must be no other thread. */
static void a_confined_daemon_connects_by_name(void **state)
{
	struct nats_tls tls;
	char url[64], state_dir[] = "/tmp/circuitfs-bus-XXXXXX";

	(void)state;
	if (FILTER_SANITIZED || getenv("CIRCUITFS_EMULATED")) {
		print_message("no filter here\n");
		skip();
	}
	if (!nats_tls_make(&tls, "DNS:localhost"))
		skip();
	assert_non_null(mkdtemp(state_dir));
	for (int is_tls = 0; is_tls < 2; is_tls++) {
		int status;
		pid_t pid;

		nats_start(&servers[0], 0, is_tls ? tls.config : "");
		snprintf(url, sizeof(url), "%s://localhost:%d",
			 is_tls ? "tls" : "nats", servers[0].port);
		pid = fork();
		if (pid == 0)
			_exit(connect_confined(url, is_tls ? tls.ca : NULL,
					       state_dir));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		nats_stop(&servers[0]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	rmdir(state_dir);
	nats_tls_free(&tls);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_confined_daemon_connects_by_name),
		TEST(a_server_of_tls_must_be_the_right_one),
		TEST(a_server_of_tls_that_is_frozen_is_noticed),
		TEST(half_a_record_does_not_hold_it),
		TEST(a_server_is_given_the_time_that_it_took_before),
		TEST(half_a_handshake_does_not_hold_it),
		TEST(a_message_comes_whole_and_aligned),
		TEST(messages_keep_their_order_across_subjects),
		TEST(who_subscribes_and_then_asks_hears_the_answer),
		TEST(a_subscription_counts),
		TEST(what_is_sent_does_not_come_back),
		TEST(subscriptions_survive_a_life),
		TEST(nothing_that_was_queued_survives_a_life),
		TEST(an_absent_host_is_told),
		TEST(a_frozen_server_is_left_for_another),
		TEST(a_beat_is_sent_while_the_main_loop_comes_round),
		TEST(a_silent_listener_takes_half_a_second),
		TEST(what_waits_has_a_bound),
		TEST(a_slow_main_loop_loses_nothing),
		TEST(a_receiver_that_is_stopped_does_not_end_its_senders_life),
		TEST(what_waits_is_sent_before_the_end),
		TEST(a_subject_that_is_not_allowed_is_told_once),
		TEST(urls_and_credentials_are_checked),
	};

	if (!bus_is_built()) {
		printf("skipped: built without libnats\n");
		return 77;
	}
	if (!nats_program())
		return 77;
	cmocka_set_test_filter(getenv("CIRCUITFS_TEST"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
