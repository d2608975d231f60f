/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "apply.h"

#include "base/cleanup.h"
#include "base/spawn.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/swap.h>

static void free_probep(blkid_probe *p)
{
	if (*p)
		blkid_free_probe(*p);
}

/* 1: there is a swap signature on DEVICE; 0: there is none, or something else. */
static int has_swap(const char *device, struct error *e)
{
	blkid_probe p CLEANUP(free_probep) = blkid_new_probe_from_filename(device);
	const char *type = NULL;

	if (!p)
		return error_errno(e, errno ? errno : EIO, "%s", device);
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE);
	if (blkid_do_safeprobe(p) != 0)
		return 0;
	return blkid_probe_lookup_value(p, "TYPE", &type, NULL) == 0 && strcmp(type, "swap") == 0;
}

static int start(const char *device)
{
	return swapon(device, 0) == 0 || errno == EBUSY ? 0 : -errno;
}

/* A signature may be left over from a volume of another size: then it does not start, and is made anew. */
int swap_start(const struct cluster *c, const struct node *self, struct error *e)
{
	const struct volume *v = cluster_node_volume(c, self->number, VOLUME_SWAP);
	char device[256];
	int r;

	if (!v)
		return 0;
	snprintf(device, sizeof(device), "/dev/mapper/byre-%s-%s", c->settings.container_name, v->name);
	if (access(device, F_OK) < 0)
		return 0;
	r = has_swap(device, e);
	if (r < 0)
		return r;
	if (r == 1 && start(device) == 0)
		return 0;
	r = spawn_simple(e, "mkswap", "-f", device, NULL);
	if (r < 0)
		return r;
	r = start(device);
	return r < 0 ? error_errno(e, r, "swapon %s", device) : 0;
}
