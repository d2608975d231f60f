/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a `volmgr san add` that was cut off leaves: a partition byre-NAME-pv that the state does not know, empty, a PV of no group, or one of the container's own; and in LVM's
 * metadata that PV, without which LVM then changes nothing more. A partition of that name may be another installation's, too: that one is never touched.
 */
#ifndef BYRE_VOLMGR_LEFTOVER_H
#define BYRE_VOLMGR_LEFTOVER_H

#include "disk.h"
#include "volmgr/change.h"

struct leftover {
	char disk[64], control[64]; /* by a path for volumes; by the control session, or else the same */
	struct partition part;
	bool ours; /* nothing but a change that was cut off can have left it */
};

/*
 * Every such partition of C here; one allocation. GROUP: the LVM uuid of C's volume group (lvm_strangers). Reads only; who looks while a change goes on sees its
 * partition.
 */
int leftovers_find(const struct cluster *c, const char *group, struct leftover **ret, size_t *ret_n, struct error *e);

/* Takes those that are ours away, first out of LVM's metadata. *RET_DONE: there was something. */
int leftovers_remove(struct change *ch, bool *ret_done, struct error *e);

#endif
