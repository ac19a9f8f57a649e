// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "homes.h"

uint32_t homes_new(uint64_t server)
{
	MDB_txn *txn = test_begin();
	uint32_t home;

	assert_int_equal(home_make(&tt.tables, txn, server, &home), 0);
	test_commit(txn);
	assert_int_not_equal(home, 0);
	return home;
}

void homes_list(uint32_t home, enum list_kind kind, const char *apex,
		const char *text)
{
	struct name name = test_name(apex ? apex : ".");
	MDB_txn *txn = test_begin();

	assert_int_equal(home_list_put(&tt.tables, txn, home, kind,
				       apex ? &name : NULL, text, strlen(text)),
			 0);
	test_commit(txn);
}

struct tsig_key homes_key(uint32_t home, const char *name, enum hmac_kind kind,
			  const void *secret, size_t len)
{
	struct tsig_key key = {.name = test_name(name), .kind = kind};
	MDB_txn *txn = test_begin();

	assert_in_range(len, 1, sizeof(key.secret));
	key.len = (uint16_t)len;
	memcpy(key.secret, secret, len);
	name_lower(&key.name);
	assert_int_equal(home_key_put(&tt.tables, txn, home, &key), 0);
	test_commit(txn);
	return key;
}

void homes_secondary(uint32_t home, const char *apex, int64_t checked_ns)
{
	struct name name = test_name(apex);
	struct zone_row row;
	struct home of_all;
	MDB_txn *txn;

	homes_list(home, LIST_PRIMARIES, apex, "192.0.2.53\n");
	txn = test_begin();
	assert_int_equal(zone_row_get(&tt.tables, txn, home, &name, &row), 0);
	assert_true(row.is_secondary);
	assert_int_equal(home_get(&tt.tables, txn, home, &of_all), 0);
	of_all.dark = of_all.dark - row.is_dark + !checked_ns;
	row.is_dark = !checked_ns;
	row.checked_ns = checked_ns;
	assert_int_equal(zone_row_put(&tt.tables, txn, home, &name, &row), 0);
	assert_int_equal(home_put(&tt.tables, txn, home, &of_all), 0);
	test_commit(txn);
}
