// SPDX-License-Identifier: Apache-2.0
/*
 * watch.c - open logs, and the nameservers that they are of
 *
 * A worker that answers a query puts it into a ring of its own, if the
 * nameserver is watched (dns/serve/tap.h). The main loop takes the queries of
 * all workers out, in the order of time, and calls watch_seen() with each, and
 * then with none.
 *
 * A nameserver that is watched has a feed: its last lines of text, made once
 * for all who read it, in whichever view (query_lines.h). Each reader has a
 * place of his own: of a line that a short read has begun, he keeps the rest.
 * When the ring takes the place of what he has not read, he goes on behind it,
 * and is told how many lines that were. Who has just opened the log is a
 * newcomer: what was asked before may still come, and is not for him.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <utlist.h>

#include "fs/poller.h"
#include "fs/query_lines.h"
#include "fs/watch.h"

/* More than the 8 KiB that tail reads of the end of a file. */
#define SIZE_AT_FIRST 65536

/* The lines of a nameserver that is watched. */
struct feed {
	UT_hash_handle hh; /* in commons->feeds */
	uint64_t server;   /* its id */
	struct commons *commons;
	struct anchor *anchor; /* borrowed of its readers */
	struct watch *watches; /* utlist: they */
	struct watch
		*newcomers; /* utlist by new_next: who waits for his first */
	unsigned started;   /* how many are none of these */
	struct query_lines lines;
	uint64_t unseen; /* TRAFFIC_UNSEEN, as far as it was told */
	bool has_news;	 /* since readers were served */
};

/* A read that waits. */
struct log_read {
	struct watch *watch;
	struct log_read *prev, *next; /* in watch->waiting */
	fuse_req_t req;
	size_t size;
};

struct watch {
	struct feed *feed;
	struct fs *fs;
	struct watch *prev, *next;	   /* in feed->watches */
	struct watch *new_prev, *new_next; /* in feed->newcomers */
	uid_t uid;
	int64_t opened_ns;
	bool is_new; /* nothing that was asked since has come yet */
	struct query_place next_line;
	uint64_t lost;		    /* queries that are still to be told of */
	char rest[QUERY_LINE_SIZE]; /* of a line that was read in part */
	size_t rest_at, rest_len;
	struct log_read *waiting;
	struct fuse_pollhandle *poll; /* NULL: nobody polls */
	bool was_read;
	bool never_waits; /* see watch.h */
	bool ended;
};

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
		watch->next_line = feed->lines.end;
	}
}

/* The ring has the places of lines that he has not read. */
static void catch_up(struct watch *watch)
{
	const struct query_place *start = &watch->feed->lines.start;

	if (watch->is_new || watch->next_line.at >= start->at)
		return;
	watch->lost += start->queries - watch->next_line.queries;
	watch->next_line = *start;
}

static bool has_text(const struct watch *watch)
{
	return watch->rest_at < watch->rest_len || watch->lost ||
	       (!watch->is_new &&
		watch->next_line.at < watch->feed->lines.end.at);
}

/* Have the next line at hand. Return: whether there is one. */
static bool next_line(struct watch *watch)
{
	watch->rest_at = watch->rest_len = 0;
	catch_up(watch);
	if (watch->lost) {
		watch->rest_len =
			query_line_print_lost(watch->lost, watch->rest);
		watch->lost = 0;
		return true;
	}
	if (watch->is_new || watch->next_line.at == watch->feed->lines.end.at)
		return false;
	watch->rest_len = query_lines_get(&watch->feed->lines,
					  watch->next_line.at, watch->rest);
	query_place_pass(&watch->next_line, watch->rest, watch->rest_len);
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
	size_t most = QUERY_LINES_MAX + 2 * QUERY_LINE_SIZE;
	CLEANUP(freep) char *text = malloc(size < most ? size : most);

	if (!text)
		fuse_reply_err(req, ENOMEM);
	else
		fuse_reply_buf(
			req, text,
			take_text(watch, text, size < most ? size : most));
}

static void stop_waiting(struct log_read *waiting)
{
	DL_DELETE(waiting->watch->waiting, waiting);
	free(waiting);
}

/* Give what there is to whoever waits for it. */
static void serve(struct watch *watch)
{
	struct log_read *first;

	while ((first = watch->waiting) && (has_text(watch) || watch->ended)) {
		fuse_req_interrupt_func(first->req, NULL, NULL);
		if (has_text(watch))
			reply_text(watch, first->req, first->size);
		else
			fuse_reply_buf(first->req, NULL, 0);
		stop_waiting(first);
	}
	if (has_text(watch) || watch->ended)
		poll_wake(watch->fs, &watch->poll);
}

static void on_interrupt(fuse_req_t req, void *data)
{
	stop_waiting(data);
	fuse_reply_err(req, EINTR);
}

static void wait_for_text(struct watch *watch, fuse_req_t req, size_t size)
{
	struct log_read *waiting;

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
	*waiting = (struct log_read){.watch = watch, .req = req, .size = size};
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

/* ---- Open and close ---- */

static struct feed *feed_find(const struct commons *commons, uint64_t server)
{
	struct feed *feed;

	HASH_FIND(hh, commons->feeds, &server, sizeof(server), feed);
	return feed;
}

uint64_t watch_size(const struct commons *commons, const struct anchor *anchor)
{
	const struct feed *feed = feed_find(commons, anchor->id);

	return SIZE_AT_FIRST + (feed ? feed->lines.end.at : 0);
}

static void feed_add(struct feed *feed, const char *line, size_t len)
{
	query_lines_add(&feed->lines, line, len);
	feed->has_news = true;
}

static struct feed *feed_new(struct commons *commons, struct anchor *anchor)
{
	struct feed *feed = calloc(1, sizeof(*feed));

	if (!feed || query_lines_init(&feed->lines) < 0) {
		free(feed);
		return NULL;
	}
	feed->commons = commons;
	feed->anchor = anchor;
	feed->server = anchor->id;
	feed->unseen = traffic_sum(anchor->traffic, TRAFFIC_UNSEEN);
	HASH_ADD(hh, commons->feeds, server, sizeof(feed->server), feed);
	traffic_watch(anchor->traffic, true);
	return feed;
}

static void feed_free(struct feed *feed)
{
	traffic_watch(feed->anchor->traffic, false);
	HASH_DEL(feed->commons->feeds, feed);
	query_lines_deinit(&feed->lines);
	free(feed);
}

/* What the workers' rings had no room for. */
static void tell_unseen(struct feed *feed)
{
	uint64_t unseen = traffic_sum(feed->anchor->traffic, TRAFFIC_UNSEEN);
	uint64_t lost = unseen - feed->unseen;
	struct watch *watch;
	char line[QUERY_LINE_SIZE];

	if (!lost)
		return;
	feed->unseen = unseen;
	feed_add(feed, line, query_line_print_lost(lost, line));
	DL_FOREACH2 (feed->newcomers, watch, new_next) {
		watch->lost += lost;
	}
}

int watch_new(struct watch **out, struct fs *fs, struct anchor *anchor,
	      uid_t uid)
{
	struct feed *feed = feed_find(fs->commons, anchor->id);
	struct watch *watch;
	int r = share_take(fs, SHARE_LOGS, uid, 1, anchor, "log");

	if (r < 0)
		return r;
	watch = calloc(1, sizeof(*watch));
	if (watch && !feed)
		feed = feed_new(fs->commons, anchor);
	if (!watch || !feed) {
		share_give(fs, SHARE_LOGS, uid, 1);
		free(watch);
		return -ENOMEM;
	}
	tell_unseen(feed);
	watch->feed = feed;
	watch->uid = uid;
	watch->fs = fs;
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
	assert(!watch->waiting && feed->started > 0);
	feed->started--;
	DL_DELETE(feed->watches, watch);
	share_give(watch->fs, SHARE_LOGS, watch->uid, 1);
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
	struct commons *commons = arg;
	struct feed *feed, *next;
	char line[QUERY_LINE_SIZE];
	size_t len;

	if (!query) {
		HASH_ITER (hh, commons->feeds, feed, next)
			end_turn(feed);
		return;
	}
	feed = feed_find(commons, query->server);
	if (!feed)
		return;
	start_newcomers(feed, query->time_ns);
	/* Of a time before all who are here. */
	if (!feed->started)
		return;
	len = query_line_print(&feed->lines, query, line);
	feed_add(feed, line, len);
}

void watch_changed(struct commons *commons, const struct anchor *anchor)
{
	struct feed *feed =
		anchor->gone ? feed_find(commons, anchor->id) : NULL;
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

	HASH_ITER (hh, fs->commons->feeds, feed, next)
		DL_FOREACH (feed->watches, watch)
			if (watch->fs == fs)
				end(watch);
}
