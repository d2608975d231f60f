/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Volumes on the SAN, for those who may write there. Everything here runs LVM tools and writes the state area: call it from one program at a time.
 */
#ifndef BYRE_VOLMGR_VOLMGR_H
#define BYRE_VOLMGR_VOLMGR_H

#include "volmgr/compose.h"

/* --- disks and their free space ----------------------------------------------------------------------------------------- */

struct disk_segment {
	uint64_t start, size; /* bytes */
};
struct disk_info {
	char path[64]; /* /dev/sda */
	char vendor[24], model[40], serial[80];
	uint64_t bytes;
	bool has_table;         /* a GPT */
	char other_content[64]; /* what is on it when it has no GPT: "ext4", "LVM2_member", "dos", "unknown data …"; "" = nothing */
	struct disk_segment *free_segments; /* largest first */
	size_t n_free;
	struct container_place *containers;
	size_t n_containers;
};
int disk_inspect(const char *path, struct disk_info *ret, struct error *e);
void disk_info_free(struct disk_info *d);

/* --- making a container ------------------------------------------------------------------------------------------------- */

/* What each thing will take, before anything is written. All in bytes. */
struct container_plan {
	struct disk_segment segment;          /* chosen by settings.free_space_allocation */
	uint64_t image, stores, swap, shared; /* in the PV */
	uint64_t needed, available;           /* whole container, the state partition included */
	uint32_t image_extents, swap_extents, shared_extents;
	uint32_t slab_extents; /* of the stores, and slack for their first growth when there is room for it */
};
/* -EEXIST: the container's name is taken on that disk; -ENOSPC: names needed and available. Writes nothing. */
int container_plan(const struct settings *s, const struct disk_info *d, uint64_t image_bytes, struct container_plan *ret, struct error *e);

/* Told as work goes on: WHAT is a short phrase; DONE of TOTAL bytes (0 of 0 for a step without measure). May be NULL. */
typedef void volmgr_progress_fn(const char *what, uint64_t done, uint64_t total, void *data);

/*
 * Makes the two partitions (a GPT too when the disk has none and nothing is on it), the PV, the volume group and its LVs: image, slab,
 * swap slab, shared (zeroed); formats the state area; makes every store fresh and asks for swap areas to be wiped (wipe.h). Fills c->pvs, slabs,
 * images (one, without checksum) and volumes from c->settings and c->nodes. LVM commits and state writes do not depend on the number of nodes. The
 * document is not published yet.
 */
int container_create(struct cluster *c, const struct disk_info *d, const struct container_plan *p, const char *image_name,
		     volmgr_progress_fn *progress, void *data, struct error *e);

/*
 * Takes away what container_create made: only for an installation that failed before it published a document. -EXDEV: the container of that name
 * is another cluster's, or is not whole enough to tell; then nothing is done.
 */
int container_abandon(const struct cluster *c, const struct disk_info *d, struct error *e);

/*
 * 0: the container at P is what an installation left that was cut off before it published anything. -EEXIST: it is or was a cluster (any document, even a
 * damaged one, or any node's status); another negative errno: that cannot be told. Reads only.
 */
int container_check_unfinished(const struct container_place *p, struct error *e);

/* Takes away a container that container_check_unfinished says is unfinished, and none else. -EBUSY: it is in use on this machine. */
int container_remove_unfinished(const struct container_place *p, struct error *e);

/* The image's volume, writable, before it is published: mkfs, fill, then image_seal. Path in RET_PATH. */
int image_open_new(const struct cluster *c, const struct image *i, char ret_path[256], struct error *e);
/* Flushes, releases the writable device, reads the volume back and sets i->sha256. From now on nobody writes it. */
int image_seal(const struct cluster *c, struct image *i, volmgr_progress_fn *progress, void *data, struct error *e);
/* Computes the checksum of the image as it is on the SAN now: -EUCLEAN when it is not i->sha256. */
int image_verify(const struct cluster *c, const struct image *i, volmgr_progress_fn *progress, void *data, struct error *e);

/* --- the state area, written -------------------------------------------------------------------------------------------- */

/* Writes the layout of an empty state area for CONTAINER onto DEVICE (whole partition, at least 256 MiB). */
int state_area_format(const char *device, const char *container, const char *id, struct error *e);

/*
 * Publishes C, checked (cluster_check), as the next generation, with c->note in the history, and sets c->generation. Payload, flush, header, flush, read back.
 * -ESTALE: c->generation is not that of the newest document there (0 when there is none): nothing was written. -EXDEV: the area belongs to a cluster of another id.
 */
int state_area_publish(struct state_area *a, struct cluster *c, struct error *e);

#endif
