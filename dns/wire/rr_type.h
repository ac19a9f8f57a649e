/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rr_type.h - numbers of types, and where their RDATA holds names
 *
 * Any thread may call these.
 */
#ifndef DNS_RR_TYPE_H
#define DNS_RR_TYPE_H

#include <stdbool.h>
#include <stdint.h>

enum rr_type { /* the types that have rules of their own here */
	       RR_A = 1,
	       RR_NS = 2,
	       RR_CNAME = 5,
	       RR_SOA = 6,
	       RR_NULL = 10,
	       RR_PTR = 12,
	       RR_MX = 15,
	       RR_TXT = 16,
	       RR_X25 = 19,
	       RR_ISDN = 20,
	       RR_NSAP_PTR = 23,
	       RR_GPOS = 27,
	       RR_AAAA = 28,
	       RR_SRV = 33,
	       RR_ATMA = 34,
	       RR_NAPTR = 35,
	       RR_A6 = 38,
	       RR_DNAME = 39,
	       RR_SINK = 40,
	       RR_OPT = 41,
	       RR_DS = 43,
	       RR_SSHFP = 44,
	       RR_IPSECKEY = 45,
	       RR_RRSIG = 46,
	       RR_NSEC = 47,
	       RR_DNSKEY = 48,
	       RR_DHCID = 49,
	       RR_NSEC3 = 50,
	       RR_TLSA = 52,
	       RR_SMIMEA = 53,
	       RR_CDS = 59,
	       RR_CDNSKEY = 60,
	       RR_ZONEMD = 63,
	       RR_SVCB = 64,
	       RR_HTTPS = 65,
	       RR_NXNAME = 128, /* RFC 9824, section 3.2 */
	       RR_TSIG = 250,
	       RR_IXFR = 251,
	       RR_AXFR = 252,
	       RR_ANY = 255,
	       RR_URI = 256,
	       RR_CAA = 257,
	       RR_DLV = 32769,
};

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
struct rr_names rr_names(uint16_t type);

#endif
