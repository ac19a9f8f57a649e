// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/hosts.h"

static struct buffer said;
static struct buffer shown;

static void report(int priority, const char *line)
{
	(void)priority;
	assert_int_equal(buffer_printf(&said, "%s\n", line), 0);
}

const char *test_host_said(void)
{
	buffer_deinit(&shown);
	assert_int_equal(buffer_add(&said, "", 1), 0);
	shown = said;
	said = (struct buffer){0};
	return (const char *)shown.data;
}

static bool changed(void *arg, struct anchor *anchor, const void *origin,
		    void (*told)(void *told_arg), void *told_arg)
{
	(void)arg;
	(void)anchor;
	(void)origin;
	(void)told;
	(void)told_arg;
	return true;
}

static bool name_is_taken(const char *name)
{
	return !strcmp(name, "records");
}

void test_host_init(struct test_host *th)
{
	*th = (struct test_host){.dir = "/tmp/circuitfs-test-XXXXXX"};
	assert_non_null(mkdtemp(th->dir));
}

void test_host_deinit(struct test_host *th)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "pid",
					    "reserve"};
	char path[96];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", th->dir, files[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(th->dir), 0);
	buffer_deinit(&said);
	buffer_deinit(&shown);
}

void test_host_open(struct test_host *th)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	const struct host_options options = {
		.state = th->dir,
		.name = "h1",
		.listen = test_host_address(),
		.uid = getuid(),
		.gid = getgid(),
		.name_is_taken = name_is_taken,
		.presence_fd = -1,
		.server = {.workers = 1,
			   .tcp_clients = 16,
			   .tcp_idle_ms = 1000,
			   .answer = {.edns_size = 1232},
			   .seen = th->seen,
			   .seen_arg = th->changed_arg},
		.report = report,
		.changed = th->changed ? th->changed : changed,
		.changed_arg = th->changed_arg,
	};

	assert_int_equal(uv_loop_init(&th->loop), 0);
	assert_int_equal(host_open(&th->host, &th->loop, &options, &why), 0);
}

static bool is_never_over(struct lease *lease)
{
	(void)lease;
	return false;
}

void test_host_lease(struct test_host *th, const char *from, uint64_t session)
{
	snprintf(th->lease.from, sizeof(th->lease.from), "%s", from);
	th->lease.session = session;
	th->lease.is_over = is_never_over;
	lease_begin(&th->host->leases, &th->lease);
}

void test_host_close(struct test_host *th)
{
	lease_end(&th->host->leases, &th->lease);
	th->host = host_close(th->host);
	uv_run(&th->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&th->loop), 0);
}

/* Below the ports that the kernel gives to clients, here all to one process. */
struct address test_host_address(void)
{
	static unsigned count;
	unsigned pid = (unsigned)getpid();
	struct address at = {
		.kind = ADDRESS_IPV4,
		.port = (uint16_t)(10001 + count++ % 20000),
		.ip = {127, (uint8_t)(64 + pid / 65536 % 64),
		       (uint8_t)(pid / 256 % 256), (uint8_t)(pid % 256)},
	};

	return at;
}
