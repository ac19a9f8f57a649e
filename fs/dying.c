// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/dying.h"

/* Of the kernel's task flags, in proc_pid_stat(5)'s field 9. */
#define FLAG_EXITING  0x00000004UL
#define FLAG_SIGNALED 0x00000400UL

bool dying_by_signal(pid_t pid)
{
	char path[64], text[512];
	const char *at;
	unsigned long flags;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = 0;
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
