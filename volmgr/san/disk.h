/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks and their partitions as sysfs (disk_path.c) and the GPT (disk.c) tell, and what is looked for on them (disk_find.c). ROOT ("" on a machine) is
 * put in front of /sys and /dev, so that a test can stand on a tree of files.
 */
#ifndef BYRE_VOLMGR_DISK_H
#define BYRE_VOLMGR_DISK_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct partition {
	char path[64];  /* /dev/sda1, without ROOT; "" when the kernel does not know it, or has it with other bounds */
	char label[80]; /* GPT name */
	char uuid[CLUSTER_ID_SIZE];
	uint64_t start, size; /* bytes */
	unsigned number;
};

/* One way to a disk: what the kernel takes for a disk of its own. */
struct disk_path {
	char path[64];     /* /dev/sda, without ROOT */
	char wwid[128];    /* of the LUN behind it; "" when it tells none */
	char state[24];    /* "running", "blocked", "transport-offline"; "" when it tells none */
	char target[224];  /* iSCSI name; "": not on iSCSI */
	char portal[48];   /* 192.168.0.250:3260 */
	unsigned session;  /* of iSCSI, with TARGET */
	unsigned lun;      /* with TARGET */
	unsigned recovery; /* seconds that the session's I/O waits for a new connection, with TARGET */
	bool up;           /* its session is logged in, and the kernel has not given it up */
	bool control;      /* of a session under SAN_CONTROL_IFACE (cluster/san.h): no volume stands on it */
	uint64_t bytes;
};

/* A LUN, and every way to it. */
struct disk {
	char path[64]; /* /dev/sda, without ROOT: paths[0] */
	struct partition *parts;
	size_t n;
	struct disk_path *paths; /* for volumes first, then those that run; at least one */
	size_t n_paths;
};

/* Called for each disk; a negative return ends the walk and is handed on. */
typedef int disk_fn(const struct disk *d, void *data, struct error *e);

/*
 * Every disk that could be a SAN's, once, however many paths lead to it; with its GPT's partitions (none when it has no GPT or cannot be read). A
 * partition that has a multipath device of ours (paths.h) goes by that one's path.
 */
int disk_each(const char *root, disk_fn *fn, void *data, struct error *e);

/*
 * From disk_hold to disk_let_go (they nest) the machine's disks are looked at once, by the first who asks, and disk_each tells the same to all: several questions in a row
 * cost one walk. Whoever makes disks come looks anew after disk_forget.
 */
void disk_hold(void);
void disk_let_go(void);
void disk_forget(void);

/* The partitions of one disk (/dev/sda), looked at on its own. */
int disk_read(const char *root, const char *path, struct disk *ret, struct error *e);
void disk_free(struct disk *d);

/* What sysfs tells of disk PATH (/dev/sda) as a way to a LUN. */
void disk_path_read(const char *root, const char *path, struct disk_path *ret);

/*
 * Two paths to one LUN: the same world-wide id and size; and, when no vendor's registered number is in the id (a text of designator type T10, or an
 * NAA or EUI of zeros; SPC-4, 7.8.6), the same target and LUN, too.
 */
bool disk_path_same(const struct disk_path *a, const struct disk_path *b);
/* For qsort, the order in which paths are used; of equal ones the older name first: sdb before sdaa. */
int disk_path_compare(const void *a, const void *b);

/* The number of D's partition that goes by PARTITION (/dev/sda1, /dev/mapper/…) on one of D's paths; 0: none does. */
unsigned disk_partition_number(const char *root, const struct disk *d, const char *partition);

/* The partition /dev/sda1 as the LUN's control path has it: /dev/sdb1. -ENOENT: no control path leads to its LUN. */
int disk_control_partition(const char *root, const char *partition, char ret[64], struct error *e);

/* The kernel's name of partition NUMBER of DISK (/dev/sda), or "". */
void disk_partition_path(const char *root, const char *disk, unsigned number, char ret[64]);

/*
 * Has the kernel look for new LUNs in every iSCSI session, and for partitions that other machines have made. Disks come a moment later. False: there is no
 * session, and nothing to wait for.
 */
bool disk_rescan(void);
/* The second half of it. */
void disk_learn_partitions(void);

/* When LABEL is byre-NAME-SUFFIX ("-state", "-pv"): NAME, into RET. */
bool disk_container_label(const char *label, const char *suffix, char ret[NAME_SIZE]);

/* The containers among a disk's partitions; as container_find. */
struct container_place;
size_t disk_containers(const struct disk *d, const char *name, struct container_place *ret, size_t max);

/* container_find and container_find_one below ROOT. */
int disk_find(const char *root, const char *name, struct container_place *ret, size_t max, struct error *e);
int disk_find_one(const char *root, const char *name, struct container_place *ret, struct error *e);

/* A text attribute below /sys/block/NAME, trimmed, as much of it as fits; "" when there is none. */
void disk_attribute(const char *root, const char *path, const char *attribute, char *ret, size_t size);

#endif
