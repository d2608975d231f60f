/* SPDX-License-Identifier: GPL-2.0-or-later */
/* volmgr take, give, leave */
#include "base/cleanup.h"
#include "cli/cli.h"
#include "edit.h"
#include "tool.h"
#include "volmgr/holding.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <stdio.h>

unsigned take_node;
bool take_force;

static int taker(const struct edit *ed, unsigned *ret, struct error *e)
{
	*ret = take_node ? take_node : ed->ch->node;
	return *ret ? 0 : error_set(e, EINVAL, "this machine is no node: say --node N");
}

int take_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit;
	const struct volume *v;
	unsigned node = 0, before = 0;
	int r = edit_begin(&ed, take_force ? "take --force" : "take", argc, argv, e);

	if (r == 0)
		r = edit_names(&ed, argc, argv, e);
	if (r == 0)
		r = taker(&ed, &node, e);
	if (r < 0)
		return r;
	before = cluster_volume(&ed.ch->c, ed.names[0])->node;
	r = volume_take(ed.ch, ed.names[0], node, take_force, e);
	if (r < 0)
		return r;
	v = cluster_volume(&ed.ch->c, ed.names[0]);
	if (take_force && before && before != node)
		snprintf(ed.ch->what, sizeof(ed.ch->what), "volmgr take --force %.100s for node %u, from node %u", v->name, node, before);
	buf_printf(&ed.told, "%s is node %u's; volmgr give %s there gives it up\n", v->name, node, v->name);
	return edit_publish(&ed, e);
}

/* The lock is kept until the state says that the disk is nobody's, or this process is dead. */
int give_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit;
	cleanup_fd int lock = -1;
	const struct volume *v;
	int r = edit_begin(&ed, "give", argc, argv, e);

	if (r == 0)
		r = edit_names(&ed, argc, argv, e);
	if (r < 0)
		return r;
	v = cluster_volume(&ed.ch->c, ed.names[0]);
	r = disk_lock_released(&ed.ch->c, v, &lock, e);
	if (r == 0)
		r = volume_give(ed.ch, ed.names[0], ed.ch->node, e);
	if (r < 0)
		return r;
	buf_printf(&ed.told, "%s is nobody's; volmgr take %s gives it to a node\n", v->name, v->name);
	return edit_publish(&ed, e);
}

/* The machine may have been in no lockspace, or never was a node: then there is no disk to look for. */
int leave_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	cleanup_fd int lock = -1;
	int r = 0;

	(void)argc;
	(void)argv;
	if (this_node()) {
		r = view_open(&v, e);
		if (r == 0)
			r = disks_release_all(&v.c, &lock, e);
	}
	if (r < 0)
		return error_wrap(e, "this machine stays in the cluster's lockspace, so that nobody takes its disks");
	return lease_leave_all(e);
}
