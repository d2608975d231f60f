/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node does with the SAN, without LVM: find the container's partitions, read the state area, put a volume together from its
 * published segments with device-mapper. The initrd links this and nothing else of volmgr. Works without udev: device nodes are made by libdevmapper.
 */
#ifndef BYRE_VOLMGR_COMPOSE_H
#define BYRE_VOLMGR_COMPOSE_H

#include "base/error.h"
#include "cluster/model.h"
#include "cluster/status.h"
#include "cluster/volume_status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- the container's partitions ------------------------------------------------------------------------------------- */

/* A container found on a disk: partitions byre-NAME-state and byre-NAME-pv. Paths are below /dev. */
struct container_place {
	char name[NAME_SIZE];
	char disk[64];  /* /dev/sda */
	char state[64]; /* /dev/sda1 */
	char pv[64];    /* /dev/sda2 */
	char pv_partuuid[CLUSTER_ID_SIZE];
};

/*
 * Looks at the GPT of every SCSI/virtio disk under /sys/block. NAME "" finds any. At most MAX places are written; returns the number found
 * (also when larger than MAX), 0 when there is none, or a negative errno.
 */
int container_find(const char *name, struct container_place *ret, size_t max, struct error *e);

/* The only one. -ENODEV: there is none; -ENOTUNIQ: there are several (the clone of a LUN beside its original, say), and E names two. */
int container_find_one(const char *name, struct container_place *ret, struct error *e);

/* --- the state area ------------------------------------------------------------------------------------------------- */

struct state_area; /* an opened state partition, or a file of that layout */

/* Opens DEVICE (O_DIRECT where possible) and checks the superblock. -EINVAL: no state area; -ENOTSUP: newer layout. */
int state_area_open(const char *device, bool writable, struct state_area **ret, struct error *e);
void state_area_close(struct state_area *a);
static inline void state_area_closep(struct state_area **a)
{
	state_area_close(*a);
}

/* What a read found beside the document. */
struct state_report {
	uint64_t generation; /* of the document read */
	unsigned slot;       /* it came from, 0 or 1 */
	char warning[256];   /* "" or one sentence: the other slot is torn, the newest was unusable and the older is used, … */
};

/*
 * Reads the newest whole document: *RET_TEXT (NUL-terminated, the caller's to free; holds secrets). -ENODATA: no slot was ever written;
 * -EUCLEAN: there were documents, none is whole. REPORT may be NULL.
 */
int state_area_read(struct state_area *a, char **ret_text, size_t *ret_len, struct state_report *report, struct error *e);

/* Only the generation of the newest whole header: two 4 KiB reads. 0 when there is none. */
int state_area_generation(struct state_area *a, uint64_t *ret, struct error *e);

/* state_area_read and document_parse. RET must be initialised. When the newest document does not parse, the older one is used and told. */
int state_area_load(struct state_area *a, struct cluster *ret, struct state_report *report, struct error *e);

/* A node's status slot: JSON text of at most STATUS_MAX bytes; one writer, the node itself. Read gives -ENODATA for a slot never written or torn. */
#define STATUS_MAX (16 * 1024 - 4096)
int state_status_write(struct state_area *a, unsigned node, const char *text, size_t len, struct error *e);
int state_status_read(struct state_area *a, unsigned node, char **ret_text, size_t *ret_len, struct error *e);

/*
 * A node's volume slot: what volmgrd tells of the volumes composed there (cluster/volume_status.h), JSON text of at most STATUS_MAX bytes. As the
 * status slots: one writer, the node itself; -ENODATA.
 */
int state_volumes_write(struct state_area *a, unsigned node, const char *text, size_t len, struct error *e);
int state_volumes_read(struct state_area *a, unsigned node, char **ret_text, size_t *ret_len, struct error *e);

/* What node NODE's slots tell. -ENODATA also when it is of no known form, or of another node. */
int node_status_read(struct state_area *a, unsigned node, struct node_status *ret, struct error *e);
int volume_status_read(struct state_area *a, unsigned node, struct volume_status *ret, struct error *e);

/* --- a machine that boots --------------------------------------------------------------------------------------------- */

/*
 * Before it composes anything, a machine that boots as NODE tells in its volume slot that the node's root is in use; whoever wants to reset, remove or read the root looks there.
 * One who holds the lease may have looked before that: claim_begin notes who it is, and the state is read, and composed by, only when claim_wait says that this change has ended. What
 * begins later has seen the slot. Needs no sanlock: it reads the records on the SAN. A is writable. NOW is in ms, of a clock that goes on steadily.
 */
struct claim {
	unsigned holder; /* its place in the lockspace: a node's number; 0 = nobody */
	uint64_t generation, version;
	uint64_t sign, since, dead_after; /* the holder's last sign of life, when it was seen, and how long none may come; ms */
};
int claim_begin(struct state_area *a, const struct cluster *c, unsigned node, uint64_t now, struct claim *ret, struct error *e);
/* 0: that holder has let the lease go, lost it, or has given no sign of life for so long that it is dead. 1: ask again, at least every second. */
int claim_wait(struct state_area *a, struct claim *k, uint64_t now, struct error *e);

/* --- volumes ---------------------------------------------------------------------------------------------------------- */

/* Device-mapper names: byre-CONTAINER-VOLUME ('.' in a volume's name stays), with the parts …-image, …-metadata, …-data, …-pool beneath a root. */

/*
 * Makes VOLUME's device on the PV partitions given (PV_PATHS[i] is the block device of c->pvs[i]) and returns its path (/dev/mapper/…) in
 * RET_PATH. A root's thin pool is made when its store is fresh (metadata zeroed). Already composed: the same path, nothing done. On failure what was made is taken down again.
 */
int volume_compose(const struct cluster *c, const struct volume *v, const char *const *pv_paths, char ret_path[256], struct error *e);

/* Takes it down. 0 also when it was not there. -EBUSY: in use. */
int volume_release(const struct cluster *c, const struct volume *v, struct error *e);

/* A read-only device of an image, to be mounted or read; not the one on which volumes stand. Shared by all who want it here. */
int image_compose(const struct cluster *c, const struct image *i, const char *const *pv_paths, char ret_path[256], struct error *e);
int image_release(const struct cluster *c, const struct image *i, struct error *e);

/* How full a composed root's store is, from the kernel. -ENODEV: not composed here. */
struct store_usage {
	uint64_t data_used, data_total;         /* bytes */
	uint64_t metadata_used, metadata_total; /* bytes */
	bool out_of_data, read_only, needs_check;
};
int volume_usage(const struct cluster *c, const struct volume *v, struct store_usage *ret, struct error *e);

/*
 * The block device of each of c->pvs, by partition GUID, in *RET (one allocation, freed with free()): what PV_PATHS wants. -ENODEV names the
 * first that is missing; -ENOTUNIQ one that is there twice.
 */
int cluster_pv_paths(const struct cluster *c, const char ***ret, struct error *e);

#endif
