// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "dns/serve/connection.h"
#include "fs/daemon/options.h"

#define WORKERS_MAX	256
#define TCP_CLIENTS_MAX 1000000
#define TCP_IDLE_MAX	3600 /* fits RFC 7828's unit of 100 ms */
#define READERS_MAX	(STORE_CLIENTS / SHARES_OF_ALL)
#define READER_AGE	3600
#define READER_SPARE	((uint64_t)1 << 30)

enum option_key {
	KEY_FOREGROUND,
	KEY_DEBUG,
	KEY_HELP,
	KEY_VERSION,
	KEY_REMOUNT,
};

#define STRING(template, member)                                               \
	{                                                                      \
		template, offsetof(struct options, member), 0                  \
	}

static const struct fuse_opt specs[] = {
	STRING("state=%s", state),
	STRING("host=%s", host),
	STRING("listen=%s", listen_text),
	STRING("bind=%s", bind_text),
	STRING("nsid=%s", nsid),
	STRING("user=%s", user_text),
	STRING("mount-ns=%s", mount_ns),
	FUSE_OPT_KEY("-f", KEY_FOREGROUND),
	FUSE_OPT_KEY("-d", KEY_DEBUG),
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_KEY("-V", KEY_VERSION),
	FUSE_OPT_KEY("--version", KEY_VERSION),
	FUSE_OPT_KEY("remount", KEY_REMOUNT),
	FUSE_OPT_END,
};

/* Options that are numbers; what they are if not given, is set_defaults()'s. */
#define SHARE(kind) offsetof(struct options, shares[kind])

static const struct number {
	const char *name;
	size_t at; /* of a uint64_t in struct options */
	uint64_t least, most;
	bool is_size; /* octets: may end with K, M or G */
} numbers[] = {
	{"staged-size", SHARE(SHARE_STAGED_SIZE), 0, INT64_MAX, true},
	{"text-size", SHARE(SHARE_TEXT_SIZE), 0, INT64_MAX, true},
	{"workers", offsetof(struct options, workers), 1, WORKERS_MAX, false},
	{"edns-size", offsetof(struct options, edns_size), MESSAGE_UDP_SIZE,
	 UINT16_MAX, false},
	{"tcp-clients", offsetof(struct options, tcp_clients), 1,
	 TCP_CLIENTS_MAX, false},
	{"tcp-idle", offsetof(struct options, tcp_idle), 1, TCP_IDLE_MAX,
	 false},
	{"rrl", offsetof(struct options, rrl), 0, LIMITER_RATE_MAX, false},
	{"max-anchors", offsetof(struct options, max_anchors), 1, UINT32_MAX,
	 false},
	{"max-records", offsetof(struct options, max_records), 1, UINT32_MAX,
	 false},
	{"logs", SHARE(SHARE_LOGS), 0, UINT32_MAX, false},
	{"open-files", SHARE(SHARE_OPEN_FILES), 0, UINT32_MAX, false},
	{"reader-age", offsetof(struct options, reader_age), 1, UINT32_MAX,
	 false},
	{"reader-spare", offsetof(struct options, reader_spare), 0, INT64_MAX,
	 true},
	{"readers", SHARE(SHARE_READERS), 0, READERS_MAX, false},
	{"scratch-files", SHARE(SHARE_SCRATCH_FILES), 0, UINT32_MAX, false},
	{"scratch-size", SHARE(SHARE_SCRATCH_SIZE), 0, INT64_MAX, true},
};

/* What mount(8) and fstab(5) have for any filesystem. */
static const struct word {
	const char *name;
	unsigned long set, clear; /* flags of mount(2) */
	bool is_mounts;		  /* also to be mounted with, by libfuse */
} words[] = {
	{"ro", MS_RDONLY, 0, true},
	{"rw", 0, MS_RDONLY, true},
	{"sync", MS_SYNCHRONOUS, 0, true},
	{"async", 0, MS_SYNCHRONOUS, true},
	{"dirsync", 0, 0, true},
	/* Of times of access there are none here. libfuse 3.17 lost "atime". */
	{"noatime", MS_NOATIME, 0, true},
	{"atime", 0, MS_NOATIME, false},
	{"nodiratime", MS_NODIRATIME, 0, false},
	{"diratime", 0, MS_NODIRATIME, false},
	{"relatime", MS_RELATIME, 0, false},
	{"norelatime", 0, MS_RELATIME, false},
	{"strictatime", MS_STRICTATIME, 0, false},
	{"nostrictatime", 0, MS_STRICTATIME, false},
	{"lazytime", MS_LAZYTIME, 0, false},
	{"nolazytime", 0, MS_LAZYTIME, false},
	/* The tree always has the safe one. */
	{"suid", 0, 0, true},
	{"nosuid", 0, 0, true},
	{"dev", 0, 0, true},
	{"nodev", 0, 0, true},
	{"exec", 0, 0, true},
	{"noexec", 0, 0, true},
	/* Nothing that is in the tree. */
	{"iversion", 0, 0, false},
	{"noiversion", 0, 0, false},
	{"nomand", 0, 0, false},
	{"symfollow", 0, 0, false},
	{"nosymfollow", 0, 0, false},
	{"silent", 0, 0, false},
	{"loud", 0, 0, false},
	/* Of mount(8) itself, which does not keep all of them to itself. */
	{"defaults", 0, 0, false},
	{"auto", 0, 0, false},
	{"noauto", 0, 0, false},
	{"nofail", 0, 0, false},
	{"_netdev", 0, 0, false},
	{"user", 0, 0, false},
	{"nouser", 0, 0, false},
	{"users", 0, 0, false},
	{"nousers", 0, 0, false},
	{"owner", 0, 0, false},
	{"noowner", 0, 0, false},
	{"group", 0, 0, false},
	{"nogroup", 0, 0, false},
};

/* Of each mount, and so in what mount(8) has of a mount that is there. */
static const char *const made_with[] = {
	"fsname=",   "subtype=", "user_id=",
	"group_id=", "blksize=", "default_permissions",
};

/* What libfuse would take, and what would come of it. */
static const struct {
	const char *name;
	const char *reason;
} refused[] = {
	{"max_read=",
	 "the kernel chooses how much it reads at once; leave the option out"},
	{"auto_unmount",
	 "circuitfs unmounts by itself when it ends, and what a crash leaves "
	 "must stay until the next start, or what is written beneath it is "
	 "lost; leave the option out"},
	{"blkdev", "the tree is on no device; leave the option out"},
	{"mand", "the kernel has no such locks; leave the option out"},
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
	       "  -o bind=PORTS     below 1024, as 53:853@alice, that others "
	       "than\n"
	       "                    root may have (none)\n"
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
	       "  -o scratch-files=N\n"
	       "                    plain files of one user (1024)\n"
	       "  -o logs=N         logs that one user has open (64)\n"
	       "  -o open-files=N   files and directories that one user has "
	       "open (16384)\n"
	       "  -o readers=N      files and directories that one user "
	       "reads (1024)\n"
	       "  -o reader-age=N   seconds until one of them is given up "
	       "(3600)\n"
	       "  -o reader-spare=N octets that they keep from being used "
	       "(1G)\n"
	       "  -o staged-size=N  octets of one user's replacements under "
	       "way (256M)\n"
	       "  -o text-size=N    octets of text held for one user's open "
	       "files (64M)\n"
	       "  -o user=NAME      whom root's daemon becomes (circuitfs, if "
	       "there is one)\n"
	       "  -o mount-ns=PATH  the mount namespace to mount in (its "
	       "own)\n"
	       "  -o allow_other    other users may enter, as modes allow\n"
	       "  -o remount        with ro, rw ...: of the mount that is "
	       "there\n"
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

/* Return: whether @text is a number of that kind, and now *@out. */
static bool parse_number(const struct number *number, const char *text,
			 uint64_t *out)
{
	static const char units[] = "KMG";
	unsigned long long value;
	const char *unit;
	unsigned shift = 0;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = number->is_size && *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (errno || *text < '0' || *text > '9' || *end ||
	    value > number->most >> shift || value < number->least)
		return false;
	*out = value << shift;
	return true;
}

static const struct number *find_number(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		if (strlen(numbers[i].name) == len &&
		    !strncmp(numbers[i].name, name, len))
			return &numbers[i];
	}
	return NULL;
}

/* Of -o: ours if it is a number; else libfuse knows it, or nobody. */
static int take_number(struct options *options, const char *arg)
{
	size_t len = strcspn(arg, "=");
	const struct number *number = find_number(arg, len);

	if (!number)
		return 1;
	if (parse_number(number, arg + len + (arg[len] == '='),
			 (void *)((char *)options + number->at)))
		return 0;
	options->complained = true;
	if (number->is_size)
		log_line(
			LOG_ERR,
			"%s: give a number of octets, or with K, M or G behind",
			arg);
	else
		log_line(LOG_ERR,
			 "%s: give a number from %" PRIu64 " to %" PRIu64, arg,
			 number->least, number->most);
	return -1;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

static bool is_made_with(const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(made_with); i++)
		if (begins(arg, made_with[i]))
			return true;
	return false;
}

static const char *why_refused(const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const char *name = refused[i].name;

		if (name[strlen(name) - 1] == '=' ? begins(arg, name)
						  : !strcmp(arg, name))
			return refused[i].reason;
	}
	return NULL;
}

static int take_word(struct options *options, const struct word *word)
{
	options->flags &= ~word->clear;
	options->flags |= word->set;
	return word->is_mounts ? 1 : 0;
}

/* Of -o: 0: it is ours; 1: libfuse knows it, or nobody; -1: refused. */
static int take_mount_option(struct options *options, const char *arg)
{
	const char *reason = why_refused(arg);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(arg, words[i].name))
			return take_word(options, &words[i]);
	if (begins(arg, "x-") || begins(arg, "X-") || begins(arg, "comment="))
		return 0;
	options->has_more |= !is_made_with(arg);
	if (!reason)
		return take_number(options, arg);
	options->complained = true;
	log_line(LOG_ERR, "%s: %s", arg, reason);
	return -1;
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
	case KEY_REMOUNT:
		options->remount = true;
		return 0;
	case FUSE_OPT_KEY_NONOPT:
		return take_argument(options, arg);
	default:
		if (*arg != '-')
			return take_mount_option(options, arg);
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
	log_line(LOG_ERR, "host=%s: no file name; give one without a slash",
		 options->host);
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

static int check_nsid(const struct options *options)
{
	if (!options->nsid || strlen(options->nsid) <= ANSWER_NSID_SIZE)
		return 0;
	log_line(LOG_ERR, "nsid=%s: give at most %d octets", options->nsid,
		 ANSWER_NSID_SIZE);
	return -EINVAL;
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
		log_line(LOG_ERR, "state=: no directory; give one, or leave "
				  "the option out");
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
	options->mountpoint =
		strdup(options->arguments[options->argument_count - 1]);
	return options->mountpoint ? 0 : -ENOMEM;
}

/* What fstab has before the mount point, or NULL. */
static const char *source(const struct options *options)
{
	const char *first = options->arguments[0];

	return options->argument_count > 1 && *first ? first : NULL;
}

static int fuse_arguments(struct options *options)
{
	CLEANUP(freep) char *list = NULL, *name = NULL, *argument = NULL;
	const char *device = source(options);

	/* mount -a knows by its device whether a line of fstab is mounted. */
	name = print("fsname=%s%s", device ? device : "circuitfs", "");
	/*
	 * The kernel checks modes; without that, allow_other would let
	 * everybody do everything.
	 */
	if (!name ||
	    fuse_opt_add_opt(&list, "default_permissions,nosuid,nodev,noexec,"
				    "subtype=circuitfs") < 0 ||
	    fuse_opt_add_opt_escaped(&list, name) < 0)
		return -ENOMEM;
	argument = print("-o%s%s", list, "");
	if (!argument || fuse_opt_add_arg(&options->fuse, argument) < 0)
		return -ENOMEM;
	if (options->debug && fuse_opt_add_arg(&options->fuse, "-d") < 0)
		return -ENOMEM;
	return 0;
}

static void note_strings(struct options *options)
{
	const char *at = (const char *)options;

	for (const struct fuse_opt *spec = specs; spec->templ; spec++)
		if (strchr(spec->templ, '='))
			options->has_more |=
				*(char *const *)(at + spec->offset) != NULL;
}

static void set_defaults(struct options *options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	options->workers = 1;
	if (cores > 1)
		options->workers =
			cores < WORKERS_MAX ? (uint64_t)cores : WORKERS_MAX;
	options->edns_size = ANSWER_EDNS_SIZE;
	options->tcp_clients = CONNECTION_CLIENTS;
	options->tcp_idle = CONNECTION_IDLE_MS / 1000;
	options->rrl = OPTIONS_RRL_DEFAULT;
	options->reader_age = READER_AGE;
	options->reader_spare = READER_SPARE;
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
		options->shares[kind] = shares_default(kind);
}

int options_parse(struct options *options, int argc, char **argv)
{
	int r;

	*options = (struct options){.fuse = FUSE_ARGS_INIT(argc, argv)};
	set_defaults(options);
	if (fuse_opt_parse(&options->fuse, options, specs, take_option) < 0) {
		if (!options->complained)
			log_fuse("bad option, see -h");
		return -EINVAL;
	}
	if (options->help || options->version)
		return 0;
	note_strings(options);
	r = check_mountpoint(options);
	if (r == 0)
		r = check_host(options);
	if (r == 0)
		r = check_listen(options);
	if (r == 0 && options->bind_text)
		r = bind_parse(&options->bind, options->bind_text);
	if (r == 0)
		r = check_nsid(options);
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
	free(options->bind_text);
	bind_deinit(&options->bind);
	free(options->nsid);
	free(options->user_text);
	free(options->user.name);
	free(options->mount_ns);
	for (size_t i = 0; i < ARRAY_SIZE(options->arguments); i++)
		free(options->arguments[i]);
	fuse_opt_free_args(&options->fuse);
}
