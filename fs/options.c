// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "dns/connection.h"
#include "fs/options.h"
#include "fs/scratch.h"

#define OPTIONS_WORKERS_MAX	256
#define OPTIONS_TCP_CLIENTS_MAX 1000000
#define OPTIONS_TCP_IDLE_MAX	3600 /* fits RFC 7828's unit of 100 ms */

enum option_key {
	KEY_FOREGROUND,
	KEY_DEBUG,
	KEY_HELP,
	KEY_VERSION,
};

#define STRING(template, member)                                               \
	{                                                                      \
		template, offsetof(struct options, member), 0                  \
	}

static const struct fuse_opt specs[] = {
	STRING("state=%s", state),
	STRING("host=%s", host),
	STRING("listen=%s", listen_text),
	STRING("workers=%s", workers_text),
	STRING("edns-size=%s", edns_size_text),
	STRING("nsid=%s", nsid),
	STRING("tcp-clients=%s", tcp_clients_text),
	STRING("tcp-idle=%s", tcp_idle_text),
	STRING("rrl=%s", rrl_text),
	STRING("max-anchors=%s", max_anchors_text),
	STRING("max-records=%s", max_records_text),
	STRING("scratch-size=%s", scratch_size_text),
	STRING("user=%s", user_text),
	STRING("mount-ns=%s", mount_ns),
	FUSE_OPT_KEY("-f", KEY_FOREGROUND),
	FUSE_OPT_KEY("-d", KEY_DEBUG),
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_KEY("-V", KEY_VERSION),
	FUSE_OPT_KEY("--version", KEY_VERSION),
	FUSE_OPT_END,
};

void options_usage(void)
{
	printf("usage: circuitfs [-f] [-d] [-h] [-V] [-o OPTION,...] [SOURCE] "
	       "MOUNTPOINT\n"
	       "\n"
	       "  -f                stay in the foreground, log to stderr\n"
	       "  -d                the same, and log every FUSE request\n"
	       "  -h                print this\n"
	       "  -V                print the version\n"
	       "  -o state=DIR      where anchors and records are kept\n"
	       "                    (root: /var/lib/circuitfs, else\n"
	       "                    $XDG_STATE_HOME/circuitfs)\n"
	       "  -o host=NAME      the host's directory (the hostname)\n"
	       "  -o listen=ADDRESS of a nameserver made without one\n"
	       "                    (127.0.0.1:0)\n"
	       "  -o workers=N      threads that answer (the cores)\n"
	       "  -o edns-size=N    largest UDP answer, in octets (1232)\n"
	       "  -o nsid=TEXT      what an answer says of its server "
	       "(nothing)\n"
	       "  -o tcp-clients=N  connected over TCP at once (1000)\n"
	       "  -o tcp-idle=N     seconds until a silent one of them is "
	       "dropped (10)\n"
	       "  -o rrl=N          UDP responses a second that a network "
	       "gets\n"
	       "                    of one kind, 0: any (200; loopback: 0)\n"
	       "  -o max-anchors=N  directories at most (any number)\n"
	       "  -o max-records=N  of one nameserver at most (any number)\n"
	       "  -o scratch-size=N octets in plain files, as 64M or 1G "
	       "(256M)\n"
	       "  -o user=NAME      whom root's daemon becomes (circuitfs, if "
	       "there is one)\n"
	       "  -o mount-ns=PATH  the mount namespace to mount in (its "
	       "own)\n"
	       "  -o allow_other    other users may enter, as modes allow\n"
	       "\n"
	       "See circuitfs(8) for the program and circuitfs(5) for the "
	       "tree.\n");
}

static int take_argument(struct options *options, const char *arg)
{
	if (options->argument_count == ARRAY_SIZE(options->arguments)) {
		options->complained = true;
		log_line(LOG_ERR, "%s: one argument too many; see -h", arg);
		return -1;
	}
	options->arguments[options->argument_count] = strdup(arg);
	return options->arguments[options->argument_count++] ? 0 : -1;
}

static int take_option(void *data, const char *arg, int key,
		       struct fuse_args *out)
{
	struct options *options = data;

	(void)out;
	switch (key) {
	case KEY_FOREGROUND:
		options->foreground = true;
		return 0;
	case KEY_DEBUG:
		options->foreground = options->debug = true;
		return 0;
	case KEY_HELP:
		options->help = true;
		return 0;
	case KEY_VERSION:
		options->version = true;
		return 0;
	case FUSE_OPT_KEY_NONOPT:
		return take_argument(options, arg);
	default:
		if (*arg != '-')
			return 1; /* of -o: libfuse knows it, or nobody */
		options->complained = true;
		log_line(LOG_ERR, "%s: unknown option; see -h", arg);
		return -1;
	}
}

/* ---- Checks ---- */

static int check_host(struct options *options)
{
	char name[HOST_NAME_MAX + 1] = "";

	if (!options->host) {
		if (gethostname(name, sizeof(name) - 1) < 0)
			return -errno;
		options->host = strdup(name);
	}
	if (!options->host)
		return -ENOMEM;
	if (*options->host && strlen(options->host) <= STORE_NAME_SIZE &&
	    !strchr(options->host, '/') && strcmp(options->host, ".") &&
	    strcmp(options->host, ".."))
		return 0;
	log_line(LOG_ERR, "host=%s: no file name", options->host);
	return -EINVAL;
}

static int check_listen(struct options *options)
{
	const char *text =
		options->listen_text ? options->listen_text : "127.0.0.1:0";

	if (address_parse(text, &options->listen) == 0 &&
	    options->listen.kind != ADDRESS_OFF)
		return 0;
	log_line(LOG_ERR,
		 "listen=%s: no address; give IP:PORT, [IPv6]:PORT, :PORT or "
		 "an IP",
		 text);
	return -EINVAL;
}

/* A number from @least to @most: 0, or -EINVAL and the reason was logged. */
static int check_number(const char *option, const char *text, unsigned least,
			unsigned most, unsigned *out)
{
	unsigned long value;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end && value >= least &&
	    value <= most) {
		*out = (unsigned)value;
		return 0;
	}
	log_line(LOG_ERR, "%s=%s: give a number from %u to %u", option, text,
		 least, most);
	return -EINVAL;
}

static int check_answers(struct options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	int r;

	options->workers = 1;
	if (cores > 1)
		options->workers = cores < OPTIONS_WORKERS_MAX
					   ? (unsigned)cores
					   : OPTIONS_WORKERS_MAX;
	options->edns_size = ANSWER_EDNS_SIZE;
	r = check_number("workers", options->workers_text, 1,
			 OPTIONS_WORKERS_MAX, &options->workers);
	if (r == 0)
		r = check_number("edns-size", options->edns_size_text,
				 ANSWER_UDP_SIZE, UINT16_MAX,
				 &options->edns_size);
	if (r == 0 && options->nsid &&
	    strlen(options->nsid) > ANSWER_NSID_SIZE) {
		log_line(LOG_ERR, "nsid=%s: longer than %d octets",
			 options->nsid, ANSWER_NSID_SIZE);
		r = -EINVAL;
	}
	return r;
}

static int check_limits(struct options *options)
{
	int r;

	options->tcp_clients = CONNECTION_CLIENTS_MAX;
	options->tcp_idle = CONNECTION_IDLE_MS / 1000;
	r = check_number("tcp-clients", options->tcp_clients_text, 1,
			 OPTIONS_TCP_CLIENTS_MAX, &options->tcp_clients);
	if (r == 0)
		r = check_number("tcp-idle", options->tcp_idle_text, 1,
				 OPTIONS_TCP_IDLE_MAX, &options->tcp_idle);
	options->rrl = LIMITER_RATE;
	if (r == 0)
		r = check_number("rrl", options->rrl_text, 0, LIMITER_RATE_MAX,
				 &options->rrl);
	return r;
}

/* Octets, or with K, M or G behind: -EINVAL, and the reason was logged. */
static int check_size(const char *option, const char *text, uint64_t *out)
{
	static const char units[] = "KMG";
	unsigned long long value;
	const char *unit;
	unsigned shift = 0;
	char *end;

	if (!text)
		return 0;
	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (!errno && *text >= '0' && *text <= '9' && !*end &&
	    value <= (uint64_t)INT64_MAX >> shift) {
		*out = value << shift;
		return 0;
	}
	log_line(LOG_ERR,
		 "%s=%s: give a number of octets, or with K, M or G behind",
		 option, text);
	return -EINVAL;
}

static int check_quotas(struct options *options)
{
	int r = check_number("max-anchors", options->max_anchors_text, 1,
			     UINT_MAX, &options->max_anchors);

	if (r == 0)
		r = check_number("max-records", options->max_records_text, 1,
				 UINT_MAX, &options->max_records);
	options->scratch_size = SCRATCH_SIZE;
	return r == 0 ? check_size("scratch-size", options->scratch_size_text,
				   &options->scratch_size)
		      : r;
}

static char *print(const char *format, const char *a, const char *b)
{
	char *out = NULL;

	return asprintf(&out, format, a, b) < 0 ? NULL : out;
}

static int default_state(struct options *options)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (geteuid() == 0)
		options->state = strdup("/var/lib/circuitfs");
	else if (base && *base == '/')
		options->state = print("%s/circuitfs%s", base, "");
	else if (home && *home == '/')
		options->state = print("%s/.local/state/circuitfs%s", home, "");
	else {
		log_line(LOG_ERR,
			 "no state directory: HOME is not set; give -o "
			 "state=DIR");
		return -EINVAL;
	}
	return options->state ? 0 : -ENOMEM;
}

/* In the background the working directory is another one. */
static int check_state(struct options *options)
{
	CLEANUP(freep) char *here = NULL, *relative = NULL;

	if (!options->state)
		return default_state(options);
	if (*options->state == '/')
		return 0;
	if (!*options->state) {
		log_line(LOG_ERR, "state=: no directory");
		return -EINVAL;
	}
	here = getcwd(NULL, 0);
	relative = steal(&options->state);
	options->state = here ? print("%s/%s", here, relative) : NULL;
	return options->state ? 0 : -ENOMEM;
}

static int check_mountpoint(struct options *options)
{
	if (!options->argument_count) {
		log_line(LOG_ERR, "no mount point given; see -h");
		return -EINVAL;
	}
	/* The one before it, if any, is fstab's SOURCE: a name. */
	options->mountpoint =
		strdup(options->arguments[options->argument_count - 1]);
	return options->mountpoint ? 0 : -ENOMEM;
}

static int fuse_arguments(struct options *options)
{
	/*
	 * The kernel checks modes; without that, allow_other would let
	 * everybody do everything.
	 */
	if (fuse_opt_add_arg(&options->fuse,
			     "-odefault_permissions,nosuid,nodev,noexec,"
			     "fsname=circuitfs,subtype=circuitfs") < 0)
		return -ENOMEM;
	if (options->debug && fuse_opt_add_arg(&options->fuse, "-d") < 0)
		return -ENOMEM;
	return 0;
}

int options_parse(struct options *options, int argc, char **argv)
{
	int r;

	*options = (struct options){.fuse = FUSE_ARGS_INIT(argc, argv)};
	if (fuse_opt_parse(&options->fuse, options, specs, take_option) < 0) {
		if (!options->complained)
			log_fuse("bad option");
		return -EINVAL;
	}
	if (options->help || options->version)
		return 0;
	r = check_mountpoint(options);
	if (r == 0)
		r = check_host(options);
	if (r == 0)
		r = check_listen(options);
	if (r == 0)
		r = check_answers(options);
	if (r == 0)
		r = check_limits(options);
	if (r == 0)
		r = check_quotas(options);
	if (r == 0)
		r = check_state(options);
	if (r == 0)
		r = rights_find_user(options->user_text, &options->user);
	if (r == 0)
		r = fuse_arguments(options);
	if (r < 0 && r != -EINVAL)
		log_line(LOG_ERR, "%s", strerror(-r));
	return r;
}

void options_deinit(struct options *options)
{
	free(options->mountpoint);
	free(options->state);
	free(options->host);
	free(options->listen_text);
	free(options->workers_text);
	free(options->edns_size_text);
	free(options->tcp_clients_text);
	free(options->tcp_idle_text);
	free(options->rrl_text);
	free(options->nsid);
	free(options->max_anchors_text);
	free(options->max_records_text);
	free(options->scratch_size_text);
	free(options->user_text);
	free(options->user.name);
	free(options->mount_ns);
	for (size_t i = 0; i < ARRAY_SIZE(options->arguments); i++)
		free(options->arguments[i]);
	fuse_opt_free_args(&options->fuse);
}
