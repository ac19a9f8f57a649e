// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "dns/wire/message_rr.h"

/* The label at @from, or what follows a pointer there, to @out. */
struct name_walk {
	const uint8_t *message;
	size_t len;
	size_t at;     /* of the next length octet, or pointer */
	size_t before; /* pointers lead to what is before this */
	size_t end;    /* behind the name where it was met; 0: not known yet */
};

/* Step over pointers. Return: the length octet of a label; -EINVAL. */
static int next_length(struct name_walk *walk)
{
	while (walk->at < walk->len) {
		uint8_t octet = walk->message[walk->at];
		size_t to;

		if (octet <= NAME_LABEL_SIZE)
			return octet;
		if (octet < MESSAGE_POINTER >> 8 || walk->at + 1 >= walk->len)
			return -EINVAL;
		to = get_u16(walk->message + walk->at) & ~MESSAGE_POINTER;
		if (!walk->end)
			walk->end = walk->at + 2;
		if (to >= walk->before || to < MESSAGE_HEAD_SIZE)
			return -EINVAL;
		walk->at = walk->before = to;
	}
	return -EINVAL;
}

int message_name(const uint8_t *message, size_t len, size_t *at,
		 struct name *out)
{
	struct name_walk walk = {message, len, *at, *at, 0};
	size_t used = 0;
	int length;

	do {
		length = next_length(&walk);
		if (length < 0 || used + 1 + (size_t)length > NAME_WIRE_SIZE ||
		    walk.len - walk.at < 1 + (size_t)length)
			return -EINVAL;
		memcpy(out->wire + used, message + walk.at, 1 + (size_t)length);
		used += 1 + (size_t)length;
		walk.at += 1 + (size_t)length;
	} while (length);
	out->len = (uint8_t)used;
	*at = walk.end ? walk.end : walk.at;
	return 0;
}

int message_question(const uint8_t *message, size_t len, size_t *at,
		     struct name *name, uint16_t *type, uint16_t *class)
{
	size_t tail = *at;

	if (message_name(message, len, &tail, name) < 0 ||
	    len - tail < MESSAGE_QUESTION_TAIL)
		return -EINVAL;
	*type = get_u16(message + tail);
	*class = get_u16(message + tail + 2);
	*at = tail + MESSAGE_QUESTION_TAIL;
	return 0;
}

int message_rr_next(const uint8_t *message, size_t len, size_t *at,
		    struct message_rr *out)
{
	size_t head = *at;
	const uint8_t *fields;

	if (message_name(message, len, &head, &out->owner) < 0 ||
	    len - head < RR_HEAD_SIZE)
		return -EINVAL;
	fields = message + head;
	out->type = get_u16(fields);
	out->class = get_u16(fields + RR_HEAD_CLASS);
	out->ttl = get_u32(fields + RR_HEAD_TTL);
	if (out->ttl > RR_TTL_MAX)
		out->ttl = 0;
	out->rdlen = get_u16(fields + RR_HEAD_RDLENGTH);
	out->rdata_at = head + RR_HEAD_SIZE;
	if (len - out->rdata_at < out->rdlen)
		return -EINVAL;
	name_lower(&out->owner);
	*at = out->rdata_at + out->rdlen;
	return 0;
}
