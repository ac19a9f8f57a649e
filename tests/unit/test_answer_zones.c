// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer_zones.c - where authority begins and ends: cuts, nested zones,
 * records outside any zone; and what is added beside the answer
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define CHECK(cases) asking_check(cases, ARRAY_SIZE(cases))

#define EX_SOA "ns ex. 300 SOA ns.ex. h.ex. 1 2 3 4 300\n"
#define EX_HEAD                                                                \
	"$ORIGIN ex.\n"                                                        \
	"@ SOA ns h 1 2 3 4 300\n"                                             \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

static void a_referral_names_the_topmost_cut_and_brings_glue(void **state)
{
	static const char zone[] = EX_HEAD
		"cut NS ns.other.\n"
		"cut NS ns.sib\n"
		"cut NS ns\n"
		"cut NS ns.cut\n"
		"cut NS a.wild\n"
		"cut DS 1 8 2 "
		"00000000000000000000000000000000000000000000000000000000"
		"00000000\n"
		"ns.cut A 192.0.2.2\n"
		"ns.cut AAAA 2001:db8::2\n"
		"deep.cut NS ns.deep.cut\n"
		"secret.cut TXT hidden\n"
		"sib NS ns.sib\n"
		"ns.sib A 192.0.2.3\n"
		"*.wild A 192.0.2.4\n"
		"mx MX 5 ns.cut\n"
		"bare NS ns.bare\n"
		"ent.ent NS ns\n";
#define CUT                                                                    \
	"ns cut.ex. 3600 NS ns.other.\n"                                       \
	"ns cut.ex. 3600 NS ns.sib.ex.\n"                                      \
	"ns cut.ex. 3600 NS ns.ex.\n"                                          \
	"ns cut.ex. 3600 NS ns.cut.ex.\n"                                      \
	"ns cut.ex. 3600 NS a.wild.ex.\n"                                      \
	"ar ns.cut.ex. 3600 A 192.0.2.2\n"                                     \
	"ar ns.cut.ex. 3600 AAAA 2001:db8::2\n"                                \
	"ar ns.sib.ex. 3600 A 192.0.2.3\n"                                     \
	"ar ns.ex. 3600 A 192.0.2.1\n"                                         \
	"ar a.wild.ex. 3600 A 192.0.2.4\n"
	static const struct asking_case cases[] = {
		{"cut.ex.", "A", "NOERROR\n" CUT},
		{"cut.ex.", "NS", "NOERROR\n" CUT},
		{"cut.ex.", "SOA", "NOERROR\n" CUT},
		{"cut.ex.", "ANY", "NOERROR\n" CUT},
		{"x.y.cut.ex.", "A", "NOERROR\n" CUT},
		{"ns.cut.ex.", "A", "NOERROR\n" CUT},
		{"secret.cut.ex.", "TXT", "NOERROR\n" CUT},
		{"x.deep.cut.ex.", "A", "NOERROR\n" CUT},
		{"x.cut.ex.", "DS", "NOERROR\n" CUT},
		/* The DS of a cut is the parent's: RFC 4035, section 3.1.4.1.
		 */
		{"cut.ex.", "DS",
		 "NOERROR aa\nan cut.ex. 3600 DS 1 8 2 "
		 "00000000000000000000000000000000000000000000000000000000"
		 "00000000\n"},
		{"sib.ex.", "DS", "NOERROR aa\n" EX_SOA},
		/* Glue is for referrals, and for NS. */
		{"mx.ex.", "MX",
		 "NOERROR aa\nan mx.ex. 3600 MX 5 ns.cut.ex.\n"},
		{"bare.ex.", "A", "NOERROR\nns bare.ex. 3600 NS ns.bare.ex.\n"},
		{"ent.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"x.ent.ex.", "A", "NXDOMAIN aa\n" EX_SOA},
		{"x.ent.ent.ex.", "A",
		 "NOERROR\n"
		 "ns ent.ent.ex. 3600 NS ns.ex.\n"
		 "ar ns.ex. 3600 A 192.0.2.1\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

/* On the way from a server's name up to its cut there may be anything. */
static void glue_is_found_whatever_stands_below_the_cut(void **state)
{
	static const char zone[] = EX_HEAD "self NS self\n"
					   "self A 192.0.2.2\n"
					   "deep NS ns.a.b.deep\n"
					   "a.b.deep NS elsewhere.\n"
					   "b.deep TXT between\n"
					   "ns.a.b.deep A 192.0.2.3\n"
					   "both NS ns.both\n"
					   "both DNAME elsewhere.\n"
					   "ns.both A 192.0.2.4\n"
					   "dname NS ns.d.dname\n"
					   "d.dname DNAME elsewhere.\n"
					   "ns.d.dname A 192.0.2.5\n"
					   "zone NS ns.z.zone\n"
					   "z.zone SOA ns h 1 2 3 4 60\n"
					   "ns.z.zone A 192.0.2.6\n"
					   "hidden NS ns.d.z.hidden\n"
					   "z.hidden SOA ns h 1 2 3 4 60\n"
					   "d.z.hidden DNAME elsewhere.\n"
					   "ns.d.z.hidden A 192.0.2.7\n"
					   "wild NS ns.wild\n"
					   "*.wild A 192.0.2.8\n"
					   "ent NS ns.ent\n"
					   "below.ns.ent A 192.0.2.9\n"
					   "two NS NS.two\n"
					   "two NS ns.deeper.two\n"
					   "ns.two AAAA 2001:db8::1\n"
					   "ns.deeper.two A 192.0.2.10\n";
	static const struct asking_case cases[] = {
		{"self.ex.", "A",
		 "NOERROR\nns self.ex. 3600 NS self.ex.\n"
		 "ar self.ex. 3600 A 192.0.2.2\n"},
		{"x.deep.ex.", "A",
		 "NOERROR\nns deep.ex. 3600 NS ns.a.b.deep.ex.\n"
		 "ar ns.a.b.deep.ex. 3600 A 192.0.2.3\n"},
		{"x.both.ex.", "A",
		 "NOERROR\nns both.ex. 3600 NS ns.both.ex.\n"
		 "ar ns.both.ex. 3600 A 192.0.2.4\n"},
		{"x.dname.ex.", "A",
		 "NOERROR\nns dname.ex. 3600 NS ns.d.dname.ex.\n"
		 "ar ns.d.dname.ex. 3600 A 192.0.2.5\n"},
		{"x.zone.ex.", "A",
		 "NOERROR\nns zone.ex. 3600 NS ns.z.zone.ex.\n"
		 "ar ns.z.zone.ex. 3600 A 192.0.2.6\n"},
		{"x.hidden.ex.", "A",
		 "NOERROR\nns hidden.ex. 3600 NS ns.d.z.hidden.ex.\n"},
		{"x.wild.ex.", "A",
		 "NOERROR\nns wild.ex. 3600 NS ns.wild.ex.\n"
		 "ar ns.wild.ex. 3600 A 192.0.2.8\n"},
		{"x.ent.ex.", "A", "NOERROR\nns ent.ex. 3600 NS ns.ent.ex.\n"},
		{"x.two.ex.", "A",
		 "NOERROR\nns two.ex. 3600 NS NS.two.ex.\n"
		 "ns two.ex. 3600 NS ns.deeper.two.ex.\n"
		 "ar NS.two.ex. 3600 AAAA 2001:db8::1\n"
		 "ar ns.deeper.two.ex. 3600 A 192.0.2.10\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

static void nested_zones_answer_for_their_own_names(void **state)
{
	static const char zones[] = EX_HEAD
		"*.ex. TXT \"parent\"\n"
		"child SOA ns h 1 2 3 4 60\n"
		"child NS ns.child\n"
		"child DS 1 8 2 "
		"00000000000000000000000000000000000000000000000000000000"
		"00000000\n"
		"ns.child A 192.0.2.2\n"
		"plain SOA ns h 1 2 3 4 60\n"
		"cut NS ns.child\n"
		"cut NS ns\n"
		"z.y.cut SOA ns h 1 2 3 4 60\n"
		"a.z.y.cut A 192.0.2.3\n"
		"mx MX 5 ns.child\n"
		"mx.child MX 5 ns.ex.\n"
		"*.wapex SOA ns h 1 2 3 4 60\n"
		"*.wapex A 192.0.2.9\n"
		"*.wapex DS 1 8 2 "
		"00000000000000000000000000000000000000000000000000000000"
		"00000000\n"
		"z.deep SOA ns h 1 2 3 4 60\n";
#define CHILD_SOA "ns child.ex. 60 SOA ns.ex. h.ex. 1 2 3 4 60\n"
	static const struct asking_case cases[] = {
		{"child.ex.", "NS",
		 "NOERROR aa\n"
		 "an child.ex. 3600 NS ns.child.ex.\n"
		 "ar ns.child.ex. 3600 A 192.0.2.2\n"},
		{"child.ex.", "A", "NOERROR aa\n" CHILD_SOA},
		/* The parent's wildcard does not reach into the child. */
		{"x.child.ex.", "TXT", "NXDOMAIN aa\n" CHILD_SOA},
		/* The parent answers for the DS, with data or with its SOA. */
		{"child.ex.", "DS",
		 "NOERROR aa\nan child.ex. 3600 DS 1 8 2 "
		 "00000000000000000000000000000000000000000000000000000000"
		 "00000000\n"},
		{"plain.ex.", "DS", "NOERROR aa\n" EX_SOA},
		/* Without its parent zone here, the child does. */
		{"ex.", "DS", "NOERROR aa\n" EX_SOA},
		/* A zone below somebody else's cut: DS is a referral there. */
		{"a.z.y.cut.ex.", "A",
		 "NOERROR aa\nan a.z.y.cut.ex. 3600 A 192.0.2.3\n"},
		{"z.y.cut.ex.", "A",
		 "NOERROR aa\n"
		 "ns z.y.cut.ex. 60 SOA ns.ex. h.ex. 1 2 3 4 60\n"},
		{"z.y.cut.ex.", "DS",
		 "NOERROR\n"
		 "ns cut.ex. 3600 NS ns.child.ex.\n"
		 "ns cut.ex. 3600 NS ns.ex.\n"
		 "ar ns.child.ex. 3600 A 192.0.2.2\n"
		 "ar ns.ex. 3600 A 192.0.2.1\n"},
		/* Additional data is of the zone that answers. */
		{"mx.ex.", "MX",
		 "NOERROR aa\nan mx.ex. 3600 MX 5 ns.child.ex.\n"},
		{"mx.child.ex.", "MX",
		 "NOERROR aa\nan mx.child.ex. 3600 MX 5 ns.ex.\n"},
		/* An apex that is a wildcard has no data for its parent zone.
		 */
		{"x.wapex.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"*.wapex.ex.", "A",
		 "NOERROR aa\nan *.wapex.ex. 3600 A 192.0.2.9\n"},
		/* But for its DS. */
		{"x.wapex.ex.", "DS",
		 "NOERROR aa\nan x.wapex.ex. 3600 DS 1 8 2 "
		 "00000000000000000000000000000000000000000000000000000000"
		 "00000000\n"},
		/* A child makes its parents' non-terminals exist. */
		{"deep.ex.", "TXT", "NOERROR aa\n" EX_SOA},
		{"x.deep.ex.", "TXT", "NXDOMAIN aa\n" EX_SOA},
	};

	(void)state;
	asking_load(zones);
	CHECK(cases);
}

static void outside_any_zone_a_record_is_enough(void **state)
{
	static const char records[] =
		"*.dev. A 127.0.0.1\n"
		"ent.b.dev. A 192.0.2.1\n"
		"cname.dev. CNAME x.dev.\n"
		"moved. DNAME dev.\n"
		"ns.dev. NS ns.ns.dev.\n"
		"ns.ns.dev. A 192.0.2.2\n"
		"srv.dev. SRV 0 0 1 ns.ns.dev.\n"
		"deep.dname.ns.dev. DNAME moved.\n"
		"zone.test. SOA ns.zone.test. h.zone.test. 1 2 3 4 300\n"
		"a.zone.test. A 192.0.2.3\n"
		"in.zone.dev. SOA ns.zone.test. h.zone.test. 1 2 3 4 300\n"
		"*.apex.dev. SOA ns.zone.test. h.zone.test. 1 2 3 4 300\n"
		"apex.dev. A 192.0.2.4\n";
	static const struct asking_case cases[] = {
		{"x.dev.", "A", "NOERROR aa\nan x.dev. 3600 A 127.0.0.1\n"},
		{"x.y.dev.", "A", "NOERROR aa\nan x.y.dev. 3600 A 127.0.0.1\n"},
		/* Held, without the type: no data, and no SOA to say it. */
		{"x.dev.", "MX", "NOERROR aa\n"},
		{"ns.dev.", "A", "NOERROR aa\n"},
		/* Empty non-terminals exist, and stop the wildcard. */
		{"dev.", "A", "NOERROR aa\n"},
		{"b.dev.", "A", "NOERROR aa\n"},
		{".", "NS", "NOERROR aa\n"},
		/* What matches nothing is not ours to deny. */
		{"x.b.dev.", "A", "REFUSED\n"},
		{"nothing.", "A", "REFUSED\n"},
		{"x.nothing.", "A", "REFUSED\n"},
		{"cname.dev.", "A",
		 "NOERROR aa\n"
		 "an cname.dev. 3600 CNAME x.dev.\n"
		 "an x.dev. 3600 A 127.0.0.1\n"},
		{"x.moved.", "A",
		 "NOERROR aa\n"
		 "an moved. 3600 DNAME dev.\n"
		 "an x.moved. 3600 CNAME x.dev.\n"
		 "an x.dev. 3600 A 127.0.0.1\n"},
		{"x.b.moved.", "A",
		 "NOERROR aa\n"
		 "an moved. 3600 DNAME dev.\n"
		 "an x.b.moved. 3600 CNAME x.b.dev.\n"},
		/* NS is data, and cuts nothing. */
		{"ns.dev.", "NS",
		 "NOERROR aa\n"
		 "an ns.dev. 3600 NS ns.ns.dev.\n"
		 "ar ns.ns.dev. 3600 A 192.0.2.2\n"},
		{"ns.ns.dev.", "A",
		 "NOERROR aa\nan ns.ns.dev. 3600 A 192.0.2.2\n"},
		{"x.ns.dev.", "A", "REFUSED\n"},
		{"a.deep.dname.ns.dev.", "CNAME",
		 "NOERROR aa\n"
		 "an deep.dname.ns.dev. 3600 DNAME moved.\n"
		 "an a.deep.dname.ns.dev. 3600 CNAME a.moved.\n"},
		{"srv.dev.", "SRV",
		 "NOERROR aa\n"
		 "an srv.dev. 3600 SRV 0 0 1 ns.ns.dev.\n"
		 "ar ns.ns.dev. 3600 A 192.0.2.2\n"},
		{"x.dev.", "DS", "NOERROR aa\n"},
		/* A wildcard that is an apex has nothing for its siblings. */
		{"x.apex.dev.", "A", "REFUSED\n"},
		{"x.apex.dev.", "DS", "REFUSED\n"},
		{"*.apex.dev.", "A",
		 "NOERROR aa\n"
		 "ns *.apex.dev. 300 SOA ns.zone.test. h.zone.test. "
		 "1 2 3 4 300\n"},
		/* A zone is no part of what is outside of it. */
		{"test.", "A", "REFUSED\n"},
		{"other.test.", "A", "REFUSED\n"},
		{"zone.dev.", "A",
		 "NOERROR aa\nan zone.dev. 3600 A 127.0.0.1\n"},
		{"x.zone.dev.", "A",
		 "NOERROR aa\nan x.zone.dev. 3600 A 127.0.0.1\n"},
		{"in.zone.dev.", "A",
		 "NOERROR aa\n"
		 "ns in.zone.dev. 300 SOA ns.zone.test. h.zone.test. "
		 "1 2 3 4 300\n"},
	};

	(void)state;
	asking_load(records);
	CHECK(cases);
}

static void an_empty_server_refuses_everything(void **state)
{
	static const struct asking_case cases[] = {
		{".", "NS", "REFUSED\n"},
		{".", "DS", "REFUSED\n"},
		{"a.", "A", "REFUSED\n"},
		{"a.b.c.", "ANY", "REFUSED\n"},
	};

	(void)state;
	asking_load("");
	CHECK(cases);
}

static void a_server_of_zones_alone_refuses_what_is_above_them(void **state)
{
	char zones[8192];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		len += (size_t)snprintf(zones + len, sizeof(zones) - len,
					"z%d.com. SOA a. b. 1 2 3 4 "
					"5\na.z%d.com. A 192.0.2.1\n",
					i, i);
	asking_load(zones);
	assert_string_equal(asking_ask("com.", "NS"), "REFUSED\n");
	assert_string_equal(asking_ask(".", "NS"), "REFUSED\n");
	assert_string_equal(asking_ask("x.com.", "A"), "REFUSED\n");
	assert_string_equal(asking_ask("a.z77.com.", "A"),
			    "NOERROR aa\nan a.z77.com. 3600 A 192.0.2.1\n");
}

static void additional_data_follows_ns_mx_srv_svcb_and_https(void **state)
{
	static const char zone[] = EX_HEAD "host A 192.0.2.2\n"
					   "host AAAA 2001:db8::2\n"
					   "mx MX 1 host\n"
					   "mx MX 2 HOST\n"
					   "mx MX 3 mx.else.\n"
					   "mx MX 4 alias\n"
					   "alias CNAME host\n"
					   "null MX 0 .\n"
					   "srv SRV 0 0 1 host\n"
					   "h HTTPS 1 host alpn=h2\n"
					   "h A 192.0.2.3\n"
					   "own HTTPS 1 . alpn=h2\n"
					   "own A 192.0.2.4\n"
					   "off HTTPS 0 .\n"
					   "off A 192.0.2.5\n"
					   "al HTTPS 0 h\n"
					   "me HTTPS 1 me alpn=h2\n"
					   "me A 192.0.2.6\n"
					   "ptr PTR host\n"
					   "c CNAME srv\n";
	static const struct asking_case cases[] = {
		{"ex.", "NS",
		 "NOERROR aa\n"
		 "an ex. 3600 NS ns.ex.\n"
		 "ar ns.ex. 3600 A 192.0.2.1\n"},
		{"mx.ex.", "MX",
		 "NOERROR aa\n"
		 "an mx.ex. 3600 MX 1 host.ex.\n"
		 "an mx.ex. 3600 MX 2 host.ex.\n"
		 "an mx.ex. 3600 MX 3 mx.else.\n"
		 "an mx.ex. 3600 MX 4 alias.ex.\n"
		 "ar host.ex. 3600 A 192.0.2.2\n"
		 "ar host.ex. 3600 AAAA 2001:db8::2\n"},
		{"null.ex.", "MX", "NOERROR aa\nan null.ex. 3600 MX 0 .\n"},
		{"srv.ex.", "SRV",
		 "NOERROR aa\n"
		 "an srv.ex. 3600 SRV 0 0 1 host.ex.\n"
		 "ar host.ex. 3600 A 192.0.2.2\n"
		 "ar host.ex. 3600 AAAA 2001:db8::2\n"},
		{"c.ex.", "SRV",
		 "NOERROR aa\n"
		 "an c.ex. 3600 CNAME srv.ex.\n"
		 "an srv.ex. 3600 SRV 0 0 1 host.ex.\n"
		 "ar host.ex. 3600 A 192.0.2.2\n"
		 "ar host.ex. 3600 AAAA 2001:db8::2\n"},
		{"h.ex.", "HTTPS",
		 "NOERROR aa\n"
		 "an h.ex. 3600 HTTPS 1 host.ex. alpn=h2\n"
		 "ar host.ex. 3600 A 192.0.2.2\n"
		 "ar host.ex. 3600 AAAA 2001:db8::2\n"},
		{"own.ex.", "HTTPS",
		 "NOERROR aa\n"
		 "an own.ex. 3600 HTTPS 1 . alpn=h2\n"
		 "ar own.ex. 3600 A 192.0.2.4\n"},
		{"off.ex.", "HTTPS", "NOERROR aa\nan off.ex. 3600 HTTPS 0 .\n"},
		{"al.ex.", "HTTPS",
		 "NOERROR aa\n"
		 "an al.ex. 3600 HTTPS 0 h.ex.\n"
		 "ar h.ex. 3600 A 192.0.2.3\n"
		 "ar h.ex. 3600 HTTPS 1 host.ex. alpn=h2\n"},
		{"me.ex.", "HTTPS",
		 "NOERROR aa\n"
		 "an me.ex. 3600 HTTPS 1 me.ex. alpn=h2\n"
		 "ar me.ex. 3600 A 192.0.2.6\n"},
		{"ptr.ex.", "PTR",
		 "NOERROR aa\nan ptr.ex. 3600 PTR host.ex.\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

static void root_hints_without_an_soa_are_answered(void **state)
{
	static const char hints[] = ". 3600000 NS A.ROOT.\n"
				    ". 3600000 NS B.ROOT.\n"
				    "A.ROOT. 3600000 A 192.0.2.1\n"
				    "B.ROOT. 3600000 A 192.0.2.2\n"
				    "B.ROOT. 3600000 AAAA 2001:db8::2\n";
	static const struct asking_case cases[] = {
		{".", "NS",
		 "NOERROR aa\n"
		 "an . 3600000 NS A.ROOT.\n"
		 "an . 3600000 NS B.ROOT.\n"
		 "ar A.ROOT. 3600000 A 192.0.2.1\n"
		 "ar B.ROOT. 3600000 A 192.0.2.2\n"
		 "ar B.ROOT. 3600000 AAAA 2001:db8::2\n"},
		{"x.", "NS", "REFUSED\n"},
		{"root.", "NS", "NOERROR aa\n"},
		{".", "A", "NOERROR aa\n"},
	};

	(void)state;
	asking_load(hints);
	CHECK(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_referral_names_the_topmost_cut_and_brings_glue),
		cmocka_unit_test(glue_is_found_whatever_stands_below_the_cut),
		cmocka_unit_test(nested_zones_answer_for_their_own_names),
		cmocka_unit_test(outside_any_zone_a_record_is_enough),
		cmocka_unit_test(an_empty_server_refuses_everything),
		cmocka_unit_test(
			a_server_of_zones_alone_refuses_what_is_above_them),
		cmocka_unit_test(
			additional_data_follows_ns_mx_srv_svcb_and_https),
		cmocka_unit_test(root_hints_without_an_soa_are_answered),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
