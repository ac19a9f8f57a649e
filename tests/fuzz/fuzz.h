/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what every fuzz target has in common
 *
 * A target is one LLVMFuzzerTestOneInput() and claims that hold whatever the
 * input is. Built with clang it is driven by libFuzzer, which looks for inputs
 * that come to new code; built with any compiler, replay.c gives it the inputs
 * of its corpus, one after the other. run.sh says how to run them.
 *
 * A claim that fails aborts the program, so that libFuzzer keeps the input.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>

#include "dns/wire/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_claim(claim)                                                      \
	do {                                                                   \
		if (!(claim))                                                  \
			fuzz_fail(__FILE__, __LINE__, #claim);                 \
	} while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *claim);

/** fuzz_claim_same() - two texts are equal; shows both if they are not */
void fuzz_claim_same(const char *what, const struct buffer *a,
		     const struct buffer *b);

/* Input that is taken from the front; all zeroes behind its end. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

uint8_t fuzz_u8(struct fuzz_input *in);
uint16_t fuzz_u16(struct fuzz_input *in);

/* Octets that only a sanitizer's heap shows to be overrun: the caller frees. */
uint8_t *fuzz_copy(const void *octets, size_t len);

#endif
