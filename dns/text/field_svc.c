// SPDX-License-Identifier: Apache-2.0
/*
 * field_svc.c - service parameters (RFC 9460)
 *
 * Not by ldns: it keeps a value's length modulo 65536 and goes by that when it
 * puts parameters in order, and makes too little room for the text of a list
 * of keys, so that a record makes it abort or write where it must not.
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/field_kinds.h"
#include "dns/text/rr.h"
#include "dns/text/rr_rules.h"
#include "dns/text/svc_key.h"

/* Section 2.2: keys in strictly increasing order, up to the RDATA's end. */
int svcparams_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	size_t at = 0, value;
	int last = -1;
	uint16_t key;

	(void)kind;
	if (len == 0)
		return -EINVAL;
	while (at < len) {
		if (len - at < 4)
			return -EINVAL;
		key = get_u16(wire + at);
		value = get_u16(wire + at + 2);
		at += 4;
		if (key <= last || value > len - at ||
		    !svc_key(key)->is_value(wire + at, value))
			return -EINVAL;
		last = key;
		at += value;
	}
	return (int)len;
}

/* --- what one parameter demands of another --- */

/* The value of a key in parameters that are well-formed; NULL: not there. */
static const uint8_t *find_value(const uint8_t *params, size_t len,
				 uint16_t key, size_t *out)
{
	size_t at = 0;

	for (; at < len; at += 4 + *out) {
		*out = get_u16(params + at + 2);
		if (get_u16(params + at) == key)
			return params + at + 4;
	}
	return NULL;
}

static bool has_key(const uint8_t *params, size_t len, uint16_t key)
{
	size_t value;

	return find_value(params, len, key, &value) != NULL;
}

/* Section 8. Both lists are in order, so one walk compares them. */
static bool has_mandatory(const uint8_t *params, size_t len)
{
	size_t value, at = 0, i;
	const uint8_t *keys = find_value(params, len, SVC_MANDATORY, &value);

	for (i = 0; keys && i < value; i += 2) {
		while (at < len && get_u16(params + at) < get_u16(keys + i))
			at += 4 + (size_t)get_u16(params + at + 2);
		if (at >= len || get_u16(params + at) != get_u16(keys + i))
			return false;
	}
	return true;
}

/* RFC 9461, section 5: a relative URI template with a variable "dns". */
static bool is_dohpath(const uint8_t *path, size_t len)
{
	static const char variable[] = "{?dns}";

	return len > 0 && path[0] == '/' &&
	       memmem(path, len, variable, strlen(variable)) != NULL;
}

const char *svc_broken_rule(const uint8_t *params, size_t len)
{
	size_t value;
	const uint8_t *path = find_value(params, len, SVC_DOHPATH, &value);

	if (!has_mandatory(params, len))
		return "mandatory= names a key that is not there";
	if (has_key(params, len, SVC_NO_DEFAULT_ALPN) &&
	    !has_key(params, len, SVC_ALPN))
		return "no-default-alpn is nothing without alpn=";
	if (path && !is_dohpath(path, value))
		return "dohpath= is no path with {?dns} in it, as "
		       "/dns-query{?dns}";
	return NULL;
}

/* --- to text --- */

int svcparams_print(const struct kind *kind, const uint8_t *wire, size_t len,
		    struct buffer *out)
{
	size_t at, value;
	uint16_t key;
	int r = 0;

	(void)kind;
	for (at = 0; r == 0 && at < len; at += 4 + value) {
		key = get_u16(wire + at);
		value = get_u16(wire + at + 2);
		assert(len - at >= 4 + value);
		if (at > 0)
			r = buffer_add(out, " ", 1);
		if (r == 0)
			r = svc_key_print(key, out);
		if (r == 0 && value)
			r = buffer_add(out, "=", 1);
		if (r == 0 && value)
			r = svc_key(key)->print(wire + at + 4, value, out);
	}
	return r;
}

/* --- from text --- */

/* A parameter of the text; its value lies among those of the others. */
struct param {
	uint16_t key;
	size_t at, len;
};

static int read_param(struct field_text *in, struct lexer_token token,
		      struct param *param, struct buffer *values)
{
	const char *equals = memchr(token.text, '=', token.len);
	struct lexer_token name = token;
	int r = 0;

	if (equals)
		name.len = (size_t)(equals - token.text);
	if (!svc_key_from_text(name, &param->key))
		return svc_refuse(in);
	param->at = values->len;
	if (equals) {
		token.text += name.len + 1;
		token.len -= name.len + 1;
		r = svc_key(param->key)->read(in, token, values);
	}
	param->len = values->len - param->at;
	if (r == 0 && values->len > RR_RDATA_SIZE)
		return field_refuse(
			in, "service parameters are above 65535 octets");
	return r;
}

static int compare_params(const void *a, const void *b)
{
	const struct param *one = a, *other = b;

	return one->key - other->key;
}

/* Section 2.1; @params are in order. */
static bool has_double(const struct buffer *params)
{
	const struct param *param = (const void *)params->data;
	size_t count = params->len / sizeof(*param), i;

	for (i = 1; i < count; i++)
		if (param[i].key == param[i - 1].key)
			return true;
	return false;
}

static int add_param(const struct param *param, const struct buffer *values,
		     struct buffer *out)
{
	int r = add_number(out, param->key, 2);

	assert(param->at + param->len <= values->len);

	if (r == 0)
		r = add_number(out, (uint32_t)param->len, 2);
	if (r == 0 && param->len)
		r = buffer_add(out, values->data + param->at, param->len);
	return r;
}

/* Text has parameters in any order, RDATA in that of the keys (section 2.2). */
int svcparams_read(const struct kind *kind, struct field_text *in,
		   struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer params = {0}, values = {0};
	size_t start = out->len, count = 0, i;
	struct lexer_token token;
	struct param param;
	int r = 0;

	while (r == 0 && field_next(in, &token)) {
		r = read_param(in, token, &param, &values);
		if (r == 0)
			r = buffer_add(&params, &param, sizeof(param));
		count++;
	}
	if (r < 0)
		return r;
	if (count)
		qsort(params.data, count, sizeof(param), compare_params);
	if (has_double(&params))
		return field_refuse(in, "a key is there twice");
	for (i = 0; r == 0 && i < count; i++) {
		memcpy(&param, params.data + i * sizeof(param), sizeof(param));
		r = add_param(&param, &values, out);
	}
	if (r < 0)
		return r;
	if (svcparams_size(kind, out->data + start, out->len - start) < 0)
		return svc_refuse(in);
	return 0;
}
