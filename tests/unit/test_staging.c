// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "anchors/staging.h"
#include "tests/unit/hosts.h"
#include "tests/unit/tables.h"

/* What a call has ended in; @back counts how often. */
struct answer {
	int result;
	unsigned back;
};

static void done(void *arg, int result, const struct refusal *refusal)
{
	struct answer *answer = arg;

	(void)refusal;
	answer->result = result;
	answer->back++;
}

static int wait_for(struct test_host *th, const struct answer *answer)
{
	while (!answer->back)
		uv_run(&th->loop, UV_RUN_ONCE);
	assert_int_equal(answer->back, 1);
	return answer->result;
}

static struct anchor *make(struct test_host *th, const char *name)
{
	struct answer made = {0};

	nameserver_make(th->host->root, name, 0, 0, 0755, done, &made);
	assert_int_equal(wait_for(th, &made), 0);
	return anchor_child(th->host->root, name);
}

/* As many records as go into one slice, and more octets than stay staged. */
static void make_large(struct change *change)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};

	for (unsigned i = 0; i < 4000; i++) {
		assert_int_equal(buffer_printf(&text, "n%u. TXT", i), 0);
		for (unsigned j = 0; j < 10; j++)
			buffer_printf(&text, " %0240u", j);
		assert_int_equal(buffer_printf(&text, "\n"), 0);
	}
	assert_int_equal(buffer_add(&text, "", 1), 0);
	test_change(change, (char *)text.data);
}

/* Of any file: the disk is full from here on, or is not. */
static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = octets;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static rlim_t data_size(const struct test_host *th)
{
	struct stat st;

	assert_int_equal(fstatat(th->host->store.dir_fd, "data.mdb", &st, 0),
			 0);
	return (rlim_t)st.st_size;
}

static void a_piece_whose_commit_fails_tells_what_the_disk_said(void **state)
{
	struct answer staged = {0}, again = {0};
	struct change change = {0};
	struct staging *staging;
	struct anchor *anchor;
	struct test_host th;

	(void)state;
	test_host_init(&th);
	test_host_open(&th);
	anchor = make(&th, "ns");
	make_large(&change);
	assert_int_equal(staging_new(&staging, anchor), 0);
	signal(SIGXFSZ, SIG_IGN);
	limit_files(data_size(&th));
	staging_add(staging, &change, 0, done, &staged);
	wait_for(&th, &staged);
	limit_files(RLIM_INFINITY);
	/* LMDB says EIO for a write that is cut short. */
	if (staged.result != -EFBIG)
		assert_int_equal(staged.result, -EIO);
	staging_discard(staging);

	/* And the next one is as good as any. */
	make_large(&change);
	assert_int_equal(staging_new(&staging, anchor), 0);
	staged.back = 0;
	staging_add(staging, &change, 0, done, &staged);
	assert_int_equal(wait_for(&th, &staged), 0);
	staging_publish(staging, NULL, done, &again);
	assert_int_equal(wait_for(&th, &again), 0);
	test_host_close(&th);
	test_host_deinit(&th);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_piece_whose_commit_fails_tells_what_the_disk_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
