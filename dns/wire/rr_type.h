/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rr_type.h - all there is to know of a type of record: one row
 *
 * The rows stand in rr_type.c. Whoever treats one type in another way than
 * the next asks its row, so that a new type is a new row: its fields are read
 * and printed by what dns/text/field.c has for each kind, and its rule is a
 * function of dns/text/rr_rules.c.
 *
 * The rows never change. Any thread may call these.
 */
#ifndef DNS_RR_TYPE_H
#define DNS_RR_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The types that the code speaks of by name. */
enum rr_number {
	RR_A = 1,
	RR_NS = 2,
	RR_CNAME = 5,
	RR_SOA = 6,
	RR_WKS = 11,
	RR_PTR = 12,
	RR_MX = 15,
	RR_TXT = 16,
	RR_AAAA = 28,
	RR_SRV = 33,
	RR_DNAME = 39,
	RR_OPT = 41,
	RR_DS = 43,
	RR_RRSIG = 46,
	RR_NSEC = 47,
	RR_NSEC3 = 50,
	RR_SVCB = 64,
	RR_HTTPS = 65,
	RR_TSIG = 250,
	RR_IXFR = 251,
	RR_AXFR = 252,
	RR_ANY = 255,
};

/* What a field of RDATA holds. A kind is one form in wire and one in text. */
enum field_kind {
	FIELD_NONE,   /* behind the last field */
	FIELD_OPAQUE, /* all octets left; no text but RFC 3597, section 5 */

	/* numbers of that many bits, in decimal */
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,

	/* numbers that have names, or a form of their own */
	FIELD_PERIOD,	 /* 32 bits: seconds, with units or without */
	FIELD_TIME,	 /* 32 bits: RFC 4034, section 3.2 */
	FIELD_TYPE,	 /* 16 bits: a type of record */
	FIELD_ALGORITHM, /* 8 bits: RFC 4034, appendix A.1 */
	FIELD_CERT_TYPE, /* 16 bits: RFC 4398, section 2.1 */
	FIELD_USAGE,	 /* 8 bits, as the next two: RFC 7218, section 2 */
	FIELD_SELECTOR,
	FIELD_MATCHING,
	FIELD_SCHEME, /* 8 bits: RFC 9859, section 2 */
	FIELD_ILNP,   /* 64 bits: RFC 6742, sections 2.1.2 and 2.3.2 */
	FIELD_EUI48,  /* RFC 7043, section 3.2 */
	FIELD_EUI64,  /* RFC 7043, section 4.2 */

	FIELD_IPV4,
	FIELD_IPV6,
	FIELD_NAME,	   /* a domain name, not compressed */
	FIELD_STRING,	   /* a <character-string> */
	FIELD_LONG_STRING, /* a string to the end of the RDATA */
	FIELD_TAG,	   /* letters and digits: RFC 8659, section 4.1 */
	FIELD_SALT,	   /* an octet of length, hex or "-": RFC 5155, 3.3 */
	FIELD_HASH,	   /* an octet of length, base32: RFC 5155, 3.3 */

	/* to the end of the RDATA */
	FIELD_HEX,
	FIELD_BASE64,
	FIELD_BASE64_OR_NONE, /* "-" for no octets: DOA */
	FIELD_NSAP,	      /* RFC 1706, section 7 */
	FIELD_ATMA,	      /* ATM Forum AF-DANS-0152, section 6 */
	FIELD_TYPES,	      /* a list of types: RFC 4034, section 4.1.2 */
	FIELD_SERVICES,	      /* protocol and ports: RFC 1035, section 3.4.2 */
	FIELD_SVCPARAMS,      /* RFC 9460, section 2.2 */
	FIELD_IPSECKEY,	      /* all of it: RFC 4025, section 2 */
	FIELD_AMTRELAY,	      /* all of it: RFC 8777, section 4 */

	FIELD_HIP,    /* all but the servers: RFC 8005, section 5 */
	FIELD_LOC,    /* all of it, 16 octets: RFC 1876, section 2 */
	FIELD_PREFIX, /* one item of APL: RFC 3123, section 4 */
	FIELD_KINDS,
};

/* These go with a kind, in the last fields of a row. */
#define FIELD_OPTIONAL	  0x40 /* may be missing */
#define FIELD_REPEATED	  0x80 /* stands there any number of times, or never */
#define FIELD_KIND(field) ((enum field_kind)((field)&0x3f))

#define RR_FIELDS_MAX 9

/*
 * What is done with names in RDATA. They compare without case and canonical
 * form writes them in lower case for the types of RFC 4034, section 6.2 (as
 * corrected by RFC 6840, section 5.1); of these, only the ones that RFC 1035
 * defines may be compressed (RFC 3597, section 4).
 */
enum rr_folding {
	RR_NAMES_AS_IS,
	RR_NAMES_FOLDED,
	RR_NAMES_COMPRESSED, /* and folded */
};

/* What the first name in RDATA is to the additional section. */
enum rr_target {
	RR_TARGET_NONE,
	RR_TARGET_HOST,	   /* its addresses: RFC 1034, section 4.3.2, step 6 */
	RR_TARGET_SERVER,  /* and glue, from below a cut: RFC 9471 */
	RR_TARGET_SERVICE, /* and RRsets of the type itself: RFC 9460,
			      section 4.1 */
};

/* What is asked of RDATA beside its fields: dns/text/rr_rules.c. */
enum rr_rule {
	RR_RULE_NONE,
	RR_RULE_A6,
	RR_RULE_ATMA,
	RR_RULE_DHCID,
	RR_RULE_DNSKEY,
	RR_RULE_DS,
	RR_RULE_GPOS,
	RR_RULE_IPSECKEY,
	RR_RULE_ISDN,
	RR_RULE_NAPTR,
	RR_RULE_NSEC,
	RR_RULE_NSEC3,
	RR_RULE_NULL,
	RR_RULE_RKEY,
	RR_RULE_SINK,
	RR_RULE_SSHFP,
	RR_RULE_SVCB,
	RR_RULE_TLSA,
	RR_RULE_URI,
	RR_RULE_X25,
	RR_RULE_ZONEMD,
	RR_RULES,
};

#define RR_COUNTED 33 /* types that metrics tell apart */

struct rr_type {
	char name[11]; /* the mnemonic, in capitals; "": it has none */
	uint8_t fields[RR_FIELDS_MAX + 1]; /* kinds; FIELD_NONE ends them */
	uint8_t folding;		   /* enum rr_folding */
	uint8_t target;			   /* enum rr_target */
	uint8_t rule;			   /* enum rr_rule */
	uint8_t counted;       /* its place among RR_COUNTED, from 1; 0: none */
	bool is_meta;	       /* names no data, as those from 128 to 255 */
	bool is_single;	       /* an owner has one at most */
	bool goes_with_cname;  /* RFC 4035, section 2.5; RFC 3007, 3.1.1 */
	bool has_hashed_owner; /* RFC 5155, section 3 */
};

/** rr_type_of() - the row of a type; one that says nothing if there is none */
const struct rr_type *rr_type_of(uint16_t number);

/**
 * rr_type_from_text() - a type's mnemonic or TYPEnnn (RFC 3597), in any case
 * Return: 0, or -EINVAL: unknown.
 */
int rr_type_from_text(const char *text, size_t len, uint16_t *out);

/** rr_type_to_text() - the mnemonic or TYPEnnn; returns octets without NUL */
size_t rr_type_to_text(uint16_t number, char out[16]);

/**
 * rr_type_is_data() - a record of this type can be stored
 *
 * False for type 0, for OPT, and for the meta-types and QTYPEs 128 to 255
 * that name no data (RFC 6895, section 3.1), TKEY, TSIG, ANY among them.
 */
bool rr_type_is_data(uint16_t number);

/**
 * rr_types_digest() - another number when types have other names or fields
 *
 * What is kept with the size of its text is then to be measured again.
 */
uint32_t rr_types_digest(void);

/** rr_type_counted() - the type at a place from 1 to RR_COUNTED */
uint16_t rr_type_counted(unsigned place);

/*
 * Where RDATA holds uncompressed domain names that compare without case and
 * that canonical form writes in lower case (RFC 4034, section 6.2).
 */
struct rr_names {
	uint8_t skip;  /* octets before the first name */
	uint8_t count; /* names, one behind the other; 0: none to speak of */
	uint8_t tail;  /* octets behind the last name */
	bool compress; /* RFC 1035's own types: RFC 3597, section 4 */
};

/** rr_names() - of a type; all zero for most */
struct rr_names rr_names(uint16_t number);

/** rr_target_offset() - octets before the target; -1: the type names none */
int rr_target_offset(uint16_t number);

/* Octets of a kind in wire form; 0: it has one of many lengths. */
extern const uint8_t field_octets[FIELD_KINDS];

#endif
