// SPDX-License-Identifier: Apache-2.0
/*
 * file_status.c - zones/ZONE/status: who has it, and who has not
 *
 * Whoever waits for a change can poll it, as `stat` (poller.h).
 */
#include "anchors/transfer/status.h"
#include "fs/call.h"
#include "fs/poller.h"
#include "fs/text_view.h"
#include "fs/zone_look.h"

struct status_file {
	struct text_file file;
	struct poller *poller;
};

static struct status_file *status_of(struct handle *handle)
{
	return container_of(handle, struct status_file, file.handle);
}

static int status_render(struct fs *fs, const struct node *node,
			 struct buffer *out)
{
	struct name apex;

	return transfer_status(fs->host, node->anchor, node_owner(node, &apex),
			       out);
}

static int status_open(struct handle *handle)
{
	return handle_reads(handle) ? poller_new(&status_of(handle)->poller,
						 handle->fs, handle->node,
						 true)
				    : 0;
}

static void status_close(struct handle *handle)
{
	poller_free(status_of(handle)->poller);
	text_file_close(handle);
}

static void status_read(struct handle *handle, fuse_req_t req, size_t size,
			uint64_t offset, bool waits)
{
	if (offset == 0)
		poller_read(status_of(handle)->poller);
	text_file_read(handle, req, size, offset, waits);
}

static void status_poll(struct handle *handle, fuse_req_t req,
			struct fuse_pollhandle *poll)
{
	struct poller *poller = status_of(handle)->poller;

	if (poller)
		poller_reply(poller, req, poll);
	else
		handle_is_ready(req, poll);
}

/* Only for who copies a whole anchor: it tells of the copy what it is. */
static void status_write(struct call *call)
{
	call_finish(call, 0);
}

const struct node_kind file_status = {
	.name = "status",
	.number = 23,
	.in_zone = true,
	.mask = 0444,
	.is_fleeting = true,
	.attr = text_file_attr,
	.label = zone_label,
	.open_size = sizeof(struct status_file),
	.open = status_open,
	.close = status_close,
	.read = status_read,
	.poll = status_poll,
	.write = status_write,
	.render = status_render,
};
