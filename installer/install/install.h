/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * byre-install: an answers file in, a cluster on the SAN out. One step is one function here; steps.c has the table that says in which
 * order they run, and from which one on the SAN has been touched.
 */
#ifndef BYRE_INSTALL_H
#define BYRE_INSTALL_H

#include "base/error.h"
#include "base/spawn.h"
#include "cluster/model.h"
#include "cluster/settings.h"
#include "volmgr/image_make.h"
#include "volmgr/volmgr.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct install_options {
	const char *answers; /* file */
	const char *check;   /* file */
	const char *medium;  /* folder where the live medium is mounted */
	const char *disk;    /* an attached disk instead of an iSCSI login; may be NULL */
	bool list_keys, dry_run, restart, json, verbose;
};

#define STEPS_MAX 16

/* One installation under way. */
struct install {
	const struct install_options *o;
	struct settings settings;
	char archive[PATH_MAX]; /* of the base distribution, on the medium */
	struct image_source *source;
	struct image_content content;
	struct image_size image_size;
	char boot_if[16], storage_if[16];
	char target[256]; /* logged in to; "" with --disk */
	char disk[64];    /* /dev/sda */
	struct disk_info info;
	struct container_plan plan;
	struct cluster cluster;
	bool former_touched; /* --restart takes it away */
	bool san_touched;    /* the container is being made or there */
	bool published;      /* the cluster exists */
	uint64_t started_ms, step_ms[STEPS_MAX];
};

/* --- steps.c -------------------------------------------------------------------------------------------------------------- */

/*
 * Runs every step; with --dry-run those that write nothing. On failure the SAN is as it was before, and E says so, unless E names what is
 * left. RET must be initialised by install_init.
 */
int install_run(struct install *in, struct error *e);
void install_init(struct install *in, const struct install_options *o);
void install_free(struct install *in);
/* Names of the steps, NULL-terminated; step_ms has their times. */
extern const char *const install_step_names[];

/* --- tell.c: what the console shows while it goes on ------------------------------------------------------------------------ */

/* One line on standard error: "byre-install: text". */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same with --verbose only. */
void tell_more(const struct install *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* volmgr_progress_fn: bars or lines of the work that volmgr does. DATA is a struct told, or NULL; told_end ends the last one. */
struct told;
struct told *told_new(void);
void told_end(struct told *t);
void told_free(struct told *t);
static inline void told_freep(struct told **t)
{
	told_free(*t);
}
void told_progress(const char *what, uint64_t done, uint64_t total, void *data);

/* --- answers.c ---------------------------------------------------------------------------------------------------------------- */

#define ANSWERS_MAX (1024u * 1024) /* bytes of an answers file */

/* Reads and checks PATH. RET must be initialised; it is defined only on success. */
int answers_read(const char *path, struct settings *ret, struct error *e);
/* --check and --list-keys. */
int answers_check(const char *path, bool json, struct error *e);
int answers_list_keys(bool json, struct error *e);
int step_answers(struct install *in, struct error *e);

/* --- medium.c ----------------------------------------------------------------------------------------------------------------- */

/* Finds the archive and measures it. */
int step_medium(struct install *in, struct error *e);

/* --- network.c, arp.c --------------------------------------------------------------------------------------------------------- */

/* Chooses the interfaces, gives the meta-master address to the storage interface. */
int step_network(struct install *in, struct error *e);
/* Node 1's addresses, on this machine. */
int network_become_node(const struct install *in, const struct node *n, struct error *e);
/* Asks the network who has IP: 1 and the owner's MAC, 0 when nobody answers, or a negative errno. */
int arp_probe(const char *interface, uint32_t ip, struct mac *ret_owner, struct error *e);

/* --- iscsi.c, choose.c (pure), sysfs.c ----------------------------------------------------------------------------------------------------------- */

/* Reaches the SAN, logs in to the target and finds the disk; with --disk only checks that it is one. */
int step_san(struct install *in, struct error *e);

/* sysfs.c */
struct lun {
	unsigned number;
	char device[64]; /* /dev/sda */
	uint64_t bytes;
};
/* The disks of the sessions with TARGET below SYSFS ("/sys"). At most MAX are written; returns how many there are. */
size_t sysfs_luns(const char *sysfs, const char *target, struct lun *ret, size_t max);
bool sysfs_has_session(const char *sysfs, const char *target);

/* choose.c */
struct iscsi_name {
	char target[224];
	char portal_group[8]; /* "1" */
};
/* The target that the answers mean ("" or "IQN" or "IQN,LUN") among the N that there are: its index, or a negative errno with E naming them. */
int iscsi_choose(const char *wanted, const struct iscsi_name *all, size_t n, struct error *e);
/* The LUN asked for in "IQN,LUN"; -1 when none is. -EINVAL: not a LUN. */
int iscsi_wanted_lun(const char *wanted, int *ret, struct error *e);
/* The disk among those of TARGET: the only one, or that with LUN WANTED. Its index, or a negative errno with E naming them. */
int iscsi_choose_lun(const char *target, const struct lun *all, size_t n, int wanted, struct error *e);

/* --- plan.c ------------------------------------------------------------------------------------------------------------- */

/* Looks at the disk and plans the container on it. Writes nothing, but with --restart takes an unfinished container of the same name away. */
int step_plan(struct install *in, struct error *e);
/* --dry-run: every volume and every write, on standard output. */
int plan_print(const struct install *in, struct error *e);

/* --- build.c -------------------------------------------------------------------------------------------------------------------- */

typedef int random_fn(void *buf, size_t len);
/* The nodes, the key and the ids of a new cluster with these settings. Pure but for RANDOM. C must be initialised. */
int build_cluster(const struct settings *s, random_fn *random, struct cluster *c, struct error *e);
int step_cluster(struct install *in, struct error *e);

/* --- fencing.c ------------------------------------------------------------------------------------------------------------ */

/* Tries the SAN and decides how nodes are fenced; registers this machine where that must be. */
int step_fencing(struct install *in, struct error *e);
/* Before anything is written to a disk that another container may have reserved. */
int fencing_admit(struct install *in, struct error *e);
/* Once the cluster exists: from then on only who is registered writes, where reservations are the way. */
int fencing_begin(struct install *in, struct error *e);

/* --- container.c, image.c, publish.c, node.c -------------------------------------------------------------------------------------- */

int step_container(struct install *in, struct error *e);
/* Takes the unpublished container away again. */
int container_undo(struct install *in, struct error *e);
/* File system, content, checksum. */
int step_image(struct install *in, struct error *e);
/* The cluster exists from here on. */
int step_publish(struct install *in, struct error *e);
/* This machine is node 1 from here on. */
int step_node(struct install *in, struct error *e);

#endif
