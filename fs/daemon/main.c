// SPDX-License-Identifier: Apache-2.0
/*
 * main.c - start and stop
 *
 * Start: read the options, look at the mount point, leave the terminal, fork
 * the mounter, give up all rights, open the host (its nameservers answer from
 * here on), have it mounted, serve. Stop, on a signal or when somebody
 * unmounts: answer what was asked, close, have it unmounted.
 *
 * LMDB does not survive a fork, and rights belong to a thread: so all forks
 * come first, and the rights go before the first thread starts.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>

#include "anchors/presence.h"
#include "dns/answer/answer.h"
#include "fs/daemon/aside.h"
#include "fs/daemon/background.h"
#include "fs/daemon/mounter.h"
#include "fs/daemon/mountpoint.h"
#include "fs/daemon/notify.h"
#include "fs/daemon/options.h"
#include "fs/daemon/title.h"
#include "fs/fleet/fleet.h"
#include "fs/kind.h"
#include "fs/pool.h"
#include "fs/remount.h"
#include "fs/session.h"
#include "fs/version.h"
#include "fs/view.h"
#include "fs/watch.h"

struct daemon {
	struct options options;
	uv_loop_t loop;
	struct commons commons;
	struct fs *fs; /* the view of this machine's kernel; or NULL */
	struct mounter mounter;
	int presence_fd; /* or negative */
	bool mounted;
	uv_signal_t signals[3];
};

/* What stop() ends; session.c calls that without an argument. */
static uv_loop_t *running_loop;

static int stop_signal; /* why it ends; 0: somebody unmounted */

static void stop(void)
{
	assert(running_loop);
	uv_stop(running_loop);
}

static void on_signal(uv_signal_t *handle, int signum)
{
	(void)handle;
	stop_signal = signum;
	stop();
}

static int catch_signals(struct daemon *daemon)
{
	static const int signums[] = {SIGTERM, SIGINT, SIGHUP};
	int r = 0;

	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(signums); i++) {
		r = uv_signal_init(&daemon->loop, &daemon->signals[i]);
		if (r == 0)
			r = uv_signal_start(&daemon->signals[i], on_signal,
					    signums[i]);
	}
	return r;
}

/* Each nameserver takes two descriptors, and the soft limit is 1024. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void report(int priority, const char *line)
{
	log_line(priority, "%s", line);
}

static struct server_options server_options_of(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	bool has_rate = options->rrl != OPTIONS_RRL_DEFAULT;
	size_t nsid_len = options->nsid ? strlen(options->nsid) : 0;

	/* The options' bounds are such that nothing is cut here. */
	assert(nsid_len <= UINT8_MAX && options->edns_size <= UINT16_MAX);
	assert(!has_rate || options->rrl <= LIMITER_RATE_MAX);
	return (struct server_options){
		.workers = (unsigned)options->workers,
		.tcp_clients = (unsigned)options->tcp_clients,
		.tcp_idle_ms = options->tcp_idle * 1000,
		.rate = has_rate ? (unsigned)options->rrl : LIMITER_RATE,
		.rate_loopback = has_rate,
		.answer.edns_size = (uint16_t)options->edns_size,
		.answer.nsid = (const uint8_t *)options->nsid,
		.answer.nsid_len = (uint8_t)nsid_len,
		.transfers.spool_max = options->spool_size,
		.seen = watch_seen,
		.seen_arg = &daemon->commons,
	};
}

static int open_host(struct daemon *daemon)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	const struct options *options = &daemon->options;
	const struct host_options host = {
		.state = options->state,
		.name = options->host,
		.listen = options->listen,
		.uid = daemon->commons.uid,
		.gid = daemon->commons.gid,
		.anchors_max = options->max_anchors,
		.records_max = options->max_records,
		.is_of_fleet = options->fleet != NULL,
		.name_is_taken = kind_name_is_taken,
		.server = server_options_of(daemon),
		.presence_fd = daemon->presence_fd,
		.report = report,
		.changed = commons_changed,
		.status_changed = commons_status_changed,
		.changed_arg = &daemon->commons,
	};
	int r = host_open(&daemon->commons.host, &daemon->loop, &host, &why);

	if (r < 0)
		log_line(LOG_ERR, "%s",
			 why.len ? (char *)why.data : strerror(-r));
	return r;
}

static int mount_tree(struct daemon *daemon)
{
	struct options *options = &daemon->options;
	char place[32];
	int fd = -1, r = mounter_mount(&daemon->mounter, &fd);

	if (r < 0)
		return r;
	daemon->mounted = true;
	/* By a path of this form libfuse knows that it is mounted already. */
	snprintf(place, sizeof(place), "/dev/fd/%d", fd);
	if (fuse_session_mount(daemon->fs->session->fuse, place) != 0) {
		log_fuse(options->mountpoint);
		return -EIO;
	}
	r = session_start(daemon->fs->session, &daemon->loop, stop);
	if (r < 0)
		log_line(LOG_ERR, "%s: %s", options->mountpoint, strerror(-r));
	return r;
}

static int open_view(struct daemon *daemon)
{
	int r = view_open_own(&daemon->fs, &daemon->commons,
			      &daemon->options.fuse);

	if (r == -EIO)
		log_fuse("cannot start, see -h");
	return r;
}

static int join_fleet(struct daemon *daemon)
{
	const struct options *options = &daemon->options;
	const struct fleet_options fleet = {
		.urls = options->fleet,
		.credentials = options->fleet_creds_text,
		.ca = options->fleet_ca_text,
		.grants = &options->grants,
		.name = options->host,
		.report = report,
	};
	int r;

	if (!options->fleet)
		return 0;
	r = fleet_start(&daemon->commons.fleet, &daemon->commons,
			daemon->fs->session, &fleet);
	if (r < 0)
		log_line(LOG_ERR, "%s: %s", options->fleet, strerror(-r));
	return r;
}

static int start(struct daemon *daemon)
{
	struct commons *commons = &daemon->commons;
	const struct options *options = &daemon->options;
	int r;

	kinds_check();
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
		shares_set(&commons->shares, kind, options->shares[kind]);
	commons->bind = &options->bind;
	commons->others_change =
		options->fleet && grants_let_change(&options->grants);
	r = catch_signals(daemon);
	if (r == 0)
		r = aside_new(&commons->aside, &daemon->loop);
	if (r == 0)
		r = pool_new(&commons->pool, &daemon->loop);
	if (r == 0)
		r = open_host(daemon);
	if (r == 0)
		r = commons_start(commons, options->reader_age,
				  options->reader_spare);
	if (r == 0)
		r = open_view(daemon);
	if (r == 0)
		r = join_fleet(daemon);
	return r < 0 ? r : mount_tree(daemon);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void finish(struct daemon *daemon)
{
	struct commons *commons = &daemon->commons;

	fleet_end(commons->fleet);
	if (daemon->fs) {
		daemon->mounted &= session_is_mounted(daemon->fs->session);
		view_close(steal(&daemon->fs), NULL, NULL);
	}
	while (commons->views)
		uv_run(&daemon->loop, UV_RUN_ONCE);
	commons->aside = aside_free(commons->aside);
	commons->pool = pool_free(commons->pool);
	commons_end(commons);
	commons->host = host_close(commons->host);
	uv_walk(&daemon->loop, close_handle, NULL);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	uv_loop_close(&daemon->loop);
	if (daemon->presence_fd >= 0)
		close(daemon->presence_fd);
	log_end();
	mounter_end(&daemon->mounter, daemon->mounted);
}

static int make_state(const struct options *options)
{
	CLEANUP(buffer_deinit) struct buffer why = {0};
	int r;

	if (geteuid() == 0)
		r = store_give(options->state, options->user.uid,
			       options->user.gid, options->user.name, &why);
	else
		r = store_make(options->state, &why);
	if (r < 0)
		log_line(LOG_ERR, "%s",
			 why.len ? (char *)why.data : strerror(-r));
	return r;
}

/* A daemon that cannot watch them serves all the same. */
static void watch_addresses(struct daemon *daemon)
{
	daemon->presence_fd = presence_open();
	if (daemon->presence_fd < 0)
		log_line(LOG_WARNING,
			 "cannot see when an address goes or comes: %s; are "
			 "netlink sockets allowed?",
			 strerror(-daemon->presence_fd));
}

/* When it returns 0, the process can do no more than what serving takes. */
static int give_up_rights(struct daemon *daemon, int ready)
{
	const struct options *options = &daemon->options;
	int r;

	daemon->commons.uid = geteuid();
	daemon->commons.gid = getegid();
	raise_file_limit();
	r = mounter_start(&daemon->mounter, options, ready);
	if (r == 0)
		r = make_state(options);
	if (r == 0)
		watch_addresses(daemon);
	return r == 0 ? rights_confine(&options->user, options->state,
				       options->fleet != NULL)
		      : r;
}

static void serve(struct daemon *daemon, int ready)
{
	struct host *host = daemon->commons.host;

	log_line(LOG_NOTICE, "serving %s on %s, nameservers: %zu of %zu",
		 daemon->options.host, daemon->options.mountpoint,
		 host->anchors, descriptors_servers_max(&host->descriptors));
	notify(daemon->commons.aside, "READY=1");
	if (ready >= 0)
		background_ready(ready);
	log_start();
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	log_line(LOG_NOTICE, "stopping %s: %s", daemon->options.host,
		 stop_signal ? strsignal(stop_signal) : "unmounted");
	notify(daemon->commons.aside, "STOPPING=1");
}

/* Octets of free memory that a thread keeps for the next text. */
#define KEPT_MEMORY ((size_t)1024 * 1024)

/*
 * From 128 KiB on glibc gives back to the kernel what is free, and each page of
 * it has to be got again: 5 % of the time that 2,000 records take. It keeps
 * twice as much as the largest piece that was freed (mallopt(3),
 * M_MMAP_THRESHOLD), as it would after the first larger text anyhow.
 */
static void keep_memory(void)
{
	void *volatile piece = malloc(KEPT_MEMORY / 2);

	free(piece);
}

static int run(struct daemon *daemon)
{
	struct options *options = &daemon->options;
	int ready = -1, r = 0;

	/* In another namespace only the mounter can look at it. */
	if (!options->mount_ns)
		r = mountpoint_prepare(&options->mountpoint);
	if (r < 0)
		return r;
	if (!options->foreground) {
		ready = background_enter();
		if (ready < 0) {
			log_line(LOG_ERR, "cannot go into the background: %s",
				 strerror(-ready));
			return ready;
		}
	}
	r = give_up_rights(daemon, ready);
	if (r == 0)
		r = uv_loop_init(&daemon->loop);
	if (r < 0) {
		mounter_end(&daemon->mounter, false);
		return r;
	}
	running_loop = &daemon->loop;
	keep_memory();
	r = start(daemon);
	if (r == 0)
		serve(daemon, ready);
	finish(daemon);
	return r;
}

int main(int argc, char **argv)
{
	static struct daemon daemon;
	int r;

	title_keep(argc, argv);
	log_open();
	log_catch_fuse();
	r = options_parse(&daemon.options, argc, argv);
	if (r == 0 && daemon.options.help)
		options_usage();
	else if (r == 0 && daemon.options.version)
		printf("circuitfs %s (libfuse %s, libuv %s)\n", VERSION,
		       fuse_pkgversion(), uv_version_string());
	else if (r == 0 && daemon.options.remount)
		r = remount(&daemon.options);
	else if (r == 0)
		r = run(&daemon);
	options_deinit(&daemon.options);
	return r < 0 ? 1 : 0;
}
