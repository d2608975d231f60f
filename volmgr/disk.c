/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "disk.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "volmgr/compose.h"

#include <blkid.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define STATE_SUFFIX "-state"
#define PV_SUFFIX    "-pv"
#define PREFIX       "byre-"

static void freep_probe(blkid_probe *p)
{
	if (*p)
		blkid_free_probe(*p);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void disk_attribute(const char *root, const char *path, const char *attribute, char *ret, size_t size)
{
	cleanup_free char *text = NULL;
	char file[320];

	ret[0] = '\0';
	snprintf(file, sizeof(file), "%s/sys/block/%s/%s", root, base_name(path), attribute);
	if (file_read(AT_FDCWD, file, 4096, &text, NULL, NULL) == 0)
		snprintf(ret, size, "%s", str_trim(text));
}

/* The kernel's name of partition NUMBER of DISK, or "". */
static void partition_path(const char *root, const char *disk, unsigned number, char *ret, size_t size)
{
	const char *name = base_name(disk);
	char file[320], value[16];
	cleanup_dir DIR *dir = NULL;
	struct dirent *d;

	ret[0] = '\0';
	snprintf(file, sizeof(file), "%s/sys/block/%s", root, name);
	dir = opendir(file);
	while (dir && (d = readdir(dir))) {
		unsigned got;

		if (!str_starts(d->d_name, name) || strlen(d->d_name) >= 40)
			continue;
		snprintf(file, sizeof(file), "%.40s/partition", d->d_name);
		disk_attribute(root, disk, file, value, sizeof(value));
		if (str_to_uint(value, 1, 1024, &got) == 0 && got == number) {
			snprintf(ret, size, "/dev/%.40s", d->d_name);
			return;
		}
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
	partition_path(root, d->path, part->number, part->path, sizeof(part->path));
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

int disk_read(const char *root, const char *path, struct disk *ret, struct error *e)
{
	blkid_probe probe CLEANUP(freep_probe) = NULL;
	struct disk d = {.parts = NULL};
	char file[320];
	int r;

	if (str_copy(d.path, sizeof(d.path), path) < 0)
		return error_errno(e, ENAMETOOLONG, "%s", path);
	snprintf(file, sizeof(file), "%s%s", root, path);
	errno = EIO;
	probe = blkid_new_probe_from_filename(file);
	if (!probe)
		return error_errno(e, errno, "%s", file);
	r = read_table(root, &d, probe);
	if (r < 0)
		return error_errno(e, r, "partitions of %s", file);
	*ret = d;
	return 0;
}

void disk_free(struct disk *d)
{
	free(d->parts);
	d->parts = NULL;
	d->n = 0;
}

/* Names of disks that are never a SAN's. */
static bool is_candidate(const char *root, const char *name)
{
	static const char *const not_ours[] = {"loop", "ram", "zram", "dm-", "md", "sr", "fd", "."};
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

int disk_each(const char *root, disk_fn *fn, void *data, struct error *e)
{
	char path[320];
	cleanup_dir DIR *dir = NULL;
	struct dirent *ent;

	snprintf(path, sizeof(path), "%s/sys/block", root);
	dir = opendir(path);
	if (!dir)
		return error_errno(e, errno, "%s", path);
	while ((ent = readdir(dir))) {
		struct disk d;
		int r;

		if (!is_candidate(root, ent->d_name))
			continue;
		snprintf(path, sizeof(path), "/dev/%.40s", ent->d_name);
		if (disk_read(root, path, &d, NULL) < 0)
			continue;
		r = fn(&d, data, e);
		disk_free(&d);
		if (r < 0)
			return r;
	}
	return 0;
}

/* When LABEL is byre-NAME-SUFFIX: NAME, into RET. */
static bool container_label(const char *label, const char *suffix, char ret[NAME_SIZE])
{
	size_t len = strlen(label), pre = strlen(PREFIX), post = strlen(suffix);

	if (!str_starts(label, PREFIX) || len <= pre + post || strcmp(label + len - post, suffix) != 0 || len - pre - post >= NAME_SIZE)
		return false;
	snprintf(ret, NAME_SIZE, "%.*s", (int)(len - pre - post), label + pre);
	return str_is_label(ret);
}

static const struct partition *pv_of(const struct disk *d, const char *container)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < d->n; i++)
		if (d->parts[i].path[0] && container_label(d->parts[i].label, PV_SUFFIX, name) && strcmp(name, container) == 0)
			return &d->parts[i];
	return NULL;
}

size_t disk_containers(const struct disk *d, const char *name, struct container_place *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct partition *state = &d->parts[i], *pv;
		struct container_place p;

		if (!state->path[0] || !container_label(state->label, STATE_SUFFIX, p.name) || (name[0] && strcmp(name, p.name) != 0))
			continue;
		pv = pv_of(d, p.name);
		if (!pv)
			continue;
		memcpy(p.disk, d->path, sizeof(p.disk));
		memcpy(p.state, state->path, sizeof(p.state));
		memcpy(p.pv, pv->path, sizeof(p.pv));
		memcpy(p.pv_partuuid, pv->uuid, sizeof(p.pv_partuuid));
		if (n < max)
			ret[n] = p;
		n++;
	}
	return n;
}

struct finding {
	const char *name;
	struct container_place *ret;
	size_t n, max;
};

static int find_on_disk(const struct disk *d, void *data, struct error *e)
{
	struct finding *f = data;
	size_t done = f->n < f->max ? f->n : f->max;

	(void)e;
	f->n += disk_containers(d, f->name, f->ret + done, f->max - done);
	return 0;
}

int disk_find(const char *root, const char *name, struct container_place *ret, size_t max, struct error *e)
{
	struct finding f = {name, ret, 0, max};
	int r = disk_each(root, find_on_disk, &f, e);

	return r < 0 ? r : (int)f.n;
}

int disk_find_one(const char *root, const char *name, struct container_place *ret, struct error *e)
{
	struct container_place v[2];
	int n = disk_find(root, name, v, ARRAY_SIZE(v), e);

	if (n < 0)
		return n;
	if (n == 0)
		return error_set(e, ENODEV, "no disk holds %s%s: is the SAN attached?", *name ? "container " : "a container", name);
	if (n > 1)
		return error_set(e, ENOTUNIQ, "there are %d containers%s%s, %s on %s and %s on %s among them: %s", n, *name ? " " : "",
				 name, v[0].name, v[0].disk, v[1].name, v[1].disk,
				 *name ? "leave the disk of only one attached" : "say which by its name");
	*ret = v[0];
	return 0;
}

int container_find(const char *name, struct container_place *ret, size_t max, struct error *e)
{
	return disk_find("", name, ret, max, e);
}

int container_find_one(const char *name, struct container_place *ret, struct error *e)
{
	return disk_find_one("", name, ret, e);
}

/* --- the PVs of a cluster --------------------------------------------------------------------------------------------- */

struct matching {
	const struct cluster *c;
	char (*paths)[64];
};

static int match_pvs(const struct disk *d, void *data, struct error *e)
{
	struct matching *m = data;

	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < m->c->n_pvs; k++) {
			if (!d->parts[i].path[0] || strcmp(d->parts[i].uuid, m->c->pvs[k].partuuid) != 0)
				continue;
			if (m->paths[k][0])
				return error_set(e, ENOTUNIQ, "%s and %s are the same partition %s: leave the disk of only one attached",
						 m->paths[k], d->parts[i].path, m->c->pvs[k].partuuid);
			memcpy(m->paths[k], d->parts[i].path, sizeof(m->paths[k]));
		}
	return 0;
}

int cluster_pv_paths(const struct cluster *c, const char ***ret, struct error *e)
{
	cleanup_free void *block = calloc(c->n_pvs + 1, sizeof(char *) + 64);
	struct matching m = {c, NULL};
	const char **pointers = block;
	int r;

	if (!block)
		return error_errno(e, ENOMEM, "partitions of %s", c->settings.container_name);
	m.paths = (void *)(pointers + c->n_pvs + 1);
	r = disk_each("", match_pvs, &m, e);
	for (size_t i = 0; i < c->n_pvs && r == 0; i++) {
		pointers[i] = m.paths[i];
		if (!m.paths[i][0])
			r = error_set(e, ENODEV, "no disk has partition %s, where volumes of %s lie: is the whole SAN attached?",
				      c->pvs[i].partuuid, c->settings.container_name);
	}
	if (r == 0)
		*ret = steal_ptr(block);
	return r;
}
