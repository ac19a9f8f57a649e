/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scope.h - which of a nameserver's records: all, an owner's, or a zone's
 *
 * What a file of the tree shows and takes: `records`, a name's file, a zone's
 * `records`. Where a pointer to one is taken, NULL is all of them.
 *
 * Pure; any thread.
 */
#ifndef DNS_SCOPE_H
#define DNS_SCOPE_H

#include "dns/wire/name.h"

enum scope_kind {
	SCOPE_ALL = 0,
	SCOPE_OWNER, /* of exactly @name */
	SCOPE_ZONE,  /* of the zone whose apex is @name: zone.h */
};

struct scope {
	enum scope_kind kind;
	struct name name; /* in lower case; not of all */
};

static inline enum scope_kind scope_kind_of(const struct scope *scope)
{
	return scope ? scope->kind : SCOPE_ALL;
}

/** scope_name() - of an owner or a zone; NULL: it is all */
static inline const struct name *scope_name(const struct scope *scope)
{
	return scope_kind_of(scope) == SCOPE_ALL ? NULL : &scope->name;
}

/**
 * scope_takes() - may a text of that scope have records of @owner?
 *
 * What is below a zone's apex may all the same be of a zone nested in it, which
 * only the table tells.
 */
static inline bool scope_takes(const struct scope *scope,
			       const struct name *owner)
{
	switch (scope_kind_of(scope)) {
	case SCOPE_OWNER:
		return name_equal(owner, &scope->name);
	case SCOPE_ZONE:
		return name_is_under(owner, &scope->name);
	default:
		return true;
	}
}

#endif
