// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_signed.c - signed queries; AXFR, IXFR, NOTIFY and UPDATE as
 * answer() judges them; EXPIRE; and dark zones
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include <time.h>

#include "asking.h"
#include "dns/answer/tsig_rr.h"
#include "homes.h"

#define RECORDS                                                                \
	"ex. 300 SOA ns.ex. h.ex. 100 2 3 1000 300\n"                          \
	"ex. 300 NS ns.ex.\n"                                                  \
	"ns.ex. 300 A 192.0.2.1\n"                                             \
	"to.ex. 300 CNAME www.dark.ex.\n"                                      \
	"second.ex. 300 SOA ns.ex. h.ex. 100 2 3 1000 300\n"                   \
	"second.ex. 300 NS ns.ex.\n"                                           \
	"old.ex. 300 SOA ns.ex. h.ex. 100 2 3 1000 300\n"                      \
	"old.ex. 300 NS ns.ex.\n"                                              \
	"www.old.ex. 300 A 192.0.2.2\n"                                        \
	"in.old.ex. 300 SOA ns.ex. h.ex. 1 2 3 4 5\n"                          \
	"in.old.ex. 300 NS ns.ex.\n"                                           \
	"www.in.old.ex. 300 A 192.0.2.3\n"

static struct hmac *client_hmac, *server_hmac;
static struct tsig_key key, stranger;
static const struct sockaddr_in here = {
	.sin_family = AF_INET,
	.sin_addr = {0x0100007f},
};

struct asked {
	const char *name;
	uint16_t type, opcode;
	enum answer_transport transport;
	uint16_t class; /* 0: IN */
	int32_t serial; /* of an SOA behind the question; -1: none */
	bool edns, expire, rd;
	const struct tsig_key *key; /* NULL: not signed */
};

/* What came back. */
static struct {
	uint8_t octets[MESSAGE_TCP_SIZE];
	size_t len;
	struct tsig tsig; /* the client's */
} response;

static size_t put_soa(uint8_t *out, const struct name *owner, int32_t serial)
{
	uint8_t *at = out;

	memcpy(at, owner->wire, owner->len);
	at += owner->len;
	put_u16(at, RR_SOA);
	put_u16(at + RR_HEAD_CLASS, RR_CLASS_IN);
	put_u32(at + RR_HEAD_TTL, 0);
	put_u16(at + RR_HEAD_RDLENGTH, 24);
	memset(at + RR_HEAD_SIZE, 0, 24);
	/* Compressed names, as some send them. */
	put_u16(at + RR_HEAD_SIZE, 0xc00c);
	put_u16(at + RR_HEAD_SIZE + 2, 0xc00c);
	put_u32(at + RR_HEAD_SIZE + 4, (uint32_t)serial);
	return (size_t)(at - out) + RR_HEAD_SIZE + 24;
}

static size_t put_opt(uint8_t *out, bool expire)
{
	memset(out, 0, EDNS_OPT_SIZE);
	put_u16(out + 1, RR_OPT);
	put_u16(out + 1 + EDNS_UDP_SIZE, 1232);
	if (!expire)
		return EDNS_OPT_SIZE;
	put_u16(out + 1 + RR_HEAD_RDLENGTH, EDNS_OPTION_HEAD);
	put_u32(out + EDNS_OPT_SIZE, (uint32_t)EDNS_EXPIRE << 16);
	return EDNS_OPT_SIZE + EDNS_OPTION_HEAD;
}

static size_t make(const struct asked *asked, uint8_t *out)
{
	struct name name = test_name(asked->name);
	size_t len = MESSAGE_HEAD_SIZE;
	bool notify = asked->opcode == MESSAGE_OPCODE_NOTIFY;

	memset(out, 0, MESSAGE_HEAD_SIZE);
	put_u16(out, 0x1234);
	put_u16(out + MESSAGE_FLAGS,
		(uint16_t)(asked->opcode << MESSAGE_OPCODE_SHIFT |
			   (asked->rd ? MESSAGE_RD : 0)));
	put_u16(out + MESSAGE_QDCOUNT, 1);
	memcpy(out + len, name.wire, name.len);
	len += name.len;
	put_u16(out + len, asked->type);
	put_u16(out + len + 2, asked->class ? asked->class : RR_CLASS_IN);
	len += MESSAGE_QUESTION_TAIL;
	if (asked->serial >= 0) {
		put_u16(out + (notify ? MESSAGE_ANCOUNT : MESSAGE_NSCOUNT), 1);
		len += put_soa(out + len, &name, asked->serial);
	}
	if (asked->edns) {
		put_u16(out + MESSAGE_ARCOUNT, 1);
		len += put_opt(out + len, asked->expire);
	}
	if (asked->key)
		len = tsig_begin(&response.tsig, asked->key, client_hmac, out,
				 len, (uint64_t)time(NULL));
	return len;
}

/*
 * asking_text() of the response, behind "signed " if it is by the key; or what
 * the errand is.
 */
static const char *say_errand(char *said, size_t size)
{
	static const char *const kinds[] = {"", "transfer", "update", "notify"};
	const struct errand *errand = asking_errand();
	char zone[NAME_TEXT_SIZE], serial[32] = "";

	name_to_text(&errand->zone, zone);
	if (errand->has_serial)
		snprintf(serial, sizeof(serial), " %u", errand->serial);
	snprintf(said, size, "%s %s %u%s%s%s\n", kinds[errand->kind], zone,
		 errand->type, serial, errand->is_proven ? " proven" : "",
		 errand_key(errand) ? " signed" : "");
	return said;
}

static const char *ask(const struct asked *asked)
{
	static char said[ASKING_TEXT_SIZE];
	uint8_t query[2048];
	size_t len = make(asked, query);
	const char *by = "";
	int r;

	response.len =
		asking_send(asked->transport, query, len, response.octets);
	if (!response.len)
		return asking_errand()->kind ? say_errand(said, sizeof(said))
					     : "no answer\n";
	if (asked->key) {
		r = tsig_accept(&response.tsig, client_hmac, response.octets,
				&response.len, (uint64_t)time(NULL));
		by = r == 0 ? "signed " : "badly signed ";
	}
	snprintf(said, sizeof(said), "%s%s", by,
		 asking_text(response.octets, response.len));
	return said;
}

struct request_case {
	struct asked asked;
	const char *said;
};

static void check(const struct request_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *said = ask(&cases[i].asked);

		if (strcmp(said, cases[i].said) != 0)
			fail_msg("%zu: %s %u\n--- wanted\n%s--- got\n%s", i,
				 cases[i].asked.name, cases[i].asked.type,
				 cases[i].said, said);
	}
}

/* A nameserver with zones of all kinds, of which the client may do all. */
static void load(void)
{
	struct answer_server *server = asking_server();
	uint32_t home;

	asking_load(RECORDS);
	home = homes_new(1);
	key = homes_key(home, "k.", HMAC_SHA256, "0123456789abcdef", 16);
	stranger = key;
	stranger.name = test_name("who.");
	homes_list(home, LIST_SECONDARIES, NULL, "127.0.0.1\n");
	homes_list(home, LIST_SECONDARIES, "second.ex", "any k.\n");
	homes_list(home, LIST_UPDATES, "ex", "127.0.0.1\nk.\n");
	homes_list(home, LIST_UPDATES, "second.ex", "127.0.0.1\n");
	homes_secondary(home, "second.ex",
			((int64_t)time(NULL) - 400) * 1000000000);
	homes_secondary(home, "old.ex", 0);
	homes_secondary(home, "dark.ex", 0);
	server->served.home = home;
	server->is_dark = true;
	asking_options()->hmac = server_hmac;
	asking_client = (const struct sockaddr *)&here;
}

/* The client comes from somewhere else. */
static const struct sockaddr_in away = {
	.sin_family = AF_INET,
	.sin_addr = {0x0200007f},
};

#define NONE -1

#define SOA_LINE "ex. 300 SOA ns.ex. h.ex. 100 2 3 1000 300\n"
#define QUERY	 .serial = NONE
#define UDP	 ANSWER_UDP
#define TCP	 ANSWER_TCP

static void a_signed_query_gets_a_signed_answer(void **state)
{
	const struct request_case cases[] = {
		{{"ns.ex", 1, QUERY, .key = &key},
		 "signed NOERROR aa\nan ns.ex. 300 A 192.0.2.1\n"},
		{{"ns.ex", 1, QUERY, .key = &key, .transport = TCP,
		  .edns = true},
		 "signed NOERROR aa\nan ns.ex. 300 A 192.0.2.1\n"},
		{{"no.ex", 1, QUERY, .key = &key},
		 "signed NXDOMAIN aa\nns " SOA_LINE},
		{{"elsewhere", 1, QUERY, .key = &key}, "signed REFUSED\n"},
		{{"ns.ex", 1, QUERY, .key = &key, .class = 3},
		 "signed REFUSED\n"},
		{{"ns.ex", 1, QUERY, .key = &key, .opcode = 2},
		 "signed NOTIMPL\n"},
	};

	(void)state;
	load();
	check(cases, ARRAY_SIZE(cases));
}

static void a_wrong_signature_is_notauth_whatever_is_asked(void **state)
{
	const struct request_case cases[] = {
		{{"ns.ex", 1, QUERY, .key = &stranger},
		 "badly signed NOTAUTH\n"},
		{{"ex", RR_AXFR, QUERY, .key = &stranger, .transport = TCP},
		 "badly signed NOTAUTH\n"},
		{{"ex", RR_SOA, QUERY, .key = &stranger, .opcode = 5},
		 "badly signed NOTAUTH\n"},
	};
	uint32_t home;

	(void)state;
	load();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *said = ask(&cases[i].asked);

		if (strncmp(said, cases[i].said, strlen(cases[i].said)))
			fail_msg("%zu: %s", i, said);
		assert_int_equal(response.tsig.error, TSIG_BADKEY);
	}
	/* Without settings there is no key. */
	home = asking_server()->served.home;
	asking_server()->served.home = 0;
	assert_non_null(
		strstr(ask(&(struct asked){"ns.ex", 1, QUERY, .key = &key}),
		       "NOTAUTH"));
	assert_int_equal(response.tsig.error, TSIG_BADKEY);
	asking_server()->served.home = home;
}

static void a_tsig_that_is_not_the_last_is_formerr(void **state)
{
	static const uint8_t more[] = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};
	struct asked asked = {"ns.ex", 1, QUERY, .key = &key};
	uint8_t query[1024];
	size_t len;

	(void)state;
	load();
	len = make(&asked, query);
	memcpy(query + len, more, sizeof(more));
	put_u16(query + MESSAGE_ARCOUNT, 2);
	len = asking_send(UDP, query, len + sizeof(more), response.octets);
	assert_string_equal(asking_text(response.octets, len), "FORMERR\n");
}

static void names_as_long_as_can_be_have_room_for_a_signature(void **state)
{
	char name[256] = "", *at = name;
	struct asked asked = {name, 1, QUERY};
	struct tsig_key other;
	uint8_t query[2048];
	size_t len;

	(void)state;
	load();
	for (unsigned i = 0; i < 3; i++)
		at += sprintf(at, "%063d.", 0);
	sprintf(at, "%058d.ex.", 0);
	other = homes_key(asking_server()->served.home, name, HMAC_SHA512,
			  "a secret", 8);
	asked.key = &other;
	assert_string_equal(ask(&asked), "signed NXDOMAIN aa tc\n");
	/* And where the key is not known. */
	other.name.wire[1] = 'x';
	len = make(&asked, query);
	response.len = asking_send(UDP, query, len, response.octets);
	assert_in_range(response.len, 512, 800);
	assert_int_equal(response.octets[3] & 15, RCODE_NOTAUTH);
}

static void a_transfer_is_for_who_may_and_over_tcp(void **state)
{
	const struct request_case cases[] = {
		{{"EX", RR_AXFR, QUERY, .transport = TCP},
		 "transfer ex. 252 proven\n"},
		{{"ex", RR_AXFR, QUERY, .transport = TCP, .key = &key},
		 "transfer ex. 252 proven signed\n"},
		{{"ex", RR_IXFR, .serial = 99, .transport = TCP},
		 "transfer ex. 251 99 proven\n"},
		{{"second.ex", RR_AXFR, QUERY, .transport = TCP},
		 "transfer second.ex. 252 proven\n"},
		/* RFC 1995, section 2: who is not behind gets the SOA. */
		{{"ex", RR_IXFR, .serial = 100, .transport = TCP},
		 "NOERROR aa\nan " SOA_LINE},
		{{"ex", RR_IXFR, .serial = 101, .transport = TCP},
		 "NOERROR aa\nan " SOA_LINE},
		{{"ex", RR_IXFR, .serial = 100, .transport = TCP, .key = &key},
		 "signed NOERROR aa\nan " SOA_LINE},
		/* Section 4: over UDP, everybody does. */
		{{"ex", RR_IXFR, .serial = 99}, "NOERROR aa\nan " SOA_LINE},
		{{"ex", RR_AXFR, QUERY}, "NOTIMPL\n"},
		{{"ex", RR_AXFR, QUERY, .key = &key}, "signed NOTIMPL\n"},
		/* Section 3. */
		{{"ex", RR_IXFR, QUERY}, "FORMERR\n"},
		{{"ex", RR_IXFR, QUERY, .transport = TCP}, "FORMERR\n"},
		/* No apex, nothing here. */
		{{"ns.ex", RR_AXFR, QUERY, .transport = TCP}, "NOTAUTH\n"},
		{{"no.ex", RR_AXFR, QUERY, .transport = TCP}, "NOTAUTH\n"},
		{{"org", RR_IXFR, .serial = 1, .transport = TCP}, "NOTAUTH\n"},
		{{"org", RR_AXFR, QUERY, .transport = TCP, .key = &key},
		 "signed NOTAUTH\n"},
		/* Dark ones, with and without an SOA. */
		{{"old.ex", RR_AXFR, QUERY, .transport = TCP}, "SERVFAIL\n"},
		{{"dark.ex", RR_IXFR, .serial = 1, .transport = TCP},
		 "SERVFAIL\n"},
		{{"ex", RR_AXFR, QUERY, .transport = TCP, .class = 3},
		 "REFUSED\n"},
	};
	const struct request_case others[] = {
		{{"ex", RR_AXFR, QUERY, .transport = TCP}, "REFUSED\n"},
		{{"ex", RR_AXFR, QUERY, .transport = TCP, .key = &key},
		 "signed REFUSED\n"},
		{{"ex", RR_IXFR, .serial = 99}, "REFUSED\n"},
		{{"second.ex", RR_AXFR, QUERY, .transport = TCP}, "REFUSED\n"},
		{{"second.ex", RR_AXFR, QUERY, .transport = TCP, .key = &key},
		 "transfer second.ex. 252 proven signed\n"},
	};

	(void)state;
	load();
	check(cases, ARRAY_SIZE(cases));
	asking_client = (const struct sockaddr *)&away;
	check(others, ARRAY_SIZE(others));
	asking_server()->served.home = 0;
	asking_server()->is_dark = false;
	check(others, 1);
}

static void a_notify_is_for_a_secondary_zone_and_of_its_primary(void **state)
{
	static const struct sockaddr_in primary = {
		.sin_family = AF_INET,
		.sin_addr = {0x350200c0}, /* 192.0.2.53 */
	};
	const uint16_t op = MESSAGE_OPCODE_NOTIFY;
	const struct request_case cases[] = {
		{{"SECOND.ex", RR_SOA, op, .serial = 200}, "NOERROR aa\n"},
		{{"second.ex", RR_SOA, op, QUERY, .transport = TCP},
		 "NOERROR aa\n"},
		{{"second.ex", RR_SOA, op, QUERY, .key = &key},
		 "signed NOERROR aa\n"},
		{{"dark.ex", RR_SOA, op, QUERY, .edns = true}, "NOERROR aa\n"},
	};
	const struct request_case wrong[] = {
		{{"ex", RR_SOA, op, QUERY}, "NOTAUTH\n"},
		{{"ns.ex", RR_SOA, op, QUERY}, "NOTAUTH\n"},
		{{"second.ex", RR_SOA, op, QUERY, .class = 3}, "NOTAUTH\n"},
		{{"second.ex", 1, op, QUERY}, "FORMERR\n"},
	};
	const struct request_case strange[] = {
		{{"second.ex", RR_SOA, op, QUERY}, "REFUSED\n"},
		{{"second.ex", RR_SOA, op, QUERY, .key = &key},
		 "signed REFUSED\n"},
	};
	const struct errand *errand = asking_errand();
	char said[256];

	(void)state;
	load();
	asking_client = (const struct sockaddr *)&primary;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check(&cases[i], 1);
		assert_int_equal(errand->kind, ERRAND_NOTIFY);
		assert_int_equal(errand->server, 1);
		assert_memory_equal(errand->client.ip, "\300\0\002\065", 4);
	}
	check(cases, 1);
	assert_string_equal(say_errand(said, sizeof(said)),
			    "notify second.ex. 6 200\n");
	check(wrong, ARRAY_SIZE(wrong));
	assert_int_equal(errand->kind, ERRAND_NONE);
	asking_client = (const struct sockaddr *)&away;
	check(strange, ARRAY_SIZE(strange));
}

static void of_whom_is_known_it_is_told_why_they_were_refused(void **state)
{
	static const struct sockaddr_in stranger_at = {
		.sin_family = AF_INET, .sin_addr = {0x010200c0}, /* 192.0.2.1 */
	};
	const uint16_t op = MESSAGE_OPCODE_UPDATE;
	const struct {
		struct asked asked;
		bool is_far, is_told;
	} cases[] = {
		{{"old.ex", RR_SOA, op, QUERY, .transport = TCP}, false, true},
		{{"ns.ex", RR_AXFR, QUERY, .transport = TCP}, false, true},
		{{"ns.ex", RR_AXFR, QUERY, .transport = TCP}, true, false},
		{{"ns.ex", RR_AXFR, QUERY, .transport = TCP, .key = &key},
		 true,
		 true},
		{{"ns.ex", 1, QUERY, .key = &stranger}, true, false},
		{{"ns.ex", 1, QUERY, .key = &stranger}, false, true},
		/* What anybody may ask is no news, nor are rcodes that say all.
		 */
		{{"elsewhere", 1, QUERY}, false, false},
		{{"ns.ex", 1, QUERY, .class = 3}, false, false},
		{{"dark.ex", RR_AXFR, QUERY, .transport = TCP}, false, false},
		{{"ex", RR_IXFR, QUERY}, false, false},
	};
	const struct errand *errand = asking_errand();

	(void)state;
	load();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		asking_client = (const struct sockaddr *)&away;
		if (cases[i].is_far)
			asking_client = (const struct sockaddr *)&stranger_at;
		ask(&cases[i].asked);
		assert_true(response.len);
		if (errand->kind !=
		    (cases[i].is_told ? ERRAND_TELL : ERRAND_NONE))
			fail_msg("%zu: %d", i, errand->kind);
		if (!cases[i].is_told)
			continue;
		assert_int_equal(errand->opcode, cases[i].asked.opcode);
		assert_int_equal(errand->rcode, response.octets[3] & 15);
	}
}

static void an_update_is_for_who_is_in_the_list(void **state)
{
	const uint16_t op = MESSAGE_OPCODE_UPDATE;
	const struct request_case cases[] = {
		{{"ex", RR_SOA, op, QUERY, .transport = TCP},
		 "update ex. 6 proven\n"},
		{{"ex", RR_SOA, op, QUERY, .transport = TCP, .key = &key},
		 "update ex. 6 proven signed\n"},
		{{"ex", RR_SOA, op, QUERY, .key = &key},
		 "update ex. 6 signed\n"},
		/* An address over UDP is not proven. */
		{{"ex", RR_SOA, op, QUERY}, "REFUSED\n"},
		{{"ns.ex", RR_SOA, op, QUERY, .key = &key}, "signed NOTAUTH\n"},
		{{"org", RR_SOA, op, QUERY, .transport = TCP}, "NOTAUTH\n"},
		{{"second.ex", RR_SOA, op, QUERY, .transport = TCP},
		 "NOTAUTH\n"},
		{{"dark.ex", RR_SOA, op, QUERY, .transport = TCP}, "NOTAUTH\n"},
		{{"ex", RR_SOA, op, QUERY, .transport = TCP, .class = 255},
		 "NOTAUTH\n"},
		{{"ex", 1, op, QUERY, .transport = TCP}, "FORMERR\n"},
		/* No line for this zone. */
		{{"in.old.ex", RR_SOA, op, QUERY, .transport = TCP},
		 "REFUSED\n"},
	};

	(void)state;
	load();
	check(cases, ARRAY_SIZE(cases));
	asking_server()->served.home = 0;
	check(&(struct request_case){{"ex", RR_SOA, op, QUERY,
				      .transport = TCP},
				     "REFUSED\n"},
	      1);
}

static void an_errand_has_what_its_answer_is_made_of(void **state)
{
	struct asked asked = {"eX",	  RR_SOA,	MESSAGE_OPCODE_UPDATE,
			      QUERY,	  .edns = true, .rd = true,
			      .key = &key};
	struct errand *errand = asking_errand();
	uint8_t query[1024], reply[ERRAND_REPLY_SIZE];
	struct tsig_rr rr;
	size_t len;

	(void)state;
	load();
	len = make(&asked, query);
	assert_int_equal(asking_send(UDP, query, len, response.octets), 0);
	assert_int_equal(errand->kind, ERRAND_UPDATE);
	assert_int_equal(tsig_rr_read(query, len, &rr), 0);
	assert_int_equal(errand->len, rr.at);
	/* The question as it was asked. */
	assert_memory_equal(errand->head + MESSAGE_HEAD_SIZE,
			    query + MESSAGE_HEAD_SIZE, 8);
	len = errand_reply(errand, server_hmac, RCODE_NXRRSET,
			   (uint64_t)time(NULL), reply);
	assert_int_equal(tsig_accept(&response.tsig, client_hmac, reply, &len,
				     (uint64_t)time(NULL)),
			 0);
	assert_string_equal(asking_text(reply, len), "NXRRSET rd\n");
	assert_int_equal(get_u16(reply), 0x1234);
	assert_int_equal(get_u16(reply + MESSAGE_FLAGS), 0xa908);
	assert_int_equal(get_u16(reply + MESSAGE_ARCOUNT), 1);
	/* The key is gone with it. */
	assert_int_equal(errand->tsig.key.secret[0], 0);
}

/* What EXPIRE says; -1: nothing. */
static int64_t expire_of(const struct asked *asked)
{
	const struct errand *errand = asking_errand();
	const uint8_t *at, *end;

	ask(asked);
	at = response.octets;
	end = at + response.len;
	if (!response.len && errand->kind) {
		at = errand->opt;
		end = at + errand->opt_len;
	}
	if (end - at < 8 || get_u32(end - 8) != (EDNS_EXPIRE << 16 | 4))
		return -1;
	return get_u32(end - 4);
}

static void expire_tells_for_how_long_a_zone_is_good(void **state)
{
	static const struct {
		struct asked asked;
		int64_t expire;
	} cases[] = {
		{{"ex", RR_SOA, QUERY, .edns = true, .expire = true}, 1000},
		{{"ex", RR_SOA, QUERY, .edns = true}, -1},
		{{"ns.ex", RR_SOA, QUERY, .edns = true, .expire = true}, -1},
		{{"ex", RR_NS, QUERY, .edns = true, .expire = true}, -1},
		{{"ex", RR_IXFR, .serial = 1, .edns = true, .expire = true},
		 1000},
		{{"ex", RR_AXFR, QUERY, .edns = true, .expire = true,
		  .transport = TCP},
		 1000},
		/* A secondary has what is left. */
		{{"second.ex", RR_SOA, QUERY, .edns = true, .expire = true},
		 600},
		{{"second.ex", RR_IXFR, .serial = 1, .edns = true,
		  .expire = true, .transport = TCP},
		 600},
	};

	(void)state;
	load();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t got = expire_of(&cases[i].asked);

		/* A second may pass. */
		if (got > cases[i].expire || got < cases[i].expire - 5 ||
		    (cases[i].expire < 0 && got >= 0))
			fail_msg("%zu: %d", i, (int)got);
	}
}

static void names_in_a_dark_zone_are_servfail(void **state)
{
	const struct request_case cases[] = {
		{{"dark.ex", 1, QUERY}, "SERVFAIL\n"},
		{{"a.b.dark.ex", 1, QUERY}, "SERVFAIL\n"},
		{{"old.ex", RR_SOA, QUERY}, "SERVFAIL\n"},
		{{"www.old.ex", 1, QUERY}, "SERVFAIL\n"},
		{{"www.old.ex", 1, QUERY, .key = &key}, "signed SERVFAIL\n"},
		/* A zone that is nested in it is not dark. */
		{{"www.in.old.ex", 1, QUERY},
		 "NOERROR aa\nan www.in.old.ex. 300 A 192.0.2.3\n"},
		/* DS is the parent's. */
		{{"old.ex", RR_DS, QUERY}, "NOERROR aa\nns " SOA_LINE},
		{{"in.old.ex", RR_DS, QUERY}, "SERVFAIL\n"},
		{{"ns.ex", 1, QUERY},
		 "NOERROR aa\nan ns.ex. 300 A 192.0.2.1\n"},
		{{"org", 1, QUERY}, "REFUSED\n"},
		/* Who is led there asks on. */
		{{"to.ex", 1, QUERY},
		 "NOERROR aa\nan to.ex. 300 CNAME www.dark.ex.\n"},
	};

	(void)state;
	load();
	check(cases, ARRAY_SIZE(cases));
}

static int open_all(void **state)
{
	if (hmac_new(&client_hmac) < 0 || hmac_new(&server_hmac) < 0)
		return -1;
	return test_tables_open(state);
}

static int close_all(void **state)
{
	client_hmac = hmac_free(client_hmac);
	server_hmac = hmac_free(server_hmac);
	return test_tables_close(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signed_query_gets_a_signed_answer),
		cmocka_unit_test(
			a_wrong_signature_is_notauth_whatever_is_asked),
		cmocka_unit_test(a_tsig_that_is_not_the_last_is_formerr),
		cmocka_unit_test(
			names_as_long_as_can_be_have_room_for_a_signature),
		cmocka_unit_test(a_transfer_is_for_who_may_and_over_tcp),
		cmocka_unit_test(
			a_notify_is_for_a_secondary_zone_and_of_its_primary),
		cmocka_unit_test(
			of_whom_is_known_it_is_told_why_they_were_refused),
		cmocka_unit_test(an_update_is_for_who_is_in_the_list),
		cmocka_unit_test(an_errand_has_what_its_answer_is_made_of),
		cmocka_unit_test(expire_tells_for_how_long_a_zone_is_good),
		cmocka_unit_test(names_in_a_dark_zone_are_servfail),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
