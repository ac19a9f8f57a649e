/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsig_rr.h - the TSIG record, and what of a message is hashed
 *
 * The form of the record is in RFC 8945, section 4.2, and what is hashed in
 * section 4.3. Pure; any thread.
 */
#ifndef DNS_TSIG_RR_H
#define DNS_TSIG_RR_H

#include "dns/wire/hmac.h"
#include "dns/wire/name.h"

/* Octets of RDATA, but for the algorithm's name, the MAC and other data. */
#define TSIG_FIXED_SIZE 16
#define TSIG_OTHER_SIZE 6 /* of BADTIME: RFC 8945, section 5.2.3 */

/* One as it was read, or is about to be written. Names are in lower case. */
struct tsig_rr {
	struct name name, algorithm;
	uint64_t time; /* 48 bits: seconds since 1970 */
	uint16_t fudge, id, error;
	const uint8_t *mac; /* borrowed, as @other */
	uint16_t mac_len;
	const uint8_t *other;
	uint16_t other_len;
	size_t at; /* octets of the message before it */
};

/**
 * tsig_rr_read() - the TSIG record that ends a message
 *
 * Return: 0, with all of @out; -ENOENT: it has none; -EINVAL: it has one that
 * is not the last record, or has another class or TTL, compressed names, or
 * anything else that is not as it must be; or it is no sound message.
 */
int tsig_rr_read(const uint8_t *message, size_t len, struct tsig_rr *out);

/** tsig_rr_size() - octets that tsig_rr_write() writes */
size_t tsig_rr_size(const struct tsig_rr *rr);

/** tsig_rr_write() - add it to a message of @len octets; octets with it */
size_t tsig_rr_write(const struct tsig_rr *rr, uint8_t *message, size_t len);

/*
 * What goes into the hash, by hmac_add(): 0, or its error.
 *
 * tsig_add_mac() - a MAC with its length, as of the request: section 5.3.
 * tsig_add_message() - @rr->at octets of a message whose TSIG that is, as it
 * was before it had it.
 * tsig_add_variables() - section 4.3.3.
 * tsig_add_timers() - of what follows the first message: section 5.3.1.
 */
int tsig_add_mac(struct hmac *hmac, const uint8_t *mac, size_t len);
int tsig_add_message(struct hmac *hmac, const uint8_t *message,
		     const struct tsig_rr *rr);
int tsig_add_variables(struct hmac *hmac, const struct tsig_rr *rr);
int tsig_add_timers(struct hmac *hmac, const struct tsig_rr *rr);

#endif
