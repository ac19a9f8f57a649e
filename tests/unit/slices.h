/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slices.h - what a thread runs for at a time, as the kernel has it
 */
#ifndef TESTS_SLICES_H
#define TESTS_SLICES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

/* sched_getattr(2) */
struct slice {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_ns, rest[2];
};

/** slice_look() - of the calling thread; all 0 if that is refused */
static inline struct slice slice_look(void)
{
	struct slice seen = {0};

	syscall(SYS_sched_getattr, 0, &seen, sizeof(seen), 0);
	return seen;
}

/** slices_are_known() - to this kernel: Linux 6.12 and later */
static inline bool slices_are_known(void)
{
	struct utsname kernel;
	int major = 0, minor = 0;

	uname(&kernel);
	sscanf(kernel.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 12);
}

#endif
