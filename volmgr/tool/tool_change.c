/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes, begun from the command line; and work that can be interrupted. */
#include "tool.h"

#include "base/str.h"
#include "volmgr/change.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

void tool_tell_waiting(const char *what, void *data)
{
	(void)data;
	fprintf(stderr, "volmgr: %s\n", what);
}

int tool_change(const char *what, struct change **ret, struct error *e)
{
	const struct change_options o = {.container = options.container, .state = options.state, .what = what, .waiting = tool_tell_waiting};

	return change_begin(&o, ret, e);
}

static volatile sig_atomic_t interrupted;

static void note(int sig)
{
	interrupted = sig;
}

void tool_watch_signals(void)
{
	struct sigaction a = {.sa_handler = note};

	sigemptyset(&a.sa_mask);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

static int go_on(void *data, struct error *e)
{
	(void)data;
	return interrupted ? error_set(e, EINTR, "interrupted by signal %d", (int)interrupted) : 0;
}

/* One bar after another, as the work goes from one thing to the next. */
static void advance(const char *what, uint64_t done, uint64_t total, void *data)
{
	struct tool_work *w = data;

	if (w->open && strcmp(w->what, what) != 0)
		tool_work_end(w);
	if (total == 0 || (!w->open && done >= total && strcmp(w->what, what) == 0)) /* told already */
		return;
	if (!w->open) {
		snprintf(w->what, sizeof(w->what), "%s", what);
		progress_begin(&w->p, "volmgr", w->what, total, true);
		w->open = true;
	}
	progress_at(&w->p, done);
	if (done >= total)
		tool_work_end(w);
}

void tool_work_begin(struct tool_work *w)
{
	memset(w, 0, sizeof(*w));
	w->job = (struct image_job){advance, go_on, w};
}

void tool_work_end(struct tool_work *w)
{
	if (w->open)
		progress_end(&w->p);
	w->open = false;
}
