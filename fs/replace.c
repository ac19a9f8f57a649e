// SPDX-License-Identifier: Apache-2.0
/*
 * replace.c - a scratch file's text takes the place of a control file's
 *
 * The scratch file is fed to an edit, piece by piece, as a client's writes
 * would be; but here the end of the text is known to be its end.
 */
#include <errno.h>

#include "fs/edit/edit.h"
#include "fs/replace.h"
#include "fs/scratch.h"

#define REPLACE_PIECE (256 * 1024)

struct replace {
	struct scratch *scratch; /* borrowed */
	struct edit *edit;
	uint64_t offset;
	replace_done *done;
	void *arg;
	char piece[REPLACE_PIECE];
};

static void end(void *arg, int result)
{
	struct replace *replace = arg;

	replace->done(replace->arg, result);
	edit_free(replace->edit);
	free(replace);
}

static void next_piece(void *arg, int result)
{
	struct replace *replace = arg;
	ssize_t len = result;

	if (result == 0)
		len = scratch_read(replace->scratch, replace->piece,
				   sizeof(replace->piece), replace->offset);
	if (len < 0) {
		end(replace, (int)len);
	} else if (len == 0) {
		edit_publish(replace->edit, end, replace);
	} else {
		replace->offset += (uint64_t)len;
		edit_write(replace->edit, replace->piece, (size_t)len,
			   next_piece, replace);
	}
}

void replace_records(struct fs *fs, struct scratch *scratch,
		     struct node *target, const struct staging_mark *expect,
		     uid_t uid, replace_done *done, void *arg)
{
	struct replace *replace = malloc(sizeof(*replace));
	int r;

	if (!replace) {
		done(arg, -ENOMEM);
		return;
	}
	replace->scratch = scratch;
	replace->edit = NULL;
	replace->offset = 0;
	replace->done = done;
	replace->arg = arg;
	r = edit_new(&replace->edit, fs, target, uid, true);
	if (r == 0 && expect)
		edit_expect(replace->edit, expect);
	if (r == 0 && scratch->dated)
		edit_set_time(replace->edit, scratch->mtime_ns);
	next_piece(replace, r);
}

void replace_run(struct fs *fs, struct scratch *scratch, struct node *target,
		 const struct staging_mark *expect, uid_t uid,
		 replace_done *done, void *arg)
{
	if (target->kind->replace) {
		target->kind->replace(fs, scratch, target, expect, uid, done,
				      arg);
		return;
	}
	node_fail(fs, target, "rename", scratch->name,
		  "what is there takes no content; rename over records, addr "
		  "or a name");
	done(arg, -EPERM);
}
