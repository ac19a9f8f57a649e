// SPDX-License-Identifier: Apache-2.0
#include "anchors/exposition.h"
#include "dns/wire/util.h"
#include "fs/fleet/figures.h"

/* The fleet may end while what was noted is written. */
static void copy_histogram(const struct histogram *from, struct histogram *to)
{
	for (unsigned i = 0; i < ARRAY_SIZE(from->counts); i++)
		atomic_init(&to->counts[i], atomic_load(&from->counts[i]));
	atomic_init(&to->sum_ns, atomic_load(&from->sum_ns));
}

void figures_note(struct fleet *fleet, struct figures *out)
{
	struct live_host *host;

	out->any = fleet != NULL;
	if (!fleet)
		return;
	out->serves = hosts_serves(fleet->hosts);
	out->peers = 0;
	host = hosts_first(fleet->hosts);
	for (; host; host = hosts_next(host))
		out->peers++;
	out->malformed = fleet->malformed;
	bus_figures(fleet->bus, &out->bus);
	guests_figures(fleet, &out->guests);
	remotes_figures(fleet, &out->remotes);
	copy_histogram(&fleet->calls, &out->calls);
}

/* ---- Families ---- */

struct row {
	const char *value;
	uint64_t count;
};

/* A family whose samples differ in one label. */
static void expose_rows(struct exposition *to, const char *name,
			const char *help, const char *label,
			const struct row *rows, size_t count)
{
	exposition_family(to, name, "counter", help);
	for (size_t i = 0; i < count; i++) {
		const struct exposition_label is = {label, rows[i].value};

		exposition_sample(to, NULL, &is, 1, (double)rows[i].count);
	}
}

static void expose_bus(struct exposition *to, const struct figures *figures)
{
	const struct row messages[] = {
		{"sent", figures->bus.sent},
		{"received", figures->bus.received},
	};

	exposition_single(to, "circuitfs_fleet_bus_up", "gauge",
			  "Whether there is a connection to the message bus.",
			  figures->bus.up);
	exposition_single(to, "circuitfs_fleet_bus_connections_total",
			  "counter",
			  "Connections to the message bus that were made.",
			  (double)figures->bus.lives);
	expose_rows(to, "circuitfs_fleet_bus_messages_total",
		    "Messages of this host, and to it.", "direction", messages,
		    ARRAY_SIZE(messages));
	exposition_single(to, "circuitfs_fleet_bus_dropped_total", "counter",
			  "Messages that waited when a connection ended.",
			  (double)figures->bus.dropped);
	exposition_single(to, "circuitfs_fleet_bus_malformed_total", "counter",
			  "Messages of others that were none.",
			  (double)figures->malformed);
	exposition_single(to, "circuitfs_fleet_bus_waiting_bytes", "gauge",
			  "Octets of messages that wait, in and out.",
			  (double)figures->bus.waiting_out +
				  (double)figures->bus.waiting_in);
}

static void expose_calls(struct exposition *to, const struct figures *figures)
{
	const struct remote_figures *remotes = &figures->remotes;
	const struct row outcomes[] = {
		{"answered", remotes->answered},
		{"host_down", remotes->host_down},
		{"interrupted", remotes->interrupted},
	};

	exposition_single(to, "circuitfs_fleet_peers", "gauge",
			  "Other hosts that are known to be there.",
			  (double)figures->peers);
	exposition_single(to, "circuitfs_fleet_peers_used", "gauge",
			  "Other hosts of which something is in use here.",
			  (double)remotes->remotes);
	expose_rows(to, "circuitfs_fleet_calls_total",
		    "Calls to other hosts that have ended, by how.", "outcome",
		    outcomes, ARRAY_SIZE(outcomes));
	exposition_single(to, "circuitfs_fleet_calls_pending", "gauge",
			  "Calls to other hosts that wait.",
			  (double)remotes->pending);
	exposition_single(to, "circuitfs_fleet_calls_resent_total", "counter",
			  "Calls to other hosts that were sent again.",
			  (double)remotes->resent);
	exposition_family(to, "circuitfs_fleet_call_duration_seconds",
			  "histogram",
			  "How long other hosts took to answer calls.");
	exposition_histogram(to, &figures->calls);
	exposition_single(to, "circuitfs_fleet_nodes", "gauge",
			  "Files and directories of other hosts that the "
			  "kernel knows.",
			  (double)remotes->nodes);
	exposition_single(to, "circuitfs_fleet_handles", "gauge",
			  "Files and directories of other hosts that are open.",
			  (double)remotes->handles);
}

static void expose_guests(struct exposition *to, const struct figures *figures)
{
	const struct guest_figures *guests = &figures->guests;

	exposition_single(to, "circuitfs_fleet_guests", "gauge",
			  "Other hosts that use this one.",
			  (double)guests->guests);
	exposition_single(to, "circuitfs_fleet_guest_nodes", "gauge",
			  "Files and directories that their kernels know.",
			  (double)guests->nodes);
	exposition_single(to, "circuitfs_fleet_guest_handles", "gauge",
			  "Files and directories that they have open.",
			  (double)guests->handles);
	exposition_single(to, "circuitfs_fleet_guest_calls_total", "counter",
			  "Calls of theirs that were done.",
			  (double)guests->calls);
	exposition_single(to, "circuitfs_fleet_guest_calls_repeated_total",
			  "counter",
			  "Calls that came again, and were not done again.",
			  (double)guests->repeated);
	exposition_single(to, "circuitfs_fleet_guest_calls_denied_total",
			  "counter", "Calls that rights did not allow.",
			  (double)guests->denied);
	exposition_single(to, "circuitfs_fleet_guest_refused_total", "counter",
			  "Messages that ended a session, as no host sends "
			  "them.",
			  (double)guests->refused);
	exposition_single(to, "circuitfs_fleet_guest_sessions_ended_total",
			  "counter", "Sessions of other hosts that are over.",
			  (double)guests->sessions_ended);
}

int figures_expose(const struct figures *figures, struct buffer *out)
{
	struct exposition to = {.out = out};

	if (!figures->any)
		return 0;
	exposition_single(&to, "circuitfs_fleet_serving", "gauge",
			  "Whether other hosts see this one under its name.",
			  figures->serves);
	expose_bus(&to, figures);
	expose_calls(&to, figures);
	expose_guests(&to, figures);
	return to.error;
}
