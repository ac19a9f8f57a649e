// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "anchors/writer.h"
#include "dns/store/rrset_layout.h"
#include "dns/store/snapshot.h"
#include "dns/wire/thread.h"
#include "tests/unit/slices.h"
#include "tests/unit/tables.h"

/* A store and its writer on a loop, in a directory of their own. */
struct world {
	char dir[64];
	uv_loop_t loop;
	struct store store;
	struct writer *writer;
	unsigned left; /* jobs that are not back yet */
};

struct probe {
	struct job job;
	struct world *world;
	struct change change;
	uint32_t *table;
	int fail_with; /* as a store that fails */
	int refuse_with;
	unsigned runs;
	int result;
	bool back;
	struct slice slice; /* that the writer had */
	unsigned left_then; /* jobs that were not back when it was */
	struct refusal refusal;
};

static void world_open(struct world *world)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};

	*world = (struct world){.dir = "/tmp/circuitfs-test-XXXXXX"};
	assert_non_null(mkdtemp(world->dir));
	assert_int_equal(uv_loop_init(&world->loop), 0);
	assert_int_equal(store_open(&world->store, world->dir, &why), 0);
	assert_int_equal(
		writer_new(&world->writer, &world->loop, &world->store), 0);
}

static void remove_dir(const char *dir)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "pid",
					    "reserve"};
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

static void world_close(struct world *world)
{
	writer_free(world->writer);
	uv_run(&world->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&world->loop), 0);
	store_close(&world->store);
	remove_dir(world->dir);
}

static void wait_for_all(struct world *world)
{
	while (world->left)
		uv_run(&world->loop, UV_RUN_ONCE);
}

static int run_probe(struct job *job, MDB_txn *txn)
{
	struct probe *probe = container_of(job, struct probe, job);
	int r;

	probe->runs++;
	probe->slice = slice_look();
	if (*probe->table == UINT32_MAX) {
		r = table_create(&probe->world->store.tables, txn,
				 probe->table);
		if (r < 0)
			return r;
	}
	if (probe->refuse_with)
		return probe->refuse_with;
	r = table_apply(&probe->world->store.tables, txn, *probe->table,
			&probe->change, false, 1, &probe->refusal);
	return r == 0 ? probe->fail_with : r;
}

static void probe_done(struct job *job, int result)
{
	struct probe *probe = container_of(job, struct probe, job);

	assert_false(probe->back);
	probe->back = true;
	probe->result = result;
	probe->left_then = --probe->world->left;
	change_deinit(&probe->change);
}

static void submit(struct world *world, struct probe *probe, uint32_t *table,
		   const char *text)
{
	probe->world = world;
	probe->table = table;
	probe->job.run = run_probe;
	probe->job.done = probe_done;
	test_change(&probe->change, text);
	world->left++;
	writer_submit(world->writer, &probe->job);
}

static uint64_t names_in(struct world *world, uint32_t table)
{
	struct table_counts counts = {0};
	struct snapshot *snapshot;

	assert_int_equal(snapshot_new(&snapshot, &world->store.tables), 0);
	assert_int_equal(snapshot_begin(snapshot), 0);
	if (snapshot_counts(snapshot, table, &counts) < 0)
		counts.names = UINT64_MAX;
	snapshot_end(snapshot);
	snapshot_free(snapshot);
	return counts.names;
}

static uint32_t make_table(struct world *world)
{
	uint32_t table = UINT32_MAX;
	struct probe probe = {0};

	submit(world, &probe, &table, "first. A 192.0.2.1\n");
	wait_for_all(world);
	assert_int_equal(probe.result, 0);
	return table;
}

static void what_is_handed_back_can_be_read(void **state)
{
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	assert_int_equal(names_in(&world, table), 1);
	world_close(&world);
}

/* Three jobs of one group; the second adds @text, and is not done. */
static void submit_three(struct world *world, struct probe probes[3],
			 const char *text)
{
	const char *const texts[] = {"a. A 192.0.2.1\n", text,
				     "c. A 192.0.2.1\n"};
	uint32_t table;

	world_open(world);
	table = make_table(world);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		submit(world, &probes[i], &table, texts[i]);
	wait_for_all(world);
	assert_int_equal(probes[0].result, 0);
	assert_int_equal(probes[2].result, 0);
	assert_int_equal(names_in(world, table), 3);
}

static void slow_done(struct job *job, int result)
{
	uint64_t until_ns = uv_hrtime() + 3000000;

	probe_done(job, result);
	while (uv_hrtime() < until_ns)
		;
}

static void what_takes_long_after_it_leaves_the_others_their_turns(void **state)
{
	struct world world;
	struct probe probes[8] = {0};
	uint32_t table = UINT32_MAX;

	(void)state;
	world_open(&world);
	for (unsigned i = 0; i < ARRAY_SIZE(probes); i++) {
		submit(&world, &probes[i], &table, "a. A 192.0.2.1\n");
		probes[i].job.done = slow_done;
	}
	while (world.left) {
		unsigned left = world.left;

		uv_run(&world.loop, UV_RUN_ONCE);
		assert_true(left - world.left <= 1);
	}
	world_close(&world);
}

static void a_refused_job_spares_the_others_of_its_group(void **state)
{
	struct probe probes[3] = {0};
	struct world world;

	(void)state;
	submit_three(&world, probes, "b. A 192.0.2.1\nb. CNAME a.\n");
	assert_int_equal(probes[1].result, -EINVAL);
	assert_string_equal(probes[1].refusal.text, "b.");
	world_close(&world);
}

static void a_failure_meets_only_the_job_that_causes_it(void **state)
{
	struct probe probes[3] = {[1] = {.fail_with = -ENOSPC}};
	struct world world;

	(void)state;
	submit_three(&world, probes, "b. A 192.0.2.1\n");
	assert_int_equal(probes[1].result, -ENOSPC);
	assert_true(probes[1].runs >= 2);
	world_close(&world);
}

static void early_work_that_is_lost_says_so_to_what_follows(void **state)
{
	uint32_t table, staged = UINT32_MAX;
	struct job_loss loss = {0};
	struct probe early = {.job = {.reply = JOB_EARLY, .loss = &loss}};
	struct probe breaks = {.fail_with = -EIO};
	struct probe after = {.job = {.loss = &loss}};
	struct world world;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	submit(&world, &early, &staged, "s. A 192.0.2.1\n");
	wait_for_all(&world);
	assert_int_equal(early.result, 0);
	submit(&world, &breaks, &table, "b. A 192.0.2.1\n");
	wait_for_all(&world);
	assert_int_equal(breaks.result, -EIO);
	submit(&world, &after, &staged, "t. A 192.0.2.1\n");
	wait_for_all(&world);
	/* Unless the writer was quick and had committed it in between. */
	if (names_in(&world, staged) == UINT64_MAX) {
		assert_int_equal(after.result, -EIO);
		assert_int_equal(after.runs, 0);
	} else {
		assert_int_equal(after.result, 0);
	}
	world_close(&world);
}

/* Early work of many slices, and what it waits for before it goes on. */
struct sliced {
	struct job job;
	struct world *world;
	unsigned slices; /* that are left */
	unsigned runs;
	uv_sem_t first;	    /* posted by the first slice */
	uv_sem_t go;	    /* which then waits for this */
	struct slice slice; /* that the writer had */
	int result;
};

static int run_sliced(struct job *job, MDB_txn *txn)
{
	struct sliced *sliced = container_of(job, struct sliced, job);

	(void)txn;
	sliced->slice = slice_look();
	if (sliced->runs++ == 0) {
		uv_sem_post(&sliced->first);
		uv_sem_wait(&sliced->go);
	}
	return --sliced->slices ? JOB_MORE : 0;
}

static void sliced_done(struct job *job, int result)
{
	struct sliced *sliced = container_of(job, struct sliced, job);

	uv_sem_destroy(&sliced->first);
	uv_sem_destroy(&sliced->go);
	sliced->result = result;
	sliced->world->left--;
}

/* Return: when the writer is in its first slice; it stays there for @go. */
static void submit_sliced(struct world *world, struct sliced *sliced,
			  struct job_loss *loss)
{
	sliced->world = world;
	sliced->job = (struct job){
		.run = run_sliced,
		.done = sliced_done,
		.reply = JOB_EARLY,
		.loss = loss,
	};
	uv_sem_init(&sliced->first, 0);
	uv_sem_init(&sliced->go, 0);
	world->left++;
	writer_submit(world->writer, &sliced->job);
	uv_sem_wait(&sliced->first);
}

static void who_waits_for_the_disk_overtakes_early_work(void **state)
{
	struct job_loss losses[2] = {0};
	struct probe waits = {0};
	struct probe next = {.job = {.reply = JOB_EARLY, .loss = &losses[1]}};
	struct probe behind = {.job = {.behind = true}};
	struct sliced early = {.slices = 1000};
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	submit_sliced(&world, &early, &losses[0]);
	submit(&world, &next, &table, "n. A 192.0.2.1\n");
	submit(&world, &behind, &table, "b. A 192.0.2.1\n");
	submit(&world, &waits, &table, "w. A 192.0.2.1\n");
	uv_sem_post(&early.go);
	wait_for_all(&world);
	assert_int_equal(waits.result, 0);
	assert_int_equal(waits.left_then, 3);
	/* Early work goes on in its order, and what is to be behind it is. */
	assert_int_equal(early.runs, 1000);
	assert_int_equal(early.result, 0);
	assert_int_equal(next.left_then, 1);
	assert_int_equal(behind.result, 0);
	assert_int_equal(behind.left_then, 0);
	assert_int_equal(names_in(&world, table), 4);
	world_close(&world);
}

static void the_writer_gives_way_while_nobody_waits_for_it(void **state)
{
	struct job_loss loss = {0};
	struct sliced early = {.slices = 1};
	struct probe waits = {0};
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	submit_sliced(&world, &early, &loss);
	uv_sem_post(&early.go);
	submit(&world, &waits, &table, "w. A 192.0.2.1\n");
	wait_for_all(&world);
	if (slices_are_known())
		assert_int_equal(early.slice.runtime_ns,
				 THREAD_SLICE_LONG * 1000);
	assert_int_equal(waits.slice.runtime_ns, slice_look().runtime_ns);
	world_close(&world);
}

static void work_that_has_lost_a_slice_is_not_gone_on_with(void **state)
{
	struct job_loss loss = {0};
	struct probe breaks = {.fail_with = -EIO};
	struct sliced early = {.slices = 1000};
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	submit_sliced(&world, &early, &loss);
	submit(&world, &breaks, &table, "b. A 192.0.2.1\n");
	uv_sem_post(&early.go);
	wait_for_all(&world);
	assert_int_equal(breaks.result, -EIO);
	/* The one that was lost with what broke is the only one that ran. */
	assert_int_equal(early.runs, 1);
	assert_int_equal(early.result, -EIO);
	assert_int_equal(loss.error, -EIO);
	world_close(&world);
}

/* A job whose done() has more to do. */
static void done_with_one(struct job *job, int result)
{
	struct probe *probe = container_of(job, struct probe, job);
	struct probe *next = probe + 1;

	probe_done(job, result);
	submit(probe->world, next, probe->table, "next. A 192.0.2.1\n");
}

static void what_a_job_leaves_to_do_is_done_before_the_end(void **state)
{
	struct probe probes[2] = {0};
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	submit(&world, &probes[0], &table, "one. A 192.0.2.1\n");
	probes[0].job.done = done_with_one;
	writer_free(world.writer);
	world.writer = NULL;
	assert_true(probes[0].back);
	assert_true(probes[1].back);
	assert_int_equal(probes[1].result, 0);
	assert_int_equal(names_in(&world, table), 3);
	world_close(&world);
}

static int run_loosen(struct job *job, MDB_txn *txn)
{
	struct probe *probe = container_of(job, struct probe, job);

	(void)txn;
	return writer_loosen(probe->world->writer, *probe->table);
}

static void a_loose_table_is_freed_in_the_background(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct probe fill = {0}, loosen = {0};
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	table = make_table(&world);
	for (unsigned i = 0; i < 20000; i++)
		buffer_printf(&text, "n%u. A 192.0.2.1\n", i);
	buffer_add(&text, "", 1);
	submit(&world, &fill, &table, (char *)text.data);
	wait_for_all(&world);
	loosen.world = &world;
	loosen.table = &table;
	loosen.job = (struct job){.run = run_loosen, .done = probe_done};
	world.left++;
	writer_submit(world.writer, &loosen.job);
	wait_for_all(&world);
	while (names_in(&world, table) != UINT64_MAX)
		usleep(1000);
	world_close(&world);
}

static void what_a_crash_left_loose_is_freed_at_the_next_start(void **state)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	struct world world;
	uint32_t table;

	(void)state;
	world_open(&world);
	/* Nobody publishes it. */
	table = make_table(&world);
	writer_free(world.writer);
	uv_run(&world.loop, UV_RUN_DEFAULT);
	store_close(&world.store);
	assert_int_equal(store_open(&world.store, world.dir, &why), 0);
	assert_int_equal(writer_new(&world.writer, &world.loop, &world.store),
			 0);
	while (names_in(&world, table) != UINT64_MAX)
		usleep(1000);
	world_close(&world);
}

static void a_second_daemon_learns_who_holds_the_directory(void **state)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	struct store second;
	struct world world;
	char pid[32];

	(void)state;
	world_open(&world);
	assert_int_equal(store_open(&second, world.dir, &why), -EBUSY);
	snprintf(pid, sizeof(pid), "pid %d", (int)getpid());
	assert_non_null(strstr((char *)why.data, pid));
	world_close(&world);
}

static void a_full_map_fails_the_job_that_met_it_and_no_other(void **state)
{
	struct probe probes[64] = {0}, small = {0};
	struct world world;
	uint32_t table;
	unsigned full = 0;
	char text[256];

	(void)state;
	world_open(&world);
	table = make_table(&world);
	/* No transaction is open, so the map may shrink to what is used. */
	assert_int_equal(mdb_env_set_mapsize(world.store.env, 256 << 10), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(probes); i++) {
		size_t len = 0;
		CLEANUP(buffer_deinit) struct buffer many = {0};

		for (unsigned j = 0; j < 100; j++) {
			len = (size_t)snprintf(text, sizeof(text),
					       "n%u-%u. TXT %0100u\n", i, j, j);
			assert_int_equal(buffer_add(&many, text, len), 0);
		}
		assert_int_equal(buffer_add(&many, "", 1), 0);
		submit(&world, &probes[i], &table, (char *)many.data);
		wait_for_all(&world);
		full += probes[i].result == -ENOSPC;
		assert_true(probes[i].result == 0 ||
			    probes[i].result == -ENOSPC);
	}
	assert_in_range(full, 1, ARRAY_SIZE(probes) - 1);
	assert_int_equal(names_in(&world, table),
			 1 + 100 * (ARRAY_SIZE(probes) - full));
	/* With more room it goes on. */
	assert_int_equal(mdb_env_set_mapsize(world.store.env, 64 << 20), 0);
	submit(&world, &small, &table, "small. A 192.0.2.1\n");
	wait_for_all(&world);
	assert_int_equal(small.result, 0);
	world_close(&world);
}

static void set_types(struct world *world, uint32_t digest)
{
	MDB_val key = {5, "types"}, value = {sizeof(digest), &digest};
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(world->store.env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_put(txn, world->store.meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

/* What the first RRset's size was; it is counted as @more after that. */
static uint32_t count_first(struct world *world, uint32_t more)
{
	CLEANUP(buffer_deinit) struct buffer copy = {0};
	struct rrset_head head;
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_txn *txn;
	uint32_t was;

	assert_int_equal(mdb_txn_begin(world->store.env, NULL, 0, &txn), 0);
	assert_int_equal(
		mdb_cursor_open(txn, world->store.tables.records, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	buffer_add(&copy, value.mv_data, value.mv_size);
	memcpy(&head, copy.data, sizeof(head));
	was = head.text;
	head.text += more;
	memcpy(copy.data, &head, sizeof(head));
	value.mv_data = copy.data;
	assert_int_equal(mdb_cursor_put(cursor, &key, &value, MDB_CURRENT), 0);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
	return was;
}

static void reopen(struct world *world)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};

	store_close(&world->store);
	assert_int_equal(store_open(&world->store, world->dir, &why), 0);
}

static void text_is_measured_again_when_other_types_were_known(void **state)
{
	struct world world;
	uint32_t size;

	(void)state;
	world_open(&world);
	make_table(&world);
	writer_free(world.writer);
	world.writer = NULL;
	uv_run(&world.loop, UV_RUN_DEFAULT);
	size = count_first(&world, 1);
	reopen(&world);
	assert_int_equal(count_first(&world, 0), size + 1);
	set_types(&world, 4711);
	reopen(&world);
	assert_int_equal(count_first(&world, 1), size);
	/* Once. */
	reopen(&world);
	assert_int_equal(count_first(&world, 0), size + 1);
	world_close(&world);
}

static void an_unknown_format_is_refused(void **state)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	MDB_val key = {6, "format"}, value;
	uint32_t format = 4711;
	struct world world;
	struct store store;
	MDB_txn *txn;

	(void)state;
	world_open(&world);
	writer_free(world.writer);
	world.writer = NULL;
	assert_int_equal(mdb_txn_begin(world.store.env, NULL, 0, &txn), 0);
	value = (MDB_val){sizeof(format), &format};
	assert_int_equal(mdb_put(txn, world.store.meta, &key, &value, 0), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
	store_close(&world.store);
	assert_int_equal(store_open(&store, world.dir, &why), -EPROTO);
	assert_non_null(strstr((char *)why.data, "4711"));
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_handed_back_can_be_read),
		cmocka_unit_test(
			what_takes_long_after_it_leaves_the_others_their_turns),
		cmocka_unit_test(a_refused_job_spares_the_others_of_its_group),
		cmocka_unit_test(a_failure_meets_only_the_job_that_causes_it),
		cmocka_unit_test(
			early_work_that_is_lost_says_so_to_what_follows),
		cmocka_unit_test(who_waits_for_the_disk_overtakes_early_work),
		cmocka_unit_test(
			the_writer_gives_way_while_nobody_waits_for_it),
		cmocka_unit_test(
			work_that_has_lost_a_slice_is_not_gone_on_with),
		cmocka_unit_test(
			what_a_job_leaves_to_do_is_done_before_the_end),
		cmocka_unit_test(a_loose_table_is_freed_in_the_background),
		cmocka_unit_test(
			what_a_crash_left_loose_is_freed_at_the_next_start),
		cmocka_unit_test(
			a_second_daemon_learns_who_holds_the_directory),
		cmocka_unit_test(
			a_full_map_fails_the_job_that_met_it_and_no_other),
		cmocka_unit_test(
			text_is_measured_again_when_other_types_were_known),
		cmocka_unit_test(an_unknown_format_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
