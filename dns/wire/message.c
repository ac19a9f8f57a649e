// SPDX-License-Identifier: Apache-2.0
#include "dns/wire/message.h"
#include "dns/wire/util.h"

const char *rcode_text(uint16_t rcode)
{
	static const char *const texts[] = {
		[RCODE_NOERROR] = "NOERROR",	 [RCODE_FORMERR] = "FORMERR",
		[RCODE_SERVFAIL] = "SERVFAIL",	 [RCODE_NXDOMAIN] = "NXDOMAIN",
		[RCODE_NOTIMP] = "NOTIMP",	 [RCODE_REFUSED] = "REFUSED",
		[RCODE_YXDOMAIN] = "YXDOMAIN",	 [RCODE_YXRRSET] = "YXRRSET",
		[RCODE_NXRRSET] = "NXRRSET",	 [RCODE_NOTAUTH] = "NOTAUTH",
		[RCODE_NOTZONE] = "NOTZONE",	 [RCODE_BADVERS] = "BADVERS",
		[RCODE_BADCOOKIE] = "BADCOOKIE",
	};

	return rcode < ARRAY_SIZE(texts) ? texts[rcode] : NULL;
}
