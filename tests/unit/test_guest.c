// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>

#include "fs/commons.h"
#include "fs/fleet/guest_layout.h"
#include "fs/node.h"
#include "fs/view.h"
#include "tests/unit/guests.h"

static struct guest_figures figures_of(const struct owner *owner)
{
	struct guest_figures figures;

	guests_figures(&owner->fleet, &figures);
	return figures;
}

static void begin(struct owner *owner, struct asker *asker)
{
	owner_init(owner, "*:write");
	asker_init(asker, owner, "h2");
	asker_open(asker);
}

/* ---- Sessions ---- */

static void a_session_begins_once_and_a_later_one_ends_it(void **state)
{
	struct asker asker;
	struct owner owner;
	uint64_t node;

	(void)state;
	begin(&owner, &asker);
	/* Said again, it is the same, and what it has is there. */
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	asker_send(&asker, WIRE_OPEN, 0, 0, NULL, 0);
	owner_said_kind(&owner, WIRE_OPENED);
	assert_int_equal(figures_of(&owner).nodes, 1);
	assert_int_equal(figures_of(&owner).guests, 1);

	asker_open(&asker);
	assert_int_equal(figures_of(&owner).nodes, 0);
	assert_int_equal(figures_of(&owner).guests, 1);
	/* Numbers begin anew, and one of the last session is none. */
	assert_int_equal(asker_lookup(&asker, node, "x", &node), -ESTALE);
	owner_deinit(&owner);
}

static void a_message_of_another_session_is_not_done(void **state)
{
	struct asker asker, old;
	const struct sent *said;
	struct owner owner;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	old = asker;
	asker_open(&asker);
	ask_make(&ask, &old, FUSE_MKDIR, FUSE_ROOT_ID,
		 &(struct fuse_mkdir_in){.mode = 0755},
		 sizeof(struct fuse_mkdir_in), test_anchor_name("ns"), NULL);
	ask_send(&ask, &old, 3);
	said = owner_said_kind(&owner, WIRE_ENDED);
	assert_int_equal(said->head.session, old.session);
	assert_int_equal(said->head.slot, 3);
	assert_int_equal(said->head.seq, 1);
	/* Nor is it opened again, and nor is it by another start of that host.
	 */
	asker_send(&old, WIRE_OPEN, 0, 0, NULL, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	old = asker;
	old.incarnation--;
	ask_send(&ask, &old, 3);
	owner_said_kind(&owner, WIRE_ENDED);
	assert_int_equal(owner_anchors(&owner), 0);
	assert_int_equal(figures_of(&owner).guests, 1);
	/* Nor when there is none any more: what was asked last is not done. */
	asker_send(&asker, WIRE_CLOSE, 0, 0, NULL, 0);
	old.incarnation = asker.incarnation;
	asker_send(&old, WIRE_OPEN, 0, 0, NULL, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	assert_int_equal(figures_of(&owner).guests, 0);
	owner_deinit(&owner);
}

static void who_was_not_heard_or_starts_anew_loses_its_session(void **state)
{
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	for (int i = 0; i < 5; i++) {
		test_now_ms += GUEST_GONE_MS - 1;
		test_beaten_ms = test_now_ms;
		guest_heard(&owner.fleet, "h2", asker.incarnation);
		guests_tick(&owner.fleet);
		assert_int_equal(figures_of(&owner).guests, 1);
	}
	test_now_ms += GUEST_GONE_MS + 1;
	test_beaten_ms = test_now_ms;
	guests_tick(&owner.fleet);
	assert_int_equal(figures_of(&owner).guests, 0);
	owner_said_kind(&owner, WIRE_ENDED);

	asker_open(&asker);
	guest_heard(&owner.fleet, "h2", asker.incarnation + 1);
	assert_int_equal(figures_of(&owner).guests, 0);
	owner_said_kind(&owner, WIRE_ENDED);

	asker_open(&asker);
	guest_gone(&owner.fleet, "h2");
	assert_int_equal(figures_of(&owner).guests, 0);
	asker_open(&asker);
	asker_send(&asker, WIRE_CLOSE, 0, 0, NULL, 0);
	assert_int_equal(figures_of(&owner).guests, 0);
	assert_int_equal(figures_of(&owner).sessions_ended, 4);
	owner_said_nothing(&owner);
	owner_deinit(&owner);
}

static void whose_clock_was_set_back_begins_all_the_same(void **state)
{
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	/* Its next start, an hour before. */
	asker.incarnation++;
	asker.session = 10;
	asker_send(&asker, WIRE_OPEN, 0, 0, NULL, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	owner_said_kind(&owner, WIRE_OPENED);
	assert_int_equal(
		asker_mkdir(&asker, FUSE_ROOT_ID, test_anchor_name("ns"), NULL),
		0);
	/* And with a state made anew: it has to wait until the one is over. */
	asker.incarnation = 1;
	asker.session = 5;
	asker_send(&asker, WIRE_OPEN, 0, 0, NULL, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	for (int i = 0; i < 5; i++) {
		test_beaten_ms = test_now_ms += 1000;
		guest_heard(&owner.fleet, "h2", asker.incarnation);
	}
	owner_said_kind(&owner, WIRE_ENDED);
	asker_open(&asker);
	assert_int_equal(figures_of(&owner).guests, 1);
	owner_deinit(&owner);
}

static void an_owner_that_was_frozen_does_nothing_old(void **state)
{
	struct asker asker;
	struct owner owner;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	ask_make(&ask, &asker, FUSE_MKDIR, FUSE_ROOT_ID,
		 &(struct fuse_mkdir_in){.mode = 0755},
		 sizeof(struct fuse_mkdir_in), test_anchor_name("ns"), NULL);

	/* It wakes, and finds what was sent a minute ago. */
	test_now_ms += 60000;
	ask_send(&ask, &asker, 0);
	assert_int_equal(figures_of(&owner).guests, 0);
	owner_said_kind(&owner, WIRE_ENDED);
	owner_said_nothing(&owner);

	/* The bus's thread has beaten again before the loop came round. */
	test_beaten_ms = test_now_ms;
	asker_open(&asker);
	test_now_ms += 60000;
	test_beaten_ms = test_now_ms;
	ask_send(&ask, &asker, 0);
	owner_said_kind(&owner, WIRE_ENDED); /* the session */
	owner_said_kind(&owner, WIRE_ENDED); /* and that call was not done */
	owner_said_nothing(&owner);
	assert_int_equal(owner_anchors(&owner), 0);
	owner_deinit(&owner);
}

static void who_could_not_be_told_is_told_later(void **state)
{
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	test_size_max = 0;
	test_now_ms += GUEST_GONE_MS + 1;
	guests_tick(&owner.fleet);
	assert_int_equal(figures_of(&owner).guests, 0);
	test_size_max = 1 << 21;
	test_beaten_ms = test_now_ms;
	guests_tick(&owner.fleet);
	owner_said_kind(&owner, WIRE_ENDED);
	owner_deinit(&owner);
}

static void who_may_do_nothing_is_told_so_call_by_call(void **state)
{
	struct asker asker;
	struct owner owner;
	uint64_t node;

	(void)state;
	owner_init(&owner, "h3:write");
	asker_init(&asker, &owner, "h2");
	asker_open(&asker);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			asker_lookup(&asker, FUSE_ROOT_ID, "error", &node),
			-EACCES);
	assert_int_equal(owner.commons.view_count, 0);
	assert_non_null(owner.th.host->root->errors.lines[0]);
	assert_null(owner.th.host->root->errors.lines[1]);
	owner_deinit(&owner);
}

/* ---- Numbers ---- */

static void what_a_guest_makes_up_is_no_node_and_no_file(void **state)
{
	struct asker asker;
	struct owner owner;
	uint64_t node, handle, dir;
	struct fuse_read_in read = {.size = 100};

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	assert_in_range(node, 2, 100);
	assert_int_equal(asker_open_file(&asker, node, O_RDONLY, &handle), 0);
	assert_in_range(handle, 1, 100);
	read.fh = handle;
	assert_int_equal(asker_call(&asker, FUSE_READ, node, &read,
				    sizeof(read), NULL, NULL, 0),
			 0);

	/* Addresses, neighbours, and what there never is. */
	const uint64_t wrong[] = {(uintptr_t)&owner, node + 1, UINT64_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(asker_lookup(&asker, wrong[i], "x", &dir),
				 -ESTALE);
		assert_int_equal(
			asker_open_file(&asker, wrong[i], O_RDONLY, &dir),
			-ESTALE);
		read.fh = wrong[i] + handle;
		assert_int_equal(asker_call(&asker, FUSE_READ, node, &read,
					    sizeof(read), NULL, NULL, 0),
				 -EBADF);
		assert_int_equal(asker_release(&asker, node, handle + wrong[i]),
				 -EBADF);
	}
	/* A file of another node, a file as a directory, and back. */
	read.fh = handle;
	assert_int_equal(asker_call(&asker, FUSE_READ, FUSE_ROOT_ID, &read,
				    sizeof(read), NULL, NULL, 0),
			 -EBADF);
	assert_int_equal(asker_call(&asker, FUSE_READDIR, node, &read,
				    sizeof(read), NULL, NULL, 0),
			 -EBADF);
	assert_int_equal(asker_lookup(&asker, node, "x", &dir), -ENOTDIR);
	assert_int_equal(asker_open_file(&asker, FUSE_ROOT_ID, O_RDONLY, &dir),
			 -EISDIR);
	assert_int_equal(asker_mkdir(&asker, node, "x", NULL), -ENOTDIR);
	/* Nobody writes by a file that is open for reading. */
	assert_int_equal(asker_write(&asker, node, handle, "x"), -EBADF);
	/* It is closed once. */
	assert_int_equal(asker_release(&asker, node, handle), 0);
	assert_int_equal(asker_release(&asker, node, handle), -EBADF);
	assert_int_equal(figures_of(&owner).handles, 0);
	assert_int_equal(figures_of(&owner).refused, 0);
	owner_deinit(&owner);
}

static void a_guest_forgets_what_it_was_given_and_no_more(void **state)
{
	struct asker asker;
	struct owner owner;
	uint64_t node, again;

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &again),
			 0);
	assert_int_equal(node, again);
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	assert_int_equal(figures_of(&owner).nodes, 1);
	/* One that was lost is sent again, and not done again. */
	asker.notes--;
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	assert_int_equal(figures_of(&owner).nodes, 1);
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	assert_int_equal(figures_of(&owner).nodes, 0);
	/* Its number is not used again. */
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &again),
			 0);
	assert_int_not_equal(node, again);
	/* The root is not counted, and stays. */
	asker_forget(&asker, FUSE_ROOT_ID, 1000);
	owner_said_kind(&owner, WIRE_NOTED);

	asker_forget(&asker, again, 2);
	owner_said_kind(&owner, WIRE_ENDED);
	assert_int_equal(figures_of(&owner).refused, 1);
	assert_int_equal(figures_of(&owner).guests, 0);
	asker_open(&asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	owner_deinit(&owner);
}

static void a_guest_that_holds_too_much_gets_no_more(void **state)
{
	const struct fuse_read_in in = {.fh = 1, .size = 4096};
	const struct fuse_open_in open = {0};
	struct asker asker;
	struct owner owner;
	uint64_t node, other;
	unsigned kept;

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &node), 0);
	assert_int_equal(asker_call(&asker, FUSE_OPENDIR, FUSE_ROOT_ID, &open,
				    sizeof(open), NULL, NULL, 0),
			 0);
	owner.fleet.guest_counts.nodes += GUEST_NODES_MAX - 2;
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "help", &other), 0);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "metrics", &other),
			 -ENOMEM);
	/* What it has it may find again. */
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "error", &other),
			 0);
	assert_int_equal(node, other);
	/* A directory is listed, and the view keeps no more than was given. */
	kept = HASH_COUNT(owner.commons.views->nodes);
	assert_int_equal(asker_call(&asker, FUSE_READDIRPLUS, FUSE_ROOT_ID, &in,
				    sizeof(in), NULL, NULL, 0),
			 0);
	owner_turn(&owner);
	assert_int_equal(HASH_COUNT(owner.commons.views->nodes), kept);
	owner.fleet.guest_counts.nodes -= GUEST_NODES_MAX - 2;
	assert_int_equal(figures_of(&owner).nodes, 2);
	asker_forget(&asker, node, 3);
	owner_said_kind(&owner, WIRE_NOTED);
	assert_int_equal(figures_of(&owner).nodes, 1);
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_ENDED);
	asker_open(&asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "metrics", &other),
			 0);
	owner_deinit(&owner);
}

static void a_session_is_closed_before_the_next_one_begins(void **state)
{
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	for (int i = 0; i < 5; i++) {
		asker_send_open(&asker);
		assert_int_equal(owner.commons.view_count, 1);
	}
	/* The last one alone. */
	asker_opened(&asker);
	owner_said_nothing(&owner);
	assert_int_equal(owner.commons.view_count, 1);
	owner_deinit(&owner);
}

static void a_node_stays_as_long_as_it_is_open(void **state)
{
	struct fuse_read_in read = {.size = 4096};
	uint64_t node, handle;
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "help", &node), 0);
	assert_int_equal(asker_open_file(&asker, node, O_RDONLY, &handle), 0);
	asker_forget(&asker, node, 1);
	owner_said_kind(&owner, WIRE_NOTED);
	assert_int_equal(figures_of(&owner).nodes, 1);
	/* What is done to the file is; but the node is no more. */
	read.fh = handle;
	assert_int_equal(asker_call(&asker, FUSE_READ, node, &read,
				    sizeof(read), NULL, NULL, 0),
			 0);
	assert_int_equal(asker_open_file(&asker, node, O_RDONLY, &handle),
			 -ESTALE);
	assert_int_equal(asker_release(&asker, node, read.fh), 0);
	assert_int_equal(figures_of(&owner).nodes, 0);
	assert_int_equal(figures_of(&owner).handles, 0);
	owner_deinit(&owner);
}

/* ---- Open files ---- */

static uint64_t make_records(struct asker *asker, uint64_t *dir)
{
	uint64_t records, handle;

	assert_int_equal(
		asker_mkdir(asker, FUSE_ROOT_ID, test_anchor_name("ns"), dir),
		0);
	assert_int_equal(asker_lookup(asker, *dir, "records", &records), 0);
	assert_int_equal(
		asker_open_file(asker, records, O_WRONLY | O_APPEND, &handle),
		0);
	assert_int_equal(asker_write(asker, records, handle,
				     "a.example. 60 A 192.0.2.1\n"),
			 0);
	assert_int_equal(asker_flush(asker, records, handle), 0);
	assert_int_equal(asker_release(asker, records, handle), 0);
	return records;
}

static uint64_t size_of(struct asker *asker, uint64_t node)
{
	const struct fuse_getattr_in in = {0};
	struct fuse_attr_out out;

	assert_int_equal(asker_call(asker, FUSE_GETATTR, node, &in, sizeof(in),
				    NULL, &out, sizeof(out)),
			 0);
	return out.attr.size;
}

static void what_is_discarded_or_left_open_publishes_nothing(void **state)
{
	uint64_t dir, records, handle, size;
	struct wire_discard discard;
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	size = size_of(&asker, records);
	assert_true(size > 0);

	/* Opened for nobody: that would have cleared it. */
	assert_int_equal(
		asker_open_file(&asker, records, O_WRONLY | O_TRUNC, &handle),
		0);
	discard = (struct wire_discard){.handle = handle};
	asker_send(&asker, WIRE_DISCARD, WIRE_SLOT_NOTES, ++asker.notes,
		   &discard, sizeof(discard));
	owner_said_kind(&owner, WIRE_NOTED);
	assert_int_equal(figures_of(&owner).handles, 0);
	assert_int_equal(size_of(&asker, records), size);
	assert_int_equal(asker_release(&asker, records, handle), -EBADF);

	/* Its host vanishes in the midst of it. */
	assert_int_equal(
		asker_open_file(&asker, records, O_WRONLY | O_TRUNC, &handle),
		0);
	assert_int_equal(asker_write(&asker, records, handle,
				     "b.example. 60 A 192.0.2.2\n"),
			 0);
	asker_open(&asker);
	assert_int_equal(figures_of(&owner).handles, 0);
	owner_turn(&owner);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, "ns", &dir),
			 -ENOENT);
	assert_int_equal(owner_anchors(&owner), 1);
	assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID,
				      owner.th.host->root->children->name,
				      &dir),
			 0);
	assert_int_equal(asker_lookup(&asker, dir, "records", &records), 0);
	assert_int_equal(size_of(&asker, records), size);
	owner_deinit(&owner);
}

static void who_is_killed_by_what_the_guest_says_publishes_nothing(void **state)
{
	uint64_t dir, records, handle, size;
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	size = size_of(&asker, records);
	assert_int_equal(
		asker_open_file(&asker, records, O_WRONLY | O_TRUNC, &handle),
		0);
	assert_int_equal(asker_write(&asker, records, handle,
				     "b.example. 60 A 192.0.2.2\n"
				     "c.example. 60 A 192.0.2.3\n"),
			 0);
	test_caller.is_killed = test_caller.is_ending = 1;
	asker_flush(&asker, records, handle);
	asker_release(&asker, records, handle);
	assert_int_equal(size_of(&asker, records), size);

	test_caller.is_killed = test_caller.is_ending = 0;
	assert_int_equal(
		asker_open_file(&asker, records, O_WRONLY | O_TRUNC, &handle),
		0);
	assert_int_equal(asker_write(&asker, records, handle,
				     "b.example. 60 A 192.0.2.2\n"
				     "c.example. 60 A 192.0.2.3\n"),
			 0);
	assert_int_equal(asker_flush(&asker, records, handle), 0);
	assert_int_equal(asker_release(&asker, records, handle), 0);
	assert_true(size_of(&asker, records) > size);
	owner_deinit(&owner);
}

static void a_question_that_is_not_answered_has_an_end(void **state)
{
	const struct sent *said;
	uint64_t question;
	struct asker asker;
	struct owner owner;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	ask_make(&ask, &asker, FUSE_MKDIR, FUSE_ROOT_ID,
		 &(struct fuse_mkdir_in){.mode = 0755},
		 sizeof(struct fuse_mkdir_in), test_anchor_name("ns"), NULL);
	ask_send(&ask, &asker, 0);
	said = owner_said_kind(&owner, WIRE_ASK);
	assert_int_equal(((const struct wire_ask *)said->body)->pid, 4711);
	question = ((const struct wire_ask *)said->body)->question;
	owner_said_nothing(&owner);
	/* It may be lost. */
	test_now_ms += 201;
	said = owner_said_kind(&owner, WIRE_ASK);
	assert_int_equal(((const struct wire_ask *)said->body)->question,
			 question);
	assert_int_equal(((const struct wire_ask *)said->body)->pid, 4711);
	test_now_ms += 2800;
	owner_said_kind(&owner, WIRE_ANSWER);

	/* And with the session. */
	ask_make(&ask, &asker, FUSE_MKDIR, FUSE_ROOT_ID,
		 &(struct fuse_mkdir_in){.mode = 0755},
		 sizeof(struct fuse_mkdir_in), test_anchor_name("nt"), NULL);
	ask_send(&ask, &asker, 0);
	owner_said_kind(&owner, WIRE_ASK);
	asker_open(&asker);
	owner_said_nothing(&owner);
	assert_int_equal(owner.commons.view_count, 1);
	owner_deinit(&owner);
}

/* A write that has no end yet, and its close, of which it is told who makes it.
 */
static void write_and_close(struct asker *asker, struct ask *flush,
			    uint64_t records)
{
	struct fuse_flush_in in = {.padding = WIRE_TELLS};
	uint64_t handle;

	assert_int_equal(
		asker_open_file(asker, records, O_WRONLY | O_APPEND, &handle),
		0);
	assert_int_equal(asker_write(asker, records, handle,
				     "b.example. 60 A 192.0.2.2"),
			 0);
	in.fh = handle;
	ask_make(flush, asker, FUSE_FLUSH, records, &in, sizeof(in), NULL,
		 NULL);
}

static void who_closes_is_not_asked_for_where_it_is_told(void **state)
{
	struct wire_caller caller = {.process = 4711};
	uint64_t dir, records, size;
	const struct sent *said;
	struct asker asker;
	struct owner owner;
	struct ask flush;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	size = size_of(&asker, records);

	/* It may come in time, and late. */
	write_and_close(&asker, &flush, records);
	ask_send(&flush, &asker, 1);
	owner_said_nothing(&owner);
	asker_send(&asker, WIRE_CALLER, 1, asker.seq[1] + 1, &caller,
		   sizeof(caller));
	asker_send(&asker, WIRE_CALLER, WIRE_SLOT_NOTES, asker.seq[1], &caller,
		   sizeof(caller));
	owner_said_nothing(&owner);
	asker_send(&asker, WIRE_CALLER, 1, asker.seq[1], &caller,
		   sizeof(caller));
	said = asker_answer(&asker);
	assert_int_equal(said->head.kind, WIRE_ANSWER);
	assert_int_equal(((struct fuse_out_header *)said->body)->error, 0);
	assert_true(size_of(&asker, records) > size);
	size = size_of(&asker, records);

	/* Not at all: then it is asked for. */
	write_and_close(&asker, &flush, records);
	ask_send(&flush, &asker, 1);
	owner_said_nothing(&owner);
	test_now_ms += 201;
	said = owner_said_kind(&owner, WIRE_ASK);
	caller.question = ((const struct wire_ask *)said->body)->question;
	caller.is_killed = caller.is_ending = 1;
	asker_send(&asker, WIRE_CALLER, 0, 0, &caller, sizeof(caller));
	said = owner_said_kind(&owner, WIRE_ANSWER);
	assert_int_equal(((struct fuse_out_header *)said->body)->error,
			 -EINVAL);
	assert_int_equal(size_of(&asker, records), size);
	owner_deinit(&owner);
}

/* Return: what it is to him, who may be of the opener's process or not. */
static uint64_t size_told(struct asker *asker, uint64_t node, uint64_t opener,
			  bool asks, bool is_same)
{
	const struct fuse_getattr_in in = {.dummy = WIRE_TELLS, .fh = opener};
	struct wire_caller caller = {.process = 4711, .is_same = is_same};
	const struct fuse_out_header *head;
	const struct sent *said;
	struct ask ask;

	ask_make(&ask, asker, FUSE_GETATTR, node, &in, sizeof(in), NULL, NULL);
	ask_send(&ask, asker, 1);
	if (asks) {
		said = owner_said_kind(asker->owner, WIRE_ASK);
		caller.question =
			((const struct wire_ask *)said->body)->question;
	} else {
		owner_said_nothing(asker->owner);
	}
	asker_send(asker, WIRE_CALLER, asks ? 0 : 1, asks ? 0 : asker->seq[1],
		   &caller, sizeof(caller));
	head = (const void *)asker_answer(asker)->body;
	assert_int_equal(head->error, 0);
	return ((const struct fuse_attr_out *)(head + 1))->attr.size;
}

static void who_inherits_is_not_asked_for_where_it_is_told(void **state)
{
	uint64_t dir, records, size, handle, opener;
	struct asker asker;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	size = size_of(&asker, records);
	assert_int_equal(
		asker_open_file(&asker, records, O_WRONLY | O_TRUNC, &handle),
		0);
	opener = asker.pid++;
	assert_int_equal(size_told(&asker, records, opener, false, true), 0);
	assert_int_equal(size_told(&asker, records, opener, false, false),
			 size);
	/* It is another thread that is to be known of. */
	assert_int_equal(size_told(&asker, records, opener + 7, true, true), 0);
	owner_deinit(&owner);
}

/* ---- What is asked for with an OPEN ---- */

struct opened {
	struct fuse_open_out open;
	struct wire_ahead ahead;
	char text[8192];
};

/* Return: octets of what was ahead. */
static size_t open_ahead(struct asker *asker, uint64_t node, int flags,
			 uint32_t wanted, struct opened *out)
{
	const struct fuse_open_in in = {
		.flags = (uint32_t)flags,
		.open_flags = WIRE_AHEAD | wanted,
	};
	const struct fuse_out_header *head;
	const struct sent *said;
	struct ask ask;

	memset(out, 0, sizeof(*out));
	ask_make(&ask, asker, FUSE_OPEN, node, &in, sizeof(in), NULL, NULL);
	ask_send(&ask, asker, 0);
	said = asker_answer(asker);
	head = (const void *)said->body;
	assert_int_equal(head->error, 0);
	assert_int_equal(head->len, said->len);
	assert_true(said->len - sizeof(*head) <= sizeof(*out));
	memcpy(out, head + 1, said->len - sizeof(*head));
	return said->len - sizeof(*head) - sizeof(out->open);
}

static void a_short_text_goes_with_its_opening(void **state)
{
	uint64_t dir, records, log;
	struct asker asker;
	struct owner owner;
	struct opened out;
	size_t size;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	size = size_of(&asker, records);
	assert_int_equal(open_ahead(&asker, records, O_RDONLY, 4096, &out),
			 sizeof(out.ahead) + size);
	assert_true(out.ahead.has_attr && out.ahead.has_text);
	assert_int_equal(out.ahead.attr.attr.size, size);
	assert_int_equal(out.ahead.text, size);
	assert_non_null(strstr(out.text, "192.0.2.1"));
	/* As much as is wanted, or nothing of it. */
	assert_int_equal(
		open_ahead(&asker, records, O_RDONLY, (uint32_t)size, &out),
		sizeof(out.ahead));
	assert_int_equal(open_ahead(&asker, records, O_RDONLY, 0, &out),
			 sizeof(out.ahead));
	/* Who writes is told what it is to him. */
	assert_int_equal(
		open_ahead(&asker, records, O_WRONLY | O_TRUNC, 4096, &out),
		sizeof(out.ahead));
	assert_int_equal(out.ahead.attr.attr.size, 0);
	assert_int_equal(open_ahead(&asker, records, O_RDWR, 4096, &out),
			 sizeof(out.ahead));
	/* What is read of a log is not there any more. */
	assert_int_equal(asker_lookup(&asker, dir, "log", &log), 0);
	assert_int_equal(open_ahead(&asker, log, O_RDONLY, 4096, &out),
			 sizeof(out.ahead));
	owner_deinit(&owner);
}

/* So much was printed in this round of the loop that there is no time left. */
static void a_text_that_takes_its_turn_goes_with_its_opening(void **state)
{
	const struct fuse_open_in in = {.open_flags = WIRE_AHEAD | 4096};
	uint64_t dir, records;
	struct asker asker;
	struct owner owner;
	struct ask ask;
	size_t size;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	size = size_of(&asker, records);
	owner.commons.turns.now_ms = uv_now(&owner.th.loop);
	owner.commons.turns.spent_ns = UINT32_MAX;
	ask_make(&ask, &asker, FUSE_OPEN, records, &in, sizeof(in), NULL, NULL);
	ask_send(&ask, &asker, 0);
	/* It is told when it has come, and not with the next message. */
	assert_true(owner_speaks(&owner, 1000));
	assert_int_equal(asker_answer(&asker)->len,
			 sizeof(struct fuse_out_header) +
				 sizeof(struct fuse_open_out) +
				 sizeof(struct wire_ahead) + size);
	owner_deinit(&owner);
}

/* It is over before its text has come. */
static void a_session_ends_while_a_text_takes_its_turn(void **state)
{
	const struct fuse_open_in in = {.open_flags = WIRE_AHEAD | 4096};
	uint64_t dir, records;
	struct asker asker;
	struct owner owner;
	const char *name;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	name = owner.th.host->root->children->name;
	for (unsigned rounds = 0; rounds < 4; rounds++) {
		ask_make(&ask, &asker, FUSE_OPEN, records, &in, sizeof(in),
			 NULL, NULL);
		owner.commons.turns.now_ms = uv_now(&owner.th.loop);
		owner.commons.turns.spent_ns = UINT32_MAX;
		ask_send(&ask, &asker, 0);
		owner_speaks(&owner, rounds);
		asker_send_open(&asker);
		while (owner_said(&owner)->head.kind != WIRE_OPENED)
			;
		assert_int_equal(asker_lookup(&asker, FUSE_ROOT_ID, name, &dir),
				 0);
		assert_int_equal(asker_lookup(&asker, dir, "records", &records),
				 0);
		assert_int_equal(figures_of(&owner).handles, 0);
	}
	owner_deinit(&owner);
}

/* Both are due, and between them comes a message, which has its own chores. */
static void two_texts_and_a_message_have_their_chores(void **state)
{
	struct guest_session *session;
	struct asker asker;
	struct owner owner;
	uint64_t dir;

	(void)state;
	begin(&owner, &asker);
	make_records(&asker, &dir);
	session = owner.fleet.guests->session;
	for (int i = 0; i < 2; i++) {
		guest_chores_soon(session);
		asker_send(&asker, WIRE_PROBE, 0, 1, NULL, 0);
	}
	guest_chores_soon(session);
	owner_turn(&owner);
	assert_null(session->lane.turns);
	owner_deinit(&owner);
}

static void an_opening_that_comes_again_is_answered_alone(void **state)
{
	char line[64];
	uint64_t dir, records, handle;
	const struct fuse_open_in in = {.open_flags = WIRE_AHEAD | 8192};
	struct asker asker;
	struct owner owner;
	const struct sent *said;
	struct ask ask;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	assert_int_equal(
		asker_open_file(&asker, records, O_WRONLY | O_APPEND, &handle),
		0);
	for (int i = 0; i < 180; i++) {
		snprintf(line, sizeof(line), "n%03d.example. 60 A 192.0.2.1\n",
			 i);
		assert_int_equal(asker_write(&asker, records, handle, line), 0);
	}
	ask_make(&ask, &asker, FUSE_OPEN, records, &in, sizeof(in), NULL, NULL);
	ask_send(&ask, &asker, 0);
	said = asker_answer(&asker);
	assert_true(said->len > GUEST_ANSWER_KEPT);
	ask_again(&ask, &asker, 0);
	said = asker_answer(&asker);
	assert_int_equal(said->len, sizeof(struct fuse_out_header) +
					    sizeof(struct fuse_open_out));
	assert_int_equal(((struct fuse_out_header *)said->body)->len,
			 said->len);
	assert_int_equal(figures_of(&owner).handles, 2);
	owner_deinit(&owner);
}

/* ---- Notifications ---- */

static void a_poll_is_woken_with_the_number_that_it_came_with(void **state)
{
	struct fuse_poll_in poll = {.kh = 0x1234567890,
				    .flags = FUSE_POLL_SCHEDULE_NOTIFY};
	const struct fuse_notify_poll_wakeup_out *wakeup;
	const struct fuse_out_header *head;
	uint64_t dir, stat, records, handle, writer;
	const struct sent *said;
	struct asker asker, other;
	struct owner owner;

	(void)state;
	begin(&owner, &asker);
	records = make_records(&asker, &dir);
	(void)records;
	assert_int_equal(asker_lookup(&asker, dir, "stat", &stat), 0);
	assert_int_equal(asker_open_file(&asker, stat, O_RDONLY, &handle), 0);
	poll.fh = handle;
	assert_int_equal(asker_call(&asker, FUSE_POLL, stat, &poll,
				    sizeof(poll), NULL, NULL, 0),
			 0);

	/* Somebody else changes it. */
	asker_init(&other, &owner, "h3");
	asker_open(&other);
	assert_int_equal(asker_lookup(&other, FUSE_ROOT_ID,
				      owner.th.host->root->children->name,
				      &dir),
			 0);
	assert_int_equal(asker_lookup(&other, dir, "records", &records), 0);
	assert_int_equal(
		asker_open_file(&other, records, O_WRONLY | O_APPEND, &writer),
		0);
	{
		struct {
			struct fuse_write_in in;
			char text[64];
		} write = {.in.fh = writer,
			   .text = "b.example. 60 A 192.0.2.2\n"};
		struct ask ask;

		write.in.size = (uint32_t)strlen(write.text);
		ask_make(&ask, &other, FUSE_WRITE, records, &write,
			 sizeof(write.in) + write.in.size, NULL, NULL);
		ask_send(&ask, &other, 0);
	}
	said = owner_said(&owner);
	while (said->head.kind != WIRE_NOTIFY)
		said = owner_said(&owner);
	assert_string_equal(said->to, "h2");
	head = (const void *)said->body;
	wakeup = (const void *)(head + 1);
	assert_int_equal(head->error, FUSE_NOTIFY_POLL);
	assert_int_equal(wakeup->kh, poll.kh);
	owner_turn(&owner);
	owner_deinit(&owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_closes_is_not_asked_for_where_it_is_told),
		cmocka_unit_test(
			who_inherits_is_not_asked_for_where_it_is_told),
		cmocka_unit_test(a_short_text_goes_with_its_opening),
		cmocka_unit_test(
			a_text_that_takes_its_turn_goes_with_its_opening),
		cmocka_unit_test(a_session_ends_while_a_text_takes_its_turn),
		cmocka_unit_test(two_texts_and_a_message_have_their_chores),
		cmocka_unit_test(an_opening_that_comes_again_is_answered_alone),
		cmocka_unit_test(a_session_begins_once_and_a_later_one_ends_it),
		cmocka_unit_test(a_message_of_another_session_is_not_done),
		cmocka_unit_test(
			who_was_not_heard_or_starts_anew_loses_its_session),
		cmocka_unit_test(whose_clock_was_set_back_begins_all_the_same),
		cmocka_unit_test(an_owner_that_was_frozen_does_nothing_old),
		cmocka_unit_test(who_could_not_be_told_is_told_later),
		cmocka_unit_test(who_may_do_nothing_is_told_so_call_by_call),
		cmocka_unit_test(what_a_guest_makes_up_is_no_node_and_no_file),
		cmocka_unit_test(a_guest_forgets_what_it_was_given_and_no_more),
		cmocka_unit_test(a_guest_that_holds_too_much_gets_no_more),
		cmocka_unit_test(
			a_session_is_closed_before_the_next_one_begins),
		cmocka_unit_test(a_node_stays_as_long_as_it_is_open),
		cmocka_unit_test(
			what_is_discarded_or_left_open_publishes_nothing),
		cmocka_unit_test(
			who_is_killed_by_what_the_guest_says_publishes_nothing),
		cmocka_unit_test(a_question_that_is_not_answered_has_an_end),
		cmocka_unit_test(
			a_poll_is_woken_with_the_number_that_it_came_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
