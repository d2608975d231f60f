/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does a SAN keep to what fencing by reservations needs? What is tried is here; the sessions it is tried with are the caller's. */
#ifndef BYRE_VOLMGR_PROBE_H
#define BYRE_VOLMGR_PROBE_H

#include "pr.h"

#include <stdbool.h>
#include <stdint.h>

/* Two sessions to one LUN that nobody else uses. */
struct probe {
	struct scsi_port *a, *b;
	/* Logs the session A in again, as the same initiator port, as after an outage. */
	int (*renew)(struct probe *t, struct error *e);
	uint64_t key_a, key_b;
};
#define PROBE_WHY       160
#define PROBE_INITIATOR "iqn.2026-11.org.byre:probe"

/*
 * 0: it was tried; *RET_CONFORMS, and in WHY one sentence. Both sessions are off the list afterwards. An error: a session broke.
 */
int probe_lun(struct probe *t, bool *ret_conforms, char why[PROBE_WHY], struct error *e);

/* --- session.c: an iSCSI session of this process ------------------------------------------------------------------------------ */

/* How the kernel reached a disk. */
struct session_place {
	char portal[64], target[224], initiator[224], user[256], password[256];
	unsigned lun;
};
/* -EOPNOTSUPP: DISK (/dev/sda) is not on iSCSI. ROOT ("") is put in front of /sys. */
int session_place(const char *root, const char *disk, struct session_place *ret, struct error *e);

/* Logs in to PLACE as its initiator with a port of its own: sessions with the same PORT (24 bits) are one I_T nexus to the SAN. */
int session_open(const struct session_place *place, uint32_t port, struct scsi_port **ret, struct error *e);
/* Breaks the connection and logs in again as the same port. */
int session_renew(struct scsi_port *p, struct error *e);
void session_close(struct scsi_port *p);

#endif
