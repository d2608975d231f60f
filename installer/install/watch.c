/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include <errno.h>
#include <signal.h>

static volatile sig_atomic_t interrupted;

static void note(int sig)
{
	interrupted = sig;
}

void watch_signals(void)
{
	struct sigaction a = {.sa_handler = note};

	sigemptyset(&a.sa_mask);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

int watch_interrupted(struct error *e)
{
	if (!interrupted)
		return 0;
	return error_set(e, EINTR, "interrupted by signal %d", (int)interrupted);
}
