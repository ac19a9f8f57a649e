/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - where a nameserver listens, as text and as sockets take it
 *
 * Pure functions; any thread may call them.
 */
#ifndef DNS_ADDRESS_H
#define DNS_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "dns/wire/util.h"

#define ADDRESS_TEXT_SIZE 64
#define ADDRESS_PORT	  53

enum address_kind {
	ADDRESS_OFF = 0, /* nowhere */
	ADDRESS_IPV4 = 4,
	ADDRESS_IPV6 = 6,
	ADDRESS_EVERY = 46, /* every interface, IPv4 and IPv6 */
};

struct address {
	uint8_t kind;	/* enum address_kind */
	uint16_t port;	/* host order; 0: any free one */
	uint8_t ip[16]; /* network order; 4 octets used for IPv4, 0 for EVERY */
};

/**
 * address_parse() - "IP:PORT", "[IPv6]:PORT", ":PORT", an IP alone (port 53;
 * an IPv6 one with or without brackets), or "off"
 *
 * Return: 0, or -EINVAL with @out untouched.
 */
int address_parse(const char *text, struct address *out);

/**
 * address_print() - the canonical text, which address_parse() reads back
 * Return: octets without the NUL.
 */
size_t address_print(const struct address *address,
		     char out[ADDRESS_TEXT_SIZE]);

bool address_equal(const struct address *a, const struct address *b);

/**
 * address_site() - who an address belongs to, for what is shared fairly
 *
 * Itself without its port; of IPv6 the first 64 bits, for whoever has one of
 * these has all. It is whole: good as the key of a hash.
 */
void address_site(const struct address *address, struct address *out);

/** address_is_loopback() - one host's, and on this machine alone */
bool address_is_loopback(const struct address *address);

/**
 * address_leads_to() - can a packet with the source @from reach @to?
 *
 * Not from every interface's, of another family, or from a loopback to others.
 */
bool address_leads_to(const struct address *from, const struct address *to);

/**
 * address_sockaddr() - for bind()
 * @family: AF_INET or AF_INET6; EVERY takes both, the others their own
 *
 * Return: the length to give to bind().
 */
socklen_t address_sockaddr(const struct address *address, int family,
			   struct sockaddr_storage *out);

/**
 * address_from_sockaddr() - whose a packet is: IPV4 or IPV6
 *
 * A client that comes over IPv4 to a socket of both is mapped into IPv6 by the
 * kernel; that is taken back.
 */
void address_from_sockaddr(const struct sockaddr *from, struct address *out);

#endif
