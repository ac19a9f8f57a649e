// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "fs/bind.h"
#include "fs/fs.h"

struct bind_range {
	uint16_t first, last;
	bool everybody;
	uid_t uid; /* else */
};

static bool read_port(const char **text, uint16_t *out)
{
	unsigned long port;
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	port = strtoul(*text, &end, 10);
	if (port == 0 || port >= BIND_RESERVED)
		return false;
	*text = end;
	*out = (uint16_t)port;
	return true;
}

static bool read_user(const char *text, uid_t *out)
{
	const struct passwd *found = getpwnam(text);
	unsigned long uid;
	char *end;

	if (found) {
		*out = found->pw_uid;
		return true;
	}
	uid = strtoul(text, &end, 10);
	/* The last one is nobody's: (uid_t)-1. */
	if (*text < '0' || *text > '9' || *end || uid >= UINT32_MAX)
		return false;
	*out = (uid_t)uid;
	return true;
}

static bool read_range(const char *text, struct bind_range *out)
{
	if (!read_port(&text, &out->first))
		return false;
	out->last = out->first;
	if (*text == '-') {
		text++;
		if (!read_port(&text, &out->last) || out->last < out->first)
			return false;
	}
	out->everybody = *text == 0;
	return out->everybody ||
	       (*text == '@' && read_user(text + 1, &out->uid));
}

static int add(struct bind *bind, const char *item)
{
	struct bind_range *ranges = reallocarray(bind->ranges, bind->count + 1,
						 sizeof(*bind->ranges));

	if (!ranges)
		return -ENOMEM;
	bind->ranges = ranges;
	if (!read_range(item, &ranges[bind->count])) {
		log_line(LOG_ERR,
			 "bind=: \"%s\": give ports below 1024, as "
			 "53:853:1000-1023, and a user where it is his alone, "
			 "as "
			 "53@alice",
			 item);
		return -EINVAL;
	}
	bind->count++;
	return 0;
}

int bind_parse(struct bind *out, const char *text)
{
	CLEANUP(freep) char *copy = strdup(text);
	CLEANUP(bind_deinit) struct bind bind = {0};
	char *rest = copy, *item;
	int r = copy ? 0 : -ENOMEM;

	/* Also an item with nothing in it is one, and wrong. */
	while (r == 0 && (item = strsep(&rest, ":")))
		r = add(&bind, item);
	if (r < 0)
		return r;
	*out = bind;
	bind = (struct bind){0};
	return 0;
}

void bind_deinit(struct bind *bind)
{
	free(bind->ranges);
	*bind = (struct bind){0};
}

/* Who has started the daemon here is somebody else on another host. */
static bool is_starter(const struct fs *fs, uid_t uid)
{
	return !fs->peer && uid == fs->commons->uid;
}

bool bind_allows(const struct fs *fs, uid_t uid, const struct address *at)
{
	const struct bind *bind = fs->commons->bind;

	if (at->kind == ADDRESS_OFF || at->port == 0 ||
	    at->port >= BIND_RESERVED || uid == 0 || is_starter(fs, uid) ||
	    address_equal(at, &fs->host->listen))
		return true;
	for (size_t i = 0; bind && i < bind->count; i++) {
		const struct bind_range *range = &bind->ranges[i];

		if (at->port >= range->first && at->port <= range->last &&
		    (range->everybody || range->uid == uid))
			return true;
	}
	return false;
}
