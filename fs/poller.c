// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <utlist.h>

#include "fs/poller.h"
#include "fs/relay.h"

struct poller {
	struct fs *fs;
	struct poller *prev, *next;   /* in commons->pollers */
	const struct anchor *anchor;  /* the node's, whose handle this is of */
	struct fuse_pollhandle *poll; /* NULL: nobody waits */
	bool is_of_status;	      /* what is known of peers counts, too */
	bool changed;
};

void poll_keep(struct fuse_pollhandle **kept, struct fuse_pollhandle *poll)
{
	if (!poll)
		return;
	if (*kept)
		fuse_pollhandle_destroy(*kept);
	*kept = poll;
}

void poll_wake(struct fs *fs, struct fuse_pollhandle **kept)
{
	struct fs *before;

	if (!*kept)
		return;
	before = relay_enter(fs);
	fuse_lowlevel_notify_poll(*kept);
	relay_leave(fs, before);
	fuse_pollhandle_destroy(*kept);
	*kept = NULL;
}

int poller_new(struct poller **out, struct fs *fs, const struct node *node,
	       bool is_of_status)
{
	struct poller *poller = calloc(1, sizeof(*poller));

	if (!poller)
		return -ENOMEM;
	poller->fs = fs;
	poller->anchor = node->anchor;
	poller->is_of_status = is_of_status;
	DL_APPEND(fs->commons->pollers, poller);
	*out = poller;
	return 0;
}

void poller_free(struct poller *poller)
{
	if (!poller)
		return;
	DL_DELETE(poller->fs->commons->pollers, poller);
	poll_wake(poller->fs, &poller->poll);
	free(poller);
}

void poller_read(struct poller *poller)
{
	if (poller)
		poller->changed = false;
}

void poller_reply(struct poller *poller, fuse_req_t req,
		  struct fuse_pollhandle *poll)
{
	unsigned events = POLLIN | POLLRDNORM;

	poll_keep(&poller->poll, poll);
	if (poller->changed)
		events |= POLLPRI;
	if (poller->anchor->gone)
		events |= POLLPRI | POLLERR;
	fuse_reply_poll(req, events);
}

void poller_status_changed(struct commons *commons,
			   const struct anchor *anchor)
{
	struct poller *poller;

	DL_FOREACH (commons->pollers, poller) {
		if (poller->anchor != anchor || !poller->is_of_status)
			continue;
		poller->changed = true;
		poll_wake(poller->fs, &poller->poll);
	}
}

void poller_changed(struct commons *commons, const struct anchor *anchor)
{
	struct poller *poller;

	DL_FOREACH (commons->pollers, poller) {
		if (poller->anchor != anchor)
			continue;
		poller->changed = true;
		poll_wake(poller->fs, &poller->poll);
	}
}
