/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mix.h - a number for some octets, to find them by in a small table
 *
 * Eight octets at a time, since names are looked for several times in each
 * response. It is neither secret nor the same on every machine: who chooses the
 * octets can make many of them alike, so that a table says what that costs.
 */
#ifndef DNS_MIX_H
#define DNS_MIX_H

#include "dns/wire/util.h"

#define MIX_FACTOR 0x9e3779b97f4a7c15u /* odd, and without a pattern */

static inline uint64_t mix_word(uint64_t mixed, uint64_t word)
{
	mixed = (mixed ^ word) * MIX_FACTOR;
	return mixed ^ mixed >> 32;
}

/* Fewer than eight octets, as one number. */
static inline uint64_t mix_rest(const uint8_t *octets, size_t len)
{
	uint64_t word = 0;
	uint32_t four;
	uint16_t two;

	if (len & 4) {
		memcpy(&four, octets, sizeof(four));
		octets += sizeof(four);
		word = four;
	}
	if (len & 2) {
		memcpy(&two, octets, sizeof(two));
		octets += sizeof(two);
		word = word << 16 | two;
	}
	return len & 1 ? word << 8 | *octets : word;
}

/**
 * mix_octets() - mix octets into what was mixed before
 * @fold: bits that count as set in each octet
 */
static inline uint64_t mix_octets(uint64_t mixed, const uint8_t *octets,
				  size_t len, uint8_t fold)
{
	uint64_t folded = fold * 0x0101010101010101u, word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		memcpy(&word, octets, sizeof(word));
		octets += sizeof(word);
		mixed = mix_word(mixed, word | folded);
	}
	return mix_word(mixed, mix_rest(octets, len) | folded);
}

#endif
