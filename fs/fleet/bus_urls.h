/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus_urls.h - -o fleet=: where the servers of the bus are
 *
 *   nats://a:4222+tls://[2001:db8::1]:4222
 *
 * Without a port it is 4222. There is no user or password in a URL: whoever
 * lists processes would read it.
 *
 * Threading: no state; any thread.
 */
#ifndef FS_FLEET_BUS_URLS_H
#define FS_FLEET_BUS_URLS_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/fleet/bus.h"

struct bus_url {
	char text[BUS_URL_SIZE]; /* with a port */
	char host[BUS_URL_SIZE]; /* a name, or an address without brackets */
	bool is_tls;
};

struct bus_urls {
	size_t count; /* 1 to BUS_URLS_MAX */
	struct bus_url urls[BUS_URLS_MAX];
};

/**
 * bus_urls_parse() - @text as behind "fleet="
 * @bad, @bad_len: the URL that is wrong, in @text; untouched on success
 *
 * Return: 0; -EINVAL: a URL is none; -E2BIG: there are too many.
 */
int bus_urls_parse(struct bus_urls *out, const char *text, const char **bad,
		   size_t *bad_len);

/** bus_urls_have_tls() - is one of them tls://? */
bool bus_urls_have_tls(const struct bus_urls *urls);

#endif
