// SPDX-License-Identifier: Apache-2.0
/*
 * bus_nats_messages.c - subscriptions, and messages in and out
 */
#include <assert.h>
#include <errno.h>
#include <utlist.h>

#include "fs/fleet/bus_nats_line.h"

/* What the library takes for a message, beside its body. */
#define MESSAGE_OCTETS 256

static void on_message(natsConnection *nats, natsSubscription *subscription,
		       natsMsg *message, void *arg)
{
	struct line *line = arg;
	int r = 0;

	(void)subscription;
	pthread_mutex_lock(&line->mutex);
	if (line->nats == nats && !line->ended)
		r = line->options.message(
			line->options.arg, natsMsg_GetSubject(message),
			natsMsg_GetData(message),
			(size_t)natsMsg_GetDataLength(message),
			natsMsg_IsNoResponders(message));
	if (r < 0)
		bus_nats_end_locked(line, strerror(-r));
	pthread_mutex_unlock(&line->mutex);
	natsMsg_Destroy(message);
}

static void on_complete(void *arg)
{
	struct line *line = arg;

	pthread_mutex_lock(&line->mutex);
	assert(line->callbacks);
	line->callbacks--;
	pthread_cond_broadcast(&line->cond);
	pthread_mutex_unlock(&line->mutex);
}

/* Return: what line.h says of a life that is to end. */
static int result_of(struct line *line, natsStatus status)
{
	if (status == NATS_OK)
		return 0;
	bus_nats_end(line, natsStatus_GetText(status));
	if (status == NATS_NO_MEMORY)
		return -ENOMEM;
	return status == NATS_CONNECTION_CLOSED ? -ENOTCONN : -EIO;
}

static natsStatus subscribe(struct line *line, struct subscription *new)
{
	natsStatus status = natsConnection_Subscribe(
		&new->nats, line->nats, new->subject, on_message, line);

	if (status == NATS_OK)
		status = natsSubscription_SetPendingLimits(new->nats, -1, -1);
	if (status == NATS_OK)
		status = natsSubscription_SetOnCompleteCB(new->nats,
							  on_complete, line);
	if (status != NATS_OK)
		return status;
	pthread_mutex_lock(&line->mutex);
	line->callbacks++;
	pthread_mutex_unlock(&line->mutex);
	return NATS_OK;
}

int bus_nats_subscribe(struct line *line, const char *subject)
{
	size_t size = strlen(subject) + 1;
	struct subscription *new;
	natsStatus status;

	if (!line->nats)
		return -ENOTCONN;
	new = calloc(1, sizeof(*new) + size);
	if (!new)
		return result_of(line, NATS_NO_MEMORY);
	memcpy(new->subject, subject, size);
	status = subscribe(line, new);
	if (status != NATS_OK) {
		natsSubscription_Destroy(new->nats);
		free(new);
		return result_of(line, status);
	}
	HASH_ADD_STR(line->subscriptions, subject, new);
	return 0;
}

static void subscription_free(struct subscription *old)
{
	/* It unsubscribes, too. */
	natsSubscription_Destroy(old->nats);
	free(old);
}

/* @all: or those that are through. */
static void free_drained(struct line *line, bool all)
{
	struct subscription *each, *next;

	DL_FOREACH_SAFE (line->draining, each, next) {
		if (!all && natsSubscription_IsValid(each->nats))
			continue;
		DL_DELETE(line->draining, each);
		subscription_free(each);
	}
}

/*
 * What the library has of it is dropped with it, but for one with a wildcard:
 * there one that floods had others' messages wait. That takes a thread of the
 * library's till they are through.
 */
void bus_nats_unsubscribe(struct line *line, const char *subject)
{
	struct subscription *old;

	free_drained(line, false);
	HASH_FIND_STR(line->subscriptions, subject, old);
	if (!old)
		return;
	HASH_DEL(line->subscriptions, old);
	if (strchr(subject, '*') &&
	    natsSubscription_Drain(old->nats) == NATS_OK)
		DL_APPEND(line->draining, old);
	else
		subscription_free(old);
}

int bus_nats_publish(struct line *line, const char *subject, const char *reply,
		     const void *data, size_t len)
{
	natsStatus status;

	if (!line->nats)
		return -ENOTCONN;
	assert(len <= INT32_MAX);
	if (reply)
		status = natsConnection_PublishRequest(line->nats, subject,
						       reply, data, (int)len);
	else
		status = natsConnection_Publish(line->nats, subject, data,
						(int)len);
	return result_of(line, status);
}

static size_t pending(const struct subscription *subscription)
{
	int count = 0, bodies = 0;

	natsSubscription_GetPending(subscription->nats, &count, &bodies);
	return (size_t)bodies + (size_t)count * MESSAGE_OCTETS;
}

size_t bus_nats_behind(struct line *line)
{
	struct subscription *each, *next;
	size_t octets = 0;

	free_drained(line, false);
	HASH_ITER (hh, line->subscriptions, each, next)
		octets += pending(each);
	DL_FOREACH (line->draining, each)
		octets += pending(each);
	return octets;
}

void bus_nats_unsubscribe_all(struct line *line)
{
	struct subscription *each, *next;

	HASH_ITER (hh, line->subscriptions, each, next) {
		HASH_DEL(line->subscriptions, each);
		subscription_free(each);
	}
	free_drained(line, true);
}
