// SPDX-License-Identifier: Apache-2.0
/*
 * neighbour.c - somebody who uses one nameserver, and how long each use takes
 *
 *	neighbour -t SECONDS [-u UID] [-n NICE] [-f FILE]
 *		  DIRECTORY ADDRESS PORT
 *
 * DIRECTORY is an anchor with the names n0.neighbour. to n99.neighbour. and
 * a child called "below". What a user does there is done at a pace, each kind
 * by a thread of its own, so that none waits for another one. The result is a
 * line of JSON on standard output: for each kind how many, what failed first,
 * and the times in microseconds.
 *
 * A use that takes long keeps the ones behind it from beginning, and a stall
 * of a second would be one slow use among hundreds. So those that were due
 * meanwhile are counted too, each with the time that it would have waited.
 *
 * The threads run before all others if they may: what is measured is how long
 * somebody is answered later, not how long this program waits for a core.
 *
 * Two kinds are no use of the nameserver, and tell what the machine does to
 * whoever serves on it just now: "echo" asks a process of this program's own,
 * which is as nice as the daemon and sends back what it gets; "sync" brings an
 * octet of FILE to disk.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../bench/latency.h"

#define NAMES	   100
#define APPENDED   50
#define MS	   1000000
#define DEADLINE_S 5 /* for an answer */

static struct {
	double seconds;
	uid_t uid;
	int nice;
	int sync_fd;
	struct sockaddr_in to;
} options = {
	.seconds = 1,
	.sync_fd = -1,
};

static struct sockaddr_in echo_at;
static int64_t start_ns, end_ns;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- What a user does: each is 0 or -errno ---- */

static size_t make_query(uint8_t *out, uint16_t id, unsigned number)
{
	uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, [5] = 1};
	char name[16];
	size_t at = sizeof(head);
	int len = snprintf(name, sizeof(name), "n%u", number % NAMES);

	memcpy(out, head, sizeof(head));
	out[at++] = (uint8_t)len;
	memcpy(out + at, name, (size_t)len);
	at += (size_t)len;
	/* ".neighbour.", A, IN */
	memcpy(out + at, "\11neighbour\0\0\1\0\1", 15);
	return at + 15;
}

/* Is it the answer, with a record? */
static bool is_answer(const uint8_t *data, ssize_t len, uint16_t id)
{
	return len > 12 && (data[0] << 8 | data[1]) == id && (data[2] & 0x80) &&
	       (data[3] & 0x0f) == 0 && data[7] == 1;
}

static int open_socket(int type, const struct sockaddr_in *to)
{
	struct timeval deadline = {.tv_sec = DEADLINE_S};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int ask_udp(unsigned turn)
{
	static int fd = -1; /* of the one thread that asks */
	uint8_t data[512];
	ssize_t len;

	if (fd < 0)
		fd = open_socket(SOCK_DGRAM, &options.to);
	if (fd < 0)
		return fd;
	len = (ssize_t)make_query(data, (uint16_t)turn, turn);
	if (send(fd, data, (size_t)len, 0) < 0)
		return -errno;
	do {
		len = recv(fd, data, sizeof(data), 0);
		if (len < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	} while (!is_answer(data, len, (uint16_t)turn));
	return 0;
}

static int ask_echo(unsigned turn)
{
	static int fd = -1;
	unsigned got;

	if (fd < 0)
		fd = open_socket(SOCK_DGRAM, &echo_at);
	if (fd < 0)
		return fd;
	if (send(fd, &turn, sizeof(turn), 0) < 0)
		return -errno;
	do {
		if (recv(fd, &got, sizeof(got), 0) < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
	} while (got != turn);
	return 0;
}

static int sync_file(unsigned turn)
{
	uint8_t octet = (uint8_t)turn;

	if (options.sync_fd < 0)
		return 0;
	if (pwrite(options.sync_fd, &octet, 1, 0) < 0 ||
	    fdatasync(options.sync_fd) < 0)
		return -errno;
	return 0;
}

static int exchange_tcp(int fd, unsigned turn)
{
	uint8_t data[512];
	size_t len = make_query(data + 2, (uint16_t)turn, turn);
	ssize_t r;

	data[0] = 0;
	data[1] = (uint8_t)len;
	if (send(fd, data, len + 2, MSG_NOSIGNAL) < 0)
		return -errno;
	/* The answer is short, and written at once. */
	r = recv(fd, data, sizeof(data), 0);
	if (r < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return is_answer(data + 2, r - 2, (uint16_t)turn) ? 0 : -EPROTO;
}

static int ask_tcp(unsigned turn)
{
	int fd = open_socket(SOCK_STREAM, &options.to), r;

	if (fd < 0)
		return fd == -EINPROGRESS ? -ETIMEDOUT : fd;
	r = exchange_tcp(fd, turn);
	close(fd);
	return r;
}

/*
 * Of a file that the kernel has to ask for each time: a name in names/ is
 * looked up anew, and of `records` nothing is believed.
 */
static int look(unsigned turn)
{
	char path[64];
	struct stat st;
	struct statx stx;

	snprintf(path, sizeof(path), "names/n%u.neighbour.", turn % NAMES);
	if (turn % 2 == 0)
		return stat(path, &st) < 0 ? -errno : 0;
	return statx(AT_FDCWD, "records", AT_STATX_FORCE_SYNC, STATX_SIZE,
		     &stx) < 0
		       ? -errno
		       : 0;
}

/* Another TTL each time, so that it is a change and records stay few. */
static int append(unsigned turn)
{
	char line[96];
	int len = snprintf(line, sizeof(line),
			   "a%u.neighbour. %u IN A 192.0.2.1\n",
			   turn % APPENDED, turn + (unsigned)getpid());
	int fd = open("records", O_WRONLY | O_APPEND | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, line, (size_t)len) < 0)
		r = -errno;
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

static int read_records(unsigned turn)
{
	char data[4096];
	int fd = open("records", O_RDONLY | O_CLOEXEC), r = 0;

	(void)turn;
	if (fd < 0)
		return -errno;
	if (read(fd, data, sizeof(data)) <= 0)
		r = errno ? -errno : -EPROTO;
	close(fd);
	return r;
}

static int list(unsigned turn)
{
	DIR *dir = opendir("names");
	int count = 0;

	(void)turn;
	if (!dir)
		return -errno;
	errno = 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return errno ? -errno : count > NAMES ? 0 : -EPROTO;
}

static int make(unsigned turn)
{
	(void)turn;
	if (mkdir("below/made", 0700) < 0)
		return -errno;
	return rmdir("below/made") < 0 ? -errno : 0;
}

/* ---- Pace ---- */

static struct kind {
	const char *name;
	int64_t pace_ns;
	int (*step)(unsigned turn);
	unsigned errors;
	int first_error;
	struct latency latency;
	pthread_t thread;
} kinds[] = {
	{.name = "udp", .pace_ns = 2 * MS, .step = ask_udp},
	{.name = "stat", .pace_ns = 2 * MS, .step = look},
	{.name = "append", .pace_ns = 10 * MS, .step = append},
	{.name = "echo", .pace_ns = 2 * MS, .step = ask_echo},
	{.name = "sync", .pace_ns = 20 * MS, .step = sync_file},
	{.name = "tcp", .pace_ns = 50 * MS, .step = ask_tcp},
	{.name = "read", .pace_ns = 50 * MS, .step = read_records},
	{.name = "list", .pace_ns = 200 * MS, .step = list},
	{.name = "mkdir", .pace_ns = 200 * MS, .step = make},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void sleep_until(int64_t when)
{
	struct timespec at = {.tv_sec = when / 1000000000,
			      .tv_nsec = when % 1000000000};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
}

static void count(struct kind *kind, int result, int64_t took)
{
	if (result < 0 && !kind->errors++)
		kind->first_error = -result;
	do {
		latency_add(&kind->latency, took);
		took -= kind->pace_ns;
	} while (took > 0);
}

static void *repeat(void *arg)
{
	struct kind *kind = arg;
	int64_t due = start_ns, before, after;

	for (unsigned turn = 0; due < end_ns; turn++) {
		int r;

		sleep_until(due);
		errno = 0;
		before = now_ns();
		r = kind->step(turn);
		after = now_ns();
		count(kind, r, after - before);
		due += kind->pace_ns;
		if (due < after)
			due = after;
	}
	return NULL;
}

static void print_all(void)
{
	putchar('{');
	for (size_t i = 0; i < KINDS; i++) {
		const struct kind *kind = &kinds[i];

		printf("%s\"%s\": {\"count\": %" PRIu64 ", \"errors\": %u, "
		       "\"first_error\": \"%s\", ",
		       i ? ", " : "", kind->name, kind->latency.count,
		       kind->errors,
		       kind->errors ? strerrorname_np(kind->first_error) : "");
		latency_print(&kind->latency);
		putchar('}');
	}
	puts("}");
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "t:u:n:f:")) != -1) {
		if (option == 't')
			options.seconds = atof(optarg);
		else if (option == 'u')
			options.uid = (uid_t)atoi(optarg);
		else if (option == 'n')
			options.nice = atoi(optarg);
		else if (option == 'f')
			options.sync_fd = open(
				optarg, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		else
			options.seconds = 0;
	}
	if (argc - optind != 3 || options.seconds <= 0)
		errx(2, "usage: neighbour -t SECONDS [-u UID] [-n NICE] "
			"[-f FILE] DIRECTORY ADDRESS PORT");
	options.to.sin_family = AF_INET;
	options.to.sin_port = htons((uint16_t)atoi(argv[optind + 2]));
	if (inet_pton(AF_INET, argv[optind + 1], &options.to.sin_addr) != 1)
		errx(2, "no address: %s", argv[optind + 1]);
	if (chdir(argv[optind]) < 0)
		err(1, "%s", argv[optind]);
}

/* Before all others where the system lets us; measured is measured anyhow. */
static void become_urgent(void)
{
	struct sched_param param = {.sched_priority = 1};

	sched_setscheduler(0, SCHED_FIFO, &param);
}

static void become_user(void)
{
	if (options.uid && (setgroups(0, NULL) < 0 || setgid(options.uid) < 0 ||
			    setuid(options.uid) < 0))
		err(1, "cannot become user %u", (unsigned)options.uid);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void echo(int fd)
{
	struct sockaddr_in from;
	char data[64];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0,
				     (struct sockaddr *)&from, &len);

		if (n > 0)
			sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from,
			       len);
	}
}

/* A process that ends with this one. */
static void start_echo(void)
{
	socklen_t len = sizeof(echo_at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t child;

	echo_at.sin_family = AF_INET;
	echo_at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&echo_at, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&echo_at, &len) < 0)
		err(1, "cannot serve an echo");
	child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		errno = 0;
		if (nice(options.nice) == -1 && errno)
			warn("cannot be nice");
		become_user();
		echo(fd);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	read_options(argc, argv);
	start_echo();
	become_urgent();
	become_user();
	start_ns = now_ns();
	end_ns = start_ns + (int64_t)(options.seconds * 1e9);
	for (size_t i = 0; i < KINDS; i++) {
		errno = pthread_create(&kinds[i].thread, NULL, repeat,
				       &kinds[i]);
		if (errno)
			err(1, "pthread_create");
	}
	for (size_t i = 0; i < KINDS; i++)
		pthread_join(kinds[i].thread, NULL);
	print_all();
	return 0;
}
