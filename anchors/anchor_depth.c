// SPDX-License-Identifier: Apache-2.0
/*
 * anchor_depth.c - how deep the tree may become
 *
 * The kernel, and whoever walks a tree, have limits for the length of a path;
 * a move may take many anchors beyond them at once. So it looks at what it
 * takes along, as far as that can be done without holding up the main loop.
 */
#include <errno.h>

#include "anchors/anchor.h"

/* How far a path reaches below the host. */
struct extent {
	size_t levels;
	size_t octets;
};

static struct extent extent_add(struct extent extent, const char *name)
{
	/* Each name but the first one has a slash before it. */
	extent.octets += strlen(name) + (extent.levels ? 1 : 0);
	extent.levels++;
	return extent;
}

static struct extent extent_of(const struct anchor *anchor)
{
	struct extent extent = {0};

	for (; anchor->parent; anchor = anchor->parent)
		extent = extent_add(extent, anchor->name);
	return extent;
}

/*
 * How deep and how long what is in @top reaches, below it: the most of each.
 * Return: whether that could be seen.
 */
static bool reach_of(const struct anchor *top, struct extent *out)
{
	struct extent here = {0}, most = {0};
	const struct anchor *at = top;

	for (size_t seen = 0; seen < ANCHOR_LOOK_MAX; seen++) {
		if (at->children) {
			at = at->children;
		} else {
			for (; at != top && !at->hh.next; at = at->parent) {
				here.octets -= strlen(at->name) + 1;
				here.levels--;
			}
			if (at == top) {
				*out = most;
				return true;
			}
			here.octets -= strlen(at->name) + 1;
			here.levels--;
			at = at->hh.next;
		}
		here.octets += strlen(at->name) + 1;
		here.levels++;
		if (here.levels > most.levels)
			most.levels = here.levels;
		if (here.octets > most.octets)
			most.octets = here.octets;
	}
	return false;
}

static int extent_fits(struct extent extent, struct refusal *why)
{
	if (extent.levels > ANCHOR_LEVELS_MAX)
		return refusal_set(
			why, -EDQUOT,
			"directories are %d levels deep at most, and this "
			"would make it %zu",
			ANCHOR_LEVELS_MAX, extent.levels);
	if (extent.octets > ANCHOR_PATH_MAX)
		return refusal_set(
			why, -ENAMETOOLONG,
			"a path has %d octets at most below the host's "
			"directory, and this would make it %zu",
			ANCHOR_PATH_MAX, extent.octets);
	return 0;
}

int anchor_fits(const struct anchor *anchor, const struct anchor *parent,
		const char *name, struct refusal *why)
{
	struct extent to = extent_add(extent_of(parent), name);
	struct extent from, reach = {0};

	if (!anchor)
		return extent_fits(to, why);
	from = extent_of(anchor);
	if (to.levels <= from.levels && to.octets <= from.octets)
		return 0;
	if (!reach_of(anchor, &reach))
		return refusal_set(
			why, -EDQUOT,
			"with more than %d directories in it, only to "
			"where its path is no longer and no deeper",
			ANCHOR_LOOK_MAX);
	to.levels += reach.levels;
	to.octets += reach.octets;
	return extent_fits(to, why);
}
