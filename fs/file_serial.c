// SPDX-License-Identifier: Apache-2.0
/*
 * file_serial.c - zones/ZONE/serial: a number; transfer/serial: how serials of
 * all zones go on
 */
#include <errno.h>
#include <inttypes.h>

#include "anchors/zones.h"
#include "fs/setting.h"
#include "fs/zone_look.h"

#define VALUE_MAX 4096 /* octets: far more than any, with blanks around it */

static void refuse(const char *reason, anchor_done *done, void *arg)
{
	struct refusal why;

	done(arg, refusal_set(&why, -EINVAL, "%s", reason), &why);
}

/* ---- Of a zone ---- */

/* The SOA's, or the last one that there was. */
static int find_serial(struct fs *fs, const struct node *node,
		       const struct zone_look *look, uint32_t *out)
{
	struct rrset_rr rr;
	struct rrsets rrsets;
	struct rrset soa;
	struct name apex;
	size_t offset = 0;
	int r;

	if (!look->has_soa) {
		*out = look->row.serial;
		return look->row.has_serial ? 0 : -ENOENT;
	}
	r = snapshot_begin(fs->host->snapshot);
	if (r == 0)
		r = snapshot_get(fs->host->snapshot, look->served.table,
				 node_owner(node, &apex), &rrsets);
	if (r == 0 && !(rrsets_find(rrsets, RR_SOA, &soa) &&
			rrset_next(&soa, &offset, &rr) && rr.rdlen > 20))
		r = -ENOENT;
	if (r == 0)
		*out = get_u32(rr.rdata + rr.rdlen - 20);
	snapshot_end(fs->host->snapshot);
	return r;
}

static int serial_render(struct fs *fs, const struct node *node,
			 struct buffer *out)
{
	struct zone_look look;
	uint32_t serial = 0;
	int r = zone_look_node(fs, node, &look);

	if (r == 0)
		r = find_serial(fs, node, &look, &serial);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return buffer_printf(out, "%" PRIu32 "\n", serial);
}

/* A number below 2^32, with nothing but blanks around it: 0, -EINVAL. */
static int read_serial(const char *text, size_t len, uint32_t *out)
{
	uint64_t value = 0;

	len = setting_trim(&text, len);
	if (!len)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = 10 * value + (uint64_t)(text[i] - '0');
		if (value > UINT32_MAX)
			return -EINVAL;
	}
	*out = (uint32_t)value;
	return 0;
}

static void serial_take(struct node *node, bool replaces, const char *text,
			size_t len, anchor_done *done, void *arg)
{
	struct name apex;
	uint32_t serial;

	(void)replaces;
	if (read_serial(text, len, &serial) < 0)
		refuse("no serial: write a number below 4294967296", done, arg);
	else
		zones_set_serial(node->anchor, node_owner(node, &apex), serial,
				 done, arg);
}

static const struct setting_kind serial_setting = {
	.max = VALUE_MAX,
	.is_told = true,
	.take = serial_take,
};

/* A secondary's is its primary's. */
static int serial_open(struct handle *handle)
{
	struct zone_look look;
	int r = zone_look_node(handle->fs, handle->node, &look);

	if (r == 0 && look.row.is_secondary && handle_writes(handle) &&
	    !handle->copies) {
		node_refuse(handle->fs, handle->node, "open",
			    "the zone is a secondary, and its serial its "
			    "primary's: see primaries");
		r = -EROFS;
	}
	return r < 0 ? r : setting_open(handle);
}

const struct node_kind file_serial = {
	.name = "serial",
	.number = 19,
	.in_zone = true,
	.mask = 0666,
	.is_fleeting = true,
	.setting = &serial_setting,
	.attr = text_file_attr,
	.clear = setting_clear,
	.label = zone_label,
	.unlink = setting_keep,
	.replace = setting_replace,
	.open_size = sizeof(struct setting_file),
	.open = serial_open,
	.close = setting_close,
	.read = text_file_read,
	.write = setting_write,
	.flush = setting_flush,
	.truncate = setting_truncate,
	.release = setting_release,
	.render = serial_render,
	.replaces = setting_replaces,
	.is_pending = setting_is_pending,
};

/* ---- Of all zones ---- */

static int policy_render(struct fs *fs, const struct node *node,
			 struct buffer *out)
{
	struct home home = {0};
	struct served served;
	int r = node_served(fs, node->anchor, &served);

	if (r < 0)
		return r;
	if (served.home)
		r = snapshot_home(fs->host->snapshot, served.home, &home);
	snapshot_end(fs->host->snapshot);
	return r < 0 ? r
		     : buffer_printf(out, "%s\n",
				     serial_policy_to_text(home.policy));
}

static void policy_take(struct node *node, bool replaces, const char *text,
			size_t len, anchor_done *done, void *arg)
{
	enum serial_policy policy;

	(void)replaces;
	len = setting_trim(&text, len);
	if (serial_policy_from_text(text, len, &policy) < 0)
		refuse("write auto, increment, unixtime, date or keep", done,
		       arg);
	else
		zones_set_policy(node->anchor, policy, done, arg);
}

static const struct setting_kind policy_setting = {
	.max = VALUE_MAX,
	.take = policy_take,
};

const struct node_kind file_policy = {
	.name = "serial",
	.number = 28,
	.in_transfer = true,
	.mask = 0666,
	.is_fleeting = true,
	.setting = &policy_setting,
	.attr = text_file_attr,
	.clear = setting_clear,
	.label = zone_label,
	.replace = setting_replace,
	.open_size = sizeof(struct setting_file),
	.open = setting_open,
	.close = setting_close,
	.read = text_file_read,
	.write = setting_write,
	.flush = setting_flush,
	.truncate = setting_truncate,
	.release = setting_release,
	.render = policy_render,
	.replaces = setting_replaces,
	.is_pending = setting_is_pending,
};
