/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first block of a volume on the SAN: what makes a store fresh, and what asks for a plain volume to be wiped (wipe.h). */
#ifndef BYRE_VOLMGR_HEADS_H
#define BYRE_VOLMGR_HEADS_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>

/* One block each for N volumes of C, and one flush for every PV that they are on. Shared volumes are passed over. */
int heads_write(const struct cluster *c, const char *const *pvs, const struct volume *const *v, size_t n, struct error *e);

/*
 * Whether V's current thin device is in its pool, that is, was composed at least once: compose.c makes the device of id n in the pool's
 * transaction n + 1. True when it cannot be told.
 */
int head_has_thin(const struct cluster *c, const char *const *pvs, const struct volume *v, bool *ret, struct error *e);

/* How many bytes of data the pool of thin V has been given, as its own metadata say: it does not start with fewer. 0: the store is fresh, or is no pool. */
int head_pool_bytes(const struct cluster *c, const char *const *pvs, const struct volume *v, uint64_t *ret, struct error *e);

/* Where the first block of S lies on its PV, in bytes. */
uint64_t segment_offset(const struct cluster *c, const struct segment *s);

#endif
