/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for volumes within a change: the slabs' free extents, and a slab made longer when these are too few. */
#ifndef BYRE_VOLMGR_ROOM_H
#define BYRE_VOLMGR_ROOM_H

#include "space.h"
#include "volmgr/change.h"

/*
 * The free space of ch->c in RET, with at least NEED extents in it, and slack (space_slack) beside them while the container has it; SLAB is extended when they are not there
 * (one LVM commit). -ENOSPC: E says needed and free; then nothing was done.
 */
int room_make(struct change *ch, const char *slab, uint64_t need, struct space *ret, struct error *e);

uint64_t room_slack(const struct cluster *c); /* extents: space_slack for C */

/* For somebody who waits: what there is will do, and slack is for him. */
int room_make_some(struct change *ch, const char *slab, uint64_t need, struct space *ret, struct error *e);

/*
 * For what is cut from no slab: NEED extents of the group that no slab has, taken off the slabs' ends where these are free (two state writes, and an LVM commit each slab).
 * Nothing is done when that many are there already, or cannot be had.
 */
int room_give_back(struct change *ch, uint64_t need, struct error *e);

#endif
