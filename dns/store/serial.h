/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial.h - serial numbers of zones: their order, and which comes next
 *
 * RFC 1982. Pure; any thread.
 */
#ifndef DNS_SERIAL_H
#define DNS_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a zone's serial goes on; `transfer/serial`. Values are stored. */
enum serial_policy {
	SERIAL_AUTO = 0, /* increment where somebody may transfer or
			  * update, else keep */
	SERIAL_INCREMENT = 1,
	SERIAL_UNIXTIME = 2, /* seconds since 1970 */
	SERIAL_DATE = 3,     /* YYYYMMDDnn, UTC */
	SERIAL_KEEP = 4,     /* it is the user's alone */
};

/** serial_policy_from_text(), _to_text() - "auto", ...; -EINVAL */
int serial_policy_from_text(const char *text, size_t len,
			    enum serial_policy *out);
const char *serial_policy_to_text(enum serial_policy policy);

/** serial_is_ahead() - is @a greater than @b? RFC 1982, section 3.2; where it
 * says that this is not defined, no */
bool serial_is_ahead(uint32_t a, uint32_t b);

/**
 * serial_next() - the one that follows @last
 *
 * Always ahead of @last: a time or date that is not, or has no number left
 * today, goes on by one. 0 is stepped over: some take it for none.
 */
uint32_t serial_next(enum serial_policy policy, uint32_t last, int64_t now_ns);

#endif
