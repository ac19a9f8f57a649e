// SPDX-License-Identifier: Apache-2.0
/*
 * close.c - what a close makes of an edit: its last line, a replacement, or
 * nothing
 */
#include <assert.h>
#include <errno.h>

#include "fs/edit/layout.h"

/* ---- Publish what is staged ---- */

/* What was published stays so, whatever became of its time. */
static void on_dated(void *arg, int result, const struct refusal *refusal)
{
	(void)result;
	(void)refusal;
	edit_call_back(arg, 0);
}

static void on_published(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	edit_end_staged(edit);
	if (result < 0) {
		edit_refused(edit, result, refusal);
		return;
	}
	/* Published, the descriptor goes on as an appending one. */
	edit_become(edit, EDIT_APPENDS);
	edit->former.len = 0;
	if (!edit->dated) {
		edit_call_back(edit, 0);
		return;
	}
	edit->dated = false;
	nameserver_touch(edit->anchor, edit->mtime_ns, on_dated, edit);
}

static void publish(struct edit *edit)
{
	int r = edit->staging ? 0 : staging_new(&edit->staging, edit->anchor);

	if (r == 0 && edit->expects)
		staging_expect(edit->staging, &edit->began, -ESTALE);
	if (r < 0)
		edit_refused(edit, r, NULL);
	else
		staging_publish(steal(&edit->staging), &edit->scope,
				on_published, edit);
}

/*
 * Text was written, but no record: what a transfer that failed leaves, or the
 * wrong file. It is no line that is wrong, and more may come.
 */
static void publish_records(struct edit *edit)
{
	assert(edit->state == EDIT_STAGES);
	if (edit->records) {
		publish(edit);
		return;
	}
	edit_fail(edit,
		  "no record in it, so nothing is replaced; ': > records' "
		  "removes all");
	edit_tell(edit, -EINVAL);
}

/* ---- A close ---- */

static bool has_last_line(const struct edit *edit)
{
	return reader_tail(edit->reader) && !edit->tail_is_void;
}

static void end_call(struct edit *edit)
{
	edit_call_back(edit, 0);
}

/* It is told, and must not become the start of what somebody else writes. */
static void refuse_tail(struct edit *edit, const char *reason)
{
	reader_refuse_tail(edit->reader, reason);
	reader_drop_tail(edit->reader);
	edit_refused(edit, -EINVAL, NULL);
}

static void close_settled(struct edit *edit)
{
	const char *open = reader_open(edit->reader);
	bool stages = edit->state == EDIT_STAGES;

	if (edit->state == EDIT_OFF)
		edit_call_back(edit, edit->off);
	else if (has_last_line(edit) && edit->writes > 1)
		refuse_tail(edit, open ? open
				       : "no newline at the end, after several "
					 "writes: perhaps only half a line; "
					 "end it with one if it is whole");
	else if (has_last_line(edit))
		edit_take_tail(edit, stages ? publish_records : end_call);
	else if (stages && edit->staged)
		publish_records(edit);
	else
		edit_call_back(edit, 0);
}

void edit_flush(struct edit *edit, bool killed, edit_done *done, void *arg)
{
	bool pending = has_last_line(edit) || edit->staged || edit->former.len;

	edit_begin_call(edit, done, arg);
	if (killed && edit->state == EDIT_CLEARS)
		edit_become(edit, EDIT_SPARES);
	if (killed && pending)
		refuse_tail(edit, "the writer was killed before it closed the "
				  "file; what was not yet applied is dropped");
	else
		edit_settle(edit, close_settled);
}

/* ---- The last close ---- */

static void on_cleared(void *arg, int result, const struct refusal *refusal)
{
	struct edit *edit = arg;

	if (result < 0)
		edit_explain(edit, result, refusal);
	edit_call_back(edit, result);
}

void edit_finish(struct edit *edit, edit_done *done, void *arg)
{
	edit_begin_call(edit, done, arg);
	if (edit_clears(edit))
		staging_clear(edit->anchor, &edit->scope, &edit->began,
			      on_cleared, edit);
	else
		edit_call_back(edit, 0);
}

/* ---- All of it was written ---- */

static void publish_settled(struct edit *edit)
{
	if (edit->state == EDIT_OFF)
		edit_call_back(edit, edit->off);
	else if (reader_tail(edit->reader))
		edit_take_tail(edit, publish_records);
	else if (edit->state == EDIT_STAGES)
		publish_records(edit);
	else
		publish(edit);
}

void edit_publish(struct edit *edit, edit_done *done, void *arg)
{
	edit_begin_call(edit, done, arg);
	assert(edit_is_replacing(edit));
	edit_settle(edit, publish_settled);
}
