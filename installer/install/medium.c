/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

int step_medium(struct install *in, struct error *e)
{
	char need[32], room[32];
	uint64_t volume = in->settings.volume_size << 20;
	int r;

	snprintf(in->archive, sizeof(in->archive), "%s/byre/images/%s.squashfs", in->o->medium, in->settings.base_distribution);
	if (access(in->archive, R_OK) < 0)
		return error_errno(e, errno, "base-distribution %s: %s", in->settings.base_distribution, in->archive);
	r = image_source_open(in->archive, &in->source, e);
	if (r == 0)
		r = image_source_measure(in->source, IMAGE_NODE, 0, NULL, &in->image_size, e);
	if (r < 0)
		return r;
	in->content = *image_source_content(in->source);
	if (in->image_size.bytes > volume)
		return error_set(e, ENOSPC, "volume-size: %s is too small: the image of %s takes %s", str_bytes(room, sizeof(room), volume),
				 in->settings.base_distribution, str_bytes(need, sizeof(need), in->image_size.bytes));
	tell("medium: %s: %" PRIu64 " files, %s unpacked", in->archive, in->content.inodes,
	     str_bytes(need, sizeof(need), in->content.bytes));
	return 0;
}
