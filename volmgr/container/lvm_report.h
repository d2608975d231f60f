/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LVM's reports (--reportformat json, sizes in sectors), as lvm.c asks for them. Pure. PVs are told by their LVM uuids, wherever they lie. -EPROTO: what LVM said cannot be
 * understood, or is not what byre makes; then no output is valid.
 */
#ifndef BYRE_VOLMGR_LVM_REPORT_H
#define BYRE_VOLMGR_LVM_REPORT_H

#include "lvm.h"

/* The first PV of a report on PVs; *RET_EXTENT_SECTORS: of its group. RET->partuuid stays. */
int lvm_parse_pv(const char *text, struct pv *ret, uint64_t *ret_extent_sectors, struct error *e);

/*
 * Every LV of a report that has a row for each piece of each PV. As lvm_list, -EUCLEAN too: one of PVS has no row of a volume group, as when its label or metadata are
 * damaged.
 */
int lvm_parse_segments(const char *text, const struct pv *pvs, size_t n_pvs, struct lvm_volume **ret, size_t *ret_n, struct error *e);

/* Of a report on PVs: those that are not among PVS are counted; the group's uuid is that of the first row that has one, or "". */
int lvm_parse_strangers(const char *text, const struct pv *pvs, size_t n_pvs, size_t *ret_n, char ret_group[LVM_UUID_SIZE],
			struct error *e);

#endif
