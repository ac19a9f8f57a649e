// SPDX-License-Identifier: Apache-2.0
/*
 * transfers.c - transfers out: who asks for what, and what is rendered for it
 *
 * A copy is a spool with what it is of, and with its readers: the transfers
 * that read it. It waits in the order in which it was asked for, is rendered,
 * and is freed when it has no readers and nobody renders it. One that nobody
 * has begun to render will be of a later moment than any that was seen by now,
 * so it may be shared by all that ask for it; the moment of one that was begun
 * must be the present one.
 *
 * What waits is rendered for one of its readers, whose site has none rendered
 * by then.
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/transfer/transfers_layout.h"
#include "dns/wire/thread.h"

/* ---- Copies ---- */

static bool is_site(const struct address *a, const struct address *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Who has something has no more than it leaves. */
static bool has_share(const struct transfers *transfers,
		      const struct address *site, uint64_t charge)
{
	uint64_t used = transfers_spooled(transfers), has = 0;
	const struct copy *copy;

	DL_FOREACH (transfers->copies, copy)
		if (is_site(&copy->site, site))
			has += copy->charge;
	return !has || !charge ||
	       (used < transfers->spools.max &&
		has + charge <= transfers->spools.max - used);
}

static int copy_new(struct copy **out, struct transfers *transfers,
		    const struct render_what *what,
		    const struct address *client, uint64_t most)
{
	struct copy *copy;
	int r;

	copy = calloc(1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	address_site(client, &copy->site);
	copy->charge = most > SPOOL_MEMORY ? most : 0;
	spool_init(&copy->spool, &transfers->spools);
	r = has_share(transfers, &copy->site, copy->charge) ? 0 : -EDQUOT;
	/* An increment is most often small. */
	if (r == 0 && !what->is_increment)
		r = spool_expect(&copy->spool, most);
	if (r < 0) {
		spool_deinit(&copy->spool);
		free(copy);
		return r;
	}
	copy->what = *what;
	copy->transfers = transfers;
	DL_APPEND(transfers->copies, copy);
	*out = copy;
	return 0;
}

void copy_free_unread(struct copy *copy)
{
	if (copy->readers)
		return;
	atomic_store(&copy->is_given_up, true);
	if (copy->is_rendering)
		return;
	DL_DELETE(copy->transfers->copies, copy);
	spool_deinit(&copy->spool);
	free(copy);
}

static bool is_same(const struct render_what *a, const struct render_what *b)
{
	return a->server == b->server && a->is_increment == b->is_increment &&
	       (!a->is_increment || a->from == b->from) &&
	       name_equal(&a->zone, &b->zone);
}

static bool is_of(const struct render_moment *a, const struct render_moment *b)
{
	return a->served.table == b->served.table &&
	       a->served.home == b->served.home && a->serial == b->serial &&
	       a->changed_ns == b->changed_ns;
}

/* Is it of @moment, or will be of a later one? */
static bool is_fresh(struct copy *copy, const struct render_moment *moment)
{
	bool fresh;

	if (atomic_load(&copy->is_given_up))
		return false;
	if (spool_has_ended(&copy->spool) && copy->spool.result < 0)
		return false;
	uv_mutex_lock(&copy->transfers->mutex);
	fresh = !copy->is_begun || is_of(&copy->moment, moment);
	uv_mutex_unlock(&copy->transfers->mutex);
	return fresh;
}

static struct copy *copy_find(struct transfers *transfers,
			      const struct render_what *what,
			      const struct render_moment *moment)
{
	struct copy *copy;

	DL_FOREACH (transfers->copies, copy)
		if (is_same(&copy->what, what) && is_fresh(copy, moment))
			return copy;
	return NULL;
}

/* ---- Rendering, on the pool ---- */

static void tell_grown(void *arg)
{
	uv_async_send(&((struct slot *)arg)->transfers->grown);
}

/* The moment is known before anybody can ask whether it is the present one. */
static int begin(struct slot *slot)
{
	struct copy *copy = slot->copy;
	int r;

	uv_mutex_lock(&slot->transfers->mutex);
	r = snapshot_begin(slot->snapshot);
	if (r == 0) {
		r = render_look(slot->snapshot, &copy->what, &copy->moment,
				NULL);
		if (r < 0)
			snapshot_end(slot->snapshot);
	}
	copy->is_begun = r == 0;
	uv_mutex_unlock(&slot->transfers->mutex);
	return r;
}

static void render_in_pool(uv_work_t *work)
{
	struct slot *slot = container_of(work, struct slot, work);
	struct copy *copy = slot->copy;
	int r = begin(slot);

	thread_slice(THREAD_SLICE_LONG);
	if (r == 0) {
		r = render(slot->snapshot, &copy->what, &copy->moment,
			   &copy->spool, tell_grown, slot, &copy->is_given_up);
		snapshot_end(slot->snapshot);
	}
	spool_end(&copy->spool, r);
}

/* ---- Telling ---- */

static void tell(struct copy *copy)
{
	struct transfer *transfer, *next;

	DL_FOREACH_SAFE (copy->readers, transfer, next) {
		if (!transfer->waits)
			continue;
		transfer->waits = false;
		transfer->more(transfer->arg);
	}
}

static void on_grown(uv_async_t *async)
{
	struct transfers *transfers =
		container_of(async, struct transfers, grown);

	for (unsigned i = 0; i < RENDERS; i++)
		if (transfers->slots[i].copy)
			tell(transfers->slots[i].copy);
}

void transfers_count(struct transfers *transfers, int result)
{
	if (result == -EDQUOT)
		atomic_fetch_add(&transfers->counts->full, 1);
	else if (result < 0 && result != -ECANCELED && result != -ENOENT)
		atomic_fetch_add(&transfers->counts->failed, 1);
}

/* Who renders may still wake us. */
static void close_if_idle(struct transfers *transfers)
{
	for (unsigned i = 0; i < RENDERS; i++)
		if (transfers->slots[i].copy)
			return;
	uv_close((uv_handle_t *)&transfers->grown, NULL);
}

static void after_render(uv_work_t *work, int status)
{
	struct slot *slot = container_of(work, struct slot, work);
	struct copy *copy = steal(&slot->copy);

	if (status < 0)
		spool_end(&copy->spool, -ECANCELED);
	transfers_count(slot->transfers, copy->spool.result);
	copy->is_rendering = false;
	tell(copy);
	copy_free_unread(copy);
	if (slot->transfers->stop)
		close_if_idle(slot->transfers);
	else
		transfers_start(slot->transfers);
}

static struct slot *free_slot(struct transfers *transfers)
{
	for (unsigned i = 0; i < RENDERS; i++)
		if (!transfers->slots[i].copy)
			return &transfers->slots[i];
	return NULL;
}

/* May one more be rendered for it? */
static bool may_render(const struct transfers *transfers,
		       const struct address *site)
{
	unsigned has = 0;

	for (unsigned i = 0; i < RENDERS; i++)
		has += transfers->slots[i].copy &&
		       is_site(&transfers->slots[i].site, site);
	return has < RENDERS_EACH;
}

/* Is there a reader for whom it may be? */
static bool find_site(const struct copy *copy, struct address *out)
{
	const struct transfer *transfer;

	DL_FOREACH (copy->readers, transfer) {
		address_site(&transfer->errand.client, out);
		if (may_render(copy->transfers, out))
			return true;
	}
	return false;
}

static struct copy *next_copy(struct transfers *transfers, struct address *site)
{
	struct copy *copy;

	DL_FOREACH (transfers->copies, copy)
		if (!copy->is_rendering && !spool_has_ended(&copy->spool) &&
		    find_site(copy, site))
			return copy;
	return NULL;
}

void transfers_start(struct transfers *transfers)
{
	struct address site;
	struct slot *slot;
	struct copy *copy;

	while ((slot = free_slot(transfers)) &&
	       (copy = next_copy(transfers, &site))) {
		slot->copy = copy;
		slot->site = site;
		copy->is_rendering = true;
		/* Fails only without a function to run. */
		uv_queue_work(transfers->loop, &slot->work, render_in_pool,
			      after_render);
	}
}

/* ---- All ---- */

static void transfers_freep(struct transfers **transfers)
{
	transfers_free(*transfers);
}

int transfers_new(struct transfers **out, uv_loop_t *loop,
		  const struct tables *tables,
		  const struct transfer_options *options,
		  struct transfer_counts *counts)
{
	struct transfers *new = calloc(1, sizeof(*new));
	int r;

	if (!new)
		return -ENOMEM;
	r = uv_mutex_init(&new->mutex);
	if (r < 0) {
		free(new);
		return r;
	}
	CLEANUP(transfers_freep) struct transfers *transfers = new;

	transfers->loop = loop;
	transfers->counts = counts;
	transfers->spools.dir_fd = options->dir_fd;
	transfers->spools.max = options->spool_max;
	r = snapshot_new(&transfers->snapshot, tables);
	for (unsigned i = 0; r == 0 && i < RENDERS; i++) {
		transfers->slots[i].transfers = transfers;
		r = snapshot_new(&transfers->slots[i].snapshot, tables);
	}
	if (r == 0)
		r = uv_async_init(loop, &transfers->grown, on_grown);
	if (r < 0)
		return r;
	*out = steal(&transfers);
	return 0;
}

void transfers_stop(struct transfers *transfers)
{
	struct copy *copy, *next;

	transfers->stop = true;
	DL_FOREACH_SAFE (transfers->copies, copy, next) {
		assert(!copy->readers);
		copy_free_unread(copy);
	}
	close_if_idle(transfers);
}

struct transfers *transfers_free(struct transfers *transfers)
{
	if (!transfers)
		return NULL;
	assert(!transfers->copies);
	for (unsigned i = 0; i < RENDERS; i++)
		snapshot_free(transfers->slots[i].snapshot);
	snapshot_free(transfers->snapshot);
	uv_mutex_destroy(&transfers->mutex);
	free(transfers);
	return NULL;
}

uint64_t transfers_spooled(const struct transfers *transfers)
{
	return atomic_load(&transfers->spools.used);
}

/* ---- What a transfer is of ---- */

/* By the journal, if it goes back so far; that may have ended by then. */
static int choose(struct transfers *transfers, const struct errand *errand,
		  struct render_what *what, struct render_moment *moment,
		  uint64_t *most)
{
	struct zone_counts counts;
	int r;

	*what = (struct render_what){.server = errand->server,
				     .zone = errand->zone,
				     .from = errand->serial};
	r = render_look(transfers->snapshot, what, moment, &counts);
	if (r < 0)
		return r;
	*most = zone_shown(&counts).wire;
	if (errand->type != RR_IXFR || !errand->has_serial)
		return 0;
	r = render_goes_back(transfers->snapshot, what, moment, most);
	what->is_increment = r == 0;
	return r == -ENOENT ? 0 : r;
}

int transfers_find(struct transfers *transfers, const struct errand *errand,
		   struct copy **out)
{
	struct render_moment moment;
	struct render_what what;
	uint64_t most;
	int r = snapshot_begin(transfers->snapshot);

	if (r < 0)
		return r;
	r = choose(transfers, errand, &what, &moment, &most);
	snapshot_end(transfers->snapshot);
	if (r < 0)
		return r;
	*out = copy_find(transfers, &what, &moment);
	return *out ? 0
		    : copy_new(out, transfers, &what, &errand->client, most);
}
