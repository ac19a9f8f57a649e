// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <utlist.h>

#include "fs/daemon/aside.h"
#include "fs/session.h"
#include "fs/space.h"

#define SPACE_MS 1000

/* A request that waits. */
struct space_wait {
	struct space_wait *next;
	struct fs *fs;
	fuse_req_t req;
};

struct space {
	struct statvfs last;
	bool is_known;
	struct space_wait *waiting; /* utlist; empty: nothing is being asked */
};

struct space_question {
	struct question question;
	struct commons *commons;
	int dir_fd;
	struct statvfs space;
	bool failed;
};

/*
 * A disk that does not answer is not asked again until it does, or it would
 * have a thread for each time. It may answer when all else has ended.
 */
static atomic_bool is_asked;

static void ask(struct question *question)
{
	struct space_question *asked =
		container_of(question, struct space_question, question);

	is_asked = true;
	asked->failed = fstatvfs(asked->dir_fd, &asked->space) < 0;
	is_asked = false;
}

static void reply(const struct space *space, fuse_req_t req)
{
	if (space->is_known)
		fuse_reply_statfs(req, &space->last);
	else
		fuse_reply_err(req, EIO);
}

static void answered(struct question *question, bool in_time)
{
	struct space_question *asked =
		container_of(question, struct space_question, question);
	struct space *space = asked->commons->space;
	struct space_wait *wait;

	if (in_time && !asked->failed) {
		space->last = asked->space;
		space->last.f_namemax = STORE_NAME_SIZE;
		space->is_known = true;
	}
	while ((wait = space->waiting)) {
		LL_DELETE(space->waiting, wait);
		session_end_pending(wait->fs->session);
		reply(space, wait->req);
		free(wait);
	}
}

static bool begin(struct commons *commons)
{
	struct space_question *asked = calloc(1, sizeof(*asked));

	if (!asked)
		return false;
	asked->question.ask = ask;
	asked->question.answered = answered;
	asked->commons = commons;
	asked->dir_fd = commons->host->store.dir_fd;
	aside_ask(commons->aside, &asked->question, SPACE_MS);
	return true;
}

void space_reply(fuse_req_t req)
{
	struct fs *fs = fs_of(req);
	struct commons *commons = fs->commons;
	struct space_wait *wait = malloc(sizeof(*wait));
	struct space *space;

	if (!commons->space)
		commons->space = calloc(1, sizeof(*commons->space));
	space = commons->space;
	if (space && !space->waiting && is_asked) {
		free(wait);
		reply(space, req);
		return;
	}
	if (!wait || !space || (!space->waiting && !begin(commons))) {
		free(wait);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	wait->fs = fs;
	wait->req = req;
	LL_APPEND(space->waiting, wait);
	session_add_pending(fs->session);
}

void space_free(struct commons *commons)
{
	free(steal(&commons->space));
}
