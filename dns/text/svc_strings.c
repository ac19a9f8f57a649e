// SPDX-License-Identifier: Apache-2.0
/*
 * svc_strings.c - lists of strings as values of service parameters: RFC 9460,
 * section 7.1 and appendix A.1
 */
#include <errno.h>

#include "dns/text/field_kinds.h"
#include "dns/text/svc_key.h"

/* Strings of at least one octet each. */
bool svc_are_strings(const uint8_t *value, size_t len)
{
	size_t at = 0;

	while (at < len) {
		if (value[at] == 0)
			return false;
		at += 1 + (size_t)value[at];
	}
	return at == len;
}

/* Section 7.1.1: one at least. */
bool svc_is_alpn(const uint8_t *value, size_t len)
{
	return len > 0 && svc_are_strings(value, len);
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
				return svc_refuse(in);
		}
		out->data[out->len++] = list->data[*at];
	}
	len = out->len - head - 1;
	if (len == 0 || len > 255)
		return svc_refuse(in);
	out->data[head] = (uint8_t)len;
	++*at;
	return 0;
}

int svc_strings_read(struct field_text *in, struct lexer_token text,
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

static int add_alpn_octet(uint8_t octet, struct buffer *list)
{
	int r = 0;

	if (octet == ',' || octet == '\\')
		r = buffer_add(list, "\\", 1);
	return r < 0 ? r : buffer_add(list, &octet, 1);
}

/* Appendix A.1: the escapes of a list are inside those of a string. */
int svc_strings_print(const uint8_t *value, size_t len, struct buffer *out)
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
	return svc_print_any(list.data, list.len, out);
}
