/* SPDX-License-Identifier: Apache-2.0 */
/*
 * refusal.h - why something was refused, for a person
 *
 * One struct goes all the way from where a fault is seen to the line in the
 * anchor's `error`. Whoever sees it says the reason with refusal_set(); who
 * knows more of where it is adds that on the way up: refusal_within() the part
 * of a record, refusal_at_entry() and refusal_at_owner() the line.
 *
 * Every function here takes NULL for a refusal that nobody will read. Pure
 * functions on the caller's memory: any thread may call them.
 */
#ifndef DNS_REFUSAL_H
#define DNS_REFUSAL_H

#include <stdarg.h>

#include "dns/wire/util.h"

#define REFUSAL_TEXT_SIZE   1024 /* any name in text, and its NUL */
#define REFUSAL_REASON_SIZE 160
#define REFUSAL_ENTRY_SIZE  96 /* of an entry, the start is enough */

struct refusal {
	uint32_t line;		      /* of the text, 1 the first; 0: none */
	char text[REFUSAL_TEXT_SIZE]; /* owner, start of the entry; or empty */
	char reason[REFUSAL_REASON_SIZE]; /* "TTL is above 2147483647" */
};

/**
 * refusal_set() - say the reason, and no line or text yet
 * @result: what the caller returns
 * @format: what does not fit is cut off
 *
 * Return: @result.
 */
int refusal_set(struct refusal *why, int result, const char *format, ...)
	PRINTF(3, 4);

/** refusal_vset() - the same for a list of arguments */
int refusal_vset(struct refusal *why, int result, const char *format,
		 va_list args);

/**
 * refusal_within() - say in front of the reason what it is the reason of
 * Return: -EINVAL, which is what all text is refused with.
 */
int refusal_within(struct refusal *why, const char *format, ...) PRINTF(2, 3);

/** refusal_at_entry() - say which entry of a text it is; its line ends go */
void refusal_at_entry(struct refusal *why, uint32_t line, const char *text,
		      size_t len);

/** refusal_at_owner() - say whose records it is about, in @len octets of text
 */
void refusal_at_owner(struct refusal *why, uint32_t line, const char *owner,
		      size_t len);

/** refusal_printable() - as much of @text as fits, unprintables as \DDD */
void refusal_printable(const char *text, size_t len, char *out, size_t size);

#endif
