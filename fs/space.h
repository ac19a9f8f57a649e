/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space.h - statfs(2): the space is that of the state directory
 *
 * A disk that is dead does not answer. So it is asked aside, for all who want
 * to know at once, and who waits for too long gets what was so last.
 *
 * Threading: the main loop.
 */
#ifndef FS_SPACE_H
#define FS_SPACE_H

#include "fs/fs.h"

/** space_reply() - answer a statfs(2), now or later: EIO, ENOMEM */
void space_reply(fuse_req_t req);

/** space_free() - at the end */
void space_free(struct commons *commons);

#endif
