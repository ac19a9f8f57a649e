// SPDX-License-Identifier: Apache-2.0
/*
 * notify_peer.c - one secondary is told, and has the zone in the end
 */
#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <utlist.h>

#include "anchors/transfer/notify_layout.h"
#include "dns/store/home.h"
#include "dns/store/serial.h"

#define TRY_FIRST_MS   1000
#define CHECK_FIRST_MS 20
/* A check that has waited so long tells it once more. */
#define TELL_AGAIN_MS 4000

static void run(struct notify_peer *peer);

/* ---- When ---- */

static void wait_for(struct notify_peer *peer, uint64_t ms)
{
	assert(!due_waits(&peer->due) && !peer->asked);
	dues_wait(&peer->notifier->dues, &peer->due, ms);
}

/* Twice as long each time. */
static uint64_t rest_ms(uint64_t first, unsigned tries)
{
	uint64_t ms = tries < 16 ? first << tries : NOTIFY_REST_MS;

	return ms < NOTIFY_REST_MS ? ms : NOTIFY_REST_MS;
}

void notify_peers_due(struct notifier *notifier)
{
	struct due *due;

	dues_begin(&notifier->dues);
	while ((due = dues_next(&notifier->dues)))
		run(container_of(due, struct notify_peer, due));
}

/* ---- What came of it ---- */

static void PRINTF(2, 3) say(struct notify_peer *peer, const char *format, ...)
{
	va_list args;

	peer->since_ns = host_now_ns();
	va_start(args, format);
	vsnprintf(peer->reason, sizeof(peer->reason), format, args);
	va_end(args);
	host_status_changed(peer->notifier->host, peer->zone->server);
}

static void try_again(struct notify_peer *peer)
{
	wait_for(peer, rest_ms(TRY_FIRST_MS, peer->tries++));
}

static void tell_of_errno(struct notify_peer *peer, int result)
{
	switch (result) {
	case -ETIMEDOUT:
		say(peer, "%s", "no answer");
		break;
	case -ETIME:
		say(peer, "%s", "its clock or ours is wrong: BADTIME");
		break;
	case -EBADMSG:
	case -EKEYREJECTED:
		say(peer, "%s", "its answer is not signed by the key");
		break;
	default:
		say(peer, "%s", strerror(-result));
	}
}

static void tell_of_rcode(struct notify_peer *peer, enum rcode rcode)
{
	const char *text = rcode_text((uint16_t)rcode);

	say(peer, "it says %s", text ? text : "no");
}

static enum rcode rcode_of(const uint8_t *message)
{
	return get_u16(message + MESSAGE_FLAGS) & MESSAGE_RCODE;
}

/* Of a message that was signed: is that what it does not like? */
static bool dislikes_key(const struct notify_peer *peer, const uint8_t *message)
{
	enum rcode rcode = message ? rcode_of(message) : RCODE_NOERROR;

	return peer->has_key && !peer->was_plain && message &&
	       rcode != RCODE_NOERROR && rcode != RCODE_SERVFAIL;
}

static bool refused_key(struct notify_peer *peer, const uint8_t *message)
{
	if (!dislikes_key(peer, message))
		return false;
	peer->is_plain = true;
	run(peer);
	return true;
}

/* ---- NOTIFY ---- */

static void told(void *arg, int result, const uint8_t *message, size_t len)
{
	struct notify_peer *peer = arg;

	(void)len;
	peer->asked = NULL;
	if (refused_key(peer, message))
		return;
	if (result == 0 && rcode_of(message) == RCODE_NOERROR) {
		peer->notifier->figures.taken++;
		say(peer, "%s", "was told, and has not taken it yet");
		peer->step = NOTIFY_CHECK;
		if (!peer->was_told)
			peer->tries = 0;
		peer->was_told = true;
		wait_for(peer, CHECK_FIRST_MS);
		return;
	}
	if (result < 0)
		tell_of_errno(peer, result);
	else
		tell_of_rcode(peer, rcode_of(message));
	peer->notifier->figures.failed++;
	/* What was refused without a key is tried with it again. */
	peer->is_plain = false;
	try_again(peer);
}

/* ---- Its SOA ---- */

static void check_again(struct notify_peer *peer)
{
	uint64_t ms = rest_ms(CHECK_FIRST_MS, peer->tries++);

	/* What it was told may have been lost, or have come too early. */
	if (ms >= TELL_AGAIN_MS)
		peer->step = NOTIFY_TELL;
	wait_for(peer, ms);
}

static void take_serial(struct notify_peer *peer, uint32_t serial)
{
	if (serial == peer->zone->serial) {
		say(peer, "%s", "");
		peer->step = NOTIFY_DONE;
		peer->tries = 0;
		return;
	}
	say(peer, "it has serial %u", serial);
	/* No NOTIFY makes it take an older one: RFC 1034, section 4.3.5. */
	if (peer->was_told || serial_is_ahead(serial, peer->zone->serial)) {
		check_again(peer);
		return;
	}
	peer->step = NOTIFY_TELL;
	wait_for(peer, 0);
}

static void checked(void *arg, int result, const uint8_t *message, size_t len)
{
	struct notify_peer *peer = arg;
	uint32_t serial;

	peer->asked = NULL;
	if (refused_key(peer, message))
		return;
	if (result == 0 && rcode_of(message) == RCODE_NOERROR &&
	    querier_read_serial(message, len, &peer->zone->apex, &serial)) {
		take_serial(peer, serial);
		return;
	}
	if (result < 0)
		tell_of_errno(peer, result);
	else if (rcode_of(message) != RCODE_NOERROR)
		tell_of_rcode(peer, rcode_of(message));
	else
		say(peer, "%s", "it does not have the zone");
	peer->is_plain = false;
	/* Who has no such zone yet may make one when he is told. */
	if (!peer->was_told && result == 0)
		peer->step = NOTIFY_TELL;
	check_again(peer);
}

/* ---- Sending ---- */

/* Return: 0; -ENOKEY: the line names one that is not there; -errno. */
static int find_key(struct notify_peer *peer, struct querier_message *message)
{
	struct snapshot *snapshot = peer->notifier->host->snapshot;
	struct served served;
	int r = snapshot_begin(snapshot);

	if (r < 0)
		return r;
	r = snapshot_served(snapshot, peer->zone->server, &served);
	if (r == 0)
		r = snapshot_key(snapshot, served.home, &peer->key,
				 &message->key);
	snapshot_end(snapshot);
	message->has_key = r == 0;
	return r == -ENOENT ? -ENOKEY : r;
}

static int send_next(struct notify_peer *peer)
{
	struct querier_message message = {.to = peer->address};
	const struct anchor *anchor =
		anchor_by_id(peer->notifier->host, peer->zone->server);
	bool tells = peer->step == NOTIFY_TELL;
	int r = 0;

	if (anchor) {
		message.from = anchor->address;
		message.uid = anchor->uid;
	}
	querier_write(&message,
		      tells ? MESSAGE_OPCODE_NOTIFY : MESSAGE_OPCODE_QUERY,
		      &peer->zone->apex);
	peer->was_plain = !peer->has_key || peer->is_plain;
	if (!peer->was_plain)
		r = find_key(peer, &message);
	if (r == 0)
		r = querier_send(&peer->asked, peer->notifier->querier,
				 &message, tells ? told : checked, peer);
	sodium_memzero(&message.key, sizeof(message.key));
	peer->notifier->figures.sent += r == 0 && tells;
	return r;
}

static void run(struct notify_peer *peer)
{
	char key[NAME_TEXT_SIZE];
	int r;

	assert(!peer->asked && !due_waits(&peer->due));
	if (peer->step == NOTIFY_DONE)
		return;
	r = send_next(peer);
	if (r == 0)
		return;
	if (r == -ENOKEY) {
		name_to_text(&peer->key, key);
		say(peer, "no key %s", key);
	} else {
		tell_of_errno(peer, r);
	}
	try_again(peer);
}

void notify_peer_begin(struct notify_peer *peer, enum notify_step step)
{
	querier_forget(peer->notifier->querier, peer->asked);
	peer->asked = NULL;
	dues_leave(&peer->notifier->dues, &peer->due);
	peer->step = step;
	peer->tries = 0;
	peer->was_told = false;
	say(peer, "%s", "was not told yet");
	wait_for(peer, 0);
}

void notify_peer_free(struct notify_peer *peer)
{
	peer->notifier->peers--;
	querier_forget(peer->notifier->querier, peer->asked);
	dues_leave(&peer->notifier->dues, &peer->due);
	free(peer);
}
