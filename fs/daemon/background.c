// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/daemon/background.h"
#include "fs/daemon/log.h"

static void wait_for_child(int fd)
{
	char octet;
	ssize_t len;

	do
		len = read(fd, &octet, 1);
	while (len < 0 && errno == EINTR);
	/* If the pipe ends without an octet, the child is no more. */
	_exit(len == 1 ? 0 : 1);
}

int background_enter(void)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(ends[1]);
		wait_for_child(ends[0]);
	}
	close(ends[0]);
	log_connect();
	setsid();
	if (chdir("/") < 0)
		return -errno;
	return ends[1];
}

void background_silence(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
	log_leave_stderr();
}

void background_ready(int fd)
{
	assert(fd >= 0);
	background_silence();
	/* It fails if the parent was killed, and then nobody waits for it. */
	if (write(fd, "", 1) < 0)
		errno = 0;
	close(fd);
}
