// SPDX-License-Identifier: Apache-2.0
/*
 * update.c - dynamic updates, from a worker to the writer and back
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <time.h>
#include <utlist.h>

#include "anchors/task.h"
#include "anchors/transfer/update.h"
#include "dns/answer/admit.h"
#include "dns/store/update.h"

/* ---- What was asked, and answered ---- */

/* Zeroed before it is filled in: it is compared as octets. */
struct identity_of {
	uint64_t server;
	struct address client; /* of who did not sign */
	uint8_t hash[crypto_shorthash_BYTES];
};

struct remembered {
	UT_hash_handle hh; /* in updates->remembered: the oldest first */
	struct identity_of of;
	bool is_done; /* else the writer has it */
	enum rcode rcode;
	uint64_t until_ms; /* by uv_now() */
};

struct updates {
	struct host *host;
	struct hmac *hmac;
	struct remembered *remembered; /* uthash */
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct update_figures figures;
};

int updates_new(struct updates **out, struct host *host)
{
	CLEANUP(freep) struct updates *updates = calloc(1, sizeof(*updates));
	int r = updates ? hmac_new(&updates->hmac) : -ENOMEM;

	if (r < 0)
		return r;
	updates->host = host;
	crypto_shorthash_keygen(updates->key);
	*out = steal(&updates);
	return 0;
}

static void forget(struct updates *updates, struct remembered *remembered)
{
	HASH_DEL(updates->remembered, remembered);
	free(remembered);
}

struct updates *updates_free(struct updates *updates)
{
	if (!updates)
		return NULL;
	while (updates->remembered)
		forget(updates, updates->remembered);
	hmac_free(updates->hmac);
	free(updates);
	return NULL;
}

/*
 * A MAC stands for all that it is of, and so for its time: who signs the same
 * anew means it anew. No more of it counts than has to be there (RFC 8945,
 * section 5.2.2.1), or one that is cut would be another; and the ID, which may
 * change on the way (section 5.2), does not.
 */
static void identify_signed(const struct updates *updates,
			    const struct tsig *tsig, struct identity_of *out)
{
	size_t least = hmac_size(tsig->key.kind) / 2;

	assert(tsig->is_good && tsig->mac_len >= least);
	crypto_shorthash(out->hash, tsig->mac, least, updates->key);
}

static void identify(const struct updates *updates,
		     const struct inbox_request *request,
		     struct identity_of *out)
{
	const struct errand *errand = &request->errand;

	memset(out, 0, sizeof(*out));
	out->server = errand->server;
	if (errand_key(errand)) {
		identify_signed(updates, &errand->tsig, out);
		return;
	}
	out->client.kind = errand->client.kind;
	out->client.port = errand->client.port;
	memcpy(out->client.ip, errand->client.ip, sizeof(out->client.ip));
	crypto_shorthash(out->hash, request->message, request->len,
			 updates->key);
}

static void forget_old(struct updates *updates, uint64_t now_ms)
{
	struct remembered *first;

	while ((first = updates->remembered) &&
	       (first->until_ms <= now_ms ||
		HASH_COUNT(updates->remembered) >= UPDATES_REMEMBERED))
		forget(updates, first);
}

static struct remembered *find(const struct updates *updates,
			       const struct identity_of *of)
{
	struct remembered *found;

	HASH_FIND(hh, updates->remembered, of, sizeof(*of), found);
	return found;
}

/* The second that a signature ends in is good to its end. */
static uint64_t seconds_to_remember(const struct errand *errand)
{
	uint64_t now = (uint64_t)time(NULL);
	uint64_t end = errand->tsig.time + errand->tsig.fudge + 1;

	if (!errand_key(errand))
		return UPDATE_REMEMBERED_S;
	return end > now ? end - now : 0;
}

/* Without memory it is done as if it were new, which it mostly is. */
static void remember(struct updates *updates, const struct errand *errand,
		     const struct identity_of *of)
{
	uint64_t now_ms = uv_now(updates->host->loop);
	struct remembered *new = calloc(1, sizeof(*new));

	if (!new)
		return;
	new->of = *of;
	new->until_ms = now_ms + seconds_to_remember(errand) * 1000;
	HASH_ADD(hh, updates->remembered, of, sizeof(new->of), new);
}

/* ---- One of them ---- */

struct update_task {
	struct task task;
	struct updates *updates;
	struct inbox_request *request; /* owned */
	struct update *update;	       /* owned */
	struct identity_of of;
	enum rcode rcode; /* run()'s */
};

static void answer_with(struct updates *updates, struct inbox_request *request,
			enum rcode rcode)
{
	uint8_t out[ERRAND_REPLY_SIZE];
	size_t len = errand_reply(&request->errand, updates->hmac, rcode,
				  (uint64_t)time(NULL), out);

	assert(rcode < ARRAY_SIZE(updates->figures.answers));
	updates->figures.answers[rcode]++;
	server_answer(updates->host->pool, request, out, len);
}

/* Strangers fill nobody's `error`: only who is known, or is on this machine. */
static void tell(struct anchor *anchor, const struct inbox_request *request,
		 const struct refusal *why)
{
	const struct errand *errand = &request->errand;
	char file[NAME_TEXT_SIZE + 16] = "UPDATE/";

	if (!why->reason[0] ||
	    (!errand_key(errand) && !address_is_loopback(&errand->client)))
		return;
	name_to_text(&errand->zone, file + strlen(file));
	anchor_refuse(anchor, file, why);
}

/* What is refused has changed nothing: the others of the group go on. */
static int run_update(struct job *job, MDB_txn *txn)
{
	struct update_task *on =
		container_of(job, struct update_task, task.job);
	CLEANUP(change_deinit) struct change done = {0};
	struct task *task = &on->task;
	struct change_item item;
	size_t offset = 0;
	uint32_t table;
	int r = task_table(task, txn, &table);

	on->rcode = RCODE_SERVFAIL;
	if (r == 0)
		r = update_run(on->update, task_tables(task), txn, table,
			       task->now_ns, &done, &on->rcode, &task->refusal);
	if (r)
		return r;
	task->is_edit = done.count;
	if (on->rcode != RCODE_NOERROR)
		return EINVAL;
	if (done.count)
		task_changes(task);
	while (change_next(&done, &offset, &item))
		touched_count(task->anchor, &item.rr.owner);
	return 0;
}

static int settle_update(struct task *task, int result)
{
	struct update_task *on = container_of(task, struct update_task, task);

	on->update = update_free(on->update);
	return result;
}

/* Its answer goes out when it is on disk, and in the answers. */
static void done(void *arg, int result, const struct refusal *refusal)
{
	struct update_task *on = arg;
	struct remembered *remembered = find(on->updates, &on->of);
	enum rcode rcode = on->rcode;

	if (result < 0 && result != -EINVAL)
		rcode = RCODE_SERVFAIL;
	if (refusal)
		tell(on->task.anchor, on->request, refusal);
	if (remembered && rcode == RCODE_SERVFAIL) {
		forget(on->updates, remembered);
	} else if (remembered) {
		remembered->is_done = true;
		remembered->rcode = rcode;
	}
	answer_with(on->updates, on->request, rcode);
}

static bool may(void *arg, const struct name *name, uint16_t type)
{
	return admit_lines_let(arg, name, type);
}

/* By what `updates` says now; the worker has looked before it was queued. */
static int read_request(struct updates *updates, struct inbox_request *request,
			struct update **out, struct refusal *why)
{
	CLEANUP(admit_lines_freep) struct admit_lines *lines = NULL;
	const struct errand *errand = &request->errand;
	const struct admit_who who = {
		.address = errand->client,
		.is_proven = errand->is_proven,
		.key = errand_key(errand),
	};
	struct snapshot *snapshot = updates->host->snapshot;
	struct served served;
	int r = snapshot_begin(snapshot);

	if (r < 0)
		return r;
	r = snapshot_served(snapshot, errand->server, &served);
	if (r == 0)
		r = admit_lines_new(&lines, snapshot, served.home,
				    &errand->zone, &who);
	snapshot_end(snapshot);
	if (r == 0)
		r = update_parse(out, request->message, request->len,
				 &errand->zone, may, lines, why);
	return r;
}

static enum rcode rcode_of(int result)
{
	switch (result) {
	case -EBADMSG:
		return RCODE_FORMERR;
	case -EACCES:
		return RCODE_REFUSED;
	default:
		return RCODE_SERVFAIL;
	}
}

static void submit(struct updates *updates, struct anchor *anchor,
		   struct inbox_request *request, struct update *update,
		   const struct identity_of *of)
{
	struct update_task *on = task_new(sizeof(*on), anchor, done, NULL);

	if (!on) {
		update_free(update);
		answer_with(updates, request, RCODE_SERVFAIL);
		return;
	}
	on->task.arg = on;
	on->task.is_edit = true;
	on->task.job.adds = true;
	on->task.settle = settle_update;
	on->updates = updates;
	on->request = request;
	on->update = update;
	on->of = *of;
	if (errand_key(&request->errand) || !request->path.is_tcp)
		remember(updates, &request->errand, of);
	task_submit(&on->task, run_update);
}

/* Return: whether it is one that came before, and is dealt with. */
static bool came_before(struct updates *updates, struct inbox_request *request,
			const struct identity_of *of)
{
	struct remembered *before = find(updates, of);

	/* It may stand behind others that are remembered for longer. */
	if (before && before->is_done &&
	    before->until_ms <= uv_now(updates->host->loop)) {
		forget(updates, before);
		return false;
	}
	if (!before)
		return false;
	if (before->is_done)
		answer_with(updates, request, before->rcode);
	else
		server_answer(updates->host->pool, request, NULL, 0);
	return true;
}

void update_asked(struct updates *updates, struct inbox_request *request)
{
	struct anchor *anchor =
		anchor_by_id(updates->host, request->errand.server);
	struct refusal why = {0};
	struct update *update;
	struct identity_of of;
	int r = anchor ? 0 : -ENODEV;

	identify(updates, request, &of);
	forget_old(updates, uv_now(updates->host->loop));
	if (r == 0 && came_before(updates, request, &of))
		return;
	if (r == 0)
		r = read_request(updates, request, &update, &why);
	if (r == 0) {
		submit(updates, anchor, request, update, &of);
		return;
	}
	if (anchor)
		tell(anchor, request, &why);
	answer_with(updates, request, rcode_of(r));
}

void updates_figures(const struct updates *updates, struct update_figures *out)
{
	*out = updates->figures;
}
