/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine's place on the lists of those who may write (pr.h): it registers before its first write, and finds out whether it was taken off, which is how it
 * learns that it was fenced. The initrd links this. Fencing others is fence.h.
 */
#ifndef BYRE_VOLMGR_REGISTRATION_H
#define BYRE_VOLMGR_REGISTRATION_H

#include "base/error.h"
#include "cluster/model.h"
#include "cluster/status.h"

#include <stdbool.h>
#include <stddef.h>

/* The id of this boot of this machine. */
int fence_boot_id(char ret[BOOT_ID_SIZE], struct error *e);

/*
 * Registers each session (path) beneath the N DEVICES, disks or partitions; what is done already is left. (The LUN is reserved by fence_reserve.) NODE is 0 for a machine that
 * is no node. BOOT_ID NULL: this boot's. Nothing is done where C->settings does not fence by reservations, unless the LUN is reserved by one of our
 * clusters: then whoever wants to write there must be on its list.
 * -EKEYREJECTED: this boot was fenced; the machine has to stop writing and start anew. A LUN that is new to this boot is to be named together with those
 * that it knows: a fence that comes between must not leave it on the list of one of them.
 *
 * To be called before the first write through a session that is new: by the initrd for the volumes' session, by who logs in to the control path, for a disk that is added.
 * Keys that earlier boots of the node left are taken off.
 */
int fence_register_devices(const struct cluster *c, const char *const *devices, size_t n, unsigned node, const char *boot_id,
			   struct error *e);
/* The same of all PVs of C. */
int fence_register(const struct cluster *c, const char *const *pv_paths, unsigned node, const char *boot_id, struct error *e);

/*
 * Whether this boot is on the lists still; to be called every few seconds by a program that is locked in memory. 0: it is, or never was. 1: a SAN has lost its whole list: register
 * again. -EKEYREJECTED: it was fenced: see fence_restart. Any other error: nobody knows. While the SAN is away this waits as all I/O on that path does.
 */
int fence_check(const struct cluster *c, const char *const *pv_paths, unsigned node, struct error *e);

/* Whether this boot registered on any LUN. */
bool fence_registered(void);

/* Restarts the machine at once, without writing anything more; its console says WHY. */
void fence_restart(const char *why);

/* --- one session: for tests, and for fence.c ------------------------------------------------------------------------------ */

struct scsi_port;
struct registrant {
	const char *cluster; /* its id */
	unsigned node;
	const char *boot;
	bool wanted; /* settings.fencing says so */
};
/*
 * Registers the session P. *KNOWN: this boot was registered on this LUN before; set when it is now. *RET_KEY: the session's key, 0 when nothing had to be done. As
 * fence_register_devices.
 */
int registration_join(struct scsi_port *p, const struct registrant *who, bool *known, uint64_t *ret_key, struct error *e);
/* 0: nobody has reserved the LUN in another way than ours. */
struct pr_reservation;
int registration_check_type(const struct scsi_port *p, const struct pr_reservation *v, struct error *e);
/* Whether a boot that is KNOWN on P's LUN is on its list still: 0, 1 or -EKEYREJECTED, as fence_check. */
int registration_check(struct scsi_port *p, const struct registrant *who, struct error *e);

#endif
