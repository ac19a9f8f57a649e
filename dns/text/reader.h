/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - the zone-file stream
 *
 * Text arrives in pieces of any size: a record may come in three writes, and
 * a write may hold three thousand records. A reader keeps the unfinished tail
 * and what a master file carries from line to line: origin, default TTL and
 * last owner (RFC 1035, section 5.1; RFC 2308, section 4 for $TTL).
 *
 * Rules of this format, beyond RFC 1035: the origin starts as the one given,
 * and where none is, "@" is refused until there is one, as a zone file that is
 * read without its name must not become the root zone; the default TTL is
 * 3600; class and TTL come in either order; TTLs take units (1h30m); $INCLUDE
 * is refused, as it would read files as the daemon; only class IN is kept; a
 * NUL octet is refused.
 *
 * Threading: a reader belongs to one open file, and is used by one thread at
 * a time; no lock.
 */
#ifndef DNS_READER_H
#define DNS_READER_H

#include "dns/text/change.h"
#include "dns/text/scope.h"

#define READER_TTL	 3600
#define READER_LINE_SIZE (512 * 1024) /* longest entry, in octets */

struct reader;

/**
 * reader_new() - a stream at its first line
 * @origin: the first $ORIGIN; NULL: none, and names end at the root
 * @scope:  whose records are taken; NULL: all; copied. Of a zone, what is at
 *          or below its apex: of zones nested in it the reader knows nothing
 *
 * Return: 0, -ENOMEM.
 */
int reader_new(struct reader **out, const struct name *origin,
	       const struct scope *scope);
struct reader *reader_free(struct reader *reader);
void reader_freep(struct reader **reader);

/**
 * reader_feed() - take the next piece of text
 * @reader: the stream
 * @text:   octets, any length, not terminated; borrowed
 * @len:    how many
 * @change: receives the records of every entry that is whole by now
 *
 * Return: 0; -EINVAL if an entry is no record, with reader_error() telling
 * line and reason; -ENOMEM. On error @change and @reader (the tail too) are as
 * they were before the call: a failed write has written nothing.
 */
int reader_feed(struct reader *reader, const char *text, size_t len,
		struct change *change);

/**
 * reader_undo() - as if the last reader_feed() or reader_end() that returned 0
 * had not been: the tail, origin, TTL and owner are what they were before it
 */
void reader_undo(struct reader *reader);

/**
 * reader_settle() - nobody will undo the last call: keep the tail alone
 *
 * For a stream that stays open; what else is needed is made again.
 */
void reader_settle(struct reader *reader);

/** reader_tail() - octets that wait for the rest of their entry */
size_t reader_tail(const struct reader *reader);

/**
 * reader_end() - take the tail as if a newline followed
 *
 * Return: as reader_feed(); an open quote or parenthesis is -EINVAL. With an
 * empty tail, or one of blanks and comment, nothing happens.
 */
int reader_end(struct reader *reader, struct change *change);

/** reader_open() - what the tail does not close, in words; or NULL */
const char *reader_open(const struct reader *reader);

/** reader_refuse_tail() - make reader_error() speak of the tail, with @reason
 */
void reader_refuse_tail(struct reader *reader, const char *reason);

/** reader_drop_tail() - as if its octets had never come */
void reader_drop_tail(struct reader *reader);

/** reader_error() - of the last call that returned -EINVAL; borrowed */
const struct refusal *reader_error(const struct reader *reader);

#endif
