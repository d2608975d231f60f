/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The free extents of a container's slabs, and cutting volumes out of them. Pure: nothing on the SAN is read or written. */
#ifndef BYRE_VOLMGR_SPACE_H
#define BYRE_VOLMGR_SPACE_H

#include "base/error.h"
#include "cluster/model.h"
#include "volmgr/volumes.h"

#define SLAB_STORES "stores" /* thin volumes are cut from this one while it has space, … */
#define SLAB_SWAP   "swap"   /* … plain ones from this; then from any other */

struct space {
	const struct cluster *c;
	struct segments *free; /* of c->slabs[i] */
};
int space_read(const struct cluster *c, struct space *ret, struct error *e);
void space_free(struct space *s);
#define cleanup_space CLEANUP(space_free)

uint64_t space_left(const struct space *s); /* extents */
/*
 * Takes COUNT extents, those of SLAB first, and appends them to RET. What adjoins RET's last segment makes that longer, within one slab. -ENOSPC: nothing
 * is taken.
 */
int space_take(struct space *s, const char *slab, uint32_t count, struct segments *ret);

/* Extents of the volume group that no slab and no image has. */
uint64_t space_unused(const struct cluster *c);
/*
 * What the slabs shall have free at any time: slack, so that a store that runs out gets space without an LVM command, which would take longer than its reserve lasts under
 * the fastest writer. The least grant (128 MiB) for each of N stores, at least 512 MiB; at most a sixteenth of TOTAL, the group's extents. It is nobody's: all that is cut from
 * slabs uses it, and an image, which is not, gets it back (room_give_back).
 */
uint64_t space_slack(uint64_t n, uint64_t total);
uint64_t space_total(const struct cluster *c); /* extents of the group */
/* How many extents are free at the end of slab number SLAB (one of it always stays), and taking COUNT of them off: S is that of C, and of no use then. */
uint32_t space_end(const struct space *s, size_t slab);
void space_shorten(struct cluster *c, size_t slab, uint32_t count);
/* By how much to extend a slab for MISSING extents more: large steps, so that it happens rarely. 0: UNUSED of the group's TOTAL are not enough. */
uint32_t space_step(uint64_t missing, uint64_t total, uint64_t unused);

/* The slab of a volume of KIND, and what a wish takes: sizes in extents. */
const char *space_slab(enum volume_kind kind);
struct volume_size {
	uint32_t metadata, data;
};
struct volume_size volume_size(const struct cluster *c, const struct volume_wish *w);

/*
 * What a wish can be wrong about: -EINVAL (name, size), -EEXIST, -ENOENT (node, image). Completes it: the default image of a root, whole blocks.
 * All N, and against each other.
 */
int wishes_check(const struct cluster *c, struct volume_wish *w, size_t n, struct error *e);

/* Cuts the volumes of N wishes that were checked, and appends them to c->volumes: all or (-ENOSPC, -ENOMEM) none. S must be that of C. */
int wishes_cut(struct cluster *c, struct space *s, const struct volume_wish *w, size_t n, struct error *e);

/* The image of reference REF, on which a volume of KIND and BYTES can stand. -ENOENT, -EINVAL, -EBUSY (it is being filled). */
int volume_image(const struct cluster *c, const char *ref, enum volume_kind kind, uint64_t bytes, const struct image **ret,
		 struct error *e);

#endif
