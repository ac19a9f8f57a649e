// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/wire/name.h"
#include "tests/unit/chance.h"

#define ROUNDS 20000

/* Few octets, the awkward ones among them, so that labels often share starts */
static uint8_t random_octet(void)
{
	static const uint8_t octets[] = {0x00, 0x01, 0x02, 0xff, 'a',  'A', 'b',
					 'Z',  '[',  '@',  '.',	 '\\', '/', '*',
					 '"',  ' ',  '0',  0x7f, 0x80};

	return chance(8) ? octets[chance(ARRAY_SIZE(octets))]
			 : (uint8_t)chance(256);
}

static void random_name(struct name *out)
{
	size_t len = 0, label, budget = chance(20) ? chance(16) : 254;

	while (len < budget) {
		label = 1 + (chance(10) ? chance(3) : chance(63));
		if (len + 1 + label > 254)
			break;
		out->wire[len++] = (uint8_t)label;
		while (label--)
			out->wire[len++] = random_octet();
	}
	out->wire[len++] = 0;
	out->len = (uint8_t)len;
}

static int parse(const char *text, const char *origin, struct name *out)
{
	struct refusal why = {0};
	struct name root, from;
	int r;

	name_root(&root);
	r = name_from_text(origin, strlen(origin), &root, &from, &why);
	assert_int_equal(r, 0);
	r = name_from_text(text, strlen(text), &from, out, &why);
	assert_true(r == 0 || (r == -EINVAL && why.reason[0]));
	return r;
}

static void assert_same(const struct name *a, const struct name *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->wire, b->wire, a->len);
}

static void text_is_read_as_rfc_1035_has_it(void **state)
{
	static const struct {
		const char *text, *origin, *back;
	} cases[] = {
		{"miek.nl", ".", "miek.nl."},
		{"miek.nl.", "example.", "miek.nl."},
		{"Miek.NL", ".", "Miek.NL."},
		{"www", "miek.nl.", "www.miek.nl."},
		{"@", "miek.nl.", "miek.nl."},
		{"@", ".", "."},
		{".", "miek.nl.", "."},
		{"@.", "miek.nl.", "\\@."},
		{"\\@", "nl.", "\\@.nl."},
		{"*", "nl.", "*.nl."},
		{"a@b$", ".", "a\\@b\\$."},
		{"a\\.b.c", ".", "a\\.b.c."},
		{"a\\.", "nl.", "a\\..nl."},
		{"\\065\\097", ".", "Aa."},
		{"\\000\\001\\255", ".", "\\000\\001\\255."},
		{"\\ \\\"\\;\\(\\)", ".", "\\032\\\"\\;\\(\\)."},
		{"\\\\", ".", "\\\\."},
		{"a/b", ".", "a/b."},
		{"\xc3\xa9", ".", "\\195\\169."},
		{"_dmarc.x-1", ".", "_dmarc.x-1."},
	};
	char text[NAME_TEXT_SIZE];
	struct name name;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].text, cases[i].origin, &name),
				 0);
		assert_int_equal(name_to_text(&name, text),
				 strlen(cases[i].back));
		assert_string_equal(text, cases[i].back);
	}
}

static void what_is_no_name_is_refused_and_out_stays(void **state)
{
	static const char *const cases[] = {
		"",	"..",	".a",	"a..",	  "a..b",  "\\",    "a\\",
		"\\1",	"\\12", "\\1a", "\\12a",  "\\256", "\\999", "a b",
		"a\tb", "a\nb", "a\rb", "a\x7f",  "\x01",  "a\"b",  "(a",
		"a)",	"a;b",	"\\\n", "\\\x01",
	};
	struct name name, before;
	size_t i;

	(void)state;
	assert_int_equal(parse("before.", ".", &before), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		name = before;
		assert_int_equal(parse(cases[i], ".", &name), -EINVAL);
		assert_same(&name, &before);
	}
}

static void a_nul_octet_inside_text_is_refused(void **state)
{
	struct refusal why = {0};
	struct name root, name;

	(void)state;
	name_root(&root);
	assert_int_equal(name_from_text("a\0b", 3, &root, &name, &why),
			 -EINVAL);
	assert_true(why.reason[0]);
}

static void labels_end_at_63_octets_and_names_at_255(void **state)
{
	static const struct {
		unsigned labels, last; /* 49-octet labels, then one of @last */
		int result;
	} cases[] = {
		{0, 63, 0},	 {0, 64, -EINVAL}, {5, 3, 0},
		{5, 4, -EINVAL}, {6, 1, -EINVAL},  {100, 1, -EINVAL},
	};
	char text[8192];
	struct name name;
	unsigned i, j;
	size_t len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		len = 0;
		for (j = 0; j < cases[i].labels; j++) {
			memset(text + len, 'x', 49);
			text[len + 49] = '.';
			len += 50;
		}
		memset(text + len, 'y', cases[i].last);
		text[len + cases[i].last] = '\0';
		assert_int_equal(parse(text, ".", &name), cases[i].result);
		strcat(text, ".");
		assert_int_equal(parse(text, "nl.", &name), cases[i].result);
		/* An origin that does not fit any more. */
		text[strlen(text) - 1] = '\0';
		if (cases[i].labels == 5)
			assert_int_equal(parse(text, "nl.", &name), -EINVAL);
	}
}

static void text_and_file_forms_read_back_as_the_same_name(void **state)
{
	char text[NAME_TEXT_SIZE];
	struct name name, back, root;
	size_t len;
	int i;

	(void)state;
	name_root(&root);
	for (i = 0; i < ROUNDS; i++) {
		random_name(&name);
		len = name_to_text(&name, text);
		assert_int_equal(len, strlen(text));
		assert_null(strpbrk(text, " \t\n"));
		assert_int_equal(name_from_text(text, len, &root, &back, NULL),
				 0);
		assert_same(&back, &name);

		len = name_to_file(&name, text);
		assert_int_equal(len, strlen(text));
		assert_null(strchr(text, '/'));
		assert_string_not_equal(text, ".");
		assert_string_not_equal(text, "..");
		assert_int_equal(name_from_file(text, &back, NULL), 0);
		name_lower(&name);
		assert_same(&back, &name);
	}
}

static void the_longest_text_fits(void **state)
{
	char text[NAME_TEXT_SIZE];
	struct name name = {.len = 255};
	int i;

	(void)state;
	memset(name.wire, 0xff, 254);
	for (i = 0; i < 3; i++)
		name.wire[i * 64] = 63;
	name.wire[192] = 61;
	assert_int_equal(name_to_text(&name, text), 250 * 4 + 4);
}

static void a_file_name_finds_its_name_however_it_is_written(void **state)
{
	static const struct {
		const char *file, *canonical;
	} cases[] = {
		{"miek.nl.", "miek.nl."},
		{"MIEK.nl", "miek.nl."},
		{"@", "@"},
		{".", "@"},
		{"\\@", "\\@."},
		{"@.", "\\@."},
		{"a\\047b", "a\\047b."},
		{"\\065", "a."},
		{"*.Dev", "*.dev."},
		{"a@b", "a\\@b."},
	};
	char file[NAME_TEXT_SIZE];
	struct name name;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(name_from_file(cases[i].file, &name, NULL), 0);
		name_to_file(&name, file);
		assert_string_equal(file, cases[i].canonical);
	}
	assert_int_equal(name_from_file("", &name, NULL), -EINVAL);
	assert_int_equal(name_from_file("a..b", &name, NULL), -EINVAL);
}

static void wire_is_taken_only_when_it_ends_in_bounds(void **state)
{
	static const struct {
		const char *wire;
		size_t len;
		int result;
	} cases[] = {
		{"\0", 1, 1},
		{"\0xx", 3, 1},
		{"\1a\0", 3, 3},
		{"", 0, -EINVAL},
		{"\1a", 2, -EINVAL},
		{"\2a\0", 3, -EINVAL},
		{"\xc0\0", 2, -EINVAL},
		{"\x40"
		 "a",
		 2, -EINVAL},
		{"\1a\xc0\0", 4, -EINVAL},
	};
	uint8_t long_wire[300] = {0};
	struct name name;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(name_from_wire((const uint8_t *)cases[i].wire,
						cases[i].len, &name),
				 cases[i].result);
	for (i = 0; i < 127; i++)
		long_wire[2 * i] = 1;
	assert_int_equal(name_from_wire(long_wire, 300, &name), 255);
	long_wire[254] = 1;
	assert_int_equal(name_from_wire(long_wire, 300, &name), -EINVAL);
}

static void names_compare_without_case(void **state)
{
	static const struct {
		const char *name, *ancestor;
		bool equal, under;
	} cases[] = {
		{"a.B.", "A.b.", true, true},
		{"x.a.b.", "A.B.", false, true},
		{"xa.b.", "a.b.", false, false},
		{"a.b.", ".", false, true},
		{".", ".", true, true},
		{"b.", "a.b.", false, false},
		{"a.c.", "a.b.", false, false},
		{"a\\.b.", "b.", false, false},
		{"[.", "{.", false, false},
		{"@x.", "`x.", false, false},
		/* The tail's octets look like a name but start inside a label.
		 */
		{"x\\001a.", "a.", false, false},
	};
	struct name name, ancestor;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].name, ".", &name), 0);
		assert_int_equal(parse(cases[i].ancestor, ".", &ancestor), 0);
		assert_int_equal(name_equal(&name, &ancestor), cases[i].equal);
		assert_int_equal(name_is_under(&name, &ancestor),
				 cases[i].under);
	}
}

static void an_ancestor_lacks_the_first_labels(void **state)
{
	static const char *const forms[] = {"a.bb.ccc.", "bb.ccc.", "ccc.",
					    "."};
	char text[NAME_TEXT_SIZE];
	struct name name, out;
	unsigned i;

	(void)state;
	assert_int_equal(parse(forms[0], ".", &name), 0);
	assert_int_equal(name_labels(&name), 3);
	for (i = 0; i <= 3; i++) {
		name_ancestor(&name, i, &out);
		name_to_text(&out, text);
		assert_string_equal(text, forms[i]);
	}
	name_ancestor(&name, 1, &name);
	name_to_text(&name, text);
	assert_string_equal(text, "bb.ccc.");
}

/* RFC 4034, section 6.1, in the plainest way: label by label from the root. */
static int canonical_order(const struct name *a, const struct name *b)
{
	unsigned i, la = name_labels(a), lb = name_labels(b);
	unsigned least = la < lb ? la : lb;
	struct name x, y;
	size_t len;
	int r;

	for (i = 1; i <= least; i++) {
		name_ancestor(a, la - i, &x);
		name_ancestor(b, lb - i, &y);
		name_lower(&x);
		name_lower(&y);
		len = x.wire[0] < y.wire[0] ? x.wire[0] : y.wire[0];
		r = memcmp(x.wire + 1, y.wire + 1, len);
		if (!r)
			r = x.wire[0] - y.wire[0];
		if (r)
			return r;
	}
	return (int)la - (int)lb;
}

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static int octet_order(const uint8_t *a, size_t alen, const uint8_t *b,
		       size_t blen)
{
	int r = memcmp(a, b, alen < blen ? alen : blen);

	return r ? r : (alen > blen) - (alen < blen);
}

/* A neighbour differs in an octet or two, so that order hangs on details. */
static void random_neighbour(const struct name *name, struct name *out)
{
	struct name lower;
	size_t at;

	*out = *name;
	if (name->len == 1 || chance(4) == 0) {
		random_name(out);
		return;
	}
	name_ancestor(name, chance(name_labels(name)), &lower);
	at = (size_t)(name->len - lower.len) + 1 + chance(lower.wire[0]);
	out->wire[at] = random_octet();
}

static void key_order_is_canonical_order(void **state)
{
	uint8_t akey[NAME_KEY_SIZE], bkey[NAME_KEY_SIZE];
	struct name a, b;
	size_t alen, blen;
	bool prefix;
	int i;

	(void)state;
	for (i = 0; i < 10 * ROUNDS; i++) {
		random_name(&a);
		random_neighbour(&a, &b);
		alen = name_to_key(&a, akey);
		blen = name_to_key(&b, bkey);
		assert_int_equal(sign(octet_order(akey, alen, bkey, blen)),
				 sign(canonical_order(&a, &b)));
		prefix = blen <= alen && memcmp(akey, bkey, blen) == 0;
		assert_int_equal(prefix, name_is_under(&a, &b));
	}
}

static void a_key_reads_back_in_lower_case(void **state)
{
	uint8_t key[NAME_KEY_SIZE];
	struct name name, back;
	size_t len;
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		random_name(&name);
		len = name_to_key(&name, key);
		assert_in_range(len, 0, NAME_KEY_SIZE);
		assert_int_equal(name_from_key(key, len, &back), 0);
		name_lower(&name);
		assert_same(&back, &name);
	}
}

static void the_longest_key_is_504_octets(void **state)
{
	uint8_t key[NAME_KEY_SIZE];
	struct name name = {.len = 255}, back;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		name.wire[i * 64] = 63;
	name.wire[192] = 61;
	assert_int_equal(name_to_key(&name, key), NAME_KEY_SIZE);
	assert_int_equal(name_from_key(key, NAME_KEY_SIZE, &back), 0);
	assert_same(&back, &name);
}

static void what_is_no_key_is_refused(void **state)
{
	static const struct {
		const char *key;
		size_t len;
	} cases[] = {
		{"a", 1},    {"\0", 1}, {"a\0b", 3},   {"a\0\0", 3},
		{"\1\0", 2}, {"\1", 1}, {"\1\3\0", 3}, {"A\0", 2},
	};
	uint8_t key[600];
	struct name name;
	size_t i, len;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(name_from_key((const uint8_t *)cases[i].key,
					       cases[i].len, &name),
				 -EINVAL);
	memset(key, 'a', sizeof(key));
	key[64] = 0;
	assert_int_equal(name_from_key(key, 65, &name), -EINVAL);
	for (i = 0; i < 300; i++)
		key[2 * i + 1] = 0;
	assert_int_equal(name_from_key(key, 256, &name), -EINVAL);
	/* Noise never overruns, and what is taken is a key. */
	for (i = 0; i < ROUNDS; i++) {
		uint8_t back[NAME_KEY_SIZE];

		for (len = 0; len < 1 + i % 40; len++)
			key[len] = (uint8_t)(chance(3) ? chance(4) : 'a');
		if (name_from_key(key, len, &name) < 0)
			continue;
		assert_int_equal(name_to_key(&name, back), len);
		assert_memory_equal(back, key, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_as_rfc_1035_has_it),
		cmocka_unit_test(what_is_no_name_is_refused_and_out_stays),
		cmocka_unit_test(a_nul_octet_inside_text_is_refused),
		cmocka_unit_test(labels_end_at_63_octets_and_names_at_255),
		cmocka_unit_test(
			text_and_file_forms_read_back_as_the_same_name),
		cmocka_unit_test(the_longest_text_fits),
		cmocka_unit_test(
			a_file_name_finds_its_name_however_it_is_written),
		cmocka_unit_test(wire_is_taken_only_when_it_ends_in_bounds),
		cmocka_unit_test(names_compare_without_case),
		cmocka_unit_test(an_ancestor_lacks_the_first_labels),
		cmocka_unit_test(key_order_is_canonical_order),
		cmocka_unit_test(a_key_reads_back_in_lower_case),
		cmocka_unit_test(the_longest_key_is_504_octets),
		cmocka_unit_test(what_is_no_key_is_refused),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
