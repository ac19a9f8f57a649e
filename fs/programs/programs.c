// SPDX-License-Identifier: Apache-2.0
/*
 * programs.c - the questions that the tree asks of a program
 *
 * Some are answered from what it did a moment ago (memory.h), the others by a
 * look at the process (caller.h), for which the request has to wait.
 */
#include <stdlib.h>

#include "fs/caller.h"
#include "fs/handle.h"
#include "fs/programs/memory.h"
#include "fs/programs/programs.h"

/* Who has no number here (another PID namespace) is nobody in particular. */
static struct memory *did(struct fs *fs, enum memory_kind kind,
			  const struct node *node, pid_t pid)
{
	return pid ? memory_find(fs, kind, node, pid) : NULL;
}

/* ---- Who is it? ---- */

struct program {
	const char *command;
	/*
	 * It makes a directory and then what is in it, by O_EXCL and mkdir(2),
	 * and reads nothing there. What it looks up on the way must not be
	 * there, or the kernel tells it EEXIST without asking us.
	 */
	bool copies;
	bool needs_backup; /* it ends when one by renaming is refused */
	bool makes_anew;   /* it unlinks what it goes on to write */
};

static const struct program programs[] = {
	{"cp", .copies = true, .needs_backup = true, .makes_anew = true},
	{"install", .needs_backup = true, .makes_anew = true},
	{"mv", .copies = true, .needs_backup = true, .makes_anew = true},
	{"patch", .needs_backup = true},
	{"perl", .needs_backup = true},
	{"sed", .needs_backup = true},
	{"tar", .copies = true, .makes_anew = true},
	{"vim", .makes_anew = true},
	{"vim.basic", .makes_anew = true},
	{"vim.tiny", .makes_anew = true},
};

/* What none of the known ones does is done by none of the others. */
static const struct program *program_of(const struct caller *caller)
{
	static const struct program other;

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strcmp(programs[i].command, caller->command))
			return &programs[i];
	return &other;
}

/* A question on its way. */
struct asked {
	struct fs *fs;
	const struct node *node; /* borrowed; NULL: it is of no file */
	uid_t uid;
	programs_know *know;
	void *arg;
};

/* Without memory for the question its answer is no. */
static void ask(const struct fuse_ctx *by, const struct asked *head,
		caller_done *done)
{
	struct caller_about about = {.pid = by->pid};
	struct asked *asked = malloc(sizeof(*asked));

	if (!asked) {
		head->know(head->arg, false);
		return;
	}
	*asked = *head;
	caller_ask(asked->fs, &about, done, asked);
}

static void know_copier(void *arg, const struct caller *caller)
{
	CLEANUP(freep) struct asked *asked = arg;

	asked->know(asked->arg, program_of(caller)->copies);
}

void programs_ask_copies(struct fs *fs, const struct fuse_ctx *by,
			 programs_know *know, void *arg)
{
	struct asked head = {.fs = fs, .know = know, .arg = arg};

	ask(by, &head, know_copier);
}

static void know_who_backs_up(void *arg, const struct caller *caller)
{
	CLEANUP(freep) struct asked *asked = arg;

	asked->know(asked->arg, program_of(caller)->needs_backup);
}

void programs_ask_backup(struct fs *fs, const struct fuse_ctx *by,
			 programs_know *know, void *arg)
{
	struct asked head = {.fs = fs, .know = know, .arg = arg};

	ask(by, &head, know_who_backs_up);
}

static void know_who_unlinks(void *arg, const struct caller *caller)
{
	CLEANUP(freep) struct asked *asked = arg;

	asked->know(asked->arg, program_of(caller)->makes_anew);
}

void programs_ask_anew(struct fs *fs, const struct fuse_ctx *by,
		       programs_know *know, void *arg)
{
	struct asked head = {.fs = fs, .know = know, .arg = arg};

	ask(by, &head, know_who_unlinks);
}

/* ---- Refused, and then it cleans up ---- */

static void know_refused(void *arg, const struct caller *caller)
{
	CLEANUP(freep) struct asked *asked = arg;
	bool noted = caller->process &&
		     memory_add(asked->fs, MEMORY_REFUSED, asked->node,
				caller->process, asked->uid);

	asked->know(asked->arg, noted);
}

/* Only a name can be lost by a clean-up; a control file stays anyway. */
void programs_refused(struct fs *fs, const struct node *node,
		      const struct fuse_ctx *by, programs_know *know, void *arg)
{
	struct asked head = {
		.fs = fs,
		.node = node,
		.uid = by->uid,
		.know = know,
		.arg = arg,
	};

	if (node->kind->is_cleaned_up)
		ask(by, &head, know_refused);
	else
		know(arg, false);
}

static void know_remover(void *arg, const struct caller *caller)
{
	CLEANUP(freep) struct asked *asked = arg;
	struct memory *refusal =
		did(asked->fs, MEMORY_REFUSED, asked->node, caller->process);

	if (refusal)
		memory_forget(asked->fs, refusal);
	asked->know(asked->arg, refusal);
}

void programs_ask_clean_up(struct fs *fs, const struct fuse_ctx *by,
			   const struct node *node, programs_know *know,
			   void *arg)
{
	struct asked head = {
		.fs = fs,
		.node = node,
		.know = know,
		.arg = arg,
	};

	if (memory_has_any(fs, MEMORY_REFUSED, node))
		ask(by, &head, know_remover);
	else
		know(arg, false);
}

/* ---- Does it insist that the file is new? ---- */

/* It goes with its records when it is unlinked; all else stays. */
static bool is_name(const struct node *node)
{
	return node->kind->scope == SCOPE_OWNER;
}

static enum memory_kind unlinked_kind(const struct node *node)
{
	return is_name(node) ? MEMORY_REMOVED : MEMORY_UNLINKED;
}

static bool has_unlinked(struct fs *fs, const struct fuse_ctx *by,
			 const struct node *node)
{
	return did(fs, unlinked_kind(node), node, by->pid);
}

void programs_unlinked(struct fs *fs, const struct node *node,
		       const struct fuse_ctx *by)
{
	struct memory *memory =
		memory_add(fs, unlinked_kind(node), node, by->pid, by->uid);

	if (memory && is_name(node))
		memory_keep_text(fs, memory, node);
}

void programs_made_dir(struct fs *fs, struct node *dir,
		       const struct fuse_ctx *by, bool copies)
{
	memory_set_maker(fs, dir, by, copies);
}

void programs_made_again(struct fs *fs, const struct node *dir,
			 struct node *made, const struct fuse_ctx *by)
{
	memory_set_maker(fs, made, by, memory_is_copier(fs, dir, by));
}

bool programs_is_hidden(struct fs *fs, const struct fuse_ctx *by,
			const struct node *dir, const struct node *node)
{
	bool is_control = node->kind->name;

	if (!by->pid || (!is_control && !node_has_owner(node)))
		return false;
	if (!is_name(node) && has_unlinked(fs, by, node))
		return true;
	return memory_is_copier(fs, dir, by) && !memory_is_maker(fs, node, by);
}

struct programs_making programs_making(struct fs *fs, const struct fuse_ctx *by,
				       const struct node *dir,
				       const struct node *node)
{
	bool hidden = programs_is_hidden(fs, by, dir, node);

	return (struct programs_making){
		.anew = hidden || has_unlinked(fs, by, node),
		.copies = hidden && memory_is_maker(fs, dir, by),
	};
}

/* Those without a number share one memory: it is of this file all the same. */
void programs_take_former(struct fs *fs, const struct fuse_ctx *by,
			  const struct node *node, struct buffer *text)
{
	struct memory *memory =
		memory_find(fs, unlinked_kind(node), node, by->pid);

	if (!memory)
		return;
	*text = memory_take_text(memory);
	memory_forget(fs, memory);
}

/* ---- Are the rights that it asks for those of its source? ---- */

void programs_replaced(struct fs *fs, const struct node *node,
		       const struct fuse_ctx *by)
{
	memory_add(fs, MEMORY_REPLACED, node, by->pid, by->uid);
}

bool programs_rights_are_copied(struct fs *fs, const struct fuse_ctx *by,
				const struct node *node)
{
	return memory_is_maker(fs, node, by) ||
	       handle_replaces(node, by->uid) ||
	       did(fs, MEMORY_REPLACED, node, by->pid);
}

/* ---- The end ---- */

void programs_forget_dir(struct node *node)
{
	memory_forget_maker(node);
}

void programs_forget_all(struct fs *fs)
{
	memory_forget_all(fs);
}
