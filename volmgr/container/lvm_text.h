/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What LVM is told of a container, from the state: the names of its LVs, and its metadata in LVM's own text format (lvm2, lib/format_text), as vgcfgrestore takes it. Pure. */
#ifndef BYRE_VOLMGR_LVM_TEXT_H
#define BYRE_VOLMGR_LVM_TEXT_H

#include "base/buf.h"
#include "cluster/model.h"

#define LVM_NAME_SIZE (NAME_SIZE + 16)

/* The LV of an image: an LV's name has no '@'. */
char *image_lv_name(char dst[LVM_NAME_SIZE], const struct image *i);

/* Group, PVs, and an LV for each slab and image of C. The PVs keep their UUIDs; the others are new, and derive from SEED. */
void lvm_text(const struct cluster *c, uint64_t seed, struct buf *ret);

#endif
