/* SPDX-License-Identifier: Apache-2.0 */
/*
 * errand.h - what a request asks that a worker cannot answer by itself
 *
 * answer() judges every request: is it signed rightly, and may who asks? What
 * is then left to do is an errand, for whoever has the time and the rights:
 *
 *   ERRAND_TRANSFER  AXFR, or IXFR over TCP: the connection goes to the
 *                    transfer thread. No answer yet
 *   ERRAND_UPDATE    the writer judges and changes. No answer yet
 *   ERRAND_NOTIFY    the answer is made; the main loop asks the primary
 *   ERRAND_TELL      the answer is made: who is known, by a key or as this very
 *                    machine, was refused, and `error` is to say why
 *
 * An answer that is made later is made of what the errand has: the head, with
 * flags added to it; records; the OPT record; and the TSIG.
 *
 * Threading: whoever has it.
 */
#ifndef DNS_ERRAND_H
#define DNS_ERRAND_H

#include "dns/answer/tsig.h"
#include "dns/wire/address.h"

#define ERRAND_HEAD_SIZE                                                       \
	(MESSAGE_HEAD_SIZE + NAME_WIRE_SIZE + MESSAGE_QUESTION_TAIL)
#define ERRAND_OPT_SIZE 192

/* Octets that errand_reply() writes at most. */
#define ERRAND_REPLY_SIZE 1024

enum errand_kind {
	ERRAND_NONE = 0, /* and nothing else is set, but for the tsig */
	ERRAND_TRANSFER,
	ERRAND_UPDATE,
	ERRAND_NOTIFY,
	ERRAND_TELL,
};

struct errand {
	enum errand_kind kind;
	uint64_t server;	/* the nameserver's id */
	struct name zone;	/* its apex, in lower case */
	uint16_t type;		/* AXFR, IXFR, SOA */
	uint16_t opcode, rcode; /* enum message_opcode; of TELL, the answer's */
	bool has_serial;
	uint32_t serial; /* IXFR, NOTIFY: what the other one has */
	struct address client;
	bool is_proven;	  /* the address: over TCP, or a good cookie */
	struct tsig tsig; /* to sign what is answered; is_signed: set
			   * always */
	size_t len;	  /* octets of the request before its TSIG; it is
			   * a message with tsig_strip() if it has one */

	/* Of the answer: header and question, as response_init() has them. */
	uint16_t head_len;
	uint8_t head[ERRAND_HEAD_SIZE];
	/* The whole OPT record, for the additional section; or 0 octets. */
	uint16_t opt_len;
	uint8_t opt[ERRAND_OPT_SIZE];
};

/** errand_key() - the name of the key that signed, or NULL */
static inline const struct name *errand_key(const struct errand *errand)
{
	return errand->tsig.is_signed && errand->tsig.is_good
		       ? &errand->tsig.name
		       : NULL;
}

/** errand_put_opt() - add the OPT record to a message; octets with it */
size_t errand_put_opt(const struct errand *errand, uint8_t *message,
		      size_t len);

/**
 * errand_reply() - a whole answer that has no records
 * @now: seconds since 1970
 * @out: room for ERRAND_REPLY_SIZE octets
 *
 * The key is wiped: there is one answer. Return: octets; 0: no memory.
 */
size_t errand_reply(struct errand *errand, struct hmac *hmac, enum rcode rcode,
		    uint64_t now, uint8_t *out);

#endif
