// SPDX-License-Identifier: Apache-2.0
/*
 * fetch.c - one transfer of a zone from its primary, over TCP
 *
 * Messages are taken one by one. While the writer is behind with what was
 * staged, no more is read, so that a primary that is faster than the disk fills
 * no memory.
 *
 * A fetch is freed when its handles are closed and nothing that it has handed
 * to the writer is under way.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "anchors/staging.h"
#include "anchors/task.h"
#include "anchors/transfer/fetch.h"
#include "dns/answer/tsig.h"
#include "dns/store/incoming.h"

/* Messages that may be staged and not judged yet. */
#define FETCH_AHEAD 4
/* Who does not even connect is not waited for as long. */
#define CONNECT_MS 5000
/* Octets read at once. */
#define READ_SIZE   65536
#define REASON_SIZE 192

struct fetch {
	struct fetch_request request;
	struct anchor *anchor; /* a reference */
	fetch_done *done;      /* NULL: it was told, or nobody waits */
	void *arg;

	uv_tcp_t tcp;
	uv_timer_t timer;
	unsigned handles; /* not closed yet */
	bool is_closing;
	uv_connect_t connect;
	uv_write_t write;
	uint8_t query[1024]; /* with its length */
	bool is_connected;
	uint64_t end_ms; /* by uv_now(): in any case */

	struct hmac *hmac;
	struct tsig tsig;
	bool is_verified; /* the last message was signed */
	struct incoming *incoming;
	enum incoming_state state; /* what the last message has come to */
	struct buffer input;
	uint8_t room[READ_SIZE];
	bool is_taking; /* take_input() runs */
	bool is_busy;	/* the writer has something of it */
	bool is_reading;
	struct staging *staging;
	char reason[REASON_SIZE];
};

/* ---- The end ---- */

/* What it has of others, who may be gone before its handles are closed. */
static void release(struct fetch *fetch)
{
	if (fetch->is_busy || !fetch->anchor)
		return;
	if (fetch->staging)
		staging_discard(steal(&fetch->staging));
	anchor_unref(steal(&fetch->anchor));
}

static void free_if_done(struct fetch *fetch)
{
	if (fetch->is_closing || !fetch->handles)
		release(fetch);
	if (fetch->handles || fetch->is_busy)
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
	free_if_done(fetch);
}

static void close_handles(struct fetch *fetch)
{
	if (fetch->is_closing)
		return;
	fetch->is_closing = true;
	uv_close((uv_handle_t *)&fetch->tcp, on_closed);
	uv_close((uv_handle_t *)&fetch->timer, on_closed);
}

static void end(struct fetch *fetch, int result)
{
	fetch_done *done = fetch->done;

	fetch->done = NULL;
	close_handles(fetch);
	if (!fetch->is_taking)
		release(fetch);
	if (done)
		done(fetch->arg, result, fetch->reason);
}

static void PRINTF(3, 4)
	fail(struct fetch *fetch, int result, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fetch->reason, sizeof(fetch->reason), format, args);
	va_end(args);
	end(fetch, result);
}

void fetch_cancel(struct fetch *fetch)
{
	if (!fetch)
		return;
	fetch->done = NULL;
	close_handles(fetch);
	if (!fetch->is_taking)
		release(fetch);
}

/* ---- Differences ---- */

struct difference_task {
	struct task task;
	struct fetch *fetch;
};

/* Its last primary may have gone since it was asked. */
static int check_secondary(struct difference_task *on, MDB_txn *txn)
{
	const struct tables *tables = task_tables(&on->task);
	struct zone_row row;
	struct served served;
	int r = table_served(tables, txn, on->task.anchor->id, &served);

	if (r == 0)
		r = zone_row_get(tables, txn, served.home,
				 &on->fetch->request.apex, &row);
	if (r == 0 && !row.is_secondary)
		r = ESTALE;
	return r == -ENOENT ? ESTALE : r;
}

static int run_differences(struct job *job, MDB_txn *txn)
{
	struct difference_task *on =
		container_of(job, struct difference_task, task.job);
	CLEANUP(change_deinit) struct change change = {0};
	struct task *task = &on->task;
	struct change_item item;
	size_t offset = 0;
	uint32_t table;
	int r = task_table(task, txn, &table);

	if (r == 0)
		r = check_secondary(on, txn);
	if (r == 0)
		r = incoming_differences(on->fetch->incoming, task_tables(task),
					 txn, table, &change);
	if (r == 0)
		r = table_apply_by(task_tables(task), txn, table, &change,
				   SETTLE_BY_TRANSFER, task->now_ns,
				   &task->refusal);
	if (r == 0)
		task_changes(task);
	while (r == 0 && change_next(&change, &offset, &item))
		touched_count(task->anchor, &item.rr.owner);
	return r;
}

/* What was written, or was not. */
static void written(void *arg, int result, const struct refusal *refusal)
{
	struct fetch *fetch = arg;

	fetch->is_busy = false;
	if (result == 0)
		end(fetch, 0);
	else if (refusal)
		fail(fetch, result, "%.100s: %.80s", refusal->text,
		     refusal->reason);
	else
		fail(fetch, result, "%s", strerror(-result));
	free_if_done(fetch);
}

static void apply_differences(struct fetch *fetch)
{
	struct difference_task *on;

	fetch->is_busy = true;
	on = task_new_live(sizeof(*on), fetch->anchor, written, fetch);
	if (!on)
		return;
	on->fetch = fetch;
	on->task.is_edit = true;
	on->task.job.adds = true;
	task_submit(&on->task, run_differences);
}

/* ---- All of a zone ---- */

static void settled(void *arg, int result, const struct refusal *refusal)
{
	struct fetch *fetch = arg;
	struct scope scope = {SCOPE_ZONE, fetch->request.apex};

	if (result < 0 || !fetch->done) {
		written(fetch, result < 0 ? result : -ECANCELED, refusal);
		return;
	}
	staging_from_primary(fetch->staging);
	staging_publish(steal(&fetch->staging), &scope, written, fetch);
}

static void publish(struct fetch *fetch)
{
	fetch->is_busy = true;
	staging_settle(fetch->staging, settled, fetch);
}

static void take_input(struct fetch *fetch);
static void conclude(struct fetch *fetch);

static void staged(void *arg, int result, const struct refusal *refusal)
{
	struct fetch *fetch = arg;

	fetch->is_busy = false;
	if (result < 0 && refusal)
		fail(fetch, result, "%.100s: %.80s", refusal->text,
		     refusal->reason);
	else if (result < 0)
		fail(fetch, result, "%s", strerror(-result));
	else if (!fetch->is_taking && fetch->state != INCOMING_MORE)
		conclude(fetch);
	else if (!fetch->is_taking)
		take_input(fetch);
	if (!fetch->is_taking)
		free_if_done(fetch);
}

static void stage(struct fetch *fetch, struct change *change)
{
	int r = fetch->staging ? 0
			       : staging_new(&fetch->staging, fetch->anchor);

	if (r < 0) {
		change_deinit(change);
		fail(fetch, r, "%s", strerror(-r));
		return;
	}
	fetch->is_busy = true;
	staging_add(fetch->staging, change, FETCH_AHEAD, staged, fetch);
}

/* ---- Messages ---- */

static void tell_of_signature(struct fetch *fetch, int result)
{
	switch (result) {
	case -EKEYREJECTED:
		fail(fetch, result, "the primary does not take the key");
		break;
	case -ETIME:
		fail(fetch, result, "the primary's clock or ours is wrong");
		break;
	default:
		fail(fetch, result, "it is not signed by the key");
	}
}

/* Return: 0; -errno: it has failed. */
static int verify(struct fetch *fetch, uint8_t *message, size_t *len)
{
	int r = 0;

	if (fetch->request.has_key)
		r = tsig_accept(&fetch->tsig, fetch->hmac, message, len,
				(uint64_t)time(NULL));
	fetch->is_verified = r == 0;
	if (r == 0 || r == -EAGAIN)
		return 0;
	tell_of_signature(fetch, r);
	return r;
}

static void tell_of_incoming(struct fetch *fetch, int result,
			     const struct refusal *why)
{
	const char *rcode;

	if (result == -EREMOTEIO) {
		rcode = rcode_text((uint16_t)incoming_rcode(fetch->incoming));
		fail(fetch, result, "the primary says %s",
		     rcode ? rcode : "no");
	} else {
		fail(fetch, result, "%s",
		     why->reason[0] ? why->reason : strerror(-result));
	}
}

/* The last message is here: what do all of them come to? */
static void conclude(struct fetch *fetch)
{
	if (fetch->is_closing)
		return;
	if (!fetch->is_verified) {
		tell_of_signature(fetch, -EBADMSG);
		return;
	}
	if (fetch->state == INCOMING_SAME)
		end(fetch, -EALREADY);
	else if (fetch->state == INCOMING_DIFFERENCES)
		apply_differences(fetch);
	else
		publish(fetch);
}

static void take_message(struct fetch *fetch, uint8_t *message, size_t len)
{
	CLEANUP(change_deinit) struct change change = {0};
	struct refusal why = {0};
	int r = verify(fetch, message, &len);

	if (r < 0)
		return;
	r = incoming_take(fetch->incoming, message, len, &change, &fetch->state,
			  &why);
	if (r < 0) {
		tell_of_incoming(fetch, r, &why);
		return;
	}
	if (change.count)
		stage(fetch, &change);
	if (fetch->state == INCOMING_MORE || fetch->is_closing)
		return;
	/* Nothing behind it counts. */
	uv_read_stop((uv_stream_t *)&fetch->tcp);
	fetch->is_reading = false;
	if (!fetch->is_busy)
		conclude(fetch);
}

static void watch_time(struct fetch *fetch);
static void read_more(struct fetch *fetch);

/* The staging calls back in the call, or later: it goes on either way. */
static void take_input(struct fetch *fetch)
{
	struct buffer *input = &fetch->input;
	size_t at = 0, len;

	fetch->is_taking = true;
	while (!fetch->is_busy && !fetch->is_closing &&
	       fetch->state == INCOMING_MORE &&
	       input->len - at >= MESSAGE_LENGTH_SIZE) {
		len = get_u16(input->data + at);
		if (input->len - at - MESSAGE_LENGTH_SIZE < len)
			break;
		take_message(fetch, input->data + at + MESSAGE_LENGTH_SIZE,
			     len);
		at += MESSAGE_LENGTH_SIZE + len;
	}
	fetch->is_taking = false;
	if (fetch->is_closing)
		release(fetch);
	if (at) {
		watch_time(fetch);
		input->len -= at;
		memmove(input->data, input->data + at, input->len);
	}
	if (!fetch->is_busy && !fetch->is_closing &&
	    fetch->state == INCOMING_MORE)
		read_more(fetch);
}

static void on_room(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct fetch *fetch = handle->data;

	(void)size;
	*out = uv_buf_init((char *)fetch->room, sizeof(fetch->room));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
	struct fetch *fetch = stream->data;

	(void)room;
	if (len == 0 || fetch->is_closing)
		return;
	if (len < 0) {
		fail(fetch, -ECONNRESET, "the primary broke it off");
		return;
	}
	if (buffer_add(&fetch->input, fetch->room, (size_t)len) < 0) {
		fail(fetch, -ENOMEM, "%s", strerror(ENOMEM));
		return;
	}
	take_input(fetch);
	if (fetch->is_busy && fetch->is_reading) {
		uv_read_stop(stream);
		fetch->is_reading = false;
	}
}

static void read_more(struct fetch *fetch)
{
	int r;

	if (fetch->is_reading)
		return;
	r = uv_read_start((uv_stream_t *)&fetch->tcp, on_room, on_read);
	fetch->is_reading = r == 0;
	if (r < 0)
		fail(fetch, r, "%s", uv_strerror(r));
}

/* ---- The question ---- */

static void on_timer(uv_timer_t *timer)
{
	struct fetch *fetch = timer->data;

	/* What the disk takes long for is not the primary's fault. */
	if (fetch->is_busy && uv_now(timer->loop) < fetch->end_ms)
		watch_time(fetch);
	else if (!fetch->is_connected)
		fail(fetch, -ETIMEDOUT, "no connection in %d seconds",
		     CONNECT_MS / 1000);
	else if (uv_now(timer->loop) >= fetch->end_ms)
		fail(fetch, -ETIMEDOUT, "it was not through in %d seconds",
		     FETCH_MOST_MS / 1000);
	else
		fail(fetch, -ETIMEDOUT, "no progress in %d seconds",
		     FETCH_SILENT_MS / 1000);
}

static void watch_time(struct fetch *fetch)
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
		fail(fetch, status, "%s", uv_strerror(status));
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct fetch *fetch = connect->data;
	uv_buf_t buffer;
	size_t len;

	if (fetch->is_closing)
		return;
	if (status < 0) {
		fail(fetch, status, "%s", uv_strerror(status));
		return;
	}
	fetch->is_connected = true;
	watch_time(fetch);
	len = MESSAGE_LENGTH_SIZE + (size_t)get_u16(fetch->query);
	buffer = uv_buf_init((char *)fetch->query, (unsigned)len);
	fetch->write.data = fetch;
	status = uv_write(&fetch->write, (uv_stream_t *)&fetch->tcp, &buffer, 1,
			  on_written);
	if (status < 0)
		fail(fetch, status, "%s", uv_strerror(status));
	else
		read_more(fetch);
}

static int begin(struct fetch *fetch)
{
	const struct fetch_request *request = &fetch->request;
	const struct incoming_request incoming = {
		.apex = request->apex,
		.id = (uint16_t)randombytes_uniform(65536),
		.type = request->type,
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
	watch_time(fetch);
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
			free_if_done(fetch);
		return r;
	}
	fetch->done = done;
	fetch->arg = arg;
	*out = fetch;
	return 0;
}
