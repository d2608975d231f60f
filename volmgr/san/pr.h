/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCSI-3 persistent reservations (SPC-4, 5.13, 6.15, 6.16): a LUN keeps a list of registered sessions, each with a key, and refuses the writes of all others while it is reserved "write
 * exclusive, registrants only". Taking a key off the list is what fences. Big-endian data is en- and decoded here, purely; commands go through a struct scsi_port.
 */
#ifndef BYRE_VOLMGR_PR_H
#define BYRE_VOLMGR_PR_H

#include "scsi.h"

#include <stdint.h>

#define PR_WRITE_EXCLUSIVE_REGISTRANTS 5 /* the type; Linux' own number of it is 3 */

/* --- keys ----------------------------------------------------------------------------------------------------------------- */

/*
 * What our keys say, in hex digits from the top: b7 CCCCC NNN R BBBBB. A key is of one boot: one that an earlier boot left behind authorises nothing.
 */
enum pr_role {
	PR_ANCHOR, /* of the first session of this boot: while it is on the list, this boot was not fenced */
	PR_OTHER,  /* of every other session: the control path, more paths */
	PR_PROBE,  /* of a probe */
	PR_HOLDER, /* of the session that holds the reservation and does nothing else */
};
struct pr_key {
	uint32_t cluster; /* 20 bits of a checksum of its id: containers may share a LUN */
	unsigned node;    /* 12 bits; 0: a machine that is no node */
	unsigned role;    /* 4 bits */
	uint32_t boot;    /* 20 bits of a checksum of the boot's id */
};
uint64_t pr_key_encode(const struct pr_key *k);
/* false: not one of ours. */
bool pr_key_decode(uint64_t key, struct pr_key *ret);
/* The cluster in the keys of the one with the id CLUSTER. */
uint32_t pr_key_cluster(const char *cluster);
/* The key of ROLE of node NODE in the cluster with the id CLUSTER, in the boot with the id BOOT. */
uint64_t pr_key_of(const char *cluster, unsigned node, enum pr_role role, const char *boot);

/* --- what the LUN tells ---------------------------------------------------------------------------------------------------- */

#define PR_KEYS_MAX 8190 /* what a command can bring */
struct pr_keys {
	uint32_t generation; /* counts what changed the list */
	uint64_t *v;         /* one for each registered session */
	size_t n;
};
void pr_keys_free(struct pr_keys *k);
bool pr_keys_have(const struct pr_keys *k, uint64_t key);

struct pr_reservation {
	bool held;
	uint64_t key; /* of its holder */
	unsigned type, scope;
};

struct pr_capabilities {
	bool persists;         /* through loss of power, when that is asked for (PTPL_C) */
	bool registrants_only; /* the type above; also when the LUN does not tell which types it has */
};

/* Decode LEN bytes of READ KEYS, READ RESERVATION, REPORT CAPABILITIES. -EPROTO: not of that form. A list cut short by LEN gives its first keys, *RET_WANTED says how long it is. */
int pr_decode_keys(const unsigned char *data, size_t len, struct pr_keys *ret, size_t *ret_wanted);
int pr_decode_reservation(const unsigned char *data, size_t len, struct pr_reservation *ret);
int pr_decode_capabilities(const unsigned char *data, size_t len, struct pr_capabilities *ret);

/* As scsi_run. RET of pr_read_keys is freed with pr_keys_free. */
int pr_read_keys(struct scsi_port *p, struct pr_keys *ret, struct error *e);
int pr_read_reservation(struct scsi_port *p, struct pr_reservation *ret, struct error *e);
int pr_report_capabilities(struct scsi_port *p, struct pr_capabilities *ret, struct error *e);

/* --- what changes it: as scsi_run; -EBADE: this session does not have the key that it names, or there is no such victim --------- */

/* Replaces the key OLD of this session by NEW (0: off the list). OLD == NEW asks whether this session has that key. */
int pr_register(struct scsi_port *p, uint64_t old, uint64_t new, bool persist, struct error *e);
/* Gives this session the key NEW, whatever it had. */
int pr_register_anyhow(struct scsi_port *p, uint64_t new, bool persist, struct error *e);
int pr_reserve(struct scsi_port *p, uint64_t key, struct error *e);
/* Takes every session with the key VICTIM off the list. ABORT: and ends what they had sent, before it returns. */
int pr_preempt(struct scsi_port *p, uint64_t key, uint64_t victim, bool abort, struct error *e);

#endif
