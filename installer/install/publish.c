/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

int step_publish(struct install *in, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct container_place place;
	int r;

	in->cluster.generation = 0; /* nothing is there yet */
	in->cluster.note = (struct change_note){.time = (uint64_t)time(NULL), .what = "byre-install"};
	r = container_find(in->settings.container_name, &place, 1, e);
	if (r < 0)
		return r;
	if (r != 1 || strcmp(place.disk, in->disk) != 0)
		return error_set(e, ENOENT, "container %s: its partitions are not on %s, or not only there", in->settings.container_name,
				 in->disk);
	r = state_area_open(place.state, true, &a, e);
	if (r == 0)
		r = state_area_publish(a, &in->cluster, e);
	if (r < 0)
		return r;
	in->published = true;
	r = fencing_begin(in, e);
	if (r < 0)
		return error_wrap(e, "the cluster is installed, but its disk could not be reserved");
	tell("state: generation %" PRIu64 " is published on %s: the cluster exists", in->cluster.generation, place.state);
	return 0;
}
