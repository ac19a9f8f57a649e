// SPDX-License-Identifier: Apache-2.0
/*
 * metrics.c - a host's figures, as Prometheus reads them
 *
 * The format wants all samples of a family together. So the nameservers are
 * gathered first, each with its path as the label and with its counts, and
 * then each family goes through all of them.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "anchors/metrics.h"
#include "anchors/transfer/notify.h"
#include "anchors/transfer/secondary.h"
#include "anchors/transfer/update.h"
#include "anchors/process.h"
#include "anchors/subjects.h"

struct metrics {
	struct exposition to;
	struct host *host;
	struct snapshot *snapshot; /* the host's; begun, or NULL */
	struct subjects *subjects;
	struct descriptors descriptors;	    /* as they were then */
	struct secondary_figures secondary; /* the same */
	struct notify_figures notify;
	struct update_figures updates;
};

/* ---- What there is ---- */

static void end_snapshot(struct metrics *metrics)
{
	if (metrics->snapshot)
		snapshot_end(steal(&metrics->snapshot));
}

struct metrics *metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return NULL;
	end_snapshot(metrics);
	subjects_free(metrics->subjects);
	free(metrics);
	return NULL;
}

int metrics_take(struct metrics **out, struct host *host)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	int r;

	if (!metrics)
		return -ENOMEM;
	metrics->host = host;
	metrics->descriptors = host->descriptors;
	secondaries_figures(host->secondaries, &metrics->secondary);
	notifier_figures(host->notifier, &metrics->notify);
	updates_figures(host->updates, &metrics->updates);
	r = snapshot_begin(host->metrics);
	if (r == 0)
		metrics->snapshot = host->metrics;
	if (r == 0)
		r = subjects_take(&metrics->subjects, host);
	if (r < 0) {
		metrics_free(metrics);
		return r;
	}
	*out = metrics;
	return 0;
}

/* ---- Each nameserver ---- */

/* NULL before the first one, and behind the last one. */
static const struct subject *next(struct metrics *metrics,
				  const struct subject *subject)
{
	return subjects_next(metrics->subjects, &metrics->to, subject);
}

static void expose_addresses(struct metrics *metrics)
{
	const struct subject *subject = NULL;
	char text[ADDRESS_TEXT_SIZE];

	exposition_family(&metrics->to, "circuitfs_nameserver_listening",
			  "gauge",
			  "Whether the nameserver answers on its address.");
	while ((subject = next(metrics, subject))) {
		struct exposition_label label = {"address", text};

		address_print(&subject->address, text);
		exposition_sample(&metrics->to, NULL, &label, 1,
				  subject->is_listening);
	}
}

static void expose_one(struct metrics *metrics, double value)
{
	exposition_sample(&metrics->to, NULL, NULL, 0, value);
}

static void expose_store(struct metrics *metrics)
{
	const struct subject *subject = NULL;

	exposition_family(&metrics->to, "circuitfs_records", "gauge",
			  "Records that the nameserver holds.");
	while ((subject = next(metrics, subject)))
		expose_one(metrics, (double)subject->records);
	exposition_family(&metrics->to, "circuitfs_names", "gauge",
			  "Names that have records.");
	while ((subject = next(metrics, subject)))
		expose_one(metrics, (double)subject->names);
	exposition_family(&metrics->to, "circuitfs_zones_kept", "gauge",
			  "Zones that have settings, or a serial to go on "
			  "from, with an SOA or without.");
	while ((subject = next(metrics, subject)))
		expose_one(metrics, (double)subject->zones);
	exposition_family(&metrics->to, "circuitfs_edits_total", "counter",
			  "Changes to the records that took effect.");
	while ((subject = next(metrics, subject)))
		expose_one(metrics, (double)subject->edits);
}

static const char *const transports[TRAFFIC_TRANSPORTS] = {
	[ANSWER_UDP] = "udp",
	[ANSWER_TCP] = "tcp",
};

static void slot_text(bool is_rcode, unsigned slot, char out[16])
{
	if (is_rcode)
		snprintf(out, 16, "%s", traffic_rcode_text(slot));
	else
		traffic_type_text(slot, out);
}

/* One sample for each transport and slot, but none for what never happened. */
static void expose_slots(struct metrics *metrics, const struct subject *subject,
			 bool is_rcode)
{
	unsigned slots = is_rcode ? TRAFFIC_RCODES : TRAFFIC_TYPES;
	unsigned item = is_rcode ? TRAFFIC_ANSWERS : TRAFFIC_QUERIES;
	char text[16];

	for (unsigned i = 0; i < TRAFFIC_TRANSPORTS * slots; i++) {
		struct exposition_label labels[] = {
			{"transport", transports[i / slots]},
			{is_rcode ? "rcode" : "type", text},
		};
		uint64_t value = traffic_sum(subject->traffic, item + i);

		if (!value)
			continue;
		slot_text(is_rcode, i % slots, text);
		exposition_sample(&metrics->to, NULL, labels,
				  ARRAY_SIZE(labels), (double)value);
	}
}

static void expose_counter(struct metrics *metrics, const char *name,
			   const char *help, enum traffic_item item)
{
	const struct subject *subject = NULL;

	exposition_family(&metrics->to, name, "counter", help);
	while ((subject = next(metrics, subject)))
		expose_one(metrics,
			   (double)traffic_sum(subject->traffic, item));
}

static void expose_clients(struct metrics *metrics)
{
	const struct subject *subject = NULL;

	exposition_family(&metrics->to, "circuitfs_tcp_clients", "gauge",
			  "Clients connected over TCP.");
	while ((subject = next(metrics, subject))) {
		/* The other way round, one could be gone who never came. */
		uint64_t gone =
			traffic_sum(subject->traffic, TRAFFIC_DISCONNECTED);
		uint64_t come =
			traffic_sum(subject->traffic, TRAFFIC_CONNECTED);

		expose_one(metrics, come > gone ? (double)(come - gone) : 0);
	}
}

static void expose_traffic(struct metrics *metrics)
{
	const struct subject *subject = NULL;

	exposition_family(&metrics->to, "circuitfs_queries_total", "counter",
			  "Queries that got an answer, by transport and type.");
	while ((subject = next(metrics, subject)))
		expose_slots(metrics, subject, false);
	exposition_family(&metrics->to, "circuitfs_answers_total", "counter",
			  "The same, by transport and RCODE.");
	while ((subject = next(metrics, subject)))
		expose_slots(metrics, subject, true);
	expose_counter(metrics, "circuitfs_answers_truncated_total",
		       "Answers with the TC flag.", TRAFFIC_TRUNCATED);
	expose_counter(metrics, "circuitfs_answers_spent_total",
		       "Answers that may lack what took long to find.",
		       TRAFFIC_SPENT);
	expose_counter(metrics, "circuitfs_answers_limited_total",
		       "Answers held back by the limit of their rate.",
		       TRAFFIC_LIMITED);
	expose_counter(metrics, "circuitfs_dropped_total",
		       "Messages that were no query, and answers that could "
		       "not be sent.",
		       TRAFFIC_DROPPED);
	expose_counter(metrics, "circuitfs_tcp_connections_total",
		       "Clients that connected over TCP.", TRAFFIC_CONNECTED);
	expose_clients(metrics);
	expose_counter(metrics, "circuitfs_tcp_deferred_total",
		       "Times that a client had asked for more over TCP than "
		       "its turn holds.",
		       TRAFFIC_DEFERRED);
}

/* ---- The host ---- */

static void expose_transfers(struct metrics *metrics)
{
	struct server_pool *pool = metrics->host->pool;
	const struct transfer_counts *counts = server_pool_transfers(pool);
	const struct {
		const char *what;
		const _Atomic uint64_t *count;
	} rows[] = {
		{"zone", &counts->zones},
		{"increment", &counts->increments},
		{"failed", &counts->failed},
		{"full", &counts->full},
		{"refused", &counts->refused},
		{"cut", &counts->cut},
	};
	struct exposition_label label = {.name = "result"};

	exposition_family(&metrics->to, "circuitfs_transfers_total", "counter",
			  "Transfers to clients: sent as a whole or by the "
			  "journal; and those that failed, found no room for "
			  "their file or no place, or were cut off.");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		label.value = rows[i].what;
		exposition_sample(&metrics->to, NULL, &label, 1,
				  (double)atomic_load(rows[i].count));
	}
	exposition_single(&metrics->to, "circuitfs_transfers_bytes_total",
			  "counter", "Octets of messages of transfers.",
			  (double)atomic_load(&counts->octets));
	exposition_single(&metrics->to, "circuitfs_transfer_clients", "gauge",
			  "TCP clients that were sent transfers.",
			  (double)server_pool_carried(pool));
	exposition_single(&metrics->to, "circuitfs_spool_bytes", "gauge",
			  "Octets of files with transfers under way.",
			  (double)server_pool_spooled(pool));
}

/* A counter's samples, by @result. */
struct result {
	const char *what;
	uint64_t count;
};

static void expose_results(struct metrics *metrics, const char *name,
			   const char *help, const struct result *results,
			   size_t count)
{
	struct exposition_label label = {.name = "result"};

	exposition_family(&metrics->to, name, "counter", help);
	for (size_t i = 0; i < count; i++) {
		label.value = results[i].what;
		exposition_sample(&metrics->to, NULL, &label, 1,
				  (double)results[i].count);
	}
}

static void expose_secondaries(struct metrics *metrics)
{
	const struct secondary_figures *secondary = &metrics->secondary;
	const struct notify_figures *notify = &metrics->notify;
	const struct result transfers[] = {
		{"zone", secondary->zones},
		{"increment", secondary->increments},
		{"failed", secondary->failed},
	};
	const struct result notifies[] = {
		{"sent", notify->sent},
		{"taken", notify->taken},
		{"failed", notify->failed},
	};

	expose_results(metrics, "circuitfs_transfers_in_total",
		       "Transfers from primaries: as a whole or as changes; "
		       "and those that came to nothing.",
		       transfers, ARRAY_SIZE(transfers));
	expose_results(metrics, "circuitfs_notifies_total",
		       "NOTIFYs to secondaries: those sent, and of these the "
		       "ones that were taken, and that were not answered or "
		       "refused.",
		       notifies, ARRAY_SIZE(notifies));
	exposition_single(&metrics->to, "circuitfs_secondary_zones", "gauge",
			  "Zones that come from primaries.",
			  (double)secondary->secondary);
	exposition_single(&metrics->to, "circuitfs_dark_zones", "gauge",
			  "Zones from primaries that have not come, or have "
			  "expired, and are answered with SERVFAIL.",
			  (double)secondary->dark);
}

static void expose_updates(struct metrics *metrics)
{
	struct exposition_label label = {.name = "rcode"};

	exposition_family(&metrics->to, "circuitfs_updates_total", "counter",
			  "UPDATEs of who may, by the RCODE of their answers.");
	for (size_t i = 0; i < ARRAY_SIZE(metrics->updates.answers); i++) {
		if (!metrics->updates.answers[i])
			continue;
		label.value = rcode_text((uint16_t)i);
		exposition_sample(&metrics->to, NULL, &label, 1,
				  (double)metrics->updates.answers[i]);
	}
}

static void expose_commits(struct metrics *metrics)
{
	exposition_family(&metrics->to, "circuitfs_commit_duration_seconds",
			  "histogram",
			  "How long it took to bring changes to disk.");
	exposition_histogram(&metrics->to,
			     writer_commits(metrics->host->writer));
}

static void expose_descriptors(struct metrics *metrics)
{
	static const char *const whose[] = {
		[DESCRIPTORS_SERVERS] = "nameservers",
		[DESCRIPTORS_FILES] = "files",
	};
	struct exposition_label label = {.name = "of"};

	exposition_family(&metrics->to, "circuitfs_descriptors", "gauge",
			  "Descriptors that these have.");
	for (unsigned i = 0; i < DESCRIPTORS_KINDS; i++) {
		label.value = whose[i];
		exposition_sample(&metrics->to, NULL, &label, 1,
				  (double)metrics->descriptors.of[i].taken);
	}
	exposition_family(&metrics->to, "circuitfs_descriptors_limit", "gauge",
			  "The most of them that these may have.");
	for (unsigned i = 0; i < DESCRIPTORS_KINDS; i++) {
		label.value = whose[i];
		exposition_sample(&metrics->to, NULL, &label, 1,
				  (double)metrics->descriptors.of[i].most);
	}
}

static void expose_host(struct metrics *metrics)
{
	struct stat st = {0};

	exposition_single(&metrics->to, "circuitfs_nameservers", "gauge",
			  "Nameservers of the host.",
			  (double)metrics->subjects->served);
	exposition_single(&metrics->to, "circuitfs_nameservers_left_out",
			  "gauge",
			  "Nameservers that this page does not tell of, or it "
			  "would be too long: those with long paths and many "
			  "types of queries.",
			  (double)metrics->subjects->left_out);
	fstatat(metrics->host->store.dir_fd, "data.mdb", &st, 0);
	exposition_single(&metrics->to, "circuitfs_state_bytes", "gauge",
			  "Size of the file that keeps anchors and records.",
			  (double)st.st_size);
	expose_descriptors(metrics);
	expose_transfers(metrics);
	expose_secondaries(metrics);
	expose_updates(metrics);
	expose_commits(metrics);
	process_expose(&metrics->to);
}

int metrics_render(struct metrics *metrics, struct buffer *out)
{
	int r = subjects_look_up(metrics->subjects, metrics->snapshot);

	/* If it stayed open, the store would keep its pages for it. */
	end_snapshot(metrics);
	if (r == 0)
		r = subjects_choose(metrics->subjects, SUBJECTS_PAGE_MAX);
	if (r < 0)
		return r;
	metrics->to.out = out;
	expose_host(metrics);
	expose_addresses(metrics);
	expose_store(metrics);
	expose_traffic(metrics);
	return metrics->to.error;
}
