// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#include "dns/wire/thread.h"
#include "fs/daemon/log.h"
#include "fs/daemon/log_text.h"
#include "fs/fs.h"

/* Of less than PIPE_BUF, a pipe takes all at once, or has no room. */
#define LINE_SIZE 1024

enum form {
	FORM_PLAIN,
	FORM_JOURNAL, /* sd-daemon(3) */
	FORM_SYSLOG,  /* RFC 3164, as syslog(3) sends it */
};

/* How many lines may go out, in thousandths. It is full at the start. */
struct allowance {
	uint64_t left;
	uint64_t at_ms;
};

static struct {
	int fd; /* -1: nowhere */
	enum form form;
	int system_fd;
	struct allowance urgent, other;
	unsigned long long left_out; /* under the mutex, once there is one */
} sink = {.fd = STDERR_FILENO, .system_fd = -1};

/* A line that waits for the thread that writes. */
struct line {
	struct line *next;
	int priority;
	char text[];
};

#define LINES_MAX 256

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t cond; /* there are lines; or none is left */
	struct line *lines;  /* utlist */
	unsigned count;	     /* of them, and of the one that is written */
	bool runs, is_stuck; /* the main loop's */
} writer = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.cond = PTHREAD_COND_INITIALIZER,
};

static char said[512]; /* by libfuse, in pieces */

/* ---- Where to ---- */

/* JOURNAL_STREAM tells which file is the journal's: systemd.exec(5). */
static bool is_journal(int fd)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(void)
{
	if (is_journal(STDERR_FILENO))
		sink.form = FORM_JOURNAL;
}

void log_connect(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	tzset();
	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		sink.system_fd = fd;
	else if (fd >= 0)
		close(fd);
}

void log_leave_stderr(void)
{
	sink.fd = sink.system_fd;
	sink.form = FORM_SYSLOG;
}

/* ---- How much ---- */

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A token bucket. Return: whether a line may go out; it is counted then. */
static bool is_allowed(struct allowance *allowance)
{
	uint64_t now = now_ms(), full = LOG_AT_ONCE * 1000;

	if (!allowance->at_ms)
		allowance->left = full;
	allowance->left += (now - allowance->at_ms) * LOG_PER_SECOND;
	if (allowance->left > full)
		allowance->left = full;
	allowance->at_ms = now;
	if (allowance->left < 1000)
		return false;
	allowance->left -= 1000;
	assert(allowance->left < full);
	return true;
}

static bool has_room(void)
{
	struct pollfd poll_fd = {.fd = sink.fd, .events = POLLOUT};

	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & POLLOUT;
}

/* ---- Lines ---- */

/* What the form wants in front of the text. Return: octets. */
static size_t print_head(int priority, char *out, size_t size)
{
	char date[32] = "";
	time_t now;
	struct tm tm;

	switch (sink.form) {
	case FORM_JOURNAL:
		return (size_t)snprintf(out, size, "<%d>", priority);
	case FORM_SYSLOG:
		now = time(NULL);
		localtime_r(&now, &tm);
		strftime(date, sizeof(date), "%b %e %T", &tm);
		return (size_t)snprintf(out, size, "<%d>%s circuitfs[%d]: ",
					LOG_DAEMON | priority, date, getpid());
	default:
		return (size_t)snprintf(out, size, "circuitfs: ");
	}
}

/* Return: whether it was written as a whole. */
static bool put(int priority, const char *text)
{
	char line[LINE_SIZE];
	size_t len;

	if (!has_room())
		return false;
	len = print_head(priority, line, sizeof(line));
	assert(len < sizeof(line) / 2);
	len += log_text_escape(text, line + len, sizeof(line) - len - 1);
	assert(len < sizeof(line));
	if (sink.form != FORM_SYSLOG)
		line[len++] = '\n';
	return write(sink.fd, line, len) == (ssize_t)len;
}

static void leave_out(void)
{
	pthread_mutex_lock(&writer.mutex);
	sink.left_out++;
	pthread_mutex_unlock(&writer.mutex);
}

static bool tell_left_out(void)
{
	unsigned long long count;
	char text[64];

	pthread_mutex_lock(&writer.mutex);
	count = sink.left_out;
	pthread_mutex_unlock(&writer.mutex);
	if (!count)
		return true;
	snprintf(text, sizeof(text), "%llu lines left out", count);
	if (!put(LOG_NOTICE, text))
		return false;
	pthread_mutex_lock(&writer.mutex);
	assert(sink.left_out >= count);
	sink.left_out -= count;
	pthread_mutex_unlock(&writer.mutex);
	return true;
}

static void write_line(int priority, const char *text)
{
	if (!tell_left_out() || !put(priority, text))
		leave_out();
}

/* ---- The thread that writes ---- */

static void *writer_main(void *arg)
{
	struct line *line;

	pthread_mutex_lock(&writer.mutex);
	for (;;) {
		while (!writer.lines)
			pthread_cond_wait(&writer.cond, &writer.mutex);
		line = writer.lines;
		LL_DELETE(writer.lines, line);
		pthread_mutex_unlock(&writer.mutex);
		write_line(line->priority, line->text);
		free(line);
		pthread_mutex_lock(&writer.mutex);
		assert(writer.count);
		if (--writer.count == 0)
			pthread_cond_broadcast(&writer.cond);
	}
	return arg;
}

/* Return: whether the queue had room for it. */
static bool hand_over(int priority, const char *text)
{
	struct line *line = malloc(sizeof(*line) + strlen(text) + 1);
	bool room;

	if (!line)
		return false;
	line->priority = priority;
	strcpy(line->text, text);
	pthread_mutex_lock(&writer.mutex);
	assert(writer.count <= LINES_MAX);
	room = writer.count < LINES_MAX;
	if (room) {
		writer.count++;
		LL_APPEND(writer.lines, line);
		pthread_cond_broadcast(&writer.cond);
	}
	pthread_mutex_unlock(&writer.mutex);
	if (!room)
		free(line);
	return room;
}

void log_start(void)
{
	assert(!writer.runs);
	writer.runs = thread_start(NULL, writer_main, NULL) == 0;
}

void log_end(void)
{
	struct timespec until;

	if (!writer.runs)
		return;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LOG_END_MS / 1000;
	pthread_mutex_lock(&writer.mutex);
	while (writer.count &&
	       pthread_cond_clockwait(&writer.cond, &writer.mutex,
				      CLOCK_MONOTONIC, &until) == 0)
		continue;
	writer.runs = false;
	/* If lines are left, whoever writes now would be stuck, too. */
	writer.is_stuck = writer.count;
	pthread_mutex_unlock(&writer.mutex);
}

/* ---- Lines from the main loop ---- */

void log_line(int priority, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	if (sink.fd < 0 || writer.is_stuck)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (!is_allowed(priority <= LOG_WARNING ? &sink.urgent : &sink.other))
		leave_out();
	else if (!writer.runs)
		write_line(priority, text);
	else if (!hand_over(priority, text))
		leave_out();
}

/* ---- libfuse ---- */

static void catch_fuse(enum fuse_log_level level, const char *format,
		       va_list args)
{
	size_t len = strlen(said);

	if (level >= FUSE_LOG_DEBUG)
		vfprintf(stderr, format, args);
	else if (!strchr(said, '\n'))
		vsnprintf(said + len, sizeof(said) - len, format, args);
}

void log_catch_fuse(void)
{
	fuse_set_log_func(catch_fuse);
}

void log_fuse(const char *what)
{
	const char *text = said;

	said[strcspn(said, "\n")] = 0;
	if (!strncmp(text, "fuse: ", 6))
		text += 6;
	log_line(LOG_ERR, "%s: %s", what, *text ? text : strerror(errno));
}
