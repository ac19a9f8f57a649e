// SPDX-License-Identifier: Apache-2.0
/*
 * text.c - the way of a text into an edit
 *
 * A write goes through three steps: the reader turns text into a change, the
 * writer's thread judges and applies or stages it, the callback tells the
 * caller. Long texts are read on a thread of the pool, so that they do
 * not hold the loop; the reader and the change are that thread's until then.
 *
 * The last line of a text that lacks its newline goes the same way, when a
 * close takes it (edit_take_tail()).
 */
#include <assert.h>
#include <errno.h>

#include "fs/edit/layout.h"

/* Octets: reading this much text takes well under a millisecond. */
#define EDIT_INLINE 16384
/* The kernel cuts a write into requests of at least this, and a rest. */
#define EDIT_LONG 65536
/*
 * A long write of a replacement is answered before it is judged, so that
 * reading text and judging records go on side by side, the one so many writes
 * ahead of the other. What is refused then meets a later write or the close:
 * who writes that much at a time looks at both.
 */
#define EDIT_AHEAD 4

/* ---- What was judged ---- */

static bool takes_tail(const struct edit *edit)
{
	return !edit->call.text;
}

static void accepted(struct edit *edit)
{
	edit_step *taken = edit->call.taken;

	assert(edit->state == EDIT_APPENDS || edit->state == EDIT_STAGES);
	edit->tail_is_void = false;
	if (edit->state == EDIT_STAGES)
		edit->staged++;
	if (!takes_tail(edit) && edit->at != EDIT_NOWHERE)
		edit->at += edit->call.len;
	edit->at_before = edit->at;
	if (taken)
		taken(edit);
	else
		edit_call_back(edit, 0);
}

/* A failed write has written nothing, its last line neither. */
static void undo_text(struct edit *edit)
{
	change_deinit(&edit->call.change);
	reader_undo(edit->reader);
}

static void on_applied(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	if (result < 0) {
		undo_text(edit);
		edit_refused(edit, result, refusal);
		return;
	}
	accepted(edit);
}

static void on_settled(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	if (result < 0)
		edit_refused(edit, result, refusal);
	else
		edit->call.settled(edit);
}

void edit_settle(struct edit *edit, edit_step *settled)
{
	edit->call.settled = settled;
	if (edit->staging)
		staging_settle(edit->staging, on_settled, edit);
	else
		settled(edit);
}

/* ---- The change to the writer ---- */

static unsigned ahead(const struct edit *edit)
{
	return !takes_tail(edit) && edit->call.len >= EDIT_LONG ? EDIT_AHEAD
								: 0;
}

/*
 * The kernel learns what became of `records` from a write that is one request;
 * a long one it may have cut into several, and a tail comes with a close.
 */
static const struct node *origin(const struct edit *edit)
{
	return !takes_tail(edit) && edit->call.len < EDIT_LONG ? edit->node
							       : NULL;
}

static void submit(struct edit *edit)
{
	bool stages = edit->state == EDIT_STAGES;
	struct change *change = &edit->call.change;
	int r = 0;

	assert(stages || edit->state == EDIT_APPENDS);
	if (edit->anchor->gone)
		r = -ENODEV;
	else if (stages && !edit->staging)
		r = staging_new(&edit->staging, edit->anchor);
	if (r < 0) {
		on_applied(edit, r, NULL);
	} else if (!change->count) {
		accepted(edit);
	} else if (stages) {
		edit->records += change->count;
		staging_add(edit->staging, change, ahead(edit), on_applied,
			    edit);
	} else {
		nameserver_edit(edit->anchor, change, &edit->scope,
				origin(edit), on_applied, edit);
	}
}

/* ---- The text into a change ---- */

/* A thread of the pool, or the main loop. */
static void read_text(struct edit *edit)
{
	struct edit_call *call = &edit->call;

	if (takes_tail(edit))
		call->result = reader_end(edit->reader, &call->change);
	else
		call->result = reader_feed(edit->reader, call->text, call->len,
					   &call->change);
}

static void read_in_pool(struct pool_work *work)
{
	read_text(container_of(work, struct edit, call.work));
}

static void refuse_text(struct edit *edit)
{
	edit_refused(edit, edit->call.result, NULL);
}

/* There is no room for what was read; share_take() has told so. */
static void refuse_room(struct edit *edit)
{
	undo_text(edit);
	edit_refused_as_told(edit, edit->call.result);
}

static int share_staged(struct edit *edit)
{
	uint64_t octets = edit->call.change.items.len;
	int r = share_take(edit->fs, SHARE_STAGED_SIZE, edit->uid, octets,
			   edit->anchor, edit->label);

	if (r == 0)
		edit->staged_octets += octets;
	return r;
}

static void have_read(struct edit *edit)
{
	int r = edit->call.result;

	/* A line before it may be refused yet, and is the one to tell of. */
	if (r < 0) {
		edit_settle(edit, refuse_text);
		return;
	}
	r = edit_share_text(edit);
	if (r == 0 && edit->state == EDIT_STAGES)
		r = share_staged(edit);
	edit->call.result = r;
	if (r < 0)
		edit_settle(edit, refuse_room);
	else
		submit(edit);
}

static void after_read(struct pool_work *work)
{
	struct edit *edit = container_of(work, struct edit, call.work);
	struct host *host = edit->fs->host;
	struct receipt before;

	receipt_enter(host, &edit->call.receipt, &before);
	have_read(edit);
	receipt_leave(host, &before);
}

static void take(struct edit *edit)
{
	struct edit_call *call = &edit->call;

	call->receipt = *receipt_at_hand(edit->fs->host);
	if (call->len > EDIT_INLINE) {
		pool_submit(edit->fs->commons->pool, &call->work, read_in_pool,
			    after_read);
		return;
	}
	read_text(edit);
	have_read(edit);
}

void edit_take_tail(struct edit *edit, edit_step *taken)
{
	edit->call.text = NULL;
	edit->call.len = reader_tail(edit->reader);
	edit->call.taken = taken;
	take(edit);
}

void edit_write(struct edit *edit, const char *text, size_t len,
		edit_done *done, void *arg)
{
	assert(text);
	edit_begin_call(edit, done, arg);
	if (edit->state == EDIT_OFF) {
		edit_call_back(edit, edit->off);
		return;
	}
	if (edit->state == EDIT_CLEARS || edit->state == EDIT_SPARES)
		edit_become(edit, EDIT_STAGES);
	edit->writes++;
	edit->call.text = text;
	edit->call.len = len;
	take(edit);
}
