// SPDX-License-Identifier: Apache-2.0
#include "dns/text/rr.h"
#include "query_made.h"

enum {
	MADE_EDNS = 0x01,
	MADE_DO = 0x02,
	MADE_NSID = 0x04,
	MADE_KEEPALIVE = 0x08,
	MADE_UPPER = 0x10,
	MADE_RECORD = 0x20, /* one more, which a query need not have */
	MADE_RD = 0x40,
};

static const uint16_t types[] = {
	RR_A,	  RR_NS,   RR_CNAME, RR_SOA,   RR_PTR,	 RR_MX,
	RR_TXT,	  RR_AAAA, RR_SRV,   RR_DNAME, RR_DS,	 RR_OPT,
	RR_RRSIG, RR_NSEC, RR_SVCB,  RR_HTTPS, RR_TSIG,	 RR_IXFR,
	RR_AXFR,  RR_ANY,  0,	     65535,    RR_NSEC3, 65280,
};

static const uint16_t sizes[] = {0, 512, 513, 1232, 4096, 65535, 600, 16384};

static size_t put_opt(struct fuzz_input *in, uint8_t flags, uint8_t *out)
{
	uint16_t size = sizes[fuzz_u8(in) % ARRAY_SIZE(sizes)];
	uint8_t *head = out + 1;
	size_t len = EDNS_OPT_SIZE;

	memset(out, 0, EDNS_OPT_SIZE);
	put_u16(head, RR_OPT);
	put_u16(head + EDNS_UDP_SIZE, size);
	put_u16(head + EDNS_FLAGS, flags & MADE_DO ? EDNS_DO : 0);
	if (flags & MADE_NSID) {
		put_u32(out + len, (uint32_t)EDNS_NSID << 16);
		len += EDNS_OPTION_HEAD;
	}
	if (flags & MADE_KEEPALIVE) {
		put_u32(out + len, (uint32_t)EDNS_KEEPALIVE << 16);
		len += EDNS_OPTION_HEAD;
	}
	put_u16(head + RR_HEAD_RDLENGTH, (uint16_t)(len - EDNS_OPT_SIZE));
	return len;
}

size_t query_made(struct fuzz_input *in, const struct name *name,
		  uint8_t out[QUERY_MADE_SIZE])
{
	static const uint8_t record[] = {0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0};
	uint8_t flags = fuzz_u8(in), type = fuzz_u8(in);
	size_t len = MESSAGE_HEAD_SIZE;

	memset(out, 0, MESSAGE_HEAD_SIZE);
	put_u16(out, 0x1234);
	put_u16(out + MESSAGE_FLAGS, flags & MADE_RD ? MESSAGE_RD : 0);
	put_u16(out + MESSAGE_QDCOUNT, 1);
	memcpy(out + len, name->wire, name->len);
	for (unsigned i = 0; flags & MADE_UPPER && i < name->len; i++)
		if (out[len + i] >= 'a' && out[len + i] <= 'z')
			out[len + i] &= (uint8_t)~0x20;
	len += name->len;
	put_u16(out + len, types[type % ARRAY_SIZE(types)]);
	put_u16(out + len + RR_HEAD_CLASS, RR_CLASS_IN);
	len += MESSAGE_QUESTION_TAIL;
	if (flags & MADE_RECORD) {
		memcpy(out + len, record, sizeof(record));
		len += sizeof(record);
		put_u16(out + MESSAGE_NSCOUNT, 1);
	}
	if (flags & MADE_EDNS) {
		len += put_opt(in, flags, out + len);
		put_u16(out + MESSAGE_ARCOUNT, 1);
	}
	return len;
}
