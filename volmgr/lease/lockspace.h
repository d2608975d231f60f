/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The edge to sanlock's daemon: that it runs, this machine's place in the lockspace, and what its numbers mean. For the lease. */
#ifndef BYRE_VOLMGR_LOCKSPACE_H
#define BYRE_VOLMGR_LOCKSPACE_H

#include "base/error.h"
#include "lease_record.h"
#include "volmgr/lease.h"

#include <stdbool.h>

#define LOCKSPACE_NAME_SIZE 16

/* "byre-" and the first 8 characters of the cluster's id. */
void lockspace_name(char ret[LOCKSPACE_NAME_SIZE], const char *cluster_id);

/* Starts the daemon unless it runs. -ESHUTDOWN: this machine is leaving. */
int lockspace_daemon(struct error *e);

/* Leaves every lockspace and ends the daemon. Until somebody starts it anew lockspace_daemon says -ESHUTDOWN on a machine that shuts down. */
int lockspace_shut_down(struct error *e);

/* HOST: under which this machine is in the lockspace. -ENOENT: it is not (or is about to leave); -ECONNREFUSED: no daemon. */
int lockspace_joined(const char *name, unsigned *ret_host, struct error *e);

/* The caller makes sure that no process here believes to hold the lease. HOST as in lease_join. -EBUSY: the place is another machine's. */
int lockspace_join(const struct lease_place *p, unsigned host, struct error *e);

/* One sentence for a result of libsanlock (negative). */
const char *lockspace_why(int r);

/* The record at OFFSET of DEVICE: as lease_record_decode, and errors of reading. */
int lockspace_record(const char *device, uint64_t offset, enum lease_record_kind kind, struct lease_record *ret, struct error *e);

/* Leaves the lockspaces that are on DISK (/dev/sdb) or its partitions, which has gone; nothing waits for that. Who joins next does so by another path. */
void lockspace_forget(const char *disk);

#endif
