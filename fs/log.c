// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "fs/fs.h"
#include "fs/log.h"

static bool quiet;
static char said[512]; /* by libfuse, in pieces */

void log_line(const char *format, ...)
{
	char line[1024];
	va_list args;

	if (quiet)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "circuitfs: %s\n", line);
}

void log_quiet(void)
{
	quiet = true;
}

static void catch_fuse(enum fuse_log_level level, const char *format,
		       va_list args)
{
	size_t len = strlen(said);

	if (level >= FUSE_LOG_DEBUG)
		vfprintf(stderr, format, args);
	else if (!strchr(said, '\n'))
		vsnprintf(said + len, sizeof(said) - len, format, args);
}

void log_catch_fuse(void)
{
	fuse_set_log_func(catch_fuse);
}

void log_fuse(const char *what)
{
	const char *text = said;

	said[strcspn(said, "\n")] = 0;
	if (!strncmp(text, "fuse: ", 6))
		text += 6;
	log_line("%s: %s", what, *text ? text : strerror(errno));
}
