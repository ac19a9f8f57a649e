// SPDX-License-Identifier: Apache-2.0
/*
 * remote_kernel.c - what our kernel is told, beside libfuse
 *
 * libfuse has not seen these requests, so it has nothing to answer them with.
 */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "fs/fleet/remote_layout.h"
#include "fs/session.h"

static int tell(struct session *session, uint64_t unique, int error,
		const void *body, size_t len)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + len),
		.error = error,
		.unique = unique,
	};
	struct iovec pieces[] = {
		{&head, sizeof(head)},
		{(void *)body, len},
	};
	ssize_t r;

	do {
		r = writev(fuse_session_fd(session->fuse), pieces, len ? 2 : 1);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/*
 * Whoever has asked would wait for ever. EIO is short, and all that is left to
 * say: what the answer was about is given back by now. The oldest makes room,
 * of which so many later ones were not taken either.
 */
static void owe(struct remotes *remotes, uint64_t unique)
{
	if (remotes->owed_count == REMOTE_OWED_MAX)
		memmove(remotes->owed, remotes->owed + 1,
			--remotes->owed_count * sizeof(remotes->owed[0]));
	remotes->owed[remotes->owed_count++] = unique;
}

void remote_kernel_tick(struct remotes *remotes)
{
	unsigned count = remotes->owed_count;

	remotes->owed_count = 0;
	for (unsigned i = 0; i < count; i++)
		remote_kernel_answer(remotes->fleet->session, remotes->owed[i],
				     -EIO, NULL, 0);
}

int remote_kernel_answer(struct session *session, uint64_t unique, int error,
			 const void *body, size_t len)
{
	struct fleet *fleet = session->fs->commons->fleet;
	int r = tell(session, unique, error, body, len);

	/* It believes ENOSYS of an opcode for as long as the mount lasts; but
	 * what this host itself does not know is answered in remote_take.c. */
	assert(error <= 0 && (!error || !len));
	if (r == -ENOMEM && fleet && fleet->remotes)
		owe(fleet->remotes, unique);
	return r;
}

void remote_kernel_forget_attr(struct session *session, uint64_t node)
{
	const struct fuse_notify_inval_inode_out out = {
		.ino = node,
		.off = -1, /* no contents: it has none (FOPEN_DIRECT_IO) */
	};

	tell(session, 0, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out));
}

void remote_kernel_wake(struct session *session, uint64_t kh)
{
	const struct fuse_notify_poll_wakeup_out out = {.kh = kh};

	tell(session, 0, FUSE_NOTIFY_POLL, &out, sizeof(out));
}
