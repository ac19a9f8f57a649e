// SPDX-License-Identifier: Apache-2.0
/*
 * notify_changes.c - what the writer says has changed, until it is looked at
 */
#include <stdlib.h>
#include <utlist.h>

#include "anchors/transfer/notify_layout.h"

/* Changes that are remembered one by one. */
#define CHANGES_MOST 4096

static bool is_of(const struct notify_change *change, uint32_t home,
		  const struct name *apex)
{
	return change->home == home && name_equal(&change->apex, apex);
}

/* With the mutex held. */
static void note_change(struct notifier *notifier, size_t txn_id, uint32_t home,
			const struct name *apex)
{
	struct notify_change *change = notifier->changes;

	/* Most often it is one zone that is written to all the time. */
	if (change && is_of(change, home, apex)) {
		change->txn_id = txn_id;
		return;
	}
	change = notifier->count < CHANGES_MOST ? calloc(1, sizeof(*change))
						: NULL;
	if (!change) {
		notifier->too_many = true;
		return;
	}
	change->txn_id = txn_id;
	change->home = home;
	change->apex = *apex;
	LL_PREPEND(notifier->changes, change);
	notifier->count++;
}

void notifier_zone_changed(void *arg, size_t txn_id, uint32_t home,
			   const struct name *apex)
{
	struct notifier *notifier = arg;
	bool is_first;

	uv_mutex_lock(&notifier->mutex);
	is_first = !notifier->changes && !notifier->too_many;
	note_change(notifier, txn_id, home, apex);
	uv_mutex_unlock(&notifier->mutex);
	/* While there are others, it gathers; and to wake it costs as much as
	 * the change. */
	if (is_first)
		uv_async_send(&notifier->wake);
}

struct notify_change *notify_take_changes(struct notifier *notifier,
					  bool *too_many)
{
	struct notify_change *changes;

	uv_mutex_lock(&notifier->mutex);
	changes = steal(&notifier->changes);
	notifier->count = 0;
	*too_many = notifier->too_many;
	notifier->too_many = false;
	uv_mutex_unlock(&notifier->mutex);
	return changes;
}

void notify_put_back(struct notifier *notifier, struct notify_change *change)
{
	uv_mutex_lock(&notifier->mutex);
	LL_PREPEND(notifier->changes, change);
	notifier->count++;
	uv_mutex_unlock(&notifier->mutex);
}
