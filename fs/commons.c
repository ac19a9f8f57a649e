// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdlib.h>
#include <utlist.h>

#include "fs/drafts.h"
#include "fs/file_metrics.h"
#include "fs/poller.h"
#include "fs/relay.h"
#include "fs/space.h"
#include "fs/watch.h"

int commons_start(struct commons *commons, uint64_t reader_age,
		  uint64_t reader_spare)
{
	struct host *host = commons->host;
	int r = turns_start(&commons->turns, host->loop);

	commons->started_ns = host_now_ns();
	return r < 0 ? r
		     : moments_start(&commons->moments, host, reader_age,
				     reader_spare);
}

void commons_end(struct commons *commons)
{
	assert(!commons->views && !commons->feeds && !commons->pollers);
	commons->relay = relay_free(commons->relay);
	file_metrics_end(commons);
	drafts_unlink_all(commons, NULL);
	turns_end(&commons->turns);
	space_free(commons);
	shares_deinit(&commons->shares);
}

/* ---- A change that several views have to be told of ---- */

/* Whoever made it hears of it when all have forgotten what they believed. */
struct telling {
	size_t left; /* of those that do so later; and the loop over them */
	void (*told)(void *arg);
	void *arg;
};

/* Return: whether that was the last one. */
static bool end_one(struct telling *telling)
{
	assert(telling->left > 0);
	if (--telling->left)
		return false;
	free(telling);
	return true;
}

static void view_told(void *arg)
{
	struct telling *telling = arg;
	void (*told)(void *arg) = telling->told;
	void *told_arg = telling->arg;

	if (end_one(telling))
		told(told_arg);
}

/*
 * A view that still forgets for an earlier change of this anchor does so for
 * this one after it; so changes of one anchor are told of in their order.
 */
static bool tell_views(struct commons *commons, struct anchor *anchor,
		       const void *origin, struct telling *telling)
{
	struct fs *fs;

	telling->left = 1;
	DL_FOREACH (commons->views, fs) {
		if (!listed_any(fs))
			continue;
		telling->left++;
		if (listed_changed(fs, anchor, origin, view_told, telling))
			telling->left--;
	}
	return end_one(telling);
}

/* Without memory to wait for them: what a kernel does not know yet is left. */
static void forget_at_once(struct commons *commons, struct anchor *anchor,
			   const void *origin)
{
	struct fs *fs;

	DL_FOREACH (commons->views, fs)
		listed_forget_at_once(fs, anchor, origin);
}

void commons_dir_changed(struct commons *commons, const struct anchor *anchor)
{
	struct fs *fs;

	if (!commons->views || !commons->views->next)
		return;
	DL_FOREACH (commons->views, fs)
		listed_forget_dir(fs, &dir_anchor, anchor);
}

void commons_status_changed(void *arg, struct anchor *anchor)
{
	poller_status_changed(arg, anchor);
}

bool commons_changed(void *arg, struct anchor *anchor, const void *origin,
		     void (*told)(void *told_arg), void *told_arg)
{
	struct commons *commons = arg;
	struct telling *telling;

	watch_changed(commons, anchor);
	poller_changed(commons, anchor);
	if (!commons->views)
		return true;
	if (!commons->views->next)
		return listed_changed(commons->views, anchor, origin, told,
				      told_arg);
	/* What is made or removed is also an entry of the one above. */
	commons_dir_changed(commons, anchor);
	if (anchor->parent)
		commons_dir_changed(commons, anchor->parent);
	telling = malloc(sizeof(*telling));
	if (!telling) {
		forget_at_once(commons, anchor, origin);
		return true;
	}
	*telling = (struct telling){.told = told, .arg = told_arg};
	return tell_views(commons, anchor, origin, telling);
}
