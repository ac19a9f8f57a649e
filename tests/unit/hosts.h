/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hosts.h - a host with a state directory of its own, for unit tests
 */
#ifndef TESTS_HOSTS_H
#define TESTS_HOSTS_H

#include "anchors/anchor_change.h"
#include "anchors/host.h"
#include "anchors/nameserver.h"

struct test_host {
	char dir[64];
	uv_loop_t loop;
	struct host *host;
	/* Set before test_host_open(), or all zero. */
	host_changed *changed;
	void *changed_arg;
	void (*seen)(void *arg, const struct tap_query *query);
	struct lease lease; /* test_host_lease()'s */
};

/* Make the directory; no host yet. */
void test_host_init(struct test_host *th);
void test_host_deinit(struct test_host *th);

/* Start it and stop it, as often as is wanted. */
void test_host_open(struct test_host *th);
void test_host_close(struct test_host *th);

/* While it is open, calls of that session of another host's may be begun. */
void test_host_lease(struct test_host *th, const char *from, uint64_t session);

/* What the hosts have logged since this was called last; borrowed. */
const char *test_host_said(void);

/* An address of the loopback that nobody else takes: a new one each time. */
struct address test_host_address(void);

#endif
