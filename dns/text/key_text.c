// SPDX-License-Identifier: Apache-2.0
/*
 * key_text.c - TSIG keys as text
 *
 * Nothing of a text goes into a reason: it may be the secret. What was decoded
 * and is not handed out is wiped.
 */
#include <errno.h>
#include <sodium.h>
#include <strings.h>

#include "dns/text/base.h"
#include "dns/text/key_text.h"

#define SECRET_MIN 8 /* octets */

/* A word, a text between quotes, or one of "{};". */
struct token {
	const char *text;
	size_t len;
	bool is_quoted;
};

struct tokens {
	const char *at, *end;
};

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_mark(char c)
{
	return c == '{' || c == '}' || c == ';';
}

/* Blanks, and comments to the end of a line. */
static void skip_space(struct tokens *in)
{
	bool is_comment = false;

	for (; in->at < in->end; in->at++) {
		if (*in->at == '\n')
			is_comment = false;
		else if (*in->at == '#' ||
			 (*in->at == '/' && in->end - in->at > 1 &&
			  in->at[1] == '/'))
			is_comment = true;
		if (!is_comment && !is_space(*in->at))
			return;
	}
}

static bool next_quoted(struct tokens *in, struct token *out)
{
	const char *end =
		memchr(in->at + 1, '"', (size_t)(in->end - in->at - 1));

	if (!end)
		return false;
	*out = (struct token){in->at + 1, (size_t)(end - in->at - 1), true};
	in->at = end + 1;
	return true;
}

/* Return: whether there is one. */
static bool next(struct tokens *in, struct token *out)
{
	skip_space(in);
	if (in->at == in->end)
		return false;
	if (*in->at == '"')
		return next_quoted(in, out);
	*out = (struct token){in->at, 1, false};
	if (is_mark(*in->at++))
		return true;
	while (in->at < in->end && !is_space(*in->at) && !is_mark(*in->at) &&
	       *in->at != '"')
		in->at++;
	out->len = (size_t)(in->at - out->text);
	return true;
}

static bool is_token(const struct token *token, const char *text)
{
	return token->len == strlen(text) && !token->is_quoted &&
	       strncasecmp(token->text, text, token->len) == 0;
}

static bool skip(struct tokens *in, const char *text)
{
	struct token token;

	return next(in, &token) && is_token(&token, text);
}

/* What a text says of a key. */
struct parts {
	struct token name, algorithm, secret; /* text NULL: not said */
};

static const char no_form[] =
	"neither a key as tsig-keygen prints it, nor [ALGORITHM:]NAME:SECRET, "
	"nor an algorithm";

/* `algorithm NAME;` and `secret "...";` in any order, up to the brace. */
static bool read_clauses(struct tokens *in, struct parts *out)
{
	struct token clause, *value;

	while (next(in, &clause) && !is_token(&clause, "}")) {
		if (is_token(&clause, "algorithm"))
			value = &out->algorithm;
		else if (is_token(&clause, "secret"))
			value = &out->secret;
		else
			return false;
		if (value->text || !next(in, value) || !skip(in, ";"))
			return false;
	}
	return out->secret.text && skip(in, ";");
}

static int split_block(struct tokens *in, struct parts *out,
		       struct refusal *why)
{
	struct token left;

	if (!next(in, &out->name) || !skip(in, "{") || !read_clauses(in, out))
		return refusal_set(why, -EINVAL, "%s", no_form);
	if (next(in, &left))
		return refusal_set(why, -EINVAL, "more than one key");
	return 0;
}

/* "[ALGORITHM:]NAME:SECRET"; no colon is in base 64. */
static void split_colons(const struct token *word, const char *first,
			 struct parts *out)
{
	const char *end = word->text + word->len;
	const char *last = memrchr(word->text, ':', word->len);

	out->secret = (struct token){last + 1, (size_t)(end - last - 1), true};
	if (first != last) {
		out->algorithm = (struct token){
			word->text, (size_t)(first - word->text), false};
		first++;
	} else {
		first = word->text;
	}
	out->name = (struct token){first, (size_t)(last - first), false};
}

static int split(const char *text, size_t len, struct parts *out,
		 struct refusal *why)
{
	struct tokens in = {text, text + len};
	struct token word, left;
	const char *colon;

	*out = (struct parts){0};
	if (!next(&in, &word))
		return in.at == in.end
			       ? 0
			       : refusal_set(why, -EINVAL, "%s", no_form);
	if (is_token(&word, "key"))
		return split_block(&in, out, why);
	colon = memchr(word.text, ':', word.len);
	if (word.is_quoted || next(&in, &left))
		return refusal_set(why, -EINVAL, "%s", no_form);
	if (colon)
		split_colons(&word, colon, out);
	else
		out->algorithm = word;
	return 0;
}

static int take_name(const struct token *text, const struct name *name,
		     struct refusal *why)
{
	struct name root, said;

	if (!text->text)
		return 0;
	name_root(&root);
	if (name_from_text(text->text, text->len, &root, &said, NULL) < 0 ||
	    !name_equal(&said, name))
		return refusal_set(why, -EINVAL,
				   "the key in it has another name than the "
				   "file");
	return 0;
}

static int take_algorithm(const struct parts *parts, enum hmac_kind *out,
			  struct refusal *why)
{
	const struct token *text = &parts->algorithm;

	*out = HMAC_SHA256;
	if (!text->text)
		return 0;
	*out = hmac_kind_of(text->text, text->len);
	if (*out != HMAC_NONE)
		return 0;
	/* A text without any form is taken for one, and may be a secret. */
	if (!parts->name.text)
		return refusal_set(why, -EINVAL, "%s", no_form);
	return refusal_set(why, -EINVAL,
			   "the algorithm is none of hmac-sha1, -sha224, "
			   "-sha256, -sha384 and -sha512");
}

static void wipe(struct buffer *buffer)
{
	if (buffer->data)
		sodium_memzero(buffer->data, buffer->cap);
	buffer_deinit(buffer);
}

static int take_secret(const struct token *text, uint8_t *secret, size_t size,
		       size_t *len, struct refusal *why)
{
	CLEANUP(wipe) struct buffer octets = {0};
	int r = base64_decode(text->text, text->len, &octets);

	if (r == -EINVAL)
		return refusal_set(why, r, "the secret is not base 64");
	if (r < 0)
		return r;
	if (octets.len < SECRET_MIN || octets.len > size)
		return refusal_set(why, -EINVAL,
				   "the secret has %zu octets, and not %d to "
				   "%zu",
				   octets.len, SECRET_MIN, size);
	memcpy(secret, octets.data, octets.len);
	*len = octets.len;
	return 0;
}

int key_from_text(const char *text, size_t text_len, const struct name *name,
		  enum hmac_kind *kind, uint8_t *secret, size_t size,
		  size_t *len, struct refusal *why)
{
	enum hmac_kind said = HMAC_NONE;
	struct parts parts;
	int r = split(text, text_len, &parts, why);

	if (r == 0)
		r = take_name(&parts.name, name, why);
	if (r == 0)
		r = take_algorithm(&parts, &said, why);
	if (r == 0 && parts.secret.text)
		r = take_secret(&parts.secret, secret, size, len, why);
	if (r < 0)
		return r;
	*kind = said;
	if (!parts.secret.text) {
		/* As long as the hash: RFC 8945, section 8. */
		*len = hmac_size(said);
		randombytes_buf(secret, *len);
	}
	return 0;
}

static int print_name(const struct name *name, struct buffer *out)
{
	char text[NAME_TEXT_SIZE];

	name_to_text(name, text);
	return buffer_printf(out, "key \"%s\" {\n", text);
}

int key_to_text(const struct name *name, enum hmac_kind kind,
		const uint8_t *secret, size_t len, struct buffer *out)
{
	size_t before = out->len;
	int r = print_name(name, out);

	if (r == 0)
		r = buffer_printf(out, "\talgorithm %s;\n\tsecret \"",
				  hmac_name(kind));
	if (r == 0)
		r = base64_encode(secret, len, out);
	if (r == 0)
		r = buffer_add_text(out, "\";\n};\n");
	if (r < 0)
		out->len = before;
	return r;
}
