/* SPDX-License-Identifier: GPL-2.0-or-later */
/* This machine's place in the cluster's lockspace, without which it cannot take the lease. For who takes it; lease.h has the rest. */
#ifndef BYRE_VOLMGR_LEASE_JOIN_H
#define BYRE_VOLMGR_LEASE_JOIN_H

#include "volmgr/lease.h"

#include <stdbool.h>

/* Whether the machine is in lockspace NAME, as HOST (0: as any). */
bool lease_is_joined(const char *name, unsigned host);

/* Where the SAN is reserved, only who is registered writes: also for its place in the lockspace. Registers this machine if so. */
int lease_may_write(const struct lease_place *p, struct error *e);

/* Joins as HOST. A place taken under another number is left: as always with no disk composed. With this machine's lock (lease_here.h). */
int lease_join_as(const struct lease_place *p, const char *name, unsigned host, struct error *e);

#endif
