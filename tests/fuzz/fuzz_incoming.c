// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_incoming.c - a transfer from a primary that sends anything
 *
 * The first octet says what was asked for, and the second how many records it
 * may have. Then come messages, each behind its length in two octets; their ID
 * and QR are set, for few would have them. What the differences come to is
 * judged on a zone that is there.
 */
#include <errno.h>

#include "dns/store/incoming.h"
#include "fuzz.h"
#include "store.h"

static const char records[] = "ex. 60 SOA . . 1 0 0 0 5\n"
			      "ex. 60 NS a.ex.\n"
			      "a.ex. 60 A 192.0.2.1\n"
			      "b.ex. 60 MX 1 a.ex.\n";

static uint32_t table;

static void claim_differences(const struct incoming *incoming)
{
	CLEANUP(change_deinit) struct change change = {0};
	MDB_txn *txn = store_begin();
	int r = incoming_differences(incoming, store_tables(), txn, table,
				     &change);
	struct refusal why;

	fuzz_claim(r == 0 || r == ESTALE);
	if (r == 0)
		r = table_apply(store_tables(), txn, table, &change, false, 1,
				&why);
	fuzz_claim(r >= 0);
	mdb_txn_abort(txn);
}

static void claim_error(int r, const struct refusal *why)
{
	fuzz_claim(r == -EREMOTEIO || r == -EBADMSG || r == -EDQUOT);
	fuzz_claim(r == -EREMOTEIO || why->reason[0]);
}

static void take(struct incoming *incoming, struct fuzz_input *in)
{
	CLEANUP(change_deinit) struct change zone = {0};
	enum incoming_state state = INCOMING_MORE;
	struct refusal why = {0};
	size_t records_before;
	uint8_t *message;
	size_t len;
	int r = 0;

	while (r == 0 && in->left && state == INCOMING_MORE) {
		len = fuzz_u16(in);
		len = len < in->left ? len : in->left;
		message = fuzz_copy(in->at, len);
		if (len >= MESSAGE_HEAD_SIZE) {
			put_u16(message, 0);
			message[MESSAGE_FLAGS] |= 0x80;
		}
		records_before = zone.count;
		r = incoming_take(incoming, message, len, &zone, &state, &why);
		free(message);
		in->at += len;
		in->left -= len;
		fuzz_claim(zone.count >= records_before);
	}
	if (r < 0)
		claim_error(r, &why);
	else if (state == INCOMING_DIFFERENCES)
		claim_differences(incoming);
	else if (state == INCOMING_ZONE)
		fuzz_claim(zone.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {.at = data, .left = size};
	struct incoming_request request = {
		.type = fuzz_u8(&in) & 1 ? RR_IXFR : RR_AXFR,
		.serial = 1,
		.records_max = fuzz_u8(&in),
	};
	struct incoming *incoming;

	if (!table)
		table = store_load(records);
	fuzz_claim(name_from_text("ex", 2, NULL, &request.apex, NULL) == 0);
	fuzz_claim(incoming_new(&incoming, &request) == 0);
	take(incoming, &in);
	incoming_free(incoming);
	return 0;
}
