// SPDX-License-Identifier: Apache-2.0
/*
 * entry.c - one entry of a master file: a record, a directive, or nothing
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "dns/text/entry.h"
#include "dns/text/lexer.h"
#include "dns/text/period.h"
#include "dns/text/rr_rules.h"
#include "dns/wire/escape.h"

void entries_init(struct entries *entries, const struct name *origin,
		  const struct scope *scope, uint32_t ttl)
{
	memset(entries, 0, sizeof(*entries));
	if (origin) {
		entries->state.has_origin = true;
		entries->state.origin = *origin;
	}
	entries->state.ttl = ttl;
	if (scope)
		entries->scope = *scope;
	/* A zone's own file may begin with a blank owner. */
	if (scope_kind_of(scope) == SCOPE_ZONE) {
		entries->state.has_owner = true;
		entries->state.owner = scope->name;
	}
}

void entries_deinit(struct entries *entries)
{
	buffer_deinit(&entries->rdata);
}

/* @format has one %s, for the token. */
static int refuse_token(struct lexer *lexer, const char *format,
			struct lexer_token token)
{
	char text[40];

	refusal_printable(token.text, token.len, text, sizeof(text));
	return refusal_set(lexer->why, -EINVAL, format, text);
}

/* A token that must be there, or -EINVAL: @what is missing. */
static int need(struct lexer *lexer, const char *what, struct lexer_token *out)
{
	int r = lexer_next(lexer, out);

	return r == 0 ? refusal_set(lexer->why, -EINVAL, "%s is missing", what)
		      : r;
}

static bool is_word(struct lexer_token token, const char *word)
{
	return token.len == strlen(word) &&
	       strncasecmp(token.text, word, token.len) == 0;
}

static int read_ttl(struct lexer *lexer, struct lexer_token token,
		    uint32_t *out)
{
	uint32_t ttl;
	int r = period_from_text(token.text, token.len, &ttl);

	if (r == -EINVAL)
		return refuse_token(lexer, "\"%s\" is no TTL", token);
	if (r == -ERANGE || ttl > RR_TTL_MAX)
		return refusal_set(lexer->why, -EINVAL, "TTL is above %u",
				   RR_TTL_MAX);
	*out = ttl;
	return 0;
}

/* --- directives: RFC 1035, section 5.1; RFC 2308, section 4 --- */

/* What a relative name ends in; NULL as long as nothing has said it. */
static const struct name *origin_of(const struct entries *entries)
{
	return entries->state.has_origin ? &entries->state.origin : NULL;
}

static int read_origin(struct entries *entries, struct lexer *lexer,
		       struct lexer_token token)
{
	if (name_from_text(token.text, token.len, origin_of(entries),
			   &entries->state.origin, lexer->why) < 0)
		return refusal_within(lexer->why, "bad $ORIGIN");
	entries->state.has_origin = true;
	return 0;
}

static int read_directive(struct entries *entries, struct lexer *lexer,
			  struct lexer_token directive)
{
	bool origin = is_word(directive, "$ORIGIN");
	struct lexer_token value, more;
	int r;

	if (is_word(directive, "$INCLUDE"))
		return refusal_set(lexer->why, -EINVAL,
				   "$INCLUDE is refused, it would read "
				   "files as the daemon: put the file's "
				   "text in its place");
	if (!origin && !is_word(directive, "$TTL"))
		return refuse_token(lexer,
				    "the directive %s is not known, only "
				    "$ORIGIN and $TTL; write out its records",
				    directive);
	r = need(lexer, "the directive's value", &value);
	if (r < 0)
		return r;
	r = lexer_next(lexer, &more);
	if (r != 0)
		return r < 0 ? r
			     : refuse_token(lexer,
					    "\"%s\" is behind the directive",
					    more);
	return origin ? read_origin(entries, lexer, value)
		      : read_ttl(lexer, value, &entries->state.ttl);
}

/* --- records --- */

static int refuse_owner(const struct entries *entries, struct lexer *lexer)
{
	char name[NAME_TEXT_SIZE];

	name_to_text(&entries->scope.name, name);
	/* Long names would push the reason out of its place. */
	if (strlen(name) > 50)
		strcpy(name + 47, "...");
	if (entries->scope.kind == SCOPE_ZONE)
		return refusal_set(lexer->why, -EINVAL,
				   "the owner is outside %s: this file holds "
				   "that zone's records only",
				   name);
	return refusal_set(
		lexer->why, -EINVAL,
		"the owner is not %s: this file holds %s's records only", name,
		name);
}

static int read_owner(struct entries *entries, struct lexer *lexer,
		      struct lexer_token token)
{
	struct entry_state *state = &entries->state;

	if (token.text[0] == '"')
		return refusal_set(lexer->why, -EINVAL,
				   "an owner is written without quotes");
	if (name_from_text(token.text, token.len, origin_of(entries),
			   &state->owner, lexer->why) < 0)
		return refusal_within(lexer->why, "bad owner");
	name_lower(&state->owner);
	state->has_owner = true;
	if (!scope_takes(&entries->scope, &state->owner))
		return refuse_owner(entries, lexer);
	return 0;
}

enum class_kind {
	CLASS_NONE, /* the token is none */
	CLASS_IN,
	CLASS_OTHER,
};

/* RFC 1035, section 3.2.4; RFC 3597, section 5 for CLASSn. */
static enum class_kind class_of(struct lexer_token token)
{
	static const char *const others[] = {"CH", "HS", "CS", "NONE"};
	size_t i;

	if (is_word(token, "IN") || is_word(token, "CLASS1"))
		return CLASS_IN;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (is_word(token, others[i]))
			return CLASS_OTHER;
	if (token.len > 5 && strncasecmp(token.text, "CLASS", 5) == 0)
		return CLASS_OTHER;
	return CLASS_NONE;
}

static int read_class(struct lexer *lexer, struct lexer_token token, bool *seen)
{
	switch (class_of(token)) {
	case CLASS_NONE:
		return 0;
	case CLASS_OTHER:
		return refuse_token(lexer,
				    "the class %s is refused: only IN "
				    "is kept",
				    token);
	case CLASS_IN:
		break;
	}
	if (*seen)
		return refusal_set(lexer->why, -EINVAL, "a second class");
	*seen = true;
	return 1;
}

/*
 * Class and TTL, each at most once and in either order, then the type.
 * @token: in, the first of them; out, the type
 */
static int read_ttl_class(struct entries *entries, struct lexer *lexer,
			  struct lexer_token *token, uint32_t *ttl)
{
	bool has_ttl = false, has_class = false;
	int r;

	*ttl = entries->state.ttl;
	for (;;) {
		if (escape_is_digit(token->text[0])) {
			if (has_ttl)
				return refusal_set(lexer->why, -EINVAL,
						   "a second TTL");
			has_ttl = true;
			r = read_ttl(lexer, *token, ttl);
		} else {
			r = read_class(lexer, *token, &has_class);
			if (r == 0)
				return 0;
		}
		if (r < 0)
			return r;
		r = need(lexer, "the type", token);
		if (r < 0)
			return r;
	}
}

/* What to do about a word that other makers' files have where a type goes. */
static const char *hint_for(struct lexer_token token)
{
	static const struct {
		const char *word, *hint;
	} hints[] = {
		{"ALIAS", "a provider's own; write the A and AAAA records "
			  "that it stands for"},
		{"ANAME", "a provider's own; write the A and AAAA records "
			  "that it stands for"},
		{"AWS", "Route 53's own; write the records that it stands "
			"for"},
		{"LUA", "PowerDNS's own; write the records that it computes"},
		{"WINS", "Windows's own; leave it out"},
		{"WINSR", "Windows's own; leave it out"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		if (is_word(token, hints[i].word))
			return hints[i].hint;
	if (token.len > 5 && strncasecmp(token.text, "[AGE:", 5) == 0)
		return "a time stamp of Windows; take it out, as with sed "
		       "'s/\\[AGE:[0-9]*\\]//'";
	if (memchr(token.text, '.', token.len))
		return "a record is OWNER TTL CLASS TYPE DATA; ask dig without "
		       "+short, and take out the [ZONE] that knotc puts first";
	return "any type can be written as TYPE123 \\# LENGTH HEX";
}

static int read_type(struct entries *entries, struct lexer *lexer,
		     struct lexer_token token, uint16_t *out)
{
	uint16_t type;
	char text[40];

	if (token.len == entries->type_len &&
	    memcmp(token.text, entries->type_text, token.len) == 0) {
		*out = entries->type;
		return 0;
	}
	if (rr_type_from_text(token.text, token.len, &type) < 0) {
		refusal_printable(token.text, token.len, text, sizeof(text));
		return refusal_set(lexer->why, -EINVAL,
				   "the type \"%s\" is not known: %s", text,
				   hint_for(token));
	}
	if (!rr_type_is_data(type))
		return refuse_token(lexer,
				    "the type %s is for queries and "
				    "messages: no record has it",
				    token);
	assert(token.len <= sizeof(entries->type_text));
	memcpy(entries->type_text, token.text, token.len);
	entries->type_len = token.len;
	*out = entries->type = type;
	return 0;
}

static int read_rdata(struct entries *entries, struct lexer *lexer,
		      struct rr *rr)
{
	int r = rr_rdata_from_text(rr->type, lexer, origin_of(entries),
				   &entries->rdata, &rr->measure);

	if (r < 0)
		return r;
	assert(entries->rdata.len <= RR_RDATA_SIZE);
	rr->rdata = entries->rdata.data;
	rr->rdlen = (uint16_t)entries->rdata.len;
	return 0;
}

/* @token: the first of the entry, which is the owner unless @blank comes first
 */
static int read_record(struct entries *entries, struct lexer *lexer,
		       struct lexer_token token, bool blank, uint32_t line,
		       struct change *change)
{
	const char *why;
	struct rr rr;
	int r = 0;

	if (!blank) {
		r = read_owner(entries, lexer, token);
		if (r == 0)
			r = need(lexer, "the type", &token);
	} else if (!entries->state.has_owner) {
		r = refusal_set(
			lexer->why, -EINVAL,
			"the owner is missing, and no record before has "
			"one; write it, or take the blanks away; a zone's "
			"file goes into zones/NAME/records");
	}
	if (r < 0)
		return r;
	r = read_ttl_class(entries, lexer, &token, &rr.ttl);
	if (r == 0)
		r = read_type(entries, lexer, token, &rr.type);
	if (r == 0)
		r = read_rdata(entries, lexer, &rr);
	if (r < 0)
		return r;
	why = rr_broken_owner(rr.type, &entries->state.owner);
	if (why)
		return refusal_set(lexer->why, -EINVAL, "%s", why);
	rr.owner.len = entries->state.owner.len;
	memcpy(rr.owner.wire, entries->state.owner.wire, rr.owner.len);
	return change_add(change, &rr, line);
}

int entry_read(struct entries *entries, const char *text, size_t len,
	       uint32_t line, struct change *change, struct refusal *why)
{
	bool blank = len && (text[0] == ' ' || text[0] == '\t');
	struct lexer lexer = lexer_begin(text, len, why);
	struct lexer_token token;
	int r = lexer_next(&lexer, &token);

	if (r <= 0)
		return r;
	if (!blank && token.text[0] == '$')
		return read_directive(entries, &lexer, token);
	r = read_record(entries, &lexer, token, blank, line, change);
	/* A name may begin with "#", so only what is no record is a comment. */
	if (r == -EINVAL && token.text[0] == '#')
		return refusal_set(why, -EINVAL,
				   "a comment begins with \";\", not with "
				   "\"#\"");
	return r;
}
