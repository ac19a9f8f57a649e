// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sys/stat.h>

#include "fs/attr.h"
#include "fs/files.h"
#include "fs/page.h"
#include "fs/scratch.h"
#include "fs/watch.h"

#define ATTR_TIMEOUT 3600.0 /* seconds */

/* st_ino: the same for the same thing as long as the anchor lives. */
static ino_t stable_ino(const struct node *node)
{
	uint64_t ino = 0xcbf29ce484222325;

	if (node->kind != NODE_NAME && node->kind != NODE_SCRATCH)
		return node->anchor ? node->anchor->id << 4 | node->kind : 1;
	/* FNV-1a, 64 bits, in the half that no anchor's number reaches. */
	for (size_t i = 0; i < node->key_len; i++)
		ino = (ino ^ node->key[i]) * 0x100000001b3;
	return ino | (uint64_t)1 << 63;
}

static mode_t file_mask(enum node_kind kind)
{
	for (size_t i = 0; i < NODE_FILES; i++)
		if (node_files[i].kind == kind)
			return node_files[i].mask;
	return kind == NODE_ANCHOR ? 07777 : 0666;
}

static void set_times(struct stat *st, int64_t ns)
{
	st->st_mtim.tv_sec = ns / 1000000000;
	st->st_mtim.tv_nsec = ns % 1000000000;
	/* Before 1970 the nanoseconds count forward too. */
	if (st->st_mtim.tv_nsec < 0) {
		st->st_mtim.tv_sec--;
		st->st_mtim.tv_nsec += 1000000000;
	}
	st->st_atim = st->st_ctim = st->st_mtim;
}

/* How many directories are in it, "." and ".." too. */
static nlink_t links(const struct node *node)
{
	const struct anchor *anchor = node->anchor;

	switch (node->kind) {
	case NODE_ROOT:
		return 3;
	case NODE_ANCHOR:
		return 2 + HASH_COUNT(anchor->children) +
		       (anchor->parent ? 1 : 0);
	case NODE_NAMES:
		return 2;
	default:
		return 1;
	}
}

static int table_attr(struct fs *fs, struct node *node, struct stat *st)
{
	struct table_counts counts;
	struct rrsets rrsets = {0};
	struct name owner;
	uint32_t table;
	int r = node_table(fs, node->anchor, &table);

	if (r < 0)
		return r;
	r = snapshot_counts(fs->host->snapshot, table, &counts);
	if (r == 0 && node->kind == NODE_NAME) {
		node_owner(node, &owner);
		r = snapshot_get(fs->host->snapshot, table, &owner, &rrsets);
		/* Open without records: new, or removed meanwhile. */
		if (r == -ENOENT)
			r = node->opens || node->created ? 0 : -ESTALE;
		st->st_size = (off_t)rrsets_text_size(rrsets);
	}
	snapshot_end(fs->host->snapshot);
	if (r < 0)
		return r;
	set_times(st, counts.changed_ns);
	if (node->kind == NODE_RECORDS)
		st->st_size = (off_t)counts.text;
	if (node->kind == NODE_STAT)
		st->st_size = (off_t)stat_size(node->anchor, &counts);
	return 0;
}

static void scratch_attr(const struct scratch *scratch, struct stat *st)
{
	st->st_mode = S_IFREG | scratch->mode;
	st->st_uid = scratch->uid;
	st->st_gid = scratch->gid;
	st->st_size = (off_t)scratch->size;
	set_times(st, scratch->mtime_ns);
}

int attr_get(struct fs *fs, struct node *node, struct stat *out)
{
	enum node_kind kind = node->kind;
	struct anchor *anchor = node->anchor;
	bool is_dir =
		kind == NODE_ROOT || kind == NODE_ANCHOR || kind == NODE_NAMES;
	struct stat st = {
		.st_ino = stable_ino(node),
		.st_nlink = links(node),
		.st_mode = S_IFDIR | 0755,
		.st_uid = fs->uid,
		.st_gid = fs->gid,
		.st_blksize = 128 * 1024,
	};
	int r = 0;

	if (anchor && anchor->gone)
		return -ENODEV;
	set_times(&st, anchor ? anchor->mtime_ns : fs->started_ns);
	if (anchor) {
		st.st_mode = (is_dir ? S_IFDIR : S_IFREG) |
			     (anchor->mode & file_mask(kind));
		st.st_uid = anchor->uid;
		st.st_gid = anchor->gid;
	}
	if (kind == NODE_METRICS && page_time(fs))
		set_times(&st, page_time(fs));
	if (kind == NODE_HELP || kind == NODE_METRICS || kind == NODE_ERROR ||
	    kind == NODE_ADDR)
		st.st_size = (off_t)small_file_size(fs, node);
	else if (kind == NODE_LOG)
		st.st_size = (off_t)watch_size(node);
	else if (kind == NODE_SCRATCH)
		scratch_attr(node->scratch, &st);
	else if (kind != NODE_ROOT && kind != NODE_ANCHOR)
		r = table_attr(fs, node, &st);
	st.st_blocks = (st.st_size + 511) / 512;
	if (r == 0)
		*out = st;
	return r;
}

double attr_timeout(const struct node *node)
{
	return node->kind == NODE_ANCHOR || node->kind == NODE_ROOT ||
			       node->kind == NODE_NAMES
		       ? ATTR_TIMEOUT
		       : 0;
}

double attr_entry_timeout(const struct node *node)
{
	/*
	 * Names come and go with what is written to records; and a scratch
	 * file's entry becomes that of the file it is renamed over.
	 */
	return node->kind == NODE_NAME || node->kind == NODE_SCRATCH
		       ? 0
		       : ATTR_TIMEOUT;
}
