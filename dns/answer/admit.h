/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admit.h - who may transfer, notify and update: the one place for it
 *
 * By the lists of the zone and those for all zones of the nameserver, both
 * together. Who is told apart by address and by the key that signed; a line
 * with a key counts only if it signed. But for a NOTIFY the address of a
 * primary is enough, or its key: it says nothing but that it is time to ask
 * that primary, and many send it unsigned, or from another address.
 *
 * The lists are read line by line each time, LIST_LINES_MAX of them at most.
 *
 * Threading: as the snapshot.
 */
#ifndef DNS_ADMIT_H
#define DNS_ADMIT_H

#include "dns/answer/tsig.h"
#include "dns/text/list_line.h"

struct admit_who {
	struct address address;
	bool is_proven;		/* the address: over TCP, or a good cookie */
	const struct name *key; /* that signed; NULL: none */
};

/** admit_transfer() - 0; -EACCES: no line lets them; -EIO */
int admit_transfer(struct snapshot *snapshot, uint32_t home,
		   const struct name *apex, const struct admit_who *who);

/** admit_notify() - the same: is it one of the zone's primaries? */
int admit_notify(struct snapshot *snapshot, uint32_t home,
		 const struct name *apex, const struct admit_who *who);

/** admit_updater() - the same: does any line of `updates` speak of them? */
int admit_updater(struct snapshot *snapshot, uint32_t home,
		  const struct name *apex, const struct admit_who *who);

/**
 * admit_update() - may they change that RRset? The same
 * @type: 0: all of the name's, which needs every type
 */
int admit_update(struct snapshot *snapshot, uint32_t home,
		 const struct name *apex, const struct admit_who *who,
		 const struct name *name, uint16_t type);

/* ---- The lines that speak of one of them, for many RRsets ---- */

struct admit_lines;

/**
 * admit_lines_new() - read once what `updates` says of them
 *
 * It is its own: good after the snapshot's end. Return: 0; -EACCES: no line
 * does; -EIO, -ENOMEM.
 */
int admit_lines_new(struct admit_lines **out, struct snapshot *snapshot,
		    uint32_t home, const struct name *apex,
		    const struct admit_who *who);
struct admit_lines *admit_lines_free(struct admit_lines *lines);
void admit_lines_freep(struct admit_lines **lines);

/** admit_lines_let() - as admit_update() */
bool admit_lines_let(const struct admit_lines *lines, const struct name *name,
		     uint16_t type);

#endif
