// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "tests/unit/chance.h"

static uint64_t seed;

int chance_start(void **state)
{
	(void)state;
	seed = 0x2545f4914f6cdd1dull;
	return 0;
}

/* xorshift64. */
uint32_t chance(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

unsigned chance_rounds(unsigned shorter, unsigned longer)
{
	const char *is_long = getenv("CIRCUITFS_TEST_LONG");

	return is_long && strcmp(is_long, "1") == 0 ? longer : shorter;
}
