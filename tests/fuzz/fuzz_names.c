// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_names.c - a domain name in its four forms
 *
 * The input is taken as text, as wire and as key; and as two names, which must
 * sort by their keys as RFC 4034, section 6.1 sorts names. ldns sorts them too.
 */
#include <ldns/ldns.h>

#include "dns/wire/name.h"
#include "fuzz.h"

#define FILE_RESERVED "/" /* and NUL: what no file name has */

static void claim_text(const struct name *name)
{
	char text[NAME_TEXT_SIZE];
	size_t len = name_to_text(name, text);
	struct name root, back;

	name_root(&root);
	fuzz_claim(len == strlen(text) && len > 0);
	fuzz_claim(text[len - 1] == '.');
	for (size_t i = 0; i < len; i++)
		fuzz_claim(text[i] > ' ' && text[i] < 0x7f);
	/* A directive or the origin is something else. */
	fuzz_claim(text[0] != '$' && text[0] != '@');
	fuzz_claim(!strpbrk(text, "\"();") || strchr(text, '\\'));
	fuzz_claim(name_from_text(text, len, &root, &back, NULL) == 0);
	fuzz_claim(back.len == name->len);
	fuzz_claim(!memcmp(back.wire, name->wire, name->len));
}

static void claim_file(const struct name *name)
{
	char file[NAME_TEXT_SIZE];
	size_t len = name_to_file(name, file);
	struct name back;

	fuzz_claim(len == strlen(file) && len > 0);
	fuzz_claim(!strpbrk(file, FILE_RESERVED));
	fuzz_claim(strcmp(file, ".") != 0 && strcmp(file, "..") != 0);
	fuzz_claim(name_from_file(file, &back, NULL) == 0);
	fuzz_claim(name_equal(&back, name));
	/* The last dot need not be there. */
	if (name->len > 1) {
		file[len - 1] = '\0';
		fuzz_claim(name_from_file(file, &back, NULL) == 0);
		fuzz_claim(name_equal(&back, name));
	}
}

static void claim_key(const struct name *name)
{
	uint8_t key[NAME_KEY_SIZE];
	size_t len = name_to_key(name, key);
	struct name back, lower = *name;

	name_lower(&lower);
	fuzz_claim(len <= sizeof(key));
	fuzz_claim(name_from_key(key, len, &back) == 0);
	fuzz_claim(back.len == lower.len);
	fuzz_claim(!memcmp(back.wire, lower.wire, lower.len));
}

static void claim_wire(const struct name *name)
{
	struct name back;

	fuzz_claim(name->len >= 1 && name->len <= NAME_WIRE_SIZE);
	fuzz_claim(name_from_wire(name->wire, name->len, &back) == name->len);
	fuzz_claim(!memcmp(back.wire, name->wire, name->len));
	if (name->len > 1)
		fuzz_claim(name_from_wire(name->wire, name->len - 1u, &back) <
			   0);
}

/* Each ancestor is one, and is found in the key where its labels end. */
static void claim_ancestors(const struct name *name)
{
	unsigned labels = name_labels(name);
	uint8_t key[NAME_KEY_SIZE], above[NAME_KEY_SIZE];
	struct name ancestor;
	size_t len;

	name_to_key(name, key);
	for (unsigned i = 0; i <= labels; i++) {
		name_ancestor(name, i, &ancestor);
		fuzz_claim(name_labels(&ancestor) == labels - i);
		fuzz_claim(name_is_under(name, &ancestor));
		fuzz_claim(name_is_under(&ancestor, name) == (i == 0));
		len = name_to_key(&ancestor, above);
		fuzz_claim(!memcmp(key, above, len));
	}
}

static void claim_name(const struct name *name)
{
	claim_wire(name);
	claim_text(name);
	claim_file(name);
	claim_key(name);
	claim_ancestors(name);
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static int compare_keys(const struct name *a, const struct name *b)
{
	uint8_t x[NAME_KEY_SIZE], y[NAME_KEY_SIZE];
	size_t x_len = name_to_key(a, x), y_len = name_to_key(b, y);
	int r = memcmp(x, y, x_len < y_len ? x_len : y_len);

	return r ? sign(r) : (x_len > y_len) - (x_len < y_len);
}

/* A key is a prefix of just the keys below it. */
static bool key_is_under(const struct name *name, const struct name *ancestor)
{
	uint8_t x[NAME_KEY_SIZE], y[NAME_KEY_SIZE];
	size_t x_len = name_to_key(name, x), y_len = name_to_key(ancestor, y);

	return y_len <= x_len && !memcmp(x, y, y_len);
}

static int compare_by_ldns(const struct name *a, const struct name *b)
{
	ldns_rdf *x =
		ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, a->len, a->wire);
	ldns_rdf *y =
		ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, b->len, b->wire);
	int r;

	fuzz_claim(x && y);
	r = ldns_dname_compare(x, y);
	ldns_rdf_deep_free(x);
	ldns_rdf_deep_free(y);
	return sign(r);
}

static void claim_pair(const struct name *a, const struct name *b)
{
	int order = compare_keys(a, b);

	fuzz_claim(order == -compare_keys(b, a));
	fuzz_claim(order == compare_by_ldns(a, b));
	fuzz_claim((order == 0) == name_equal(a, b));
	fuzz_claim(key_is_under(a, b) == name_is_under(a, b));
	fuzz_claim(key_is_under(b, a) == name_is_under(b, a));
}

static void try_text(const uint8_t *data, size_t size,
		     const struct name *origin)
{
	struct refusal why = {0};
	struct name name;

	if (name_from_text((const char *)data, size, origin, &name, &why) == 0)
		claim_name(&name);
	else
		fuzz_claim(why.reason[0]);
}

static void try_file(const uint8_t *data, size_t size)
{
	char *file = malloc(size + 1);
	struct name name;

	fuzz_claim(file);
	memcpy(file, data, size);
	file[size] = '\0';
	if (name_from_file(file, &name, NULL) == 0)
		claim_name(&name);
	free(file);
}

static void try_key(const uint8_t *data, size_t size)
{
	uint8_t key[NAME_KEY_SIZE];
	struct name name;

	if (name_from_key(data, size, &name) < 0)
		return;
	claim_name(&name);
	/* There is one key for each name. */
	fuzz_claim(name_to_key(&name, key) == size);
	fuzz_claim(!memcmp(key, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct name origin, a, b;
	int first, second;

	name_root(&origin);
	try_text(copy, size, &origin);
	if (size)
		try_file(copy, size);
	try_key(copy, size);
	first = name_from_wire(copy, size, &a);
	if (first > 0) {
		claim_name(&a);
		try_text(copy + first, size - (size_t)first, &a);
		second = name_from_wire(copy + first, size - (size_t)first, &b);
		if (second > 0)
			claim_pair(&a, &b);
	}
	free(copy);
	return 0;
}
