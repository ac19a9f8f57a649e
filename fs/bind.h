/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bind.h - who may have which port
 *
 * A port below 1024 speaks for the machine, and the daemon can bind all of
 * them. So one is for root's requests, and for those of the user who started
 * the daemon, which may then be the kernel's to refuse. Others have those that
 * -o bind= lists, and the address of -o listen=, where the administrator has
 * put whatever is made without one. What a nameserver has, it keeps.
 *
 * The threshold is 1024, also where the kernel has another one
 * (net.ipv4.ip_unprivileged_port_start): a container has 0, and its ports are
 * still not everybody's.
 */
#ifndef FS_BIND_H
#define FS_BIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "dns/wire/address.h"

#define BIND_RESERVED 1024 /* the ports below it */

/* For `error`. */
#define BIND_REASON                                                            \
	"a port below 1024 is for root, and for those whom -o bind= lets "     \
	"have it; take one from 1024 on"

struct fs;

/* What -o bind= lists; all zero: nothing. */
struct bind {
	struct bind_range *ranges; /* owned */
	size_t count;
};

/**
 * bind_parse() - read the option: "53:853:1000-1023@alice"
 *
 * PORT or PORT-PORT, for everybody, or behind an "@" for one user, by name or
 * number; with colons between. Return: 0; -EINVAL, and the reason was logged;
 * -ENOMEM.
 */
int bind_parse(struct bind *out, const char *text);
void bind_deinit(struct bind *bind);

/**
 * bind_allows() - may @uid have a nameserver listen at @at?
 * @uid: who made the directory, opened `addr`, or renames over it
 */
bool bind_allows(const struct fs *fs, uid_t uid, const struct address *at);

#endif
