/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/str.h"
#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void tell_list(const char *fmt, va_list ap)
{
	char line[1024];

	vsnprintf(line, sizeof(line), fmt, ap);
	fprintf(stderr, "byre-install: %s\n", str_printable(line));
}

void tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell_list(fmt, ap);
	va_end(ap);
}

void tell_more(const struct install *in, const char *fmt, ...)
{
	va_list ap;

	if (!in->o->verbose)
		return;
	va_start(ap, fmt);
	tell_list(fmt, ap);
	va_end(ap);
}

struct told {
	struct progress_chain bars;
};

struct told *told_new(void)
{
	struct told *t = calloc(1, sizeof(*t));

	if (t)
		t->bars.program = "byre-install";
	return t;
}

void told_end(struct told *t)
{
	if (t)
		progress_chain_end(&t->bars);
}

void told_free(struct told *t)
{
	free(t);
}

void told_progress(const char *what, uint64_t done, uint64_t total, void *data)
{
	struct told *t = data;

	if (!t)
		return;
	progress_chain_at(&t->bars, what, done, total);
	if (total == 0)
		tell("%s", what);
}
