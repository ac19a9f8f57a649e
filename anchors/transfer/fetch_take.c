// SPDX-License-Identifier: Apache-2.0
/*
 * fetch_take.c - messages of a transfer that comes in, on a thread of the pool
 *
 * A message of 64 KiB has some thousand records, which take milliseconds to
 * read and to judge. The main loop has others waiting for it; so it only hands
 * over the octets, and hears of what they were.
 */
#include <assert.h>
#include <errno.h>
#include <time.h>

#include "anchors/transfer/fetch_layout.h"
#include "dns/wire/thread.h"

/* With so many records a batch ends: what the writer stages in a slice. */
#define BATCH_RECORDS 4096

/* ---- On the pool ---- */

/* The last message may not be unsigned: RFC 8945, section 5.3.1. */
static int verify(struct fetch *fetch, uint8_t *message, size_t *len)
{
	int r = 0;

	if (fetch->request.has_key)
		r = tsig_accept(&fetch->tsig, fetch->hmac, message, len,
				(uint64_t)time(NULL));
	fetch->batch.is_verified = r == 0;
	return r == -EAGAIN ? 0 : r;
}

static void take_message(struct fetch *fetch, uint8_t *message, size_t len)
{
	struct fetch_batch *batch = &fetch->batch;

	batch->unsigned_by = verify(fetch, message, &len);
	if (batch->unsigned_by == 0)
		batch->result = incoming_take(fetch->incoming, message, len,
					      &batch->change, &batch->state,
					      &batch->why);
}

/* Octets of the message at @at, with its length; 0: it is not whole. */
static size_t whole_at(const struct buffer *input, size_t at)
{
	size_t have = input->len - at, len;

	if (have < MESSAGE_LENGTH_SIZE)
		return 0;
	len = MESSAGE_LENGTH_SIZE + (size_t)get_u16(input->data + at);
	return len <= have ? len : 0;
}

static bool has_ended(const struct fetch_batch *batch)
{
	return batch->unsigned_by < 0 || batch->result < 0 ||
	       batch->state != INCOMING_MORE ||
	       batch->change.count >= BATCH_RECORDS;
}

/*
 * It does not give way to others, as what reads texts does: who tells the loop
 * that he is done, and is set aside in the midst of that, is waited for by the
 * loop, which turns on the spot until he is through (uv_async_send()). The work
 * is short, and there is no more of it than the primary sends.
 */
static void take_in_pool(uv_work_t *work)
{
	struct fetch *fetch = container_of(work, struct fetch, batch.work);
	struct fetch_batch *batch = &fetch->batch;
	struct buffer *input = &fetch->input;
	size_t at = 0, len;

	thread_slice(THREAD_SLICE_LONG);
	while (!has_ended(batch) && (len = whole_at(input, at))) {
		take_message(fetch, input->data + at + MESSAGE_LENGTH_SIZE,
			     len - MESSAGE_LENGTH_SIZE);
		at += len;
	}
	/* Nothing behind the last message counts. */
	input->len -= at;
	memmove(input->data, input->data + at, input->len);
}

/* ---- What came of them ---- */

static void tell_of_signature(struct fetch *fetch, int result)
{
	switch (result) {
	case -EKEYREJECTED:
		fetch_fail(fetch, result, "the primary does not take the key");
		break;
	case -ETIME:
		fetch_fail(fetch, result,
			   "the primary's clock or ours is wrong");
		break;
	default:
		fetch_fail(fetch, result, "it is not signed by the key");
	}
}

static void tell_of_incoming(struct fetch *fetch)
{
	const struct fetch_batch *batch = &fetch->batch;
	const char *rcode;

	if (batch->result == -EREMOTEIO) {
		rcode = rcode_text((uint16_t)incoming_rcode(fetch->incoming));
		fetch_fail(fetch, batch->result, "the primary says %s",
			   rcode ? rcode : "no");
	} else {
		fetch_fail(fetch, batch->result, "%s",
			   batch->why.reason[0] ? batch->why.reason
						: strerror(-batch->result));
	}
}

/* The last message is here: what do all of them come to? */
static void conclude(struct fetch *fetch)
{
	if (!fetch->batch.is_verified)
		tell_of_signature(fetch, -EBADMSG);
	else if (fetch->batch.state == INCOMING_SAME)
		fetch_end(fetch, -EALREADY);
	else if (fetch->batch.state == INCOMING_DIFFERENCES)
		fetch_apply(fetch);
	else
		fetch_publish(fetch);
}

void fetch_go_on(struct fetch *fetch)
{
	assert(!fetch->is_taking && !fetch->is_busy && !fetch->is_closing);
	if (fetch->batch.state == INCOMING_MORE)
		fetch_take(fetch);
	else
		conclude(fetch);
}

static void after_take(uv_work_t *work, int status)
{
	struct fetch *fetch = container_of(work, struct fetch, batch.work);
	struct fetch_batch *batch = &fetch->batch;
	struct change change = batch->change;

	/* Nobody cancels it. */
	assert(status == 0);
	(void)status;
	fetch->is_taking = false;
	batch->change = (struct change){0};
	if (!fetch->is_closing && batch->unsigned_by < 0) {
		tell_of_signature(fetch, batch->unsigned_by);
	} else if (!fetch->is_closing && batch->result < 0) {
		tell_of_incoming(fetch);
	} else if (!fetch->is_closing) {
		fetch_progress(fetch);
		if (change.count)
			fetch_stage(fetch, &change);
		else
			fetch_go_on(fetch);
	}
	change_deinit(&change);
	fetch_free_if_done(fetch);
}

void fetch_take(struct fetch *fetch)
{
	if (!whole_at(&fetch->input, 0)) {
		fetch_read(fetch);
		return;
	}
	fetch_pause(fetch);
	fetch->is_taking = true;
	/* Fails only without a function to run. */
	uv_queue_work(fetch->timer.loop, &fetch->batch.work, take_in_pool,
		      after_take);
}
