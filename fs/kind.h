/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kind.h - what a kind of node is and does: one table for each
 *
 * Each control file, each sort of directory, and the files that clients make
 * have a table like the kernel's proc_ops, in a file of its own (file_stat.c,
 * dir_names.c). It is all that there is to know of that kind: nothing else in
 * fs/ asks of which kind a node is. A new control file is a new file with a
 * table, and a row in control_files[].
 *
 * An operation that a table leaves out does what its comment here says.
 *
 * All of them run on the main loop, and none may wait: what takes a commit, a
 * disk or a long time is handed on, and the request is answered in a callback.
 * An operation that is given a request, a call or a pending one answers it
 * exactly once: at once, or later where its comment says on what that waits.
 * The errnos are those that it may answer with.
 */
#ifndef FS_KIND_H
#define FS_KIND_H

#include "fs/fs.h"

struct call;
struct editing;
struct handle;
struct listing;
struct node;
struct pending;
struct rename;
struct scratch;
struct setting_kind;

/* st_ino has room for so much of a kind's number. */
#define KIND_BITS 5

typedef void replace_done(void *arg, int result); /* 0 or -errno */

struct node_kind {
	/* ---- What it is ---- */

	const char *name; /* of a control file; NULL: each has its own */

	/*
	 * Part of st_ino and of the node's key, so it stays what it is. One
	 * that does not fit is what compilers warn of (an error with -Dwerror);
	 * the same one twice is met by kinds_check().
	 */
	unsigned number : KIND_BITS;

	bool in_host;	  /* a host's anchor has it as a control file */
	bool in_fleet;	  /* and that only where there may be other hosts */
	bool in_server;	  /* an anchor with a nameserver has it */
	bool in_zone;	  /* a zone's directory has it */
	bool in_transfer; /* transfer/ has it */
	bool is_hidden;	  /* is found by its name, and not listed */
	mode_t mask; /* of the anchor's rights; without w it is read-only */

	/* It tells of all anchors: it is read after what is done to any. */
	bool tells_of_all;
	/* Its size is known when it is asked for: getattr() alone tells it. */
	bool is_sized_late;
	/* Who is refused may unlink it to clean up: see programs.h. */
	bool is_cleaned_up;
	/* Its readers see an end when the anchor goes, and no ENODEV. */
	bool has_end;
	/* What was read of it cannot be read again. */
	bool is_stream;
	/* A read shows what is there then, and not what was at the first. */
	bool reads_now;
	/* Another host has to be let write to read it: see fleet/grants.h. */
	bool is_private;
	/* And has to be let do all that root may, to do anything with it. */
	bool is_secret;
	/* It comes and goes, or changes, with no word: nothing is believed. */
	bool is_fleeting;
	/* An open directory keeps a moment of the store: see listing.h. */
	bool walks_store;
	/* But while something is listed it is, and is told of: listed.h. */
	bool is_listed;
	/* What is made in that directory is there only while it is open. */
	bool is_made_open;
	/*
	 * FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW: those that set the time
	 * of the records. All others are taken, and change nothing.
	 */
	int sets_time;

	/* Which records it shows and takes, of its owner: see node_scope(). */
	enum scope_kind scope;

	/* ---- Attributes ---- */

	/*
	 * What is not as with all nodes: the size, another time, the links.
	 * @st has the rights and the time of the anchor already.
	 * Return: 0; -ESTALE: it is no more, and is to be looked up again;
	 * -ENODEV, -ENOMEM, -EIO. NULL: nothing is.
	 */
	int (*attr)(struct fs *fs, struct node *node, struct stat *st);

	/*
	 * Answer a getattr: with @st; or later, when the size is known. ENODEV,
	 * ENOMEM. NULL: with @st, to be believed for attr_timeout().
	 */
	void (*getattr)(fuse_req_t req, struct node *node,
			const struct stat *st);

	/*
	 * Answer a setattr with setattr_reply(); later, after a commit. ENODEV,
	 * ENOSPC, EFBIG, EDQUOT, EMFILE, ENOMEM, EIO.
	 * NULL: as of a file that has its rights from the anchor (setattr.c).
	 */
	void (*setattr)(struct pending *pending, const struct stat *attr,
			int to_set);

	/*
	 * truncate(2) to 0 by name: answer with setattr_reply(); later, after a
	 * commit. ENODEV, ENOSPC, ENOMEM, EIO. NULL: nothing happens.
	 */
	void (*clear)(struct pending *pending);

	/* ---- Its name ---- */

	/* What `error` calls it. NULL: its name above. */
	void (*label)(const struct node *node, char *out, size_t size);

	/*
	 * Answer an unlink of pending->nodes[0]; later, after a commit. ENODEV,
	 * ENOSPC, ENOMEM, EIO.
	 * NULL: nothing happens, so that rm -r gets to the rmdir.
	 */
	void (*unlink)(struct pending *pending);

	/*
	 * Answer a rename of it; later, after a commit. As tree_rename().
	 * NULL: EPERM.
	 */
	void (*rename)(struct rename *rename);

	/*
	 * What @scratch holds becomes its content, as one change; @done is
	 * called later, after a commit. As replace_run(), which calls this.
	 * NULL: EPERM.
	 */
	void (*replace)(struct fs *fs, struct scratch *scratch,
			struct node *target, const struct staging_mark *expect,
			uid_t uid, replace_done *done, void *arg);

	/* ---- Open files ---- */

	/*
	 * Octets of what is allocated for one that is open: a struct that
	 * begins with its struct handle. 0: that one alone.
	 */
	size_t open_size;

	/*
	 * It is opened, by handle->flags. Return: 0; -EMFILE, -EDQUOT, with a
	 * line in `error`; -ENODEV, -ENOMEM, -EIO. NULL: nothing is needed.
	 */
	int (*open)(struct handle *handle);

	/* Free what it has; also after open() has failed. */
	void (*close)(struct handle *handle);

	/*
	 * Answer the open with handle_opened(); later, when what it shows is
	 * made. ENOMEM, EIO, and then handle_discard(). NULL: at once.
	 */
	void (*reply_open)(struct handle *handle, fuse_req_t req,
			   const struct fuse_file_info *fi);

	/*
	 * Answer a read; later, when it has its turn (turns.h), or when there
	 * is something to read. ENODEV; ESTALE: what it was reading is no more;
	 * EAGAIN, EINTR; EMFILE, EDQUOT, ENOMEM, EIO.
	 * @waits: the descriptor is not O_NONBLOCK
	 */
	void (*read)(struct handle *handle, fuse_req_t req, size_t size,
		     uint64_t offset, bool waits);

	/*
	 * Answer a poll, and keep @poll, unless it is NULL, to wake it later.
	 * NULL: it is always ready.
	 */
	void (*poll)(struct handle *handle, fuse_req_t req,
		     struct fuse_pollhandle *poll);

	/*
	 * A call has its turn (call.h), and ends with call_finish(); later,
	 * after a commit, or when /proc has told of who calls. The next call of
	 * that open file waits for it, and no other's. Nobody sees what a
	 * release ends with. EINVAL, ESTALE: refused, with a line in `error`;
	 * EACCES, EADDRINUSE, EADDRNOTAVAIL, EBUSY: of an address; ENODEV;
	 * EDQUOT, EMFILE, EFBIG, ENOSPC, ENOMEM, EIO.
	 * NULL: a write is EACCES, all else does nothing.
	 */
	void (*write)(struct call *call);
	void (*flush)(struct call *call);
	void (*truncate)(struct call *call);
	void (*release)(struct call *call);

	/* The text of a small file: see text_view.h. 0; -ENOMEM, -EIO, ... */
	int (*render)(struct fs *fs, const struct node *node,
		      struct buffer *out);

	/* What is written to it; NULL: it takes no records (editing.h). */
	struct editing *(*editing)(struct handle *handle);

	/* Of a small text that is taken as a whole: see setting.h; or NULL. */
	const struct setting_kind *setting;

	/* What is written by it replaces what is there. NULL: see editing(). */
	bool (*replaces)(struct handle *handle);

	/* Would the end of this daemon take something of what was written, or
	 * was to be removed by the close? NULL: all is on disk. */
	bool (*is_pending)(struct handle *handle);

	/*
	 * Octets that a descriptor has for itself: of a file that is no more,
	 * or of a replacement that is no records'.
	 * Return: whether it has some. NULL: none ever has.
	 */
	bool (*kept_size)(struct handle *handle, uint64_t *out);

	/* ---- Directories; a kind with lookup() is one ---- */

	/*
	 * What it has by that name, as from node_get().
	 * Return: 0; -ENOENT; -ENODEV, -ENOMEM, -EIO.
	 */
	int (*lookup)(struct fs *fs, struct node *dir, const char *name,
		      struct node **out);

	/* All that is in it: see listing_add(). 0; -ENODEV, -ENOMEM, -EIO. */
	int (*list)(struct listing *listing);

	/* Make a plain file; there is none of that name. As tree_open_new(). */
	int (*create)(struct fs *fs, struct node *dir, const char *name,
		      int flags, mode_t mode, const struct fuse_ctx *ctx,
		      struct node **out);

	/*
	 * A scratch file is renamed to @name: what takes its content.
	 * Return: 0, and a node as from node_get(); -ENOENT: it stays a
	 * scratch file, of that name; -EINVAL, -ENOMEM. NULL: -ENOENT.
	 */
	int (*target)(struct fs *fs, struct node *dir, const char *name,
		      struct node **out);

	/*
	 * Answer a mkdir in pending->nodes[0]; later, after a commit. As
	 * tree_mkdir(). NULL: EPERM.
	 */
	void (*make)(struct pending *pending, const char *name, mode_t mode);

	/*
	 * Answer a rmdir of pending->nodes[0]; later, after a commit. EPERM,
	 * ENOTEMPTY, ENODEV, ENOSPC, ENOMEM, EIO. NULL, of a file: ENOTDIR.
	 */
	void (*remove)(struct pending *pending);
};

extern const struct node_kind dir_root;	    /* /: the hosts */
extern const struct node_kind dir_anchor;   /* a host, or a nameserver */
extern const struct node_kind dir_names;    /* names/ */
extern const struct node_kind file_name;    /* in names/ */
extern const struct node_kind file_scratch; /* what clients make */
extern const struct node_kind dir_keys;	    /* keys/ */
extern const struct node_kind file_key;	    /* in keys/ */
extern const struct node_kind dir_transfer; /* transfer/ */
extern const struct node_kind dir_zones;    /* zones/ */
extern const struct node_kind dir_zone;	    /* in zones/ */

extern const struct node_kind file_addr;
extern const struct node_kind file_error;
extern const struct node_kind file_help;
extern const struct node_kind file_log;
extern const struct node_kind file_metrics;
extern const struct node_kind file_peers;
extern const struct node_kind file_records;
extern const struct node_kind file_stat;

/* In transfer/, in a zone's directory, or in both. */
extern const struct node_kind file_all_status;
extern const struct node_kind file_catalog;
extern const struct node_kind file_policy;
extern const struct node_kind file_primaries;
extern const struct node_kind file_secondaries;
extern const struct node_kind file_serial;
extern const struct node_kind file_status;
extern const struct node_kind file_updates;
extern const struct node_kind file_zone_records;

/* Those that have a name, as a directory lists them; NULL behind the last. */
extern const struct node_kind *const control_files[];

/* The same of a zone's directory and of transfer/. */
extern const struct node_kind *const setting_files[];

/** kind_is_in() - @anchor has that control file */
bool kind_is_in(const struct node_kind *kind, const struct anchor *anchor);

/** kind_named() - the control file of that name in @anchor, or NULL */
const struct node_kind *kind_named(const struct anchor *anchor,
				   const char *name);

/** kind_name_is_taken() - no anchor and no scratch file may have this name */
bool kind_name_is_taken(const char *name);

static inline bool kind_is_dir(const struct node_kind *kind)
{
	return kind->lookup != NULL;
}

static inline bool kind_is_read_only(const struct node_kind *kind)
{
	return !(kind->mask & 0222);
}

/** kinds_check() - at the start: assert what each table has to be */
void kinds_check(void);

#endif
