/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include <errno.h>

int step_container(struct install *in, struct error *e)
{
	struct told *t CLEANUP(told_freep) = told_new();
	int r;

	in->san_touched = true;
	r = container_create(&in->cluster, &in->info, &in->plan, in->settings.base_distribution, told_progress, t, e);
	told_end(t);
	if (r < 0)
		return r;
	if (in->cluster.n_images != 1)
		return error_set(e, EPROTO, "the new container has %zu images", in->cluster.n_images);
	tell("container: %s is made on %s: %zu volumes", in->settings.container_name, in->disk, in->cluster.n_volumes);
	return 0;
}

int container_undo(struct install *in, struct error *e)
{
	int r = container_abandon(&in->cluster, &in->info, e);

	if (r == 0)
		in->san_touched = false;
	return r;
}
