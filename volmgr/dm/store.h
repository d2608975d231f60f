/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thin volume's store while the volume is composed on this machine: it grows, gives old devices up, keeps a moment. */
#ifndef BYRE_VOLMGR_STORE_H
#define BYRE_VOLMGR_STORE_H

#include "guard.h"
#include "volmgr/compose.h"

struct store_change {
	bool any;  /* something was not so before */
	bool late; /* the pool would not stand still, and gave up a block */
};
/*
 * Makes V's devices as large as C says: metadata, data and volume only ever grow here; what is larger already stays. Writers that wait for space go on. Nothing is frozen and nothing
 * is read but the kernel's tables, so it may be the root of the caller (whose memory is locked). REARM: the pool shall tell again when its reserve is touched, although it
 * does not grow. -ENODEV: V is not composed here. -ESTALE: it is, otherwise than C says.
 */
int store_extend(const struct cluster *c, const struct volume *v, const char *const *pv_paths, bool rearm,
		 struct store_change *ret, struct error *e);
/* Blocks that V's pool gave up when it was late are had again, while there is space that nobody wants just now. */
int store_refill(const struct cluster *c, const struct volume *v, struct error *e);

/* The id of V's device that is composed here: of an older one than C names when V was reset since. -ENODEV. */
int store_live(const struct cluster *c, const struct volume *v, uint32_t *ret, struct error *e);

/* Forgets thin device ID of V's pool; its blocks can be written to at once. 0 also when there is none. -EBUSY: it is V's own. */
int store_forget(const struct cluster *c, const struct volume *v, uint32_t id, struct error *e);

/* Who keeps a volume as it was at one moment. */
struct store_moment {
	struct guard guard;
	int lock;
};
/*
 * V as it is this moment, as a read-only device in RET_PATH; its file system is frozen for as long as that takes. What V writes from now on takes space of its own
 * until store_unfreeze, which forgets it; should this process die before, its guard does, and never leaves V frozen. -EBUSY: somebody keeps a moment of V already.
 */
int store_freeze(const struct cluster *c, const struct volume *v, struct store_moment *ret, char ret_path[256], struct error *e);
int store_unfreeze(const struct cluster *c, const struct volume *v, struct store_moment *m, struct error *e);

/*
 * Lets V go on when whoever made it stand still is dead. 1: it stood still. 0: it did not, or is not here. -EAGAIN: somebody is at work on it: ask again
 * soon.
 */
int store_wake(const struct cluster *c, const struct volume *v, struct error *e);

/* Calls FN with the name of each volume of container CONTAINER whose pool is here, as far as the names of the devices tell. */
typedef int store_fn(const char *volume, void *data, struct error *e);
int store_each(const char *container, store_fn *fn, void *data, struct error *e);

#endif
