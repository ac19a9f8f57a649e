/* SPDX-License-Identifier: Apache-2.0 */
/*
 * addr.h - writing an address: rebind, or off
 */
#ifndef FS_ADDR_H
#define FS_ADDR_H

#include "fs/fs.h"

typedef void addr_done(void *arg, int result); /* 0 or -errno */

/**
 * addr_write() - what was written to `addr`: one address, blanks around it
 *
 * A failure leaves the old address serving, and a line in `error`: -EINVAL,
 * -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -EBUSY, -ENODEV, ... Blanks alone do
 * nothing.
 */
void addr_write(struct anchor *anchor, const char *text, size_t len,
		addr_done *done, void *arg);

#endif
