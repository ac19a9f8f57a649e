/* SPDX-License-Identifier: Apache-2.0 */
/*
 * moment.h - who reads records, stat or names/, and keeps a moment for it
 *
 * A moment that is kept lets the store's file grow with every change: its pages
 * are not used again. So it is kept for so long, and no longer while the file
 * has much that nobody needs but for readers, or the disk is full. Then it is
 * given up, and the next read is ESTALE, until one from the start.
 *
 * How many there may be is a share of their user (shares.h).
 *
 * Threading: the main loop.
 */
#ifndef FS_MOMENT_H
#define FS_MOMENT_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

struct fs;
struct host;
struct node;
struct moment;

/* In struct commons: who reads. */
struct moments {
	struct host *host;
	struct moment *list; /* utlist: those that are kept, oldest first */
	uv_timer_t timer;    /* runs while there are some */
	uint64_t age_ms;     /* of each, at most */
	uint64_t spare_max;  /* octets: see moments_start() */
	uint64_t given_up;   /* since the start */
	uint64_t file_size;  /* of the store, when one was for its growing */
	uint64_t met_full;   /* the host's, when one was for that */
};

/*
 * Let go of it: what was read goes on no more.
 * Return: whether that could be; if not, it is asked again a second later.
 */
typedef bool moment_give_up(struct moment *moment);

/* Part of an open file or directory. All zero, it is nobody's. */
struct moment {
	struct moment *prev, *next; /* in moments->list */
	struct fs *fs;		    /* NULL: nobody's */
	uid_t uid;
	const struct node *node; /* borrowed: of what is open */
	moment_give_up *give_up;
	bool keeps; /* is in the list */
	bool late;  /* was given up */
	uint64_t since_ms;
	uint64_t file_size; /* of the store, then */
	uint64_t met_full;  /* the host's, then */
};

/**
 * moments_start() - watch over them
 * @age_s:     how long one is kept, in seconds
 * @spare_max: octets of the store's file that hold nothing of now; past that,
 *             nobody may let it grow any more
 *
 * Return: 0, -errno.
 */
int moments_start(struct moments *moments, struct host *host, uint64_t age_s,
		  uint64_t spare_max);

/**
 * moment_open() - @uid opens @node to read the store; none is kept yet
 * Return: 0; -EMFILE, with a line in `error`; -ENOMEM.
 */
int moment_open(struct moment *moment, struct fs *fs, uid_t uid,
		const struct node *node, moment_give_up *give_up);

/** moment_close() - it is closed; nobody's is fine */
void moment_close(struct moment *moment);

/** moment_begin() - it is kept from now on, and late no more */
void moment_begin(struct moment *moment);

/** moment_end() - it is not kept; may be called at any time */
void moment_end(struct moment *moment);

#endif
