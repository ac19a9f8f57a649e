// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <sodium.h>
#include <utlist.h>

#include "dns/serve/inbox.h"

struct inbox {
	uv_async_t *wake;	     /* borrowed */
	uv_mutex_t mutex;	     /* protects what follows */
	struct inbox_request *first; /* utlist */
	/* Of all requests, also of those that were taken out. */
	unsigned count;
	size_t octets;
};

int inbox_new(struct inbox **out, uv_async_t *wake)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));

	if (!inbox || uv_mutex_init(&inbox->mutex) < 0) {
		free(inbox);
		return -ENOMEM;
	}
	inbox->wake = wake;
	*out = inbox;
	return 0;
}

struct inbox *inbox_free(struct inbox *inbox)
{
	struct inbox_request *request;

	if (!inbox)
		return NULL;
	while ((request = inbox_take(inbox)))
		inbox_request_free(inbox, request);
	uv_mutex_destroy(&inbox->mutex);
	free(inbox);
	return NULL;
}

static size_t size_of(const struct inbox_request *request)
{
	return sizeof(*request) + request->len;
}

/* Return: whether there is room for it, and it is in. */
static bool put_in(struct inbox *inbox, struct inbox_request *request)
{
	size_t size = size_of(request);
	bool fits;

	uv_mutex_lock(&inbox->mutex);
	fits = inbox->count < INBOX_REQUESTS &&
	       size <= INBOX_OCTETS - inbox->octets;
	if (fits) {
		inbox->count++;
		inbox->octets += size;
		DL_APPEND(inbox->first, request);
	}
	uv_mutex_unlock(&inbox->mutex);
	return fits;
}

int inbox_put(struct inbox *inbox, const struct errand *errand,
	      const struct inbox_path *path, const uint8_t *message)
{
	struct inbox_request *request = malloc(sizeof(*request) + errand->len);

	if (!request)
		return -ENOMEM;
	request->errand = *errand;
	request->path = *path;
	request->len = errand->len;
	memcpy(request->message, message, errand->len);
	if (errand->tsig.is_signed)
		tsig_strip(request->message);
	if (!put_in(inbox, request)) {
		sodium_memzero(&request->errand, sizeof(request->errand));
		free(request);
		return -ENOBUFS;
	}
	uv_async_send(inbox->wake);
	return 0;
}

struct inbox_request *inbox_take(struct inbox *inbox)
{
	struct inbox_request *request;

	uv_mutex_lock(&inbox->mutex);
	request = inbox->first;
	if (request)
		DL_DELETE(inbox->first, request);
	uv_mutex_unlock(&inbox->mutex);
	return request;
}

struct inbox_request *inbox_request_free(struct inbox *inbox,
					 struct inbox_request *request)
{
	uv_mutex_lock(&inbox->mutex);
	inbox->count--;
	inbox->octets -= size_of(request);
	uv_mutex_unlock(&inbox->mutex);
	sodium_memzero(&request->errand, sizeof(request->errand));
	free(request);
	return NULL;
}
