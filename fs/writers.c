// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "fs/writers.h"

static bool are_too_many(const struct writers *writers)
{
	assert(writers->count <= WRITERS_MAX + 1);
	return writers->count > WRITERS_MAX;
}

static bool find(const struct writers *writers, uint64_t table, unsigned *at)
{
	for (*at = 0; *at < writers->count; ++*at)
		if (writers->tables[*at] == table)
			return true;
	return false;
}

void writers_add(struct writers *writers, uint64_t table, pid_t pid)
{
	unsigned at;

	writers->last = pid;
	writers->unflushed = true;
	if (are_too_many(writers) || find(writers, table, &at))
		return;
	if (writers->count < WRITERS_MAX)
		writers->tables[writers->count] = table;
	writers->count++;
}

void writers_drop(struct writers *writers, uint64_t table)
{
	unsigned at;

	if (!are_too_many(writers) && find(writers, table, &at))
		writers->tables[at] = writers->tables[--writers->count];
}

bool writers_have(const struct writers *writers, uint64_t table, pid_t pid)
{
	unsigned at;

	return are_too_many(writers) ||
	       (writers->cutter && writers->cutter == pid) ||
	       find(writers, table, &at);
}

void writers_cut(struct writers *writers, pid_t pid)
{
	writers->cutter = pid;
	writers->unflushed = true;
}

void writers_restart(struct writers *writers)
{
	writers->count = 0;
	writers->cutter = 0;
	writers->unflushed = writers->killed = false;
}
