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

#include "dns/text/rr.h"
#include "dns/text/rr_rules.h"
#include "dns/text/services.h"
#include "tests/unit/chance.h"

struct result {
	int r;
	struct buffer rdata;
	struct rr_measure measure;
	struct refusal why;
};

static void result_deinit(struct result *result)
{
	buffer_deinit(&result->rdata);
}

/* Hex digits of digests. */
#define HEX8   "01234567"
#define HEX32  HEX8 "89abcdef" HEX8 "89abcdef"
#define HEX40  HEX32 HEX8
#define HEX64  HEX32 HEX32
#define HEX96  HEX64 HEX32
#define HEX128 HEX64 HEX64

#define RESULT CLEANUP(result_deinit) struct result

/* With the origin "example.". */
static struct result parse(uint16_t type, const char *text)
{
	struct result result = {0};
	struct name origin = {.len = 9, .wire = "\7example"};
	struct lexer lexer = lexer_begin(text, strlen(text), &result.why);

	result.r = rr_rdata_from_text(type, &lexer, &origin, &result.rdata,
				      &result.measure);
	assert_true(result.r == 0 || result.r == -EINVAL);
	if (result.r < 0)
		assert_true(result.why.reason[0]);
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
		{"TA", 32768},
		{"NXNAME", 128},
		{"AMTRELAY", 260},
		{"resinfo", 261},
		{"Wallet", 262},
		{"IPN", 264},
		{"TALI", -1},
		{"DL", -1},
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

/* The lines of tests/rdata/good.tsv, which says what they are. */
static struct good {
	const char *type, *text, *canonical; /* in @good_text */
} good[256];
static size_t good_count;
static char good_text[16384];

static void fclosep(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int read_good(void **state)
{
	CLEANUP(fclosep) FILE *file = fopen(RDATA_GOOD, "r");
	char *line, *rest = good_text;
	size_t len;

	(void)state;
	assert_non_null(file);
	len = fread(good_text, 1, sizeof(good_text) - 1, file);
	assert_true(feof(file));
	good_text[len] = '\0';
	while ((line = strsep(&rest, "\n"))) {
		struct good *row = &good[good_count];

		if (*line == '#' || !*line)
			continue;
		row->type = strsep(&line, "\t");
		row->text = strsep(&line, "\t");
		row->canonical = line ? line : row->text;
		assert_non_null(row->text);
		assert_true(++good_count < ARRAY_SIZE(good));
	}
	return 0;
}

static int start(void **state)
{
	int r = read_good(state);

	return r < 0 ? r : chance_start(state);
}

static void text_becomes_wire_and_canonical_text(void **state)
{
	uint16_t type;
	size_t i;

	(void)state;
	for (i = 0; i < good_count; i++) {
		type = type_of(good[i].type);
		RESULT result = parse(type, good[i].text);

		if (result.r < 0)
			fail_msg("%s %s: %s", good[i].type, good[i].text,
				 result.why.reason);
		CLEANUP(freep) char *text = print(type, &result.rdata);

		assert_string_equal(text, good[i].canonical);
		assert_fixed(type, &result);
	}
}

static void every_type_with_a_name_is_in_the_table(void **state)
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
		for (j = 0; j < good_count; j++)
			if (type_of(good[j].type) == i)
				break;
		if (j == good_count)
			fail_msg("%s is not tested", text);
	}
}

static void every_wire_form_can_be_given_in_hex(void **state)
{
	uint16_t type;
	size_t i, j;

	(void)state;
	for (i = 0; i < good_count; i++) {
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
		{"TXT", "a\"b", "not closed"},
		{"CAA", "0 issue a\"b\"", "behind"},
		{"TXT", "\\300", "escape"},
		{"TXT", "\"open", "not closed"},
		{"TXT", "\"open\\\"", "not closed"},
		{"TXT", "a\\", "a backslash ends a line"},
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
		{"DNSKEY", "257 3 8 A\377BB", "no base64"},
		{"DS", "1 8 1 \260\260", "hex digit"},
		{"RRSIG", "FOO 5 3 1 1 2 2642 a. oJB1", "type"},
		{"RRSIG", "A 5 3 1 20030231173103 1 1 a. oJB1", "time"},
		{"RRSIG", "A 5 3 1 20031301000000 1 1 a. oJB1", "time"},
		{"RRSIG", "A 5 3 1 22001201000000 1 1 a. oJB1", "time"},
		{"NSEC", "a. FOO", "type"},
		{"NSEC3", "1 1 12 a- 2t7b4g4vsa5smi47k61mv5bv1a22bojr", "salt"},
		{"NSEC3", "1 1 12 - 2t7", "base32"},
		{"NSEC3", "1 1 12 - 2w", "base32"},
		{"NSEC3", "1 1 12 - 21", "base32"},
		{"NSEC3", "1 1 12 - 2t7b4g4v=", "base32"},
		{"WKS", "10.0.0.1 tcp nosuchservice", "service"},
		{"WKS", "10.0.0.1 tcp -100", "service"},
		{"WKS", "10.0.0.1 tcp 65536", "service"},
		{"IPSECKEY", "10 4 2 . AQNR", "gateway"},
		{"IPSECKEY", "10 0 2 a. AQNR", "gateway"},
		{"IPSECKEY", "300 1 2 192.0.2.38 AQ==", "0 to 255"},
		{"AMTRELAY", "256 0 0 .", "0 to 255"},
		{"AMTRELAY", "10 2 0 .", "discovery bit"},
		{"AMTRELAY", "10 -0 0 .", "discovery bit"},
		{"AMTRELAY", "10", "discovery bit"},
		{"AMTRELAY", "10 0 4 .", "none of 0 to 3"},
		{"AMTRELAY", "10 0", "none of 0 to 3"},
		{"AMTRELAY", "10 0 0", "type 0"},
		{"AMTRELAY", "10 0 0 a.", "type 0"},
		{"AMTRELAY", "10 0 0 . .", "behind"},
		{"AMTRELAY", "10 0 1 ::1", "no IPv4"},
		{"AMTRELAY", "10 0 2 192.0.2.1", "no IPv6"},
		{"AMTRELAY", "10 0 3", "name is missing"},
		{"AMTRELAY", "\\# 1 0a", "no RDATA"},
		{"AMTRELAY", "\\# 3 0a0000", "no RDATA"},
		{"AMTRELAY", "\\# 5 0a01c00002", "no RDATA"},
		{"AMTRELAY", "\\# 3 0a0400", "no RDATA"},
		{"DSYNC", "FOO NOTIFY 1 a.", "type"},
		{"DSYNC", "CDS UPDATE 1 a.", "scheme"},
		{"DSYNC", "CDS 256 1 a.", "scheme"},
		{"DSYNC", "CDS \"NOTIFY\" 1 a.", "scheme"},
		{"DSYNC", "CDS NOTIFY 65536 a.", "0 to 65535"},
		{"DSYNC", "CDS NOTIFY 1", "ends early"},
		{"DSYNC", "CDS NOTIFY 1 a. b.", "behind"},
		{"DSYNC", "\\# 5 003b0114ef", "no RDATA"},
		{"DOA", "4294967296 1 2 \"\" -", "0 to 4294967295"},
		{"DOA", "0 1 2 \"\"", "ends early"},
		{"DOA", "0 1 2 \"\" - AA==", "behind"},
		{"DOA", "0 1 2 \"\" AA== -", "base64"},
		{"DOA", "0 1 2 \"\" --", "no base64"},
		{"DOA", "\\# 9 000000000000000102", "no RDATA"},
		{"IPN", "18446744073709551616", "0 to 18446744073709551615"},
		{"IPN", "99999999999999999999", "0 to 18446744073709551615"},
		{"IPN", "-1", "0 to 18446744073709551615"},
		{"IPN", "1.2", "0 to 18446744073709551615"},
		{"IPN", "1 2", "behind"},
		{"IPN", "", "ends early"},
		{"IPN", "\\# 7 00000000000001", "no RDATA"},
		{"RKEY", "256 3 8 AwEA", "flags are 0"},
		{"RKEY", "0 3 8", "ends early"},
		{"HHIT", "", "ends early"},
		{"HHIT", "gwp", "fours"},
		{"BRID", "\\# 0", "no RDATA"},
		{"BRID", "g*==", "no base64"},
		{"NINFO", "", "ends early"},
		{"AVC", "\"open", "not closed"},
		{"RESINFO", "\\# 0", "no RDATA"},
		{"WALLET", "", "ends early"},
		{"WALLET", "\\# 2 0500", "no RDATA"},
		{"CLA", "\\# 2 0500", "no RDATA"},
		{"TA", "1 8 2 AABB", "64 hex digits"},
		{"HIP", "300 2001 AwEA", "algorithm"},
		{"HIP", "2 zz AwEA", "hex"},
		{"NSAP", "0x4", "NSAP"},
		{"NSAP", "47", "NSAP"},
		{"EUI48", "00-00-5e-00-53-2a-", "EUI-48"},
		{"EUI48", "-1--1--1--1--1--1", "EUI-48"},
		{"EUI48", "00-00-5e-00-532-a", "EUI-48"},
		{"EUI64", "00-00-5e-ef-10-00-00-2", "EUI-64"},
		{"NID", "10 0014:4fff:ff20:ee64:1", "locator"},
		{"SVCB", "1 . alpn=h2 alpn=h3", "twice"},
		{"SVCB", "1 . port=99999", "port"},
		{"SVCB", "1 . port=\"99999\"", "port"},
		{"SVCB", "1 . key99999=a", "service parameters"},
		{"SVCB", "1 . alpn", "service parameters"},
		{"SVCB", "1 . alpn=h2,", "service parameters"},
		{"SVCB", "1 . alpn=\\\\a", "service parameters"},
		{"SVCB", "1 . key1=a\"b port=70000 key9=c\"", "quote"},
		{"SVCB", "1 . port=80\\048", "port"},
		{"SVCB", "1 . port=", "port"},
		{"SVCB", "1 . key123=abc key123=def", "twice"},
		{"SVCB", "1 . mandatory=mandatory", "service parameters"},
		{"SVCB", "1 . mandatory=port,port", "service parameters"},
		{"SVCB", "1 . mandatory=port,", "service parameters"},
		{"SVCB", "1 . ipv4hint=1.2.3", "service parameters"},
		{"SVCB", "1 . ipv6hint=\"", "not closed"},
		{"SVCB", "1 . ech=AQI", "fours"},
		{"SVCB", "1 . key-1", "service parameters"},
		{"SVCB", "1 . key", "service parameters"},
		{"SVCB", "1 . no-default-alpn=1", "service parameters"},
		/* The string is longer than its parameter: ldns crashed. */
		{"SVCB", "\\# 9 0001 00 0001 00ff 0268", "no RDATA"},
		{"SVCB", "\\# 11 0001 00 0002 0000 0001 0000", "no RDATA"},
		/* RFC 9460, appendix D.3, and what else one key demands. */
		{"SVCB", "1 a. mandatory=alpn,port alpn=h2", "not there"},
		{"SVCB", "1 a. mandatory=key123", "not there"},
		{"SVCB", "\\# 9 0001 00 0000 0002 007b", "not there"},
		{"SVCB", "1 a. no-default-alpn", "without alpn="},
		{"HTTPS", "1 a. no-default-alpn port=80", "without alpn="},
		{"SVCB", "1 a. alpn=dot dohpath=", "{?dns}"},
		{"SVCB", "1 a. alpn=h2 dohpath=/dns-query", "{?dns}"},
		{"SVCB", "1 a. alpn=h2 dohpath=dns-query{?dns}", "{?dns}"},
		{"SVCB", "1 a. ohttp=1", "service parameters"},
		{"SVCB", "1 a. pvd=1", "service parameters"},
		{"SVCB", "1 a. tls-supported-groups=", "service parameters"},
		{"SVCB", "1 a. tls-supported-groups=65536",
		 "service parameters"},
		{"SVCB", "1 a. docpath=a,", "service parameters"},
		/* Digests of the wrong length. */
		{"DS", "1 8 1 " HEX64, "40 hex digits"},
		{"DS", "1 8 2 " HEX40, "64 hex digits"},
		{"DS", "1 8 3 " HEX40, "64 hex digits"},
		{"DS", "1 8 4 " HEX64, "96 hex digits"},
		{"DS", "\\# 6 0001 08 02 aabb", "64 hex digits"},
		{"DS", "1 8 5", "ends early"},
		{"CDS", "1 8 2 " HEX96, "64 hex digits"},
		{"CDS", "0 0 0", "ends early"},
		{"DLV", "1 8 1 aabb", "40 hex digits"},
		{"SSHFP", "1 1 " HEX64, "40 hex digits"},
		{"SSHFP", "1 2 " HEX40, "64 hex digits"},
		{"ZONEMD", "1 1 1 " HEX64, "96 hex digits"},
		{"ZONEMD", "1 1 2 " HEX96, "128 hex digits"},
		{"ZONEMD", "1 1 240 aabb", "24 hex digits"},
		{"TLSA", "3 1 1 aabb", "64 hex digits"},
		{"SMIMEA", "3 1 2 aabb", "128 hex digits"},
		{"DHCID", "AAIB", "32 octets"},
		{"DHCID", "AA==", "35 octets"},
		{"DNSKEY", "257 2 8 AwEA", "protocol is 3"},
		{"CDNSKEY", "0 0 0 AA==", "protocol is 3"},
		/* Words in the wrong letters. */
		{"X25", "31106170095X", "digits"},
		{"X25", "123", "digits"},
		{"ISDN", "1508x", "digits"},
		{"ISDN", "1508 0g", "hex digits"},
		{"GPOS", "north 116 10", "latitude"},
		{"GPOS", "90.1 116 10", "latitude"},
		{"GPOS", "-32.6 180.01 10", "longitude"},
		{"GPOS", "-32.6 1.1.1 10", "longitude"},
		{"GPOS", "-32.6 116 high", "altitude"},
		{"GPOS", "-32.6 116 -", "altitude"},
		{"ATMA", "3924", "begins with the format"},
		{"ATMA", "0039", "begins with the format"},
		{"ATMA", "01", "begins with the format"},
		{"ATMA", "0131ff", "begins with the format"},
		{"URI", "10 1 \"\"", "target is empty"},
		{"NAPTR", "1 1 \"a-b\" x \"\" .", "flags are letters"},
		{"NAPTR", "1 1 u x \"^.*$\" .", "one delimiter"},
		{"NAPTR", "1 1 u x \"!^.*$!x\" .", "one delimiter"},
		{"NAPTR", "1 1 u x \"1a1b1\" .", "one delimiter"},
		{"NAPTR", "1 1 u x \"iaibi\" .", "one delimiter"},
		{"NAPTR", "1 1 u x \"!a!b!g\" .", "nothing may stand"},
		{"NAPTR", "1 1 u x \"!a!b!ii\" .", "nothing may stand"},
		{"NAPTR", "1 1 u x \"!(a!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!a)!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"![a!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"![[:alpha!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!*!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!a|!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!()!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!a{3,2}!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!a{256}!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!!b!\" .", "regular expression"},
		{"NAPTR", "1 1 u x \"!a!\\\\1!\" .", "(group)"},
		{"NAPTR", "1 1 u x \"!(a)!\\\\2!\" .", "(group)"},
		{"NAPTR", "1 1 u x \"!(a)!\\\\0!\" .", "(group)"},
		{"NAPTR", "1 1 u x \"!(a)!\\1!\" .", "a backslash itself"},
		{"NAPTR", "1 1 u x \"!a!b!\" b.", "replacement"},
		{"APL", "\\# 8 0001 08 04 0a000000", "no RDATA"},
		/* What is missing. */
		{"A6", "\\# 1 80", "prefix length"},
		{"A6", "\\# 1 00", "prefix length"},
		{"A6", "\\# 2 8100", "prefix length"},
		{"A6", "\\# 3 800000", "prefix length"},
		{"A6", "\\# 0", "prefix length"},
		{"NULL", "\\# 0", "no octet"},
		{"SINK", "1", "LENGTH HEX"},
		{"UID", "1", "LENGTH HEX"},
		{"SINK", "\\# 2 0102", "three octets"},
		{"IPSECKEY", "10 0 0 .", "key is missing"},
		{"IPSECKEY", "10 3 0 a.", "key is missing"},
		{"IPSECKEY", "10 1 2 192.0.2.38", "key is missing"},
		{"NSEC", "a.", "lists no type"},
		{"NSEC3", "1 0 0 aabb 04 A", "32 base32 digits"},
		{"NSEC3", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr04",
		 "32 base32 digits"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		RESULT result = parse(type_of(cases[i].type), cases[i].text);

		if (result.r == 0)
			fail_msg("%s %s is taken", cases[i].type,
				 cases[i].text);
		if (!strstr(result.why.reason, cases[i].why))
			fail_msg("%s %s: %s", cases[i].type, cases[i].text,
				 result.why.reason);
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

/* Every key that fits, each of them mandatory. */
static void a_record_of_nothing_but_keys_is_read_at_once(void **state)
{
	enum { COUNT = 10000 };
	CLEANUP(buffer_deinit) struct buffer text = {0};
	clock_t start = clock();
	int i;

	(void)state;
	buffer_add_text(&text, "1 . mandatory=key20000");
	for (i = 1; i < COUNT; i++)
		buffer_printf(&text, ",key%d", 20000 + i);
	for (i = 0; i < COUNT; i++)
		buffer_printf(&text, " key%d", 20000 + i);
	buffer_add(&text, "", 1);
	RESULT result = parse(RR_SVCB, (char *)text.data);

	assert_int_equal(result.r, 0);
	assert_true(clock() - start < CLOCKS_PER_SEC / 4);
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
		assert_non_null(strstr(result.why.reason, "255 octets"));
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
		assert_non_null(strstr(result.why.reason, "65535"));
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
		for (i = 0; i < count; i++)
			buffer_printf(&text, " key%d", 10000 + i);
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
		{"1 . key99=", "z", 65528, "", NULL, 65535},
		{"1 . key99=", "\\255", 65528, "", NULL, 65535},
		{"1 . key99=", "z", 65529, "", "65535", 0},
		{"1 . key99=", "z", 65536, "", "65535", 0},
		{"1 . key99=", "\\255", 65540, " key100 key101", "65535", 0},
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
			assert_non_null(
				strstr(result.why.reason, cases[i].why));
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
	for (i = 0; i < good_count; i++) {
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
		const struct good *from = &good[chance(good_count)];

		strcpy(text, from->text);
		len = strlen(text);
		for (j = 1 + (int)chance(3); j > 0 && len; j--)
			text[chance((uint32_t)len)] =
				octets[chance(sizeof(octets) - 1)];
		/* Now and then the text of another type. */
		type = type_of(chance(8) ? from->type
					 : good[chance(good_count)].type);
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
		const struct good *from = &good[chance(good_count)];

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
			assert_true(strncmp(text, "\\# ", 3) == 0 ||
				    rr_broken_rule(type, rdata.data, len));
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
	for (i = 0; i < good_count; i++) {
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
		cmocka_unit_test(every_type_with_a_name_is_in_the_table),
		cmocka_unit_test(every_wire_form_can_be_given_in_hex),
		cmocka_unit_test(what_is_no_rdata_is_refused),
		cmocka_unit_test(addresses_are_taken_as_ldns_takes_them),
		cmocka_unit_test(
			a_line_of_a_hundred_thousand_services_is_read_at_once),
		cmocka_unit_test(services_have_the_ports_that_the_system_tells),
		cmocka_unit_test(rdata_ends_at_65535_octets),
		cmocka_unit_test(a_record_of_nothing_but_keys_is_read_at_once),
		cmocka_unit_test(a_list_of_any_length_is_printed),
		cmocka_unit_test(a_service_parameter_ends_at_65535_octets),
		cmocka_unit_test(tokens_of_any_size_are_taken_or_refused),
		cmocka_unit_test(damaged_text_is_refused_or_reads_back),
		cmocka_unit_test(damaged_wire_prints_in_some_form),
		cmocka_unit_test(names_in_rdata_keep_their_case),
		cmocka_unit_test(a_line_is_as_long_as_measured),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
