// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/commons.h"
#include "fs/fleet/request.h"
#include "tests/unit/guests.h"

static const struct fuse_mkdir_in mkdir_in = {.mode = 0755};

static void begin(struct owner *owner, struct asker *asker)
{
	owner_init(owner, "*:write");
	asker_init(asker, owner, "h2");
	asker_open(asker);
}

static void make_mkdir(struct ask *ask, const struct asker *asker,
		       const char *name)
{
	ask_make(ask, asker, FUSE_MKDIR, FUSE_ROOT_ID, &mkdir_in,
		 sizeof(mkdir_in), test_anchor_name(name), NULL);
}

static const struct fuse_out_header *head_of(const struct sent *said)
{
	return (const void *)said->body;
}

static uint64_t node_of_answer(const struct sent *said)
{
	const struct fuse_entry_out *entry = (const void *)(head_of(said) + 1);

	assert_int_equal(said->head.kind, WIRE_ANSWER);
	assert_int_equal(head_of(said)->error, 0);
	assert_int_equal(said->len, sizeof(*head_of(said)) + sizeof(*entry));
	return entry->nodeid;
}

static void a_call_that_comes_again_is_done_once(void **state)
{
	struct guest_figures figures;
	struct asker asker;
	struct owner owner;
	struct ask ask;
	uint64_t node;

	(void)state;
	begin(&owner, &asker);
	make_mkdir(&ask, &asker, "ns");
	ask_send(&ask, &asker, 5);
	ask_again(&ask, &asker, 5);
	owner_said_kind(&owner, WIRE_KNOWN);
	asker_send(&asker, WIRE_PROBE, 5, 1, NULL, 0);
	owner_said_kind(&owner, WIRE_KNOWN);
	node = node_of_answer(asker_answer(&asker));
	for (int i = 0; i < 3; i++) {
		ask_again(&ask, &asker, 5);
		assert_int_equal(node_of_answer(owner_said(&owner)), node);
	}
	asker_send(&asker, WIRE_PROBE, 5, 1, NULL, 0);
	assert_int_equal(node_of_answer(owner_said(&owner)), node);
	assert_int_equal(owner_anchors(&owner), 1);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.calls, 1);
	assert_int_equal(figures.repeated, 6);

	/* It was given once. */
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.nodes, 0);
	/* What was refused is told again, too. */
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "nothing", &node),
			 -ENOENT);
	asker_send(&asker, WIRE_PROBE, 0, 1, NULL, 0);
	assert_int_equal(head_of(owner_said(&owner))->error, -ENOENT);
	owner_deinit(&owner);
}

static void the_next_call_is_the_next_number(void **state)
{
	static const struct {
		uint64_t seq;
		bool is_in_time;     /* no other call runs in that slot */
		enum wire_kind kind; /* 0: nothing is said */
	} cases[] = {
		{1, true, 0}, /* old: nobody waits for it any more */
		{2, true, WIRE_ANSWER}, {3, true, WIRE_ANSWER},
		{4, true, WIRE_ENDED},	{9, true, WIRE_ENDED},
		{3, false, WIRE_KNOWN}, {4, false, WIRE_ENDED},
	};
	struct asker asker;
	struct owner owner;
	struct ask ask, slow;
	uint64_t node;

	(void)state;
	begin(&owner, &asker);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		asker_open(&asker);
		ask_make(&ask, &asker, FUSE_LOOKUP, FUSE_ROOT_ID, NULL, 0,
			 "error", NULL);
		for (int n = 0; n < 2; n++)
			assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID,
						      "error", &node),
					 0);
		if (!cases[i].is_in_time) {
			make_mkdir(&slow, &asker, "ns");
			ask_send(&slow, &asker, 0);
		}
		/* With the session goes the question about its maker. */
		if (!cases[i].is_in_time && cases[i].kind == WIRE_ENDED)
			owner_said_kind(&owner, WIRE_ASK);
		asker_send(&asker, WIRE_CALL, 0, cases[i].seq, ask.octets,
			   ask.len);
		if (cases[i].kind)
			owner_said_kind(&owner, cases[i].kind);
		if (!cases[i].is_in_time && cases[i].kind == WIRE_KNOWN)
			asker_answer(&asker);
		owner_said_nothing(&owner);
	}
	asker_open(&asker);
	asker_send(&asker, WIRE_CALL, WIRE_SLOTS, 1, ask.octets, ask.len);
	owner_said_kind(&owner, WIRE_ENDED);
	owner_deinit(&owner);
}

static void what_never_came_is_to_be_sent_again(void **state)
{
	struct asker asker;
	const struct sent *said;
	struct owner owner;
	uint64_t node;

	(void)state;
	begin(&owner, &asker);
	asker_send(&asker, WIRE_PROBE, 2, 1, NULL, 0);
	said = owner_said_kind(&owner, WIRE_UNKNOWN);
	assert_int_equal(said->head.slot, 2);
	assert_int_equal(said->head.seq, 1);
	/* Also by who only wants to know whether there is the session. */
	asker_send(&asker, WIRE_PROBE, 0, UINT64_MAX, NULL, 0);
	owner_said_kind(&owner, WIRE_UNKNOWN);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	/* One that was given up. */
	asker_send(&asker, WIRE_PROBE, 0, 2, NULL, 0);
	owner_said_nothing(&owner);
	owner_deinit(&owner);
}

static void send_part(struct asker *asker, const struct ask *ask, uint64_t seq,
		      uint32_t offset, uint32_t len)
{
	CLEANUP(freep) uint8_t *octets = malloc(len);
	struct wire_head head;

	assert_non_null(octets);
	memcpy(octets, (const uint8_t *)ask->octets + offset, len);
	wire_begin(&head, WIRE_CALL, asker->incarnation, asker->session,
		   ask->len);
	head.seq = seq;
	head.offset = offset;
	guest_message(&asker->owner->fleet, asker->name, &head, octets, len);
}

static void a_call_in_parts_is_joined_before_it_is_done(void **state)
{
	struct asker asker;
	struct owner owner;
	struct ask ask;
	uint32_t rest;

	(void)state;
	begin(&owner, &asker);
	make_mkdir(&ask, &asker, "ns");
	rest = (uint32_t)ask.len - 48;
	send_part(&asker, &ask, 1, 0, 24);
	send_part(&asker, &ask, 1, 24, 24);
	/* The last one is lost: it never came, and begins anew. */
	asker_send(&asker, WIRE_PROBE, 0, 1, NULL, 0);
	owner_said_kind(&owner, WIRE_UNKNOWN);
	send_part(&asker, &ask, 1, 0, 48);
	/* A part in the midst is lost. */
	send_part(&asker, &ask, 1, 50, rest - 2);
	asker_send(&asker, WIRE_PROBE, 0, 1, NULL, 0);
	owner_said_kind(&owner, WIRE_UNKNOWN);
	send_part(&asker, &ask, 1, 48, rest);
	owner_said_nothing(&owner);
	assert_int_equal(owner_anchors(&owner), 0);

	send_part(&asker, &ask, 1, 0, 48);
	send_part(&asker, &ask, 1, 48, rest);
	node_of_answer(asker_answer(&asker));
	assert_int_equal(owner_anchors(&owner), 1);
	/* Sent again it is answered once, and not for each part. */
	send_part(&asker, &ask, 1, 0, 48);
	send_part(&asker, &ask, 1, 48, rest);
	node_of_answer(owner_said(&owner));
	owner_said_nothing(&owner);
	owner_deinit(&owner);
}

/* While subscriptions change, all does. */
static void a_part_that_comes_twice_is_not_the_next_one(void **state)
{
	struct asker asker;
	struct owner owner;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	ask_make(&ask, &asker, FUSE_LOOKUP, FUSE_ROOT_ID, NULL, 0,
		 "a-name-of-thirty-one-characters", NULL);
	assert_int_equal(ask.len, 72);
	for (uint32_t i = 0; i < 5; i++)
		send_part(&asker, &ask, 1, i / 2 * 24, 24);
	assert_int_equal(head_of(owner_said_kind(&owner, WIRE_ANSWER))->error,
			 -ENOENT);
	owner_said_nothing(&owner);
	owner_deinit(&owner);
}

/* The first part of the first call in a slot. */
static void begin_call(struct asker *asker, uint16_t slot, size_t whole)
{
	struct wire_head head;
	uint64_t octets[8] = {0};

	wire_begin(&head, WIRE_CALL, asker->incarnation, asker->session, whole);
	head.slot = slot;
	head.seq = 1;
	guest_message(&asker->owner->fleet, asker->name, &head, octets,
		      sizeof(octets));
}

static void what_is_on_its_way_has_a_bound(void **state)
{
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	/* Two of a megabyte are let in, and one more. */
	for (uint16_t slot = 0; slot < 5; slot++) {
		begin_call(&asker, slot, 1 << 20);
		if (slot < 3)
			owner_said_nothing(&owner);
	}
	owner_said_kind(&owner, WIRE_ENDED);
	owner_deinit(&owner);
}

static void small_calls_go_beside_as_many_large_ones_as_may_be(void **state)
{
	struct asker asker;
	struct owner owner;
	uint16_t slot = 0;

	(void)state;
	begin(&owner, &asker);
	for (; slot < 16; slot++)
		begin_call(&asker, slot, WIRE_BODIES_MAX / 16);
	for (; slot < WIRE_SLOTS; slot++)
		begin_call(&asker, slot, WIRE_SMALL);
	owner_said_nothing(&owner);
	owner_deinit(&owner);
}

static void what_is_no_request_ends_the_session(void **state)
{
	static const uint32_t opcodes[] = {FUSE_INIT, FUSE_DESTROY, FUSE_FORGET,
					   FUSE_BATCH_FORGET, FUSE_INTERRUPT};
	const uint64_t zeros[16] = {0};
	struct guest_figures figures;
	struct asker asker;
	struct owner owner;
	struct ask ask;
	uint64_t node;

	(void)state;
	begin(&owner, &asker);
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		for (size_t len = 0; len <= sizeof(zeros); len += 8) {
			ask_make(&ask, &asker, opcodes[i], FUSE_ROOT_ID, zeros,
				 len, NULL, NULL);
			ask_send(&ask, &asker, 0);
			owner_said_kind(&owner, WIRE_ENDED);
			asker_open(&asker);
		}
	}
	/* A name that does not end; a length that is not true. */
	ask_make(&ask, &asker, FUSE_LOOKUP, FUSE_ROOT_ID, "error", 5, NULL,
		 NULL);
	ask_send(&ask, &asker, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	asker_open(&asker);
	ask_make(&ask, &asker, FUSE_LOOKUP, FUSE_ROOT_ID, NULL, 0, "error",
		 NULL);
	ask.head.len++;
	ask_send(&ask, &asker, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	asker_open(&asker);
	/* One that nobody knows yet is no offence. */
	ask_make(&ask, &asker, 4000, FUSE_ROOT_ID, NULL, 0, NULL, NULL);
	ask_send(&ask, &asker, 0);
	assert_int_equal(head_of(asker_answer(&asker))->error, -ENOSYS);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.guests, 1);
	owner_deinit(&owner);
}

/* ---- Answers ---- */

static uint64_t open_dir(struct asker *asker, uint64_t node)
{
	const struct fuse_open_in in = {0};
	struct fuse_open_out out;

	assert_int_equal(asker_call(asker, FUSE_OPENDIR, node, &in, sizeof(in),
				    NULL, &out, sizeof(out)),
			 0);
	return out.fh;
}

static void a_long_answer_comes_in_parts(void **state)
{
	struct fuse_read_in in = {.size = 4096};
	uint64_t whole[1024], joined[1024], node, handle;
	const struct sent *said;
	struct asker asker;
	struct owner owner;
	struct ask ask;
	size_t len, at = 0;

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "help", &node), 0);
	assert_int_equal(asker_open_file(&asker, node, O_RDONLY, &handle), 0);
	in.fh = handle;
	ask_make(&ask, &asker, FUSE_READ, node, &in, sizeof(in), NULL, NULL);
	ask_send(&ask, &asker, 1);
	said = owner_said_kind(&owner, WIRE_ANSWER);
	len = said->len;
	assert_in_range(len, 400, sizeof(whole));
	memcpy(whole, said->body, len);

	test_size_max = sizeof(struct wire_head) + 100;
	asker_send(&asker, WIRE_PROBE, 1, 1, NULL, 0);
	while (at < len) {
		said = owner_said_kind(&owner, WIRE_ANSWER);
		assert_int_equal(said->head.whole, len);
		assert_int_equal(said->head.offset, at);
		memcpy((uint8_t *)joined + at, said->body, said->len);
		at += said->len;
	}
	assert_int_equal(at, len);
	assert_memory_equal(whole, joined, len);
	owner_deinit(&owner);
}

static void a_long_read_is_done_again_and_not_kept(void **state)
{
	struct fuse_read_in in = {.size = 128 * 1024};
	uint64_t dir, records, handle;
	const struct sent *said;
	char text[128];
	struct asker asker;
	struct owner owner;
	struct ask ask;
	size_t len;

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(
		asker_mkdir(&asker, FUSE_ROOT_ID, test_anchor_name("ns"), &dir),
		0);
	assert_int_equal(asker_lookup(&asker, dir, "records", &records), 0);
	assert_int_equal(
		asker_open_file(&asker, records, O_RDWR | O_APPEND, &handle),
		0);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text),
			 "name-%d-which-is-rather-long.example. 60 TXT "
			 "\"and some text, too\"\n",
			 i);
		assert_int_equal(asker_write(&asker, records, handle, text), 0);
	}
	in.fh = handle;
	ask_make(&ask, &asker, FUSE_READ, records, &in, sizeof(in), NULL, NULL);
	ask_send(&ask, &asker, 1);
	said = owner_said_kind(&owner, WIRE_ANSWER);
	len = said->len;
	assert_true(len > 5000);
	asker_send(&asker, WIRE_PROBE, 1, 1, NULL, 0);
	owner_said_kind(&owner, WIRE_UNKNOWN);
	ask_again(&ask, &asker, 1);
	said = owner_said_kind(&owner, WIRE_ANSWER);
	assert_int_equal(said->len, len);
	owner_deinit(&owner);
}

static void make_nameservers(struct asker *asker, int count)
{
	char name[64];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "nameserver-number-%d", i);
		assert_int_equal(asker_mkdir(asker, FUSE_ROOT_ID,
					     test_anchor_name(name), NULL),
				 0);
	}
}

static void a_directory_is_read_in_pieces_that_are_kept(void **state)
{
	struct fuse_read_in in = {.size = 128 * 1024};
	struct guest_figures figures;
	uint64_t handle, given;
	const struct sent *said;
	struct asker asker;
	struct owner owner;
	struct ask ask;
	size_t len;

	(void)state;
	begin(&owner, &asker);
	make_nameservers(&asker, 40);
	asker_open(&asker);
	in.fh = handle = open_dir(&asker, FUSE_ROOT_ID);
	ask_make(&ask, &asker, FUSE_READDIRPLUS, FUSE_ROOT_ID, &in, sizeof(in),
		 NULL, NULL);
	ask_send(&ask, &asker, 1);
	said = owner_said_kind(&owner, WIRE_ANSWER);
	len = said->len;
	assert_in_range(len, GUEST_ANSWER_KEPT, GUEST_LISTING);
	guests_figures(&owner.fleet, &figures);
	given = figures.nodes;
	assert_in_range(given, 40, 50);
	asker_send(&asker, WIRE_PROBE, 1, 1, NULL, 0);
	assert_int_equal(owner_said_kind(&owner, WIRE_ANSWER)->len, len);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.nodes, given);
	/* Each was given once, by a number of the guest's. */
	for (uint64_t node = 2; node < 2 + given; node++) {
		asker_forget(&asker, node, 1);
		owner_said_kind(&owner, WIRE_NOTED);
	}
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.nodes, 0);
	owner_deinit(&owner);
}

struct listed {
	struct fuse_open_out open;
	struct wire_ahead ahead;
	char text[GUEST_LISTING];
};

/* Return: octets of what was ahead. */
static size_t open_listed(struct asker *asker, uint32_t wanted,
			  struct listed *out)
{
	const struct fuse_open_in in = {.open_flags = WIRE_AHEAD | wanted};
	const struct sent *said;
	struct ask ask;
	size_t head = sizeof(struct fuse_out_header);

	memset(out, 0, sizeof(*out));
	ask_make(&ask, asker, FUSE_OPENDIR, FUSE_ROOT_ID, &in, sizeof(in), NULL,
		 NULL);
	ask_send(&ask, asker, 1);
	said = asker_answer(asker);
	assert_in_range(said->len - head, sizeof(out->open), sizeof(*out));
	memcpy(out, (const char *)said->body + head, said->len - head);
	return said->len - head - sizeof(out->open);
}

static unsigned count_names(const struct listed *listed)
{
	unsigned count = 0;

	for (size_t at = 0; at < listed->ahead.text; count++)
		at += FUSE_DIRENTPLUS_SIZE(
			(struct fuse_direntplus *)(listed->text + at));
	return count;
}

static void a_directory_is_listed_with_its_opening(void **state)
{
	struct guest_figures figures;
	struct asker asker;
	struct owner owner;
	struct listed out, again;
	unsigned names;
	uint64_t given;
	size_t len;

	(void)state;
	begin(&owner, &asker);
	make_nameservers(&asker, 40);
	asker_open(&asker);
	/* As much as a piece may have, or nothing of it. */
	assert_int_equal(open_listed(&asker, GUEST_LISTING - 1, &out), 0);
	len = open_listed(&asker, 128 * 1024, &out);
	assert_true(out.ahead.has_text);
	assert_int_equal(len, sizeof(out.ahead) + out.ahead.text);
	names = count_names(&out);
	assert_in_range(names, 40, 60);
	guests_figures(&owner.fleet, &figures);
	given = figures.nodes;
	/* But for the dots. */
	assert_int_equal(given, names - 2);
	/* It is kept, for an answer may get lost. */
	asker_send(&asker, WIRE_PROBE, 1, asker.seq[1], NULL, 0);
	assert_int_equal(owner_said_kind(&owner, WIRE_ANSWER)->len,
			 len + 16 + sizeof(out.open));
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.nodes, given);
	for (uint64_t node = 2; node < 2 + given; node++) {
		asker_forget(&asker, node, 1);
		owner_said_kind(&owner, WIRE_NOTED);
	}
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.nodes, 0);
	/* What does not fit is asked for. */
	make_nameservers(&asker, 400);
	asker_open(&asker);
	open_listed(&asker, GUEST_LISTING, &again);
	assert_false(again.ahead.has_text);
	assert_in_range(again.ahead.text, GUEST_LISTING - 1500, GUEST_LISTING);
	owner_deinit(&owner);
}

static size_t list(struct asker *asker, uint16_t slot, uint64_t handle)
{
	struct fuse_read_in in = {.size = 128 * 1024, .fh = handle};
	struct ask ask;

	ask_make(&ask, asker, FUSE_READDIRPLUS, FUSE_ROOT_ID, &in, sizeof(in),
		 NULL, NULL);
	ask_send(&ask, asker, slot);
	return owner_said_kind(asker->owner, WIRE_ANSWER)->len;
}

static void pieces_are_short_when_many_are_kept(void **state)
{
	const size_t shorts =
		GUEST_ANSWER_KEPT + sizeof(struct fuse_out_header);
	size_t all = 0, len = 0;
	struct asker asker;
	struct owner owner;
	struct ask ask;
	uint64_t handle;

	(void)state;
	begin(&owner, &asker);
	make_nameservers(&asker, 40);
	asker_open(&asker);
	handle = open_dir(&asker, FUSE_ROOT_ID);
	for (uint16_t slot = 1; slot < WIRE_SLOTS; slot++) {
		len = list(&asker, slot, handle);
		all += len > shorts ? len : 0;
	}
	assert_in_range(len, 2000, shorts);
	assert_in_range(all, GUEST_LISTINGS_MAX / 2, GUEST_LISTINGS_MAX);
	/* What is known to have come is kept no longer. */
	for (uint16_t slot = 1; slot < WIRE_SLOTS; slot++) {
		ask_make(&ask, &asker, FUSE_STATFS, FUSE_ROOT_ID, NULL, 0, NULL,
			 NULL);
		ask_send(&ask, &asker, slot);
		owner_said_kind(&owner, WIRE_ANSWER);
	}
	assert_true(list(&asker, 1, handle) > shorts);
	owner_deinit(&owner);
}

/* ---- Closing ---- */

static void a_file_is_closed_after_what_is_done_to_it(void **state)
{
	struct fuse_read_in in = {.size = 4096};
	struct fuse_release_in close = {0};
	struct guest_figures figures;
	uint64_t dir, log, handle;
	struct wire_discard discard;
	struct asker asker;
	struct owner owner;
	struct ask read, release;

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(
		asker_mkdir(&asker, FUSE_ROOT_ID, test_anchor_name("ns"), &dir),
		0);
	assert_int_equal(asker_lookup(&asker, dir, "log", &log), 0);
	assert_int_equal(asker_open_file(&asker, log, O_RDONLY, &handle), 0);
	in.fh = close.fh = handle;
	ask_make(&read, &asker, FUSE_READ, log, &in, sizeof(in), NULL, NULL);
	ask_make(&release, &asker, FUSE_RELEASE, log, &close, sizeof(close),
		 NULL, NULL);
	/* It waits for a query, and the close waits for it. */
	ask_send(&read, &asker, 1);
	ask_send(&release, &asker, 2);
	owner_said_nothing(&owner);
	ask_again(&release, &asker, 2);
	owner_said_kind(&owner, WIRE_KNOWN);
	asker_send(&asker, WIRE_INTERRUPT, 1, 1, NULL, 0);
	assert_int_equal(head_of(owner_said_kind(&owner, WIRE_ANSWER))->error,
			 -EINTR);
	assert_int_equal(head_of(owner_said_kind(&owner, WIRE_ANSWER))->error,
			 0);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.handles, 0);

	/* The same for one that nobody got. */
	assert_int_equal(asker_open_file(&asker, log, O_RDONLY, &handle), 0);
	in.fh = handle;
	ask_make(&read, &asker, FUSE_READ, log, &in, sizeof(in), NULL, NULL);
	ask_send(&read, &asker, 1);
	discard = (struct wire_discard){.handle = handle};
	asker_send(&asker, WIRE_DISCARD, WIRE_SLOT_NOTES, ++asker.notes,
		   &discard, sizeof(discard));
	owner_said_kind(&owner, WIRE_NOTED);
	asker_forget(&asker, log, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.handles, 1);
	asker_send(&asker, WIRE_INTERRUPT, 1, 2, NULL, 0);
	owner_said_kind(&owner, WIRE_ANSWER);
	owner_turn(&owner);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.handles, 0);
	assert_int_equal(figures.nodes, 1);

	/* And of one who vanishes. */
	assert_int_equal(asker_lookup(&asker, dir, "log", &log), 0);
	assert_int_equal(asker_open_file(&asker, log, O_RDONLY, &handle), 0);
	in.fh = close.fh = handle;
	ask_make(&read, &asker, FUSE_READ, log, &in, sizeof(in), NULL, NULL);
	ask_make(&release, &asker, FUSE_RELEASE, log, &close, sizeof(close),
		 NULL, NULL);
	ask_send(&read, &asker, 1);
	ask_send(&release, &asker, 2);
	guest_gone(&owner.fleet, "h2");
	owner_said_nothing(&owner);
	owner_deinit(&owner);
}

/* ---- After a session's end ---- */

static void was_done(struct asker *asker, uint16_t slot, uint64_t session,
		     uint64_t seq, uint32_t opcode)
{
	const struct wire_was_done about = {
		.session = session,
		.slot = slot,
		.seq = seq,
		.opcode = opcode,
	};

	asker_send(asker, WIRE_WAS_DONE, slot, ++asker->seq[slot], &about,
		   sizeof(about));
}

static void what_was_done_is_known_after_the_session(void **state)
{
	struct guest_figures figures;
	struct asker asker;
	const struct sent *said;
	struct owner owner;
	struct ask ask;
	uint64_t node, old;

	(void)state;
	begin(&owner, &asker);
	make_mkdir(&ask, &asker, "ns");
	ask_send(&ask, &asker, 9);
	/* Not answered yet: it is still on its way to the disk. */
	old = asker.session;
	asker_send_open(&asker);
	asker_opened(&asker);
	was_done(&asker, 9, old, 1, FUSE_MKDIR);
	node = node_of_answer(asker_answer(&asker));
	assert_int_equal(owner_anchors(&owner), 1);
	asker_send(&asker, WIRE_PROBE, 9, 1, NULL, 0);
	said = owner_said(&owner);
	assert_int_equal(said->head.seq, 1);
	assert_int_equal(node_of_answer(said), node);
	/* It is the directory, given once; above it is nothing that was. */
	assert_int_equal(asker_lookup(&asker, node, "records", &old), 0);
	asker_forget(&asker, old, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	guests_figures(&owner.fleet, &figures);
	assert_int_equal(figures.nodes, 0);
	owner_deinit(&owner);
}

static void what_was_not_done_never_will_be(void **state)
{
	struct asker asker, other;
	struct owner owner;
	uint64_t first;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	first = asker.session;
	make_mkdir(&ask, &asker, "ns");
	ask_send(&ask, &asker, 1);
	asker_answer(&asker);
	/* The same name: refused, and so not done. */
	ask_send(&ask, &asker, 1);
	assert_int_equal(head_of(asker_answer(&asker))->error, -EEXIST);
	asker_open(&asker);
	was_done(&asker, 1, first, 2, FUSE_MKDIR);
	owner_said_kind(&owner, WIRE_UNDONE);
	asker_send(&asker, WIRE_PROBE, 1, 1, NULL, 0);
	owner_said_kind(&owner, WIRE_UNDONE);
	/* Another slot, session, host. */
	was_done(&asker, 2, first, 1, FUSE_MKDIR);
	owner_said_kind(&owner, WIRE_UNDONE);
	was_done(&asker, 1, first - 1, 1, FUSE_MKDIR);
	owner_said_kind(&owner, WIRE_UNDONE);
	asker_init(&other, &owner, "h3");
	other.session = first + 10;
	asker_open(&other);
	was_done(&other, 1, first, 1, FUSE_MKDIR);
	owner_said_kind(&owner, WIRE_UNDONE);

	was_done(&asker, 1, first, 1, FUSE_MKDIR);
	node_of_answer(asker_answer(&asker));
	/* It has gone since. */
	assert_int_equal(asker_call(&asker, FUSE_RMDIR, FUSE_ROOT_ID, NULL, 0,
				    owner.th.host->root->children->name, NULL,
				    0),
			 0);
	was_done(&asker, 1, first, 1, FUSE_MKDIR);
	assert_int_equal(head_of(asker_answer(&asker))->error, -ENOENT);
	owner_deinit(&owner);
}

/* ---- What no receipt tells ---- */

/* A nameserver whose directory is looked up anew in each session. */
static uint64_t server_node(struct asker *asker)
{
	const struct anchor *children = asker->owner->th.host->root->children;
	uint64_t node;

	if (!children)
		assert_int_equal(asker_mkdir(asker, FUSE_ROOT_ID,
					     test_anchor_name("ns"), &node),
				 0);
	else
		assert_int_equal(asker_lookup(asker, FUSE_ROOT_ID,
					      children->name, &node),
				 0);
	return node;
}

static int make_file(struct asker *asker, uint32_t opcode, uint64_t dir,
		     uint16_t slot)
{
	const struct fuse_create_in create = {
		.flags = O_WRONLY | O_CREAT | O_EXCL, .mode = 0644};
	const struct fuse_mknod_in mknod = {.mode = S_IFREG | 0644};
	const struct sent *said;
	struct ask ask;

	if (opcode == FUSE_CREATE)
		ask_make(&ask, asker, opcode, dir, &create, sizeof(create),
			 "draft", NULL);
	else
		ask_make(&ask, asker, opcode, dir, &mknod, sizeof(mknod),
			 "draft", NULL);
	ask_send(&ask, asker, slot);
	said = asker_answer(asker);
	assert_int_equal(said->head.kind, WIRE_ANSWER);
	return head_of(said)->error;
}

/* Who asks makes it again, and is not told that it is there already. */
static void a_draft_that_nobody_was_told_of_is_not_there(void **state)
{
	static const uint32_t opcodes[] = {FUSE_CREATE, FUSE_MKNOD};
	struct asker asker;
	struct owner owner;
	uint64_t node, first;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		begin(&owner, &asker);
		first = asker.session;
		assert_int_equal(
			make_file(&asker, opcodes[i], server_node(&asker), 4),
			0);
		asker_open(&asker);
		was_done(&asker, 4, first, 1, opcodes[i]);
		owner_said_kind(&owner, WIRE_UNDONE);
		node = server_node(&asker);
		assert_int_equal(asker_lookup(&asker, node, "draft", &first),
				 -ENOENT);
		assert_int_equal(make_file(&asker, FUSE_CREATE, node, 4), 0);
		owner_deinit(&owner);
	}
}

static void a_draft_that_others_have_used_stays(void **state)
{
	struct asker asker, other;
	uint64_t dir, node, handle, first;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	asker_init(&other, &owner, "h3");
	asker_open(&other);
	first = asker.session;
	assert_int_equal(make_file(&asker, FUSE_CREATE, server_node(&asker), 4),
			 0);
	dir = server_node(&other);
	assert_int_equal(asker_lookup(&other, dir, "draft", &node), 0);
	assert_int_equal(asker_open_file(&other, node, O_WRONLY, &handle), 0);
	assert_int_equal(asker_write(&other, node, handle, "text"), 0);
	assert_int_equal(asker_release(&other, node, handle), 0);
	asker_open(&asker);
	was_done(&asker, 4, first, 1, FUSE_CREATE);
	owner_said_kind(&owner, WIRE_UNDONE);
	assert_int_equal(asker_lookup(&other, dir, "draft", &node), 0);
	owner_deinit(&owner);
}

static void what_was_done_to_a_draft_is_known_after_the_session(void **state)
{
	struct fuse_rename_in in = {0};
	struct asker asker;
	struct owner owner;
	uint64_t first, later;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	first = asker.session;
	in.newdir = server_node(&asker);
	make_file(&asker, FUSE_MKNOD, in.newdir, 1);
	ask_make(&ask, &asker, FUSE_RENAME, in.newdir, &in, sizeof(in), "draft",
		 "other");
	ask_send(&ask, &asker, 2);
	assert_int_equal(head_of(asker_answer(&asker))->error, 0);
	asker_open(&asker);
	/* Of a question nothing is noted, and not in place of the call. */
	was_done(&asker, 2, first, 1, FUSE_RENAME);
	assert_int_equal(head_of(asker_answer(&asker))->error, 0);
	later = asker.session;
	ask_make(&ask, &asker, FUSE_UNLINK, server_node(&asker), NULL, 0,
		 "other", NULL);
	ask_send(&ask, &asker, 3);
	assert_int_equal(head_of(asker_answer(&asker))->error, 0);
	asker_open(&asker);
	was_done(&asker, 2, first, 1, FUSE_RENAME);
	assert_int_equal(head_of(asker_answer(&asker))->error, 0);
	was_done(&asker, 3, later, 1, FUSE_UNLINK);
	assert_int_equal(head_of(asker_answer(&asker))->error, 0);
	was_done(&asker, 3, first, 1, FUSE_UNLINK);
	owner_said_kind(&owner, WIRE_UNDONE);
	owner_deinit(&owner);
}

static bool is_settled(struct asker *asker, struct ask *ask)
{
	const struct sent *said;

	ask_send(ask, asker, 0);
	said = asker_answer(asker);
	assert_int_equal(head_of(said)->error, 0);
	return head_of(said)->unique & WIRE_SETTLED;
}

static bool writes_settled(struct asker *asker, uint64_t node, uint64_t handle,
			   const char *text)
{
	struct {
		struct fuse_write_in in;
		char text[64];
	} write = {.in = {.fh = handle, .size = (uint32_t)strlen(text)}};
	struct ask ask;

	memcpy(write.text, text, strlen(text));
	ask_make(&ask, asker, FUSE_WRITE, node, &write,
		 sizeof(write.in) + strlen(text), NULL, NULL);
	return is_settled(asker, &ask);
}

static void an_answer_says_whether_all_is_on_disk(void **state)
{
	static const struct {
		const char *file;
		uint32_t flags;
		const char *text;
		bool is_settled;
	} cases[] = {
		{"records", O_APPEND, "a. A 192.0.2.1\n", true},
		{"records", O_APPEND, "a. A 192.0.2.1\nb. A", false},
		{"records", O_APPEND, "a. A (\n", false},
		{"records", O_APPEND, "; nothing\n", true},
		{"records", O_TRUNC, "a. A 192.0.2.1\n", false},
		{"addr", 0, "off\n", true},
		{"addr", 0, "of", false},
		{"draft", 0, "text\n", false},
	};
	struct fuse_flush_in flush = {0};
	struct asker asker;
	struct owner owner;
	uint64_t dir, node, handle;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	test_caller = (struct wire_caller){.process = 4711, .is_same = 1};
	dir = server_node(&asker);
	assert_int_equal(make_file(&asker, FUSE_MKNOD, dir, 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(
			asker_lookup(&asker, dir, cases[i].file, &node), 0);
		assert_int_equal(asker_open_file(&asker, node,
						 O_WRONLY | cases[i].flags,
						 &handle),
				 0);
		assert_int_equal(
			writes_settled(&asker, node, handle, cases[i].text),
			cases[i].is_settled);
		flush.fh = handle;
		ask_make(&ask, &asker, FUSE_FLUSH, node, &flush, sizeof(flush),
			 NULL, NULL);
		/* What is replaced is published, and all is on disk then. */
		if (cases[i].flags == O_TRUNC)
			assert_true(is_settled(&asker, &ask));
		asker_release(&asker, node, handle);
	}
	owner_deinit(&owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_that_comes_again_is_done_once),
		cmocka_unit_test(the_next_call_is_the_next_number),
		cmocka_unit_test(what_never_came_is_to_be_sent_again),
		cmocka_unit_test(a_call_in_parts_is_joined_before_it_is_done),
		cmocka_unit_test(a_part_that_comes_twice_is_not_the_next_one),
		cmocka_unit_test(what_is_on_its_way_has_a_bound),
		cmocka_unit_test(
			small_calls_go_beside_as_many_large_ones_as_may_be),
		cmocka_unit_test(what_is_no_request_ends_the_session),
		cmocka_unit_test(a_long_answer_comes_in_parts),
		cmocka_unit_test(a_long_read_is_done_again_and_not_kept),
		cmocka_unit_test(a_directory_is_read_in_pieces_that_are_kept),
		cmocka_unit_test(a_directory_is_listed_with_its_opening),
		cmocka_unit_test(pieces_are_short_when_many_are_kept),
		cmocka_unit_test(a_file_is_closed_after_what_is_done_to_it),
		cmocka_unit_test(what_was_done_is_known_after_the_session),
		cmocka_unit_test(what_was_not_done_never_will_be),
		cmocka_unit_test(an_answer_says_whether_all_is_on_disk),
		cmocka_unit_test(a_draft_that_nobody_was_told_of_is_not_there),
		cmocka_unit_test(a_draft_that_others_have_used_stays),
		cmocka_unit_test(
			what_was_done_to_a_draft_is_known_after_the_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
