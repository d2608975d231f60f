/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at a container for findings.h: all that can be seen is, whatever is broken. Reads only; no lease is needed. */
#ifndef BYRE_VOLMGR_LOOK_H
#define BYRE_VOLMGR_LOOK_H

#include "findings.h"

struct look {
	struct seen seen; /* what it points to is below */
	struct cluster c;
	struct state_report report;
	struct pv_seen *pvs;
	struct leftover *left;
	struct lvm_volume *lvs;
	enum filling *filling;
	unsigned *status, *volumes;
};

/*
 * Looks at the state area A; with DEVICE (its path) also at the lease, with DISKS also at disks and LVM. -EAGAIN: somebody published meanwhile: look again. Other
 * errors: A cannot be read.
 */
int look_at(struct state_area *a, const char *device, bool disks, struct look *ret, struct error *e);
void look_free(struct look *l);

/* Superblock COPY (0, 1) of A. */
int look_superblock(struct state_area *a, unsigned copy, enum slot_state *ret, struct error *e);
static inline uint64_t superblock_offset(unsigned copy)
{
	return copy ? LAYOUT_COPY : 0;
}

/* Whether unfinished image I of C may still be being filled, as far as this machine, NODE, can tell. */
enum filling look_filling(const struct cluster *c, const struct image *i, unsigned node);

#endif
