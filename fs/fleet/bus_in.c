// SPDX-License-Identifier: Apache-2.0
/*
 * bus_in.c - what has come, and waits for the main loop
 *
 * Each sender has a list of its own, and they take turns, a message each: who
 * sends much waits for himself. What is told of the bus itself comes in its
 * place: behind all that came before it, and before all that came after.
 *
 * Who sends much for nothing is shut out: nothing of it waits here, and what
 * comes is dropped. That is told before all else.
 */
#include <assert.h>
#include <utlist.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus_inside.h"

struct bus_sender {
	UT_hash_handle hh;		/* in in->senders, by name */
	struct bus_sender *prev, *next; /* in in->ring */
	struct bus_item *items;		/* utlist; not empty: in the ring */
	size_t octets;
	unsigned vain;	  /* for nothing, as it was at @vain_ms */
	uint64_t vain_ms; /* by bus_now_ms() */
	bool is_shut;
	char name[];
};

/* The server vouches for the last word of a subject: see wire.h. */
static const char *name_of(const struct bus_item *item)
{
	const char *dot = strrchr(item->subject, '.');

	return dot ? dot + 1 : item->subject;
}

static struct bus_sender *sender_of(struct bus_in *in,
				    const struct bus_item *item)
{
	const char *name = name_of(item);
	size_t size = strlen(name) + 1;
	struct bus_sender *sender;

	HASH_FIND_STR(in->senders, name, sender);
	if (sender)
		return sender;
	sender = calloc(1, sizeof(*sender) + size);
	if (!sender)
		return NULL;
	memcpy(sender->name, name, size);
	HASH_ADD_STR(in->senders, name, sender);
	return sender;
}

static void free_if_idle(struct bus_in *in, struct bus_sender *sender)
{
	if (sender->items || sender->vain || sender->is_shut)
		return;
	assert(!sender->octets);
	HASH_DEL(in->senders, sender);
	free(sender);
}

/* ---- For nothing ---- */

static void forget_vain(struct bus_sender *sender, uint64_t now_ms)
{
	uint64_t forgotten = (now_ms - sender->vain_ms) * BUS_VAIN_PER_MS;

	sender->vain_ms = now_ms;
	if (forgotten < sender->vain)
		sender->vain -= (unsigned)forgotten;
	else
		sender->vain = 0;
}

static void drop_items(struct bus_in *in, struct bus_sender *sender)
{
	if (!sender->items)
		return;
	DL_DELETE(in->ring, sender);
	in->octets -= sender->octets;
	sender->octets = 0;
	bus_items_free(steal(&sender->items));
}

/* Without memory it is told with the next message. */
static void shut_out(struct bus_in *in, struct bus_sender *sender,
		     const char *subject)
{
	struct bus_item *told = bus_item_new(BUS_FLOOD, subject, NULL, 0);

	if (!told)
		return;
	in->octets += bus_item_octets(told);
	DL_APPEND(in->floods, told);
	in->shut += !sender->is_shut;
	sender->is_shut = true;
	sender->vain = 0;
	drop_items(in, sender);
}

static void charge(struct bus_in *in, struct bus_sender *sender,
		   const struct bus_item *item, uint64_t now_ms)
{
	forget_vain(sender, now_ms);
	sender->vain += 1 + (unsigned)(bus_item_octets(item) / BUS_VAIN_OCTETS);
	if (sender->vain > BUS_VAIN_MAX)
		shut_out(in, sender, item->subject);
}

void bus_in_vain(struct bus_in *in, const struct bus_item *item,
		 uint64_t now_ms)
{
	struct bus_sender *sender = sender_of(in, item);

	if (sender)
		charge(in, sender, item, now_ms);
}

void bus_in_forgive(struct bus_in *in, const char *name, uint64_t now_ms)
{
	struct bus_sender *sender;

	HASH_FIND_STR(in->senders, name, sender);
	if (!sender)
		return;
	sender->is_shut = false;
	sender->vain = BUS_VAIN_MAX - BUS_VAIN_MAX / 8;
	sender->vain_ms = now_ms;
}

void bus_in_sweep(struct bus_in *in, uint64_t now_ms)
{
	struct bus_sender *sender, *next;

	HASH_ITER (hh, in->senders, sender, next) {
		forget_vain(sender, now_ms);
		free_if_idle(in, sender);
	}
}

/* ---- In and out ---- */

static bool put_message(struct bus_in *in, struct bus_item *item,
			uint64_t now_ms)
{
	struct bus_sender *sender = sender_of(in, item);
	size_t octets = bus_item_octets(item);

	if (!sender)
		return false;
	if (sender->is_shut || sender->octets + octets > BUS_IN_SHARE) {
		charge(in, sender, item, now_ms);
		return false;
	}
	sender->octets += octets;
	if (!sender->items)
		DL_APPEND(in->ring, sender);
	DL_APPEND(sender->items, item);
	return true;
}

void bus_in_put(struct bus_in *in, struct bus_item *item, uint64_t now_ms)
{
	item->order = ++in->order;
	if (item->kind != BUS_MESSAGE) {
		DL_APPEND(in->others, item);
	} else if (!put_message(in, item, now_ms)) {
		in->refused++;
		free(item);
		return;
	}
	in->octets += bus_item_octets(item);
}

static struct bus_item *take_of(struct bus_in *in, struct bus_sender *sender)
{
	struct bus_item *item = sender->items;

	DL_DELETE(sender->items, item);
	sender->octets -= bus_item_octets(item);
	DL_DELETE(in->ring, sender);
	if (sender->items)
		DL_APPEND(in->ring, sender);
	else
		free_if_idle(in, sender);
	return item;
}

/* Whose turn it is, of those that have something from before @order. */
static struct bus_item *take_message(struct bus_in *in, uint64_t order)
{
	struct bus_sender *sender;

	DL_FOREACH (in->ring, sender) {
		if (sender->items->order < order)
			return take_of(in, sender);
	}
	return NULL;
}

struct bus_item *bus_in_take(struct bus_in *in)
{
	struct bus_item *other = in->others, *item = in->floods;

	if (item)
		DL_DELETE(in->floods, item);
	else
		item = take_message(in, other ? other->order : UINT64_MAX);
	if (!item && other) {
		DL_DELETE(in->others, other);
		item = other;
	}
	if (item)
		in->octets -= bus_item_octets(item);
	assert(item || (!in->octets && !in->ring));
	return item;
}

void bus_in_deinit(struct bus_in *in)
{
	struct bus_sender *sender, *next;
	struct bus_item *item;

	while ((item = bus_in_take(in)))
		free(item);
	HASH_ITER (hh, in->senders, sender, next) {
		sender->vain = 0;
		sender->is_shut = false;
		free_if_idle(in, sender);
	}
}
