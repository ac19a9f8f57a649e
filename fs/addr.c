// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>

#include "fs/addr.h"
#include "fs/bind.h"

#define LINE_MAX_SIZE                                                          \
	4096 /* far more than an address and the blanks around it */

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
	const char *reason = strerror(-result);

	if (refusal)
		reason = refusal->reason;
	else if (result == -EADDRINUSE)
		reason = "in use, and the old address serves on; ss -lntup "
			 "tells by whom";
	if (result < 0)
		fail(rebind->anchor, rebind->text, reason);
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

void addr_write(struct addr_by by, struct anchor *anchor, const char *text,
		size_t len, addr_done *done, void *arg)
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
	/* What it has is written back by whoever restores or copies it. */
	if (!address_equal(&anchor->address, &address) &&
	    !bind_allows(by.fs, by.uid, &address)) {
		fail(anchor, quoted, BIND_REASON);
		done(arg, -EACCES);
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

/* ---- In pieces ---- */

static void refuse_line(struct addr_line *line, struct anchor *anchor,
			const char *reason, addr_done *done, void *arg)
{
	line->text.len = 0;
	fail(anchor, NULL, reason);
	done(arg, -EINVAL);
}

/* The line is not kept: the address is read in this call. */
static void take_line(struct addr_line *line, struct anchor *anchor,
		      addr_done *done, void *arg)
{
	size_t len = line->text.len;

	line->text.len = 0;
	addr_write(line->by, anchor, (char *)line->text.data, len, done, arg);
}

void addr_line_write(struct addr_line *line, struct anchor *anchor,
		     const char *text, size_t len, addr_done *done, void *arg)
{
	line->writes++;
	if (line->text.len + len > LINE_MAX_SIZE)
		refuse_line(line, anchor, "longer than any address", done, arg);
	else if (buffer_add(&line->text, text, len) < 0)
		done(arg, -ENOMEM);
	else if (len && memchr(line->text.data, '\n', line->text.len))
		take_line(line, anchor, done, arg);
	else
		done(arg, 0);
}

void addr_line_restart(struct addr_line *line)
{
	line->text.len = 0;
	line->writes = 0;
}

void addr_line_flush(struct addr_line *line, struct anchor *anchor, bool killed,
		     addr_done *done, void *arg)
{
	if (!line->text.len)
		done(arg, 0);
	else if (killed)
		refuse_line(line, anchor,
			    "the writer was killed before it closed the file",
			    done, arg);
	else if (line->writes > 1)
		refuse_line(line, anchor,
			    "no newline at the end, after several writes: "
			    "perhaps only half an address",
			    done, arg);
	else
		take_line(line, anchor, done, arg);
}
