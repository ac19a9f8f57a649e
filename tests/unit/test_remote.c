// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "far.h"

/* ---- The root ---- */

static void a_host_is_looked_up_from_its_beat(void **state)
{
	struct fuse_entry_out *entry;
	uint64_t unique = ask_lookup(FUSE_ROOT_ID, "h2"), number;

	(void)state;
	assert_true(far_taken);
	entry = (void *)told(unique)->body;
	assert_true(entry->nodeid & REMOTE_NODE_BIT);
	assert_int_equal(entry->attr.mode, S_IFDIR | 0751);
	assert_int_equal(entry->attr.uid, 12);
	assert_int_equal(entry->attr.nlink, 5);
	assert_int_equal(entry->attr.mtime, 1);
	assert_int_equal(entry->attr.mtimensec, 500000000);
	assert_int_equal(entry->entry_valid, 0);
	number = entry->nodeid;
	assert_int_equal(far_root(), number);
	entry = (void *)told(ask_lookup(FUSE_ROOT_ID, "h3"))->body;
	assert_int_not_equal(entry->nodeid, number);
	/* Nobody is asked, nor heard for it. */
	sent_none();
	assert_int_equal(far_holds, 0);
}

static void a_host_may_have_been_changed_before_1970(void **state)
{
	static const struct {
		int64_t ns, seconds;
		uint32_t rest;
	} cases[] = {
		{-1500000000, -2, 500000000},
		{-1000000000, -1, 0},
		{-1, -1, 999999999},
		{0, 0, 0},
		{INT64_MIN, -9223372037, 145224192},
		{INT64_MAX, 9223372036, 854775807},
	};
	struct live_host *host = hosts_find(NULL, "h3");
	struct fuse_entry_out *entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		host->beat.mtime_ns = cases[i].ns;
		entry = (void *)told(ask_lookup(FUSE_ROOT_ID, "h3"))->body;
		assert_int_equal(entry->attr.mtime, cases[i].seconds);
		assert_int_equal(entry->attr.mtimensec, cases[i].rest);
	}
}

static void a_name_that_is_not_heard_is_asked_for_once(void **state)
{
	struct live_host *host = hosts_find(NULL, "h2");
	uint64_t unique;

	(void)state;
	host->is_alive = false;
	unique = ask_lookup(FUSE_ROOT_ID, "h2");
	assert_int_equal(far_asks, 1);
	told_none(unique);
	far_known();
	told_error(unique, -ENOENT);
	unique = ask_lookup(FUSE_ROOT_ID, "h2");
	host->is_alive = true;
	far_known();
	told_error(unique, 0);
}

static void what_cannot_be_a_host_is_left_to_this_one(void **state)
{
	static const char *const names[] = {"h1", ".git", "HEAD", "a b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ask_lookup(FUSE_ROOT_ID, names[i]);
		assert_false(far_taken);
	}
	/* Who was heard just now is there, also when nobody can be asked. */
	far_is_up = false;
	ask_lookup(FUSE_ROOT_ID, "h2");
	assert_true(far_taken);
	far_yields = true;
	ask_lookup(FUSE_ROOT_ID, "h2");
	assert_false(far_taken);
	far_yields = false;
	hosts_find(NULL, "h2")->is_alive = false;
	ask_lookup(FUSE_ROOT_ID, "h2");
	assert_false(far_taken);
	assert_int_equal(far_asks, 0);
}

static void a_host_of_another_version_is_not_spoken_with(void **state)
{
	(void)state;
	hosts_find(NULL, "h2")->beat.version_max = 0;
	told_error(ask_lookup(FUSE_ROOT_ID, "h2"), -EPROTONOSUPPORT);
}

static void a_listing_of_the_root_asks_who_is_there(void **state)
{
	const struct fuse_open_in in = {0};

	(void)state;
	ask(FUSE_OPENDIR, FUSE_ROOT_ID, &in, sizeof(in));
	assert_true(far_taken);
	assert_int_equal(far_processed, 0);
	far_known();
	assert_int_equal(far_processed, 1);
}

static void nobody_makes_or_takes_a_host_by_its_name(void **state)
{
	const struct fuse_rename_in in = {.newdir = FUSE_ROOT_ID};
	const char names[] = "x\0h2";
	char rename[sizeof(in) + sizeof(names)];

	(void)state;
	told_error(ask_mkdir(FUSE_ROOT_ID, "h2"), -EEXIST);
	told_error(ask_name(FUSE_RMDIR, FUSE_ROOT_ID, NULL, 0, "h2"), -EPERM);
	memcpy(rename, &in, sizeof(in));
	memcpy(rename + sizeof(in), names, sizeof(names));
	told_error(ask(FUSE_RENAME, 4096, rename, sizeof(rename)), -EPERM);
	ask_mkdir(FUSE_ROOT_ID, "other");
	assert_false(far_taken);
}

/* ---- Between hosts ---- */

static uint64_t ask_rename(uint64_t node, uint64_t to)
{
	const struct fuse_rename_in in = {.newdir = to};
	const char names[] = "a\0b";
	char body[sizeof(in) + sizeof(names)];

	memcpy(body, &in, sizeof(in));
	memcpy(body + sizeof(in), names, sizeof(names));
	return ask(FUSE_RENAME, node, body, sizeof(body));
}

static void what_is_between_two_hosts_is_between_two_devices(void **state)
{
	uint64_t h2 = far_root(), h3;
	struct fuse_entry_out *entry;

	(void)state;
	entry = (void *)told(ask_lookup(FUSE_ROOT_ID, "h3"))->body;
	h3 = entry->nodeid;
	told_error(ask_rename(4096, h2), -EXDEV);
	told_error(ask_rename(h2, 4096), -EXDEV);
	told_error(ask_rename(h2, FUSE_ROOT_ID), -EXDEV);
	told_error(ask_rename(h2, h3), -EXDEV);
	sent_none();
	ask_rename(h2, h2);
	owner_opens();
	sent_call(FUSE_RENAME);
}

static void forgets_of_others_are_taken_out_of_a_batch(void **state)
{
	struct {
		struct fuse_batch_forget_in in;
		struct fuse_forget_one all[3];
	} body = {
		.in = {.count = 3},
		.all = {{4096, 1}, {far_file(NODE), 1}, {8192, 1}},
	};
	struct sent *forget;

	(void)state;
	ask(FUSE_BATCH_FORGET, 0, &body, sizeof(body));
	assert_false(far_taken);
	far_pass(100, true);
	forget = sent(WIRE_FORGET);
	assert_int_equal(forget->len, sizeof(struct wire_forget));
	assert_int_equal(((struct wire_forget *)forget->body)->node, NODE);
}

static void without_a_fleet_others_are_down(void **state)
{
	uint64_t node = far_file(NODE);

	(void)state;
	remotes_end(&far_fleet);
	sent_drop();
	told_error(ask_lookup(node, "x"), -EHOSTDOWN);
	ask_forget(node, 1);
}

static void what_this_host_does_not_do_either_is_not_known(void **state)
{
	uint64_t node = far_file(NODE);
	const struct fuse_getxattr_in in = {.size = 10};

	(void)state;
	told_error(ask_name(FUSE_GETXATTR, node, &in, sizeof(in), "user.x"),
		   -ENOSYS);
	sent_none();
}

/* ---- Numbers ---- */

static void nodes_get_numbers_of_this_mount(void **state)
{
	uint64_t unique = ask_lookup(far_root(), "file"), number;
	struct fuse_entry_out *entry;

	(void)state;
	owner_opens();
	reply_entry(sent_call(FUSE_LOOKUP), NODE, S_IFREG | 0644);
	entry = (void *)told(unique)->body;
	number = entry->nodeid;
	assert_true(number & REMOTE_NODE_BIT);
	assert_int_not_equal(entry->attr.ino, NODE);
	assert_int_equal(entry->generation, 0);
	assert_int_equal(entry->entry_valid, 0);
	assert_int_equal(entry->attr_valid, 0);
	assert_int_equal(far_file(NODE), number);
	assert_int_not_equal(far_file(OTHER_NODE), number);
}

static void what_is_forgotten_is_told_until_it_is_noted(void **state)
{
	uint64_t node = far_file(NODE);
	struct sent *first, *again;

	(void)state;
	far_file(NODE);
	ask_forget(node, 2);
	far_pass(100, true);
	first = sent(WIRE_FORGET);
	assert_int_equal(first->head.slot, WIRE_SLOT_NOTES);
	assert_int_equal(first->head.seq, 1);
	assert_int_equal(((struct wire_forget *)first->body)->count, 2);
	/* A new one comes in between, of the same node. */
	assert_int_not_equal(far_file(NODE), node);
	far_pass(1000, true);
	again = sent(WIRE_FORGET);
	assert_int_equal(again->head.seq, 1);
	assert_int_equal(((struct wire_forget *)again->body)->count, 2);
	say(WIRE_NOTED, again, NULL, 0);
	far_pass(2000, true);
	sent_none();
}

static int count_entries(const char *at, size_t len, uint64_t *nodes)
{
	int count = 0;

	for (size_t used = 0; used < len;) {
		const struct fuse_direntplus *entry = (void *)(at + used);

		assert_true(entry->entry_out.entry_valid <= 1);
		nodes[count++] = entry->entry_out.nodeid;
		used += FUSE_DIRENTPLUS_SIZE(entry);
	}
	return count;
}

static size_t put_entry(char *at, const char *name, uint64_t node)
{
	struct fuse_direntplus *entry = (void *)at;

	memset(entry, 0, FUSE_NAME_OFFSET_DIRENTPLUS + 8);
	if (node)
		entry->entry_out = (struct fuse_entry_out){
			.nodeid = node,
			.entry_valid = 60,
			.attr_valid = 60,
			.attr = {.ino = node, .mode = S_IFREG, .nlink = 1}};
	entry->dirent.ino = node ? node : 1;
	entry->dirent.off = node ? node : 1;
	entry->dirent.namelen = (uint32_t)strlen(name);
	entry->dirent.type = node ? S_IFREG >> 12 : S_IFDIR >> 12;
	memcpy(entry->dirent.name, name, strlen(name));
	return FUSE_DIRENTPLUS_SIZE(entry);
}

static uint64_t opened_dir(uint64_t node)
{
	const struct fuse_open_in in = {0};
	uint64_t unique = ask(FUSE_OPENDIR, node, &in, sizeof(in));

	if (!owner_session)
		owner_opens();
	reply_open(sent_call(FUSE_OPENDIR), HANDLE);
	return ((struct fuse_open_out *)told(unique)->body)->fh;
}

static void a_listing_that_nobody_takes_is_forgotten(void **state)
{
	char list[1024] __attribute__((aligned(8)));
	uint64_t root = far_root(), nodes[4];
	struct fuse_read_in in = {.fh = opened_dir(root), .size = sizeof(list)};
	uint64_t unique = ask(FUSE_READDIRPLUS, root, &in, sizeof(in));
	struct sent *call = sent_call(FUSE_READDIRPLUS), *forget;
	struct told *one;
	size_t len = put_entry(list, ".", 0);

	(void)state;
	len += put_entry(list + len, "a", NODE);
	len += put_entry(list + len, "b", OTHER_NODE);
	reply(call, 0, list, len);
	one = told(unique);
	assert_int_equal(count_entries(one->body, one->len, nodes), 3);
	assert_int_equal(nodes[0], 0);
	assert_true(nodes[1] & nodes[2] & REMOTE_NODE_BIT);
	far_kernel_says = -ENOENT;
	ask(FUSE_READDIRPLUS, root, &in, sizeof(in));
	reply(sent_call(FUSE_READDIRPLUS), 0, list, len);
	forget = sent(WIRE_FORGET);
	assert_int_equal(forget->len, 2 * sizeof(struct wire_forget));
	assert_int_equal(((struct wire_forget *)forget->body)[1].count, 1);
}

/* As often as it was to be believed; or it floods. */
static void an_owner_has_to_tell_of_what_is_listed(void **state)
{
	char list[1024] __attribute__((aligned(8)));
	struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out inode;
	} changed = {
		.head = {.len = sizeof(changed),
			 .error = FUSE_NOTIFY_INVAL_INODE},
		.inode.ino = NODE,
	};
	uint64_t root = far_root();
	struct fuse_read_in in = {.fh = opened_dir(root), .size = sizeof(list)};

	(void)state;
	for (int i = 0; i < 2; i++) {
		ask(FUSE_READDIRPLUS, root, &in, sizeof(in));
		reply(sent_call(FUSE_READDIRPLUS), 0, list,
		      put_entry(list, "a", NODE));
		say(WIRE_NOTIFY, NULL, &changed, sizeof(changed));
		assert_false(far_in_vain);
		say(WIRE_NOTIFY, NULL, &changed, sizeof(changed));
		assert_true(far_in_vain);
	}
	changed.inode.ino = OTHER_NODE;
	say(WIRE_NOTIFY, NULL, &changed, sizeof(changed));
	assert_true(far_in_vain);
}

/* As any other directory is; and its beats are what tells of it. */
static void a_host_is_believed_while_it_is_listed(void **state)
{
	char list[1024] __attribute__((aligned(8)));
	uint64_t root = far_root(), unique;
	struct fuse_read_in in = {.fh = opened_dir(root), .size = sizeof(list)};
	struct fuse_entry_out *entry;
	struct told *inval;

	(void)state;
	ask(FUSE_READDIRPLUS, root, &in, sizeof(in));
	reply(sent_call(FUSE_READDIRPLUS), 0, list, put_entry(list, ".", 0));
	entry = (void *)told(ask_lookup(FUSE_ROOT_ID, "h2"))->body;
	assert_int_equal(entry->entry_valid + entry->attr_valid, 0);
	assert_in_range(entry->entry_valid_nsec, 1, 20 * 1000 * 1000);
	assert_int_equal(entry->attr_valid_nsec, entry->entry_valid_nsec);
	remote_heard(&far_fleet, "h2", owner_incarnation);
	inval = told(0);
	assert_int_equal(inval->error, FUSE_NOTIFY_INVAL_INODE);
	assert_memory_equal(inval->body, &root, sizeof(root));
	far_pass(100, true);
	unique = ask_lookup(FUSE_ROOT_ID, "h2");
	entry = (void *)told(unique)->body;
	assert_int_equal(entry->entry_valid_nsec, REMOTE_MOMENT_NS);
}

/* ---- In order ---- */

static void calls_wait_until_the_session_is_open(void **state)
{
	uint64_t unique = ask_lookup(far_root(), "a");
	struct sent *call;

	(void)state;
	far_pass(1000, true);
	sent(WIRE_OPEN);
	assert_int_equal(far_holds, 1);
	owner_opens();
	call = sent_call(FUSE_LOOKUP);
	assert_int_equal(call->head.seq, 1);
	assert_int_equal(((struct fuse_in_header *)call->body)->nodeid,
			 FUSE_ROOT_ID);
	reply(call, -ENOENT, NULL, 0);
	told_error(unique, -ENOENT);
}

static void what_changes_one_file_goes_one_after_another(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY);
	uint64_t other = far_opened(node, OTHER_HANDLE, O_WRONLY);
	uint64_t first = ask_write(node, handle, 10), second;
	const struct fuse_write_out out = {.size = 10};
	struct sent *call = sent_call(FUSE_WRITE);

	(void)state;
	assert_int_equal(((struct fuse_write_in *)call_body(call))->fh, HANDLE);
	second = ask_write(node, handle, 10);
	ask_flush(node, handle);
	sent_none();
	/* Reads go beside, and so does another open file. */
	ask_read(node, handle, O_RDONLY);
	sent_call(FUSE_READ);
	ask_write(node, other, 10);
	sent_call(FUSE_WRITE);
	sent_none();
	reply(call, 0, &out, sizeof(out));
	told_error(first, 0);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	told_error(second, 0);
	sent_call(FUSE_FLUSH);
}

static void who_comes_after_a_close_waits_for_it(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_TRUNC);
	uint64_t before = ask_lookup(node, "x"), close, after;
	struct sent *lookup = sent_call(FUSE_LOOKUP), *release;

	(void)state;
	close = ask_release(node, handle);
	/* The kernel does not wait for it. */
	told_error(close, 0);
	after = ask_lookup(node, "y");
	release = sent_call(FUSE_RELEASE);
	sent_none();
	reply(lookup, -ENOENT, NULL, 0);
	told_error(before, -ENOENT);
	sent_none();
	reply(release, 0, NULL, 0);
	reply(sent_call(FUSE_LOOKUP), -ENOENT, NULL, 0);
	told_error(after, -ENOENT);
}

static void a_close_waits_for_what_is_read(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	struct sent *read;

	(void)state;
	ask_read(node, handle, O_RDONLY);
	read = sent_call(FUSE_READ);
	ask_release(node, handle);
	sent_none();
	reply(read, 0, "text", 4);
	reply(sent_call(FUSE_RELEASE), 0, NULL, 0);
	ask_read(node, handle, O_RDONLY);
	sent_none();
}

static void to_close_what_was_not_written_asks_nobody(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);

	(void)state;
	told_error(ask_flush(node, far_opened(node, OTHER_HANDLE, O_RDONLY)),
		   0);
	told_error(ask_flush(node, handle), 0);
	sent_none();
}

/* Its owner remembers who has written and closed, also if all is on disk. */
static void to_close_what_was_written_asks_its_owner(void **state)
{
	const struct fuse_write_out out = {.size = 10};
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY | O_APPEND);

	(void)state;
	far_settled = true;
	ask_write(node, handle, 10);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	told_error(ask_flush(node, handle), 0);
	reply(sent_call(FUSE_FLUSH), 0, NULL, 0);
	/* One that is to be told is told by it, and waited for. */
	far_settled = false;
	ask_write(node, handle, 10);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	told_none(ask_flush(node, handle));
	sent_call(FUSE_FLUSH);
}

static uint64_t number_of(uint64_t owner)
{
	struct remotes *remotes = remotes_of(&far_fleet);

	return remote_node_of(remote_get(remotes, "h2"), owner)->number;
}

/* Who makes a file may go on to do what depends on it. */
static void to_close_what_was_made_waits_for_its_owner(void **state)
{
	const struct fuse_create_in in = {.flags = O_WRONLY, .mode = 0644};
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = {
		.entry = {.nodeid = OTHER_NODE,
			  .attr = {.ino = 7, .mode = S_IFREG, .nlink = 1}},
		.open = {.fh = HANDLE},
	};
	uint64_t dir = far_file(DIRECTORY);
	uint64_t unique = ask_name(FUSE_CREATE, dir, &in, sizeof(in), "x");
	uint64_t handle;

	(void)state;
	reply(sent_call(FUSE_CREATE), 0, &out, sizeof(out));
	handle = ((struct fuse_open_out *)(told(unique)->body +
					   sizeof(out.entry)))
			 ->fh;
	far_settled = true;
	unique = ask_flush(number_of(OTHER_NODE), handle);
	reply(sent_call(FUSE_FLUSH), 0, NULL, 0);
	sent_drop();
	told_error(unique, 0);
	told_none(ask_flush(number_of(OTHER_NODE), handle));
	sent_call(FUSE_FLUSH);
}

/* Whoever was to write could have been killed before he did. */
static void to_close_what_is_cleared_asks_its_owner(void **state)
{
	uint64_t node = far_file(NODE);

	(void)state;
	told_none(
		ask_flush(node, far_opened(node, HANDLE, O_WRONLY | O_TRUNC)));
	sent_call(FUSE_FLUSH);
}

static void who_closes_what_is_blank_is_looked_at_and_goes_on(void **state)
{
	const struct fuse_write_out out = {.size = 10};
	uint64_t node = far_file(NODE), handle, flush;
	const struct wire_caller *caller;
	struct sent *call, *told_of;

	(void)state;
	far_blank = true;
	handle = far_opened(node, HANDLE, O_WRONLY | O_TRUNC);
	told_error(ask_flush(node, handle), 0);
	call = sent_call(FUSE_FLUSH);
	assert_int_equal(((struct fuse_flush_in *)call_body(call))->padding,
			 WIRE_TELLS);
	told_of = sent(WIRE_CALLER);
	caller = (void *)told_of->body;
	assert_int_equal(caller->question, 0);
	assert_int_equal(caller->process, PID);
	assert_int_equal(told_of->head.slot, call->head.slot);
	assert_int_equal(told_of->head.seq, call->head.seq);
	/* In its turn. */
	ask_write(node, handle, 10);
	sent_none();
	reply(call, 0, NULL, 0);
	reply(sent_call(FUSE_WRITE), 0, &out, sizeof(out));
	/* It is blank no more. */
	flush = ask_flush(node, handle);
	told_none(flush);
	call = sent_call(FUSE_FLUSH);
	sent(WIRE_CALLER);
	reply(call, -EINVAL, NULL, 0);
	told_error(flush, -EINVAL);
}

/* ---- What was just looked up ---- */

static void wait_ms(unsigned ms)
{
	far_now_ns += (uint64_t)ms * 1000000;
}

/* @valid: whether the owner lets it be believed. */
static void looks_up_name(uint64_t dir, const char *name, bool valid)
{
	uint64_t unique = ask_lookup(dir, name);
	struct fuse_entry_out entry = {
		.nodeid = OTHER_NODE,
		.attr_valid_nsec = valid,
		.attr = {.ino = 7, .mode = S_IFREG | 0644, .nlink = 1},
	};

	entry.attr.size = 42;
	reply(sent_call(FUSE_LOOKUP), 0, &entry, sizeof(entry));
	assert_int_equal(told(unique)->error, 0);
}

static void looks_up(uint64_t dir, bool valid)
{
	looks_up_name(dir, "x", valid);
}

static uint64_t ask_attr(uint64_t node)
{
	const struct fuse_getattr_in in = {0};

	return ask(FUSE_GETATTR, node, &in, sizeof(in));
}

static void what_was_just_looked_up_is_not_asked_for(void **state)
{
	uint64_t dir = far_file(DIRECTORY), unique;
	struct fuse_attr_out *out;

	(void)state;
	looks_up(dir, true);
	unique = ask_attr(number_of(OTHER_NODE));
	sent_none();
	out = (void *)told(unique)->body;
	assert_int_equal(out->attr.size, 42);
	assert_int_equal(out->attr_valid + out->attr_valid_nsec, 0);
	/* Nor is the way to it. */
	told(ask_attr(dir));
	told(ask_lookup(dir, "x"));
	sent_none();
}

/* What is known is given more than once, and the owner has given it once. */
static void what_is_looked_up_again_is_forgotten_once(void **state)
{
	uint64_t dir = far_file(DIRECTORY), file;
	struct sent *forget;

	(void)state;
	looks_up(dir, true);
	file = number_of(OTHER_NODE);
	for (unsigned i = 0; i < 2; i++) {
		const struct fuse_entry_out *out =
			(void *)told(ask_lookup(dir, "x"))->body;

		assert_int_equal(out->nodeid, file);
		assert_int_equal(out->attr.size, 42);
		assert_int_equal(out->entry_valid + out->entry_valid_nsec, 0);
	}
	ask_forget(file, 2);
	far_pass(100, true);
	sent_none();
	assert_int_equal(number_of(OTHER_NODE), file);
	ask_forget(file, 1);
	far_pass(100, true);
	forget = sent(WIRE_FORGET);
	assert_int_equal(forget->len, sizeof(struct wire_forget));
	assert_int_equal(((struct wire_forget *)forget->body)->count, 1);
}

/* Names are told to who has looked them up, and to nobody else. */
static void a_name_is_looked_up_for_each_who_asks(void **state)
{
	static const char long_name[] = "a-name-that-has-31-octets-x-and-more";
	uint64_t dir = far_file(DIRECTORY);

	(void)state;
	looks_up(dir, true);
	far_uid++;
	ask_lookup(dir, "x");
	reply(sent_call(FUSE_LOOKUP), -EACCES, NULL, 0);
	far_uid--;
	ask_lookup(far_root(), "x");
	sent_call(FUSE_LOOKUP);
	ask_lookup(dir, "y");
	sent_call(FUSE_LOOKUP);
	/* Long ones are not kept. */
	looks_up_name(dir, long_name, true);
	ask_lookup(dir, long_name);
	sent_call(FUSE_LOOKUP);
}

/* Once: what our kernel looks up then, nobody has told of. */
static void what_is_gone_just_now_is_looked_up_anew(void **state)
{
	uint64_t dir = far_file(DIRECTORY), unique;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		unique = ask_lookup(dir, "x");
		reply(sent_call(FUSE_LOOKUP), -ENODEV, NULL, 0);
		told_error(unique, i ? -ENODEV : -ESTALE);
	}
	unique = ask_lookup(dir, "x");
	reply(sent_call(FUSE_LOOKUP), -ENOENT, NULL, 0);
	told_error(unique, -ENOENT);
}

static void what_may_have_changed_since_is_asked_for(void **state)
{
	static const struct {
		bool valid, does, ends;
		unsigned waits_ms;
	} cases[] = {
		{.valid = false},
		{.valid = true, .does = true},
		{.valid = true, .ends = true},
		{.valid = true, .waits_ms = 3},
	};
	uint64_t dir = far_file(DIRECTORY);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sent *call = NULL;

		if (cases[i].ends) {
			ask_mkdir(dir, "made");
			call = sent_call(FUSE_MKDIR);
		}
		looks_up(dir, cases[i].valid);
		if (cases[i].does) {
			ask_mkdir(dir, "made");
			sent_call(FUSE_MKDIR);
		}
		if (call)
			reply(call, -EEXIST, NULL, 0);
		wait_ms(cases[i].waits_ms);
		ask_attr(number_of(OTHER_NODE));
		sent_call(FUSE_GETATTR);
		ask_lookup(dir, "x");
		sent_call(FUSE_LOOKUP);
	}
}

/* ---- Directories ---- */

/* Nanoseconds that the last answer is to be believed. */
static uint32_t looks_up_dir(uint64_t parent, uint64_t node, mode_t mode)
{
	static unsigned count;
	struct fuse_entry_out *entry;
	uint64_t unique;
	char name[16];

	/* Another name each time: else it would be told again. */
	snprintf(name, sizeof(name), "x%u", count++);
	unique = ask_lookup(parent, name);
	if (!owner_session)
		owner_opens();
	reply_entry(sent_call(FUSE_LOOKUP), node, mode);
	entry = (void *)told(unique)->body;
	assert_int_equal(entry->entry_valid + entry->attr_valid, 0);
	assert_int_equal(entry->entry_valid_nsec, entry->attr_valid_nsec);
	return entry->entry_valid_nsec;
}

/* Our kernel judges by what it has of it, and looks for something in it. */
static void uses_dir(uint64_t parent, uint64_t node)
{
	uint64_t unique;

	assert_int_equal(looks_up_dir(parent, node, S_IFDIR), 0);
	unique = ask_lookup(number_of(node), "none");
	reply(sent_call(FUSE_LOOKUP), -ENOENT, NULL, 0);
	told_error(unique, -ENOENT);
}

static uint32_t asks_for_dir(uint64_t node)
{
	struct fuse_attr_out out = {
		.attr_valid = 60,
		.attr = {.ino = node, .mode = S_IFDIR | 0755, .nlink = 2}};
	uint64_t unique;

	wait_ms(3);
	unique = ask_attr(number_of(node));
	reply(sent_call(FUSE_GETATTR), 0, &out, sizeof(out));
	return ((struct fuse_attr_out *)told(unique)->body)->attr_valid_nsec;
}

static void directories_are_believed_for_a_moment(void **state)
{
	uint64_t root = far_root();

	(void)state;
	uses_dir(root, OTHER_NODE);
	assert_int_equal(looks_up_dir(root, OTHER_NODE, S_IFDIR),
			 REMOTE_MOMENT_NS);
	assert_int_equal(asks_for_dir(OTHER_NODE), REMOTE_MOMENT_NS);
	/* No file is. */
	looks_up_dir(root, NODE, S_IFREG);
	ask_open(number_of(NODE), O_RDONLY);
	reply_open(sent_call(FUSE_OPEN), HANDLE);
	assert_int_equal(looks_up_dir(root, NODE, S_IFREG), 0);
}

/*
 * Told to forget, it would drop the attributes that are on their way, and might
 * have no others.
 */
static void a_directory_that_is_new_is_not_believed_yet(void **state)
{
	uint64_t root = far_root();

	(void)state;
	assert_int_equal(looks_up_dir(root, OTHER_NODE, S_IFDIR), 0);
	assert_int_equal(looks_up_dir(root, OTHER_NODE, S_IFDIR), 0);
	/* This answer may be the first that it has come to know. */
	assert_int_equal(asks_for_dir(OTHER_NODE), 0);
	assert_int_equal(asks_for_dir(OTHER_NODE), REMOTE_MOMENT_NS);
	ask_forget(number_of(OTHER_NODE), 2);
	assert_int_equal(looks_up_dir(root, OTHER_NODE, S_IFDIR), 0);
}

static void a_node_that_is_new_is_not_told_to_be_forgotten(void **state)
{
	struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out inode;
	} body = {
		.head = {.len = sizeof(body), .error = FUSE_NOTIFY_INVAL_INODE},
		.inode = {.ino = NODE},
	};
	uint64_t root = far_root();

	(void)state;
	looks_up_dir(root, NODE, S_IFDIR);
	say(WIRE_NOTIFY, NULL, &body, sizeof(body));
	told_none(0);
	ask_lookup(number_of(NODE), "a");
	say(WIRE_NOTIFY, NULL, &body, sizeof(body));
	assert_int_equal(told(0)->error, FUSE_NOTIFY_INVAL_INODE);
}

static void
attributes_of_directories_are_forgotten_by_what_is_done(void **state)
{
	uint64_t root = far_root(), dir, file;
	struct sent *call;
	struct told *one;

	(void)state;
	uses_dir(root, OTHER_NODE);
	looks_up_dir(root, OTHER_NODE, S_IFDIR);
	dir = number_of(OTHER_NODE);
	looks_up_dir(dir, NODE, S_IFREG);
	file = number_of(NODE);
	/* To look on is to do nothing. */
	ask_open(file, O_RDONLY);
	reply_open(sent_call(FUSE_OPEN), HANDLE);
	told_none(0);
	ask_open(file, O_WRONLY | O_TRUNC);
	one = told(0);
	assert_int_equal(one->error, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(*(uint64_t *)one->body, dir);
	/* What our kernel asks meanwhile it is to ask once more. */
	call = sent_call(FUSE_OPEN);
	looks_up_dir(root, OTHER_NODE, S_IFDIR);
	reply_open(call, HANDLE + 1);
	one = told(0);
	assert_int_equal(one->error, FUSE_NOTIFY_INVAL_INODE);
	assert_int_equal(*(uint64_t *)one->body, dir);
	/* Its ticks are long: 2 ms may be 12. */
	looks_up_dir(root, OTHER_NODE, S_IFDIR);
	wait_ms(12);
	far_opened(file, HANDLE + 2, O_WRONLY | O_TRUNC);
	assert_int_equal(told(0)->error, FUSE_NOTIFY_INVAL_INODE);
	/* Nothing is forgotten that is not believed any more. */
	looks_up_dir(root, OTHER_NODE, S_IFDIR);
	wait_ms(23);
	far_opened(file, HANDLE + 3, O_WRONLY | O_TRUNC);
	told_none(0);
}

static void so_many_directories_are_believed_and_no_more(void **state)
{
	uint64_t root = far_root();
	struct told *one;

	(void)state;
	for (uint64_t i = 0; i <= REMOTE_BELIEVED; i++)
		uses_dir(root, NODE + i);
	for (uint64_t i = 0; i < REMOTE_BELIEVED; i++)
		looks_up_dir(root, NODE + i, S_IFDIR);
	told_none(0);
	looks_up_dir(root, NODE + REMOTE_BELIEVED, S_IFDIR);
	one = told(0);
	assert_int_equal(*(uint64_t *)one->body, number_of(NODE));
}

static void a_directory_that_is_gone_is_looked_up_anew(void **state)
{
	uint64_t root = far_root(), unique;

	(void)state;
	uses_dir(root, NODE);
	looks_up_dir(root, NODE, S_IFDIR);
	for (uint64_t i = 1; i <= REMOTE_LOOKED; i++)
		looks_up_dir(number_of(NODE), NODE + i, S_IFREG);
	unique = ask_lookup(number_of(NODE), "gone");
	reply(sent_call(FUSE_LOOKUP), -ENODEV, NULL, 0);
	told_error(unique, -ESTALE);
	/* Who has been there for longer hears what it is. */
	wait_ms(23);
	unique = ask_lookup(number_of(NODE), "gone");
	reply(sent_call(FUSE_LOOKUP), -ENODEV, NULL, 0);
	told_error(unique, -ENODEV);
}

/* ---- What came with an OPEN ---- */

struct opened {
	struct fuse_open_out open;
	struct wire_ahead ahead;
	char text[8];
};

/* A file of seven octets is opened, and all of it comes. */
static uint64_t opened_with_text(uint64_t node, int flags)
{
	struct opened out = {
		.open = {.fh = HANDLE},
		.ahead = {.has_attr = 1,
			  .attr.attr = {.ino = 7,
					.mode = S_IFREG | 0644,
					.nlink = 1}},
	};
	uint64_t unique = ask_open(node, flags);
	struct sent *call = sent_call(FUSE_OPEN);
	uint32_t asked = ((struct fuse_open_in *)call_body(call))->open_flags;
	struct told *answer;

	assert_true(asked & WIRE_AHEAD);
	out.ahead.attr.attr.size = 7;
	out.ahead.has_text = (asked & ~WIRE_AHEAD) != 0;
	out.ahead.text = out.ahead.has_text ? 7 : 0;
	memcpy(out.text, "1234567", 7);
	reply(call, 0, &out, offsetof(struct opened, text) + out.ahead.text);
	answer = told(unique);
	assert_int_equal(answer->len, sizeof(out.open));
	return ((struct fuse_open_out *)answer->body)->fh;
}

static uint64_t ask_part(uint64_t node, uint64_t handle, uint64_t offset,
			 uint32_t size)
{
	const struct fuse_read_in in = {
		.fh = handle, .offset = offset, .size = size};

	return ask(FUSE_READ, node, &in, sizeof(in));
}

static void is_told(uint64_t unique, const char *text)
{
	struct told *answer = told(unique);

	assert_int_equal(answer->error, 0);
	assert_int_equal(answer->len, strlen(text));
	assert_memory_equal(answer->body, text, strlen(text));
	sent_none();
}

static void a_short_text_comes_with_its_opening(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = opened_with_text(node, O_RDONLY);
	struct fuse_attr_out *out;

	(void)state;
	out = (void *)told(ask_attr(node))->body;
	assert_int_equal(out->attr.size, 7);
	assert_int_not_equal(out->attr.ino, 7);
	is_told(ask_part(node, handle, 0, 4), "1234");
	/* Who has begun reads to the end, whatever is done meanwhile. */
	ask_mkdir(node, "made");
	sent_call(FUSE_MKDIR);
	wait_ms(3);
	far_pass(100, true);
	is_told(ask_part(node, handle, 4, 4096), "567");
	is_told(ask_part(node, handle, 2, 3), "345");
	is_told(ask_part(node, handle, 7, 4096), "");
	/* What is behind the end is what is new. */
	ask_part(node, handle, 7, 4096);
	sent_call(FUSE_READ);
	assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 0);
	ask_release(node, handle);
}

static void what_came_with_an_opening_is_read_at_once_or_never(void **state)
{
	static const struct {
		bool does, is_told, begins;
		uint64_t offset;
		unsigned waits_ms;
	} cases[] = {
		{.does = true}, {.is_told = true}, {.begins = true},
		{.offset = 3},	{.waits_ms = 3},
	};
	const struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out inode;
	} changed = {
		.head = {.len = sizeof(changed),
			 .error = FUSE_NOTIFY_INVAL_INODE},
		.inode.ino = OTHER_NODE,
	};
	uint64_t node = far_file(NODE), handle;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		handle = opened_with_text(node, O_RDONLY);
		if (cases[i].does) {
			ask_mkdir(node, "made");
			sent_call(FUSE_MKDIR);
		}
		if (cases[i].is_told)
			say(WIRE_NOTIFY, NULL, &changed, sizeof(changed));
		if (cases[i].begins)
			is_told(ask_part(node, handle, 0, 4), "1234");
		wait_ms(cases[i].waits_ms);
		ask_part(node, handle, cases[i].offset, 4);
		sent_call(FUSE_READ);
		assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 0);
	}
	/* And what nobody reads is not kept. */
	opened_with_text(node, O_RDONLY);
	assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 7);
	wait_ms(3);
	far_pass(100, true);
	assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 0);
}

static void who_writes_is_told_of_himself_alone(void **state)
{
	uint64_t node = far_file(NODE), handle;

	(void)state;
	far_blank = true;
	handle = opened_with_text(node, O_WRONLY | O_TRUNC);
	told(ask_attr(node));
	/* He closes a copy of it, and executes another program. */
	ask_flush(node, handle);
	sent_call(FUSE_FLUSH);
	sent(WIRE_CALLER);
	wait_ms(10);
	told(ask_attr(node));
	sent_none();
	sent_none();
}

/* Who is told of it, and what it is then, its owner says. */
static void who_inherits_what_is_written_is_looked_at(void **state)
{
	uint64_t node = far_file(NODE);
	const struct wire_caller *caller;
	struct fuse_getattr_in *in;
	struct sent *call, *told_of;

	(void)state;
	opened_with_text(node, O_WRONLY | O_TRUNC);
	far_pid++;
	ask_attr(node);
	call = sent_call(FUSE_GETATTR);
	in = call_body(call);
	assert_int_equal(in->dummy, WIRE_TELLS);
	assert_int_equal(in->fh, PID);
	told_of = sent(WIRE_CALLER);
	caller = (void *)told_of->body;
	assert_int_equal(caller->question, 0);
	assert_int_equal(caller->process, PID + 1);
	assert_true(caller->is_same);
	assert_int_equal(told_of->head.slot, call->head.slot);
	/* What is opened to be read is the same to all of them. */
	opened_with_text(node, O_RDONLY);
	wait_ms(3);
	ask_attr(node);
	in = call_body(sent_call(FUSE_GETATTR));
	assert_int_equal(in->dummy, 0);
	sent_none();
}

static void so_much_is_kept_of_what_is_opened_and_no_more(void **state)
{
	struct remotes *remotes = remotes_of(&far_fleet);
	uint64_t node = far_file(NODE);
	struct fuse_open_in *in;

	(void)state;
	remotes->ahead_octets = REMOTE_AHEAD_MAX - WIRE_AHEAD_MAX + 1;
	ask_open(node, O_RDONLY);
	in = call_body(sent_call(FUSE_OPEN));
	assert_int_equal(in->open_flags, WIRE_AHEAD);
	remotes->ahead_octets--;
	ask_open(node, O_RDONLY);
	in = call_body(sent_call(FUSE_OPEN));
	assert_int_equal(in->open_flags, WIRE_AHEAD | WIRE_AHEAD_MAX);
	remotes->ahead_octets = 0;
}

/* ---- What came with an OPENDIR ---- */

struct opened_dir {
	struct fuse_open_out open;
	struct wire_ahead ahead;
	char text[1024];
};

/* A directory of "a" and "b", and that is all of it or not. */
static uint64_t opened_with_names(uint64_t node, bool is_whole)
{
	const struct fuse_open_in in = {0};
	uint64_t unique = ask(FUSE_OPENDIR, node, &in, sizeof(in));
	struct opened_dir out = {.open.fh = HANDLE};
	struct sent *call;
	struct told *answer;
	size_t len = put_entry(out.text, "a", NODE);

	if (!owner_session)
		owner_opens();
	call = sent_call(FUSE_OPENDIR);
	assert_int_equal(((struct fuse_open_in *)call_body(call))->open_flags,
			 WIRE_AHEAD | WIRE_AHEAD_LIST_MAX);
	len += put_entry(out.text + len, "b", OTHER_NODE);
	out.ahead.text = (uint32_t)len;
	out.ahead.has_text = is_whole;
	reply(call, 0, &out, offsetof(struct opened_dir, text) + len);
	answer = told(unique);
	assert_int_equal(answer->len, sizeof(out.open));
	return ((struct fuse_open_out *)answer->body)->fh;
}

static uint64_t ask_names(uint32_t opcode, uint64_t node, uint64_t handle,
			  uint64_t offset, uint32_t size)
{
	const struct fuse_read_in in = {
		.fh = handle, .offset = offset, .size = size};

	return ask(opcode, node, &in, sizeof(in));
}

#define ENTRY_SIZE FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + 1)

static void names_come_with_the_opening_of_their_directory(void **state)
{
	uint64_t root = far_root(), nodes[4], handle;
	const struct fuse_dirent *name;
	struct sent *forget;
	struct told *list;

	(void)state;
	handle = opened_with_names(root, true);
	list = told(
		ask_names(FUSE_READDIRPLUS, root, handle, 0, ENTRY_SIZE + 8));
	assert_int_equal(count_entries(list->body, list->len, nodes), 1);
	assert_true(nodes[0] & REMOTE_NODE_BIT);
	/* The second one by name alone: its node is no use to our kernel. */
	list = told(ask_names(FUSE_READDIR, root, handle, NODE, 4096));
	assert_int_equal(list->len, FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + 1));
	name = (const void *)list->body;
	assert_int_equal(name->off, OTHER_NODE);
	assert_memory_equal(name->name, "b\0", 2);
	list = told(ask_names(FUSE_READDIR, root, handle, OTHER_NODE, 4096));
	assert_int_equal(list->error, 0);
	assert_int_equal(list->len, 0);
	assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 0);
	far_pass(1000, true);
	forget = sent(WIRE_FORGET);
	assert_int_equal(forget->len, sizeof(struct wire_forget));
	assert_int_equal(((struct wire_forget *)forget->body)->node,
			 OTHER_NODE);
	/* Whoever lists once more is shown what is new. */
	ask_names(FUSE_READDIRPLUS, root, handle, 0, 4096);
	sent_call(FUSE_READDIRPLUS);
}

static void what_is_behind_the_names_that_came_is_asked_for(void **state)
{
	uint64_t root = far_root(), handle;
	struct fuse_read_in *in;

	(void)state;
	handle = opened_with_names(root, false);
	told(ask_names(FUSE_READDIRPLUS, root, handle, 0, 4096));
	sent_none();
	ask_names(FUSE_READDIRPLUS, root, handle, OTHER_NODE, 4096);
	in = call_body(sent_call(FUSE_READDIRPLUS));
	assert_int_equal(in->fh, HANDLE);
	assert_int_equal(in->offset, OTHER_NODE);
	assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 0);
}

/* Their attributes are believed for a second, and may not be true any more. */
static void names_that_came_are_listed_at_once_or_never(void **state)
{
	static const struct {
		bool begins, does, is_told, closes;
		uint64_t offset;
		unsigned waits_ms;
		size_t forgets;
	} cases[] = {
		{.does = true, .forgets = 2},
		{.is_told = true, .forgets = 2},
		{.waits_ms = 3, .forgets = 2},
		{.offset = NODE, .forgets = 2},
		{.begins = true, .offset = 0, .forgets = 1},
		{.begins = true, .offset = NODE, .does = true, .forgets = 1},
		{.begins = true, .offset = NODE, .is_told = true, .forgets = 1},
		{.begins = true, .offset = NODE, .waits_ms = 21, .forgets = 1},
		{.closes = true, .forgets = 2},
	};
	const struct {
		struct fuse_out_header head;
		struct fuse_notify_inval_inode_out inode;
	} changed = {
		.head = {.len = sizeof(changed),
			 .error = FUSE_NOTIFY_INVAL_INODE},
		.inode.ino = NODE,
	};
	uint64_t root = far_root(), handle;
	struct sent *forget;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		handle = opened_with_names(root, true);
		if (cases[i].begins)
			told(ask_names(FUSE_READDIRPLUS, root, handle, 0,
				       ENTRY_SIZE));
		if (cases[i].does) {
			ask_mkdir(root, "made");
			reply(sent_call(FUSE_MKDIR), -EEXIST, NULL, 0);
		}
		if (cases[i].is_told)
			say(WIRE_NOTIFY, NULL, &changed, sizeof(changed));
		wait_ms(cases[i].waits_ms);
		if (cases[i].closes) {
			const struct fuse_release_in in = {.fh = handle};

			ask(FUSE_RELEASEDIR, root, &in, sizeof(in));
			reply(sent_call(FUSE_RELEASEDIR), 0, NULL, 0);
		} else {
			ask_names(FUSE_READDIRPLUS, root, handle,
				  cases[i].offset, 4096);
			reply(sent_call(FUSE_READDIRPLUS), 0, NULL, 0);
		}
		assert_int_equal(remotes_of(&far_fleet)->ahead_octets, 0);
		far_pass(1000, true);
		forget = sent(WIRE_FORGET);
		assert_int_equal(forget->len,
				 cases[i].forgets * sizeof(struct wire_forget));
		say(WIRE_NOTED, forget, NULL, 0);
	}
}

/* ---- Slots ---- */

static void one_user_has_a_quarter_of_the_slots(void **state)
{
	uint64_t node = far_file(NODE);
	struct sent *first;

	(void)state;
	for (int i = 0; i < 100; i++)
		ask_lookup(node, "x");
	first = sent_call(FUSE_LOOKUP);
	for (int i = 1; i < WIRE_SLOTS / 4; i++)
		sent_call(FUSE_LOOKUP);
	sent_none();
	far_uid = 1000;
	ask_lookup(node, "theirs");
	sent_call(FUSE_LOOKUP);
	sent_none();
	reply(first, -ENOENT, NULL, 0);
	assert_int_equal(sent_call(FUSE_LOOKUP)->head.slot, first->head.slot);
	sent_none();
}

static void who_has_too_many_calls_is_told_so(void **state)
{
	uint64_t node = far_file(NODE);
	const unsigned fit = REMOTE_WAITING_MAX + WIRE_SLOTS / 4;

	(void)state;
	for (unsigned i = 0; i < fit; i++)
		told_none(ask_lookup(node, "x"));
	told_error(ask_lookup(node, "x"), -EAGAIN);
	far_uid = 1000;
	told_none(ask_lookup(node, "x"));
}

static void so_much_is_on_its_way_and_no_more(void **state)
{
	uint64_t node = far_file(NODE), handles[4];
	struct sent *first;
	const struct fuse_write_out out = {.size = 900000};

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		handles[i] = far_opened(node, HANDLE + i, O_WRONLY);
	for (unsigned i = 0; i < 4; i++)
		ask_write(node, handles[i], 900000);
	first = sent_call(FUSE_WRITE);
	sent_call(FUSE_WRITE);
	sent_none();
	ask_lookup(node, "small");
	sent_call(FUSE_LOOKUP);
	reply(first, 0, &out, sizeof(out));
	sent_call(FUSE_WRITE);
	sent_none();
}

static void a_large_call_goes_in_pieces(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_WRONLY), unique;
	const struct fuse_write_out out = {.size = 2500};
	struct sent *piece = NULL;
	size_t len = 0;

	(void)state;
	far_size_max = 1000;
	unique = ask_write(node, handle, 2500);
	do {
		piece = sent(WIRE_CALL);
		assert_int_equal(piece->head.offset, len);
		assert_true(piece->len + sizeof(piece->head) <= 1000);
		len += piece->len;
	} while (len < piece->head.whole);
	sent_none();
	reply(piece, 0, &out, sizeof(out));
	told_error(unique, 0);
}

static void say_piece(const struct sent *call, const void *octets,
		      size_t offset, size_t len, size_t whole)
{
	struct wire_head head;
	char copy[256];

	wire_begin(&head, WIRE_ANSWER, owner_incarnation, owner_session, whole);
	head.slot = call->head.slot;
	head.seq = call->head.seq;
	head.offset = (uint32_t)offset;
	memcpy(copy, (const char *)octets + offset, len);
	remote_message(&far_fleet, "h2", &head, copy, len);
}

static void an_answer_may_come_in_pieces(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	uint64_t unique = ask_read(node, handle, O_RDONLY);
	struct sent *call = sent_call(FUSE_READ);
	struct {
		struct fuse_out_header head;
		char text[24];
	} whole = {.head = {.len = sizeof(whole)},
		   .text = "of 23 octets and a NUL"};
	struct told *one;

	(void)state;
	say_piece(call, &whole, 0, 10, sizeof(whole));
	/* One is missing: it begins again. */
	say_piece(call, &whole, 20, 20, sizeof(whole));
	told_none(unique);
	say_piece(call, &whole, 0, 20, sizeof(whole));
	say_piece(call, &whole, 20, 20, sizeof(whole));
	one = told(unique);
	assert_int_equal(one->len, sizeof(whole.text));
	assert_memory_equal(one->body, whole.text, one->len);
}

/* ---- Polls, logs, callers ---- */

static uint64_t ask_poll(uint64_t node, uint64_t handle, uint64_t kh)
{
	const struct fuse_poll_in in = {
		.fh = handle, .kh = kh, .flags = FUSE_POLL_SCHEDULE_NOTIFY};

	return ask(FUSE_POLL, node, &in, sizeof(in));
}

static void notify_poll(uint64_t kh)
{
	const struct {
		struct fuse_out_header head;
		struct fuse_notify_poll_wakeup_out out;
	} body = {
		.head = {.len = sizeof(body), .error = FUSE_NOTIFY_POLL},
		.out.kh = kh,
	};

	say(WIRE_NOTIFY, NULL, &body, sizeof(body));
}

static void answer_poll(const struct sent *call, uint32_t events)
{
	const struct fuse_poll_out out = {.revents = events};

	reply(call, 0, &out, sizeof(out));
}

static void who_polls_is_woken_with_his_own_number(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	struct fuse_poll_in *in;
	struct sent *call;
	struct told *one;

	(void)state;
	ask_poll(node, handle, 77);
	call = sent_call(FUSE_POLL);
	in = call_body(call);
	assert_int_equal(in->fh, HANDLE);
	assert_int_not_equal(in->kh, 77);
	answer_poll(call, 0);
	notify_poll(77);
	assert_true(far_in_vain);
	told_none(0);
	notify_poll(in->kh);
	assert_false(far_in_vain);
	one = told(0);
	assert_int_equal(one->error, FUSE_NOTIFY_POLL);
	assert_int_equal(*(uint64_t *)one->body, 77);
	/* Once. */
	notify_poll(in->kh);
	assert_true(far_in_vain);
	told_none(0);
}

static void a_read_of_nothing_waits_without_a_slot(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	uint64_t unique = ask_read(node, handle, O_RDONLY);
	struct sent *read = sent_call(FUSE_READ), *poll, *probe;
	struct fuse_poll_in *in;

	(void)state;
	assert_true(((struct fuse_read_in *)call_body(read))->flags &
		    O_NONBLOCK);
	reply(read, -EAGAIN, NULL, 0);
	told_none(unique);
	poll = sent_call(FUSE_POLL);
	answer_poll(poll, 0);
	/* It is asked whether it is there, and nothing else. */
	far_pass(900, true);
	probe = sent(WIRE_PROBE);
	sent_none();
	in = call_body(poll);
	notify_poll(in->kh);
	read = sent_call(FUSE_READ);
	/* The answer has crossed the call, which is not sent twice for it. */
	say(WIRE_UNKNOWN, probe, NULL, 0);
	sent_none();
	reply(read, 0, "query\n", 6);
	assert_int_equal(told(unique)->len, 6);
}

/* The notification may have been sent while the bus was away. */
static void a_read_that_waits_is_sent_again_when_the_bus_is_back(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	uint64_t unique = ask_read(node, handle, O_RDONLY);

	(void)state;
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	answer_poll(sent_call(FUSE_POLL), 0);
	far_is_up = false;
	remotes_changed(&far_fleet, false);
	far_pass(1000, false);
	far_is_up = true;
	sent_drop();
	remotes_changed(&far_fleet, true);
	reply(sent_call(FUSE_READ), 0, "query\n", 6);
	assert_int_equal(told(unique)->len, 6);
}

static void a_read_is_sent_again_if_something_has_come_meanwhile(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	struct sent *poll;

	(void)state;
	ask_read(node, handle, O_RDONLY);
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	poll = sent_call(FUSE_POLL);
	answer_poll(poll, POLLIN);
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	poll = sent_call(FUSE_POLL);
	/* Notified before the answer says that there is nothing. */
	notify_poll(((struct fuse_poll_in *)call_body(poll))->kh);
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	answer_poll(poll, 0);
	sent_call(FUSE_READ);
}

static void a_poll_that_is_no_answer_is_asked_again(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	uint64_t unique = ask_read(node, handle, O_RDONLY);

	(void)state;
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	reply(sent_call(FUSE_POLL), 0, "?", 1);
	told_none(unique);
	for (int i = 0; i < REMOTE_REPOLL_MS / 100; i++) {
		sent_drop();
		far_pass(100, true);
	}
	answer_poll(sent_call(FUSE_POLL), POLLIN);
	reply(sent_call(FUSE_READ), 0, "query\n", 6);
	assert_int_equal(told(unique)->len, 6);
}

static void who_does_not_wait_for_a_log_does_not(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY | O_NONBLOCK);
	uint64_t unique = ask_read(node, handle, O_RDONLY | O_NONBLOCK);

	(void)state;
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	told_error(unique, -EAGAIN);
	sent_none();
}

/* The owner lets one wait that has begun at the beginning, and no other. */
static void where_a_log_is_read_first_says_whether_it_waits(void **state)
{
	static const struct {
		uint64_t first, second;
		uint32_t flags;
	} cases[] = {
		{0, 4096, O_NONBLOCK},
		{57344, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t node = far_file(NODE + i);
		uint64_t handle = far_opened(node, HANDLE + i, O_RDONLY);
		const uint64_t offsets[] = {cases[i].first, cases[i].second};

		for (size_t at = 0; at < ARRAY_SIZE(offsets); at++) {
			uint64_t unique =
				ask_read_at(node, handle, offsets[at]);
			struct sent *read = sent_call(FUSE_READ);

			assert_int_equal(
				((struct fuse_read_in *)call_body(read))->flags,
				cases[i].flags);
			reply(read, 0, NULL, 0);
			told_error(unique, 0);
		}
	}
}

static void who_is_interrupted_waits_for_no_log(void **state)
{
	uint64_t node = far_file(NODE);
	uint64_t handle = far_opened(node, HANDLE, O_RDONLY);
	uint64_t unique = ask_read(node, handle, O_RDONLY);

	(void)state;
	reply(sent_call(FUSE_READ), -EAGAIN, NULL, 0);
	answer_poll(sent_call(FUSE_POLL), 0);
	ask_interrupt(unique);
	told_error(unique, -EINTR);
	sent_none();
}

static struct wire_caller asked_about(int32_t pid)
{
	const struct wire_ask in = {.question = 9, .pid = pid, .group = 1000};

	say(WIRE_ASK, NULL, &in, sizeof(in));
	return *(struct wire_caller *)sent(WIRE_CALLER)->body;
}

static void an_owner_hears_of_its_callers_only(void **state)
{
	struct wire_caller caller;

	(void)state;
	ask_lookup(far_file(NODE), "x");
	sent_call(FUSE_LOOKUP);
	caller = asked_about(PID);
	assert_int_equal(caller.question, 9);
	assert_true(caller.is_member);
	assert_string_equal(caller.command, "cp");
	caller = asked_about(PID + 1);
	assert_int_equal(caller.question, 9);
	assert_false(caller.is_member);
	assert_int_equal(caller.process, 0);
	caller = asked_about(0);
	assert_int_equal(caller.process, 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, far_setup, far_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_host_is_looked_up_from_its_beat),
		TEST(a_host_may_have_been_changed_before_1970),
		TEST(a_name_that_is_not_heard_is_asked_for_once),
		TEST(what_cannot_be_a_host_is_left_to_this_one),
		TEST(a_host_of_another_version_is_not_spoken_with),
		TEST(a_listing_of_the_root_asks_who_is_there),
		TEST(nobody_makes_or_takes_a_host_by_its_name),
		TEST(what_is_between_two_hosts_is_between_two_devices),
		TEST(forgets_of_others_are_taken_out_of_a_batch),
		TEST(without_a_fleet_others_are_down),
		TEST(what_this_host_does_not_do_either_is_not_known),
		TEST(nodes_get_numbers_of_this_mount),
		TEST(what_is_forgotten_is_told_until_it_is_noted),
		TEST(a_listing_that_nobody_takes_is_forgotten),
		TEST(an_owner_has_to_tell_of_what_is_listed),
		TEST(a_host_is_believed_while_it_is_listed),
		TEST(calls_wait_until_the_session_is_open),
		TEST(what_changes_one_file_goes_one_after_another),
		TEST(who_comes_after_a_close_waits_for_it),
		TEST(a_close_waits_for_what_is_read),
		TEST(to_close_what_was_not_written_asks_nobody),
		TEST(to_close_what_was_written_asks_its_owner),
		TEST(to_close_what_was_made_waits_for_its_owner),
		TEST(to_close_what_is_cleared_asks_its_owner),
		TEST(who_closes_what_is_blank_is_looked_at_and_goes_on),
		TEST(what_was_just_looked_up_is_not_asked_for),
		TEST(what_is_looked_up_again_is_forgotten_once),
		TEST(a_name_is_looked_up_for_each_who_asks),
		TEST(what_is_gone_just_now_is_looked_up_anew),
		TEST(what_may_have_changed_since_is_asked_for),
		TEST(directories_are_believed_for_a_moment),
		TEST(a_directory_that_is_new_is_not_believed_yet),
		TEST(a_node_that_is_new_is_not_told_to_be_forgotten),
		TEST(attributes_of_directories_are_forgotten_by_what_is_done),
		TEST(so_many_directories_are_believed_and_no_more),
		TEST(a_directory_that_is_gone_is_looked_up_anew),
		TEST(a_short_text_comes_with_its_opening),
		TEST(what_came_with_an_opening_is_read_at_once_or_never),
		TEST(who_writes_is_told_of_himself_alone),
		TEST(who_inherits_what_is_written_is_looked_at),
		TEST(so_much_is_kept_of_what_is_opened_and_no_more),
		TEST(names_come_with_the_opening_of_their_directory),
		TEST(what_is_behind_the_names_that_came_is_asked_for),
		TEST(names_that_came_are_listed_at_once_or_never),
		TEST(one_user_has_a_quarter_of_the_slots),
		TEST(who_has_too_many_calls_is_told_so),
		TEST(so_much_is_on_its_way_and_no_more),
		TEST(a_large_call_goes_in_pieces),
		TEST(an_answer_may_come_in_pieces),
		TEST(who_polls_is_woken_with_his_own_number),
		TEST(a_read_of_nothing_waits_without_a_slot),
		TEST(a_read_that_waits_is_sent_again_when_the_bus_is_back),
		TEST(a_read_is_sent_again_if_something_has_come_meanwhile),
		TEST(a_poll_that_is_no_answer_is_asked_again),
		TEST(who_does_not_wait_for_a_log_does_not),
		TEST(where_a_log_is_read_first_says_whether_it_waits),
		TEST(who_is_interrupted_waits_for_no_log),
		TEST(an_owner_hears_of_its_callers_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
