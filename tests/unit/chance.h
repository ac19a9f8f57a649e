/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chance.h - numbers that are the same in every run, for tests of many inputs
 */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>

/* cmocka's set-up of a group: from the beginning again. */
int chance_start(void **state);

/* A number from 0 to @below, not included. */
uint32_t chance(uint32_t below);

/* How often: @longer if CIRCUITFS_TEST_LONG is 1, else @shorter. */
unsigned chance_rounds(unsigned shorter, unsigned longer);

#endif
