// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <uthash.h>
#include <uv.h>

#include "dns/text/services.h"
#include "dns/wire/util.h"

#define KEY_SIZE 80

struct service {
	UT_hash_handle hh; /* in services, by key */
	uint16_t port;
	char key[KEY_SIZE]; /* "tcp/domain" */
};

static uv_once_t once = UV_ONCE_INIT;
static struct service *services; /* read only, once it is there */

static bool make_key(char key[KEY_SIZE], const char *protocol, const char *name)
{
	return snprintf(key, KEY_SIZE, "%s/%s", protocol, name) < KEY_SIZE;
}

static struct service *find(const char *key)
{
	struct service *found;

	HASH_FIND_STR(services, key, found);
	return found;
}

/* Of two with one name the first counts, as it does for getservbyname(). */
static void add(const struct servent *entry, const char *name)
{
	struct service *service = calloc(1, sizeof(*service));

	if (!service || !make_key(service->key, entry->s_proto, name) ||
	    find(service->key)) {
		free(service);
		return;
	}
	service->port = ntohs((uint16_t)entry->s_port);
	HASH_ADD_STR(services, key, service);
}

/* getservent() keeps its place for the whole process; only this calls it. */
static void load(void)
{
	struct servent *entry;

	setservent(1);
	while ((entry = getservent())) {
		add(entry, entry->s_name);
		for (char **alias = entry->s_aliases; *alias; alias++)
			add(entry, *alias);
	}
	endservent();
}

bool services_port(const char *protocol, const char *name, uint16_t *out)
{
	const struct service *found;
	char key[KEY_SIZE];

	uv_once(&once, load);
	if (!make_key(key, protocol, name))
		return false;
	found = find(key);
	if (found)
		*out = found->port;
	return found;
}
