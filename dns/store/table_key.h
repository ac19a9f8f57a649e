/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_key.h - the keys of tables, for those who read and write them
 */
#ifndef DNS_TABLE_KEY_H
#define DNS_TABLE_KEY_H

#include <lmdb.h>

#include "dns/wire/name.h"

#define TABLE_NUMBER_SIZE 4
#define TABLE_SERVER_SIZE 8
#define TABLE_SERVED_SIZE 8 /* numbers of a table and a home */
#define TABLE_KEY_SIZE	  (TABLE_NUMBER_SIZE + NAME_KEY_SIZE)

static inline MDB_val table_number_key(uint8_t octets[TABLE_NUMBER_SIZE],
				       uint32_t table)
{
	put_u32(octets, table);
	return (MDB_val){TABLE_NUMBER_SIZE, octets};
}

static inline MDB_val table_server_key(uint8_t octets[TABLE_SERVER_SIZE],
				       uint64_t server)
{
	put_u32(octets, (uint32_t)(server >> 32));
	put_u32(octets + 4, (uint32_t)server);
	return (MDB_val){TABLE_SERVER_SIZE, octets};
}

/* The key of a record; returns its octets. */
static inline size_t table_key(uint8_t octets[TABLE_KEY_SIZE], uint32_t table,
			       const struct name *owner)
{
	put_u32(octets, table);
	return TABLE_NUMBER_SIZE +
	       name_to_key(owner, octets + TABLE_NUMBER_SIZE);
}

/* Is @key that of @apex, or of what is below it? Both with their table. */
static inline bool table_key_is_under(const uint8_t *key, size_t key_len,
				      const uint8_t *apex, size_t apex_len)
{
	return key_len >= apex_len && !memcmp(key, apex, apex_len);
}

/* In the order of the store, which is DNS order: as memcmp(). */
static inline int table_key_compare(const uint8_t *a, size_t a_len,
				    const uint8_t *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int order = len ? memcmp(a, b, len) : 0;

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

#endif
