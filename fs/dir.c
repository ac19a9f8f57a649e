// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <sys/stat.h>
#include <utlist.h>

#include "dns/marks.h"
#include "fs/dir.h"
#include "fs/drafts.h"
#include "fs/listed.h"
#include "fs/scratch.h"
#include "fs/tree.h"

#define MARKS_APART 1024 /* names */

/* After so many entries, a look at the clock. */
#define SKIPPED_LOOK 64
#define SHOWN_LOOK   8
/* Entries in a reply, whatever time they take: each reply is a wake-up. */
#define SHOWN_LEAST 64

/*
 * An open directory. The offset of an entry is its number, and the entry that
 * a read starts with is nearly always the one behind the last.
 */
struct dir {
	struct fs *fs;
	struct dir *prev, *next; /* in fs->dirs */
	struct node *node;
	struct turns_lane lane; /* reads */

	uid_t uid;		   /* the opener's */
	uint64_t held;		   /* octets of names, as SHARE_TEXT_SIZE */
	struct buffer names;	   /* fixed entries: type octet, name, NUL */
	size_t names_at;	   /* the next one */
	struct snapshot *snapshot; /* of names/: begun; NULL at the end */
	struct moment moment;	   /* that it keeps; nobody's: not of names/ */
	uint32_t table;
	uint64_t total;		 /* entries */
	struct marks marks;	 /* by the number of entries before */
	bool first;		 /* the next owner is the first one */
	const struct mark *from; /* the next owner is this one; or NULL */
	bool taken; /* this moment's names are in names and snapshot */

	uint64_t at; /* number of the entry at hand */
	bool has_entry;
	mode_t type;
	const char *entry; /* in names, or: */
	char owner[NAME_TEXT_SIZE];
};

/* A readdir(3) on its way. */
struct dir_call {
	struct turn turn;
	struct dir *dir;
	fuse_req_t req;
	bool begun;
	bool plus;
	size_t size;
	uint64_t offset;
};

static int add(struct dir *dir, mode_t type, const char *name)
{
	uint8_t octet = type == S_IFDIR;
	int r = buffer_add(&dir->names, &octet, 1);

	dir->total++;
	return r < 0 ? r : buffer_add(&dir->names, name, strlen(name) + 1);
}

/* What an open directory holds between two reads is its opener's. */
static int count_names(struct dir *dir)
{
	uint64_t octets = dir->names.cap;
	char label[NAME_TEXT_SIZE + 8];
	int r = 0;

	if (octets <= dir->held)
		return 0;
	node_label(dir->node, label, sizeof(label));
	r = share_take(dir->fs, SHARE_TEXT_SIZE, dir->uid, octets - dir->held,
		       dir->node->anchor, label);
	if (r < 0)
		buffer_deinit(&dir->names);
	else
		dir->held = octets;
	return r;
}

static int take_drafts(struct dir *dir)
{
	struct scratch *scratch = drafts_first(dir->fs, dir->node);
	int r = 0;

	for (; r == 0 && scratch; scratch = drafts_next(scratch))
		r = add(dir, S_IFREG, scratch->name);
	return r < 0 ? r : count_names(dir);
}

static int take_anchor(struct dir *dir)
{
	struct anchor *anchor = dir->node->anchor, *child, *next;
	int r = 0;

	for (size_t i = 0; r == 0 && i < NODE_FILES; i++) {
		const struct node_file *file = &node_files[i];

		if (node_file_in(file, anchor) && !file->hidden)
			r = add(dir,
				file->kind == NODE_NAMES ? S_IFDIR : S_IFREG,
				file->name);
	}
	HASH_ITER (hh, anchor->children, child, next) {
		if (r == 0)
			r = add(dir, S_IFDIR, child->name);
	}
	return r;
}

static void end_names(struct dir *dir)
{
	moment_end(&dir->moment);
	dir->snapshot = snapshot_free(dir->snapshot);
}

/* Which names come next is not known any more. */
static bool give_up_names(struct moment *moment)
{
	end_names(container_of(moment, struct dir, moment));
	return true;
}

static int begin_names(struct dir *dir)
{
	struct table_counts counts;
	int r = snapshot_begin(dir->snapshot);

	if (r == 0)
		r = snapshot_serving(dir->snapshot, dir->node->anchor->id,
				     &dir->table);
	if (r == 0)
		r = snapshot_counts(dir->snapshot, dir->table, &counts);
	if (r == 0)
		dir->total += counts.names;
	return r == -ENOENT ? -ENODEV : r;
}

static int take_names(struct dir *dir)
{
	int r = 0;

	moment_end(&dir->moment);
	if (!dir->snapshot)
		r = snapshot_new(&dir->snapshot, &dir->fs->host->store.tables);
	else
		snapshot_end(dir->snapshot);
	if (r == 0)
		r = begin_names(dir);
	if (r < 0)
		dir->snapshot = snapshot_free(dir->snapshot);
	else
		moment_begin(&dir->moment);
	return r;
}

/* Stand before the first entry. */
static void rewind_dir(struct dir *dir)
{
	dir->has_entry = false;
	dir->at = 0;
	dir->names_at = 0;
	dir->first = true;
	dir->from = NULL;
}

/* Take the names of this moment, and stand before the first one. */
static int take(struct dir *dir)
{
	int r;

	dir->taken = false;
	rewind_dir(dir);
	dir->names.len = 0;
	dir->total = 0;
	marks_deinit(&dir->marks);
	if (dir->node->anchor && dir->node->anchor->gone)
		return -ENODEV;
	r = add(dir, S_IFDIR, ".");
	if (r == 0)
		r = add(dir, S_IFDIR, "..");
	if (r == 0 && dir->node->kind == NODE_ROOT)
		r = add(dir, S_IFDIR, dir->fs->host->root->name);
	else if (r == 0 && dir->node->kind == NODE_ANCHOR)
		r = take_anchor(dir);
	else if (r == 0)
		r = take_names(dir);
	if (r == 0)
		r = take_drafts(dir);
	marks_init(&dir->marks, dir->total, MARKS_APART);
	dir->taken = r == 0;
	return r;
}

/* ---- From entry to entry ---- */

static int find_owner(struct dir *dir, struct snapshot_entry *out)
{
	const struct mark *from = dir->from;
	bool first = dir->first;

	dir->from = NULL;
	dir->first = false;
	if (from)
		return snapshot_seek(dir->snapshot, dir->table, from->key,
				     from->key_len, out);
	if (first)
		return snapshot_seek(dir->snapshot, dir->table, NULL, 0, out);
	return snapshot_next(dir->snapshot, out);
}

static int next_owner(struct dir *dir, bool shown)
{
	struct snapshot_entry entry;
	struct name owner;
	int r = find_owner(dir, &entry);

	/* The end was seen. A snapshot that stays costs disk space, and rm -r
	 * keeps the directory open while it removes what it has seen. */
	if (r == -ENOENT)
		end_names(dir);
	if (r < 0)
		return r;
	marks_note(&dir->marks, dir->at, entry.key, entry.key_len);
	if (!shown)
		return 0;
	if (name_from_key(entry.key, entry.key_len, &owner) < 0)
		return -EIO;
	name_to_file(&owner, dir->owner);
	dir->entry = dir->owner;
	dir->type = S_IFREG;
	return 0;
}

/*
 * Step to the next entry: 0, -ENOENT at the end, -errno.
 * @shown: false: it is passed by, and will not be looked at
 */
static int step(struct dir *dir, bool shown)
{
	const char *name;
	int r = 0;

	if (dir->names_at < dir->names.len) {
		name = (const char *)dir->names.data + dir->names_at;
		dir->type = *name ? S_IFDIR : S_IFREG;
		dir->names_at += strlen(name + 1) + 2;
		dir->entry = name + 1;
	} else if (dir->snapshot) {
		r = next_owner(dir, shown);
	} else {
		r = -ENOENT;
	}
	dir->has_entry = r == 0 && shown;
	if (r == 0)
		dir->at++;
	return r;
}

/* Be at the entry behind @offset or before it, by the shortest way. */
static int approach(struct dir *dir, uint64_t offset)
{
	bool is_back = offset + 1 < dir->at ||
		       (offset + 1 == dir->at && !dir->has_entry);
	const struct mark *mark = marks_find(&dir->marks, offset);

	/* The end was seen: what was before is not known any more. */
	if (is_back && !dir->snapshot && dir->node->kind == NODE_NAMES)
		return take(dir);
	if (dir->snapshot && mark && (is_back || mark->at > dir->at)) {
		dir->names_at = dir->names.len;
		dir->from = mark;
		dir->at = mark->at;
		dir->has_entry = false;
	} else if (is_back) {
		rewind_dir(dir);
	}
	return 0;
}

/* Begin a read at @offset. */
static int begin_seek(struct dir *dir, uint64_t offset)
{
	int r = 0;

	if (!dir->taken || offset == 0)
		r = take(dir);
	if (r == 0 && offset >= dir->total) {
		end_names(dir);
		return -ENOENT;
	}
	return r < 0 ? r : approach(dir, offset);
}

/* Have the entry behind @offset at hand: 0, -EAGAIN, -ENOENT, -errno. */
static int seek(struct dir *dir, uint64_t offset, uint64_t until_ns)
{
	unsigned steps = 0;
	int r = 0;

	while (r == 0 && (dir->at < offset + 1 || !dir->has_entry)) {
		if (++steps % SKIPPED_LOOK == 0 && uv_hrtime() >= until_ns)
			return -EAGAIN;
		r = step(dir, dir->at >= offset);
	}
	return r;
}

/* ---- Open and close ---- */

static void dir_free(struct dir *dir)
{
	assert(!dir->lane.turns);
	DL_DELETE(dir->fs->dirs, dir);
	moment_close(&dir->moment);
	marks_deinit(&dir->marks);
	snapshot_free(dir->snapshot);
	buffer_deinit(&dir->names);
	share_give(dir->fs, SHARE_TEXT_SIZE, dir->uid, dir->held);
	share_give(dir->fs, SHARE_OPEN_FILES, dir->uid, 1);
	free(dir);
}

void dir_free_all(struct fs *fs)
{
	while (fs->dirs)
		dir_free(fs->dirs);
}

static int count_open(struct fs *fs, struct dir *dir, const struct node *node,
		      uid_t uid)
{
	char label[NAME_TEXT_SIZE + 8];
	int r;

	node_label(node, label, sizeof(label));
	r = share_take(fs, SHARE_OPEN_FILES, uid, 1, node->anchor, label);
	if (r < 0 || node->kind != NODE_NAMES)
		return r;
	r = moment_open(&dir->moment, fs, uid, node, give_up_names);
	if (r < 0)
		share_give(fs, SHARE_OPEN_FILES, uid, 1);
	return r;
}

/* EMFILE, ENOMEM. */
void dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct dir *dir = calloc(1, sizeof(*dir));
	struct fs *fs = fs_of(req);
	struct node *node = node_of(fs, ino);
	uid_t uid = fuse_req_ctx(req)->uid;
	int r = dir ? count_open(fs, dir, node, uid) : -ENOMEM;

	if (r < 0) {
		free(dir);
		fuse_reply_err(req, -r);
		return;
	}
	dir->fs = fs;
	dir->node = node;
	dir->uid = uid;
	DL_APPEND(dir->fs->dirs, dir);
	fi->fh = (uintptr_t)dir;
	if (fuse_reply_open(req, fi) < 0)
		dir_free(dir);
}

/* ---- Read ---- */

/* What a listing says of an entry beside its name. */
static void describe(const struct dir *dir, struct stat *attr)
{
	/* The number only has to be none of the kernel's special. */
	*attr = (struct stat){.st_ino = dir->at, .st_mode = dir->type};
}

static size_t add_plain(struct dir *dir, fuse_req_t req, char *out, size_t size)
{
	struct stat attr;

	describe(dir, &attr);
	return fuse_add_direntry(req, out, size, dir->entry, &attr,
				 (off_t)dir->at);
}

/*
 * The node of an entry, and what the kernel may believe of it. Some entries
 * have none: "." and "..", and one that went since the listing began.
 */
static void entry_node(struct dir *dir, struct fuse_entry_param *out)
{
	struct node *node;

	describe(dir, &out->attr);
	if (!strcmp(dir->entry, ".") || !strcmp(dir->entry, "..") ||
	    tree_find(dir->fs, dir->node, dir->entry, &node) < 0)
		return;
	if (tree_entry(dir->fs, node, out) < 0) {
		node_put(dir->fs, node, 1);
		return;
	}
	/* A scratch file may be renamed over something at any moment. */
	if (node->kind == NODE_NAME && listed_add(dir->fs, node))
		out->attr_timeout = out->entry_timeout = LISTED_SECONDS;
}

static size_t add_plus(struct dir *dir, fuse_req_t req, char *out, size_t size)
{
	size_t need = fuse_add_direntry_plus(req, NULL, 0, dir->entry, NULL, 0);
	struct fuse_entry_param entry = {0};

	/* Not before there is room for it: the kernel counts it from here. */
	if (need > size)
		return need;
	entry_node(dir, &entry);
	return fuse_add_direntry_plus(req, out, size, dir->entry, &entry,
				      (off_t)dir->at);
}

/*
 * As many entries as there is room and time for, and one in any case; the
 * kernel asks again for more. Return: octets; 0: the end; -errno.
 */
static ssize_t add_entries(struct dir_call *call, char *out, uint64_t until_ns)
{
	struct dir *dir = call->dir;
	unsigned shown = 0;
	size_t used = 0;
	int r = 0;

	while (r == 0) {
		size_t left = call->size - used, need;

		if (shown++ >= SHOWN_LEAST && shown % SHOWN_LOOK == 0 &&
		    uv_hrtime() >= until_ns)
			break;
		need = call->plus ? add_plus(dir, call->req, out + used, left)
				  : add_plain(dir, call->req, out + used, left);
		if (need > left)
			break;
		used += need;
		r = step(dir, true);
	}
	return r < 0 && r != -ENOENT && !used ? r : (ssize_t)used;
}

static enum turn_result go_on(struct turn *turn, uint64_t until_ns)
{
	struct dir_call *call = container_of(turn, struct dir_call, turn);
	struct dir *dir = call->dir;
	CLEANUP(freep) char *out = NULL;
	ssize_t used = 0;
	int r = 0;

	if (call->plus && known_let_go(dir->fs, until_ns))
		return TURN_YIELD;
	/* It may have been given up between two turns, too. */
	if (dir->moment.late && call->offset)
		r = -ESTALE;
	else if (!call->begun)
		r = begin_seek(dir, call->offset);
	call->begun = true;
	if (r == 0)
		r = seek(dir, call->offset, until_ns);
	if (r == -EAGAIN)
		return TURN_YIELD;
	if (r == 0) {
		out = malloc(call->size);
		used = out ? add_entries(call, out, until_ns) : -ENOMEM;
	} else if (r != -ENOENT) {
		used = r;
	}
	if (used < 0)
		fuse_reply_err(call->req, (int)-used);
	else
		fuse_reply_buf(call->req, out, (size_t)used);
	free(call);
	return TURN_DONE;
}

static void read_entries(fuse_req_t req, const struct fuse_file_info *fi,
			 size_t size, off_t offset, bool plus)
{
	struct dir *dir = (struct dir *)(uintptr_t)fi->fh;
	struct dir_call *call = calloc(1, sizeof(*call));

	if (!call) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*call = (struct dir_call){
		.turn.go = go_on,
		.dir = dir,
		.req = req,
		.plus = plus,
		.size = size,
		.offset = (uint64_t)offset,
	};
	turns_add(dir->fs, &dir->lane, &call->turn);
}

/* ENODEV; ESTALE: its moment was given up; EMFILE, ENOMEM, EIO. */
void dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	      struct fuse_file_info *fi)
{
	(void)ino;
	read_entries(req, fi, size, offset, false);
}

void dir_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi)
{
	(void)ino;
	read_entries(req, fi, size, offset, true);
}

void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct dir *dir = (struct dir *)(uintptr_t)fi->fh;

	(void)ino;
	dir_free(dir);
	fuse_reply_err(req, 0);
}
