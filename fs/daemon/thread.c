// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <signal.h>

#include "fs/daemon/thread.h"

int thread_start(void *(*main)(void *arg), void *arg)
{
	pthread_t thread;
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!error)
		pthread_detach(thread);
	return -error;
}
