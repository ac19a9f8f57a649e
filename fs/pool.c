// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fs/pool.h"

#define POOL_NICE 10

void pool_give_way(void)
{
	static _Thread_local bool gives_way;

	if (!gives_way)
		setpriority(PRIO_PROCESS, (id_t)gettid(), POOL_NICE);
	gives_way = true;
}
