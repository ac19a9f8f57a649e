// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "anchors/exposition.h"

static void add(struct exposition *to, const void *data, size_t len)
{
	if (!to->error)
		to->error = buffer_add(to->out, data, len);
}

static void add_text(struct exposition *to, const char *text)
{
	add(to, text, strlen(text));
}

void exposition_family(struct exposition *to, const char *name,
		       const char *type, const char *help)
{
	to->family = name;
	if (!to->error)
		to->error =
			buffer_printf(to->out, "# HELP %s %s\n# TYPE %s %s\n",
				      name, help, name, type);
}

/*
 * Octets of the UTF-8 sequence that @text begins with; 0: it begins with none
 * (RFC 3629, section 4).
 */
static size_t utf8_len(const uint8_t *text)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (text[0] < 0x80)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4)
		return 0;
	len = text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	if (text[0] == 0xe0)
		low = 0xa0;
	else if (text[0] == 0xed)
		high = 0x9f;
	else if (text[0] == 0xf0)
		low = 0x90;
	else if (text[0] == 0xf4)
		high = 0x8f;
	for (size_t i = 1; i < len; i++) {
		if (text[i] < low || text[i] > high)
			return 0;
		low = 0x80;
		high = 0xbf;
	}
	return len;
}

/*
 * The format wants UTF-8, and a file name is any octets. What is none becomes
 * \xNN; its backslash is doubled, as each one is.
 */
static void add_value(struct exposition *to, const char *value)
{
	const uint8_t *at = (const uint8_t *)value;
	size_t len;

	for (; *at; at += len ? len : 1) {
		len = utf8_len(at);
		if (*at == '\\')
			add_text(to, "\\\\");
		else if (*at == '"')
			add_text(to, "\\\"");
		else if (*at == '\n')
			add_text(to, "\\n");
		else if (len)
			add(to, at, len);
		else if (!to->error)
			to->error = buffer_printf(to->out, "\\\\x%02x", *at);
	}
}

static void add_labels(struct exposition *to,
		       const struct exposition_label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add_text(to, i ? "," : "{");
		add_text(to, labels[i].name);
		add_text(to, "=\"");
		add_value(to, labels[i].value);
		add_text(to, "\"");
	}
	if (count)
		add_text(to, "}");
}

void exposition_sample(struct exposition *to, const char *suffix,
		       const struct exposition_label *labels, size_t count,
		       double value)
{
	/* Counts without an exponent, as long as they are exact. */
	int digits = floor(value) == value && fabs(value) < 0x1p53 ? 16 : 15;

	add_text(to, to->family);
	if (suffix)
		add_text(to, suffix);
	add_labels(to, labels, count);
	if (!to->error)
		to->error = buffer_printf(to->out, " %.*g\n", digits, value);
}

void exposition_single(struct exposition *to, const char *name,
		       const char *type, const char *help, double value)
{
	exposition_family(to, name, type, help);
	exposition_sample(to, NULL, NULL, 0, value);
}
