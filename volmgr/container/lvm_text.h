/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's metadata of a container, written down from the state in LVM's own text format (lvm2, lib/format_text), as vgcfgrestore takes it. Pure. */
#ifndef BYRE_VOLMGR_LVM_TEXT_H
#define BYRE_VOLMGR_LVM_TEXT_H

#include "base/buf.h"
#include "cluster/model.h"

/* Group, PVs, and an LV for each slab and image of C. The PVs keep their UUIDs; the others are new, and derive from SEED. */
void lvm_text(const struct cluster *c, uint64_t seed, struct buf *ret);

#endif
