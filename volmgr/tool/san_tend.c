/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `volmgr san tend`: the paths to the SAN, taken back as they come back. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "cluster/document.h"
#include "portals.h"
#include "volmgr/change.h"
#include "volmgr/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEWEST_STATE "/run/byre/state.json"
#define LOGIN_EVERY  15 /* seconds: portals that are not logged in to */

unsigned san_every;

static int tend_once(const struct cluster *c, bool quiet, struct error *e)
{
	struct paths_report report;
	int r = paths_tend(c, this_node(), &report, e);

	if (r < 0)
		return r;
	if (!quiet || report.reinstated || report.added)
		printf("%u paths to %u partitions: %u failed, %u taken back, %u new\n", report.paths, report.devices, report.failed,
		       report.reinstated, report.added);
	fflush(stdout);
	return 0;
}

/*
 * The newest state this machine has, when it is another than C. metamaster keeps it in memory, where it can be read while no path works: not so the state area. What cannot
 * be read is passed over.
 */
static void renew_state(struct cluster *c)
{
	struct cluster now CLEANUP(cluster_freep) = {.generation = 0};
	static struct timespec seen;
	cleanup_free char *text = NULL;
	struct stat st;
	size_t len;

	cluster_init(&now);
	if (stat(NEWEST_STATE, &st) < 0 || (st.st_mtim.tv_sec == seen.tv_sec && st.st_mtim.tv_nsec == seen.tv_nsec))
		return;
	seen = st.st_mtim;
	if (file_read(AT_FDCWD, NEWEST_STATE, DOCUMENT_MAX, &text, &len, NULL) < 0 || document_parse(text, len, &now, NULL) < 0 ||
	    strcmp(now.settings.container_name, c->settings.container_name) != 0 || now.generation <= c->generation)
		return;
	cluster_free(c);
	*c = now;
	cluster_init(&now);
}

/*
 * Portals that were away when this machine booted. In a process of its own, for what is started may wait for the root file system, and that for a path that this program has
 * to take back.
 */
static void log_in_beside(const struct cluster *c)
{
	static unsigned turn;
	static pid_t busy;
	struct error why = ERROR_INIT;
	unsigned n = 0;

	if (busy > 0 && waitpid(busy, NULL, WNOHANG) == 0)
		return;
	busy = 0;
	if (turn++ % (LOGIN_EVERY / san_every + 1) != 0 || !portals_missing(c))
		return;
	busy = fork();
	if (busy != 0)
		return;
	if (portals_log_in(c, &n, &why) < 0)
		warn("%s", why.text);
	if (n)
		printf("%u portal%s more\n", n, n > 1 ? "s" : "");
	fflush(stdout);
	_exit(0);
}

int san_tend_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	struct error why = ERROR_INIT;
	int r = view_open(&v, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	if (!paths_wanted(&v.c))
		return error_set(e, EINVAL, "the SAN of %s has one portal: there are no paths to tend", v.c.settings.container_name);
	if (!san_every)
		return tend_once(&v.c, false, e);
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return error_errno(e, errno, "locking memory");
	for (;;) {
		renew_state(&v.c);
		if (tend_once(&v.c, true, &why) < 0)
			warn("%s", why.text);
		log_in_beside(&v.c);
		sleep(san_every);
	}
}
