/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A process of its own beside volmgrd: that one may be waiting for a lease or for its root when this machine is fenced. */
#include "volmgrd.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "volmgr/registration.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK_SECONDS 2

/* What is written after a fence is lost: the sooner this machine starts anew, the less. Nothing here reads the root, or writes it. */
static void check(const struct watch *w, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	int r = cluster_pv_paths(&w->c, &pvs, e);

	if (r == 0)
		r = fence_check(&w->c, pvs, w->node, e);
	if (r == 1) {
		log_warning("the SAN has lost its list of those who may write: this machine registers anew");
		r = fence_register(&w->c, pvs, w->node, NULL, e);
	}
	if (r != -EKEYREJECTED)
		return;
	fence_restart(e->text);
}

static _Noreturn void watch_for_ever(const struct watch *w, pid_t parent)
{
	struct error e = ERROR_INIT;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		_exit(1);
	for (;;) {
		check(w, &e);
		nanosleep(&(struct timespec){CHECK_SECONDS, 0}, NULL);
	}
}

/* One that waits for the SAN does not end at once: then the next turn finds it gone. */
int fence_watch_tend(const struct watch *w, struct error *e)
{
	static pid_t watcher;
	static size_t watched; /* PVs */
	pid_t parent = getpid();

	if (!w->node || (w->c.settings.fencing != FENCING_RESERVATION && !fence_registered()))
		return 0;
	if (watcher > 0 && w->c.n_pvs != watched)
		kill(watcher, SIGKILL);
	if (watcher > 0 && waitpid(watcher, NULL, WNOHANG) == 0)
		return 0;
	watched = w->c.n_pvs;
	watcher = fork();
	if (watcher == 0)
		watch_for_ever(w, parent);
	return watcher < 0 ? error_errno(e, errno, "a process that watches for being fenced") : 0;
}
