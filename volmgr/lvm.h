/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LVM's tools, run on one PV and nothing else, under the container's own system id, without touching this machine's configuration of LVM. Nothing
 * is ever activated.
 */
#ifndef BYRE_VOLMGR_LVM_H
#define BYRE_VOLMGR_LVM_H

#include "base/error.h"
#include "cluster/model.h"

#include <stddef.h>

/* An LV to be made, and where LVM put it. EXTENTS 0: not made. */
struct lvm_volume {
	char name[NAME_SIZE + 16];
	uint32_t extents;
	struct segments segments; /* pv index 0 */
};

/*
 * Makes the PV on DEVICE, the volume group CONTAINER and its N volumes: one commit for the group and one for each volume. RET gets the PV's uuid, pe_start and extents;
 * each volume its segments (the caller's to free).
 */
int lvm_create(const char *container, const char *device, struct lvm_volume *v, size_t n, struct pv *ret, struct error *e);

/* Reads what `lvm … --reportformat json` printed. Pure. */
int lvm_parse_pv(const char *json, struct pv *ret, uint64_t *ret_extent_sectors, struct error *e);
int lvm_parse_segments(const char *json, struct lvm_volume *v, size_t n, struct error *e);

#endif
