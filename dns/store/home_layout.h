/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home_layout.h - the keys of what a home has, for the files that do
 *
 * Threading and errors: as home.h.
 */
#ifndef DNS_HOME_LAYOUT_H
#define DNS_HOME_LAYOUT_H

#include "dns/store/home.h"
#include "dns/store/table_key.h"
#include "dns/store/table_layout.h"

#define HOME_KEY_SIZE (6 + NAME_KEY_SIZE) /* of the longest */

/* A key, as it is put together; home.h has what they look like. */
struct home_key {
	size_t len;
	uint8_t octets[HOME_KEY_SIZE];
};

static inline void home_key_octet(struct home_key *key, uint8_t octet)
{
	key->octets[key->len++] = octet;
}

static inline void home_key_number(struct home_key *key, uint32_t number)
{
	put_u32(key->octets + key->len, number);
	key->len += 4;
}

static inline void home_key_name(struct home_key *key, const struct name *name)
{
	key->len += name_to_key(name, key->octets + key->len);
}

static inline MDB_val home_key_val(const struct home_key *key)
{
	return (MDB_val){key->len, (void *)key->octets};
}

/** home_put_row() - 0, -errno */
int home_put_row(MDB_txn *txn, MDB_dbi dbi, MDB_val key, const void *row,
		 size_t size);

/** home_get_row() - a copy of exactly @size octets: 0; -ENOENT; -errno */
int home_get_row(MDB_txn *txn, MDB_dbi dbi, MDB_val key, void *row,
		 size_t size);

/** home_del_row() - 0, also if there was none; -errno */
int home_del_row(MDB_txn *txn, MDB_dbi dbi, MDB_val key);

/** home_del_all() - all rows whose keys begin so: 0, -errno */
int home_del_all(MDB_txn *txn, MDB_dbi dbi, MDB_val prefix);

/**
 * home_next_row() - the first row behind a name, of those that begin alike
 * @after: name_to_key() form, @after_len octets; NULL: the first
 * @name:  of the row that was found
 *
 * Return: 0, with @value, which is borrowed; -ENOENT; -errno.
 */
int home_next_row(MDB_txn *txn, MDB_dbi dbi, const struct home_key *prefix,
		  const uint8_t *after, size_t after_len, struct name *name,
		  MDB_val *value);

#endif
