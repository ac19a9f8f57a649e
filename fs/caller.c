// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/caller.h"

/* Of the kernel's task flags, in proc_pid_stat(5)'s field 9. */
#define FLAG_EXITING  0x00000004UL
#define FLAG_SIGNALED 0x00000400UL

/* What /proc/PID/FILE has, terminated; it is short. */
static bool look(pid_t pid, const char *file, char *text, size_t size)
{
	char path[64];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = 0;
	return true;
}

bool caller_is_killed(pid_t pid)
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

bool caller_copies(pid_t pid)
{
	char name[32];

	return look(pid, "comm", name, sizeof(name)) &&
	       (!strcmp(name, "cp\n") || !strcmp(name, "tar\n"));
}
