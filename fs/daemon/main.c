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
#include "fs/dir.h"
#include "fs/file_metrics.h"
#include "fs/handle.h"
#include "fs/listed.h"
#include "fs/node.h"
#include "fs/poller.h"
#include "fs/programs/programs.h"
#include "fs/remount.h"
#include "fs/session.h"
#include "fs/space.h"
#include "fs/version.h"
#include "fs/watch.h"

struct daemon {
	struct options options;
	uv_loop_t loop;
	struct fs fs;
	struct session session;
	struct fuse_session *fuse;
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

static bool changed(void *arg, struct anchor *anchor, const void *origin,
		    void (*told)(void *told_arg), void *told_arg)
{
	watch_changed(arg, anchor);
	poller_changed(arg, anchor);
	return listed_changed(arg, anchor, origin, told, told_arg);
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
		.seen = watch_seen,
		.seen_arg = &daemon->fs,
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
		.uid = daemon->fs.uid,
		.gid = daemon->fs.gid,
		.anchors_max = options->max_anchors,
		.records_max = options->max_records,
		.name_is_taken = kind_name_is_taken,
		.server = server_options_of(daemon),
		.presence_fd = daemon->presence_fd,
		.report = report,
		.changed = changed,
		.changed_arg = &daemon->fs,
	};
	int r = host_open(&daemon->fs.host, &daemon->loop, &host, &why);

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
	if (fuse_session_mount(daemon->fuse, place) != 0) {
		log_fuse(options->mountpoint);
		return -EIO;
	}
	r = session_start(&daemon->session, &daemon->loop, daemon->fuse, stop);
	if (r < 0)
		log_line(LOG_ERR, "%s: %s", options->mountpoint, strerror(-r));
	return r;
}

static int start(struct daemon *daemon)
{
	struct fs *fs = &daemon->fs;
	int r;

	kinds_check();
	fs->session = &daemon->session;
	for (enum share_kind kind = 0; kind < SHARE_KINDS; kind++)
		shares_set(&fs->shares, kind, daemon->options.shares[kind]);
	daemon->session.fs = fs;
	fs->started_ns = host_now_ns();
	fs->bind = &daemon->options.bind;
	daemon->fuse = fuse_session_new(&daemon->options.fuse, &fs_operations,
					sizeof(fs_operations), fs);
	if (!daemon->fuse) {
		log_fuse("cannot start, see -h");
		return -EIO;
	}
	if (!node_get(fs, &dir_root, NULL, NULL, 0))
		return -ENOMEM;
	r = catch_signals(daemon);
	if (r == 0)
		r = aside_new(&fs->aside, &daemon->loop);
	if (r == 0)
		r = open_host(daemon);
	if (r == 0)
		r = turns_start(fs);
	if (r == 0)
		r = listed_start(fs);
	if (r == 0)
		r = moments_start(fs, daemon->options.reader_age,
				  daemon->options.reader_spare);
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
	struct fs *fs = &daemon->fs;

	/* A client whose request is not answered sleeps for ever. */
	watch_end_all(fs);
	daemon->session.stopping = true;
	while (daemon->session.pending)
		uv_run(&daemon->loop, UV_RUN_ONCE);
	if (daemon->session.fuse) {
		daemon->mounted &= session_is_mounted(&daemon->session);
		session_stop(&daemon->session);
	}
	fs->aside = aside_free(fs->aside);
	handle_free_all(fs);
	dir_free_all(fs);
	file_metrics_end(fs);
	node_free_all(fs);
	turns_end(fs);
	programs_forget_all(fs);
	space_free(fs);
	shares_deinit(&fs->shares);
	fs->host = host_close(fs->host);
	uv_walk(&daemon->loop, close_handle, NULL);
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	uv_loop_close(&daemon->loop);
	if (daemon->presence_fd >= 0)
		close(daemon->presence_fd);
	if (daemon->fuse)
		fuse_session_destroy(daemon->fuse);
	log_end();
	mounter_end(&daemon->mounter, daemon->mounted);
	free(daemon->session.buffer.mem);
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

	daemon->fs.uid = geteuid();
	daemon->fs.gid = getegid();
	raise_file_limit();
	r = mounter_start(&daemon->mounter, options, ready);
	if (r == 0)
		r = make_state(options);
	if (r == 0)
		watch_addresses(daemon);
	return r == 0 ? rights_confine(&options->user, options->state) : r;
}

static void serve(struct daemon *daemon, int ready)
{
	struct host *host = daemon->fs.host;

	log_line(LOG_NOTICE, "serving %s on %s, nameservers: %zu of %zu",
		 daemon->options.host, daemon->options.mountpoint,
		 host->anchors, descriptors_servers_max(&host->descriptors));
	notify(daemon->fs.aside, "READY=1");
	if (ready >= 0)
		background_ready(ready);
	log_start();
	uv_run(&daemon->loop, UV_RUN_DEFAULT);
	log_line(LOG_NOTICE, "stopping %s: %s", daemon->options.host,
		 stop_signal ? strsignal(stop_signal) : "unmounted");
	notify(daemon->fs.aside, "STOPPING=1");
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
