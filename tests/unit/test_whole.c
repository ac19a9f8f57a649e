// SPDX-License-Identifier: Apache-2.0
/*
 * A file of LMDB's that is cut short is told from a whole one. LMDB itself is
 * the judge: a child process reads all that is in the file, and is killed by
 * SIGBUS, or finds it damaged, where something is missing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <lmdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "anchors/whole.h"
#include "dns/wire/util.h"
#include "tests/unit/chance.h"

#define MAP_SIZE   ((size_t)64 << 20)
#define VALUE_SIZE 20000 /* octets: up to five pages of its own */

static char dir[64], file[96];

static void start(void)
{
	strcpy(dir, "/tmp/circuitfs-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/data.mdb", dir);
}

static void end(void)
{
	unlink(file);
	assert_int_equal(rmdir(dir), 0);
}

static MDB_env *open_env(unsigned flags)
{
	MDB_env *env;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
	assert_int_equal(mdb_env_set_mapsize(env, MAP_SIZE), 0);
	assert_int_equal(
		mdb_env_open(env, dir, flags | MDB_NOLOCK | MDB_NOSYNC, 0600),
		0);
	return env;
}

static int check(void)
{
	int r, fd = open(file, O_RDONLY);

	assert_true(fd >= 0);
	r = whole_check(fd);
	close(fd);
	return r;
}

static size_t pages(void)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return (size_t)(st.st_size / sysconf(_SC_PAGESIZE));
}

static size_t last_page(MDB_env *env)
{
	MDB_envinfo info;

	assert_int_equal(mdb_env_info(env, &info), 0);
	return info.me_last_pgno;
}

/* ---- Some work ---- */

static void put(MDB_txn *txn, MDB_dbi dbi)
{
	static char value[VALUE_SIZE];
	uint32_t name = chance(400);
	size_t size = chance(4) ? chance(300) : chance(VALUE_SIZE);
	MDB_val k = {sizeof(name), &name}, v = {size, value};

	memset(value, 'x', size);
	assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
}

static void del(MDB_txn *txn, MDB_dbi dbi)
{
	uint32_t name = chance(400);
	MDB_val k = {sizeof(name), &name};
	int rc = mdb_del(txn, dbi, &k, NULL);

	assert_true(rc == 0 || rc == MDB_NOTFOUND);
}

static void some_work(MDB_env *env)
{
	MDB_dbi dbis[2];
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, "one", MDB_CREATE, &dbis[0]), 0);
	assert_int_equal(mdb_dbi_open(txn, "two", MDB_CREATE, &dbis[1]), 0);
	for (uint32_t i = chance(60); i; i--) {
		if (chance(2))
			put(txn, dbis[chance(2)]);
		else
			del(txn, dbis[chance(2)]);
	}
	/* All of one: its pages are free, some in the transaction itself. */
	if (chance(20) == 0)
		assert_int_equal(mdb_drop(txn, dbis[chance(2)], 0), 0);
	if (chance(10))
		assert_int_equal(mdb_txn_commit(txn), 0);
	else
		mdb_txn_abort(txn);
}

/* ---- The judge ---- */

static volatile char sink;

static void read_all(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_cursor *cursor;
	MDB_val k, v;
	int rc;

	if (mdb_cursor_open(txn, dbi, &cursor) != 0)
		_exit(1);
	while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0)
		for (size_t i = 0; i < v.mv_size; i++)
			sink = ((char *)v.mv_data)[i];
	if (rc != MDB_NOTFOUND)
		_exit(1);
	mdb_cursor_close(cursor);
}

static void read_file(void)
{
	static const char *const names[] = {"one", "two"};
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	if (mdb_env_create(&env) || mdb_env_set_maxdbs(env, 4) ||
	    mdb_env_set_mapsize(env, MAP_SIZE) ||
	    mdb_env_open(env, dir, MDB_RDONLY | MDB_NOLOCK, 0600) ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn))
		_exit(1);
	read_all(txn, 0);
	read_all(txn, 1);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int rc = mdb_dbi_open(txn, names[i], 0, &dbi);

		if (rc == 0)
			read_all(txn, dbi);
		else if (rc != MDB_NOTFOUND)
			_exit(1);
	}
	_exit(0);
}

static bool can_be_read(void)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit no_core = {0};

		/* A sanitizer's handler would tell of what is meant. */
		signal(SIGBUS, SIG_DFL);
		setrlimit(RLIMIT_CORE, &no_core);
		read_file();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- Tests ---- */

static void what_lmdb_leaves_is_whole(void **state)
{
	unsigned rounds = chance_rounds(20, 200);
	unsigned shorter = 0, commits = 0;

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		MDB_env *env;

		start();
		env = open_env(0);
		for (unsigned i = 0; i < 150; i++) {
			some_work(env);
			assert_int_equal(check(), 0);
			shorter += pages() <= last_page(env);
			commits++;
		}
		mdb_env_close(env);
		assert_true(can_be_read());
		end();
	}
	/* With LMDB 0.9.24 some are: the size alone does not tell. */
	print_message("shorter than its last page's number: %u of %u\n",
		      shorter, commits);
}

static void what_is_cut_is_whole_just_when_lmdb_can_read_it(void **state)
{
	unsigned rounds = chance_rounds(4, 40);
	unsigned whole = 0, cut = 0;

	(void)state;
	for (unsigned round = 0; round < rounds; round++) {
		MDB_env *env;

		start();
		env = open_env(0);
		for (unsigned i = chance(40) + 1; i; i--)
			some_work(env);
		mdb_env_close(env);
		for (size_t left = pages(); left-- > 2;) {
			int r;

			assert_int_equal(
				truncate(file,
					 (off_t)left * sysconf(_SC_PAGESIZE)),
				0);
			r = check();
			assert_true(r == 0 || r == -ENODATA);
			assert_int_equal(r == 0, can_be_read());
			whole += r == 0;
			cut += r < 0;
		}
		end();
	}
	print_message("whole: %u, cut: %u\n", whole, cut);
	assert_true(whole && cut);
}

static void a_file_without_two_pages_is_cut(void **state)
{
	static const off_t sizes[] = {8191, 4097, 4096, 100, 1, 0};

	(void)state;
	start();
	mdb_env_close(open_env(0));
	assert_int_equal(check(), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(truncate(file, sizes[i]), 0);
		assert_int_equal(check(), -ENODATA);
	}
	end();
}

static void what_has_no_first_pages_is_no_file_of_lmdbs(void **state)
{
	int fd;

	(void)state;
	start();
	mdb_env_close(open_env(0));
	fd = open(file, O_RDWR);
	/* The second one, as before it was written. */
	assert_int_equal(ftruncate(fd, 4096), 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(check(), -EINVAL);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(ftruncate(fd, 8192), 0);
	assert_int_equal(check(), -EINVAL);
	close(fd);
	end();
}

/* Random octets in the pages of a short file: an error at most. */
static void junk_does_no_harm(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		size_t size;
		MDB_env *env;
		int r, fd;

		start();
		env = open_env(0);
		for (unsigned i = 0; i < 10; i++)
			some_work(env);
		mdb_env_close(env);
		size = pages() * (size_t)sysconf(_SC_PAGESIZE);
		fd = open(file, O_RDWR);
		for (unsigned i = 0; i < 200; i++) {
			uint8_t junk = (uint8_t)chance(256);

			assert_int_equal(
				pwrite(fd, &junk, 1, chance((uint32_t)size)),
				1);
		}
		assert_int_equal(ftruncate(fd, (off_t)size - 4096), 0);
		close(fd);
		r = check();
		assert_true(r == 0 || r == -ENODATA || r == -EIO ||
			    r == -EINVAL);
		end();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_lmdb_leaves_is_whole),
		cmocka_unit_test(
			what_is_cut_is_whole_just_when_lmdb_can_read_it),
		cmocka_unit_test(a_file_without_two_pages_is_cut),
		cmocka_unit_test(what_has_no_first_pages_is_no_file_of_lmdbs),
		cmocka_unit_test(junk_does_no_harm),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
