/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PVs of a cluster on the disks of this machine, waited for when they are only about to appear. */
#include "disk.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "volmgr/compose.h"
#include "volmgr/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How long the disk of a new LUN may take to appear after a scan. */
#define APPEAR_MS       2000
#define APPEAR_PAUSE_MS 100

struct matching {
	const struct cluster *c;
	char (*paths)[64];
};

static int match_pvs(const struct disk *d, void *data, struct error *e)
{
	struct matching *m = data;

	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < m->c->n_pvs; k++) {
			if (!d->parts[i].path[0] || strcmp(d->parts[i].uuid, m->c->pvs[k].partuuid) != 0)
				continue;
			if (m->paths[k][0])
				return error_set(e, ENOTUNIQ, "%s and %s are the same partition %s: leave the disk of only one attached",
						 m->paths[k], d->parts[i].path, m->c->pvs[k].partuuid);
			memcpy(m->paths[k], d->parts[i].path, sizeof(m->paths[k]));
		}
	return 0;
}

/* Finds what is there now: M->paths[i] is "" for a PV that is not. */
static int find_pvs(struct matching *m, struct error *e)
{
	memset(m->paths, 0, m->c->n_pvs * sizeof(*m->paths));
	return disk_each("", match_pvs, m, e);
}

/* The first PV that is missing, or n_pvs. */
static size_t missing_pv(const struct matching *m)
{
	size_t i = 0;

	while (i < m->c->n_pvs && m->paths[i][0])
		i++;
	return i;
}

/* A LUN that was added while this machine ran is not seen until the kernel is told to look. */
static int look_again(struct matching *m, struct error *e)
{
	const struct timespec pause = {0, APPEAR_PAUSE_MS * 1000 * 1000};
	bool more = disk_rescan();
	int r = find_pvs(m, e);

	for (int i = 0; r == 0 && more && missing_pv(m) < m->c->n_pvs && i < APPEAR_MS / APPEAR_PAUSE_MS; i++) {
		nanosleep(&pause, NULL);
		disk_learn_partitions();
		r = find_pvs(m, e);
	}
	return r;
}

/* Where C stands on several paths, so do its disks that came since: a volume on one path alone would fail with that. */
static int stand_on_paths(struct matching *m, struct error *e)
{
	bool all = true;
	unsigned least;
	int r;

	for (size_t i = 0; i < m->c->n_pvs; i++)
		all = all && str_starts(m->paths[i], "/dev/mapper/");
	if (all || !paths_used(m->c))
		return 0;
	r = paths_compose(m->c, &least, e);
	return r == 0 ? find_pvs(m, e) : r;
}

int cluster_pv_paths(const struct cluster *c, const char ***ret, struct error *e)
{
	cleanup_free void *block = calloc(c->n_pvs + 1, sizeof(char *) + 64);
	struct matching m = {c, NULL};
	const char **pointers = block;
	size_t missing;
	int r;

	if (!block)
		return error_errno(e, ENOMEM, "partitions of %s", c->settings.container_name);
	m.paths = (void *)(pointers + c->n_pvs + 1);
	for (size_t i = 0; i < c->n_pvs; i++)
		pointers[i] = m.paths[i];
	r = find_pvs(&m, e);
	if (r == 0 && missing_pv(&m) < c->n_pvs)
		r = look_again(&m, e);
	if (r < 0)
		return r;
	missing = missing_pv(&m);
	if (missing < c->n_pvs)
		return error_set(e, ENODEV, "no disk has partition %s, where volumes of %s lie: is the whole SAN attached?",
				 c->pvs[missing].partuuid, c->settings.container_name);
	r = stand_on_paths(&m, e);
	if (r < 0)
		return r;
	*ret = steal_ptr(block);
	return 0;
}
