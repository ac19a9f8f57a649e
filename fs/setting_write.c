// SPDX-License-Identifier: Apache-2.0
/*
 * setting_write.c - a small text comes: where it goes, and what is whole of it
 *
 * A descriptor without O_APPEND and O_TRUNC has its own place. At the end of
 * what a list shows it appends; elsewhere it changes what is there, so that is
 * taken into the text first, which replaces the list when it is closed.
 */
#include <errno.h>

#include "fs/setting_layout.h"

/* ---- What is whole is taken ---- */

/* A failed write has written nothing. */
static void lines_taken(void *arg, int result, const struct refusal *why)
{
	struct call *call = arg;
	struct handle *handle = call->handle;
	struct setting_file *file = setting_of(handle);

	if (result < 0) {
		setting_wipe(handle, file->text.len - call->len);
		setting_tell(handle->node, result, why);
	} else {
		setting_drop_taken(handle, setting_whole_lines(&file->text));
	}
	call_finish(call, result);
}

static void add_lines(struct call *call)
{
	struct handle *handle = call->handle;
	struct setting_file *file = setting_of(handle);
	size_t len = setting_whole_lines(&file->text);

	if (len)
		setting_kind_of(handle)->take(handle->node, false,
					      (char *)file->text.data, len,
					      lines_taken, call);
	else
		call_finish(call, 0);
}

static void judge_lines(struct call *call)
{
	struct handle *handle = call->handle;
	const struct setting_kind *kind = setting_kind_of(handle);
	struct setting_file *file = setting_of(handle);
	size_t len = setting_whole_lines(&file->text);
	struct refusal why = {0};
	int r = 0;

	if (kind->judge && len)
		r = kind->judge(handle->node, (char *)file->text.data, len,
				&why);
	if (r < 0)
		setting_refuse(call, r, &why);
	else
		call_finish(call, 0);
}

static void take_value(struct call *call)
{
	const struct setting_kind *kind = setting_kind_of(call->handle);
	const struct buffer *text = &setting_of(call->handle)->text;
	const char *octets = (const char *)text->data;

	if (kind->is_whole ? kind->is_whole(octets, text->len)
			   : text->len && memchr(octets, '\n', text->len))
		setting_take_all(call, true);
	else
		call_finish(call, 0);
}

/* ---- Write ---- */

/* Where does it go? 0; -EINVAL: behind the end; -errno. */
static int find_place(const struct call *call, size_t *out)
{
	struct handle *handle = call->handle;
	struct setting_file *file = setting_of(handle);
	struct stat shown = {0};
	int r = 0;

	*out = file->text.len;
	if (handle->flags & O_APPEND)
		return 0;
	if (!setting_kind_of(handle)->is_list) {
		/* Whoever starts again means another value. */
		if (!call->offset)
			*out = 0;
		return 0;
	}
	if (!file->replaces && call->offset != file->at) {
		r = text_file_attr(handle->fs, handle->node, &shown);
		if (r < 0 || call->offset == (uint64_t)shown.st_size)
			return r;
		r = setting_load(handle);
	}
	if (file->replaces)
		*out = call->offset;
	return r < 0 || *out <= file->text.len ? r : -EINVAL;
}

static int put_text(const struct call *call, size_t place)
{
	struct handle *handle = call->handle;
	struct setting_file *file = setting_of(handle);
	size_t over = file->text.len - place;
	int r;

	if (place + call->len > setting_kind_of(handle)->max)
		return -EFBIG;
	if (!setting_kind_of(handle)->is_list && over)
		setting_wipe(handle, place);
	over = file->text.len - place;
	r = buffer_reserve(&file->text, call->len);
	if (r == 0)
		r = setting_share(handle);
	if (r < 0)
		return r;
	memcpy(file->text.data + place, call->data, call->len);
	if (call->len > over)
		file->text.len = place + call->len;
	return 0;
}

void setting_write(struct call *call)
{
	struct handle *handle = call->handle;
	struct setting_file *file = setting_of(handle);
	size_t place = 0;
	int r;

	if (file->off || (setting_kind_of(handle)->is_told && handle->copies)) {
		call_finish(call, file->off);
		return;
	}
	r = find_place(call, &place);
	if (r == 0)
		r = put_text(call, place);
	if (r < 0) {
		setting_refuse_place(call, r);
		return;
	}
	file->writes++;
	file->at = call->offset + call->len;
	if (!setting_kind_of(handle)->is_list)
		take_value(call);
	else if (file->replaces)
		judge_lines(call);
	else
		add_lines(call);
}
