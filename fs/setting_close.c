// SPDX-License-Identifier: Apache-2.0
/*
 * setting_close.c - a small text ends: closed, cut, or cleared by its name
 */
#include "fs/setattr.h"
#include "fs/setting_layout.h"

/* ---- Close ---- */

static bool is_open(const struct handle *handle)
{
	const struct setting_file *file = setting_of(handle);

	return !file->off &&
	       (file->text.len || (file->replaces && file->writes));
}

/*
 * A new file of one value, which a touch(1) has made, and nothing more. What is
 * opened to append may be a shell's that has not written yet: that counts when
 * it is closed for good.
 */
static bool is_touched(const struct handle *handle)
{
	const struct setting_file *file = setting_of(handle);

	return handle->node->created && !setting_kind_of(handle)->is_list &&
	       !file->writes && !file->was_taken && !(handle->flags & O_TRUNC);
}

/* Without a newline it is taken if it came in the only write. */
static void end_text(struct call *call, bool killed)
{
	struct setting_file *file = setting_of(call->handle);
	bool is_cut = setting_whole_lines(&file->text) < file->text.len;

	call->publishes = file->replaces;
	if (killed && is_open(call->handle))
		setting_refuse_for(
			call,
			"the writer was killed before it closed the file");
	else if (is_cut && file->writes > 1)
		setting_refuse_for(
			call, "no newline at the end, after several writes: "
			      "perhaps only half of it");
	else if (is_open(call->handle) || is_touched(call->handle))
		setting_take_all(
			call, file->replaces ||
				      !setting_kind_of(call->handle)->is_list);
	else
		call_finish(call, 0);
}

void setting_flush(struct call *call)
{
	struct handle *handle = call->handle;

	if (setting_of(handle)->off)
		call_finish(call, setting_of(handle)->off);
	else if (is_touched(handle) && !(handle->flags & O_APPEND))
		call_close(call, true, end_text);
	else if (is_open(handle))
		call_close(call, false, end_text);
	else
		call_finish(call, 0);
}

/* Opened to replace, and nothing was written: a list is empty then. */
static bool clears(const struct handle *handle)
{
	const struct setting_file *file = setting_of(handle);

	return file->replaces && !file->writes && !file->off && handle->flushed;
}

/* What was refused is told by the close once more. */
bool setting_is_pending(struct handle *handle)
{
	const struct setting_file *file = setting_of(handle);

	return file->off || file->replaces || is_open(handle) ||
	       is_touched(handle);
}

/* What is open here was not closed with a word: see editing_release(). */
void setting_release(struct call *call)
{
	const struct writers *writers = &call->handle->writers;

	if (clears(call->handle) ||
	    (call->handle->flushed && is_touched(call->handle))) {
		call_hold(call);
		setting_take_all(call, true);
	} else if (writers->unflushed && is_open(call->handle)) {
		call_hold(call);
		end_text(call, writers->killed);
	} else {
		call_finish(call, 0);
	}
}

/* ---- Truncate ---- */

static void restart(struct call *call)
{
	struct setting_file *file = setting_of(call->handle);

	setting_drop(call->handle);
	writers_restart(&call->handle->writers);
	file->replaces = setting_kind_of(call->handle)->is_list;
	file->off = 0;
	file->writes = 0;
	file->at = 0;
	call_finish(call, 0);
}

static void cut(struct call *call)
{
	struct setting_file *file = setting_of(call->handle);
	int r = file->replaces ? 0 : setting_load(call->handle);

	if (r < 0) {
		setting_refuse_place(call, r);
	} else if (call->offset > file->text.len) {
		setting_refuse_for(call, "longer than the text is");
	} else {
		writers_cut(&call->handle->writers, call->caller.pid);
		file->text.len = call->offset;
		file->writes++;
		call_finish(call, 0);
	}
}

void setting_truncate(struct call *call)
{
	struct setting_file *file = setting_of(call->handle);
	struct stat shown = {0};

	call->handle->writers.last = call->caller.pid;
	if (!call->offset) {
		restart(call);
		return;
	}
	text_file_attr(call->handle->fs, call->handle->node, &shown);
	/* Of one value the length says nothing. */
	if (!setting_kind_of(call->handle)->is_list ||
	    call->offset ==
		    (file->replaces ? file->text.len : (uint64_t)shown.st_size))
		call_finish(call, 0);
	else
		cut(call);
}

static void cleared(void *arg, int result, const struct refusal *why)
{
	struct pending *pending = arg;

	if (result < 0)
		setting_tell(pending->nodes[0], result, why);
	setattr_reply(pending, result);
}

void setting_clear(struct pending *pending)
{
	struct node *node = pending->nodes[0];

	if (node->kind->setting->is_list)
		node->kind->setting->take(node, true, "", 0, cleared, pending);
	else
		setattr_reply(pending, 0);
}
