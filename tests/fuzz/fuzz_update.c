// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_update.c - an UPDATE of any octets, on a zone with another one in it
 *
 * The input is the number of prerequisites, that of changes, and their records,
 * raw: the header and the zone section are put before them, so that 0xc00c is
 * the zone. What comes of it is made, and must be what a file could have made:
 * its text is taken as new records. Nothing outside the zone has changed, and
 * it has its SOA and an NS.
 */
#include <errno.h>

#include "dns/store/dump.h"
#include "dns/store/update.h"
#include "dns/text/reader.h"
#include "fuzz.h"
#include "store.h"

#define PREREQUISITES_MAX 8
#define TEXT_SIZE	  4096 /* of one read of a dump */

static const char records[] = "x. 60 TXT \"outside\"\n"
			      "ex. 60 SOA ns.ex. h.ex. 10 2 3 4 5\n"
			      "ex. 60 NS ns.ex.\n"
			      "ex. 60 NS b.ex.\n"
			      "a.ex. 60 A 192.0.2.1\n"
			      "a.ex. 60 A 192.0.2.2\n"
			      "c.ex. 60 CNAME a.ex.\n"
			      "w.ex. 60 WKS 192.0.2.1 TCP 25\n"
			      "s.ex. 60 DS 1 13 2 00000000000000000000000000"
			      "00000000000000000000000000000000000000\n"
			      "s.ex. 60 SOA ns.ex. h.ex. 1 2 3 4 5\n"
			      "s.ex. 60 NS ns.ex.\n"
			      "a.s.ex. 60 TXT \"nested\"\n";

static struct name zone, nested;

static bool may(void *arg, const struct name *name, uint16_t type)
{
	(void)arg;
	fuzz_claim(name->len && type != RR_ANY);
	return type != RR_AAAA;
}

static uint8_t *make_message(struct fuzz_input *in, size_t *len)
{
	static const uint8_t tail[] = {0, RR_SOA, 0, RR_CLASS_IN};
	uint8_t head[MESSAGE_HEAD_SIZE + 16] = {0}, *message;
	size_t size = MESSAGE_HEAD_SIZE;

	put_u16(head + MESSAGE_FLAGS,
		MESSAGE_OPCODE_UPDATE << MESSAGE_OPCODE_SHIFT);
	put_u16(head + MESSAGE_QDCOUNT, 1);
	put_u16(head + MESSAGE_ANCOUNT, fuzz_u8(in) % PREREQUISITES_MAX);
	put_u16(head + MESSAGE_NSCOUNT, fuzz_u8(in));
	memcpy(head + size, zone.wire, zone.len);
	size += zone.len;
	memcpy(head + size, tail, sizeof(tail));
	size += sizeof(tail);
	*len = size + in->left;
	message = malloc(*len);
	fuzz_claim(message);
	memcpy(message, head, size);
	if (in->left)
		memcpy(message + size, in->at, in->left);
	return message;
}

/* Of a name of the zone; of the nested one, the apex for the sake of its DS. */
static void claim_change(const struct change *change)
{
	struct change_item item;
	size_t at = 0;

	while (change_next(change, &at, &item)) {
		fuzz_claim(name_is_under(&item.rr.owner, &zone));
		fuzz_claim(name_equal(&item.rr.owner, &nested) ||
			   !name_is_under(&item.rr.owner, &nested));
	}
}

static bool run(const struct update *update, uint32_t table)
{
	CLEANUP(change_deinit) struct change change = {0};
	enum rcode rcode = RCODE_SERVFAIL;
	MDB_txn *txn = store_begin();
	struct refusal why = {0};

	fuzz_claim(update_run(update, store_tables(), txn, table, 1, &change,
			      &rcode, &why) == 0);
	fuzz_claim(rcode == RCODE_NOERROR || (!change.count && why.reason[0]));
	fuzz_claim(rcode != RCODE_SERVFAIL && rcode != RCODE_NOTIMP);
	claim_change(&change);
	if (change.count)
		fuzz_claim(table_apply_by(store_tables(), txn, table, &change,
					  SETTLE_BY_UPDATE, 1, &why) == 0);
	fuzz_claim(mdb_txn_commit(txn) == 0);
	return change.count;
}

static void read_all(uint32_t table, const struct scope *scope,
		     struct buffer *out)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct dump_read read = {.size = TEXT_SIZE, .text = &text};
	struct dump *dump;

	fuzz_claim(snapshot_begin(store_snapshot()) == 0);
	fuzz_claim(dump_new(&dump, store_snapshot(), table, scope, NULL) == 0);
	do {
		read.offset = out->len;
		text.len = 0;
		fuzz_claim(dump_read(dump, &read, UINT64_MAX) == 0);
		fuzz_claim(buffer_add(out, read.data, read.len) == 0);
	} while (read.len);
	fuzz_claim(out->len == dump_size(dump));
	dump_free(dump);
	snapshot_end(store_snapshot());
	fuzz_claim(buffer_add(out, "", 1) == 0);
}

/* What is nested, and what is beside the zone, as it was. */
static void claim_others(uint32_t table)
{
	static const char *const kept[] = {"x.\t60\tIN\tTXT\t\"outside\"\n",
					   "a.s.ex.\t60\tIN\tTXT\t\"nested\"\n",
					   "s.ex.\t60\tIN\tNS\tns.ex.\n"};
	CLEANUP(buffer_deinit) struct buffer text = {0};

	read_all(table, NULL, &text);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		fuzz_claim(strstr((char *)text.data, kept[i]));
	store_free(store_load((char *)text.data));
}

static void claim_zone(uint32_t table)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	struct scope apex = {.kind = SCOPE_OWNER, .name = zone};

	read_all(table, &apex, &text);
	fuzz_claim(strstr((char *)text.data, "\tIN\tSOA\t"));
	fuzz_claim(strstr((char *)text.data, "\tIN\tNS\t"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(update_freep) struct update *update = NULL;
	struct fuzz_input in = {data, size};
	struct refusal why = {0};
	uint8_t *message;
	uint32_t table;
	size_t len;
	int r;

	fuzz_claim(name_from_text("ex", 2, NULL, &zone, NULL) == 0);
	fuzz_claim(name_from_text("s.ex", 4, NULL, &nested, NULL) == 0);
	message = make_message(&in, &len);
	r = update_parse(&update, message, len, &zone, may, NULL, &why);
	free(message);
	fuzz_claim(r == 0 || (r == -EBADMSG && why.reason[0]));
	if (r < 0)
		return 0;
	table = store_load(records);
	if (run(update, table)) {
		claim_others(table);
		claim_zone(table);
	}
	store_free(table);
	return 0;
}
