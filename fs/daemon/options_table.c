// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "dns/serve/connection.h"
#include "fs/daemon/options_table.h"

#define WORKERS_MAX	256
#define TCP_CLIENTS_MAX 1000000
#define TCP_IDLE_MAX	3600 /* fits RFC 7828's unit of 100 ms */
#define READERS_MAX	(STORE_CLIENTS / SHARES_OF_ALL)

#define MIB ((uint64_t)1 << 20)

/* Where -h wraps, and where what it says of an option begins. */
#define HELP_WIDTH  80
#define HELP_INDENT 20

enum kind {
	KIND_NUMBER, /* of a uint64_t */
	KIND_SIZE,   /* the same: octets, which may end with K, M or G */
	KIND_TEXT,   /* of a char *, which is freed by options_deinit() */
	KIND_WORD,   /* without a value: options.c or libfuse takes it */
};

#define AT(member) offsetof(struct options, member)

static const struct row {
	enum kind kind;
	const char *name;
	const char *value; /* what stands behind the "=" in -h */
	size_t at;	   /* of the member in struct options */
	const char *help;
	const char *initially; /* the default in words, if @number has none */
	struct {
		uint64_t least, most, initial;
	} number;
} rows[] = {
	{KIND_TEXT, "state", "DIR", AT(state),
	 .help = "where anchors and records are kept",
	 .initially = "root: " OPTIONS_ROOT_STATE
		      ", else $XDG_STATE_HOME/circuitfs"},
	{KIND_TEXT, "host", "NAME", AT(host), .help = "the host's directory",
	 .initially = "the host's name"},
	{KIND_TEXT, "listen", "ADDRESS", AT(listen_text),
	 .help = "of a nameserver made without one",
	 .initially = OPTIONS_LISTEN},
	{KIND_TEXT, "bind", "PORTS", AT(bind_text),
	 .help = "below 1024, as 53:853@alice, that others than root may have",
	 .initially = "none"},
	{KIND_NUMBER, "workers", "N", AT(workers),
	 .help = "threads that answer", .initially = "the number of cores",
	 .number = {.least = 1, .most = WORKERS_MAX}},
	{KIND_NUMBER, "edns-size", "N", AT(edns_size),
	 .help = "largest UDP answer, in octets",
	 .number = {MESSAGE_UDP_SIZE, UINT16_MAX, ANSWER_EDNS_SIZE}},
	{KIND_TEXT, "nsid", "TEXT", AT(nsid),
	 .help = "what an answer says of its server", .initially = "nothing"},
	{KIND_NUMBER, "tcp-clients", "N", AT(tcp_clients),
	 .help = "connected over TCP at once",
	 .number = {1, TCP_CLIENTS_MAX, CONNECTION_CLIENTS}},
	{KIND_NUMBER, "tcp-idle", "N", AT(tcp_idle),
	 .help = "seconds until a silent one of them is dropped",
	 .number = {1, TCP_IDLE_MAX, CONNECTION_IDLE_MS / 1000}},
	{KIND_NUMBER, "rrl", "N", AT(rrl),
	 .help = "UDP responses a second that a network gets of one kind, "
		 "0: any",
	 .initially = "200; loopback: 0",
	 .number = {0, LIMITER_RATE_MAX, OPTIONS_RRL_DEFAULT}},
	{KIND_NUMBER, "max-anchors", "N", AT(max_anchors),
	 .help = "directories at most", .initially = "any number",
	 .number = {.least = 1, .most = UINT32_MAX}},
	{KIND_NUMBER, "max-records", "N", AT(max_records),
	 .help = "of one nameserver at most", .initially = "any number",
	 .number = {.least = 1, .most = UINT32_MAX}},
	{KIND_SIZE, "scratch-size", "SIZE", AT(shares[SHARE_SCRATCH_SIZE]),
	 .help = "octets in plain files, as 64M or 1G",
	 .number = {0, INT64_MAX, 256 * MIB}},
	{KIND_NUMBER, "scratch-files", "N", AT(shares[SHARE_SCRATCH_FILES]),
	 .help = "plain files of one user", .number = {0, UINT32_MAX, 1024}},
	{KIND_NUMBER, "logs", "N", AT(shares[SHARE_LOGS]),
	 .help = "logs that one user has open", .number = {0, UINT32_MAX, 64}},
	{KIND_NUMBER, "open-files", "N", AT(shares[SHARE_OPEN_FILES]),
	 .help = "files and directories that one user has open",
	 .number = {0, UINT32_MAX, 16384}},
	{KIND_NUMBER, "readers", "N", AT(shares[SHARE_READERS]),
	 .help = "files and directories that one user reads",
	 .number = {0, READERS_MAX, 1024}},
	{KIND_NUMBER, "reader-age", "N", AT(reader_age),
	 .help = "seconds until one of them is given up",
	 .number = {1, UINT32_MAX, 3600}},
	{KIND_SIZE, "reader-spare", "SIZE", AT(reader_spare),
	 .help = "octets that they keep from being used",
	 .number = {0, INT64_MAX, 1024 * MIB}},
	{KIND_SIZE, "spool-size", "SIZE", AT(spool_size),
	 .help = "octets of files with transfers under way",
	 .number = {0, INT64_MAX, 1024 * MIB}},
	{KIND_SIZE, "staged-size", "SIZE", AT(shares[SHARE_STAGED_SIZE]),
	 .help = "octets of one user's replacements under way",
	 .number = {0, INT64_MAX, 256 * MIB}},
	{KIND_SIZE, "text-size", "SIZE", AT(shares[SHARE_TEXT_SIZE]),
	 .help = "octets of text held for one user's open files",
	 .number = {0, INT64_MAX, 64 * MIB}},
	{KIND_TEXT, "user", "NAME", AT(user_text),
	 .help = "whom root's daemon becomes",
	 .initially = RIGHTS_USER ", where there is that user"},
	{KIND_TEXT, "mount-ns", "PATH", AT(mount_ns),
	 .help = "the mount namespace to mount in",
	 .initially = "the one that it is started in"},
	{KIND_TEXT, "fleet", "URLS", AT(fleet),
	 .help = "servers of NATS by which this host and others are in one "
		 "tree, as nats://a:4222+tls://b",
	 .initially = "none: this host alone"},
	{KIND_TEXT, "fleet-creds", "FILE", AT(fleet_creds),
	 .help = "this host's credentials there", .initially = "none"},
	{KIND_TEXT, "fleet-ca", "FILE", AT(fleet_ca),
	 .help = "certificates that servers of tls:// are believed by",
	 .initially = "the system's"},
	{KIND_TEXT, "fleet-allow", "HOST:WHAT", AT(fleet_allow),
	 .help = "none, read, write or admin, as h2:write+*:read, here",
	 .initially = "*:read"},
	{KIND_WORD, "remount",
	 .help = "with ro, rw ...: of the mount that is there"},
	{KIND_WORD, "allow_other",
	 .help = "other users may enter, as modes allow"},
};

/* The words above have a number in them that stands elsewhere, too. */
static_assert(LIMITER_RATE == 200, "the default of rrl");

static uint64_t *number_of(struct options *options, const struct row *row)
{
	assert(row->kind == KIND_NUMBER || row->kind == KIND_SIZE);
	return (uint64_t *)((char *)options + row->at);
}

static char **text_of(struct options *options, const struct row *row)
{
	assert(row->kind == KIND_TEXT);
	return (char **)((char *)options + row->at);
}

static bool is_number(const struct row *row)
{
	return row->kind == KIND_NUMBER || row->kind == KIND_SIZE;
}

/* ---- Defaults ---- */

static uint64_t cores(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	if (count < 1)
		return 1;
	return count < WORKERS_MAX ? (uint64_t)count : WORKERS_MAX;
}

void options_table_set(struct options *options)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (is_number(&rows[i]))
			*number_of(options, &rows[i]) = rows[i].number.initial;
	options->workers = cores();
}

/* ---- What is given ---- */

/* Return: whether @text is a number of that kind, and now *@out. */
static bool parse_number(const struct row *row, const char *text, uint64_t *out)
{
	static const char units[] = "KMG";
	unsigned long long value;
	const char *unit;
	unsigned shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = row->kind == KIND_SIZE && *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno || *text < '0' || *text > '9' || *end ||
	    value > row->number.most >> shift || value < row->number.least)
		return false;
	*out = value << shift;
	return true;
}

static int take_number(struct options *options, const struct row *row,
		       const char *arg, const char *value)
{
	if (parse_number(row, value, number_of(options, row)))
		return 0;
	if (row->kind == KIND_SIZE)
		log_line(
			LOG_ERR,
			"%s: give a number of octets, or with K, M or G behind",
			arg);
	else
		log_line(LOG_ERR,
			 "%s: give a number from %" PRIu64 " to %" PRIu64, arg,
			 row->number.least, row->number.most);
	return -EINVAL;
}

static int take_text(struct options *options, const struct row *row,
		     const char *value)
{
	char **text = text_of(options, row);

	free(*text);
	*text = strdup(value);
	return *text ? 0 : -ENOMEM;
}

static const struct row *find(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].name) == len &&
		    !strncmp(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

int options_table_take(struct options *options, const char *arg)
{
	size_t len = strcspn(arg, "=");
	const struct row *row = find(arg, len);
	bool has_value = arg[len];

	if (row && is_number(row))
		return take_number(options, row, arg, arg + len + has_value);
	if (row && row->kind == KIND_TEXT && has_value)
		return take_text(options, row, arg + len + 1);
	return 1;
}

/* ---- What -h prints ---- */

/* In the largest unit that leaves no fraction, as it may be given. */
static void print_size(uint64_t octets, char *out, size_t size)
{
	static const char *const units[] = {"", "K", "M", "G"};
	size_t unit = 0;

	while (octets && octets % 1024 == 0 && unit + 1 < ARRAY_SIZE(units)) {
		octets /= 1024;
		unit++;
	}
	snprintf(out, size, "%" PRIu64 "%s", octets, units[unit]);
}

/* In parentheses, or "" for what has no default. */
static void print_default(const struct row *row, char *out, size_t size)
{
	char number[32];

	*out = 0;
	if (row->initially) {
		snprintf(out, size, " (%s)", row->initially);
	} else if (row->kind == KIND_NUMBER) {
		snprintf(out, size, " (%" PRIu64 ")", row->number.initial);
	} else if (row->kind == KIND_SIZE) {
		print_size(row->number.initial, number, sizeof(number));
		snprintf(out, size, " (%s)", number);
	}
}

/* Words from the indent on, in lines of that width; a newline at the end. */
static void print_wrapped(const char *text, int column)
{
	while (*text) {
		int len = (int)strcspn(text, " ");

		if (column > HELP_INDENT && column + 1 + len > HELP_WIDTH) {
			putchar('\n');
			column = 0;
		}
		column +=
			printf("%*s%.*s",
			       column < HELP_INDENT ? HELP_INDENT - column : 1,
			       "", len, text);
		text += len + (text[len] == ' ');
	}
	putchar('\n');
}

static void print_row(const struct row *row)
{
	char text[256], initially[128];
	int column = printf("  -o %s%s%s", row->name, row->value ? "=" : "",
			    row->value ? row->value : "");

	print_default(row, initially, sizeof(initially));
	snprintf(text, sizeof(text), "%s%s", row->help, initially);
	if (column >= HELP_INDENT) {
		putchar('\n');
		column = 0;
	}
	print_wrapped(text, column);
}

void options_table_print(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		print_row(&rows[i]);
}
