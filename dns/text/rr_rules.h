/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rr_rules.h - what a type's RFC says of its RDATA as a whole
 *
 * field.h reads one field after the other. What one field demands of another,
 * and what a field may not hold, stands here: clients throw a whole answer away
 * in which one record breaks such a rule. It is asked of text that comes in,
 * in either form, and never of what is stored.
 *
 * Any thread may call this.
 */
#ifndef DNS_RR_RULES_H
#define DNS_RR_RULES_H

#include "dns/wire/name.h"

/**
 * rr_broken_rule() - which rule RDATA breaks
 * @rdata: @len octets, whose fields are well-formed; of a type without fields
 *         here, any
 *
 * Return: NULL, or a static text that says for a person what is wrong.
 */
const char *rr_broken_rule(uint16_t type, const uint8_t *rdata, size_t len);

/** rr_broken_owner() - the same, of the owner of such a record */
const char *rr_broken_owner(uint16_t type, const struct name *owner);

/** svc_broken_rule() - the same, of service parameters: RFC 9460 */
const char *svc_broken_rule(const uint8_t *params, size_t len);

/** naptr_broken_rule() - of a regexp: RFC 3402, section 3.2 */
const char *naptr_broken_rule(const uint8_t *regexp, size_t len);

#endif
