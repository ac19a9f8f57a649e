// SPDX-License-Identifier: Apache-2.0
/*
 * post.c - who hears which message, and what goes out
 */
#include "dns/wire/util.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/guest.h"
#include "fs/fleet/remote.h"

/* ---- What comes in: had its sender to send it? See bus.h ---- */

static void hear_host(struct fleet *fleet, const char *from,
		      const struct wire_head *head, const void *body)
{
	if (!hosts_message(fleet->hosts, from, head, body))
		return;
	if (head->kind == WIRE_BYE) {
		remote_gone(fleet, from);
		guest_gone(fleet, from);
		return;
	}
	remote_heard(fleet, from, head->incarnation);
	guest_heard(fleet, from, head->incarnation);
}

/* Asked of this host. */
static bool hear_requester(struct fleet *fleet, const char *from,
			   const struct wire_head *head, void *body, size_t len)
{
	if (fleet->is_ending || !hosts_serves(fleet->hosts))
		return false;
	if (head->kind == WIRE_WHO) {
		hosts_asked(fleet->hosts, from, false);
		return false;
	}
	hosts_heard(fleet->hosts, from, head->incarnation);
	return guest_message(fleet, from, head, body, len);
}

/* Said to this host. */
static bool hear_owner(struct fleet *fleet, const char *from,
		       const struct wire_head *head, void *body, size_t len)
{
	if (!hosts_serves(fleet->hosts))
		return false;
	if (head->kind == WIRE_BEAT || head->kind == WIRE_BYE) {
		hear_host(fleet, from, head, body);
		return false;
	}
	hosts_heard(fleet->hosts, from, head->incarnation);
	return remote_message(fleet, from, head, body, len);
}

/* The server has told whom it was sent to; that this is us is looked at too. */
static bool is_for_us(const struct fleet *fleet, const char *subject,
		      const char *word, char from[WIRE_NAME_MAX + 1])
{
	char to[WIRE_NAME_MAX + 1];

	return wire_subject_hosts(subject, word, to, from) &&
	       !strcmp(to, fleet->name) && strcmp(from, fleet->name) != 0;
}

static bool hear(struct fleet *fleet, const char *subject,
		 const struct wire_head *head, void *body, size_t len)
{
	char from[WIRE_NAME_MAX + 1];

	if (is_for_us(fleet, subject, "rpc", from))
		return hear_requester(fleet, from, head, body, len);
	if (is_for_us(fleet, subject, "in", from))
		return hear_owner(fleet, from, head, body, len);
	if (wire_subject_hosts(subject, "live", from, NULL))
		hear_host(fleet, from, head, body);
	else if (wire_subject_hosts(subject, "ask", from, NULL) &&
		 head->kind == WIRE_WHO)
		hosts_asked(fleet->hosts, from, true);
	return false;
}

static void hear_nobody(struct fleet *fleet, const char *subject)
{
	char name[WIRE_NAME_MAX + 1];

	if (!is_for_us(fleet, subject, "in", name))
		return;
	hosts_nobody(fleet->hosts, name);
	remote_nobody(fleet, name);
}

bool fleet_message(void *arg, const struct bus_message *message)
{
	struct fleet *fleet = arg;
	const struct wire_head *head;
	const void *body;
	size_t len;

	/* The bus is there before the hosts are, and after the rest. */
	if (!fleet->hosts || fleet->is_over)
		return true;
	if (message->nobody) {
		hear_nobody(fleet, message->subject);
		return true;
	}
	/* One of another version is told apart by its beats. */
	if (wire_check(message->data, message->len, &head, &body, &len) < 0) {
		fleet->malformed++;
		return false;
	}
	return hear(fleet, message->subject, head,
		    (char *)message->data +
			    ((const char *)body - (const char *)message->data),
		    len);
}

void fleet_floods(void *arg, const char *subject)
{
	struct fleet *fleet = arg;

	if (fleet->hosts && !fleet->is_over)
		hosts_flooded(fleet->hosts, subject);
}

/* ---- What goes out ---- */

static int send_to(struct fleet *fleet, const char *subject, const char *reply,
		   const struct wire_head *head, const void *body, size_t len)
{
	const struct iovec pieces[] = {
		{(void *)head, sizeof(*head)},
		{(void *)body, len},
	};

	return bus_send(fleet->bus, subject, reply, pieces, len ? 2 : 1);
}

/* As both can; what is for all versions is not looked at for its own. */
static void set_version(struct fleet *fleet, const char *to,
			struct wire_head *head)
{
	const struct live_host *host = hosts_find(fleet->hosts, to);
	uint8_t version = 0;

	if (host && host->has_beat)
		version = wire_version(host->beat.version_min,
				       host->beat.version_max);
	if (version)
		head->version = version;
}

int fleet_send(struct fleet *fleet, const char *word, const char *to,
	       const struct wire_head *head, const void *body, size_t len,
	       bool reply)
{
	char subject[WIRE_SUBJECT_SIZE], inbox[WIRE_SUBJECT_SIZE];
	struct wire_head sent = *head;

	/* Who sees what was done sees the anchor as it is after it. */
	if (head->kind == WIRE_ANSWER)
		hosts_attr_changed(fleet->hosts, to);
	set_version(fleet, to, &sent);
	wire_subject(subject, word, to, fleet->name);
	wire_subject(inbox, "in", fleet->name, to);
	return send_to(fleet, subject, reply ? inbox : NULL, &sent, body, len);
}

int fleet_publish(struct fleet *fleet, const char *word,
		  const struct wire_head *head, const void *body, size_t len)
{
	char subject[WIRE_SUBJECT_SIZE];

	wire_subject(subject, word, fleet->name, NULL);
	return send_to(fleet, subject, NULL, head, body, len);
}
