/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs.h - programs that insist on what this tree does not have
 *
 * In an anchor the control files are always there, their rights are the
 * anchor's, and a file in names/ is there while its name has records. Some
 * programs stop at that. Each is let believe what it insists on, and nobody
 * else sees anything of it:
 *
 * mv from another filesystem, cp --remove-destination, tar, install
 *	unlink what they replace, and make it anew by O_EXCL. A control file
 *	stays when it is unlinked, but that thread does not find it, for 1 s.
 *	A name goes with its records; if the same thread makes it anew within
 *	1 s and is refused, they are put back, whatever control file it has
 *	unlinked meanwhile.
 *
 * cp -r and tar of a whole anchor
 *	make a directory by mkdir(2), and then by mkdir(2) and O_EXCL all that
 *	mkdir(2) has just made in it. That thread does not find in it what it
 *	has not made yet, until 60 s after its last look. The rights that it
 *	gives to names/ are taken and not set.
 *
 * rclone, Node, tcl, curl, Go
 *	remove what they have made when writing it is refused. Within 5 s that
 *	unlink, by any thread of the process that was refused, is of the copy,
 *	and not of the records that were there before it.
 *
 * cp -p, install, Node's copyFile, Rust's fs::copy
 *	set the mode and the owner of what they have copied: those are taken
 *	and not set, while it is open (handle_replaces()), and by name up to
 *	1 s after the close (install).
 *
 * cp --backup, install -b, mv -b, patch, perl -i.bak, sed -i~
 *	rename a file away to keep it, and end when that is refused. Editors do
 *	the same, and copy instead: nothing is wrong then. They are told by
 *	their names; nothing is remembered.
 *
 * sed -i, rsync, vim, git and their like
 *	make a scratch file beside the one that they replace, and in names/ it
 *	must not become a name: see programs_is_draft_name().
 *
 * Bounds: a process or a thread has one memory of each kind, and a user
 * MEMORY_PER_USER of them, with texts of MEMORY_TEXT_MAX; the oldest makes
 * room. Who made a directory stands with its node. A thread's number may be
 * another's later, which is why nothing is remembered for long.
 *
 * docs/compatibility.md has the table of programs, from what was run.
 *
 * Threading: the main loop.
 */
#ifndef FS_PROGRAMS_H
#define FS_PROGRAMS_H

#include "fs/node.h"

/*
 * How a question is answered that takes a look at the process. What is not
 * known in time is false (caller.h).
 */
typedef void programs_know(void *arg, bool yes);

/* ---- What this room is told ---- */

/** programs_made_dir() - @by has made @dir; @copies: as cp(1) and tar(1) do */
void programs_made_dir(struct fs *fs, struct node *dir,
		       const struct fuse_ctx *by, bool copies);

/**
 * programs_made_again() - @by makes names/ or its like, where it is already
 * @dir: that it is in
 */
void programs_made_again(struct fs *fs, const struct node *dir,
			 struct node *made, const struct fuse_ctx *by);

/**
 * programs_unlinked() - @by unlinks a control file, or a name
 *
 * A name's records must still be there: their text is kept.
 */
void programs_unlinked(struct fs *fs, const struct node *node,
		       const struct fuse_ctx *by);

/**
 * programs_refused() - a call of @by's on @node was, and it waits for that
 * @node: borrowed until the callback
 * @know: answer it now: it is noted, or need not be; is called later, or in
 *        this call
 */
void programs_refused(struct fs *fs, const struct node *node,
		      const struct fuse_ctx *by, programs_know *know,
		      void *arg);

/** programs_replaced() - @by has replaced what @node shows, and closed it */
void programs_replaced(struct fs *fs, const struct node *node,
		       const struct fuse_ctx *by);

/** programs_forget_dir() - @node is freed */
void programs_forget_dir(struct node *node);

/** programs_forget_all() - at the end */
void programs_forget_all(struct fs *fs);

/* ---- Does it insist that the file is new? ---- */

/**
 * programs_is_hidden() - @by must not find what @dir has there
 *
 * It has just unlinked it; or it copies, has made @dir, and goes on to make
 * what mkdir(2) has made already.
 */
bool programs_is_hidden(struct fs *fs, const struct fuse_ctx *by,
			const struct node *dir, const struct node *node);

struct programs_making {
	bool anew; /* it takes it for a new file: it replaces what was there */
	bool copies; /* and it is one of a directory that it has made */
};

/** programs_making() - @by makes, by create(2), what @dir has there already */
struct programs_making programs_making(struct fs *fs, const struct fuse_ctx *by,
				       const struct node *dir,
				       const struct node *node);

/**
 * programs_take_former() - the records that the file had which @by makes anew
 * @text: becomes their text, if it has just removed them; or stays. To be put
 *        back if what it writes is refused.
 */
void programs_take_former(struct fs *fs, const struct fuse_ctx *by,
			  const struct node *node, struct buffer *text);

/**
 * programs_rights_are_copied() - the rights that @by asks for are those of the
 * source of its copy
 *
 * Who makes a file or copies a directory sets the rights of what is in it, and
 * would stop if that was refused. Nobody relies on them there.
 */
bool programs_rights_are_copied(struct fs *fs, const struct fuse_ctx *by,
				const struct node *node);

/* ---- Is it a scratch file that it makes in names/? ---- */

/** programs_is_draft_name() - no name is spelled so, whoever makes it */
bool programs_is_draft_name(const char *name);

/** programs_makes_draft() - made so, it is none: @flags, @mode of create(2) */
bool programs_makes_draft(const char *name, int flags, mode_t mode);

/* ---- Who is it? ---- */

/* Each answers later, or in this call when nothing has to be looked at. */

/** programs_ask_copies() - does @by make a directory to copy another? */
void programs_ask_copies(struct fs *fs, const struct fuse_ctx *by,
			 programs_know *know, void *arg);

/** programs_ask_backup() - does @by end when a backup is refused? */
void programs_ask_backup(struct fs *fs, const struct fuse_ctx *by,
			 programs_know *know, void *arg);

/** programs_ask_anew() - does @by go on to write what it unlinks? */
void programs_ask_anew(struct fs *fs, const struct fuse_ctx *by,
		       programs_know *know, void *arg);

/**
 * programs_ask_clean_up() - does @by unlink what it was refused to write?
 * @node: borrowed until the answer
 *
 * The records that were there stay then. It is asked once for each refusal.
 */
void programs_ask_clean_up(struct fs *fs, const struct fuse_ctx *by,
			   const struct node *node, programs_know *know,
			   void *arg);

#endif
