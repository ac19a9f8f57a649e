// SPDX-License-Identifier: Apache-2.0
/*
 * rr_wire.c - a record of a message as the store keeps it
 */
#include <errno.h>

#include "dns/text/field.h"
#include "dns/text/rr_rules.h"
#include "dns/text/rr_wire.h"

/* RDATA on its way out of a message. */
struct unpacking {
	const uint8_t *message;
	size_t end;   /* octets of the message up to the end of the RDATA */
	size_t at;    /* of what is next */
	bool unfolds; /* names may be compressed */
	struct buffer *out;
};

/* One field, or what there is where fields end. Return: 0, -errno. */
static int unpack_field(struct unpacking *unpacking, enum field_kind kind)
{
	const uint8_t *from = unpacking->message + unpacking->at;
	size_t left = unpacking->end - unpacking->at;
	struct name name;
	int size;

	if (kind == FIELD_NAME && unpacking->unfolds) {
		/* The pointer stands in the RDATA, and leads out of it. */
		if (message_name(unpacking->message, unpacking->end,
				 &unpacking->at, &name) < 0)
			return -EINVAL;
		return buffer_add(unpacking->out, name.wire, name.len);
	}
	size = field_size(kind, from, left);
	if (size < 0 || (size_t)size > left)
		return -EINVAL;
	unpacking->at += (size_t)size;
	return buffer_add(unpacking->out, from, (size_t)size);
}

/* Whether RDATA may end before @field. */
static bool may_end(uint8_t field)
{
	return field == FIELD_NONE || field & (FIELD_OPTIONAL | FIELD_REPEATED);
}

/* A last field may have no octets, and is asked all the same. */
static int unpack_fields(struct unpacking *unpacking, const uint8_t *field)
{
	int r = 0;

	while (r == 0 && (unpacking->at < unpacking->end || !may_end(*field))) {
		if (*field == FIELD_NONE)
			return -EINVAL;
		r = unpack_field(unpacking, FIELD_KIND(*field));
		if (!(*field & FIELD_REPEATED))
			field++;
	}
	return r;
}

static int refuse(struct refusal *why, uint16_t type, const char *reason)
{
	char name[16];

	rr_type_to_text(type, name);
	return refusal_set(why, -EINVAL, "bad RDATA for %s: %s", name, reason);
}

int rr_rdata_from_message(const uint8_t *message, size_t len,
			  const struct message_rr *from, struct buffer *rdata,
			  struct refusal *why)
{
	const struct rr_type *type = rr_type_of(from->type);
	struct unpacking unpacking = {
		.message = message,
		.end = from->rdata_at + from->rdlen,
		.at = from->rdata_at,
		.unfolds = type->folding != RR_NAMES_AS_IS,
		.out = rdata,
	};
	const char *broken;
	int r;

	rdata->len = 0;
	if (unpacking.end > len)
		return -EINVAL;
	if (*type->fields)
		r = unpack_fields(&unpacking, type->fields);
	else
		r = buffer_add(rdata, message + from->rdata_at, from->rdlen);
	if (r == -EINVAL)
		return refuse(why, from->type,
			      "these octets are none of that type");
	if (r < 0)
		return r;
	if (rdata->len > RR_RDATA_SIZE)
		return refuse(why, from->type,
			      "it is longer than 65535 octets");
	broken = rr_broken_rule(from->type, rdata->data, rdata->len);
	if (!broken)
		broken = rr_broken_owner(from->type, &from->owner);
	return broken ? refuse(why, from->type, broken) : 0;
}

int rr_from_message(const uint8_t *message, size_t len,
		    const struct message_rr *from, struct buffer *rdata,
		    struct rr *out, struct refusal *why)
{
	int r;

	if (from->class != RR_CLASS_IN)
		return refusal_set(why, -EINVAL, "class %u is not IN",
				   from->class);
	if (!rr_type_is_data(from->type))
		return refuse(why, from->type, "the type names no data");
	r = rr_rdata_from_message(message, len, from, rdata, why);
	if (r < 0)
		return r;
	out->owner = from->owner;
	out->type = from->type;
	out->ttl = from->ttl;
	out->rdata = rdata->data;
	out->rdlen = (uint16_t)rdata->len;
	return rr_measure(out->type, out->rdata, out->rdlen, &out->measure);
}
