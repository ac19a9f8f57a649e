// SPDX-License-Identifier: Apache-2.0
/*
 * catalog.c - members come and go
 *
 * Of each zone there is a PTR record, at a name that is made of the zone's. So
 * neither all zones nor all members are held in memory: each is looked up on
 * the other side.
 */
#include <errno.h>
#include <sodium.h>

#include "dns/store/catalog.h"
#include "dns/store/soa.h"
#include "dns/store/table_layout.h"
#include "dns/store/zone_layout.h"
#include "dns/text/reader.h"

/* Of a hash: no two zones have the same. */
#define LABEL_OCTETS 16
#define LABEL_CHARS  (2 * LABEL_OCTETS)

/* RFC 9432, section 4.1: the serial goes up, and nobody asks for the rest. */
#define SOA_TEXT                                                               \
	"@ 0 SOA invalid. invalid. %u 3600 600 2147483646 0\n"                 \
	"@ 0 NS invalid.\n"
#define VERSION_TEXT "version 0 TXT 2\n"

struct catalog {
	const struct tables *tables;
	MDB_txn *txn;
	uint32_t home, table;
	struct name apex;
	struct buffer text;   /* lines that come */
	struct change change; /* and what goes */
};

static void catalog_deinit(struct catalog *catalog)
{
	buffer_deinit(&catalog->text);
	change_deinit(&catalog->change);
}

/* ---- Names ---- */

/* Return: 0; -EINVAL: it is too long. */
static int member_name(const struct name *catalog, const struct name *zone,
		       struct name *out)
{
	uint8_t hash[LABEL_OCTETS];
	char text[LABEL_CHARS + sizeof(".zones")];
	struct name lower = *zone;

	name_lower(&lower);
	crypto_generichash(hash, sizeof(hash), lower.wire, lower.len, NULL, 0);
	sodium_bin2hex(text, LABEL_CHARS + 1, hash, sizeof(hash));
	memcpy(text + LABEL_CHARS, ".zones", sizeof(".zones"));
	return name_from_text(text, strlen(text), catalog, out, NULL);
}

static int read_name(const MDB_val *text, struct name *out)
{
	size_t len = text->mv_size;

	if (len && ((const char *)text->mv_data)[len - 1] == '\n')
		len--;
	return name_from_text(text->mv_data, len, NULL, out, NULL) < 0 ? -EIO
								       : 0;
}

static bool has_type(struct rrsets rrsets, uint16_t type)
{
	struct rrset rrset;

	return rrsets_find(rrsets, type, &rrset);
}

/* Return: 1, 0: does that name have records of the type? -errno. */
static int stands(const struct catalog *catalog, const struct name *owner,
		  uint16_t type)
{
	struct rrsets rrsets;
	int r = table_get_owner(catalog->tables, catalog->txn, catalog->table,
				owner, &rrsets);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return has_type(rrsets, type);
}

/* ---- Members ---- */

static int look_at_zone(struct catalog *catalog, const struct name *zone)
{
	char owner_text[NAME_TEXT_SIZE], zone_text[NAME_TEXT_SIZE];
	struct name owner;
	int is, has;

	/* What is too long to be listed is not. */
	if (name_equal(zone, &catalog->apex) ||
	    member_name(&catalog->apex, zone, &owner) < 0)
		return 0;
	is = stands(catalog, zone, RR_SOA);
	has = is < 0 ? is : stands(catalog, &owner, RR_PTR);
	if (has < 0 || is == has)
		return has < 0 ? has : 0;
	if (!is)
		return change_drop(&catalog->change, &owner);
	name_to_text(&owner, owner_text);
	name_to_text(zone, zone_text);
	return buffer_printf(&catalog->text, "%s 0 PTR %s\n", owner_text,
			     zone_text);
}

static int add_all(struct catalog *catalog)
{
	CLEANUP(table_cursor_closep) MDB_cursor *apexes = NULL;
	uint8_t number[TABLE_NUMBER_SIZE];
	MDB_val key = {sizeof(number), number}, value;
	MDB_cursor_op op = MDB_SET_RANGE;
	struct name zone;
	int r = table_errno(mdb_cursor_open(catalog->txn,
					    catalog->tables->apexes, &apexes));

	put_u32(number, catalog->table);
	while (r == 0) {
		r = table_errno(mdb_cursor_get(apexes, &key, &value, op));
		op = MDB_NEXT;
		if (r < 0 || key.mv_size < sizeof(number) ||
		    memcmp(key.mv_data, number, sizeof(number)) != 0)
			break;
		if (name_from_key((uint8_t *)key.mv_data + sizeof(number),
				  key.mv_size - sizeof(number), &zone) < 0)
			return -EIO;
		r = look_at_zone(catalog, &zone);
	}
	return r == -ENOENT ? 0 : r;
}

static int drop_gone(struct catalog *catalog, const struct name *owner,
		     const struct rrset *members)
{
	struct rrset_rr rr;
	struct name zone;
	size_t at = 0;
	int r;

	while (rrset_next(members, &at, &rr)) {
		if (name_from_wire(rr.rdata, rr.rdlen, &zone) < 0)
			return -EIO;
		r = stands(catalog, &zone, RR_SOA);
		if (r < 0 || r)
			return r < 0 ? r : 0;
	}
	return change_drop(&catalog->change, owner);
}

static void walk_freep(struct zone_walk **walk)
{
	zone_walk_free(*walk);
}

/* Of all that it has, what lists no zone; or @whole of it. */
static int drop_all(struct catalog *catalog, bool whole)
{
	CLEANUP(walk_freep) struct zone_walk *walk = NULL;
	struct zone_item item;
	int r = zone_walk_new(&walk, catalog->tables, catalog->txn,
			      catalog->table, &catalog->apex);

	while (r == 0) {
		r = zone_walk_next(walk, &item);
		if (r < 0 || item.is_delegation)
			continue;
		if (whole)
			r = change_drop(&catalog->change, &item.owner);
		else if (item.rrset.type == RR_PTR)
			r = drop_gone(catalog, &item.owner, &item.rrset);
	}
	return r == -ENOENT ? 0 : r;
}

/* ---- The zone ---- */

/* Its serial is ours, whatever the policy says of others. */
static int add_soa(struct catalog *catalog, int64_t now_ns)
{
	struct zone_row row;
	struct rrsets rrsets;
	struct rrset soa;
	struct rrset_rr rr;
	size_t at = 0;
	bool is_new;
	uint32_t last;
	int r = zone_row_get(catalog->tables, catalog->txn, catalog->home,
			     &catalog->apex, &row);

	if (r < 0)
		return r;
	last = row.serial;
	r = table_get_owner(catalog->tables, catalog->txn, catalog->table,
			    &catalog->apex, &rrsets);
	is_new = r < 0 || !rrsets_find(rrsets, RR_SOA, &soa) ||
		 !rrset_next(&soa, &at, &rr);
	if (r < 0 && r != -ENOENT)
		return r;
	if (!is_new)
		last = get_u32(rr.rdata + rr.rdlen - 20);
	if (!is_new && !catalog->change.count && !catalog->text.len)
		return 0;
	r = buffer_printf(&catalog->text, SOA_TEXT "%s",
			  serial_next(SERIAL_INCREMENT, last, now_ns),
			  is_new ? VERSION_TEXT : "");
	return r ? r : change_drop(&catalog->change, &catalog->apex);
}

/* Drops come first: of the apex, what is dropped comes again. */
static int read_text(struct catalog *catalog)
{
	CLEANUP(reader_freep) struct reader *reader = NULL;
	int r = reader_new(&reader, &catalog->apex, NULL);

	return r ? r
		 : reader_feed(reader, (char *)catalog->text.data,
			       catalog->text.len, &catalog->change);
}

static int write_catalog(struct catalog *catalog, int64_t now_ns,
			 struct refusal *why)
{
	int r = catalog->text.len ? read_text(catalog) : 0;

	if (r < 0 || !catalog->change.count)
		return r == -EINVAL ? -EIO : r;
	return table_apply_by(catalog->tables, catalog->txn, catalog->table,
			      &catalog->change, SETTLE_BY_CATALOG, now_ns, why);
}

int catalog_may_be(const struct tables *tables, MDB_txn *txn, uint32_t home,
		   uint32_t table, const struct name *apex,
		   struct refusal *why)
{
	const struct catalog catalog = {
		.tables = tables, .txn = txn, .home = home, .table = table};
	struct zone_row row = {0};
	int r = home ? zone_row_get(tables, txn, home, apex, &row) : 0;

	if (r < 0 && r != -ENOENT)
		return r;
	if (row.is_catalog)
		return 0;
	r = stands(&catalog, apex, RR_SOA);
	if (r < 0 || (!r && !row.is_secondary))
		return r;
	return refusal_set(why, EBUSY,
			   "there is a zone of that name, and no catalog");
}

/* The row says that it is one. */
static int begin_catalog(const struct catalog *catalog, struct refusal *why)
{
	struct zone_row row;
	struct home home;
	int r = catalog_may_be(catalog->tables, catalog->txn, catalog->home,
			       catalog->table, &catalog->apex, why);

	if (r == 0)
		r = zone_row_make(catalog->tables, catalog->txn, catalog->home,
				  &catalog->apex, &row);
	if (r || row.is_catalog)
		return r;
	row.is_catalog = true;
	r = zone_row_put(catalog->tables, catalog->txn, catalog->home,
			 &catalog->apex, &row);
	if (r == 0)
		r = home_get(catalog->tables, catalog->txn, catalog->home,
			     &home);
	home.catalogs++;
	return r ? r
		 : home_put(catalog->tables, catalog->txn, catalog->home,
			    &home);
}

static int end_catalog(struct catalog *catalog, int64_t now_ns,
		       struct refusal *why)
{
	struct home home;
	int r = drop_all(catalog, true);

	if (r == 0)
		r = write_catalog(catalog, now_ns, why);
	if (r == 0)
		r = zone_row_del(catalog->tables, catalog->txn, catalog->home,
				 &catalog->apex);
	if (r == 0)
		r = home_get(catalog->tables, catalog->txn, catalog->home,
			     &home);
	if (r)
		return r;
	home.catalogs--;
	return home_put(catalog->tables, catalog->txn, catalog->home, &home);
}

/* Those whose name it is not. */
static int end_others(const struct catalog *catalog, bool has_name,
		      int64_t now_ns, struct refusal *why)
{
	uint8_t key[NAME_KEY_SIZE];
	size_t key_len = 0;
	bool is_first = true;
	struct zone_row row;
	struct name apex;
	int r = 0;

	while (r == 0) {
		r = zone_row_next(catalog->tables, catalog->txn, catalog->home,
				  is_first ? NULL : key, key_len, &apex, &row);
		is_first = false;
		if (r < 0)
			break;
		key_len = name_to_key(&apex, key);
		if (row.is_catalog &&
		    !(has_name && name_equal(&apex, &catalog->apex))) {
			CLEANUP(catalog_deinit)
			struct catalog other = {.tables = catalog->tables,
						.txn = catalog->txn,
						.home = catalog->home,
						.table = catalog->table,
						.apex = apex};

			r = end_catalog(&other, now_ns, why);
		}
	}
	return r == -ENOENT ? 0 : r;
}

int catalog_update(const struct tables *tables, MDB_txn *txn, uint32_t home,
		   uint32_t table, const struct name *apex, int64_t now_ns,
		   struct refusal *why)
{
	CLEANUP(catalog_deinit)
	struct catalog catalog = {
		.tables = tables, .txn = txn, .home = home, .table = table};
	MDB_val text;
	int r = home_list(tables, txn, home, LIST_CATALOG, NULL, &text);
	bool has_name = r == 0;

	if (r == 0)
		r = read_name(&text, &catalog.apex);
	if (r < 0 && r != -ENOENT)
		return r;
	r = apex ? 0 : end_others(&catalog, has_name, now_ns, why);
	if (r || !has_name)
		return r;
	r = begin_catalog(&catalog, why);
	if (r == 0)
		r = apex ? look_at_zone(&catalog, apex) : add_all(&catalog);
	if (r == 0 && !apex)
		r = drop_all(&catalog, false);
	if (r == 0)
		r = add_soa(&catalog, now_ns);
	return r ? r : write_catalog(&catalog, now_ns, why);
}

bool catalog_is_behind(struct snapshot *snapshot, uint32_t home, uint32_t table,
		       const struct name *apex)
{
	struct name catalog, owner;
	uint32_t serial;
	struct rrsets rrsets;
	MDB_val text;
	bool is, has;
	int r = snapshot_list(snapshot, home, LIST_CATALOG, NULL, &text);

	if (r < 0 || read_name(&text, &catalog) < 0 ||
	    name_equal(&catalog, apex) ||
	    member_name(&catalog, apex, &owner) < 0)
		return false;
	is = snapshot_serial(snapshot, table, apex, &serial) == 0;
	has = snapshot_get(snapshot, table, &owner, &rrsets) == 0 &&
	      has_type(rrsets, RR_PTR);
	return is != has;
}
