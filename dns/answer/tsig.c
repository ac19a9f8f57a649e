// SPDX-License-Identifier: Apache-2.0
/*
 * tsig.c - signed messages: RFC 8945
 *
 * What is hashed depends on where a message stands: a request by itself; the
 * first response behind the request's MAC; each other one of a stream behind
 * the MAC before it, with only the times of its TSIG record.
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>

#include "dns/answer/tsig.h"
#include "dns/answer/tsig_rr.h"

void tsig_wipe(struct tsig *tsig)
{
	if (tsig->is_signed)
		sodium_memzero(tsig->key.secret, sizeof(tsig->key.secret));
}

static void algorithm_name(enum hmac_kind kind, struct name *out)
{
	const char *text = hmac_name(kind);
	int r = name_from_text(text, strlen(text), NULL, out, NULL);

	/* It ends with the root, as no origin was said. */
	assert(r == 0);
	(void)r;
}

static bool is_algorithm(const struct name *name, enum hmac_kind kind)
{
	struct name known;

	algorithm_name(kind, &known);
	return name_equal(name, &known);
}

static int begin(struct tsig *tsig, struct hmac *hmac)
{
	return hmac_begin(hmac, tsig->key.kind, tsig->key.secret,
			  tsig->key.len);
}

/*
 * RFC 8945, section 5.2.2.1. No hash is so short that the other bound there, of
 * 10 octets, would be the higher one.
 */
static bool is_mac_size(const struct tsig_rr *rr, enum hmac_kind kind)
{
	size_t whole = hmac_size(kind);

	return rr->mac_len <= whole && rr->mac_len >= whole / 2;
}

/* End the hash; is it the one of the record, as far as that goes? */
static int compare(struct hmac *hmac, const struct tsig_rr *rr)
{
	uint8_t mac[HMAC_SIZE];
	size_t len;
	int r = hmac_end(hmac, mac, &len);

	if (r < 0)
		return r;
	assert(rr->mac_len <= len);
	return hmac_equal(mac, rr->mac, rr->mac_len) ? 0 : -EBADMSG;
}

static bool is_in_time(const struct tsig_rr *rr, uint64_t now)
{
	uint64_t off = rr->time > now ? rr->time - now : now - rr->time;

	return off <= rr->fudge;
}

/* The next message's hash goes on from here. */
static void keep_mac(struct tsig *tsig, const uint8_t *mac, size_t len)
{
	assert(len <= sizeof(tsig->mac));
	memcpy(tsig->mac, mac, len);
	tsig->mac_len = (uint8_t)len;
}

/* ---- A server's ---- */

/* RFC 8945, section 5.2.1. */
static int find_key(struct tsig *out, struct snapshot *snapshot, uint32_t home)
{
	int r = home ? snapshot_key(snapshot, home, &out->name, &out->key)
		     : -ENOENT;

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == -ENOENT || !is_algorithm(&out->algorithm, out->key.kind))
		out->error = TSIG_BADKEY;
	return 0;
}

/* RFC 8945, section 5.2.2. */
static int verify_request(struct tsig *out, struct hmac *hmac,
			  const uint8_t *message, const struct tsig_rr *rr)
{
	int r = begin(out, hmac);

	if (r == 0)
		r = tsig_add_message(hmac, message, rr);
	if (r == 0)
		r = tsig_add_variables(hmac, rr);
	return r == 0 ? compare(hmac, rr) : r;
}

/* In the order of RFC 8945, section 5.2: key, MAC, time. */
static int judge(struct tsig *out, struct hmac *hmac, struct snapshot *snapshot,
		 uint32_t home, const uint8_t *message,
		 const struct tsig_rr *rr, uint64_t now)
{
	int r = find_key(out, snapshot, home);

	if (r < 0 || out->error)
		return r;
	if (!is_mac_size(rr, out->key.kind))
		return -EINVAL;
	keep_mac(out, rr->mac, rr->mac_len);
	r = verify_request(out, hmac, message, rr);
	if (r == -EBADMSG)
		out->error = TSIG_BADSIG;
	else if (r < 0)
		return r;
	else if (!is_in_time(rr, now))
		out->error = TSIG_BADTIME;
	return 0;
}

int tsig_check(struct tsig *out, struct hmac *hmac, struct snapshot *snapshot,
	       uint32_t home, const uint8_t *message, size_t *len, uint64_t now)
{
	struct tsig_rr rr;
	int r = tsig_rr_read(message, *len, &rr);

	out->is_signed = out->is_good = false;
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	out->is_signed = true;
	out->has_first = false;
	out->unsigned_count = 0;
	out->name = rr.name;
	out->algorithm = rr.algorithm;
	out->time = rr.time;
	out->fudge = rr.fudge;
	out->error = 0;
	out->mac_len = 0;
	out->key.len = 0;
	r = judge(out, hmac, snapshot, home, message, &rr, now);
	if (r < 0) {
		tsig_wipe(out);
		out->is_signed = false;
		return r;
	}
	out->is_good = !out->error;
	*len = rr.at;
	return 0;
}

/* RFC 8945, section 5.3.2: who does not have the key gets no MAC. */
static bool has_mac(const struct tsig *tsig)
{
	return tsig->error == 0 || tsig->error == TSIG_BADTIME;
}

size_t tsig_room(const struct tsig *tsig)
{
	struct tsig_rr rr;

	if (!tsig->is_signed)
		return 0;
	rr.name.len = tsig->name.len;
	rr.algorithm.len = tsig->algorithm.len;
	rr.mac_len = has_mac(tsig) ? (uint16_t)hmac_size(tsig->key.kind) : 0;
	rr.other_len = tsig->error == TSIG_BADTIME ? TSIG_OTHER_SIZE : 0;
	return tsig_rr_size(&rr);
}

/* The MAC of a message that is about to get the record; kept. */
static int make_mac(struct tsig *tsig, struct hmac *hmac,
		    const uint8_t *message, size_t len,
		    const struct tsig_rr *rr)
{
	uint8_t mac[HMAC_SIZE];
	size_t mac_len;
	int r = begin(tsig, hmac);

	if (r == 0 && tsig->mac_len)
		r = tsig_add_mac(hmac, tsig->mac, tsig->mac_len);
	if (r == 0)
		r = hmac_add(hmac, message, len);
	if (r == 0)
		r = tsig->has_first ? tsig_add_timers(hmac, rr)
				    : tsig_add_variables(hmac, rr);
	if (r == 0)
		r = hmac_end(hmac, mac, &mac_len);
	if (r == 0)
		keep_mac(tsig, mac, mac_len);
	return r;
}

static size_t sign(struct tsig *tsig, struct hmac *hmac, uint8_t *message,
		   size_t len, struct tsig_rr *rr)
{
	rr->name = tsig->name;
	rr->algorithm = tsig->algorithm;
	rr->fudge = TSIG_FUDGE;
	rr->id = get_u16(message);
	rr->error = tsig->error;
	rr->mac_len = 0;
	if (has_mac(tsig)) {
		if (make_mac(tsig, hmac, message, len, rr) < 0)
			return 0;
		rr->mac = tsig->mac;
		rr->mac_len = tsig->mac_len;
	}
	return tsig_rr_write(rr, message, len);
}

size_t tsig_sign(struct tsig *tsig, struct hmac *hmac, uint8_t *message,
		 size_t len, uint64_t now)
{
	uint8_t other[TSIG_OTHER_SIZE];
	struct tsig_rr rr = {.time = now, .other = other};

	if (!tsig->is_signed)
		return len;
	/* RFC 8945, section 5.2.3: in the client's time, and told ours. */
	if (tsig->error == TSIG_BADTIME) {
		put_u16(other, (uint16_t)(now >> 32));
		put_u32(other + 2, (uint32_t)now);
		rr.other_len = sizeof(other);
		rr.time = tsig->time;
	}
	len = sign(tsig, hmac, message, len, &rr);
	tsig->has_first = true;
	return len;
}

/* ---- A client's ---- */

size_t tsig_begin_room(const struct tsig_key *key)
{
	struct tsig_rr rr = {.name.len = key->name.len};

	algorithm_name(key->kind, &rr.algorithm);
	rr.mac_len = (uint16_t)hmac_size(key->kind);
	return tsig_rr_size(&rr);
}

size_t tsig_begin(struct tsig *tsig, const struct tsig_key *key,
		  struct hmac *hmac, uint8_t *message, size_t len, uint64_t now)
{
	struct tsig_rr rr = {.time = now, .other = tsig->mac};

	*tsig = (struct tsig){.is_signed = true, .time = now};
	tsig->key = *key;
	tsig->name = key->name;
	name_lower(&tsig->name);
	algorithm_name(key->kind, &tsig->algorithm);
	return sign(tsig, hmac, message, len, &rr);
}

static int begin_response(struct tsig *tsig, struct hmac *hmac)
{
	int r = begin(tsig, hmac);

	return r == 0 ? tsig_add_mac(hmac, tsig->mac, tsig->mac_len) : r;
}

/* RFC 8945, section 5.3.1. */
static int accept_unsigned(struct tsig *tsig, struct hmac *hmac,
			   const uint8_t *message, size_t len)
{
	int r = 0;

	if (!tsig->has_first || tsig->unsigned_count == TSIG_UNSIGNED_MAX)
		return -EBADMSG;
	if (tsig->unsigned_count == 0)
		r = begin_response(tsig, hmac);
	if (r == 0)
		r = hmac_add(hmac, message, len);
	if (r < 0)
		return r;
	tsig->unsigned_count++;
	return -EAGAIN;
}

static int verify_response(struct tsig *tsig, struct hmac *hmac,
			   const uint8_t *message, const struct tsig_rr *rr)
{
	int r = tsig->unsigned_count ? 0 : begin_response(tsig, hmac);

	if (r == 0)
		r = tsig_add_message(hmac, message, rr);
	if (r == 0)
		r = tsig->has_first ? tsig_add_timers(hmac, rr)
				    : tsig_add_variables(hmac, rr);
	return r == 0 ? compare(hmac, rr) : r;
}

static int judge_response(struct tsig *tsig, struct hmac *hmac,
			  const uint8_t *message, const struct tsig_rr *rr,
			  uint64_t now)
{
	int r;

	if (!name_equal(&rr->name, &tsig->name) ||
	    !name_equal(&rr->algorithm, &tsig->algorithm))
		return -EBADMSG;
	tsig->error = rr->error;
	/* RFC 8945, section 5.4: believed by nobody, but there is no more. */
	if (rr->error && rr->error != TSIG_BADTIME && !rr->mac_len)
		return -EKEYREJECTED;
	if (!is_mac_size(rr, tsig->key.kind))
		return -EBADMSG;
	r = verify_response(tsig, hmac, message, rr);
	if (r < 0)
		return r;
	if (rr->error == TSIG_BADTIME || !is_in_time(rr, now))
		return -ETIME;
	return rr->error ? -EKEYREJECTED : 0;
}

int tsig_accept(struct tsig *tsig, struct hmac *hmac, uint8_t *message,
		size_t *len, uint64_t now)
{
	struct tsig_rr rr;
	int r = tsig_rr_read(message, *len, &rr);

	if (r == -ENOENT)
		return accept_unsigned(tsig, hmac, message, *len);
	if (r == 0)
		r = judge_response(tsig, hmac, message, &rr, now);
	if (r < 0)
		return r;
	tsig->is_good = tsig->has_first = true;
	tsig->unsigned_count = 0;
	keep_mac(tsig, rr.mac, rr.mac_len);
	tsig_strip(message);
	*len = rr.at;
	return 0;
}
