// SPDX-License-Identifier: Apache-2.0
/*
 * file_list.c - `secondaries`, `primaries`, `updates`, `catalog`: who may do
 * what, a line for each
 *
 * Those in transfer/ hold for every zone of the nameserver, those of a zone for
 * that one.
 */
#include <errno.h>

#include "anchors/zones.h"
#include "fs/pending.h"
#include "fs/setting.h"
#include "fs/zone_look.h"

/* Octets: with comments and blanks, which are not kept. */
#define LIST_FILE_MAX (4 * LIST_TEXT_MAX)

static enum list_kind list_of(const struct node *node)
{
	if (node->kind == &file_secondaries)
		return LIST_SECONDARIES;
	if (node->kind == &file_primaries)
		return LIST_PRIMARIES;
	return node->kind == &file_updates ? LIST_UPDATES : LIST_CATALOG;
}

/* ---- What it shows ---- */

static int add_text(struct fs *fs, const struct node *node,
		    const struct served *served, struct buffer *out)
{
	struct name apex;
	MDB_val text;
	int r = -ENOENT;

	if (served->home)
		r = snapshot_list(fs->host->snapshot, served->home,
				  list_of(node), node_owner(node, &apex),
				  &text);
	if (r == 0)
		r = buffer_add(out, text.mv_data, text.mv_size);
	return r == -ENOENT ? 0 : r;
}

static int list_render(struct fs *fs, const struct node *node,
		       struct buffer *out)
{
	struct served served;
	int r = node_served(fs, node->anchor, &served);

	if (r < 0)
		return r;
	r = add_text(fs, node, &served, out);
	snapshot_end(fs->host->snapshot);
	return r;
}

static int list_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct zone_look look;
	int r = node_has_owner(node) ? zone_look_node(fs, node, &look) : 0;

	return r < 0 ? r : text_file_attr(fs, node, st);
}

/* ---- What is written ---- */

static int list_judge(const struct node *node, const char *text, size_t len,
		      struct refusal *why)
{
	CLEANUP(buffer_deinit) struct buffer merged = {0};
	struct name apex;

	return list_merge(zones_list_format(list_of(node)),
			  node_owner(node, &apex), "", 0, text, len, &merged,
			  why);
}

static void list_take(struct node *node, bool replaces, const char *text,
		      size_t len, anchor_done *done, void *arg)
{
	struct name apex;

	zones_write_list(node->anchor, list_of(node), node_owner(node, &apex),
			 replaces, text, len, done, arg);
}

static const struct setting_kind list_setting = {
	.max = LIST_FILE_MAX,
	.is_list = true,
	.judge = list_judge,
	.take = list_take,
};

/* ---- unlink ---- */

/* Who removes a right must not be told a lie. */
static void empty(struct pending *pending)
{
	list_take(pending->nodes[0], true, "", 0, pending_done, pending);
}

static void list_unlink(struct pending *pending)
{
	setting_unlink(pending, empty);
}

#define LIST_OPERATIONS                                                        \
	.mask = 0666, .is_fleeting = true, .is_cleaned_up = true,              \
	.setting = &list_setting, .attr = list_attr, .clear = setting_clear,   \
	.label = zone_label, .replace = setting_replace,                       \
	.open_size = sizeof(struct setting_file), .open = setting_open,        \
	.close = setting_close, .read = text_file_read,                        \
	.write = setting_write, .flush = setting_flush,                        \
	.truncate = setting_truncate, .release = setting_release,              \
	.render = list_render, .replaces = setting_replaces,                   \
	.is_pending = setting_is_pending, .kept_size = setting_kept_size

const struct node_kind file_secondaries = {
	.name = "secondaries",
	.number = 20,
	.in_zone = true,
	.in_transfer = true,
	.unlink = list_unlink,
	LIST_OPERATIONS,
};

const struct node_kind file_updates = {
	.name = "updates",
	.number = 21,
	.in_zone = true,
	.in_transfer = true,
	.unlink = list_unlink,
	LIST_OPERATIONS,
};

const struct node_kind file_primaries = {
	.name = "primaries",
	.number = 22,
	.in_zone = true,
	.unlink = setting_keep,
	LIST_OPERATIONS,
};

const struct node_kind file_catalog = {
	.name = "catalog",
	.number = 27,
	.in_transfer = true,
	.unlink = setting_keep,
	LIST_OPERATIONS,
};
