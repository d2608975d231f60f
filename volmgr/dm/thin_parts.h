/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of a thin volume, for those who make them (thin.c), and those who are at work on them while they are composed (store.c, store_freeze.c). */
#ifndef BYRE_VOLMGR_THIN_PARTS_H
#define BYRE_VOLMGR_THIN_PARTS_H

#include "compose_parts.h"

#define THIN_BLOCK_BYTES (THIN_BLOCK_SECTORS * SECTOR)

/* From below; a blank volume has no image, and "" for its name. */
struct thin_parts {
	struct device image, metadata, data, pool, thin;
	struct device ballast; /* made for a moment only */
};
/* Their names; LOOK: see compose_look.h. Nothing is asked of the kernel. -ENOENT: the state has no such image. */
int thin_name_parts(const struct cluster *c, const struct volume *v, bool look, struct thin_parts *ret, struct error *e);
/* V's lock, to be closed by the caller also when this fails, and its parts. -ENODEV: they are not all here. */
int thin_open_parts(const struct cluster *c, const struct volume *v, struct thin_parts *ret, int *ret_lock, struct error *e);

/* Lets the volume go on if it stands still: whoever has its lock and finds it so knows that who made it stand is dead. */
int thin_wake(const struct device *thin, struct error *e);

/* The pool's line in T, for DATA_BYTES of P's data device. P's metadata and data are here. */
int thin_pool_table(const struct thin_parts *p, uint64_t data_bytes, bool look, struct mapper_table *t, struct error *e);
/* A message about one thin device: "create_thin", "delete". */
int thin_tell_pool(const struct device *pool, const char *what, uint32_t id, struct error *e);

/* --- ballast.c --- */

/*
 * A write that is on its way into a full pool just when the pool is told to stand still is put aside by the pool, while its volume waits for it to come back: for ever
 * (Linux 6.1, dm-thin.c: thin_bio_map looks at requeue_mode, process_thin_deferred_cells does not). The pool looks at all that it has put aside when a block
 * becomes free. So it keeps some, each in a device of its own, and one of them is deleted when the pool would not stand still (tests/vm/inside/growth.sh makes it so).
 *
 * Makes those that are not there; FRESH: nothing is in the pool yet. There is space, and nobody who would take it just now: else this waits with the writers.
 */
int ballast_keep(const struct thin_parts *p, bool fresh, struct error *e);
void ballast_drop(const struct device *pool);

/* --- store.c --- */

/* The id of the device that is composed. */
int thin_live_id(const struct device *thin, uint32_t *ret, struct error *e);
/* Deletes device ID; 0 also when there is none. */
int thin_delete_id(const struct device *pool, uint32_t id, struct error *e);

#endif
