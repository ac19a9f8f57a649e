/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_layout.h - what list_line.c and list_text.c have in common
 *
 * Pure; any thread.
 */
#ifndef DNS_LIST_LAYOUT_H
#define DNS_LIST_LAYOUT_H

#include "dns/text/list_line.h"

/** list_ends_in_star() - does a name's text end in a label that is a star, and
 * not escaped? A last dot is not part of it */
bool list_ends_in_star(const char *text, size_t len);

/** list_line_number() - of the line that begins behind @at octets; 1 the first
 */
uint32_t list_line_number(const char *text, size_t at);

#endif
