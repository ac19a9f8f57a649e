// SPDX-License-Identifier: Apache-2.0
/*
 * file_error.c - `error`: the last failures; whatever is written clears them
 */
#include "fs/call.h"
#include "fs/setattr.h"
#include "fs/text_view.h"

static int error_attr(struct fs *fs, struct node *node, struct stat *st)
{
	(void)fs;
	st->st_size = (off_t)error_ring_len(&node->anchor->errors);
	return 0;
}

static int error_render(struct fs *fs, const struct node *node,
			struct buffer *out)
{
	(void)fs;
	return error_ring_print(&node->anchor->errors, out);
}

static void error_clear(struct pending *pending)
{
	error_ring_clear(&pending->nodes[0]->anchor->errors);
	setattr_reply(pending, 0);
}

static int error_open(struct handle *handle)
{
	if (handle->flags & O_TRUNC)
		error_ring_clear(&handle->node->anchor->errors);
	return 0;
}

/* A write, or a truncation, to whatever size. */
static void error_change(struct call *call)
{
	error_ring_clear(&call->handle->node->anchor->errors);
	call_finish(call, 0);
}

const struct node_kind file_error = {
	.name = "error",
	.number = 3,
	.in_host = true,
	.in_server = true,
	.mask = 0666,
	.attr = error_attr,
	.clear = error_clear,
	.open_size = sizeof(struct text_file),
	.open = error_open,
	.close = text_file_close,
	.read = text_file_read,
	.write = error_change,
	.truncate = error_change,
	.render = error_render,
};
