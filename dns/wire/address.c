// SPDX-License-Identifier: Apache-2.0
/*
 * address.c - where a nameserver listens, as text and as sockets take it
 *
 * inet_pton() decides what an IP is, so that neither "127.1" nor "010.0.0.1"
 * nor a scope such as "%eth0" is one: each address has one reading.
 */
#include <assert.h>
#include "dns/wire/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#define IP_TEXT_SIZE INET6_ADDRSTRLEN

/* One to five digits up to 65535, and nothing else. */
static int parse_port(const char *text, uint16_t *out)
{
	unsigned port = 0;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 5)
			return -EINVAL;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (i == 0 || port > UINT16_MAX)
		return -EINVAL;
	*out = (uint16_t)port;
	return 0;
}

static int parse_ip(uint8_t kind, const char *text, size_t len,
		    struct address *address)
{
	int family = kind == ADDRESS_IPV6 ? AF_INET6 : AF_INET;
	char ip[IP_TEXT_SIZE];

	if (len >= sizeof(ip))
		return -EINVAL;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(family, ip, address->ip) != 1)
		return -EINVAL;
	address->kind = kind;
	return 0;
}

/* "[IPv6]" or "[IPv6]:PORT" */
static int parse_bracketed(const char *text, struct address *address)
{
	const char *end = strchr(text, ']');
	int r;

	if (!end)
		return -EINVAL;
	r = parse_ip(ADDRESS_IPV6, text + 1, (size_t)(end - text - 1), address);
	if (r < 0 || end[1] == '\0')
		return r;
	return end[1] == ':' ? parse_port(end + 2, &address->port) : -EINVAL;
}

static int parse_bare(const char *text, struct address *address)
{
	const char *colon = strchr(text, ':');
	int r;

	if (!colon)
		return parse_ip(ADDRESS_IPV4, text, strlen(text), address);

	/* With two colons all of it is an IPv6 address: "::1:53" has no port.
	 */
	if (strchr(colon + 1, ':'))
		return parse_ip(ADDRESS_IPV6, text, strlen(text), address);

	if (colon == text) {
		address->kind = ADDRESS_EVERY;
		return parse_port(colon + 1, &address->port);
	}
	r = parse_ip(ADDRESS_IPV4, text, (size_t)(colon - text), address);
	return r < 0 ? r : parse_port(colon + 1, &address->port);
}

int address_parse(const char *text, struct address *out)
{
	struct address address = {.port = ADDRESS_PORT};
	int r;

	if (strcmp(text, "off") == 0) {
		*out = (struct address){.kind = ADDRESS_OFF};
		return 0;
	}
	r = text[0] == '[' ? parse_bracketed(text, &address)
			   : parse_bare(text, &address);
	if (r < 0)
		return r;
	*out = address;
	return 0;
}

size_t address_print(const struct address *address, char out[ADDRESS_TEXT_SIZE])
{
	char ip[IP_TEXT_SIZE] = "";
	int len = 0;

	switch (address->kind) {
	case ADDRESS_IPV4:
		inet_ntop(AF_INET, address->ip, ip, sizeof(ip));
		len = snprintf(out, ADDRESS_TEXT_SIZE, "%s:%u", ip,
			       address->port);
		break;
	case ADDRESS_IPV6:
		inet_ntop(AF_INET6, address->ip, ip, sizeof(ip));
		len = snprintf(out, ADDRESS_TEXT_SIZE, "[%s]:%u", ip,
			       address->port);
		break;
	case ADDRESS_EVERY:
		len = snprintf(out, ADDRESS_TEXT_SIZE, ":%u", address->port);
		break;
	default:
		len = snprintf(out, ADDRESS_TEXT_SIZE, "off");
		break;
	}
	assert(len > 0 && len < ADDRESS_TEXT_SIZE);
	return (size_t)len;
}

bool address_equal(const struct address *a, const struct address *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ADDRESS_IPV4:
		return a->port == b->port && memcmp(a->ip, b->ip, 4) == 0;
	case ADDRESS_IPV6:
		return a->port == b->port && memcmp(a->ip, b->ip, 16) == 0;
	case ADDRESS_EVERY:
		return a->port == b->port;
	default:
		return true;
	}
}

/* Octets of an IPv6 address that are the same for all of a site. */
#define SITE_PREFIX 8

void address_site(const struct address *address, struct address *out)
{
	bool is_ipv6 = address->kind == ADDRESS_IPV6;

	/* With what is between its members. */
	memset(out, 0, sizeof(*out));
	out->kind = address->kind;
	memcpy(out->ip, address->ip, is_ipv6 ? SITE_PREFIX : 4);
}

bool address_is_loopback(const struct address *address)
{
	static const uint8_t one[16] = {[15] = 1};

	if (address->kind == ADDRESS_IPV4)
		return address->ip[0] == 127;
	return address->kind == ADDRESS_IPV6 && !memcmp(address->ip, one, 16);
}

bool address_leads_to(const struct address *from, const struct address *to)
{
	if (from->kind != ADDRESS_IPV4 && from->kind != ADDRESS_IPV6)
		return false;
	return from->kind == to->kind &&
	       address_is_loopback(from) == address_is_loopback(to);
}

socklen_t address_sockaddr(const struct address *address, int family,
			   struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *in4 = (struct sockaddr_in *)out;

	/* EVERY has an ip of zeroes: that is the wildcard of both families. */
	assert(address->kind != ADDRESS_OFF);
	memset(out, 0, sizeof(*out));
	if (family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(address->port);
		memcpy(&in6->sin6_addr, address->ip, sizeof(in6->sin6_addr));
		return sizeof(*in6);
	}
	assert(address->kind != ADDRESS_IPV6);
	in4->sin_family = AF_INET;
	in4->sin_port = htons(address->port);
	memcpy(&in4->sin_addr, address->ip, sizeof(in4->sin_addr));
	return sizeof(*in4);
}

void address_from_sockaddr(const struct sockaddr *from, struct address *out)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)from;

	memset(out, 0, sizeof(*out));
	if (from->sa_family == AF_INET) {
		out->kind = ADDRESS_IPV4;
		out->port = ntohs(in4->sin_port);
		memcpy(out->ip, &in4->sin_addr, 4);
		return;
	}
	out->port = ntohs(in6->sin6_port);
	out->kind = ADDRESS_IPV6;
	memcpy(out->ip, &in6->sin6_addr, sizeof(out->ip));
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		out->kind = ADDRESS_IPV4;
		memmove(out->ip, out->ip + 12, 4);
		memset(out->ip + 4, 0, 12);
	}
}
