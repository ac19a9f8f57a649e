// SPDX-License-Identifier: Apache-2.0
#include "dns/wire/rcode.h"
#include "dns/wire/util.h"

const char *rcode_text(uint16_t rcode)
{
	static const char *const texts[] = {
		"NOERROR",	    "FORMERR", "SERVFAIL", "NXDOMAIN",
		"NOTIMP",	    "REFUSED", "YXDOMAIN", "YXRRSET",
		"NXRRSET",	    "NOTAUTH", "NOTZONE",  [16] = "BADVERS",
		[23] = "BADCOOKIE",
	};

	return rcode < ARRAY_SIZE(texts) ? texts[rcode] : NULL;
}
