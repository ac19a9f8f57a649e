/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfers_layout.h - copies of zones, and who reads them, for transfers.c and
 * transfer.c
 *
 * transfers.c has copies and has them rendered; transfer.c reads one for one
 * client.
 *
 * Threading: as transfers.h, but for what struct copy says.
 */
#ifndef DNS_TRANSFERS_LAYOUT_H
#define DNS_TRANSFERS_LAYOUT_H

#include "dns/transfer/transfers.h"

struct copy {
	struct spool spool;
	struct render_what what;
	struct transfers *transfers;
	struct copy *prev, *next;
	struct transfer *readers; /* utlist */
	struct address site;	  /* who asked for it first: address_site() */
	uint64_t charge; /* octets of files that it may come to, about */
	bool is_rendering;
	atomic_bool is_given_up; /* who renders it shall end */

	/* Under the mutex. */
	bool is_begun;
	struct render_moment moment; /* since then */
};

/* A place to render in. */
struct slot {
	uv_work_t work;
	struct transfers *transfers;
	struct snapshot *snapshot;
	struct copy *copy;   /* NULL: it is free */
	struct address site; /* for whom it is taken */
};

struct transfers {
	uv_loop_t *loop;
	uv_async_t grown; /* there is more of some spool */
	struct spools spools;
	struct transfer_counts *counts;
	struct snapshot *snapshot; /* to look with */
	struct copy *copies;	   /* utlist, in the order of coming */
	struct slot slots[RENDERS];
	bool stop;
	uv_mutex_t mutex; /* protects what struct copy says */
};

struct transfer {
	struct errand errand;
	struct copy *copy;	      /* NULL: not begun, or @result says why */
	struct transfer *prev, *next; /* of the copy's readers */
	void (*more)(void *arg);
	void *arg;
	bool has_begun;
	bool waits;
	bool has_ended;
	int result;
	uint64_t offset; /* in the spool: of the next message */
	size_t next_len; /* octets of it; 0: not known */
	unsigned sent;	 /* messages; stays at 2 */
};

/**
 * transfers_find() - a copy for @errand: one that is there, or a new one
 * Return: 0; -ENOENT: no such zone; -EDQUOT: no room, or none for that site;
 * -EIO, -ENOMEM.
 */
int transfers_find(struct transfers *transfers, const struct errand *errand,
		   struct copy **out);

/** transfers_start() - render what waits for it */
void transfers_start(struct transfers *transfers);

/** transfers_count() - why it did not work, if it did not */
void transfers_count(struct transfers *transfers, int result);

/** copy_free_unread() - if nobody reads it; when nobody writes it any more */
void copy_free_unread(struct copy *copy);

#endif
