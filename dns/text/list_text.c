// SPDX-License-Identifier: Apache-2.0
/*
 * list_text.c - the canonical text of lists, and adding to it
 */
#include <assert.h>
#include <errno.h>

#include "dns/text/list_layout.h"
#include "dns/wire/rr_type.h"

/* ---- One line ---- */

/* Name text that is no comment and no pattern. */
static int print_name(struct buffer *out, const char *text, size_t len)
{
	bool is_star = list_ends_in_star(text, len);
	int r = 0;

	if (len && text[0] == '#') {
		r = buffer_add_text(out, "\\035");
		text++;
		len--;
	}
	if (r == 0)
		r = buffer_add(out, text, is_star ? len - 1 : len);
	return r == 0 && is_star ? buffer_add_text(out, "\\042") : r;
}

static int print_absolute(struct buffer *out, const struct name *name)
{
	char text[NAME_TEXT_SIZE];
	size_t len = name_to_text(name, text);
	int r;

	if (len < 2)
		return buffer_add(out, text, len);
	/* A star before the last dot is in the last place too. */
	r = print_name(out, text, len - 1);
	return r == 0 ? buffer_add_text(out, ".") : r;
}

/* Nothing in it is to look like an address. */
static int print_key(struct buffer *out, const struct name *key)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	int r = print_absolute(&text, key);

	for (size_t i = 0; r == 0 && i < text.len; i++) {
		if (text.data[i] == ':' || text.data[i] == '/')
			r = buffer_printf(out, "\\%03d", text.data[i]);
		else
			r = buffer_add(out, &text.data[i], 1);
	}
	return r;
}

/* The labels of @name that are not @zone's, without a last dot. */
static int print_relative(struct buffer *out, const struct name *name,
			  const struct name *zone)
{
	struct name labels = *name;
	char text[NAME_TEXT_SIZE];
	size_t len;

	if (name->len == zone->len)
		return buffer_add_text(out, "@");
	labels.len = (uint8_t)(name->len - zone->len + 1);
	labels.wire[labels.len - 1] = 0;
	len = name_to_text(&labels, text);
	return print_name(out, text, len - 1);
}

static int print_prefix(struct buffer *out, const struct name *labels)
{
	struct name root;
	int r = 0;

	name_root(&root);
	if (labels->len > 1)
		r = print_relative(out, labels, &root);
	if (r == 0 && labels->len > 1)
		r = buffer_add_text(out, ".");
	return r == 0 ? buffer_add_text(out, "*") : r;
}

static int print_owner(struct buffer *out, const struct name *zone,
		       const struct list_line *line)
{
	int r = buffer_add_text(out, " ");

	if (r < 0)
		return r;
	if (line->is_prefix)
		return print_prefix(out, &line->name);
	return zone ? print_relative(out, &line->name, zone)
		    : print_absolute(out, &line->name);
}

static int print_address(struct buffer *out, const struct list_line *line)
{
	char text[ADDRESS_TEXT_SIZE];
	size_t len = address_print(&line->address, text);
	char *from = text;

	if (line->address.port)
		return buffer_add(out, text, len);
	/* Without port and brackets. */
	text[len - 2] = '\0';
	if (*from == '[') {
		text[len - 3] = '\0';
		from++;
	}
	if (line->is_network)
		return buffer_printf(out, "%s/%u", from, line->prefix);
	return buffer_add_text(out, from);
}

static int print_who(struct buffer *out, const struct list_line *line)
{
	int r = 0;

	if (line->is_any)
		r = buffer_add_text(out, "any");
	else if (line->has_address)
		r = print_address(out, line);
	if (r == 0 && line->has_key && (line->is_any || line->has_address))
		r = buffer_add_text(out, " ");
	return r == 0 && line->has_key ? print_key(out, &line->key) : r;
}

static int print_types(struct buffer *out, const struct list_line *line)
{
	char text[16];
	int r = 0;

	for (unsigned i = 0; i < line->types && r == 0; i++) {
		rr_type_to_text(line->type[i], text);
		r = buffer_printf(out, "%c%s", i ? ',' : ' ', text);
	}
	return r;
}

int list_line_print(enum list_format format, const struct name *zone,
		    const struct list_line *line, struct buffer *out)
{
	size_t before = out->len;
	int r;

	if (format == LIST_OF_NAME)
		r = print_absolute(out, &line->name);
	else
		r = print_who(out, line);
	if (r == 0 && format == LIST_OF_UPDATES && line->has_name)
		r = print_owner(out, zone, line);
	if (r == 0)
		r = print_types(out, line);
	if (r == 0)
		r = buffer_add_text(out, "\n");
	if (r < 0)
		out->len = before;
	return r;
}

/* ---- Whole texts ---- */

/* Does a line stand among the lines before it, which are all whole? */
static bool is_there(const char *text, size_t len, const char *line,
		     size_t line_len)
{
	const char *at = text, *end;

	for (; at < text + len; at = end + 1) {
		end = memchr(at, '\n', (size_t)(text + len - at));
		assert(end);
		if ((size_t)(end + 1 - at) == line_len &&
		    memcmp(at, line, line_len) == 0)
			return true;
	}
	return false;
}

struct merging {
	enum list_format format;
	const struct name *zone;
	struct buffer *out;
	size_t start; /* of @out, where ours begins */
	unsigned lines;
};

static int judge_size(const struct merging *merging, struct refusal *why)
{
	if (merging->format == LIST_OF_NAME && merging->lines > 1)
		return refusal_set(why, -EINVAL, "more than one name");
	if (merging->lines > LIST_LINES_MAX)
		return refusal_set(why, -EDQUOT, "more than %d lines",
				   LIST_LINES_MAX);
	if (merging->out->len - merging->start > LIST_TEXT_MAX)
		return refusal_set(why, -EDQUOT, "more than %d octets",
				   LIST_TEXT_MAX);
	return 0;
}

static int merge_line(struct merging *merging, const struct list_line *line,
		      struct refusal *why)
{
	struct buffer *out = merging->out;
	size_t before = out->len;
	int r = list_line_print(merging->format, merging->zone, line, out);

	if (r < 0)
		return r;
	if (is_there((char *)out->data + merging->start,
		     before - merging->start, (char *)out->data + before,
		     out->len - before)) {
		out->len = before;
		return 0;
	}
	merging->lines++;
	return judge_size(merging, why);
}

static int merge_text(struct merging *merging, const char *text, size_t len,
		      struct refusal *why)
{
	struct list_line line;
	size_t at = 0, before;
	int r;

	do {
		before = at;
		r = list_line_next(merging->format, merging->zone, text, len,
				   &at, &line, why);
		if (r < 0)
			break;
		r = merge_line(merging, &line, why);
		if (r == -EINVAL || r == -EDQUOT)
			refusal_at_entry(why, list_line_number(text, before),
					 text + before, at - before);
	} while (r == 0);
	return r == -ENOENT ? 0 : r;
}

int list_merge(enum list_format format, const struct name *zone,
	       const char *former, size_t former_len, const char *text,
	       size_t len, struct buffer *out, struct refusal *why)
{
	struct merging merging = {format, zone, out, out->len, 0};
	int r = merge_text(&merging, former, former_len, why);

	if (r == 0)
		r = merge_text(&merging, text, len, why);
	if (r < 0)
		out->len = merging.start;
	return r;
}
