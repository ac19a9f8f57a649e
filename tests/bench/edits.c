// SPDX-License-Identifier: Apache-2.0
/*
 * edits.c - processes that edit a file as shells do: open, write, close
 *
 * A "%" in the file's path stands for the number of the process. Every edit is
 * one line, a record of a name that was not there before. Each process waits
 * for its close before it opens again.
 *
 * The result is one line of JSON on standard output.
 */
#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "latency.h"

#define PROCESSES_MAX 256

static struct {
	const char *file, *prefix;
	double seconds;
	unsigned processes;
} options = {
	.seconds = 1,
	.processes = 1,
};

/* Of one process; all of them are in memory that they share. */
struct result {
	uint64_t edits;
	int64_t ns;
	struct latency latency;
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void edit(const char *path, unsigned process, uint64_t number)
{
	char line[128];
	int len = snprintf(line, sizeof(line),
			   "%s-%u-%" PRIu64 ".bench. 300 IN A 192.0.2.%u\n",
			   options.prefix, process, number,
			   (unsigned)(number % 254 + 1));
	int fd = open(path, O_WRONLY | O_APPEND);

	if (fd < 0)
		err(1, "open %s", path);
	if (write(fd, line, (size_t)len) != len)
		err(1, "write %s", path);
	if (close(fd) < 0)
		err(1, "close %s", path);
}

static void find_path(char *out, size_t size, unsigned process)
{
	const char *mark = strchrnul(options.file, '%');

	if (*mark)
		snprintf(out, size, "%.*s%u%s", (int)(mark - options.file),
			 options.file, process, mark + 1);
	else
		snprintf(out, size, "%s", options.file);
}

static void run(unsigned process, struct result *result)
{
	char path[PATH_MAX];
	int64_t start = now_ns(), before = start, now;
	int64_t length = (int64_t)(options.seconds * 1e9);

	find_path(path, sizeof(path), process);
	do {
		edit(path, process, result->edits++);
		now = now_ns();
		latency_add(&result->latency, now - before);
		before = now;
	} while (now - start < length);
	result->ns = now - start;
}

static void start_all(struct result *results)
{
	int go[2];
	char nothing;

	if (pipe(go) < 0)
		err(1, "pipe");
	for (unsigned i = 0; i < options.processes; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		/* They all begin when the last one is there. */
		if (read(go[0], &nothing, 1) != 0)
			_exit(1);
		run(i, &results[i]);
		_exit(0);
	}
	close(go[1]);
	close(go[0]);
}

static void wait_for_all(void)
{
	int status, failed = 0;

	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		errx(1, "an edit failed");
}

static void print_sum(struct result *results)
{
	struct result sum = {0};
	double rate = 0;

	for (unsigned i = 0; i < options.processes; i++) {
		const struct latency *one = &results[i].latency;

		sum.edits += results[i].edits;
		rate += (double)results[i].edits / (double)results[i].ns * 1e9;
		sum.latency.count += one->count;
		if (one->max_ns > sum.latency.max_ns)
			sum.latency.max_ns = one->max_ns;
		for (unsigned j = 0; j < 64 << LATENCY_BITS; j++)
			sum.latency.buckets[j] += one->buckets[j];
	}
	printf("{\"edits\": %" PRIu64 ", \"per_s\": %.1f, ", sum.edits, rate);
	latency_print(&sum.latency);
	puts("}");
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "p:t:")) != -1) {
		if (option == 'p')
			options.processes = (unsigned)atoi(optarg);
		else
			options.seconds = option == 't' ? atof(optarg) : -1;
	}
	if (argc - optind != 2 || options.seconds < 0 || !options.processes ||
	    options.processes > PROCESSES_MAX)
		errx(2, "usage: edits [-p PROCESSES] [-t SECONDS] "
			"FILE PREFIX");
	options.file = argv[optind];
	options.prefix = argv[optind + 1];
}

int main(int argc, char **argv)
{
	struct result *results;

	read_options(argc, argv);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	results =
		mmap(NULL, sizeof(*results) * options.processes,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		err(1, "mmap");
	start_all(results);
	wait_for_all();
	print_sum(results);
	return 0;
}
