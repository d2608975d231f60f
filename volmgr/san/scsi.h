/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI commands to a LUN, by SG_IO or by any other way that a struct scsi_port stands for (a session of a probe's own, a test's simulated SAN). The kernel's
 * own ioctls for reservations are not enough: some SANs refuse what they ask for.
 */
#ifndef BYRE_VOLMGR_SCSI_H
#define BYRE_VOLMGR_SCSI_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

#define SCSI_TIMEOUT   15 /* seconds that a command may take once it was sent */
#define SCSI_PATHS_MAX 16

enum { SCSI_GOOD = 0x00, SCSI_CHECK_CONDITION = 0x02, SCSI_BUSY = 0x08, SCSI_RESERVATION_CONFLICT = 0x18, SCSI_TASK_ABORTED = 0x40 };
enum { SENSE_ILLEGAL_REQUEST = 5, SENSE_UNIT_ATTENTION = 6, SENSE_ABORTED_COMMAND = 11 };

struct scsi_command {
	unsigned char cdb[16];
	unsigned cdb_len;
	bool out; /* DATA goes to the LUN; else it comes from there */
	void *data;
	unsigned len;
	/* How it ended. */
	unsigned got; /* bytes that came */
	unsigned status;
	unsigned char key, asc, ascq; /* with SCSI_CHECK_CONDITION; all 0: it told nothing */
};

struct scsi_port {
	/* 0: it ended, and says how. A negative errno: no answer. */
	int (*run)(struct scsi_port *p, struct scsi_command *c, struct error *e);
	int fd;
	char name[64]; /* for messages: /dev/sdb */
};

/* Opens the way through the kernel: DISK is /dev/sdX. Nothing is written, no partition looked at anew. */
int scsi_open(const char *disk, struct scsi_port *ret, struct error *e);
void scsi_close(struct scsi_port *p);

/*
 * Runs C, again after a unit attention or an abort, which say something of the past. 0: done. -EBADE: reservation conflict; -EOPNOTSUPP: the SAN does not know
 * the command or one of its options; -EIO and others: E says what it said.
 */
int scsi_run(struct scsi_port *p, struct scsi_command *c, struct error *e);

/* Takes key, asc and ascq from sense data of LEN bytes (SPC-4, 4.5), fixed or descriptor format; leaves 0 where there is none. Pure. */
void scsi_sense(const unsigned char *sense, size_t len, struct scsi_command *c);

/* LOGICAL UNIT RESET: when it has returned, no command that anybody had sent before is under way in the SAN any more; others are sent again by their initiators. */
int scsi_reset_lun(struct scsi_port *p, struct error *e);

/*
 * The SCSI disks beneath DEVICE (/dev/sda2, /dev/mapper/mpatha-part2): one, or one for each path. ROOT ("") is put in front of /sys and /dev. Returns their number, at most
 * SCSI_PATHS_MAX, into RET ("/dev/sda"); 0 when there is none.
 */
int scsi_paths(const char *root, const char *device, char ret[SCSI_PATHS_MAX][64], struct error *e);

#endif
