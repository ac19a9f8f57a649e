// SPDX-License-Identifier: Apache-2.0
/*
 * test_view.c - several kernels look at one host, each through its own view
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "anchors/receipt.h"
#include "fs/handle_layout.h"
#include "fs/node.h"
#include "tests/unit/kernel.h"

#define ROOT	  FUSE_ROOT_ID
#define NAME_SIZE (ADDRESS_TEXT_SIZE + 8)

/* Two kernels and a nameserver that both know. */
static struct test_tree tree;
static struct kernel a, b;
static uint64_t ns_a, ns_b, records_a, records_b;
static char text[65536];

/* With an address that is free. */
static void new_name(const char *label, char name[NAME_SIZE])
{
	char address[ADDRESS_TEXT_SIZE];
	struct address at = test_host_address();

	address_print(&at, address);
	snprintf(name, NAME_SIZE, "%s@%s", label, address);
}

static int setup(void **state)
{
	char name[NAME_SIZE];

	(void)state;
	new_name("ns", name);
	test_tree_open(&tree);
	kernel_open(&a, &tree, "ha");
	kernel_open(&b, &tree, "hb");
	assert_int_equal(kernel_mkdir(&a, ROOT, name, &ns_a), 0);
	assert_int_equal(kernel_lookup(&b, ROOT, name, &ns_b), 0);
	assert_int_equal(kernel_lookup(&a, ns_a, "records", &records_a), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "records", &records_b), 0);
	kernel_free(&a);
	kernel_free(&b);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (!a.is_closed)
		kernel_close(&a);
	if (!b.is_closed)
		kernel_close(&b);
	test_tree_close(&tree);
	return 0;
}

static const char *records(struct kernel *kernel)
{
	uint64_t ns = kernel == &a ? ns_a : ns_b;

	assert_true(kernel_cat(kernel, ns, "records", text, sizeof(text)) >= 0);
	return text;
}

static void append(struct kernel *kernel, const char *line)
{
	uint64_t node = kernel == &a ? records_a : records_b, handle;

	assert_int_equal(
		kernel_open_file(kernel, node, O_WRONLY | O_APPEND, &handle),
		0);
	assert_int_equal(kernel_write(kernel, node, handle, 0, line), 0);
	assert_int_equal(kernel_flush(kernel, node, handle), 0);
	assert_int_equal(kernel_release(kernel, node, handle), 0);
}

static unsigned handles(const struct kernel *kernel)
{
	struct handle *handle;
	unsigned count;

	DL_COUNT(kernel->fs->handles, handle, count);
	return count;
}

static unsigned nodes(const struct kernel *kernel)
{
	return HASH_COUNT(kernel->fs->nodes);
}

/* ---- What one does, the other sees ---- */

static void the_root_of_a_view_is_the_hosts_anchor(void **state)
{
	uint64_t node;

	(void)state;
	assert_int_equal(kernel_lookup(&a, ROOT, "error", &node), 0);
	assert_int_not_equal(node, ROOT);
	kernel_forget(&a, node, 1);
	assert_int_equal(kernel_lookup(&a, ROOT, "..", &node), -ENOENT);
	assert_int_equal(kernel_lookup(&a, ROOT, "h1", &node), -ENOENT);
	assert_ptr_equal(a.fs->top->anchor, tree.th.host->root);
}

static void records_are_those_of_all(void **state)
{
	(void)state;
	append(&a, "miek.nl. A 192.0.2.1\n");
	assert_non_null(strstr(records(&b), "192.0.2.1"));
	append(&b, "miek.nl. A 192.0.2.2\n");
	assert_non_null(strstr(records(&a), "192.0.2.2"));
}

static void a_scratch_file_is_the_hosts(void **state)
{
	uint64_t node, handle, other, listed;

	(void)state;
	assert_int_equal(kernel_create(&a, ns_a, "new", &node, &handle), 0);
	assert_int_equal(
		kernel_write(&a, node, handle, 0, "a.example. A 192.0.2.7\n"),
		0);
	assert_int_equal(kernel_list(&b, ns_b, "new", &listed), 1);
	assert_int_equal(kernel_lookup(&b, ns_b, "new", &other), 0);
	assert_int_equal(other, listed);
	assert_true(kernel_cat(&b, ns_b, "new", text, sizeof(text)) > 0);
	assert_string_equal(text, "a.example. A 192.0.2.7\n");
	/* Its maker has it open still, and another renames it. */
	assert_int_equal(kernel_rename(&b, ns_b, "new", ns_b, "records"), 0);
	assert_non_null(strstr(records(&a), "192.0.2.7"));
	assert_int_equal(kernel_lookup(&a, ns_a, "new", &other), -ENOENT);
	assert_int_equal(kernel_read(&a, node, handle, text, sizeof(text)), 23);
	assert_int_equal(kernel_release(&a, node, handle), 0);
}

static void a_scratch_file_outlives_the_view_of_its_maker(void **state)
{
	uint64_t node, handle;

	(void)state;
	assert_int_equal(kernel_create(&a, ns_a, "left", &node, &handle), 0);
	assert_int_equal(kernel_write(&a, node, handle, 0, "text"), 0);
	kernel_close(&a);
	assert_int_equal(kernel_cat(&b, ns_b, "left", text, sizeof(text)), 4);
	assert_int_equal(tree.commons.shares.afar[SHARE_SCRATCH_FILES], 1);
	assert_int_equal(kernel_rename(&b, ns_b, "left", ns_b, "other"), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "other", &node), 0);
}

static void a_scratch_file_without_a_name_lives_while_it_is_open(void **state)
{
	const struct shares *shares = &tree.commons.shares;
	uint64_t node, handle, other;

	(void)state;
	assert_int_equal(kernel_create(&a, ns_a, "gone", &node, &handle), 0);
	assert_int_equal(kernel_write(&a, node, handle, 0, "text"), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "gone", &other), 0);
	assert_int_equal(kernel_unlink(&b, ns_b, "gone"), 0);
	assert_int_equal(kernel_read(&a, node, handle, text, sizeof(text)), 4);
	assert_int_equal(shares->used[SHARE_SCRATCH_SIZE], 4);
	assert_int_equal(kernel_release(&a, node, handle), 0);
	assert_int_equal(shares->used[SHARE_SCRATCH_SIZE], 0);
	assert_int_equal(shares->used[SHARE_SCRATCH_FILES], 0);
}

static void a_name_that_another_kernel_removes_is_read_on(void **state)
{
	uint64_t names_a, names_b, node, handle;

	(void)state;
	append(&a, "miek.nl. A 192.0.2.1\n");
	assert_int_equal(kernel_lookup(&a, ns_a, "names", &names_a), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "names", &names_b), 0);
	assert_int_equal(kernel_lookup(&a, names_a, "miek.nl.", &node), 0);
	assert_int_equal(kernel_open_file(&a, node, O_RDONLY, &handle), 0);
	assert_int_equal(kernel_unlink(&b, names_b, "miek.nl."), 0);
	assert_true(kernel_read(&a, node, handle, text, sizeof(text)) > 0);
	assert_non_null(strstr(text, "192.0.2.1"));
	assert_int_equal(kernel_release(&a, node, handle), 0);
	assert_int_equal(kernel_lookup(&a, names_a, "miek.nl.", &node),
			 -ENOENT);
}

static int polls_woken(const struct kernel *kernel, uint64_t kh)
{
	const struct answer *told;
	int count = 0;

	DL_FOREACH (kernel->told, told)
		count += told->head.error == FUSE_NOTIFY_POLL &&
			 told->wakeup.kh == kh;
	return count;
}

static void a_poll_hears_of_what_another_kernel_changes(void **state)
{
	struct fuse_poll_in in = {.kh = 77,
				  .flags = FUSE_POLL_SCHEDULE_NOTIFY,
				  .events = POLLPRI};
	uint64_t node, handle;

	(void)state;
	assert_int_equal(kernel_lookup(&a, ns_a, "stat", &node), 0);
	assert_int_equal(kernel_open_file(&a, node, O_RDONLY, &handle), 0);
	in.fh = handle;
	free(kernel_wait(&a, kernel_send(&a, FUSE_POLL, node, &in, sizeof(in),
					 NULL, 0)));
	assert_null(a.told);
	append(&b, "miek.nl. A 192.0.2.1\n");
	assert_int_equal(polls_woken(&a, 77), 1);
	assert_int_equal(polls_woken(&b, 77), 0);
	assert_int_equal(kernel_release(&a, node, handle), 0);
}

/* ---- What a kernel may believe ---- */

static bool was_told_of(const struct kernel *kernel, uint64_t node)
{
	const struct answer *told;

	DL_FOREACH (kernel->told, told)
		if (told->head.error == FUSE_NOTIFY_INVAL_INODE &&
		    told->inval.ino == node)
			return true;
	return false;
}

static void both_forget_before_the_change_is_told_of(void **state)
{
	uint64_t names_a, names_b, in_a, in_b;

	(void)state;
	append(&a, "miek.nl. A 192.0.2.1\n");
	assert_int_equal(kernel_list(&a, ns_a, "names", &names_a), 1);
	assert_int_equal(kernel_lookup(&a, ns_a, "names", &names_a), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "names", &names_b), 0);
	assert_int_equal(kernel_list(&a, names_a, "miek.nl.", &in_a), 1);
	assert_int_equal(kernel_list(&b, names_b, "miek.nl.", &in_b), 1);
	append(&b, "miek.nl. A 192.0.2.2\n");
	assert_true(was_told_of(&a, in_a));
	assert_true(was_told_of(&b, in_b));
	assert_true(was_told_of(&a, names_a));
}

static void a_directory_that_another_kernel_changes_is_told_of(void **state)
{
	struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = 0700};
	uint64_t node, sub_b;
	char name[NAME_SIZE];

	(void)state;
	new_name("sub", name);
	/* Who has listed nothing believes nothing. */
	assert_int_equal(kernel_mkdir(&b, ns_b, name, &sub_b), 0);
	assert_false(was_told_of(&a, ns_a));
	assert_int_equal(kernel_list(&a, ns_a, name, &node), 1);
	new_name("other", name);
	assert_int_equal(kernel_mkdir(&b, ns_b, name, &sub_b), 0);
	assert_true(was_told_of(&a, ns_a));
	assert_false(was_told_of(&a, ROOT));
	kernel_free(&a);
	assert_int_equal(kernel_rename(&b, ns_b, name, ROOT, "up"), 0);
	assert_true(was_told_of(&a, ns_a));
	assert_true(was_told_of(&a, ROOT));
	kernel_free(&a);
	free(kernel_wait(&b, kernel_send(&b, FUSE_SETATTR, ns_b, &in,
					 sizeof(in), NULL, 0)));
	assert_true(was_told_of(&a, ns_a));
	kernel_free(&a);
	free(kernel_wait(&b,
			 kernel_send(&b, FUSE_RMDIR, ROOT, NULL, 0, "up", 3)));
	assert_true(was_told_of(&a, ROOT));
	assert_int_equal(kernel_lookup(&a, ROOT, "up", &node), -ENOENT);
}

static void what_others_change_is_believed_for_a_moment_alone(void **state)
{
	struct answer *answer;
	char name[NAME_SIZE];
	uint64_t sub;

	(void)state;
	new_name("sub", name);
	assert_int_equal(kernel_mkdir(&a, ns_a, name, &sub), 0);
	answer = kernel_wait(&a, kernel_send(&a, FUSE_LOOKUP, ns_a, NULL, 0,
					     name, strlen(name) + 1));
	assert_int_equal(answer->entry.entry_valid, 0);
	assert_int_equal(answer->entry.entry_valid_nsec, 0);
	assert_int_equal(answer->entry.attr_valid, 1);
	free(answer);
}

static void with_too_many_names_a_listing_brings_no_nodes(void **state)
{
	uint64_t names, node = 1;
	size_t was = a.fs->known.size;

	(void)state;
	append(&a, "miek.nl. A 192.0.2.1\n");
	assert_int_equal(kernel_lookup(&a, ns_a, "names", &names), 0);
	a.fs->known.size = KNOWN_SIZE;
	assert_int_equal(kernel_list(&a, names, "miek.nl.", &node), 1);
	assert_int_equal(node, 0);
	a.fs->known.size = was;
	assert_int_equal(kernel_list(&a, names, "miek.nl.", &node), 1);
	assert_int_not_equal(node, 0);
	assert_true(a.fs->known.size > was);
}

/* ---- Nobody takes what was opened or found ---- */

static void what_nobody_takes_is_given_back(void **state)
{
	unsigned count = nodes(&a);
	uint64_t node;

	(void)state;
	a.refuses = true;
	kernel_send(&a, FUSE_LOOKUP, ns_a, NULL, 0, "stat", 5);
	assert_int_equal(nodes(&a), count);
	kernel_send(&a, FUSE_OPEN, records_a,
		    &(struct fuse_open_in){.flags = O_WRONLY | O_TRUNC},
		    sizeof(struct fuse_open_in), NULL, 0);
	assert_int_equal(handles(&a), 0);
	kernel_send(&a, FUSE_CREATE, ns_a,
		    &(struct fuse_create_in){.flags = O_RDWR | O_CREAT,
					     .mode = S_IFREG | 0644},
		    sizeof(struct fuse_create_in), "new", 4);
	assert_int_equal(handles(&a), 0);
	assert_int_equal(nodes(&a), count);
	kernel_send(&a, FUSE_OPENDIR, ns_a, &(struct fuse_open_in){0},
		    sizeof(struct fuse_open_in), NULL, 0);
	assert_null(a.fs->dirs);
	a.refuses = false;
	assert_int_equal(kernel_lookup(&b, ns_b, "new", &node), 0);
}

static void a_node_goes_with_its_last_reference(void **state)
{
	unsigned count = nodes(&a);
	uint64_t node, again;

	(void)state;
	assert_int_equal(kernel_lookup(&a, ns_a, "stat", &node), 0);
	assert_int_equal(kernel_lookup(&a, ns_a, "stat", &again), 0);
	assert_int_equal(node, again);
	kernel_forget(&a, node, 1);
	assert_int_equal(nodes(&a), count + 1);
	kernel_forget(&a, node, 1);
	assert_int_equal(nodes(&a), count);
}

/* ---- A file that is closed without its writer ---- */

static void begin_replacement(uint64_t *handle)
{
	append(&b, "old.example. A 192.0.2.1\n");
	assert_int_equal(
		kernel_open_file(&a, records_a, O_WRONLY | O_TRUNC, handle), 0);
	assert_int_equal(kernel_write(&a, records_a, *handle, 0,
				      "new.example. A 192.0.2.2\n"),
			 0);
}

static void a_view_that_closes_publishes_nothing(void **state)
{
	uint64_t handle;

	(void)state;
	begin_replacement(&handle);
	kernel_close(&a);
	assert_non_null(strstr(records(&b), "old.example."));
	assert_null(strstr(text, "new.example."));
	assert_int_equal(tree.commons.shares.used[SHARE_STAGED_SIZE], 0);
	assert_int_equal(tree.commons.view_count, 1);
}

static void a_view_that_closes_clears_nothing(void **state)
{
	uint64_t handle;

	(void)state;
	append(&b, "old.example. A 192.0.2.1\n");
	assert_int_equal(
		kernel_open_file(&a, records_a, O_WRONLY | O_TRUNC, &handle),
		0);
	kernel_close(&a);
	assert_non_null(strstr(records(&b), "old.example."));
}

static void what_is_discarded_is_not_published(void **state)
{
	uint64_t handle, cleared;

	(void)state;
	begin_replacement(&handle);
	assert_int_equal(
		kernel_open_file(&a, records_a, O_WRONLY | O_TRUNC, &cleared),
		0);
	view_discard(a.fs, handle, false);
	view_discard(a.fs, cleared, false);
	assert_int_equal(handles(&a), 0);
	assert_non_null(strstr(records(&a), "old.example."));
	assert_null(strstr(text, "new.example."));
}

static void a_call_that_is_under_way_is_done_before_a_discard(void **state)
{
	struct fuse_write_in in = {.size = 25, .lock_owner = 1};
	uint64_t unique;

	(void)state;
	assert_int_equal(
		kernel_open_file(&a, records_a, O_WRONLY | O_APPEND, &in.fh),
		0);
	unique = kernel_send(&a, FUSE_WRITE, records_a, &in, sizeof(in),
			     "new.example. A 192.0.2.2\n", 25);
	view_discard(a.fs, in.fh, false);
	assert_int_equal(handles(&a), 1);
	free(kernel_wait(&a, unique));
	assert_int_equal(handles(&a), 0);
	assert_non_null(strstr(records(&b), "new.example."));
}

static void a_directory_can_be_discarded(void **state)
{
	struct answer *answer;

	(void)state;
	answer = kernel_wait(&a,
			     kernel_send(&a, FUSE_OPENDIR, ns_a,
					 &(struct fuse_open_in){0},
					 sizeof(struct fuse_open_in), NULL, 0));
	assert_int_equal(answer->head.error, 0);
	view_discard(a.fs, answer->open.fh, true);
	assert_null(a.fs->dirs);
	free(answer);
}

static void who_closes_is_asked_for_where_he_is(void **state)
{
	uint64_t handle;

	(void)state;
	begin_replacement(&handle);
	a.caller.is_killed = true;
	a.asked = b.asked = 0;
	assert_int_equal(kernel_flush(&a, records_a, handle), -EINVAL);
	assert_int_equal(a.asked, 1);
	assert_int_equal(b.asked, 0);
	assert_int_equal(kernel_release(&a, records_a, handle), 0);
	assert_non_null(strstr(records(&b), "old.example."));
}

/* ---- Calls of another host's ---- */

static void a_call_that_had_to_wait_keeps_its_receipt(void **state)
{
	struct receipt call = receipt_of("ha", 1, 2, 3), before;
	struct fuse_release_in release = {0};
	struct fuse_mkdir_in in = {.mode = 0755};
	uint64_t released, made, anchor = 0;
	char name[NAME_SIZE];

	(void)state;
	new_name("sub", name);
	append(&a, "old.example. A 192.0.2.1\n");
	assert_int_equal(kernel_open_file(&a, records_a, O_WRONLY | O_TRUNC,
					  &release.fh),
			 0);
	assert_int_equal(kernel_flush(&a, records_a, release.fh), 0);
	released = kernel_send(&a, FUSE_RELEASE, records_a, &release,
			       sizeof(release), NULL, 0);
	assert_non_null(a.fs->session->holds);
	test_host_lease(&tree.th, "ha", 1);
	receipt_enter(tree.th.host, &call, &before);
	made = kernel_send(&a, FUSE_MKDIR, ns_a, &in, sizeof(in), name,
			   strlen(name) + 1);
	receipt_leave(tree.th.host, &before);
	assert_non_null(a.fs->session->holds->waiting);
	free(kernel_wait(&a, released));
	free(kernel_wait(&a, made));
	lease_end(&tree.th.host->leases, &tree.th.lease);
	assert_int_equal(receipt_find(tree.th.host, &call, &anchor), 0);
	assert_int_not_equal(anchor, 0);
}

/* ---- Closing ---- */

static void a_view_waits_for_what_is_under_way(void **state)
{
	struct fuse_mkdir_in in = {.mode = 0755};
	char name[NAME_SIZE];
	uint64_t node;

	(void)state;
	new_name("sub", name);
	kernel_send(&a, FUSE_MKDIR, ns_a, &in, sizeof(in), name,
		    strlen(name) + 1);
	assert_true(a.fs->session->pending > 0);
	kernel_close(&a);
	assert_int_equal(kernel_lookup(&b, ns_b, name, &node), 0);
}

static void a_view_that_closes_takes_no_request(void **state)
{
	(void)state;
	view_close(a.fs, NULL, NULL);
	kernel_send(&a, FUSE_LOOKUP, ROOT, NULL, 0, "error", 6);
	assert_null(a.answers);
	while (tree.commons.view_count > 1)
		uv_run(&tree.th.loop, UV_RUN_ONCE);
	a.is_closed = true;
}

static void a_view_with_many_nodes_closes_in_several_rounds(void **state)
{
	CLEANUP(buffer_deinit) struct buffer lines = {0};
	uint64_t names, node;
	unsigned rounds = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		assert_int_equal(buffer_printf(&lines, "n%d. A 192.0.2.1\n", i),
				 0);
	append(&b, (const char *)lines.data);
	assert_int_equal(kernel_lookup(&a, ns_a, "names", &names), 0);
	assert_int_equal(kernel_list(&a, names, "n1.", &node), 1);
	assert_true(nodes(&a) > 20000);
	view_close(a.fs, NULL, NULL);
	for (; tree.commons.view_count > 1; rounds++)
		uv_run(&tree.th.loop, UV_RUN_ONCE);
	assert_true(rounds > 1);
	a.is_closed = true;
	kernel_free(&a);
}

static void a_log_that_is_waited_for_ends_with_its_view(void **state)
{
	struct fuse_read_in in = {.size = 100};
	uint64_t log, log_b, handle_b;

	(void)state;
	assert_int_equal(kernel_lookup(&a, ns_a, "log", &log), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "log", &log_b), 0);
	assert_int_equal(kernel_open_file(&a, log, O_RDONLY, &in.fh), 0);
	assert_int_equal(kernel_open_file(&b, log_b, O_RDONLY, &handle_b), 0);
	kernel_send(&a, FUSE_READ, log, &in, sizeof(in), NULL, 0);
	in.fh = handle_b;
	kernel_send(&b, FUSE_READ, log_b, &in, sizeof(in), NULL, 0);
	kernel_close(&a);
	/* That of the other view waits on. */
	assert_null(b.answers);
	assert_int_equal(tree.commons.shares.used[SHARE_LOGS], 1);
}

/* ---- Bounds ---- */

static void a_host_has_half_and_all_of_them_leave_a_quarter(void **state)
{
	uint64_t handle;
	int got = 0;

	(void)state;
	shares_set(&tree.commons.shares, SHARE_OPEN_FILES, 10); /* all: 40 */
	for (a.uid = 5000; got < 40; a.uid++, got++)
		if (kernel_open_file(&a, records_a, O_RDONLY, &handle) < 0)
			break;
	assert_int_equal(got, 20);
	for (b.uid = 5000; got < 40; b.uid++, got++)
		if (kernel_open_file(&b, records_b, O_RDONLY, &handle) < 0)
			break;
	assert_int_equal(got, 30);
}

static void root_of_another_host_has_a_share_like_all(void **state)
{
	uint64_t handle;
	int got = 0;

	(void)state;
	shares_set(&tree.commons.shares, SHARE_OPEN_FILES, 10);
	a.uid = 0;
	while (got < 40 &&
	       kernel_open_file(&a, records_a, O_RDONLY, &handle) == 0)
		got++;
	assert_int_equal(got, 10);
}

static void there_may_be_more_views_than_keys_of_threads(void **state)
{
	enum { COUNT = PTHREAD_KEYS_MAX + 100 };
	struct kernel *many = calloc(COUNT, sizeof(*many));
	uint64_t node;

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < COUNT; i++)
		kernel_open(&many[i], &tree, "many");
	append(&a, "miek.nl. A 192.0.2.1\n");
	assert_int_equal(kernel_lookup(&many[COUNT - 1], ROOT, "error", &node),
			 0);
	for (size_t i = 0; i < COUNT; i++)
		kernel_close(&many[i]);
	free(many);
}

static void there_is_an_end_to_the_number_of_views(void **state)
{
	struct fs *one_more;
	unsigned was = tree.commons.view_count;

	(void)state;
	tree.commons.view_count = VIEWS_MAX;
	assert_int_equal(view_open(&one_more, &tree.commons, &a.peer), -EMFILE);
	tree.commons.view_count = was;
}

/* ---- One libfuse for all of them ---- */

static void requests_of_one_number_find_their_kernels(void **state)
{
	struct fuse_read_in in = {.size = 100};
	struct fuse_interrupt_in interrupt = {0};
	uint64_t log, log_b, unique;
	struct answer *answer;

	(void)state;
	assert_int_equal(kernel_lookup(&a, ns_a, "log", &log), 0);
	assert_int_equal(kernel_lookup(&b, ns_b, "log", &log_b), 0);
	assert_int_equal(kernel_open_file(&a, log, O_RDONLY, &in.fh), 0);
	a.unique = b.unique = 1000;
	unique = kernel_send(&a, FUSE_READ, log, &in, sizeof(in), NULL, 0);
	assert_int_equal(kernel_open_file(&b, log_b, O_RDONLY, &in.fh), 0);
	b.unique = 1000;
	assert_int_equal(
		kernel_send(&b, FUSE_READ, log_b, &in, sizeof(in), NULL, 0),
		unique);
	/* Only the one that is meant is interrupted. */
	interrupt.unique = unique;
	kernel_send(&b, FUSE_INTERRUPT, log_b, &interrupt, sizeof(interrupt),
		    NULL, 0);
	assert_null(a.answers);
	answer = kernel_take(&b, unique);
	assert_non_null(answer);
	assert_int_equal(answer->head.error, -EINTR);
	free(answer);
	/* What was answered already cannot be. */
	kernel_send(&b, FUSE_INTERRUPT, log_b, &interrupt, sizeof(interrupt),
		    NULL, 0);
	assert_int_equal(kernel_lookup(&b, ROOT, "help", &log), 0);
	assert_null(b.answers);
}

static void no_kernel_begins_or_ends_it_for_the_others(void **state)
{
	struct fuse_init_in init = {.major = FUSE_KERNEL_VERSION, .minor = 1};
	uint64_t node;

	(void)state;
	free(kernel_wait(
		&a, kernel_send(&a, FUSE_DESTROY, ROOT, NULL, 0, NULL, 0)));
	free(kernel_wait(&a, kernel_send(&a, FUSE_INIT, ROOT, &init,
					 sizeof(init), NULL, 0)));
	assert_int_equal(kernel_lookup(&b, ROOT, "error", &node), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_root_of_a_view_is_the_hosts_anchor),
		TEST(records_are_those_of_all),
		TEST(a_scratch_file_is_the_hosts),
		TEST(a_scratch_file_outlives_the_view_of_its_maker),
		TEST(a_scratch_file_without_a_name_lives_while_it_is_open),
		TEST(a_name_that_another_kernel_removes_is_read_on),
		TEST(a_poll_hears_of_what_another_kernel_changes),
		TEST(both_forget_before_the_change_is_told_of),
		TEST(a_directory_that_another_kernel_changes_is_told_of),
		TEST(what_others_change_is_believed_for_a_moment_alone),
		TEST(with_too_many_names_a_listing_brings_no_nodes),
		TEST(what_nobody_takes_is_given_back),
		TEST(a_node_goes_with_its_last_reference),
		TEST(a_view_that_closes_publishes_nothing),
		TEST(a_view_that_closes_clears_nothing),
		TEST(what_is_discarded_is_not_published),
		TEST(a_call_that_is_under_way_is_done_before_a_discard),
		TEST(a_directory_can_be_discarded),
		TEST(who_closes_is_asked_for_where_he_is),
		TEST(a_call_that_had_to_wait_keeps_its_receipt),
		TEST(a_view_waits_for_what_is_under_way),
		TEST(a_view_that_closes_takes_no_request),
		TEST(a_view_with_many_nodes_closes_in_several_rounds),
		TEST(a_log_that_is_waited_for_ends_with_its_view),
		TEST(a_host_has_half_and_all_of_them_leave_a_quarter),
		TEST(root_of_another_host_has_a_share_like_all),
		TEST(there_may_be_more_views_than_keys_of_threads),
		TEST(there_is_an_end_to_the_number_of_views),
		TEST(requests_of_one_number_find_their_kernels),
		TEST(no_kernel_begins_or_ends_it_for_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
