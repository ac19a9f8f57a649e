// SPDX-License-Identifier: Apache-2.0
/*
 * errand.c - answers to what a worker could not answer by itself
 */
#include <assert.h>

#include "dns/answer/errand.h"
#include "dns/answer/tsig_rr.h"

/* Two names are the client's, and the hash the longest. */
_Static_assert(ERRAND_REPLY_SIZE >= ERRAND_HEAD_SIZE + ERRAND_OPT_SIZE +
					    NAME_WIRE_SIZE + RR_HEAD_SIZE +
					    TSIG_FIXED_SIZE + HMAC_SIZE +
					    TSIG_OTHER_SIZE + 16,
	       "all of it fits");

size_t errand_put_opt(const struct errand *errand, uint8_t *message, size_t len)
{
	uint8_t *count = message + MESSAGE_ARCOUNT;

	if (!errand->opt_len)
		return len;
	memcpy(message + len, errand->opt, errand->opt_len);
	put_u16(count, (uint16_t)(get_u16(count) + 1));
	return len + errand->opt_len;
}

size_t errand_reply(struct errand *errand, struct hmac *hmac, enum rcode rcode,
		    uint64_t now, uint8_t *out)
{
	size_t len = errand->head_len;
	uint8_t *flags = out + MESSAGE_FLAGS;

	assert(rcode < 1 << RCODE_HEAD_BITS && len >= MESSAGE_HEAD_SIZE);
	memcpy(out, errand->head, len);
	put_u16(flags, (uint16_t)(get_u16(flags) | rcode));
	len = errand_put_opt(errand, out, len);
	len = tsig_sign(&errand->tsig, hmac, out, len, now);
	tsig_wipe(&errand->tsig);
	assert(len <= ERRAND_REPLY_SIZE);
	return len;
}
