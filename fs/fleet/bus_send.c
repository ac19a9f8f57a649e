// SPDX-License-Identifier: Apache-2.0
/*
 * bus_send.c - what the main loop wants of the bus, and sends by it
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus_inside.h"

/* ---- What is wanted ---- */

/* With the mutex held. */
static void want_changed(struct bus *bus, struct bus_want *want)
{
	if (!want->is_changed)
		DL_APPEND(bus->changes, want);
	want->is_changed = true;
	if (bus->to_thread)
		uv_async_send(bus->to_thread);
}

static struct bus_want *want_new(struct bus *bus, const char *subject)
{
	size_t size = strlen(subject) + 1;
	struct bus_want *want = calloc(1, sizeof(*want) + size);

	if (!want)
		return NULL;
	memcpy(want->subject, subject, size);
	HASH_ADD_STR(bus->wants, subject, want);
	return want;
}

int bus_subscribe(struct bus *bus, const char *subject)
{
	struct bus_want *want;

	pthread_mutex_lock(&bus->mutex);
	HASH_FIND_STR(bus->wants, subject, want);
	if (!want)
		want = want_new(bus, subject);
	if (want && want->count++ == 0)
		want_changed(bus, want);
	pthread_mutex_unlock(&bus->mutex);
	return want ? 0 : -ENOMEM;
}

void bus_unsubscribe(struct bus *bus, const char *subject)
{
	struct bus_want *want;

	pthread_mutex_lock(&bus->mutex);
	HASH_FIND_STR(bus->wants, subject, want);
	assert(want && want->count);
	if (--want->count == 0)
		want_changed(bus, want);
	pthread_mutex_unlock(&bus->mutex);
}

/* ---- What is sent ---- */

static size_t octets_of(const struct iovec *pieces, int count)
{
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += pieces[i].iov_len;
	return len;
}

static struct bus_item *outgoing(const char *subject, const char *reply,
				 const struct iovec *pieces, int count,
				 size_t len)
{
	struct bus_item *item = bus_item_new(BUS_MESSAGE, subject, reply, len);
	size_t at = 0;

	for (int i = 0; item && i < count; at += pieces[i++].iov_len)
		if (pieces[i].iov_len)
			memcpy(item->data + at, pieces[i].iov_base,
			       pieces[i].iov_len);
	return item;
}

int bus_send(struct bus *bus, const char *subject, const char *reply,
	     const struct iovec *pieces, int count)
{
	size_t len = octets_of(pieces, count);
	CLEANUP(freep) struct bus_item *item = NULL;
	int r = 0;

	if (!bus->life)
		return -ENOTCONN;
	if (len > bus->size_max)
		return -EMSGSIZE;
	item = outgoing(subject, reply, pieces, count, len);
	if (!item)
		return -ENOMEM;
	item->life = bus->life;
	pthread_mutex_lock(&bus->mutex);
	if (!bus->to_thread)
		r = -ENOTCONN;
	else if (bus->out_octets + bus_item_octets(item) > BUS_OUT_MAX)
		r = -ENOBUFS;
	if (r == 0) {
		bus->out_octets += bus_item_octets(item);
		DL_APPEND(bus->out, item);
		item = NULL;
		uv_async_send(bus->to_thread);
	}
	pthread_mutex_unlock(&bus->mutex);
	return r;
}

int bus_set_beat(struct bus *bus, const char *subject, const void *data,
		 size_t len)
{
	CLEANUP(freep) char *new_subject = subject ? strdup(subject) : NULL;
	CLEANUP(freep) void *new_beat = subject ? malloc(len ? len : 1) : NULL;
	char *old_subject;
	void *old_beat;

	if (subject && (!new_subject || !new_beat))
		return -ENOMEM;
	if (subject && len)
		memcpy(new_beat, data, len);
	pthread_mutex_lock(&bus->mutex);
	old_subject = bus->beat_subject;
	old_beat = bus->beat;
	bus->beat_subject = steal(&new_subject);
	bus->beat = steal(&new_beat);
	bus->beat_len = len;
	bus->beat_is_due = subject;
	if (bus->to_thread)
		uv_async_send(bus->to_thread);
	pthread_mutex_unlock(&bus->mutex);
	free(old_subject);
	free(old_beat);
	return 0;
}
