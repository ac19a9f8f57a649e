// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <uthash.h>

#include "anchors/exposition.h"
#include "fs/fs.h"
#include "fs/view.h"

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

/* A user's; or a host's, of all its users together. */
struct share_account {
	UT_hash_handle hh; /* in shares->accounts, by: */
	uint8_t key[5 + SHARE_HOST_MAX];
	uint64_t used[SHARE_KINDS];
};

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

#define KEY_IS_HOST 4
#define KEY_NAME    5

/* Of @user, or of his host. Return: octets. */
static size_t make_key(uint8_t key[5 + SHARE_HOST_MAX],
		       const struct share_user *user, bool is_host)
{
	uint32_t uid = is_host ? 0 : user->uid;
	size_t len = user->host ? strlen(user->host) : 0;

	assert(len <= SHARE_HOST_MAX);
	memcpy(key, &uid, sizeof(uid));
	key[KEY_IS_HOST] = is_host;
	if (len)
		memcpy(key + KEY_NAME, user->host, len);
	return KEY_NAME + len;
}

static struct share_account *find(const struct shares *shares,
				  const struct share_user *user, bool is_host)
{
	uint8_t key[5 + SHARE_HOST_MAX];
	size_t len = make_key(key, user, is_host);
	struct share_account *account;

	HASH_FIND(hh, shares->accounts, key, len, account);
	return account;
}

static struct share_account *
find_or_make(struct shares *shares, const struct share_user *user, bool is_host)
{
	struct share_account *account = find(shares, user, is_host);
	size_t len;

	if (account)
		return account;
	account = calloc(1, sizeof(*account));
	if (!account)
		return NULL;
	len = make_key(account->key, user, is_host);
	HASH_ADD(hh, shares->accounts, key, len, account);
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
	if (!account || !is_empty(account))
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

/* Something that what is taken must fit into. */
struct bound {
	const char *whose;
	uint64_t used;
	uint64_t limit;
};

static bool has_share(const struct commons *commons,
		      const struct share_user *user)
{
	return user->host || (user->uid != 0 && user->uid != commons->uid);
}

static void tell_refused(const struct shares *shares, enum share_kind kind,
			 const struct bound *bound, struct anchor *tell,
			 const char *file)
{
	const struct share_row *row = &rows[kind];
	const struct share_limit *limit = &shares->limits[kind];
	char reason[200];

	snprintf(reason, sizeof(reason),
		 "%s=%" PRIu64 ": %s may have %" PRIu64 " %s; %s, or start "
		 "circuitfs with more",
		 row->option, row->is_of_all ? limit->all : limit->user,
		 bound->whose, bound->limit, row->what, row->remedy);
	anchor_fail(tell, file, 0, NULL, reason);
}

static bool exceeds(uint64_t used, uint64_t n, uint64_t limit)
{
	return n > limit || used > limit - n;
}

/* Return: whether one of them is met, and which. */
static bool find_bound(const struct commons *commons, enum share_kind kind,
		       const struct share_user *user, uint64_t n,
		       struct bound *out)
{
	const struct shares *shares = &commons->shares;
	const struct share_limit *limit = &shares->limits[kind];
	const struct share_account *own = find(shares, user, false);
	const struct share_account *host =
		user->host ? find(shares, user, true) : NULL;
	const struct bound bounds[] = {
		{"one user", own ? own->used[kind] : 0,
		 has_share(commons, user) ? limit->user : UINT64_MAX},
		{"one host", host ? host->used[kind] : 0,
		 user->host ? limit->all / 2 : UINT64_MAX},
		{"other hosts together", shares->afar[kind],
		 user->host ? limit->all - limit->all / 4 : UINT64_MAX},
		{"all users together", shares->used[kind], limit->all},
	};

	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		*out = bounds[i];
		if (exceeds(out->used, n, out->limit))
			return true;
	}
	return false;
}

int share_take_for(struct commons *commons, enum share_kind kind,
		   const struct share_user *user, uint64_t n,
		   struct anchor *tell, const char *file)
{
	struct shares *shares = &commons->shares;
	struct share_account *account, *host;
	struct bound bound;

	if (!n)
		return 0;
	if (find_bound(commons, kind, user, n, &bound)) {
		shares->refused[kind]++;
		if (tell)
			tell_refused(shares, kind, &bound, tell, file);
		return -rows[kind].error;
	}
	account = find_or_make(shares, user, false);
	host = account && user->host ? find_or_make(shares, user, true) : NULL;
	if (!account || (user->host && !host)) {
		drop_if_empty(shares, account);
		return -ENOMEM;
	}
	account->used[kind] += n;
	shares->used[kind] += n;
	if (host) {
		host->used[kind] += n;
		shares->afar[kind] += n;
	}
	assert(account->used[kind] <= shares->used[kind]);
	assert(shares->afar[kind] <= shares->used[kind]);
	return 0;
}

static void give_from(struct shares *shares, enum share_kind kind,
		      const struct share_user *user, bool is_host, uint64_t n)
{
	struct share_account *account = find(shares, user, is_host);

	assert(account && account->used[kind] >= n);
	account->used[kind] -= n;
	drop_if_empty(shares, account);
}

void share_give_for(struct commons *commons, enum share_kind kind,
		    const struct share_user *user, uint64_t n)
{
	struct shares *shares = &commons->shares;

	if (!n)
		return;
	give_from(shares, kind, user, false, n);
	assert(shares->used[kind] >= n);
	shares->used[kind] -= n;
	if (!user->host)
		return;
	give_from(shares, kind, user, true, n);
	assert(shares->afar[kind] >= n);
	shares->afar[kind] -= n;
}

static struct share_user user_of(const struct fs *fs, uid_t uid)
{
	return (struct share_user){fs->peer ? fs->peer->name : NULL, uid};
}

int share_take(struct fs *fs, enum share_kind kind, uid_t uid, uint64_t n,
	       struct anchor *tell, const char *file)
{
	struct share_user user = user_of(fs, uid);

	return share_take_for(fs->commons, kind, &user, n, tell, file);
}

void share_give(struct fs *fs, enum share_kind kind, uid_t uid, uint64_t n)
{
	struct share_user user = user_of(fs, uid);

	share_give_for(fs->commons, kind, &user, n);
}

uint64_t share_used(const struct fs *fs, enum share_kind kind, uid_t uid)
{
	struct share_user user = user_of(fs, uid);
	const struct share_account *account =
		find(&fs->commons->shares, &user, false);

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
			if (!account->key[KEY_IS_HOST] &&
			    account->used[kind] > out->largest[kind])
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
