/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - libuv's pool of threads, for what would hold the main loop
 */
#ifndef FS_POOL_H
#define FS_POOL_H

/**
 * pool_give_way() - to be called first on a thread of the pool
 *
 * What runs there keeps a core busy for as long as there is work: it shall
 * not be that of those who answer.
 */
void pool_give_way(void);

#endif
