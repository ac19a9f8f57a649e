// SPDX-License-Identifier: Apache-2.0
/*
 * An owner that does what wire.h says, over a bus that loses messages, and is
 * restarted now and then; and a kernel that asks at random, whose callers are
 * killed at random. What must hold: each request is answered, a directory is
 * made at most once for each mkdir, exactly once if it was told so, and at the
 * end the owner has nothing that our kernel has not.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "chance.h"
#include "far.h"

#define ROUNDS	 3000
#define NODES	 64
#define HANDLES	 4096
#define REQUESTS 8

/* A call as the owner knows it. */
struct slot {
	uint64_t seq;
	bool is_done;
	int error;
	size_t len;
	char answer[256];
};

static struct {
	struct slot slots[WIRE_SLOTS];
	uint64_t noted;
	long nodes[NODES];
	bool handles[HANDLES];
	uint64_t next_handle;
	/* These outlive it, as receipts do. */
	struct {
		uint64_t session, seq;
	} receipts[WIRE_SLOTS];
	unsigned made[ROUNDS]; /* how often each name */
} owner;

static struct {
	uint64_t unique;
	int name; /* of a mkdir; -1: none */
} asked[REQUESTS];
static long held[NODES * 1000]; /* by mount number: lookups of our kernel */
static uint32_t loss;		/* of a hundred */

static bool is_lost(void)
{
	return chance(100) < loss;
}

/* ---- The owner ---- */

static void owner_forgets(void)
{
	memset(owner.slots, 0, sizeof(owner.slots));
	memset(owner.nodes, 0, sizeof(owner.nodes));
	memset(owner.handles, 0, sizeof(owner.handles));
	owner.noted = 0;
}

static void put_entry(struct slot *slot, uint64_t node)
{
	struct fuse_entry_out out = {
		.nodeid = NODE + node,
		.attr = {.ino = NODE + node, .mode = S_IFDIR, .nlink = 2},
	};

	owner.nodes[node]++;
	slot->len = sizeof(out);
	memcpy(slot->answer, &out, sizeof(out));
}

static void make(struct slot *slot, const struct sent *call)
{
	const char *name =
		(const char *)call_body(call) + sizeof(struct fuse_mkdir_in);
	int number = atoi(name);

	owner.made[number]++;
	owner.receipts[call->head.slot].session = call->head.session;
	owner.receipts[call->head.slot].seq = call->head.seq;
	put_entry(slot, (uint64_t)number % NODES);
}

static void open_it(struct slot *slot)
{
	struct fuse_open_out out = {.fh = owner.next_handle++ % HANDLES};

	owner.handles[out.fh] = true;
	slot->len = sizeof(out);
	memcpy(slot->answer, &out, sizeof(out));
}

static void do_call(struct slot *slot, const struct sent *call)
{
	const struct fuse_in_header *head = (const void *)call->body;

	slot->error = 0;
	slot->len = 0;
	switch (head->opcode) {
	case FUSE_MKDIR:
		make(slot, call);
		break;
	case FUSE_LOOKUP:
		put_entry(slot, chance(NODES));
		break;
	case FUSE_OPENDIR:
		open_it(slot);
		break;
	case FUSE_RELEASEDIR:
		owner.handles[((struct fuse_release_in *)call_body(call))->fh] =
			false;
		break;
	default:
		slot->error = -EACCES;
	}
}

static void was_done(struct slot *slot, const struct sent *question)
{
	const struct wire_was_done *was = (const void *)question->body;

	slot->len = 0;
	slot->error = 1; /* WIRE_UNDONE */
	if (owner.receipts[was->slot].session == was->session &&
	    owner.receipts[was->slot].seq == was->seq) {
		slot->error = 0;
		put_entry(slot, chance(NODES));
	}
}

static void tell(const struct sent *call, const struct slot *slot)
{
	if (is_lost())
		return;
	if (slot->error > 0)
		say(WIRE_UNDONE, call, NULL, 0);
	else
		reply(call, slot->error, slot->answer, slot->len);
}

static void take_call(const struct sent *call)
{
	struct slot *slot = &owner.slots[call->head.slot];

	if (call->head.seq == slot->seq + 1) {
		slot->seq++;
		if (call->head.kind == WIRE_WAS_DONE)
			was_done(slot, call);
		else
			do_call(slot, call);
	}
	assert_true(call->head.seq <= slot->seq);
	if (call->head.seq == slot->seq)
		tell(call, slot);
}

static void take_note(const struct sent *note)
{
	const struct wire_forget *forget = (const void *)note->body;
	const struct wire_discard *discard = (const void *)note->body;

	assert_true(note->head.seq <= owner.noted + 1);
	if (note->head.seq == owner.noted + 1) {
		owner.noted++;
		for (size_t i = 0; note->head.kind == WIRE_FORGET &&
				   i < note->len / sizeof(*forget);
		     i++) {
			owner.nodes[forget[i].node - NODE] -=
				(long)forget[i].count;
			assert_true(owner.nodes[forget[i].node - NODE] >= 0);
		}
		if (note->head.kind == WIRE_DISCARD)
			owner.handles[discard->handle] = false;
	}
	if (!is_lost())
		say(WIRE_NOTED, note, NULL, 0);
}

static void take_probe(const struct sent *probe)
{
	const struct slot *slot = &owner.slots[probe->head.slot];

	if (probe->head.seq == slot->seq)
		tell(probe, slot);
	else if (!is_lost())
		say(WIRE_UNKNOWN, probe, NULL, 0);
}

static void take_message(const struct sent *message)
{
	if (message->head.kind == WIRE_OPEN) {
		if (message->head.session > owner_session)
			owner_forgets();
		if (message->head.session >= owner_session) {
			owner_session = message->head.session;
			if (!is_lost())
				say(WIRE_OPENED, NULL, NULL, 0);
		}
		return;
	}
	if (message->head.session != owner_session)
		return;
	switch (message->head.kind) {
	case WIRE_CALL:
	case WIRE_WAS_DONE:
		take_call(message);
		break;
	case WIRE_PROBE:
		take_probe(message);
		break;
	case WIRE_FORGET:
	case WIRE_DISCARD:
		take_note(message);
		break;
	}
}

static void owner_reads(void)
{
	struct sent *message;

	while ((message = sent_any())) {
		if (!is_lost())
			take_message(message);
		free(message);
	}
}

static void owner_restarts(void)
{
	owner_incarnation += 10;
	owner_forgets();
	owner_session = 0;
	remote_heard(&far_fleet, "h2", owner_incarnation);
}

/* ---- Our kernel ---- */

static uint64_t index_of(uint64_t number)
{
	uint64_t index = number & ~REMOTE_NODE_BIT;

	assert_true(index < ARRAY_SIZE(held));
	return index;
}

static void forget_all(uint64_t number)
{
	if (held[index_of(number)])
		ask_forget(number, (uint64_t)held[index_of(number)]);
	held[index_of(number)] = 0;
}

static void take_answer(int i)
{
	const struct told *one = told_any(asked[i].unique);
	const struct fuse_open_out *open;
	struct fuse_release_in in = {0};

	if (!one)
		return;
	if (asked[i].name >= 0 && !one->error)
		assert_int_equal(owner.made[asked[i].name], 1);
	if (!one->error && one->len == sizeof(struct fuse_entry_out)) {
		const struct fuse_entry_out *entry = (const void *)one->body;

		held[index_of(entry->nodeid)]++;
		if (chance(4) == 0)
			forget_all(entry->nodeid);
	}
	if (!one->error && one->len == sizeof(*open)) {
		open = (const void *)one->body;
		in.fh = open->fh;
		told(ask(FUSE_RELEASEDIR, far_root(), &in, sizeof(in)));
	}
	asked[i].unique = 0;
}

static void ask_something(int i, int name)
{
	const struct fuse_open_in in = {0};
	uint64_t root = far_root();
	char text[16];

	asked[i].name = -1;
	switch (chance(4)) {
	case 0:
		asked[i].unique = ask_lookup(root, "any");
		break;
	case 1:
		asked[i].unique = ask(FUSE_OPENDIR, root, &in, sizeof(in));
		break;
	default:
		snprintf(text, sizeof(text), "%d", name);
		asked[i].name = name;
		asked[i].unique = ask_mkdir(root, text);
	}
}

static void go(int round)
{
	int i = (int)chance(REQUESTS);

	if (!asked[i].unique)
		ask_something(i, round);
	else if (chance(50) == 0)
		ask_interrupt(asked[i].unique);
	/* Who asked is no more, when the answer comes. */
	far_kernel_says = chance(20) == 0 ? -ENOENT : 0;
	owner_reads();
	far_kernel_says = 0;
	if (chance(300) == 0)
		owner_restarts();
	far_pass(100 * chance(4), true);
	owner_reads();
	/* What it was told to forget: each answer is looked for behind it. */
	while (told_any(0))
		;
	for (i = 0; i < REQUESTS; i++) {
		if (asked[i].unique)
			take_answer(i);
	}
}

/* So long that the session is closed, too. */
static void settle(void)
{
	loss = 0;
	for (int i = 0; i < 2 * REMOTE_IDLE_MS / 100; i++) {
		far_pass(100, true);
		owner_reads();
	}
	for (int i = 0; i < REQUESTS; i++) {
		if (asked[i].unique)
			take_answer(i);
		assert_int_equal(asked[i].unique, 0);
	}
}

static void nothing_is_lost_for_good(void **state)
{
	(void)state;
	for (loss = 0; loss <= 30; loss += 10) {
		uint32_t was = loss;

		memset(&owner, 0, sizeof(owner));
		memset(asked, 0, sizeof(asked));
		for (int round = 0; round < ROUNDS; round++)
			go(round);
		settle();
		for (size_t i = 0; i < ARRAY_SIZE(held); i++)
			forget_all(REMOTE_NODE_BIT | i);
		settle();
		for (int i = 0; i < ROUNDS; i++)
			assert_true(owner.made[i] <= 1);
		for (int i = 0; i < NODES; i++)
			assert_int_equal(owner.nodes[i], 0);
		for (int i = 0; i < HANDLES; i++)
			assert_false(owner.handles[i]);
		loss = was;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_is_lost_for_good,
						far_setup, far_teardown),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
