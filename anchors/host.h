/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host.h - the local host: store, writer, workers, and the tree of anchors
 *
 * It is what all operations share. The store on disk is the truth. Of it the
 * main loop keeps the tree in memory, which it changes only when a change is on
 * disk; the workers keep nothing, and read the store for each batch of queries;
 * and the writer is the only one that writes. An operation (task.h) leaves the
 * main loop as a job and comes back to it as a callback, so that nothing here
 * waits, and nothing but what is atomic is looked at by two threads at once.
 *
 * To open one is to open the parts in the order in which they need each other:
 * the store, snapshots of it, the writer, the pool of workers, then the tree,
 * and a server for each address in it. They are closed in the order in which
 * they may still be used: first what makes changes, last what keeps them.
 *
 * Threading: the main loop only.
 */
#ifndef ANCHORS_HOST_H
#define ANCHORS_HOST_H

#include "anchors/anchor.h"
#include "anchors/descriptors.h"
#include "anchors/identity.h"
#include "anchors/lease.h"
#include "anchors/receipt.h"
#include "anchors/touched.h"
#include "anchors/unbound.h"
#include "anchors/writer.h"
#include "dns/store/snapshot.h"

typedef bool host_changed(void *arg, struct anchor *anchor, const void *origin,
			  void (*told)(void *told_arg), void *told_arg);

struct querier;
struct notifier;
struct secondaries;
struct updates;

struct host_options {
	const char *state;     /* directory; borrowed during host_open() */
	const char *name;      /* of the host's anchor; the same */
	struct address listen; /* of a nameserver made without an address */
	uid_t uid;	       /* whose a new host's anchor is */
	gid_t gid;
	size_t anchors_max;   /* 0: any number */
	uint64_t records_max; /* of a nameserver; 0: any number */
	bool is_of_fleet;     /* it begins an incarnation: identity.h */
	/* Is the name kept for something else? NULL: none is. */
	bool (*name_is_taken)(const char *name);
	struct server_options server;
	int presence_fd; /* presence_open()'s, until all is closed; or negative
			  */
	/* A line for the log; @priority as in syslog(3). */
	void (*report)(int priority, const char *line);
	/*
	 * Something of @anchor has changed; its caller hears of it next, or, if
	 * this returns false, once @told was called, in the order of the
	 * changes of one anchor.
	 * @origin: what nameserver_edit() was given, or NULL
	 */
	host_changed *changed;
	void *changed_arg;
	/* What is known of its zones' peers is something else now; or NULL. */
	void (*status_changed)(void *arg, struct anchor *anchor);
};

struct host {
	uv_loop_t *loop;
	struct store store;
	struct identity identity; /* all zero: it needs none */
	struct writer *writer;
	struct server_pool *pool;
	struct updates *updates;	 /* transfer/update.h's */
	struct querier *querier;	 /* transfer/querier.h's */
	struct notifier *notifier;	 /* transfer/notify.h's */
	struct secondaries *secondaries; /* transfer/secondary.h's */
	struct snapshot *snapshot; /* the main loop's, between its requests */
	struct snapshot *metrics;  /* metrics.h's, also on another thread */
	struct anchor *root;	   /* the host's anchor */
	struct address listen;
	unsigned workers;
	size_t anchors;		      /* below the root */
	struct anchor *anchors_by_id; /* uthash: all of the tree */
	size_t anchors_max;
	struct descriptors descriptors;
	uint64_t next_id;
	struct receipt receipt;	       /* of the call at hand: receipt.h */
	struct leases leases;	       /* of those that others call in */
	struct touched_counts touched; /* the writer's; read by the loop */
	bool told_of_disk;	       /* the line about a store that failed */
	bool told_of_space;	       /* the one about a full disk */
	uint64_t met_full;	       /* how many changes have met one */
	struct presence *presence;     /* NULL: addresses are not watched */
	struct unbound unbound;	       /* whose address is not to be had */
	void (*report)(int priority, const char *line);
	host_changed *changed;
	void *changed_arg;
	void (*status_changed)(void *arg, struct anchor *anchor);
};

/**
 * host_open() - open the state, bring every nameserver back, start to answer
 * @why: on failure, a sentence for a person, terminated
 *
 * Starts threads, so it comes after any fork(). A nameserver whose address
 * cannot be had keeps its records; its `error` says so, and a timer tries
 * again until it works; so it is with those for which there are no descriptors,
 * but the log has one line for all of them. What does not fit into the tree is
 * set aside: see restore.h. Where descriptors are few, there are fewer TCP
 * clients than the options say.
 *
 * Return: 0; -errno as store_open() and server_pool_new().
 */
int host_open(struct host **out, uv_loop_t *loop,
	      const struct host_options *options, struct buffer *why);

/**
 * host_close() - stop the workers, finish and commit what is queued, close
 *
 * References to anchors must be gone, but for the tree's. Handles in the loop
 * are closed: run the loop until it is empty after.
 */
struct host *host_close(struct host *host);

/**
 * host_bind() - server_bind() for an anchor, with descriptors set aside for it
 * @why: a reason when they are none; or NULL
 *
 * They are given back when the server was stopped. Errors as server_bind().
 */
int host_bind(struct server **out, struct anchor *anchor,
	      const struct address *at, struct refusal *why);

/**
 * host_log() - a line for the log, about an anchor: its path comes before it
 * @priority: as in syslog(3)
 */
void host_log(const struct anchor *anchor, int priority, const char *format,
	      ...) PRINTF(3, 4);

/** host_status_changed() - what is known of a nameserver's peers: tell who
 * waits for that */
void host_status_changed(const struct host *host, uint64_t server);

/**
 * host_tell() - of an anchor's address: a line in its `error`, and in the log
 */
/** host_status_changed() - tell who waits for it, of that nameserver */
void host_status_changed(const struct host *host, uint64_t server);

void host_tell(struct anchor *anchor, int priority, const char *reason);

/** host_now_ns() - the wall clock, nanoseconds since 1970 */
int64_t host_now_ns(void);

#endif
