// SPDX-License-Identifier: Apache-2.0
/*
 * file_records.c - `records`: every record, as a zone file; and those of one
 * zone, in its directory
 */
#include <errno.h>

#include "fs/attr.h"
#include "fs/editing.h"
#include "fs/listed.h"
#include "fs/replace.h"
#include "fs/setattr.h"
#include "fs/setting.h"
#include "fs/stream_view.h"
#include "fs/zone_look.h"

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

/* ---- Of one zone ---- */

static int zone_records_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct zone_look look;
	struct name apex;
	int r = zone_attr(fs, node, st, &look);

	if (r == 0)
		st->st_size = (off_t)dump_zone_size(node_owner(node, &apex),
						    look.has_soa ? &look.counts
								 : NULL);
	return r;
}

static void zone_records_clear(struct pending *pending)
{
	struct scope scope;

	node_scope(pending->nodes[0], &scope);
	staging_clear(pending->nodes[0]->anchor, &scope, NULL, setattr_done,
		      pending);
}

/*
 * A secondary's records are its primary's. A copy of a whole anchor is let go
 * on: then there is no edit, and what it writes is dropped.
 */
static int zone_records_open(struct handle *handle)
{
	struct zone_look look = {0};
	int r = zone_look_node(handle->fs, handle->node, &look);

	if (r == 0 && look.row.is_secondary && handle_writes(handle)) {
		if (handle->copies && !handle_reads(handle))
			return 0;
		node_refuse(handle->fs, handle->node, "open",
			    "the zone is a secondary, and its records are its "
			    "primary's: see primaries");
		r = -EROFS;
	}
	return r < 0 ? r : records_open(handle);
}

static void zone_records_write(struct call *call)
{
	if (records_of(call->handle)->editing.edit)
		editing_write(call);
	else
		call_finish(call, 0);
}

static void zone_records_truncate(struct call *call)
{
	if (records_of(call->handle)->editing.edit)
		editing_truncate(call);
	else
		call_finish(call, 0);
}

const struct node_kind file_zone_records = {
	.name = "records",
	.number = 18,
	.in_zone = true,
	.mask = 0666,
	.scope = SCOPE_ZONE,
	.is_fleeting = true,
	.sets_time = FUSE_SET_ATTR_MTIME_NOW,
	.attr = zone_records_attr,
	.clear = zone_records_clear,
	.label = zone_label,
	.unlink = setting_keep,
	.replace = replace_records,
	.open_size = sizeof(struct records_file),
	.open = zone_records_open,
	.close = records_close,
	.read = records_read,
	.write = zone_records_write,
	.flush = editing_flush,
	.truncate = zone_records_truncate,
	.release = editing_release,
	.is_pending = editing_is_pending,
	.editing = records_editing,
};
