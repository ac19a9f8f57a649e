// SPDX-License-Identifier: Apache-2.0
/*
 * lexer.c - master file text: where an entry ends, and its tokens
 *
 * Both walks run over octets that mean nothing where they are, and one table
 * says for both of them which octets mean something.
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/lexer.h"

/* Where an octet means something. */
enum {
	PLAIN = 1 << LEXER_PLAIN,
	QUOTES = 1 << LEXER_QUOTES,
	COMMENT = 1 << LEXER_COMMENT,
	TOKEN = 1 << 3, /* in a token, outside quotes: it ends it, or more */
};

#define ANYWHERE (PLAIN | QUOTES | COMMENT | TOKEN)
#define T	 TOKEN

/* clang-format off */
static const uint8_t meanings[256] = {
	ANYWHERE, T, T, T, T, T, T, T, T, T, /* control octets */
	ANYWHERE, T, T, T, T, T, T, T, T, T, T,
	T, T, T, T, T, T, T, T, T, T, T,
	[' '] = TOKEN,
	['"'] = PLAIN | QUOTES | TOKEN,
	['('] = PLAIN | TOKEN,
	[')'] = PLAIN | TOKEN,
	[';'] = PLAIN | TOKEN,
	['\\'] = PLAIN | QUOTES | TOKEN,
	[0x7f] = TOKEN,
};
/* clang-format on */

#undef T

/* Up to the first octet that means something in @places. */
static const char *run(const char *at, const char *end, unsigned places)
{
	while (at < end && !(meanings[(uint8_t)*at] & places))
		at++;
	return at;
}

/* --- where an entry ends --- */

/* @octet means something where it stands. */
static void take(struct lexer_scan *scan, char octet)
{
	switch (octet) {
	case '\0':
		scan->nul = true;
		break;
	case '\n':
		scan->lines++;
		if (scan->place == LEXER_COMMENT)
			scan->place = LEXER_PLAIN;
		scan->ended = scan->place == LEXER_PLAIN && !scan->open;
		break;
	case '\\':
		scan->escaped = true;
		break;
	case '"':
		scan->place =
			scan->place == LEXER_PLAIN ? LEXER_QUOTES : LEXER_PLAIN;
		break;
	case ';':
		scan->place = LEXER_COMMENT;
		break;
	case '(':
		scan->open++;
		break;
	case ')':
		/* One that nothing opened is refused with the tokens. */
		if (scan->open)
			scan->open--;
		break;
	default:
		assert(false);
	}
}

size_t lexer_scan(struct lexer_scan *scan, const char *text, size_t len)
{
	const char *at = text, *end = text + len;

	assert(!scan->ended && !scan->nul);
	while (at < end && !scan->ended && !scan->nul) {
		if (scan->escaped) {
			scan->escaped = false;
			at += *at != '\n' && *at != '\0';
		}
		at = run(at, end, 1u << scan->place);
		if (at < end)
			take(scan, *at++);
	}
	return (size_t)(at - text);
}

/* --- tokens --- */

struct lexer lexer_begin(const char *text, size_t len, struct refusal *why)
{
	return (struct lexer){.at = text, .end = text + len, .why = why};
}

static int fail(struct lexer *lexer, const char *reason)
{
	lexer->failed = true;
	return refusal_set(lexer->why, -EINVAL, "%s", reason);
}

static bool is_line_end(const struct lexer *lexer, const char *at)
{
	if (at < lexer->end && *at == '\r')
		at++;
	return at == lexer->end || *at == '\n';
}

/* Steps over an escape; the backslash is before us. */
static int skip_escape(struct lexer *lexer)
{
	if (is_line_end(lexer, lexer->at + 1))
		return fail(lexer, "a backslash ends a line");
	lexer->at += 2;
	assert(lexer->at <= lexer->end);
	return 0;
}

/* Steps over quotes; the one that opens is before us. */
static int skip_quotes(struct lexer *lexer)
{
	int r = 0;

	lexer->at++;
	while (r == 0) {
		lexer->at = run(lexer->at, lexer->end, QUOTES);
		if (lexer->at == lexer->end)
			return fail(lexer, "a quote is not closed");
		if (*lexer->at == '"') {
			lexer->at++;
			return 0;
		}
		if (*lexer->at == '\\')
			r = skip_escape(lexer);
		else
			lexer->at++;
	}
	return r;
}

/* Steps over a token that began without a quote. */
static int skip_token(struct lexer *lexer, bool is_string)
{
	int r = 0;

	while (r == 0) {
		lexer->at = run(lexer->at, lexer->end, TOKEN);
		if (lexer->at == lexer->end)
			return 0;
		switch (*lexer->at) {
		case ' ':
		case '\t':
		case '\n':
		case '(':
		case ')':
		case ';':
			return 0;
		case '\\':
			r = skip_escape(lexer);
			break;
		case '"':
			if (is_string)
				return 0;
			r = skip_quotes(lexer);
			break;
		default:
			if (*lexer->at == '\r' && is_line_end(lexer, lexer->at))
				return 0;
			return fail(lexer, "a control octet, not escaped");
		}
	}
	return r;
}

bool lexer_more(struct lexer *lexer)
{
	for (; lexer->at < lexer->end && !lexer->failed; lexer->at++) {
		switch (*lexer->at) {
		case ' ':
		case '\t':
		case '\n':
			break;
		case '\r':
			if (!is_line_end(lexer, lexer->at))
				return true;
			break;
		case '(':
			lexer->open++;
			break;
		case ')':
			if (!lexer->open) {
				fail(lexer, "a \")\" that nothing opened");
				return false;
			}
			lexer->open--;
			break;
		case ';':
			lexer->at = run(lexer->at, lexer->end, COMMENT) - 1;
			break;
		default:
			return true;
		}
	}
	return false;
}

static int next(struct lexer *lexer, bool is_string, struct lexer_token *out)
{
	const char *start;
	int r;

	if (!lexer_more(lexer))
		return lexer->failed ? -EINVAL : 0;
	start = lexer->at;
	/* A token that begins with a quote ends with one: "a""b" is two. */
	r = *start == '"' ? skip_quotes(lexer) : skip_token(lexer, is_string);
	if (r < 0)
		return r;
	assert(lexer->at > start);
	*out = (struct lexer_token){start, (size_t)(lexer->at - start)};
	return 1;
}

int lexer_next(struct lexer *lexer, struct lexer_token *out)
{
	return next(lexer, false, out);
}

int lexer_next_string(struct lexer *lexer, struct lexer_token *out)
{
	return next(lexer, true, out);
}

int lexer_finish(struct lexer *lexer)
{
	struct lexer_token token;
	int r;

	do
		r = lexer_next(lexer, &token);
	while (r > 0);
	return r;
}
