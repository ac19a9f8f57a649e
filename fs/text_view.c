// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>

#include "fs/node.h"
#include "fs/text_view.h"

int text_view_hold(struct text_view *view, struct handle *handle,
		   uint64_t octets, bool tells)
{
	struct anchor *anchor = handle->node->anchor;
	char label[NODE_LABEL_SIZE];
	int r;

	assert(!view->held);
	node_label(handle->node, label, sizeof(label));
	r = share_take(handle->fs, SHARE_TEXT_SIZE, handle->uid, octets,
		       tells ? anchor : NULL, label);
	if (r == 0)
		view->held = octets;
	return r;
}

void text_view_drop(struct text_view *view, struct handle *handle)
{
	buffer_deinit(&view->content);
	view->has_content = false;
	share_give(handle->fs, SHARE_TEXT_SIZE, handle->uid, view->held);
	view->held = 0;
}

bool text_reply_part(fuse_req_t req, const struct buffer *text, size_t size,
		     uint64_t offset)
{
	size_t left = offset < text->len ? text->len - offset : 0;

	fuse_reply_buf(req, (const char *)text->data + (left ? offset : 0),
		       left < size ? left : size);
	return left > 0;
}

void text_view_reply(struct text_view *view, struct handle *handle,
		     fuse_req_t req, size_t size, uint64_t offset)
{
	view->has_content = text_reply_part(req, &view->content, size, offset);
	if (!view->has_content)
		text_view_drop(view, handle);
}

/* ---- Operations of a kind that has a render() ---- */

static struct text_view *view_of(struct handle *handle)
{
	return &container_of(handle, struct text_file, handle)->view;
}

int text_file_attr(struct fs *fs, struct node *node, struct stat *st)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	int r = node->kind->render(fs, node, &text);

	st->st_size = (off_t)text.len;
	return r;
}

/*
 * Who is given all of it at once, and then its end, is never refused: nothing
 * is held for him.
 */
void text_file_read(struct handle *handle, fuse_req_t req, size_t size,
		    uint64_t offset, bool waits)
{
	struct text_view *view = view_of(handle);
	bool is_all = false;
	int r = 0;

	(void)waits;
	if (offset == 0 || !view->has_content) {
		text_view_drop(view, handle);
		r = handle->node->kind->render(handle->fs, handle->node,
					       &view->content);
		is_all =
			r == 0 && view->content.len <= (offset ? offset : size);
		if (r == 0)
			r = text_view_hold(view, handle, view->content.cap,
					   !is_all);
	}
	if (r == 0 || is_all)
		text_view_reply(view, handle, req, size, offset);
	else
		fuse_reply_err(req, -r);
	if (r < 0)
		text_view_drop(view, handle);
}

void text_file_close(struct handle *handle)
{
	text_view_drop(view_of(handle), handle);
}
