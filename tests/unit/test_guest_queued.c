// SPDX-License-Identifier: Apache-2.0
/*
 * What an owner has taken, and has not begun: it waits for the writer, or for
 * its turn before that, and meanwhile the owner is frozen, or its guest goes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/commons.h"
#include "tests/unit/guests.h"

#define SLOT 5

/* What the writer is at, until it is let go. */
struct blocker {
	struct job job;
	uv_sem_t begun, go;
	bool is_back;
};

static int run_blocker(struct job *job, MDB_txn *txn)
{
	struct blocker *blocker = container_of(job, struct blocker, job);

	(void)txn;
	uv_sem_post(&blocker->begun);
	uv_sem_wait(&blocker->go);
	return 0;
}

static void blocker_done(struct job *job, int result)
{
	assert_int_equal(result, 0);
	container_of(job, struct blocker, job)->is_back = true;
}

static void blocker_submit(struct owner *owner, struct blocker *blocker)
{
	*blocker = (struct blocker){
		.job = {.run = run_blocker, .done = blocker_done}};
	uv_sem_init(&blocker->begun, 0);
	uv_sem_init(&blocker->go, 0);
	writer_submit(owner->th.host->writer, &blocker->job);
}

static void blocker_end(struct owner *owner, struct blocker *blocker)
{
	uv_sem_post(&blocker->go);
	while (!blocker->is_back)
		uv_run(&owner->th.loop, UV_RUN_ONCE);
	uv_sem_destroy(&blocker->begun);
	uv_sem_destroy(&blocker->go);
}

/* A mkdir and a line, taken while the writer is at something else. */
struct queued {
	struct asker asker;
	struct owner owner;
	struct blocker first, last;
	struct anchor *ns;
	uint64_t records, handle;
	uint64_t session; /* that they are of */
};

static void send_write(struct queued *queued)
{
	static const char text[] = "a.example. A 192.0.2.1\n";
	struct {
		struct fuse_write_in in;
		char text[sizeof(text) - 1];
	} body = {.in = {.fh = queued->handle, .size = sizeof(body.text)}};
	struct ask ask;

	memcpy(body.text, text, sizeof(body.text));
	ask_make(&ask, &queued->asker, FUSE_WRITE, queued->records, &body,
		 sizeof(body.in) + sizeof(body.text), NULL, NULL);
	ask_send(&ask, &queued->asker, SLOT + 1);
}

static void send_mkdir(struct queued *queued)
{
	const struct fuse_mkdir_in in = {.mode = 0755};
	struct ask ask;

	ask_make(&ask, &queued->asker, FUSE_MKDIR, FUSE_ROOT_ID, &in,
		 sizeof(in), test_anchor_name("made"), NULL);
	ask_send(&ask, &queued->asker, SLOT);
}

static void queued_init(struct queued *queued)
{
	uint64_t ns;

	owner_init(&queued->owner, "*:write");
	asker_init(&queued->asker, &queued->owner, "h2");
	asker_open(&queued->asker);
	queued->session = queued->asker.session;
	assert_int_equal(asker_mkdir(&queued->asker, FUSE_ROOT_ID,
				     test_anchor_name("ns"), &ns),
			 0);
	queued->ns = queued->owner.th.host->root->children;
	assert_int_equal(
		asker_lookup(&queued->asker, ns, "records", &queued->records),
		0);
	assert_int_equal(asker_open_file(&queued->asker, queued->records,
					 O_WRONLY | O_APPEND, &queued->handle),
			 0);
	blocker_submit(&queued->owner, &queued->first);
	uv_sem_wait(&queued->first.begun);
	send_mkdir(queued);
	send_write(queued);
	/* The writer takes all that waits: then this is at the end of it. */
	blocker_submit(&queued->owner, &queued->last);
	assert_int_equal(owner_anchors(&queued->owner), 2);
	assert_int_equal(queued->ns->in_flight, 1);
}

/* The writer gets to them, and the loop hears what became of them. */
static void queued_run(struct queued *queued)
{
	uv_sem_post(&queued->first.go);
	uv_sem_wait(&queued->last.begun);
	blocker_end(&queued->owner, &queued->last);
	/* It was handed back before. */
	uv_sem_post(&queued->first.go);
	blocker_end(&queued->owner, &queued->first);
	owner_turn(&queued->owner);
}

static void was_not_done(struct queued *queued, uint16_t slot, uint32_t opcode)
{
	const struct wire_was_done about = {
		.session = queued->session,
		.slot = slot,
		.seq = 1,
		.opcode = opcode,
	};

	asker_send(&queued->asker, WIRE_WAS_DONE, slot,
		   ++queued->asker.seq[slot], &about, sizeof(about));
	owner_said_kind(&queued->owner, WIRE_UNDONE);
}

static void is_not_done(struct queued *queued)
{
	assert_int_equal(owner_anchors(&queued->owner), 1);
	assert_int_equal(queued->ns->edits, 0);
	asker_open(&queued->asker);
	was_not_done(queued, SLOT, FUSE_MKDIR);
	was_not_done(queued, SLOT + 1, FUSE_WRITE);
	owner_deinit(&queued->owner);
}

/* The writer is the first to wake. */
static void an_owner_that_was_frozen_begins_nothing_old(void **state)
{
	struct queued queued = {0};

	(void)state;
	queued_init(&queued);
	test_now_ms += 60000;
	queued_run(&queued);
	test_beaten_ms = test_now_ms;
	owner_said_kind(&queued.owner, WIRE_ENDED);
	is_not_done(&queued);
}

/* And the loop, the bus: the writer comes last. */
static void nor_does_it_when_it_is_heard_again(void **state)
{
	struct queued queued = {0};

	(void)state;
	queued_init(&queued);
	test_now_ms += 60000;
	guest_heard(&queued.owner.fleet, "h2", queued.asker.incarnation);
	guests_tick(&queued.owner.fleet);
	test_beaten_ms = test_now_ms;
	guest_heard(&queued.owner.fleet, "h2", queued.asker.incarnation);
	owner_said_kind(&queued.owner, WIRE_ENDED);
	queued_run(&queued);
	is_not_done(&queued);
}

/* A beat that was late has arrived by then, and what is refused stays so. */
static void what_the_writer_refused_ends_the_session(void **state)
{
	struct queued queued = {0};

	(void)state;
	queued_init(&queued);
	test_now_ms += GUEST_GONE_MS - 1;
	guest_heard(&queued.owner.fleet, "h2", queued.asker.incarnation);
	test_now_ms += 2;
	uv_sem_post(&queued.first.go);
	uv_sem_wait(&queued.last.begun);
	test_beaten_ms = test_now_ms;
	uv_sem_post(&queued.first.go);
	blocker_end(&queued.owner, &queued.last);
	blocker_end(&queued.owner, &queued.first);
	/* Nobody is told how they ended. */
	assert_int_equal(asker_answer(&queued.asker)->head.kind, WIRE_ENDED);
	owner_said_nothing(&queued.owner);
	is_not_done(&queued);
}

static void nothing_is_begun_for_who_has_given_up(void **state)
{
	struct queued queued = {0};

	(void)state;
	queued_init(&queued);
	asker_send(&queued.asker, WIRE_CLOSE, 0, 0, NULL, 0);
	queued_run(&queued);
	is_not_done(&queued);

	queued = (struct queued){0};
	queued_init(&queued);
	guest_gone(&queued.owner.fleet, "h2");
	queued_run(&queued);
	is_not_done(&queued);
}

/* Who begins anew asks what became of it. */
static void who_opens_another_session_has_what_was_asked_for(void **state)
{
	struct queued queued = {0};

	(void)state;
	queued_init(&queued);
	asker_send_open(&queued.asker);
	queued_run(&queued);
	asker_opened(&queued.asker);
	assert_int_equal(owner_anchors(&queued.owner), 2);
	assert_int_equal(queued.ns->edits, 1);
	owner_deinit(&queued.owner);
}

/* ---- A replacement ---- */

/* How many records. */
static uint64_t served(const struct queued *queued)
{
	struct snapshot *snapshot = queued->owner.th.host->snapshot;
	struct table_counts counts = {0};
	uint32_t table;
	int r;

	assert_int_equal(snapshot_begin(snapshot), 0);
	assert_int_equal(snapshot_serving(snapshot, queued->ns->id, &table), 0);
	r = snapshot_counts(snapshot, table, &counts);
	assert_true(r == 0 || r == -ENOENT);
	snapshot_end(snapshot);
	return counts.records;
}

/* What is staged of it when the session ends is never served. */
static void a_replacement_that_waits_is_not_published(void **state)
{
	struct queued queued = {0};
	struct fuse_flush_in in;
	struct ask ask;

	(void)state;
	queued_init(&queued);
	queued_run(&queued);
	assert_int_equal(queued.ns->edits, 1);
	assert_int_equal(asker_answer(&queued.asker)->head.kind, WIRE_ANSWER);
	assert_int_equal(asker_answer(&queued.asker)->head.kind, WIRE_ANSWER);
	assert_int_equal(asker_open_file(&queued.asker, queued.records,
					 O_WRONLY | O_TRUNC, &queued.handle),
			 0);
	assert_int_equal(asker_write(&queued.asker, queued.records,
				     queued.handle, "b. A 192.0.2.2\n"),
			 0);
	in = (struct fuse_flush_in){.fh = queued.handle};
	ask_make(&ask, &queued.asker, FUSE_FLUSH, queued.records, &in,
		 sizeof(in), NULL, NULL);
	blocker_submit(&queued.owner, &queued.first);
	uv_sem_wait(&queued.first.begun);
	ask_send(&ask, &queued.asker, SLOT + 2);
	blocker_submit(&queued.owner, &queued.last);
	test_now_ms += 60000;
	queued_run(&queued);
	test_beaten_ms = test_now_ms;
	assert_int_equal(queued.ns->edits, 1);
	owner_deinit(&queued.owner);
}

/* ": > records" had returned, and its host stops. */
static void a_close_that_had_returned_clears(void **state)
{
	static const enum {
		CLOSED,
		GONE,
		FROZEN
	} ends[] = {CLOSED, GONE, FROZEN};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		struct queued queued = {0};
		struct fuse_release_in in;
		struct ask ask;

		queued_init(&queued);
		queued_run(&queued);
		asker_answer(&queued.asker);
		asker_answer(&queued.asker);
		assert_int_equal(served(&queued), 1);
		assert_int_equal(asker_open_file(&queued.asker, queued.records,
						 O_WRONLY | O_TRUNC,
						 &queued.handle),
				 0);
		asker_flush(&queued.asker, queued.records, queued.handle);
		in = (struct fuse_release_in){.fh = queued.handle};
		ask_make(&ask, &queued.asker, FUSE_RELEASE, queued.records, &in,
			 sizeof(in), NULL, NULL);
		blocker_submit(&queued.owner, &queued.first);
		uv_sem_wait(&queued.first.begun);
		ask_send(&ask, &queued.asker, SLOT + 2);
		send_mkdir(&queued);
		blocker_submit(&queued.owner, &queued.last);
		if (ends[i] == CLOSED)
			asker_send(&queued.asker, WIRE_CLOSE, 0, 0, NULL, 0);
		else if (ends[i] == GONE)
			guest_gone(&queued.owner.fleet, "h2");
		test_now_ms += 60000;
		queued_run(&queued);
		test_beaten_ms = test_now_ms;
		assert_int_equal(served(&queued), ends[i] == FROZEN);
		owner_deinit(&queued.owner);
	}
}

/* vim, say, removes a name, and makes it again. */
static void what_was_removed_to_be_replaced_is_put_back(void **state)
{
	const struct fuse_create_in create = {
		.flags = O_WRONLY | O_CREAT | O_EXCL, .mode = 0644};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} made;
	struct queued queued = {0};
	struct fuse_flush_in in;
	uint64_t ns, names, name;
	struct ask ask;

	(void)state;
	queued_init(&queued);
	queued_run(&queued);
	asker_answer(&queued.asker);
	asker_answer(&queued.asker);
	test_caller = (struct wire_caller){.process = 4711, .is_same = 1};
	assert_int_equal(
		asker_lookup(&queued.asker, FUSE_ROOT_ID, queued.ns->name, &ns),
		0);
	assert_int_equal(asker_lookup(&queued.asker, ns, "names", &names), 0);
	assert_int_equal(
		asker_lookup(&queued.asker, names, "a.example.", &name), 0);
	assert_int_equal(asker_call(&queued.asker, FUSE_UNLINK, names, NULL, 0,
				    "a.example.", NULL, 0),
			 0);
	assert_int_equal(asker_call(&queued.asker, FUSE_CREATE, names, &create,
				    sizeof(create), "a.example.", &made,
				    sizeof(made)),
			 0);
	assert_int_equal(asker_write(&queued.asker, made.entry.nodeid,
				     made.open.fh, "@ A 192.0.2.2\n"),
			 0);
	assert_int_equal(served(&queued), 0);
	in = (struct fuse_flush_in){.fh = made.open.fh};
	ask_make(&ask, &queued.asker, FUSE_FLUSH, made.entry.nodeid, &in,
		 sizeof(in), NULL, NULL);
	blocker_submit(&queued.owner, &queued.first);
	uv_sem_wait(&queued.first.begun);
	ask_send(&ask, &queued.asker, SLOT + 2);
	blocker_submit(&queued.owner, &queued.last);
	test_now_ms += 60000;
	queued_run(&queued);
	/* The session is over, and closed when that is done. */
	while (queued.owner.commons.view_count)
		uv_run(&queued.owner.th.loop, UV_RUN_ONCE);
	test_beaten_ms = test_now_ms;
	assert_int_equal(served(&queued), 1);
	owner_deinit(&queued.owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_owner_that_was_frozen_begins_nothing_old),
		cmocka_unit_test(nor_does_it_when_it_is_heard_again),
		cmocka_unit_test(what_the_writer_refused_ends_the_session),
		cmocka_unit_test(nothing_is_begun_for_who_has_given_up),
		cmocka_unit_test(
			who_opens_another_session_has_what_was_asked_for),
		cmocka_unit_test(a_replacement_that_waits_is_not_published),
		cmocka_unit_test(a_close_that_had_returned_clears),
		cmocka_unit_test(what_was_removed_to_be_replaced_is_put_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
