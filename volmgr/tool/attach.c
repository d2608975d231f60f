/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "compose_look.h"
#include "volmgr/holding.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

bool attach_read_only, attach_force;

int tool_find_root(const struct view *v, const struct node *n, const struct volume **ret, struct error *e)
{
	*ret = cluster_node_volume(&v->c, n->number, VOLUME_ROOT);
	return *ret ? 0 : error_set(e, ENOENT, "node %s has no root volume", n->name);
}

/* A pool that its node goes on writing would be read as a jumble. */
int tool_check_stopped(struct view *v, const struct volume *root, bool force, struct error *e)
{
	struct use use;
	int r = uses_find(&v->uses, root, &use, e);

	if (r < 0 || (force && use.kind == USE_SILENT))
		return r;
	return use_refuse(&v->c, root, &use, e);
}

/* What a node's root holds, to be read only. */
static int look(const char *name, char ret_path[256], struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	const struct node *n;
	const struct volume *root;
	int r = view_open(&v, e);

	if (r == 0)
		r = view_need_pvs(&v, e);
	if (r == 0)
		r = view_node(&v, name, &n, e);
	if (r == 0)
		r = tool_find_root(&v, n, &root, e);
	if (r == 0)
		r = tool_check_stopped(&v, root, attach_force, e);
	return r == 0 ? volume_look(&v.c, root, v.pvs, ret_path, e) : r;
}

/* A disk that this node holds, to be written. */
static int hold(const char *name, char ret_path[256], struct error *e)
{
	const struct change_options o = {.container = options.container, .what = "volmgr attach", .waiting = tool_tell_waiting};
	struct view v cleanup_view = {.area = NULL};
	const struct node *n;
	int r = view_open(&v, e);

	if (r == 0 && !cluster_volume(&v.c, name) && view_node(&v, name, &n, NULL) == 0)
		return error_set(e, EINVAL, "the root of %s is written by %s alone: attach --read-only reads it", n->name, n->name);
	if (r == 0)
		r = view_need_pvs(&v, e);
	return r == 0 ? disk_compose(&o, name, ret_path, e) : r;
}

int attach_run(int argc, char **argv, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	char path[256];
	int r;

	(void)argc;
	if (attach_force && !attach_read_only) {
		error_set(e, EINVAL, "attach: --force goes with --read-only; to have a disk that another node holds: volmgr take --force");
		return -CLI_USAGE;
	}
	r = attach_read_only ? look(argv[0], path, e) : hold(argv[0], path, e);
	if (r < 0)
		return r;
	buf_printf(&b, "%s\n", path);
	return print_all(&b, e);
}

int detach_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	const struct volume *root;
	const struct node *n;
	int r = view_open(&v, e);

	(void)argc;
	if (r == 0 && cluster_volume(&v.c, argv[0]))
		return disk_release(&v.c, argv[0], e);
	if (r == 0)
		r = view_node(&v, argv[0], &n, e);
	if (r == 0)
		r = tool_find_root(&v, n, &root, e);
	return r == 0 ? volume_unlook(&v.c, root, e) : r;
}
