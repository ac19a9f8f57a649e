// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <cmocka.h>

#include "tests/unit/net.h"

struct snapshot {
	bool open;
};

struct fake fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
}

int snapshot_new(struct snapshot **out, const struct tables *tables)
{
	(void)tables;
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

struct snapshot *snapshot_free(struct snapshot *snapshot)
{
	free(snapshot);
	return NULL;
}

int snapshot_begin(struct snapshot *snapshot)
{
	if (atomic_load(&fake.broken)) {
		atomic_fetch_add(&fake.refused, 1);
		return -EIO;
	}
	assert_false(snapshot->open);
	snapshot->open = true;
	atomic_fetch_add(&fake.snapshots, 1);
	atomic_fetch_add(&fake.opened, 1);
	return 0;
}

void snapshot_end(struct snapshot *snapshot)
{
	assert_true(snapshot->open);
	snapshot->open = false;
	atomic_fetch_sub(&fake.opened, 1);
}

size_t snapshot_moment(const struct snapshot *snapshot)
{
	static atomic_size_t last = 1 << 20;
	size_t moment = atomic_load(&fake.moment);

	assert_true(snapshot->open);
	return moment ? moment : atomic_fetch_add(&last, 1);
}

int snapshot_served(struct snapshot *snapshot, uint64_t server,
		    struct served *out)
{
	assert_true(snapshot->open);
	atomic_fetch_add(&fake.looked_up, 1);
	if (atomic_load(&fake.unknown)) {
		atomic_fetch_add(&fake.refused, 1);
		return -ENOENT;
	}
	*out = (struct served){.table = (uint32_t)server + FAKE_TABLE};
	return 0;
}

/* Nobody here has one. */
int snapshot_home(struct snapshot *snapshot, uint32_t home, struct home *out)
{
	(void)snapshot;
	(void)home;
	(void)out;
	return -ENOENT;
}

static void pass_gate(void)
{
	atomic_fetch_add(&fake.waiting, 1);
	while (atomic_load(&fake.gate))
		net_turn(NULL);
	atomic_fetch_sub(&fake.waiting, 1);
}

/* So the socket that the query came from is never empty. */
static void ask_again(enum answer_transport transport)
{
	int fd = atomic_load(&fake.feed);
	uint8_t query[14];

	net_query(query, 0, 0);
	if (fd > 0 && transport == ANSWER_UDP)
		send(fd, query, sizeof(query), MSG_DONTWAIT);
}

static void be_busy(void)
{
	double end = net_now() + atomic_load(&fake.busy_us) / 1e6;

	while (net_now() < end)
		;
}

/*
 * There is always one query that waits at another socket, so that it is known
 * how many others are answered before it has its turn. Asked and counted where
 * the answers are made, or the scheduler would count too.
 */
static void probe(const uint8_t *asked)
{
	static bool is_waiting;
	static unsigned passed;
	int fd = atomic_load(&fake.probe);
	uint8_t query[14];

	if (fd <= 0)
		return;
	if (get_u16(asked) == FAKE_PROBE) {
		if (passed > atomic_load(&fake.overtaken))
			atomic_store(&fake.overtaken, passed);
		is_waiting = false;
	} else if (is_waiting) {
		passed++;
	} else {
		net_query(query, FAKE_PROBE, 0);
		is_waiting = send(fd, query, sizeof(query), 0) > 0;
		passed = 0;
	}
}

/* Only with one worker. */
static void count_gone(void)
{
	static unsigned before;
	atomic_uint *clients = atomic_load(&fake.clients);
	unsigned now;

	if (!clients)
		return;
	now = atomic_load(clients);
	if (before > now && before - now > atomic_load(&fake.gone))
		atomic_store(&fake.gone, before - now);
	before = now;
}

/* ---- Transfers ---- */

int render_look(struct snapshot *snapshot, const struct render_what *what,
		struct render_moment *out, struct zone_counts *counts)
{
	assert_true(snapshot->open);
	(void)what;
	*out = (struct render_moment){.serial = 1};
	if (counts)
		*counts = (struct zone_counts){.names = 0};
	return 0;
}

int render_goes_back(struct snapshot *snapshot, const struct render_what *what,
		     const struct render_moment *moment, uint64_t *most)
{
	(void)snapshot;
	(void)what;
	(void)moment;
	(void)most;
	return -ENOENT;
}

struct zone_size zone_shown(const struct zone_counts *counts)
{
	return counts->own;
}

int render(struct snapshot *snapshot, const struct render_what *what,
	   const struct render_moment *moment, struct spool *spool,
	   void (*grown)(void *arg), void *arg, const atomic_bool *stop)
{
	uint8_t message[FAKE_MESSAGE] = {0};
	int r = atomic_load(&fake.render_fails);

	assert_true(snapshot->open);
	(void)what;
	(void)moment;
	atomic_fetch_add(&fake.rendered, 1);
	for (unsigned i = 0; i < atomic_load(&fake.messages) && r == 0; i++) {
		while (i && atomic_load(&fake.render_gate) &&
		       !atomic_load(stop))
			net_turn(NULL);
		put_u16(message + MESSAGE_ANCOUNT, (uint16_t)i);
		r = spool_add(spool, message, sizeof(message));
		grown(arg);
		if (atomic_load(stop))
			r = -ECANCELED;
	}
	return r;
}

size_t tsig_room(const struct tsig *tsig)
{
	(void)tsig;
	return 0;
}

size_t tsig_sign(struct tsig *tsig, struct hmac *hmac, uint8_t *message,
		 size_t len, uint64_t now)
{
	(void)tsig;
	(void)hmac;
	(void)message;
	(void)now;
	return len;
}

size_t errand_put_opt(const struct errand *errand, uint8_t *message, size_t len)
{
	(void)errand;
	(void)message;
	return len;
}

size_t errand_reply(struct errand *errand, struct hmac *hmac, enum rcode rcode,
		    uint64_t now, uint8_t *out)
{
	(void)hmac;
	(void)now;
	memcpy(out, errand->head, errand->head_len);
	out[MESSAGE_FLAGS + 1] |= (uint8_t)rcode;
	return errand->head_len;
}

/* The root's; with the id of the query. */
static size_t give_errand(struct errand *errand, const uint8_t *query)
{
	memset(errand, 0, sizeof(*errand));
	errand->kind = ERRAND_TRANSFER;
	errand->type = RR_AXFR;
	name_root(&errand->zone);
	memcpy(errand->head, query, 2);
	errand->head[MESSAGE_FLAGS] = 0x80;
	errand->head_len = MESSAGE_HEAD_SIZE + 1 + MESSAGE_QUESTION_TAIL;
	return 0;
}

/* ---- Answers ---- */

size_t answer(const struct answer_options *options, struct snapshot *snapshot,
	      const struct answer_server *server,
	      const struct answer_client *client, const uint8_t *query,
	      size_t len, uint8_t *out, struct answer_facts *facts,
	      struct errand *errand)
{
	size_t wanted = len >= 14 ? get_u16(query + 12) : 0;

	(void)options;
	facts->is_limited = false;
	errand->kind = ERRAND_NONE;
	if (len < 12 || query[2] & 0x80)
		return 0;
	pass_gate();
	ask_again(client->transport);
	probe(query);
	count_gone();
	be_busy();
	assert_true(snapshot->open);
	if (wanted == FAKE_SEEN)
		atomic_store(&fake.seen_at, atomic_load(&fake.answers));
	if (wanted == FAKE_TRANSFER) {
		*facts = (struct answer_facts){.type = RR_AXFR};
		return give_errand(errand, query);
	}
	if (wanted < FAKE_ANSWER_MIN)
		wanted = FAKE_ANSWER_MIN;
	memset(out, 0x5a, wanted);
	memcpy(out, query, 12);
	out[2] |= 0x80;
	put_u32(out + 12, server->served.table);
	out[16] = (uint8_t)client->transport;
	*facts = (struct answer_facts){.type = 1};
	atomic_fetch_add(&fake.answers, 1);
	return wanted;
}

double net_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double net_cpu(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void net_turn(void *loop)
{
	static const struct timespec moment = {.tv_nsec = 200000};

	if (loop)
		uv_run(loop, UV_RUN_NOWAIT);
	nanosleep(&moment, NULL);
}

unsigned net_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

bool net_has_ipv6(void)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6,
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);
	int r;

	if (fd < 0)
		return false;
	r = bind(fd, (struct sockaddr *)&at, sizeof(at));
	close(fd);
	return r == 0;
}

struct address net_address(const char *text)
{
	struct address at;

	assert_int_equal(address_parse(text, &at), 0);
	return at;
}

struct address net_at(const char *ip, const struct address *port_of)
{
	struct address at = net_address(ip);

	at.port = port_of->port;
	return at;
}

/* A signal ends the waiting, not the connecting: see net_recv(). */
static int await_connection(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
	int error = ETIMEDOUT;
	socklen_t len = sizeof(error);
	int n;

	do
		n = poll(&poll_fd, 1, NET_PATIENCE * 1000);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error;
}

int net_connect(int type, const struct address *at)
{
	struct timeval patience = {.tv_sec = NET_PATIENCE};
	struct sockaddr_storage name;
	int family = at->kind == ADDRESS_IPV6 ? AF_INET6 : AF_INET;
	socklen_t len = address_sockaddr(at, family, &name);
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	int error = 0;

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&name, len) < 0)
		error = errno == EINTR ? await_connection(fd) : errno;
	if (error)
		fail_msg("connect: %s", strerror(error));
	return fd;
}

/*
 * A libuv that keeps its events in an io_uring (1.45 to 1.50) makes work for
 * the thread whose loop it is, which ends a recv() with a timeout early.
 */
ssize_t net_recv(int fd, void *data, size_t len, int flags)
{
	ssize_t n;

	do
		n = recv(fd, data, len, flags);
	while (n < 0 && errno == EINTR);
	return n;
}

void net_query(uint8_t query[14], uint16_t id, uint16_t len)
{
	memset(query, 0, 14);
	put_u16(query, id);
	put_u16(query + 12, len);
}

void net_send_queries(int fd, unsigned count, uint16_t len)
{
	uint8_t *text = malloc(16 * count);

	assert_non_null(text);
	for (unsigned i = 0; i < count; i++) {
		put_u16(text + 16 * i, 14);
		net_query(text + 16 * i + 2, (uint16_t)i, len);
	}
	assert_int_equal(send(fd, text, 16 * count, MSG_NOSIGNAL), 16 * count);
	free(text);
}

static void judge_answer(const uint8_t *answer, size_t len, uint16_t id,
			 int type, uint64_t server)
{
	assert_int_equal(get_u16(answer), id);
	assert_int_equal(answer[2], 0x80);
	assert_int_equal(get_u32(answer + 12), server + FAKE_TABLE);
	assert_int_equal(answer[16],
			 type == SOCK_DGRAM ? ANSWER_UDP : ANSWER_TCP);
	for (size_t i = FAKE_ANSWER_MIN; i < len; i++)
		assert_int_equal(answer[i], 0x5a);
}

void net_expect_answers(int fd, unsigned count, uint16_t len, uint64_t server)
{
	uint8_t answer[2 + MESSAGE_TCP_SIZE];

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(net_recv(fd, answer, 2, MSG_WAITALL), 2);
		assert_int_equal(get_u16(answer), len);
		assert_int_equal(net_recv(fd, answer, len, MSG_WAITALL), len);
		judge_answer(answer, len, (uint16_t)i, SOCK_STREAM, server);
	}
}

void net_ask(int fd, int type, uint64_t server)
{
	uint8_t message[64];
	ssize_t len;

	if (type == SOCK_STREAM) {
		net_send_queries(fd, 1, FAKE_ANSWER_MIN);
		net_expect_answers(fd, 1, FAKE_ANSWER_MIN, server);
		return;
	}
	net_query(message, 7, 0);
	assert_int_equal(send(fd, message, 14, 0), 14);
	len = net_recv(fd, message, sizeof(message), 0);
	if (len < 0)
		fail_msg("no answer: %s", strerror(errno));
	assert_int_equal(len, FAKE_ANSWER_MIN);
	judge_answer(message, (size_t)len, 7, type, server);
}

void net_expect_closed(int fd)
{
	uint8_t octet;
	ssize_t n = net_recv(fd, &octet, 1, 0);

	if (n < 0)
		assert_int_equal(errno, ECONNRESET);
	else
		assert_int_equal(n, 0);
}

uv_loop_t net_loop;
struct server_pool *net_pool;

/* Of the pool at hand, by nameserver; what a pool's workers count in. */
#define TRAFFICS 1024

static struct traffic *traffics[TRAFFICS];
static unsigned pool_workers;

struct traffic *net_traffic(uint64_t id)
{
	assert_true(id < TRAFFICS);
	if (!traffics[id])
		assert_int_equal(traffic_new(&traffics[id], id, pool_workers),
				 0);
	return traffics[id];
}

/* Where files without a name are; open as long as the process. */
static int net_directory(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void start_pool(unsigned workers, unsigned udp_sockets)
{
	struct server_options options = {
		.workers = workers,
		.udp_sockets = udp_sockets,
		.tcp_clients = 1000,
		.tcp_idle_ms = 10000,
		.transfers = {.dir_fd = net_directory(), .spool_max = 1 << 30},
	};

	pool_workers = workers;
	assert_int_equal(uv_loop_init(&net_loop), 0);
	assert_int_equal(server_pool_new(&net_pool, &net_loop, NULL, &options),
			 0);
}

static void end_pool(void)
{
	net_pool = server_pool_free(net_pool);
	uv_run(&net_loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&net_loop), 0);
	for (size_t i = 0; i < TRAFFICS; i++)
		traffics[i] = traffic_free(traffics[i]);
}

void net_start_with(unsigned workers, unsigned udp_sockets)
{
	end_pool();
	start_pool(workers, udp_sockets);
}

void net_start_anew(void)
{
	net_start_with(1, 0);
}

int net_setup(void **state)
{
	(void)state;
	fake_reset();
	start_pool(2, 8);
	return 0;
}

int net_teardown(void **state)
{
	(void)state;
	end_pool();
	assert_int_equal(atomic_load(&fake.opened), 0);
	return 0;
}

struct server *net_bind(uint64_t id, const char *text)
{
	struct address at = net_address(text);
	struct server *server;

	assert_int_equal(server_bind(&server, net_pool, net_traffic(id), &at),
			 0);
	return server;
}

struct server *net_serve(uint64_t id, const char *text)
{
	struct server *server = net_bind(id, text);

	server_start(server);
	return server;
}

void net_count_up(void *arg)
{
	++*(unsigned *)arg;
}

void net_stop(struct server *server)
{
	unsigned done = 0;

	server_stop(server, net_count_up, &done);
	net_await(&net_loop, done);
	assert_int_equal(done, 1);
}

void net_ask_at(const struct address *at, int type, uint64_t id)
{
	int fd = net_connect(type, at);

	net_ask(fd, type, id);
	close(fd);
}

void net_send_datagrams(int fd, unsigned count)
{
	uint8_t query[14];

	for (unsigned i = 0; i < count; i++) {
		net_query(query, (uint16_t)i, (uint16_t)(100 + i));
		assert_int_equal(send(fd, query, sizeof(query), 0), 14);
	}
}

void net_expect_each_once(int fd, unsigned count)
{
	bool seen[1024] = {false};
	uint8_t answer[2048];
	unsigned id;
	ssize_t len;

	for (unsigned i = 0; i < count; i++) {
		len = net_recv(fd, answer, sizeof(answer), 0);
		assert_true(len > 0);
		id = get_u16(answer);
		assert_true(id < count && !seen[id]);
		seen[id] = true;
		assert_int_equal(len, 100 + id);
	}
}
