// SPDX-License-Identifier: Apache-2.0
/*
 * test_fleet_hosts.c - who is alive, and whose name is whose
 *
 * Hosts meet at a bus of this test's: time is a number, and each message comes
 * when it is due.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <utlist.h>

#include "dns/wire/util.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/guest.h"
#include "fs/fleet/remote.h"
#include "tests/unit/chance.h"

#define SUBSCRIPTIONS 64

struct bus {
	struct fleet fleet; /* whose it is */
	bool up, is_frozen;
	char *subscriptions[SUBSCRIPTIONS];
	char beat_subject[WIRE_SUBJECT_SIZE];
	void *beat;
	size_t beat_len;
	uint64_t next_beat_ms, beaten_ms, round_ms;
	int side;
	unsigned links;
	uint64_t clock_ms; /* how far its wall clock is ahead */
	bool serves;
	unsigned told, failed; /* lines */
	unsigned remote_heard, guest_heard, remote_gone, guest_gone;
	unsigned guest_messages, remote_messages, nobody, sent, changes;
	char last_from[WIRE_NAME_MAX + 1];
	char forgiven[WIRE_NAME_MAX + 1]; /* the last one */
};

struct flying {
	struct flying *prev, *next;
	struct bus *from;
	uint64_t due_ms;
	char subject[WIRE_SUBJECT_SIZE];
	size_t len;
	bool nobody;
	_Alignas(max_align_t) uint8_t octets[256];
};

static uint64_t now_ms;
static struct bus *buses[32];
static unsigned buses_count;
static struct flying *flying;
static unsigned delay_max_ms;
/* Those of two sides do not hear each other. */
static bool is_cut;

/* ---- The bus ---- */

uint64_t bus_now_ms(void)
{
	return now_ms;
}

bool bus_is_up(const struct bus *bus)
{
	return bus->up;
}

uint64_t bus_beaten_ms(const struct bus *bus)
{
	return bus->beaten_ms;
}

int bus_subscribe(struct bus *bus, const char *subject)
{
	for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
		if (bus->subscriptions[i])
			continue;
		bus->subscriptions[i] = strdup(subject);
		return 0;
	}
	fail();
	return -ENOMEM;
}

void bus_unsubscribe(struct bus *bus, const char *subject)
{
	for (size_t i = 0; i < SUBSCRIPTIONS; i++) {
		if (!bus->subscriptions[i] ||
		    strcmp(bus->subscriptions[i], subject) != 0)
			continue;
		free(steal(&bus->subscriptions[i]));
		return;
	}
	fail_msg("%s was not subscribed to", subject);
}

void bus_forgive(struct bus *bus, const char *sender)
{
	strcpy(bus->forgiven, sender);
}

static bool matches(const char *pattern, const char *subject)
{
	for (; *pattern && *subject; pattern++, subject++) {
		if (*pattern == '*') {
			while (subject[1] && subject[1] != '.')
				subject++;
			continue;
		}
		if (*pattern != *subject)
			return false;
	}
	return *pattern == *subject;
}

static bool listens(const struct bus *bus, const char *subject)
{
	for (size_t i = 0; bus->up && i < SUBSCRIPTIONS; i++)
		if (bus->subscriptions[i] &&
		    matches(bus->subscriptions[i], subject))
			return true;
	return false;
}

static bool meet(const struct bus *a, const struct bus *b)
{
	return a != b && !(is_cut && a->side != b->side);
}

static struct flying *fly(struct bus *from, const char *subject, size_t len)
{
	struct flying *message = calloc(1, sizeof(*message));
	struct flying *other;

	assert_non_null(message);
	assert_true(len <= sizeof(message->octets));
	message->from = from;
	message->due_ms = now_ms + chance(delay_max_ms + 1);
	message->len = len;
	strcpy(message->subject, subject);
	/* Those of one host come in the order in which they were sent. */
	DL_FOREACH (flying, other)
		if (other->from == from && other->due_ms > message->due_ms)
			message->due_ms = other->due_ms;
	DL_APPEND(flying, message);
	return message;
}

int bus_send(struct bus *bus, const char *subject, const char *reply,
	     const struct iovec *pieces, int count)
{
	struct flying *message;
	size_t len = 0;
	bool anybody = false;

	if (!bus->up)
		return -ENOTCONN;
	bus->sent++;
	for (unsigned i = 0; i < buses_count; i++)
		anybody |= meet(bus, buses[i]) && listens(buses[i], subject);
	if (!anybody && reply) {
		message = fly(NULL, reply, 0);
		message->nobody = true;
	}
	message = fly(bus, subject, 0);
	for (int i = 0; i < count; i++) {
		memcpy(message->octets + len, pieces[i].iov_base,
		       pieces[i].iov_len);
		len += pieces[i].iov_len;
	}
	message->len = len;
	return 0;
}

int bus_set_beat(struct bus *bus, const char *subject, const void *data,
		 size_t len)
{
	free(steal(&bus->beat));
	if (!subject)
		return 0;
	strcpy(bus->beat_subject, subject);
	bus->beat = malloc(len);
	assert_non_null(bus->beat);
	memcpy(bus->beat, data, len);
	bus->beat_len = len;
	/* It is due; but not closer than that to the last one. */
	if (bus->next_beat_ms > now_ms + 50)
		bus->next_beat_ms = now_ms + 50;
	return 0;
}

/* ---- The rest of the fleet ---- */

static struct bus *bus_of(const struct fleet *fleet)
{
	return fleet->bus;
}

void fleet_describe(const struct fleet *fleet, struct wire_beat *beat)
{
	beat->links = 2 + bus_of(fleet)->links;
	beat->mode = 0755;
}

void fleet_serves(struct fleet *fleet, bool serves)
{
	assert_int_not_equal(bus_of(fleet)->serves, serves);
	bus_of(fleet)->serves = serves;
	bus_of(fleet)->changes++;
}

void fleet_tell(struct fleet *fleet, int priority, const char *reason,
		bool fails)
{
	(void)priority;
	assert_non_null(reason);
	bus_of(fleet)->told++;
	bus_of(fleet)->failed += fails;
}

uint64_t fleet_wall_ns(const struct fleet *fleet)
{
	return (bus_of(fleet)->clock_ms + now_ms) * 1000000;
}

void remote_heard(struct fleet *fleet, const char *name, uint64_t incarnation)
{
	(void)name;
	(void)incarnation;
	bus_of(fleet)->remote_heard++;
}

void remote_gone(struct fleet *fleet, const char *name)
{
	(void)name;
	bus_of(fleet)->remote_gone++;
}

void remote_nobody(struct fleet *fleet, const char *name)
{
	(void)name;
	bus_of(fleet)->nobody++;
}

void guest_heard(struct fleet *fleet, const char *from, uint64_t incarnation)
{
	(void)from;
	(void)incarnation;
	bus_of(fleet)->guest_heard++;
}

void guest_gone(struct fleet *fleet, const char *from)
{
	(void)from;
	bus_of(fleet)->guest_gone++;
}

bool guest_message(struct fleet *fleet, const char *from,
		   const struct wire_head *head, void *body, size_t len)
{
	(void)head;
	(void)body;
	(void)len;
	bus_of(fleet)->guest_messages++;
	strcpy(bus_of(fleet)->last_from, from);
	return true;
}

bool remote_message(struct fleet *fleet, const char *from,
		    const struct wire_head *head, void *body, size_t len)
{
	(void)head;
	(void)body;
	(void)len;
	bus_of(fleet)->remote_messages++;
	strcpy(bus_of(fleet)->last_from, from);
	return true;
}

/* ---- Time ---- */

static void hand_over(struct bus *to, const struct flying *message)
{
	struct flying copy = *message;
	const struct bus_message in = {
		.subject = copy.subject,
		.data = copy.octets,
		.len = copy.len,
		.nobody = copy.nobody,
	};

	fleet_message(&to->fleet, &in);
}

static void deliver(const struct flying *message)
{
	for (unsigned i = 0; i < buses_count; i++)
		if (!buses[i]->is_frozen &&
		    (!message->from || meet(message->from, buses[i])) &&
		    listens(buses[i], message->subject))
			hand_over(buses[i], message);
}

static struct flying *next_due(void)
{
	struct flying *message, *first = NULL;

	DL_FOREACH (flying, message)
		if (message->due_ms <= now_ms &&
		    (!first || message->due_ms < first->due_ms))
			first = message;
	return first;
}

static void beat(struct bus *bus)
{
	const struct iovec piece = {bus->beat, bus->beat_len};

	if (!bus->up || bus->is_frozen || now_ms < bus->next_beat_ms)
		return;
	bus->next_beat_ms = now_ms + BUS_BEAT_MS;
	bus->beaten_ms = now_ms;
	/* It beats only while the main loop comes round. */
	if (bus->beat && now_ms < bus->round_ms + 1000)
		assert_int_equal(
			bus_send(bus, bus->beat_subject, NULL, &piece, 1), 0);
}

static void step(void)
{
	struct flying *message;

	now_ms++;
	while ((message = next_due())) {
		DL_DELETE(flying, message);
		deliver(message);
		free(message);
	}
	for (unsigned i = 0; i < buses_count; i++) {
		struct bus *bus = buses[i];

		beat(bus);
		if (bus->is_frozen || (now_ms + i * 7) % 100 != 0)
			continue;
		hosts_tick(bus->fleet.hosts);
		bus->round_ms = now_ms;
	}
}

static void pass(unsigned ms)
{
	while (ms--)
		step();
}

/* ---- Hosts ---- */

static void set_up(struct bus *bus, bool up)
{
	bus->up = up;
	hosts_changed(bus->fleet.hosts, up);
}

static struct bus *new_host(const char *name)
{
	struct bus *bus = calloc(1, sizeof(*bus));

	assert_non_null(bus);
	bus->fleet.bus = bus;
	bus->fleet.name = name;
	bus->fleet.incarnation = 1000 + buses_count;
	bus->fleet.uuid[0] = 1;
	bus->next_beat_ms = now_ms + chance(BUS_BEAT_MS);
	assert_true(buses_count < ARRAY_SIZE(buses));
	buses[buses_count++] = bus;
	assert_int_equal(hosts_new(&bus->fleet.hosts, &bus->fleet), 0);
	return bus;
}

static struct bus *start_host(const char *name)
{
	struct bus *bus = new_host(name);

	set_up(bus, true);
	return bus;
}

static struct bus *serving_host(const char *name)
{
	struct bus *bus = start_host(name);

	pass(1500);
	assert_true(hosts_serves(bus->fleet.hosts));
	assert_true(bus->serves);
	return bus;
}

static void free_host(struct bus *bus)
{
	hosts_free(bus->fleet.hosts);
	for (size_t i = 0; i < SUBSCRIPTIONS; i++)
		free(bus->subscriptions[i]);
	free(bus->beat);
	free(bus);
}

static int begin(void **state)
{
	(void)state;
	now_ms = 1000000;
	delay_max_ms = 5;
	is_cut = false;
	return 0;
}

static int end(void **state)
{
	struct flying *message, *next;

	(void)state;
	DL_FOREACH_SAFE (flying, message, next) {
		DL_DELETE(flying, message);
		free(message);
	}
	while (buses_count)
		free_host(buses[--buses_count]);
	return 0;
}

/* From one host to another, as it stands in @subject. */
static void say(struct bus *from, const char *subject, enum wire_kind kind,
		uint64_t incarnation, const struct wire_beat *body)
{
	struct wire_head head;
	struct iovec pieces[] = {{&head, sizeof(head)},
				 {(void *)body, body ? sizeof(*body) : 0}};

	wire_begin(&head, kind, incarnation, kind == WIRE_OPEN ? 1 : 0,
		   pieces[1].iov_len);
	assert_int_equal(bus_send(from, subject, NULL, pieces, body ? 2 : 1),
			 0);
	pass(delay_max_ms + 1);
}

static void count(void *arg)
{
	++*(unsigned *)arg;
}

/* The names that @bus would list, and who waits is told of in @ms. */
static const char *listed(struct bus *bus, unsigned ms)
{
	static char names[512];
	unsigned done = 0;

	hosts_ask_all(bus->fleet.hosts, count, &done);
	pass(ms);
	assert_int_equal(done, 1);
	*names = '\0';
	for (struct live_host *host = hosts_first(bus->fleet.hosts); host;
	     host = hosts_next(host))
		sprintf(names + strlen(names), "%s ", host->name);
	return names;
}

static bool is_there(struct bus *bus, const char *name)
{
	struct live_host *host;
	unsigned done = 0;

	hosts_ask_one(bus->fleet.hosts, name, count, &done);
	pass(600);
	assert_int_equal(done, 1);
	host = hosts_find(bus->fleet.hosts, name);
	return host && host->is_alive;
}

/* ---- Who is there ---- */

static void all_that_live_are_listed_by_name(void **state)
{
	struct bus *bus;

	(void)state;
	serving_host("h3");
	serving_host("h1");
	bus = serving_host("h2");
	/* A thing that is not asked for is not kept. */
	pass(5000);
	assert_null(hosts_known(bus->fleet.hosts));
	assert_string_equal(listed(bus, HOSTS_ASK_MS + 100), "h1 h3 ");
	/* It is known for a minute, and nobody is asked. */
	assert_string_equal(listed(bus, 0), "h1 h3 ");
	bus = serving_host("h4");
	assert_string_equal(listed(buses[2], 0), "h1 h3 h4 ");
	pass(HOSTS_LISTED_MS + 1000);
	assert_null(hosts_known(buses[2]->fleet.hosts));
	for (size_t i = 0; i < SUBSCRIPTIONS; i++)
		if (buses[2]->subscriptions[i])
			assert_string_not_equal(buses[2]->subscriptions[i],
						"c.live.*");
}

static void who_is_not_heard_leaves_within_seven_seconds(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");

	(void)state;
	assert_string_equal(listed(h1, 400), "h2 ");
	h2->is_frozen = true;
	pass(HOSTS_GONE_MS - BUS_BEAT_MS - 100);
	assert_string_equal(listed(h1, 0), "h2 ");
	pass(BUS_BEAT_MS + 300);
	assert_string_equal(listed(h1, 0), "");
	assert_non_null(hosts_find(h1->fleet.hosts, "h2"));
	h2->is_frozen = false;
	pass(4000);
	assert_string_equal(listed(h1, 0), "h2 ");
}

static void who_says_good_bye_leaves_at_once(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");

	(void)state;
	assert_string_equal(listed(h1, 400), "h2 ");
	/* One of an earlier start says nothing of this one. */
	say(h2, "c.live.h2", WIRE_BYE, h2->fleet.incarnation - 1, NULL);
	assert_int_equal(h1->remote_gone, 0);
	assert_string_equal(listed(h1, 0), "h2 ");
	hosts_bye(h2->fleet.hosts);
	pass(delay_max_ms + 1);
	assert_int_equal(h1->remote_gone, 1);
	assert_int_equal(h1->guest_gone, 1);
	assert_string_equal(listed(h1, 0), "");
}

static void a_name_is_asked_for_by_itself(void **state)
{
	struct bus *h1 = serving_host("h1");
	unsigned done = 0, sent;

	(void)state;
	serving_host("h2");
	assert_false(is_there(h1, "h3"));
	assert_int_equal(h1->nobody, 1);
	assert_true(is_there(h1, "h2"));
	sent = h1->sent;
	hosts_ask_one(h1->fleet.hosts, "h2", count, &done);
	hosts_ask_one(h1->fleet.hosts, "h1", count, &done);
	hosts_ask_one(h1->fleet.hosts, ".git", count, &done);
	assert_int_equal(done, 3);
	assert_int_equal(h1->sent, sent);
	/* From here on it is heard. */
	pass(4000);
	assert_true(hosts_find(h1->fleet.hosts, "h2")->heard_ms + 2100 >
		    now_ms);
	pass(HOSTS_LISTED_MS);
	assert_null(hosts_find(h1->fleet.hosts, "h2"));
}

static void a_frozen_name_costs_half_a_second_once(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	unsigned done = 0;

	(void)state;
	assert_true(is_there(h1, "h2"));
	h2->is_frozen = true;
	pass(HOSTS_GONE_MS + 100);
	hosts_ask_one(h1->fleet.hosts, "h2", count, &done);
	assert_int_equal(done, 0);
	pass(HOSTS_LOOKUP_MS + 100);
	assert_int_equal(done, 1);
	hosts_ask_one(h1->fleet.hosts, "h2", count, &done);
	assert_int_equal(done, 2);
}

static void who_is_held_stays_known(void **state)
{
	struct bus *h1 = serving_host("h1");
	struct live_host *host = hosts_hold(h1->fleet.hosts, "h2");

	(void)state;
	assert_non_null(host);
	assert_false(host->is_alive);
	serving_host("h2");
	pass(HOSTS_LISTED_MS * 2);
	assert_true(host->is_alive);
	hosts_drop(h1->fleet.hosts, host);
	pass(HOSTS_LISTED_MS + 200);
	assert_null(hosts_find(h1->fleet.hosts, "h2"));
}

static void asking_ends_when_the_bus_does(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	unsigned done = 0;

	(void)state;
	hosts_ask_all(h1->fleet.hosts, count, &done);
	hosts_ask_one(h1->fleet.hosts, "h3", count, &done);
	assert_int_equal(done, 0);
	set_up(h1, false);
	assert_int_equal(done, 2);
	hosts_ask_all(h1->fleet.hosts, count, &done);
	hosts_ask_one(h1->fleet.hosts, "h2", count, &done);
	assert_int_equal(done, 4);
	/* After it all are asked again, for who has come meanwhile. */
	set_up(h1, true);
	pass(1000);
	assert_string_equal(listed(h1, 400), "h2 ");
	h2->is_frozen = true;
	set_up(h1, false);
	pass(HOSTS_GONE_MS + 1000);
	set_up(h1, true);
	pass(1500);
	assert_string_equal(listed(h1, 400), "");
}

static void all_are_asked_once_a_second_at_most(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	unsigned done = 0, sent = h2->sent;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		hosts_ask_all(h1->fleet.hosts, count, &done);
	pass(400);
	assert_int_equal(done, 100);
	assert_true(h2->sent <= sent + 2);
	/* Who asks more often than that is answered no more often. */
	sent = h2->sent;
	for (unsigned i = 0; i < 50; i++)
		say(h1, "c.ask.h1", WIRE_WHO, h1->fleet.incarnation, NULL);
	assert_true(h2->sent <= sent + 2);
}

static void another_version_is_known_and_not_listed(void **state)
{
	struct wire_beat beat_of = {.since_ns = 1,
				    .version_min = WIRE_VERSION_MAX + 1,
				    .version_max = WIRE_VERSION_MAX + 2,
				    .serves = 1};
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	struct live_host *host;
	unsigned heard;

	(void)state;
	assert_string_equal(listed(h1, 400), "h2 ");
	heard = h1->remote_heard;
	say(h2, "c.live.h2", WIRE_BEAT, h2->fleet.incarnation, &beat_of);
	host = hosts_find(h1->fleet.hosts, "h2");
	assert_false(hosts_speaks(host));
	assert_int_equal(host->beat.version_min, WIRE_VERSION_MAX + 1);
	assert_int_equal(h1->remote_heard, heard);
	assert_string_equal(listed(h1, 0), "");
	assert_ptr_equal(hosts_known(h1->fleet.hosts), host);
}

static void a_restart_is_another_incarnation(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	struct live_host *host;

	(void)state;
	assert_true(is_there(h1, "h2"));
	h2->is_frozen = true;
	h2->up = false;
	serving_host("h2");
	host = hosts_find(h1->fleet.hosts, "h2");
	assert_true(host->is_alive);
	assert_int_equal(host->incarnation, h2->fleet.incarnation + 1);
	/* What the last start had sent is no sign of life of this one. */
	host->heard_ms = 0;
	hosts_heard(h1->fleet.hosts, "h2", h2->fleet.incarnation);
	assert_int_equal(host->heard_ms, 0);
	hosts_heard(h1->fleet.hosts, "h2", host->incarnation);
	assert_int_equal(host->heard_ms, now_ms);
}

/* ---- Who hears which message ---- */

static void messages_reach_whom_they_are_for(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	const struct wire_beat forged = {
		.since_ns = 1, .version_min = 1, .version_max = 1, .serves = 1};

	(void)state;
	say(h2, "c.rpc.h1.h2", WIRE_OPEN, 5, NULL);
	assert_int_equal(h1->guest_messages, 1);
	assert_string_equal(h1->last_from, "h2");
	say(h2, "c.in.h1.h2", WIRE_OPEN, 5, NULL);
	assert_int_equal(h1->remote_messages, 1);
	/* Not to us, or from ourselves, or of no name that a host has. */
	say(h2, "c.rpc.h1.h1", WIRE_OPEN, 5, NULL);
	say(h2, "c.in.h1.h1", WIRE_OPEN, 5, NULL);
	say(h2, "c.in.h1.h1", WIRE_BEAT, 5, &forged);
	say(h2, "c.rpc.h1.H2", WIRE_OPEN, 5, NULL);
	say(h2, "c.ask.h1", WIRE_WHO, 5, NULL);
	say(h2, "c.live.h2", WIRE_OPEN, 5, NULL);
	assert_int_equal(h1->guest_messages, 1);
	assert_int_equal(h1->remote_messages, 1);
	assert_true(hosts_serves(h1->fleet.hosts));
	assert_int_equal(h1->told, 0);
}

static void what_is_no_message_is_counted_and_dropped(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	const struct iovec piece = {(void *)"no message at all", 17};

	(void)state;
	assert_int_equal(bus_send(h2, "c.rpc.h1.h2", NULL, &piece, 1), 0);
	pass(10);
	assert_int_equal(h1->fleet.malformed, 1);
	assert_int_equal(h1->guest_messages, 0);
}

static void without_its_name_a_host_answers_nothing(void **state)
{
	struct bus *h1 = serving_host("h1"), *twin = start_host("h1");
	struct bus *h2 = serving_host("h2");
	unsigned done = 0;

	(void)state;
	assert_true(hosts_serves(h1->fleet.hosts));
	assert_false(hosts_serves(twin->fleet.hosts));
	say(h2, "c.rpc.h1.h2", WIRE_OPEN, 5, NULL);
	assert_int_equal(h1->guest_messages, 1);
	assert_int_equal(twin->guest_messages, 0);
	hosts_ask_all(twin->fleet.hosts, count, &done);
	hosts_ask_one(twin->fleet.hosts, "h2", count, &done);
	assert_int_equal(done, 2);
	assert_null(hosts_first(twin->fleet.hosts));
}

/* ---- Whose name it is ---- */

static unsigned serving(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < buses_count; i++)
		sum += hosts_serves(buses[i]->fleet.hosts);
	return sum;
}

/* All that do not serve have said so, once. */
static void assert_one_serves(void)
{
	assert_int_equal(serving(), 1);
	for (unsigned i = 0; i < buses_count; i++) {
		struct bus *bus = buses[i];
		bool serves = hosts_serves(bus->fleet.hosts);

		assert_int_equal(bus->serves, serves);
		assert_int_equal(bus->failed, serves ? 0 : 1);
	}
}

static void the_first_one_keeps_its_name(void **state)
{
	struct bus *first = serving_host("h1"), *second;

	(void)state;
	/* Whatever their clocks and numbers are. */
	second = new_host("h1");
	second->clock_ms = 0;
	second->fleet.incarnation = 1;
	first->clock_ms = 1000000;
	set_up(second, true);
	pass(4000);
	assert_true(hosts_serves(first->fleet.hosts));
	assert_one_serves();
	pass(60000);
	assert_one_serves();
	assert_int_equal(first->changes, 1);
}

static void a_name_that_is_free_is_taken(void **state)
{
	struct bus *first = serving_host("h1"), *second = start_host("h1");

	(void)state;
	pass(4000);
	hosts_bye(first->fleet.hosts);
	pass(1500);
	assert_true(hosts_serves(second->fleet.hosts));
	assert_int_equal(second->told, 2);
	assert_int_equal(second->failed, 1);
}

static void the_name_of_the_dead_is_taken_in_time(void **state)
{
	struct bus *first = serving_host("h1"), *second = start_host("h1");

	(void)state;
	pass(4000);
	first->is_frozen = true;
	pass(9000);
	assert_true(hosts_serves(second->fleet.hosts));
	/* It wakes, and who serves keeps the name. */
	first->is_frozen = false;
	pass(4000);
	assert_true(hosts_serves(second->fleet.hosts));
	assert_false(hosts_serves(first->fleet.hosts));
}

static void a_moment_without_the_bus_costs_nobody_his_name(void **state)
{
	struct bus *h1 = serving_host("h1");

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		set_up(h1, false);
		pass(500);
		set_up(h1, true);
		assert_true(hosts_serves(h1->fleet.hosts));
		pass(2500);
	}
	assert_int_equal(h1->changes, 1);
	set_up(h1, false);
	pass(60000);
	set_up(h1, true);
	assert_false(hosts_serves(h1->fleet.hosts));
	pass(1500);
	assert_true(hosts_serves(h1->fleet.hosts));
}

/* Two or three of one name, in every order, with clocks that differ. */
static void run_conflict(unsigned hosts, unsigned delay_ms, bool is_split)
{
	begin(NULL);
	delay_max_ms = delay_ms;
	is_cut = is_split;
	for (unsigned i = 0; i < hosts; i++) {
		struct bus *bus = new_host("h1");

		bus->side = (int)i;
		bus->clock_ms = chance(3) * 5000;
		if (chance(4) == 0)
			bus->clock_ms = 0;
		set_up(bus, true);
		pass(chance(4) ? chance(1500) : 0);
	}
	if (is_split)
		pass(chance(10000));
	is_cut = false;
	pass(4000);
	assert_one_serves();
	/* And it stays so. */
	pass(12000);
	assert_one_serves();
	end(NULL);
}

static void of_one_name_exactly_one_serves_in_four_seconds(void **state)
{
	static const unsigned delays[] = {0, 1, 20, 150};

	(void)state;
	for (unsigned i = 0; i < 400; i++)
		run_conflict(2 + chance(2), delays[i % ARRAY_SIZE(delays)],
			     i % 2);
}

/* The same state twice, with the same numbers but for the incarnation. */
static void a_copy_of_the_state_is_told_apart(void **state)
{
	(void)state;
	new_host("h1");
	new_host("h1");
	set_up(buses[0], true);
	set_up(buses[1], true);
	assert_memory_equal(buses[0]->fleet.uuid, buses[1]->fleet.uuid, 16);
	pass(4000);
	assert_one_serves();
	assert_true(hosts_serves(buses[0]->fleet.hosts));
}

/* ---- The beat ---- */

static void a_beat_that_is_out_of_range_is_put_right(void **state)
{
	const struct wire_beat sent = {.since_ns = 1,
				       .version_min = 1,
				       .version_max = 1,
				       .serves = 1,
				       .mode = 0047755};
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	struct live_host *host = hosts_hold(h1->fleet.hosts, "h2");

	(void)state;
	assert_non_null(host);
	say(h2, "c.live.h2", WIRE_BEAT, h2->fleet.incarnation, &sent);
	assert_true(host->is_alive);
	assert_int_equal(host->beat.mode, 07755);
	assert_int_equal(host->beat.links, 2);
	hosts_drop(h1->fleet.hosts, host);
}

/* Who asks for what was done, and then looks, sees it. */
static void an_answer_comes_behind_the_beat_of_what_it_did(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	struct live_host *host = hosts_hold(h1->fleet.hosts, "h2");
	uint8_t octets[16] = {0};
	struct wire_head head;

	(void)state;
	pass(2100);
	assert_int_equal(host->beat.links, 2);
	h2->links = 1;
	wire_begin(&head, WIRE_ANSWER, h2->fleet.incarnation, 1, 16);
	head.seq = 1;
	assert_int_equal(
		fleet_send(&h2->fleet, "in", "h1", &head, octets, 16, false),
		0);
	while (!h1->remote_messages)
		step();
	assert_int_equal(host->beat.links, 3);
	hosts_drop(h1->fleet.hosts, host);
}

/* There may be a thousand of them, and as many answers in a second. */
static void answers_to_one_cost_the_others_few_beats(void **state)
{
	struct bus *h1 = serving_host("h1"), *h2 = serving_host("h2");
	struct bus *h3 = serving_host("h3");
	struct live_host *host = hosts_hold(h3->fleet.hosts, "h2");
	uint8_t octets[16] = {0};
	struct wire_head head;
	unsigned heard;

	(void)state;
	pass(2100);
	heard = h3->remote_heard;
	wire_begin(&head, WIRE_ANSWER, h2->fleet.incarnation, 1, 16);
	while (head.seq < 50) {
		h2->links++;
		head.seq++;
		assert_int_equal(fleet_send(&h2->fleet, "in", "h1", &head,
					    octets, 16, false),
				 0);
	}
	pass(200);
	assert_int_equal(h1->remote_messages, 50);
	assert_int_equal(host->beat.links, 52);
	assert_in_range(h3->remote_heard - heard, 1, 5);
	hosts_drop(h3->fleet.hosts, host);
}

/* ---- Who floods ---- */

static bool subscribes_to(const struct bus *bus, const char *subject)
{
	for (size_t i = 0; i < SUBSCRIPTIONS; i++)
		if (bus->subscriptions[i] &&
		    !strcmp(bus->subscriptions[i], subject))
			return true;
	return false;
}

static bool hears(const struct bus *bus, const char *name)
{
	static const char *const words[] = {"rpc", "in", "ask"};
	char subject[WIRE_SUBJECT_SIZE];
	unsigned heard = 0;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		wire_subject(subject, words[i], i < 2 ? bus->fleet.name : name,
			     i < 2 ? name : NULL);
		heard += listens(bus, subject);
	}
	assert_true(heard == 0 || heard == ARRAY_SIZE(words));
	return heard;
}

static void who_floods_is_not_listened_to_and_others_are(void **state)
{
	struct bus *h1 = serving_host("h1");

	(void)state;
	serving_host("h2");
	serving_host("h3");
	assert_string_equal(listed(h1, 400), "h2 h3 ");
	hosts_flooded(h1->fleet.hosts, "c.rpc.h1.h3");
	assert_int_equal(h1->failed, 1);
	assert_true(hears(h1, "h2"));
	assert_true(listens(h1, "c.live.h2"));
	assert_false(hears(h1, "h3"));
	assert_false(hears(h1, "h4"));
	/* Who is new beats, or is asked for. */
	serving_host("h4");
	assert_true(hears(h1, "h4"));
	assert_false(is_there(h1, "h5"));
	assert_true(hears(h1, "h5"));
	/* It is told once, and is over by itself. */
	hosts_flooded(h1->fleet.hosts, "c.in.h1.h3");
	assert_int_equal(h1->failed, 1);
	pass(9900);
	assert_false(hears(h1, "h3"));
	assert_string_equal(h1->forgiven, "");
	pass(200);
	assert_string_equal(h1->forgiven, "h3");
	assert_true(hears(h1, "h3"));
	assert_true(hears(h1, "h6"));
	/* What came by both is all that is dropped. */
	assert_true(subscribes_to(h1, "c.rpc.h1.h2"));
	pass(2200);
	assert_false(subscribes_to(h1, "c.rpc.h1.h2"));
	assert_true(hears(h1, "h2"));
	pass(2 * HOSTS_LISTED_MS);
	assert_null(hosts_known(h1->fleet.hosts));
	assert_false(subscribes_to(h1, "c.live.*"));
}

static void of_beats_that_flood_those_of_known_hosts_are_heard(void **state)
{
	struct bus *h1 = serving_host("h1");
	struct live_host *host;

	(void)state;
	serving_host("h2");
	serving_host("h3");
	assert_string_equal(listed(h1, 400), "h2 h3 ");
	hosts_flooded(h1->fleet.hosts, "c.live.h3");
	assert_true(listens(h1, "c.live.h2"));
	assert_false(listens(h1, "c.live.h3"));
	assert_false(listens(h1, "c.live.h4"));
	/* Neither a listing nor who holds it has them heard again. */
	host = hosts_hold(h1->fleet.hosts, "h3");
	assert_non_null(host);
	pass(HOSTS_GONE_MS);
	assert_string_equal(listed(h1, 0), "h2 ");
	assert_false(listens(h1, "c.live.h3"));
	pass(HOSTS_GONE_MS + 100);
	assert_true(listens(h1, "c.live.h4"));
	assert_true(subscribes_to(h1, "c.live.h3"));
	pass(2000);
	assert_string_equal(listed(h1, 400), "h2 h3 ");
	hosts_drop(h1->fleet.hosts, host);
}

static void who_floods_longer_than_another_stays_out(void **state)
{
	struct bus *h1 = serving_host("h1");

	(void)state;
	hosts_flooded(h1->fleet.hosts, "c.rpc.h1.h2");
	pass(5000);
	hosts_flooded(h1->fleet.hosts, "c.ask.h3");
	pass(5200);
	assert_true(hears(h1, "h2"));
	assert_false(hears(h1, "h3"));
	assert_false(hears(h1, "h4"));
	pass(5000);
	assert_true(hears(h1, "h3"));
	assert_true(hears(h1, "h4"));
	/* Without its name it listens to nobody, and then to all. */
	hosts_flooded(h1->fleet.hosts, "c.rpc.h1.h2");
	hosts_bye(h1->fleet.hosts);
	assert_string_equal(h1->forgiven, "h2");
	assert_false(hears(h1, "h2"));
	hosts_flooded(h1->fleet.hosts, "c.live.h3");
	assert_string_equal(h1->forgiven, "h3");
	assert_false(hears(h1, "h2"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(all_that_live_are_listed_by_name),
		CASE(who_is_not_heard_leaves_within_seven_seconds),
		CASE(who_says_good_bye_leaves_at_once),
		CASE(a_name_is_asked_for_by_itself),
		CASE(a_frozen_name_costs_half_a_second_once),
		CASE(who_is_held_stays_known),
		CASE(asking_ends_when_the_bus_does),
		CASE(all_are_asked_once_a_second_at_most),
		CASE(another_version_is_known_and_not_listed),
		CASE(a_restart_is_another_incarnation),
		CASE(messages_reach_whom_they_are_for),
		CASE(what_is_no_message_is_counted_and_dropped),
		CASE(without_its_name_a_host_answers_nothing),
		CASE(the_first_one_keeps_its_name),
		CASE(a_name_that_is_free_is_taken),
		CASE(the_name_of_the_dead_is_taken_in_time),
		CASE(a_moment_without_the_bus_costs_nobody_his_name),
		CASE(of_one_name_exactly_one_serves_in_four_seconds),
		CASE(a_copy_of_the_state_is_told_apart),
		CASE(a_beat_that_is_out_of_range_is_put_right),
		CASE(an_answer_comes_behind_the_beat_of_what_it_did),
		CASE(answers_to_one_cost_the_others_few_beats),
		CASE(who_floods_is_not_listened_to_and_others_are),
		CASE(of_beats_that_flood_those_of_known_hosts_are_heard),
		CASE(who_floods_longer_than_another_stays_out),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
