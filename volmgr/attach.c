/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "compose_look.h"

#include <errno.h>

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

int attach_run(int argc, char **argv, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	struct view v cleanup_view = {.area = NULL};
	const struct node *n;
	const struct volume *root;
	char path[256];
	int r;

	(void)argc;
	if (!attach_read_only) {
		error_set(e, EINVAL, "attach: only --read-only is possible, and has to be said");
		return -CLI_USAGE;
	}
	r = view_open(&v, e);
	if (r == 0)
		r = view_need_pvs(&v, e);
	if (r == 0)
		r = view_node(&v, argv[0], &n, e);
	if (r == 0)
		r = tool_find_root(&v, n, &root, e);
	if (r == 0)
		r = tool_check_stopped(&v, root, attach_force, e);
	if (r == 0)
		r = volume_look(&v.c, root, v.pvs, path, e);
	if (r < 0)
		return r;
	buf_printf(&b, "%s\n", path);
	return print_all(&b, e);
}

int detach_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	const struct node *n;
	const struct volume *root;
	int r = view_open(&v, e);

	(void)argc;
	if (r == 0)
		r = view_node(&v, argv[0], &n, e);
	if (r == 0)
		r = tool_find_root(&v, n, &root, e);
	return r == 0 ? volume_unlook(&v.c, root, e) : r;
}
