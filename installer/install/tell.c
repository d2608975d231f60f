/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/str.h"
#include "cli/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	struct progress p;
	char what[128];
	bool open;
};

struct told *told_new(void)
{
	return calloc(1, sizeof(struct told));
}

void told_end(struct told *t)
{
	if (t && t->open)
		progress_end(&t->p);
	if (t)
		t->open = false;
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
	if (t->open && strcmp(t->what, what) != 0)
		told_end(t);
	if (total == 0) {
		told_end(t);
		tell("%s", what);
		return;
	}
	if (!t->open && done >= total && strcmp(t->what, what) == 0) /* told already */
		return;
	if (!t->open) {
		snprintf(t->what, sizeof(t->what), "%s", what);
		progress_begin(&t->p, "byre-install", t->what, total, true);
		t->open = true;
	}
	progress_at(&t->p, done);
	if (done >= total)
		told_end(t);
}
