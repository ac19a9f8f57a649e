/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subjects.h - the nameservers of `metrics`, for metrics.c
 *
 * A page names each nameserver's path in each of its samples. How many octets
 * that is, is a matter of who makes directories: so a page has a limit, and
 * what would cost most of it is left out, and counted. The others stay.
 *
 * Paths are put together from the names of one directory in another, each of
 * them escaped once, and only for those that are shown.
 *
 * Threading: subjects_take() and subjects_free() on the main loop, all else on
 * any one thread: an anchor is nothing there but a reference to be given back.
 * What is told of it was copied, or is its traffic, which lives as long.
 */
#ifndef ANCHORS_SUBJECTS_H
#define ANCHORS_SUBJECTS_H

#include "anchors/exposition.h"
#include "anchors/host.h"
#include "dns/serve/traffic.h"

/* Octets that a page may have, of what is told of nameservers; about. */
#define SUBJECTS_PAGE_MAX (32 << 20)

struct subject {
	struct anchor *anchor; /* a reference */
	size_t parent;	       /* its number; SIZE_MAX: the host's anchor */
	size_t name;	       /* where it is in subjects->names */
	uint64_t id;
	const struct traffic *traffic;
	struct address address;
	uint64_t edits;
	bool is_listening;
	bool is_served;		 /* of the snapshot's moment */
	uint64_t names, records; /* of the snapshot */
	uint64_t zones;		 /* that have settings, or a serial to keep */

	/* Of subjects_choose(). */
	size_t path_len; /* octets of its path, escaped */
	uint64_t cost;	 /* octets that it takes on the page; about */
	bool is_shown;
	size_t label; /* where it is in subjects->labels */
	size_t label_len;
};

struct subjects {
	struct buffer names;  /* terminated, one behind the other */
	struct buffer labels; /* as on the page: nameserver="ns/sub" */
	size_t count, served, left_out;
	struct subject all[];
};

/** subjects_take() - note what there is: 0, -ENOMEM */
int subjects_take(struct subjects **out, struct host *host);

/** subjects_free() - NULL is fine */
struct subjects *subjects_free(struct subjects *subjects);

/** subjects_look_up() - and what the store has of each: 0, -ENOMEM, -EIO */
int subjects_look_up(struct subjects *subjects, struct snapshot *snapshot);

/**
 * subjects_choose() - which are shown, and their labels: 0, -ENOMEM
 * @max: octets; SUBJECTS_PAGE_MAX
 */
int subjects_choose(struct subjects *subjects, uint64_t max);

/**
 * subjects_next() - the next one that is shown, from the first one on
 * @to: the exposition, at a family: its label comes before the samples' own
 * @subject: the one before; NULL: none is
 *
 * Return: NULL behind the last one.
 */
const struct subject *subjects_next(const struct subjects *subjects,
				    struct exposition *to,
				    const struct subject *subject);

#endif
