// SPDX-License-Identifier: Apache-2.0
/*
 * setting_name.c - a small text by its name: unlinked, or a scratch file is
 * renamed over it
 */
#include <errno.h>
#include <sodium.h>

#include "fs/programs/programs.h"
#include "fs/scratch.h"
#include "fs/setting_layout.h"

/* ---- unlink ---- */

/* A question on its way. */
struct unlinking {
	struct pending *pending;
	void (*remove)(struct pending *pending);
};

static void know_remover(void *arg, bool cleans_up)
{
	struct unlinking unlinking = *(struct unlinking *)arg;

	free(arg);
	if (cleans_up)
		pending_reply(unlinking.pending, 0);
	else
		unlinking.remove(unlinking.pending);
}

void setting_unlink(struct pending *pending,
		    void (*remove)(struct pending *pending))
{
	struct unlinking *unlinking = malloc(sizeof(*unlinking));
	const struct fuse_ctx *ctx = fuse_req_ctx(pending->req);
	struct node *node = pending->nodes[0];

	if (!unlinking) {
		pending_reply(pending, -ENOMEM);
		return;
	}
	*unlinking = (struct unlinking){pending, remove};
	programs_unlinked(pending->fs, node, ctx);
	programs_ask_clean_up(pending->fs, ctx, node, know_remover, unlinking);
}

static void know_unlinker(void *arg, bool makes_anew)
{
	struct pending *pending = arg;

	if (!makes_anew)
		node_refuse(pending->fs, pending->nodes[0], "unlink",
			    "it stays as it is; write to it, or rmdir the "
			    "zone");
	pending_reply(pending, 0);
}

/* Who copies over it goes on to write it: nothing is wrong. */
static void stays(struct pending *pending)
{
	programs_ask_anew(pending->fs, fuse_req_ctx(pending->req),
			  know_unlinker, pending);
}

void setting_keep(struct pending *pending)
{
	setting_unlink(pending, stays);
}

/* ---- A scratch file over it ---- */

struct replacing {
	struct node *target; /* the caller's */
	replace_done *done;
	void *arg;
	char *text; /* owned */
	size_t size;
};

static void end_replacing(struct replacing *replacing, int result,
			  const struct refusal *why)
{
	if (result < 0)
		setting_tell(replacing->target, result, why);
	replacing->done(replacing->arg, result);
	sodium_memzero(replacing->text, replacing->size);
	free(replacing->text);
	free(replacing);
}

static void replaced(void *arg, int result, const struct refusal *why)
{
	end_replacing(arg, result, why);
}

static void run_replacing(struct replacing *replacing, struct scratch *scratch)
{
	const struct setting_kind *kind = replacing->target->kind->setting;
	struct refusal why = {0};
	ssize_t len =
		scratch_read(scratch, replacing->text, replacing->size, 0);

	if (len >= 0 && (size_t)len == replacing->size)
		len = refusal_set(&why, -EINVAL,
				  "longer than any that is right");
	if (len < 0)
		end_replacing(replacing, (int)len, &why);
	else
		kind->take(replacing->target, true, replacing->text,
			   (size_t)len, replaced, replacing);
}

void setting_replace(struct fs *fs, struct scratch *scratch,
		     struct node *target, const struct staging_mark *expect,
		     uid_t uid, replace_done *done, void *arg)
{
	struct replacing *replacing = malloc(sizeof(*replacing));
	size_t size = target->kind->setting->max + 1;
	char *text = malloc(size);

	(void)fs;
	(void)expect;
	(void)uid;
	if (!replacing || !text) {
		free(replacing);
		free(text);
		done(arg, -ENOMEM);
		return;
	}
	*replacing = (struct replacing){
		.target = target,
		.done = done,
		.arg = arg,
		.text = text,
		.size = size,
	};
	run_replacing(replacing, scratch);
}
