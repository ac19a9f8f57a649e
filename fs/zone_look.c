// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "fs/attr.h"
#include "fs/zone_look.h"

static int look(struct snapshot *snapshot, const struct name *apex,
		struct zone_look *out)
{
	int r = snapshot_zone(snapshot, out->served.table, apex, &out->counts);

	if (r < 0 && r != -ENOENT)
		return r;
	out->has_soa = r == 0;
	r = out->served.home ? snapshot_zone_row(snapshot, out->served.home,
						 apex, &out->row)
			     : -ENOENT;
	if (r < 0 && r != -ENOENT)
		return r;
	out->has_row = r == 0;
	return out->has_soa || out->has_row ? 0 : -ENOENT;
}

int zone_look(struct fs *fs, const struct anchor *anchor,
	      const struct name *apex, struct zone_look *out)
{
	struct zone_look found = {0};
	int r = node_served(fs, anchor, &found.served);

	if (r < 0)
		return r;
	r = look(fs->host->snapshot, apex, &found);
	snapshot_end(fs->host->snapshot);
	if (r == 0)
		*out = found;
	return r;
}

int zone_look_node(struct fs *fs, const struct node *node,
		   struct zone_look *out)
{
	struct name apex;
	int r = zone_look(fs, node->anchor, node_owner(node, &apex), out);

	/* The kernel looks it up again. */
	return r == -ENOENT ? -ESTALE : r;
}

static int may_edit(struct snapshot *snapshot, const struct served *served,
		    const struct name *owner)
{
	struct zone_counts counts;
	struct zone_row row;
	struct name apex;
	int r = served->home ? snapshot_zone_of(snapshot, served->table, owner,
						&apex, &counts)
			     : -ENOENT;

	if (r == 0 && counts.is_nested && name_equal(owner, &apex))
		return 0;
	if (r == 0)
		r = snapshot_zone_row(snapshot, served->home, &apex, &row);
	if (r == 0 && (row.is_secondary || row.is_catalog))
		return -EROFS;
	return r == -ENOENT ? 0 : r;
}

int zone_may_edit(struct fs *fs, const struct anchor *anchor,
		  const struct name *owner)
{
	struct served served;
	int r = node_served(fs, anchor, &served);

	if (r < 0)
		return r;
	r = may_edit(fs->host->snapshot, &served, owner);
	snapshot_end(fs->host->snapshot);
	return r;
}

int zone_attr(struct fs *fs, const struct node *node, struct stat *st,
	      struct zone_look *out)
{
	int r = zone_look_node(fs, node, out);

	if (r == 0 && out->has_soa)
		attr_set_times(st, out->counts.changed_ns);
	return r;
}

void zone_label(const struct node *node, char *out, size_t size)
{
	char zone[NAME_TEXT_SIZE];
	const char *file = node->kind->name;
	struct name apex;

	if (!node_owner(node, &apex)) {
		snprintf(out, size, "transfer/%s", file);
		return;
	}
	name_to_file(&apex, zone);
	snprintf(out, size, "zones/%s%s%s", zone, file ? "/" : "",
		 file ? file : "");
}
