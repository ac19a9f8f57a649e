// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "fs/addr.h"

struct rebind {
	struct anchor *anchor; /* a reference */
	char text[ADDRESS_TEXT_SIZE];
	addr_done *done;
	void *arg;
};

static void fail(struct anchor *anchor, const char *text, const char *reason)
{
	anchor_fail(anchor, "addr", 0, text, reason);
}

static void on_rebound(void *arg, int result, const struct refusal *refusal)
{
	struct rebind *rebind = arg;

	(void)refusal;
	if (result < 0)
		fail(rebind->anchor, rebind->text,
		     result == -EADDRINUSE
			     ? "in use, and the old address serves on; "
			       "ss -lntup tells by whom"
			     : strerror(-result));
	rebind->done(rebind->arg, result);
	anchor_unref(rebind->anchor);
	free(rebind);
}

/* Without the blanks and newlines around it. */
static size_t trim(const char **text, size_t len)
{
	static const char blanks[] = " \t\r\n";

	while (len && strchr(blanks, **text) && **text) {
		(*text)++;
		len--;
	}
	while (len && (*text)[len - 1] && strchr(blanks, (*text)[len - 1]))
		len--;
	return len;
}

void addr_write(struct anchor *anchor, const char *text, size_t len,
		addr_done *done, void *arg)
{
	struct address address;
	struct rebind *rebind;
	char quoted[ADDRESS_TEXT_SIZE];

	len = trim(&text, len);
	if (!len) {
		done(arg, 0);
		return;
	}
	snprintf(quoted, sizeof(quoted), "%.*s", (int)len, text);
	if (len >= sizeof(quoted) || memchr(text, 0, len) ||
	    address_parse(quoted, &address) < 0) {
		fail(anchor, quoted,
		     "no address: write IP:PORT, [IPv6]:PORT, :PORT for every "
		     "interface, an IP alone for port 53, or off");
		done(arg, -EINVAL);
		return;
	}
	rebind = malloc(sizeof(*rebind));
	if (!rebind) {
		done(arg, -ENOMEM);
		return;
	}
	*rebind = (struct rebind){
		.anchor = anchor_ref(anchor), .done = done, .arg = arg};
	memcpy(rebind->text, quoted, sizeof(quoted));
	nameserver_rebind(anchor, &address, on_rebound, rebind);
}
