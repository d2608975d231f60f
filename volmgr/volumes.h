/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making, changing and removing volumes, many at once, within a change (volmgr/change.h): each call edits ch->c and writes what must be on the SAN before the
 * state says so; the caller publishes. A call costs at most one LVM commit (a slab that has to grow) and no state write, whatever N.
 */
#ifndef BYRE_VOLMGR_VOLUMES_H
#define BYRE_VOLMGR_VOLUMES_H

#include "volmgr/change.h"
#include "volmgr/volmgr.h"

/* The size of a store of a thin volume on an image of IMAGE_BYTES: 10 % of the image, at least 256 MiB, not more than the volume needs. */
uint64_t store_default(uint64_t image_bytes, uint64_t volume_bytes);

struct volume_wish {
	char name[VOLUME_NAME_SIZE];
	enum volume_kind kind;
	unsigned node;              /* as in struct volume */
	char image[IMAGE_REF_SIZE]; /* of a thin one; "" = blank */
	uint64_t bytes;
	uint64_t store; /* bytes of private space to begin with; 0 = store_default */
};
/*
 * -EEXIST, -ENOENT (image, node), -ENOSPC (E: needed and free); on any of these nothing has changed. One 4 KiB write a volume, so that a thin one is fresh and a
 * plain one is wiped by whoever composes it first: nobody reads what the segments held before.
 */
int volumes_create(struct change *ch, const struct volume_wish *w, size_t n, struct error *e);

/* A shared volume is zeroed before it gets its name: until then it is called this and its name. Nobody composes it, and only FORCE removes it. */
#define VOLUME_WIPING "wiping."

/* Their segments are free as soon as this is published. -EBUSY: one is composed somewhere, as far as the nodes' slots tell; FORCE: although. */
int volumes_remove(struct change *ch, const char *const *names, size_t n, bool force, struct error *e);

/*
 * Thin volumes become as new, on IMAGE ("" = as before; for roots the default image). KEEP: the old device stays in the pool for volume_undo and the new one is made
 * beside it when the node boots next; else the store is made fresh by one 4 KiB write, and no node may have it composed (-EBUSY). FORCE: the node of a root, being silent, is off.
 */
int volumes_reset(struct change *ch, const char *const *names, size_t n, const char *image, bool keep, bool force, struct error *e);
int volumes_undo(struct change *ch, const char *const *names, size_t n, struct error *e);

/* A larger size, seen by the node when it (or volmgrd) composes anew or is told of it. -EINVAL: smaller. */
int volume_resize(struct change *ch, const char *name, uint64_t bytes, struct error *e);

/* Appends extents to the stores of N volumes; what each got is in EXTENTS on return (less than asked for when the container is nearly full, 0 = none). */
struct store_want {
	const char *volume;
	uint32_t extents;
};
int stores_grow(struct change *ch, struct store_want *w, size_t n, struct error *e);

/*
 * A disk's holder. TAKE: node NODE (joined, its incarnation in the lockspace) may compose it from the published generation on. -EBUSY: another node holds
 * it and is not known to be gone, that is, to have left the lockspace, which a node does when it shuts down; one that seems dead is fenced, where that is possible.
 * FORCE: the admin's word that it is gone.
 */
int volume_take(struct change *ch, const char *name, unsigned node, bool force, struct error *e);
/* Gives it up: release the device first. -EPERM: another node's. */
int volume_give(struct change *ch, const char *name, unsigned node, struct error *e);

#endif
