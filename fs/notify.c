// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/log.h"
#include "fs/notify.h"

void notify(const char *state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	int fd;

	if (!len)
		return;
	if (len > sizeof(to.sun_path)) {
		log_line(LOG_ERR, "NOTIFY_SOCKET: the path is too long");
		return;
	}
	memcpy(to.sun_path, path, len);
	/* "@" is for the octet that an abstract name begins with. */
	if (*path == '@')
		to.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (struct sockaddr *)&to, size) < 0)
		log_line(LOG_ERR, "NOTIFY_SOCKET: %s: %s", path,
			 strerror(errno));
	if (fd >= 0)
		close(fd);
}
