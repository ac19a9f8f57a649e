// SPDX-License-Identifier: Apache-2.0
/*
 * field_lists.c - lists of types, of services and of address prefixes
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "dns/text/field_kinds.h"
#include "dns/text/rr.h"
#include "dns/text/services.h"

/* --- lists of types: RFC 4034, section 4.1.2 --- */

#define WINDOWS	    256
#define WINDOW_SIZE 32

static int add_windows(uint8_t bits[WINDOWS][WINDOW_SIZE], struct buffer *out)
{
	uint8_t head[2];
	unsigned i, size;

	for (i = 0; i < WINDOWS; i++) {
		for (size = WINDOW_SIZE; size > 0; size--)
			if (bits[i][size - 1])
				break;
		if (!size)
			continue;
		head[0] = (uint8_t)i;
		head[1] = (uint8_t)size;
		if (buffer_add(out, head, 2) < 0 ||
		    buffer_add(out, bits[i], size) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* All tokens that are left; ldns would put 262144 of them into 65536 places. */
int bitmap_read(const struct kind *kind, struct field_text *in,
		struct buffer *out)
{
	uint8_t bits[WINDOWS][WINDOW_SIZE] = {0};
	struct lexer_token token;
	uint16_t type;

	while (field_next(in, &token)) {
		if (rr_type_from_text(token.text, token.len, &type) < 0)
			return field_refuse(in, kind->what);
		bits[type >> 8][(type & 255) / 8] |=
			(uint8_t)(0x80 >> (type & 7));
	}
	return add_windows(bits, out);
}

/* Of the ways to write a list, only the one of add_windows() has a text. */
int bitmap_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	size_t at = 0, size;
	int last = -1;

	(void)kind;
	while (at < len) {
		if (len - at < 3 || wire[at] <= last)
			return -EINVAL;
		last = wire[at];
		size = wire[at + 1];
		at += 2;
		if (size == 0 || size > WINDOW_SIZE || size > len - at ||
		    !wire[at + size - 1])
			return -EINVAL;
		at += size;
	}
	return (int)len;
}

/* The types of one window; @start is where the list's text begins. */
static int print_window(const uint8_t *window, size_t start, struct buffer *out)
{
	const uint8_t *bits = window + 2;
	unsigned i, count = 8u * window[1];
	char text[16];
	size_t len;

	for (i = 0; i < count; i++) {
		if (!(bits[i / 8] & 0x80 >> (i & 7)))
			continue;
		len = rr_type_to_text((uint16_t)(window[0] << 8 | i), text);
		if (out->len > start && buffer_add(out, " ", 1) < 0)
			return -ENOMEM;
		if (buffer_add(out, text, len) < 0)
			return -ENOMEM;
	}
	return 0;
}

int bitmap_print(const struct kind *kind, const uint8_t *wire, size_t len,
		 struct buffer *out)
{
	size_t at, start = out->len;
	int r = 0;

	(void)kind;
	for (at = 0; r == 0 && at < len; at += 2 + (size_t)wire[at + 1])
		r = print_window(wire + at, start, out);
	return r;
}

/* --- well known services: RFC 1035, section 3.4.2 --- */

#define PORTS 65536

static bool read_protocol(struct lexer_token token, uint8_t *out)
{
	uint32_t number;

	if (token.len == 3 && strncasecmp(token.text, "tcp", 3) == 0)
		number = IPPROTO_TCP;
	else if (token.len == 3 && strncasecmp(token.text, "udp", 3) == 0)
		number = IPPROTO_UDP;
	else if (!token_number(token, 255, &number))
		return false;
	*out = (uint8_t)number;
	return true;
}

/* Not by ldns, which opens the system's list again for each of them. */
static bool read_port(struct lexer_token token, uint8_t protocol, uint32_t *out)
{
	const char *name = protocol == IPPROTO_UDP ? "udp" : "tcp";
	char text[64];
	uint16_t port;

	if (token_number(token, PORTS - 1, out))
		return true;
	if (!token_copy(token, text, sizeof(text)) ||
	    !services_port(name, text, &port))
		return false;
	*out = port;
	return true;
}

int wks_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	uint8_t bits[1 + PORTS / 8] = {0};
	struct lexer_token token;
	size_t len = 1;
	uint32_t port;

	(void)kind;
	if (!field_next(in, &token) || !read_protocol(token, &bits[0]))
		return field_refuse(
			in, "a protocol, tcp, udp or a number, was expected");
	while (field_next(in, &token)) {
		if (!read_port(token, bits[0], &port))
			return field_refuse(in, "a service is not known");
		bits[1 + port / 8] |= (uint8_t)(0x80 >> (port & 7));
		if (len < 2 + port / 8)
			len = 2 + port / 8;
	}
	return buffer_add(out, bits, len);
}

int wks_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	(void)kind;
	if (len == 0 || len > 1 + PORTS / 8 || (len > 1 && !wire[len - 1]))
		return -EINVAL;
	return (int)len;
}

/* Numbers stay what they are; a port's name may change while it is stored. */
int wks_print(const struct kind *kind, const uint8_t *wire, size_t len,
	      struct buffer *out)
{
	size_t i;
	int r;

	(void)kind;
	r = buffer_printf(out, "%u", wire[0]);
	for (i = 0; r == 0 && i < 8 * (len - 1); i++)
		if (wire[1 + i / 8] & 0x80 >> (i & 7))
			r = buffer_printf(out, " %zu", i);
	return r;
}

/* --- address prefixes: RFC 3123 --- */

struct apl_family {
	int af;
	uint8_t octets;
};

/* Of an address family that has no text, 0 octets. */
static struct apl_family apl_family(uint16_t number)
{
	switch (number) {
	case 1:
		return (struct apl_family){AF_INET, 4};
	case 2:
		return (struct apl_family){AF_INET6, 16};
	default:
		return (struct apl_family){0, 0};
	}
}

/* [!]FAMILY:ADDRESS/PREFIX; all but the address is a digit or a number. */
int apl_read(const struct kind *kind, struct field_text *in, struct buffer *out)
{
	struct lexer_token token, prefix;
	struct apl_family family;
	uint8_t wire[4 + 16] = {0};
	char text[64], *at = text, *slash;
	uint8_t octets;
	uint32_t bits;

	if (!field_next(in, &token) || !token_copy(token, text, sizeof(text)))
		return field_refuse(in, kind->what);
	if (*at == '!') {
		wire[3] = 0x80;
		at++;
	}
	if ((*at != '1' && *at != '2') || at[1] != ':')
		return field_refuse(in, kind->what);
	wire[1] = (uint8_t)(*at - '0');
	family = apl_family(wire[1]);
	slash = strchr(at, '/');
	if (!slash)
		return field_refuse(in, kind->what);
	*slash++ = '\0';
	prefix = (struct lexer_token){slash, strlen(slash)};
	if (inet_pton(family.af, at + 2, wire + 4) != 1 ||
	    !token_number(prefix, 8u * family.octets, &bits))
		return field_refuse(in, kind->what);
	wire[2] = (uint8_t)bits;
	/* Section 4: trailing zero octets are not sent. */
	for (octets = family.octets; octets && !wire[3 + octets];)
		octets--;
	wire[3] |= octets;
	return buffer_add(out, wire, 4 + (size_t)octets);
}

int apl_size(const struct kind *kind, const uint8_t *wire, size_t len)
{
	struct apl_family family;
	size_t octets;

	(void)kind;
	if (len < 4)
		return -EINVAL;
	family = apl_family(get_u16(wire));
	octets = wire[3] & 0x7f;
	if (octets > family.octets || octets > len - 4 ||
	    wire[2] > 8 * family.octets || !family.octets)
		return -EINVAL;
	if (octets && !wire[3 + octets])
		return -EINVAL;
	return (int)(4 + octets);
}
