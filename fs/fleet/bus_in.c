// SPDX-License-Identifier: Apache-2.0
/*
 * bus_in.c - what has come, and waits for the main loop
 *
 * Each sender has a list of its own, and they take turns, a message each: who
 * sends much waits for himself. What is told of the bus itself comes in its
 * place: behind all that came before it, and before all that came after.
 */
#include <assert.h>
#include <utlist.h>

#include "fs/fleet/bus_inside.h"

struct bus_sender {
	UT_hash_handle hh;		/* in in->senders, by name */
	struct bus_sender *prev, *next; /* in in->ring */
	struct bus_item *items;		/* utlist, never empty */
	size_t octets;
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
	DL_APPEND(in->ring, sender);
	return sender;
}

static bool put_message(struct bus_in *in, struct bus_item *item)
{
	struct bus_sender *sender = sender_of(in, item);
	size_t octets = bus_item_octets(item);

	if (!sender || sender->octets + octets > BUS_IN_SHARE)
		return false;
	sender->octets += octets;
	DL_APPEND(sender->items, item);
	return true;
}

void bus_in_put(struct bus_in *in, struct bus_item *item)
{
	item->order = ++in->order;
	if (item->kind != BUS_MESSAGE) {
		DL_APPEND(in->others, item);
	} else if (!put_message(in, item)) {
		in->refused++;
		free(item);
		return;
	}
	in->octets += bus_item_octets(item);
}

static void sender_free(struct bus_in *in, struct bus_sender *sender)
{
	assert(!sender->items && !sender->octets);
	HASH_DEL(in->senders, sender);
	DL_DELETE(in->ring, sender);
	free(sender);
}

static struct bus_item *take_of(struct bus_in *in, struct bus_sender *sender)
{
	struct bus_item *item = sender->items;

	DL_DELETE(sender->items, item);
	sender->octets -= bus_item_octets(item);
	if (!sender->items) {
		sender_free(in, sender);
	} else {
		DL_DELETE(in->ring, sender);
		DL_APPEND(in->ring, sender);
	}
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
	struct bus_item *other = in->others, *item;

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
	struct bus_item *item;

	while ((item = bus_in_take(in)))
		free(item);
}
