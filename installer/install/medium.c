/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define LISTING_MAX (256u * 1024 * 1024) /* bytes: a million files */

static int measure(const char *archive, struct content *ret, struct error *e)
{
	const char *argv[] = {"unsquashfs", "-lln", archive, NULL};
	struct spawn s = {.argv = argv, .max_output = LISTING_MAX};
	cleanup_free char *listing = NULL;
	int r = spawn_run(&s, &listing, NULL, e);

	if (r < 0)
		return r;
	return content_of_listing(listing, ret, e);
}

int step_medium(struct install *in, struct error *e)
{
	char need[32], room[32];
	uint64_t volume = in->settings.volume_size << 20;
	int r;

	snprintf(in->archive, sizeof(in->archive), "%s/byre/images/%s.squashfs", in->o->medium, in->settings.base_distribution);
	if (access(in->archive, R_OK) < 0)
		return error_errno(e, errno, "base-distribution %s: %s", in->settings.base_distribution, in->archive);
	r = measure(in->archive, &in->content, e);
	if (r < 0)
		return error_wrap(e, "%s", in->archive);
	in->image_size = image_size_for(&in->content);
	if (in->image_size.bytes > volume)
		return error_set(e, ENOSPC, "volume-size: %s is too small: the image of %s takes %s", str_bytes(room, sizeof(room), volume),
				 in->settings.base_distribution, str_bytes(need, sizeof(need), in->image_size.bytes));
	tell("medium: %s: %" PRIu64 " files, %s unpacked", in->archive, in->content.inodes,
	     str_bytes(need, sizeof(need), in->content.bytes));
	return 0;
}
