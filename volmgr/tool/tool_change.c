/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes, begun from the command line; and work that can be interrupted. */
#include "tool.h"

#include "cli/interrupt.h"
#include "volmgr/change.h"

#include <stdio.h>

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

static int go_on(void *data, struct error *e)
{
	(void)data;
	return interrupt_check(e);
}

static void advance(const char *what, uint64_t done, uint64_t total, void *data)
{
	struct tool_work *w = data;

	progress_chain_at(&w->bars, what, done, total);
}

void tool_work_begin(struct tool_work *w)
{
	*w = (struct tool_work){.job = {advance, go_on, w}, .bars = {.program = "volmgr"}};
}

void tool_work_end(struct tool_work *w)
{
	progress_chain_end(&w->bars);
}
