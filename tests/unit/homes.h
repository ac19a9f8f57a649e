/* SPDX-License-Identifier: Apache-2.0 */
/*
 * homes.h - for tests of who may do what: settings and keys of a nameserver
 *
 * Beside the tables of tables.h, whose fixtures the group has.
 */
#ifndef TESTS_UNIT_HOMES_H
#define TESTS_UNIT_HOMES_H

#include "tables.h"
#include "dns/store/home.h"

/** homes_new() - of nameserver @server, which has a table; its home */
uint32_t homes_new(uint64_t server);

/** homes_list() - set a list; @apex NULL: for all zones */
void homes_list(uint32_t home, enum list_kind kind, const char *apex,
		const char *text);

/** homes_key() - add a key */
struct tsig_key homes_key(uint32_t home, const char *name, enum hmac_kind kind,
			  const void *secret, size_t len);

/** homes_secondary() - make a zone a secondary one, with a primary 192.0.2.53
 * @checked_ns: when it has last spoken; 0: the zone is dark */
void homes_secondary(uint32_t home, const char *apex, int64_t checked_ns);

#endif
