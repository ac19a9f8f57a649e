// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/daemon/title.h"

/* The strings of the arguments, and of the environment behind them. */
static struct {
	char *start;
	size_t size;
} area;

static char *program = "circuitfs";

/* Return: where those of @strings end that follow each other from @end on. */
static char *follow(char **strings, char *end)
{
	for (; *strings && *strings == end; strings++)
		end += strlen(end) + 1;
	return end;
}

void title_keep(int argc, char **argv)
{
	assert(!area.size);
	if (argc < 1)
		return;
	area.start = argv[0];
	area.size = (size_t)(follow(environ, follow(argv, argv[0])) - argv[0]);
}

/* The copies stay until the process ends, as the old strings would. */
static int move_environment(void)
{
	size_t count = 0;
	char **copy;

	while (environ[count])
		count++;
	copy = calloc(count + 1, sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(environ[i]);
		if (!copy[i])
			return -ENOMEM;
	}
	environ = copy;
	return 0;
}

/*
 * The kernel shows the arguments up to their end; where the last octet of them
 * is no NUL, it goes on into the environment, up to a NUL.
 */
void title_set(const char *format, ...)
{
	va_list args;

	if (!area.size || move_environment() < 0)
		return;
	/* libc keeps a pointer into the first argument, which goes. */
	program_invocation_name = program_invocation_short_name = program;
	memset(area.start, 0, area.size);
	va_start(args, format);
	vsnprintf(area.start, area.size, format, args);
	va_end(args);
}
