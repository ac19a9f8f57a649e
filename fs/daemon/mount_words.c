// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/mount.h>

#include "dns/wire/util.h"
#include "fs/daemon/mount_words.h"

/* mount(8) and fstab(5) have these for any filesystem. */
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
	/* There are no times of access here. libfuse 3.17 lost "atime". */
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
	/* The tree always has the safe one of each pair. */
	{"suid", 0, 0, true},
	{"nosuid", 0, 0, true},
	{"dev", 0, 0, true},
	{"nodev", 0, 0, true},
	{"exec", 0, 0, true},
	{"noexec", 0, 0, true},
	/* Nothing in the tree is changed by these. */
	{"iversion", 0, 0, false},
	{"noiversion", 0, 0, false},
	{"nomand", 0, 0, false},
	{"symfollow", 0, 0, false},
	{"nosymfollow", 0, 0, false},
	{"silent", 0, 0, false},
	{"loud", 0, 0, false},
	/* These are for mount(8), which does not keep all to itself. */
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

/* Each mount of ours has these, so mount(8) gives them at a remount. */
static const char *const of_each[] = {
	"fsname=",   "subtype=", "user_id=",
	"group_id=", "blksize=", "default_permissions",
};

/* libfuse would take these; the reason says what would come of it. */
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

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

bool mount_words_take(const char *arg, unsigned long *flags, bool *is_mounts)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(arg, words[i].name))
			continue;
		*flags &= ~words[i].clear;
		*flags |= words[i].set;
		*is_mounts = words[i].is_mounts;
		return true;
	}
	*is_mounts = false;
	return begins(arg, "x-") || begins(arg, "X-") ||
	       begins(arg, "comment=");
}

bool mount_words_are_of_each(const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(of_each); i++)
		if (begins(arg, of_each[i]))
			return true;
	return false;
}

const char *mount_words_refused(const char *arg)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const char *name = refused[i].name;

		if (name[strlen(name) - 1] == '=' ? begins(arg, name)
						  : !strcmp(arg, name))
			return refused[i].reason;
	}
	return NULL;
}
