/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query_made.h - queries that a few octets of input decide on, most of which
 * ask for something that is there
 */
#ifndef TESTS_FUZZ_QUERY_MADE_H
#define TESTS_FUZZ_QUERY_MADE_H

#include "fuzz.h"

#include "dns/wire/name.h"

#define QUERY_MADE_SIZE 1024

/** query_made() - put a query for a name into @out; returns its octets */
size_t query_made(struct fuzz_input *in, const struct name *name,
		  uint8_t out[QUERY_MADE_SIZE]);

#endif
