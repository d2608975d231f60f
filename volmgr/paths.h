/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several paths to the SAN. When a cluster's SAN has several portals (settings.storage_portals), its partitions stand on dm-multipath devices of our own, one
 * per partition, which go by the names of disk.h from then on: nothing above knows of paths. I/O is spread over the paths; one that fails is left
 * out, and while none works I/O waits. The kernel never takes a path back by itself: somebody has to call paths_tend.
 */
#ifndef BYRE_VOLMGR_PATHS_H
#define BYRE_VOLMGR_PATHS_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stddef.h>

/* What the uuid of such a device begins with. */
#define PATHS_UUID "BYRE-PATHS-"
#define PATHS_MAX  16 /* to one partition */

/* A path as device-mapper knows it. */
struct path_number {
	unsigned major, minor;
	bool failed;
};

static inline bool paths_wanted(const struct cluster *c)
{
	return c->settings.storage_portals[0] != '\0';
}

/* The parameters of a multipath table over these paths; -E2BIG: they do not fit. */
int paths_table(const struct path_number *v, size_t n, char ret[224]);

/* The paths in a multipath target's status (Linux Documentation/admin-guide/device-mapper). -EPROTO: not of that form. */
int paths_parse_status(const char *text, struct path_number ret[PATHS_MAX], size_t *ret_n, struct error *e);

/*
 * Makes the device of each of C's partitions here, state area and PVs, that has none yet. *RET_LEAST: how many paths lead to the one that has
 * the fewest. A path that comes later is taken in by paths_tend. -ENODEV: a partition is missing, also after the kernel was told to look for new LUNs.
 */
int paths_compose(const struct cluster *c, unsigned *ret_least, struct error *e);

/* The first half of it: only counts. */
int paths_count(const struct cluster *c, unsigned *ret_least, struct error *e);

/* Whether C stands on them on this machine, and not on one path alone as on a machine that was not booted as a node. */
bool paths_used(const struct cluster *c);

struct paths_report {
	unsigned devices, paths, failed; /* as they are now */
	unsigned reinstated, added;      /* by this call */
};

/*
 * Takes back every path that failed and can be read again, takes new ones in, and makes the device of a disk that was added. For a daemon, every few seconds. Reads
 * only paths whose session is logged in, so that it does not wait for a SAN that is away. NODE: this machine's number; a path that is new is registered (registration.h).
 */
int paths_tend(const struct cluster *c, unsigned node, struct paths_report *ret, struct error *e);

#endif
