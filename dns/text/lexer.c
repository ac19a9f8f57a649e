// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/text/lexer.h"

/* Octets that mean something to the scan; it runs over all others. */
static const bool special[256] = {
	['\0'] = true, ['\n'] = true, ['"'] = true, ['\\'] = true,
	['('] = true,  [')'] = true,  [';'] = true,
};

static void take_newline(struct lexer *lexer)
{
	lexer->lines++;
	lexer->comment = false;
	lexer->escaped = false;
	lexer->ended = !lexer->quoted && !lexer->open;
}

static void take_special(struct lexer *lexer, char octet)
{
	if (octet == '\n') {
		take_newline(lexer);
	} else if (octet == '\0') {
		lexer->nul = true;
	} else if (lexer->comment) {
		return;
	} else if (octet == '\\') {
		lexer->escaped = true;
	} else if (octet == '"') {
		lexer->quoted = !lexer->quoted;
	} else if (lexer->quoted) {
		return;
	} else if (octet == ';') {
		lexer->comment = true;
	} else if (octet == '(') {
		lexer->open++;
	} else if (lexer->open) {
		lexer->open--;
	}
}

size_t lexer_scan(struct lexer *lexer, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && !lexer->ended && !lexer->nul) {
		/* A newline is none that can be escaped. */
		if (lexer->escaped && text[at] != '\n' && text[at] != '\0') {
			lexer->escaped = false;
			at++;
			continue;
		}
		while (at < len && !special[(uint8_t)text[at]])
			at++;
		if (at < len)
			take_special(lexer, text[at++]);
	}
	return at;
}

struct lexer_entry lexer_entry(const char *text, size_t len)
{
	return (struct lexer_entry){.at = text, .end = text + len};
}

static int refuse(struct lexer_entry *entry, const char *why)
{
	entry->why = why;
	return -EINVAL;
}

static bool is_line_end(const struct lexer_entry *entry, const char *at)
{
	if (at < entry->end && *at == '\r')
		at++;
	return at == entry->end || *at == '\n';
}

/* Blanks, comments and parentheses. */
static int skip(struct lexer_entry *entry)
{
	for (; entry->at < entry->end; entry->at++) {
		switch (*entry->at) {
		case ' ':
		case '\t':
		case '\n':
			break;
		case '\r':
			if (!is_line_end(entry, entry->at))
				return 0;
			break;
		case '(':
			entry->open++;
			break;
		case ')':
			if (!entry->open)
				return refuse(entry,
					      "a \")\" that nothing opened");
			entry->open--;
			break;
		case ';':
			while (entry->at + 1 < entry->end &&
			       entry->at[1] != '\n')
				entry->at++;
			break;
		default:
			return 0;
		}
	}
	return 0;
}

/* Steps over a quoted part, from behind its first quote to behind its last. */
static int skip_quoted(struct lexer_entry *entry)
{
	for (; entry->at < entry->end; entry->at++) {
		if (*entry->at == '"') {
			entry->at++;
			return 0;
		}
		if (*entry->at != '\\')
			continue;
		if (is_line_end(entry, entry->at + 1))
			return refuse(entry, "a backslash ends a line");
		entry->at++;
	}
	return refuse(entry, "a quote is not closed");
}

static bool ends_token(char octet)
{
	return octet == ' ' || octet == '\t' || octet == '\n' || octet == '(' ||
	       octet == ')' || octet == ';';
}

static int skip_token(struct lexer_entry *entry)
{
	uint8_t octet;

	while (entry->at < entry->end && !ends_token(*entry->at)) {
		octet = (uint8_t)*entry->at;
		if (octet == '\r' && is_line_end(entry, entry->at))
			break;
		if (octet < ' ' || octet == 0x7f)
			return refuse(entry, "a control octet, not escaped");
		if (octet == '\\' && is_line_end(entry, entry->at + 1))
			return refuse(entry, "a backslash ends a line");
		entry->at += octet == '\\' ? 2 : 1;
		if (octet == '"' && skip_quoted(entry) < 0)
			return -EINVAL;
	}
	return 0;
}

int lexer_next(struct lexer_entry *entry, struct lexer_token *out)
{
	int r = skip(entry);

	if (r < 0 || entry->at == entry->end)
		return r;
	out->text = entry->at;
	/* A token that begins with a quote ends with one: "a""b" is two. */
	if (*entry->at == '"') {
		entry->at++;
		r = skip_quoted(entry);
	} else {
		r = skip_token(entry);
	}
	if (r < 0)
		return r;
	out->len = (size_t)(entry->at - out->text);
	return 1;
}
