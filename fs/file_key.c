// SPDX-License-Identifier: Apache-2.0
/*
 * file_key.c - keys/NAME: a key of TSIG
 *
 * It shows what tsig-keygen(8) prints, so that others take the file itself. One
 * that is made and left empty, by touch(1), gets a secret of its own.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "anchors/zones.h"
#include "dns/text/key_text.h"
#include "fs/pending.h"
#include "fs/rename.h"
#include "fs/setting.h"

#define KEY_FILE_MAX 16384 /* octets: of a text, with comments */

/* ---- What it shows ---- */

static int find_key(struct fs *fs, const struct node *node,
		    struct tsig_key *out)
{
	struct served served;
	struct name name;
	int r = node_served(fs, node->anchor, &served);

	if (r < 0)
		return r;
	node_owner(node, &name);
	r = served.home
		    ? snapshot_key(fs->host->snapshot, served.home, &name, out)
		    : -ENOENT;
	snapshot_end(fs->host->snapshot);
	return r;
}

static int key_render(struct fs *fs, const struct node *node,
		      struct buffer *out)
{
	struct tsig_key key;
	int r = find_key(fs, node, &key);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = key_to_text(&key.name, key.kind, key.secret, key.len, out);
	sodium_memzero(&key, sizeof(key));
	return r;
}

static int key_attr(struct fs *fs, struct node *node, struct stat *st)
{
	int r = text_file_attr(fs, node, st);

	if (r == 0 && !st->st_size && !node->created && !node->opens)
		return -ESTALE;
	return r;
}

static void key_label(const struct node *node, char *out, size_t size)
{
	char file[NAME_TEXT_SIZE];
	struct name name;

	node_owner(node, &name);
	name_to_file(&name, file);
	snprintf(out, size, "keys/%s", file);
}

/* ---- What is written ---- */

/* One line is whole; and what tsig-keygen prints, when its brace is closed. */
static bool key_is_whole(const char *text, size_t len)
{
	const char *at = text;
	size_t left = setting_trim(&at, len);

	if (!left || !memchr(text, '\n', len) || text[len - 1] != '\n')
		return false;
	return !memchr(at, '{', left) ||
	       (memchr(at, '}', left) && at[left - 1] == ';');
}

/* A file that was touched asks for what most have. */
static void key_take(struct node *node, bool replaces, const char *text,
		     size_t len, anchor_done *done, void *arg)
{
	static const char usual[] = "hmac-sha256";
	struct tsig_key key = {0};
	struct refusal why = {0};
	size_t secret_len = 0;
	int r;

	(void)replaces;
	node_owner(node, &key.name);
	if (!len) {
		text = usual;
		len = strlen(usual);
	}
	r = key_from_text(text, len, &key.name, &key.kind, key.secret,
			  sizeof(key.secret), &secret_len, &why);
	key.len = (uint16_t)secret_len;
	if (r < 0)
		done(arg, r, &why);
	else
		zones_write_key(node->anchor, &key, done, arg);
	sodium_memzero(&key, sizeof(key));
}

static const struct setting_kind key_setting = {
	.max = KEY_FILE_MAX,
	.is_secret = true,
	.is_whole = key_is_whole,
	.take = key_take,
};

static void key_close(struct handle *handle)
{
	struct text_view *view =
		&container_of(handle, struct text_file, handle)->view;

	if (view->content.data)
		sodium_memzero(view->content.data, view->content.cap);
	setting_close(handle);
}

/* ---- Its name ---- */

/* One in use stays, and rm -r of its nameserver goes on. */
static void removed(void *arg, int result, const struct refusal *refusal)
{
	struct pending *pending = arg;

	if (result == -EBUSY && refusal)
		node_refuse(pending->fs, pending->nodes[0], "unlink",
			    refusal->reason);
	pending_reply(pending, result == -EBUSY ? 0 : result);
}

static void remove_key(struct pending *pending)
{
	struct node *node = pending->nodes[0];
	struct name name;

	node->created = false;
	zones_remove_key(node->anchor, node_owner(node, &name), removed,
			 pending);
}

static void key_unlink(struct pending *pending)
{
	setting_unlink(pending, remove_key);
}

static void key_rename(struct rename *rename)
{
	if (rename->dir->anchor != rename->from->anchor)
		pending_reply(rename->pending, -EXDEV);
	else
		rename_refuse_for(rename, -EPERM,
				  "a key's name is a part of it, and others "
				  "know it by that; make another key");
}

const struct node_kind file_key = {
	.number = 25,
	.mask = 0600,
	.is_fleeting = true,
	.is_private = true,
	.is_secret = true,
	.is_cleaned_up = true,
	.setting = &key_setting,
	.attr = key_attr,
	.clear = setting_clear,
	.label = key_label,
	.unlink = key_unlink,
	.rename = key_rename,
	.replace = setting_replace,
	.open_size = sizeof(struct setting_file),
	.open = setting_open,
	.close = key_close,
	.read = text_file_read,
	.write = setting_write,
	.flush = setting_flush,
	.truncate = setting_truncate,
	.release = setting_release,
	.render = key_render,
	.replaces = setting_replaces,
	.is_pending = setting_is_pending,
};
