// SPDX-License-Identifier: Apache-2.0
/*
 * watch.c - open logs, and the lines of the nameservers that they are of
 *
 * A nameserver that is watched has a feed: a ring with the last lines of text,
 * made once for all who read it. Its places are counted in octets since it
 * began. Each reader has a place of his own, always at the start of a line: of
 * a line that a short read has begun, he keeps the rest. When the ring takes
 * the place of what he has not read, he goes on behind it, and is told how many
 * lines that were.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#include "dns/text/rr.h"
#include "dns/wire/message.h"
#include "fs/poller.h"
#include "fs/watch.h"

#define LINE_SIZE (NAME_TEXT_SIZE + 256)

/* More than the 8 KiB that tail reads of the end of a file. */
#define SIZE_AT_FIRST 65536

/* Where a line is: octets of all lines before it, and queries that they are. */
struct place {
	uint64_t at;
	uint64_t queries;
};

/* The lines of a nameserver that is watched. */
struct feed {
	UT_hash_handle hh; /* in fs->feeds */
	uint64_t server;   /* its id */
	struct fs *fs;
	struct anchor *anchor; /* borrowed of its readers */
	struct watch *watches; /* utlist: they */
	struct watch
		*newcomers; /* utlist by new_next: who waits for his first */
	unsigned started;   /* how many are none of these */
	struct place start, end; /* of what is in the ring */
	uint64_t unseen;	 /* TRAFFIC_UNSEEN, as far as it was told */
	bool has_news;		 /* since readers were served */
	char *ring;		 /* WATCH_TEXT_MAX octets */
};

/* A read that waits. */
struct waiting {
	struct watch *watch;
	struct waiting *prev, *next; /* in watch->waiting */
	fuse_req_t req;
	size_t size;
};

struct watch {
	struct feed *feed;
	struct watch *prev, *next;	   /* in feed->watches */
	struct watch *new_prev, *new_next; /* in feed->newcomers */
	uid_t uid;
	struct node *node; /* the handle's */
	int64_t opened_ns;
	bool is_new; /* nothing that was asked since has come yet */
	struct place next_line;
	uint64_t lost;	      /* queries that are still to be told of */
	char rest[LINE_SIZE]; /* of a line that was read in part */
	size_t rest_at, rest_len;
	struct waiting *waiting;
	struct fuse_pollhandle *poll; /* NULL: nobody polls */
	bool was_read;
	bool never_waits; /* see watch.h */
	bool ended;
};

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

/* ---- The ring ---- */

static size_t index_of(uint64_t at)
{
	return (size_t)(at % WATCH_TEXT_MAX);
}

static void ring_put(struct feed *feed, uint64_t at, const char *text,
		     size_t len)
{
	size_t from = index_of(at), room = WATCH_TEXT_MAX - from;
	size_t first = len < room ? len : room;

	memcpy(feed->ring + from, text, first);
	memcpy(feed->ring, text + first, len - first);
}

/* Return: octets of the line at @at, with its newline, which are at @out. */
static size_t ring_line(const struct feed *feed, uint64_t at,
			char out[LINE_SIZE])
{
	uint64_t left = feed->end.at - at;
	size_t len = left < LINE_SIZE ? (size_t)left : LINE_SIZE;
	size_t from = index_of(at), room = WATCH_TEXT_MAX - from;
	size_t first = len < room ? len : room;
	const char *end;

	memcpy(out, feed->ring + from, first);
	memcpy(out + first, feed->ring, len - first);
	end = memchr(out, '\n', len);
	assert(end);
	return (size_t)(end - out) + 1;
}

#define LOST_LINE "# %llu lines lost\n"

static size_t print_lost(uint64_t lost, char out[LINE_SIZE])
{
	return (size_t)snprintf(out, LINE_SIZE, LOST_LINE,
				(unsigned long long)lost);
}

/* A line is of one query, or tells how many were lost. */
static uint64_t queries_of(const char *line)
{
	return *line == '#' ? strtoull(line + 2, NULL, 10) : 1;
}

static void pass(struct place *place, const char *line, size_t len)
{
	place->at += len;
	place->queries += queries_of(line);
}

static void feed_add(struct feed *feed, const char *line, size_t len)
{
	char old[LINE_SIZE];

	while (feed->end.at - feed->start.at + len > WATCH_TEXT_MAX)
		pass(&feed->start, old, ring_line(feed, feed->start.at, old));
	ring_put(feed, feed->end.at, line, len);
	pass(&feed->end, line, len);
	feed->has_news = true;
}

/* ---- What a reader has before him ---- */

/* What comes next is of his time. */
static void end_newness(struct watch *watch)
{
	if (!watch->is_new)
		return;
	watch->is_new = false;
	watch->feed->started++;
	DL_DELETE2(watch->feed->newcomers, watch, new_prev, new_next);
}

/* The workers' rings are emptied in the order of time. */
static void start_newcomers(struct feed *feed, int64_t time_ns)
{
	struct watch *watch, *next;

	for (watch = feed->newcomers; watch; watch = next) {
		next = watch->new_next;
		if (time_ns < watch->opened_ns)
			continue;
		end_newness(watch);
		watch->next_line = feed->end;
	}
}

/* The ring has the places of lines that he has not read. */
static void catch_up(struct watch *watch)
{
	const struct place *start = &watch->feed->start;

	if (watch->is_new || watch->next_line.at >= start->at)
		return;
	watch->lost += start->queries - watch->next_line.queries;
	watch->next_line = *start;
}

static bool has_text(const struct watch *watch)
{
	return watch->rest_at < watch->rest_len || watch->lost ||
	       (!watch->is_new && watch->next_line.at < watch->feed->end.at);
}

/* Have the next line at hand. Return: whether there is one. */
static bool next_line(struct watch *watch)
{
	watch->rest_at = watch->rest_len = 0;
	catch_up(watch);
	if (watch->lost) {
		watch->rest_len = print_lost(watch->lost, watch->rest);
		watch->lost = 0;
		return true;
	}
	if (watch->is_new || watch->next_line.at == watch->feed->end.at)
		return false;
	watch->rest_len =
		ring_line(watch->feed, watch->next_line.at, watch->rest);
	pass(&watch->next_line, watch->rest, watch->rest_len);
	return true;
}

/* Up to @size octets of what there is. */
static size_t take_text(struct watch *watch, char *out, size_t size)
{
	size_t len = 0;

	while (len < size) {
		size_t left = watch->rest_len - watch->rest_at;
		size_t piece = left < size - len ? left : size - len;

		if (!left && !next_line(watch))
			break;
		memcpy(out + len, watch->rest + watch->rest_at, piece);
		watch->rest_at += piece;
		len += piece;
	}
	return len;
}

/* ---- Readers ---- */

static void reply_text(struct watch *watch, fuse_req_t req, size_t size)
{
	size_t most = WATCH_TEXT_MAX + 2 * LINE_SIZE;
	CLEANUP(freep) char *text = malloc(size < most ? size : most);

	if (!text)
		fuse_reply_err(req, ENOMEM);
	else
		fuse_reply_buf(
			req, text,
			take_text(watch, text, size < most ? size : most));
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

static struct feed *feed_find(const struct fs *fs, uint64_t server)
{
	struct feed *feed;

	HASH_FIND(hh, fs->feeds, &server, sizeof(server), feed);
	return feed;
}

static struct feed *feed_new(struct fs *fs, struct anchor *anchor)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (feed)
		feed->ring = malloc(WATCH_TEXT_MAX);
	if (!feed || !feed->ring) {
		free(feed);
		return NULL;
	}
	feed->fs = fs;
	feed->anchor = anchor;
	feed->server = anchor->id;
	feed->unseen = traffic_sum(anchor->traffic, TRAFFIC_UNSEEN);
	HASH_ADD(hh, fs->feeds, server, sizeof(feed->server), feed);
	traffic_watch(anchor->traffic, true);
	return feed;
}

static void feed_free(struct feed *feed)
{
	traffic_watch(feed->anchor->traffic, false);
	HASH_DEL(feed->fs->feeds, feed);
	free(feed->ring);
	free(feed);
}

/* What the workers' rings had no room for. */
static void tell_unseen(struct feed *feed)
{
	uint64_t unseen = traffic_sum(feed->anchor->traffic, TRAFFIC_UNSEEN);
	uint64_t lost = unseen - feed->unseen;
	struct watch *watch;
	char line[LINE_SIZE];

	if (!lost)
		return;
	feed->unseen = unseen;
	feed_add(feed, line, print_lost(lost, line));
	DL_FOREACH2(feed->newcomers, watch, new_next)
	{
		watch->lost += lost;
	}
}

int watch_new(struct watch **out, struct fs *fs, struct node *node, uid_t uid)
{
	struct anchor *anchor = node->anchor;
	struct feed *feed = feed_find(fs, anchor->id);
	struct watch *watch;
	int r = share_take(fs, SHARE_LOGS, uid, 1, anchor, "log");

	if (r < 0)
		return r;
	watch = calloc(1, sizeof(*watch));
	if (watch && !feed)
		feed = feed_new(fs, anchor);
	if (!watch || !feed) {
		share_give(fs, SHARE_LOGS, uid, 1);
		free(watch);
		return -ENOMEM;
	}
	tell_unseen(feed);
	watch->feed = feed;
	watch->uid = uid;
	watch->node = node;
	watch->opened_ns = host_now_ns();
	watch->is_new = true;
	DL_APPEND(feed->watches, watch);
	DL_APPEND2(feed->newcomers, watch, new_prev, new_next);
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
	struct feed *feed;

	if (!watch)
		return;
	feed = watch->feed;
	end(watch);
	end_newness(watch);
	feed->started--;
	DL_DELETE(feed->watches, watch);
	share_give(feed->fs, SHARE_LOGS, watch->uid, 1);
	if (!feed->watches)
		feed_free(feed);
	free(watch);
}

/* ---- What happens ---- */

/* All queries of a turn were taken. */
static void end_turn(struct feed *feed)
{
	struct watch *watch;

	tell_unseen(feed);
	if (!feed->has_news)
		return;
	feed->has_news = false;
	DL_FOREACH (feed->watches, watch)
		serve(watch);
}

void watch_seen(void *arg, const struct tap_query *query)
{
	struct fs *fs = arg;
	struct feed *feed, *next;
	char line[LINE_SIZE];
	size_t len;

	if (!query) {
		HASH_ITER (hh, fs->feeds, feed, next)
			end_turn(feed);
		return;
	}
	feed = feed_find(fs, query->server);
	if (!feed)
		return;
	start_newcomers(feed, query->time_ns);
	/* Of a time before all who are here. */
	if (!feed->started)
		return;
	len = print_line(query, line);
	feed_add(feed, line, len);
	feed->watches->node->logged += len;
}

void watch_changed(struct fs *fs, const struct anchor *anchor)
{
	struct feed *feed = anchor->gone ? feed_find(fs, anchor->id) : NULL;
	struct watch *watch;

	if (!feed)
		return;
	DL_FOREACH (feed->watches, watch)
		end(watch);
}

void watch_end_all(struct fs *fs)
{
	struct feed *feed, *next;
	struct watch *watch;

	HASH_ITER (hh, fs->feeds, feed, next)
		DL_FOREACH (feed->watches, watch)
			end(watch);
}
