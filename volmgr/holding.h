/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk moves between nodes; at no time do two of them have it composed to be written. What makes that true, whatever is killed when:
 *
 *	The state names the disk's holder. Only the holder composes it, and it reads the state anew for that.
 *	The holder gives the disk up only when nothing of it is composed there any more, and composes it no more once that is published (lock_hold).
 *	Without the holder's doing another node takes the disk only when the holder has left the lockspace (its record on the SAN bears no time), or by the admin's word.
 *	A machine leaves the lockspace only when no disk is composed there, and composes none while it is not in it (lock_place). One that is killed, hangs or loses the
 *	SAN has not left.
 *	A machine that has just joined may have read the state while another took the disk, having seen no sign of it: so it waits, once, until it has had the
 *	lease itself. Who takes the lease later sees that it has joined.
 */
#ifndef BYRE_VOLMGR_HOLDING_H
#define BYRE_VOLMGR_HOLDING_H

#include "volmgr/change.h"

/*
 * Composes disk NAME, which this node holds, and gives its path. Done already: the same path. -EPERM: this node does not hold it, or this machine is no node; -EINVAL: it is no
 * disk; -ENOENT.
 */
int disk_compose(const struct change_options *o, const char *name, char ret_path[256], struct error *e);

/* Takes it down; this node holds it still. 0 also when it was not there. -EBUSY: somebody has it open. */
int disk_release(const struct cluster *c, const char *name, struct error *e);

/* -EBUSY: something of V is composed on this machine. Else it stays so until *RET_LOCK is closed, as far as disk_compose goes. */
int disk_lock_released(const struct cluster *c, const struct volume *v, int *ret_lock, struct error *e);

/*
 * Releases the disks that nobody has open here, and then, with *RET_LOCK, keeps new ones from being composed until that is closed: for who is about to leave the lockspace.
 * -EBUSY: one is in use.
 */
int disks_release_all(const struct cluster *c, int *ret_lock, struct error *e);

#endif
