/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h - writing an address: rebind, or off
 */
#ifndef FS_ADDR_H
#define FS_ADDR_H

#include "fs/fs.h"

/* Whose right it is to have the address. */
struct addr_by {
	const struct fs *fs;
	uid_t uid;
};

/* What an open `addr` was given, and waits for its newline. All zero: none. */
struct addr_line {
	struct addr_by by;  /* who opened it */
	struct buffer text; /* owned */
	unsigned writes;
};

typedef void addr_done(void *arg, int result); /* 0 or -errno */

/**
 * addr_write() - what was written to `addr`: one address, blanks around it
 * @by: see bind_allows()
 *
 * A failure leaves the old address serving, and a line in `error`: -EINVAL,
 * -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EBUSY, -ENODEV, ... Blanks alone do
 * nothing.
 */
void addr_write(struct addr_by by, struct anchor *anchor, const char *text,
		size_t len, addr_done *done, void *arg);

/**
 * addr_line_write() - a piece of the line; addr_write() when it is whole
 *
 * Beyond addr_write(): -EINVAL, longer than any address; -ENOMEM.
 */
void addr_line_write(struct addr_line *line, struct anchor *anchor,
		     const char *text, size_t len, addr_done *done, void *arg);

/** addr_line_restart() - ftruncate(2) to 0: forget what waits */
void addr_line_restart(struct addr_line *line);

/**
 * addr_line_flush() - a close, as of `records`
 * @killed: see edit_flush()
 *
 * A line without a newline is taken if it came in the only write; else it is
 * -EINVAL, and dropped.
 */
void addr_line_flush(struct addr_line *line, struct anchor *anchor, bool killed,
		     addr_done *done, void *arg);

#endif
