// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "fs/log.h"

static bool quiet;

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
