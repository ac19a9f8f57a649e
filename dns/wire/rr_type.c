// SPDX-License-Identifier: Apache-2.0
/*
 * rr_type.c - the rows, one for each type that IANA's registry names
 *
 * A row's place is the type's number, so that the answer path finds it at
 * once. The few numbers at the end of the space have a table of their own.
 *
 * A new type is a row here, lines in tests/rdata/good.tsv and in
 * tests/unit/test_rr.c, and a line in docs/conformance.md.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dns/wire/rr_type.h"
#include "dns/wire/util.h"

/* clang-format off */

static const struct rr_type rows[] = {
	[1] = {.name = "A", .fields = {FIELD_IPV4}, .counted = 1},
	[2] = {.name = "NS", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED, .target = RR_TARGET_SERVER,
		.counted = 2},
	[3] = {.name = "MD", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED},
	[4] = {.name = "MF", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED},
	[5] = {.name = "CNAME", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED, .counted = 3, .is_single = true,
		.goes_with_cname = true},
	[6] = {.name = "SOA",
		.fields = {FIELD_NAME, FIELD_NAME, FIELD_U32, FIELD_PERIOD,
			FIELD_PERIOD, FIELD_PERIOD, FIELD_PERIOD},
		.folding = RR_NAMES_COMPRESSED, .counted = 4,
		.is_single = true},
	[7] = {.name = "MB", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED},
	[8] = {.name = "MG", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED},
	[9] = {.name = "MR", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED},
	[10] = {.name = "NULL", .fields = {FIELD_OPAQUE}, .rule = RR_RULE_NULL},
	[11] = {.name = "WKS", .fields = {FIELD_IPV4, FIELD_SERVICES}},
	[12] = {.name = "PTR", .fields = {FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED, .counted = 5},
	[13] = {.name = "HINFO", .fields = {FIELD_STRING, FIELD_STRING},
		.counted = 6},
	[14] = {.name = "MINFO", .fields = {FIELD_NAME, FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED},
	[15] = {.name = "MX", .fields = {FIELD_U16, FIELD_NAME},
		.folding = RR_NAMES_COMPRESSED, .target = RR_TARGET_HOST,
		.counted = 7},
	[16] = {.name = "TXT",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED},
		.counted = 8},
	[17] = {.name = "RP", .fields = {FIELD_NAME, FIELD_NAME},
		.folding = RR_NAMES_FOLDED, .counted = 9},
	[18] = {.name = "AFSDB", .fields = {FIELD_U16, FIELD_NAME},
		.folding = RR_NAMES_FOLDED, .counted = 10},
	[19] = {.name = "X25", .fields = {FIELD_STRING}, .rule = RR_RULE_X25},
	[20] = {.name = "ISDN",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_OPTIONAL},
		.rule = RR_RULE_ISDN},
	[21] = {.name = "RT", .fields = {FIELD_U16, FIELD_NAME},
		.folding = RR_NAMES_FOLDED},
	[22] = {.name = "NSAP", .fields = {FIELD_NSAP}},
	[23] = {.name = "NSAP-PTR", .fields = {FIELD_NAME}},
	[24] = {.name = "SIG",
		.fields = {FIELD_TYPE, FIELD_ALGORITHM, FIELD_U8, FIELD_U32,
			FIELD_TIME, FIELD_TIME, FIELD_U16, FIELD_NAME,
			FIELD_BASE64}},
	[25] = {.name = "KEY",
		.fields = {FIELD_U16, FIELD_U8, FIELD_U8, FIELD_BASE64},
		.goes_with_cname = true},
	[26] = {.name = "PX", .fields = {FIELD_U16, FIELD_NAME, FIELD_NAME},
		.folding = RR_NAMES_FOLDED},
	[27] = {.name = "GPOS",
		.fields = {FIELD_STRING, FIELD_STRING, FIELD_STRING},
		.rule = RR_RULE_GPOS},
	[28] = {.name = "AAAA", .fields = {FIELD_IPV6}, .counted = 11},
	[29] = {.name = "LOC", .fields = {FIELD_LOC}, .counted = 12},
	[30] = {.name = "NXT", .fields = {FIELD_NAME, FIELD_OPAQUE}},
	[31] = {.name = "EID", .fields = {FIELD_HEX}},
	[32] = {.name = "NIMLOC", .fields = {FIELD_HEX}},
	[33] = {.name = "SRV",
		.fields = {FIELD_U16, FIELD_U16, FIELD_U16, FIELD_NAME},
		.folding = RR_NAMES_FOLDED, .target = RR_TARGET_HOST,
		.counted = 13},
	[34] = {.name = "ATMA", .fields = {FIELD_ATMA}, .rule = RR_RULE_ATMA},
	[35] = {.name = "NAPTR",
		.fields = {FIELD_U16, FIELD_U16, FIELD_STRING, FIELD_STRING,
			FIELD_STRING, FIELD_NAME},
		.rule = RR_RULE_NAPTR, .counted = 14},
	[36] = {.name = "KX", .fields = {FIELD_U16, FIELD_NAME},
		.folding = RR_NAMES_FOLDED},
	[37] = {.name = "CERT",
		.fields = {FIELD_CERT_TYPE, FIELD_U16, FIELD_ALGORITHM,
			FIELD_BASE64},
		.counted = 15},
	[38] = {.name = "A6", .fields = {FIELD_OPAQUE}, .rule = RR_RULE_A6},
	[39] = {.name = "DNAME", .fields = {FIELD_NAME},
		.folding = RR_NAMES_FOLDED, .counted = 16, .is_single = true},
	[40] = {.name = "SINK", .rule = RR_RULE_SINK},
	[41] = {.name = "OPT", .is_meta = true},
	[42] = {.name = "APL", .fields = {FIELD_PREFIX | FIELD_REPEATED}},
	[43] = {.name = "DS",
		.fields = {FIELD_U16, FIELD_ALGORITHM, FIELD_U8, FIELD_HEX},
		.rule = RR_RULE_DS, .counted = 17},
	[44] = {.name = "SSHFP", .fields = {FIELD_U8, FIELD_U8, FIELD_HEX},
		.rule = RR_RULE_SSHFP, .counted = 18},
	[45] = {.name = "IPSECKEY", .fields = {FIELD_IPSECKEY},
		.rule = RR_RULE_IPSECKEY},
	[46] = {.name = "RRSIG",
		.fields = {FIELD_TYPE, FIELD_ALGORITHM, FIELD_U8, FIELD_U32,
			FIELD_TIME, FIELD_TIME, FIELD_U16, FIELD_NAME,
			FIELD_BASE64},
		.counted = 19, .goes_with_cname = true},
	[47] = {.name = "NSEC",
		.fields = {FIELD_NAME, FIELD_TYPES | FIELD_OPTIONAL},
		.rule = RR_RULE_NSEC, .counted = 20, .goes_with_cname = true},
	[48] = {.name = "DNSKEY",
		.fields = {FIELD_U16, FIELD_U8, FIELD_ALGORITHM, FIELD_BASE64},
		.rule = RR_RULE_DNSKEY, .counted = 21},
	[49] = {.name = "DHCID", .fields = {FIELD_BASE64},
		.rule = RR_RULE_DHCID},
	[50] = {.name = "NSEC3",
		.fields = {FIELD_U8, FIELD_U8, FIELD_U16, FIELD_SALT,
			FIELD_HASH, FIELD_TYPES | FIELD_OPTIONAL},
		.rule = RR_RULE_NSEC3, .counted = 22, .has_hashed_owner = true},
	[51] = {.name = "NSEC3PARAM",
		.fields = {FIELD_U8, FIELD_U8, FIELD_U16, FIELD_SALT},
		.counted = 23},
	[52] = {.name = "TLSA",
		.fields = {FIELD_USAGE, FIELD_SELECTOR, FIELD_MATCHING,
			FIELD_HEX},
		.rule = RR_RULE_TLSA, .counted = 24},
	[53] = {.name = "SMIMEA",
		.fields = {FIELD_USAGE, FIELD_SELECTOR, FIELD_MATCHING,
			FIELD_HEX},
		.rule = RR_RULE_TLSA},
	[55] = {.name = "HIP",
		.fields = {FIELD_HIP, FIELD_NAME | FIELD_REPEATED}},
	[56] = {.name = "NINFO",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED}},
	[57] = {.name = "RKEY",
		.fields = {FIELD_U16, FIELD_U8, FIELD_ALGORITHM, FIELD_BASE64},
		.rule = RR_RULE_RKEY},
	[58] = {.name = "TALINK", .fields = {FIELD_NAME, FIELD_NAME}},
	[59] = {.name = "CDS",
		.fields = {FIELD_U16, FIELD_ALGORITHM, FIELD_U8, FIELD_HEX},
		.rule = RR_RULE_DS, .counted = 25},
	[60] = {.name = "CDNSKEY",
		.fields = {FIELD_U16, FIELD_U8, FIELD_ALGORITHM, FIELD_BASE64},
		.rule = RR_RULE_DNSKEY, .counted = 26},
	[61] = {.name = "OPENPGPKEY", .fields = {FIELD_BASE64}, .counted = 27},
	[62] = {.name = "CSYNC",
		.fields = {FIELD_U32, FIELD_U16, FIELD_TYPES | FIELD_OPTIONAL}},
	[63] = {.name = "ZONEMD",
		.fields = {FIELD_U32, FIELD_U8, FIELD_U8, FIELD_HEX},
		.rule = RR_RULE_ZONEMD},
	[64] = {.name = "SVCB",
		.fields = {FIELD_U16, FIELD_NAME,
			FIELD_SVCPARAMS | FIELD_OPTIONAL},
		.target = RR_TARGET_SERVICE, .rule = RR_RULE_SVCB,
		.counted = 28},
	[65] = {.name = "HTTPS",
		.fields = {FIELD_U16, FIELD_NAME,
			FIELD_SVCPARAMS | FIELD_OPTIONAL},
		.target = RR_TARGET_SERVICE, .rule = RR_RULE_SVCB,
		.counted = 29},
	[66] = {.name = "DSYNC",
		.fields = {FIELD_TYPE, FIELD_SCHEME, FIELD_U16, FIELD_NAME}},
	[67] = {.name = "HHIT", .fields = {FIELD_BASE64}},
	[68] = {.name = "BRID", .fields = {FIELD_BASE64}},
	[69] = {.name = "UNECE"},
	[70] = {.name = "ISO"},
	[99] = {.name = "SPF",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED}},
	[100] = {.name = "UINFO"},
	[101] = {.name = "UID"},
	[102] = {.name = "GID"},
	[103] = {.name = "UNSPEC"},
	[104] = {.name = "NID", .fields = {FIELD_U16, FIELD_ILNP}},
	[105] = {.name = "L32", .fields = {FIELD_U16, FIELD_IPV4}},
	[106] = {.name = "L64", .fields = {FIELD_U16, FIELD_ILNP}},
	[107] = {.name = "LP", .fields = {FIELD_U16, FIELD_NAME}},
	[108] = {.name = "EUI48", .fields = {FIELD_EUI48}},
	[109] = {.name = "EUI64", .fields = {FIELD_EUI64}},
	[128] = {.name = "NXNAME"},
	[249] = {.name = "TKEY"},
	[250] = {.name = "TSIG"},
	[251] = {.name = "IXFR", .counted = 30},
	[252] = {.name = "AXFR", .counted = 31},
	[253] = {.name = "MAILB"},
	[254] = {.name = "MAILA"},
	[255] = {.name = "ANY", .counted = 32},
	[256] = {.name = "URI",
		.fields = {FIELD_U16, FIELD_U16, FIELD_LONG_STRING},
		.rule = RR_RULE_URI},
	[257] = {.name = "CAA",
		.fields = {FIELD_U8, FIELD_TAG, FIELD_LONG_STRING},
		.counted = 33},
	[258] = {.name = "AVC",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED}},
	[259] = {.name = "DOA",
		.fields = {FIELD_U32, FIELD_U32, FIELD_U8, FIELD_STRING,
			FIELD_BASE64_OR_NONE}},
	[260] = {.name = "AMTRELAY", .fields = {FIELD_AMTRELAY}},
	[261] = {.name = "RESINFO",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED}},
	[262] = {.name = "WALLET",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED}},
	[263] = {.name = "CLA",
		.fields = {FIELD_STRING, FIELD_STRING | FIELD_REPEATED}},
	[264] = {.name = "IPN", .fields = {FIELD_U64}},
};

#define LATE 32768

static const struct rr_type late_rows[] = {
	[32768 - LATE] = {.name = "TA",
		.fields = {FIELD_U16, FIELD_ALGORITHM, FIELD_U8, FIELD_HEX},
		.rule = RR_RULE_DS},
	[32769 - LATE] = {.name = "DLV",
		.fields = {FIELD_U16, FIELD_ALGORITHM, FIELD_U8, FIELD_HEX},
		.rule = RR_RULE_DS},
};

/* clang-format on */

const struct rr_type *rr_type_of(uint16_t number)
{
	static const struct rr_type unknown;

	if (number < ARRAY_SIZE(rows))
		return &rows[number];
	if (number >= LATE && number - LATE < (int)ARRAY_SIZE(late_rows))
		return &late_rows[number - LATE];
	return &unknown;
}

/* --- text --- */

/* RFC 3597, section 5: "TYPE" and a decimal number. */
static int read_number(const char *digits, size_t len, uint16_t *out)
{
	unsigned value = 0;

	if (!len)
		return -EINVAL;
	for (; len; digits++, len--) {
		if (*digits < '0' || *digits > '9')
			return -EINVAL;
		value = value * 10 + (unsigned)(*digits - '0');
		if (value > UINT16_MAX)
			return -EINVAL;
	}
	*out = (uint16_t)value;
	return 0;
}

static uint16_t find_name(const char name[sizeof(rows[0].name)])
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!memcmp(rows[i].name, name, sizeof(rows[i].name)))
			return (uint16_t)i;
	for (size_t i = 0; i < ARRAY_SIZE(late_rows); i++)
		if (!memcmp(late_rows[i].name, name, sizeof(rows[i].name)))
			return (uint16_t)(LATE + i);
	return 0;
}

int rr_type_from_text(const char *text, size_t len, uint16_t *out)
{
	char name[sizeof(rows[0].name)] = "";
	uint16_t number;

	if (len > 15)
		return -EINVAL;
	if (len >= 4 && strncasecmp(text, "TYPE", 4) == 0)
		return read_number(text + 4, len - 4, out);
	if (len == 0 || len >= sizeof(name))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		name[i] = text[i] >= 'a' && text[i] <= 'z' ? text[i] & ~0x20
							   : text[i];
	number = find_name(name);
	if (!number)
		return -EINVAL;
	*out = number;
	return 0;
}

size_t rr_type_to_text(uint16_t number, char out[16])
{
	const struct rr_type *type = rr_type_of(number);

	if (!type->name[0])
		return (size_t)snprintf(out, 16, "TYPE%u", number);
	memcpy(out, type->name, sizeof(type->name));
	return strlen(type->name);
}

/* FNV-1a, of what has to do with text. */
static uint32_t digest_rows(uint32_t digest, const struct rr_type *row,
			    size_t count)
{
	for (; count; row++, count--) {
		for (size_t i = 0; i < sizeof(row->name); i++)
			digest = (digest ^ (uint8_t)row->name[i]) * 16777619u;
		for (size_t i = 0; i < sizeof(row->fields); i++)
			digest = (digest ^ row->fields[i]) * 16777619u;
	}
	return digest;
}

uint32_t rr_types_digest(void)
{
	uint32_t digest = digest_rows(2166136261u, rows, ARRAY_SIZE(rows));

	return digest_rows(digest, late_rows, ARRAY_SIZE(late_rows));
}

/* --- what follows from a row --- */

bool rr_type_is_data(uint16_t number)
{
	return number != 0 && (number < 128 || number > 255) &&
	       !rr_type_of(number)->is_meta;
}

uint16_t rr_type_counted(unsigned place)
{
	uint16_t number = 1;

	assert(place > 0 && place <= RR_COUNTED);
	while (rows[number].counted != place)
		number++;
	return number;
}

const uint8_t field_octets[FIELD_KINDS] = {
	[FIELD_U8] = 1,	    [FIELD_U16] = 2,	   [FIELD_U32] = 4,
	[FIELD_U64] = 8,    [FIELD_PERIOD] = 4,	   [FIELD_TIME] = 4,
	[FIELD_TYPE] = 2,   [FIELD_ALGORITHM] = 1, [FIELD_CERT_TYPE] = 2,
	[FIELD_USAGE] = 1,  [FIELD_SELECTOR] = 1,  [FIELD_MATCHING] = 1,
	[FIELD_SCHEME] = 1, [FIELD_ILNP] = 8,	   [FIELD_EUI48] = 6,
	[FIELD_EUI64] = 8,  [FIELD_IPV4] = 4,	   [FIELD_IPV6] = 16,
	[FIELD_LOC] = 16,
};

struct rr_names rr_names(uint16_t number)
{
	const struct rr_type *type = rr_type_of(number);
	struct rr_names names = {.compress =
					 type->folding == RR_NAMES_COMPRESSED};

	if (type->folding == RR_NAMES_AS_IS)
		return names;
	for (const uint8_t *field = type->fields; *field; field++) {
		assert(*field == FIELD_NAME || field_octets[*field]);
		if (*field == FIELD_NAME)
			names.count++;
		else if (names.count)
			names.tail += field_octets[*field];
		else
			names.skip += field_octets[*field];
	}
	return names;
}

int rr_target_offset(uint16_t number)
{
	const struct rr_type *type = rr_type_of(number);
	int octets = 0;

	if (type->target == RR_TARGET_NONE)
		return -1;
	for (const uint8_t *field = type->fields; *field != FIELD_NAME;
	     field++) {
		assert(field_octets[*field]);
		octets += field_octets[*field];
	}
	return octets;
}
