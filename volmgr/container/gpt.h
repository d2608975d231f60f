/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A container's two partitions in the GPT of a disk that others use, too. */
#ifndef BYRE_VOLMGR_GPT_H
#define BYRE_VOLMGR_GPT_H

#include "volmgr/volmgr.h"

/*
 * Adds partitions byre-CONTAINER-state and byre-CONTAINER-pv in SEGMENT (aligned) and tells the kernel; makes a GPT first when D has no
 * table. Other partitions keep their entries. On failure the disk is as before, but keeps the GPT. -ESTALE: the disk is not as D tells; -EEXIST: the name is taken.
 */
int gpt_add_container(const struct disk_info *d, const char *container, const struct disk_segment *segment, struct container_place *ret,
		      struct error *e);

/*
 * As gpt_add_container, but one partition byre-CONTAINER-pv alone, on a further disk of the container: its path and GUID in RET.
 */
struct partition;
int gpt_add_pv(const struct disk_info *d, const char *container, const struct disk_segment *segment, struct partition *ret,
	       struct error *e);

/* Takes away what either of them made. 0 also when they are not there. */
int gpt_remove_container(const char *disk, const char *container, struct error *e);
/* Takes the partition with GUID UUID (lower case) away. 0 also when it is not there. */
int gpt_remove_partition(const char *disk, const char *uuid, struct error *e);

/*
 * A disk on which gpt_add_pv was cut off while it made a new GPT is blank again; others are not touched. LOOK: nothing is. *RET_HALF: it was such a one: at both ends nothing but
 * pieces of a GPT without its protective MBR, which name partitions byre-CONTAINER-pv alone.
 */
int gpt_clear_half_written(const char *disk, const char *container, bool look, bool *ret_half, struct error *e);
/* The pure part: the FIRST and the LAST LEN bytes of a disk with sectors of SECTOR bytes. */
bool gpt_half_written(const unsigned char *first, const unsigned char *last, size_t len, size_t sector, const char *container);

#endif
