// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_answer.c - a packet to an answer, over records of every kind
 *
 * The first octet of the input says what the server is set to, and whether the
 * rest is a packet as it comes or makes a query about names that are there.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "fuzz.h"
#include "query_made.h"
#include "response.h"
#include "store.h"

#define L63 "l23456789012345678901234567890123456789012345678901234567890123"

static const char records[] =
	"$TTL 300\n"
	"$ORIGIN ex.\n"
	"@ SOA ns host 1 7200 3600 1209600 60\n"
	"@ NS ns\n"
	"@ NS ns.sub\n"
	"@ NS ns.elsewhere.\n"
	"@ MX 10 mx\n"
	"@ TXT \"apex\"\n"
	"ns A 192.0.2.1\n"
	"ns AAAA 2001:db8::1\n"
	"mx A 192.0.2.2\n"
	"mx MX 10 mx\n"
	"mx HTTPS 1 . alpn=h2\n"
	"a.b.c A 192.0.2.3\n" /* b.c and c: empty non-terminals */
	"* TXT \"any\"\n"
	"*.w A 192.0.2.4\n"
	"*.w MX 5 mx\n"
	"x.y.w A 192.0.2.5\n"
	"*.cn CNAME a.b.c\n"
	"*.loop CNAME a.loop\n"
	"*.self CNAME a.b.self\n"
	"*.dn DNAME w\n"
	"*.cut NS ns\n"
	/* cuts: in-domain glue, siblings' glue, a cut below a cut, and DS */
	"cut NS ns.cut\n"
	"cut NS ns.cut2\n"
	"cut DS 1 13 2 "
	"0000000000000000000000000000000000000000000000000000000000000001\n"
	"ns.cut A 192.0.2.6\n"
	"ns.cut AAAA 2001:db8::6\n"
	"cut2 NS ns.cut\n"
	"ns.cut2 A 192.0.2.7\n"
	"low.cut2 NS ns.low.cut2\n"
	"ns.low.cut2 A 192.0.2.8\n"
	"*.cut2 A 192.0.2.9\n"
	/* chains, in circles and out of the zone */
	"c1 CNAME c2\n"
	"c2 CNAME c3\n"
	"c3 CNAME c1\n"
	"c4 CNAME c4\n"
	"c5 CNAME a.b.c\n"
	"c6 CNAME x.cut\n"
	"c7 CNAME no.such.\n"
	"c8 CNAME nothing.b.c\n"
	"c9 CNAME x.dev.\n"
	"c9 RRSIG CNAME 13 2 300 20300101000000 20200101000000 1 ex. AAAA\n"
	"c9 NSEC ns CNAME RRSIG NSEC\n"
	"d1 DNAME d2\n"
	"d2 DNAME d1\n"
	"d3 DNAME d3.d3\n"
	"d4 DNAME w\n"
	"d4 A 192.0.2.10\n"
	"d5 DNAME .\n"
	"d6 DNAME cut\n"
	"d7 DNAME dev.\n"
	"d8 DNAME " L63 "." L63 "." L63 ".ex.\n" L63 "." L63 "." L63
	" A 192.0.2.11\n"
	"svc SVCB 0 alias\n"
	"alias SVCB 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.12\n"
	"alias A 192.0.2.12\n"
	"srv SRV 1 2 3 alias\n"
	"srv SRV 1 2 3 ns.sub\n"
	"odd TYPE65280 \\# 3 010203\n"
	"odd NAPTR 1 2 \"u\" \"x\" \"!^.*$!y!\" .\n"
	"\\000.\\255 A 192.0.2.13\n"
	"a\\.b A 192.0.2.14\n"
	"$ORIGIN sub.ex.\n" /* a zone below, whose parent has no cut for it */
	"@ SOA ns host 1 7200 3600 1209600 60\n"
	"@ NS ns\n"
	"ns A 192.0.2.20\n"
	"up CNAME a.b.c.ex.\n"
	"down DNAME sub.ex.\n"
	"* CNAME up\n"
	"$ORIGIN .\n" /* outside any zone */
	"*.dev A 127.0.0.1\n"
	"x.dev A 127.0.0.2\n"
	"y.dev CNAME x.dev\n"
	"z.dev NS ns.z.dev\n"
	"ns.z.dev A 127.0.0.3\n"
	"deep.e.f.dev TXT \"ent\"\n"
	"d.dev DNAME ex.\n"
	"svc.dev HTTPS 1 x.dev. port=1\n";

/* Labels that these names are made of; "" ends a name. */
static const char *const words[] = {
	"",	 "ex",	"sub", "ns",   "mx",   "a",    "b",  "c",    "*",
	"w",	 "x",	"y",   "cn",   "loop", "self", "dn", "cut",  "cut2",
	"low",	 "c1",	"c4",  "c5",   "c6",   "c7",   "c8", "c9",   "d1",
	"d2",	 "d3",	"d4",  "d5",   "d6",   "d7",   "d8", L63,    "svc",
	"alias", "srv", "odd", "up",   "down", "dev",  "z",  "deep", "e",
	"f",	 "d",	"big", "huge", "no",   "far",
};

static uint32_t table;

/* Sets of records that are too many to be written down. */
static void load(void)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};

	fuzz_claim(buffer_add_text(&text, records) == 0);
	for (int i = 0; i < 90; i++)
		fuzz_claim(buffer_printf(&text,
					 "big.ex. A 10.0.0.%d\n"
					 "big.ex. MX %d n%d.big.ex.\n"
					 "n%d.big.ex. A 10.0.1.%d\n"
					 "far.ex. NS n%d.far.ex.\n"
					 "n%d.far.ex. AAAA fd00::%d\n",
					 i, i, i, i, i, i, i, i) == 0);
	for (int i = 0; i < 200; i++)
		fuzz_claim(buffer_printf(&text, "huge.ex. TXT \"%0250d\"\n",
					 i) == 0);
	fuzz_claim(buffer_add(&text, "", 1) == 0);
	table = store_load((const char *)text.data);
}

static void made_name(struct fuzz_input *in, struct name *out)
{
	const char *word;
	size_t len;

	name_root(out);
	while (in->left) {
		word = words[fuzz_u8(in) % ARRAY_SIZE(words)];
		len = strlen(word);
		if (!len || out->len + 1 + len > NAME_WIRE_SIZE)
			return;
		/* Before the root's zero. */
		out->wire[out->len - 1] = (uint8_t)len;
		memcpy(out->wire + out->len, word, len);
		out->len = (uint8_t)(out->len + 1 + len);
		out->wire[out->len - 1] = 0;
	}
}

/*
 * With cookies and a rate, which depend on the time and on what was asked
 * before: of such answers less can be said.
 */
static void ask_as_a_stranger(struct answer_options options, uint8_t set,
			      const uint8_t *query, size_t len)
{
	static uint8_t out[MESSAGE_TCP_SIZE];
	static struct cookies cookies;
	static struct limiter *limiter;
	static uint64_t now_ms;
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0xc0000200u | set),
	};
	struct answer_client client = {
		.transport = ANSWER_UDP,
		.address = (const struct sockaddr *)&address,
		.now_ms = now_ms += set,
	};
	struct answer_server server = {.id = 1, .served.table = table};
	static struct errand errand;
	struct answer_facts facts;
	size_t got;

	if (!limiter)
		fuzz_claim(cookie_init(&cookies) == 0 &&
			   limiter_new(&limiter, 5, true) == 0);
	options.cookies = &cookies;
	options.limiter = limiter;
	fuzz_claim(snapshot_begin(store_snapshot()) == 0);
	got = answer(&options, store_snapshot(), &server, &client, query, len,
		     out, &facts, &errand);
	snapshot_end(store_snapshot());
	/* A signed one is told whose key it had, however long that is. */
	fuzz_claim(got <= options.edns_size || got <= 512 ||
		   (errand.tsig.is_signed && got <= 512 + len));
	/* Past the rate, no more than was asked but for a server cookie. */
	if (got && facts.is_limited)
		fuzz_claim(got <= len + COOKIE_SIZE - COOKIE_CLIENT_SIZE);
	if (got)
		fuzz_claim(got >= 12 && !memcmp(out, query, 2) &&
			   (out[2] & 0x80) && !(query[2] & 0x80));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t sizes[] = {512, 1232, 4096, 65535};
	static const uint8_t nsid[] = "a server";
	struct fuzz_input in = {data, size};
	uint8_t set = fuzz_u8(&in);
	struct answer_options options = {
		.edns_size = sizes[set >> 6],
		.nsid = set & 2 ? nsid : NULL,
		.nsid_len = set & 2 ? sizeof(nsid) : 0,
		.keepalive = set & 4 ? 100 : 0,
	};
	uint8_t made[QUERY_MADE_SIZE], *query;
	struct name name;
	size_t len;

	if (!table)
		load();
	if (!(set & 1)) {
		query = fuzz_copy(in.at, in.left);
		len = in.left;
	} else {
		made_name(&in, &name);
		len = query_made(&in, &name, made);
		query = fuzz_copy(made, len);
	}
	response_judge(&options, table, query, len);
	ask_as_a_stranger(options, set, query, len);
	free(query);
	return 0;
}
