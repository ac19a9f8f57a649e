/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rights.h - what a process of ours may do, taken away step by step
 *
 * Capabilities, no_new_privs, Landlock and the filter of system calls belong to
 * a thread, and a new thread inherits them: all of this is called before there
 * is a second one.
 */
#ifndef FS_RIGHTS_H
#define FS_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Whom root's daemon becomes where -o user= says nothing and there is one. */
#define RIGHTS_USER "circuitfs"

struct rights_user {
	uid_t uid;
	gid_t gid;
	char *name; /* NULL: it stays who started it */
};

/**
 * rights_find_user() - whom the daemon shall become
 * @name: as given; NULL: RIGHTS_USER for root where there is one, else nobody
 *        new
 *
 * Return: 0; -EINVAL, and the reason was logged; -ENOMEM.
 */
int rights_find_user(const char *name, struct rights_user *out);

/**
 * rights_keep() - become @user, and keep no capability but these
 * @user: NULL: the ids stay as they are
 * @keep: capabilities of <linux/capability.h>; what is not held is not kept
 *
 * Root's supplementary groups go, and so does the bounding set. Return: 0;
 * -EPERM.
 */
int rights_keep(const struct rights_user *user, const unsigned *keep,
		size_t count);

/** rights_no_more() - no program run from here on gets more: 0, -errno */
int rights_no_more(void);

/**
 * rights_confine() - the daemon's: become @user, able to bind low ports only,
 * to reach the files of landlock.h, and to make the system calls of filter.h
 * @state: the state directory
 * @has_fleet: it connects to other hosts
 *
 * Return: 0; -errno, and the reason was logged.
 */
int rights_confine(const struct rights_user *user, const char *state,
		   bool has_fleet);

#endif
