/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.h - what /proc tells of the thread that waits for our answer
 *
 * A request says what is to be done and not why. But its caller waits in the
 * kernel until we answer, so it can be looked at in the meantime: aside, and
 * not for long (aside.h). After CALLER_MS it is not known, and all is zero.
 *
 * Threading: the main loop.
 */
#ifndef FS_CALLER_H
#define FS_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

struct fs;

/*
 * How long an answer may take, in milliseconds. A thread has it within a tenth
 * of one; on a machine that was busy with ten others 20 ms were too few once
 * in 100,000 times. Nothing is asked that could wait for us: see caller.c.
 */
#define CALLER_MS 100

struct caller {
	/*
	 * It is being ended by a signal. A process that is killed closes its
	 * files like one that is done with them.
	 */
	bool is_killed;
	char command[32]; /* proc_pid_comm(5); "": not known */
	bool is_ending;	  /* for whatever reason */
	bool is_member;	  /* of the group, as one of its supplementary ones */
	bool is_same;	  /* of one process with the other thread */
	pid_t process;	  /* that it is a thread of; 0: not known */
};

/* What is asked. */
struct caller_about {
	pid_t pid;   /* of the request's context; 0: nothing will be known */
	pid_t other; /* a thread, for is_same; or 0 */
	gid_t group; /* for is_member */
};

typedef void caller_done(void *arg, const struct caller *caller);

/**
 * caller_ask() - look at a thread, where it is: here, or on the view's peer
 * @done:  is called once, later; or in this call, when there is no memory, or
 *         the view is being closed
 */
void caller_ask(struct fs *fs, const struct caller_about *about,
		caller_done *done, void *arg);

#endif
