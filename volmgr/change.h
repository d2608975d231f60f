/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One change of a cluster's state: take the lease, read the newest state, edit it, publish it, let go. All that writes the state of an installed cluster or
 * its LVM metadata goes through here.
 */
#ifndef BYRE_VOLMGR_CHANGE_H
#define BYRE_VOLMGR_CHANGE_H

#include "volmgr/compose.h"

struct lease;

struct change_options {
	const char *container; /* NULL: the one this machine booted from, or the only one here */
	const char *state;     /* its state area, if it is not to be looked for; then there are no pvs */
	const char *what;      /* for the history: "volmgr reset node3" */
	unsigned wait; /* seconds that a living holder of the lease may take for one change, 0 = 20; then its own machine kills it */
	void (*waiting)(const char *what, void *data); /* "waiting for node3, which holds the lease"; may be NULL */
	void *data;
};

struct change {
	struct cluster c; /* the newest state; edit it */
	const char **pvs; /* control paths of c.pvs; see control.h. Renewed when a PV is added */
	struct container_place place;
	struct state_area *area; /* writable, on the control path */
	struct lease *lease;
	unsigned node;        /* of this machine; 0 = none */
	char what[NOTE_SIZE]; /* as in the options; the next publish notes it */
	bool intended;
	unsigned fenced; /* the node that was fenced on the way; the next publish notes it. 0 = none */
};

/* The number of the node that this machine is, 0 = none. */
unsigned this_node(void);

/* The container that this node was booted from, or "". */
void booted_container(char ret[NAME_SIZE]);

/*
 * Takes the lease and reads the state. When the intent says that LVM's metadata may be ahead of the state, they are brought together first (reconcile.h).
 * -EBUSY: the lease is held; E names the holder and what to do.
 */
int change_begin(const struct change_options *o, struct change **ret, struct error *e);

/* Call before the first LVM command of a change: whoever comes after a crash must look at LVM's metadata, too. Written once a change. */
int change_intend(struct change *ch, struct error *e);

/*
 * Checks that the lease is ours still, publishes c as the next generation with its note and its record in the history, takes the intent back. May be called
 * more than once in a change. -ESTALE: lease lost, or somebody else published: nothing was written.
 */
int change_publish(struct change *ch, struct error *e);

/* What LVM has and what was published agree: takes the intent back, with a publish when the state was EDITED since. */
int change_settle(struct change *ch, bool edited, struct error *e);

/* Lets the lease go. What was not published is forgotten (LVs made for it: the intent stays, the next change removes them). NULL is allowed. */
void change_end(struct change *ch);
static inline void change_endp(struct change **ch)
{
	change_end(*ch);
}

#endif
