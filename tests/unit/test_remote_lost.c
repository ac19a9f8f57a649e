// SPDX-License-Identifier: Apache-2.0
/*
 * What gets lost: messages, answers, callers, owners. A fleet's promise is that
 * each thing is done once, and that no call waits for ever.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "far.h"

/* ---- Messages ---- */

static void a_call_that_got_lost_is_sent_again_with_its_number(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns");
	struct sent *first, *probe, *again;

	(void)state;
	owner_opens();
	first = sent_call(FUSE_MKDIR);
	far_pass(900, true);
	sent_none();
	far_pass(100, true);
	probe = sent(WIRE_PROBE);
	assert_int_equal(probe->head.slot, first->head.slot);
	assert_int_equal(probe->head.seq, first->head.seq);
	say(WIRE_KNOWN, probe, NULL, 0);
	sent_none();
	/* It is asked twice, and sent once. */
	far_pass(1000, true);
	probe = sent(WIRE_PROBE);
	remotes_changed(&far_fleet, true);
	sent(WIRE_PROBE);
	say(WIRE_UNKNOWN, probe, NULL, 0);
	say(WIRE_UNKNOWN, probe, NULL, 0);
	again = sent_call(FUSE_MKDIR);
	sent_none();
	assert_int_equal(again->head.seq, first->head.seq);
	assert_int_equal(again->len, first->len);
	reply_entry(again, NODE, S_IFDIR);
	told_error(unique, 0);
	/* The first one's answer comes, too. */
	reply_entry(first, NODE, S_IFDIR);
	sent_none();
}

static void a_slow_owner_that_is_heard_has_all_the_time(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns");
	struct sent *call;

	(void)state;
	owner_opens();
	call = sent_call(FUSE_MKDIR);
	for (int i = 0; i < 60; i++) {
		far_pass(1000, true);
		say(WIRE_KNOWN, sent(WIRE_PROBE), NULL, 0);
	}
	told_none(unique);
	reply_entry(call, NODE, S_IFDIR);
	told_error(unique, 0);
}

/* It begins no session, as one that speaks otherwise than it beats. */
static void an_owner_that_only_beats_is_down_in_the_end(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns");

	(void)state;
	far_pass(REMOTE_MUTE_MS - 100, true);
	told_none(unique);
	far_pass(100, true);
	told_error(unique, -EHOSTDOWN);
	sent_drop();
	/* The next one finds one that has changed. */
	remote_heard(&far_fleet, "h2", owner_incarnation);
	ask_mkdir(far_root(), "ns");
	owner_opens();
	sent_call(FUSE_MKDIR);
}

/* Nor does one that has begun a session, and knows of no call. */
static void who_does_not_say_what_he_knows_is_down_too(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns");

	(void)state;
	owner_opens();
	sent_call(FUSE_MKDIR);
	far_pass(REMOTE_MUTE_MS - 100, true);
	told_none(unique);
	far_pass(100, true);
	told_error(unique, -EHOSTDOWN);
	sent_drop();
}

static void what_the_bus_did_not_take_goes_when_it_is_back(void **state)
{
	uint64_t node = far_file(NODE), unique;

	(void)state;
	far_is_up = false;
	unique = ask_lookup(node, "x");
	far_pass(2000, false);
	told_none(unique);
	sent_none();
	far_is_up = true;
	remotes_changed(&far_fleet, true);
	reply(sent_call(FUSE_LOOKUP), -ENOENT, NULL, 0);
	told_error(unique, -ENOENT);
}

/* ---- Owners ---- */

static void an_owner_that_is_not_heard_is_down(void **state)
{
	uint64_t node = far_file(NODE), change, look;

	(void)state;
	far_pass(3000, true);
	change = ask_mkdir(node, "ns");
	look = ask_lookup(node, "x");
	far_pass(REMOTE_GONE_MS - 100, false);
	told_none(change);
	far_pass(100, false);
	told_error(change, -EHOSTDOWN);
	told_error(look, -EHOSTDOWN);
	assert_non_null(strstr(far_error(), "h2: \"mkdir ns\": no answer; it "
					    "may have been done"));
	assert_null(strstr(far_error(), "lookup"));
	/* The next one does not wait as long. */
	told_error(ask_lookup(far_root(), "x"), -EHOSTDOWN);
	told_error(ask_lookup(node, "x"), -EHOSTDOWN);
	/* Until it is heard again. */
	sent_drop();
	remote_heard(&far_fleet, "h2", owner_incarnation);
	ask_lookup(far_root(), "x");
	owner_opens();
	sent_call(FUSE_LOOKUP);
}

static void a_close_that_never_went_is_told_of(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t read = far_opened(node, OTHER_HANDLE, O_RDONLY), cut;

	(void)state;
	far_is_up = false;
	told_error(ask_release(node, read), 0);
	far_pass(REMOTE_GONE_MS, false);
	assert_null(strstr(far_error(), "close"));
	far_is_up = true;
	remote_heard(&far_fleet, "h2", owner_incarnation);
	node = far_file(NODE);
	cut = far_opened(node, HANDLE, O_WRONLY | O_TRUNC);
	far_is_up = false;
	told_error(ask_release(node, cut), 0);
	far_pass(REMOTE_GONE_MS, false);
	assert_non_null(strstr(far_error(), "close"));
}

static void an_owner_to_whom_nobody_listens_is_down_sooner(void **state)
{
	uint64_t unique = ask_lookup(far_file(NODE), "x");

	(void)state;
	remote_nobody(&far_fleet, "h2");
	far_pass(REMOTE_ABSENT_MS - 100, false);
	told_none(unique);
	far_pass(100, false);
	told_error(unique, -EHOSTDOWN);
}

static void it_is_known_soon_that_nobody_listens(void **state)
{
	uint64_t node = far_file(NODE);

	(void)state;
	ask_lookup(node, "x");
	sent_call(FUSE_LOOKUP);
	far_pass(500, true);
	sent_none();
	far_pass(REMOTE_SILENT_MS - 100, false);
	sent_none();
	far_pass(100, false);
	assert_int_equal(sent(WIRE_PROBE)->head.seq, UINT64_MAX);
	/* Within 3 s of the owner's death. */
	assert_true(REMOTE_SILENT_MS + 100 + REMOTE_ABSENT_MS <= 3000);
}

static void an_owner_that_comes_back_in_time_is_not_down(void **state)
{
	uint64_t unique = ask_lookup(far_file(NODE), "x");

	(void)state;
	remote_nobody(&far_fleet, "h2");
	far_pass(REMOTE_ABSENT_MS - 500, false);
	far_pass(100, true);
	far_pass(REMOTE_ABSENT_MS - 500, false);
	told_none(unique);
}

static void an_owner_that_stops_says_so(void **state)
{
	uint64_t unique = ask_lookup(far_file(NODE), "x");

	(void)state;
	remote_gone(&far_fleet, "h2");
	told_error(unique, -EHOSTDOWN);
}

static void who_was_stopped_itself_blames_nobody(void **state)
{
	uint64_t unique = ask_lookup(far_file(NODE), "x");

	(void)state;
	far_pass(100, true);
	far_now_ms += 60000;
	far_pass(1000, false);
	told_none(unique);
}

/* ---- Sessions that end ---- */

/* The owner was restarted: its first beat. */
static void restart(void)
{
	owner_incarnation += 10;
	sent_drop();
	remote_heard(&far_fleet, "h2", owner_incarnation);
	/* Sessions do not follow on each other at once. */
	far_pass(300, true);
	owner_opens();
}

static void what_was_done_before_a_restart_is_asked(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns"), old;
	struct wire_was_done *was;
	struct sent *call, *question;

	(void)state;
	owner_opens();
	call = sent_call(FUSE_MKDIR);
	old = owner_session;
	far_pass(500, true);
	restart();
	question = sent(WIRE_WAS_DONE);
	was = (void *)question->body;
	assert_int_equal(question->head.slot, call->head.slot);
	assert_int_equal(was->session, old);
	assert_int_equal(was->slot, call->head.slot);
	assert_int_equal(was->seq, call->head.seq);
	assert_int_equal(was->opcode, FUSE_MKDIR);
	/* Lost: it is asked after, and asked again. */
	far_pass(1000, true);
	say(WIRE_UNKNOWN, sent(WIRE_PROBE), NULL, 0);
	question = sent(WIRE_WAS_DONE);
	reply_entry(question, NODE, S_IFDIR);
	told_error(unique, 0);
	sent_none();
}

static void what_was_not_done_is_done_if_it_can_be(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t in_root = ask_mkdir(far_root(), "ns");
	uint64_t below = ask_mkdir(node, "ns");
	struct sent *first, *second, *again;

	(void)state;
	far_pass(500, true);
	restart();
	first = sent(WIRE_WAS_DONE);
	second = sent(WIRE_WAS_DONE);
	say(WIRE_UNDONE, first, NULL, 0);
	say(WIRE_UNDONE, second, NULL, 0);
	/* Its directory is another one now: the kernel looks it up again. */
	told_error(below, -ESTALE);
	again = sent_call(FUSE_MKDIR);
	assert_int_equal(again->head.slot, first->head.slot);
	assert_int_equal(again->head.seq, first->head.seq + 1);
	reply_entry(again, OTHER_NODE, S_IFDIR);
	told_error(in_root, 0);
	sent_none();
}

static void what_nobody_can_say_is_not_done_again(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns");

	(void)state;
	owner_opens();
	sent_call(FUSE_MKDIR);
	far_pass(500, true);
	for (int i = 0; i < REMOTE_MOVES_MAX; i++) {
		restart();
		sent(WIRE_WAS_DONE);
		told_none(unique);
	}
	remote_heard(&far_fleet, "h2", ++owner_incarnation);
	told_error(unique, -EHOSTDOWN);
	assert_non_null(strstr(far_error(), "mkdir ns"));
}

static void what_only_looked_is_not_asked_for(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	uint64_t read = ask_read(node, handle, O_RDONLY);
	uint64_t in_root = ask_lookup(far_root(), "x");

	(void)state;
	far_pass(500, true);
	restart();
	told_error(read, -ESTALE);
	reply(sent_call(FUSE_LOOKUP), -ENOENT, NULL, 0);
	told_error(in_root, -ENOENT);
	/* What was open is no more; nor are nodes, but for the root. */
	told_error(ask_read(node, handle, O_RDONLY), -ESTALE);
	told_error(ask_flush(node, handle), 0);
	told_error(ask_release(node, handle), 0);
	told_error(ask_lookup(node, "x"), -ESTALE);
	ask_forget(node, 1);
	far_pass(2000, true);
	sent_none();
}

static void a_write_that_was_done_was_done_whole(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);
	uint64_t first = ask_write(node, handle, 10);
	uint64_t second = ask_write(node, handle, 10);
	struct fuse_write_out *out;

	(void)state;
	far_pass(500, true);
	restart();
	/* The second one never went. */
	told_error(second, -ESTALE);
	reply(sent(WIRE_WAS_DONE), 0, NULL, 0);
	out = (void *)told(first)->body;
	assert_int_equal(out->size, 10);
}

/* What was written is on the owner's disk: a close that failed would lie. */
static void to_close_what_is_on_disk_never_fails(void **state)
{
	const struct fuse_write_out out = {.size = 10};
	uint64_t node = far_file(NODE);
	uint64_t clean = far_opened(node, HANDLE, O_WRONLY | O_APPEND);
	uint64_t dirty = far_opened(node, OTHER_HANDLE, O_WRONLY | O_APPEND);
	uint64_t flush, fsync;
	const struct fuse_fsync_in in = {.fh = clean};

	(void)state;
	ask_write(node, dirty, 10);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	far_settled = true;
	ask_write(node, clean, 10);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	flush = ask_flush(node, clean);
	sent_call(FUSE_FLUSH);
	fsync = ask(FUSE_FSYNC, node, &in, sizeof(in));
	owner_incarnation += 10;
	remote_heard(&far_fleet, "h2", owner_incarnation);
	told_error(flush, 0);
	told_error(fsync, 0);
	told_error(ask_flush(node, clean), 0);
	told_error(ask_flush(node, dirty), -ESTALE);
	told_error(ask_release(node, clean), 0);
	assert_null(strstr(far_error(), "close"));
	told_error(ask_release(node, dirty), 0);
	assert_non_null(strstr(far_error(), "close"));
	sent_none();
}

static void what_was_published_before_a_restart_is_on_disk(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_TRUNC);
	uint64_t flush = ask_flush(node, handle);

	(void)state;
	sent_call(FUSE_FLUSH);
	restart();
	reply(sent(WIRE_WAS_DONE), 0, NULL, 0);
	told_error(flush, 0);
	told_error(ask_flush(node, handle), 0);
	told_error(ask_release(node, handle), 0);
	assert_null(strstr(far_error(), "close"));
}

static void it_does_not_fail_when_the_owner_is_down(void **state)
{
	const struct fuse_write_out out = {.size = 10};
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);
	uint64_t flush;

	(void)state;
	far_settled = true;
	ask_write(node, handle, 10);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	flush = ask_flush(node, handle);
	far_pass(REMOTE_GONE_MS, false);
	told_error(flush, 0);
	told_error(ask_flush(node, handle), 0);
	told_error(ask_release(node, handle), 0);
	assert_null(strstr(far_error(), "close"));
}

/* Nobody waits for a close that has nothing to do. */
static void a_close_of_what_is_on_disk_holds_nobody(void **state)
{
	const struct fuse_write_out out = {.size = 10};
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);
	struct sent *write;

	(void)state;
	far_settled = true;
	ask_write(node, handle, 10);
	write = sent_call(FUSE_WRITE);
	ask_release(node, handle);
	ask_lookup(node, "x");
	sent_none();
	reply(write, 0, &out, sizeof(out));
	/* It was not known yet, when it came. */
	reply(sent_call(FUSE_RELEASE), 0, NULL, 0);
	sent_call(FUSE_LOOKUP);
	handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);
	ask_write(node, handle, 10);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	ask_release(node, handle);
	ask_lookup(node, "x");
	sent_call(FUSE_RELEASE);
	sent_call(FUSE_LOOKUP);
}

static uint64_t write_text(uint64_t node, uint64_t handle, const char *text)
{
	struct {
		struct fuse_write_in in;
		char text[64];
	} write = {.in = {.fh = handle, .size = (uint32_t)strlen(text)}};

	memcpy(write.text, text, strlen(text));
	return ask(FUSE_WRITE, node, &write, sizeof(write.in) + strlen(text));
}

static void of_a_write_before_a_restart_whole_lines_are_on_disk(void **state)
{
	static const struct {
		const char *text;
		int told;
	} cases[] = {
		{"a. A 192.0.2.1\n", 0},
		{"a. A 192.0.2.1\nb. A 192.0", -ESTALE},
		{"a. A 192.0.2.1\nb. TXT (\n", -ESTALE},
		{"a. A 192.0.2.1\nb. TXT \"x\n", -ESTALE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t node = far_file(NODE), handle, write;

		handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);
		write = write_text(node, handle, cases[i].text);
		sent_call(FUSE_WRITE);
		restart();
		reply(sent(WIRE_WAS_DONE), 0, NULL, 0);
		told_error(write, 0);
		told_error(ask_flush(node, handle), cases[i].told);
		ask_release(node, handle);
		ask_forget(node, 1);
	}
}

/* Done once more, it would take what was written since. */
static void what_was_cut_is_not_cut_again(void **state)
{
	const struct fuse_setattr_in in = {.valid = FATTR_SIZE | FATTR_MODE,
					   .mode = 0600};
	uint64_t node = far_file(NODE), unique;
	struct fuse_attr_out *out;

	(void)state;
	unique = ask(FUSE_SETATTR, node, &in, sizeof(in));
	sent_call(FUSE_SETATTR);
	restart();
	reply(sent(WIRE_WAS_DONE), 0, NULL, 0);
	out = (void *)told(unique)->body;
	assert_int_equal(out->attr.mode, S_IFREG | 0600);
	assert_int_equal(out->attr.size, 0);
	assert_int_not_equal(out->attr.ino, 0);
	assert_int_equal(out->attr_valid + out->attr_valid_nsec, 0);
	sent_none();
	/* Of the host's directory, too. */
	unique = ask(FUSE_SETATTR, far_root(), &in, sizeof(in));
	sent_call(FUSE_SETATTR);
	restart();
	reply(sent(WIRE_WAS_DONE), 0, NULL, 0);
	out = (void *)told(unique)->body;
	assert_int_equal(out->attr.mode, S_IFDIR | 0600);
}

static void what_a_session_has_done_is_asked_when_it_is_over(void **state)
{
	uint64_t unique = ask_mkdir(far_root(), "ns"), old;
	struct sent *question;
	struct wire_was_done *was;

	(void)state;
	owner_opens();
	old = owner_session;
	/* It is done, the answer gets lost, and the session ends. */
	sent_call(FUSE_MKDIR);
	far_pass(1000, true);
	say(WIRE_ENDED, sent(WIRE_PROBE), NULL, 0);
	told_none(unique);
	owner_opens();
	question = sent(WIRE_WAS_DONE);
	was = (void *)question->body;
	assert_int_equal(was->session, old);
	reply_entry(question, NODE, S_IFDIR);
	told_error(unique, 0);
	sent_none();
}

static void what_came_too_late_is_asked_after_and_not_done(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t named = ask_mkdir(node, "a"), other = ask_mkdir(node, "b");
	struct sent *call = sent_call(FUSE_MKDIR);

	(void)state;
	sent_drop();
	far_pass(500, true);
	say(WIRE_ENDED, call, NULL, 0);
	owner_opens();
	say(WIRE_UNDONE, sent(WIRE_WAS_DONE), NULL, 0);
	told_error(named, -ESTALE);
	say(WIRE_UNDONE, sent(WIRE_WAS_DONE), NULL, 0);
	told_error(other, -ESTALE);
	sent_none();
}

static void an_owner_that_ends_all_sessions_is_no_loop(void **state)
{
	uint64_t unique = ask_lookup(far_root(), "x");

	(void)state;
	for (int i = 0; i < REMOTE_MOVES_MAX; i++) {
		owner_opens();
		say(WIRE_ENDED, sent_call(FUSE_LOOKUP), NULL, 0);
		/* The next one does not begin at once. */
		sent_none();
		far_pass(REMOTE_REOPEN_MS, true);
		told_none(unique);
	}
	owner_opens();
	say(WIRE_ENDED, sent_call(FUSE_LOOKUP), NULL, 0);
	told_error(unique, -ESTALE);
	far_pass(300, true);
	sent_none();
}

/* ---- Answers that nobody takes ---- */

static void what_nobody_takes_is_given_back(void **state)
{
	uint64_t node = far_file(NODE);
	struct fuse_create_in in = {.flags = O_WRONLY | O_CREAT, .mode = 0644};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} made = {
		.entry = {.nodeid = OTHER_NODE,
			  .attr = {.ino = 9, .mode = S_IFREG, .nlink = 1}},
		.open.fh = HANDLE,
	};
	struct sent *note;

	(void)state;
	far_kernel_says = -ENOENT;
	ask_name(FUSE_CREATE, node, &in, sizeof(in), "x");
	reply(sent_call(FUSE_CREATE), 0, &made, sizeof(made));
	note = sent(WIRE_DISCARD);
	assert_int_equal(((struct wire_discard *)note->body)->handle, HANDLE);
	assert_int_equal(note->head.seq, 1);
	say(WIRE_NOTED, note, NULL, 0);
	note = sent(WIRE_FORGET);
	assert_int_equal(((struct wire_forget *)note->body)->node, OTHER_NODE);
	assert_int_equal(note->head.seq, 2);
	say(WIRE_NOTED, note, NULL, 0);
	sent_none();
}

static void what_the_kernel_refuses_is_an_error_to_the_caller(void **state)
{
	uint64_t unique = ask_lookup(far_file(NODE), "x");
	struct sent *call = sent_call(FUSE_LOOKUP);

	(void)state;
	far_kernel_says = -EINVAL;
	reply_entry(call, OTHER_NODE, S_IFREG);
	sent(WIRE_FORGET);
	/* far.c takes an error, and does not note it while it refuses. */
	told_none(unique);
}

static void who_is_killed_is_gone_within_a_second(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t first = ask_mkdir(node, "ns"), next;
	struct sent *call = sent_call(FUSE_MKDIR);

	(void)state;
	ask_interrupt(first);
	assert_int_equal(sent(WIRE_INTERRUPT)->head.seq, call->head.seq);
	far_pass(REMOTE_INTERRUPT_MS - 100, true);
	told_none(first);
	far_pass(100, true);
	told_error(first, -EINTR);
	assert_non_null(strstr(far_error(), "mkdir ns"));
	/* What it does while it dies does not wait as long. */
	next = ask_lookup(node, "x");
	sent_call(FUSE_LOOKUP);
	ask_interrupt(next);
	told_error(next, -EINTR);
	sent(WIRE_INTERRUPT);
	/* And it is given back. */
	reply_entry(call, OTHER_NODE, S_IFDIR);
	sent(WIRE_FORGET);
}

/* But its number was sent, and is not another call's. */
static void what_was_given_up_is_not_done_any_more(void **state)
{
	uint64_t node = far_file(NODE), unique = ask_mkdir(node, "ns");
	struct sent *call = sent_call(FUSE_MKDIR), *question, *next;
	struct wire_was_done *was;

	(void)state;
	ask_interrupt(unique);
	sent(WIRE_INTERRUPT);
	far_pass(REMOTE_INTERRUPT_MS, true);
	told_error(unique, -EINTR);
	far_pass(REMOTE_PROBE_MS - REMOTE_INTERRUPT_MS, true);
	say(WIRE_UNKNOWN, sent(WIRE_PROBE), NULL, 0);
	question = sent(WIRE_WAS_DONE);
	assert_int_equal(question->head.slot, call->head.slot);
	assert_int_equal(question->head.seq, call->head.seq);
	was = (void *)question->body;
	assert_true(was->session < owner_session);
	say(WIRE_UNDONE, question, NULL, 0);
	sent_none();
	ask_lookup(node, "x");
	next = sent_call(FUSE_LOOKUP);
	assert_int_equal(next->head.slot, call->head.slot);
	assert_int_equal(next->head.seq, call->head.seq + 1);
}

static void what_was_given_up_before_it_went_does_not_go(void **state)
{
	uint64_t node = far_file(NODE), unique;

	(void)state;
	far_is_up = false;
	unique = ask_mkdir(node, "ns");
	ask_interrupt(unique);
	far_pass(REMOTE_INTERRUPT_MS, false);
	told_error(unique, -EINTR);
	far_is_up = true;
	far_pass(100, true);
	say(WIRE_UNDONE, sent(WIRE_WAS_DONE), NULL, 0);
	sent_none();
}

static void a_close_is_told_without_memory(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t read = far_opened(node, HANDLE, O_RDONLY);
	uint64_t other = far_opened(node, OTHER_HANDLE, O_RDONLY), unique;

	(void)state;
	unique = ask_read(node, other, O_RDONLY);
	sent_call(FUSE_READ);
	far_no_memory = true;
	told_error(ask_release(node, read), -ENOMEM);
	sent(WIRE_CLOSE);
	told_error(unique, -ESTALE);
	told_error(ask_release(node, other), -ENOMEM);
	sent_none();
	assert_null(far_fleet.remotes->handles);
}

static void a_killed_writer_flushes_all_the_same(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_TRUNC);
	uint64_t first = ask_write(node, handle, 10), second, flush;
	const struct fuse_write_out out = {.size = 10};
	const struct wire_ask in = {.question = 3, .pid = PID};
	struct sent *call = sent_call(FUSE_WRITE);
	struct wire_caller *caller;

	(void)state;
	second = ask_write(node, handle, 10);
	ask_interrupt(first);
	ask_interrupt(second);
	sent(WIRE_INTERRUPT);
	far_pass(REMOTE_INTERRUPT_MS, true);
	told_error(first, -EINTR);
	told_error(second, -EINTR);
	flush = ask_flush(node, handle);
	ask_interrupt(flush);
	told_error(flush, -EINTR);
	told_error(ask_release(node, handle), 0);
	sent_none();
	reply(call, 0, &out, sizeof(out));
	/* The second one is not sent; and the owner hears why it is closed. */
	sent_call(FUSE_FLUSH);
	caller = (void *)sent(WIRE_CALLER)->body;
	assert_true(caller->is_killed && !caller->question);
	far_pass(REMOTE_PROBE_MS, true);
	say(WIRE_UNKNOWN, sent(WIRE_PROBE), NULL, 0);
	call = sent_call(FUSE_FLUSH);
	sent(WIRE_CALLER);
	say(WIRE_ASK, NULL, &in, sizeof(in));
	caller = (void *)sent(WIRE_CALLER)->body;
	assert_true(caller->is_killed);
	reply(call, 0, NULL, 0);
	sent_call(FUSE_RELEASE);
}

/* ---- Owners that lie ---- */

static void what_is_no_answer_is_an_error(void **state)
{
	static const struct {
		int error;
		size_t len;
		int told;
	} cases[] = {
		{-600, 0, -EIO},       {-ENOSYS, 0, -EOPNOTSUPP},
		{5, 0, -EIO},	       {0, 0, -EIO},
		{0, 1, -EIO},	       {0, sizeof(struct fuse_entry_out), -EIO},
		{0, 4096, -EIO},       {-EACCES, 8, -EIO},
		{-EACCES, 0, -EACCES},
	};
	uint64_t node = far_file(NODE);
	char zeroes[4096] = {0};

	(void)state;
	/* A node of mode 0, the anchor itself as an entry: neither is there. */
	((struct fuse_entry_out *)zeroes)->nodeid = FUSE_ROOT_ID;
	((struct fuse_entry_out *)zeroes)->attr.nlink = 1;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t unique = ask_lookup(node, "x");

		reply(sent_call(FUSE_LOOKUP), cases[i].error, zeroes,
		      cases[i].len);
		told_error(unique, cases[i].told);
	}
	((struct fuse_entry_out *)zeroes)->attr.mode = S_IFDIR;
	told_none(ask_lookup(node, "x"));
	reply(sent_call(FUSE_LOOKUP), 0, zeroes, sizeof(struct fuse_entry_out));
	sent_none();
}

static void who_answers_something_else_is_not_heard(void **state)
{
	uint64_t unique = ask_lookup(far_file(NODE), "x");
	struct sent *call = sent_call(FUSE_LOOKUP);
	uint64_t session = owner_session;

	(void)state;
	call->head.seq++;
	reply_entry(call, OTHER_NODE, S_IFREG);
	call->head.seq--;
	call->head.slot = 63;
	reply_entry(call, OTHER_NODE, S_IFREG);
	call->head.slot = WIRE_SLOT_NOTES;
	reply_entry(call, OTHER_NODE, S_IFREG);
	call->head.slot = 0;
	owner_session = session + 1;
	reply_entry(call, OTHER_NODE, S_IFREG);
	say(WIRE_ENDED, NULL, NULL, 0);
	owner_session = session;
	owner_incarnation--;
	reply_entry(call, OTHER_NODE, S_IFREG);
	owner_incarnation++;
	say(WIRE_UNDONE, call, NULL, 0);
	told_none(unique);
	reply_entry(call, OTHER_NODE, S_IFREG);
	told_error(unique, 0);
}

static void only_two_notifications_come_through(void **state)
{
	struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out out;
	} body = {.head = {.len = sizeof(body)}, .out.ino = NODE};
	uint64_t node = far_file(NODE);
	struct told *one;

	(void)state;
	/* Our kernel has something of it that it could forget. */
	far_opened(node, HANDLE, O_RDONLY);
	for (int code = 0; code < 20; code++) {
		body.head.error = code;
		say(WIRE_NOTIFY, NULL, &body, sizeof(body));
	}
	one = told(0);
	assert_int_equal(one->error, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(*(uint64_t *)one->body, node);
	body.head.error = FUSE_NOTIFY_INVAL_INODE;
	body.out.ino = 4096;
	say(WIRE_NOTIFY, NULL, &body, sizeof(body));
	say(WIRE_NOTIFY, NULL, &body, sizeof(body.head));
	say(WIRE_NOTIFY, NULL, &body, 3);
	told_none(0);
}

/* ---- The end ---- */

static void at_the_end_nobody_waits(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY);
	uint64_t calls[40];
	struct fuse_open_in in = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		calls[i] = ask_write(node, handle, 10);
	ask(FUSE_OPENDIR, FUSE_ROOT_ID, &in, sizeof(in));
	sent_drop();
	remotes_end(&far_fleet);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		told_error(calls[i], -EHOSTDOWN);
	sent(WIRE_CLOSE);
	assert_int_equal(far_processed, 1);
	assert_int_equal(far_holds, 0);
	far_known();
}

static void what_is_not_in_use_is_not_heard(void **state)
{
	uint64_t node = far_file(NODE);

	(void)state;
	far_pass(20000, true);
	assert_int_equal(far_holds, 1);
	ask_forget(node, 1);
	far_pass(100, true);
	say(WIRE_NOTED, sent(WIRE_FORGET), NULL, 0);
	far_pass(REMOTE_IDLE_MS, true);
	sent(WIRE_CLOSE);
	assert_int_equal(far_holds, 0);
	sent_none();
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, far_setup, far_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_call_that_got_lost_is_sent_again_with_its_number),
		TEST(a_slow_owner_that_is_heard_has_all_the_time),
		TEST(an_owner_that_only_beats_is_down_in_the_end),
		TEST(who_does_not_say_what_he_knows_is_down_too),
		TEST(what_the_bus_did_not_take_goes_when_it_is_back),
		TEST(an_owner_that_is_not_heard_is_down),
		TEST(a_close_that_never_went_is_told_of),
		TEST(an_owner_to_whom_nobody_listens_is_down_sooner),
		TEST(it_is_known_soon_that_nobody_listens),
		TEST(an_owner_that_comes_back_in_time_is_not_down),
		TEST(an_owner_that_stops_says_so),
		TEST(who_was_stopped_itself_blames_nobody),
		TEST(what_was_done_before_a_restart_is_asked),
		TEST(what_was_not_done_is_done_if_it_can_be),
		TEST(what_nobody_can_say_is_not_done_again),
		TEST(what_only_looked_is_not_asked_for),
		TEST(a_write_that_was_done_was_done_whole),
		TEST(to_close_what_is_on_disk_never_fails),
		TEST(what_was_published_before_a_restart_is_on_disk),
		TEST(it_does_not_fail_when_the_owner_is_down),
		TEST(a_close_of_what_is_on_disk_holds_nobody),
		TEST(of_a_write_before_a_restart_whole_lines_are_on_disk),
		TEST(what_was_cut_is_not_cut_again),
		TEST(what_a_session_has_done_is_asked_when_it_is_over),
		TEST(what_came_too_late_is_asked_after_and_not_done),
		TEST(an_owner_that_ends_all_sessions_is_no_loop),
		TEST(what_nobody_takes_is_given_back),
		TEST(what_the_kernel_refuses_is_an_error_to_the_caller),
		TEST(who_is_killed_is_gone_within_a_second),
		TEST(what_was_given_up_is_not_done_any_more),
		TEST(what_was_given_up_before_it_went_does_not_go),
		TEST(a_close_is_told_without_memory),
		TEST(a_killed_writer_flushes_all_the_same),
		TEST(what_is_no_answer_is_an_error),
		TEST(who_answers_something_else_is_not_heard),
		TEST(only_two_notifications_come_through),
		TEST(at_the_end_nobody_waits),
		TEST(what_is_not_in_use_is_not_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
