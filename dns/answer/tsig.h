/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsig.h - signed messages: RFC 8945
 *
 * Both sides: a server's, which checks requests and signs responses, and a
 * client's, which signs requests (NOTIFY, SOA, IXFR, AXFR) and checks what
 * comes back. Also of a stream of many messages (section 5.3.1), of which we
 * sign each.
 *
 * A truncated MAC is taken if section 5.2.2.1 allows it; ours are whole.
 *
 * Threading: a struct tsig belongs to one thread at a time, with the hmac that
 * it is given.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "dns/store/home.h"
#include "dns/wire/message.h"

#define TSIG_FUDGE 300 /* seconds */

/* Of a stream, so many in a row may be unsigned: RFC 8945, section 5.3.1. */
#define TSIG_UNSIGNED_MAX 99

/* The error field: RFC 8945, section 3. The rcode with it is NOTAUTH. */
enum tsig_error {
	TSIG_BADSIG = 16,
	TSIG_BADKEY = 17,
	TSIG_BADTIME = 18,
	TSIG_BADTRUNC = 22,
};

/* A signed exchange. Wipe the key in it after use: tsig_wipe(). */
struct tsig {
	bool is_signed;	       /* the request had a TSIG record; if not, only
				* these two are set */
	bool is_good;	       /* and is of who has the key */
	struct tsig_key key;   /* unless @error is BADKEY */
	struct name name;      /* as asked, in lower case */
	struct name algorithm; /* the same */
	uint16_t error;	       /* enum tsig_error, or 0 */
	uint64_t time;	       /* of the request, seconds since 1970 */
	uint16_t fudge;	       /* of the request: so many seconds off is good */
	uint8_t mac_len;       /* of the last message, for the next one: */
	uint8_t mac[HMAC_SIZE];
	bool has_first;		/* of a stream: the first message is signed */
	uint8_t unsigned_count; /* of a stream: since the last signed one */
};

/** tsig_wipe() - leave nothing of the key, if there is any */
void tsig_wipe(struct tsig *tsig);

/**
 * tsig_check() - is the request signed, and rightly so?
 * @home:    whose keys hold; 0: there is none
 * @message: as it came, and stays
 * @len:     octets; is set to what is before the TSIG. A copy of so much is a
 *           message when tsig_strip() has made its ARCOUNT one less
 * @now:     seconds since 1970
 *
 * Return: 0: see @out; -EINVAL: FORMERR: no sound message, a TSIG that is not
 * the last record, or one that is not as it must be; -ENOMEM, -EIO. After an
 * error, @out says that it is not signed.
 */
int tsig_check(struct tsig *out, struct hmac *hmac, struct snapshot *snapshot,
	       uint32_t home, const uint8_t *message, size_t *len,
	       uint64_t now);

static inline void tsig_strip(uint8_t *message)
{
	put_u16(message + MESSAGE_ARCOUNT,
		(uint16_t)(get_u16(message + MESSAGE_ARCOUNT) - 1));
}

/** tsig_room() - octets that tsig_sign() adds to a response; 0: unsigned */
size_t tsig_room(const struct tsig *tsig);

/**
 * tsig_sign() - add the TSIG to a response, or the next one of a stream
 * @message: @len octets, with room for tsig_room() more
 *
 * A request that was not good gets the error, without a MAC but for BADTIME
 * (section 5.3.2). To an unsigned one nothing is added. Return: octets of the
 * message now; 0: no memory.
 */
size_t tsig_sign(struct tsig *tsig, struct hmac *hmac, uint8_t *message,
		 size_t len, uint64_t now);

/** tsig_begin_room() - octets that tsig_begin() adds */
size_t tsig_begin_room(const struct tsig_key *key);

/** tsig_begin() - a client's: sign a request; as tsig_sign() */
size_t tsig_begin(struct tsig *tsig, const struct tsig_key *key,
		  struct hmac *hmac, uint8_t *message, size_t len,
		  uint64_t now);

/**
 * tsig_accept() - a client's: check a response, or the next one of a stream
 * @message: as it came; its TSIG is taken off it, and off @len
 *
 * A stream may have messages in between that are not signed; from such a one to
 * the next that is, @hmac is the stream's alone. The last one has to be signed
 * (section 5.3.1): who has no 0 for it has nothing.
 *
 * Return: 0: it is the server's; -EAGAIN: it is not signed, and hashed for the
 * next one that is; -EBADMSG: it is not the server's, or not signed where it
 * must be; -EKEYREJECTED: the server says BADKEY, BADSIG or BADTRUNC, and may
 * not be the server; -ETIME: its clock or ours is wrong; -EINVAL: no sound
 * message; -ENOMEM.
 */
int tsig_accept(struct tsig *tsig, struct hmac *hmac, uint8_t *message,
		size_t *len, uint64_t now);

#endif
