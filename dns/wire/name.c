// SPDX-License-Identifier: Apache-2.0
/*
 * name.c - domain names in their four forms
 *
 * Length octets never exceed 63 and no letter is below 65, so lower-casing
 * and comparing may run over whole wire forms without looking at labels.
 */
#include <assert.h>
#include <errno.h>

#include "dns/wire/escape.h"
#include "dns/wire/name.h"

_Static_assert(NAME_TEXT_SIZE <= REFUSAL_TEXT_SIZE, "a refusal holds a name");

static const char label_empty[] = "a name has an empty label";
static const char label_too_long[] = "a label is longer than 63 octets";
static const char name_too_long[] = "a name is longer than 255 octets";
static const char escape_broken[] =
	"an escape is neither \\X nor \\DDD up to \\255";
static const char origin_missing[] =
	"\"@\" has no meaning yet: write $ORIGIN first, or a zone's file into "
	"zones/NAME/records; the root is '.'";
static const char octet_bare[] =
	"a name has a blank, a control octet or one of \"();, not escaped";

void name_root(struct name *out)
{
	out->len = 1;
	out->wire[0] = 0;
}

/*
 * A name that is being read. Its last octet stands where the length of the
 * current label goes, and is the root's zero once no label follows.
 */
struct building {
	struct name name;
	size_t label; /* offset of the current label's length octet */
};

static const char *add_octet(struct building *b, uint8_t octet)
{
	if (b->name.len - b->label > NAME_LABEL_SIZE)
		return label_too_long;
	/* One octet stays free for the next label's length or the root. */
	if (b->name.len >= NAME_WIRE_SIZE - 1)
		return name_too_long;
	b->name.wire[b->name.len++] = octet;
	return NULL;
}

static const char *end_label(struct building *b)
{
	size_t len = b->name.len - b->label - 1;

	if (len == 0)
		return label_empty;
	b->name.wire[b->label] = (uint8_t)len;
	b->label = b->name.len;
	b->name.wire[b->name.len++] = 0;
	return NULL;
}

static const char *end_relative(struct building *b, const struct name *origin)
{
	const char *why = end_label(b);

	if (why)
		return why;
	if (b->label + origin->len > NAME_WIRE_SIZE)
		return name_too_long;
	memcpy(b->name.wire + b->label, origin->wire, origin->len);
	b->name.len = (uint8_t)(b->label + origin->len);
	return NULL;
}

/* Presentation format never holds these without an escape. */
static bool is_never_bare(uint8_t octet)
{
	return octet <= ' ' || octet == 0x7f || octet == '"' || octet == '(' ||
	       octet == ')' || octet == ';';
}

static const char *read_labels(struct building *b, const char *text, size_t len)
{
	const char *why = NULL;
	size_t at = 0, taken;
	uint8_t octet;

	while (at < len && !why) {
		octet = (uint8_t)text[at++];
		if (octet == '.') {
			why = end_label(b);
			continue;
		}
		if (octet == '\\') {
			taken = escape_read(text + at, len - at, &octet);
			if (!taken)
				return escape_broken;
			at += taken;
		} else if (is_never_bare(octet)) {
			return octet_bare;
		}
		why = add_octet(b, octet);
	}
	return why;
}

int name_from_text(const char *text, size_t len, const struct name *origin,
		   struct name *out, struct refusal *why)
{
	const char *reason;
	struct building b;

	if (len == 1 && text[0] == '@') {
		if (!origin)
			return refusal_set(why, -EINVAL, "%s", origin_missing);
		*out = *origin;
		return 0;
	}
	if (len == 1 && text[0] == '.') {
		name_root(out);
		return 0;
	}

	b.name.len = 1;
	b.name.wire[0] = 0;
	b.label = 0;
	reason = read_labels(&b, text, len);
	/* A label is open, or the text is empty: the origin ends the name. */
	if (!reason && (b.name.len - b.label > 1 || len == 0))
		reason = origin ? end_relative(&b, origin) : end_label(&b);
	if (reason)
		return refusal_set(why, -EINVAL, "%s", reason);

	assert(b.name.len && b.name.wire[b.name.len - 1] == 0);
	out->len = b.name.len;
	memcpy(out->wire, b.name.wire, b.name.len);
	return 0;
}

static char *put_octet(char *at, uint8_t octet, bool is_file)
{
	switch (octet) {
	case '.':
	case '"':
	case ';':
	case '(':
	case ')':
	case '\\':
	case '@':
	case '$':
		*at++ = '\\';
		break;
	case '/':
		if (is_file)
			return escape_put(at, octet);
		break;
	default:
		if (octet <= ' ' || octet >= 0x7f)
			return escape_put(at, octet);
	}
	*at++ = (char)octet;
	return at;
}

static size_t put_labels(const struct name *name, char *out, bool is_file)
{
	const uint8_t *wire = name->wire;
	char *at = out;
	unsigned i;

	for (; wire[0]; wire += 1 + wire[0]) {
		for (i = 1; i <= wire[0]; i++)
			at = put_octet(at, wire[i], is_file);
		*at++ = '.';
	}
	*at = '\0';
	assert(at - out < NAME_TEXT_SIZE);
	return (size_t)(at - out);
}

size_t name_to_text(const struct name *name, char out[NAME_TEXT_SIZE])
{
	if (name->len == 1) {
		memcpy(out, ".", 2);
		return 1;
	}
	return put_labels(name, out, false);
}

size_t name_to_file(const struct name *name, char out[NAME_TEXT_SIZE])
{
	if (name->len == 1) {
		memcpy(out, "@", 2);
		return 1;
	}
	return put_labels(name, out, true);
}

int name_from_file(const char *file, struct name *out, struct refusal *why)
{
	struct name root;
	int r;

	name_root(&root);
	r = name_from_text(file, strlen(file), &root, out, why);
	if (r < 0)
		return r;
	name_lower(out);
	return 0;
}

int name_from_wire(const uint8_t *wire, size_t len, struct name *out)
{
	size_t limit = len < NAME_WIRE_SIZE ? len : NAME_WIRE_SIZE;
	size_t at = 0;

	while (at < limit && wire[at] != 0) {
		if (wire[at] > NAME_LABEL_SIZE)
			return -EINVAL;
		at += 1 + (size_t)wire[at];
	}
	if (at >= limit)
		return -EINVAL;
	at++;
	out->len = (uint8_t)at;
	memcpy(out->wire, wire, at);
	return (int)at;
}

void name_lower(struct name *name)
{
	unsigned i;

	for (i = 0; i < name->len; i++)
		name->wire[i] = name_lower_octet(name->wire[i]);
}

static bool wire_equal(const uint8_t *a, const uint8_t *b, size_t len)
{
	size_t i;

	/* Most names are written in one way everywhere. */
	if (memcmp(a, b, len) == 0)
		return true;
	for (i = 0; i < len; i++) {
		if (name_lower_octet(a[i]) != name_lower_octet(b[i]))
			return false;
	}
	return true;
}

bool name_label_equal(const uint8_t *a, const uint8_t *b)
{
	return a[0] == b[0] && wire_equal(a + 1, b + 1, a[0]);
}

bool name_equal(const struct name *a, const struct name *b)
{
	return a->len == b->len && wire_equal(a->wire, b->wire, a->len);
}

bool name_is_under(const struct name *name, const struct name *ancestor)
{
	size_t at = 0, above;

	if (name->len < ancestor->len)
		return false;
	above = (size_t)(name->len - ancestor->len);
	while (at < above)
		at += 1 + (size_t)name->wire[at];
	/* Past it: the ancestor would begin in the middle of a label. */
	return at == above &&
	       wire_equal(name->wire + at, ancestor->wire, ancestor->len);
}

unsigned name_labels(const struct name *name)
{
	unsigned labels = 0;
	size_t at;

	for (at = 0; name->wire[at]; at += 1 + (size_t)name->wire[at])
		labels++;
	return labels;
}

void name_ancestor(const struct name *name, unsigned labels, struct name *out)
{
	size_t at = 0;

	while (labels--)
		at += 1 + (size_t)name->wire[at];
	assert(at < name->len);
	out->len = (uint8_t)(name->len - at);
	memmove(out->wire, name->wire + at, out->len);
}

static uint8_t *put_key_label(uint8_t *at, const uint8_t *label)
{
	unsigned i;
	uint8_t octet;

	for (i = 1; i <= label[0]; i++) {
		octet = name_lower_octet(label[i]);
		if (octet > 0x01) {
			*at++ = octet;
		} else {
			*at++ = 0x01;
			*at++ = (uint8_t)(octet + 1);
		}
	}
	*at++ = 0x00;
	return at;
}

/* @ends: as name_to_key_ends(); or NULL */
static inline unsigned put_key(const struct name *name, uint8_t *out,
			       uint16_t *ends, size_t *len)
{
	uint8_t offsets[NAME_LABELS_MAX];
	unsigned labels = 0;
	uint8_t *at = out;
	size_t offset;

	for (offset = 0; name->wire[offset];
	     offset += 1 + (size_t)name->wire[offset])
		offsets[labels++] = (uint8_t)offset;
	assert(labels <= NAME_LABELS_MAX && offset == name->len - 1u);
	for (unsigned i = labels; i-- > 0;) {
		at = put_key_label(at, name->wire + offsets[i]);
		if (ends)
			ends[labels - i] = (uint16_t)(at - out);
	}
	assert(at - out <= NAME_KEY_SIZE);
	*len = (size_t)(at - out);
	return labels;
}

size_t name_to_key(const struct name *name, uint8_t out[NAME_KEY_SIZE])
{
	size_t len;

	put_key(name, out, NULL, &len);
	return len;
}

unsigned name_to_key_ends(const struct name *name, uint8_t out[NAME_KEY_SIZE],
			  uint16_t ends[NAME_LABELS_MAX + 1])
{
	size_t len;

	ends[0] = 0;
	return put_key(name, out, ends, &len);
}

/* Takes one label off a key; returns its octets in @key, or -EINVAL. */
static int read_key_label(const uint8_t *key, size_t len,
			  uint8_t label[1 + NAME_LABEL_SIZE])
{
	size_t at = 0;
	uint8_t octet;

	label[0] = 0;
	while (at < len && key[at] != 0x00) {
		octet = key[at++];
		if (octet == 0x01) {
			if (at == len || (key[at] != 0x01 && key[at] != 0x02))
				return -EINVAL;
			octet = (uint8_t)(key[at++] - 1);
		}
		if (name_lower_octet(octet) != octet ||
		    label[0] == NAME_LABEL_SIZE)
			return -EINVAL;
		label[++label[0]] = octet;
	}
	if (at == len || label[0] == 0)
		return -EINVAL;
	return (int)at + 1;
}

int name_from_key(const uint8_t *key, size_t len, struct name *out)
{
	uint8_t wire[NAME_WIRE_SIZE], label[1 + NAME_LABEL_SIZE];
	size_t start = NAME_WIRE_SIZE - 1, size;
	int taken;

	/* A key begins at the root, so the wire form is filled from its end. */
	wire[start] = 0;
	for (; len; key += taken, len -= (size_t)taken) {
		taken = read_key_label(key, len, label);
		if (taken < 0)
			return taken;
		size = 1 + (size_t)label[0];
		if (size > start)
			return -EINVAL;
		start -= size;
		copy_octets(wire + start, label, size);
	}
	out->len = (uint8_t)(NAME_WIRE_SIZE - start);
	copy_octets(out->wire, wire + start, out->len);
	return 0;
}
