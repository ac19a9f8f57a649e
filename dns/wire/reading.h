/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reading.h - a message's octets, taken one piece after the other
 *
 * Nothing in them is trusted: what is not there whole is not taken. Pure
 * functions; any thread may call them.
 */
#ifndef DNS_READING_H
#define DNS_READING_H

#include <stdbool.h>

#include "dns/wire/message.h"
#include "dns/wire/name.h"

struct reading {
	const uint8_t *at;
	size_t left; /* octets */
};

/** reading_take() - the next @len octets, or NULL: there are not so many */
static inline const uint8_t *reading_take(struct reading *in, size_t len)
{
	const uint8_t *at = in->at;

	if (len > in->left)
		return NULL;
	in->at += len;
	in->left -= len;
	return at;
}

/**
 * reading_skip_name() - step over a name, and over the pointer that may end it
 * (RFC 1035, section 4.1.4)
 *
 * Return: false: there is none.
 */
static inline bool reading_skip_name(struct reading *in)
{
	const uint8_t *label;

	while ((label = reading_take(in, 1)) && *label != 0) {
		if (*label >= MESSAGE_POINTER >> 8)
			return reading_take(in, 1);
		if (*label > NAME_LABEL_SIZE || !reading_take(in, *label))
			return false;
	}
	return label;
}

#endif
