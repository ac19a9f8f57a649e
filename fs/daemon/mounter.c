// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/daemon/background.h"
#include "fs/daemon/filter.h"
#include "fs/daemon/mounter.h"
#include "fs/daemon/mountpoint.h"
#include "fs/daemon/rights.h"
#include "fs/daemon/title.h"

enum word {
	WORD_MOUNT = 'm',
	WORD_DETACH = 'd',
};

/*
 * How long the daemon waits for it: to look at the mount point and to mount,
 * perhaps by fusermount3; and at its end, which must come.
 */
#define START_MS 60000
#define END_MS	 5000

/* ---- Messages: a word there, a result and perhaps a descriptor back ---- */

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(sizeof(int))];
};

static int send_result(int fd, int result, int fuse_fd)
{
	union control control = {0};
	struct iovec data = {&result, sizeof(result)};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	struct cmsghdr *header;

	assert(result <= 0 && (result == 0 || fuse_fd < 0));
	if (fuse_fd >= 0) {
		message.msg_control = control.octets;
		message.msg_controllen = sizeof(control.octets);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(fuse_fd));
		memcpy(CMSG_DATA(header), &fuse_fd, sizeof(fuse_fd));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Return: whether within @ms there was something to read, or the end. */
static bool answers(int fd, int ms)
{
	struct pollfd answer = {.fd = fd, .events = POLLIN};
	int r;

	do
		r = poll(&answer, 1, ms);
	while (r < 0 && errno == EINTR);
	return r > 0;
}

/* The result; -EPIPE: there is no mounter any more; -ETIMEDOUT. */
static int receive_result(int fd, int *fuse_fd, int ms)
{
	union control control = {0};
	int result;
	struct iovec data = {&result, sizeof(result)};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.octets,
		.msg_controllen = sizeof(control.octets),
	};
	struct cmsghdr *header;
	ssize_t len;

	if (!answers(fd, ms))
		return -ETIMEDOUT;
	do
		len = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len != sizeof(result))
		return -EPIPE;
	header = CMSG_FIRSTHDR(&message);
	if (fuse_fd && header && header->cmsg_type == SCM_RIGHTS)
		memcpy(fuse_fd, CMSG_DATA(header), sizeof(*fuse_fd));
	return result;
}

static int ask(const struct mounter *mounter, enum word word, int *fuse_fd,
	       int ms)
{
	char octet = (char)word;

	assert(word == WORD_MOUNT || !fuse_fd);
	assert(mounter->pid && mounter->fd >= 0);
	if (send(mounter->fd, &octet, 1, MSG_NOSIGNAL) < 0)
		return -errno;
	return receive_result(mounter->fd, fuse_fd, ms);
}

/* ---- The mounter's own process ---- */

/* A mount in the namespace of a sandbox would be seen by nobody else. */
static int enter_namespace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;

	r = fd < 0 || setns(fd, CLONE_NEWNS) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (r < 0)
		log_line(LOG_ERR, "mount-ns=%s: %s", path, strerror(-r));
	return r;
}

/*
 * Another user has fusermount3, which is setuid root, to do it; it would not be
 * with no_new_privs, and a filter takes that.
 */
static int keep_mounting_only(void)
{
	/* The second is for a mount point behind a private directory. */
	static const unsigned keep[] = {CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH};
	int r;

	if (geteuid() != 0)
		return 0;
	r = rights_keep(NULL, keep, ARRAY_SIZE(keep));
	if (r == 0)
		r = rights_no_more();
	if (r == 0)
		r = filter_load_mounter(false);
	if (r < 0)
		log_line(LOG_ERR,
			 "cannot give up root's rights, but for mounting");
	return r;
}

/* The session that is mounted later is made of the command line alone. */
static int prepare(struct options *options, struct fuse_session **out)
{
	static const struct fuse_lowlevel_ops none;
	int r = 0;

	if (options->mount_ns)
		r = enter_namespace(options->mount_ns);
	if (r == 0 && options->mount_ns)
		r = mountpoint_prepare(&options->mountpoint);
	if (r < 0)
		return r;
	*out = fuse_session_new(&options->fuse, &none, sizeof(none), NULL);
	if (!*out) {
		log_fuse("cannot start, see -h");
		return -EINVAL;
	}
	return keep_mounting_only();
}

/* The session's descriptor, or -errno. */
static int mount_tree(struct fuse_session *session, const char *mountpoint)
{
	/*
	 * libfuse looks at the mount point; one whose daemon does not answer
	 * would hold us for ever.
	 */
	if (!mountpoint_is_free(mountpoint)) {
		log_line(LOG_ERR, "%s: is mounted on meanwhile", mountpoint);
		return -EBUSY;
	}
	if (fuse_session_mount(session, mountpoint) == 0)
		return fuse_session_fd(session);
	log_fuse(mountpoint);
	return -EIO;
}

/* Return: 0: it is mounted, and the daemon knows; -errno: it is not. */
static int hand_over(int fd, struct fuse_session *session,
		     const char *mountpoint)
{
	int fuse_fd = mount_tree(session, mountpoint), r = 0;

	background_silence();
	if (fuse_fd < 0) {
		send_result(fd, fuse_fd, -1);
		return fuse_fd;
	}
	if (geteuid() == 0)
		r = filter_load_mounter(true);
	if (r == 0)
		r = send_result(fd, 0, fuse_fd);
	/* A copy here would let clients of a dead daemon wait for ever. */
	close(fuse_fd);
	if (r < 0)
		mountpoint_detach(mountpoint);
	return r;
}

/*
 * It mounts once, and detaches what it has mounted: somebody inside the daemon
 * has no other mount of it. What the tree is asked from here on is the daemon's
 * to answer, who may be waiting for us: nothing below looks at it.
 */
static void serve(int fd, struct options *options)
{
	struct fuse_session *session = NULL;
	bool mounted = false;
	char word;
	int r = prepare(options, &session);

	if (send_result(fd, r, -1) < 0 || r < 0)
		return;
	while (recv(fd, &word, 1, 0) == 1) {
		if (word == WORD_MOUNT && session) {
			if (hand_over(fd, steal(&session),
				      options->mountpoint) < 0)
				return;
			mounted = true;
		} else if (word == WORD_DETACH && mounted) {
			send_result(fd, mountpoint_detach(options->mountpoint),
				    -1);
			return;
		} else if (send_result(fd, -EPERM, -1) < 0) {
			return;
		}
	}
}

/*
 * A terminal and a service manager send signals to both processes. They are
 * the daemon's, which then tells the mounter what to do.
 */
static void ignore_signals(void)
{
	static const int signums[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT,
				      SIGPIPE};

	for (size_t i = 0; i < ARRAY_SIZE(signums); i++)
		signal(signums[i], SIG_IGN);
}

/* ---- The daemon's side ---- */

/* A mounter that has ended, or hangs, could not log that itself. */
static void log_silent(int r)
{
	if (r == -EPIPE || r == -ETIMEDOUT)
		log_line(LOG_ERR, "cannot mount: the mounter %s",
			 r == -EPIPE ? "has ended" : "does not answer");
}

int mounter_start(struct mounter *out, const struct options *options,
		  int close_fd)
{
	struct options mine = *options;
	int ends[2], r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		close(ends[0]);
		if (close_fd >= 0)
			close(close_fd);
		prctl(PR_SET_NAME, "circuitfs-mount");
		title_set("circuitfs: mounter of %s", mine.mountpoint);
		/* A daemon of the same user may have been taken over. */
		prctl(PR_SET_DUMPABLE, 0);
		ignore_signals();
		serve(ends[1], &mine);
		_exit(0);
	}
	close(ends[1]);
	*out = (struct mounter){.fd = ends[0], .pid = pid};
	r = receive_result(out->fd, NULL, START_MS);
	log_silent(r);
	if (r < 0)
		mounter_end(out, false);
	return r;
}

int mounter_mount(struct mounter *mounter, int *fuse_fd)
{
	int r = ask(mounter, WORD_MOUNT, fuse_fd, START_MS);

	log_silent(r);
	return r;
}

/*
 * The mounter goes when it was told to, and when the socket is shut. One that
 * hangs is left behind: it must not keep the daemon.
 */
static void wait_for_its_end(const struct mounter *mounter)
{
	shutdown(mounter->fd, SHUT_WR);
	if (!answers(mounter->fd, END_MS)) {
		log_line(LOG_ERR, "the mounter, process %d, does not end",
			 (int)mounter->pid);
		return;
	}
	while (waitpid(mounter->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

void mounter_end(struct mounter *mounter, bool mounted)
{
	int r;

	if (!mounter->pid)
		return;
	r = mounted ? ask(mounter, WORD_DETACH, NULL, END_MS) : 0;
	if (r < 0)
		log_line(LOG_ERR, "cannot unmount: %s; try umount -l",
			 strerror(-r));
	if (r != -ETIMEDOUT)
		wait_for_its_end(mounter);
	close(mounter->fd);
	*mounter = (struct mounter){.fd = -1};
}
