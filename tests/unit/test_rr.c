// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include <ldns/ldns.h>

#include "dns/rr.h"
#include "dns/services.h"
#include "tests/unit/chance.h"

struct result {
	int r;
	struct buffer rdata;
	struct rr_measure measure;
	const char *why;
};

static void result_deinit(struct result *result)
{
	buffer_deinit(&result->rdata);
}

#define RESULT CLEANUP(result_deinit) struct result

/* With the origin "example.". */
static struct result parse(uint16_t type, const char *text)
{
	struct result result = {0};
	struct name origin = {.len = 9, .wire = "\7example"};

	result.r = rr_rdata_from_text(type, text, &origin, &result.rdata,
				      &result.measure, &result.why);
	assert_true(result.r == 0 || result.r == -EINVAL);
	if (result.r < 0)
		assert_true(result.why && result.why[0]);
	return result;
}

static char *print(uint16_t type, const struct buffer *rdata)
{
	struct buffer text = {0};

	assert_int_equal(rr_rdata_to_text(type, rdata->data,
					  (uint16_t)rdata->len, &text),
			 0);
	assert_null(memchr(text.data, '\n', text.len));
	assert_int_equal(buffer_add(&text, "", 1), 0);
	return (char *)text.data;
}

static void assert_measured(const struct result *result, const char *text)
{
	uint32_t escapes = 0;
	size_t i;

	for (i = 0; text[i]; i++)
		escapes += text[i] == '"' || text[i] == '\\';
	assert_int_equal(result->measure.text, strlen(text));
	assert_int_equal(result->measure.escapes, escapes);
}

/* What was taken prints as text that gives the same octets. */
static void assert_fixed(uint16_t type, const struct result *result)
{
	CLEANUP(freep) char *text = print(type, &result->rdata);
	RESULT back = parse(type, text);

	assert_measured(result, text);
	assert_int_equal(back.r, 0);
	assert_int_equal(back.rdata.len, result->rdata.len);
	assert_memory_equal(back.rdata.data, result->rdata.data,
			    result->rdata.len);
}

static uint16_t type_of(const char *text)
{
	uint16_t type = 0;

	assert_int_equal(rr_type_from_text(text, strlen(text), &type), 0);
	return type;
}

/* --- types --- */

static void a_type_is_read_by_name_or_number_in_any_case(void **state)
{
	static const struct {
		const char *text;
		int type;
	} cases[] = {
		{"A", 1},
		{"a", 1},
		{"Aaaa", 28},
		{"TYPE1", 1},
		{"type65280", 65280},
		{"TYPE0", 0},
		{"TYPE65535", 65535},
		{"ANY", 255},
		{"axfr", 252},
		{"HTTPS", 65},
		{"NSEC3PARAM", 51},
		{"NSAP-PTR", 23},
		{"DLV", 32769},
		/* Of newer types, what a library may know and another not. */
		{"NXNAME", -1},
		{"AMTRELAY", -1},
		{"RESINFO", -1},
		{"WALLET", -1},
		{"", -1},
		{"FOO", -1},
		{"TYPE", -1},
		{"TYPE65536", -1},
		{"TYPE-1", -1},
		{"TYPE1x", -1},
		{"TYPE 1", -1},
		{"A ", -1},
		{"TYPE99999999999", -1},
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAA", -1},
	};
	uint16_t type;
	size_t i;
	int r;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		r = rr_type_from_text(cases[i].text, strlen(cases[i].text),
				      &type);
		assert_int_equal(r, cases[i].type < 0 ? -EINVAL : 0);
		if (r == 0)
			assert_int_equal(type, cases[i].type);
	}
}

static void every_type_reads_back(void **state)
{
	char text[16];
	uint16_t back;
	size_t len;
	unsigned i;

	(void)state;
	for (i = 0; i <= UINT16_MAX; i++) {
		len = rr_type_to_text((uint16_t)i, text);
		assert_int_equal(len, strlen(text));
		assert_int_equal(rr_type_from_text(text, len, &back), 0);
		assert_int_equal(back, i);
	}
	rr_type_to_text(1, text);
	assert_string_equal(text, "A");
	rr_type_to_text(255, text);
	assert_string_equal(text, "ANY");
	rr_type_to_text(65280, text);
	assert_string_equal(text, "TYPE65280");
}

static void meta_types_hold_no_data(void **state)
{
	static const uint16_t none[] = {0, 41, 128, 249, 250, 251, 252, 255};
	static const uint16_t data[] = {1, 2, 10, 127, 256, 257, 32769, 65280};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(none); i++)
		assert_false(rr_type_is_data(none[i]));
	for (i = 0; i < ARRAY_SIZE(data); i++)
		assert_true(rr_type_is_data(data[i]));
}

/* --- RDATA --- */

/* Text and its canonical form; NULL: the text is canonical. */
static const struct good {
	const char *type, *text, *canonical;
} good[] = {
	{"A", "1.2.3.4", NULL},
	{"A", "\\# 4 0A000001", "10.0.0.1"},
	{"A", "\\# 4 0A 00 0 001", "10.0.0.1"},
	{"AAAA", "2001:DB8:0:0::1", "2001:db8::1"},
	{"AAAA", "::ffff:1.2.3.4", NULL},
	{"NS", "ns", "ns.example."},
	{"NS", "@", "example."},
	{"NS", ".", NULL},
	{"NS", "Ns.EXAMPLE.", NULL},
	{"NS", "\\065\\000\\..x.", "A\\000\\..x."},
	{"MD", "a.", NULL},
	{"MF", "a.", NULL},
	{"CNAME", "a\\.b", "a\\.b.example."},
	{"SOA", "a b 1 1h 1W2d 3m 1h30m5",
	 "a.example. b.example. 1 3600 777600 180 5405"},
	{"MB", "a.", NULL},
	{"MG", "a.", NULL},
	{"MR", "a.", NULL},
	{"NULL", "\\# 2 AABB", "\\# 2 aabb"},
	{"NULL", "\\# 0", NULL},
	{"WKS", "10.0.0.1 TCP 25 smtp 65535", "10.0.0.1 6 25 65535"},
	{"WKS", "10.0.0.1 17 domain", "10.0.0.1 17 53"},
	{"WKS", "10.0.0.1 6", NULL},
	{"PTR", "a.", NULL},
	{"HINFO", "x \"y z\"", "\"x\" \"y z\""},
	{"MINFO", "a. b.", NULL},
	{"MX", "65535 @", "65535 example."},
	{"TXT", "\"a b\" c", "\"a b\" \"c\""},
	{"TXT", "\"\"", NULL},
	{"TXT", "\"a\\\"b\\\\\" a\\ b \\065 \\200 a;b",
	 "\"a\\\"b\\\\\" \"a b\" \"A\" \"\\200\" \"a;b\""},
	{"TXT", "\"\\#\" \"\\# 0\"", "\"#\" \"# 0\""},
	{"TXT", "\\# 1 00", "\"\""},
	{"RP", "a. b.", NULL},
	{"AFSDB", "1 a.", NULL},
	{"X25", "311061700956", "\"311061700956\""},
	{"ISDN", "150862028003217", "\"150862028003217\""},
	{"ISDN", "\"1\" \"004\"", NULL},
	{"RT", "10 a.", NULL},
	{"NSAP", "0x47.0005.80.00",
	 "0x47000580"
	 "00"},
	{"NSAP-PTR", "foo.bar", "\"foo.bar\""},
	{"SIG", "A 5 3 86400 20030322173103 20030220173103 2642 a. oJB1", NULL},
	{"KEY", "256 3 8 AQID", NULL},
	{"PX", "10 a. b.", NULL},
	{"GPOS", "-32.6 116.8 10.0", "\"-32.6\" \"116.8\" \"10.0\""},
	{"LOC", "52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
	 "52 22 23.000 N 04 53 32.000 E -2m 0.00m 10000m 10m"},
	{"LOC", "52 22 23 n 4 e 0", /* no minutes of the latitude's */
	 "52 22 23.000 N 04 00 0.000 E 0m 1m 10000m 10m"},
	{"LOC", "90 S 180 W 42849672.95m 90000000m 1.23m .09",
	 "90 00 0.000 S 180 00 0.000 W 42849672.95m 90000000m 1m 0.09m"},
	{"NXT", "\\# 3 000101", NULL},
	{"EID", "AA BB", "aabb"},
	{"NIMLOC", "aabb", NULL},
	{"SRV", "0 0 80 a.", NULL},
	{"ATMA", "39.24.6f", "39246f"},
	{"NAPTR", "100 10 u \"sip+E2U\" \"!^.*$!sip:a@b.c!i\" .",
	 "100 10 \"u\" \"sip+E2U\" \"!^.*$!sip:a@b.c!i\" ."},
	{"KX", "10 a.", NULL},
	{"CERT", "PGP 0 RSASHA1 AQID", "3 0 5 AQID"},
	{"CERT", "65535 0 1 AQID", NULL},
	{"A6", "\\# 1 80", NULL},
	{"DNAME", "rel", "rel.example."},
	{"SINK", "1", NULL},
	{"APL", "1:192.168.32.0/21 !1:192.168.38.0/28 1:0.0.0.0/0", NULL},
	{"APL", "2:ffff::/16", "2:ffff:0000:0000:0000:0000:0000:0000:0000/16"},
	{"APL", "", "\\# 0"},
	{"DS", "1 RSASHA256 2 AABB", "1 8 2 aabb"},
	{"SSHFP", "1 1 aa bb", "1 1 aabb"},
	{"IPSECKEY", "10 0 2 . AQNR", NULL},
	{"IPSECKEY", "10 1 2 192.0.2.38 AQ NR", "10 1 2 192.0.2.38 AQNR"},
	{"IPSECKEY", "10 2 2 ::1 AQNR", NULL},
	{"IPSECKEY", "10 3 2 rel AQNR", "10 3 2 rel.example. AQNR"},
	{"IPSECKEY", "10 0 0 .", NULL},
	{"RRSIG", "TYPE999 RSASHA256 3 86400 20380322173103 5 2642 @ oJB1",
	 "TYPE999 8 3 86400 20380322173103 19700101000005 2642 example. oJB1"},
	{"RRSIG", "A 5 3 1 21060207062815 20000229000000 1 a. oJB1", NULL},
	{"NSEC", "a. MX A TYPE1234 A", "a. A MX TYPE1234"},
	{"NSEC", "a.", NULL},
	{"NSEC", "a. A ANY TYPE65535", NULL},
	{"DNSKEY", "257 3 8 AwEA AWE=", "257 3 8 AwEAAWE="},
	{"DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", NULL},
	{"NSEC3", "1 1 12 AABB 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY",
	 "1 1 12 aabb 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY"},
	{"NSEC3", "1 1 12 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR",
	 "1 1 12 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr"},
	{"NSEC3PARAM", "1 0 12 -", NULL},
	{"TLSA", "DANE-EE SPKI SHA2-256 AABB", "3 1 1 aabb"},
	{"SMIMEA", "0 0 1 aa", NULL},
	{"HIP", "2 2001AB AwEA rvs.example.com. rel",
	 "2 2001ab AwEA rvs.example.com. rel.example."},
	{"TALINK", "a. b.", NULL},
	{"CDS", "0 0 0 00", NULL},
	{"CDNSKEY", "0 3 0 AA==", NULL},
	{"OPENPGPKEY", "AQID", NULL},
	{"CSYNC", "66 3 A NS AAAA", NULL},
	{"CSYNC", "66 3", NULL},
	{"CSYNC", "\\# 6 00000042 0003", "66 3"},
	{"ZONEMD", "2018031500 1 1 FEBE", "2018031500 1 1 febe"},
	{"SVCB", "0 foo", "0 foo.example."},
	{"SVCB", "1 . port=8443 alpn=\"h2,h3\" key667=\"a b\"",
	 "1 . alpn=h2,h3 port=8443 key667=\"a b\""},
	{"SVCB", "1 . mandatory=alpn alpn=h2 ipv4hint=1.2.3.4,5.6.7.8 ech=AQID",
	 "1 . mandatory=alpn alpn=h2 ipv4hint=1.2.3.4,5.6.7.8 ech=AQID"},
	{"SVCB", "\\# 10 0001 00 0001 0003 026832", "1 . alpn=h2"},
	/* Bare, these would be no part of the token, or no text. */
	{"SVCB", "\\# 10 0001 00 0001 0003 022832", "1 . alpn=\"(2\""},
	{"SVCB", "\\# 10 0001 00 029b 0003 610962", "1 . key667=a\\009b"},
	{"SVCB", "\\# 10 0001 00 0001 0003 023b32", "1 . alpn=\";2\""},
	{"SVCB", "1 . mandatory=\"port,alpn\" alpn=h2 port=\"80\"",
	 "1 . mandatory=alpn,port alpn=h2 port=80"},
	{"SVCB", "1 . key4=1.2.3.4 key5=\"AQI=\" key7=/q{?dns}",
	 "1 . ipv4hint=1.2.3.4 ech=AQI= dohpath=/q{?dns}"},
	/* RFC 9460, appendix D.2. */
	{"SVCB", "1 foo.example.com. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
	 "1 foo.example.com. ipv6hint=2001:db8::1,2001:db8::53:1"},
	{"SVCB", "1 example.com. ipv6hint=\"2001:db8:122:344::192.0.2.33\"",
	 "1 example.com. ipv6hint=2001:db8:122:344::c000:221"},
	{"SVCB",
	 "16 a. alpn=h2,h3-19 mandatory=ipv4hint,alpn "
	 "ipv4hint=192.0.2.1",
	 "16 a. mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1"},
	{"SVCB", "16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
	 "16 foo.example.org. alpn=f\\\\\\\\oo\\\\,bar,h2"},
	{"SVCB", "16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
	 "16 foo.example.org. alpn=f\\\\\\\\oo\\\\,bar,h2"},
	{"SVCB", "16 foo.example.org. key667=\"hello\\210qoo\"",
	 "16 foo.example.org. key667=hello\\210qoo"},
	{"HTTPS", "1 . alpn=h2 no-default-alpn ipv6hint=2001:db8::1", NULL},
	{"SPF", "\"v=spf1\"", NULL},
	{"NID", "10 14:4fff:ff20:ee64", "10 0014:4fff:ff20:ee64"},
	{"L32", "10 10.1.2.0", NULL},
	{"L64", "10 2001:0DB8:1140:1000", "10 2001:0db8:1140:1000"},
	{"LP", "10 a.", NULL},
	{"EUI48", "00-00-5E-00-53-2a", "00-00-5e-00-53-2a"},
	{"EUI64", "00-00-5e-ef-10-00-00-2a", NULL},
	{"URI", "10 1 \"ftp://x\"", NULL},
	{"CAA", "0 issue letsencrypt.org", "0 issue \"letsencrypt.org\""},
	{"CAA", "128 ISSUE \"a; b=c\"", NULL},
	{"CAA", "0 issue \"\"", NULL},
	{"DLV", "1 8 2 aabb", NULL},
	{"TYPE65280", "\\# 4 0A000001", "\\# 4 0a000001"},
	{"TYPE65280", "\\# 0", NULL},
	{"TYPE260", "\\# 2 0a00", NULL},
	{"TYPE261", "\\# 2 0161", NULL},
	{"TYPE262", "\\# 2 0161", NULL},
	{"NSEC", "a. TYPE128 TYPE262", NULL},
};

static void text_becomes_wire_and_canonical_text(void **state)
{
	const char *canonical;
	uint16_t type;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		type = type_of(good[i].type);
		RESULT result = parse(type, good[i].text);

		if (result.r < 0)
			fail_msg("%s %s: %s", good[i].type, good[i].text,
				 result.why);
		CLEANUP(freep) char *text = print(type, &result.rdata);

		canonical =
			good[i].canonical ? good[i].canonical : good[i].text;
		assert_string_equal(text, canonical);
		assert_fixed(type, &result);
	}
}

static void every_type_with_a_name_is_in_the_table_above(void **state)
{
	char text[16];
	size_t j;
	unsigned i;

	(void)state;
	for (i = 0; i <= UINT16_MAX; i++) {
		rr_type_to_text((uint16_t)i, text);
		if (!rr_type_is_data((uint16_t)i) ||
		    strncmp(text, "TYPE", 4) == 0)
			continue;
		for (j = 0; j < ARRAY_SIZE(good); j++)
			if (type_of(good[j].type) == i)
				break;
		if (j == ARRAY_SIZE(good))
			fail_msg("%s is not tested", text);
	}
}

static void every_wire_form_can_be_given_in_hex(void **state)
{
	uint16_t type;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		type = type_of(good[i].type);
		RESULT result = parse(type, good[i].text);
		CLEANUP(buffer_deinit) struct buffer hex = {0};

		buffer_printf(&hex, "\\# %zu", result.rdata.len);
		for (j = 0; j < result.rdata.len; j++)
			buffer_printf(&hex, "%s%02x", j % 3 ? "" : " ",
				      result.rdata.data[j]);
		buffer_add(&hex, "", 1);

		RESULT back = parse(type, (char *)hex.data);

		assert_int_equal(back.r, 0);
		assert_int_equal(back.rdata.len, result.rdata.len);
		assert_memory_equal(back.rdata.data, result.rdata.data,
				    back.rdata.len);
	}
}

static void what_is_no_rdata_is_refused(void **state)
{
	static const struct {
		const char *type, *text, *why; /* a part of the reason */
	} cases[] = {
		{"A", "1.2.3.4 junk", "behind the RDATA"},
		{"A", "10.0.0.999", "bad RDATA for A: this is no IPv4"},
		{"A", "01.2.3.4", "no IPv4"},
		{"A", "\"1.2.3.4\"", "no IPv4"},
		{"A", "", "ends early"},
		{"A", "\\# 3 0A0000", "no RDATA of that type"},
		{"A", "\\# 5 0A00000101", "no RDATA of that type"},
		{"AAAA", "1::2%eth0", "no IPv6"},
		{"MX", "70000 a.", "0 to 65535"},
		{"MX", "-1 a.", "0 to 65535"},
		{"MX", "+1 a.", "0 to 65535"},
		{"MX", "10 a. b", "behind"},
		{"MX", "10 a..b", "empty label"},
		{"MX", "10", "ends early"},
		{"NS", "\"a.\"", "not escaped"},
		{"TXT", "", "ends early"},
		{"TXT", "a\"b\"c", "quote is inside"},
		{"TXT", "\\300", "escape"},
		{"TXT", "\"open", "not closed"},
		{"TXT", "\"open\\\"", "not closed"},
		{"TXT", "a\\", "escape"},
		{"TXT", "\\#", "length and hex"},
		{"TXT", "\\# 0", "no RDATA of that type"},
		{"TXT", "\\# 2 0500", "no RDATA of that type"},
		{"SOA", "a. b. 1 2 3 4 5 junk", "behind"},
		{"SOA", "a. b. 4294967296 1 3 4 5", "0 to 4294967295"},
		{"SOA", "a. b. -1 1 3 4 5", "0 to 4294967295"},
		{"SOA", "a. b. 1 99999999999 3 4 5", "above 4294967295"},
		{"SOA", "a. b. 1 9999999999999999999999w 3 4 5", "above"},
		{"SOA", "a. b. 1 1x 3 4 5", "units"},
		{"SOA", "a. b. 1 h 3 4 5", "units"},
		{"TYPE65280", "\\# 4 0A0000", "length"},
		{"TYPE65280", "\\# 4 0A00000102", "length"},
		{"TYPE65280", "\\# 4 0A0000010", "odd"},
		{"TYPE65280", "\\# 4", "length"},
		{"TYPE65280", "\\# -1 00", "length"},
		{"TYPE65280", "\\# 99999999999999999999 00", "length"},
		{"TYPE65280", "\\# 1 0g", "hex"},
		{"TYPE65280", "0A", "\\# LENGTH HEX"},
		{"NULL", "0A", "\\# LENGTH HEX"},
		{"CAA", "256 issue \"x\"", "0 to 255"},
		{"CAA", "0 is-sue \"x\"", "tag"},
		{"CAA", "0 issue x y", "behind"},
		{"CERT", "-0 0 8 AQID", "certificate type"},
		{"DS", "1 -5 2 AABB", "key algorithm"},
		{"TLSA", "+3 1 1 AABB", "certificate usage"},
		{"LOC", "91 N 4 E 0m", "no location"},
		{"LOC", "52 60 N 4 E 0m", "no location"},
		{"LOC", "90 0 1 N 4 E 0m", "no location"},
		{"LOC", "52 22 23.0001 N 4 E 0m", "no location"},
		{"LOC", "52 N 181 E 0m", "no location"},
		{"LOC", "52 N 4 E 42849672.96m", "no location"},
		{"LOC", "52 N 4 E 0m junk", "no location"},
		{"LOC", "52 N 4 E 0m 1m 1m 1m 1m", "behind"},
		{"LOC", "52 N 4 E", "no location"},
		{"APL", "1:192.168.32.0/33", "prefix"},
		{"APL", "1a:192.168.32.0/3", "prefix"},
		{"APL", "1:192.168.32.0/", "prefix"},
		{"APL", "3:192.168.32.0/1", "prefix"},
		{"APL", "!", "prefix"},
		{"TLSA", "300 1 1 d2", "usage"},
		{"SSHFP", "1 1 a", "odd"},
		{"SSHFP", "1 1", "ends early"},
		{"DNSKEY", "257 3 FOO AwEA", "algorithm"},
		{"DNSKEY", "257 3 8 AwE", "fours"},
		{"DNSKEY", "257 3 8 AR==", "no base64"},
		{"DNSKEY", "257 3 8 AA==AA==", "no base64"},
		{"DNSKEY", "257 3 8 A===", "no base64"},
		{"DNSKEY", "257 3 8 A*BB", "no base64"},
		{"RRSIG", "FOO 5 3 1 1 2 2642 a. oJB1", "type"},
		{"RRSIG", "A 5 3 1 20030231173103 1 1 a. oJB1", "time"},
		{"RRSIG", "A 5 3 1 20031301000000 1 1 a. oJB1", "time"},
		{"RRSIG", "A 5 3 1 22001201000000 1 1 a. oJB1", "time"},
		{"NSEC", "a. FOO", "type"},
		{"NSEC3", "1 1 12 a- 2t7b4g4vsa5smi47k61mv5bv1a22bojr", "salt"},
		{"NSEC3", "1 1 12 - 2t7", "base32"},
		{"WKS", "10.0.0.1 tcp nosuchservice", "service"},
		{"WKS", "10.0.0.1 tcp -100", "service"},
		{"WKS", "10.0.0.1 tcp 65536", "service"},
		{"IPSECKEY", "10 4 2 . AQNR", "gateway"},
		{"IPSECKEY", "10 0 2 a. AQNR", "gateway"},
		{"IPSECKEY", "300 1 2 192.0.2.38 AQ==", "0 to 255"},
		{"HIP", "300 2001 AwEA", "algorithm"},
		{"HIP", "2 zz AwEA", "hex"},
		{"NSAP", "0x4", "NSAP"},
		{"NSAP", "47", "NSAP"},
		{"EUI48", "00-00-5e-00-53-2a-", "EUI-48"},
		{"EUI48", "-1--1--1--1--1--1", "EUI-48"},
		{"EUI48", "00-00-5e-00-532-a", "EUI-48"},
		{"EUI64", "00-00-5e-ef-10-00-00-2", "EUI-64"},
		{"NID", "10 0014:4fff:ff20:ee64:1", "locator"},
		{"SVCB", "1 . alpn=h2 alpn=h3", "service parameters"},
		{"SVCB", "1 . port=99999", "port"},
		{"SVCB", "1 . port=\"99999\"", "port"},
		{"SVCB", "1 . key99999=a", "service parameters"},
		{"SVCB", "1 . alpn", "service parameters"},
		{"SVCB", "1 . alpn=h2,", "service parameters"},
		{"SVCB", "1 . alpn=\\\\a", "service parameters"},
		{"SVCB", "1 . key1=a\"b port=70000 key9=c\"", "quote"},
		{"SVCB", "1 . port=80\\048", "port"},
		{"SVCB", "1 . port=", "port"},
		{"SVCB", "1 . key123=abc key123=def", "service parameters"},
		{"SVCB", "1 . mandatory=mandatory", "service parameters"},
		{"SVCB", "1 . mandatory=port,port", "service parameters"},
		{"SVCB", "1 . mandatory=port,", "service parameters"},
		{"SVCB", "1 . ipv4hint=1.2.3", "service parameters"},
		{"SVCB", "1 . ipv6hint=\"", "service parameters"},
		{"SVCB", "1 . ech=AQI", "fours"},
		{"SVCB", "1 . key-1", "service parameters"},
		{"SVCB", "1 . key", "service parameters"},
		{"SVCB", "1 . no-default-alpn=1", "service parameters"},
		/* The string is longer than its parameter: ldns crashed. */
		{"SVCB", "\\# 9 0001 00 0001 00ff 0268", "no RDATA"},
		{"SVCB", "\\# 11 0001 00 0002 0000 0001 0000", "no RDATA"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		RESULT result = parse(type_of(cases[i].type), cases[i].text);

		if (result.r == 0)
			fail_msg("%s %s is taken", cases[i].type,
				 cases[i].text);
		if (!strstr(result.why, cases[i].why))
			fail_msg("%s %s: %s", cases[i].type, cases[i].text,
				 result.why);
	}
}

/* ldns's own answer for an A or AAAA. */
static bool ldns_takes(const char *type, const char *address)
{
	char line[128];
	ldns_rr *rr = NULL;
	bool taken;

	snprintf(line, sizeof(line), "a. 1 IN %s %s", type, address);
	taken = ldns_rr_new_frm_str(&rr, line, 0, NULL, NULL) == LDNS_STATUS_OK;
	ldns_rr_free(rr);
	return taken;
}

static void addresses_are_taken_as_ldns_takes_them(void **state)
{
	static const char octets[] = "0123456789.:abfx/%-+";
	static const char *const starts[] = {
		"192.0.2.1",	  "10.0.0.255",	   "2001:db8::1",
		"::ffff:1.2.3.4", "fe80::1:2:3:4",
	};
	char text[64];
	size_t i, j;

	(void)state;
	for (i = 0; i < 20000; i++) {
		strcpy(text, starts[chance(ARRAY_SIZE(starts))]);
		for (j = chance(4); j > 0; j--)
			text[chance((uint32_t)strlen(text))] =
				octets[chance(sizeof(octets) - 1)];
		RESULT a = parse(RR_A, text);
		RESULT aaaa = parse(RR_AAAA, text);

		assert_int_equal(a.r == 0, ldns_takes("A", text));
		assert_int_equal(aaaa.r == 0, ldns_takes("AAAA", text));
	}
}

/* The system's list is read once: for each name anew, this took seconds. */
static void a_line_of_a_hundred_thousand_services_is_read_at_once(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	clock_t start = clock();
	int i;

	(void)state;
	buffer_printf(&text, "10.0.0.1 tcp");
	for (i = 0; i < 100000; i++)
		buffer_printf(&text, " %s", i % 2 ? "domain" : "smtp");
	buffer_add(&text, "", 1);
	RESULT result = parse(LDNS_RR_TYPE_WKS, (char *)text.data);

	assert_int_equal(result.r, 0);
	assert_int_equal(result.rdata.len, 4 + 1 + 53 / 8 + 1);
	assert_true(clock() - start < CLOCKS_PER_SEC);
}

static void services_have_the_ports_that_the_system_tells(void **state)
{
	/* "mail" is an alias, "syslog" is udp's alone, and two are nobody's. */
	static const char *const names[] = {"domain", "smtp",	"mail", "ntp",
					    "syslog", "nosuch", ""};
	static const char *const protocols[] = {"tcp", "udp"};
	const struct servent *known;
	uint16_t port;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (j = 0; j < ARRAY_SIZE(protocols); j++) {
			known = getservbyname(names[i], protocols[j]);
			assert_int_equal(
				services_port(protocols[j], names[i], &port),
				known != NULL);
			if (known)
				assert_int_equal(port, ntohs(known->s_port));
		}
	}
}

static void rdata_ends_at_65535_octets(void **state)
{
	CLEANUP(buffer_deinit) struct buffer text = {0};
	int i;

	(void)state;
	for (i = 0; i < 255; i++) /* 255 strings of 257 octets with length */
		buffer_printf(&text, "%s%0256d", i ? " " : "", 0);
	buffer_add(&text, "", 1);
	{
		RESULT result = parse(RR_TXT, (char *)text.data);

		assert_int_equal(result.r, -EINVAL);
		assert_non_null(strstr(result.why, "255 octets"));
	}
	text.len = 0;
	for (i = 0; i < 255; i++) /* 65280 octets */
		buffer_printf(&text, "%0255d ", 0);
	buffer_printf(&text, "%0254d", 0);
	buffer_add(&text, "", 1);
	{
		RESULT result = parse(RR_TXT, (char *)text.data);

		assert_int_equal(result.r, 0);
		assert_int_equal(result.rdata.len, 65535);
		assert_fixed(RR_TXT, &result);
	}
	text.len--;
	buffer_printf(&text, "0");
	buffer_add(&text, "", 1);
	{
		RESULT result = parse(RR_TXT, (char *)text.data);

		assert_int_equal(result.r, -EINVAL);
		assert_non_null(strstr(result.why, "65535"));
	}
}

/* ldns has room for four octets of text for each of a list's, and aborted. */
static void a_list_of_any_length_is_printed(void **state)
{
	int count, i;

	(void)state;
	for (count = 1; count < 300; count++) {
		CLEANUP(buffer_deinit) struct buffer text = {0};

		buffer_add_text(&text, "1 . mandatory=");
		for (i = 0; i < count; i++)
			buffer_printf(&text, "%skey%d", i ? "," : "",
				      10000 + i);
		buffer_add_text(&text, " no-default-alpn");
		buffer_add(&text, "", 1);
		RESULT result = parse(RR_SVCB, (char *)text.data);

		assert_int_equal(result.r, 0);
		CLEANUP(freep)
		char *back = print(RR_SVCB, &result.rdata);

		assert_string_equal(back, (char *)text.data);
	}
}

/* ldns kept the length of a value in 16 bits and wrote past its memory. */
static void a_service_parameter_ends_at_65535_octets(void **state)
{
	static const struct {
		const char *head, *fill;
		int count;
		const char *tail, *why;
		size_t len;
	} cases[] = {
		{"1 . key9=", "z", 65528, "", NULL, 65535},
		{"1 . key9=", "\\255", 65528, "", NULL, 65535},
		{"1 . key9=", "z", 65529, "", "65535", 0},
		{"1 . key9=", "z", 65536, "", "65535", 0},
		{"1 . key9=", "\\255", 65540, " key10 key11 key12", "65535", 0},
		{"1 . ipv6hint=::", ",::", 4094, "", NULL, 65527},
		{"1 . ipv6hint=::", ",::", 4095, "", "65535", 0},
		{"1 . ipv6hint=1", "1", 45, "", "service parameters", 0},
		{"1 . alpn=", "a", 256, "", "service parameters", 0},
	};
	size_t i;
	int j;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(buffer_deinit) struct buffer text = {0};

		buffer_add_text(&text, cases[i].head);
		for (j = 0; j < cases[i].count; j++)
			buffer_add_text(&text, cases[i].fill);
		buffer_add_text(&text, cases[i].tail);
		buffer_add(&text, "", 1);
		RESULT result = parse(RR_SVCB, (char *)text.data);

		assert_int_equal(result.r, cases[i].why ? -EINVAL : 0);
		if (cases[i].why)
			assert_non_null(strstr(result.why, cases[i].why));
		else
			assert_int_equal(result.rdata.len, cases[i].len);
	}
}

static void tokens_of_any_size_are_taken_or_refused(void **state)
{
	static const char *const fills[] = {
		"0",	 "A",	  "1 ",	     "A ",	 "a.",	"1:",
		"\\000", "\"\" ", "key1=a ", "alpn=h2,", "0x0", "!1:"};
	enum { SIZE = 300000 };
	uint16_t type;
	size_t i, j, at;

	(void)state;
	CLEANUP(freep) char *text = malloc(SIZE + 64);

	assert_non_null(text);
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		type = type_of(good[i].type);
		/* Behind each beginning of the text. */
		for (at = 0; at <= strlen(good[i].text); at++) {
			if (at && good[i].text[at - 1] != ' ')
				continue;
			memcpy(text, good[i].text, at);
			j = chance(ARRAY_SIZE(fills));
			size_t len = at;
			size_t size = chance(2) ? SIZE : 1 + chance(2000);

			while (len < size) {
				strcpy(text + len, fills[j]);
				len += strlen(fills[j]);
			}
			RESULT result = parse(type, text);

			if (result.r == 0)
				assert_fixed(type, &result);
		}
	}
}

static void damaged_text_is_refused_or_reads_back(void **state)
{
	static const char octets[] =
		"0123456789 \"\\.,:;=-@#/!abfhkxyAZ\x80\x7f";
	char text[512];
	uint16_t type;
	size_t len;
	int i, j;

	(void)state;
	for (i = 0; i < 60000; i++) {
		const struct good *from = &good[chance(ARRAY_SIZE(good))];

		strcpy(text, from->text);
		len = strlen(text);
		for (j = 1 + (int)chance(3); j > 0 && len; j--)
			text[chance((uint32_t)len)] =
				octets[chance(sizeof(octets) - 1)];
		/* Now and then the text of another type. */
		type = type_of(chance(8) ? from->type
					 : good[chance(ARRAY_SIZE(good))].type);
		RESULT result = parse(type, text);

		if (result.r == 0)
			assert_fixed(type, &result);
	}
}

static void damaged_wire_prints_in_some_form(void **state)
{
	uint8_t octets[64] = {0};
	uint16_t type;
	size_t len;
	int i, j;

	(void)state;
	for (i = 0; i < 60000; i++) {
		const struct good *from = &good[chance(ARRAY_SIZE(good))];

		type = type_of(from->type);
		RESULT result = parse(type, from->text);

		len = result.rdata.len < 64 ? result.rdata.len : 64;
		memcpy(octets, result.rdata.data, len);
		for (j = (int)chance(4); j > 0 && len; j--)
			octets[chance((uint32_t)len)] =
				(uint8_t)(chance(2) ? chance(256) : chance(4));
		if (chance(4) == 0)
			len = chance(64);
		/* On the heap, so that reading past its end is seen. */
		CLEANUP(buffer_deinit) struct buffer rdata = {0};
		rdata.data = malloc(len ? len : 1);
		memcpy(rdata.data, octets, len);
		rdata.len = rdata.cap = len;
		CLEANUP(freep) char *text = print(type, &rdata);
		RESULT back = parse(type, text);

		/* Only what is no RDATA of its type does not read back. */
		if (back.r < 0) {
			assert_int_equal(strncmp(text, "\\# ", 3), 0);
			continue;
		}
		assert_int_equal(back.rdata.len, len);
		assert_memory_equal(back.rdata.data, rdata.data, len);
	}
}

static void names_in_rdata_keep_their_case(void **state)
{
	RESULT result = parse(RR_MX, "10 MaIl");

	(void)state;
	assert_int_equal(result.rdata.len, 2 + 5 + 9);
	assert_memory_equal(result.rdata.data, "\0\12\4MaIl\7example", 16);
}

static void a_line_is_as_long_as_measured(void **state)
{
	static const uint32_t ttls[] = {0, 9, 10, 3600, 2147483647};
	CLEANUP(buffer_deinit) struct buffer line = {0};
	uint16_t type;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		uint32_t ttl = ttls[i % ARRAY_SIZE(ttls)];

		type = type_of(good[i].type);
		RESULT result = parse(type, good[i].text);

		line.len = 0;
		assert_int_equal(rr_to_text("a.b.", 4, type, ttl,
					    result.rdata.data,
					    (uint16_t)result.rdata.len, &line),
				 0);
		assert_int_equal(line.len,
				 rr_text_len(4, type, ttl, &result.measure));
	}
	RESULT mx = parse(RR_MX, "10 a.");

	line.len = 0;
	rr_to_text("b.", 2, RR_MX, 300, mx.rdata.data, (uint16_t)mx.rdata.len,
		   &line);
	buffer_add(&line, "", 1);
	assert_string_equal((char *)line.data, "b.\t300\tIN\tMX\t10 a.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_is_read_by_name_or_number_in_any_case),
		cmocka_unit_test(every_type_reads_back),
		cmocka_unit_test(meta_types_hold_no_data),
		cmocka_unit_test(text_becomes_wire_and_canonical_text),
		cmocka_unit_test(every_type_with_a_name_is_in_the_table_above),
		cmocka_unit_test(every_wire_form_can_be_given_in_hex),
		cmocka_unit_test(what_is_no_rdata_is_refused),
		cmocka_unit_test(addresses_are_taken_as_ldns_takes_them),
		cmocka_unit_test(
			a_line_of_a_hundred_thousand_services_is_read_at_once),
		cmocka_unit_test(services_have_the_ports_that_the_system_tells),
		cmocka_unit_test(rdata_ends_at_65535_octets),
		cmocka_unit_test(a_list_of_any_length_is_printed),
		cmocka_unit_test(a_service_parameter_ends_at_65535_octets),
		cmocka_unit_test(tokens_of_any_size_are_taken_or_refused),
		cmocka_unit_test(damaged_text_is_refused_or_reads_back),
		cmocka_unit_test(damaged_wire_prints_in_some_form),
		cmocka_unit_test(names_in_rdata_keep_their_case),
		cmocka_unit_test(a_line_is_as_long_as_measured),
	};

	return cmocka_run_group_tests(tests, chance_start, NULL);
}
