/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease as it lies in the state area: two sanlock resources, and the record that says who holds one. */
#ifndef BYRE_VOLMGR_LEASE_RESOURCE_H
#define BYRE_VOLMGR_LEASE_RESOURCE_H

#include "layout.h"
#include "lease_record.h"
#include "volmgr/lease.h"

#include <sanlock.h>
#include <sanlock_resource.h>

#define LEASE_CHANGE    "change"
#define LEASE_FENCE     "fence" /* guards the freeing of a fenced machine's lease */
#define LEASE_CHANGE_AT LAYOUT_RESOURCES
#define LEASE_FENCE_AT  (LAYOUT_RESOURCES + 8 * LAYOUT_MIB)

union lease_resource {
	struct sanlk_resource r;
	char space[sizeof(struct sanlk_resource) + sizeof(struct sanlk_disk)];
};
/* Resource NAME at OFFSET of P's state area, as libsanlock wants it. */
int lease_resource_fill(union lease_resource *ret, const struct lease_place *p, const char *name, uint64_t offset, struct error *e);

/* The record of LEASE_CHANGE: who holds it, or did last. Needs no daemon. */
int lease_record_read(const struct lease_place *p, struct lease_record *ret, struct error *e);

/*
 * Frees LEASE_CHANGE if it is held still as HOLDER says. Two machines may fence one holder, and the slower one must not free the lease of whoever took it meanwhile: so this
 * is done under a lease of its own. -EBUSY: another machine is about it.
 */
int lease_free_fenced(const struct lease_place *p, const struct lease_record *holder, struct error *e);

#endif
