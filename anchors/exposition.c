// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

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
	to->common = NULL;
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
int exposition_escape(const char *value, struct buffer *out)
{
	const uint8_t *at = (const uint8_t *)value;
	size_t len;
	int r = 0;

	for (; r == 0 && *at; at += len ? len : 1) {
		len = utf8_len(at);
		if (*at == '\\')
			r = buffer_add_text(out, "\\\\");
		else if (*at == '"')
			r = buffer_add_text(out, "\\\"");
		else if (*at == '\n')
			r = buffer_add_text(out, "\\n");
		else if (len)
			r = buffer_add(out, at, len);
		else
			r = buffer_printf(out, "\\\\x%02x", *at);
	}
	return r;
}

static void add_labels(struct exposition *to,
		       const struct exposition_label *labels, size_t count)
{
	bool any = to->common != NULL;

	if (any || count)
		add_text(to, "{");
	if (any)
		add(to, to->common, to->common_len);
	for (size_t i = 0; i < count; i++) {
		add_text(to, any || i ? "," : "");
		add_text(to, labels[i].name);
		add_text(to, "=\"");
		if (!to->error)
			to->error = exposition_escape(labels[i].value, to->out);
		add_text(to, "\"");
	}
	if (any || count)
		add_text(to, "}");
}

void exposition_common(struct exposition *to, const char *text, size_t len)
{
	to->common = text;
	to->common_len = len;
}

void exposition_sample(struct exposition *to, const char *suffix,
		       const struct exposition_label *labels, size_t count,
		       double value)
{
	/* A count has no exponent, as long as it is exact. */
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

static uint64_t count_of(const struct histogram *histogram, unsigned bucket)
{
	return atomic_load_explicit(&histogram->counts[bucket],
				    memory_order_relaxed);
}

void exposition_histogram(struct exposition *to,
			  const struct histogram *histogram)
{
	uint64_t sum = 0, sum_ns = atomic_load_explicit(&histogram->sum_ns,
							memory_order_relaxed);
	char bound[32];
	struct exposition_label le = {"le", bound};

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += count_of(histogram, i);
		snprintf(bound, sizeof(bound), "%g",
			 (double)histogram_bound_ns(i) / 1e9);
		exposition_sample(to, "_bucket", &le, 1, (double)sum);
	}
	sum += count_of(histogram, HISTOGRAM_BUCKETS);
	strcpy(bound, "+Inf");
	exposition_sample(to, "_bucket", &le, 1, (double)sum);
	exposition_sample(to, "_sum", NULL, 0, (double)sum_ns / 1e9);
	exposition_sample(to, "_count", NULL, 0, (double)sum);
}
