// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "fuzz.h"

void fuzz_fail(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, claim);
	abort();
}

void fuzz_claim_same(const char *what, const struct buffer *a,
		     const struct buffer *b)
{
	if (a->len == b->len && (!a->len || !memcmp(a->data, b->data, a->len)))
		return;
	fprintf(stderr, "%s differ:\n%.*s\n--- and ---\n%.*s\n", what,
		(int)a->len, (const char *)a->data, (int)b->len,
		(const char *)b->data);
	abort();
}

uint8_t fuzz_u8(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

uint16_t fuzz_u16(struct fuzz_input *in)
{
	uint8_t high = fuzz_u8(in);

	return (uint16_t)(high << 8 | fuzz_u8(in));
}

uint8_t *fuzz_copy(const void *octets, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	fuzz_claim(copy);
	if (len)
		memcpy(copy, octets, len);
	return copy;
}
