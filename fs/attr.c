// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <sys/stat.h>

#include "fs/attr.h"

#define ATTR_TIMEOUT	    3600.0 /* seconds */
#define ATTR_OTHERS_TIMEOUT 1.0	   /* where other hosts change them, too */

/* Set in the st_ino of what an anchor has any number of. */
#define INO_OF_MANY ((uint64_t)1 << 63)

/*
 * st_ino: the same for the same thing as long as the anchor lives. Of what is
 * in one directory its kind has the lowest bits: cp -r copies in that order,
 * and a zone's primaries have to come behind its records.
 */
static ino_t stable_ino(const struct node *node)
{
	uint64_t ino = 0xcbf29ce484222325;

	if (!node->anchor)
		return 1;
	if (!node_is_of_many(node)) {
		ino = node->anchor->id << KIND_BITS | node->kind->number;
		/* Anchors are counted, and never come to so many. */
		assert(!(ino & INO_OF_MANY));
		return ino;
	}
	/* FNV-1a, 64 bits, in the half that no anchor's number reaches. */
	for (size_t i = 0; i < node->key_len; i++)
		ino = (ino ^ (i == NODE_KEY_KIND ? 0 : node->key[i])) *
		      0x100000001b3;
	return ino << KIND_BITS | node->kind->number | INO_OF_MANY;
}

void attr_set_times(struct stat *st, int64_t ns)
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

int attr_of_table(struct fs *fs, const struct node *node, struct stat *st,
		  struct table_counts *counts)
{
	uint32_t table;
	int r = node_table(fs, node->anchor, &table);

	if (r < 0)
		return r;
	r = snapshot_counts(fs->host->snapshot, table, counts);
	snapshot_end(fs->host->snapshot);
	if (r == 0)
		attr_set_times(st, counts->changed_ns);
	return r;
}

int attr_get(struct fs *fs, struct node *node, struct stat *out)
{
	const struct node_kind *kind = node->kind;
	const struct anchor *anchor = node->anchor;
	struct stat st = {
		.st_ino = stable_ino(node),
		.st_nlink = 1,
		.st_mode = 0755,
		.st_uid = fs->commons->uid,
		.st_gid = fs->commons->gid,
		.st_blksize = 128 * 1024,
	};
	int r = 0;

	if (anchor && anchor->gone)
		return -ENODEV;
	attr_set_times(&st,
		       anchor ? anchor->mtime_ns : fs->commons->started_ns);
	if (anchor) {
		st.st_mode = anchor->mode & kind->mask;
		st.st_uid = anchor->uid;
		st.st_gid = anchor->gid;
	}
	st.st_mode |= kind_is_dir(kind) ? S_IFDIR : S_IFREG;
	if (kind->attr)
		r = kind->attr(fs, node, &st);
	st.st_blocks = (st.st_size + 511) / 512;
	if (r == 0)
		*out = st;
	return r;
}

/* Does the kernel of that view hear of all that is done, since it asks? */
static bool knows_all(const struct fs *fs)
{
	return !fs->peer && !fs->commons->others_change;
}

double attr_timeout(const struct fs *fs, const struct node *node)
{
	if (!node_is_dir(node) || node->kind->is_fleeting)
		return 0;
	/* What a LOOKUP brings may be overtaken by what it is to forget. */
	return knows_all(fs) ? ATTR_TIMEOUT : ATTR_OTHERS_TIMEOUT;
}

double attr_entry_timeout(const struct fs *fs, const struct node *node)
{
	bool is_server = node->kind == &dir_anchor && node->anchor->parent;

	/* An entry cannot be made forgotten: see listed.h. */
	if (is_server && !knows_all(fs))
		return 0;
	/*
	 * Names come and go with what is written to records; and a scratch
	 * file's entry becomes that of the file it is renamed over.
	 */
	return node_is_of_many(node) ? 0 : ATTR_TIMEOUT;
}
