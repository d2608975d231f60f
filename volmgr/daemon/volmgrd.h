/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program volmgrd: one a machine. It watches the stores of the volumes that are composed here, and gives them space before they are full. Its memory is locked, and
 * what it does on the way reads nothing from the root file system: that may be the one that waits.
 */
#ifndef BYRE_VOLMGR_VOLMGRD_H
#define BYRE_VOLMGR_VOLMGRD_H

#include "cluster/volume_status.h"
#include "growth.h"
#include "volmgr/compose.h"

#include <stdbool.h>

/* --- watch.c: what is here --- */

struct store_watch {
	char name[VOLUME_NAME_SIZE];
	struct store_usage usage;
	struct growth growth;
	uint64_t limit;       /* bytes that its devices can use at most */
	uint64_t short_since; /* seconds since 1970; 0 = all is well */
	bool wants;           /* more space, now */
	bool touched;         /* its reserve was: the pool has told, and tells again only after it was extended or rearmed */
	bool late;            /* its pool has given up a block that it was to have again */
	bool here;            /* found in the last look */
	bool stray;           /* a disk that this node does not hold; told */
};

struct watch {
	char container[NAME_SIZE];
	unsigned node; /* 0 = none: then nothing is told in a slot */
	struct cluster c;
	const char **pvs; /* of c; NULL = not known */
	bool behind;      /* a store here could not be made as the state says: the next refresh tries again */
	struct container_place place;
	struct state_area *area; /* writable */
	struct store_watch *v;
	size_t n;
	bool busy; /* somebody is at work on a volume here, and may be killed while it stands still: look again soon */
	bool leaving; /* the next report is the last one */
};

void watch_init(struct watch *w);
/* Finds the container and reads its state. To be called again until it has succeeded. */
int watch_open(struct watch *w, const char *container, struct error *e);
void watch_close(struct watch *w);

/* Takes the newest state when there is a newer one, or the last one could not be followed, and makes the stores here as large as it says. */
int watch_refresh(struct watch *w, struct error *e);
/* C, which is emptied, is the newest state: as watch_refresh. */
int watch_take(struct watch *w, struct cluster *c, struct error *e);

/* Asks the kernel how full each store here is. Pools that have got space back are rearmed. */
int watch_look(struct watch *w, struct error *e);
struct store_watch *watch_store(struct watch *w, const char *name);

/* Those that want more did not get it, from now on. */
void watch_short(struct watch *w);

/* Writes the node's volume slot, when there is news or the last report is a minute old. WHY: "" or why nothing more was had. */
int watch_report(struct watch *w, const char *why, struct error *e);

/* --- fence_watch.c --- */

/*
 * Sees to it that a child runs that restarts this machine when it was fenced; it ends with this process. To be called at each turn: with another disk there is another child.
 * Nothing where nothing is reserved, or this machine is no node.
 */
int fence_watch_tend(const struct watch *w, struct error *e);

/* --- grant.c: more space --- */

/*
 * One change for all the stores that want more. 0: each has got something. 1: not each: WHY says it in a sentence for the admin; stores whose writers wait have given up
 * their undo, if they had one. Negative: no change could be made; E says why.
 */
int grant(struct watch *w, uint64_t now_ms, char why[VOLUME_WHY_SIZE], struct error *e);

#endif
