// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/transfer/spool.h"
#include "dns/wire/message.h"

#define LARGE 16000

static struct spools spools;

static int set_up(void **state)
{
	(void)state;
	spools = (struct spools){
		.dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.max = 4 * SPOOL_MEMORY,
	};
	return spools.dir_fd < 0;
}

/* Whatever happened, nothing is taken by the end. */
static int tear_down(void **state)
{
	(void)state;
	assert_int_equal(atomic_load(&spools.used), 0);
	return close(spools.dir_fd);
}

/* Message number @i: so many octets, none of them what it is in another one. */
static void make(uint8_t out[LARGE], unsigned i, uint16_t len)
{
	for (size_t at = 0; at < len; at++)
		out[at] = (uint8_t)(i * 7 + at * 13 + at / 256);
}

static int add(struct spool *spool, unsigned i, uint16_t len)
{
	uint8_t message[LARGE];

	make(message, i, len);
	return spool_add(spool, message, len);
}

/* What is ready is whole messages, from the first one on: how many? */
static unsigned check(const struct spool *spool, uint16_t len)
{
	uint8_t message[LARGE], expected[LARGE], length[MESSAGE_LENGTH_SIZE];
	uint64_t ready = spool_ready(spool), at = 0;
	unsigned count = 0;

	for (; at < ready; count++, at += sizeof(length) + len) {
		assert_true(at + sizeof(length) + len <= ready);
		assert_int_equal(spool_read(spool, at, length, sizeof(length)),
				 0);
		assert_int_equal(get_u16(length), len);
		assert_int_equal(
			spool_read(spool, at + sizeof(length), message, len),
			0);
		make(expected, count, len);
		assert_memory_equal(message, expected, len);
	}
	return count;
}

static void what_is_short_needs_no_file_and_is_read_when_it_ends(void **state)
{
	struct spool spool;

	(void)state;
	spool_init(&spool, &spools);
	assert_int_equal(spool_expect(&spool, 1000), 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(add(&spool, i, LARGE), 0);
	assert_int_equal(spool_ready(&spool), 0);
	assert_false(spool_has_ended(&spool));
	spool_end(&spool, 0);
	assert_true(spool_has_ended(&spool));
	assert_int_equal(spool.fd, -1);
	assert_int_equal(atomic_load(&spools.used), 0);
	assert_int_equal(check(&spool, LARGE), 8);
	spool_deinit(&spool);
}

static void what_is_long_is_read_while_it_is_written(void **state)
{
	struct spool spool;
	unsigned last = 0;

	(void)state;
	spool_init(&spool, &spools);
	for (unsigned i = 0; i < 24; i++) {
		unsigned ready;

		assert_int_equal(add(&spool, i, LARGE), 0);
		ready = check(&spool, LARGE);
		assert_true(ready >= last && ready <= i);
		last = ready;
	}
	assert_true(last >= 16);
	spool_end(&spool, 0);
	assert_int_equal(check(&spool, LARGE), 24);
	/* It counts for what it has, and nothing more. */
	assert_int_equal(atomic_load(&spools.used), spool_ready(&spool));
	assert_int_equal(spool.text.cap, 0);
	spool_deinit(&spool);
}

static void all_of_them_have_so_many_octets(void **state)
{
	struct spool a, b;
	unsigned i = 0;
	int r = 0;

	(void)state;
	spool_init(&a, &spools);
	spool_init(&b, &spools);
	/* What is expected is kept free; and what does not come is not. */
	assert_int_equal(spool_expect(&a, 3 * SPOOL_MEMORY), 0);
	assert_int_equal(spool_expect(&b, 2 * SPOOL_MEMORY), -EDQUOT);
	assert_int_equal(atomic_load(&spools.used), 3 * SPOOL_MEMORY);
	spool_end(&a, 0);
	assert_int_equal(atomic_load(&spools.used), 0);
	for (; r == 0 && i < 1000; i++)
		r = add(&b, i, LARGE);
	assert_int_equal(r, -EDQUOT);
	assert_true((uint64_t)i * LARGE > 3 * SPOOL_MEMORY);
	assert_true(atomic_load(&spools.used) <= spools.max);
	spool_end(&b, -EDQUOT);
	assert_int_equal(b.result, -EDQUOT);
	assert_true(atomic_load(&spools.used) <= spools.max);
	check(&b, LARGE);
	spool_deinit(&a);
	spool_deinit(&b);
}

static void what_broke_off_in_memory_is_not_read(void **state)
{
	struct spool spool;

	(void)state;
	spool_init(&spool, &spools);
	assert_int_equal(add(&spool, 0, 100), 0);
	spool_end(&spool, -ECANCELED);
	assert_true(spool_has_ended(&spool));
	assert_int_equal(spool.result, -ECANCELED);
	assert_int_equal(spool_ready(&spool), 0);
	spool_deinit(&spool);
}

static void a_directory_that_is_gone_is_told(void **state)
{
	struct spools nowhere = {.dir_fd = -1, .max = UINT64_MAX};
	struct spool spool;
	int r = 0;

	(void)state;
	spool_init(&spool, &nowhere);
	for (unsigned i = 0; r == 0 && i < 20; i++)
		r = add(&spool, i, LARGE);
	assert_int_equal(r, -EBADF);
	spool_end(&spool, r);
	spool_deinit(&spool);
	assert_int_equal(atomic_load(&nowhere.used), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_short_needs_no_file_and_is_read_when_it_ends,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_long_is_read_while_it_is_written, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(all_of_them_have_so_many_octets,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_broke_off_in_memory_is_not_read, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_directory_that_is_gone_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
