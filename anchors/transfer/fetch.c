// SPDX-License-Identifier: Apache-2.0
/*
 * fetch.c - one transfer of a zone from its primary, over TCP: the connection
 *
 * A fetch is freed when its handles are closed and neither the pool nor the
 * writer has anything of it. What it has of others it gives back when it ends,
 * for they may be gone before.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "anchors/host.h"
#include "anchors/transfer/fetch_layout.h"

/* Who does not even connect is not waited for as long. */
#define CONNECT_MS 5000
/* Octets read at once. */
#define READ_SIZE 65536

/* ---- The end ---- */

/* What it has of others. The pool has nothing of that. */
static void release(struct fetch *fetch)
{
	if (fetch->is_busy || !fetch->anchor)
		return;
	if (fetch->staging)
		staging_discard(steal(&fetch->staging));
	anchor_unref(steal(&fetch->anchor));
}

void fetch_free_if_done(struct fetch *fetch)
{
	if (fetch->is_closing || !fetch->handles)
		release(fetch);
	if (fetch->handles || fetch->is_busy || fetch->is_taking)
		return;
	incoming_free(fetch->incoming);
	hmac_free(fetch->hmac);
	buffer_deinit(&fetch->input);
	sodium_memzero(&fetch->tsig, sizeof(fetch->tsig));
	sodium_memzero(&fetch->request.key, sizeof(fetch->request.key));
	free(fetch);
}

static void on_closed(uv_handle_t *handle)
{
	struct fetch *fetch = handle->data;

	assert(fetch->handles);
	fetch->handles--;
	fetch_free_if_done(fetch);
}

static void close_handles(struct fetch *fetch)
{
	if (fetch->is_closing)
		return;
	fetch->is_closing = true;
	uv_close((uv_handle_t *)&fetch->tcp, on_closed);
	uv_close((uv_handle_t *)&fetch->timer, on_closed);
}

void fetch_end(struct fetch *fetch, int result)
{
	fetch_done *done = fetch->done;

	fetch->done = NULL;
	close_handles(fetch);
	release(fetch);
	if (done)
		done(fetch->arg, result, fetch->reason);
}

void fetch_fail(struct fetch *fetch, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fetch->reason, sizeof(fetch->reason), format, args);
	va_end(args);
	fetch_end(fetch, result);
}

bool fetch_was_zone(const struct fetch *fetch)
{
	return fetch->batch.state == INCOMING_ZONE;
}

void fetch_cancel(struct fetch *fetch)
{
	if (!fetch)
		return;
	fetch->done = NULL;
	close_handles(fetch);
	release(fetch);
}

/* ---- What comes ---- */

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct fetch *fetch = handle->data;
	struct buffer *input = &fetch->input;

	(void)size;
	/* No room is -ENOBUFS for on_read(). */
	*out = buffer_reserve(input, READ_SIZE) < 0
		       ? uv_buf_init(NULL, 0)
		       : uv_buf_init((char *)input->data + input->len,
				     READ_SIZE);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
	struct fetch *fetch = stream->data;

	(void)room;
	if (len == 0 || fetch->is_closing)
		return;
	if (len == UV_ENOBUFS) {
		fetch_fail(fetch, -ENOMEM, "%s", strerror(ENOMEM));
	} else if (len < 0) {
		fetch_fail(fetch, -ECONNRESET, "the primary broke it off");
	} else {
		fetch->input.len += (size_t)len;
		fetch_take(fetch);
	}
}

void fetch_read(struct fetch *fetch)
{
	int r;

	if (fetch->is_reading)
		return;
	r = uv_read_start((uv_stream_t *)&fetch->tcp, on_room, on_read);
	fetch->is_reading = r == 0;
	if (r < 0)
		fetch_fail(fetch, r, "%s", uv_strerror(r));
}

void fetch_pause(struct fetch *fetch)
{
	if (fetch->is_reading)
		uv_read_stop((uv_stream_t *)&fetch->tcp);
	fetch->is_reading = false;
}

/* ---- The question ---- */

static void on_timer(uv_timer_t *timer)
{
	struct fetch *fetch = timer->data;

	/* What we take long for is not the primary's fault. */
	if ((fetch->is_busy || fetch->is_taking) &&
	    uv_now(timer->loop) < fetch->end_ms)
		fetch_progress(fetch);
	else if (!fetch->is_connected)
		fetch_fail(fetch, -ETIMEDOUT, "no connection in %d seconds",
			   CONNECT_MS / 1000);
	else if (uv_now(timer->loop) >= fetch->end_ms)
		fetch_fail(fetch, -ETIMEDOUT,
			   "it was not through in %d seconds",
			   FETCH_MOST_MS / 1000);
	else
		fetch_fail(fetch, -ETIMEDOUT, "no progress in %d seconds",
			   FETCH_SILENT_MS / 1000);
}

void fetch_progress(struct fetch *fetch)
{
	uint64_t now = uv_now(fetch->timer.loop);
	uint64_t left = fetch->end_ms > now ? fetch->end_ms - now : 0;
	uint64_t wait = fetch->is_connected ? FETCH_SILENT_MS : CONNECT_MS;

	if (fetch->is_closing)
		return;
	if (left > wait)
		left = wait;
	uv_timer_start(&fetch->timer, on_timer, left, 0);
}

/* RFC 1995, section 3: our SOA, of which only the serial counts. */
static size_t add_serial(uint8_t *at, const struct name *apex, uint32_t serial)
{
	uint8_t *head = at + apex->len;
	uint8_t *rdata = head + RR_HEAD_SIZE;

	memcpy(at, apex->wire, apex->len);
	memset(head, 0, RR_HEAD_SIZE + 2 + 20);
	put_u16(head, RR_SOA);
	put_u16(head + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u16(head + RR_HEAD_RDLENGTH, 2 + 20);
	put_u32(rdata + 2, serial); /* behind two names: the root's */
	return apex->len + RR_HEAD_SIZE + 2 + 20;
}

/* Return: its octets, behind its length; 0: no memory. */
static size_t write_query(struct fetch *fetch, uint16_t id)
{
	const struct fetch_request *request = &fetch->request;
	uint8_t *message = fetch->query + MESSAGE_LENGTH_SIZE;
	uint8_t *at = message + MESSAGE_HEAD_SIZE;
	size_t len;

	memset(message, 0, MESSAGE_HEAD_SIZE);
	put_u16(message, id);
	put_u16(message + MESSAGE_QDCOUNT, 1);
	memcpy(at, request->apex.wire, request->apex.len);
	at += request->apex.len;
	put_u16(at, request->type);
	put_u16(at + 2, RR_CLASS_IN);
	at += MESSAGE_QUESTION_TAIL;
	if (request->type == RR_IXFR) {
		put_u16(message + MESSAGE_NSCOUNT, 1);
		at += add_serial(at, &request->apex, request->serial);
	}
	len = (size_t)(at - message);
	if (request->has_key)
		len = tsig_begin(&fetch->tsig, &request->key, fetch->hmac,
				 message, len, (uint64_t)time(NULL));
	put_u16(fetch->query, (uint16_t)len);
	return len;
}

static void on_written(uv_write_t *write, int status)
{
	struct fetch *fetch = write->data;

	if (status < 0 && !fetch->is_closing)
		fetch_fail(fetch, status, "%s", uv_strerror(status));
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct fetch *fetch = connect->data;
	uv_buf_t buffer;
	size_t len;

	if (fetch->is_closing)
		return;
	if (status < 0) {
		fetch_fail(fetch, status, "%s", uv_strerror(status));
		return;
	}
	fetch->is_connected = true;
	fetch_progress(fetch);
	len = MESSAGE_LENGTH_SIZE + (size_t)get_u16(fetch->query);
	buffer = uv_buf_init((char *)fetch->query, (unsigned)len);
	fetch->write.data = fetch;
	status = uv_write(&fetch->write, (uv_stream_t *)&fetch->tcp, &buffer, 1,
			  on_written);
	if (status < 0)
		fetch_fail(fetch, status, "%s", uv_strerror(status));
	else
		fetch_read(fetch);
}

static int begin(struct fetch *fetch)
{
	const struct fetch_request *request = &fetch->request;
	const struct incoming_request incoming = {
		.apex = request->apex,
		.id = (uint16_t)randombytes_uniform(65536),
		.type = request->type,
		.has_serial = request->has_serial,
		.serial = request->serial,
		.records_max = fetch->anchor->host->store.tables.records_max,
	};
	int r = hmac_new(&fetch->hmac);

	if (r == 0)
		r = incoming_new(&fetch->incoming, &incoming);
	if (r == 0 && !write_query(fetch, incoming.id))
		r = -ENOMEM;
	return r;
}

/* Primaries know a secondary by its address. */
static int bind_to_own(struct fetch *fetch)
{
	struct address from = fetch->anchor->address;
	struct sockaddr_storage own;

	if (!address_leads_to(&from, &fetch->request.primary))
		return 0;
	from.port = 0;
	address_sockaddr(&from, from.kind == ADDRESS_IPV6 ? AF_INET6 : AF_INET,
			 &own);
	return uv_tcp_bind(&fetch->tcp, (struct sockaddr *)&own, 0);
}

static int connect_to(struct fetch *fetch)
{
	uv_loop_t *loop = fetch->anchor->host->loop;
	const struct address *primary = &fetch->request.primary;
	struct sockaddr_storage to;
	int r = uv_tcp_init(loop, &fetch->tcp);

	if (r < 0)
		return r;
	uv_timer_init(loop, &fetch->timer);
	fetch->tcp.data = fetch->timer.data = fetch->connect.data = fetch;
	fetch->handles = 2;
	fetch->end_ms = uv_now(loop) + FETCH_MOST_MS;
	fetch_progress(fetch);
	address_sockaddr(primary,
			 primary->kind == ADDRESS_IPV6 ? AF_INET6 : AF_INET,
			 &to);
	r = bind_to_own(fetch);
	return r < 0 ? r
		     : uv_tcp_connect(&fetch->connect, &fetch->tcp,
				      (struct sockaddr *)&to, on_connected);
}

int fetch_new(struct fetch **out, const struct fetch_request *request,
	      fetch_done *done, void *arg)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	int r;

	if (!fetch)
		return -ENOMEM;
	fetch->request = *request;
	fetch->anchor = anchor_ref(request->anchor);
	r = begin(fetch);
	if (r == 0)
		r = connect_to(fetch);
	if (r < 0) {
		if (fetch->handles)
			close_handles(fetch);
		else
			fetch_free_if_done(fetch);
		return r;
	}
	fetch->done = done;
	fetch->arg = arg;
	*out = fetch;
	return 0;
}
