// SPDX-License-Identifier: Apache-2.0
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/background.h"
#include "fs/mounter.h"
#include "fs/mountpoint.h"
#include "fs/rights.h"

enum word {
	WORD_MOUNT = 'm',
	WORD_DETACH = 'd',
};

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

/* The result; -EPIPE: there is no mounter any more. */
static int receive_result(int fd, int *fuse_fd)
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

static int ask(const struct mounter *mounter, enum word word, int *fuse_fd)
{
	char octet = (char)word;

	if (send(mounter->fd, &octet, 1, MSG_NOSIGNAL) < 0)
		return -errno;
	return receive_result(mounter->fd, fuse_fd);
}

/* ---- The mounter's own process ---- */

/* Out of a sandbox's mounts, which nobody else would see. */
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

/* Another user has fusermount3, which is setuid root, to do it. */
static int keep_mounting_only(void)
{
	/* The second for a mount point behind somebody's private directory. */
	static const unsigned keep[] = {CAP_SYS_ADMIN, CAP_DAC_READ_SEARCH};
	int r;

	if (geteuid() != 0)
		return 0;
	r = rights_keep(NULL, keep, ARRAY_SIZE(keep));
	if (r == 0)
		r = rights_no_more();
	if (r < 0)
		log_line(LOG_ERR,
			 "cannot give up root's rights, but for mounting");
	return r;
}

static int prepare(struct options *options)
{
	int r = 0;

	if (options->mount_ns)
		r = enter_namespace(options->mount_ns);
	if (r == 0 && options->mount_ns)
		r = mountpoint_prepare(&options->mountpoint);
	return r == 0 ? keep_mounting_only() : r;
}

/* The session's descriptor, or -errno. */
static int mount_tree(struct options *options)
{
	static const struct fuse_lowlevel_ops none;
	struct fuse_session *session =
		fuse_session_new(&options->fuse, &none, sizeof(none), NULL);

	if (session && fuse_session_mount(session, options->mountpoint) == 0)
		return fuse_session_fd(session);
	log_fuse(session ? options->mountpoint : "cannot start, see -h");
	return -EIO;
}

static int hand_over(int fd, struct options *options)
{
	int fuse_fd = mount_tree(options), r;

	r = send_result(fd, fuse_fd < 0 ? fuse_fd : 0, fuse_fd);
	/* Kept here, it would let clients of a dead daemon wait for ever. */
	if (fuse_fd >= 0)
		close(fuse_fd);
	background_silence();
	return r;
}

static void serve(int fd, struct options *options)
{
	char word;
	int r = prepare(options);

	if (send_result(fd, r, -1) < 0 || r < 0)
		return;
	while (recv(fd, &word, 1, 0) == 1) {
		if (word == WORD_MOUNT)
			r = hand_over(fd, options);
		else
			r = send_result(
				fd, mountpoint_detach(options->mountpoint), -1);
		if (r < 0 || word == WORD_DETACH)
			return;
	}
}

/* They are for the daemon, which then says what to do. */
static void ignore_signals(void)
{
	static const int signums[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT,
				      SIGPIPE};

	for (size_t i = 0; i < ARRAY_SIZE(signums); i++)
		signal(signums[i], SIG_IGN);
}

/* ---- The daemon's side ---- */

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
		ignore_signals();
		serve(ends[1], &mine);
		_exit(0);
	}
	close(ends[1]);
	*out = (struct mounter){.fd = ends[0], .pid = pid};
	r = receive_result(out->fd, NULL);
	if (r < 0)
		mounter_end(out, false);
	return r;
}

int mounter_mount(struct mounter *mounter, int *fuse_fd)
{
	return ask(mounter, WORD_MOUNT, fuse_fd);
}

void mounter_end(struct mounter *mounter, bool mounted)
{
	int r;

	if (!mounter->pid)
		return;
	r = mounted ? ask(mounter, WORD_DETACH, NULL) : 0;
	if (r < 0)
		log_line(LOG_ERR, "cannot unmount: %s; try umount -l",
			 strerror(-r));
	close(mounter->fd);
	while (waitpid(mounter->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*mounter = (struct mounter){.fd = -1};
}
