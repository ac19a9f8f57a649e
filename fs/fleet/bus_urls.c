// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/wire/util.h"
#include "fs/fleet/bus_urls.h"

#define PORT_DEFAULT 4222

static bool take_port(const char *text, size_t len, unsigned *out)
{
	unsigned value = 0;

	if (!len || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*out = value;
	return value > 0 && value <= UINT16_MAX;
}

static bool is_name(const char *text, size_t len)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";

	return len && len < 254 && strspn(text, good) >= len;
}

static bool is_ipv6(const char *text, size_t len)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (!len || len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	return inet_pton(AF_INET6, copy, &address) == 1;
}

/* "nats://" or "tls://". Return: its octets; 0: it is neither. */
static size_t scheme_len(const char *text, size_t len, bool *is_tls)
{
	static const char plain[] = "nats://", tls[] = "tls://";

	*is_tls = len >= strlen(tls) && !strncmp(text, tls, strlen(tls));
	if (*is_tls)
		return strlen(tls);
	if (len >= strlen(plain) && !strncmp(text, plain, strlen(plain)))
		return strlen(plain);
	return 0;
}

/* "host", "host:port", "[v6]" or "[v6]:port", of that length. */
static bool take_place(struct bus_url *url, const char *text, size_t len)
{
	bool bracketed = len && *text == '[';
	const char *end = memchr(text, bracketed ? ']' : ':', len);
	const char *host = text + bracketed;
	size_t host_len = end ? (size_t)(end - host) : len - bracketed;
	size_t rest = len - bracketed - host_len - (bracketed && end);
	unsigned port = PORT_DEFAULT;

	if (bracketed ? !end || !is_ipv6(host, host_len)
		      : !is_name(host, host_len))
		return false;
	if (rest && (text[len - rest] != ':' ||
		     !take_port(text + len - rest + 1, rest - 1, &port)))
		return false;
	snprintf(url->host, sizeof(url->host), "%.*s", (int)host_len, host);
	snprintf(url->text, sizeof(url->text), "%s://%s%.*s%s:%u",
		 url->is_tls ? "tls" : "nats", bracketed ? "[" : "",
		 (int)host_len, host, bracketed ? "]" : "", port);
	return true;
}

int bus_urls_parse(struct bus_urls *out, const char *text, const char **bad,
		   size_t *bad_len)
{
	struct bus_urls urls = {0};

	for (;;) {
		size_t len = strcspn(text, "+");
		struct bus_url url = {0};
		size_t skip = scheme_len(text, len, &url.is_tls);
		bool good = skip && take_place(&url, text + skip, len - skip);

		if (!good || urls.count == BUS_URLS_MAX) {
			*bad = text;
			*bad_len = len;
			return good ? -E2BIG : -EINVAL;
		}
		urls.urls[urls.count++] = url;
		if (!text[len])
			break;
		text += len + 1;
	}
	*out = urls;
	return 0;
}

bool bus_urls_have_tls(const struct bus_urls *urls)
{
	for (size_t i = 0; i < urls->count; i++)
		if (urls->urls[i].is_tls)
			return true;
	return false;
}
