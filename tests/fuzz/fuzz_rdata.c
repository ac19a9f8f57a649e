// SPDX-License-Identifier: Apache-2.0
/*
 * fuzz_rdata.c - RDATA between text and wire, by us and by ldns
 *
 * Most kinds of fields are read and printed by code of ours (dns/text/field.h),
 * and ldns knows most. So both are given the same, and claimed is that
 *
 *   what we take, ldns reads as the same octets;
 *   what we print, ldns reads as the octets that were printed;
 *   what ldns prints of sound octets, we read as these octets.
 *
 * The last one holds whatever ldns made of the input. What only ldns takes is
 * not held against us: it takes fields that are missing, text behind the last
 * one, numbers that wrap, and junk between hex digits. The other differences
 * are deliberate, and stand in the tables below with their reasons.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include <ldns/ldns.h>

#include "dns/text/rr.h"
#include "dns/text/rr_rules.h"
#include "fuzz.h"

/* The first octet of the input says which; new ones go to the end. */
static const uint16_t types[] = {
	1,   2,	    6,	 11,  13,  15,	16,  17,  19,  20,  22,	   23,	  24,
	25,  26,    27,	 28,  29,  33,	34,  35,  37,  39,  42,	   43,	  44,
	45,  46,    47,	 48,  49,  50,	51,  52,  55,  58,  61,	   62,	  63,
	64,  65,    99,	 104, 105, 106, 107, 108, 109, 256, 257,   32769, 10,
	260, 65280, 264, 66,  259, 57,	67,  56,  261, 103, 32768,
};

enum {
	ANY_TYPE = 0,
	WKS = 11,
	NSAP = 22,
	NSAP_PTR = 23,
	SIG = 24,
	LOC = 29,
	CERT = 37,
	IPSECKEY = 45,
	NSEC3 = 50,
	CSYNC = 62,
	URI = 256,
	CAA = 257,
	DLV = 32769,
};

/*
 * ldns drops memory when it refuses a field. Ours that goes through ldns is
 * looked at for that by fuzz_records.c.
 */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return 1;
}

/* --- deliberate differences --- */

static unsigned count_words(const char *text)
{
	unsigned words = 0;

	while (*(text += strspn(text, " "))) {
		text += strcspn(text, " ");
		words++;
	}
	return words;
}

/* Whether a field begins with one of @words, and one of @ends or its end. */
static bool has_word(const char *text, const char *const *words, size_t count,
		     const char *ends)
{
	const char *at;

	for (at = text; *at; at++) {
		if (at > text && !strchr(" \"", at[-1]))
			continue;
		for (size_t i = 0; i < count; i++) {
			size_t len = strlen(words[i]);

			if (strncmp(at, words[i], len) == 0 &&
			    strchr(ends, at[len]))
				return true;
		}
	}
	return false;
}

static bool has_mark(const char *text)
{
	static const char *const mark[] = {"\\#"};

	return has_word(text, mark, ARRAY_SIZE(mark), " ");
}

static bool has_at(const char *text)
{
	static const char *const labels[] = {"@", "\\@", "\\064"};

	return has_word(text, labels, ARRAY_SIZE(labels), " .");
}

static bool is_above_64k(const char *text)
{
	return strlen(text) >= LDNS_MAX_PACKETLEN;
}

static bool has_no_or_many_services(const char *text)
{
	return count_words(text) < 3 || count_words(text) > 6;
}

static bool has_no_key_or_a_split_one(const char *text)
{
	return count_words(text) != 5;
}

static bool has_escaped_blank(const char *text)
{
	return strstr(text, "\\ ") != NULL;
}

static bool has_no_types(const char *text)
{
	return count_words(text) < 3;
}

static bool begins_with_zero(const char *text)
{
	text += strspn(text, " ");
	return *text == '0' && strtoul(text, NULL, 10) == 0;
}

static bool has_no_quote(const char *text)
{
	return strstr(text, " \"") == NULL;
}

static bool has_capital_x(const char *text)
{
	return strchr(text, 'X') != NULL;
}

static bool has_escapes_in_alpn(const char *text)
{
	static const char *const escapes[] = {"\\,", "\\\\", "\\044", "\\092"};

	if (!strstr(text, "alpn=") && !strstr(text, "key1=") &&
	    !strstr(text, "key0"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(escapes); i++)
		if (strstr(text, escapes[i]))
			return true;
	return false;
}

static bool has_empty_value(const char *text)
{
	return strstr(text, "no-default-alpn=") || strstr(text, "key2=") ||
	       strstr(text, "key02=") || strstr(text, "key002=") ||
	       strstr(text, "key0002=") || strstr(text, "key00002=");
}

static bool has_new_key(const char *text)
{
	return strstr(text, "ohttp") || strstr(text, "tls-supported-groups") ||
	       strstr(text, "docpath") || strstr(text, "pvd") ||
	       strstr(text, "key8") || strstr(text, "key9") ||
	       strstr(text, "key10") || strstr(text, "key11") ||
	       strstr(text, "key0");
}

/* The fifth word. */
static bool has_odd_hash(const char *text)
{
	for (unsigned i = 0; i < 4; i++) {
		text += strspn(text, " ");
		text += strcspn(text, " ");
	}
	text += strspn(text, " ");
	return strcspn(text, " ") % 8 != 0;
}

/* A string that begins bare, and a quote in it: it ends there. */
static bool has_inner_quote(const char *text)
{
	while (*(text += strspn(text, " "))) {
		if (*text == '"') {
			for (text++; *text && *text != '"'; text++)
				if (*text == '\\' && text[1])
					text++;
			text += *text == '"';
			continue;
		}
		for (; *text && *text != ' ' && *text != '"'; text++)
			if (*text == '\\' && text[1])
				text++;
		if (*text == '"')
			return true;
	}
	return false;
}

/*
 * What is newer than CAA, ldns has from 1.8.4 on in part, and one of it under
 * the name TXT; dnspython reads it: test_clients.py.
 */
static bool is_known_to_ldns(uint16_t type)
{
	bool is_settled = type <= CAA || type == DLV;

	return !rr_type_of(type)->name[0] ||
	       (is_settled && ldns_rr_descript(type)->_type == type);
}

/* A name of such a type. */
static bool has_new_type(const char *text)
{
	uint16_t type;

	for (; *(text += strspn(text, " ")); text += strcspn(text, " "))
		if (rr_type_from_text(text, strcspn(text, " "), &type) == 0 &&
		    !is_known_to_ldns(type))
			return true;
	return false;
}

static bool any(const char *text)
{
	(void)text;
	return true;
}

/* What we take or print and ldns reads otherwise, or not at all. */
static const struct difference {
	uint16_t type;
	bool (*applies)(const char *text);
	const char *reason;
} differences[] = {
	{ANY_TYPE, has_mark,
	 "ldns looks for the mark of unknown RDATA before each field, and not "
	 "only where RFC 3597, section 5 has it"},
	{ANY_TYPE, has_at,
	 "ldns takes \"@.\", \"\\@\" and \"\\064\", which are labels, for the "
	 "origin"},
	{ANY_TYPE, has_inner_quote,
	 "a quote begins a string also right behind another, as for BIND"},
	{ANY_TYPE, is_above_64k, "ldns reads 65535 octets of text"},
	{WKS, has_no_or_many_services,
	 "there may be no service (RFC 1035, section 3.4.2); and for each "
	 "one ldns reads a file of the system's, which takes too long"},
	{LOC, any,
	 "ldns takes \"4 E\" behind \"52 22 23 N\" for 4 22 23 E, and some "
	 "decimals otherwise; what is printed, our own reader reads back"},
	{IPSECKEY, has_no_key_or_a_split_one,
	 "a key may be missing (RFC 4025, section 2.4) or in parts"},
	{IPSECKEY, has_escaped_blank,
	 "ldns ends the gateway at any blank (RFC 1035, section 5.1)"},
	{CERT, begins_with_zero,
	 "type 0 is reserved (RFC 4398, section 2.1), and may be stored"},
	{CSYNC, has_no_types,
	 "a list of types may be empty (RFC 4034, section 4.1.2)"},
	{SIG, has_new_type, "ldns takes a type that it does not know for 0"},
	{RR_RRSIG, has_new_type, "the same"},
	{RR_NSEC, has_new_type, "the same"},
	{NSEC3, has_new_type, "the same"},
	{CSYNC, has_new_type, "the same"},
	{URI, has_no_quote, "RFC 1035, section 5.1: a string needs no quotes"},
	{CAA, has_no_quote, "RFC 1035, section 5.1: a string needs no quotes"},
	{NSAP, has_capital_x, "0X is 0x"},
	{RR_SVCB, has_escapes_in_alpn,
	 "ldns does not know that a list has escapes of its own (RFC 9460, "
	 "appendix A.1)"},
	{RR_HTTPS, has_escapes_in_alpn, "the same"},
	{RR_SVCB, has_empty_value,
	 "an empty value is none (RFC 9460, section 2.1)"},
	{RR_HTTPS, has_empty_value, "the same"},
	{RR_SVCB, has_new_key, "what RFC 9540 and others have added"},
	{RR_HTTPS, has_new_key, "the same"},
	{NSEC3, has_odd_hash,
	 "ldns reads hashes of a multiple of 5 octets, and pads what it "
	 "prints"},
	{NSAP_PTR, any, "it is a name (RFC 1706, section 6), and no string"},
};

static bool has_year_before_1970(const char *text)
{
	return strstr(text, " 19") != NULL;
}

static bool has_padding(const char *text)
{
	return strchr(text, '=') != NULL;
}

/* What ldns prints and we read otherwise, or not at all. */
static const struct difference theirs[] = {
	{NSEC3, has_padding, "RFC 5155, section 3.3: a hash has no padding"},
	{RR_RRSIG, has_year_before_1970,
	 "ldns takes a time for a signed number; RFC 4034, section 3.2 has "
	 "dates from 1970 to 2106"},
	{SIG, has_year_before_1970, "the same"},
	{NSAP_PTR, any, "as above"},
	{RR_SVCB, has_escapes_in_alpn, "as above"},
	{RR_HTTPS, has_escapes_in_alpn, "as above"},
};

static bool is_listed(const struct difference *list, size_t count,
		      uint16_t type, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if ((list[i].type == ANY_TYPE || list[i].type == type) &&
		    list[i].applies(text))
			return true;
	return false;
}

/* --- both readers --- */

static void rr_freep(ldns_rr **rr)
{
	ldns_rr_free(*rr);
}

/* RDATA as @type's text says; false: it says none. */
static bool read_ours(uint16_t type, const char *text, struct buffer *out)
{
	struct rr_measure measure;
	struct refusal why;
	struct lexer lexer = lexer_begin(text, strlen(text), &why);
	struct name root;
	int r;

	name_root(&root);
	r = rr_rdata_from_text(type, &lexer, &root, out, &measure);
	fuzz_claim(r == 0 || r == -EINVAL);
	return r == 0;
}

/* NULL: ldns does not take it. */
static ldns_rr *read_by_ldns(uint16_t type, const char *text)
{
	CLEANUP(buffer_deinit) struct buffer line = {0};
	char name[16];
	ldns_rr *rr;

	rr_type_to_text(type, name);
	fuzz_claim(buffer_printf(&line, ". 3600 IN %s %s", name, text) == 0);
	/* Behind "" ldns takes no blanks. */
	while (line.data[line.len - 1] == ' ' &&
	       line.data[line.len - 2] != '\\')
		line.len--;
	fuzz_claim(buffer_add(&line, "", 1) == 0);
	/* ldns takes what stands there for an error of "0" in a HIP record. */
	errno = 0;
	if (ldns_rr_new_frm_str(&rr, (const char *)line.data, 0, NULL, NULL) !=
	    LDNS_STATUS_OK)
		return NULL;
	return rr;
}

static void rdata_of(const ldns_rr *rr, struct buffer *out)
{
	out->len = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *field = ldns_rr_rdf(rr, i);

		fuzz_claim(buffer_add(out, ldns_rdf_data(field),
				      ldns_rdf_size(field)) == 0);
	}
}

static bool same(const struct buffer *a, const struct buffer *b)
{
	return a->len == b->len &&
	       (!a->len || !memcmp(a->data, b->data, a->len));
}

/* --- the claims --- */

static void fail(const char *what, uint16_t type, const char *text)
{
	char name[16];

	rr_type_to_text(type, name);
	fprintf(stderr, "%s %s\n", name, text);
	fuzz_fail(__FILE__, __LINE__, what);
}

static void claim_that_ldns_reads(uint16_t type, const char *text,
				  const struct buffer *rdata)
{
	CLEANUP(rr_freep) ldns_rr *rr = NULL;
	CLEANUP(buffer_deinit) struct buffer back = {0};

	if (!is_known_to_ldns(type) ||
	    is_listed(differences, ARRAY_SIZE(differences), type, text))
		return;
	rr = read_by_ldns(type, text);
	if (!rr)
		fail("ldns reads it", type, text);
	rdata_of(rr, &back);
	if (!same(rdata, &back))
		fail("ldns reads the same", type, text);
}

static char *print(uint16_t type, const struct buffer *rdata)
{
	struct buffer text = {0};

	fuzz_claim(rr_rdata_to_text(type, rdata->data, (uint16_t)rdata->len,
				    &text) == 0);
	fuzz_claim(buffer_add(&text, "", 1) == 0);
	return (char *)text.data;
}

static void try_printed(uint16_t type, const struct buffer *rdata)
{
	CLEANUP(buffer_deinit) struct buffer back = {0};
	CLEANUP(freep) char *text = print(type, rdata);

	/* An older version may have stored it. */
	if (rr_broken_rule(type, rdata->data, rdata->len)) {
		fuzz_claim(!read_ours(type, text, &back));
		return;
	}
	fuzz_claim(read_ours(type, text, &back));
	fuzz_claim(same(rdata, &back));
	claim_that_ldns_reads(type, text, rdata);
}

/* Behind owner, TTL, class and type. */
static char *rdata_text(char *line)
{
	char *at = line;

	for (int i = 0; i < 4; i++) {
		at += strcspn(at, "\t ");
		at += strspn(at, "\t ");
	}
	line[strcspn(line, "\n")] = '\0';
	return at;
}

/* What ldns makes of a text, if it is sound, is ours to read too. */
static void try_theirs(uint16_t type, const char *text)
{
	CLEANUP(rr_freep) ldns_rr *rr = read_by_ldns(type, text);
	CLEANUP(buffer_deinit) struct buffer rdata = {0}, back = {0};
	CLEANUP(freep) char *ours = NULL, *line = NULL;
	char *printed;

	if (!rr)
		return;
	rdata_of(rr, &rdata);
	if (!rdata.len || rdata.len > RR_RDATA_SIZE)
		return;
	ours = print(type, &rdata);
	/* Where its buffer has to grow, ldns does not do it for a key's name.
	 */
	if ((type == RR_SVCB || type == RR_HTTPS) &&
	    strlen(ours) > LDNS_MIN_BUFLEN - 64)
		return;
	line = ldns_rr2str_fmt(ldns_output_format_nocomments, rr);
	/*
	 * Octets that are no RDATA of that type have no text but in hex. And
	 * ldns leaves a quote in a name as it is, which ends a token.
	 */
	if (!line || has_mark(ours) || strstr(ours, "\\\""))
		return;
	printed = rdata_text(line);
	if (is_listed(theirs, ARRAY_SIZE(theirs), type, printed))
		return;
	if (rr_broken_rule(type, rdata.data, rdata.len))
		return;
	if (!read_ours(type, printed, &back))
		fail("we read what ldns prints", type, printed);
	if (!same(&rdata, &back))
		fail("we read the same", type, printed);
}

static bool is_plain(const uint8_t *octets, size_t len)
{
	/* What the lexer takes out never comes to a field. */
	for (size_t i = 0; i < len; i++)
		if (octets[i] < ' ' || octets[i] > '~' ||
		    strchr("();", octets[i]))
			return false;
	return true;
}

static char *copy_text(const struct fuzz_input *in)
{
	char *text = malloc(in->left + 1);

	fuzz_claim(text);
	memcpy(text, in->at, in->left);
	text[in->left] = '\0';
	return text;
}

static bool has_letter(const char *text)
{
	while (*text && !isalpha((unsigned char)*text))
		text++;
	return *text != '\0';
}

static void try_text(uint16_t type, const char *text)
{
	CLEANUP(buffer_deinit) struct buffer rdata = {0};

	/* What a service or protocol is called is up to this system. */
	if (type == WKS && has_letter(text))
		return;
	if (read_ours(type, text, &rdata)) {
		try_printed(type, &rdata);
		claim_that_ldns_reads(type, text, &rdata);
	} else if (type == RR_SVCB || type == RR_HTTPS) {
		return; /* a long address goes past the end of ldns's array */
	}
	/* Of junk behind the mark it makes records of any fields. */
	if (!has_mark(text) && type != WKS && is_known_to_ldns(type))
		try_theirs(type, text);
}

/* Octets that may be no RDATA of that type. */
static void try_wire(uint16_t type, const struct fuzz_input *in)
{
	CLEANUP(freep) char *text = NULL;
	struct buffer rdata = {in->left ? (uint8_t *)in->at : NULL, in->left,
			       in->left};
	CLEANUP(buffer_deinit) struct buffer back = {0};

	text = print(type, &rdata);
	if (!has_mark(text))
		try_printed(type, &rdata);
	else if (read_ours(type, text, &back))
		fuzz_claim(same(&rdata, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	uint8_t set = fuzz_u8(&in);
	uint16_t type = types[set % 64 % ARRAY_SIZE(types)];
	CLEANUP(freep) char *text = NULL;

	if (in.left > 4096)
		return 0;
	try_wire(type, &in);
	if (!is_plain(in.at, in.left))
		return 0;
	text = copy_text(&in);
	try_text(type, text);
	return 0;
}
