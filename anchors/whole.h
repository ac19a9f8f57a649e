/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whole.h - is all of LMDB's file there?
 *
 * LMDB reads its file through a map. Where the file has been cut short (a copy
 * that met a full disk, a filesystem that was repaired) a look behind its end
 * is no error, but a SIGBUS that ends the daemon. So it is looked at before,
 * with pread(2).
 *
 * A file may be shorter than its last page's number says, and whole: pages at
 * its end that were taken and freed again in one transaction are never
 * written, and LMDB reads none of them. So where it is shorter, the trees are
 * walked: all that they refer to must be there.
 *
 * Threading: none; the file must not change meanwhile.
 */
#ifndef ANCHORS_WHOLE_H
#define ANCHORS_WHOLE_H

/**
 * whole_check() - does the file have every page that it refers to?
 * @fd: the file, to be read
 *
 * Return: 0; -EINVAL: it is no file of LMDB's, or one that was begun and did
 * not get so far; -ENODATA: something is missing at its end; -EIO, -ENOMEM,
 * -errno.
 */
int whole_check(int fd);

#endif
