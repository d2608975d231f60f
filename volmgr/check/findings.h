/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wrong with a container: the state, LVM's metadata, the disks and the parts of the state area held against each other. Pure: look.c looks, findings.c
 * and findings_lvm.c judge, reconcile.c mends.
 */
#ifndef BYRE_VOLMGR_FINDINGS_H
#define BYRE_VOLMGR_FINDINGS_H

#include "area.h"
#include "cluster/model.h"
#include "leftover.h"
#include "lvm.h"

#include <stdbool.h>
#include <stddef.h>

enum fault {
	FAULT_CHANGING,      /* a note: a change is going on, LVM and the state may differ until it ends */
	FAULT_SUPERBLOCK,    /* NUMBER: copy 0 or 1 */
	FAULT_SLOT,          /* NUMBER: a document slot that is damaged, or whole and not to be used */
	FAULT_DOCUMENT,      /* no document can be used */
	FAULT_STATE,         /* the state contradicts itself */
	FAULT_INTENT,        /* a change was cut off after its first LVM command */
	FAULT_LEASE,         /* the lease cannot be read */
	FAULT_LVM,           /* LVM's metadata cannot be read */
	FAULT_LV_UNKNOWN,    /* NAME: an LV that no image and no slab names */
	FAULT_LV_MISSING,    /* NAME: a slab or image without its LV, … */
	FAULT_LV_SHORT,      /* … with an LV that holds only the first of its segments, … */
	FAULT_LV_LONG,       /* … with one that goes on behind them, … */
	FAULT_LV_DIFFERS,    /* … or with one that lies elsewhere */
	FAULT_VOLUME_STRAY,  /* NAME: a volume with segments outside every slab */
	FAULT_VOLUME_OWNER,  /* NAME: a volume of a node that is not in the state */
	FAULT_PV_MISSING,    /* NUMBER: a PV whose partition is on no disk here */
	FAULT_PV_SHORT,      /* NUMBER: a PV whose partition is smaller than the state says */
	FAULT_PV_UNKNOWN,    /* LVM's metadata name a PV that the state does not know: LVM changes nothing then */
	FAULT_PV_LEFT,       /* NAME: GUID of a partition of a PV's name that the state does not know */
	FAULT_IMAGE_FILLING, /* NAME: an image that nobody fills any more */
	FAULT_STATUS_SLOT,   /* NUMBER: status slot of a node that is not in the state */
	FAULT_VOLUME_SLOT,   /* the same of a volume slot */
	FAULT_HISTORY,       /* a note: generations whose record is missing */
};
const char *fault_name(enum fault f); /* "lv-unknown": for programs */
bool fault_is_note(enum fault f);     /* tells, and needs no repair */

/* What mends it. None of these takes away bytes that a volume or an image names. */
enum remedy {
	REMEDY_NONE,         /* only an admin can tell: HOW says what to do */
	REMEDY_PUBLISH,      /* the next generation writes over it */
	REMEDY_REMOVE_LV,    /* LV NAME */
	REMEDY_TAKE_LV,      /* the state takes what LVM says of slab or image NAME */
	REMEDY_RESTORE_LV,   /* LVM takes what the state says of it: those extents are free there */
	REMEDY_REMOVE_PV,    /* out of LVM's metadata; and the partition, where nothing else can be on it */
	REMEDY_REMAKE_LVM,   /* LVM's metadata are written anew from the state */
	REMEDY_REMOVE_IMAGE, /* image NAME and its LV */
	REMEDY_SUPERBLOCK,   /* copy NUMBER is written anew */
	REMEDY_CLEAR_STATUS, /* slot NUMBER */
	REMEDY_CLEAR_VOLUMES,
};

struct finding {
	enum fault fault;
	enum remedy remedy;
	char name[VOLUME_NAME_SIZE];
	unsigned number;
	char text[384]; /* what is wrong */
	char how[320];  /* what mends it, or what an admin can do; "" for a note */
};
struct findings {
	struct finding *v;
	size_t n;
	bool failed; /* memory ran out: the list is not whole */
};
void findings_free(struct findings *f);
/* Those that are no notes. */
size_t findings_faults(const struct findings *f);

/* A partition that should hold a PV. */
struct pv_seen {
	bool found;
	uint64_t bytes;
};

/* Whether somebody is filling an unfinished image. */
enum filling { FILLING_UNKNOWN, FILLING_LIVE, FILLING_GONE };

/* All that was seen. What could not be looked at is NULL, or says why. */
struct seen {
	const struct cluster *c; /* the newest document that can be used; NULL: none */
	char no_document[384];   /* why */

	enum slot_state super[2];
	const char *warning; /* of reading the state; NULL or "": none */
	struct slot_view slots[2];
	bool intent;

	bool holder_known;
	unsigned holder; /* of the lease: node number; 0 = nobody */
	char no_holder[256];

	const struct pv_seen *pvs; /* as many as c->pvs */
	const struct leftover *left;
	size_t n_left;
	size_t strangers; /* PVs of LVM's metadata that the state does not know; with lvm_known */

	bool lvm_known, lvm_damaged; /* DAMAGED: LVM can be asked, but finds no metadata that it understands */
	const struct lvm_volume *lvs;
	size_t n_lvs;
	char no_lvm[384];

	const enum filling *filling;    /* of c->images[i], where that is unfinished */
	const unsigned *status;         /* nodes that have written their status slot, … */
	size_t n_status;                /* … ascending */
	const unsigned *volumes;        /* the same of volume slots */
	size_t n_volumes;               /* */
	uint64_t history_first;         /* of the generations without a record; 0 = none */
	uint64_t history_last, history; /* how many in between */
};

/* Appends to RET what is wrong. */
void findings_judge(const struct seen *s, struct findings *ret);

/* The part of it that compares LVM's LVs with the state. */
void findings_lvm(const struct cluster *c, const struct lvm_volume *lvs, size_t n, struct findings *ret);

#endif
