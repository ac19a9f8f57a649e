// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "dns/wire/util.h"
#include "fs/daemon/log_text.h"

/*
 * Octets of the character that @text begins with; 0: it begins with none, or
 * with a control character. That is RFC 3629, section 4, but for U+0080 to
 * U+009F, which a terminal takes for controls.
 */
static size_t character_len(const char *text)
{
	static const struct {
		uint8_t first, last; /* octet */
		uint8_t least, most; /* the second octet, where there is one */
		uint8_t len;
	} forms[] = {
		{0x20, 0x7e, 0, 0, 1},	     {0xc2, 0xc2, 0xa0, 0xbf, 2},
		{0xc3, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
		{0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
		{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	const uint8_t *at = (const uint8_t *)text;
	size_t i = 0, len = 1;

	while (i < ARRAY_SIZE(forms) &&
	       (at[0] < forms[i].first || at[0] > forms[i].last))
		i++;
	if (i == ARRAY_SIZE(forms))
		return 0;
	if (forms[i].len > 1 &&
	    (at[1] < forms[i].least || at[1] > forms[i].most))
		return 0;
	/* A string that ends within one has its NUL there. */
	while (len < forms[i].len && (len == 1 || (at[len] & 0xc0) == 0x80))
		len++;
	return len == forms[i].len ? len : 0;
}

size_t log_text_escape(const char *text, char *out, size_t size)
{
	size_t len = 0;

	while (*text && len + 4 < size) {
		size_t whole = character_len(text);

		if (whole) {
			memcpy(out + len, text, whole);
			len += whole;
			text += whole;
		} else {
			len += (size_t)snprintf(out + len, size - len, "\\%03u",
						(unsigned char)*text++);
		}
	}
	return len;
}
