/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Composing for the volume manager itself: what no node needs at boot. */
#ifndef BYRE_VOLMGR_COMPOSE_LOOK_H
#define BYRE_VOLMGR_COMPOSE_LOOK_H

#include "volmgr/compose.h"

/*
 * Makes a root's volume readable here without writing one bit of it: every device beneath is read-only. Only for a volume that no node has
 * composed: the pool's metadata must stand still. Its file system may want recovery: mount it with -o ro,noload. -ENODATA: it was never used.
 */
int volume_look(const struct cluster *c, const struct volume *v, const char *const *pv_paths, char ret_path[256], struct error *e);
int volume_unlook(const struct cluster *c, const struct volume *v, struct error *e);

bool volume_is_composed(const struct cluster *c, const struct volume *v);
/* Something of it is here that can write: of a thin one its pool, be it all that a crash left. True also when that cannot be told. */
bool volume_may_write(const struct cluster *c, const struct volume *v);
bool image_is_composed(const struct cluster *c, const struct image *i);

/* An unpublished image's volume, writable. */
int image_compose_writable(const struct cluster *c, const struct image *i, const char *const *pv_paths, char ret_path[256],
			   struct error *e);
/* Whether that is there; *RET_OPEN (may be NULL): and somebody has it open. */
bool image_writable_is_composed(const struct cluster *c, const struct image *i, bool *ret_open);
int image_release_writable(const struct cluster *c, const struct image *i, struct error *e);

/*
 * Two more locks of this machine, let go of by closing the descriptor. HOLD: whoever composes a disk, or gives it away, so that it is not composed any more once it is
 * given. PLACE: ALONE by who leaves the lockspace, shared by who composes a disk. In this order: place, hold, and then what composing takes; the lease is not waited for with one of
 * them held.
 */
int lock_hold(const char *volume, int *ret_fd, struct error *e);
int lock_place(bool alone, int *ret_fd, struct error *e);

#endif
