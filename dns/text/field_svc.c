// SPDX-License-Identifier: Apache-2.0
/*
 * field_svc.c - service parameters (RFC 9460)
 *
 * Not by ldns: it keeps a value's length modulo 65536 and goes by that when it
 * puts parameters in order, and makes too little room for the text of a list
 * of keys, so that a record makes it abort or write where it must not.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "dns/text/base.h"
#include "dns/text/field_kinds.h"
#include "dns/text/rr.h"
#include "dns/text/rr_rules.h"

enum svc_key {
	SVC_MANDATORY = 0,
	SVC_ALPN = 1,
	SVC_NO_DEFAULT_ALPN = 2,
	SVC_PORT = 3,
	SVC_IPV4HINT = 4,
	SVC_ECH = 5,
	SVC_IPV6HINT = 6,
	SVC_DOHPATH = 7,
	SVC_OHTTP = 8,
	SVC_TLS_GROUPS = 9,
	SVC_DOCPATH = 10,
	SVC_PVD = 11,
};

static const char *const key_names[] = {
	[SVC_MANDATORY] = "mandatory",
	[SVC_ALPN] = "alpn",
	[SVC_NO_DEFAULT_ALPN] = "no-default-alpn",
	[SVC_PORT] = "port",
	[SVC_IPV4HINT] = "ipv4hint",
	[SVC_ECH] = "ech",
	[SVC_IPV6HINT] = "ipv6hint",
	[SVC_DOHPATH] = "dohpath", /* RFC 9461 */
	[SVC_OHTTP] = "ohttp",	   /* RFC 9540 */
	/* By IANA's registry. */
	[SVC_TLS_GROUPS] = "tls-supported-groups",
	[SVC_DOCPATH] = "docpath",
	[SVC_PVD] = "pvd",
};

/* --- octets that have a text --- */

/* Strings of at least one octet each. */
static bool are_strings(const uint8_t *value, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (value[at] == 0)
			return false;
		at += 1 + (size_t)value[at];
	}
	return at == len;
}

/* Section 8: keys in strictly increasing order, "mandatory" not among them. */
static bool is_mandatory(const uint8_t *value, size_t len)
{
	uint16_t last = SVC_MANDATORY;
	size_t at;

	if (len == 0 || len % 2)
		return false;
	for (at = 0; at < len; at += 2) {
		if (get_u16(value + at) <= last)
			return false;
		last = get_u16(value + at);
	}
	return true;
}

static bool is_svc_value(uint16_t key, const uint8_t *value, size_t len)
{
	switch (key) {
	case SVC_MANDATORY:
		return is_mandatory(value, len);
	case SVC_ALPN: /* section 7.1.1 */
		return len > 0 && are_strings(value, len);
	case SVC_NO_DEFAULT_ALPN:
	case SVC_OHTTP:
	case SVC_PVD:
		return len == 0;
	case SVC_TLS_GROUPS:
		return len > 0 && len % 2 == 0;
	case SVC_DOCPATH: /* of the root it is empty */
		return are_strings(value, len);
	case SVC_PORT:
		return len == 2;
	case SVC_IPV4HINT:
		return len > 0 && len % 4 == 0;
	case SVC_ECH:
		return len > 0;
	case SVC_IPV6HINT:
		return len > 0 && len % 16 == 0;
	default:
		return true;
	}
}

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
		    !is_svc_value(key, wire + at, value))
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

static int print_key(uint16_t key, struct buffer *out)
{
	return key < ARRAY_SIZE(key_names)
		       ? buffer_add_text(out, key_names[key])
		       : buffer_printf(out, "key%u", key);
}

/* Quoted where a file has a meaning for an octet. */
static int print_string(const uint8_t *value, size_t len, struct buffer *out)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < len && !quoted; i++)
		quoted = value[i] && strchr(" ();", value[i]);
	return field_print_string(value, len, quoted, out);
}

static int add_alpn_octet(uint8_t octet, struct buffer *list)
{
	int r = 0;

	if (octet == ',' || octet == '\\')
		r = buffer_add(list, "\\", 1);
	return r < 0 ? r : buffer_add(list, &octet, 1);
}

/* Appendix A.1: the escapes of a list are inside those of a string. */
static int print_alpn(const uint8_t *value, size_t len, struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer list = {0};
	size_t at, i;
	int r = 0;

	for (at = 0; at < len; at += 1 + (size_t)value[at]) {
		if (at > 0)
			r = buffer_add(&list, ",", 1);
		for (i = 1; r == 0 && i <= value[at]; i++)
			r = add_alpn_octet(value[at + i], &list);
		if (r < 0)
			return r;
	}
	return print_string(list.data, list.len, out);
}

static int print_item(uint16_t key, const uint8_t *item, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN];

	switch (key) {
	case SVC_MANDATORY:
		return print_key(get_u16(item), out);
	case SVC_TLS_GROUPS:
		return buffer_printf(out, "%u", get_u16(item));
	default:
		inet_ntop(key == SVC_IPV4HINT ? AF_INET : AF_INET6, item, text,
			  sizeof(text));
		return buffer_add_text(out, text);
	}
}

/* Items of @size octets each, with commas between them. */
static int print_list(uint16_t key, const uint8_t *value, size_t len,
		      size_t size, struct buffer *out)
{
	size_t at;
	int r = 0;

	for (at = 0; r == 0 && at < len; at += size) {
		if (at > 0)
			r = buffer_add(out, ",", 1);
		if (r == 0)
			r = print_item(key, value + at, out);
	}
	return r;
}

static int print_value(uint16_t key, const uint8_t *value, size_t len,
		       struct buffer *out)
{
	switch (key) {
	case SVC_MANDATORY:
	case SVC_TLS_GROUPS:
		return print_list(key, value, len, 2, out);
	case SVC_ALPN:
	case SVC_DOCPATH:
		return print_alpn(value, len, out);
	case SVC_PORT:
		return buffer_printf(out, "%u", get_u16(value));
	case SVC_IPV4HINT:
		return print_list(key, value, len, 4, out);
	case SVC_ECH:
		return base64_encode(value, len, out);
	case SVC_IPV6HINT:
		return print_list(key, value, len, 16, out);
	default:
		return print_string(value, len, out);
	}
}

int svcparams_print(const struct kind *kind, const uint8_t *wire, size_t len,
		    struct buffer *out)
{
	size_t at, value;
	int r = 0;

	(void)kind;
	for (at = 0; r == 0 && at < len; at += 4 + value) {
		value = get_u16(wire + at + 2);
		if (at > 0)
			r = buffer_add(out, " ", 1);
		if (r == 0)
			r = print_key(get_u16(wire + at), out);
		if (r == 0 && value)
			r = buffer_add(out, "=", 1);
		if (r == 0 && value)
			r = print_value(get_u16(wire + at), wire + at + 4,
					value, out);
	}
	return r;
}

/* --- from text --- */

static int refuse_params(struct field_text *in)
{
	return field_refuse(in, "these are no service parameters, as in "
				"alpn=h2,h3 port=8443");
}

/* Section 2.1: a name, or "key" and a number. */
static bool read_key(struct lexer_token text, uint16_t *out)
{
	static const char generic[] = "key";
	size_t skip = sizeof(generic) - 1;
	uint32_t number;
	uint16_t i;

	for (i = 0; i < ARRAY_SIZE(key_names); i++)
		if (strlen(key_names[i]) == text.len &&
		    memcmp(key_names[i], text.text, text.len) == 0) {
			*out = i;
			return true;
		}
	if (text.len <= skip || text.len > skip + 5 ||
	    memcmp(text.text, generic, skip) != 0)
		return false;
	text.text += skip;
	text.len -= skip;
	if (!token_number(text, UINT16_MAX, &number))
		return false;
	*out = (uint16_t)number;
	return true;
}

/* Takes what is in front of the first comma off; false: it was the last. */
static bool next_item(struct lexer_token *list, struct lexer_token *item)
{
	const char *comma = memchr(list->text, ',', list->len);

	*item = *list;
	if (!comma)
		return false;
	item->len = (size_t)(comma - list->text);
	list->text += item->len + 1;
	list->len -= item->len + 1;
	return true;
}

static int add_u16(uint16_t value, struct buffer *out)
{
	uint8_t wire[2];

	put_u16(wire, value);
	return buffer_add(out, wire, sizeof(wire));
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static int read_groups(struct field_text *in, struct lexer_token list,
		       struct buffer *out)
{
	struct lexer_token item;
	uint32_t group;
	bool more;
	int r;

	do {
		more = next_item(&list, &item);
		if (item.len > 5 || !token_number(item, UINT16_MAX, &group))
			return refuse_params(in);
		r = add_u16((uint16_t)group, out);
	} while (r == 0 && more);
	return r;
}

static int read_mandatory(struct field_text *in, struct lexer_token list,
			  struct buffer *out)
{
	size_t start = out->len;
	struct lexer_token item;
	uint16_t key;
	bool more;
	int r;

	do {
		more = next_item(&list, &item);
		if (!read_key(item, &key))
			return refuse_params(in);
		r = add_u16(key, out);
	} while (r == 0 && more);
	if (r == 0)
		qsort(out->data + start, (out->len - start) / 2, 2,
		      compare_keys);
	return r;
}

static int read_addresses(struct field_text *in, int family,
			  struct lexer_token list, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN];
	struct lexer_token item;
	uint8_t wire[16];
	bool more;
	int r;

	do {
		more = next_item(&list, &item);
		if (!token_copy(item, text, sizeof(text)) ||
		    inet_pton(family, text, wire) != 1)
			return refuse_params(in);
		r = buffer_add(out, wire, family == AF_INET ? 4 : 16);
	} while (r == 0 && more);
	return r;
}

static int read_svc_port(struct field_text *in, struct lexer_token text,
			 struct buffer *out)
{
	uint32_t port;

	if (text.len > 5 || !token_number(text, UINT16_MAX, &port))
		return field_refuse(in, "a port is no number up to 65535");
	return add_u16((uint16_t)port, out);
}

/* Appends one string and its length; steps behind the comma that ends it. */
static int read_alpn_id(struct field_text *in, const struct buffer *list,
			size_t *at, struct buffer *out)
{
	size_t head = out->len++, len;

	for (; *at < list->len && list->data[*at] != ','; ++*at) {
		if (list->data[*at] == '\\') {
			++*at;
			if (*at == list->len ||
			    (list->data[*at] != ',' && list->data[*at] != '\\'))
				return refuse_params(in);
		}
		out->data[out->len++] = list->data[*at];
	}
	len = out->len - head - 1;
	if (len == 0 || len > 255)
		return refuse_params(in);
	out->data[head] = (uint8_t)len;
	++*at;
	return 0;
}

static int read_alpn(struct field_text *in, struct lexer_token text,
		     struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer list = {0};
	int r = add_string(in, text, &list);
	size_t at = 0;

	/* A length is put where a comma was, and before the first string. */
	if (r == 0)
		r = buffer_reserve(out, list.len + 1);
	while (r == 0 && at <= list.len)
		r = read_alpn_id(in, &list, &at, out);
	return r;
}

/* Sections 7.2, 7.3 and 8: no escapes, so that a text is what it says. */
static struct lexer_token without_quotes(struct lexer_token text)
{
	if (text.len >= 2 && text.text[0] == '"' &&
	    text.text[text.len - 1] == '"') {
		text.text++;
		text.len -= 2;
	}
	return text;
}

static int read_value(struct field_text *in, uint16_t key,
		      struct lexer_token text, struct buffer *out)
{
	switch (key) {
	case SVC_MANDATORY:
		return read_mandatory(in, without_quotes(text), out);
	case SVC_ALPN:
	case SVC_DOCPATH:
		return read_alpn(in, text, out);
	case SVC_TLS_GROUPS:
		return read_groups(in, without_quotes(text), out);
	case SVC_PORT:
		return read_svc_port(in, without_quotes(text), out);
	case SVC_IPV4HINT:
		return read_addresses(in, AF_INET, without_quotes(text), out);
	case SVC_ECH:
		return add_base64(in, without_quotes(text), out);
	case SVC_IPV6HINT:
		return read_addresses(in, AF_INET6, without_quotes(text), out);
	default:
		return add_string(in, text, out);
	}
}

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
	if (!read_key(name, &param->key))
		return refuse_params(in);
	param->at = values->len;
	if (equals) {
		token.text += name.len + 1;
		token.len -= name.len + 1;
		r = read_value(in, param->key, token, values);
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
	int r = add_u16(param->key, out);

	if (r == 0)
		r = add_u16((uint16_t)param->len, out);
	if (r == 0 && param->len)
		r = buffer_add(out, values->data + param->at, param->len);
	return r;
}

/* In any order, which is that of the keys in RDATA (section 2.2). */
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
		return refuse_params(in);
	return 0;
}
