/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer.h - master file text: where an entry ends, and its tokens
 *
 * The grammar of RFC 1035, section 5.1, and nothing but lexer.c knows it:
 *
 *   entry    up to a newline outside quotes, parentheses and comments
 *   quotes   from " to the next ", of which neither is escaped, over as many
 *            lines as it takes
 *   escape   a backslash and the octet behind it, which then means nothing;
 *            a newline cannot be escaped
 *   comment  from ; to the end of the line
 *   blank    a space, a tab, a parenthesis, a comment, a line end
 *   line end a newline, or a carriage return before one or before the end
 *   token    what begins with a quote, up to the quote that closes it; or what
 *            begins otherwise, up to a blank outside quotes
 *
 * It is walked twice. struct lexer_scan finds the end of an entry that comes
 * in pieces of any size, each octet once; then struct lexer takes the tokens
 * of the whole one, and whoever wants a token has it straight from there.
 *
 * Pure functions on the caller's memory: any thread may call them.
 */
#ifndef DNS_LEXER_H
#define DNS_LEXER_H

#include <stdbool.h>

#include "dns/wire/refusal.h"

/* Where in an entry an octet stands, which decides what it means. */
enum lexer_place {
	LEXER_PLAIN,
	LEXER_QUOTES,
	LEXER_COMMENT,
};

/* The search for the end of an entry. All zeroes at its first octet. */
struct lexer_scan {
	enum lexer_place place;
	uint32_t open;	/* parentheses */
	uint32_t lines; /* newlines seen */
	bool escaped;	/* the last octet was a backslash that escapes */
	bool ended;	/* the newline was found that ends the entry */
	bool nul;	/* a NUL octet was found */
};

/**
 * lexer_scan() - look for the end of the entry
 * Return: octets taken: up to and with the newline that ends the entry, or a
 * NUL, or all of them.
 */
size_t lexer_scan(struct lexer_scan *scan, const char *text, size_t len);

/* Its quotes belong to it. Borrowed. */
struct lexer_token {
	const char *text;
	size_t len;
};

/* An entry whose tokens are being taken. */
struct lexer {
	const char *at;
	const char *end;
	uint32_t open;	     /* parentheses */
	bool failed;	     /* no token follows, as @why says */
	struct refusal *why; /* borrowed; or NULL */
};

/**
 * lexer_begin() - stand before the first token of an entry
 * @text: up to its newline, or without one; borrowed
 * @why:  receives what is wrong with it; borrowed, or NULL
 */
struct lexer lexer_begin(const char *text, size_t len, struct refusal *why);

/**
 * lexer_next() - take the next token
 *
 * Return: 1; 0: there is none; -EINVAL with @lexer->why, and from then on: a
 * control octet outside quotes, a parenthesis that was not opened, an escape
 * of nothing, an open quote.
 */
int lexer_next(struct lexer *lexer, struct lexer_token *out);

/**
 * lexer_next_string() - the same; but a quote ends a token that began without
 * one, as BIND, NSD and Knot read strings: a"b" is two
 */
int lexer_next_string(struct lexer *lexer, struct lexer_token *out);

/** lexer_more() - whether there is a token; false too once it has failed */
bool lexer_more(struct lexer *lexer);

/** lexer_finish() - take all tokens that are left: 0, -EINVAL as above */
int lexer_finish(struct lexer *lexer);

#endif
