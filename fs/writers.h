/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writers.h - who has written to an open file, by what the kernel tells
 *
 * A descriptor is inherited, and closed by each process that has it; but the
 * text is at its end only when one closes that has written it. The kernel tells
 * the table of files of who writes and of who closes (lock_owner). A child has
 * another one than its parent, threads have the same. It does not tell it with
 * a truncation: then there is only the thread.
 */
#ifndef FS_WRITERS_H
#define FS_WRITERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* More of them than this, and whoever closes is taken for one. */
#define WRITERS_MAX 8

/* Part of an open file. All zero: nobody has written. */
struct writers {
	uint64_t tables[WRITERS_MAX];
	unsigned count; /* past WRITERS_MAX: too many to be told */
	pid_t last;	/* the last one's thread; 0: none */
	pid_t cutter;	/* the thread that has cut the text; 0: none */
	bool unflushed; /* and has not closed since */
	bool killed;	/* one who had it open was, since it was written */
};

/** writers_add() - thread @pid writes, with that table of files */
void writers_add(struct writers *writers, uint64_t table, pid_t pid);

/** writers_drop() - who has it closed: another one may get its number */
void writers_drop(struct writers *writers, uint64_t table);

/** writers_have() - who closes has written or cut, or may have */
bool writers_have(const struct writers *writers, uint64_t table, pid_t pid);

/** writers_cut() - thread @pid has cut the text */
void writers_cut(struct writers *writers, pid_t pid);

/** writers_restart() - what was written is nothing now, whoever did */
void writers_restart(struct writers *writers);

#endif
