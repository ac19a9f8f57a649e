// SPDX-License-Identifier: Apache-2.0
/*
 * test_tsig.c - signed messages, a server's side and a client's
 *
 * Beside what both sides say to each other, what dnspython says: it signs with
 * a key "Xfr.Example." at the time NOW, and compresses that name.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <sodium.h>

#include "dns/answer/tsig.h"
#include "dns/answer/tsig_rr.h"
#include "homes.h"

#define NOW  1700000000
#define NAME "Xfr.Example."

static struct hmac *hmac;
static uint32_t home;
static struct tsig_key key; /* hmac-sha256, by the name "xfr." */

struct message {
	uint8_t octets[2048];
	size_t len;
};

static struct message unhex(const char *text)
{
	struct message out;

	assert_int_equal(sodium_hex2bin(out.octets, sizeof(out.octets), text,
					strlen(text), NULL, &out.len, NULL),
			 0);
	return out;
}

/* In the whole of a group's store, as requests come. */
static int check(struct tsig *out, const struct message *message, size_t *len,
		 uint64_t now)
{
	int r;

	*len = message->len;
	assert_int_equal(snapshot_begin(tt.snapshot), 0);
	r = tsig_check(out, hmac, tt.snapshot, home, message->octets, len, now);
	snapshot_end(tt.snapshot);
	return r;
}

/* What is before the TSIG, as a message. */
static struct message bare(const struct message *message)
{
	struct message out = *message;
	struct tsig_rr rr;

	assert_int_equal(tsig_rr_read(out.octets, out.len, &rr), 0);
	out.len = rr.at;
	tsig_strip(out.octets);
	return out;
}

static struct message question(void)
{
	return unhex("123428000001000000000000"
		     "0478616d7003646e730000060001");
}

static void assert_same(const struct message *a, const struct message *b)
{
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->octets, b->octets, a->len);
}

/* ---- dnspython ---- */

/* All but the owner, which is the one thing that may be written otherwise. */
static void assert_same_tsig(const struct message *a, const struct message *b)
{
	struct tsig_rr one, other;

	assert_int_equal(tsig_rr_read(a->octets, a->len, &one), 0);
	assert_int_equal(tsig_rr_read(b->octets, b->len, &other), 0);
	assert_int_equal(one.at, other.at);
	/* But for ARCOUNT, which both have set. */
	assert_memory_equal(a->octets, b->octets, one.at);
	assert_true(name_equal(&one.name, &other.name));
	assert_true(name_equal(&one.algorithm, &other.algorithm));
	assert_int_equal(one.time, other.time);
	assert_int_equal(one.fudge, other.fudge);
	assert_int_equal(one.id, other.id);
	assert_int_equal(one.error, other.error);
	assert_int_equal(one.other_len, other.other_len);
	assert_int_equal(one.mac_len, other.mac_len);
	assert_memory_equal(one.mac, other.mac, one.mac_len);
}

static void dnspython_and_we_sign_alike_with_every_hash(void **state)
{
	static const struct {
		enum hmac_kind kind;
		const char *secret, *request, *response;
	} cases[] = {
		{HMAC_SHA1, "303132333435363738396162636465666768696a",
		 "123400000001000000000001045a6f6e65076578616d706c6500"
		 "00fc000103586672c01100fa00ff00000000002f09686d61632d"
		 "736861310000006553f100012c00143ff2d9fcb482e7c75daae2"
		 "bcdafce7bed01b4f75123400000000",
		 "123484000001000100000001045a6f6e65076578616d706c6500"
		 "00fc0001c00c000100010000012c0004c000020003586672c011"
		 "00fa00ff00000000002f09686d61632d736861310000006553f1"
		 "00012c0014e4af76873c7970d16643fb44a57fef2d44f5400f12"
		 "3400000000"},
		{HMAC_SHA224, "6162636465666768",
		 "123400000001000000000001045a6f6e65076578616d706c6500"
		 "00fc000103586672c01100fa00ff0000000000390b686d61632d"
		 "7368613232340000006553f100012c001c8f08607f93d5811846"
		 "f3c1da504af2cc40749d1e6797c80f00fc8d67123400000000",
		 "123484000001000100000001045a6f6e65076578616d706c6500"
		 "00fc0001c00c000100010000012c0004c000020003586672c011"
		 "00fa00ff0000000000390b686d61632d73686132323400000065"
		 "53f100012c001caa5240402d5cd1122d45b7ee35f8c1ec0568f1"
		 "c136b2dd9690d383ba123400000000"},
		{HMAC_SHA256,
		 "000102030405060708090a0b0c0d0e0f10111213141516171819"
		 "1a1b1c1d1e1f",
		 "123400000001000000000001045a6f6e65076578616d706c6500"
		 "00fc000103586672c01100fa00ff00000000003d0b686d61632d"
		 "7368613235360000006553f100012c00204bad9d818421513236"
		 "306fe50af0c81d2bebcd6c62d7214a6628a04f9e9a1d11123400"
		 "000000",
		 "123484000001000100000001045a6f6e65076578616d706c6500"
		 "00fc0001c00c000100010000012c0004c000020003586672c011"
		 "00fa00ff00000000003d0b686d61632d73686132353600000065"
		 "53f100012c0020e820a0b8d3f5b01d62a9330e7c3a91720639e8"
		 "becff9db960376fef7df7c29c5123400000000"},
		{HMAC_SHA384,
		 "000102030405060708090a0b0c0d0e0f10111213141516171819"
		 "1a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30313233"
		 "3435363738393a3b3c3d3e3f404142434445464748494a4b4c4d"
		 "4e4f505152535455565758595a5b5c5d5e5f6061626364656667"
		 "68696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f8081"
		 "82838485868788898a8b",
		 "123400000001000000000001045a6f6e65076578616d706c6500"
		 "00fc000103586672c01100fa00ff00000000004d0b686d61632d"
		 "7368613338340000006553f100012c0030436e7db50ac667e3b6"
		 "d3f7f792b0cd32942a0ae46c84f7feaeb1895ea48af8af412771"
		 "4560107b01f2606723fdbfbf26123400000000",
		 "123484000001000100000001045a6f6e65076578616d706c6500"
		 "00fc0001c00c000100010000012c0004c000020003586672c011"
		 "00fa00ff00000000004d0b686d61632d73686133383400000065"
		 "53f100012c0030d26afc42f592161cf6373b7d8f06dcc0dfbc65"
		 "ba0c7538fb4e13760e5332891772df5c302a1328d8194fc9eab5"
		 "05b6f5123400000000"},
		{HMAC_SHA512,
		 "ffffffffffffffffffffffffffffffffffffffffffffffffffff"
		 "ffffffffffffffffffffffffffffffffffffffffffffffffffff"
		 "ffffffffffffffffffffffff",
		 "123400000001000000000001045a6f6e65076578616d706c6500"
		 "00fc000103586672c01100fa00ff00000000005d0b686d61632d"
		 "7368613531320000006553f100012c004028cfaebc72a8d81457"
		 "05d932583fb2872f92654fa4d91370c128c84f00e631183bd6d4"
		 "0b1933b0866d9e7392bc0feabe43a55c7ced1d682e5bf2bde26b"
		 "f9fb45123400000000",
		 "123484000001000100000001045a6f6e65076578616d706c6500"
		 "00fc0001c00c000100010000012c0004c000020003586672c011"
		 "00fa00ff00000000005d0b686d61632d73686135313200000065"
		 "53f100012c00408c3447db3d4ff5f172f79c6a7543f4ff878bdb"
		 "11fd6c44613c7b3140c2b2c59d01734134e7c22f5347b5fc553d"
		 "954c3644fc7bcf0331118c898b1f57142ceade123400000000"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct message secret = unhex(cases[i].secret), mine;
		struct message request = unhex(cases[i].request);
		struct message response = unhex(cases[i].response);
		struct tsig server, client;
		struct tsig_key known;
		size_t len;

		known = homes_key(home, NAME, cases[i].kind, secret.octets,
				  secret.len);
		assert_int_equal(check(&server, &request, &len, NOW), 0);
		assert_true(server.is_signed && server.is_good);
		mine = bare(&request);
		assert_int_equal(len, mine.len);
		mine.len = tsig_begin(&client, &known, hmac, mine.octets,
				      mine.len, NOW);
		assert_same_tsig(&mine, &request);

		mine = bare(&response);
		len = mine.len + tsig_room(&server);
		mine.len = tsig_sign(&server, hmac, mine.octets, mine.len, NOW);
		assert_int_equal(mine.len, len);
		assert_same_tsig(&mine, &response);
		len = response.len;
		assert_int_equal(
			tsig_accept(&client, hmac, response.octets, &len, NOW),
			0);
		assert_true(client.is_good);
		mine = bare(&mine);
		response.len = len;
		assert_same(&mine, &response);
	}
}

static void dnspythons_stream_is_taken_and_made(void **state)
{
	static const char *const stream[] = {
		"123484000001000100000001045a6f6e65076578616d706c6500"
		"00fc0001c00c000100010000012c0004c000020003586672c011"
		"00fa00ff00000000003d0b686d61632d73686132353600000065"
		"53f100012c0020e820a0b8d3f5b01d62a9330e7c3a91720639e8"
		"becff9db960376fef7df7c29c5123400000000",
		"123484000000000100000001047a6f6e65076578616d706c6500"
		"000100010000012c0004c000020103586672c01100fa00ff0000"
		"0000003d0b686d61632d7368613235360000006553f100012c00"
		"20e2e4e26c87ae5d7b3c626f39627d586489e4ebeaec50541580"
		"903b8298533256123400000000",
		"123484000000000100000001047a6f6e65076578616d706c6500"
		"000100010000012c0004c000020203586672c01100fa00ff0000"
		"0000003d0b686d61632d7368613235360000006553f100012c00"
		"20be3f4512391c5f9e32867795b29c1a42e65f875459edd81453"
		"1ae48764c540de123400000000",
	};
	static const char request[] =
		"123400000001000000000001045a6f6e65076578616d706c6500"
		"00fc000103586672c01100fa00ff00000000003d0b686d61632d"
		"7368613235360000006553f100012c00204bad9d818421513236"
		"306fe50af0c81d2bebcd6c62d7214a6628a04f9e9a1d11123400"
		"000000";
	struct message asked = unhex(request), theirs, mine;
	struct tsig server, client;
	struct tsig_key known;
	uint8_t secret[32];
	size_t len;

	(void)state;
	for (unsigned i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	known = homes_key(home, NAME, HMAC_SHA256, secret, sizeof(secret));
	assert_int_equal(check(&server, &asked, &len, NOW), 0);
	mine = bare(&asked);
	tsig_begin(&client, &known, hmac, mine.octets, mine.len, NOW);
	for (size_t i = 0; i < ARRAY_SIZE(stream); i++) {
		theirs = unhex(stream[i]);
		mine = bare(&theirs);
		mine.len = tsig_sign(&server, hmac, mine.octets, mine.len, NOW);
		assert_same_tsig(&mine, &theirs);
		assert_int_equal(tsig_accept(&client, hmac, theirs.octets,
					     &theirs.len, NOW),
				 0);
	}
}

/* ---- A server's ---- */

/* A request that is signed at a time; the client goes on with @client. */
static struct message signed_at(struct tsig *client, uint64_t now)
{
	struct message out = question();

	out.len = tsig_begin(client, &key, hmac, out.octets, out.len, now);
	assert_true(out.len);
	return out;
}

/* The server's answer to it; nothing but header and question. */
static struct message answer_to(const struct message *request,
				struct tsig *server, uint64_t now)
{
	struct message out = question();
	size_t len;

	assert_int_equal(check(server, request, &len, now), 0);
	out.octets[MESSAGE_FLAGS] |= MESSAGE_QR >> 8;
	len = out.len + tsig_room(server);
	out.len = tsig_sign(server, hmac, out.octets, out.len, now);
	assert_int_equal(out.len, len);
	return out;
}

static int accept_it(struct tsig *client, struct message *message, uint64_t now)
{
	return tsig_accept(client, hmac, message->octets, &message->len, now);
}

static void a_message_without_a_tsig_is_not_signed(void **state)
{
	struct message request = question(), same = request;
	struct tsig tsig;
	size_t len;

	(void)state;
	assert_int_equal(check(&tsig, &request, &len, NOW), 0);
	assert_false(tsig.is_signed || tsig.is_good);
	assert_int_equal(len, request.len);
	assert_int_equal(tsig_room(&tsig), 0);
	assert_int_equal(tsig_sign(&tsig, hmac, same.octets, same.len, NOW),
			 same.len);
	assert_same(&same, &request);
}

static void a_key_that_is_not_known_is_badkey_and_gets_no_mac(void **state)
{
	struct tsig_key other = key;
	struct message request, response;
	struct tsig server, client;
	struct tsig_rr rr;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		uint32_t former = home;

		other = key;
		if (i == 0)
			other.name = test_name("Other.");
		else if (i == 1)
			other.kind = HMAC_SHA1; /* of another algorithm */
		else
			home = 0; /* who has no settings has no key */
		request = question();
		request.len = tsig_begin(&client, &other, hmac, request.octets,
					 request.len, NOW);
		response = answer_to(&request, &server, NOW);
		home = former;
		assert_true(server.is_signed && !server.is_good);
		assert_int_equal(
			tsig_rr_read(response.octets, response.len, &rr), 0);
		assert_int_equal(rr.error, TSIG_BADKEY);
		assert_int_equal(rr.mac_len, 0);
		assert_int_equal(rr.other_len, 0);
		assert_true(name_equal(&rr.name, &other.name));
		assert_int_equal(accept_it(&client, &response, NOW),
				 -EKEYREJECTED);
		assert_int_equal(client.error, TSIG_BADKEY);
	}
}

static void what_was_changed_on_its_way_is_badsig(void **state)
{
	struct tsig server, client;
	struct message request = signed_at(&client, NOW), wrong, response;
	struct tsig_rr rr;
	size_t len;

	(void)state;
	assert_int_equal(tsig_rr_read(request.octets, request.len, &rr), 0);
	/* Each octet of the message but its ID, and of what is hashed. */
	for (size_t at = 2; at < rr.at; at++) {
		if (at >= MESSAGE_QDCOUNT && at < MESSAGE_HEAD_SIZE + 10)
			continue; /* another message altogether */
		wrong = request;
		wrong.octets[at] ^= 1;
		assert_int_equal(check(&server, &wrong, &len, NOW), 0);
		assert_true(server.is_signed && !server.is_good);
		assert_int_equal(server.error, TSIG_BADSIG);
	}
	wrong = request;
	wrong.octets[rr.mac - request.octets] ^= 1;
	response = answer_to(&wrong, &server, NOW);
	assert_int_equal(tsig_rr_read(response.octets, response.len, &rr), 0);
	assert_int_equal(rr.error, TSIG_BADSIG);
	assert_int_equal(rr.mac_len, 0);
	assert_int_equal(accept_it(&client, &response, NOW), -EKEYREJECTED);
}

static void a_forwarders_id_is_no_change(void **state)
{
	struct tsig server, client;
	struct message request = signed_at(&client, NOW), response;

	(void)state;
	request.octets[0] ^= 0xff;
	response = answer_to(&request, &server, NOW);
	assert_true(server.is_good);
	response.octets[0] ^= 0xff;
	assert_int_equal(accept_it(&client, &response, NOW), 0);
}

static void a_clock_may_be_wrong_by_the_fudge(void **state)
{
	static const struct {
		int64_t off;
		bool is_good;
	} cases[] = {
		{0, true},    {TSIG_FUDGE, true}, {-TSIG_FUDGE, true},
		{301, false}, {-301, false},	  {-1700000000, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t theirs = (uint64_t)(NOW + cases[i].off);
		struct tsig server, client;
		struct message request = signed_at(&client, theirs), response;
		struct tsig_rr rr;

		response = answer_to(&request, &server, NOW);
		assert_int_equal(server.is_good, cases[i].is_good);
		if (cases[i].is_good)
			continue;
		/* Signed, in the client's time, and told the server's. */
		assert_int_equal(
			tsig_rr_read(response.octets, response.len, &rr), 0);
		assert_int_equal(rr.error, TSIG_BADTIME);
		assert_int_equal(rr.time, theirs);
		assert_int_equal(rr.mac_len, 32);
		assert_int_equal(rr.other_len, 6);
		assert_int_equal(get_u32(rr.other + 2), NOW);
		assert_int_equal(accept_it(&client, &response, theirs), -ETIME);
		assert_int_equal(client.error, TSIG_BADTIME);
	}
}

/* The request with the first @len octets of its MAC. */
static struct message truncated(const struct message *request, uint16_t len)
{
	struct message out = *request;
	struct tsig_rr rr;

	assert_int_equal(tsig_rr_read(request->octets, request->len, &rr), 0);
	out.len = rr.at;
	tsig_strip(out.octets);
	rr.mac_len = len;
	out.len = tsig_rr_write(&rr, out.octets, out.len);
	return out;
}

static void a_mac_may_lack_its_second_half_but_no_more(void **state)
{
	static const struct {
		enum hmac_kind kind;
		uint16_t len;
		int result;
	} cases[] = {
		{HMAC_SHA256, 32, 0},	    {HMAC_SHA256, 31, 0},
		{HMAC_SHA256, 16, 0},	    {HMAC_SHA256, 15, -EINVAL},
		{HMAC_SHA256, 10, -EINVAL}, {HMAC_SHA256, 0, -EINVAL},
		{HMAC_SHA1, 10, 0},	    {HMAC_SHA1, 9, -EINVAL},
		{HMAC_SHA512, 32, 0},	    {HMAC_SHA512, 31, -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tsig_key known =
			homes_key(home, "t.", cases[i].kind, "a secret", 8);
		struct message request = question(), response;
		struct tsig server, client;
		size_t len;

		request.len = tsig_begin(&client, &known, hmac, request.octets,
					 request.len, NOW);
		request = truncated(&request, cases[i].len);
		assert_int_equal(check(&server, &request, &len, NOW),
				 cases[i].result);
		assert_int_equal(server.is_signed, !cases[i].result);
		if (cases[i].result)
			continue;
		assert_true(server.is_good);
		/* The response hashes the request's MAC as it came. */
		client.mac_len = (uint8_t)cases[i].len;
		response = answer_to(&request, &server, NOW);
		assert_int_equal(accept_it(&client, &response, NOW), 0);
		response = answer_to(&request, &server, NOW);
		response = truncated(&response, cases[i].len);
		client = (struct tsig){0};
		request = question();
		tsig_begin(&client, &known, hmac, request.octets, request.len,
			   NOW);
		client.mac_len = (uint8_t)cases[i].len;
		assert_int_equal(accept_it(&client, &response, NOW), 0);
	}
}

static void a_mac_that_is_too_long_is_no_tsig(void **state)
{
	struct tsig server, client;
	struct message request = signed_at(&client, NOW);
	uint8_t mac[64] = {0};
	struct tsig_rr rr;
	size_t len;

	(void)state;
	assert_int_equal(tsig_rr_read(request.octets, request.len, &rr), 0);
	memcpy(mac, rr.mac, rr.mac_len);
	tsig_strip(request.octets);
	rr.mac = mac;
	rr.mac_len = 33;
	request.len = tsig_rr_write(&rr, request.octets, rr.at);
	assert_int_equal(check(&server, &request, &len, NOW), -EINVAL);
	assert_false(server.is_signed);
}

#define ASKED "0478616d7003646e730000060001"
/* Owner, class and TTL, RDATA but for the length. */
#define RDATA                                                                  \
	"0b686d61632d73686132353600"                                           \
	"00006553f100"                                                         \
	"012c"                                                                 \
	"0010"                                                                 \
	"00112233445566778899aabbccddeeff"                                     \
	"1234"                                                                 \
	"0000"                                                                 \
	"0000"
#define TSIG                                                                   \
	"0378667200"                                                           \
	"00fa"                                                                 \
	"00ff"                                                                 \
	"00000000"                                                             \
	"002d" RDATA

static void what_cannot_be_read_is_formerr(void **state)
{
	static const struct {
		const char *message;
		int result;
	} cases[] = {
		{"123400000001000000000001" ASKED TSIG, 0},
		/* Not in another section, not twice, not before another. */
		{"123400000001000100000000" ASKED TSIG, -EINVAL},
		{"123400000001000000010000" ASKED TSIG, -EINVAL},
		{"123400000001000000000002" ASKED TSIG TSIG, -EINVAL},
		{"123400000001000000000002" ASKED TSIG "0000010001000000000000",
		 -EINVAL},
		/* Counts and lengths. */
		{"123400000001000000000002" ASKED TSIG, -EINVAL},
		{"123400000001000000000000" ASKED TSIG, -EINVAL},
		{"123400000001000000000001" ASKED TSIG "00", -EINVAL},
		{"1234000000010000000000", -EINVAL},
		{"123400000001000000000001" ASKED
		 "037866720000fa00ff00000000002c" RDATA,
		 -EINVAL},
		{"123400000001000000000001" ASKED
		 "037866720000fa00ff00000000002e" RDATA "00",
		 -EINVAL},
		/* Class ANY and a TTL of 0: RFC 8945, section 4.2. */
		{"123400000001000000000001" ASKED
		 "037866720000fa000100000000002d" RDATA,
		 -EINVAL},
		{"123400000001000000000001" ASKED
		 "037866720000fa00ff00000001002d" RDATA,
		 -EINVAL},
		/* The owner may be compressed, the algorithm not. */
		{"123400000001000000000001" ASKED "0378667200"
		 "00fa"
		 "00ff"
		 "00000000"
		 "0022"
		 "c00c"
		 "00006553f100"
		 "012c"
		 "0010"
		 "00112233445566778899aabbccddeeff"
		 "1234"
		 "0000"
		 "0000",
		 -EINVAL},
		{"123400000001000000000001" ASKED "c00c"
		 "00fa"
		 "00ff"
		 "00000000"
		 "002d" RDATA,
		 0},
		{"123400000001000000000001" ASKED "c01a"
		 "00fa"
		 "00ff"
		 "00000000"
		 "002d" RDATA,
		 -EINVAL},
		/* A MAC longer than the RDATA, other data the same. */
		{"123400000001000000000001" ASKED "0378667200"
		 "00fa"
		 "00ff"
		 "00000000"
		 "002d"
		 "0b686d61632d73686132353600"
		 "00006553f100"
		 "012c"
		 "0017"
		 "00112233445566778899aabbccddeeff"
		 "1234"
		 "0000"
		 "0000",
		 -EINVAL},
		{"123400000001000000000001" ASKED "0378667200"
		 "00fa"
		 "00ff"
		 "00000000"
		 "002d"
		 "0b686d61632d73686132353600"
		 "00006553f100"
		 "012c"
		 "0010"
		 "00112233445566778899aabbccddeeff"
		 "1234"
		 "0000"
		 "0001",
		 -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct message message = unhex(cases[i].message);
		struct tsig tsig;
		size_t len;

		if (check(&tsig, &message, &len, NOW) != cases[i].result)
			fail_msg("%zu: %s", i, cases[i].message);
		if (cases[i].result == 0)
			assert_true(tsig.is_signed && !tsig.is_good);
		else
			assert_false(tsig.is_signed);
	}
}

/* ---- A client's, and streams ---- */

static void a_response_of_anybody_else_is_not_taken(void **state)
{
	struct tsig server, client, again;
	struct message request = signed_at(&client, NOW), response, wrong;
	struct tsig_rr rr;

	(void)state;
	response = answer_to(&request, &server, NOW);
	assert_int_equal(tsig_rr_read(response.octets, response.len, &rr), 0);
	for (size_t at = 2; at < response.len; at++) {
		int r;

		wrong = response;
		again = client;
		wrong.octets[at] ^= 1;
		r = accept_it(&again, &wrong, NOW);
		if (r == 0 || r == -EAGAIN)
			fail_msg("octet %zu", at);
	}
	/* Nor is one without a TSIG, nor one to another request. */
	again = client;
	wrong = question();
	assert_int_equal(accept_it(&again, &wrong, NOW), -EBADMSG);
	again = client;
	again.mac[0] ^= 1;
	wrong = response;
	assert_int_equal(accept_it(&again, &wrong, NOW), -EBADMSG);
	/* Nor one that is late. */
	again = client;
	wrong = response;
	assert_int_equal(accept_it(&again, &wrong, NOW + 301), -ETIME);
	assert_int_equal(accept_it(&client, &response, NOW), 0);
}

/* A server that signs the first message and then each so many. */
struct seldom {
	struct hmac *hmac; /* of what it has sent since it last signed */
	struct tsig tsig;
	unsigned every, sent;
};

static void sign_gathered(struct seldom *server, struct message *message)
{
	struct tsig_rr rr = {.name = server->tsig.name,
			     .algorithm = server->tsig.algorithm,
			     .time = NOW,
			     .fudge = TSIG_FUDGE,
			     .id = get_u16(message->octets),
			     .mac = server->tsig.mac,
			     .other = server->tsig.mac};
	size_t len;

	tsig_add_timers(server->hmac, &rr);
	hmac_end(server->hmac, server->tsig.mac, &len);
	rr.mac_len = server->tsig.mac_len = (uint8_t)len;
	message->len = tsig_rr_write(&rr, message->octets, message->len);
}

static struct message send_next(struct seldom *server)
{
	struct message out = question();
	unsigned place = server->sent++;

	out.octets[13] = (uint8_t)('a' + place % 26);
	if (place == 0) {
		out.len = tsig_sign(&server->tsig, hmac, out.octets, out.len,
				    NOW);
		return out;
	}
	if (server->every == 1 || place % server->every == 1) {
		hmac_begin(server->hmac, key.kind, key.secret, key.len);
		tsig_add_mac(server->hmac, server->tsig.mac,
			     server->tsig.mac_len);
	}
	hmac_add(server->hmac, out.octets, out.len);
	if (place % server->every == 0)
		sign_gathered(server, &out);
	return out;
}

/* @spoil: the one that is changed on its way, from 1; 0: none */
static int run_stream(unsigned count, unsigned every, unsigned spoil)
{
	struct seldom server = {.every = every};
	struct tsig client;
	struct message request = signed_at(&client, NOW), message;
	struct hmac *own;
	size_t len;
	int r = 0;

	assert_int_equal(check(&server.tsig, &request, &len, NOW), 0);
	assert_int_equal(hmac_new(&server.hmac), 0);
	assert_int_equal(hmac_new(&own), 0);
	for (unsigned i = 1; i <= count && (r == 0 || r == -EAGAIN); i++) {
		message = send_next(&server);
		if (i == spoil)
			message.octets[14] ^= 1;
		r = tsig_accept(&client, own, message.octets, &message.len,
				NOW);
	}
	hmac_free(own);
	hmac_free(server.hmac);
	return r;
}

static void of_a_stream_some_may_be_unsigned(void **state)
{
	(void)state;
	assert_int_equal(run_stream(10, 1, 0), 0);
	assert_int_equal(run_stream(11, 5, 0), 0);
	/* The last one is not. */
	assert_int_equal(run_stream(10, 5, 0), -EAGAIN);
	/* 99 in a row, and one more. */
	assert_int_equal(run_stream(101, 100, 0), 0);
	assert_int_equal(run_stream(101, 101, 0), -EBADMSG);
	/* What was changed in between is seen by the next that is signed. */
	assert_int_equal(run_stream(3, 5, 3), -EAGAIN);
	assert_int_equal(run_stream(6, 5, 3), -EBADMSG);
	assert_int_equal(run_stream(6, 5, 6), -EBADMSG);
	assert_int_equal(run_stream(1, 5, 1), -EBADMSG);
}

static void the_key_is_wiped(void **state)
{
	struct tsig server, client;
	struct message request = signed_at(&client, NOW);
	uint8_t none[KEY_SECRET_SIZE] = {0};
	size_t len;

	(void)state;
	assert_int_equal(check(&server, &request, &len, NOW), 0);
	assert_memory_equal(server.key.secret, key.secret, key.len);
	tsig_wipe(&server);
	assert_memory_equal(server.key.secret, none, sizeof(none));
}

static int open_all(void **state)
{
	MDB_txn *txn;
	int r = test_tables_open(state);
	uint32_t table = test_new_table();

	if (r < 0 || hmac_new(&hmac) < 0)
		return -1;
	txn = test_begin();
	assert_int_equal(table_publish(&tt.tables, txn, 1, table, 1), 0);
	test_commit(txn);
	home = homes_new(1);
	key = homes_key(home, "xfr.", HMAC_SHA256, "0123456789abcdef", 16);
	return 0;
}

static int close_all(void **state)
{
	hmac = hmac_free(hmac);
	return test_tables_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dnspython_and_we_sign_alike_with_every_hash),
		cmocka_unit_test(dnspythons_stream_is_taken_and_made),
		cmocka_unit_test(a_message_without_a_tsig_is_not_signed),
		cmocka_unit_test(
			a_key_that_is_not_known_is_badkey_and_gets_no_mac),
		cmocka_unit_test(what_was_changed_on_its_way_is_badsig),
		cmocka_unit_test(a_forwarders_id_is_no_change),
		cmocka_unit_test(a_clock_may_be_wrong_by_the_fudge),
		cmocka_unit_test(a_mac_may_lack_its_second_half_but_no_more),
		cmocka_unit_test(a_mac_that_is_too_long_is_no_tsig),
		cmocka_unit_test(what_cannot_be_read_is_formerr),
		cmocka_unit_test(a_response_of_anybody_else_is_not_taken),
		cmocka_unit_test(of_a_stream_some_may_be_unsigned),
		cmocka_unit_test(the_key_is_wiped),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
