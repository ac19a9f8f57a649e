// SPDX-License-Identifier: Apache-2.0
/*
 * svc_key.c - the keys of service parameters (RFC 9460), and their values
 */
#include <arpa/inet.h>
#include <errno.h>

#include "dns/text/base.h"
#include "dns/text/field_kinds.h"
#include "dns/text/svc_key.h"

int svc_refuse(struct field_text *in)
{
	return field_refuse(in, "these are no service parameters, as in "
				"alpn=h2,h3 port=8443");
}

/* --- what several keys share --- */

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

/* Items of @size octets each, with commas between them. */
static int print_list(const uint8_t *value, size_t len, size_t size,
		      int (*print_item)(const uint8_t *item,
					struct buffer *out),
		      struct buffer *out)
{
	size_t at;
	int r = 0;

	for (at = 0; r == 0 && at < len; at += size) {
		if (at > 0)
			r = buffer_add(out, ",", 1);
		if (r == 0)
			r = print_item(value + at, out);
	}
	return r;
}

/* --- any octets: section 2.1 --- */

static bool is_any(const uint8_t *value, size_t len)
{
	(void)value, (void)len;
	return true;
}

/* Quoted where a file has a meaning for an octet. */
int svc_print_any(const uint8_t *value, size_t len, struct buffer *out)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < len && !quoted; i++)
		quoted = value[i] && strchr(" ();", value[i]);
	return field_print_string(value, len, quoted, out);
}

/* --- none --- */

static bool is_none(const uint8_t *value, size_t len)
{
	(void)value;
	return len == 0;
}

/* --- lists of keys: section 8 --- */

/* In strictly increasing order, "mandatory" not among them. */
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

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static int read_mandatory(struct field_text *in, struct lexer_token list,
			  struct buffer *out)
{
	size_t start = out->len;
	struct lexer_token item;
	uint16_t key;
	bool more;
	int r;

	list = without_quotes(list);
	do {
		more = next_item(&list, &item);
		if (!svc_key_from_text(item, &key))
			return svc_refuse(in);
		r = add_number(out, key, 2);
	} while (r == 0 && more);
	if (r == 0)
		qsort(out->data + start, (out->len - start) / 2, 2,
		      compare_keys);
	return r;
}

static int print_key(const uint8_t *item, struct buffer *out)
{
	return svc_key_print(get_u16(item), out);
}

static int print_mandatory(const uint8_t *value, size_t len, struct buffer *out)
{
	return print_list(value, len, 2, print_key, out);
}

/* --- ports: section 7.2 --- */

static bool is_port(const uint8_t *value, size_t len)
{
	(void)value;
	return len == 2;
}

static int read_port(struct field_text *in, struct lexer_token text,
		     struct buffer *out)
{
	uint32_t port;

	text = without_quotes(text);
	if (text.len > 5 || !token_number(text, UINT16_MAX, &port))
		return field_refuse(in, "a port is no number up to 65535");
	return add_number(out, port, 2);
}

static int print_number(const uint8_t *item, struct buffer *out)
{
	return buffer_printf(out, "%u", get_u16(item));
}

static int print_port(const uint8_t *value, size_t len, struct buffer *out)
{
	(void)len;
	return print_number(value, out);
}

/* --- addresses: section 7.3 --- */

static bool is_ipv4hint(const uint8_t *value, size_t len)
{
	(void)value;
	return len > 0 && len % 4 == 0;
}

static bool is_ipv6hint(const uint8_t *value, size_t len)
{
	(void)value;
	return len > 0 && len % 16 == 0;
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
			return svc_refuse(in);
		r = buffer_add(out, wire, family == AF_INET ? 4 : 16);
	} while (r == 0 && more);
	return r;
}

static int read_ipv4hint(struct field_text *in, struct lexer_token text,
			 struct buffer *out)
{
	return read_addresses(in, AF_INET, without_quotes(text), out);
}

static int read_ipv6hint(struct field_text *in, struct lexer_token text,
			 struct buffer *out)
{
	return read_addresses(in, AF_INET6, without_quotes(text), out);
}

static int print_ipv4(const uint8_t *item, struct buffer *out)
{
	char text[INET_ADDRSTRLEN];

	return buffer_add_text(out,
			       inet_ntop(AF_INET, item, text, sizeof(text)));
}

static int print_ipv6(const uint8_t *item, struct buffer *out)
{
	char text[INET6_ADDRSTRLEN];

	return buffer_add_text(out,
			       inet_ntop(AF_INET6, item, text, sizeof(text)));
}

static int print_ipv4hint(const uint8_t *value, size_t len, struct buffer *out)
{
	return print_list(value, len, 4, print_ipv4, out);
}

static int print_ipv6hint(const uint8_t *value, size_t len, struct buffer *out)
{
	return print_list(value, len, 16, print_ipv6, out);
}

/* --- keys of Encrypted ClientHello --- */

static bool is_ech(const uint8_t *value, size_t len)
{
	(void)value;
	return len > 0;
}

static int read_ech(struct field_text *in, struct lexer_token text,
		    struct buffer *out)
{
	return add_base64(in, without_quotes(text), out);
}

/* --- numbers of TLS groups --- */

static bool is_groups(const uint8_t *value, size_t len)
{
	(void)value;
	return len > 0 && len % 2 == 0;
}

static int read_groups(struct field_text *in, struct lexer_token list,
		       struct buffer *out)
{
	struct lexer_token item;
	uint32_t group;
	bool more;
	int r;

	list = without_quotes(list);
	do {
		more = next_item(&list, &item);
		if (item.len > 5 || !token_number(item, UINT16_MAX, &group))
			return svc_refuse(in);
		r = add_number(out, group, 2);
	} while (r == 0 && more);
	return r;
}

static int print_groups(const uint8_t *value, size_t len, struct buffer *out)
{
	return print_list(value, len, 2, print_number, out);
}

/* --- all --- */

static const struct svc_key keys[] = {
	[SVC_MANDATORY] = {"mandatory", is_mandatory, read_mandatory,
			   print_mandatory},
	[SVC_ALPN] = {"alpn", svc_is_alpn, svc_strings_read, svc_strings_print},
	[SVC_NO_DEFAULT_ALPN] = {"no-default-alpn", is_none, add_string,
				 svc_print_any},
	[3] = {"port", is_port, read_port, print_port},
	[4] = {"ipv4hint", is_ipv4hint, read_ipv4hint, print_ipv4hint},
	[5] = {"ech", is_ech, read_ech, base64_encode},
	[6] = {"ipv6hint", is_ipv6hint, read_ipv6hint, print_ipv6hint},
	/* RFC 9461 */
	[SVC_DOHPATH] = {"dohpath", is_any, add_string, svc_print_any},
	/* RFC 9540 */
	[8] = {"ohttp", is_none, add_string, svc_print_any},
	/* By IANA's registry; a docpath is empty where it is the root. */
	[9] = {"tls-supported-groups", is_groups, read_groups, print_groups},
	[10] = {"docpath", svc_are_strings, svc_strings_read,
		svc_strings_print},
	[11] = {"pvd", is_none, add_string, svc_print_any},
};

static const struct svc_key other_key = {NULL, is_any, add_string,
					 svc_print_any};

const struct svc_key *svc_key(uint16_t number)
{
	return number < ARRAY_SIZE(keys) ? &keys[number] : &other_key;
}

bool svc_key_from_text(struct lexer_token text, uint16_t *out)
{
	static const char generic[] = "key";
	size_t skip = sizeof(generic) - 1;
	uint32_t number;
	uint16_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].name) == text.len &&
		    memcmp(keys[i].name, text.text, text.len) == 0) {
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

int svc_key_print(uint16_t number, struct buffer *out)
{
	const char *name = svc_key(number)->name;

	return name ? buffer_add_text(out, name)
		    : buffer_printf(out, "key%u", number);
}
