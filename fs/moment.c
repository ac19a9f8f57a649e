// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <utlist.h>

#include "fs/node.h"

#define TICK_MS 1000

/* So long one is kept, whatever it costs; and although the disk is full. */
#define YOUNG_MS 2000
#define FULL_MS	 5000

static uint64_t age_ms(const struct moment *moment)
{
	return uv_now(moment->fs->host->loop) - moment->since_ms;
}

static int measure(struct host *host, struct snapshot_size *out)
{
	struct snapshot *snapshot = host->snapshot;
	int r = snapshot_begin(snapshot);

	if (r < 0)
		return r;
	r = snapshot_measure(snapshot, out);
	snapshot_end(snapshot);
	return r;
}

static void let_go(struct moment *moment, const char *reason)
{
	char label[NODE_LABEL_SIZE];

	if (!moment->give_up(moment))
		return;
	moment_end(moment);
	moment->late = true;
	moment->fs->commons->moments.given_up++;
	node_label(moment->node, label, sizeof(label));
	anchor_fail(moment->node->anchor, label, 0, NULL, reason);
}

static void give_up_old(struct moments *moments)
{
	struct moment *moment, *next;
	char reason[128];

	snprintf(reason, sizeof(reason),
		 "reader-age=%" PRIu64 ": it was open for so many seconds, and "
		 "what it showed is no more; read it again",
		 moments->age_ms / 1000);
	DL_FOREACH_SAFE (moments->list, moment, next) {
		if (age_ms(moment) < moments->age_ms)
			return;
		let_go(moment, reason);
	}
}

/*
 * The oldest one is what keeps pages from being used again, so it is its user
 * who loses his, and the others are looked at anew: what has happened up to
 * now is nothing that they are to blame for.
 */
static void give_up_oldest_users(struct moments *moments, uint64_t young_ms,
				 const char *reason)
{
	struct moment *moment, *next;
	const struct fs *fs = moments->list->fs;
	uid_t uid = moments->list->uid;

	DL_FOREACH_SAFE (moments->list, moment, next) {
		if (age_ms(moment) < young_ms)
			return;
		if (moment->fs == fs && moment->uid == uid)
			let_go(moment, reason);
	}
}

/* What was kept stays spare and is used again: then the file grows no more. */
static void give_up_growing(struct moments *moments, uint64_t file_size)
{
	const struct moment *oldest = moments->list;
	char reason[128];

	if (age_ms(oldest) < YOUNG_MS || file_size <= oldest->file_size ||
	    file_size <= moments->file_size)
		return;
	moments->file_size = file_size;
	snprintf(reason, sizeof(reason),
		 "reader-spare=%" PRIu64 ": more octets than that were kept "
		 "for who reads what is no more; read it again",
		 moments->spare_max);
	give_up_oldest_users(moments, YOUNG_MS, reason);
}

/* It may have kept from others what a change needed. */
static void give_up_for_room(struct moments *moments, uint64_t met_full)
{
	const struct moment *oldest = moments->list;

	if (!oldest || age_ms(oldest) < FULL_MS ||
	    met_full == oldest->met_full || met_full == moments->met_full)
		return;
	moments->met_full = met_full;
	give_up_oldest_users(moments, FULL_MS,
			     "the disk was full, and what this showed is no "
			     "more; read it again");
}

static void on_tick(uv_timer_t *timer)
{
	struct moments *moments = timer->data;
	struct host *host = moments->host;
	struct snapshot_size size;

	give_up_old(moments);
	give_up_for_room(moments, host->met_full);
	if (moments->list && measure(host, &size) == 0 &&
	    size.file - size.used > moments->spare_max)
		give_up_growing(moments, size.file);
}

int moments_start(struct moments *moments, struct host *host, uint64_t age_s,
		  uint64_t spare_max)
{
	moments->host = host;
	moments->age_ms = age_s * 1000;
	moments->spare_max = spare_max;
	moments->timer.data = moments;
	return uv_timer_init(host->loop, &moments->timer);
}

int moment_open(struct moment *moment, struct fs *fs, uid_t uid,
		const struct node *node, moment_give_up *give_up)
{
	char label[NODE_LABEL_SIZE];
	int r;

	assert(!moment->fs);
	node_label(node, label, sizeof(label));
	r = share_take(fs, SHARE_READERS, uid, 1, node->anchor, label);
	if (r < 0)
		return r;
	*moment = (struct moment){
		.fs = fs,
		.uid = uid,
		.node = node,
		.give_up = give_up,
	};
	return 0;
}

void moment_close(struct moment *moment)
{
	if (!moment->fs)
		return;
	moment_end(moment);
	share_give(moment->fs, SHARE_READERS, moment->uid, 1);
	moment->fs = NULL;
}

void moment_begin(struct moment *moment)
{
	struct fs *fs = moment->fs;
	struct snapshot_size size = {0};
	struct moments *moments;

	assert(fs && !moment->keeps);
	moments = &fs->commons->moments;
	/* Not known, it is the one that has let it grow. */
	measure(fs->host, &size);
	moment->keeps = true;
	moment->late = false;
	moment->since_ms = uv_now(fs->host->loop);
	moment->file_size = size.file;
	moment->met_full = fs->host->met_full;
	DL_APPEND(moments->list, moment);
	if (!uv_is_active((uv_handle_t *)&moments->timer))
		uv_timer_start(&moments->timer, on_tick, TICK_MS, TICK_MS);
}

void moment_end(struct moment *moment)
{
	struct moments *moments;

	if (!moment->fs || !moment->keeps)
		return;
	moment->keeps = false;
	moments = &moment->fs->commons->moments;
	DL_DELETE(moments->list, moment);
	if (!moments->list)
		uv_timer_stop(&moments->timer);
}
