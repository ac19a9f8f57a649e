// SPDX-License-Identifier: Apache-2.0
/*
 * file_peers.c - `peers`: this host and the others, a line for each
 *
 * The first line is this host's. Fields have a fixed width, so that the size is
 * the same as long as the hosts are. It is there only with -o fleet=.
 */
#include <stdio.h>
#include <time.h>

#include "fs/commons.h"
#include "fs/fleet/fleet.h"
#include "fs/fleet/remote.h"
#include "fs/node.h"
#include "fs/text_view.h"

struct line {
	const char *name;
	const char *state;
	uint64_t since_ns;	/* the wall clock */
	uint64_t heard_ms;	/* by bus_now_ms(); 0: never */
	uint64_t round_trip_ns; /* 0: none yet */
	const char *remark;	/* "": none */
};

static void print_time(uint64_t at_ns, char out[32])
{
	time_t at = (time_t)(at_ns / 1000000000);
	struct tm tm = {0};

	gmtime_r(&at, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

/* Seconds; what is longer than the field is as good as what just fits. */
static void print_ago(uint64_t at_ms, char out[16])
{
	double ago = (double)(bus_now_ms() - at_ms) / 1000;

	if (at_ms)
		snprintf(out, 16, "%.1f", ago < 99999.9 ? ago : 99999.9);
	else
		strcpy(out, "-");
}

static void print_round_trip(uint64_t ns, char out[16])
{
	double ms = (double)ns / 1e6;

	if (ns)
		snprintf(out, 16, "%.2f", ms < 99999.99 ? ms : 99999.99);
	else
		strcpy(out, "-");
}

static int add_line(struct buffer *out, const struct line *line, int width)
{
	char since[32], ago[16], round_trip[16];

	print_time(line->since_ns, since);
	print_ago(line->heard_ms, ago);
	print_round_trip(line->round_trip_ns, round_trip);
	return buffer_printf(out, "%-*s %-5s %s %7s %8s%s%s\n", width,
			     line->name, line->state, since, ago, round_trip,
			     *line->remark ? " " : "", line->remark);
}

static int add_self(struct buffer *out, const struct fleet *fleet, int width)
{
	static const char *const remarks[] = {
		[HOSTS_UNNAMED] = "bus down",
		[HOSTS_CLAIMS] = "claims its name",
		[HOSTS_SERVES] = "",
		[HOSTS_YIELDS] = "another host has its name",
	};
	struct line line = {.name = fleet->name};
	enum hosts_state state = hosts_state(fleet->hosts, &line.since_ns);
	bool is_up = bus_is_up(fleet->bus);

	line.state = is_up && state == HOSTS_SERVES ? "self" : "alone";
	line.heard_ms = bus_beaten_ms(fleet->bus);
	line.remark = remarks[is_up ? state : HOSTS_UNNAMED];
	return add_line(out, &line, width);
}

static int add_host(struct buffer *out, const struct fleet *fleet,
		    const struct live_host *host, int width)
{
	char remark[32] = "";
	const struct line line = {
		.name = host->name,
		.state = host->is_alive ? "here" : "gone",
		.since_ns = host->since_ns,
		.heard_ms = host->heard_ms,
		.round_trip_ns = remote_round_trip_ns(fleet, host->name),
		.remark = remark,
	};

	if (!hosts_speaks(host))
		snprintf(remark, sizeof(remark), "speaks %u to %u",
			 host->beat.version_min, host->beat.version_max);
	if (host->shut_ms)
		snprintf(remark, sizeof(remark), "shut out, as it floods");
	return add_line(out, &line, width);
}

static int width_of(struct fleet *fleet)
{
	const struct live_host *host = hosts_known(fleet->hosts);
	size_t width = strlen(fleet->name);

	for (; host; host = host->hh.next)
		if (width < strlen(host->name))
			width = strlen(host->name);
	return (int)width;
}

static int peers_render(struct fs *fs, const struct node *node,
			struct buffer *out)
{
	struct fleet *fleet = fs->commons->fleet;
	const struct live_host *host;
	int width, r;

	(void)node;
	if (!fleet)
		return 0;
	width = width_of(fleet);
	r = add_self(out, fleet, width);
	host = hosts_known(fleet->hosts);
	for (; r == 0 && host; host = host->hh.next)
		r = add_host(out, fleet, host, width);
	return r;
}

const struct node_kind file_peers = {
	.name = "peers",
	.number = 13,
	.in_host = true,
	.in_fleet = true,
	.mask = 0444,
	.attr = text_file_attr,
	.open_size = sizeof(struct text_file),
	.close = text_file_close,
	.read = text_file_read,
	.render = peers_render,
};
