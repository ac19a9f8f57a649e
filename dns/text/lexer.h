/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lexer.h - master file text: where an entry ends, and its tokens
 *
 * An entry is the text up to a newline that is outside quotes, parentheses
 * and comments (RFC 1035, section 5.1). It is looked at twice: struct lexer
 * finds its end, in pieces of any size and each octet once; struct lexer_entry
 * then takes the tokens of a whole one.
 *
 * Pure functions on the caller's memory: any thread may call them.
 */
#ifndef DNS_LEXER_H
#define DNS_LEXER_H

#include <stdbool.h>

#include "dns/wire/util.h"

/* Starts as all zeroes, at the first octet of an entry. */
struct lexer {
	uint32_t open;	/* parentheses */
	uint32_t lines; /* newlines seen */
	bool quoted;
	bool comment;
	bool escaped; /* the last octet was a backslash that escapes */
	bool ended;   /* the newline was found that ends the entry */
	bool nul;     /* a NUL octet was found */
};

/**
 * lexer_scan() - look for the end of the entry
 * Return: octets taken: up to and with the newline that ends the entry, or a
 * NUL, or all of them.
 */
size_t lexer_scan(struct lexer *lexer, const char *text, size_t len);

/* A token: up to a blank outside quotes; the quotes belong to it. Borrowed. */
struct lexer_token {
	const char *text;
	size_t len;
};

/* An entry, being taken apart. */
struct lexer_entry {
	const char *at;
	const char *end;
	uint32_t open;	 /* parentheses */
	const char *why; /* set when lexer_next() refuses; static */
};

/** lexer_entry() - an entry from its first octet to its newline or its end */
struct lexer_entry lexer_entry(const char *text, size_t len);

/**
 * lexer_next() - take the next token
 *
 * Return: 1; 0: there is none; -EINVAL: a control octet outside quotes, a
 * parenthesis that was not opened, an escape of nothing, an open quote.
 */
int lexer_next(struct lexer_entry *entry, struct lexer_token *out);

#endif
