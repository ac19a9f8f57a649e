/* SPDX-License-Identifier: Apache-2.0 */
/*
 * querier.h - small messages to other nameservers, and what they answer
 *
 * NOTIFY and SOA queries, over UDP. Each goes out under an ID by chance, from
 * the nameserver's own address, by which others know it, and a port that the
 * kernel has chosen, and signed if there is a key; its answer is known by ID,
 * address and signature. What is not answered in QUERIER_WAIT_MS is lost; who
 * asks may ask again.
 *
 * No more than QUERIER_MOST are under way at once, and the others wait for
 * their turn: a thousand zones that change together must not be lost in the
 * socket of one secondary. Of one host, no more than QUERIER_MOST_EACH are, so
 * that one which does not answer keeps nobody from another.
 *
 * Threading: the main loop.
 */
#ifndef ANCHORS_TRANSFER_QUERIER_H
#define ANCHORS_TRANSFER_QUERIER_H

#include <uv.h>

#include "dns/answer/tsig.h"
#include "dns/wire/address.h"

#define QUERIER_WAIT_MS	     1000
#define QUERIER_MOST	     128
#define QUERIER_MOST_EACH    32
#define QUERIER_MESSAGE_SIZE 512 /* without a TSIG */

struct querier;
struct asked;

/* What is to be sent. */
struct querier_message {
	struct address to;   /* one host's, with a port */
	uint32_t uid;	     /* for whose nameserver */
	struct address from; /* the nameserver's; as it is where it does not
			      * lead there (address_leads_to()): any */
	size_t len;
	uint8_t octets[QUERIER_MESSAGE_SIZE]; /* its ID is set later */
	bool has_key;
	struct tsig_key key;
};

/*
 * @result: 0; -ETIMEDOUT; -errno of the network; as tsig_accept() of an answer
 *          that is not signed as it must be
 * @message: the answer, without its TSIG; NULL: there is none
 */
typedef void querier_done(void *arg, int result, const uint8_t *message,
			  size_t len);

/** querier_new() - 0, -errno */
int querier_new(struct querier **out, uv_loop_t *loop);

/** querier_free() - nobody hears of what is under way; run the loop once more
 */
struct querier *querier_free(struct querier *querier);

/**
 * querier_send() - ask; @done is called later, once
 * @out: for querier_forget(), until @done
 *
 * Return: 0, -ENOMEM.
 */
int querier_send(struct asked **out, struct querier *querier,
		 const struct querier_message *message, querier_done *done,
		 void *arg);

/** querier_forget() - @done is not called any more; NULL is fine */
void querier_forget(struct querier *querier, struct asked *asked);

/**
 * querier_write() - a message that asks for the SOA of a zone, or tells of it
 * @opcode: MESSAGE_OPCODE_QUERY or MESSAGE_OPCODE_NOTIFY, which has AA
 */
void querier_write(struct querier_message *out, enum message_opcode opcode,
		   const struct name *apex);

/**
 * querier_read_serial() - of the SOA that an answer begins with
 * @message: @len octets, as querier_done() had them
 *
 * Return: whether it has one, of that zone.
 */
bool querier_read_serial(const uint8_t *message, size_t len,
			 const struct name *apex, uint32_t *out);

#endif
