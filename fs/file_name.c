// SPDX-License-Identifier: Apache-2.0
/*
 * file_name.c - names/NAME: the records of one name, as a zone file
 *
 * Unlike a control file it comes and goes with its records, and can be unlinked
 * and renamed. Who has it open then, reads on what it had: the file is kept,
 * for each descriptor that can read.
 *
 * A small text is held (text_view.h). A large one is read as `records` are: a
 * moment of the store is held (stream_view.h). Of what is kept and was not read
 * yet, a small one is a page that all share.
 */
#include <errno.h>
#include <stdio.h>
#include <utlist.h>

#include "fs/attr.h"
#include "fs/drafts.h"
#include "fs/editing.h"
#include "fs/file_name.h"
#include "fs/page.h"
#include "fs/programs/programs.h"
#include "fs/rename.h"
#include "fs/replace.h"
#include "fs/setattr.h"
#include "fs/stream_view.h"
#include "fs/text_view.h"
#include "fs/zone_look.h"

/* Octets: more than that is a stream's. */
#define SMALL_NAME_MAX 16384

struct name_file {
	struct handle handle;
	struct text_view text; /* at most one of these two has something */
	struct stream_view view;
	/* It was removed while it was open: then view.is_fixed, and: */
	struct page *page; /* what it had; a reference, or NULL: see above */
	int kept_result;   /* 0; or -errno: it could not be kept */
	struct editing editing;
};

static struct name_file *name_of(struct handle *handle)
{
	return container_of(handle, struct name_file, handle);
}

int file_name_render(struct fs *fs, const struct node *node, size_t max,
		     struct buffer *out)
{
	struct rrsets rrsets;
	struct name owner;
	uint32_t table;
	int r = node_table(fs, node->anchor, &table);

	if (r < 0)
		return r;
	node_owner(node, &owner);
	r = snapshot_get(fs->host->snapshot, table, &owner, &rrsets);
	if (r == 0 && rrsets_text_size(rrsets) > max)
		r = -EFBIG;
	if (r == 0)
		r = rrsets_to_text(&owner, rrsets, out);
	snapshot_end(fs->host->snapshot);
	return r == -ENOENT ? 0 : r;
}

/* ---- Attributes ---- */

static int name_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;
	struct rrsets rrsets = {0};
	struct name owner;
	uint32_t table;
	int r = node_table(fs, node->anchor, &table);

	if (r < 0)
		return r;
	node_owner(node, &owner);
	r = snapshot_counts(fs->host->snapshot, table, &counts);
	if (r == 0) {
		r = snapshot_get(fs->host->snapshot, table, &owner, &rrsets);
		/* Open without records: new, or removed meanwhile. */
		if (r == -ENOENT)
			r = node->opens || node->created ? 0 : -ESTALE;
	}
	st->st_size = (off_t)rrsets_text_size(rrsets);
	snapshot_end(fs->host->snapshot);
	if (r == 0)
		attr_set_times(st, counts.changed_ns);
	return r;
}

/* A name without records is gone, but this call has made it so. */
static void cleared(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;
	struct node *node = pending->nodes[0];
	bool was_created = node->created;

	(void)refusal;
	node->created |= result == 0;
	setattr_reply(pending, result);
	node->created = was_created;
}

static void name_clear(struct pending *pending)
{
	const struct node *node = pending->nodes[0];
	struct scope scope;

	node_scope(node, &scope);
	staging_clear(node->anchor, &scope, NULL, cleared, pending);
}

static void name_label(const struct node *node, char *out, size_t size)
{
	char file[NAME_TEXT_SIZE];
	struct name owner;

	node_owner(node, &owner);
	name_to_file(&owner, file);
	snprintf(out, size, "names/%s", file);
}

/* ---- Open files ---- */

static struct editing *name_editing(struct handle *handle)
{
	return &name_of(handle)->editing;
}

static void stream_begins(struct handle *handle, uint64_t offset)
{
	(void)offset;
	editing_was_read(handle);
}

/* Most names are small, and read without a place in the store. */
static const struct stream_view_kind view_kind = {
	.begins = stream_begins,
	.keeps_place = false,
};

/* Shells do not look at what close(2) says. */
static int check_zone(struct handle *handle)
{
	const struct node *node = handle->node;
	struct name owner;
	int r = zone_may_edit(handle->fs, node->anchor,
			      node_owner(node, &owner));

	if (r == -EROFS && handle->copies)
		return 0;
	if (r == -EROFS)
		node_refuse(handle->fs, node, "open",
			    "its zone is a secondary, or the catalog, and its "
			    "records come from elsewhere");
	return r;
}

static int open_to_write(struct handle *handle)
{
	int r = check_zone(handle);

	return r < 0 ? r : editing_open(handle);
}

static int name_open(struct handle *handle)
{
	int r = handle_writes(handle) ? open_to_write(handle) : 0;

	return r < 0 ? r
		     : stream_view_init(&name_of(handle)->view, handle,
					&view_kind);
}

static void name_close(struct handle *handle)
{
	struct name_file *name = name_of(handle);

	text_view_drop(&name->text, handle);
	stream_view_deinit(&name->view);
	page_unref(name->page);
	editing_close(handle);
}

/* A stream goes on; or it was given up, which a read of more is told. */
static bool streams(const struct stream_view *view, uint64_t offset)
{
	return view->stream || view->lane.turns ||
	       (view->moment.late && offset);
}

/* Take the text of now; of what is not small, nothing: -EFBIG or -EMFILE. */
static int take_text(struct name_file *name)
{
	struct handle *handle = &name->handle;
	struct text_view *text = &name->text;
	int r;

	text_view_drop(text, handle);
	stream_view_end(&name->view);
	name->view.moment.late = false;
	editing_was_read(handle);
	r = file_name_render(handle->fs, handle->node, SMALL_NAME_MAX,
			     &text->content);
	if (r == 0)
		r = text_view_hold(text, handle, text->content.cap, false);
	if (r < 0)
		text_view_drop(text, handle);
	return r;
}

/* What could be kept of it: a page, a moment, or the text that was read. */
static void read_kept(struct name_file *name, fuse_req_t req, size_t size,
		      uint64_t offset)
{
	const struct stream_view *view = &name->view;

	if (name->kept_result < 0)
		fuse_reply_err(req, -name->kept_result);
	else if (name->page)
		text_reply_part(req, &name->page->text, size, offset);
	else if (streams(view, offset))
		stream_view_read(&name->view, req, size, offset);
	else
		text_reply_part(req, &name->text.content, size, offset);
}

static void name_read(struct handle *handle, fuse_req_t req, size_t size,
		      uint64_t offset, bool waits)
{
	struct name_file *name = name_of(handle);
	struct stream_view *view = &name->view;
	bool is_large = streams(view, offset);
	int r = 0;

	(void)waits;
	if (view->is_fixed) {
		read_kept(name, req, size, offset);
		return;
	}
	if (!view->lane.turns &&
	    (offset == 0 || (!name->text.has_content && !is_large))) {
		r = take_text(name);
		is_large = r == -EFBIG || r == -EMFILE;
	}
	if (is_large)
		stream_view_read(view, req, size, offset);
	else if (r < 0)
		fuse_reply_err(req, -r);
	else
		text_view_reply(&name->text, handle, req, size, offset);
}

/* ---- It goes, and who has it open reads on ---- */

static struct page *page_of(struct fs *fs, const struct node *node)
{
	struct page *page = page_new();

	if (!page)
		return NULL;
	if (file_name_render(fs, node, SMALL_NAME_MAX, &page->text) < 0)
		return page_unref(page);
	return page;
}

/* Nobody is refused for a lack of room: there is a place in the store, too. */
static int keep(struct name_file *name, struct page *page)
{
	if (page && text_view_hold(&name->text, &name->handle, page->text.len,
				   false) == 0) {
		name->page = page_ref(page);
		return 0;
	}
	return stream_view_begin(&name->view);
}

static void keep_content(struct node *node)
{
	struct handle *handle;
	struct page *page = NULL;

	DL_FOREACH2 (node->handles, handle, node_next) {
		struct name_file *name = name_of(handle);

		if (!handle_reads(handle) || name->view.is_fixed)
			continue;
		name->view.is_fixed = true;
		if (name->text.has_content || name->view.stream)
			continue;
		/* One text for all that have read nothing yet. */
		if (!page)
			page = page_of(handle->fs, node);
		name->kept_result = keep(name, page);
	}
	page_unref(page);
}

/* Who has it open through another view has it open all the same. */
static void keep_everywhere(const struct fs *fs, const struct node *node)
{
	struct node *same;
	struct name owner;
	struct fs *view;

	node_owner(node, &owner);
	DL_FOREACH (fs->commons->views, view) {
		same = node_find(view, &file_name, node->anchor->id, &owner);
		if (same)
			keep_content(same);
	}
}

static bool name_kept_size(struct handle *handle, uint64_t *out)
{
	const struct name_file *name = name_of(handle);

	if (!name->view.is_fixed)
		return false;
	if (name->page)
		*out = name->page->text.len;
	else if (name->view.stream)
		*out = stream_size(name->view.stream);
	else
		*out = name->text.content.len;
	return true;
}

/* ---- Unlink ---- */

static void drop_records(struct pending *pending)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct node *node = pending->nodes[0];
	struct name owner;
	int r;

	programs_unlinked(pending->fs, node, fuse_req_ctx(pending->req));
	keep_everywhere(pending->fs, node);
	node_owner(node, &owner);
	node->created = false;
	r = change_drop(&change, &owner);
	if (r < 0)
		pending_reply(pending, r);
	else
		nameserver_edit(node->anchor, &change, NULL, NULL, pending_done,
				pending);
}

/* The records are not what a refused one has made: they stay. */
static void know_remover(void *arg, bool cleans_up)
{
	struct pending *pending = arg;

	if (cleans_up)
		pending_reply(pending, 0);
	else
		drop_records(pending);
}

static void name_unlink(struct pending *pending)
{
	programs_ask_clean_up(pending->fs, fuse_req_ctx(pending->req),
			      pending->nodes[0], know_remover, pending);
}

/* ---- Rename ---- */

/* Another owner, in the same names/. */
static void rename_owner(struct rename *rename, const struct name *from)
{
	struct anchor *anchor = rename->from->anchor;
	struct name to;
	struct refusal why;

	if (name_from_file(rename->name, &to, &why) < 0) {
		anchor_fail(anchor, "names", 0, rename->name, why.reason);
		pending_reply(rename->pending, -EINVAL);
		return;
	}
	if (name_equal(from, &to)) {
		pending_reply(rename->pending, 0);
		return;
	}
	keep_everywhere(rename->fs, rename->from);
	rename->pending->anchor = anchor_ref(anchor);
	nameserver_move(anchor, from, &to, pending_done, rename->pending);
}

static void name_rename(struct rename *rename)
{
	const struct node *over = rename->over;
	bool is_here = rename->dir->anchor == rename->from->anchor;
	bool is_beside = is_here && rename->dir->kind == &dir_names;
	bool is_draft = programs_is_draft_name(rename->name);
	struct name from;

	node_owner(rename->from, &from);
	/* After EXDEV mv would copy over the records, then remove the name. */
	if (is_here && over && !node_is_of_many(over))
		rename_refuse_for(rename, -EPERM,
				  "the name's records are among those already; "
				  "cp would leave only them");
	/* mv of the name itself asks with NOREPLACE first, and then copies. */
	else if (is_beside && is_draft && !(rename->flags & RENAME_NOREPLACE))
		rename_refuse_backup(rename);
	else if (!is_beside || is_draft || (over && over->scratch))
		pending_reply(rename->pending, -EXDEV);
	else
		rename_owner(rename, &from);
}

const struct node_kind file_name = {
	.number = 10,
	.mask = 0666,
	.scope = SCOPE_OWNER,
	.is_cleaned_up = true,
	/* It is that of all records: it can be brought up to date, no more. */
	.sets_time = FUSE_SET_ATTR_MTIME_NOW,
	.attr = name_attr,
	.clear = name_clear,
	.label = name_label,
	.unlink = name_unlink,
	.rename = name_rename,
	.replace = replace_records,
	.open_size = sizeof(struct name_file),
	.open = name_open,
	.close = name_close,
	.read = name_read,
	.write = editing_write,
	.flush = editing_flush,
	.truncate = editing_truncate,
	.release = editing_release,
	.is_pending = editing_is_pending,
	.editing = name_editing,
	.kept_size = name_kept_size,
};
