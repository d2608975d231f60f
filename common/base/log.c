/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *name = "byre";

void log_init(const char *program)
{
	name = program;
}

void log_line(int priority, const char *fmt, ...)
{
	char line[1024];
	int n = 0;
	va_list ap;

	if (priority == LOG_DEBUG && !getenv("BYRE_DEBUG"))
		return;
	if (getenv("JOURNAL_STREAM"))
		n = snprintf(line, sizeof(line), "<%d>", priority);
	else
		n = snprintf(line, sizeof(line), "%s: ", name);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	dprintf(STDERR_FILENO, "%s\n", line);
}
