/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_line.h - lines of the files that say who may do what
 *
 *   secondaries  IP[:PORT] [KEY] | IP/LEN [KEY] | any [KEY]
 *   primaries    IP[:PORT] [KEY]
 *   updates      KEY|IP[/LEN] [NAME [TYPE,...]]
 *   catalog      NAME
 *
 * "#" before a word begins a comment, blank lines are nothing. In `updates`
 * what parses as an address is one, and what looks like a wrong one is refused;
 * anything else is a key's name. Canonical text has one blank between words,
 * keys with their last dot, networks without bits that do not count, and names
 * of a zone's own list relative to it.
 *
 * A NAME is exact, or "LABELS.*": names that begin with these labels, and go on
 * with any. In a zone's list that may be none before the zone's own labels;
 * where there is no zone, it is one at least. "*" alone is every name. A star
 * that is a label and no more than that, in the last place, is "\042" or "\*".
 *
 * Pure; any thread.
 */
#ifndef DNS_LIST_LINE_H
#define DNS_LIST_LINE_H

#include "dns/wire/address.h"
#include "dns/wire/buffer.h"
#include "dns/wire/name.h"

#define LIST_LINES_MAX 1024
#define LIST_TEXT_MAX  65536 /* octets, canonical */
#define LIST_TYPES_MAX 32

enum list_format {
	LIST_OF_SECONDARIES,
	LIST_OF_PRIMARIES,
	LIST_OF_UPDATES,
	LIST_OF_NAME, /* one line at most */
};

struct list_line {
	bool is_any; /* any address */
	bool has_address;
	struct address address; /* port 0: none was given */
	uint8_t prefix;		/* bits that count; 32 or 128: one host */
	bool is_network; /* it was written with one: no NOTIFY goes there */
	bool has_key;
	struct name key; /* in lower case */

	/* Of updates, and the name of a catalog: */
	bool has_name;	  /* else every name of the zone */
	struct name name; /* absolute, in lower case; of a prefix, its labels
			   * and then the root */
	bool is_prefix;	  /* it was "LABELS.*" */
	unsigned types;	  /* 0: every type */
	uint16_t type[LIST_TYPES_MAX];
};

/**
 * list_line_next() - the next line of a canonical or any text
 * @at:   octets of @text before it; moved on. Start with 0
 * @zone: whose list it is; NULL: for all zones, and names are absolute
 *
 * Return: 0; -ENOENT: that was all; -EINVAL, with @why (line, text, reason;
 * or NULL). What stands in @out for a flag that is false is not set.
 */
int list_line_next(enum list_format format, const struct name *zone,
		   const char *text, size_t len, size_t *at,
		   struct list_line *out, struct refusal *why);

/** list_line_print() - canonical, with a newline; what list_line_next() reads
 * back as the same: 0, -ENOMEM */
int list_line_print(enum list_format format, const struct name *zone,
		    const struct list_line *line, struct buffer *out);

/**
 * list_merge() - canonical text of @former and then @text, each line once
 * @former: canonical, or of no octets
 * @out:    appended to
 *
 * Return: 0; -EINVAL, -EDQUOT (lines or octets) with @why, and @out as it was;
 * -ENOMEM.
 */
int list_merge(enum list_format format, const struct name *zone,
	       const char *former, size_t former_len, const char *text,
	       size_t len, struct buffer *out, struct refusal *why);

/** list_line_matches() - is the client's address one of the line's? Where the
 * line has none, each is */
bool list_line_matches(const struct list_line *line,
		       const struct address *client);

/**
 * list_line_names() - of updates: does it let change that RRset?
 * @zone: whose list it is; NULL: for all zones
 * @type: 0: all of the name's, for which a line must let every type
 */
bool list_line_names(const struct list_line *line, const struct name *zone,
		     const struct name *name, uint16_t type);

#endif
