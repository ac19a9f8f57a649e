/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h - how long something took, by how often
 *
 * Threading: one thread adds, any may read, without a lock. A reader may see
 * an addition in one number and not yet in another one.
 */
#ifndef ANCHORS_HISTOGRAM_H
#define ANCHORS_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 12

struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BUCKETS + 1]; /* the last: above */
	_Atomic uint64_t sum_ns;
};

/** histogram_bound_ns() - the most that goes into a bucket */
uint64_t histogram_bound_ns(unsigned bucket);

/** histogram_add() - all zeroes is an empty one */
void histogram_add(struct histogram *histogram, uint64_t ns);

#endif
