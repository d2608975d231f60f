/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t interrupted;

static void note(int sig)
{
	interrupted = sig;
}

void interrupt_watch(void)
{
	struct sigaction a = {.sa_handler = note};

	sigemptyset(&a.sa_mask);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

int interrupt_check(struct error *e)
{
	return interrupted ? error_set(e, EINTR, "interrupted by signal %d", (int)interrupted) : 0;
}
