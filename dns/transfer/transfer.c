// SPDX-License-Identifier: Apache-2.0
/*
 * transfer.c - what one client is sent of a copy
 */
#include <assert.h>
#include <errno.h>
#include <time.h>
#include <utlist.h>

#include "dns/transfer/transfers_layout.h"

int transfer_new(struct transfer **out, const struct errand *errand)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	assert(errand->kind == ERRAND_TRANSFER);
	if (!transfer)
		return -ENOMEM;
	transfer->errand = *errand;
	*out = transfer;
	return 0;
}

struct transfer *transfer_free(struct transfer *transfer)
{
	struct copy *copy;

	if (!transfer)
		return NULL;
	copy = transfer->copy;
	if (copy) {
		DL_DELETE(copy->readers, transfer);
		copy_free_unread(copy);
	}
	explicit_bzero(&transfer->errand.tsig, sizeof(transfer->errand.tsig));
	free(transfer);
	return NULL;
}

void transfer_begin(struct transfer *transfer, struct transfers *transfers,
		    void (*more)(void *arg), void *arg)
{
	int r;

	assert(!transfer->has_begun);
	transfer->has_begun = true;
	transfer->more = more;
	transfer->arg = arg;
	r = transfers_find(transfers, &transfer->errand, &transfer->copy);
	transfer->result = r;
	transfers_count(transfers, r);
	if (r < 0)
		return;
	DL_APPEND(transfer->copy->readers, transfer);
	transfers_start(transfers);
}

bool transfer_has_begun(const struct transfer *transfer)
{
	return transfer->has_begun;
}

static uint64_t now(void)
{
	return (uint64_t)time(NULL);
}

static size_t reply(struct transfer *transfer, struct hmac *hmac,
		    enum rcode rcode, uint8_t *out)
{
	return errand_reply(&transfer->errand, hmac, rcode, now(), out);
}

/* Nothing was sent yet: then the client is told. */
static int fail(struct transfer *transfer, int result, struct hmac *hmac,
		uint8_t *out, size_t *len)
{
	enum rcode rcode = result == -ENOENT ? RCODE_NOTAUTH : RCODE_SERVFAIL;

	if (transfer->sent)
		return result == -ENOENT ? -EIO : result;
	transfer->sent = 1;
	transfer->has_ended = true;
	*len = reply(transfer, hmac, rcode, out);
	return *len ? 0 : -ENOMEM;
}

size_t transfer_refuse(struct transfer *transfer, struct hmac *hmac,
		       uint8_t *out)
{
	return reply(transfer, hmac, RCODE_SERVFAIL, out);
}

/* Octets to read of a message: with the length of the next, if it is there. */
static size_t with_next(const struct transfer *transfer, size_t len)
{
	uint64_t end = transfer->offset + len + MESSAGE_LENGTH_SIZE;

	return len + MESSAGE_LENGTH_SIZE <= MESSAGE_TCP_SIZE &&
			       end <= spool_ready(&transfer->copy->spool)
		       ? len + MESSAGE_LENGTH_SIZE
		       : len;
}

static int read_message(struct transfer *transfer, uint8_t *out, size_t *len)
{
	const struct spool *spool = &transfer->copy->spool;
	uint8_t length[MESSAGE_LENGTH_SIZE];
	size_t next = transfer->next_len, taken;
	int r = 0;

	if (!next) {
		r = spool_read(spool, transfer->offset, length, sizeof(length));
		if (r < 0)
			return r;
		next = get_u16(length);
	}
	transfer->offset += MESSAGE_LENGTH_SIZE;
	taken = with_next(transfer, next);
	r = spool_read(spool, transfer->offset, out, taken);
	if (r < 0)
		return r;
	*len = next;
	transfer->offset += next;
	transfer->next_len = taken > next ? get_u16(out + next) : 0;
	return 0;
}

/*
 * What is the client's own. The question is in the first message only, and so
 * is the OPT record: RFC 5936, sections 2.2.1 and 2.2.5.
 */
static int make_own(struct transfer *transfer, struct hmac *hmac, uint8_t *out,
		    size_t *len)
{
	struct errand *errand = &transfer->errand;
	uint16_t answers = get_u16(out + MESSAGE_ANCOUNT);
	size_t room = tsig_room(&errand->tsig);
	bool is_first = !transfer->sent;

	assert(!is_first || errand->head_len == MESSAGE_HEAD_SIZE +
							errand->zone.len +
							MESSAGE_QUESTION_TAIL);
	memcpy(out, errand->head,
	       is_first ? errand->head_len : (size_t)MESSAGE_HEAD_SIZE);
	put_u16(out + MESSAGE_FLAGS, get_u16(out + MESSAGE_FLAGS) | MESSAGE_AA);
	put_u16(out + MESSAGE_QDCOUNT, is_first);
	put_u16(out + MESSAGE_ANCOUNT, answers);
	if (is_first && *len + errand->opt_len + room <= MESSAGE_TCP_SIZE)
		*len = errand_put_opt(errand, out, *len);
	if (!room)
		return 0;
	if (*len + room > MESSAGE_TCP_SIZE)
		return -EMSGSIZE;
	*len = tsig_sign(&errand->tsig, hmac, out, *len, now());
	return *len ? 0 : -ENOMEM;
}

void transfer_count_cut(struct transfer *transfer)
{
	if (transfer->copy)
		atomic_fetch_add(&transfer->copy->transfers->counts->cut, 1);
}

static void count_end(struct transfer *transfer)
{
	struct transfer_counts *counts = transfer->copy->transfers->counts;

	transfer->has_ended = true;
	atomic_fetch_add(transfer->copy->what.is_increment ? &counts->increments
							   : &counts->zones,
			 1);
}

/* Nothing is ready to be read: will there be something? */
static int at_end(struct transfer *transfer, struct hmac *hmac, uint8_t *out,
		  size_t *len)
{
	int result = transfer->copy->spool.result;

	if (result < 0)
		return fail(transfer, result, hmac, out, len);
	count_end(transfer);
	return -ENOENT;
}

int transfer_next(struct transfer *transfer, struct hmac *hmac, uint8_t *out,
		  size_t *len)
{
	const struct spool *spool;
	bool has_ended;
	int r;

	assert(transfer->has_begun);
	if (transfer->has_ended)
		return -ENOENT;
	if (transfer->result < 0)
		return fail(transfer, transfer->result, hmac, out, len);
	spool = &transfer->copy->spool;
	/* In this order, or what was added last could be missed. */
	has_ended = spool_has_ended(spool);
	if (transfer->offset == spool_ready(spool)) {
		transfer->waits = !has_ended;
		return has_ended ? at_end(transfer, hmac, out, len) : -EAGAIN;
	}
	r = read_message(transfer, out, len);
	if (r == 0)
		r = make_own(transfer, hmac, out, len);
	if (r < 0)
		return r;
	transfer->sent += transfer->sent < 2;
	atomic_fetch_add(&transfer->copy->transfers->counts->octets, *len);
	return 0;
}
