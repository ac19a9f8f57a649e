// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fs/daemon/filter.h"
#include "fs/daemon/landlock.h"
#include "fs/daemon/log.h"
#include "fs/daemon/rights.h"

int rights_find_user(const char *name, struct rights_user *out)
{
	struct rights_user user = {.uid = geteuid(), .gid = getegid()};
	bool root = user.uid == 0;
	const struct passwd *found = NULL;

	if (name || root)
		found = getpwnam(name ? name : RIGHTS_USER);
	if (!name && !found) {
		*out = user;
		return 0;
	}
	if (!found) {
		log_line(LOG_ERR,
			 "user=%s: there is no such user; make it, or leave "
			 "the option out",
			 name);
		return -EINVAL;
	}
	if (!root && found->pw_uid != user.uid) {
		log_line(LOG_ERR,
			 "user=%s: only root can become another user; leave "
			 "the option out",
			 name);
		return -EINVAL;
	}
	user.uid = found->pw_uid;
	user.gid = found->pw_gid;
	user.name = strdup(found->pw_name);
	if (!user.name)
		return -ENOMEM;
	*out = user;
	return 0;
}

/*
 * In a user namespace that somebody without rights made, setgroups(2) is
 * denied for good: see user_namespaces(7). Its root has that user's groups,
 * as a daemon that the user starts without a namespace has them.
 */
static bool groups_are_fixed(void)
{
	char text[4] = "";
	int fd = open("/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	return len == sizeof(text) && memcmp(text, "deny", sizeof(text)) == 0;
}

int rights_keep(const struct rights_user *user, const unsigned *keep,
		size_t count)
{
	const capng_type_t ours = CAPNG_EFFECTIVE | CAPNG_PERMITTED;
	bool held[CAP_LAST_CAP + 1] = {false}, root = geteuid() == 0;
	capng_flags_t flags = CAPNG_NO_FLAG;
	int uid = -1, gid = -1;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (size_t i = 0; i < count; i++) {
		assert(keep[i] <= CAP_LAST_CAP);
		held[keep[i]] = capng_have_capability(CAPNG_PERMITTED, keep[i]);
	}
	/* No program is run with these, so what is left of it is no harm. */
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		flags |= CAPNG_CLEAR_BOUNDING;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) &&
	    !groups_are_fixed())
		flags |= CAPNG_DROP_SUPP_GRP;
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < count; i++)
		if (held[keep[i]])
			capng_update(CAPNG_ADD, ours, keep[i]);
	if (root && user) {
		uid = (int)user->uid;
		gid = (int)user->gid;
	}
	return capng_change_id(uid, gid, flags) == 0 ? 0 : -EPERM;
}

int rights_no_more(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int rights_confine(const struct rights_user *user, const char *state,
		   bool has_fleet)
{
	static const unsigned keep[] = {CAP_NET_BIND_SERVICE};
	int r = rights_keep(user, keep, ARRAY_SIZE(keep));

	if (r < 0) {
		log_line(LOG_ERR, "cannot give up root's rights, to run as %s",
			 user->name ? user->name : "the one who started it");
		return r;
	}
	r = rights_no_more();
	if (r == 0)
		r = landlock_confine(state, has_fleet);
	if (r == 0)
		r = filter_load();
	if (r < 0)
		log_line(LOG_ERR,
			 "cannot confine itself: %s; the kernel needs seccomp "
			 "filters",
			 strerror(-r));
	return r;
}
