// SPDX-License-Identifier: Apache-2.0
/*
 * actor.c - a process that does what it is told, one call at a time
 *
 *   actor SOCKET NAME
 *
 * It connects to SOCKET (SOCK_SEQPACKET), says "hello NAME PID", and obeys: a
 * packet is one command, "WORD ARGUMENT..."; the answer is one packet, "RESULT
 * ERRNO DATA". Texts and DATA are in hexadecimal, "-" if empty. With "thread"
 * before it, another thread does it.
 *
 * Descriptors have the numbers that open and dup are given, which outlive fork
 * and exec: a child is another actor, on a connection of its own, and who
 * executes itself goes on with what is still open. Who tells it closes the
 * connection to end it, however it ended itself.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PACKET_SIZE 131072
#define TEXT_SIZE   (PACKET_SIZE / 2 - 64)
#define WORDS_MAX   8
#define SLOTS_MAX   512

extern char **environ;

static const char *socket_path;
static int channel = -1;
static int slots[SLOTS_MAX]; /* descriptors, or -1 */

/* A command, and what came of it. */
struct call {
	char *words[WORDS_MAX]; /* behind the first one, "" if left out */
	long result;
	int error;
	char text[TEXT_SIZE]; /* of the command, then of the answer */
	size_t len;
};

/* ---- Words ---- */

static long number(const struct call *call, int at)
{
	return strtol(call->words[at], NULL, 0);
}

static int *slot(const struct call *call, int at)
{
	long which = number(call, at);

	if (which < 0 || which >= SLOTS_MAX)
		errx(2, "no slot %ld", which);
	return &slots[which];
}

static int fd_of(const struct call *call)
{
	return *slot(call, 0);
}

static void take_text(struct call *call, int at)
{
	const char *hex = call->words[at];
	unsigned octet;

	call->len = 0;
	while (sscanf(hex, "%2x", &octet) == 1 && call->len < TEXT_SIZE) {
		call->text[call->len++] = (char)octet;
		hex += 2;
	}
}

/* ---- Calls ---- */

static void do_open(struct call *call)
{
	call->result = open(call->words[1], (int)number(call, 2),
			    (mode_t)number(call, 3));
	*slot(call, 0) = (int)call->result;
}

static void do_dup(struct call *call)
{
	call->result = dup(fd_of(call));
	*slot(call, 1) = (int)call->result;
}

static void do_close(struct call *call)
{
	call->result = close(fd_of(call));
	*slot(call, 0) = -1;
}

static void do_write(struct call *call)
{
	take_text(call, 1);
	call->result = write(fd_of(call), call->text, call->len);
	call->len = 0;
}

static void do_pwrite(struct call *call)
{
	take_text(call, 2);
	call->result =
		pwrite(fd_of(call), call->text, call->len, number(call, 1));
	call->len = 0;
}

static void have_read(struct call *call)
{
	call->len = call->result > 0 ? (size_t)call->result : 0;
}

static void do_read(struct call *call)
{
	call->result = read(fd_of(call), call->text, (size_t)number(call, 1));
	have_read(call);
}

static void do_pread(struct call *call)
{
	call->result = pread(fd_of(call), call->text, (size_t)number(call, 2),
			     number(call, 1));
	have_read(call);
}

static void do_lseek(struct call *call)
{
	call->result = lseek(fd_of(call), number(call, 1), SEEK_SET);
}

static void do_fsync(struct call *call)
{
	call->result = fsync(fd_of(call));
}

static void do_ftruncate(struct call *call)
{
	call->result = ftruncate(fd_of(call), number(call, 1));
}

static void do_truncate(struct call *call)
{
	call->result = truncate(call->words[0], number(call, 1));
}

static void tell_stat(struct call *call, const struct stat *st)
{
	if (call->result == 0)
		call->len = (size_t)sprintf(call->text, "%lld %o",
					    (long long)st->st_size,
					    (unsigned)st->st_mode & 07777);
}

static void do_fstat(struct call *call)
{
	struct stat st;

	call->result = fstat(fd_of(call), &st);
	tell_stat(call, &st);
}

static void do_stat(struct call *call)
{
	struct stat st;

	call->result = stat(call->words[0], &st);
	tell_stat(call, &st);
}

static void do_fchmod(struct call *call)
{
	call->result = fchmod(fd_of(call), (mode_t)number(call, 1));
}

static void do_chmod(struct call *call)
{
	call->result = chmod(call->words[0], (mode_t)number(call, 1));
}

static void do_fchown(struct call *call)
{
	call->result = fchown(fd_of(call), (uid_t)number(call, 1),
			      (gid_t)number(call, 2));
}

static void do_utimens(struct call *call)
{
	call->result = utimensat(AT_FDCWD, call->words[0], NULL, 0);
}

static void do_unlink(struct call *call)
{
	call->result = unlink(call->words[0]);
}

static void do_rename(struct call *call)
{
	call->result = rename(call->words[0], call->words[1]);
}

static void do_rmdir(struct call *call)
{
	call->result = rmdir(call->words[0]);
}

/* A whole file: its size as fstat() has it, a line feed, what it holds. */
static void do_slurp(struct call *call)
{
	int fd = open(call->words[0], O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	struct stat st;

	call->result = fd < 0 ? -1 : fstat(fd, &st);
	if (call->result == 0)
		call->len = (size_t)sprintf(call->text, "%lld\n",
					    (long long)st.st_size);
	while (call->result == 0 && got > 0) {
		got = read(fd, call->text + call->len, TEXT_SIZE - call->len);
		if (got < 0)
			call->result = -1;
		else
			call->len += (size_t)got;
	}
	call->error = errno;
	if (fd >= 0)
		close(fd);
	errno = call->error;
}

/* What a directory lists, a line feed behind each. */
static void do_list(struct call *call)
{
	DIR *dir = opendir(call->words[0]);
	struct dirent *entry;

	call->result = dir ? 0 : -1;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		call->len += (size_t)snprintf(call->text + call->len,
					      TEXT_SIZE - call->len, "%s\n",
					      entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* ---- Processes ---- */

static void say(const char *text, size_t len)
{
	if (send(channel, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		_exit(0);
}

static void join(const char *name)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char hello[128];

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", socket_path);
	channel = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	if (channel < 0 ||
	    connect(channel, (const struct sockaddr *)&at, sizeof(at)) < 0)
		_exit(2);
	say(hello, (size_t)snprintf(hello, sizeof(hello), "hello %s %d", name,
				    (int)getpid()));
}

/* The child goes on with the next command that it is given itself. */
static void do_fork(struct call *call)
{
	call->result = fork();
	if (call->result == 0) {
		close(channel);
		join(call->words[0]);
	}
}

static void do_spawn(struct call *call)
{
	char *const words[] = {(char[]){"true"}, NULL};
	const char *how = call->words[0];
	int status = 0;
	pid_t pid = -1;

	if (!strcmp(how, "spawn")) {
		errno = posix_spawn(&pid, "/bin/true", NULL, NULL, words,
				    environ);
	} else {
		pid = !strcmp(how, "vfork") ? vfork() : fork();
		if (pid == 0) {
			execv("/bin/true", words);
			_exit(127);
		}
	}
	call->result = pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

/* The dead of all actors come to the first one, which is never told to die. */
static void do_reap(struct call *call)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		call->result++;
}

static void do_exec(struct call *call)
{
	char open_now[SLOTS_MAX * 16] = "", fd[16];
	size_t len = 0;

	for (int i = 0; i < SLOTS_MAX; i++)
		if (slots[i] >= 0)
			len += (size_t)snprintf(open_now + len,
						sizeof(open_now) - len,
						"%d=%d,", i, slots[i]);
	snprintf(fd, sizeof(fd), "%d", channel);
	execl("/proc/self/exe", "actor", socket_path, "--resume", fd, open_now,
	      NULL);
	call->result = -1;
}

static void do_exit(struct call *call)
{
	_exit((int)number(call, 0));
}

static const struct {
	const char *word;
	void (*run)(struct call *call);
} commands[] = {
	{"open", do_open},	   {"dup", do_dup},
	{"close", do_close},	   {"write", do_write},
	{"pwrite", do_pwrite},	   {"read", do_read},
	{"pread", do_pread},	   {"lseek", do_lseek},
	{"fsync", do_fsync},	   {"ftruncate", do_ftruncate},
	{"truncate", do_truncate}, {"fstat", do_fstat},
	{"stat", do_stat},	   {"fchmod", do_fchmod},
	{"chmod", do_chmod},	   {"fchown", do_fchown},
	{"utimens", do_utimens},   {"unlink", do_unlink},
	{"rename", do_rename},	   {"rmdir", do_rmdir},
	{"slurp", do_slurp},	   {"list", do_list},
	{"fork", do_fork},	   {"spawn", do_spawn},
	{"reap", do_reap},	   {"exec", do_exec},
	{"exit", do_exit},
};

/* ---- Obeying ---- */

static struct call call;
static void (*running)(struct call *call);

static void *run(void *arg)
{
	(void)arg;
	errno = 0;
	running(&call);
	call.error = call.result < 0 ? errno : 0;
	return NULL;
}

static void run_in_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, NULL) != 0 ||
	    pthread_join(thread, NULL) != 0)
		errx(2, "a thread");
}

static void answer(void)
{
	static char packet[PACKET_SIZE];
	size_t len =
		(size_t)sprintf(packet, "%ld %d ", call.result, call.error);

	for (size_t i = 0; i < call.len; i++)
		len += (size_t)sprintf(packet + len, "%02x",
				       (unsigned char)call.text[i]);
	if (!call.len)
		packet[len++] = '-';
	say(packet, len);
}

static void obey(char *packet)
{
	char *rest, *word = strtok_r(packet, " ", &rest);
	bool threaded = word && !strcmp(word, "thread");

	if (threaded)
		word = strtok_r(NULL, " ", &rest);
	call.result = 0;
	call.len = 0;
	running = NULL;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (word && !strcmp(word, commands[i].word))
			running = commands[i].run;
	if (!running)
		errx(2, "no command: %s", word ? word : "");
	for (int i = 0; i < WORDS_MAX; i++) {
		word = strtok_r(NULL, " ", &rest);
		call.words[i] = word ? word : (char[]){""};
	}
	if (threaded)
		run_in_thread();
	else
		run(NULL);
	/* The child of a fork has said hello instead. */
	if (running != do_fork || call.result != 0)
		answer();
}

/* After exec: which of "SLOT=FD,..." are still open? */
static void resume(const char *fd, const char *open_before)
{
	int which, was;

	channel = atoi(fd);
	while (sscanf(open_before, "%d=%d,", &which, &was) == 2) {
		if (which >= 0 && which < SLOTS_MAX && fcntl(was, F_GETFD) >= 0)
			slots[which] = was;
		open_before = strchr(open_before, ',') + 1;
	}
	answer();
}

int main(int argc, char **argv)
{
	static char packet[PACKET_SIZE];
	ssize_t len;

	if (argc < 3)
		errx(2, "usage: actor SOCKET NAME");
	socket_path = argv[1];
	for (int i = 0; i < SLOTS_MAX; i++)
		slots[i] = -1;
	if (argc == 5) {
		resume(argv[3], argv[4]);
	} else {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		join(argv[2]);
	}
	while ((len = recv(channel, packet, sizeof(packet) - 1, 0)) > 0) {
		packet[len] = 0;
		obey(packet);
	}
	return 0;
}
