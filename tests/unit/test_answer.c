// SPDX-License-Identifier: Apache-2.0
/*
 * test_answer.c - which records a name gets: the RFCs' own examples, wildcards,
 * chains of CNAME and DNAME, ANY
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "asking.h"

#define CHECK(cases) asking_check(cases, ARRAY_SIZE(cases))

static void rfc_1034_section_6_2_answers_as_the_rfc_shows(void **state)
{
	static const char zone[] =
		". 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. "
		"870611 1800 300 604800 86400\n"
		". 86400 NS A.ISI.EDU.\n"
		". 86400 NS C.ISI.EDU.\n"
		". 86400 NS SRI-NIC.ARPA.\n"
		"MIL. 86400 NS SRI-NIC.ARPA.\n"
		"MIL. 86400 NS A.ISI.EDU.\n"
		"EDU. 86400 NS SRI-NIC.ARPA.\n"
		"EDU. 86400 NS C.ISI.EDU.\n"
		"SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
		"SRI-NIC.ARPA. 86400 A 10.0.0.51\n"
		"SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA.\n"
		"SRI-NIC.ARPA. 86400 HINFO DEC-2060 TOPS20\n"
		"ACC.ARPA. 86400 A 26.6.0.65\n"
		"ACC.ARPA. 86400 HINFO PDP-11/70 UNIX\n"
		"ACC.ARPA. 86400 MX 10 ACC.ARPA.\n"
		"USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU.\n"
		"73.0.0.26.IN-ADDR.ARPA. 86400 PTR SRI-NIC.ARPA.\n"
		"A.ISI.EDU. 86400 A 26.3.0.103\n"
		"C.ISI.EDU. 86400 A 10.0.0.52\n";
	static const struct asking_case cases[] = {
		/* 6.2.1 */
		{"SRI-NIC.ARPA.", "A",
		 "NOERROR aa\n"
		 "an SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
		 "an SRI-NIC.ARPA. 86400 A 10.0.0.51\n"},
		/* 6.2.3; the target is the question's name, case and all */
		{"SRI-NIC.ARPA.", "MX",
		 "NOERROR aa\n"
		 "an SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA.\n"
		 "ar SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
		 "ar SRI-NIC.ARPA. 86400 A 10.0.0.51\n"},
		/* 6.2.4; the SOA is RFC 2308's */
		{"SRI-NIC.ARPA.", "NS",
		 "NOERROR aa\n"
		 "ns . 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. "
		 "870611 1800 300 604800 86400\n"},
		/* 6.2.5 */
		{"SIR-NIC.ARPA.", "A",
		 "NXDOMAIN aa\n"
		 "ns . 86400 SOA SRI-NIC.ARPA. HOSTMASTER.SRI-NIC.ARPA. "
		 "870611 1800 300 604800 86400\n"},
		/* 6.2.6 */
		{"BRL.MIL.", "A",
		 "NOERROR\n"
		 "ns MIL. 86400 NS SRI-NIC.ARPA.\n"
		 "ns MIL. 86400 NS A.ISI.EDU.\n"
		 "ar SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
		 "ar SRI-NIC.ARPA. 86400 A 10.0.0.51\n"
		 "ar A.ISI.EDU. 86400 A 26.3.0.103\n"},
		/* 6.2.7, as A.ISI.EDU answers, which has no EDU zone */
		{"USC-ISIC.ARPA.", "A",
		 "NOERROR aa\n"
		 "an USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU.\n"
		 "ns EDU. 86400 NS SRI-NIC.ARPA.\n"
		 "ns EDU. 86400 NS C.ISI.EDU.\n"
		 "ar C.ISI.EDU. 86400 A 10.0.0.52\n"
		 "ar SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
		 "ar SRI-NIC.ARPA. 86400 A 10.0.0.51\n"},
		/* 6.2.8 */
		{"USC-ISIC.ARPA.", "CNAME",
		 "NOERROR aa\n"
		 "an USC-ISIC.ARPA. 86400 CNAME C.ISI.EDU.\n"},
		{".", "NS",
		 "NOERROR aa\n"
		 "an . 86400 NS A.ISI.EDU.\n"
		 "an . 86400 NS C.ISI.EDU.\n"
		 "an . 86400 NS SRI-NIC.ARPA.\n"
		 "ar A.ISI.EDU. 86400 A 26.3.0.103\n"
		 "ar C.ISI.EDU. 86400 A 10.0.0.52\n"
		 "ar SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
		 "ar SRI-NIC.ARPA. 86400 A 10.0.0.51\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
	/* 6.2.2 asks for all types; over UDP one is enough (RFC 8482). */
	assert_string_equal(asking_ask_with(&(struct asking_query){
				    "SRI-NIC.ARPA.", "ANY", ANSWER_TCP, 0}),
			    "NOERROR aa\n"
			    "an SRI-NIC.ARPA. 86400 A 26.0.0.73\n"
			    "an SRI-NIC.ARPA. 86400 A 10.0.0.51\n"
			    "an SRI-NIC.ARPA. 86400 HINFO \"DEC-2060\" "
			    "\"TOPS20\"\n"
			    "an SRI-NIC.ARPA. 86400 MX 0 SRI-NIC.ARPA.\n");
}

static void rfc_2308_section_2_denies_with_the_soa_of_the_last_name(void **s)
{
	static const char zones[] =
		"XX. 86400 SOA NS1.XX. HOSTMASTER.NS1.XX. 1 2 3 4 3600\n"
		"XX. 86400 NS NS1.XX.\n"
		"EXAMPLE. 600 SOA NS1.XX. HOSTMASTER.NS1.XX. 1 2 3 4 3600\n"
		"EXAMPLE. 600 NS NS1.XX.\n"
		"AN.EXAMPLE. 600 CNAME TRIPPLE.XX.\n"
		"ANOTHER.EXAMPLE. 600 MX 1 NS1.XX.\n";
	static const struct asking_case cases[] = {
		/* 2.1: a name error; TTL: MINIMUM is the lesser */
		{"AN.EXAMPLE.", "A",
		 "NXDOMAIN aa\n"
		 "an AN.EXAMPLE. 600 CNAME TRIPPLE.XX.\n"
		 "ns XX. 3600 SOA NS1.XX. HOSTMASTER.NS1.XX. 1 2 3 4 3600\n"},
		/* 2.2: no data; TTL: the SOA's own is the lesser */
		{"ANOTHER.EXAMPLE.", "A",
		 "NOERROR aa\n"
		 "ns EXAMPLE. 600 SOA NS1.XX. HOSTMASTER.NS1.XX. "
		 "1 2 3 4 3600\n"},
	};

	(void)s;
	asking_load(zones);
	CHECK(cases);
}

#define EXAMPLE_SOA                                                            \
	"ns example. 3600 SOA ns.example.com. h.example.com. 1 2 3 4 3600\n"

static void rfc_4592_section_2_2_1_synthesizes_as_the_rfc_shows(void **state)
{
	static const char zone[] =
		"$ORIGIN example.\n"
		"@ SOA ns.example.com. h.example.com. 1 2 3 4 3600\n"
		"@ NS ns.example.com.\n"
		"@ NS ns.example.net.\n"
		"* TXT \"wildcard\"\n"
		"* MX 10 host1\n"
		"sub.* TXT \"no-wildcard\"\n"
		"host1 A 192.0.2.1\n"
		"_ssh._tcp.host1 SRV 0 0 22 host1\n"
		"_ssh._tcp.host2 SRV 0 0 22 host1\n"
		"subdel NS ns.example.com.\n"
		"subdel NS ns.example.net.\n";
	static const struct asking_case cases[] = {
		/* What is synthesized. */
		{"host3.example.", "MX",
		 "NOERROR aa\n"
		 "an host3.example. 3600 MX 10 host1.example.\n"
		 "ar host1.example. 3600 A 192.0.2.1\n"},
		{"host3.example.", "A", "NOERROR aa\n" EXAMPLE_SOA},
		{"foo.bar.example.", "TXT",
		 "NOERROR aa\n"
		 "an foo.bar.example. 3600 TXT \"wildcard\"\n"},
		/* What is not: the name exists, */
		{"host1.example.", "MX", "NOERROR aa\n" EXAMPLE_SOA},
		{"sub.*.example.", "MX", "NOERROR aa\n" EXAMPLE_SOA},
		/* its closest encloser has no wildcard, */
		{"_telnet._tcp.host1.example.", "SRV",
		 "NXDOMAIN aa\n" EXAMPLE_SOA},
		/* it is below a cut, */
		{"host.subdel.example.", "A",
		 "NOERROR\n"
		 "ns subdel.example. 3600 NS ns.example.com.\n"
		 "ns subdel.example. 3600 NS ns.example.net.\n"},
		/* "*.example." exists and encloses it. */
		{"ghost.*.example.", "MX", "NXDOMAIN aa\n" EXAMPLE_SOA},
		/* Section 2.2.2: empty non-terminals exist. */
		{"_tcp.host1.example.", "MX", "NOERROR aa\n" EXAMPLE_SOA},
		{"host2.example.", "TXT", "NOERROR aa\n" EXAMPLE_SOA},
		{"x.host2.example.", "TXT", "NXDOMAIN aa\n" EXAMPLE_SOA},
		/* The asterisk can be asked for, and is then itself. */
		{"*.example.", "MX",
		 "NOERROR aa\n"
		 "an *.example. 3600 MX 10 host1.example.\n"
		 "ar host1.example. 3600 A 192.0.2.1\n"},
		{"*.example.", "A", "NOERROR aa\n" EXAMPLE_SOA},
		{"sub.*.example.", "TXT",
		 "NOERROR aa\n"
		 "an sub.*.example. 3600 TXT \"no-wildcard\"\n"},
		{"*.*.example.", "TXT", "NXDOMAIN aa\n" EXAMPLE_SOA},
		{"*.bar.example.", "TXT",
		 "NOERROR aa\n"
		 "an *.bar.example. 3600 TXT \"wildcard\"\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

#define EX_SOA "ns ex. 300 SOA ns.ex. h.ex. 1 2 3 4 300\n"
#define EX_HEAD                                                                \
	"$ORIGIN ex.\n"                                                        \
	"@ SOA ns h 1 2 3 4 300\n"                                             \
	"@ NS ns\n"                                                            \
	"ns A 192.0.2.1\n"

static void wildcards_hold_every_kind_of_data(void **state)
{
	static const char zone[] = EX_HEAD "*.cn CNAME host\n"
					   "host A 192.0.2.2\n"
					   "*.gone CNAME nowhere\n"
					   "sub.*.ent A 192.0.2.3\n"
					   "*.loop CNAME x.loop\n"
					   "*.ns NS ns\n"
					   "*.dn DNAME host\n"
					   "*.mx MX 5 a.addr\n"
					   "*.addr A 192.0.2.4\n";
	static const struct asking_case cases[] = {
		{"a.cn.ex.", "A",
		 "NOERROR aa\n"
		 "an a.cn.ex. 3600 CNAME host.ex.\n"
		 "an host.ex. 3600 A 192.0.2.2\n"},
		{"a.cn.ex.", "CNAME",
		 "NOERROR aa\nan a.cn.ex. 3600 CNAME host.ex.\n"},
		{"a.gone.ex.", "A",
		 "NXDOMAIN aa\nan a.gone.ex. 3600 CNAME nowhere.ex.\n" EX_SOA},
		/* A source of synthesis that is an empty non-terminal. */
		{"a.ent.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"b.a.ent.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"a.sub.*.ent.ex.", "A", "NXDOMAIN aa\n" EX_SOA},
		{"y.loop.ex.", "A",
		 "NOERROR aa\n"
		 "an y.loop.ex. 3600 CNAME x.loop.ex.\n"
		 "an x.loop.ex. 3600 CNAME x.loop.ex.\n"},
		/* RFC 4592, section 4.2: as NSD, a synthesized NS cuts not. */
		{"a.ns.ex.", "NS",
		 "NOERROR aa\n"
		 "an a.ns.ex. 3600 NS ns.ex.\n"
		 "ar ns.ex. 3600 A 192.0.2.1\n"},
		{"a.ns.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"a.dn.ex.", "DNAME",
		 "NOERROR aa\nan a.dn.ex. 3600 DNAME host.ex.\n"},
		{"b.a.dn.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"b.*.dn.ex.", "A",
		 "NXDOMAIN aa\n"
		 "an *.dn.ex. 3600 DNAME host.ex.\n"
		 "an b.*.dn.ex. 3600 CNAME b.host.ex.\n" EX_SOA},
		/* Targets may be synthesized too. */
		{"a.mx.ex.", "MX",
		 "NOERROR aa\n"
		 "an a.mx.ex. 3600 MX 5 a.addr.ex.\n"
		 "ar a.addr.ex. 3600 A 192.0.2.4\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

static void rfc_6672_section_2_2_substitutes_as_its_table_shows(void **state)
{
	static const struct {
		const char *name, *owner, *target, *result;
	} cases[] = {
		{"com.", "example.com.", "example.net.", NULL},
		{"example.com.", "example.com.", "example.net.", NULL},
		{"a.example.com.", "example.com.", "example.net.",
		 "a.example.net."},
		{"a.b.example.com.", "example.com.", "example.net.",
		 "a.b.example.net."},
		{"ab.example.com.", "b.example.com.", "example.net.", NULL},
		{"foo.example.com.", "example.com.", "example.net.",
		 "foo.example.net."},
		{"a.x.example.com.", "x.example.com.", "example.net.",
		 "a.example.net."},
		{"a.example.com.", "example.com.", "y.example.net.",
		 "a.y.example.net."},
		{"cyc.example.com.", "example.com.", "example.com.",
		 "cyc.example.com."},
		{"cyc.example.com.", "example.com.", "c.example.com.",
		 "cyc.c.example.com."},
		{"shortloop.x.x.", "x.", ".", "shortloop.x."},
		{"shortloop.x.", "x.", ".", "shortloop."},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char zone[256], wanted[512];
		const char *text;

		snprintf(zone, sizeof(zone), "%s 300 DNAME %s\n",
			 cases[i].owner, cases[i].target);
		asking_load(zone);
		text = asking_ask(cases[i].name, "A");
		if (!cases[i].result) {
			assert_null(strstr(text, "\nan "));
			continue;
		}
		snprintf(wanted, sizeof(wanted),
			 "NOERROR aa\nan %s 300 DNAME %s\n"
			 "an %s 300 CNAME %s\n",
			 cases[i].owner, cases[i].target, cases[i].name,
			 cases[i].result);
		assert_memory_equal(text, wanted, strlen(wanted));
	}
}

#define LABEL_60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LABEL_20 "aaaaaaaaaaaaaaaaaaaa"

static void a_dname_sends_on_all_below_it_and_nothing_else(void **state)
{
	static const char zone[] = EX_HEAD "to DNAME tgt\n"
					   "to A 192.0.2.2\n"
					   "hidden.to A 192.0.2.3\n"
					   "a.tgt A 192.0.2.4\n"
					   "long DNAME " LABEL_60 "." LABEL_60
					   "." LABEL_60 ".ex.\n"
					   "ring DNAME gnir\n"
					   "gnir DNAME ring\n"
					   "c CNAME a.to\n"
					   "mx MX 5 hidden.to\n"
					   "apex.zone. SOA ns h 1 2 3 4 300\n"
					   "apex.zone. NS ns\n"
					   "apex.zone. DNAME tgt\n"
					   "both NS ns.both\n"
					   "both DNAME tgt\n"
					   "ns.both A 192.0.2.5\n"
					   "up.cut.to NS ns\n";
	static const struct asking_case cases[] = {
		{"to.ex.", "A", "NOERROR aa\nan to.ex. 3600 A 192.0.2.2\n"},
		{"to.ex.", "DNAME",
		 "NOERROR aa\nan to.ex. 3600 DNAME tgt.ex.\n"},
		{"to.ex.", "MX", "NOERROR aa\n" EX_SOA},
		{"a.to.ex.", "A",
		 "NOERROR aa\n"
		 "an to.ex. 3600 DNAME tgt.ex.\n"
		 "an a.to.ex. 3600 CNAME a.tgt.ex.\n"
		 "an a.tgt.ex. 3600 A 192.0.2.4\n"},
		{"a.to.ex.", "ANY",
		 "NOERROR aa\n"
		 "an to.ex. 3600 DNAME tgt.ex.\n"
		 "an a.to.ex. 3600 CNAME a.tgt.ex.\n"
		 "an a.tgt.ex. 3600 A 192.0.2.4\n"},
		/* The synthesized CNAME is the answer to a query for it. */
		{"a.to.ex.", "CNAME",
		 "NOERROR aa\n"
		 "an to.ex. 3600 DNAME tgt.ex.\n"
		 "an a.to.ex. 3600 CNAME a.tgt.ex.\n"},
		/* Occluded, also for what points there: section 2.4. */
		{"hidden.to.ex.", "A",
		 "NXDOMAIN aa\n"
		 "an to.ex. 3600 DNAME tgt.ex.\n"
		 "an hidden.to.ex. 3600 CNAME hidden.tgt.ex.\n" EX_SOA},
		{"mx.ex.", "MX",
		 "NOERROR aa\nan mx.ex. 3600 MX 5 hidden.to.ex.\n"},
		{"x.up.cut.to.ex.", "A",
		 "NXDOMAIN aa\n"
		 "an to.ex. 3600 DNAME tgt.ex.\n"
		 "an x.up.cut.to.ex. 3600 CNAME x.up.cut.tgt.ex.\n" EX_SOA},
		{"c.ex.", "A",
		 "NOERROR aa\n"
		 "an c.ex. 3600 CNAME a.to.ex.\n"
		 "an to.ex. 3600 DNAME tgt.ex.\n"
		 "an a.to.ex. 3600 CNAME a.tgt.ex.\n"
		 "an a.tgt.ex. 3600 A 192.0.2.4\n"},
		/* At an apex, beside the SOA and NS that stay: section 2.3. */
		{"a.apex.zone.", "A",
		 "NOERROR aa\n"
		 "an apex.zone. 3600 DNAME tgt.ex.\n"
		 "an a.apex.zone. 3600 CNAME a.tgt.ex.\n"
		 "an a.tgt.ex. 3600 A 192.0.2.4\n"},
		{"apex.zone.", "NS",
		 "NOERROR aa\nan apex.zone. 3600 NS ns.ex.\n"},
		/* A chain may come by the same DNAME again, but ends. */
		{"a.ring.ex.", "A",
		 "NOERROR aa\n"
		 "an ring.ex. 3600 DNAME gnir.ex.\n"
		 "an a.ring.ex. 3600 CNAME a.gnir.ex.\n"
		 "an gnir.ex. 3600 DNAME ring.ex.\n"
		 "an a.gnir.ex. 3600 CNAME a.ring.ex.\n"},
		/* Too long for a name: YXDOMAIN, section 2.2. */
		{LABEL_60 "." LABEL_20 ".long.ex.", "A",
		 "YXDOMAIN aa\n"
		 "an long.ex. 3600 DNAME " LABEL_60 "." LABEL_60 "." LABEL_60
		 ".ex.\n"},
		/* Beside NS at a cut, which is an error, the cut wins. */
		{"a.both.ex.", "A",
		 "NOERROR\n"
		 "ns both.ex. 3600 NS ns.both.ex.\n"
		 "ar ns.both.ex. 3600 A 192.0.2.5\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

static void a_chain_goes_through_all_that_is_held_and_ends(void **state)
{
	static const char zones[] =
		EX_HEAD "one CNAME two\n"
			"two CNAME a.other.\n"
			"self CNAME self\n"
			"r1 CNAME r2\n"
			"r2 CNAME r1\n"
			"gone CNAME nowhere\n"
			"tocut CNAME a.cut\n"
			"cut NS ns.cut\n"
			"ns.cut A 192.0.2.2\n"
			"away CNAME a.elsewhere.\n"
			"tombstone CNAME plain\n"
			"loose CNAME x.dev.\n"
			"plain MX 5 ns\n"
			"other. 60 SOA ns.ex. h.ex. 1 2 3 4 300\n"
			"a.other. 60 A 192.0.2.3\n"
			"*.dev. 60 CNAME other.\n";
	static const struct asking_case cases[] = {
		{"one.ex.", "A",
		 "NOERROR aa\n"
		 "an one.ex. 3600 CNAME two.ex.\n"
		 "an two.ex. 3600 CNAME a.other.\n"
		 "an a.other. 60 A 192.0.2.3\n"},
		{"one.ex.", "CNAME",
		 "NOERROR aa\nan one.ex. 3600 CNAME two.ex.\n"},
		{"one.ex.", "ANY",
		 "NOERROR aa\nan one.ex. 3600 CNAME two.ex.\n"},
		{"self.ex.", "A",
		 "NOERROR aa\nan self.ex. 3600 CNAME self.ex.\n"},
		{"r1.ex.", "A",
		 "NOERROR aa\n"
		 "an r1.ex. 3600 CNAME r2.ex.\n"
		 "an r2.ex. 3600 CNAME r1.ex.\n"},
		/* RFC 6604, section 3: the rcode is the last name's. */
		{"gone.ex.", "A",
		 "NXDOMAIN aa\nan gone.ex. 3600 CNAME nowhere.ex.\n" EX_SOA},
		{"tombstone.ex.", "A",
		 "NOERROR aa\n"
		 "an tombstone.ex. 3600 CNAME plain.ex.\n" EX_SOA},
		/* AA is the first name's: RFC 1035, section 4.1.1. */
		{"tocut.ex.", "A",
		 "NOERROR aa\n"
		 "an tocut.ex. 3600 CNAME a.cut.ex.\n"
		 "ns cut.ex. 3600 NS ns.cut.ex.\n"
		 "ar ns.cut.ex. 3600 A 192.0.2.2\n"},
		/* What is not held here is somebody else's to say. */
		{"away.ex.", "A",
		 "NOERROR aa\nan away.ex. 3600 CNAME a.elsewhere.\n"},
		{"loose.ex.", "MX",
		 "NOERROR aa\n"
		 "an loose.ex. 3600 CNAME x.dev.\n"
		 "an x.dev. 60 CNAME other.\n"
		 "ns other. 60 SOA ns.ex. h.ex. 1 2 3 4 300\n"},
	};

	(void)state;
	asking_load(zones);
	CHECK(cases);
}

static void a_chain_is_cut_after_16_links(void **state)
{
	static const struct {
		int first;
		unsigned links;
		bool arrives;
	} cases[] = {
		{25, 5, true}, {14, 16, true}, {13, 16, false}, {0, 16, false}};
	char zone[2048];
	size_t len = 0;

	(void)state;
	for (int i = 0; i < 30; i++)
		len += (size_t)snprintf(zone + len, sizeof(zone) - len,
					"l%d.ex. CNAME l%d.ex.\n", i, i + 1);
	snprintf(zone + len, sizeof(zone) - len, "l30.ex. A 192.0.2.1\n");
	asking_load(zone);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char name[16];
		const char *text, *at;
		unsigned links = 0;

		snprintf(name, sizeof(name), "l%d.ex.", cases[i].first);
		text = asking_ask_with(
			&(struct asking_query){name, "A", ANSWER_TCP, 0});
		for (at = text; (at = strstr(at, " CNAME ")); at++)
			links++;
		assert_int_equal(links, cases[i].links);
		assert_int_equal(strstr(text, " A ") != NULL, cases[i].arrives);
		assert_memory_equal(text, "NOERROR aa\n", 11);
	}
}

static void any_gets_one_rrset_over_udp_and_all_over_tcp(void **state)
{
	static const char zone[] = EX_HEAD "many A 192.0.2.1\n"
					   "many A 192.0.2.2\n"
					   "many TXT x\n"
					   "*.wild TXT y\n"
					   "*.wild MX 5 ns\n";
	static const struct asking_case udp[] = {
		{"many.ex.", "ANY",
		 "NOERROR aa\n"
		 "an many.ex. 3600 A 192.0.2.1\n"
		 "an many.ex. 3600 A 192.0.2.2\n"},
		{"ex.", "ANY",
		 "NOERROR aa\nan ex. 3600 SOA ns.ex. h.ex. 1 2 3 4 300\n"},
		{"a.wild.ex.", "ANY",
		 "NOERROR aa\n"
		 "an a.wild.ex. 3600 MX 5 ns.ex.\n"
		 "ar ns.ex. 3600 A 192.0.2.1\n"},
		{"wild.ex.", "ANY", "NOERROR aa\n" EX_SOA},
		{"no.ex.", "ANY", "NXDOMAIN aa\n" EX_SOA},
	};

	(void)state;
	asking_load(zone);
	CHECK(udp);
	assert_string_equal(asking_ask_with(&(struct asking_query){
				    "many.ex.", "ANY", ANSWER_TCP, 0}),
			    "NOERROR aa\n"
			    "an many.ex. 3600 A 192.0.2.1\n"
			    "an many.ex. 3600 A 192.0.2.2\n"
			    "an many.ex. 3600 TXT \"x\"\n");
	assert_string_equal(asking_ask_with(&(struct asking_query){
				    "a.wild.ex.", "ANY", ANSWER_TCP, 0}),
			    "NOERROR aa\n"
			    "an a.wild.ex. 3600 MX 5 ns.ex.\n"
			    "an a.wild.ex. 3600 TXT \"y\"\n"
			    "ar ns.ex. 3600 A 192.0.2.1\n");
}

/* RFC 2181, section 5: a record is in a response once. */
static void any_adds_each_address_once(void **state)
{
	static const char zone[] = EX_HEAD "all A 192.0.2.1\n"
					   "all MX 5 all\n"
					   "all MX 6 ns\n"
					   "all SRV 1 2 3 ns\n"
					   "all SRV 1 2 4 www\n"
					   "all HTTPS 1 www\n"
					   "www AAAA 2001:db8::1\n"
					   "www HTTPS 2 .\n";

	(void)state;
	asking_load(zone);
	assert_string_equal(asking_ask_with(&(struct asking_query){
				    "all.ex.", "ANY", ANSWER_TCP, 0}),
			    "NOERROR aa\n"
			    "an all.ex. 3600 A 192.0.2.1\n"
			    "an all.ex. 3600 MX 5 all.ex.\n"
			    "an all.ex. 3600 MX 6 ns.ex.\n"
			    "an all.ex. 3600 SRV 1 2 3 ns.ex.\n"
			    "an all.ex. 3600 SRV 1 2 4 www.ex.\n"
			    "an all.ex. 3600 HTTPS 1 www.ex.\n"
			    "ar ns.ex. 3600 A 192.0.2.1\n"
			    "ar www.ex. 3600 AAAA 2001:db8::1\n"
			    "ar www.ex. 3600 HTTPS 2 .\n");
}

/* RFC 2181, section 5: a record is in a response once. */
static void a_dname_that_was_come_through_is_not_told_twice(void **state)
{
	static const char zone[] = EX_HEAD "d DNAME ex.\n"
					   "d TXT here\n"
					   "*.w DNAME w.ex.\n";
	static const struct asking_case cases[] = {
		{"d.d.ex.", "DNAME",
		 "NOERROR aa\n"
		 "an d.ex. 3600 DNAME ex.\n"
		 "an d.d.ex. 3600 CNAME d.ex.\n"},
		{"d.d.ex.", "TXT",
		 "NOERROR aa\n"
		 "an d.ex. 3600 DNAME ex.\n"
		 "an d.d.ex. 3600 CNAME d.ex.\n"
		 "an d.ex. 3600 TXT \"here\"\n"},
		{"d.ex.", "DNAME", "NOERROR aa\nan d.ex. 3600 DNAME ex.\n"},
		/* From a wildcard, under another owner, it is another one. */
		{"x.*.w.ex.", "DNAME",
		 "NOERROR aa\n"
		 "an *.w.ex. 3600 DNAME w.ex.\n"
		 "an x.*.w.ex. 3600 CNAME x.w.ex.\n"
		 "an x.w.ex. 3600 DNAME w.ex.\n"},
		{"*.*.w.ex.", "DNAME",
		 "NOERROR aa\n"
		 "an *.w.ex. 3600 DNAME w.ex.\n"
		 "an *.*.w.ex. 3600 CNAME *.w.ex.\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
	assert_string_equal(asking_ask_with(&(struct asking_query){
				    "d.d.ex.", "ANY", ANSWER_TCP, 0}),
			    "NOERROR aa\n"
			    "an d.ex. 3600 DNAME ex.\n"
			    "an d.d.ex. 3600 CNAME d.ex.\n"
			    "an d.ex. 3600 TXT \"here\"\n");
}

static void labels_of_any_octet_are_found(void **state)
{
	static const char zone[] = EX_HEAD "\\000 A 192.0.2.2\n"
					   "\\000\\000.\\001 A 192.0.2.3\n"
					   "a\\.b A 192.0.2.4\n"
					   "\\255 A 192.0.2.5\n";
	static const struct asking_case cases[] = {
		{"\\000.ex.", "A",
		 "NOERROR aa\nan \\000.ex. 3600 A 192.0.2.2\n"},
		{"\\000\\000.\\001.ex.", "A",
		 "NOERROR aa\nan \\000\\000.\\001.ex. 3600 A 192.0.2.3\n"},
		{"\\000.\\001.ex.", "A", "NXDOMAIN aa\n" EX_SOA},
		{"\\001.ex.", "A", "NOERROR aa\n" EX_SOA},
		{"a\\.b.ex.", "A",
		 "NOERROR aa\nan a\\.b.ex. 3600 A 192.0.2.4\n"},
		{"a.b.ex.", "A", "NXDOMAIN aa\n" EX_SOA},
		{"b.ex.", "A", "NXDOMAIN aa\n" EX_SOA},
		{"\\255.ex.", "A",
		 "NOERROR aa\nan \\255.ex. 3600 A 192.0.2.5\n"},
	};

	(void)state;
	asking_load(zone);
	CHECK(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_1034_section_6_2_answers_as_the_rfc_shows),
		cmocka_unit_test(
			rfc_2308_section_2_denies_with_the_soa_of_the_last_name),
		cmocka_unit_test(
			rfc_4592_section_2_2_1_synthesizes_as_the_rfc_shows),
		cmocka_unit_test(wildcards_hold_every_kind_of_data),
		cmocka_unit_test(
			rfc_6672_section_2_2_substitutes_as_its_table_shows),
		cmocka_unit_test(
			a_dname_sends_on_all_below_it_and_nothing_else),
		cmocka_unit_test(
			a_chain_goes_through_all_that_is_held_and_ends),
		cmocka_unit_test(a_chain_is_cut_after_16_links),
		cmocka_unit_test(any_gets_one_rrset_over_udp_and_all_over_tcp),
		cmocka_unit_test(any_adds_each_address_once),
		cmocka_unit_test(
			a_dname_that_was_come_through_is_not_told_twice),
		cmocka_unit_test(labels_of_any_octet_are_found),
	};

	return cmocka_run_group_tests(tests, test_tables_open,
				      test_tables_close);
}
