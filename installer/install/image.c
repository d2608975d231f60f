/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The node image: the archive on its volume, checked, sealed. Nothing of any node is written into it. */
#include "install.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/interrupt.h"

#include <time.h>

static int go_on(void *data, struct error *e)
{
	(void)data;
	return interrupt_check(e);
}

int step_image(struct install *in, struct error *e)
{
	struct told *t CLEANUP(told_freep) = told_new();
	const struct image_job job = {told_progress, go_on, t};
	struct image *i = &in->cluster.images[0];
	char device[256], size[32];
	int r;

	i->bytes = in->image_size.bytes;
	i->created = (uint64_t)time(NULL);
	r = image_open_new(&in->cluster, i, device, e);
	if (r < 0)
		return r;
	tell("image: ext4 of %s on %s", str_bytes(size, sizeof(size), i->bytes), device);
	r = image_wipe(device, &job, e);
	if (r == 0)
		r = image_fill(in->source, &in->image_size, device, i, &job, e);
	if (r == 0)
		r = image_seal(&in->cluster, i, told_progress, t, e);
	told_end(t);
	if (r < 0)
		return r;
	tell("image: %s@%u, kernel %s, sha256 %s", i->name, i->version, i->kernel, i->sha256);
	return 0;
}
