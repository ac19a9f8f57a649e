// SPDX-License-Identifier: Apache-2.0
/*
 * caller.c - a look into /proc/PID, on a thread that is aside
 *
 * Which files may be read there is a matter of life and death: a process in
 * execve(2) holds a lock that some of them wait for, while it waits for our
 * answer. /proc/PID/status and comm never wait; /proc/PID/stat is read only of
 * a process that has no memory any more, which is not in execve(2).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/daemon/aside.h"
#include "fs/session.h"
#include "fs/view.h"

/* Of the kernel's task flags, in proc_pid_stat(5)'s field 9. */
#define FLAG_EXITING  0x00000004UL
#define FLAG_SIGNALED 0x00000400UL

struct caller_question {
	struct question question;
	struct caller_about about;
	caller_done *done;
	void *arg;
	struct caller caller;
};

/* What /proc/PID/FILE has, terminated; it is short. */
static bool look(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = 0;
	return true;
}

/* What /proc/PID/status tells. */
struct status {
	pid_t process;
	bool has_memory; /* a process that is ending has none any more */
	bool is_member;
};

/* proc_pid_status(5): "Groups:\t4 24 27 " */
static bool lists(const char *line, gid_t group)
{
	const char *at = strchr(line, ':') + 1;
	char *end;

	for (;; at = end) {
		unsigned long number = strtoul(at, &end, 10);

		if (end == at)
			return false;
		if (number == group)
			return true;
	}
}

static bool read_status(pid_t pid, gid_t group, struct status *out)
{
	CLEANUP(freep) char *line = NULL;
	size_t size = 0;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	*out = (struct status){0};
	while (getline(&line, &size, file) > 0) {
		out->has_memory |= !strncmp(line, "VmSize:", 7);
		if (!strncmp(line, "Tgid:", 5))
			out->process = (pid_t)strtol(line + 5, NULL, 10);
		if (!strncmp(line, "Groups:", 7))
			out->is_member = lists(line, group);
	}
	fclose(file);
	return true;
}

/* It waits for an execve(2): only for a process without memory. */
static bool is_killed(pid_t pid)
{
	char text[512];
	const char *at;
	unsigned long flags;

	if (!look(pid, "stat", text, sizeof(text)))
		return false;
	/* The command's name may hold anything, but ends at the last ")". */
	at = strrchr(text, ')');
	/* state ppid pgrp session tty_nr tpgid flags */
	for (int field = 0; at && field < 7; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	flags = strtoul(at, NULL, 10);
	return (flags & FLAG_EXITING) && (flags & FLAG_SIGNALED);
}

/* What it is called may hold anything, and a newline ends it. */
static void read_command(pid_t pid, char *out, size_t size)
{
	size_t len;

	if (!look(pid, "comm", out, size)) {
		*out = 0;
		return;
	}
	len = strlen(out);
	if (len && out[len - 1] == '\n')
		out[len - 1] = 0;
}

/* A process shows all its threads, whichever of them it is asked by. */
static bool is_same(pid_t pid, pid_t other)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)pid, (int)other);
	return stat(path, &st) == 0;
}

static void ask(struct question *question)
{
	struct caller_question *asked =
		container_of(question, struct caller_question, question);
	const struct caller_about *about = &asked->about;
	struct caller *caller = &asked->caller;
	struct status status;

	if (about->pid <= 0 || !read_status(about->pid, about->group, &status))
		return;
	caller->is_killed = !status.has_memory && is_killed(about->pid);
	caller->is_ending = !status.has_memory;
	caller->is_member = status.is_member;
	read_command(about->pid, caller->command, sizeof(caller->command));
	caller->process = status.process;
	caller->is_same = about->other && is_same(about->pid, about->other);
}

static const struct caller unknown;

static void answered(struct question *question, bool in_time)
{
	struct caller_question *asked =
		container_of(question, struct caller_question, question);

	asked->done(asked->arg, in_time ? &asked->caller : &unknown);
}

static void ask_here(struct aside *aside, const struct caller_about *about,
		     caller_done *done, void *arg)
{
	struct caller_question *asked = calloc(1, sizeof(*asked));

	if (!asked) {
		done(arg, &unknown);
		return;
	}
	*asked = (struct caller_question){
		.question = {.ask = ask, .answered = answered},
		.about = *about,
		.done = done,
		.arg = arg,
	};
	aside_ask(aside, &asked->question, CALLER_MS);
}

void caller_ask(struct fs *fs, const struct caller_about *about,
		caller_done *done, void *arg)
{
	/* Gone with its host, which is as if it had been killed. */
	static const struct caller gone = {.is_killed = true,
					   .is_ending = true};

	if (!fs->peer)
		ask_here(fs->commons->aside, about, done, arg);
	else if (fs->session->stopping)
		done(arg, &gone);
	else
		fs->peer->ask(fs->peer->arg, about, done, arg);
}
