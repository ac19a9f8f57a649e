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

#include "anchors/exposition.h"
#include "anchors/metrics.h"
#include "anchors/process.h"
#include "dns/traffic.h"

struct subject {
	const struct anchor *anchor;
	char *path; /* below the host, "ns/sub" */
	struct table_counts counts;
};

struct page {
	struct exposition to;
	struct host *host;
	struct buffer subjects; /* struct subject */
};

#define LABEL(subject)                                                         \
	{                                                                      \
		"nameserver", (subject)->path                                  \
	}

#define EACH_SUBJECT(page, at)                                                 \
	for (struct subject *at = (struct subject *)(page)->subjects.data,     \
			    *at##_end = at + (page)->subjects.len /            \
						     sizeof(struct subject);   \
	     at < at##_end; at++)

static void page_deinit(struct page *page)
{
	EACH_SUBJECT(page, subject)
	free(subject->path);
	buffer_deinit(&page->subjects);
}

static int gather_one(struct page *page, const struct anchor *anchor)
{
	struct snapshot *snapshot = page->host->snapshot;
	struct subject subject = {.anchor = anchor};
	uint32_t table;
	int r = snapshot_serving(snapshot, anchor->id, &table);

	/* Not on disk yet, or no more: not a nameserver of this moment. */
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = snapshot_counts(snapshot, table, &subject.counts);
	if (r < 0)
		return r;
	subject.path = anchor_path(anchor);
	r = subject.path
		    ? buffer_add(&page->subjects, &subject, sizeof(subject))
		    : -ENOMEM;
	if (r < 0)
		free(subject.path);
	return r;
}

static int gather(struct page *page)
{
	const struct anchor *root = page->host->root, *anchor = root;
	int r = snapshot_begin(page->host->snapshot);

	if (r < 0)
		return r;
	while (r == 0 && (anchor = anchor_next(root, anchor)))
		r = gather_one(page, anchor);
	snapshot_end(page->host->snapshot);
	return r;
}

/* ---- Each nameserver ---- */

static void expose_addresses(struct page *page)
{
	char text[ADDRESS_TEXT_SIZE];

	exposition_family(&page->to, "circuitfs_nameserver_listening", "gauge",
			  "Whether the nameserver answers on its address.");
	EACH_SUBJECT(page, subject)
	{
		struct exposition_label labels[] = {LABEL(subject),
						    {"address", text}};

		address_print(&subject->anchor->address, text);
		exposition_sample(&page->to, NULL, labels, 2,
				  subject->anchor->server != NULL);
	}
}

static void expose_one(struct page *page, const struct subject *subject,
		       double value)
{
	struct exposition_label label = LABEL(subject);

	exposition_sample(&page->to, NULL, &label, 1, value);
}

static void expose_store(struct page *page)
{
	exposition_family(&page->to, "circuitfs_records", "gauge",
			  "Records that the nameserver holds.");
	EACH_SUBJECT(page, subject)
	expose_one(page, subject, (double)subject->counts.records);
	exposition_family(&page->to, "circuitfs_names", "gauge",
			  "Names that have records.");
	EACH_SUBJECT(page, subject)
	expose_one(page, subject, (double)subject->counts.names);
	exposition_family(&page->to, "circuitfs_edits_total", "counter",
			  "Changes to the records that took effect.");
	EACH_SUBJECT(page, subject)
	expose_one(page, subject, (double)subject->anchor->edits);
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

/* Of a nameserver, by transport and slot; what never happened is left out. */
static void expose_slots(struct page *page, const struct subject *subject,
			 bool is_rcode)
{
	unsigned slots = is_rcode ? TRAFFIC_RCODES : TRAFFIC_TYPES;
	unsigned item = is_rcode ? TRAFFIC_ANSWERS : TRAFFIC_QUERIES;
	char text[16];

	for (unsigned i = 0; i < TRAFFIC_TRANSPORTS * slots; i++) {
		struct exposition_label labels[] = {
			LABEL(subject),
			{"transport", transports[i / slots]},
			{is_rcode ? "rcode" : "type", text},
		};
		uint64_t value =
			traffic_sum(subject->anchor->traffic, item + i);

		if (!value)
			continue;
		slot_text(is_rcode, i % slots, text);
		exposition_sample(&page->to, NULL, labels, ARRAY_SIZE(labels),
				  (double)value);
	}
}

static void expose_counter(struct page *page, const char *name,
			   const char *help, enum traffic_item item)
{
	exposition_family(&page->to, name, "counter", help);
	EACH_SUBJECT(page, subject)
	expose_one(page, subject,
		   (double)traffic_sum(subject->anchor->traffic, item));
}

static void expose_clients(struct page *page)
{
	exposition_family(&page->to, "circuitfs_tcp_clients", "gauge",
			  "Clients connected over TCP.");
	EACH_SUBJECT(page, subject)
	{
		/* In this order, or one could be gone who never came. */
		uint64_t gone = traffic_sum(subject->anchor->traffic,
					    TRAFFIC_DISCONNECTED);
		uint64_t come = traffic_sum(subject->anchor->traffic,
					    TRAFFIC_CONNECTED);

		expose_one(page, subject,
			   come > gone ? (double)(come - gone) : 0);
	}
}

static void expose_traffic(struct page *page)
{
	exposition_family(&page->to, "circuitfs_queries_total", "counter",
			  "Queries that got an answer, by transport and type.");
	EACH_SUBJECT(page, subject)
	expose_slots(page, subject, false);
	exposition_family(&page->to, "circuitfs_answers_total", "counter",
			  "The same, by transport and RCODE.");
	EACH_SUBJECT(page, subject)
	expose_slots(page, subject, true);
	expose_counter(page, "circuitfs_answers_truncated_total",
		       "Answers with the TC flag.", TRAFFIC_TRUNCATED);
	expose_counter(page, "circuitfs_answers_limited_total",
		       "Answers held back by the limit of their rate.",
		       TRAFFIC_LIMITED);
	expose_counter(page, "circuitfs_dropped_total",
		       "Messages that were no query, and answers that could "
		       "not be sent.",
		       TRAFFIC_DROPPED);
	expose_counter(page, "circuitfs_tcp_connections_total",
		       "Clients that connected over TCP.", TRAFFIC_CONNECTED);
	expose_clients(page);
}

/* ---- The host ---- */

static void expose_commits(struct page *page)
{
	const struct histogram *commits = writer_commits(page->host->writer);
	struct exposition *to = &page->to;
	uint64_t sum = 0;
	char bound[32];
	struct exposition_label le = {"le", bound};

	exposition_family(to, "circuitfs_commit_duration_seconds", "histogram",
			  "How long it took to bring changes to disk.");
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		sum += atomic_load_explicit(&commits->counts[i],
					    memory_order_relaxed);
		snprintf(bound, sizeof(bound), "%g",
			 (double)histogram_bound_ns(i) / 1e9);
		exposition_sample(to, "_bucket", &le, 1, (double)sum);
	}
	sum += atomic_load_explicit(&commits->counts[HISTOGRAM_BUCKETS],
				    memory_order_relaxed);
	strcpy(bound, "+Inf");
	exposition_sample(to, "_bucket", &le, 1, (double)sum);
	exposition_sample(to, "_sum", NULL, 0,
			  (double)atomic_load_explicit(&commits->sum_ns,
						       memory_order_relaxed) /
				  1e9);
	exposition_sample(to, "_count", NULL, 0, (double)sum);
}

static void expose_host(struct page *page)
{
	struct stat st = {0};

	exposition_single(
		&page->to, "circuitfs_nameservers", "gauge",
		"Nameservers of the host.",
		(double)(page->subjects.len / sizeof(struct subject)));
	fstatat(page->host->store.dir_fd, "data.mdb", &st, 0);
	exposition_single(&page->to, "circuitfs_state_bytes", "gauge",
			  "Size of the file that keeps anchors and records.",
			  (double)st.st_size);
	expose_commits(page);
	process_expose(&page->to);
}

int metrics_render(struct host *host, struct buffer *out)
{
	CLEANUP(page_deinit) struct page page = {.to.out = out, .host = host};
	int r = gather(&page);

	if (r < 0)
		return r;
	expose_host(&page);
	expose_addresses(&page);
	expose_store(&page);
	expose_traffic(&page);
	return page.to.error;
}
