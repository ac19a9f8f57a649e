// SPDX-License-Identifier: Apache-2.0
/*
 * refuse.c - a call on an edit fails: what becomes of it, and who is told what
 *
 * `error` gets its line first. Then a replacement is off. Last, records that
 * were removed to be replaced are put back, as a replacement of that name that
 * takes effect only if nobody else has written there since; and only when that
 * is on disk, the call is answered.
 */
#include <assert.h>
#include <errno.h>

#include "fs/edit/layout.h"

/* ---- The line in `error` ---- */

void edit_fail(struct edit *edit, const char *reason)
{
	anchor_fail(edit->anchor, edit->label, 0, NULL, reason);
}

void edit_explain(struct edit *edit, int result, const struct refusal *refusal)
{
	if (!refusal && result == -EINVAL)
		refusal = reader_error(edit->reader);
	if (refusal)
		anchor_refuse(edit->anchor, edit->label, refusal);
	else if (result == -ESTALE)
		edit_fail(edit,
			  "it has changed since it was read, and a part of "
			  "what was read would come back; read it again");
	else
		edit_fail(edit, strerror(-result));
}

/* ---- What was removed comes back ---- */

static void on_put_back(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;
	struct host *host = edit->fs->host;
	struct receipt before;

	(void)refusal;
	if (result < 0)
		edit_fail(edit, "what was removed cannot be put back");
	receipt_enter(host, &edit->call.receipt, &before);
	edit_call_back(edit, edit->call.result);
	receipt_leave(host, &before);
}

static void on_former_staged(void *arg, int result,
			     const struct refusal *refusal)
{
	/* Not over what somebody else has written there since. */
	static const struct rrsets none;
	struct staging_mark removed = {
		.changes = UINT64_MAX,
		.any_time = true,
		.owner_digest = rrsets_digest(none),
	};
	struct edit *edit = arg;

	if (result < 0) {
		edit_drop_staging(edit);
		on_put_back(edit, result, refusal);
		return;
	}
	staging_expect(edit->staging, &removed, 0);
	staging_publish(steal(&edit->staging), &edit->scope, on_put_back, edit);
}

static void put_back(struct edit *edit)
{
	CLEANUP(buffer_deinit) struct buffer former = edit->former;
	CLEANUP(change_deinit) struct change change = {0};
	static const struct receipt none;
	struct receipt before;
	struct reader *reader;
	int r = edit_new_reader(edit, &reader);

	/* Without an owner all records would be replaced by those of one. */
	assert(edit->scope.kind == SCOPE_OWNER);
	edit->former = (struct buffer){0};
	/* It undoes what that call's file has done, and is no call's. */
	edit->call.receipt = *receipt_at_hand(edit->fs->host);
	receipt_enter(edit->fs->host, &none, &before);
	if (r == 0) {
		r = reader_feed(reader, (const char *)former.data, former.len,
				&change);
		reader_free(reader);
	}
	edit_drop_staging(edit);
	if (r == 0)
		r = staging_new(&edit->staging, edit->anchor);
	if (r < 0)
		on_put_back(edit, r, NULL);
	else
		staging_add(edit->staging, &change, 0, on_former_staged, edit);
	receipt_leave(edit->fs->host, &before);
}

/* ---- The end of a call that fails ---- */

static void turn_off(struct edit *edit, int result)
{
	if (!edit_is_replacing(edit))
		return;
	edit_become(edit, EDIT_OFF);
	edit->off = result;
	edit_drop_staging(edit);
}

void edit_tell(struct edit *edit, int result)
{
	assert(result < 0);
	edit->call.result = result;
	if (edit_is_replacing(edit) && edit->former.len)
		put_back(edit);
	else
		edit_call_back(edit, result);
}

void edit_refused_as_told(struct edit *edit, int result)
{
	edit->tail_is_void = true;
	/* A place where nothing was taken is none. */
	if (!edit_is_replacing(edit))
		edit->at = edit->at_before;
	turn_off(edit, result);
	edit_tell(edit, result);
}

void edit_refused(struct edit *edit, int result, const struct refusal *refusal)
{
	edit_explain(edit, result, refusal);
	edit_refused_as_told(edit, result);
}

void edit_refuse(struct edit *edit, int result, edit_done *done, void *arg)
{
	edit_begin_call(edit, done, arg);
	turn_off(edit, result);
	edit_tell(edit, result);
}
