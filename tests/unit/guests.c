// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <utlist.h>

#include "anchors/receipt.h"
#include "fs/bind.h"
#include "fs/commons.h"
#include "fs/daemon/aside.h"
#include "fs/pool.h"
#include "fs/view.h"
#include "tests/unit/guests.h"

#define WAIT_MS 5000

_Atomic uint64_t test_now_ms, test_beaten_ms;
size_t test_size_max;

static struct sent *says;
static struct sent *shown;

/* ---- In place of the bus, and of the hosts ---- */

int __wrap_fleet_send(struct fleet *fleet, const char *word, const char *to,
		      const struct wire_head *head, const void *body,
		      size_t len, bool reply);
uint64_t __wrap_bus_now_ms(void);
uint64_t __wrap_bus_beaten_ms(const struct bus *bus);
size_t __wrap_bus_size_max(const struct bus *bus);
struct live_host *__wrap_hosts_hold(struct hosts *hosts, const char *name);
void __wrap_hosts_drop(struct hosts *hosts, struct live_host *host);

int __wrap_fleet_send(struct fleet *fleet, const char *word, const char *to,
		      const struct wire_head *head, const void *body,
		      size_t len, bool reply)
{
	(void)fleet;
	if (!test_size_max)
		return -ENOTCONN;
	assert_string_equal(word, "in");
	assert_false(reply);
	assert_true(sizeof(*head) + len <= test_size_max);
	sent_add(&says, to, head, body, len);
	return 0;
}

uint64_t __wrap_bus_now_ms(void)
{
	return test_now_ms;
}

uint64_t __wrap_bus_beaten_ms(const struct bus *bus)
{
	(void)bus;
	return test_beaten_ms;
}

size_t __wrap_bus_size_max(const struct bus *bus)
{
	(void)bus;
	return test_size_max;
}

static unsigned held;

struct live_host *__wrap_hosts_hold(struct hosts *hosts, const char *name)
{
	static struct live_host host;

	(void)hosts;
	(void)name;
	held++;
	return &host;
}

void __wrap_hosts_drop(struct hosts *hosts, struct live_host *host)
{
	(void)hosts;
	(void)host;
	assert_true(held > 0);
	held--;
}

/* ---- The host ---- */

static void report(int priority, const char *line)
{
	(void)priority;
	(void)line;
}

void owner_init(struct owner *owner, const char *allow)
{
	static const struct bind bind;
	const char *bad;
	size_t bad_len;

	*owner = (struct owner){0};
	test_host_init(&owner->th);
	test_host_open(&owner->th);
	/* As if user 1000 had started it. */
	owner->th.host->root->uid = owner->th.host->root->gid = 1000;
	owner->th.host->changed = commons_changed;
	owner->th.host->changed_arg = &owner->commons;
	owner->commons.host = owner->th.host;
	owner->commons.bind = &bind;
	owner->commons.uid = getuid();
	owner->commons.gid = getgid();
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
		shares_set(&owner->commons.shares, kind, 1 << 20);
	assert_int_equal(aside_new(&owner->commons.aside, &owner->th.loop), 0);
	assert_int_equal(pool_new(&owner->commons.pool, &owner->th.loop), 0);
	assert_int_equal(commons_start(&owner->commons, 60, 1 << 20), 0);
	assert_int_equal(grants_parse(&owner->grants, allow, &bad, &bad_len),
			 0);
	owner->fleet = (struct fleet){
		.commons = &owner->commons,
		.grants = &owner->grants,
		.name = "h1",
		.incarnation = 7,
		.report = report,
	};
	test_now_ms = test_beaten_ms = 100000;
	test_size_max = 1 << 21;
	test_caller = (struct wire_caller){.process = 4711};
}

static void ended(void *arg)
{
	*(bool *)arg = true;
}

/* As main.c does: the commons' timers. */
static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

void owner_deinit(struct owner *owner)
{
	bool done = false;
	guests_end(&owner->fleet, ended, &done);
	while (!done)
		uv_run(&owner->th.loop, UV_RUN_ONCE);
	assert_null(owner->fleet.guests);
	assert_int_equal(held, 0);
	assert_int_equal(owner->fleet.guest_counts.nodes, 0);
	assert_int_equal(owner->fleet.guest_counts.handles, 0);
	assert_int_equal(owner->commons.view_count, 0);
	owner->commons.aside = aside_free(owner->commons.aside);
	owner->commons.pool = pool_free(owner->commons.pool);
	commons_end(&owner->commons);
	grants_deinit(&owner->grants);
	owner->th.host = host_close(owner->th.host);
	uv_walk(&owner->th.loop, close_handle, NULL);
	uv_run(&owner->th.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&owner->th.loop), 0);
	test_host_deinit(&owner->th);
	sent_free(&says);
	free(steal(&shown));
}

const char *test_anchor_name(const char *name)
{
	static char text[128];
	const struct address at = test_host_address();

	snprintf(text, sizeof(text), "%s@%u.%u.%u.%u:%u", name, at.ip[0],
		 at.ip[1], at.ip[2], at.ip[3], at.port);
	return text;
}

unsigned owner_anchors(const struct owner *owner)
{
	return HASH_COUNT(owner->th.host->root->children);
}

/* ---- What it says ---- */

static void stop(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static bool wait_until_said(struct owner *owner, uint64_t ms)
{
	static uv_timer_t timer;
	bool over = false;

	uv_timer_init(&owner->th.loop, &timer);
	timer.data = &over;
	uv_timer_start(&timer, stop, ms, 0);
	while (!says && !over) {
		uv_run(&owner->th.loop, UV_RUN_ONCE);
		guests_tick(&owner->fleet);
	}
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&owner->th.loop, UV_RUN_NOWAIT);
	return says;
}

const struct sent *owner_said(struct owner *owner)
{
	assert_true(wait_until_said(owner, WAIT_MS));
	free(shown);
	shown = says;
	DL_DELETE(says, shown);
	return shown;
}

const struct sent *owner_said_kind(struct owner *owner, enum wire_kind kind)
{
	const struct sent *said = owner_said(owner);
	struct sent *asks;

	/* What it asks meanwhile is for asker_answer(). */
	if (said->head.kind == WIRE_ASK && kind != WIRE_ASK) {
		asks = steal(&shown);
		said = owner_said(owner);
		DL_PREPEND(says, asks);
	}
	assert_int_equal(said->head.kind, kind);
	return said;
}

void owner_said_nothing(struct owner *owner)
{
	assert_false(wait_until_said(owner, 50));
}

bool owner_speaks(struct owner *owner, unsigned rounds)
{
	for (unsigned i = 0; i < rounds && !says; i++)
		uv_run(&owner->th.loop, UV_RUN_NOWAIT);
	return says;
}

void owner_turn(struct owner *owner)
{
	for (int i = 0; i < 10; i++)
		uv_run(&owner->th.loop, UV_RUN_NOWAIT);
	guests_tick(&owner->fleet);
}

/* ---- A requester ---- */

void asker_init(struct asker *asker, struct owner *owner, const char *name)
{
	*asker = (struct asker){
		.owner = owner,
		.name = name,
		.incarnation = 3,
		.session = 100,
		.uid = 1000,
		.gid = 1000,
		.pid = 4711,
	};
}

void asker_send(struct asker *asker, enum wire_kind kind, uint16_t slot,
		uint64_t seq, const void *body, size_t len)
{
	CLEANUP(freep) uint8_t *octets = malloc(len + 1);
	struct wire_head head;

	assert_non_null(octets);
	if (len)
		memcpy(octets, body, len);
	wire_begin(&head, kind, asker->incarnation, asker->session, len);
	head.slot = slot;
	head.seq = seq;
	guest_message(&asker->owner->fleet, asker->name, &head, octets, len);
}

void asker_send_open(struct asker *asker)
{
	asker->session++;
	memset(asker->seq, 0, sizeof(asker->seq));
	asker->notes = 0;
	asker_send(asker, WIRE_OPEN, 0, 0, NULL, 0);
}

void asker_opened(struct asker *asker)
{
	const struct sent *said = owner_said_kind(asker->owner, WIRE_OPENED);

	assert_string_equal(said->to, asker->name);
	assert_int_equal(said->head.session, asker->session);
	assert_int_equal(said->head.incarnation, 7);
	owner_turn(asker->owner);
}

void asker_open(struct asker *asker)
{
	asker_send_open(asker);
	asker_opened(asker);
}

static void add(struct ask *ask, const void *octets, size_t len)
{
	assert_true(ask->len + len <= sizeof(ask->octets));
	memcpy((uint8_t *)ask->octets + ask->len, octets, len);
	ask->len += len;
}

void ask_make(struct ask *ask, const struct asker *asker, uint32_t opcode,
	      uint64_t node, const void *body, size_t len, const char *name,
	      const char *second)
{
	*ask = (struct ask){
		.len = sizeof(ask->head),
		.head = {.opcode = opcode,
			 .nodeid = node,
			 .unique = 1,
			 .uid = asker->uid,
			 .gid = asker->gid,
			 .pid = asker->pid},
	};
	if (len)
		add(ask, body, len);
	if (name)
		add(ask, name, strlen(name) + 1);
	if (second)
		add(ask, second, strlen(second) + 1);
	ask->head.len = (uint32_t)ask->len;
}

void ask_again(const struct ask *ask, struct asker *asker, uint16_t slot)
{
	asker_send(asker, WIRE_CALL, slot, asker->seq[slot], ask->octets,
		   ask->len);
}

void ask_send(const struct ask *ask, struct asker *asker, uint16_t slot)
{
	asker->seq[slot]++;
	ask_again(ask, asker, slot);
}

struct wire_caller test_caller;
unsigned test_asked;

const struct sent *asker_answer(struct asker *asker)
{
	const struct sent *said = owner_said(asker->owner);

	while (said->head.kind == WIRE_ASK || said->head.kind == WIRE_NOTIFY) {
		const struct wire_ask *about = (const void *)said->body;
		struct wire_caller caller = test_caller;

		caller.question = about->question;
		test_asked += said->head.kind == WIRE_ASK;
		if (said->head.kind == WIRE_ASK)
			asker_send(asker, WIRE_CALLER, 0, 0, &caller,
				   sizeof(caller));
		said = owner_said(asker->owner);
	}
	return said;
}

int asker_call(struct asker *asker, uint32_t opcode, uint64_t node,
	       const void *body, size_t len, const char *name, void *out,
	       size_t size)
{
	const struct fuse_out_header *head;
	const struct sent *said;
	struct ask ask;

	ask_make(&ask, asker, opcode, node, body, len, name, NULL);
	ask_send(&ask, asker, 0);
	said = asker_answer(asker);
	assert_int_equal(said->head.kind, WIRE_ANSWER);
	assert_int_equal(said->head.slot, 0);
	assert_int_equal(said->head.seq, asker->seq[0]);
	head = (const void *)said->body;
	assert_int_equal(head->len, said->len);
	if (head->error)
		return head->error;
	assert_true(said->len - sizeof(*head) >= size);
	if (size)
		memcpy(out, head + 1, size);
	return 0;
}

int asker_lookup(struct asker *asker, uint64_t dir, const char *name,
		 uint64_t *node)
{
	struct fuse_entry_out entry;
	int r = asker_call(asker, FUSE_LOOKUP, dir, NULL, 0, name, &entry,
			   sizeof(entry));

	if (r == 0)
		*node = entry.nodeid;
	return r;
}

int asker_mkdir(struct asker *asker, uint64_t dir, const char *name,
		uint64_t *node)
{
	const struct fuse_mkdir_in in = {.mode = 0755};
	struct fuse_entry_out entry;
	int r = asker_call(asker, FUSE_MKDIR, dir, &in, sizeof(in), name,
			   &entry, sizeof(entry));

	if (r == 0 && node)
		*node = entry.nodeid;
	return r;
}

int asker_open_file(struct asker *asker, uint64_t node, uint32_t flags,
		    uint64_t *handle)
{
	const struct fuse_open_in in = {.flags = flags};
	struct fuse_open_out open;
	int r = asker_call(asker, FUSE_OPEN, node, &in, sizeof(in), NULL, &open,
			   sizeof(open));

	if (r == 0)
		*handle = open.fh;
	return r;
}

int asker_write(struct asker *asker, uint64_t node, uint64_t handle,
		const char *text)
{
	struct {
		struct fuse_write_in in;
		char text[256];
	} write = {.in = {.fh = handle, .size = (uint32_t)strlen(text)}};

	memcpy(write.text, text, strlen(text));
	return asker_call(asker, FUSE_WRITE, node, &write,
			  sizeof(write.in) + strlen(text), NULL, NULL, 0);
}

int asker_flush(struct asker *asker, uint64_t node, uint64_t handle)
{
	const struct fuse_flush_in in = {.fh = handle};

	return asker_call(asker, FUSE_FLUSH, node, &in, sizeof(in), NULL, NULL,
			  0);
}

int asker_release(struct asker *asker, uint64_t node, uint64_t handle)
{
	const struct fuse_release_in in = {.fh = handle};

	return asker_call(asker, FUSE_RELEASE, node, &in, sizeof(in), NULL,
			  NULL, 0);
}

void asker_forget(struct asker *asker, uint64_t node, uint64_t count)
{
	const struct wire_forget forget = {.node = node, .count = count};

	asker_send(asker, WIRE_FORGET, WIRE_SLOT_NOTES, ++asker->notes, &forget,
		   sizeof(forget));
}
