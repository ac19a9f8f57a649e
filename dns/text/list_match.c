// SPDX-License-Identifier: Apache-2.0
/*
 * list_match.c - whom a line speaks of, and of which names
 */
#include "dns/text/list_line.h"

bool list_line_matches(const struct list_line *line,
		       const struct address *client)
{
	unsigned whole = line->prefix / 8, rest = line->prefix % 8;
	uint8_t bits = (uint8_t)(0xff00 >> rest);

	if (line->is_any || !line->has_address)
		return true;
	if (client->kind != line->address.kind ||
	    memcmp(client->ip, line->address.ip, whole) != 0)
		return false;
	return !rest ||
	       ((client->ip[whole] ^ line->address.ip[whole]) & bits) == 0;
}

/* Does @name begin with the labels, and go on with one, or with the zone? */
static bool has_labels(const struct list_line *line, const struct name *zone,
		       const struct name *name)
{
	size_t labels = line->name.len - 1u;
	struct name rest;

	if (name->len <= labels)
		return false;
	rest.len = (uint8_t)(name->len - labels);
	memcpy(rest.wire, name->wire + labels, rest.len);
	if (!zone ? rest.len == 1 : !name_is_under(&rest, zone))
		return false;
	/* The same octets, and so the same labels. */
	for (size_t i = 0; i < labels; i++)
		if (name_lower_octet(name->wire[i]) != line->name.wire[i])
			return false;
	return true;
}

bool list_line_names(const struct list_line *line, const struct name *zone,
		     const struct name *name, uint16_t type)
{
	if (line->has_name &&
	    !(line->is_prefix ? has_labels(line, zone, name)
			      : name_equal(&line->name, name)))
		return false;
	if (!line->types)
		return true;
	for (unsigned i = 0; i < line->types; i++)
		if (line->type[i] == type)
			return true;
	return false;
}
