// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "fs/daemon/mount_words.h"
#include "fs/daemon/options_check.h"
#include "fs/daemon/options_fleet.h"
#include "fs/daemon/options_table.h"

enum option_key {
	KEY_FOREGROUND,
	KEY_DEBUG,
	KEY_HELP,
	KEY_VERSION,
	KEY_REMOUNT,
};

/* All others come to take_option() as they are. */
static const struct fuse_opt specs[] = {
	FUSE_OPT_KEY("-f", KEY_FOREGROUND),
	FUSE_OPT_KEY("-d", KEY_DEBUG),
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_KEY("-V", KEY_VERSION),
	FUSE_OPT_KEY("--version", KEY_VERSION),
	FUSE_OPT_KEY("remount", KEY_REMOUNT),
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
	       "  -V                print the version\n");
	options_table_print();
	printf("\n"
	       "See circuitfs(8) for the program and circuitfs(5) for the "
	       "tree.\n");
}

/* fuse_opt.h's callbacks return -1 to stop, and have logged why. */
static int complain(struct options *options, const char *arg,
		    const char *reason)
{
	options->complained = true;
	log_line(LOG_ERR, "%s: %s", arg, reason);
	return -1;
}

static int take_argument(struct options *options, const char *arg)
{
	assert(options->argument_count <= ARRAY_SIZE(options->arguments));
	if (options->argument_count == ARRAY_SIZE(options->arguments))
		return complain(options, arg, "one argument too many; see -h");
	options->arguments[options->argument_count] = strdup(arg);
	return options->arguments[options->argument_count++] ? 0 : -1;
}

/* Of -o: 0: it is ours; 1: libfuse knows it, or nobody; -1: refused. */
static int take_mount_option(struct options *options, const char *arg)
{
	const char *reason = mount_words_refused(arg);
	bool is_mounts;
	int r;

	if (mount_words_take(arg, &options->flags, &is_mounts))
		return is_mounts ? 1 : 0;
	if (reason)
		return complain(options, arg, reason);
	options->has_more |= !mount_words_are_of_each(arg);
	r = options_table_take(options, arg);
	options->complained |= r == -EINVAL;
	return r < 0 ? -1 : r;
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
		return complain(options, arg, "unknown option; see -h");
	}
}

int options_parse(struct options *options, int argc, char **argv)
{
	int r;

	*options = (struct options){.fuse = FUSE_ARGS_INIT(argc, argv)};
	options_table_set(options);
	if (fuse_opt_parse(&options->fuse, options, specs, take_option) < 0) {
		if (!options->complained)
			log_fuse("bad option, see -h");
		return -EINVAL;
	}
	if (options->help || options->version)
		return 0;
	r = options_check(options);
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
	options_fleet_deinit(options);
	for (size_t i = 0; i < ARRAY_SIZE(options->arguments); i++)
		free(options->arguments[i]);
	fuse_opt_free_args(&options->fuse);
}
