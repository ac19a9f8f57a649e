/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rcode.h - names of RCODEs, as the IANA registry has them
 */
#ifndef DNS_RCODE_H
#define DNS_RCODE_H

#include <stdint.h>

/** rcode_text() - "NOERROR"; NULL: none that a server like this one gives */
const char *rcode_text(uint16_t rcode);

#endif
