// SPDX-License-Identifier: Apache-2.0
/*
 * editing.c - what an open file that takes records is given
 *
 * Each call decides anew what it is: a rewrite, once there is one; else the
 * edit's, which there always is. Whatever is refused turns both off, as one
 * refused line does.
 */
#include <assert.h>
#include <errno.h>

#include "fs/attr.h"
#include "fs/editing.h"

/* So much text is read and published within a millisecond or two. */
#define HOLD_OCTETS 65536

static struct editing *editing_of(const struct call *call)
{
	struct editing *editing =
		call->handle->node->kind->editing(call->handle);

	assert(editing->edit);
	return editing;
}

int editing_open(struct handle *handle)
{
	struct editing *editing = handle->node->kind->editing(handle);

	return edit_new(&editing->edit, handle->fs, handle->node, handle->uid,
			handle->flags & O_TRUNC);
}

void editing_close(struct handle *handle)
{
	struct editing *editing = handle->node->kind->editing(handle);

	editing->edit = edit_free(editing->edit);
	editing->rewrite = rewrite_free(editing->rewrite);
}

void editing_was_read(struct handle *handle)
{
	struct editing *editing = handle->node->kind->editing(handle);
	struct scope scope;

	node_scope(handle->node, &scope);
	if (editing->edit)
		editing->was_read =
			staging_mark(&editing->seen, handle->node->anchor,
				     &scope) == 0;
}

bool editing_replaces(const struct editing *editing)
{
	return editing->rewrite ||
	       (editing->edit && edit_is_replacing(editing->edit));
}

uint64_t editing_size(const struct editing *editing)
{
	assert(editing_replaces(editing));
	return editing->rewrite ? rewrite_size(editing->rewrite)
				: edit_at(editing->edit);
}

void editing_set_time(struct editing *editing, int64_t mtime_ns)
{
	if (editing->rewrite)
		rewrite_set_time(editing->rewrite, mtime_ns);
	else if (editing->edit)
		edit_set_time(editing->edit, mtime_ns);
}

/* ---- What is refused, and the change that is given up ---- */

static void refuse(struct call *call, int result, const char *act,
		   const char *reason)
{
	struct editing *editing = editing_of(call);
	struct handle *handle = call->handle;

	node_refuse(handle->fs, handle->node, act, reason);
	if (editing->rewrite)
		rewrite_refuse(editing->rewrite, result);
	edit_refuse(editing->edit, result, call_finish, call);
}

static void refuse_hole(struct call *call)
{
	refuse(call, -EINVAL, "write",
	       "behind the end of the text: a file with a hole is no zone "
	       "file");
}

static void drop_rewrite(struct editing *editing)
{
	editing->rewrite = rewrite_free(editing->rewrite);
}

/* ---- The text that the file shows, to be changed ---- */

static void begin_rewrite(struct call *call, rewrite_done *done)
{
	struct editing *editing = editing_of(call);
	struct handle *handle = call->handle;
	struct staging_mark seen = editing->seen;
	struct scope scope;
	int r = 0;

	node_scope(handle->node, &scope);
	if (!editing->was_read)
		r = staging_mark(&seen, handle->node->anchor, &scope);
	if (r < 0)
		done(call, r);
	else
		rewrite_new(&editing->rewrite, handle->fs, handle->node, &seen,
			    &call->caller, done, call);
}

/* ---- Write ---- */

static void change(struct call *call)
{
	struct rewrite *rewrite = editing_of(call)->rewrite;
	int r = rewrite_write(rewrite, call->data, call->len, call->offset);

	if (r == -EINVAL) {
		refuse_hole(call);
		return;
	}
	if (r < 0)
		rewrite_refuse(rewrite, r);
	call_finish(call, r);
}

static void have_text_to_change(void *arg, int result)
{
	struct call *call = arg;
	struct editing *editing = editing_of(call);

	if (result < 0) {
		refuse(call, result, "write", strerror(-result));
		return;
	}
	/* It is shorter than it was: then nothing is changed. */
	if (call->offset > rewrite_size(editing->rewrite)) {
		drop_rewrite(editing);
		refuse_hole(call);
		return;
	}
	change(call);
}

/*
 * A descriptor that keeps its own place adds at the end of what it shows, or
 * where its last write ended; elsewhere it changes what is there.
 */
static void write_at_place(struct call *call)
{
	struct handle *handle = call->handle;
	struct edit *edit = editing_of(call)->edit;
	struct stat attr = {0};
	int r = 0;

	if (call->offset != edit_at(edit))
		r = attr_get(handle->fs, handle->node, &attr);
	else
		attr.st_size = (off_t)call->offset;
	if (r < 0) {
		call_finish(call, r);
	} else if (call->offset == (uint64_t)attr.st_size) {
		edit_resume(edit, call->offset);
		edit_write(edit, call->data, call->len, call_finish, call);
	} else if (call->offset > (uint64_t)attr.st_size) {
		refuse_hole(call);
	} else if (edit_is_open(edit)) {
		refuse(call, -EINVAL, "write",
		       "elsewhere, while a line waits for its end");
	} else {
		begin_rewrite(call, have_text_to_change);
	}
}

/* The kernel's offset means nothing to a descriptor with O_APPEND. */
void editing_write(struct call *call)
{
	struct editing *editing = editing_of(call);
	struct edit *edit = editing->edit;
	bool keeps_place = !(call->handle->flags & O_APPEND);

	if (editing->rewrite)
		change(call);
	else if (keeps_place && !edit_is_replacing(edit))
		write_at_place(call);
	else if (keeps_place && call->offset != edit_at(edit))
		refuse(call, -EINVAL, "write",
		       "not where the last write ended: a replacement is "
		       "written from its start to its end");
	else
		edit_write(edit, call->data, call->len, call_finish, call);
}

/* ---- Close ---- */

/* A close may end something: a replacement, a change, or a line. */
static bool is_open(const struct editing *editing)
{
	return editing->rewrite ||
	       (editing->edit && edit_is_open(editing->edit));
}

bool editing_is_pending(struct handle *handle)
{
	return is_open(handle->node->kind->editing(handle));
}

static void published(void *arg, int result)
{
	struct call *call = arg;
	struct editing *editing = editing_of(call);

	/* What is written behind it, is added to it. */
	if (result == 0)
		edit_resume(editing->edit, rewrite_size(editing->rewrite));
	drop_rewrite(editing);
	call_finish(call, result);
}

static void end_text(struct call *call, bool killed)
{
	struct editing *editing = editing_of(call);

	call->publishes = editing_replaces(editing);
	if (editing->rewrite && killed) {
		drop_rewrite(editing);
		refuse(call, -EINVAL, "write",
		       "the writer was killed before it closed the file; "
		       "what it changed is dropped");
	} else if (editing->rewrite) {
		rewrite_publish(editing->rewrite, published, call);
	} else {
		edit_flush(editing->edit, killed, call_finish, call);
	}
}

void editing_flush(struct call *call)
{
	struct handle *handle = call->handle;
	struct editing *editing = handle->node->kind->editing(handle);

	if (is_open(editing))
		call_close(call, edit_clears(editing->edit), end_text);
	else
		call_finish(call, 0);
}

/*
 * Nobody has closed it: who opened it was killed before he had a descriptor, as
 * he waited in the kernel for others who opened it. Or he had none but in a
 * ring of io_uring(7), which closes without a word.
 */
static void was_never_open(struct call *call)
{
	const struct handle *handle = call->handle;

	node_refuse(handle->fs, handle->node, "open",
		    "who opened it to replace it was killed, or closed it "
		    "without a word; nothing is removed");
	call_finish(call, 0);
}

/*
 * With anything left to do here, the last close was none that told of itself:
 * of a ring of io_uring(7), or of another thread than the one that had cut.
 */
void editing_release(struct call *call)
{
	struct handle *handle = call->handle;
	struct editing *editing = handle->node->kind->editing(handle);
	struct rewrite *rewrite = editing->rewrite;
	bool clears = editing->edit && edit_clears(editing->edit);

	if (clears && !handle->flushed) {
		was_never_open(call);
	} else if (clears) {
		if (!rewrite || rewrite_size(rewrite) <= HOLD_OCTETS)
			call_hold(call);
		edit_finish(editing->edit, call_finish, call);
	} else if (handle->writers.unflushed && is_open(editing)) {
		if (!rewrite || rewrite_size(rewrite) <= HOLD_OCTETS)
			call_hold(call);
		end_text(call, handle->writers.killed);
	} else {
		call_finish(call, 0);
	}
}

/* ---- Truncate ---- */

static const char too_long[] =
	"longer than the text is; write a whole file and rename it over";

static void restart(struct call *call)
{
	struct editing *editing = editing_of(call);

	drop_rewrite(editing);
	writers_restart(&call->handle->writers);
	call_finish(call, edit_truncate(editing->edit));
}

static void cut(struct call *call)
{
	struct rewrite *rewrite = editing_of(call)->rewrite;
	int r = rewrite_truncate(rewrite, call->offset);

	writers_cut(&call->handle->writers, call->caller.pid);
	if (r == -EINVAL) {
		refuse(call, r, "truncate", too_long);
		return;
	}
	if (r < 0)
		rewrite_refuse(rewrite, r);
	call_finish(call, r);
}

static void have_text_to_cut(void *arg, int result)
{
	struct call *call = arg;
	struct editing *editing = editing_of(call);

	if (result < 0) {
		refuse(call, result, "truncate", strerror(-result));
		return;
	}
	if (call->offset > rewrite_size(editing->rewrite)) {
		drop_rewrite(editing);
		refuse(call, -EINVAL, "truncate", too_long);
		return;
	}
	cut(call);
}

/* Neither to 0, nor to what was written so far: a part of what it shows. */
static void truncate_text(struct call *call)
{
	struct handle *handle = call->handle;
	struct stat attr;
	int r = attr_get(handle->fs, handle->node, &attr);

	if (r < 0)
		call_finish(call, r);
	else if (call->offset == (uint64_t)attr.st_size)
		call_finish(call, 0);
	else if (call->offset > (uint64_t)attr.st_size)
		refuse(call, -EINVAL, "truncate", too_long);
	else
		begin_rewrite(call, have_text_to_cut);
}

void editing_truncate(struct call *call)
{
	struct editing *editing = editing_of(call);

	call->handle->writers.last = call->caller.pid;
	if (!call->offset)
		restart(call);
	else if (editing->rewrite)
		cut(call);
	else if (call->offset == edit_at(editing->edit))
		call_finish(call, 0); /* what was written so far */
	else if (edit_is_open(editing->edit))
		refuse(call, -EINVAL, "truncate",
		       "neither to 0 nor to what was written so far; write a "
		       "whole file and rename it over");
	else
		truncate_text(call);
}
