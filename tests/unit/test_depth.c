// SPDX-License-Identifier: Apache-2.0
/*
 * test_depth.c - how deep a tree may be, and what a page tells of a deep one
 */
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>

#include "anchors/subjects.h"

static struct host host;
static struct refusal why;

static int open_tree(void **state)
{
	struct store_anchor stored = {.id = 1, .name_len = 2, .name = "h1"};

	(void)state;
	host = (struct host){.workers = 1, .next_id = 2};
	return anchor_new(&host.root, &host, NULL, &stored);
}

static int close_tree(void **state)
{
	struct anchor *at = host.root;

	(void)state;
	while (at) {
		struct anchor *parent = at->parent;

		if (at->children) {
			at = at->children;
			continue;
		}
		anchor_unlink(at);
		at = parent;
	}
	return 0;
}

static struct anchor *add(struct anchor *parent, const char *name)
{
	struct store_anchor stored = {.id = host.next_id++};
	struct anchor *anchor;

	stored.name_len = (uint8_t)strlen(name);
	memcpy(stored.name, name, strlen(name));
	assert_int_equal(anchor_new(&anchor, &host, parent, &stored), 0);
	return anchor;
}

/* So many, one in the other; the last one. */
static struct anchor *nest(struct anchor *parent, const char *name,
			   unsigned levels)
{
	while (levels--)
		parent = add(parent, name);
	return parent;
}

static const char *text_of(size_t len)
{
	static char text[STORE_NAME_SIZE + 1];

	memset(text, 'x', len);
	text[len] = 0;
	return text;
}

static void a_tree_has_a_thousand_levels(void **state)
{
	struct anchor *deep = nest(host.root, "a", 999);

	(void)state;
	assert_int_equal(anchor_fits(NULL, deep, "a", &why), 0);
	deep = add(deep, "a");
	assert_int_equal(anchor_fits(NULL, deep, "a", &why), -EDQUOT);
	assert_non_null(strstr(why.reason, "1000 levels"));
	assert_int_equal(anchor_fits(NULL, host.root, "b", &why), 0);
}

static void a_path_is_one_that_open_takes(void **state)
{
	/* 15 of 255 octets and a slash each are 3,840: 255 are left. */
	struct anchor *deep = nest(host.root, text_of(255), 15);

	(void)state;
	assert_int_equal(anchor_fits(NULL, deep, text_of(255), &why), 0);
	deep = add(deep, text_of(255));
	assert_int_equal(anchor_fits(NULL, deep, "a", &why), -ENAMETOOLONG);
	assert_non_null(strstr(why.reason, "4095 octets"));
}

static void what_moves_takes_along_what_is_in_it(void **state)
{
	struct anchor *top = add(host.root, "top"), *to;
	struct anchor *wide = add(top, "wide");

	(void)state;
	to = nest(host.root, "a", 500);
	for (unsigned i = 0; i < 10; i++)
		add(wide, (char[]){(char)('a' + i), 0});
	nest(add(top, "other"), "b", 498);
	add(top, "last");
	/* top, other and 498: 500 more. */
	assert_int_equal(anchor_fits(top, to, "top", &why), 0);
	to = add(to, "a");
	assert_int_equal(anchor_fits(top, to, "top", &why), -EDQUOT);
	assert_non_null(strstr(why.reason, "1001"));
	assert_int_equal(anchor_fits(wide, to, "wide", &why), 0);

	/* Where it is, but with a longer name. */
	nest(wide, text_of(255), 14);
	/* 255 for itself, 5 for "/wide", and 14 * 256; then 2 + 256 more. */
	assert_int_equal(anchor_fits(top, host.root, text_of(255), &why), 0);
	nest(add(wide, "z"), text_of(255), 15);
	assert_int_equal(anchor_fits(top, host.root, text_of(255), &why),
			 -ENAMETOOLONG);
	assert_int_equal(anchor_fits(top, host.root, "t", &why), 0);
}

static void what_is_too_deep_from_before_may_come_up(void **state)
{
	struct anchor *a = nest(host.root, "a", 600);
	struct anchor *b = add(a, "b"), *c;

	(void)state;
	c = nest(b, "c", 600);
	assert_int_equal(anchor_fits(NULL, c, "d", &why), -EDQUOT);
	/* Still too deep, but less so. */
	assert_int_equal(anchor_fits(b, a->parent, "b", &why), 0);
	assert_int_equal(anchor_fits(b, host.root, "b", &why), 0);
	assert_int_equal(anchor_fits(b, a, "longer", &why), -EDQUOT);
}

static void more_than_can_be_looked_at_moves_only_up(void **state)
{
	struct anchor *top = add(host.root, "t"), *beside;
	char name[16];

	(void)state;
	beside = add(host.root, "u");
	for (unsigned i = 0; i < ANCHOR_LOOK_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		add(top, name);
	}
	assert_int_equal(anchor_fits(top, host.root, "v", &why), 0);
	assert_int_equal(anchor_fits(top, beside, "t", &why), -EDQUOT);
	assert_non_null(strstr(why.reason, "65536"));
	assert_int_equal(anchor_fits(beside, top, "u", &why), 0);
}

/* ---- Pages ---- */

static struct subjects *take(void)
{
	struct subjects *subjects;

	assert_int_equal(subjects_take(&subjects, &host), 0);
	for (size_t i = 0; i < subjects->count; i++)
		subjects->all[i].is_served = true;
	return subjects;
}

static char *labels(const struct subjects *subjects)
{
	struct buffer out = {0};
	struct exposition to = {.out = &out};
	const struct subject *subject = NULL;

	exposition_family(&to, "x", "gauge", "X.");
	out.len = 0;
	while ((subject = subjects_next(subjects, &to, subject)))
		exposition_sample(&to, NULL, NULL, 0,
				  (double)subject->path_len);
	assert_int_equal(to.error, 0);
	assert_int_equal(buffer_add(&out, "", 1), 0);
	return (char *)out.data;
}

static void a_label_is_the_path_with_each_name_escaped(void **state)
{
	CLEANUP(freep) char *text = NULL;
	struct subjects *subjects;
	struct anchor *a = add(host.root, "a\"b");

	(void)state;
	add(add(a, "\xff"), "d");
	add(a, "c");
	add(host.root, "\xc3\xa9");
	subjects = take();
	assert_int_equal(subjects_choose(subjects, SUBJECTS_PAGE_MAX), 0);
	text = labels(subjects);
	subjects_free(subjects);
	assert_string_equal(text, "x{nameserver=\"a\\\"b\"} 4\n"
				  "x{nameserver=\"a\\\"b/\\\\xff\"} 10\n"
				  "x{nameserver=\"a\\\"b/\\\\xff/d\"} 12\n"
				  "x{nameserver=\"a\\\"b/c\"} 6\n"
				  "x{nameserver=\"\xc3\xa9\"} 2\n");
}

static void a_page_leaves_out_what_would_be_most_of_it(void **state)
{
	CLEANUP(freep) char *text = NULL;
	struct subjects *subjects;
	struct anchor *asked = add(host.root, "asked");

	(void)state;
	nest(host.root, text_of(255), 16);
	add(host.root, "one");
	add(host.root, "two");
	for (unsigned i = 0; i < TRAFFIC_TYPES; i++)
		traffic_add(&asked->traffic->lanes[0], TRAFFIC_QUERIES + i, 1);
	subjects = take();
	assert_int_equal(subjects_choose(subjects, 4000), 0);
	text = labels(subjects);
	assert_int_equal(subjects->left_out, 17);
	subjects_free(subjects);
	assert_string_equal(text, "x{nameserver=\"one\"} 3\n"
				  "x{nameserver=\"two\"} 3\n");
}

static void a_page_of_a_tree_that_is_too_deep_is_bounded(void **state)
{
	struct subjects *subjects;

	(void)state;
	nest(host.root, text_of(250), 3000);
	subjects = take();
	assert_int_equal(subjects_choose(subjects, SUBJECTS_PAGE_MAX), 0);
	assert_in_range(subjects->labels.len, 1 << 20, SUBJECTS_PAGE_MAX);
	assert_in_range(subjects->left_out, 2000, 2999);
	subjects_free(subjects);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tree, close_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_tree_has_a_thousand_levels),
		TEST(a_path_is_one_that_open_takes),
		TEST(what_moves_takes_along_what_is_in_it),
		TEST(what_is_too_deep_from_before_may_come_up),
		TEST(more_than_can_be_looked_at_moves_only_up),
		TEST(a_label_is_the_path_with_each_name_escaped),
		TEST(a_page_leaves_out_what_would_be_most_of_it),
		TEST(a_page_of_a_tree_that_is_too_deep_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
