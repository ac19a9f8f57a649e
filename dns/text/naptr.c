// SPDX-License-Identifier: Apache-2.0
/*
 * naptr.c - the substitution expression of NAPTR: RFC 3402, section 3.2
 *
 *   delimiter ERE delimiter replacement delimiter [i]
 *
 * Clients compile the ERE (POSIX 1003.2, section 2.8.4) and drop an answer
 * whose expression they cannot. It is only parsed here: a compiler of regular
 * expressions takes time and memory by what it is given.
 */
#include <stdbool.h>
#include <string.h>

#include "dns/text/rr_rules.h"

#define REPEAT_MAX 255 /* RE_DUP_MAX of POSIX, the least there may be */

static const char no_regexp[] =
	"the regexp is no !PATTERN!REPLACEMENT! with one delimiter that is "
	"neither a digit, nor \"i\", nor a backslash";
static const char no_pattern[] =
	"the pattern in the regexp is no extended regular expression";
static const char no_flag[] =
	"behind the regexp's last delimiter nothing may stand but \"i\"";
static const char no_group[] =
	"the regexp's replacement has a \\DIGIT without such a (group) in the "
	"pattern; write \\\\1 for \\1, as a backslash is an escape in a zone "
	"file";

/* A part of the expression, being read from left to right. */
struct piece {
	const uint8_t *at, *end;
};

static bool is_digit(uint8_t octet)
{
	return octet >= '0' && octet <= '9';
}

/* Up to the next delimiter without a backslash before it; false: none. */
static bool cut(struct piece *left, uint8_t delimiter, struct piece *out)
{
	const uint8_t *at = left->at;

	out->at = at;
	for (; at < left->end && *at != delimiter; at++)
		if (*at == '\\' && at + 1 < left->end)
			at++;
	if (at >= left->end)
		return false;
	out->end = at;
	left->at = at + 1;
	return true;
}

/* [...] and what may stand in it: [:class:], [=x=], [.x.], a first "]". */
static bool skip_brackets(struct piece *in)
{
	const uint8_t *at = in->at + 1;

	if (at < in->end && *at == '^')
		at++;
	if (at < in->end && *at == ']')
		at++;
	for (; at < in->end && *at != ']'; at++) {
		uint8_t kind = at + 1 < in->end ? at[1] : 0;

		if (*at != '[' || !kind || !strchr(":=.", kind))
			continue;
		for (at += 2; at + 1 < in->end; at++)
			if (at[0] == kind && at[1] == ']')
				break;
		if (at + 1 >= in->end)
			return false;
		at++;
	}
	in->at = at + 1;
	return at < in->end;
}

static bool take_number(struct piece *in, unsigned *out)
{
	const uint8_t *start = in->at;

	*out = 0;
	for (; in->at < in->end && is_digit(*in->at); in->at++)
		if (*out <= REPEAT_MAX)
			*out = *out * 10 + (*in->at - '0');
	return in->at > start && *out <= REPEAT_MAX;
}

/* {m}, {m,} or {m,n} */
static bool skip_bounds(struct piece *in)
{
	unsigned least, most;

	in->at++;
	if (!take_number(in, &least))
		return false;
	if (in->at < in->end && *in->at == ',') {
		in->at++;
		if (in->at < in->end && *in->at != '}' &&
		    (!take_number(in, &most) || most < least))
			return false;
	}
	return in->at < in->end && *in->at++ == '}';
}

/* Where in an ERE we are. */
struct ere {
	unsigned groups; /* that were opened */
	unsigned depth;	 /* that are open */
	bool has_atom;	 /* something that may be repeated is before us */
	bool is_empty;	 /* nothing is since the last "(" or "|" */
};

static bool step(struct ere *ere, struct piece *in)
{
	uint8_t octet = *in->at;
	bool had_atom = ere->has_atom;

	ere->has_atom = false;
	switch (octet) {
	case '(':
		ere->groups++;
		ere->depth++;
		ere->is_empty = true;
		in->at++;
		return true;
	case ')':
		if (!ere->depth || ere->is_empty)
			return false;
		ere->depth--;
		break;
	case '|':
		if (ere->is_empty)
			return false;
		ere->is_empty = true;
		in->at++;
		return true;
	case '*':
	case '+':
	case '?':
		in->at++;
		return had_atom;
	case '{':
		return had_atom && skip_bounds(in);
	case '^':
	case '$':
		ere->is_empty = false;
		in->at++;
		return true;
	case '[':
		ere->has_atom = true;
		ere->is_empty = false;
		return skip_brackets(in);
	case '\\':
		in->at++;
		break;
	default:
		break;
	}
	ere->has_atom = true;
	ere->is_empty = false;
	in->at++;
	return in->at <= in->end;
}

static bool is_ere(struct piece in, unsigned *groups)
{
	struct ere ere = {.is_empty = true};

	while (in.at < in.end)
		if (!*in.at || !step(&ere, &in))
			return false;
	*groups = ere.groups;
	return !ere.depth && !ere.is_empty;
}

/* \1 to \9 stand for groups; \0 for nothing that the RFC has. */
static bool are_groups(struct piece in, unsigned groups)
{
	for (; in.at < in.end; in.at++) {
		if (*in.at != '\\' || in.at + 1 == in.end)
			continue;
		in.at++;
		if (is_digit(*in.at) &&
		    (*in.at == '0' || (unsigned)(*in.at - '0') > groups))
			return false;
	}
	return true;
}

const char *naptr_broken_rule(const uint8_t *regexp, size_t len)
{
	struct piece left = {regexp + 1, regexp + len}, pattern, replacement;
	unsigned groups;

	if (len == 0)
		return NULL;
	if (is_digit(*regexp) || *regexp == 'i' || *regexp == '\\' ||
	    !*regexp || !cut(&left, *regexp, &pattern) ||
	    !cut(&left, *regexp, &replacement))
		return no_regexp;
	if (left.end - left.at > 1 || (left.at < left.end && *left.at != 'i'))
		return no_flag;
	if (!is_ere(pattern, &groups))
		return no_pattern;
	return are_groups(replacement, groups) ? NULL : no_group;
}
