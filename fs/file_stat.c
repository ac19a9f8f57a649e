// SPDX-License-Identifier: Apache-2.0
/*
 * file_stat.c - `stat`: the address and all records, as JSON
 *
 * Whoever waits for a change can poll it (poller.h).
 */
#include <stdio.h>

#include "fs/attr.h"
#include "fs/call.h"
#include "fs/poller.h"
#include "fs/stream_view.h"

#define STAT_HEAD "{\"Address\":\"%s\",\"Records\":{"
#define STAT_TAIL "}}\n"

struct stat_file {
	struct handle handle;
	struct stream_view view;
	struct poller *poller;
};

static struct stat_file *stat_of(struct handle *handle)
{
	return container_of(handle, struct stat_file, handle);
}

/* ---- The text ---- */

struct stat_head {
	char text[sizeof(STAT_HEAD) + ADDRESS_TEXT_SIZE];
};

/* @head: memory for it */
static struct dump_frame frame_of(const struct anchor *anchor,
				  struct stat_head *head)
{
	char address[ADDRESS_TEXT_SIZE];

	address_print(&anchor->address, address);
	snprintf(head->text, sizeof(head->text), STAT_HEAD, address);
	return (struct dump_frame){head->text, STAT_TAIL};
}

static int stat_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;
	struct stat_head head;
	struct dump_frame frame;
	int r = attr_of_table(fs, node, st, &counts);

	if (r < 0)
		return r;
	frame = frame_of(node->anchor, &head);
	st->st_size = (off_t)dump_frame_size(&counts, &frame);
	return 0;
}

/* ---- Open files ---- */

static void stream_begins(struct handle *handle, uint64_t offset)
{
	if (offset == 0)
		poller_read(stat_of(handle)->poller);
}

static int open_stream(struct stream **out, struct handle *handle,
		       struct snapshot *snapshot)
{
	struct stat_head head;
	struct dump_frame frame = frame_of(handle->node->anchor, &head);

	return stream_open(out, handle->fs, handle->node, &frame, snapshot);
}

static const struct stream_view_kind view_kind = {
	.begins = stream_begins,
	.open = open_stream,
	.keeps_place = true,
};

static int stat_open(struct handle *handle)
{
	struct stat_file *stat = stat_of(handle);
	int r;

	if (!handle_reads(handle))
		return 0;
	r = poller_new(&stat->poller, handle->fs, handle->node, false);
	if (r < 0)
		return r;
	return stream_view_init(&stat->view, handle, &view_kind);
}

static void stat_close(struct handle *handle)
{
	stream_view_deinit(&stat_of(handle)->view);
	poller_free(stat_of(handle)->poller);
}

static void stat_read(struct handle *handle, fuse_req_t req, size_t size,
		      uint64_t offset, bool waits)
{
	(void)waits;
	stream_view_read(&stat_of(handle)->view, req, size, offset);
}

static void stat_poll(struct handle *handle, fuse_req_t req,
		      struct fuse_pollhandle *poll)
{
	struct poller *poller = stat_of(handle)->poller;

	if (poller)
		poller_reply(poller, req, poll);
	else
		handle_is_ready(req, poll);
}

/* Only for who copies a whole anchor: stat tells of the copy what it is. */
static void stat_write(struct call *call)
{
	call_finish(call, 0);
}

const struct node_kind file_stat = {
	.name = "stat",
	.number = 6,
	.in_server = true,
	.mask = 0444,
	.attr = stat_attr,
	.open_size = sizeof(struct stat_file),
	.open = stat_open,
	.close = stat_close,
	.read = stat_read,
	.poll = stat_poll,
	.write = stat_write,
};
