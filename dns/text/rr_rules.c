// SPDX-License-Identifier: Apache-2.0
/*
 * rr_rules.c - what RFCs say of RDATA beside its fields
 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "dns/text/base.h"
#include "dns/text/rr.h"
#include "dns/text/rr_rules.h"
#include "dns/wire/util.h"

/* --- octets that a digest must have --- */

/* By the number that says how it was made; the last row is for all others. */
struct digest {
	uint8_t kind;
	uint16_t least, most; /* octets */
	const char *why;
};

#define ANY_OCTETS UINT16_MAX

static const char *digest_rule(const struct digest *rows, size_t count,
			       uint8_t kind, size_t octets)
{
	const struct digest *row = rows;

	while (row < rows + count - 1 && row->kind != kind)
		row++;
	return octets < row->least || octets > row->most ? row->why : NULL;
}

/* RFC 3658, 4509, 5933 and 6605; RFC 8078, section 4 for digest type 0. */
static const char *ds_rule(const uint8_t *rdata, size_t len)
{
	static const struct digest rows[] = {
		{1, 20, 20, "a digest of type 1, SHA-1, has 40 hex digits"},
		{2, 32, 32, "a digest of type 2, SHA-256, has 64 hex digits"},
		{3, 32, 32, "a digest of type 3, GOST, has 64 hex digits"},
		{4, 48, 48, "a digest of type 4, SHA-384, has 96 hex digits"},
		{0, 1, ANY_OCTETS, "the digest is missing"},
	};

	return digest_rule(rows, ARRAY_SIZE(rows), rdata[3], len - 4);
}

/* RFC 4255, section 3.1.2; RFC 6594, section 4. */
static const char *sshfp_rule(const uint8_t *rdata, size_t len)
{
	static const struct digest rows[] = {
		{1, 20, 20,
		 "a fingerprint of type 1, SHA-1, has 40 hex digits"},
		{2, 32, 32,
		 "a fingerprint of type 2, SHA-256, has 64 hex digits"},
		{0, 1, ANY_OCTETS, "the fingerprint is missing"},
	};

	return digest_rule(rows, ARRAY_SIZE(rows), rdata[1], len - 2);
}

/* RFC 8976, sections 2.2.3 and 2.2.4. */
static const char *zonemd_rule(const uint8_t *rdata, size_t len)
{
	static const struct digest rows[] = {
		{1, 48, 48, "a digest of type 1, SHA-384, has 96 hex digits"},
		{2, 64, 64, "a digest of type 2, SHA-512, has 128 hex digits"},
		{0, 12, ANY_OCTETS, "a digest has 24 hex digits at least"},
	};

	return digest_rule(rows, ARRAY_SIZE(rows), rdata[5], len - 6);
}

/* RFC 6698, section 2.1.3; RFC 8162, section 2 has the same. */
static const char *tlsa_rule(const uint8_t *rdata, size_t len)
{
	static const struct digest rows[] = {
		{1, 32, 32, "matching type 1, SHA-256, has 64 hex digits"},
		{2, 64, 64, "matching type 2, SHA-512, has 128 hex digits"},
		{0, 1, ANY_OCTETS, "the association data is missing"},
	};

	return digest_rule(rows, ARRAY_SIZE(rows), rdata[2], len - 3);
}

/* RFC 4701, sections 3.1 to 3.3. */
static const char *dhcid_rule(const uint8_t *rdata, size_t len)
{
	static const struct digest rows[] = {
		{1, 32, 32, "a digest of type 1, SHA-256, has 32 octets"},
		{0, 1, ANY_OCTETS, "the digest is missing"},
	};

	if (len < 3)
		return "it has a type of identifier, a type of digest and a "
		       "digest, 35 octets with SHA-256";
	return digest_rule(rows, ARRAY_SIZE(rows), rdata[2], len - 3);
}

/* RFC 4034, section 2.1.2; RFC 7344, section 3.2 for CDNSKEY. */
static const char *dnskey_rule(const uint8_t *rdata, size_t len)
{
	(void)len;
	return rdata[2] == 3 ? NULL : "the protocol is 3 and no other";
}

/* draft-reid-dnsext-rkey-00: the field has no flag yet; BIND wants none. */
static const char *rkey_rule(const uint8_t *rdata, size_t len)
{
	(void)len;
	return get_u16(rdata) == 0 ? NULL : "the flags are 0";
}

/* --- strings of certain octets --- */

/* The next <character-string>. */
static size_t take_string(const uint8_t **at, const uint8_t **text)
{
	size_t len = **at;

	*text = *at + 1;
	*at += 1 + len;
	return len;
}

static bool is_of(const uint8_t *text, size_t len, const char *octets)
{
	for (size_t i = 0; i < len; i++)
		if (!text[i] || !strchr(octets, text[i]))
			return false;
	return true;
}

#define DIGITS "0123456789"
#define HEX    DIGITS "abcdefABCDEF"

/* RFC 1183, section 3.1: it begins with a DNIC of four digits. */
static const char *x25_rule(const uint8_t *rdata, size_t len)
{
	return len > 4 && is_of(rdata + 1, len - 1, DIGITS)
		       ? NULL
		       : "an address has four digits at least, and only digits";
}

/* RFC 1183, section 3.2. */
static const char *isdn_rule(const uint8_t *rdata, size_t len)
{
	const uint8_t *at = rdata, *text;
	size_t octets = take_string(&at, &text);

	if (!octets || !is_of(text, octets, DIGITS))
		return "an address is a number of digits";
	if (at == rdata + len)
		return NULL;
	octets = take_string(&at, &text);
	return octets && is_of(text, octets, HEX)
		       ? NULL
		       : "a subaddress is a number of hex digits";
}

/* [-+]DIGITS[.DIGITS], up to @most on both sides of 0; 0: up to any. */
static bool is_decimal(const uint8_t *text, size_t len, unsigned most)
{
	unsigned whole = 0, digits = 0;
	bool has_point = false, is_more = false;

	if (len && (*text == '-' || *text == '+'))
		text++, len--;
	for (; len; text++, len--) {
		if (*text == '.' && !has_point) {
			has_point = true;
			continue;
		}
		if (*text < '0' || *text > '9')
			return false;
		digits++;
		is_more |= has_point && *text != '0';
		if (!has_point && whole <= 999)
			whole = whole * 10 + (*text - '0');
	}
	if (!digits)
		return false;
	return !most || whole < most || (whole == most && !is_more);
}

/*
 * RFC 1712, section 3. Its text has the longitude first and its examples the
 * latitude, as have the clients that look at it.
 */
static const char *gpos_rule(const uint8_t *rdata, size_t len)
{
	const uint8_t *at = rdata, *text;
	size_t octets;

	(void)len;
	octets = take_string(&at, &text);
	if (!is_decimal(text, octets, 90))
		return "first comes a latitude, a number from -90 to 90";
	octets = take_string(&at, &text);
	if (!is_decimal(text, octets, 180))
		return "then comes a longitude, a number from -180 to 180";
	octets = take_string(&at, &text);
	return is_decimal(text, octets, 0)
		       ? NULL
		       : "an altitude is a number of metres";
}

/* ATM Forum AF-DANS-0152, section 6: a format, then AESA or E.164. */
static const char *atma_rule(const uint8_t *rdata, size_t len)
{
	if (rdata[0] == 0 && len == 21)
		return NULL;
	if (rdata[0] == 1 && len > 1 && is_of(rdata + 1, len - 1, DIGITS))
		return NULL;
	return "it begins with the format: 00 and an ATM end system address "
	       "of 40 hex digits, or 01 and the digits of an E.164 number, "
	       "each as an octet";
}

/* RFC 7553, section 4.4. */
static const char *uri_rule(const uint8_t *rdata, size_t len)
{
	(void)rdata;
	return len > 4 ? NULL : "the target is empty";
}

/* RFC 3403, section 4.1. */
static const char *naptr_rule(const uint8_t *rdata, size_t len)
{
	static const char letters[] =
		DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const uint8_t *at = rdata + 4, *text;
	size_t octets = take_string(&at, &text);
	const char *why;

	if (!is_of(text, octets, letters))
		return "flags are letters and digits";
	take_string(&at, &text);
	octets = take_string(&at, &text);
	why = naptr_broken_rule(text, octets);
	if (why)
		return why;
	/* @at is the replacement: the root is one octet. */
	return octets && at + 1 < rdata + len
		       ? "beside a regexp the replacement is \".\""
		       : NULL;
}

/* --- what is missing --- */

/* RFC 2874, section 3.1: a prefix's length, the rest, the prefix's name. */
static const char *a6_rule(const uint8_t *rdata, size_t len)
{
	static const char why[] =
		"it is a prefix length up to 128, the octets behind the "
		"prefix, and the prefix's name if there is one";
	struct name prefix;
	size_t fixed;

	if (len == 0 || rdata[0] > 128)
		return why;
	fixed = 1 + (size_t)(128 - rdata[0] + 7) / 8;
	if (len < fixed)
		return why;
	if (rdata[0] == 0)
		return len == fixed ? NULL : why;
	return name_from_wire(rdata + fixed, len - fixed, &prefix) ==
			       (int)(len - fixed)
		       ? NULL
		       : why;
}

/* RFC 1035, section 3.3.10 has any octets; clients want one. */
static const char *null_rule(const uint8_t *rdata, size_t len)
{
	(void)rdata;
	return len ? NULL : "there is no octet, and clients want one";
}

static const char *sink_rule(const uint8_t *rdata, size_t len)
{
	(void)rdata;
	return len >= 3 ? NULL : "three octets say what the data is";
}

/* RFC 4025, section 2.4 has records without a key; clients read none. */
static const char *ipseckey_rule(const uint8_t *rdata, size_t len)
{
	static const uint8_t octets[] = {0, 4, 16};
	struct name gateway;
	size_t fixed = 3;

	if (rdata[1] < ARRAY_SIZE(octets))
		fixed += octets[rdata[1]];
	else
		fixed += (size_t)name_from_wire(rdata + 3, len - 3, &gateway);
	return len > fixed ? NULL
			   : "the key is missing, without which clients do "
			     "not read it";
}

/* RFC 4034, section 4.1.2: the owner has the NSEC itself at least. */
static const char *nsec_rule(const uint8_t *rdata, size_t len)
{
	struct name next;

	return name_from_wire(rdata, len, &next) < (int)len
		       ? NULL
		       : "it lists no type, and its owner has NSEC at least";
}

/* RFC 5155, section 11: hash algorithm 1 is SHA-1. */
static const char *nsec3_rule(const uint8_t *rdata, size_t len)
{
	(void)len;
	return rdata[0] != 1 || rdata[5 + rdata[4]] == 20
		       ? NULL
		       : "a hash of algorithm 1, SHA-1, has 32 base32 digits";
}

/* --- service parameters --- */

/* Behind the priority and a name. */
static const char *svcb_rule(const uint8_t *rdata, size_t len)
{
	struct name target;
	int octets = name_from_wire(rdata + 2, len - 2, &target);

	if (octets < 0)
		return NULL;
	return svc_broken_rule(rdata + 2 + octets, len - 2 - (size_t)octets);
}

/* --- all --- */

static const char *(*const rules[RR_RULES])(const uint8_t *rdata,
					    size_t len) = {
	[RR_RULE_A6] = a6_rule,
	[RR_RULE_ATMA] = atma_rule,
	[RR_RULE_DHCID] = dhcid_rule,
	[RR_RULE_DNSKEY] = dnskey_rule,
	[RR_RULE_DS] = ds_rule,
	[RR_RULE_GPOS] = gpos_rule,
	[RR_RULE_IPSECKEY] = ipseckey_rule,
	[RR_RULE_ISDN] = isdn_rule,
	[RR_RULE_NAPTR] = naptr_rule,
	[RR_RULE_NSEC] = nsec_rule,
	[RR_RULE_NSEC3] = nsec3_rule,
	[RR_RULE_NULL] = null_rule,
	[RR_RULE_RKEY] = rkey_rule,
	[RR_RULE_SINK] = sink_rule,
	[RR_RULE_SSHFP] = sshfp_rule,
	[RR_RULE_SVCB] = svcb_rule,
	[RR_RULE_TLSA] = tlsa_rule,
	[RR_RULE_URI] = uri_rule,
	[RR_RULE_X25] = x25_rule,
	[RR_RULE_ZONEMD] = zonemd_rule,
};

const char *rr_broken_rule(uint16_t type, const uint8_t *rdata, size_t len)
{
	uint8_t rule = rr_type_of(type)->rule;

	assert(rule < RR_RULES && (rule == RR_RULE_NONE || rules[rule]));
	return rule == RR_RULE_NONE ? NULL : rules[rule](rdata, len);
}

/* RFC 5155, section 3: the first label is a hash, too. */
const char *rr_broken_owner(uint16_t type, const struct name *owner)
{
	uint8_t hash[BASE32_SIZE];

	if (!rr_type_of(type)->has_hashed_owner ||
	    base32_decode((const char *)owner->wire + 1, owner->wire[0], hash))
		return NULL;
	return "the first label of NSEC3's owner is a hash in base32";
}
