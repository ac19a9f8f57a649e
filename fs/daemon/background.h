/* SPDX-License-Identifier: Apache-2.0 */
/*
 * background.h - leaving the terminal, with a true exit status
 *
 * The process forks before it opens anything that does not survive a fork.
 * The parent waits until the child says that it serves, or ends. The child
 * says so by an octet in a pipe, whose end the kernel closes if it dies.
 *
 * Threading: the main thread; background_enter() before there is another.
 */
#ifndef FS_BACKGROUND_H
#define FS_BACKGROUND_H

/**
 * background_enter() - fork; returns in the child, which keeps stderr
 *
 * The parent never returns: it exits with 0 once the child is ready, and
 * with 1 if the child ends before. Return: a descriptor for
 * background_ready(); -errno.
 */
int background_enter(void);

/** background_silence() - close stdin, stdout and stderr; log nothing more */
void background_silence(void);

/** background_ready() - let the parent go, and close stdin, stdout, stderr */
void background_ready(int fd);

#endif
