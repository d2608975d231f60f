/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "volmgr/change.h"
#include "volmgr/control.h"
#include "volmgr/fence.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <stdio.h>

bool fence_only_probe, fence_yes;

static int probe(const struct view *v, struct error *e)
{
	enum fencing way = FENCING_WAIT;
	char why[160] = "";
	int r = fence_probe(&v->c, v->pvs, v->c.n_pvs, &way, why, e);

	if (r < 0)
		return r;
	printf("this SAN allows: %s (%s)\nrecorded:        %s (%s)\n", fencing_name(way), why, fencing_name(v->c.settings.fencing),
	       v->c.fencing_why);
	return 0;
}

/* What the node held is free now. Another machine that is about that will have freed it as well. */
static int free_lease(const struct view *v, const struct node *n, struct error *e)
{
	struct lease_place p = {.c = &v->c};
	char device[64];
	bool joined;
	int r = control_path(v->place.state, device, e);

	p.device = device;
	if (r == 0)
		r = lease_join(&p, this_node(), &joined, e);
	if (r == 0)
		r = lease_fenced(&p, n->number, e);
	return r == -EBUSY ? 0 : r;
}

/* In the history it stands as a change of its own, for whoever wonders why a node restarted. */
static int put_on_record(const struct node *n, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	char what[NOTE_SIZE];
	int r;

	snprintf(what, sizeof(what), "volmgr fence %s", n->name);
	r = tool_change(what, &ch, e);
	return r == 0 ? change_publish(ch, e) : r;
}

static int fence(const struct view *v, const struct node *n, struct error *e)
{
	cleanup_free const char **control = NULL;
	uint64_t start = clock_boot_ms();
	int r = control_pv_paths(&v->c, &control, e);

	if (r == 0)
		r = fence_node(&v->c, control, n->number, e);
	if (r < 0)
		return r;
	printf("%s is fenced by %s, in %.2f s: it can write to the SAN no more until it boots again\n", n->name,
	       fencing_name(v->c.settings.fencing), (double)(clock_boot_ms() - start) / 1000);
	fflush(stdout);
	r = free_lease(v, n, e);
	if (r == 0)
		r = put_on_record(n, e);
	return r < 0 ? error_wrap(e, "%s is fenced, but that is not on record", n->name) : 0;
}

/* What would be refused is, before --yes is asked for. */
static int check(const struct view *v, const struct node *n, struct error *e)
{
	enum fencing way = v->c.settings.fencing;

	if (n->number == this_node())
		return error_set(e, EINVAL, "fence: %s is this machine: it does not fence itself", n->name);
	if (way != FENCING_RESERVATION && way != FENCING_COMMAND)
		return fence_node(&v->c, v->pvs, n->number, e);
	if (fence_yes)
		return 0;
	return error_set(e, EINVAL,
			 "fence: %s is cut off from the SAN by %s, loses what it has not written, and restarts: give --yes to do it",
			 n->name, fencing_name(way));
}

int fence_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	const struct node *n;
	int r;

	if ((argc == 1) == fence_only_probe) {
		error_set(e, EINVAL, "fence: name a node, or give --probe");
		return -CLI_USAGE;
	}
	r = view_open(&v, e);
	if (r == 0)
		r = view_need_pvs(&v, e);
	if (r < 0)
		return r;
	if (fence_only_probe)
		return probe(&v, e);
	r = view_node(&v, argv[0], &n, e);
	if (r == 0)
		r = check(&v, n, e);
	return r < 0 ? r : fence(&v, n, e);
}
