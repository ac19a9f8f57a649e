// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <utlist.h>

#include "dns/rcode.h"
#include "dns/rr.h"
#include "fs/poller.h"
#include "fs/watch.h"

#define LINE_SIZE (NAME_TEXT_SIZE + 256)

/* More than the 8 KiB that tail reads of the end of a file. */
#define SIZE_AT_FIRST 65536

/* A read that waits. */
struct waiting {
	struct watch *watch;
	struct waiting *prev, *next; /* in watch->waiting */
	fuse_req_t req;
	size_t size;
};

struct watch {
	struct fs *fs;
	struct watch *prev, *next; /* in fs->watches */
	struct node *node;	   /* the handle's */
	int64_t opened_ns;
	struct buffer text; /* lines, of which @at octets were read */
	size_t at;
	uint64_t unseen; /* TRAFFIC_UNSEEN, as far as it was told */
	uint64_t lost;	 /* lines that are still to be told of */
	struct waiting *waiting;
	struct fuse_pollhandle *poll; /* NULL: nobody polls */
	bool was_read;
	bool never_waits; /* see watch.h */
	bool ended;
};

static struct anchor *anchor_of(const struct watch *watch)
{
	return watch->node->anchor;
}

/* ---- Lines ---- */

/* RFC 3339, section 5.6, in microseconds. */
static void print_time(int64_t ns, char *out, size_t size)
{
	time_t seconds = ns / 1000000000;
	struct tm tm;
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + len, size - len, ".%06dZ",
		 (int)(ns % 1000000000 / 1000));
}

static void print_flags(uint8_t flags, char out[32])
{
	static const char *const names[] = {"aa", "tc", "rd", "edns", "do"};

	out[0] = 0;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & 1 << i))
			continue;
		if (out[0])
			strcat(out, ",");
		strcat(out, names[i]);
	}
	if (!out[0])
		strcpy(out, "-");
}

static size_t print_line(const struct tap_query *query, char out[LINE_SIZE])
{
	char time[40], client[ADDRESS_TEXT_SIZE], name[NAME_TEXT_SIZE] = "-";
	char type[16] = "-", number[16], flags[32];
	const char *rcode = rcode_text(query->rcode);

	print_time(query->time_ns, time, sizeof(time));
	address_print(&query->client, client);
	if (query->has_question) {
		name_to_text(&query->name, name);
		rr_type_to_text(query->type, type);
	}
	print_flags(query->flags, flags);
	snprintf(number, sizeof(number), "RCODE%u", query->rcode);
	return (size_t)snprintf(
		out, LINE_SIZE, "%s %s %s %s %s %s %s %u\n", time, client,
		query->transport == ANSWER_TCP ? "tcp" : "udp", name, type,
		rcode ? rcode : number, flags, query->octets);
}

/* ---- What a reader has before it ---- */

static bool add(struct watch *watch, const char *line, size_t len)
{
	struct buffer *text = &watch->text;

	if (text->len - watch->at + len > WATCH_TEXT_MAX)
		return false;
	if (watch->at > WATCH_TEXT_MAX) {
		text->len -= watch->at;
		memmove(text->data, text->data + watch->at, text->len);
		watch->at = 0;
	}
	return buffer_add(text, line, len) == 0;
}

/* Return: whether all was told that was lost so far. */
static bool tell_lost(struct watch *watch)
{
	char line[64];
	int len;

	if (!watch->lost)
		return true;
	len = snprintf(line, sizeof(line), "# %llu lines lost\n",
		       (unsigned long long)watch->lost);
	if (!add(watch, line, (size_t)len))
		return false;
	watch->lost = 0;
	return true;
}

static void take_line(struct watch *watch, const char *line, size_t len)
{
	if (!tell_lost(watch) || !add(watch, line, len))
		watch->lost++;
}

/* ---- Readers ---- */

static bool has_text(const struct watch *watch)
{
	return watch->at < watch->text.len;
}

static void reply_text(struct watch *watch, fuse_req_t req, size_t size)
{
	struct buffer *text = &watch->text;
	size_t left = text->len - watch->at, len = left < size ? left : size;

	fuse_reply_buf(req, (const char *)text->data + watch->at, len);
	watch->at += len;
	if (watch->at == text->len)
		watch->at = text->len = 0;
	tell_lost(watch);
}

static void stop_waiting(struct waiting *waiting)
{
	DL_DELETE(waiting->watch->waiting, waiting);
	free(waiting);
}

/* Give what there is to whoever waits for it. */
static void serve(struct watch *watch)
{
	struct waiting *first;

	while ((first = watch->waiting) && (has_text(watch) || watch->ended)) {
		fuse_req_interrupt_func(first->req, NULL, NULL);
		if (has_text(watch))
			reply_text(watch, first->req, first->size);
		else
			fuse_reply_buf(first->req, NULL, 0);
		stop_waiting(first);
	}
	if (has_text(watch) || watch->ended)
		poll_wake(&watch->poll);
}

static void on_interrupt(fuse_req_t req, void *data)
{
	stop_waiting(data);
	fuse_reply_err(req, EINTR);
}

static void wait_for_text(struct watch *watch, fuse_req_t req, size_t size)
{
	struct waiting *waiting;

	/* Told of it in the call below, the request would be freed in it. */
	if (fuse_req_interrupted(req)) {
		fuse_reply_err(req, EINTR);
		return;
	}
	waiting = malloc(sizeof(*waiting));
	if (!waiting) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*waiting = (struct waiting){.watch = watch, .req = req, .size = size};
	DL_APPEND(watch->waiting, waiting);
	fuse_req_interrupt_func(req, on_interrupt, waiting);
}

void watch_read(struct watch *watch, fuse_req_t req, size_t size,
		uint64_t offset, bool waits)
{
	if (!watch->was_read)
		watch->never_waits = offset > 0;
	watch->was_read = true;
	if (has_text(watch))
		reply_text(watch, req, size);
	else if (watch->ended || (watch->never_waits && waits))
		fuse_reply_buf(req, NULL, 0);
	else if (!waits)
		fuse_reply_err(req, EAGAIN);
	else
		wait_for_text(watch, req, size);
}

void watch_poll(struct watch *watch, fuse_req_t req,
		struct fuse_pollhandle *poll)
{
	bool ready = has_text(watch) || watch->ended;

	poll_keep(&watch->poll, poll);
	fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
}

uint64_t watch_size(const struct node *node)
{
	return SIZE_AT_FIRST + node->logged;
}

/* ---- Open and close ---- */

static bool is_watched(const struct fs *fs, const struct anchor *anchor)
{
	const struct watch *watch;

	DL_FOREACH (fs->watches, watch) {
		if (anchor_of(watch) == anchor)
			return true;
	}
	return false;
}

int watch_new(struct watch **out, struct fs *fs, struct node *node)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	struct traffic *traffic = node->anchor->traffic;

	if (!watch)
		return -ENOMEM;
	watch->fs = fs;
	watch->node = node;
	watch->opened_ns = host_now_ns();
	watch->unseen = traffic_sum(traffic, TRAFFIC_UNSEEN);
	DL_APPEND(fs->watches, watch);
	traffic_watch(traffic, true);
	*out = watch;
	return 0;
}

static void end(struct watch *watch)
{
	watch->ended = true;
	serve(watch);
}

void watch_free(struct watch *watch)
{
	if (!watch)
		return;
	DL_DELETE(watch->fs->watches, watch);
	if (!is_watched(watch->fs, anchor_of(watch)))
		traffic_watch(anchor_of(watch)->traffic, false);
	end(watch);
	buffer_deinit(&watch->text);
	free(watch);
}

/* ---- What happens ---- */

/* All queries of a turn were taken; what the rings had no room for, was not. */
static void end_turn(struct fs *fs)
{
	struct watch *watch;

	DL_FOREACH (fs->watches, watch) {
		uint64_t unseen =
			traffic_sum(anchor_of(watch)->traffic, TRAFFIC_UNSEEN);

		watch->lost += unseen - watch->unseen;
		watch->unseen = unseen;
		tell_lost(watch);
		serve(watch);
	}
}

void watch_seen(void *arg, const struct tap_query *query)
{
	struct fs *fs = arg;
	struct node *node = NULL;
	struct watch *watch;
	char line[LINE_SIZE];
	size_t len = 0;

	if (!query) {
		end_turn(fs);
		return;
	}
	DL_FOREACH (fs->watches, watch) {
		if (anchor_of(watch)->id != query->server ||
		    query->time_ns < watch->opened_ns)
			continue;
		if (!len)
			len = print_line(query, line);
		take_line(watch, line, len);
		node = watch->node;
	}
	if (node)
		node->logged += len;
}

void watch_changed(struct fs *fs, const struct anchor *anchor)
{
	struct watch *watch;

	if (!anchor->gone)
		return;
	DL_FOREACH (fs->watches, watch) {
		if (anchor_of(watch) == anchor)
			end(watch);
	}
}

void watch_end_all(struct fs *fs)
{
	struct watch *watch;

	DL_FOREACH (fs->watches, watch)
		end(watch);
}
