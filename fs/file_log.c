// SPDX-License-Identifier: Apache-2.0
/*
 * file_log.c - `log`: each query, as it comes
 *
 * Who reads it, waits (watch.h). So it is not listed: cp -r and grep -r would
 * wait for the next query for ever.
 */
#include "fs/handle_layout.h"
#include "fs/watch.h"

struct log_file {
	struct handle handle;
	struct watch *watch;
};

static struct watch *watch_of(struct handle *handle)
{
	return container_of(handle, struct log_file, handle)->watch;
}

static int attr_log(struct fs *fs, struct node *node, struct stat *st)
{
	st->st_size = (off_t)watch_size(fs->commons, node->anchor);
	return 0;
}

static int open_log(struct handle *handle)
{
	struct log_file *log = container_of(handle, struct log_file, handle);

	return watch_new(&log->watch, handle->fs, handle->node->anchor,
			 handle->uid);
}

static void close_log(struct handle *handle)
{
	watch_free(watch_of(handle));
}

static void read_log(struct handle *handle, fuse_req_t req, size_t size,
		     uint64_t offset, bool waits)
{
	watch_read(watch_of(handle), req, size, offset, waits);
}

static void poll_log(struct handle *handle, fuse_req_t req,
		     struct fuse_pollhandle *poll)
{
	watch_poll(watch_of(handle), req, poll);
}

const struct node_kind file_log = {
	.name = "log",
	.number = 8,
	.in_server = true,
	.is_hidden = true,
	.mask = 0440,
	.has_end = true,
	.is_stream = true,
	.is_private = true,
	.attr = attr_log,
	.open_size = sizeof(struct log_file),
	.open = open_log,
	.close = close_log,
	.read = read_log,
	.poll = poll_log,
};
