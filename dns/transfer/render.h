/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render.h - the messages of a transfer, from a zone or its journal
 *
 * A zone goes out as its SOA, all else, and the SOA again (RFC 5936, section
 * 2.2); what a journal has between the current SOA twice (RFC 1995, section 4).
 * Messages have RENDER_SIZE octets at most, but for a record that alone has
 * more, and leave room for what differs from client to client: the first one
 * begins with a question of the zone, whose header, case and type are still to
 * be written over, and each takes an OPT record and a TSIG behind it, unless
 * the one record in it leaves no room.
 *
 * Threading: each render on one thread, with a snapshot of its own.
 */
#ifndef DNS_RENDER_H
#define DNS_RENDER_H

#include "dns/store/home.h"
#include "dns/store/zone.h"
#include "dns/transfer/spool.h"

/* With all of it, a message has 16 KiB: RFC 1035's pointers reach no more. */
#define RENDER_SIZE (16384 - RENDER_ROOM)
#define RENDER_ROOM 1024

/* What is asked for. */
struct render_what {
	uint64_t server; /* the nameserver's id */
	struct name zone;
	bool is_increment; /* IXFR, while the journal goes back so far */
	uint32_t from;	   /* the serial then */
};

/* The moment that it is of: if these are equal, so is the zone. */
struct render_moment {
	struct served served;
	uint32_t serial;
	uint64_t changed_ns;
};

/**
 * render_look() - the moment that a snapshot shows
 * @counts: may be NULL
 *
 * Return: 0; -ENOENT: there is no such zone, or nobody serves it; -EIO.
 */
int render_look(struct snapshot *snapshot, const struct render_what *what,
		struct render_moment *out, struct zone_counts *counts);

/**
 * render_goes_back() - does the journal go back to that serial?
 * @most: octets of all that it has, if so
 *
 * Also if it is the current one. Return: 0; -ENOENT; -EIO.
 */
int render_goes_back(struct snapshot *snapshot, const struct render_what *what,
		     const struct render_moment *moment, uint64_t *most);

/**
 * render() - write all messages; the caller ends the spool
 * @snapshot: begun
 * @moment:   of it
 * @grown:    more of the spool may be read
 * @stop:     is looked at now and then: another thread wants it to end
 *
 * Return: 0; -ECANCELED; -EMSGSIZE: a record fits no message; as spool_add()
 * and zone_walk_next().
 */
int render(struct snapshot *snapshot, const struct render_what *what,
	   const struct render_moment *moment, struct spool *spool,
	   void (*grown)(void *arg), void *arg, const atomic_bool *stop);

#endif
