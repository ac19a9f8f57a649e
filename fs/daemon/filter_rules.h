/* SPDX-License-Identifier: Apache-2.0 */
/*
 * filter_rules.h - rows of calls, made into a filter for the kernel
 *
 * For filter.h's filters: what no row allows is ENOSYS.
 *
 * Threading: the thread that is to be filtered. Each returns 0 or -errno.
 */
#ifndef FS_FILTER_RULES_H
#define FS_FILTER_RULES_H

#include <seccomp.h>
#include <stddef.h>

/** filter_begin() - an empty one; CLEANUP(filter_release) */
int filter_begin(scmp_filter_ctx *out);
void filter_release(scmp_filter_ctx *filter);

/** filter_allow() - these calls, whatever their arguments */
int filter_allow(scmp_filter_ctx filter, const int *list, size_t count);

/* A call that is good with some arguments only. */
struct filter_condition {
	int call;
	unsigned count; /* of @args, at least 1; all of them must hold */
	struct scmp_arg_cmp args[2];
};

/**
 * filter_is() - the condition that an argument, counted from 0, is this number
 *
 * libseccomp's own macros leave fields out, of which clang warns.
 */
struct scmp_arg_cmp filter_is(unsigned arg, scmp_datum_t value);

/** filter_masked() - the condition that these bits of an argument are that */
struct scmp_arg_cmp filter_masked(unsigned arg, scmp_datum_t mask,
				  scmp_datum_t value);

/** filter_allow_if() - these calls, as each row says; rows may share a call */
int filter_allow_if(scmp_filter_ctx filter, const struct filter_condition *list,
		    size_t count);

/** filter_allow_abort() - signals to itself: abort(), should an assert fail */
int filter_allow_abort(scmp_filter_ctx filter);

#endif
