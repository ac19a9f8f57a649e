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

static uint64_t age_ms(const struct fs *fs, const struct moment *moment)
{
	return uv_now(fs->host->loop) - moment->since_ms;
}

static int measure(struct fs *fs, struct snapshot_size *out)
{
	struct snapshot *snapshot = fs->host->snapshot;
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
	moment->fs->moments.given_up++;
	node_label(moment->node, label, sizeof(label));
	anchor_fail(moment->node->anchor, label, 0, NULL, reason);
}

static void give_up_old(struct fs *fs)
{
	struct moment *moment, *next;
	char reason[128];

	snprintf(reason, sizeof(reason),
		 "reader-age=%" PRIu64 ": it was open for so many seconds, and "
		 "what it showed is no more; read it again",
		 fs->moments.age_ms / 1000);
	DL_FOREACH_SAFE (fs->moments.list, moment, next) {
		if (age_ms(fs, moment) < fs->moments.age_ms)
			return;
		let_go(moment, reason);
	}
}

/*
 * The oldest one is what keeps pages from being used again, so it is its user
 * who loses his, and the others are looked at anew: what has happened up to
 * now is nothing that they are to blame for.
 */
static void give_up_oldest_users(struct fs *fs, uint64_t young_ms,
				 const char *reason)
{
	struct moment *moment, *next;
	uid_t uid = fs->moments.list->uid;

	DL_FOREACH_SAFE (fs->moments.list, moment, next) {
		if (age_ms(fs, moment) < young_ms)
			return;
		if (moment->uid == uid)
			let_go(moment, reason);
	}
}

/* What was kept stays spare and is used again: then the file grows no more. */
static void give_up_growing(struct fs *fs, uint64_t file_size)
{
	const struct moment *oldest = fs->moments.list;
	char reason[128];

	if (age_ms(fs, oldest) < YOUNG_MS || file_size <= oldest->file_size ||
	    file_size <= fs->moments.file_size)
		return;
	fs->moments.file_size = file_size;
	snprintf(reason, sizeof(reason),
		 "reader-spare=%" PRIu64 ": more octets than that were kept "
		 "for who reads what is no more; read it again",
		 fs->moments.spare_max);
	give_up_oldest_users(fs, YOUNG_MS, reason);
}

/* It may have kept from others what a change needed. */
static void give_up_for_room(struct fs *fs)
{
	const struct moment *oldest = fs->moments.list;
	uint64_t met_full = fs->host->met_full;

	if (!oldest || age_ms(fs, oldest) < FULL_MS ||
	    met_full == oldest->met_full || met_full == fs->moments.met_full)
		return;
	fs->moments.met_full = met_full;
	give_up_oldest_users(fs, FULL_MS,
			     "the disk was full, and what this showed is no "
			     "more; read it again");
}

static void on_tick(uv_timer_t *timer)
{
	struct fs *fs = timer->data;
	struct snapshot_size size;

	give_up_old(fs);
	give_up_for_room(fs);
	if (fs->moments.list && measure(fs, &size) == 0 &&
	    size.file - size.used > fs->moments.spare_max)
		give_up_growing(fs, size.file);
}

int moments_start(struct fs *fs, uint64_t age_s, uint64_t spare_max)
{
	struct moments *moments = &fs->moments;

	moments->age_ms = age_s * 1000;
	moments->spare_max = spare_max;
	moments->timer.data = fs;
	return uv_timer_init(fs->host->loop, &moments->timer);
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

	assert(fs && !moment->keeps);
	/* Not known, it is the one that has let it grow. */
	measure(fs, &size);
	moment->keeps = true;
	moment->late = false;
	moment->since_ms = uv_now(fs->host->loop);
	moment->file_size = size.file;
	moment->met_full = fs->host->met_full;
	DL_APPEND(fs->moments.list, moment);
	if (!uv_is_active((uv_handle_t *)&fs->moments.timer))
		uv_timer_start(&fs->moments.timer, on_tick, TICK_MS, TICK_MS);
}

void moment_end(struct moment *moment)
{
	struct fs *fs = moment->fs;

	if (!fs || !moment->keeps)
		return;
	moment->keeps = false;
	DL_DELETE(fs->moments.list, moment);
	if (!fs->moments.list)
		uv_timer_stop(&fs->moments.timer);
}
