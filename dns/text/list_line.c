// SPDX-License-Identifier: Apache-2.0
/*
 * list_line.c - lines of the files that say who may do what
 *
 * A line is split into words first. What a word may be is then known by its
 * place and by the format.
 */
#include <errno.h>
#include <strings.h>

#include "dns/text/list_layout.h"
#include "dns/wire/rr_type.h"

#define WORDS_MAX 3 /* of a good line */

struct word {
	const char *text;
	size_t len;
};

struct words {
	struct word word[WORDS_MAX];
	unsigned count; /* WORDS_MAX + 1: too many */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void split(const char *line, size_t len, struct words *out)
{
	size_t at = 0, start;

	out->count = 0;
	while (at < len) {
		if (is_blank(line[at])) {
			at++;
			continue;
		}
		if (line[at] == '#')
			return;
		start = at;
		while (at < len && !is_blank(line[at]))
			at++;
		if (out->count++ == WORDS_MAX)
			return;
		out->word[out->count - 1] =
			(struct word){line + start, at - start};
	}
}

static bool is_word(const struct word *word, const char *text)
{
	return word->len == strlen(text) &&
	       strncasecmp(word->text, text, word->len) == 0;
}

/* ---- Addresses ---- */

/* As much of a word as an address and its port may have. */
static int parse_host(const char *text, size_t len, struct address *out)
{
	char host[ADDRESS_TEXT_SIZE];
	const char *bracket;

	if (len == 0 || len >= sizeof(host) || memchr(text, '\0', len))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (address_parse(host, out) < 0 ||
	    (out->kind != ADDRESS_IPV4 && out->kind != ADDRESS_IPV6))
		return -EINVAL;
	bracket = strchr(host, ']');
	if (out->kind == ADDRESS_IPV4 ? !strchr(host, ':')
				      : !bracket || !bracket[1])
		out->port = 0;
	else if (out->port == 0)
		return -EINVAL;
	return 0;
}

/* The kernel shows who comes over IPv4 so, and address_from_sockaddr() too. */
static void unmap(struct list_line *line)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct address *address = &line->address;

	if (address->kind != ADDRESS_IPV6 || line->prefix < 96 ||
	    memcmp(address->ip, mapped, sizeof(mapped)) != 0)
		return;
	address->kind = ADDRESS_IPV4;
	memmove(address->ip, address->ip + 12, 4);
	memset(address->ip + 4, 0, 12);
	line->prefix = (uint8_t)(line->prefix - 96);
}

/* Clear the bits that do not count, so that a network has one text. */
static void mask(struct list_line *line)
{
	for (unsigned bit = line->prefix; bit < 128; bit++)
		line->address.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
}

static int parse_prefix(const char *text, size_t len, unsigned most,
			uint8_t *out)
{
	unsigned value = 0;

	if (len == 0 || len > 3)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value > most)
		return -EINVAL;
	*out = (uint8_t)value;
	return 0;
}

static int parse_address(const struct word *word, struct list_line *out)
{
	const char *slash = memchr(word->text, '/', word->len);
	size_t len = slash ? (size_t)(slash - word->text) : word->len;
	unsigned most;

	memset(&out->address, 0, sizeof(out->address));
	if (parse_host(word->text, len, &out->address) < 0)
		return -EINVAL;
	most = out->address.kind == ADDRESS_IPV4 ? 32 : 128;
	out->prefix = (uint8_t)most;
	out->is_network = slash;
	if (slash &&
	    (out->address.port || parse_prefix(slash + 1, word->len - len - 1,
					       most, &out->prefix) < 0))
		return -EINVAL;
	unmap(out);
	mask(out);
	out->has_address = true;
	return 0;
}

/* It cannot be meant for a key's name: who mistypes an address must know. */
static bool looks_like_address(const struct word *word)
{
	bool is_number = true;
	unsigned dots = 0;

	for (size_t i = 0; i < word->len; i++) {
		if (word->text[i] == ':' || word->text[i] == '/')
			return true;
		/* A name's last dot is none between labels. */
		if (word->text[i] == '.')
			dots += i + 1 < word->len;
		else if (word->text[i] < '0' || word->text[i] > '9')
			is_number = false;
		/* What is escaped is of a name. */
		if (word->text[i] == '\\')
			i++;
	}
	return is_number && dots == 3;
}

/* ---- Names and types ---- */

static int parse_name(const struct word *word, const struct name *origin,
		      struct name *out, struct refusal *why)
{
	struct name root;
	int r;

	name_root(&root);
	r = name_from_text(word->text, word->len, origin ? origin : &root, out,
			   why);
	if (r == 0)
		name_lower(out);
	return r;
}

static int parse_key(const struct word *word, struct list_line *out,
		     struct refusal *why)
{
	int r = parse_name(word, NULL, &out->key, why);

	if (r < 0)
		return refusal_within(why, "the key's name");
	if (out->key.len == 1)
		return refusal_set(why, -EINVAL, "no key has that name");
	out->has_key = true;
	return 0;
}

bool list_ends_in_star(const char *text, size_t len)
{
	size_t back = 0;

	if (len == 0 || text[len - 1] != '*')
		return false;
	if (len == 1)
		return true;
	if (text[len - 2] != '.')
		return false;
	while (back + 2 < len && text[len - 3 - back] == '\\')
		back++;
	return back % 2 == 0;
}

/* "LABELS.*" or "*": what stands before the star. */
static int parse_labels(struct word word, struct list_line *out,
			struct refusal *why)
{
	word.len = word.len > 1 ? word.len - 2 : 0;
	out->is_prefix = true;
	if (word.len == 0) {
		name_root(&out->name);
		return 0;
	}
	return parse_name(&word, NULL, &out->name, why);
}

static int parse_owner(const struct word *word, const struct name *zone,
		       struct list_line *out, struct refusal *why)
{
	struct word bare = *word;
	int r;

	out->has_name = true;
	out->is_prefix = false;
	if (bare.len > 1 && bare.text[bare.len - 1] == '.')
		bare.len--;
	if (list_ends_in_star(bare.text, bare.len))
		r = parse_labels(bare, out, why);
	else
		r = parse_name(word, zone, &out->name, why);
	if (r < 0)
		return r;
	if (zone && !out->is_prefix && !name_is_under(&out->name, zone))
		return refusal_set(why, -EINVAL, "it is not in the zone");
	return 0;
}

static int add_type(struct list_line *out, uint16_t type, struct refusal *why)
{
	for (unsigned i = 0; i < out->types; i++)
		if (out->type[i] == type)
			return 0;
	if (out->types == LIST_TYPES_MAX)
		return refusal_set(why, -EINVAL, "more than %d types",
				   LIST_TYPES_MAX);
	out->type[out->types++] = type;
	return 0;
}

static int parse_types(const struct word *word, struct list_line *out,
		       struct refusal *why)
{
	const char *at = word->text, *end = word->text + word->len, *comma;
	uint16_t type;
	int r = 0;

	for (; r == 0 && at <= end; at = comma + 1) {
		comma = memchr(at, ',', (size_t)(end - at));
		if (!comma)
			comma = end;
		if (rr_type_from_text(at, (size_t)(comma - at), &type) < 0 ||
		    !rr_type_is_data(type))
			return refusal_set(why, -EINVAL,
					   "not a list of types such as A,TXT");
		r = add_type(out, type, why);
	}
	return r;
}

/* ---- Lines ---- */

static int read_peer(enum list_format format, const struct words *words,
		     struct list_line *out, struct refusal *why)
{
	bool may_any = format == LIST_OF_SECONDARIES;

	if (words->count > 2)
		return refusal_set(why, -EINVAL,
				   "more than an address and a key");
	if (may_any && is_word(&words->word[0], "any"))
		out->is_any = true;
	else if (parse_address(&words->word[0], out) < 0 ||
		 (!may_any && out->is_network))
		return refusal_set(why, -EINVAL, "not an %s",
				   may_any ? "address, network or \"any\""
					   : "address");
	return words->count > 1 ? parse_key(&words->word[1], out, why) : 0;
}

static int read_update(const struct words *words, const struct name *zone,
		       struct list_line *out, struct refusal *why)
{
	int r = parse_address(&words->word[0], out);

	if (words->count > WORDS_MAX)
		return refusal_set(
			why, -EINVAL,
			"more than a key or address, name and types");
	if ((r == 0 && out->address.port) ||
	    (r < 0 && looks_like_address(&words->word[0])))
		return refusal_set(why, -EINVAL, "not an address or network");
	if (r < 0)
		r = parse_key(&words->word[0], out, why);
	if (r == 0 && words->count > 1)
		r = parse_owner(&words->word[1], zone, out, why);
	if (r == 0 && words->count > 2)
		r = parse_types(&words->word[2], out, why);
	return r;
}

static int read_name(const struct words *words, struct list_line *out,
		     struct refusal *why)
{
	if (words->count > 1)
		return refusal_set(why, -EINVAL, "more than a name");
	out->has_name = true;
	return parse_name(&words->word[0], NULL, &out->name, why);
}

static int read_line(enum list_format format, const struct name *zone,
		     const struct words *words, struct list_line *out,
		     struct refusal *why)
{
	out->is_any = out->has_address = out->is_network = false;
	out->has_key = out->has_name = out->is_prefix = false;
	out->types = 0;
	if (format == LIST_OF_NAME)
		return read_name(words, out, why);
	if (format == LIST_OF_UPDATES)
		return read_update(words, zone, out, why);
	return read_peer(format, words, out, why);
}

uint32_t list_line_number(const char *text, size_t at)
{
	uint32_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

int list_line_next(enum list_format format, const struct name *zone,
		   const char *text, size_t len, size_t *at,
		   struct list_line *out, struct refusal *why)
{
	struct words words;
	const char *end;
	size_t start;
	int r;

	do {
		if (*at >= len)
			return -ENOENT;
		start = *at;
		end = memchr(text + start, '\n', len - start);
		*at = end ? (size_t)(end - text) + 1 : len;
		split(text + start, *at - start - (end ? 1 : 0), &words);
	} while (!words.count);
	r = read_line(format, zone, &words, out, why);
	if (r < 0)
		refusal_at_entry(why, list_line_number(text, start),
				 text + start, *at - start);
	return r;
}
