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

/* The largest part of S that a partition can take: it begins and ends on multiples of PLAN_ALIGN. */
struct disk_segment plan_align(struct disk_segment s);

/* Extents that hold BYTES. UINT32_MAX: too many. */
uint32_t plan_extents(uint64_t bytes);

/*
 * Bytes of a thin pool's metadata for a volume of BYTES: so many that they cannot run out before the data, however it is written. (Full metadata fail writes; full
 * data make them wait.) For each 64 KiB block of the volume:
 *
 *	 49	a mapping of the device. A node of the kernel's B-trees is a block of 4096 bytes with room for 252 mappings of 16; it splits when it is full, and is joined with
 *		its neighbour when less than a third is left (drivers/md/persistent-data/dm-btree-remove.c): never fewer than 84, so 4096 / 84 bytes, and an 84th of that above.
 *	 49	the same of the second device, what the volume was before its last reset: each can be as large as the volume.
 *	 49	a new copy of every node of the device that is written to, which a transaction may need before the old ones are free.
 *	  1	the space map: two bits for each block of data, of which both devices together use two, and a copy of them.
 *
 * These are 148; a tenth of the metadata (16 MiB at most) the pool keeps back (dm-thin-metadata.c: metadata_reserve), so 165 are needed, and 170 given, besides
 * 1 MiB for superblock, roots, and the space map of the metadata themselves. thin_metadata_size(8) estimates 30 for each block of data. A third device, while an image
 * is captured, shares the live one's nodes until they are written to; writing alone leaves nodes at least half full, and then three have room as well.
 */
uint64_t plan_metadata_bytes(uint64_t bytes);
uint32_t plan_metadata_extents(uint64_t bytes); /* two at least */

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
