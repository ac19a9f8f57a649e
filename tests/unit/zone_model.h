/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone_model.h - zones as sets of records, for tests of what settles them
 *
 * What a zone shows is read off the whole table here, by the definition, and by
 * none of the code that is tested. Whoever has a copy of a zone may bring it
 * up to date by the journal, as a secondary does (RFC 1995, section 4).
 */
#ifndef TESTS_ZONE_MODEL_H
#define TESTS_ZONE_MODEL_H

#include "dns/store/journal.h"

#define NOW INT64_C(1790000000000000000)

/* A nameserver with a home; @shared: all its zones may be transferred. */
struct served_table {
	uint32_t table, home;
	uint64_t server;
};

struct served_table serve(enum serial_policy policy, bool shared);

/* Records in wire form, in an order of their own; the SOA is not among them. */
struct zone_model {
	struct name apex;
	uint32_t serial;
	struct buffer soa; /* with its serial as zero */
	struct buffer *records;
	size_t count;
};

/* Read all zones of a table; the caller frees. */
struct zone_models {
	struct zone_model *zones;
	size_t count;
};

void zone_models_read(struct zone_models *out, uint32_t table);
void zone_models_free(struct zone_models *models);
struct zone_model *zone_models_find(const struct zone_models *models,
				    const struct name *apex);

void zone_model_free(struct zone_model *model);
void zone_model_copy(struct zone_model *out, const struct zone_model *from);

/* Are they the same, but for the serial? */
bool zone_model_same(const struct zone_model *a, const struct zone_model *b);

/* Octets of all of it, the SOA included. */
uint64_t zone_model_wire(const struct zone_model *model);

/* Go on to the newest by the journal; false: it does not go back so far. */
bool zone_model_follow(struct zone_model *model, uint32_t home);

#endif
