// SPDX-License-Identifier: Apache-2.0
/*
 * file_records.c - `records`: every record, as a zone file
 */
#include "fs/attr.h"
#include "fs/editing.h"
#include "fs/listed.h"
#include "fs/replace.h"
#include "fs/setattr.h"
#include "fs/stream_view.h"

struct records_file {
	struct handle handle;
	struct stream_view view;
	struct editing editing;
};

static struct records_file *records_of(struct handle *handle)
{
	return container_of(handle, struct records_file, handle);
}

/* ---- Attributes ---- */

static int records_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;
	int r = attr_of_table(fs, node, st, &counts);

	if (r == 0)
		st->st_size = (off_t)counts.text;
	return r;
}

/*
 * The kernel looks at its rights with every open. So it may believe them for a
 * moment, and is told to forget them when the records change (listed.h). Not
 * so with LOOKUP or SETATTR: there the kernel would believe an answer that what
 * it is told to forget has overtaken.
 */
static void records_getattr(fuse_req_t req, struct node *node,
			    const struct stat *st)
{
	fuse_reply_attr(req, st,
			listed_add(fs_of(req), node) ? LISTED_SECONDS : 0);
}

static void records_clear(struct pending *pending)
{
	staging_clear(pending->nodes[0]->anchor, NULL, NULL, setattr_done,
		      pending);
}

/* ---- Open files ---- */

static struct editing *records_editing(struct handle *handle)
{
	return &records_of(handle)->editing;
}

static void stream_begins(struct handle *handle, uint64_t offset)
{
	(void)offset;
	editing_was_read(handle);
}

static const struct stream_view_kind view_kind = {
	.begins = stream_begins,
	.keeps_place = true,
};

static int records_open(struct handle *handle)
{
	int r = handle_writes(handle) ? editing_open(handle) : 0;

	if (r == 0 && handle_reads(handle))
		r = stream_view_init(&records_of(handle)->view, handle,
				     &view_kind);
	return r;
}

static void records_close(struct handle *handle)
{
	stream_view_deinit(&records_of(handle)->view);
	editing_close(handle);
}

static void records_read(struct handle *handle, fuse_req_t req, size_t size,
			 uint64_t offset, bool waits)
{
	(void)waits;
	stream_view_read(&records_of(handle)->view, req, size, offset);
}

const struct node_kind file_records = {
	.name = "records",
	.number = 5,
	.in_server = true,
	.mask = 0666,
	.sets_time = FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW,
	.attr = records_attr,
	.getattr = records_getattr,
	.clear = records_clear,
	.replace = replace_records,
	.open_size = sizeof(struct records_file),
	.open = records_open,
	.close = records_close,
	.read = records_read,
	.write = editing_write,
	.flush = editing_flush,
	.truncate = editing_truncate,
	.release = editing_release,
	.is_pending = editing_is_pending,
	.editing = records_editing,
};
