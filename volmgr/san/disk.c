/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "volmgr/paths.h"

#include <blkid.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- one disk -------------------------------------------------------------------------------------------------------------- */

static void freep_probe(blkid_probe *p)
{
	if (*p)
		blkid_free_probe(*p);
}

/* The kernel's partition may be an older one of the same number: another machine has changed the table since. */
static bool has_bounds(const char *root, const char *disk, const struct partition *p)
{
	char name[80], value[32];
	uint64_t start, size;

	snprintf(name, sizeof(name), "%.60s/start", str_base(p->path));
	disk_attribute(root, disk, name, value, sizeof(value));
	if (str_to_u64(value, 0, UINT64_MAX / 512, &start) < 0)
		return true;
	snprintf(name, sizeof(name), "%.60s/size", str_base(p->path));
	disk_attribute(root, disk, name, value, sizeof(value));
	return str_to_u64(value, 0, UINT64_MAX / 512, &size) == 0 && start * 512 == p->start && size * 512 == p->size;
}

/* When a multipath device of ours stands on PARTITION of DISK: that one's path, into RET. */
static void find_multipath(const char *root, const char *disk, char ret[64])
{
	char file[320], value[160];
	cleanup_dir DIR *dir = NULL;
	struct dirent *d;

	snprintf(file, sizeof(file), "%s/sys/block/%s/%s/holders", root, str_base(disk), str_base(ret));
	dir = opendir(file);
	while (dir && (d = readdir(dir))) {
		if (!str_starts(d->d_name, "dm-") || strlen(d->d_name) >= 40)
			continue;
		disk_attribute(root, d->d_name, "dm/uuid", value, sizeof(value));
		if (!str_starts(value, PATHS_UUID))
			continue;
		disk_attribute(root, d->d_name, "dm/name", value, sizeof(value));
		if (value[0] && strlen(value) < 64 - sizeof("/dev/mapper/"))
			snprintf(ret, 64, "/dev/mapper/%.50s", value);
		return;
	}
}

static void lower(char *s)
{
	for (; *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void take_partition(const char *root, struct disk *d, blkid_partition p)
{
	struct partition *part = &d->parts[d->n++];
	const char *label = blkid_partition_get_name(p), *uuid = blkid_partition_get_uuid(p);

	part->number = (unsigned)blkid_partition_get_partno(p);
	part->start = (uint64_t)blkid_partition_get_start(p) * 512;
	part->size = (uint64_t)blkid_partition_get_size(p) * 512;
	snprintf(part->label, sizeof(part->label), "%s", label ? label : "");
	snprintf(part->uuid, sizeof(part->uuid), "%s", uuid ? uuid : "");
	lower(part->uuid);
	disk_partition_path(root, d->path, part->number, part->path);
	if (part->path[0] && !has_bounds(root, d->path, part))
		part->path[0] = '\0';
	if (part->path[0])
		find_multipath(root, d->path, part->path);
}

/* The device of a partition may stand on other paths than the one by which the table was read. */
static void adopt_multipath(const char *root, struct disk *d, struct partition *part)
{
	for (size_t i = 0; i < d->n_paths && !str_starts(part->path, "/dev/mapper/"); i++) {
		char path[64];

		disk_partition_path(root, d->paths[i].path, part->number, path);
		if (!d->paths[i].control && path[0])
			find_multipath(root, d->paths[i].path, path);
		if (str_starts(path, "/dev/mapper/"))
			memcpy(part->path, path, sizeof(path));
	}
}

static int read_table(const char *root, struct disk *d, blkid_probe probe)
{
	blkid_partlist list;
	blkid_parttable table;
	int n;

	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	list = blkid_probe_get_partitions(probe);
	table = list ? blkid_partlist_get_table(list) : NULL;
	if (!table || strcmp(blkid_parttable_get_type(table), "gpt") != 0)
		return 0;
	n = blkid_partlist_numof_partitions(list);
	d->parts = calloc(n > 0 ? (size_t)n : 1, sizeof(*d->parts));
	if (!d->parts)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		take_partition(root, d, blkid_partlist_get_partition(list, i));
	return 0;
}

/* The table as PATH has it; D's paths are not touched. */
static int read_disk(const char *root, const char *path, struct disk *d, struct error *e)
{
	blkid_probe probe CLEANUP(freep_probe) = NULL;
	char file[320];
	int r;

	if (str_copy(d->path, sizeof(d->path), path) < 0)
		return error_errno(e, ENAMETOOLONG, "%s", path);
	snprintf(file, sizeof(file), "%s%s", root, path);
	errno = EIO;
	probe = blkid_new_probe_from_filename(file);
	if (!probe)
		return error_errno(e, errno, "%s", file);
	r = read_table(root, d, probe);
	return r < 0 ? error_errno(e, r, "partitions of %s", file) : 0;
}

int disk_read(const char *root, const char *path, struct disk *ret, struct error *e)
{
	struct disk d = {.parts = NULL};
	int r = read_disk(root, path, &d, e);

	if (r < 0)
		return r;
	d.paths = calloc(1, sizeof(*d.paths));
	if (!d.paths) {
		disk_free(&d);
		return error_errno(e, ENOMEM, "%s", path);
	}
	disk_path_read(root, path, d.paths);
	d.n_paths = 1;
	*ret = d;
	return 0;
}

void disk_free(struct disk *d)
{
	free(d->parts);
	free(d->paths);
	memset(d, 0, sizeof(*d));
}

/* --- all of them --------------------------------------------------------------------------------------------------------- */

/* Names of disks that are never a SAN's. */
static bool is_candidate(const char *root, const char *name)
{
	static const char *const not_ours[] = {"loop", "nbd", "ram", "zram", "dm-", "md", "sr", "fd", "."};
	char path[64], size[24];
	uint64_t sectors;

	for (size_t i = 0; i < ARRAY_SIZE(not_ours); i++)
		if (str_starts(name, not_ours[i]))
			return false;
	if (strlen(name) > 40)
		return false;
	snprintf(path, sizeof(path), "/dev/%.40s", name);
	disk_attribute(root, path, "size", size, sizeof(size));
	return str_to_u64(size, 1, UINT64_MAX, &sectors) == 0;
}

static int list_paths(const char *root, struct disk_path **ret, size_t *ret_n, struct error *e)
{
	cleanup_free struct disk_path *v = NULL;
	char path[320];
	cleanup_dir DIR *dir = NULL;
	struct dirent *ent;
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/sys/block", root);
	dir = opendir(path);
	if (!dir)
		return error_errno(e, errno, "%s", path);
	while ((ent = readdir(dir))) {
		struct disk_path *more;

		if (!is_candidate(root, ent->d_name))
			continue;
		more = realloc(v, (n + 1) * sizeof(*v));
		if (!more)
			return error_errno(e, ENOMEM, "%s", path);
		v = more;
		snprintf(path, sizeof(path), "/dev/%.40s", ent->d_name);
		disk_path_read(root, path, &v[n++]);
	}
	qsort(v, n, n ? sizeof(*v) : 1, disk_path_compare);
	*ret = steal_ptr(v);
	*ret_n = n;
	return 0;
}

/* Moves the paths to the LUN of V[0] into D, and closes the gaps. */
static int take_lun(struct disk_path *v, size_t *n, struct disk *d)
{
	size_t left = 0;

	d->paths = calloc(*n, sizeof(*d->paths));
	if (!d->paths)
		return -ENOMEM;
	d->paths[d->n_paths++] = v[0];
	for (size_t i = 1; i < *n; i++) {
		if (disk_path_same(&d->paths[0], &v[i]))
			d->paths[d->n_paths++] = v[i];
		else
			v[left++] = v[i];
	}
	*n = left;
	return 0;
}

/* By the first path that can be read. */
static int read_by_any(const char *root, struct disk *d)
{
	int r = -EIO;

	for (size_t i = 0; i < d->n_paths && r < 0; i++)
		r = read_disk(root, d->paths[i].path, d, NULL);
	for (size_t i = 0; i < d->n && d->n_paths > 1; i++)
		adopt_multipath(root, d, &d->parts[i]);
	return r;
}

static struct {
	unsigned holders;
	char *root; /* NULL: not looked yet */
	struct disk *v;
	size_t n;
} held;

static void free_disks(struct disk *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		disk_free(&v[i]);
	free(v);
}

void disk_forget(void)
{
	free_disks(steal_ptr(held.v), held.n);
	held.n = 0;
	free(steal_ptr(held.root));
}

void disk_hold(void)
{
	held.holders++;
}

void disk_let_go(void)
{
	if (--held.holders == 0)
		disk_forget();
}

/* Those that can be read. */
static int list_disks(const char *root, struct disk **ret, size_t *ret_n, struct error *e)
{
	cleanup_free struct disk_path *paths = NULL;
	struct disk *v;
	size_t left = 0, n = 0;
	int r = list_paths(root, &paths, &left, e);

	if (r < 0)
		return r;
	v = calloc(left + 1, sizeof(*v));
	while (v && r == 0 && left > 0) {
		r = take_lun(paths, &left, &v[n]);
		if (r == 0 && read_by_any(root, &v[n]) == 0)
			n++;
		else
			disk_free(&v[n]);
	}
	if (!v || r < 0) {
		free_disks(v, n);
		return error_errno(e, ENOMEM, "disks");
	}
	*ret = v;
	*ret_n = n;
	return 0;
}

static int tell_each(const struct disk *v, size_t n, disk_fn *fn, void *data, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		r = fn(&v[i], data, e);
	return r < 0 ? r : 0;
}

int disk_each(const char *root, disk_fn *fn, void *data, struct error *e)
{
	struct disk *v = NULL;
	size_t n = 0;
	int r;

	if (held.root && strcmp(held.root, root) == 0)
		return tell_each(held.v, held.n, fn, data, e);
	r = list_disks(root, &v, &n, e);
	if (r < 0)
		return r;
	if (held.holders && !held.root && (held.root = strdup(root))) {
		held.v = v;
		held.n = n;
		return tell_each(v, n, fn, data, e);
	}
	r = tell_each(v, n, fn, data, e);
	free_disks(v, n);
	return r;
}
