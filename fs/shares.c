// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <uthash.h>

#include "anchors/exposition.h"
#include "fs/fs.h"

/* What a kind is; its default is its option's (daemon/options_table.c). */
static const struct share_row {
	const char *option; /* also its name in `metrics` */
	const char *what;
	const char *remedy;
	int error;
	bool is_of_all; /* the option is what all have: one user has half */
} rows[SHARE_KINDS] = {
	[SHARE_OPEN_FILES] = {"open-files", "open files and directories",
			      "close some", EMFILE, false},
	[SHARE_SCRATCH_FILES] = {"scratch-files", "plain files", "remove some",
				 EDQUOT, false},
	[SHARE_SCRATCH_SIZE] = {"scratch-size", "octets in plain files",
				"remove some", ENOSPC, true},
	[SHARE_READERS] = {"readers",
			   "records, stat and names open for reading",
			   "close some", EMFILE, false},
	[SHARE_TEXT_SIZE] = {"text-size", "octets held for open files",
			     "close some", EMFILE, false},
	[SHARE_LOGS] = {"logs", "open logs", "close some", EMFILE, false},
	[SHARE_STAGED_SIZE] = {"staged-size",
			       "octets in replacements under way", "close some",
			       EDQUOT, false},
};

struct share_account {
	UT_hash_handle hh;
	uid_t uid;
	uint64_t used[SHARE_KINDS];
};

/* ---- Limits ---- */

void shares_set(struct shares *shares, enum share_kind kind, uint64_t value)
{
	struct share_limit *limit = &shares->limits[kind];

	limit->user = rows[kind].is_of_all ? value - value / 2 : value;
	if (rows[kind].is_of_all)
		limit->all = value;
	else if (value > UINT64_MAX / SHARES_OF_ALL)
		limit->all = UINT64_MAX;
	else
		limit->all = value * SHARES_OF_ALL;
}

/* ---- Accounts ---- */

static struct share_account *find(const struct shares *shares, uid_t uid)
{
	struct share_account *account;

	HASH_FIND(hh, shares->accounts, &uid, sizeof(uid), account);
	return account;
}

static struct share_account *find_or_make(struct shares *shares, uid_t uid)
{
	struct share_account *account = find(shares, uid);

	if (account)
		return account;
	account = calloc(1, sizeof(*account));
	if (!account)
		return NULL;
	account->uid = uid;
	HASH_ADD(hh, shares->accounts, uid, sizeof(uid), account);
	return account;
}

static bool is_empty(const struct share_account *account)
{
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
		if (account->used[kind])
			return false;
	return true;
}

static void drop_if_empty(struct shares *shares, struct share_account *account)
{
	if (!is_empty(account))
		return;
	HASH_DEL(shares->accounts, account);
	free(account);
}

void shares_deinit(struct shares *shares)
{
	struct share_account *account, *next;

	HASH_ITER (hh, shares->accounts, account, next) {
		HASH_DEL(shares->accounts, account);
		free(account);
	}
}

/* ---- Take and give ---- */

static bool has_share(const struct fs *fs, uid_t uid)
{
	return uid != 0 && uid != fs->uid;
}

static void tell_refused(const struct shares *shares, enum share_kind kind,
			 bool is_users, struct anchor *tell, const char *file)
{
	const struct share_row *row = &rows[kind];
	const struct share_limit *limit = &shares->limits[kind];
	char reason[200];

	snprintf(reason, sizeof(reason),
		 "%s=%" PRIu64 ": %s may have %" PRIu64 " %s; %s, or start "
		 "circuitfs with more",
		 row->option, row->is_of_all ? limit->all : limit->user,
		 is_users ? "one user" : "all users together",
		 is_users ? limit->user : limit->all, row->what, row->remedy);
	anchor_fail(tell, file, 0, NULL, reason);
}

static bool exceeds(uint64_t used, uint64_t n, uint64_t limit)
{
	return n > limit || used > limit - n;
}

int share_take(struct fs *fs, enum share_kind kind, uid_t uid, uint64_t n,
	       struct anchor *tell, const char *file)
{
	struct shares *shares = &fs->shares;
	const struct share_limit *limit = &shares->limits[kind];
	struct share_account *account;
	bool is_users;

	if (!n)
		return 0;
	account = find_or_make(shares, uid);
	if (!account)
		return -ENOMEM;
	is_users = has_share(fs, uid) &&
		   exceeds(account->used[kind], n, limit->user);
	if (is_users || exceeds(shares->used[kind], n, limit->all)) {
		drop_if_empty(shares, account);
		shares->refused[kind]++;
		if (tell)
			tell_refused(shares, kind, is_users, tell, file);
		return -rows[kind].error;
	}
	account->used[kind] += n;
	shares->used[kind] += n;
	assert(account->used[kind] <= shares->used[kind]);
	return 0;
}

void share_give(struct fs *fs, enum share_kind kind, uid_t uid, uint64_t n)
{
	struct shares *shares = &fs->shares;
	struct share_account *account;

	if (!n)
		return;
	account = find(shares, uid);
	assert(account && account->used[kind] >= n);
	assert(shares->used[kind] >= n);
	account->used[kind] -= n;
	shares->used[kind] -= n;
	drop_if_empty(shares, account);
}

uint64_t share_used(const struct fs *fs, enum share_kind kind, uid_t uid)
{
	const struct share_account *account = find(&fs->shares, uid);

	return account ? account->used[kind] : 0;
}

/* ---- Metrics ---- */

void shares_note(const struct shares *shares, struct share_figures *out)
{
	const struct share_account *account;

	*out = (struct share_figures){0};
	memcpy(out->used, shares->used, sizeof(out->used));
	memcpy(out->refused, shares->refused, sizeof(out->refused));
	memcpy(out->limits, shares->limits, sizeof(out->limits));
	for (account = shares->accounts; account; account = account->hh.next)
		for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
			if (account->used[kind] > out->largest[kind])
				out->largest[kind] = account->used[kind];
}

static void expose_one(struct exposition *to, const char *name,
		       const char *type, const char *help,
		       const uint64_t values[SHARE_KINDS])
{
	exposition_family(to, name, type, help);
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++) {
		struct exposition_label label = {"kind", rows[kind].option};

		exposition_sample(to, NULL, &label, 1, (double)values[kind]);
	}
}

int shares_expose(const struct share_figures *figures, struct buffer *out)
{
	struct exposition to = {.out = out};
	uint64_t user[SHARE_KINDS], all[SHARE_KINDS];

	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++) {
		user[kind] = figures->limits[kind].user;
		all[kind] = figures->limits[kind].all;
	}
	expose_one(&to, "circuitfs_share_used", "gauge",
		   "What all users have of it.", figures->used);
	expose_one(&to, "circuitfs_share_largest", "gauge",
		   "What the user has who has most of it.", figures->largest);
	expose_one(&to, "circuitfs_share_limit", "gauge",
		   "What all users together may have of it.", all);
	expose_one(&to, "circuitfs_share_user_limit", "gauge",
		   "What one user may have of it.", user);
	expose_one(&to, "circuitfs_share_refused_total", "counter",
		   "How often there was no more of it to be had.",
		   figures->refused);
	return to.error;
}
