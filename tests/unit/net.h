/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h - a store and answers that tests control, a pool of workers to serve
 * them, and clients to ask with
 *
 * net.c stands in for snapshot.c and answer.c. Its answer to a query of at
 * least 12 octets has the query's 12, with QR set, then
 *
 *   table (4 octets), transport (1), 0x5a up to the length asked for
 *
 * where the length asked for stands behind the query's header, in network
 * order. The table is the server's id and FAKE_TABLE. Like the real one it
 * says nothing to what has QR set or is too short.
 *
 * Clients give up after NET_PATIENCE seconds, and fail the test then.
 */
#ifndef TESTS_UNIT_NET_H
#define TESTS_UNIT_NET_H

#include <stdatomic.h>

#include "dns/serve/server.h"

#define FAKE_TABLE	1000
#define FAKE_ANSWER_MIN 17
#define FAKE_SEEN	99
#define FAKE_PROBE	0xbeef /* the id of a probe's queries */
#define NET_PATIENCE	10

/* Asks for a transfer instead: messages of that length, with the question and
 * their number in the header. */
#define FAKE_TRANSFER 0xfff0
#define FAKE_MESSAGE  15000

struct fake {
	atomic_bool broken;    /* snapshot_begin() fails */
	atomic_bool unknown;   /* snapshot_served() fails */
	atomic_bool gate;      /* closed: answer() waits */
	atomic_uint waiting;   /* threads at the gate */
	atomic_uint refused;   /* by these two, so far */
	atomic_uint snapshots; /* begun so far */
	atomic_size_t moment;  /* of all of them; 0: each is of another one */
	atomic_uint looked_up; /* calls of snapshot_served() so far */
	atomic_uint answers;   /* given so far */
	atomic_int feed;       /* each UDP answer asks again here; 0: no */
	atomic_int opened;     /* snapshots begun and not ended */
	atomic_uint busy_us;   /* that each answer takes */
	atomic_int probe;      /* where answers ask over UDP; 0: nowhere */
	atomic_uint overtaken; /* most others given before the answer to that */
	_Atomic(atomic_uint *) clients; /* how many are connected; or NULL */
	atomic_uint gone;    /* most of these from one answer to the next */
	atomic_uint seen_at; /* answers before one of FAKE_SEEN octets */
	atomic_uint messages;	 /* of a transfer */
	atomic_bool render_gate; /* closed: each waits before the second one */
	atomic_uint rendered;	 /* transfers, whole or not */
	atomic_int render_fails; /* -errno, before the first one; 0 */
};

extern struct fake fake;

/** Back to all zeroes; no worker may run. */
void fake_reset(void);

/** Whether this machine has IPv6 on the loopback. */
bool net_has_ipv6(void);

/** An address from text, which must parse. */
struct address net_address(const char *text);

/** @text, an IP, with another server's port. */
struct address net_at(const char *ip, const struct address *port_of);

/** A client's socket, connected. */
int net_connect(int type, const struct address *at);

/* recv(), again if it was interrupted. */
ssize_t net_recv(int fd, void *data, size_t len, int flags);

/** A query of 14 octets; @len is the length of answer to ask for. */
void net_query(uint8_t query[14], uint16_t id, uint16_t len);

/** Write @count TCP queries with ids from 0 in one piece. */
void net_send_queries(int fd, unsigned count, uint16_t len);

/** Read TCP answers with ids from 0, in order, and judge each octet. */
void net_expect_answers(int fd, unsigned count, uint16_t len, uint64_t server);

/** Ask over UDP or TCP and expect the answer of @server. */
void net_ask(int fd, int type, uint64_t server);

/** The other side has closed, orderly or not. */
void net_expect_closed(int fd);

/** Run @loop, if there is one, until the condition holds; or fail. */
#define net_await(loop, condition)                                             \
	do {                                                                   \
		double net_end_ = net_now() + NET_PATIENCE;                    \
		while (!(condition)) {                                         \
			if (net_now() > net_end_)                              \
				fail_msg("in vain: %s", #condition);           \
			net_turn(loop);                                        \
		}                                                              \
	} while (0)

double net_now(void); /* seconds, monotonic */
double net_cpu(void); /* seconds of processor time, of the process */
void net_turn(void *loop);

/* A pool of two workers, and the main loop that it was made with. */
extern uv_loop_t net_loop;
extern struct server_pool *net_pool; /* NULL once a test has freed it */

/** Fixtures of one test: the pool, with nothing served; and its end. */
int net_setup(void **state);
int net_teardown(void **state);

/** A pool of one worker instead of that one. */
void net_start_anew(void);

/** Another one instead; see struct server_options. */
void net_start_with(unsigned workers, unsigned udp_sockets);

/** What the workers of the pool count for a nameserver; id below 1024. */
struct traffic *net_traffic(uint64_t id);

/** A new server at an address that can be bound; not started, or started. */
struct server *net_bind(uint64_t id, const char *text);
struct server *net_serve(uint64_t id, const char *text);

/** Stop a server and wait until it is done. */
void net_stop(struct server *server);

/** For server_stop(): adds one to an unsigned. */
void net_count_up(void *arg);

/** Connect, net_ask(), and close. */
void net_ask_at(const struct address *at, int type, uint64_t server);

/** Send datagrams with ids from 0, which ask for 100 + id octets each. */
void net_send_datagrams(int fd, unsigned count);

/** Receive the answer to each of them just once, in whatever order. */
void net_expect_each_once(int fd, unsigned count);

/** Descriptors that are open. */
unsigned net_descriptors(void);

#endif
