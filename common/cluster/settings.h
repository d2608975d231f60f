/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an admin decides about a cluster: the keys of INSTALL.info (an answers file), with the defaults of the
 * dialogue. One table says each key's type, default and meaning; the file's parser and printer, the state document,
 * the dialogue and the manual follow from it.
 */
#ifndef BYRE_CLUSTER_SETTINGS_H
#define BYRE_CLUSTER_SETTINGS_H

#include "base/addr.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLUSTER_MAX_NODES 2000
#define NAME_SIZE         64 /* a label and its NUL */

enum connection_kind { CONNECTION_ETHERNET, CONNECTION_INFINIBAND };
enum mac_gather { MAC_AUTOMATIC, MAC_MANUAL, MAC_FROM_FILE };
/* How it is made sure that a node writes no more (volmgr/fence.h). AUTOMATIC: not decided yet, so as WAIT; an installation decides. */
enum fencing { FENCING_AUTOMATIC, FENCING_RESERVATION, FENCING_COMMAND, FENCING_WAIT };

/* IPv4 addresses and masks are in host byte order, 0 = none; sizes are in MiB. Texts are never NULL. */
struct settings {
	char base_distribution[NAME_SIZE];
	uint32_t storage_ip, storage_netmask;
	unsigned storage_port;
	char storage_portals[160]; /* further ways to the SAN: cluster/portals.h */
	uint32_t meta_master_ip;
	unsigned connection_kind; /* enum connection_kind */
	unsigned number_of_nodes;
	char iscsi_target[224]; /* "" = the only one there is */
	char chap_user[128];    /* "" = the SAN wants no CHAP */
	char chap_secret[128];  /* of an installation under way only: recorded nowhere */
	uint64_t volume_size, swap_size, shared_size, store_size;
	char free_space_allocation[64]; /* "largest", or START-END in MiB of the disk */
	char container_name[NAME_SIZE];
	char shared_fs_id[NAME_SIZE];
	uint32_t primary_gateway_local_ip, backup_gateway_local_ip, spare_local_ip;
	uint32_t public_ip, public_netmask, public_router, public_dns;
	char domain[254];
	bool confirm_ext_if, confirm_boot_if;
	char ext_if[16], boot_if[16], storage_if[16]; /* "" = found by itself */
	char storage_modules[256];                    /* comma-separated kernel modules for storage_if; "" = found by itself */
	/* One network for boot and storage: the two first addresses are the same, and the masks too. */
	uint32_t first_node_ip_netboot, netmask_netboot, first_node_ip_netstorage;
	char cluster_hostname[48];
	unsigned mac_gather_procedure; /* enum mac_gather */
	unsigned lease_timeout;        /* s; sanlock's I/O time-out: a dead machine's lease is free after 8 of these and a minute */
	char root_password_hash[256];  /* crypt(5); "" = root cannot log in with a password */
	unsigned fencing;              /* enum fencing */
	char fence_command[256];       /* words apart by blanks, with %n %N %m; "" = none */
	bool unattended;
	char **ssh_keys; /* public keys that may log in as root */
	size_t n_ssh_keys;
	struct mac *macs; /* of node 1, 2, … in the order of their numbers */
	size_t n_macs;
};

const char *fencing_name(enum fencing f); /* "reservation" */

/* One key. The table ends with a NULL key. */
enum setting_type { SET_TEXT, SET_LABEL, SET_DOMAIN, SET_IP, SET_MASK, SET_UINT, SET_SIZE, SET_BOOL, SET_CHOICE, SET_WORDS, SET_SECRET };
struct setting {
	const char *key;
	enum setting_type type;
	size_t offset;
	size_t size;               /* of a text */
	uint64_t min, max;         /* of a number */
	const char *const *choice; /* NULL-terminated; the value is the index */
	const char *def; /* NULL: must be given. ".N": the host N of the storage network. "=KEY": the value of that key. "": none */
	const char *meaning;
};
extern const struct setting settings_table[];

void settings_init(struct settings *s);
void settings_free(struct settings *s);

/*
 * Reads an answers file: every value checked, defaults filled in, the whole checked (settings_check). NAME is used in messages.
 * RET must be initialised; it is defined only on success. -EINVAL: E has "NAME:LINE: key: why", or "NAME: key: why".
 */
int settings_parse(const char *name, const char *text, size_t len, struct settings *ret, struct error *e);

/* Sets one key from text, checked by its type. -ENOENT: no such key. A NULL value: the default, where that is a plain one; else -EINVAL. */
int settings_set(struct settings *s, const char *key, const char *value, struct error *e);

/* One key's value as text, into B. */
void settings_format(const struct settings *s, const struct setting *d, struct buf *b);

/* What no single key can tell: addresses that collide or lie outside their network, doubled MACs, too few of them. */
int settings_check(const struct settings *s, struct error *e);

/* The whole as a commented answers file which settings_parse reads back to the same settings. */
void settings_print(const struct settings *s, struct buf *b);

/* Boot and storage addresses of node NUMBER (counted from 1). */
uint32_t settings_boot_ip(const struct settings *s, unsigned number);
uint32_t settings_storage_ip(const struct settings *s, unsigned number);

#endif
