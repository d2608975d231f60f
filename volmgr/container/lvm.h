/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LVM's tools, run so that nothing of the machine's own LVM is read, written or woken up: no lvm.conf, no devices file, no archive, no
 * activation. The volume group bears the system id byre-CONTAINER, which no other tool presents, so that they all keep off it.
 * Every call below that changes something is one LVM commit; hold the lease and call change_intend before it.
 */
#ifndef BYRE_VOLMGR_LVM_H
#define BYRE_VOLMGR_LVM_H

#include "base/error.h"
#include "cluster/model.h"
#include "lvm_text.h"

#define LVM_UUID_SIZE 48

struct lvm_volume {
	char name[LVM_NAME_SIZE];
	uint32_t extents;         /* wanted; 0 = do not make it */
	struct segments segments; /* filled in; pv is the index of the PV in c->pvs */
};

/* A PV, a VG and its LVs (one commit each, plus one for the PV, two for the VG). RET describes the PV. */
int lvm_create(const char *container, const char *device, struct lvm_volume *v, size_t n, struct pv *ret, struct error *e);

/* The volume group of an installed cluster: DEVICES[i] is the block device of PV i (c->pvs[i], whose LVM uuid tells it). */
struct lvm_group {
	const struct cluster *c;
	const char *const *devices;
};

/* Makes LV V->name with V->extents; fills V->segments. -ENOSPC: the group has not so many extents, E says how many it has. */
int lvm_add(const struct lvm_group *g, struct lvm_volume *v, struct error *e);
/* Appends EXTENTS to LV NAME; RET gets all of its segments as they are then. -ENOSPC. */
int lvm_extend(const struct lvm_group *g, const char *name, uint32_t extents, struct segments *ret, struct error *e);
/* Takes the last EXTENTS off LV NAME, which keeps some. */
int lvm_reduce(const struct lvm_group *g, const char *name, uint32_t extents, struct error *e);
/*
 * Makes LV NAME lie in SEGMENTS exactly, when LVM's metadata have lost it or its end: its first HAVE extents are there already (0: there is no LV). One commit a
 * segment. Those extents must be free.
 */
int lvm_restore(const struct lvm_group *g, const char *name, uint64_t have, const struct segments *segments, struct error *e);
/* Removes N LVs in one commit. One that is not there is no error. */
int lvm_remove(const struct lvm_group *g, const char *const *names, size_t n, struct error *e);
/*
 * Every LV of the group with its segments; one allocation, freed with lvm_list_free. Reads only. -EUCLEAN: on a PV, LVM's metadata are gone or damaged, see
 * lvm_remake.
 */
int lvm_list(const struct lvm_group *g, struct lvm_volume **ret, size_t *ret_n, struct error *e);
void lvm_list_free(struct lvm_volume *v, size_t n);
/* The one of V that bears NAME, or NULL. */
const struct lvm_volume *lvm_find(const struct lvm_volume *v, size_t n, const char *name);
/*
 * Writes LVM's metadata anew on all PVs, from what the state says. LVM writes its metadata and the header that points there without a flush in between, so a power
 * cut may leave a header that points nowhere. Cut off in between, it has to be done again: the intent is set.
 */
int lvm_remake(const struct lvm_group *g, struct error *e);
/* Makes DEVICE a PV of the group. RET describes it. */
int lvm_add_pv(const struct lvm_group *g, const char *device, struct pv *ret, struct error *e);
/*
 * How many PVs the group's metadata name that the state does not know, and (RET_GROUP, may be NULL) the group's LVM uuid. With such a PV LVM refuses every change.
 * Reads only.
 */
int lvm_strangers(const struct lvm_group *g, size_t *ret_n, char ret_group[LVM_UUID_SIZE], struct error *e);
/* Takes those PVs off the group, in one commit. Nothing is done when an LV has a part on one. */
int lvm_forget_strangers(const struct lvm_group *g, struct error *e);
/* The LVM uuid of the volume group that DEVICE is a PV of, as far as DEVICE itself tells; "": of none, or no PV. */
int lvm_group_of(const char *container, const char *device, char ret[LVM_UUID_SIZE], struct error *e);

#endif
