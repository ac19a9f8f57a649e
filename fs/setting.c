// SPDX-License-Identifier: Apache-2.0
/*
 * setting.c - files of a small text that takes effect as a whole: the text so
 * far, what is refused of it, and when it is taken
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>

#include "fs/setting_layout.h"

/* Not yet anywhere. */
#define NOWHERE UINT64_MAX

size_t setting_trim(const char **text, size_t len)
{
	static const char blanks[] = " \t\r\n";

	while (len && **text && strchr(blanks, **text)) {
		(*text)++;
		len--;
	}
	while (len && (*text)[len - 1] && strchr(blanks, (*text)[len - 1]))
		len--;
	return len;
}

/* ---- The text so far ---- */

/* Less of it always can be. */
int setting_share(struct handle *handle)
{
	struct setting_file *file = setting_of(handle);
	uint64_t octets = file->text.cap, held = file->held;
	char label[NODE_LABEL_SIZE];
	int r = 0;

	node_label(handle->node, label, sizeof(label));
	if (octets > held)
		r = share_take(handle->fs, SHARE_TEXT_SIZE, handle->uid,
			       octets - held, handle->node->anchor, label);
	else
		share_give(handle->fs, SHARE_TEXT_SIZE, handle->uid,
			   held - octets);
	if (r == 0)
		file->held = octets;
	return r;
}

void setting_wipe(struct handle *handle, size_t from)
{
	struct setting_file *file = setting_of(handle);

	assert(from <= file->text.len);
	if (setting_kind_of(handle)->is_secret)
		sodium_memzero(file->text.data + from, file->text.len - from);
	file->text.len = from;
}

void setting_drop(struct handle *handle)
{
	struct setting_file *file = setting_of(handle);

	if (file->text.data)
		setting_wipe(handle, 0);
	buffer_deinit(&file->text);
	setting_share(handle);
}

/* Without the first octets, which were taken. */
void setting_drop_taken(struct handle *handle, size_t len)
{
	struct setting_file *file = setting_of(handle);
	size_t left = file->text.len - len;

	assert(len <= file->text.len);
	memmove(file->text.data, file->text.data + len, left);
	setting_wipe(handle, left);
	if (!left)
		setting_drop(handle);
}

/* What the file shows becomes the text, to be changed. */
int setting_load(struct handle *handle)
{
	struct setting_file *file = setting_of(handle);
	int r;

	if (file->text.len)
		return -EINVAL;
	r = handle->node->kind->render(handle->fs, handle->node, &file->text);
	if (r == 0)
		r = setting_share(handle);
	if (r < 0)
		setting_drop(handle);
	file->replaces = r == 0;
	return r;
}

/* Octets up to the last newline, and that. */
size_t setting_whole_lines(const struct buffer *text)
{
	size_t len = text->len;

	while (len && text->data[len - 1] != '\n')
		len--;
	return len;
}

/* ---- What is refused ---- */

void setting_tell(struct node *node, int result, const struct refusal *why)
{
	char label[NODE_LABEL_SIZE];

	node_label(node, label, sizeof(label));
	if (why && why->reason[0])
		anchor_refuse(node->anchor, label, why);
	else
		anchor_fail(node->anchor, label, 0, NULL, strerror(-result));
}

/*
 * Who removes the file and makes it anew brings back a backup: what was true
 * then may be behind by now, and the rest of it is wanted all the same.
 */
static bool is_of_old(const struct handle *handle, int result)
{
	return result == -ERANGE && handle->made &&
	       setting_kind_of(handle)->is_told;
}

/* A replacement is off; what waits for more is nobody's. */
void setting_refuse(struct call *call, int result, const struct refusal *why)
{
	struct setting_file *file = setting_of(call->handle);

	setting_tell(call->handle->node, result, why);
	if (file->replaces || !setting_kind_of(call->handle)->is_list)
		setting_drop(call->handle);
	if (file->replaces)
		file->off = result;
	call_finish(call, is_of_old(call->handle, result) ? 0 : result);
}

void setting_refuse_for(struct call *call, const char *reason)
{
	struct refusal why = {0};

	refusal_set(&why, -EINVAL, "%s", reason);
	setting_refuse(call, -EINVAL, &why);
}

void setting_refuse_place(struct call *call, int result)
{
	if (result == -EFBIG)
		setting_refuse_for(call, "longer than any that is right");
	else if (result == -EINVAL)
		setting_refuse_for(call, "not where the last write ended");
	else
		setting_refuse(call, result, NULL);
}

/* ---- It is taken ---- */

static void taken(void *arg, int result, const struct refusal *why)
{
	struct call *call = arg;
	struct setting_file *file = setting_of(call->handle);

	if (result < 0) {
		setting_refuse(call, result, why);
		return;
	}
	setting_drop(call->handle);
	file->was_taken = true;
	file->replaces = false;
	file->writes = 0;
	call_finish(call, 0);
}

void setting_take_all(struct call *call, bool replaces)
{
	struct handle *handle = call->handle;
	struct setting_file *file = setting_of(handle);

	setting_kind_of(handle)->take(handle->node, replaces,
				      file->text.len ? (char *)file->text.data
						     : "",
				      file->text.len, taken, call);
}

/* ---- Open files ---- */

int setting_open(struct handle *handle)
{
	struct setting_file *file = setting_of(handle);

	file->replaces =
		handle->flags & O_TRUNC && setting_kind_of(handle)->is_list;
	file->at = file->replaces ? 0 : NOWHERE;
	return 0;
}

void setting_close(struct handle *handle)
{
	setting_drop(handle);
	text_file_close(handle);
}

bool setting_replaces(struct handle *handle)
{
	const struct setting_file *file = setting_of(handle);

	return handle_writes(handle) &&
	       (file->replaces || file->writes || handle->flags & O_TRUNC);
}

bool setting_kept_size(struct handle *handle, uint64_t *out)
{
	const struct setting_file *file = setting_of(handle);

	if (!file->replaces)
		return false;
	*out = file->text.len;
	return true;
}
