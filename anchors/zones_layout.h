/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zones_layout.h - what the operations of zones.h share
 *
 * zones.c makes and removes zones and sets serials, zones_lists.c writes lists,
 * zones_keys.c keys. What begins with run_ is the writer's.
 */
#ifndef ANCHORS_ZONES_LAYOUT_H
#define ANCHORS_ZONES_LAYOUT_H

#include "anchors/task.h"
#include "anchors/zones.h"

/* What each of them begins with. */
struct zones_task {
	struct task task;
	bool has_apex;
	struct name apex;
};

/** zones_task_new() - as task_new_live(): @size of a struct that begins so */
void *zones_task_new(size_t size, struct anchor *anchor,
		     const struct name *apex, anchor_done *done, void *arg);

/** zones_served() - its table and home: 0; ENODEV; -errno */
int zones_served(const struct zones_task *on, MDB_txn *txn, struct served *out);

/** zones_exists() - is there a zone? 0; ENOENT; -errno */
int zones_exists(const struct zones_task *on, MDB_txn *txn,
		 const struct served *served);

/**
 * zones_go_ahead() - what has changed since it had its serial gets the next
 *
 * Of that zone, or of all; where somebody may transfer or update it by now.
 * Return: 0, -errno.
 */
int zones_go_ahead(struct zones_task *on, MDB_txn *txn, uint32_t table);

#endif
