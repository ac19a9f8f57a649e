/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - the numbers of a DNS message: sizes, offsets, flags and codes
 *
 * The one home for what RFC 1035, section 4, RFC 6891 and IANA's registry of
 * DNS parameters fix, so that no reader or writer of messages has numbers of
 * its own. Numbers of types are in rr_type.h, and sizes of names in name.h.
 *
 * Offsets and sizes are octets.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include <stdint.h>

#define MESSAGE_UDP_SIZE    512	  /* without EDNS: RFC 1035, section 4.2.1 */
#define MESSAGE_TCP_SIZE    65535 /* and of any: RFC 1035, section 4.2.2 */
#define MESSAGE_LENGTH_SIZE 2	  /* before each over TCP: the same */

/* Where the fields of the header stand: RFC 1035, section 4.1.1. */
enum message_field {
	MESSAGE_FLAGS = 2,
	MESSAGE_QDCOUNT = 4,
	MESSAGE_ANCOUNT = 6,
	MESSAGE_NSCOUNT = 8,
	MESSAGE_ARCOUNT = 10,
	MESSAGE_HEAD_SIZE = 12, /* octets of all of it */
};

/* What MESSAGE_FLAGS holds: RFC 1035, section 4.1.1. */
enum message_flag {
	MESSAGE_QR = 0x8000,
	MESSAGE_OPCODE = 0x7800, /* enum message_opcode, shifted */
	MESSAGE_AA = 0x0400,
	MESSAGE_TC = 0x0200,
	MESSAGE_RD = 0x0100,
	MESSAGE_RCODE = 0x000f, /* the low bits of an enum rcode */
};

#define MESSAGE_OPCODE_SHIFT 11

enum message_opcode {
	MESSAGE_OPCODE_QUERY = 0,
	MESSAGE_OPCODE_NOTIFY = 4, /* RFC 1996, section 3.1 */
	MESSAGE_OPCODE_UPDATE = 5, /* RFC 2136, section 2.2 */
};

/* Type and class, behind the name of a question: RFC 1035, section 4.1.2. */
#define MESSAGE_QUESTION_TAIL 4

/* Compression: RFC 1035, section 4.1.4. */
#define MESSAGE_POINTER	    0xc000 /* the bits that make a pointer */
#define MESSAGE_POINTER_END 0x4000 /* the first offset out of their reach */

/* RCODEs, with the bits that an OPT record adds. */
enum rcode {
	RCODE_NOERROR = 0,
	RCODE_FORMERR = 1,
	RCODE_SERVFAIL = 2,
	RCODE_NXDOMAIN = 3,
	RCODE_NOTIMP = 4,
	RCODE_REFUSED = 5,
	RCODE_YXDOMAIN = 6, /* RFC 6672, section 2.2 */
	RCODE_YXRRSET = 7,  /* this and the next three: RFC 2136 */
	RCODE_NXRRSET = 8,
	RCODE_NOTAUTH = 9,
	RCODE_NOTZONE = 10,
	RCODE_BADVERS = 16,   /* RFC 6891, section 9 */
	RCODE_BADCOOKIE = 23, /* RFC 7873, section 8 */
};

#define RCODE_HEAD_BITS 4 /* in MESSAGE_RCODE; the others are OPT's */

/** rcode_text() - "NOERROR"; NULL: none that a server like this one gives */
const char *rcode_text(uint16_t rcode);

/*
 * Where the fields of a record stand behind its owner: RFC 1035, section
 * 4.1.3. The type is the first.
 */
enum rr_head {
	RR_HEAD_CLASS = 2,
	RR_HEAD_TTL = 4,
	RR_HEAD_RDLENGTH = 8,
	RR_HEAD_SIZE = 10, /* octets of all of it, before the RDATA */
};

#define RR_RDATA_SIZE 65535
#define RR_TTL_MAX    0x7fffffffu /* RFC 2181, section 8 */

enum rr_class {
	RR_CLASS_IN = 1,
	RR_CLASS_NONE = 254, /* RFC 2136, section 2.4 */
	RR_CLASS_ANY = 255,
};

/*
 * What an OPT record has in its place (RFC 6891, section 6.1.2); its owner is
 * the root.
 */
enum edns_head {
	EDNS_UDP_SIZE = 2, /* for the class */
	EDNS_RCODE = 4,	   /* for the TTL, and so are the next two */
	EDNS_VERSION = 5,
	EDNS_FLAGS = 6,
};

#define EDNS_OPT_SIZE (1 + RR_HEAD_SIZE) /* with its owner, no options */
#define EDNS_DO	      0x8000		 /* in EDNS_FLAGS: RFC 3225 */

#define EDNS_OPTION_LENGTH 2 /* where an option's stands, behind its code */
#define EDNS_OPTION_HEAD   4 /* octets before its data */

enum edns_option {
	EDNS_NSID = 3,	     /* RFC 5001, section 2.3 */
	EDNS_EXPIRE = 9,     /* RFC 7314, section 2 */
	EDNS_COOKIE = 10,    /* RFC 7873, section 4 */
	EDNS_KEEPALIVE = 11, /* RFC 7828, section 3.1 */
	EDNS_EDE = 15,	     /* RFC 8914, section 2 */
};

/* What the data of EDNS_EDE begins with: RFC 8914, section 4. */
enum edns_ede {
	EDNS_EDE_PROHIBITED = 18,
	EDNS_EDE_NOT_AUTHORITATIVE = 20,
	EDNS_EDE_INVALID_DATA = 24, /* a zone that has expired, for one */
};

#endif
