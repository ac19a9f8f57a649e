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

/* A sample: the first of its family, or, without a name, one more. */
struct row {
	const char *name, *type, *help;
	double value;
	const char *label, *is; /* or NULL */
};

#define FLEET(name) "circuitfs_fleet_" name
#define GAUGE(name, value, help)                                               \
	{                                                                      \
		FLEET(name), "gauge", help, (double)(value), NULL, NULL        \
	}
#define COUNTER(name, value, help)                                             \
	{                                                                      \
		FLEET(name), "counter", help, (double)(value), NULL, NULL      \
	}
#define COUNTER_OF(name, label, is, value, help)                               \
	{                                                                      \
		FLEET(name), "counter", help, (double)(value), label, is       \
	}
#define AND(label, is, value)                                                  \
	{                                                                      \
		NULL, NULL, NULL, (double)(value), label, is                   \
	}

static void expose(struct exposition *to, const struct row *rows, size_t count)
{
	for (const struct row *row = rows; row < rows + count; row++) {
		const struct exposition_label label = {row->label, row->is};

		if (row->name)
			exposition_family(to, row->name, row->type, row->help);
		exposition_sample(to, NULL, &label, row->label ? 1 : 0,
				  row->value);
	}
}

static void expose_bus(struct exposition *to, const struct figures *figures)
{
	const struct bus_figures *bus = &figures->bus;
	const struct row rows[] = {
		GAUGE("serving", figures->serves,
		      "Whether other hosts see this one under its name."),
		GAUGE("bus_up", bus->up,
		      "Whether there is a connection to the message bus."),
		COUNTER("bus_connections_total", bus->lives,
			"Connections to the message bus that were made."),
		COUNTER_OF("bus_messages_total", "direction", "sent", bus->sent,
			   "Messages of this host, and to it."),
		AND("direction", "received", bus->received),
		COUNTER("bus_dropped_total", bus->dropped,
			"Messages that waited when a connection ended."),
		COUNTER("bus_refused_total", bus->refused,
			"Messages of hosts that had too much waiting here."),
		COUNTER("bus_floods_total", bus->floods,
			"Times that a host was not listened to any more, as it "
			"flooded this one."),
		COUNTER("bus_malformed_total", figures->malformed,
			"Messages of others that were none."),
		GAUGE("bus_waiting_bytes", bus->waiting_out + bus->waiting_in,
		      "Octets of messages that wait, in and out."),
	};

	expose(to, rows, ARRAY_SIZE(rows));
}

static void expose_peers(struct exposition *to, const struct figures *figures)
{
	const struct remote_figures *remotes = &figures->remotes;
	const struct row rows[] = {
		GAUGE("peers", figures->peers,
		      "Other hosts that are known to be there."),
		GAUGE("peers_used", remotes->remotes,
		      "Other hosts of which something is in use here."),
		COUNTER_OF("calls_total", "outcome", "answered",
			   remotes->answered,
			   "Calls to other hosts that have ended, by how."),
		AND("outcome", "host_down", remotes->host_down),
		AND("outcome", "interrupted", remotes->interrupted),
		GAUGE("calls_pending", remotes->pending,
		      "Calls to other hosts that wait."),
		COUNTER("calls_resent_total", remotes->resent,
			"Calls to other hosts that were sent again."),
		GAUGE("nodes", remotes->nodes,
		      "Files and directories of other hosts that the kernel "
		      "knows."),
		GAUGE("handles", remotes->handles,
		      "Files and directories of other hosts that are open."),
	};

	expose(to, rows, ARRAY_SIZE(rows));
}

static void expose_guests(struct exposition *to, const struct figures *figures)
{
	const struct guest_figures *guests = &figures->guests;
	const struct row rows[] = {
		GAUGE("guests", guests->guests,
		      "Other hosts that use this one."),
		GAUGE("guest_nodes", guests->nodes,
		      "Files and directories that their kernels know."),
		GAUGE("guest_handles", guests->handles,
		      "Files and directories that they have open."),
		COUNTER("guest_calls_total", guests->calls,
			"Calls of theirs that were done."),
		COUNTER("guest_calls_repeated_total", guests->repeated,
			"Calls that came again, and were not done again."),
		COUNTER("guest_calls_denied_total", guests->denied,
			"Calls that rights did not allow."),
		COUNTER("guest_refused_total", guests->refused,
			"Messages that ended a session, as no host sends "
			"them."),
		COUNTER("guest_sessions_ended_total", guests->sessions_ended,
			"Sessions of other hosts that are over."),
	};

	expose(to, rows, ARRAY_SIZE(rows));
}

int figures_expose(const struct figures *figures, struct buffer *out)
{
	struct exposition to = {.out = out};

	if (!figures->any)
		return 0;
	expose_bus(&to, figures);
	expose_peers(&to, figures);
	exposition_family(&to, FLEET("call_duration_seconds"), "histogram",
			  "How long other hosts took to answer calls.");
	exposition_histogram(&to, &figures->calls);
	expose_guests(&to, figures);
	return to.error;
}
