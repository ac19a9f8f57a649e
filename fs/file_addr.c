// SPDX-License-Identifier: Apache-2.0
/*
 * file_addr.c - `addr`: where the nameserver listens, to be read and moved
 *
 * One line is one address, or "off". It may come in several writes: then it
 * waits in the open file for its newline. A failure leaves the old address
 * serving, and a line in `error`.
 */
#include <errno.h>
#include <stdio.h>

#include "fs/bind.h"
#include "fs/call.h"
#include "fs/scratch.h"
#include "fs/text_view.h"

/* Octets: far more than an address and the blanks around it. */
#define LINE_MAX_SIZE 4096

struct addr_file {
	struct text_file file;
	struct buffer line; /* without its newline yet */
	unsigned writes;
};

static struct addr_file *addr_of(struct handle *handle)
{
	return container_of(handle, struct addr_file, file.handle);
}

static int addr_render(struct fs *fs, const struct node *node,
		       struct buffer *out)
{
	char text[ADDRESS_TEXT_SIZE];

	(void)fs;
	address_print(&node->anchor->address, text);
	return buffer_printf(out, "%s\n", text);
}

static void fail(struct anchor *anchor, const char *text, const char *reason)
{
	anchor_fail(anchor, "addr", 0, text, reason);
}

/* ---- One address ---- */

typedef void addr_done(void *arg, int result); /* 0 or -errno */

struct rebind {
	struct anchor *anchor; /* a reference */
	char text[ADDRESS_TEXT_SIZE];
	addr_done *done;
	void *arg;
};

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

static void begin_rebind(struct anchor *anchor, const struct address *address,
			 const char *text, addr_done *done, void *arg)
{
	struct rebind *rebind = malloc(sizeof(*rebind));

	if (!rebind) {
		done(arg, -ENOMEM);
		return;
	}
	*rebind = (struct rebind){
		.anchor = anchor_ref(anchor), .done = done, .arg = arg};
	snprintf(rebind->text, sizeof(rebind->text), "%s", text);
	nameserver_rebind(anchor, address, on_rebound, rebind);
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

/*
 * One address, with blanks around it; blanks alone do nothing.
 * @uid: whose right it is to have it: see bind_allows()
 *
 * -EINVAL, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EBUSY, -ENODEV, ...
 */
static void set_address(const struct node *node, struct fs *fs, uid_t uid,
			const char *text, size_t len, addr_done *done,
			void *arg)
{
	struct anchor *anchor = node->anchor;
	char quoted[ADDRESS_TEXT_SIZE];
	struct address address;

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
	    !bind_allows(fs, uid, &address)) {
		fail(anchor, quoted, BIND_REASON);
		done(arg, -EACCES);
		return;
	}
	begin_rebind(anchor, &address, quoted, done, arg);
}

/* ---- A line, in pieces ---- */

/* A copy has its own address, where the one that it is of has the other. */
static void line_done(void *arg, int result)
{
	struct call *call = arg;

	if ((result == -EADDRINUSE || result == -EACCES) &&
	    call->handle->copies)
		result = 0;
	call_finish(call, result);
}

static void refuse_line(struct call *call, const char *reason)
{
	addr_of(call->handle)->line.len = 0;
	fail(call->handle->node->anchor, NULL, reason);
	call_finish(call, -EINVAL);
}

/* The line is not kept: the address is read in this call. */
static void take_line(struct call *call)
{
	struct handle *handle = call->handle;
	struct buffer *line = &addr_of(handle)->line;
	size_t len = line->len;

	line->len = 0;
	set_address(handle->node, handle->fs, handle->uid, (char *)line->data,
		    len, line_done, call);
}

/* Beyond set_address(): EINVAL, longer than any address; ENOMEM. */
static void addr_write(struct call *call)
{
	struct addr_file *addr = addr_of(call->handle);
	struct buffer *line = &addr->line;

	addr->writes++;
	if (line->len + call->len > LINE_MAX_SIZE)
		refuse_line(call, "longer than any address");
	else if (buffer_add(line, call->data, call->len) < 0)
		call_finish(call, -ENOMEM);
	else if (call->len && memchr(line->data, '\n', line->len))
		take_line(call);
	else
		call_finish(call, 0);
}

/* ftruncate(2): an address that was written is read, and no text any more. */
static void addr_truncate(struct call *call)
{
	struct addr_file *addr = addr_of(call->handle);

	if (!call->offset) {
		addr->line.len = 0;
		addr->writes = 0;
	}
	call_finish(call, 0);
}

/* Without a newline a line is taken if it came in the only write. */
static void end_line(struct call *call, bool killed)
{
	if (killed)
		refuse_line(call,
			    "the writer was killed before it closed the file");
	else if (addr_of(call->handle)->writes > 1)
		refuse_line(call,
			    "no newline at the end, after several writes: "
			    "perhaps only half an address");
	else
		take_line(call);
}

static void addr_flush(struct call *call)
{
	if (addr_of(call->handle)->line.len)
		call_close(call, false, end_line);
	else
		call_finish(call, 0);
}

/* Here only if no close told of itself: see editing_release(). */
static void addr_release(struct call *call)
{
	const struct writers *writers = &call->handle->writers;

	if (writers->unflushed && addr_of(call->handle)->line.len) {
		call_hold(call);
		end_line(call, writers->killed);
	} else {
		call_finish(call, 0);
	}
}

static bool addr_is_pending(struct handle *handle)
{
	return addr_of(handle)->line.len;
}

static void addr_close(struct handle *handle)
{
	buffer_deinit(&addr_of(handle)->line);
	text_file_close(handle);
}

/* An address is short: one piece, and the end of it its end. */
static void addr_replace(struct fs *fs, struct scratch *scratch,
			 struct node *target, const struct staging_mark *expect,
			 uid_t uid, replace_done *done, void *arg)
{
	char text[LINE_MAX_SIZE];
	ssize_t len = scratch_read(scratch, text, sizeof(text), 0);

	(void)expect;
	if (len < 0)
		done(arg, (int)len);
	else
		set_address(target, fs, uid, text, (size_t)len, done, arg);
}

const struct node_kind file_addr = {
	.name = "addr",
	.number = 4,
	.in_server = true,
	.mask = 0666,
	.attr = text_file_attr,
	.replace = addr_replace,
	.open_size = sizeof(struct addr_file),
	.close = addr_close,
	.read = text_file_read,
	.write = addr_write,
	.flush = addr_flush,
	.truncate = addr_truncate,
	.release = addr_release,
	.is_pending = addr_is_pending,
	.render = addr_render,
};
