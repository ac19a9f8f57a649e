/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udp_out.h - answers over UDP on their way out, a batch at a time
 *
 * Answers are written one behind the other, and sent by one system call. Those
 * that follow each other, go to one client and have one length are one message,
 * which the kernel cuts (UDP_SEGMENT): much of what a datagram costs, it costs
 * once for all of them then. That helps where clients send in bursts from one
 * port, as balancers and forwarders do; who has a port for each query has
 * nothing of it, and pays a comparison.
 *
 * Where the kernel does not cut, each answer is sent by itself: without another
 * try, if it cannot do that at all.
 *
 * Threading: as udp.h.
 */
#ifndef DNS_UDP_OUT_H
#define DNS_UDP_OUT_H

#include <netinet/in.h>

#include "dns/serve/traffic.h"

#define UDP_BATCH 32 /* datagrams at once, at most */

/* Answers are packed; answer() wants room for the longest, wherever it is. */
#define UDP_OUT_SIZE (UDP_BATCH * ANSWER_EDNS_SIZE + MESSAGE_TCP_SIZE)

/* The source of an answer, if it must be named, and where a message is cut. */
#define UDP_OUT_CONTROL                                                        \
	(CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)))

/* All zeroes: empty. Of one worker; some hundred KiB. */
struct udp_out {
	unsigned count; /* messages */
	size_t used;	/* octets of all of them */
	size_t cut;	/* each answer of the last one; 0: no other may join */
	struct mmsghdr messages[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	uint8_t answers[UDP_BATCH]; /* in each message */
	struct {
		_Alignas(struct cmsghdr) uint8_t octets[UDP_OUT_CONTROL];
	} control[UDP_BATCH];
	uint8_t data[UDP_OUT_SIZE];
};

/** udp_out_room() - where an answer may be written; NULL: send first */
uint8_t *udp_out_room(struct udp_out *out);

/**
 * udp_out_put() - send with the others what was written there
 * @query:  whose name and control say who is answered, and from where; the
 *          name is borrowed until udp_out_send()
 * @len:    octets, not 0
 * @is_cut: the kernel may be asked to cut
 */
void udp_out_put(struct udp_out *out, const struct msghdr *query, size_t len,
		 bool is_cut);

/**
 * udp_out_send() - send what can be sent at once, and count the rest as dropped
 *
 * Return: whether the kernel cuts; false: it does not know how to, or not on
 * the way to one of these clients.
 */
bool udp_out_send(struct udp_out *out, int fd, struct lane *lane);

#endif
