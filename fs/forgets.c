// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "fs/forgets.h"
#include "fs/node.h"

/* So many are worth no turn; and after so many, a look at the clock. */
#define FEW 64

struct forgets {
	struct turn turn;
	struct turns_lane lane;
	struct fs *fs;
	size_t count, at;
	struct fuse_forget_data list[];
};

static void drop(struct fs *fs, const struct fuse_forget_data *list,
		 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].ino != FUSE_ROOT_ID)
			node_put(fs, node_of(fs, list[i].ino), list[i].nlookup);
}

static enum turn_result go_on(struct turn *turn, uint64_t until_ns)
{
	struct forgets *forgets = container_of(turn, struct forgets, turn);

	do {
		size_t left = forgets->count - forgets->at;
		size_t some = left < FEW ? left : FEW;

		drop(forgets->fs, forgets->list + forgets->at, some);
		forgets->at += some;
	} while (forgets->at < forgets->count && uv_hrtime() < until_ns);
	if (forgets->at < forgets->count)
		return TURN_YIELD;
	free(forgets);
	return TURN_DONE;
}

void forgets_take(struct fs *fs, const struct fuse_forget_data *list,
		  size_t count)
{
	struct forgets *forgets = NULL;

	if (count > FEW)
		forgets = calloc(1, sizeof(*forgets) + count * sizeof(*list));
	if (!forgets) {
		drop(fs, list, count);
		return;
	}
	forgets->turn.go = go_on;
	forgets->fs = fs;
	forgets->count = count;
	memcpy(forgets->list, list, count * sizeof(*list));
	turns_add(fs, &forgets->lane, &forgets->turn);
}
