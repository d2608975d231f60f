/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a crash has left, or a check has found, is mended within a change. findings.h has what that may be; the judging is pure. */
#ifndef BYRE_VOLMGR_RECONCILE_H
#define BYRE_VOLMGR_RECONCILE_H

#include "findings.h"
#include "volmgr/change.h"

/*
 * Brings LVM's metadata and the state together after a change that was cut off: removes LVs that no image and no slab names, gives those back that the state names and
 * LVM has lost, takes what LVM says of a slab that is longer than the state knows; makes metadata anew that LVM cannot read. Publishes when the state had to change.
 * Called by change_begin when the intent is set, with the lease held.
 */
int reconcile(struct change *ch, struct error *e);

/*
 * Publishes ch->c, a document from elsewhere, and makes LVM what it says: LVs that it names get their extents back first, LVs that nobody names go when it is
 * published. The intent is set all the while, so that the next holder ends what is cut off. -EUCLEAN: an LV is in the way; nothing was published.
 */
int adopt(struct change *ch, struct error *e);

/*
 * Mends all of F that has a remedy, and publishes when that is one. What F says of LVM is looked at again first, now that the lease is held. Findings without a remedy
 * stay. The first error ends it; what was mended until then is.
 */
int repair(struct change *ch, const struct findings *f, struct error *e);

#endif
