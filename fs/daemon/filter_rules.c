// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "dns/wire/util.h"
#include "fs/daemon/filter_rules.h"

void filter_release(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

int filter_begin(scmp_filter_ctx *out)
{
	*out = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	/* Rules are made a binary tree: older kernels walk all at each call. */
	return *out ? seccomp_attr_set(*out, SCMP_FLTATR_CTL_OPTIMIZE, 2)
		    : -ENOMEM;
}

struct scmp_arg_cmp filter_is(unsigned arg, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){
		.arg = arg, .op = SCMP_CMP_EQ, .datum_a = value};
}

struct scmp_arg_cmp filter_masked(unsigned arg, scmp_datum_t mask,
				  scmp_datum_t value)
{
	return (struct scmp_arg_cmp){.arg = arg,
				     .op = SCMP_CMP_MASKED_EQ,
				     .datum_a = mask,
				     .datum_b = value};
}

int filter_allow(scmp_filter_ctx filter, const int *list, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, list[i], 0);
	return r;
}

int filter_allow_if(scmp_filter_ctx filter, const struct filter_condition *list,
		    size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		/* A row without a condition would allow the call as such. */
		assert(list[i].count &&
		       list[i].count <= ARRAY_SIZE(list[i].args));
		r = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, list[i].call,
					   list[i].count, list[i].args);
	}
	return r;
}

int filter_allow_abort(scmp_filter_ctx filter)
{
	const struct filter_condition own = {
		SCMP_SYS(tgkill), 1, {filter_is(0, (unsigned)getpid())}};

	return filter_allow_if(filter, &own, 1);
}
