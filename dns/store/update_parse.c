// SPDX-License-Identifier: Apache-2.0
/*
 * update_parse.c - an UPDATE's message, as what it asks: RFC 2136, section 2
 */
#include <errno.h>

#include "dns/store/update_layout.h"

struct update *update_free(struct update *update)
{
	if (!update)
		return NULL;
	buffer_deinit(&update->prerequisites);
	buffer_deinit(&update->changes);
	buffer_deinit(&update->rdata);
	free(update);
	return NULL;
}

void update_freep(struct update **update)
{
	*update = update_free(*update);
}

/* A message that is being read. */
struct parsing {
	const uint8_t *message;
	size_t len, at;
	struct update *update;
	update_may *may;
	void *arg;
	struct refusal *why;
	struct buffer rdata; /* of one record; kept to be used again */
};

/* Against the changes, if nothing was before. */
static void speak_against(struct parsing *parsing, enum rcode rcode,
			  const struct message_rr *rr, const char *reason)
{
	struct update *update = parsing->update;
	char owner[NAME_TEXT_SIZE], type[16];
	size_t len = name_to_text(&rr->owner, owner);

	if (update->rcode != RCODE_NOERROR)
		return;
	update->rcode = rcode;
	rr_type_to_text(rr->type, type);
	refusal_set(&update->why, 0, "%s: %s", type, reason);
	refusal_at_owner(&update->why, 0, owner, len);
}

static int add_item(struct parsing *parsing, struct buffer *items,
		    struct update_item *item)
{
	struct buffer *rdata = &parsing->update->rdata;
	int r;

	item->rdata_at = rdata->len;
	item->rdlen = (uint16_t)parsing->rdata.len;
	r = buffer_add(rdata, parsing->rdata.data, parsing->rdata.len);
	return r < 0 ? r : buffer_add(items, item, sizeof(*item));
}

/* A type that a record or an RRset may have. */
static bool is_data(const struct message_rr *rr)
{
	return rr_type_is_data(rr->type);
}

/* ---- Prerequisites: section 3.2 ---- */

/* Return: NULL, or what is malformed: told when it is its turn. */
static const char *prerequisite_op(const struct message_rr *rr,
				   enum update_op *out)
{
	if (rr->class == RR_CLASS_IN) {
		*out = UPDATE_RRSET_HAS;
		return is_data(rr) ? NULL : "the type names no data";
	}
	*out = rr->type == RR_ANY ? UPDATE_NAME_NOT_IN_USE
				  : UPDATE_RRSET_IS_NOT;
	if (rr->class == RR_CLASS_ANY)
		*out = rr->type == RR_ANY ? UPDATE_NAME_IN_USE
					  : UPDATE_RRSET_IS;
	else if (rr->class != RR_CLASS_NONE)
		return "its class is none of IN, ANY and NONE";
	if (rr->rdlen)
		return "it has RDATA, and class ANY or NONE";
	return rr->type == RR_ANY || is_data(rr) ? NULL
						 : "the type names no data";
}

static int read_prerequisite(struct parsing *parsing,
			     const struct message_rr *rr)
{
	struct update_item item = {
		.owner = rr->owner, .type = rr->type, .ttl = rr->ttl};
	int r = 0;

	item.malformed = prerequisite_op(rr, &item.op);
	parsing->rdata.len = 0;
	if (!item.malformed && item.op == UPDATE_RRSET_HAS)
		r = rr_rdata_from_message(parsing->message, parsing->len, rr,
					  &parsing->rdata, parsing->why);
	if (r == -EINVAL)
		return -EBADMSG;
	return r < 0 ? r
		     : add_item(parsing, &parsing->update->prerequisites,
				&item);
}

/* ---- Changes: sections 2.5 and 3.4.1 ---- */

/* Return: NULL, or what is malformed. */
static const char *change_op(const struct message_rr *rr, enum update_op *out)
{
	if (rr->class == RR_CLASS_IN) {
		*out = UPDATE_ADD;
		return is_data(rr) ? NULL : "the type names no data";
	}
	if (rr->ttl)
		return "a deletion has a TTL";
	if (rr->class == RR_CLASS_ANY) {
		*out = rr->type == RR_ANY ? UPDATE_DELETE_NAME
					  : UPDATE_DELETE_RRSET;
		if (rr->rdlen)
			return "a deletion of an RRset has RDATA";
		return rr->type == RR_ANY || is_data(rr)
			       ? NULL
			       : "the type names no data";
	}
	*out = UPDATE_DELETE_RR;
	if (rr->class != RR_CLASS_NONE)
		return "its class is none of IN, ANY and NONE";
	return is_data(rr) ? NULL : "the type names no data";
}

/* RDATA that is no record of its type is malformed at once: section 3.1. */
static int read_rdata(struct parsing *parsing, const struct message_rr *rr,
		      struct update_item *item)
{
	int r;

	if (item->op == UPDATE_DELETE_RRSET || item->op == UPDATE_DELETE_NAME)
		return 0;
	r = rr_rdata_from_message(parsing->message, parsing->len, rr,
				  &parsing->rdata, parsing->why);
	if (r == 0 && item->op == UPDATE_ADD)
		r = rr_measure(rr->type, parsing->rdata.data,
			       (uint16_t)parsing->rdata.len, &item->measure);
	return r == -EINVAL ? -EBADMSG : r;
}

static int read_change(struct parsing *parsing, const struct message_rr *rr)
{
	struct update_item item = {
		.owner = rr->owner, .type = rr->type, .ttl = rr->ttl};
	const char *malformed = change_op(rr, &item.op);
	bool is_here = name_is_under(&rr->owner, &parsing->update->zone);
	int r;

	parsing->rdata.len = 0;
	if (!malformed) {
		r = read_rdata(parsing, rr, &item);
		if (r < 0)
			return r;
	}
	if (!is_here)
		speak_against(parsing, RCODE_NOTZONE, rr,
			      "the name is not in the zone");
	else if (malformed)
		speak_against(parsing, RCODE_FORMERR, rr, malformed);
	else if (!parsing->may(parsing->arg, &rr->owner,
			       item.op == UPDATE_DELETE_NAME ? 0 : rr->type))
		speak_against(parsing, RCODE_REFUSED, rr,
			      "no line of `updates` allows this change");
	return add_item(parsing, &parsing->update->changes, &item);
}

/* ---- The message ---- */

static int read_section(struct parsing *parsing, enum message_field count,
			int (*read)(struct parsing *,
				    const struct message_rr *))
{
	unsigned left = get_u16(parsing->message + count);
	struct message_rr rr;
	int r = 0;

	while (r == 0 && left--) {
		if (message_rr_next(parsing->message, parsing->len,
				    &parsing->at, &rr) < 0)
			return refusal_set(parsing->why, -EBADMSG,
					   "the message ends within a record");
		r = read(parsing, &rr);
	}
	return r;
}

/* An OPT record, most likely; answer() has read it. */
static int skip_record(struct parsing *parsing, const struct message_rr *rr)
{
	(void)parsing;
	(void)rr;
	return 0;
}

static int read_message(struct parsing *parsing)
{
	struct name zone;
	uint16_t type, class;
	int r;

	if (message_question(parsing->message, parsing->len, &parsing->at,
			     &zone, &type, &class) < 0)
		return refusal_set(parsing->why, -EBADMSG,
				   "the zone section is cut off");
	r = read_section(parsing, MESSAGE_ANCOUNT, read_prerequisite);
	if (r == 0)
		r = read_section(parsing, MESSAGE_NSCOUNT, read_change);
	if (r == 0)
		r = read_section(parsing, MESSAGE_ARCOUNT, skip_record);
	if (r == 0 && parsing->at != parsing->len)
		return refusal_set(parsing->why, -EBADMSG,
				   "there are octets behind the last record");
	return r;
}

int update_parse(struct update **out, const uint8_t *message, size_t len,
		 const struct name *zone, update_may *may, void *arg,
		 struct refusal *why)
{
	CLEANUP(update_freep)
	struct update *update = calloc(1, sizeof(*update));
	struct parsing parsing = {
		.message = message,
		.len = len,
		.at = MESSAGE_HEAD_SIZE,
		.update = update,
		.may = may,
		.arg = arg,
		.why = why,
	};
	int r;

	if (!update)
		return -ENOMEM;
	if (len < MESSAGE_HEAD_SIZE)
		return refusal_set(why, -EBADMSG, "there is no header");
	update->zone = *zone;
	r = read_message(&parsing);
	buffer_deinit(&parsing.rdata);
	if (r == 0)
		*out = steal(&update);
	return r;
}
