/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Room for volumes within a change: the slabs' free extents, and a slab made longer when these are too few. */
#ifndef BYRE_VOLMGR_ROOM_H
#define BYRE_VOLMGR_ROOM_H

#include "space.h"
#include "volmgr/change.h"

/*
 * The free space of ch->c in RET, with at least NEED extents in it; SLAB is extended when they are not there (one LVM commit). -ENOSPC: E says needed and
 * free; then nothing was done.
 */
int room_make(struct change *ch, const char *slab, uint64_t need, struct space *ret, struct error *e);

/* As room_make, but what there is will do. */
int room_make_some(struct change *ch, const char *slab, uint64_t need, struct space *ret, struct error *e);

#endif
