/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The extent planner: how much each thing takes, and which extents it gets. Pure. */
#ifndef BYRE_VOLMGR_PLAN_H
#define BYRE_VOLMGR_PLAN_H

#include "base/error.h"
#include "cluster/model.h"
#include "volmgr/volmgr.h"

#define PLAN_ALIGN    (4 * 1024 * 1024ull)   /* partitions begin and end on multiples of this */
#define PLAN_PV_HEAD  (20 * 1024 * 1024ull)  /* of a PV, before its first extent: label and metadata */
#define PLAN_STATE    (256 * 1024 * 1024ull) /* the state partition */
#define PLAN_NAME_MAX 25                     /* characters of a container's name: byre-NAME-state is a GPT name of at most 36 */
#define PLAN_MIB      (1024 * 1024ull)

/* Extents that hold BYTES. UINT32_MAX: too many. */
uint32_t plan_extents(uint64_t bytes);

/*
 * Extents of a thin pool's metadata for a volume of BYTES. A mapping of a 64 KiB block costs about 34 bytes; three times that is given, for
 * half-filled tree nodes and for a second thin device beside the first, so that the metadata cannot run out before the data.
 */
uint32_t plan_metadata_extents(uint64_t bytes);

/* container_plan (volmgr.h) is here, too: it computes and writes nothing. */

/* What is left of FROM without the N segment lists USED: in FROM's order, adjoining runs joined. -ENOMEM. */
int plan_free(const struct segments *from, const struct segments *const *used, size_t n, struct segments *ret);

/*
 * Takes COUNT extents off FREE and appends them to RET: the smallest run that holds them all, or else several, from the largest down. -ENOSPC: FREE
 * has not so many (then nothing changes).
 */
int plan_take(struct segments *free, uint32_t count, struct segments *ret);

/*
 * Cuts the volumes of all nodes of C, from c->settings, out of its slabs, and appends them to c->volumes. IMAGE: the reference that roots stand on.
 */
int plan_node_volumes(struct cluster *c, const char *image, struct error *e);

#endif
