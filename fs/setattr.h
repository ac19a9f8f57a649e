/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setattr.h - what the kinds of nodes share in setting attributes
 *
 * Threading: the main loop.
 */
#ifndef FS_SETATTR_H
#define FS_SETATTR_H

#include "fs/pending.h"

/**
 * setattr_reply() - answer with the attributes of pending->nodes[0], and free
 * @result: 0; else -errno, which is the answer
 */
void setattr_reply(struct pending *pending, int result);

/** setattr_done() - the same, as a nameserver calls back; @arg: the pending */
void setattr_done(void *arg, int result, const struct refusal *refusal);

/**
 * setattr_mtime() - the time that a setattr asks for, in ns since 1970
 * @was: if it asks for none
 */
int64_t setattr_mtime(const struct stat *attr, int to_set, int64_t was);

#endif
