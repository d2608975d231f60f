/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking for what is on some disk: containers by the names of their partitions, and a partition by the control path. */
#include "disk.h"

#include "base/str.h"
#include "volmgr/compose.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATE_SUFFIX "-state"
#define PV_SUFFIX    "-pv"
#define PREFIX       "byre-"

/* --- containers ------------------------------------------------------------------------------------------------------------ */

bool disk_container_label(const char *label, const char *suffix, char ret[NAME_SIZE])
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
		if (d->parts[i].path[0] && disk_container_label(d->parts[i].label, PV_SUFFIX, name) && strcmp(name, container) == 0)
			return &d->parts[i];
	return NULL;
}

size_t disk_containers(const struct disk *d, const char *name, struct container_place *ret, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct partition *state = &d->parts[i], *pv;
		struct container_place p;

		if (!state->path[0] || !disk_container_label(state->label, STATE_SUFFIX, p.name) || (name[0] && strcmp(name, p.name) != 0))
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

static const char *hint_none(void)
{
	return geteuid() == 0 ? "is the SAN attached?" : "only root can look into disks";
}

int disk_find_one(const char *root, const char *name, struct container_place *ret, struct error *e)
{
	struct container_place v[2];
	int n = disk_find(root, name, v, ARRAY_SIZE(v), e);

	if (n < 0)
		return n;
	if (n == 0)
		return error_set(e, ENODEV, "no disk holds %s%s: %s", *name ? "container " : "a container", name, hint_none());
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

/* --- the control path ------------------------------------------------------------------------------------------------------- */

unsigned disk_partition_number(const char *root, const struct disk *d, const char *partition)
{
	char path[64];

	for (size_t i = 0; i < d->n; i++) {
		if (strcmp(d->parts[i].path, partition) == 0)
			return d->parts[i].number;
		for (size_t k = 0; k < d->n_paths; k++) {
			disk_partition_path(root, d->paths[k].path, d->parts[i].number, path);
			if (strcmp(path, partition) == 0)
				return d->parts[i].number;
		}
	}
	return 0;
}

struct control_search {
	const char *root, *partition;
	char *ret;
	bool seen;
};

static int find_control(const struct disk *d, void *data, struct error *e)
{
	struct control_search *s = data;
	unsigned number = disk_partition_number(s->root, d, s->partition);

	(void)e;
	s->seen = s->seen || number;
	for (size_t k = 0; k < d->n_paths && number; k++)
		if (d->paths[k].control && !s->ret[0])
			disk_partition_path(s->root, d->paths[k].path, number, s->ret);
	return 0;
}

int disk_control_partition(const char *root, const char *partition, char ret[64], struct error *e)
{
	char found[64] = "";
	struct control_search s = {root, partition, found, false};
	int r = disk_each(root, find_control, &s, e);

	if (r < 0)
		return r;
	if (!found[0])
		return error_set(e, ENOENT, s.seen ? "%s: no control session leads to its disk" : "%s: no disk has this partition",
				 partition);
	memcpy(ret, found, sizeof(found));
	return 0;
}
