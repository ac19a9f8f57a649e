// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>

#include "fs/daemon/options_fleet.h"
#include "fs/fleet/bus_urls.h"
#include "fs/fleet/credentials.h"

/* Of each host that no row is for. */
#define ALLOW_DEFAULT "*:read"

static int refuse(const char *option, const char *value, const char *reason)
{
	log_line(LOG_ERR, "%s=%s: %s", option, value, reason);
	return -EINVAL;
}

static int refuse_part(const char *option, const char *part, size_t len,
		       const char *reason)
{
	log_line(LOG_ERR, "%s=: '%.*s': %s", option, (int)len, part, reason);
	return -EINVAL;
}

/* ---- Files ---- */

static int refuse_file(const char *option, const char *path, int error)
{
	log_line(LOG_ERR, "%s=%s: %s; give a file that can be read", option,
		 path, strerror(error));
	return -EINVAL;
}

/* A pipe would be waited for, and so is no file. */
static int look_at(int fd, const char *option, const char *path,
		   struct stat *st)
{
	if (fstat(fd, st) < 0)
		return refuse_file(option, path, errno);
	if (!S_ISREG(st->st_mode))
		return refuse(option, path, "this is no plain file; give one");
	if (st->st_size > (off_t)OPTIONS_FLEET_FILE_MAX)
		return refuse(option, path,
			      "it has more than 64 KiB; give a smaller one");
	return 0;
}

static int read_whole(int fd, char *out, size_t len)
{
	size_t at = 0;
	ssize_t got;

	while (at < len && (got = read(fd, out + at, len - at)) != 0) {
		if (got < 0 && errno != EINTR)
			return -errno;
		at += got > 0 ? (size_t)got : 0;
	}
	out[at] = 0;
	return 0;
}

static int read_file(const char *option, const char *path, char **out,
		     bool *is_open)
{
	CLEANUP(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CLEANUP(freep) char *text = NULL;
	struct stat st;
	int r;

	if (fd < 0)
		return refuse_file(option, path, errno);
	r = look_at(fd, option, path, &st);
	if (r < 0)
		return r;
	text = malloc((size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	r = read_whole(fd, text, (size_t)st.st_size);
	if (r < 0)
		return refuse_file(option, path, -r);
	*out = steal(&text);
	*is_open = st.st_mode & S_IROTH;
	return 0;
}

static int take_credentials(struct options *options)
{
	struct credentials credentials = {0};
	const char *path = options->fleet_creds;
	bool is_open;
	int r;

	if (!path)
		return 0;
	r = read_file("fleet-creds", path, &options->fleet_creds_text,
		      &is_open);
	if (r < 0)
		return r;
	r = credentials_parse(&credentials, options->fleet_creds_text);
	if (r == -EINVAL)
		return refuse("fleet-creds", path,
			      "no credentials of a host are in it; give the "
			      "file that was made for it");
	credentials_deinit(&credentials);
	if (r == 0 && is_open)
		log_line(LOG_WARNING,
			 "fleet-creds=%s: everybody can read it, and be this "
			 "host; chmod 600 is better",
			 path);
	return r;
}

static int take_ca(struct options *options)
{
	bool is_open;
	int r;

	if (!options->fleet_ca)
		return 0;
	r = read_file("fleet-ca", options->fleet_ca, &options->fleet_ca_text,
		      &is_open);
	if (r < 0)
		return r;
	if (strstr(options->fleet_ca_text, "-----BEGIN CERTIFICATE-----"))
		return 0;
	return refuse("fleet-ca", options->fleet_ca,
		      "no certificate is in it; give it as PEM has it");
}

/* ---- Texts ---- */

static int check_urls(const char *text)
{
	struct bus_urls urls;
	const char *bad;
	size_t len;
	int r = bus_urls_parse(&urls, text, &bad, &len);

	if (r == -E2BIG)
		return refuse_part("fleet", bad, len, "give at most 16");
	if (r < 0)
		return refuse_part("fleet", bad, len,
				   "give nats://HOST:PORT or tls://HOST:PORT, "
				   "and a + between two");
	return 0;
}

static int check_name(const char *host)
{
	if (wire_name_is_good(host))
		return 0;
	return refuse("host", host,
		      "in a fleet a name has a-z, 0-9 and -, 63 at most; give "
		      "another one");
}

static int take_grants(struct options *options)
{
	const char *text =
		options->fleet_allow ? options->fleet_allow : ALLOW_DEFAULT;
	const char *bad;
	size_t len;
	int r = grants_parse(&options->grants, text, &bad, &len);

	if (r != -EINVAL)
		return r;
	return refuse_part("fleet-allow", bad, len,
			   "give HOST:none, read, write or admin, or * for any "
			   "host, and a + between two");
}

/* They would be forgotten in silence. */
static int check_alone(const struct options *options)
{
	if (options->fleet_creds)
		return refuse("fleet-creds", options->fleet_creds,
			      "give fleet=, too");
	if (options->fleet_ca)
		return refuse("fleet-ca", options->fleet_ca,
			      "give fleet=, too");
	if (options->fleet_allow)
		return refuse("fleet-allow", options->fleet_allow,
			      "give fleet=, too");
	return 0;
}

int options_fleet_check(struct options *options)
{
	int r;

	if (!options->fleet)
		return check_alone(options);
	if (!bus_is_built())
		return refuse("fleet", options->fleet,
			      "this circuitfs was built without libnats; give "
			      "another one");
	r = check_urls(options->fleet);
	if (r == 0)
		r = check_name(options->host);
	if (r == 0)
		r = take_grants(options);
	if (r == 0)
		r = take_credentials(options);
	return r == 0 ? take_ca(options) : r;
}

void options_fleet_deinit(struct options *options)
{
	if (options->fleet_creds_text)
		sodium_memzero(options->fleet_creds_text,
			       strlen(options->fleet_creds_text));
	free(options->fleet_creds_text);
	free(options->fleet_ca_text);
	free(options->fleet);
	free(options->fleet_creds);
	free(options->fleet_ca);
	free(options->fleet_allow);
	grants_deinit(&options->grants);
}
