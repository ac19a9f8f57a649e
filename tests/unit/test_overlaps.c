// SPDX-License-Identifier: Apache-2.0
/*
 * Operations on anchors that overlap as they like: at every stop the tree in
 * memory, the one that the next start makes of the store, and a model that
 * takes what succeeded in the order in which it was asked for are the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/chance.h"
#include "tests/unit/hosts.h"

#define NODES_MAX 16384
#define OPS_MAX	  256

enum kind { MAKE, SCRUB, RENAME, OWN, MODE, TIME, BOTH, REBIND, TOUCH, KINDS };

static const char *const kinds[] = {"make", "scrub", "rename", "chown", "chmod",
				    "time", "both",  "rebind", "touch"};

/* An anchor, as the model has it; nodes[id]. */
struct node {
	bool there;
	uint64_t parent;
	char name[8];
	struct anchor_rights is;
	struct address address;
};

/* What was asked for, and what became of it. */
struct op {
	enum kind kind;
	uint64_t id, parent;
	char name[8];
	struct anchor_rights rights;
	struct address address;
	struct anchor *anchor; /* a reference */
	bool back;
	int result;
};

static struct test_host th;
static struct node nodes[NODES_MAX];
static struct op ops[OPS_MAX];
static size_t ops_count;
static unsigned pending;
static unsigned good[KINDS], refused[KINDS], groups_lost;

/* ---- The model ---- */

static bool below(uint64_t id, uint64_t above)
{
	for (; id != STORE_HOST_ID; id = nodes[id].parent)
		if (id == above)
			return true;
	return false;
}

static void assert_free(uint64_t parent, const char *name)
{
	assert_true(nodes[parent].there);
	for (uint64_t id = 2; id < th.host->next_id; id++)
		assert_false(nodes[id].there && nodes[id].parent == parent &&
			     !strcmp(nodes[id].name, name));
}

static void take_rights(struct anchor_rights *is,
			const struct anchor_rights *rights)
{
	if (rights->set_uid)
		is->uid = rights->uid;
	if (rights->set_gid)
		is->gid = rights->gid;
	if (rights->set_mode)
		is->mode = rights->mode;
	if (rights->set_mtime)
		is->mtime_ns = rights->mtime_ns;
	is->set_mtime |= rights->set_mtime;
}

static void replay_make(const struct op *op)
{
	struct node *node = &nodes[op->id];

	assert_free(op->parent, op->name);
	*node = (struct node){.there = true,
			      .parent = op->parent,
			      .is = op->rights,
			      .address = op->address};
	strcpy(node->name, op->name);
}

static void replay(const struct op *op)
{
	struct node *node = &nodes[op->id];

	if (op->kind == MAKE) {
		replay_make(op);
		return;
	}
	if (!node->there)
		fail_msg("%s of what is gone", kinds[op->kind]);
	switch (op->kind) {
	case SCRUB:
		for (uint64_t id = 2; id < th.host->next_id; id++)
			assert_false(nodes[id].there &&
				     nodes[id].parent == op->id);
		node->there = false;
		break;
	case RENAME:
		assert_free(op->parent, op->name);
		assert_false(below(op->parent, op->id));
		node->parent = op->parent;
		strcpy(node->name, op->name);
		break;
	case REBIND:
		node->address = op->address;
		break;
	default:
		take_rights(&node->is, &op->rights);
	}
}

/* The time of a directory is moved by what comes and goes in it, in memory. */
static void compare(bool restarted)
{
	size_t count = 0;

	for (uint64_t id = 2; id < th.host->next_id; id++)
		count += nodes[id].there;
	assert_int_equal(th.host->anchors, count);
	for (struct anchor *a = anchor_next(th.host->root, th.host->root); a;
	     a = anchor_next(th.host->root, a)) {
		const struct node *node = &nodes[a->id];

		assert_true(node->there);
		assert_int_equal(a->parent->id, node->parent);
		assert_string_equal(a->name, node->name);
		assert_int_equal(a->uid, node->is.uid);
		assert_int_equal(a->gid, node->is.gid);
		assert_int_equal(a->mode, node->is.mode);
		if (restarted && node->is.set_mtime)
			assert_int_equal(a->mtime_ns, node->is.mtime_ns);
		assert_true(address_equal(&a->address, &node->address));
		assert_int_equal(!a->server, node->address.kind == ADDRESS_OFF);
		assert_true(!a->claims && !a->scrubs && !a->rebinding);
	}
	assert_int_equal(th.host->root->uid, nodes[STORE_HOST_ID].is.uid);
	assert_int_equal(th.host->root->mode, nodes[STORE_HOST_ID].is.mode);
}

/* ---- The operations ---- */

static void op_done(void *arg, int result, const struct refusal *refusal)
{
	struct op *op = arg;

	(void)refusal;
	assert_false(op->back);
	op->back = true;
	op->result = result;
	pending--;
}

/* Any that has been there lately, so also one that is gone or on its way. */
static struct anchor *some_anchor(void)
{
	struct anchor *found = th.host->root;
	unsigned steps;

	if (ops_count && chance(3) == 0) {
		const struct op *op = &ops[chance((uint32_t)ops_count)];

		if (op->anchor)
			return op->anchor;
	}
	for (steps = chance((uint32_t)th.host->anchors + 1); steps; steps--)
		found = anchor_next(th.host->root, found);
	return found;
}

static struct anchor *some_server(void)
{
	struct anchor *anchor = some_anchor();

	return anchor->parent ? anchor : NULL;
}

static void start_make(struct op *op)
{
	struct anchor *parent = some_anchor(), *anchor;
	char at[ADDRESS_TEXT_SIZE], name[16 + ADDRESS_TEXT_SIZE];

	op->parent = parent->id;
	op->id = th.host->next_id;
	assert_true(op->id < NODES_MAX);
	op->rights = (struct anchor_rights){
		.uid = chance(1000), .gid = chance(1000), .mode = chance(0777)};
	op->address = th.host->listen = test_host_address();
	address_print(&op->address, at);
	snprintf(name, sizeof(name), "%s", op->name);
	nameserver_make(parent, name, op->rights.uid, op->rights.gid,
			op->rights.mode, op_done, op);
	if (op->back)
		return;
	anchor = anchor_child(parent, name);
	assert_non_null(anchor);
	op->anchor = anchor_ref(anchor);
}

static void start_rights(struct op *op, struct anchor *anchor)
{
	op->rights = (struct anchor_rights){
		.set_uid = op->kind == OWN || op->kind == BOTH,
		.set_gid = op->kind == OWN && chance(2),
		.set_mode = op->kind == MODE || op->kind == BOTH,
		.set_mtime = op->kind == TIME,
		.uid = chance(1000),
		.gid = chance(1000),
		.mode = chance(0777),
		.mtime_ns = chance(1000),
	};
	anchor_set_rights(anchor, &op->rights, op_done, op);
}

static void start_rename(struct op *op, struct anchor *anchor)
{
	struct anchor *parent = some_anchor();

	op->parent = parent->id;
	anchor_rename(anchor, parent, op->name, op_done, op);
}

static void start_rebind(struct op *op, struct anchor *anchor)
{
	if (chance(3))
		op->address = test_host_address();
	nameserver_rebind(anchor, &op->address, op_done, op);
}

static void start_on(struct op *op, struct anchor *anchor)
{
	op->anchor = anchor_ref(anchor);
	op->id = anchor->id;
	switch (op->kind) {
	case SCRUB:
		nameserver_scrub(anchor, op_done, op);
		break;
	case RENAME:
		start_rename(op, anchor);
		break;
	case REBIND:
		start_rebind(op, anchor);
		break;
	case TOUCH:
		nameserver_touch(anchor, chance(1000), op_done, op);
		break;
	default:
		start_rights(op, anchor);
	}
}

static void start_one(void)
{
	struct op *op = &ops[ops_count];
	enum kind kind = chance(KINDS);
	struct anchor *anchor =
		kind == OWN || kind == MODE ? some_anchor() : some_server();

	*op = (struct op){.kind = kind};
	/* Few names, so that they are wanted twice; few anchors, too. */
	snprintf(op->name, sizeof(op->name), "n%u", chance(4));
	if (kind == MAKE && th.host->anchors > 24)
		op->kind = SCRUB;
	if (op->kind != MAKE && !anchor)
		return;
	ops_count++;
	pending++;
	if (op->kind == MAKE)
		start_make(op);
	else
		start_on(op, anchor);
}

/* A store that fails takes a whole group with it, which runs one by one. */
static int run_broken(struct job *job, MDB_txn *txn)
{
	(void)job;
	(void)txn;
	return -EIO;
}

static void broken_done(struct job *job, int result)
{
	assert_int_equal(result, -EIO);
	free(job);
	groups_lost++;
}

static void lose_a_group(void)
{
	struct job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->run = run_broken;
	job->done = broken_done;
	writer_submit(th.host->writer, job);
}

static bool may_fail_with(int result)
{
	return result == -EEXIST || result == -ENODEV || result == -ENOTEMPTY ||
	       result == -EINVAL || result == -EBUSY;
}

static void drain(void)
{
	while (pending)
		uv_run(&th.loop, UV_RUN_ONCE);
	for (size_t i = 0; i < ops_count; i++) {
		struct op *op = &ops[i];

		assert_true(op->back);
		if (op->result == 0)
			replay(op);
		else if (!may_fail_with(op->result))
			fail_msg("%s: %s", kinds[op->kind],
				 strerror(-op->result));
		good[op->kind] += op->result == 0;
		refused[op->kind] += op->result < 0;
		anchor_unref(op->anchor);
	}
	ops_count = 0;
}

static void some_at_once(void)
{
	size_t count = 1 + chance(40);

	while (ops_count < count) {
		start_one();
		if (chance(20) == 0)
			lose_a_group();
		if (chance(8) == 0)
			uv_run(&th.loop, UV_RUN_NOWAIT);
	}
	drain();
	compare(false);
}

static void whatever_overlaps_the_store_holds_what_succeeded(void **state)
{
	unsigned rounds = chance_rounds(6, 60);

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	nodes[STORE_HOST_ID] = (struct node){
		.there = true, .is = {.uid = th.host->root->uid, .mode = 0755}};
	for (unsigned round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < 20; i++)
			some_at_once();
		test_host_close(&th);
		test_host_said();
		test_host_open(&th);
		assert_null(strstr(test_host_said(), "set aside"));
		compare(true);
	}
	test_host_close(&th);
	test_host_deinit(&th);
	for (size_t i = 0; i < KINDS; i++) {
		print_message("%s: %u, refused %u\n", kinds[i], good[i],
			      refused[i]);
		assert_true(good[i] && refused[i]);
	}
	assert_true(groups_lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			whatever_overlaps_the_store_holds_what_succeeded),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
