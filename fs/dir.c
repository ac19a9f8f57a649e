// SPDX-License-Identifier: Apache-2.0
/*
 * dir.c - open directories: a listing each, and the replies made of it
 */
#include <assert.h>
#include <errno.h>
#include <sys/stat.h>
#include <utlist.h>

#include "fs/dir.h"
#include "fs/drafts.h"
#include "fs/listed.h"
#include "fs/listing.h"
#include "fs/tree.h"

/* After so many entries, a look at the clock. */
#define SHOWN_LOOK 8
/* Entries in a reply, whatever time they take: each reply is a wake-up. */
#define SHOWN_LEAST 64
/* Names: with so few one does not wait for what others have listed. */
#define SHORT_LISTING 1024

struct dir {
	struct fs *fs;
	struct dir *prev, *next; /* in fs->dirs */
	struct turns_lane lane;	 /* reads */
	uid_t uid;		 /* the opener's */
	struct listing listing;
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

/* ---- Open and close ---- */

static void dir_free(struct dir *dir)
{
	assert(!dir->lane.turns);
	DL_DELETE(dir->fs->dirs, dir);
	listing_deinit(&dir->listing);
	share_give(dir->fs, SHARE_OPEN_FILES, dir->uid, 1);
	free(dir);
}

void dir_free_all(struct fs *fs)
{
	while (fs->dirs)
		dir_free(fs->dirs);
}

static int count_open(struct fs *fs, struct dir *dir, struct node *node,
		      uid_t uid)
{
	char label[NODE_LABEL_SIZE];
	int r;

	node_label(node, label, sizeof(label));
	r = share_take(fs, SHARE_OPEN_FILES, uid, 1, node->anchor, label);
	if (r < 0)
		return r;
	r = listing_init(&dir->listing, fs, node, uid);
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
	dir->uid = uid;
	DL_APPEND(dir->fs->dirs, dir);
	fi->fh = (uintptr_t)dir;
	if (fuse_reply_open(req, fi) < 0)
		dir_free(dir);
}

/* ---- Read ---- */

/* What a listing says of an entry beside its name. */
static void describe(const struct listing *listing, struct stat *attr)
{
	/* The number only has to be none of the kernel's special. */
	*attr = (struct stat){.st_ino = listing->at, .st_mode = listing->type};
}

static size_t add_plain(struct listing *listing, fuse_req_t req, char *out,
			size_t size)
{
	struct stat attr;

	describe(listing, &attr);
	return fuse_add_direntry(req, out, size, listing->entry, &attr,
				 (off_t)listing->at);
}

/*
 * As tree_find(). Whether a name still has records its attributes will say, so
 * it is not looked for in the store twice; but what is open may have none.
 */
static int find_node(struct listing *listing, struct node **out)
{
	struct fs *fs = listing->fs;
	struct node *dir = listing->node, *node;

	if (!listing->has_owner ||
	    drafts_find(fs->commons, dir, listing->entry))
		return tree_find(fs, dir, listing->entry, out);
	node = node_get(fs, listing->walk->kind, dir->anchor, &listing->owner,
			NULL);
	if (!node)
		return -ENOMEM;
	if (node->opens) {
		node_put(fs, node, 1);
		return tree_find(fs, dir, listing->entry, out);
	}
	*out = node;
	return 0;
}

/*
 * The node of an entry, and what the kernel may believe of it. Some entries
 * have none: "." and "..", and one that went since the listing began.
 */
static void entry_node(struct listing *listing, struct fuse_entry_param *out)
{
	struct node *node;

	describe(listing, &out->attr);
	if (!strcmp(listing->entry, ".") || !strcmp(listing->entry, "..") ||
	    (listing->node->kind->walks_store &&
	     !known_has_room(listing->fs)) ||
	    find_node(listing, &node) < 0)
		return;
	if (tree_entry(listing->fs, node, out) < 0) {
		node_put(listing->fs, node, 1);
		return;
	}
	listed_dir(listing->fs);
	/* A scratch file may be renamed over something at any moment. */
	if (node_has_owner(node) &&
	    (!node->kind->is_fleeting || node->kind->is_listed) &&
	    listed_add(listing->fs, node))
		out->attr_timeout = out->entry_timeout = LISTED_SECONDS;
}

static size_t add_plus(struct listing *listing, fuse_req_t req, char *out,
		       size_t size)
{
	size_t need =
		fuse_add_direntry_plus(req, NULL, 0, listing->entry, NULL, 0);
	struct fuse_entry_param entry = {0};

	/* Not before there is room for it: the kernel counts it from here. */
	if (need > size)
		return need;
	entry_node(listing, &entry);
	return fuse_add_direntry_plus(req, out, size, listing->entry, &entry,
				      (off_t)listing->at);
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
		need = call->plus ? add_plus(&dir->listing, call->req,
					     out + used, left)
				  : add_plain(&dir->listing, call->req,
					      out + used, left);
		if (need > left)
			break;
		used += need;
		r = listing_next(&dir->listing);
	}
	return r < 0 && r != -ENOENT && !used ? r : (ssize_t)used;
}

/*
 * For the kernel to let names go. Who has listed few, and has done his part of
 * it, brings no more than he lists; but there is an end to it.
 */
static bool has_to_wait(const struct dir *dir, uint64_t until_ns)
{
	return known_let_go(dir->fs, until_ns) &&
	       (dir->listing.total > SHORT_LISTING || known_is_full(dir->fs));
}

static enum turn_result go_on(struct turn *turn, uint64_t until_ns)
{
	struct dir_call *call = container_of(turn, struct dir_call, turn);
	struct dir *dir = call->dir;
	CLEANUP(freep) char *out = NULL;
	ssize_t used = 0;
	int r = 0;

	if (call->plus && has_to_wait(dir, until_ns))
		return TURN_YIELD;
	/* It may have been given up between two turns, too. */
	if (dir->listing.moment.late && call->offset)
		r = -ESTALE;
	else if (!call->begun)
		r = listing_begin(&dir->listing, call->offset);
	call->begun = true;
	if (r == 0)
		r = listing_seek(&dir->listing, call->offset, until_ns);
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

void dir_discard(const struct fuse_file_info *fi)
{
	dir_free((struct dir *)(uintptr_t)fi->fh);
}

void dir_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct dir *dir = (struct dir *)(uintptr_t)fi->fh;

	(void)ino;
	dir_free(dir);
	fuse_reply_err(req, 0);
}
