// SPDX-License-Identifier: Apache-2.0
/*
 * file_scratch.c - scratch files: what clients make beside the control files
 *
 * It holds octets (scratch.h) and has a name for as long as it has one
 * (drafts.h). Renamed over a file that takes content it replaces that.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/call.h"
#include "fs/drafts.h"
#include "fs/rename.h"
#include "fs/replace.h"
#include "fs/scratch.h"
#include "fs/setattr.h"

/* ---- Attributes: all of them are its own ---- */

static int scratch_attr(struct fs *fs, struct node *node, struct stat *st)
{
	const struct scratch *scratch = node->scratch;

	(void)fs;
	st->st_mode = S_IFREG | scratch->mode;
	st->st_uid = scratch->uid;
	st->st_gid = scratch->gid;
	st->st_size = (off_t)scratch->size;
	attr_set_times(st, scratch->mtime_ns);
	return 0;
}

static int set(struct scratch *scratch, const struct stat *attr, int to_set)
{
	int r = 0;

	scratch->made = (struct receipt){0};
	if (to_set & FUSE_SET_ATTR_MODE)
		scratch->mode = attr->st_mode & 07777;
	if (to_set & FUSE_SET_ATTR_UID)
		scratch->uid = attr->st_uid;
	if (to_set & FUSE_SET_ATTR_GID)
		scratch->gid = attr->st_gid;
	if (to_set & FUSE_SET_ATTR_SIZE)
		r = scratch_truncate(scratch, (uint64_t)attr->st_size);
	if (r < 0)
		return r;
	scratch->mtime_ns = setattr_mtime(attr, to_set, scratch->mtime_ns);
	scratch->dated |= !!(to_set & FUSE_SET_ATTR_MTIME);
	return 0;
}

static void scratch_setattr(struct pending *pending, const struct stat *attr,
			    int to_set)
{
	setattr_reply(pending, set(pending->nodes[0]->scratch, attr, to_set));
}

/* ---- Its name ---- */

static void scratch_label(const struct node *node, char *out, size_t size)
{
	const char *name = node->scratch->name;

	snprintf(out, size, "%s", name ? name : "scratch");
}

static void scratch_unlink(struct pending *pending)
{
	drafts_unlink(pending->nodes[0]->scratch);
	pending_reply(pending, 0);
}

static void replaced(void *arg, int result)
{
	struct pending *pending = arg;

	/* Its content is in the records now. */
	if (result == 0 && pending->nodes[0]->scratch->name)
		drafts_unlink(pending->nodes[0]->scratch);
	pending_reply(pending, result);
}

static void replace(struct rename *rename, struct node *target)
{
	uid_t uid = fuse_req_ctx(rename->pending->req)->uid;

	replace_run(rename->fs, rename->from->scratch, target, NULL, uid,
		    replaced, rename->pending);
}

/* It stays a scratch file, of another name. */
static void rename_alone(struct rename *rename)
{
	int r = kind_name_is_taken(rename->name) ? -EEXIST : 0;

	if (r == 0)
		r = drafts_rename(rename->from->scratch, rename->dir,
				  rename->name);
	if (r == 0 && rename->over && rename->over != rename->from)
		drafts_unlink(rename->over->scratch);
	pending_reply(rename->pending, r);
}

/* Of the name there is no file yet: the directory says what becomes of it. */
static int find_target(struct rename *rename, struct node **out)
{
	const struct node_kind *kind = rename->dir->kind;

	return kind->target ? kind->target(rename->fs, rename->dir,
					   rename->name, out)
			    : -ENOENT;
}

static void scratch_rename(struct rename *rename)
{
	struct node *target;
	int r = -ENOENT;

	if (rename->dir->anchor != rename->from->anchor) {
		pending_reply(rename->pending, -EXDEV);
		return;
	}
	if (rename->over && !rename->over->scratch) {
		replace(rename, rename->over);
		return;
	}
	if (!rename->over)
		r = find_target(rename, &target);
	if (r == 0) {
		pending_keep(rename->pending, target);
		node_put(rename->fs, target, 1);
		replace(rename, target);
	} else if (r == -ENOENT) {
		rename_alone(rename);
	} else {
		pending_reply(rename->pending, r);
	}
}

/* ---- Open files ---- */

static int scratch_open_file(struct handle *handle)
{
	return handle->flags & O_TRUNC
		       ? scratch_truncate(handle->node->scratch, 0)
		       : 0;
}

static void scratch_read_file(struct handle *handle, fuse_req_t req,
			      size_t size, uint64_t offset, bool waits)
{
	CLEANUP(freep) char *data = malloc(size);
	ssize_t len =
		data ? scratch_read(handle->node->scratch, data, size, offset)
		     : -ENOMEM;

	(void)waits;
	if (len < 0)
		fuse_reply_err(req, (int)-len);
	else
		fuse_reply_buf(req, data, (size_t)len);
}

static void scratch_write_file(struct call *call)
{
	struct handle *handle = call->handle;
	ssize_t done = scratch_write(handle->node->scratch, call->data,
				     call->len, call->offset);

	if (done >= 0)
		call->len = (size_t)done;
	call_finish(call, done < 0 ? (int)done : 0);
}

/* It has nothing else. */
static bool scratch_is_pending(struct handle *handle)
{
	(void)handle;
	return true;
}

const struct node_kind file_scratch = {
	.number = 11,
	.mask = 0666,
	.reads_now = true,
	.attr = scratch_attr,
	.setattr = scratch_setattr,
	.label = scratch_label,
	.unlink = scratch_unlink,
	.rename = scratch_rename,
	.open = scratch_open_file,
	.read = scratch_read_file,
	.write = scratch_write_file,
	.is_pending = scratch_is_pending,
};
