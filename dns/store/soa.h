/* SPDX-License-Identifier: Apache-2.0 */
/*
 * soa.h - the numbers at the end of an SOA's RDATA: RFC 1035, section 3.3.13
 *
 * Of RDATA that is well-formed. Any thread.
 */
#ifndef DNS_SOA_H
#define DNS_SOA_H

#include <assert.h>

#include "dns/wire/util.h"

/* Octets from the end of the RDATA. */
enum soa_number {
	SOA_SERIAL = 20,
	SOA_REFRESH = 16,
	SOA_RETRY = 12,
	SOA_EXPIRE = 8,
	SOA_MINIMUM = 4,
};

static inline uint32_t soa_get(const uint8_t *rdata, uint16_t rdlen,
			       enum soa_number number)
{
	assert(rdlen >= SOA_SERIAL);
	return get_u32(rdata + rdlen - number);
}

static inline uint32_t soa_serial(const uint8_t *rdata, uint16_t rdlen)
{
	return soa_get(rdata, rdlen, SOA_SERIAL);
}

#endif
