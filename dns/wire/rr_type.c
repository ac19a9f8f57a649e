// SPDX-License-Identifier: Apache-2.0
/*
 * rr_type.c - which types hold domain names in their RDATA, and where
 *
 * RFC 4034, section 6.2 (as corrected by RFC 6840, section 5.1) names the
 * types whose names are folded; of these, only the ones that RFC 1035 defines
 * may be compressed (RFC 3597, section 4).
 */
#include "dns/wire/rr_type.h"

struct rr_names rr_names(uint16_t type)
{
	switch (type) {
	case RR_NS:
	case 3: /* MD */
	case 4: /* MF */
	case RR_CNAME:
	case 7: /* MB */
	case 8: /* MG */
	case 9: /* MR */
	case RR_PTR:
		return (struct rr_names){.count = 1, .compress = true};
	case RR_SOA:
		return (struct rr_names){
			.count = 2, .tail = 20, .compress = true};
	case 14: /* MINFO */
		return (struct rr_names){.count = 2, .compress = true};
	case RR_MX:
		return (struct rr_names){
			.skip = 2, .count = 1, .compress = true};
	case 17: /* RP */
		return (struct rr_names){.count = 2};
	case 18: /* AFSDB */
	case 21: /* RT */
	case 36: /* KX */
		return (struct rr_names){.skip = 2, .count = 1};
	case 26: /* PX */
		return (struct rr_names){.skip = 2, .count = 2};
	case RR_SRV:
		return (struct rr_names){.skip = 6, .count = 1};
	case RR_DNAME:
		return (struct rr_names){.count = 1};
	default:
		return (struct rr_names){0};
	}
}
