/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shares.h - what one user may have of what all users share
 *
 * One row for each kind of thing that a client can hold, and one rule: a user
 * has at most his share, and all together at most what all may have. That is
 * several shares, so that one user never takes it all. root, and whoever has
 * started the daemon, have no share of their own: only the limit of all.
 *
 * A user of another host is another user than the one of the same number here,
 * and each has a share, root too. That host can speak for any number of users:
 * so all of its users have at most half of what all may have, and all hosts
 * together leave a quarter of it to this one.
 *
 * What is taken is given back by the same user id and in the same amount,
 * whoever owns the file by then.
 *
 * Threading: the main loop only, but for shares_expose().
 */
#ifndef FS_SHARES_H
#define FS_SHARES_H

#include <sys/types.h>

#include "dns/wire/buffer.h"

struct anchor;
struct commons;
struct fs;

enum share_kind {
	SHARE_OPEN_FILES,    /* and directories */
	SHARE_SCRATCH_FILES, /* plain files */
	SHARE_SCRATCH_SIZE,  /* octets in them */
	SHARE_READERS,	     /* moments of the store that are being read */
	SHARE_TEXT_SIZE,     /* octets of text held for open files */
	SHARE_LOGS,	     /* open logs */
	SHARE_STAGED_SIZE,   /* octets in replacements that are not published */
	SHARE_KINDS,
};

/* What all may have, where the option is one user's. */
#define SHARES_OF_ALL 4

struct share_limit {
	uint64_t user; /* of one user */
	uint64_t all;
};

struct share_account;

/* Octets of another host's name. */
#define SHARE_HOST_MAX 63

struct share_user {
	const char *host; /* borrowed; NULL: this one */
	uid_t uid;
};

/* In struct commons. All zero, as before shares_set(), all is refused. */
struct shares {
	struct share_limit limits[SHARE_KINDS];
	uint64_t used[SHARE_KINDS];	/* by all */
	uint64_t afar[SHARE_KINDS];	/* of it, by users of other hosts */
	uint64_t refused[SHARE_KINDS];	/* since the start */
	struct share_account *accounts; /* uthash by user, and by host */
};

/** shares_deinit() - at the end, when all was given back or is forgotten */
void shares_deinit(struct shares *shares);

/** shares_set() - the limit of @kind, where @value is what its option says */
void shares_set(struct shares *shares, enum share_kind kind, uint64_t value);

/**
 * share_take() - have @n more of @kind
 * @fs, @uid: whose they are: the user of that view's host
 * @tell: whose `error` gets a line if they are refused; NULL: none
 * @file: what the failing call was made on, as for anchor_fail(); borrowed
 *
 * Return: 0; the errno of the kind (-EMFILE, -ENOSPC, -EDQUOT), and nothing
 * was taken; -ENOMEM.
 */
int share_take(struct fs *fs, enum share_kind kind, uid_t uid, uint64_t n,
	       struct anchor *tell, const char *file);

/** share_give() - give back @n that were taken by the same @uid; 0 is fine */
void share_give(struct fs *fs, enum share_kind kind, uid_t uid, uint64_t n);

/** share_take_for(), share_give_for() - the same, for who may have no view */
int share_take_for(struct commons *commons, enum share_kind kind,
		   const struct share_user *user, uint64_t n,
		   struct anchor *tell, const char *file);
void share_give_for(struct commons *commons, enum share_kind kind,
		    const struct share_user *user, uint64_t n);

/** share_used() - how many of @kind @uid has */
uint64_t share_used(const struct fs *fs, enum share_kind kind, uid_t uid);

/* What there is to tell of all kinds, of one moment. */
struct share_figures {
	uint64_t used[SHARE_KINDS];
	uint64_t largest[SHARE_KINDS]; /* of one user */
	uint64_t refused[SHARE_KINDS];
	struct share_limit limits[SHARE_KINDS];
};

/** shares_note() - the figures of now */
void shares_note(const struct shares *shares, struct share_figures *out);

/** shares_expose() - append them to `metrics`: 0, -ENOMEM; on any thread */
int shares_expose(const struct share_figures *figures, struct buffer *out);

#endif
