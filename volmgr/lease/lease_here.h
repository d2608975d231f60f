/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine's own lock, which stands before the lease: one process here at a time is about it. NAME: lockspace_name(). */
#ifndef BYRE_VOLMGR_LEASE_HERE_H
#define BYRE_VOLMGR_LEASE_HERE_H

#include "base/error.h"

#include <sys/types.h>

/* The lock's descriptor, not close-on-exec: the lock is free when it is closed, by the caller and by all of its children. -EBUSY: another process of this machine has it. */
int lease_lock_here(const char *name, struct error *e);

/* Which process has it; 0: none, or only children of one that is gone. */
pid_t lease_holder_here(const char *name);

/* Kills that one. */
void lease_kill_here(const char *name);

#endif
