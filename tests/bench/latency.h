/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latency.h - a histogram of times, true to 1.6 percent
 *
 * For one thread. Nothing fails.
 */
#ifndef BENCH_LATENCY_H
#define BENCH_LATENCY_H

#include <stdint.h>

/* Each power of two has this many bits' worth of buckets. */
#define LATENCY_BITS 6

struct latency {
	uint64_t count;
	int64_t max_ns;
	uint32_t buckets[64 << LATENCY_BITS];
};

/** latency_add() - count one time, in nanoseconds; below 0 counts as 0 */
void latency_add(struct latency *latency, int64_t ns);

/** latency_us() - what @part (0 to 1) of the times were below; 0 if none */
double latency_us(const struct latency *latency, double part);

/** latency_print() - as members of a JSON object: "p50_us": ..., "max_us" */
void latency_print(const struct latency *latency);

#endif
