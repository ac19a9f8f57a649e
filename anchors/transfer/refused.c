// SPDX-License-Identifier: Apache-2.0
/*
 * refused.c - why a request for a transfer, NOTIFY or UPDATE was refused
 */
#include <stdio.h>

#include "anchors/anchor.h"
#include "anchors/transfer/refused.h"
#include "dns/store/zone.h"
#include "dns/wire/rr_type.h"

/* What it asked for. */
static const char *what(const struct errand *errand)
{
	switch (errand->opcode) {
	case MESSAGE_OPCODE_NOTIFY:
		return "NOTIFY";
	case MESSAGE_OPCODE_UPDATE:
		return "UPDATE";
	default:
		if (errand->type == RR_AXFR)
			return "AXFR";
		return errand->type == RR_IXFR ? "IXFR" : "query";
	}
}

/* The list that it would have to be in. */
static const char *list_of(const struct errand *errand)
{
	if (errand->opcode == MESSAGE_OPCODE_NOTIFY)
		return "primaries";
	return errand->opcode == MESSAGE_OPCODE_UPDATE ? "updates"
						       : "secondaries";
}

/* RFC 8945, section 5.2. */
static const char *signature_of(const struct errand *errand)
{
	switch (errand->tsig.error) {
	case TSIG_BADKEY:
		return "there is no such key with that algorithm";
	case TSIG_BADTIME:
		return "its clock and ours differ by more than it allows";
	default:
		return "the signature is wrong: is the secret another one?";
	}
}

/* The apex that was meant, most likely. */
static int find_apex(struct host *host, const struct errand *errand,
		     struct name *out, bool *is_apex)
{
	struct snapshot *snapshot = host->snapshot;
	struct zone_counts counts;
	struct served served;
	int r = snapshot_begin(snapshot);

	if (r < 0)
		return r;
	r = snapshot_served(snapshot, errand->server, &served);
	if (r == 0)
		r = snapshot_zone_of(snapshot, served.table, &errand->zone, out,
				     &counts);
	snapshot_end(snapshot);
	*is_apex = r == 0 && name_equal(out, &errand->zone);
	return r;
}

static void say_zone(struct host *host, const struct errand *errand,
		     struct refusal *why)
{
	char text[NAME_TEXT_SIZE];
	struct name apex;
	bool is_apex;

	if (find_apex(host, errand, &apex, &is_apex) < 0) {
		refusal_set(why, 0, "it is in no zone here");
	} else if (is_apex) {
		refusal_set(why, 0, "the zone is %s here",
			    errand->opcode == MESSAGE_OPCODE_NOTIFY
				    ? "no secondary one"
				    : "a secondary one");
	} else {
		name_to_text(&apex, text);
		refusal_set(why, 0, "it is no zone's apex; it is in %s", text);
	}
}

static void say_list(const struct errand *errand, struct refusal *why)
{
	const struct name *key = errand_key(errand);
	char text[NAME_TEXT_SIZE] = "", at[ADDRESS_TEXT_SIZE];

	address_print(&errand->client, at);
	if (key)
		name_to_text(key, text);
	refusal_set(why, 0, "%s%s%s is in no line of `%s`", at,
		    key ? " with the key " : ", which did not sign,", text,
		    list_of(errand));
}

void refused_tell(struct host *host, const struct errand *errand)
{
	struct anchor *anchor = anchor_by_id(host, errand->server);
	char file[NAME_TEXT_SIZE + 16];
	struct refusal why = {0};
	int len;

	if (!anchor)
		return;
	if (errand->tsig.is_signed && errand->tsig.error)
		refusal_set(&why, 0, "%s", signature_of(errand));
	else if (errand->rcode == RCODE_REFUSED)
		say_list(errand, &why);
	else
		say_zone(host, errand, &why);
	len = snprintf(file, sizeof(file), "%s/", what(errand));
	name_to_text(&errand->zone, file + len);
	anchor_refuse(anchor, file, &why);
}
