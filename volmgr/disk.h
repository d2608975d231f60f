/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks and their partitions as sysfs and the GPT tell. ROOT ("" on a machine) is put in front of /sys and /dev, so that a test can stand on a tree of files.
 */
#ifndef BYRE_VOLMGR_DISK_H
#define BYRE_VOLMGR_DISK_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct partition {
	char path[64];  /* /dev/sda1, without ROOT; "" when the kernel does not know it */
	char label[80]; /* GPT name */
	char uuid[CLUSTER_ID_SIZE];
	uint64_t start, size; /* bytes */
	unsigned number;
};

struct disk {
	char path[64]; /* /dev/sda, without ROOT */
	struct partition *parts;
	size_t n;
};

/* Called for each disk; a negative return ends the walk and is handed on. */
typedef int disk_fn(const struct disk *d, void *data, struct error *e);

/* Every disk that could be a SAN's, with its GPT's partitions (none when it has no GPT or cannot be read). */
int disk_each(const char *root, disk_fn *fn, void *data, struct error *e);

/* The partitions of one disk (/dev/sda). */
int disk_read(const char *root, const char *path, struct disk *ret, struct error *e);
void disk_free(struct disk *d);

/* The containers among a disk's partitions; as container_find. */
struct container_place;
size_t disk_containers(const struct disk *d, const char *name, struct container_place *ret, size_t max);

/* container_find and container_find_one below ROOT. */
int disk_find(const char *root, const char *name, struct container_place *ret, size_t max, struct error *e);
int disk_find_one(const char *root, const char *name, struct container_place *ret, struct error *e);

/* A text attribute below /sys/block/NAME, trimmed; "" when there is none. */
void disk_attribute(const char *root, const char *path, const char *attribute, char *ret, size_t size);

#endif
