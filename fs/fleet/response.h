/* SPDX-License-Identifier: Apache-2.0 */
/*
 * response.h - a response of FUSE's, checked and with numbers of this host
 *
 * A response that comes from another host is handed to the kernel only if it
 * is one to the request: the length, errnos of 1 to 511, attributes of kinds
 * that there are here, names without "/". ENOSYS becomes EOPNOTSUPP, for the
 * kernel remembers ENOSYS of an opcode for as long as the mount lasts; any
 * other errno out of range is EIO.
 *
 * Both sides walk it: the owner to put its numbers of nodes and open files in
 * place of what libfuse gave, the requester to put its own.
 *
 * Threading: no state; any thread.
 */
#ifndef FS_FLEET_RESPONSE_H
#define FS_FLEET_RESPONSE_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/fleet/wire.h"

/*
 * Octets of a name in a listing: what all kernels take. An entry of names/ may
 * be longer than NAME_MAX, for it is text of a domain name, with escapes.
 */
#define RESPONSE_NAME_MAX 1024

/* Pointers are into the response. */
struct response {
	struct fuse_out_header *head;
	/* Of LOOKUP, MKDIR, CREATE ...; or NULL. Its nodeid is 0 if LOOKUP says
	 * that there is none, and then all else is. */
	struct fuse_entry_out *entry;
	struct fuse_attr *attr;	    /* entry's, or GETATTR's; or NULL */
	struct fuse_open_out *open; /* of OPEN, OPENDIR, CREATE; or NULL */
	/* Of OPEN and OPENDIR, if that was asked for; or NULL. It is no part of
	 * the body. */
	struct wire_ahead *ahead;
	void *body;
	size_t body_len;
};

/**
 * response_take() - check the response to a request of @opcode
 * @max: the request's response_max
 * @octets: aligned as malloc()'s
 *
 * A wrong errno is put right in place, and what no peer has a say in is
 * cleared. Of an error there is the head alone, and all pointers to more are
 * NULL. Return: 0; -EPROTO: it is none.
 */
int response_take(struct response *out, uint32_t opcode, size_t max,
		  void *octets, size_t len);

/*
 * An entry of a directory; @entry is NULL in a plain READDIR, and its nodeid is
 * 0 where the kernel has to look the name up; it is so for "." and "..". The
 * name is not terminated. What it changes is changed in the response; return 0,
 * or -errno to stop with.
 */
typedef int response_entry(void *arg, struct fuse_entry_out *entry,
			   struct fuse_dirent *dirent);

/**
 * response_walk() - each entry of a READDIR or READDIRPLUS that was taken
 * Return: 0; what @each returned.
 */
int response_walk(const struct response *response, uint32_t opcode,
		  response_entry *each, void *arg);

/** response_ahead() - of an OPENDIR with something ahead: a READDIRPLUS of that
 */
struct response response_ahead(const struct response *response);

/**
 * response_ino() - st_ino of a file of another host's
 * @uuid: the owner's; @ino: there
 *
 * Ids begin at the same number on every host; these differ. Never 0 or 1. What
 * is in one directory there has the same order here: see fs/attr.c.
 */
uint64_t response_ino(const uint8_t uuid[16], uint64_t ino);

#endif
