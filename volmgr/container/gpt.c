/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gpt.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "disk.h"
#include "plan.h"

#include <blkid.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdisk.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TYPE_STATE "8DA63339-0007-60C0-C436-083AC8230908" /* Linux reserved */
#define TYPE_PV    "E6D6D379-F507-44C2-A23C-238F2A3DF928" /* Linux LVM */

typedef struct fdisk_context *context_ref;
typedef struct fdisk_table *table_ref;
typedef struct fdisk_partition *partition_ref;

static void freep_context(context_ref *c)
{
	fdisk_unref_context(*c);
}
static void freep_table(table_ref *t)
{
	fdisk_unref_table(*t);
}
static void freep_partition(partition_ref *p)
{
	fdisk_unref_partition(*p);
}

static int open_disk(const char *path, bool writable, struct fdisk_context **ret, struct error *e)
{
	context_ref c CLEANUP(freep_context) = fdisk_new_context();
	int r;

	if (!c)
		return error_errno(e, ENOMEM, "%s", path);
	fdisk_disable_dialogs(c, 1);
	r = fdisk_assign_device(c, path, !writable);
	if (r < 0)
		return error_errno(e, r, "%s", path);
	*ret = steal_ptr(c);
	return 0;
}

/* --- inspection --------------------------------------------------------------------------------------------------------- */

static int compare_size(const void *a, const void *b)
{
	const struct disk_segment *x = a, *y = b;

	return (x->size < y->size) - (x->size > y->size);
}

/* A disk without a table is judged by the one that it would get; that one stays in memory. */
static int read_free(struct fdisk_context *c, struct disk_info *d)
{
	table_ref t CLEANUP(freep_table) = NULL;
	uint64_t sector = fdisk_get_sector_size(c);
	size_t n;

	if (!d->has_table && (d->other_content[0] || fdisk_create_disklabel(c, "gpt") < 0))
		return 0;
	if (fdisk_get_freespaces(c, &t) < 0)
		return -EIO;
	n = fdisk_table_get_nents(t);
	d->free_segments = calloc(n + 1, sizeof(*d->free_segments));
	if (!d->free_segments)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct fdisk_partition *p = fdisk_table_get_partition(t, i);

		d->free_segments[i].start = fdisk_partition_get_start(p) * sector;
		d->free_segments[i].size = fdisk_partition_get_size(p) * sector;
	}
	d->n_free = n;
	qsort(d->free_segments, n, sizeof(*d->free_segments), compare_size);
	return 0;
}

/* 1: there is something else than zeros in the disk's first or last MiB. -EIO: that cannot be told. */
static int has_data(const char *path)
{
	cleanup_free char *text = malloc(PLAN_MIB);
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	const size_t n = PLAN_MIB;

	if (!text || size < (off_t)n)
		return -EIO;
	for (int i = 0; i < 2; i++) {
		if (pread_full(fd, text, n, i ? (uint64_t)size - n : 0) < 0)
			return -EIO;
		if (text[0] || memcmp(text, text + 1, n - 1) != 0)
			return 1;
	}
	return 0;
}

/* What a disk without a GPT holds, as blkid knows it, or that it holds something. Not to be able to tell is no reason to take it for empty. */
static void find_content(const char *path, char *ret, size_t size)
{
	blkid_probe p = blkid_new_probe_from_filename(path);
	const char *value = NULL;
	int r, data = has_data(path);

	if (!p || data < 0) {
		snprintf(ret, size, "unreadable");
		blkid_free_probe(p);
		return;
	}
	blkid_probe_enable_superblocks(p, 1);
	blkid_probe_enable_partitions(p, 1);
	r = blkid_do_safeprobe(p);
	if (r == -2)
		snprintf(ret, size, "several signatures");
	else if (r < 0)
		snprintf(ret, size, "unreadable");
	else if (r == 0 &&
		 (blkid_probe_lookup_value(p, "TYPE", &value, NULL) == 0 || blkid_probe_lookup_value(p, "PTTYPE", &value, NULL) == 0))
		snprintf(ret, size, "%s", value);
	else if (r == 0 || data)
		snprintf(ret, size, "unknown data in its first or last MiB");
	blkid_free_probe(p);
}

/* SCSI serial (VPD page 80h: four bytes of head, then the text), or virtio's. */
static void find_serial(const char *path, char *ret, size_t size)
{
	char file[128], page[256];
	cleanup_fd int fd = -1;
	ssize_t n;

	disk_attribute("", path, "serial", ret, size);
	if (ret[0])
		return;
	snprintf(file, sizeof(file), "/sys/block/%.60s/device/vpd_pg80", str_base(path));
	fd = open(file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, page, sizeof(page) - 1);
	if (n <= 4)
		return;
	page[n] = '\0';
	for (char *p = page + 4; *p; p++)
		if (!isprint((unsigned char)*p))
			*p = '?';
	snprintf(ret, size, "%.70s", str_trim(page + 4));
}

static int find_containers(struct disk_info *d, struct error *e)
{
	struct disk disk;
	int r = disk_read("", d->path, &disk, e);

	if (r < 0)
		return r;
	d->containers = calloc(disk.n + 1, sizeof(*d->containers));
	if (d->containers)
		d->n_containers = disk_containers(&disk, "", d->containers, disk.n);
	disk_free(&disk);
	return d->containers ? 0 : error_errno(e, ENOMEM, "%s", d->path);
}

int disk_inspect(const char *path, struct disk_info *ret, struct error *e)
{
	context_ref c CLEANUP(freep_context) = NULL;
	struct disk_info d CLEANUP(disk_info_free) = {.path = ""};
	int r;

	if (str_copy(d.path, sizeof(d.path), path) < 0)
		return error_errno(e, ENAMETOOLONG, "%s", path);
	r = open_disk(path, false, &c, e);
	if (r < 0)
		return r;
	d.bytes = fdisk_get_nsectors(c) * fdisk_get_sector_size(c);
	d.has_table = fdisk_is_label(c, GPT);
	if (!d.has_table)
		find_content(path, d.other_content, sizeof(d.other_content));
	disk_attribute("", path, "device/vendor", d.vendor, sizeof(d.vendor));
	disk_attribute("", path, "device/model", d.model, sizeof(d.model));
	find_serial(path, d.serial, sizeof(d.serial));
	r = read_free(c, &d);
	if (r < 0)
		return error_errno(e, r, "%s: free space", path);
	r = find_containers(&d, e);
	if (r < 0)
		return r;
	*ret = d;
	memset(&d, 0, sizeof(d));
	return 0;
}

void disk_info_free(struct disk_info *d)
{
	free(d->free_segments);
	free(d->containers);
	memset(d, 0, sizeof(*d));
}

/* --- change ----------------------------------------------------------------------------------------------------------------- */

static int add_partition(struct fdisk_context *c, const char *name, const char *type, uint64_t start, uint64_t size, size_t *ret)
{
	partition_ref p CLEANUP(freep_partition) = fdisk_new_partition();
	struct fdisk_parttype *t = fdisk_label_get_parttype_from_string(fdisk_get_label(c, NULL), type);
	uint64_t sector = fdisk_get_sector_size(c);
	int r;

	if (!p || !t)
		return -ENOMEM;
	fdisk_partition_partno_follow_default(p, 1);
	fdisk_partition_set_start(p, start / sector);
	fdisk_partition_set_size(p, size / sector);
	fdisk_partition_size_explicit(p, 1);
	fdisk_partition_set_type(p, t);
	if (fdisk_partition_set_name(p, name) < 0)
		return -ENOMEM;
	r = fdisk_add_partition(c, p, ret);
	if (r == 0)
		r = fdisk_wipe_partition(c, *ret, 1);
	return r;
}

static bool is_ours(struct fdisk_partition *p, const char *container)
{
	const char *name = fdisk_partition_get_name(p);
	char state[80], pv[80];

	snprintf(state, sizeof(state), "byre-%.60s-state", container);
	snprintf(pv, sizeof(pv), "byre-%.60s-pv", container);
	return name && (strcmp(name, state) == 0 || strcmp(name, pv) == 0);
}

/*
 * The disk must still be what D tells of it, for another machine may have written to it since; and CONTAINER's name must be free, whatever this
 * kernel knows of: what goes wrong later takes away the partitions of that name. BEFORE: its partitions, NULL when it has no table.
 */
static int check_disk(struct fdisk_context *c, const struct disk_info *d, struct fdisk_table *before, const char *container,
		      struct error *e)
{
	char content[sizeof(d->other_content)] = "";

	if (!before)
		find_content(d->path, content, sizeof(content));
	if ((fdisk_is_label(c, GPT) != 0) != d->has_table || content[0])
		return error_set(e, ESTALE, "%s: somebody else has changed it just now: look at it, and start again", d->path);
	for (size_t i = 0; before && i < fdisk_table_get_nents(before); i++)
		if (is_ours(fdisk_table_get_partition(before, i), container))
			return error_set(e, EEXIST, "%s: a partition of a container '%s' is there already: choose another name", d->path,
					 container);
	return 0;
}

/* Writes the table and tells the kernel what has changed since BEFORE: other partitions may be in use. */
static int write_table(struct fdisk_context *c, struct fdisk_table *before)
{
	int r = fdisk_write_disklabel(c);

	return r == 0 ? fdisk_reread_changes(c, before) : r;
}

/* Both partitions' devices, once they are there: with udev they may take a moment. */
static int wait_for_container(const char *disk, const char *container, struct container_place *ret, struct error *e)
{
	const struct timespec pause = {0, 50 * 1000 * 1000};

	for (int i = 0; i < 100; i++) {
		struct disk d;
		size_t n;
		int r = disk_read("", disk, &d, e);

		if (r < 0)
			return r;
		n = disk_containers(&d, container, ret, 1);
		disk_free(&d);
		if (n > 0 && access(ret->state, R_OK) == 0 && access(ret->pv, R_OK) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return error_set(e, ETIMEDOUT, "%s: the kernel does not show the new partitions", disk);
}

struct new_partition {
	const char *suffix, *type;
	uint64_t start, size;
};

static int add_partitions(const struct disk_info *d, const char *container, const struct new_partition *v, size_t n, struct error *e)
{
	context_ref c CLEANUP(freep_context) = NULL;
	table_ref before CLEANUP(freep_table) = NULL;
	char name[80];
	size_t number;
	int r = open_disk(d->path, true, &c, e);

	if (r < 0)
		return r;
	if (fdisk_is_label(c, GPT) && fdisk_get_partitions(c, &before) < 0)
		return error_set(e, EIO, "%s: reading the partition table", d->path);
	r = check_disk(c, d, before, container, e);
	if (r < 0)
		return r;
	if (!d->has_table)
		r = fdisk_create_disklabel(c, "gpt");
	if (r == 0 && !before && !(before = fdisk_new_table()))
		r = -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		snprintf(name, sizeof(name), "byre-%.60s-%s", container, v[i].suffix);
		r = add_partition(c, name, v[i].type, v[i].start, v[i].size, &number);
	}
	if (r == 0) {
		r = write_table(c, before);
		if (r != 0)
			gpt_remove_container(d->path, container, NULL);
	}
	return r != 0 ? error_errno(e, r, "%s: adding partitions", d->path) : 0;
}

int gpt_add_container(const struct disk_info *d, const char *container, const struct disk_segment *segment, struct container_place *ret,
		      struct error *e)
{
	const struct new_partition v[] = {
		{"state", TYPE_STATE, segment->start, PLAN_STATE},
		{"pv", TYPE_PV, segment->start + PLAN_STATE, segment->size - PLAN_STATE},
	};
	int r = add_partitions(d, container, v, ARRAY_SIZE(v), e);

	if (r == 0) {
		r = wait_for_container(d->path, container, ret, e);
		if (r < 0)
			gpt_remove_container(d->path, container, NULL);
	}
	return r;
}

/* The partition byre-CONTAINER-pv, once the kernel has it. */
static int wait_for_pv(const char *disk, const char *container, struct partition *ret, struct error *e)
{
	const struct timespec pause = {0, 50 * 1000 * 1000};
	char name[NAME_SIZE];

	for (int i = 0; i < 100; i++) {
		struct disk d CLEANUP(disk_free) = {.parts = NULL};
		int r = disk_read("", disk, &d, e);

		if (r < 0)
			return r;
		for (size_t k = 0; k < d.n; k++)
			if (disk_container_label(d.parts[k].label, "-pv", name) && strcmp(name, container) == 0 &&
			    access(d.parts[k].path, R_OK) == 0) {
				*ret = d.parts[k];
				return 0;
			}
		nanosleep(&pause, NULL);
	}
	return error_set(e, ETIMEDOUT, "%s: the kernel does not show the new partition", disk);
}

int gpt_add_pv(const struct disk_info *d, const char *container, const struct disk_segment *segment, struct partition *ret, struct error *e)
{
	const struct new_partition v = {"pv", TYPE_PV, segment->start, segment->size};
	int r = add_partitions(d, container, &v, 1, e);

	if (r == 0) {
		r = wait_for_pv(d->path, container, ret, e);
		if (r < 0)
			gpt_remove_container(d->path, container, NULL);
	}
	return r;
}

typedef bool chosen_fn(struct fdisk_partition *p, const char *what);

static bool has_uuid(struct fdisk_partition *p, const char *uuid)
{
	const char *its = fdisk_partition_get_uuid(p);

	return its && strcasecmp(its, uuid) == 0;
}

static int remove_chosen(const char *disk, chosen_fn *chosen, const char *what, struct error *e)
{
	context_ref c CLEANUP(freep_context) = NULL;
	table_ref before CLEANUP(freep_table) = NULL;
	int r = open_disk(disk, true, &c, e), n = 0;

	if (r < 0)
		return r;
	if (!fdisk_is_label(c, GPT))
		return 0;
	if (fdisk_get_partitions(c, &before) < 0)
		return error_set(e, EIO, "%s: reading the partition table", disk);
	for (size_t i = 0; i < fdisk_table_get_nents(before) && r == 0; i++) {
		struct fdisk_partition *p = fdisk_table_get_partition(before, i);

		if (chosen(p, what)) {
			r = fdisk_delete_partition(c, fdisk_partition_get_partno(p));
			n++;
		}
	}
	if (r == 0 && n)
		r = write_table(c, before);
	return r != 0 ? error_errno(e, r, "%s: removing the container's partitions", disk) : 0;
}

int gpt_remove_container(const char *disk, const char *container, struct error *e)
{
	return remove_chosen(disk, is_ours, container, e);
}

int gpt_remove_partition(const char *disk, const char *uuid, struct error *e)
{
	return remove_chosen(disk, has_uuid, uuid, e);
}
