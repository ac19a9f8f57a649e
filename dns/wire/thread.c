// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include "dns/wire/thread.h"

int thread_start(pthread_t *out, void *(*main)(void *arg), void *arg)
{
	sigset_t blocked, before;
	pthread_t thread;
	int error;

	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	/* A thread inherits the mask, so there is no moment without it. */
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	error = pthread_create(&thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return -error;
	if (out)
		*out = thread;
	else
		pthread_detach(thread);
	return 0;
}
