// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/daemon/log.h"
#include "fs/daemon/notify.h"

#define NOTIFY_MS 1000

struct notification {
	struct question question;
	struct sockaddr_un to;
	socklen_t to_len;
	const char *state; /* static */
	int error;
};

/* On another thread: where the manager does not read, sendto() waits. */
static void ask(struct question *question)
{
	struct notification *sent =
		container_of(question, struct notification, question);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || sendto(fd, sent->state, strlen(sent->state), MSG_NOSIGNAL,
			     (struct sockaddr *)&sent->to, sent->to_len) < 0)
		sent->error = errno;
	if (fd >= 0)
		close(fd);
}

static void answered(struct question *question, bool in_time)
{
	struct notification *sent =
		container_of(question, struct notification, question);

	if (!in_time || sent->error)
		log_line(LOG_ERR, "NOTIFY_SOCKET: %s: %s",
			 getenv("NOTIFY_SOCKET"),
			 in_time ? strerror(sent->error) : "nobody reads it");
}

void notify(struct aside *aside, const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	struct notification *sent;

	if (!len)
		return;
	if (len > sizeof(sent->to.sun_path)) {
		log_line(LOG_ERR, "NOTIFY_SOCKET: the path is too long");
		return;
	}
	sent = calloc(1, sizeof(*sent));
	if (!sent) {
		log_line(LOG_ERR, "NOTIFY_SOCKET: %s", strerror(ENOMEM));
		return;
	}
	sent->question.ask = ask;
	sent->question.answered = answered;
	sent->state = state;
	sent->to.sun_family = AF_UNIX;
	memcpy(sent->to.sun_path, path, len);
	/* An abstract name begins with a zero, for which "@" stands. */
	if (*path == '@')
		sent->to.sun_path[0] = 0;
	sent->to_len =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	assert(sent->to_len <= sizeof(sent->to));
	aside_ask(aside, &sent->question, NOTIFY_MS);
}
