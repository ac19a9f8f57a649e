/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zones.h - what a nameserver has beside its records: zones made and removed,
 * their serials, lists, keys
 *
 * Callbacks and their results are as in nameserver.h; what is refused has its
 * reason. What is for all zones of the nameserver has no apex: NULL. A zone is
 * there if it has an SOA or settings (home.h); else -ENOENT.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_ZONES_H
#define ANCHORS_ZONES_H

#include "anchors/anchor.h"
#include "dns/store/home.h"
#include "dns/text/list_line.h"

/** zones_make() - a new one, with an SOA alone; -EEXIST, -EINVAL, -EDQUOT,
 * -EROFS
 */
void zones_make(struct anchor *anchor, const struct name *apex,
		anchor_done *done, void *arg);

/**
 * zones_remove() - its records and its settings, as one change
 *
 * Not those of zones that are nested in it.
 */
void zones_remove(struct anchor *anchor, const struct name *apex,
		  anchor_done *done, void *arg);

/**
 * zones_set_serial() - one that is equal or ahead (RFC 1982)
 * -ERANGE: it is behind; -EROFS: of a secondary; -ENOENT: there is no SOA.
 */
void zones_set_serial(struct anchor *anchor, const struct name *apex,
		      uint32_t serial, anchor_done *done, void *arg);

/** zones_set_policy() - how serials go on */
void zones_set_policy(struct anchor *anchor, enum serial_policy policy,
		      anchor_done *done, void *arg);

/**
 * zones_write_list() - add lines, or replace all of them
 * @text: copied; of no octets, and replacing: the list goes
 *
 * -EINVAL, -EDQUOT: one line is refused, and so are all.
 */
void zones_write_list(struct anchor *anchor, enum list_kind kind,
		      const struct name *apex, bool replaces, const char *text,
		      size_t len, anchor_done *done, void *arg);

/** zones_write_key() - a new one, or in place of the one of that name;
 * -EDQUOT
 *
 * @key: copied, and wiped when it is stored.
 */
void zones_write_key(struct anchor *anchor, const struct tsig_key *key,
		     anchor_done *done, void *arg);

/** zones_remove_key() - -EBUSY: a list names it; -ENOENT */
void zones_remove_key(struct anchor *anchor, const struct name *name,
		      anchor_done *done, void *arg);

/** zones_list_format() - how its lines are written */
enum list_format zones_list_format(enum list_kind kind);

#endif
