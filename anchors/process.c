// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "anchors/process.h"

struct figures {
	double start;		  /* seconds since 1970 */
	unsigned long long vsize; /* octets */
	long long rss;		  /* octets */
};

static double boot_time(void)
{
	struct timespec wall, up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return (double)(wall.tv_sec - up.tv_sec) +
	       (double)(wall.tv_nsec - up.tv_nsec) / 1e9;
}

/* proc_pid_stat(5): fields 22 to 24, behind the command's last ")". */
static int read_figures(struct figures *out)
{
	unsigned long long start;
	long long pages;
	char text[1024];
	FILE *file = fopen("/proc/self/stat", "re");
	size_t len = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	const char *at;

	if (file)
		fclose(file);
	text[len] = 0;
	at = strrchr(text, ')');
	if (!at || sscanf(at + 1,
			  " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u "
			  "%*u %*d %*d %*d %*d %*d %*d %llu %llu %lld",
			  &start, &out->vsize, &pages) != 3)
		return -1;
	out->rss = pages * sysconf(_SC_PAGESIZE);
	out->start = boot_time() + (double)start / (double)sysconf(_SC_CLK_TCK);
	return 0;
}

/*
 * A process that gave up its rights cannot list this directory, but may look
 * at it. Since Linux 6.2 its size is how many are in it, and 0 before.
 */
static off_t open_descriptors(void)
{
	struct stat st;

	return stat("/proc/self/fd", &st) < 0 ? 0 : st.st_size;
}

static double cpu_seconds(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

void process_expose(struct exposition *to)
{
	off_t descriptors = open_descriptors();
	struct figures figures;
	struct rlimit files;

	exposition_single(to, "process_cpu_seconds_total", "counter",
			  "Total user and system CPU time spent in seconds.",
			  cpu_seconds());
	if (descriptors)
		exposition_single(to, "process_open_fds", "gauge",
				  "Number of open file descriptors.",
				  (double)descriptors);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		exposition_single(to, "process_max_fds", "gauge",
				  "Maximum number of open file descriptors.",
				  (double)files.rlim_cur);
	if (read_figures(&figures) < 0)
		return;
	exposition_single(to, "process_virtual_memory_bytes", "gauge",
			  "Virtual memory size in bytes.",
			  (double)figures.vsize);
	exposition_single(to, "process_resident_memory_bytes", "gauge",
			  "Resident memory size in bytes.",
			  (double)figures.rss);
	exposition_single(to, "process_start_time_seconds", "gauge",
			  "Start time of the process since unix epoch in "
			  "seconds.",
			  figures.start);
}
