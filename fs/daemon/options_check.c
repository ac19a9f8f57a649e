// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/daemon/options_check.h"
#include "fs/daemon/options_fleet.h"

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
		options->listen_text ? options->listen_text : OPTIONS_LISTEN;

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
		options->state = strdup(OPTIONS_ROOT_STATE);
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

/* The path is made absolute: the background has another directory. */
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

/* What stands before the mount point, as in fstab; NULL: nothing does. */
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

int options_check(struct options *options)
{
	int r = check_mountpoint(options);

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
		r = options_fleet_check(options);
	if (r < 0)
		return r;
	assert(options->mountpoint && options->host && options->state);
	assert(options->listen.kind != ADDRESS_OFF);
	return fuse_arguments(options);
}
