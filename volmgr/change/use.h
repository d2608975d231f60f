/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a volume is in use, and by whom: from what the kernel of this machine has composed, what the nodes tell in their status slots and volume slots, how old that is, and the
 * holder that the state names. Whoever removes, resets, reads or gives away a volume asks here, and nowhere else.
 */
#ifndef BYRE_VOLMGR_USE_H
#define BYRE_VOLMGR_USE_H

#include "cluster/status.h"
#include "cluster/volume_status.h"
#include "volmgr/compose.h"

/* From harmless to sure. */
enum use_kind {
	USE_NONE,
	USE_HELD,   /* a disk that NODE holds; that it has it composed nobody says */
	USE_SILENT, /* NODE may have it composed: it tells nothing any more, but did not shut down */
	USE_ENDING, /* NODE has it composed, and is shutting down; or it boots, and has not said that it is up yet */
	USE_THERE,  /* NODE has it composed */
	USE_HERE,   /* it is on this machine */
};
struct use {
	enum use_kind kind;
	unsigned node; /* 0 with NONE, HERE */
};

/*
 * What NODE tells of V; S and T are its slots, NULL: never written; ROOT is its root volume, NULL: it has none. A holder that tells nothing of a disk is no matter here. Pure.
 * A machine that boots writes T before it composes anything (claim_begin), S much later.
 */
enum use_kind use_judge(const struct volume *v, unsigned node, const struct volume *root, const struct node_status *s, const struct volume_status *t, uint64_t now);

/* The slots of C's nodes as they are when they are first asked for; A stays open meanwhile, and C. */
struct uses {
	struct state_area *area;
	const struct cluster *c;
	unsigned self; /* this node: of it the kernel knows more than its slots */
	uint64_t now;
	struct heard *v; /* of c->nodes */
};
void uses_begin(struct uses *u, struct state_area *a, const struct cluster *c);
void uses_end(struct uses *u);

/* The strongest use of V. An error: a slot could not be read, so that nothing is known. */
int uses_find(struct uses *u, const struct volume *v, struct use *ret, struct error *e);
/* That of NODE alone, which is not this one. */
int uses_find_by(struct uses *u, const struct volume *v, unsigned node, enum use_kind *ret, struct error *e);

/* 0: USE is NONE. -EBUSY: E says who has V, and what to do. */
int use_refuse(const struct cluster *c, const struct volume *v, const struct use *use, struct error *e);

#endif
