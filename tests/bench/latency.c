// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "latency.h"

#define SUBS (1u << LATENCY_BITS)

static unsigned bucket_of(uint64_t ns)
{
	unsigned exponent;

	if (ns < SUBS)
		return (unsigned)ns;
	exponent = 63 - (unsigned)__builtin_clzll(ns);
	return (exponent - LATENCY_BITS + 1) << LATENCY_BITS |
	       ((unsigned)(ns >> (exponent - LATENCY_BITS)) & (SUBS - 1));
}

/* The lowest time that belongs to a bucket. */
static uint64_t floor_of(unsigned bucket)
{
	unsigned shift = bucket >> LATENCY_BITS;

	if (shift == 0)
		return bucket;
	return (uint64_t)(SUBS | (bucket & (SUBS - 1))) << (shift - 1);
}

void latency_add(struct latency *latency, int64_t ns)
{
	if (ns < 0)
		ns = 0;
	if (ns > latency->max_ns)
		latency->max_ns = ns;
	latency->count++;
	latency->buckets[bucket_of((uint64_t)ns)]++;
}

double latency_us(const struct latency *latency, double part)
{
	uint64_t wanted = (uint64_t)(part * (double)latency->count), seen = 0;

	if (part >= 1)
		return (double)latency->max_ns / 1e3;
	for (unsigned i = 0; i < 64 << LATENCY_BITS; i++) {
		seen += latency->buckets[i];
		if (seen > wanted)
			return (double)floor_of(i) / 1e3;
	}
	return (double)latency->max_ns / 1e3;
}

void latency_print(const struct latency *latency)
{
	static const struct {
		const char *name;
		double part;
	} points[] = {
		{"p50", 0.5},	 {"p90", 0.9}, {"p99", 0.99},
		{"p999", 0.999}, {"max", 1},
	};

	for (unsigned i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		printf("%s\"%s_us\": %.1f", i ? ", " : "", points[i].name,
		       latency_us(latency, points[i].part));
}
