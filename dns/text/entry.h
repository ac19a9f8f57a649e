/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - one entry of a master file: a record, a directive, or nothing
 *
 * Not locked: a struct entries belongs to one reader.
 */
#ifndef DNS_ENTRY_H
#define DNS_ENTRY_H

#include "dns/text/change.h"
#include "dns/text/scope.h"

/* What a master file carries from entry to entry (RFC 1035, section 5.1). */
struct entry_state {
	struct name origin;
	bool has_origin;   /* else names end at the root */
	struct name owner; /* of the last record */
	bool has_owner;
	uint32_t ttl; /* of records that have none */
};

/* Reads one entry after the other. */
struct entries {
	struct entry_state state;
	struct scope scope; /* owners that are taken */

	struct buffer rdata; /* of one entry; kept to be used again */

	/* The last type, which is not looked up again. */
	char type_text[16];
	size_t type_len;
	uint16_t type;
};

/**
 * entries_init() - before the first entry
 * @origin: the first $ORIGIN, or NULL
 * @scope: whose records are taken; NULL: all
 * @ttl:   of records that have none, until a $TTL says another
 */
void entries_init(struct entries *entries, const struct name *origin,
		  const struct scope *scope, uint32_t ttl);
void entries_deinit(struct entries *entries);

/**
 * entry_read() - read one whole entry
 * @text:   from its first octet to its newline, or without one
 * @line:   is noted with the record
 * @change: receives the record
 * @why:    receives the reason
 *
 * Return: 0; -EINVAL with @why; -ENOMEM. On error the caller puts back
 * @entries->state; @change is as it was.
 */
int entry_read(struct entries *entries, const char *text, size_t len,
	       uint32_t line, struct change *change, struct refusal *why);

#endif
