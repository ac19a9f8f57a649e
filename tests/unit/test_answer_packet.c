// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_packet.c - headers, EDNS and compression; hostile packets
 *
 * Packets are written as hex with 'text' in quotes; blanks do not count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define HEAD(flags, qd, an, ns, ar) "1234" flags qd an ns ar
#define QUERY			    HEAD("0000", "0001", "0000", "0000", "0000")
#define QUERY_AR1		    HEAD("0000", "0001", "0000", "0000", "0001")
#define QUERY_AR2		    HEAD("0000", "0001", "0000", "0000", "0002")
#define NAME			    "02'ns' 02'ex' 00"
#define ASKED			    NAME "0001 0001"
#define OPT			    "00 0029 04d0 00 00 0000 0000"
#define OPT_WITH(len, options)	    "00 0029 04d0 00 00 0000" len options
#define A_RECORD		    "00 0001 0001 00000000 0004 7f000001"

#define ZONE                                                                   \
	"$ORIGIN ex.\n"                                                        \
	"@ SOA ns h 1 2 3 4 300\n"                                             \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

static size_t pack(const char *spec, uint8_t *out)
{
	size_t len = 0;

	while (*spec) {
		unsigned octet;

		if (*spec == ' ') {
			spec++;
		} else if (*spec == '\'') {
			while (*++spec != '\'')
				out[len++] = (uint8_t)*spec;
			spec++;
		} else {
			assert_int_equal(sscanf(spec, "%2x", &octet), 1);
			out[len++] = (uint8_t)octet;
			spec += 2;
		}
	}
	return len;
}

/* "FLAGS QD AN NS AR", and of an OPT record at the end " SIZE EXT DO DATA" */
static const char *summary(const uint8_t *response, size_t len)
{
	static char text[1024];
	size_t at, used;

	if (len == 0)
		return "dropped";
	assert_in_range(len, 12, MESSAGE_TCP_SIZE);
	assert_int_equal(get_u16(response), 0x1234);
	used = (size_t)snprintf(text, sizeof(text), "%04x %u %u %u %u",
				get_u16(response + 2), get_u16(response + 4),
				get_u16(response + 6), get_u16(response + 8),
				get_u16(response + 10));
	for (at = len - 11; len >= 23 && at >= 12; at--) {
		if (response[at] == 0 && get_u16(response + at + 1) == RR_OPT &&
		    at + 11u + get_u16(response + at + 9) == len)
			break;
	}
	if (len < 23 || at < 12)
		return text;
	assert_int_equal(response[at + 6], 0);
	used += (size_t)snprintf(text + used, sizeof(text) - used,
				 " %u %u %04x ", get_u16(response + at + 3),
				 response[at + 5], get_u16(response + at + 7));
	for (at += 11; at < len; at++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%02x", response[at]);
	return text;
}

static const char *send_spec(enum answer_transport transport, const char *spec)
{
	static uint8_t out[MESSAGE_TCP_SIZE];
	uint8_t packet[2048];
	size_t len = pack(spec, packet);

	len = asking_send(transport, packet, len, out);
	return summary(out, len);
}

struct packet_case {
	const char *spec, *result;
};

static void check(enum answer_transport transport,
		  const struct packet_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *result = send_spec(transport, cases[i].spec);

		if (strcmp(result, cases[i].result) != 0)
			fail_msg("%s\nwanted %s\ngot    %s", cases[i].spec,
				 cases[i].result, result);
	}
}

static void what_is_no_query_gets_no_answer(void **state)
{
	static const struct packet_case cases[] = {
		{"", "dropped"},
		{"12", "dropped"},
		{"1234 0000 0001 0000 0000 00", "dropped"},
		{HEAD("8000", "0001", "0000", "0000", "0000") ASKED, "dropped"},
		{HEAD("ffff", "0001", "0000", "0000", "0000") ASKED, "dropped"},
		{HEAD("8000", "0000", "0000", "0000", "0000"), "dropped"},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_UDP, cases, ARRAY_SIZE(cases));
	check(ANSWER_TCP, cases, ARRAY_SIZE(cases));
}

static void of_the_header_only_id_opcode_and_rd_come_back(void **state)
{
	static const struct packet_case cases[] = {
		{QUERY ASKED, "8400 1 1 0 0"},
		{HEAD("0100", "0001", "0000", "0000", "0000") ASKED,
		 "8500 1 1 0 0"},
		/* AA, TC, RA, Z, AD, CD and an rcode are ignored. */
		{HEAD("0400", "0001", "0000", "0000", "0000") ASKED,
		 "8400 1 1 0 0"},
		{HEAD("0200", "0001", "0000", "0000", "0000") ASKED,
		 "8400 1 1 0 0"},
		{HEAD("00ff", "0001", "0000", "0000", "0000") ASKED,
		 "8400 1 1 0 0"},
		{HEAD("07ff", "0001", "0000", "0000", "0000") ASKED,
		 "8500 1 1 0 0"},
		/* NOTIFY and UPDATE are of an SOA: FORMERR. */
		{HEAD("2100", "0001", "0000", "0000", "0000") ASKED,
		 "a101 1 0 0 0"},
		{HEAD("2900", "0001", "0000", "0000", "0000") ASKED,
		 "a901 1 0 0 0"},
		{HEAD("2000", "0000", "0000", "0000", "0000"), "a001 0 0 0 0"},
		{HEAD("2800", "0000", "0000", "0000", "0000"), "a801 0 0 0 0"},
		/* Other opcodes: NOTIMP. */
		{HEAD("0800", "0001", "0000", "0000", "0000") ASKED,
		 "8804 1 0 0 0"},
		{HEAD("3100", "0001", "0000", "0000", "0000") ASKED,
		 "b104 1 0 0 0"},
		{HEAD("7800", "0001", "0000", "0000", "0001") ASKED OPT,
		 "f804 1 0 0 1 1232 0 0000 "},
		{HEAD("3000", "0000", "0000", "0000", "0000"), "b004 0 0 0 0"},
		{HEAD("3000", "ffff", "ffff", "ffff", "ffff"), "b004 0 0 0 0"},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_UDP, cases, ARRAY_SIZE(cases));
}

static void malformed_queries_are_formerr(void **state)
{
	static const struct packet_case cases[] = {
		/* The question is echoed only if it could be read. */
		{HEAD("0000", "0000", "0000", "0000", "0000"), "8001 0 0 0 0"},
		{HEAD("0000", "0000", "0000", "0000", "0001") OPT,
		 "8001 0 0 0 1 1232 0 0000 "},
		{HEAD("0000", "0002", "0000", "0000", "0000") ASKED ASKED,
		 "8001 0 0 0 0"},
		{HEAD("0000", "ffff", "0000", "0000", "0000") ASKED,
		 "8001 0 0 0 0"},
		{QUERY, "8001 0 0 0 0"},
		{QUERY "02'ns'", "8001 0 0 0 0"},
		{QUERY "02'n'", "8001 0 0 0 0"},
		{QUERY NAME, "8001 0 0 0 0"},
		{QUERY NAME "0001 00", "8001 0 0 0 0"},
		/* Labels of other kinds, loops and pointers ahead. */
		{QUERY "c00c 0001 0001", "8001 0 0 0 0"},
		{QUERY "c000 0001 0001", "8001 0 0 0 0"},
		{QUERY "02'ns' c00c 0001 0001", "8001 0 0 0 0"},
		{QUERY "02'ns' c020 0001 0001 02'ex' 00", "8001 0 0 0 0"},
		{QUERY "40'aa' 00 0001 0001", "8001 0 0 0 0"},
		{QUERY "80'aa' 00 0001 0001", "8001 0 0 0 0"},
		/* Counts with nothing behind them. */
		{HEAD("0000", "0001", "0001", "0000", "0000") ASKED,
		 "8001 1 0 0 0"},
		{HEAD("0000", "0001", "ffff", "ffff", "ffff") ASKED,
		 "8001 1 0 0 0"},
		{HEAD("0000", "0001", "0000", "ffff", "0000") ASKED,
		 "8001 1 0 0 0"},
		{QUERY_AR1 ASKED, "8001 1 0 0 0"},
		{QUERY_AR2 ASKED OPT, "8001 1 0 0 0"},
		/* Records that break off. */
		{QUERY_AR1 ASKED "00", "8001 1 0 0 0"},
		{QUERY_AR1 ASKED "c0", "8001 1 0 0 0"},
		{QUERY_AR1 ASKED "05'abc'", "8001 1 0 0 0"},
		{QUERY_AR1 ASKED "00 0001 0001 00000000 0005 7f000001",
		 "8001 1 0 0 0"},
		{QUERY_AR1 ASKED "41'a' 00 0001 0001 00000000 0000",
		 "8001 1 0 0 0"},
		/* Garbage behind the end. */
		{QUERY ASKED "00", "8001 1 0 0 0"},
		{QUERY_AR1 ASKED OPT "00", "8001 1 0 0 0"},
		{QUERY ASKED OPT, "8001 1 0 0 0"},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_UDP, cases, ARRAY_SIZE(cases));
	check(ANSWER_TCP, cases, ARRAY_SIZE(cases));
}

static void records_in_a_query_are_stepped_over(void **state)
{
	static const struct packet_case cases[] = {
		{HEAD("0000", "0001", "0001", "0000", "0000") ASKED A_RECORD,
		 "8400 1 1 0 0"},
		{HEAD("0000", "0001", "0000", "0001", "0000") ASKED A_RECORD,
		 "8400 1 1 0 0"},
		{QUERY_AR1 ASKED A_RECORD, "8400 1 1 0 0"},
		{QUERY_AR2 ASKED A_RECORD OPT, "8400 1 1 0 1 1232 0 0000 "},
		{QUERY_AR2 ASKED OPT A_RECORD, "8400 1 1 0 1 1232 0 0000 "},
		/* Their names may be compressed; pointers are not followed. */
		{QUERY_AR1 ASKED "c0ff 0001 0001 00000000 0000",
		 "8400 1 1 0 0"},
		{QUERY_AR1 ASKED "01'a' c01b 0001 0001 00000000 0000",
		 "8400 1 1 0 0"},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_UDP, cases, ARRAY_SIZE(cases));
}

static void rfc_6891_rules_the_opt_record(void **state)
{
	static const struct packet_case cases[] = {
		{QUERY_AR1 ASKED OPT, "8400 1 1 0 1 1232 0 0000 "},
		/* DO comes back, other flags do not: section 6.1.4. */
		{QUERY_AR1 ASKED "00 0029 04d0 00 00 8000 0000",
		 "8400 1 1 0 1 1232 0 8000 "},
		{QUERY_AR1 ASKED "00 0029 04d0 00 00 ffff 0000",
		 "8400 1 1 0 1 1232 0 8000 "},
		{QUERY_AR1 ASKED "00 0029 04d0 00 00 7fff 0000",
		 "8400 1 1 0 1 1232 0 0000 "},
		/* An extended rcode in a query says nothing. */
		{QUERY_AR1 ASKED "00 0029 04d0 05 00 0000 0000",
		 "8400 1 1 0 1 1232 0 0000 "},
		/* Any size will do. */
		{QUERY_AR1 ASKED "00 0029 0000 00 00 0000 0000",
		 "8400 1 1 0 1 1232 0 0000 "},
		{QUERY_AR1 ASKED "00 0029 ffff 00 00 0000 0000",
		 "8400 1 1 0 1 1232 0 0000 "},
		/* Versions: section 6.1.3. */
		{QUERY_AR1 ASKED "00 0029 04d0 00 01 0000 0000",
		 "8000 1 0 0 1 1232 1 0000 "},
		{QUERY_AR1 ASKED "00 0029 04d0 00 ff 8000 0000",
		 "8000 1 0 0 1 1232 1 8000 "},
		/* Two of them: section 6.1.1. */
		{QUERY_AR2 ASKED OPT OPT, "8001 1 0 0 0"},
		{QUERY_AR2 ASKED "00 0029 04d0 00 01 0000 0000" OPT,
		 "8001 1 0 0 0"},
		/* Not of the root, or not in the additional section. */
		{QUERY_AR1 ASKED "01'a'" OPT, "8001 1 0 0 0"},
		{QUERY_AR1 ASKED "c00c 0029 04d0 00 00 0000 0000",
		 "8001 1 0 0 0"},
		{HEAD("0000", "0001", "0001", "0000", "0000") ASKED OPT,
		 "8001 1 0 0 0"},
		{HEAD("0000", "0001", "0000", "0001", "0000") ASKED OPT,
		 "8001 1 0 0 0"},
		/* Options: unknown ones are ignored, broken ones are not. */
		{QUERY_AR1 ASKED OPT_WITH("0006", "fffe 0002 'hi'"),
		 "8400 1 1 0 1 1232 0 0000 "},
		{QUERY_AR1 ASKED OPT_WITH("0000", ""),
		 "8400 1 1 0 1 1232 0 0000 "},
		{QUERY_AR1 ASKED OPT_WITH("0003", "0003 00"), "8001 1 0 0 0"},
		{QUERY_AR1 ASKED OPT_WITH("0008", "0003 0005 'abcd'"),
		 "8001 1 0 0 0"},
		{QUERY_AR1 ASKED OPT_WITH("0009", "0003 0004 'abcd' 00"),
		 "8001 1 0 0 0"},
		{QUERY_AR1 ASKED OPT_WITH("0009", "0003 0004 'abcd'"),
		 "8001 1 0 0 0"},
		/* It is there whatever the answer is. */
		{QUERY_AR1 "01'x' 02'ex' 00 0001 0001" OPT,
		 "8403 1 0 1 1 1232 0 0000 "},
		{QUERY_AR1 NAME "0001 0003" OPT, "8005 1 0 0 1 1232 0 0000 "},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_UDP, cases, ARRAY_SIZE(cases));
}

static void nsid_keepalive_and_extended_errors_are_told(void **state)
{
	static const struct packet_case udp[] = {
		{QUERY_AR1 ASKED OPT_WITH("0004", "0003 0000"),
		 "8400 1 1 0 1 1232 0 0000 000300026e31"},
		{QUERY_AR1 ASKED OPT, "8400 1 1 0 1 1232 0 0000 "},
		/* RFC 7828, section 3.3.1: not over UDP. */
		{QUERY_AR1 ASKED OPT_WITH("0004", "000b 0000"),
		 "8400 1 1 0 1 1232 0 0000 "},
		/* RFC 8914: not authoritative; without EDNS, not told. */
		{QUERY_AR1 "01'x' 00 0001 0001" OPT,
		 "8005 1 0 0 1 1232 0 0000 000f00020014"},
		{QUERY "01'x' 00 0001 0001", "8005 1 0 0 0"},
	};
	static const struct packet_case tcp[] = {
		{QUERY_AR1 ASKED OPT_WITH("0008", "000b 0000 0003 0000"),
		 "8400 1 1 0 1 1232 0 0000 000300026e31000b00020064"},
		{QUERY_AR1 NAME "00fc 0001" OPT,
		 "8009 1 0 0 1 1232 0 0000 000f00020014"},
		{QUERY_AR1 "02'ex' 00 00fc 0001" OPT,
		 "8005 1 0 0 1 1232 0 0000 000f00020012"},
		/* RFC 7314: of an SOA, at the apex, and to who asks. */
		{QUERY_AR1 "02'ex' 00 0006 0001" OPT_WITH("0004", "0009 0000"),
		 "8400 1 1 0 1 1232 0 0000 0009000400000004"},
		{QUERY_AR1 "02'ex' 00 0006 0001" OPT,
		 "8400 1 1 0 1 1232 0 0000 "},
		{QUERY_AR1 "02'ex' 00 0002 0001" OPT_WITH("0004", "0009 0000"),
		 "8400 1 1 0 2 1232 0 0000 "},
		{QUERY_AR1 NAME "0006 0001" OPT_WITH("0004", "0009 0000"),
		 "8400 1 0 1 1 1232 0 0000 "},
	};
	static const struct packet_case off[] = {
		{QUERY_AR1 ASKED OPT_WITH("0008", "000b 0000 0003 0000"),
		 "8400 1 1 0 1 1232 0 0000 "},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_TCP, off, ARRAY_SIZE(off));
	asking_options()->nsid = (const uint8_t *)"n1";
	asking_options()->nsid_len = 2;
	asking_options()->keepalive = 100;
	check(ANSWER_UDP, udp, ARRAY_SIZE(udp));
	check(ANSWER_TCP, tcp, ARRAY_SIZE(tcp));
}

static void classes_and_types_that_are_no_data_have_their_rcode(void **state)
{
	static const struct packet_case udp[] = {
		{QUERY NAME "0001 0003", "8005 1 0 0 0"},
		{QUERY NAME "0001 0004", "8005 1 0 0 0"},
		{QUERY NAME "0001 00ff", "8005 1 0 0 0"},
		{QUERY NAME "0001 00fe", "8005 1 0 0 0"},
		{QUERY NAME "0001 0000", "8005 1 0 0 0"},
		/* version.bind. CH TXT */
		{QUERY "07'version' 04'bind' 00 0010 0003", "8005 1 0 0 0"},
		/* AXFR; IXFR without an SOA */
		{QUERY NAME "00fc 0001", "8004 1 0 0 0"},
		{QUERY NAME "00fb 0001", "8001 1 0 0 0"},
		/* TYPE0, OPT, TKEY, TSIG, MAILB, MAILA, TYPE128: no data */
		{QUERY NAME "0000 0001", "8400 1 0 1 0"},
		{QUERY NAME "0029 0001", "8400 1 0 1 0"},
		{QUERY NAME "00f9 0001", "8400 1 0 1 0"},
		{QUERY NAME "00fa 0001", "8400 1 0 1 0"},
		{QUERY NAME "00fd 0001", "8400 1 0 1 0"},
		{QUERY NAME "00fe 0001", "8400 1 0 1 0"},
		{QUERY NAME "0080 0001", "8400 1 0 1 0"},
		{QUERY NAME "ffff 0001", "8400 1 0 1 0"},
	};
	static const struct packet_case tcp[] = {
		/* No apex; the apex, and nobody may; no SOA. */
		{QUERY NAME "00fc 0001", "8009 1 0 0 0"},
		{QUERY "02'ex' 00 00fc 0001", "8005 1 0 0 0"},
		{QUERY NAME "00fb 0001", "8001 1 0 0 0"},
	};

	(void)state;
	asking_load(ZONE);
	check(ANSWER_UDP, udp, ARRAY_SIZE(udp));
	check(ANSWER_TCP, tcp, ARRAY_SIZE(tcp));
}

/* The exact octets of a response. */
static void check_octets(const char *query, const char *response)
{
	static uint8_t out[MESSAGE_TCP_SIZE];
	uint8_t packet[512], wanted[512];
	size_t len = pack(query, packet);
	size_t wanted_len = pack(response, wanted);

	len = asking_send(ANSWER_UDP, packet, len, out);
	assert_int_equal(len, wanted_len);
	assert_memory_equal(out, wanted, len);
}

static void names_are_compressed_in_owners_and_rfc_1035_rdata(void **state)
{
	(void)state;
	asking_load(ZONE "mx MX 5 mail\n"
			 "mx MX 6 mail.mx\n"
			 "srv SRV 1 2 3 mail\n"
			 "cn CNAME Mail\n"
			 "mail A 192.0.2.2\n");
	/* The case of the question comes back: RFC 4343, section 4.1. */
	check_octets(QUERY "02'nS' 02'Ex' 00 0001 0001",
		     HEAD("8400", "0001", "0001", "0000",
			  "0000") "02'nS' "
				  "02'Ex' 00 0001 0001"
				  "c00c 0001 0001 00000e10 0004 c0000201");
	/* "ex." of the question, "mail.ex." of the first MX record. */
	check_octets(
		QUERY "02'mx' 02'ex' 00 000f 0001",
		HEAD("8400", "0001", "0002", "0000",
		     "0001") "02'mx' "
			     "02'ex' 00 000f 0001"
			     "c00c 000f 0001 00000e10 0009 0005 04'mail' c00f"
			     "c00c 000f 0001 00000e10 0009 0006 04'mail' c00c"
			     "c025 0001 0001 00000e10 0004 c0000202");
	/* SRV targets are not compressed: RFC 3597, section 4. */
	check_octets(
		QUERY "03'srv' 02'ex' 00 0021 0001",
		HEAD("8400", "0001", "0001", "0000",
		     "0001") "03'srv' "
			     "02'ex' 00 0021 0001"
			     "c00c 0021 0001 00000e10 000f 0001 0002 0003"
			     "04'mail' 02'ex' 00"
			     "04'mail' c010 0001 0001 00000e10 0004 c0000202");
	/* The next owner of a chain stands in the CNAME before. */
	check_octets(QUERY "02'cn' 02'ex' 00 0001 0001",
		     HEAD("8400", "0001", "0002", "0000",
			  "0000") "02'cn' "
				  "02'ex' 00 0001 0001"
				  "c00c 0005 0001 00000e10 0007 04'Mail' c00f"
				  "c023 0001 0001 00000e10 0004 c0000202");
	/* SOA: two names and 20 octets. */
	check_octets(
		QUERY "01'x' 02'ex' 00 0001 0001",
		HEAD("8403", "0001", "0000", "0001",
		     "0000") "01'x' "
			     "02'ex' 00 0001 0001"
			     "c00e 0006 0001 0000012c 001d 02'ns' c00e 01'h' "
			     "c00e"
			     "00000001 00000002 00000003 00000004 0000012c");
	/* In another case it is the same name. */
	check_octets(
		QUERY "01'x' 02'eX' 00 0001 0001",
		HEAD("8403", "0001", "0000", "0001",
		     "0000") "01'x' "
			     "02'eX' 00 0001 0001"
			     "c00e 0006 0001 0000012c 001d 02'ns' c00e 01'h' "
			     "c00e"
			     "00000001 00000002 00000003 00000004 0000012c");
}

/* Where its names stand is known, and is not looked for. */
static void a_referral_points_to_what_it_has_said(void **state)
{
	(void)state;
	asking_load(ZONE "cut NS cut\n"
			 "cut NS a.cut\n"
			 "cut NS B.A.Cut\n"
			 "cut NS ns\n"
			 "cut A 192.0.2.2\n"
			 "a.cut A 192.0.2.3\n"
			 "b.a.cut A 192.0.2.4\n");
	check_octets(QUERY "01'a' 03'cut' 02'ex' 00 0001 0001",
		     HEAD("8000", "0001", "0000", "0004",
			  "0004") "01'a' 03'cut' 02'ex' 00 0001 0001"
				  "c00e 0002 0001 00000e10 0002 c00e"
				  "c00e 0002 0001 00000e10 0002 c00c"
				  "c00e 0002 0001 00000e10 0004 01'B' c00c"
				  "c00e 0002 0001 00000e10 0005 02'ns' c012"
				  "c00e 0001 0001 00000e10 0004 c0000202"
				  "c00c 0001 0001 00000e10 0004 c0000203"
				  "c042 0001 0001 00000e10 0004 c0000204"
				  "c052 0001 0001 00000e10 0004 c0000201");
}

/* xorshift: the same octets in every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static void check_response(const uint8_t *query, const uint8_t *out, size_t len,
			   enum answer_transport transport)
{
	if (len == 0)
		return;
	assert_in_range(len, 12, transport == ANSWER_UDP ? 1232 : 65535);
	assert_memory_equal(out, query, 2);
	assert_int_equal(out[2] & 0xf9, 0x80 | (query[2] & 0x79));
	/* It parses, and what is counted is there. */
	asking_text(out, len);
}

static void random_packets_get_sound_responses_or_none(void **state)
{
	static uint8_t out[MESSAGE_TCP_SIZE];
	static const char *const seeds[] = {
		QUERY ASKED,
		QUERY_AR1 ASKED OPT,
		QUERY_AR1 "01'a' 02'to' 02'ex' 00 00ff 0001" OPT,
		QUERY "01'a' 03'cut' 02'ex' 00 000f 0001",
		QUERY_AR1 ASKED OPT_WITH("0008", "000b 0000 0003 0000"),
	};
	uint32_t seed = 20140101;

	(void)state;
	asking_load(ZONE "to DNAME tgt\n*.tgt CNAME a.tgt\ncut NS ns.cut\n"
			 "ns.cut A 192.0.2.2\n* MX 5 ns\n");
	for (int i = 0; i < 60000; i++) {
		enum answer_transport transport =
			next_random(&seed) & 1 ? ANSWER_TCP : ANSWER_UDP;
		uint8_t packet[600];
		size_t len;

		if (i % 4 == 0) {
			/* Octets without any sense, under a fair header. */
			len = next_random(&seed) % sizeof(packet);
			for (size_t k = 0; k < len; k++)
				packet[k] = (uint8_t)next_random(&seed);
			if (len > 6 && next_random(&seed) & 1)
				memcpy(packet + 2, "\0\0\0\1", 4);
		} else {
			/* A fair query with a few octets changed or missing */
			len = pack(
				seeds[next_random(&seed) % ARRAY_SIZE(seeds)],
				packet);
			for (int k = next_random(&seed) % 4; k > 0; k--)
				packet[next_random(&seed) % len] =
					(uint8_t)next_random(&seed);
			if (next_random(&seed) % 4 == 0)
				len = next_random(&seed) % (len + 1);
		}
		check_response(packet, out,
			       asking_send(transport, packet, len, out),
			       transport);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_no_query_gets_no_answer),
		cmocka_unit_test(of_the_header_only_id_opcode_and_rd_come_back),
		cmocka_unit_test(malformed_queries_are_formerr),
		cmocka_unit_test(records_in_a_query_are_stepped_over),
		cmocka_unit_test(rfc_6891_rules_the_opt_record),
		cmocka_unit_test(nsid_keepalive_and_extended_errors_are_told),
		cmocka_unit_test(
			classes_and_types_that_are_no_data_have_their_rcode),
		cmocka_unit_test(
			names_are_compressed_in_owners_and_rfc_1035_rdata),
		cmocka_unit_test(a_referral_points_to_what_it_has_said),
		cmocka_unit_test(random_packets_get_sound_responses_or_none),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
