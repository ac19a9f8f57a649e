// SPDX-License-Identifier: Apache-2.0
/*
 * syncs.c - how often this disk makes one page durable, one after the other
 *
 * The file has its full size before the clock starts, so that a sync writes
 * data and no size. Prints syncs per second.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE 4096
#define PAGES	  64

static char page[PAGE_SIZE];

static void write_page(int fd, unsigned number)
{
	memset(page, (int)number, sizeof(page));
	if (pwrite(fd, page, sizeof(page),
		   (off_t)(number % PAGES) * PAGE_SIZE) != sizeof(page) ||
	    fdatasync(fd) < 0)
		err(1, "write and fdatasync");
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	unsigned count = 0;
	double start, end;
	int fd;

	if (argc != 3)
		errx(2, "usage: syncs FILE SECONDS");
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		err(1, "%s", argv[1]);
	for (unsigned i = 0; i < PAGES; i++)
		write_page(fd, i);
	start = now_s();
	end = start + atof(argv[2]);
	while (now_s() < end)
		write_page(fd, count++);
	printf("%.1f\n", (double)count / (now_s() - start));
	unlink(argv[1]);
	return 0;
}
