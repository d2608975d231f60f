/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The images of a cluster: which there are, which new nodes get, which may go. */
#ifndef BYRE_VOLMGR_IMAGES_H
#define BYRE_VOLMGR_IMAGES_H

#include "base/buf.h"
#include "volmgr/change.h"

/* --- pure --------------------------------------------------------------------------------------------------------------- */

/* "NAME@VERSION", or "NAME": its highest finished version (or the highest at all, when none is). NULL: there is none. */
struct image *images_find(const struct cluster *c, const char *text);
/* The version that an import of NAME gets: one more than the highest. */
unsigned images_next_version(const struct cluster *c, const char *name);

/* Whether new nodes can get it: a node's, finished, not larger than a node's volume. -EINVAL, -EFBIG. */
int image_check_default(const struct cluster *c, const struct image *i, struct error *e);
/* New and reset nodes get I from now on. 1: changed; 0: they do already; or a negative errno. */
int images_set_default(struct cluster *c, const struct image *i, struct error *e);
/* The default before this one is it again, and the other way round. -ENOENT: there is none, or it was removed. */
int images_rollback(struct cluster *c, struct error *e);

/* Adds all that stands on image REF to B: "volumes node1.root, node2.root; the default of new nodes". Returns how many these are. */
size_t images_users(const struct cluster *c, const char *ref, struct buf *b);

/* --- within a change: the caller publishes ---------------------------------------------------------------------------------- */

/* Makes the LV of the next version of NAME, and its entry, marked as being filled. REF tells it. -ENOSPC. */
int image_add(struct change *ch, const char *name, enum image_use use, uint64_t bytes, char ret_ref[IMAGE_REF_SIZE], struct error *e);
/* Image REF is filled and sealed as FILLED says: from now on volumes may stand on it. -ENOENT: somebody has removed it. */
int image_finish(struct change *ch, const char *ref, const struct image *filled, struct error *e);
/*
 * Removes image REF and its LV. -EBUSY: it is used, and E names all who do; or it is unfinished and may be being filled: here for certain, elsewhere as far as
 * can be told, which FORCE overrides.
 */
int image_remove(struct change *ch, const char *ref, bool force, struct error *e);

#endif
