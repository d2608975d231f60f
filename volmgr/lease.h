/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cluster's lease: whoever holds it may change the state and LVM's metadata; nobody else does. It is a sanlock resource in the state area; the
 * sanlock daemon of this machine keeps it for the process that took it, and its children: they inherit the connection, so the lease is free again
 * when the last of them is gone, not before. A child started with spawn's `with_parent` dies with the process.
 *
 * Writers reach the SAN by the control path (control.h), on which a write fails within LEASE_WRITE_LIMIT seconds when the SAN has gone, long before
 * anybody else can take the lease: no write is left in a queue to come late.
 */
#ifndef BYRE_VOLMGR_LEASE_H
#define BYRE_VOLMGR_LEASE_H

#include "base/error.h"
#include "cluster/model.h"
#include "volmgr/change.h"

#include <stdbool.h>
#include <stdint.h>

#define LEASE_WRITE_LIMIT 30 /* seconds */

struct lease_place {
	const char *device;      /* of the state area, by the control path */
	const struct cluster *c; /* its id names the lockspace, its settings the time-out */
};

/* Writes an empty lockspace and lease into the state area: for a new container only. Needs no daemon. */
int lease_format(const struct lease_place *p, struct error *e);

/*
 * This machine's place in the lockspace: HOST is the node's number, or 0 for a machine that is no node (it takes a free number from the top). Starts the
 * sanlock daemon when none runs. Takes 2 x time-out + 1 seconds, no time when it is joined already. *RET_JOINED: it was not before.
 */
int lease_join(const struct lease_place *p, unsigned host, bool *ret_joined, struct error *e);
/* This machine leaves every lockspace, and its daemon ends; as when it shuts down. Who finds it gone takes its disks: see holding.h. Nothing to it when none runs. */
int lease_leave_all(struct error *e);

/*
 * For a daemon on every node, so that no change waits for the joining: call it when it starts, and every few seconds. Costs one question to sanlock while the place is
 * held; joins again after the SAN was away for so long that it was lost; logs in to the control path. STATE: the state partition. -EBUSY: a process here that believes to hold
 * the lease is in the way; it will notice soon.
 */
int lease_keep(const struct cluster *c, const char *state, unsigned host, struct error *e);

/* What is known of a node's host lease. GENERATION grows with each time it joins. */
enum host_state { HOST_UNKNOWN, HOST_FREE, HOST_LIVE, HOST_FAILING, HOST_DEAD };
struct host {
	enum host_state state;
	uint64_t generation;
};
/* Of this machine too, once joined. HOST_UNKNOWN when it was not watched for long enough. */
int lease_host(const struct lease_place *p, unsigned host, struct host *ret, struct error *e);
const char *host_state_name(enum host_state s);

/* -EBUSY: held, E names the holder and what to do. A dead holder is fenced where that is possible (fence.h), else waited for. */
int lease_acquire(const struct lease_place *p, const struct change_options *o, struct lease **ret, struct error *e);
/* The node that held it before and was fenced for it; 0: none. */
unsigned lease_fenced_node(const struct lease *l);
/*
 * 0: still ours, as this machine's sanlock says and the record on the SAN. -ESTALE: lost; nothing more may be written. The record is what tells a machine that stood still,
 * its clocks too, while others took it for dead.
 */
int lease_check(const struct lease *l, struct error *e);
void lease_release(struct lease *l);

/* What NODE held is free at once: only after fence_node() said 0 for it. This machine must be joined. -EBUSY: another machine is about it. */
int lease_fenced(const struct lease_place *p, unsigned node, struct error *e);

/* Who holds it now: node number, 0 = nobody. Reads only. */
int lease_holder(const struct lease_place *p, unsigned *ret, struct error *e);

#endif
