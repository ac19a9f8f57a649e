// SPDX-License-Identifier: Apache-2.0
#include "anchors/histogram.h"

/* They reach from a commit on tmpfs to a disk that is in trouble. */
static const uint64_t bounds_us[HISTOGRAM_BUCKETS] = {
	100,   250,   500,    1000,   2500,    5000,
	10000, 25000, 100000, 250000, 1000000, 5000000,
};

uint64_t histogram_bound_ns(unsigned bucket)
{
	return bounds_us[bucket] * 1000;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	unsigned bucket = 0;

	while (bucket < HISTOGRAM_BUCKETS && ns > histogram_bound_ns(bucket))
		bucket++;
	atomic_fetch_add_explicit(&histogram->counts[bucket], 1,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_ns, ns, memory_order_relaxed);
}
