// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_signed.c - requests to a nameserver with keys, lists and zones of all
 * kinds: signed or not, for answers and for errands
 *
 * The first octet of the input says how the rest is used: as a request as it
 * comes; as one that is signed by a key that is known; as one of which an octet
 * is changed after that; or as the response to who has signed a request.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <time.h>

#include "dns/answer/answer.h"
#include "dns/answer/query.h"
#include "dns/answer/tsig_rr.h"
#include "fuzz.h"
#include "store.h"

static const char records[] = "ex. 300 SOA ns.ex. h.ex. 100 2 3 1000 300\n"
			      "ex. 300 NS ns.ex.\n"
			      "ns.ex. 300 A 192.0.2.1\n"
			      "to.ex. 300 CNAME www.dark.ex.\n"
			      "2.ex. 300 SOA ns.ex. h.ex. 100 2 3 1000 300\n"
			      "2.ex. 300 NS ns.ex.\n"
			      "old.ex. 300 SOA ns.ex. h.ex. 1 2 3 4 300\n"
			      "in.old.ex. 300 SOA ns.ex. h.ex. 1 2 3 4 5\n"
			      "in.old.ex. 300 NS ns.ex.\n";

static struct answer_server server = {.id = 1, .is_dark = true};
static struct hmac *hmac, *client_hmac;
static struct tsig_key key = {.kind = HMAC_SHA256, .len = 16};

static struct name name_of(const char *text)
{
	struct name out;

	fuzz_claim(name_from_text(text, strlen(text), NULL, &out, NULL) == 0);
	return out;
}

static void put_list(MDB_txn *txn, enum list_kind kind, const char *zone,
		     const char *text)
{
	struct name apex = name_of(zone);

	fuzz_claim(home_list_put(store_tables(), txn, server.served.home, kind,
				 &apex, text, strlen(text)) == 0);
}

static void load(void)
{
	MDB_txn *txn;

	fuzz_claim(hmac_new(&hmac) == 0 && hmac_new(&client_hmac) == 0);
	key.name = name_of("k");
	server.served.table = store_load(records);
	txn = store_begin();
	fuzz_claim(table_publish(store_tables(), txn, server.id,
				 server.served.table, 1) == 0);
	fuzz_claim(home_make(store_tables(), txn, server.id,
			     &server.served.home) == 0);
	fuzz_claim(home_key_put(store_tables(), txn, server.served.home,
				&key) == 0);
	put_list(txn, LIST_SECONDARIES, "ex", "127.0.0.1\nany k.\n");
	put_list(txn, LIST_UPDATES, "ex", "127.0.0.1 * TXT\nk.\n");
	/* Both are dark, until they have come. */
	put_list(txn, LIST_PRIMARIES, "old.ex", "127.0.0.1\n");
	put_list(txn, LIST_PRIMARIES, "dark.ex", "127.0.0.1 k.\n");
	fuzz_claim(mdb_txn_commit(txn) == 0);
}

/* What an errand says can be answered, and who signed takes the answer. */
static void answer_errand(struct errand *errand, struct tsig *signer,
			  const uint8_t *query)
{
	uint8_t reply[ERRAND_REPLY_SIZE];
	uint64_t now = (uint64_t)time(NULL);
	bool is_good = errand_key(errand);
	size_t len;

	fuzz_claim(errand->server == server.id);
	fuzz_claim(errand->head_len >= MESSAGE_HEAD_SIZE + 1);
	len = errand_reply(errand, hmac, RCODE_REFUSED, now, reply);
	fuzz_claim(len && !memcmp(reply, query, 2));
	if (is_good && signer)
		fuzz_claim(tsig_accept(signer, client_hmac, reply, &len, now) ==
			   0);
}

static size_t ask(enum answer_transport transport, bool is_here,
		  const uint8_t *query, size_t len, uint8_t *out,
		  struct errand *errand)
{
	static const uint8_t nsid[] = "a server";
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(is_here ? 0x7f000001 : 0xc0000201),
	};
	struct answer_client client = {
		.transport = transport,
		.address = (const struct sockaddr *)&address,
	};
	struct answer_options options = {
		.edns_size = ANSWER_EDNS_SIZE,
		.nsid = nsid,
		.nsid_len = sizeof(nsid),
		.hmac = hmac,
	};
	struct answer_facts facts;
	size_t got;

	fuzz_claim(snapshot_begin(store_snapshot()) == 0);
	got = answer(&options, store_snapshot(), &server, &client, query, len,
		     out, &facts, errand);
	snapshot_end(store_snapshot());
	if (errand->kind == ERRAND_TRANSFER || errand->kind == ERRAND_UPDATE)
		fuzz_claim(got == 0);
	else if (errand->kind)
		fuzz_claim(got);
	if (errand->kind == ERRAND_TRANSFER)
		fuzz_claim(transport == ANSWER_TCP);
	/* Nobody else is in a list, but for who has the key. */
	if (errand->kind && !is_here)
		fuzz_claim(errand_key(errand));
	return got;
}

/* @signer: NULL: it has no signature of ours */
static void ask_all(const uint8_t *query, size_t len, const struct tsig *signer)
{
	static uint8_t out[MESSAGE_TCP_SIZE];
	static struct errand errand;
	uint64_t now = (uint64_t)time(NULL);
	struct tsig by;

	for (unsigned i = 0; i < 4; i++) {
		size_t got = ask(i & 1 ? ANSWER_TCP : ANSWER_UDP, i & 2, query,
				 len, out, &errand);

		if (signer)
			by = *signer;
		else
			fuzz_claim(!errand_key(&errand));
		if (got)
			fuzz_claim(!memcmp(out, query, 2) && out[2] & 0x80);
		if (got && signer)
			fuzz_claim(tsig_accept(&by, client_hmac, out, &got,
					       now) == 0);
		else if (errand.kind && !got)
			answer_errand(&errand, signer ? &by : NULL, query);
	}
}

/* A message that is sound, and has no TSIG yet: what answer() takes. */
static bool may_be_signed(const uint8_t *query, size_t len)
{
	struct tsig_rr rr;

	return len <= 1024 && len >= MESSAGE_HEAD_SIZE &&
	       get_u16(query + MESSAGE_ARCOUNT) < UINT16_MAX &&
	       get_u16(query + MESSAGE_QDCOUNT) < 2 && !(query[2] & 0x80) &&
	       tsig_rr_read(query, len, &rr) == -ENOENT;
}

/*
 * What answer() cannot parse it does not check either: then the answer is
 * FORMERR, and not signed.
 */
static bool is_parsed(const uint8_t *query, size_t len)
{
	struct query parsed;

	return query_parse(query, len, &parsed) == QUERY_OK;
}

static void ask_signed(struct fuzz_input *in, bool is_spoilt)
{
	uint8_t query[2048];
	uint16_t at = is_spoilt ? fuzz_u16(in) : 0;
	uint8_t bits = is_spoilt ? fuzz_u8(in) : 0;
	struct tsig signer;
	size_t len = in->left;

	if (!may_be_signed(in->at, len))
		return;
	memcpy(query, in->at, len);
	len = tsig_begin(&signer, &key, client_hmac, query, len,
			 (uint64_t)time(NULL));
	/* Another ID, or another case of the two names, is no change. */
	at %= len;
	if (at < 2)
		bits = 0;
	query[at] ^= bits;
	if (!bits && is_parsed(query, len))
		ask_all(query, len, &signer);
	else if (bits && bits != 0x20)
		ask_all(query, len, NULL);
}

/* Any octets for a response: nobody but the server can make one. */
static void accept_anything(const struct fuzz_input *in)
{
	uint8_t query[256] = {0};
	uint8_t *response = fuzz_copy(in->at, in->left);
	uint64_t now = (uint64_t)time(NULL);
	struct tsig signer;
	size_t len = in->left;

	tsig_begin(&signer, &key, client_hmac, query, MESSAGE_HEAD_SIZE, now);
	fuzz_claim(tsig_accept(&signer, client_hmac, response, &len, now) < 0);
	signer.has_first = true;
	fuzz_claim(tsig_accept(&signer, client_hmac, response, &len, now) < 0);
	free(response);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t set = fuzz_u8(&in);
	uint8_t *query;

	if (!hmac)
		load();
	if (set % 4 == 0) {
		query = fuzz_copy(in.at, in.left);
		ask_all(query, in.left, NULL);
		free(query);
	} else if (set % 4 == 3) {
		accept_anything(&in);
	} else {
		ask_signed(&in, set % 4 == 2);
	}
	return 0;
}
