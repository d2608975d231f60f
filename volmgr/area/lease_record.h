/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What sanlock's records on the SAN say, read without its daemon, and how long a held lease is waited for. Pure.
 * The format is that of sanlock 3 (leader records of lockspaces, version 3, and of resources, version 6).
 */
#ifndef BYRE_VOLMGR_LEASE_RECORD_H
#define BYRE_VOLMGR_LEASE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_RECORD_SIZE 512 /* bytes of a record that matter; it begins a sector of its own */
#define LEASE_MAX_HOST    2000u

enum lease_record_kind { LEASE_RECORD_HOST, LEASE_RECORD_RESOURCE };

/* Who holds a host's place (TIMESTAMP 0: nobody), or a resource (TIMESTAMP 0: nobody). */
struct lease_record {
	unsigned sector;     /* bytes: 512 or 4096; records of a lockspace are that far apart */
	unsigned host;       /* the owner's, also the last one's */
	uint64_t generation; /* of the owner's host lease */
	uint64_t version;    /* of a resource: grows each time it is taken */
	uint64_t timestamp;
	unsigned io_timeout; /* seconds; of a host */
	char lockspace[49], name[49];
};

/* -EINVAL: no record of that kind; -EUCLEAN: damaged, or not of this version. */
int lease_record_decode(const unsigned char data[LEASE_RECORD_SIZE], enum lease_record_kind kind, struct lease_record *ret);

/* Seconds after a machine's last sign of life until sanlock gives its leases to others. */
unsigned lease_dead_after(unsigned io_timeout);

/* --- patience -------------------------------------------------------------------------------------------------------------- */

/* How somebody who wants the lease waits for its holder. Another holder, or the same one anew: waiting starts again. */
struct patience {
	unsigned wait, io_timeout; /* seconds; set by the caller, the rest zero */
	unsigned host;
	uint64_t generation, version;
	uint64_t since, asked; /* ms */
	bool fenced;
};

/*
 * TELL: as WAIT, and say who it is (a new holder). ASK: a living holder has had its time: it is to be killed where it runs; repeated while it takes no effect.
 * FENCE: the holder's machine does not renew any more (once per holder). GIVE_UP: nothing helped.
 */
enum patience_step { PATIENCE_WAIT, PATIENCE_TELL, PATIENCE_ASK, PATIENCE_FENCE, PATIENCE_GIVE_UP };

/* HOLDER: the resource's record as it is at NOW (ms). FAILING: its machine is not seen alive. */
enum patience_step patience_step(struct patience *p, const struct lease_record *holder, bool failing, uint64_t now);

#endif
