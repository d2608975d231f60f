/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `volmgr san add`: one more disk for a container. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "disk.h"
#include "gpt.h"
#include "leftover.h"
#include "lvm.h"
#include "plan.h"
#include "scsi.h"
#include "volmgr/change.h"
#include "volmgr/fence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LEAST_PV   (64 * PLAN_MIB) /* less is not worth a partition */
#define LEASE_WAIT 60              /* seconds */

struct search {
	const char *wanted;
	char path[64];    /* for volumes */
	char control[64]; /* as the control session has it, or else PATH */
	char wwid[128];
	char paths[SCSI_PATHS_MAX][64]; /* all of them */
	size_t n_paths;
	unsigned n;
};

static bool is_wanted(const struct disk *d, const char *wanted)
{
	for (size_t i = 0; i < d->n_paths; i++)
		if (strcmp(d->paths[i].path, wanted) == 0 || (d->paths[i].wwid[0] && strcasecmp(d->paths[i].wwid, wanted) == 0))
			return true;
	return false;
}

static int look_for(const struct disk *d, void *data, struct error *e)
{
	struct search *s = data;

	(void)e;
	if (!is_wanted(d, s->wanted) || s->n++)
		return 0;
	memcpy(s->path, d->path, sizeof(s->path));
	memcpy(s->control, d->path, sizeof(s->control));
	memcpy(s->wwid, d->paths[0].wwid, sizeof(s->wwid));
	for (size_t i = 0; i < d->n_paths; i++)
		if (d->paths[i].control)
			memcpy(s->control, d->paths[i].path, sizeof(s->control));
	for (size_t i = 0; i < d->n_paths && i < SCSI_PATHS_MAX; i++)
		memcpy(s->paths[s->n_paths++], d->paths[i].path, sizeof(s->paths[0]));
	return 0;
}

/* /dev/disk/by-id/… by the kernel's own name, under which paths are known. */
static int find_disk(const char *wanted, struct search *ret, struct error *e)
{
	cleanup_free char *real = wanted[0] == '/' ? realpath(wanted, NULL) : NULL;
	struct search s = {.wanted = real ? real : wanted};
	int r = disk_each("", look_for, &s, e);

	if (r < 0)
		return r;
	if (s.n == 0)
		return error_set(e, ENODEV, "there is no disk %.120s here: 'volmgr san list' shows those that are", wanted);
	if (s.n > 1)
		return error_set(e, ENOTUNIQ, "several disks have the id %.120s: name one by its path", wanted);
	s.wanted = NULL;
	*ret = s;
	return 0;
}

/* Whether D can be taken: names what is on it when not. SEGMENT: the free space that the partition gets. */
static int check_disk(const struct disk_info *d, struct disk_segment *segment, struct error *e)
{
	char size[32], bytes[32];

	if (d->other_content[0])
		return error_set(e, EBUSY, "%s is not blank (%s): wipe it ('wipefs -a', or zeros over its first and last MiB) if nobody needs that, or choose another disk",
				 d->path, d->other_content);
	*segment = plan_align(d->n_free ? d->free_segments[0] : (struct disk_segment){0, 0});
	if (segment->size < LEAST_PV)
		return error_set(e, ENOSPC, "%s (%s) has no free segment of %s: its largest is of %s", d->path,
				 str_bytes(size, sizeof(size), d->bytes), "64 MiB",
				 str_bytes(bytes, sizeof(bytes), d->n_free ? d->free_segments[0].size : 0));
	return 0;
}

/* Partitions of this container's name on disk PATH: one that the state knows, -EEXIST; one of another installation, -EBUSY; *RET_LEFT: one that a change left. */
static int check_former(const struct cluster *c, const char *group, const char *path, bool *ret_left, struct error *e)
{
	cleanup_free struct leftover *v = NULL;
	struct disk d CLEANUP(disk_free) = {.parts = NULL};
	size_t n = 0;
	int r = disk_read("", path, &d, e);

	for (size_t i = 0; i < d.n && r == 0; i++)
		for (size_t k = 0; k < c->n_pvs; k++)
			if (strcmp(c->pvs[k].partuuid, d.parts[i].uuid) == 0)
				return error_set(e, EEXIST, "%s belongs to container %s already", path, c->settings.container_name);
	if (r == 0)
		r = leftovers_find(c, group, &v, &n, e);
	*ret_left = false;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (strcmp(v[i].disk, path) != 0 && strcmp(v[i].control, path) != 0)
			continue;
		if (!v[i].ours)
			return error_set(e, EBUSY, "%s has a partition %s of another installation: remove it if nobody needs that, or choose another disk",
					 path, v[i].part.label);
		*ret_left = true;
	}
	return r;
}

static int append_pv(struct change *ch, const struct pv *pv, struct error *e)
{
	struct pv *more = realloc(ch->c.pvs, (ch->c.n_pvs + 1) * sizeof(*more));

	if (!more)
		return error_errno(e, ENOMEM, "the state");
	ch->c.pvs = more;
	ch->c.pvs[ch->c.n_pvs++] = *pv;
	return 0;
}

/* --- a container that is fenced by reservations ----------------------------------------------------------------------------- */

/* Whether the disk may be reserved: it keeps reservations as it must, and nobody else is on it. */
static int check_reservable(const struct cluster *c, const struct disk_info *d, struct error *e)
{
	struct disk table CLEANUP(disk_free) = {.parts = NULL};
	const char *disk[] = {d->path};
	enum fencing way = FENCING_WAIT;
	bool reserved = false;
	char why[160];
	int r = fence_is_reserved(disk, 1, &reserved, e);

	if (r < 0 || reserved)
		return r;
	r = disk_read("", d->path, &table, e);
	if (r < 0)
		return r;
	if (table.n)
		return error_set(e, EBUSY,
				 "%s has other partitions, whose owners could not write any more: container %s is fenced by reservations, "
				 "which are of whole disks",
				 d->path, c->settings.container_name);
	r = fence_probe(c, disk, 1, &way, why, e);
	if (r == 0 && way != FENCING_RESERVATION)
		r = error_set(e, EOPNOTSUPP, "%s: a node could not be kept from writing there: %s", d->path, why);
	return r;
}

/*
 * Puts this machine on the disk's list, by each path, before it writes there; the disk is reserved when it becomes a part of the container. Other nodes put themselves on the
 * list when they read of it in the state, before they use it.
 */
static int enter(const struct change *ch, const struct search *s, struct error *e)
{
	cleanup_free const char **devices = calloc(ch->c.n_pvs + s->n_paths + 1, sizeof(*devices));
	size_t n = 0;

	if (!devices)
		return error_errno(e, ENOMEM, "%s", s->path);
	while (n < ch->c.n_pvs) {
		devices[n] = ch->pvs[n];
		n++;
	}
	for (size_t i = 0; i < s->n_paths; i++)
		devices[n++] = s->paths[i];
	return fence_register_devices(&ch->c, devices, n, ch->node, NULL, e);
}

/* LVM first, then the state: a change that was cut off between the two is taken back by the next one. */
static int take_partition(struct change *ch, const struct partition *part, struct pv *pv, struct error *e)
{
	const struct lvm_group group = {&ch->c, ch->pvs};
	const char *device[] = {part->path};
	int r = fence_reserve(&ch->c, device, 1, e);

	if (r == 0)
		r = lvm_add_pv(&group, part->path, pv, e);
	if (r < 0) {
		bool done;

		leftovers_remove(ch, &done, NULL);
		return r;
	}
	memcpy(pv->partuuid, part->uuid, sizeof(pv->partuuid));
	r = append_pv(ch, pv, e);
	return r == 0 ? change_publish(ch, e) : r;
}

/* What an earlier try left on S alone, which was cut off before there was a partition. */
static int clear_half_written(const struct change *ch, const struct search *s, struct error *e)
{
	bool half;
	int r = gpt_clear_half_written(s->control, ch->c.settings.container_name, true, &half, e);

	if (r < 0 || !half)
		return r;
	r = enter(ch, s, e);
	return r == 0 ? gpt_clear_half_written(s->control, ch->c.settings.container_name, false, &half, e) : r;
}

/* With the lease held. What was left of an earlier try is taken away first. By the control path, as all that is written under the lease. */
static int add_to(struct change *ch, const char *wanted, struct pv *pv, struct error *e)
{
	struct disk_info d CLEANUP(disk_info_free) = {.path = ""};
	struct disk_segment segment;
	struct partition part;
	struct search s;
	bool left;
	int r = leftovers_remove(ch, &left, e);

	if (r == 0)
		r = find_disk(wanted, &s, e);
	if (r == 0)
		r = check_former(&ch->c, "", s.control, &left, e);
	if (r == 0)
		r = clear_half_written(ch, &s, e);
	if (r == 0)
		r = disk_inspect(s.control, &d, e);
	if (r == 0)
		r = check_disk(&d, &segment, e);
	if (r == 0 && ch->c.settings.fencing == FENCING_RESERVATION)
		r = check_reservable(&ch->c, &d, e);
	if (r == 0)
		r = enter(ch, &s, e);
	if (r == 0)
		r = change_intend(ch, e);
	if (r == 0)
		r = gpt_add_pv(&d, ch->c.settings.container_name, &segment, &part, e);
	if (r == 0)
		r = take_partition(ch, &part, pv, e);
	disk_learn_partitions();
	return r;
}

/* What would be done, from what can be seen without the lease. */
static int preview(const char *wanted, struct error *e)
{
	struct view v cleanup_view = {.area = NULL};
	struct disk_info d CLEANUP(disk_info_free) = {.path = ""};
	struct disk_segment segment;
	struct search s;
	char bytes[32], group[LVM_UUID_SIZE];
	bool left = false;
	size_t n;
	int r = find_disk(wanted, &s, e);

	if (r == 0)
		r = view_open(&v, e);
	if (r == 0)
		r = view_need_pvs(&v, e);
	if (r == 0)
		r = lvm_strangers(&(struct lvm_group){&v.c, v.pvs}, &n, group, e);
	if (r == 0)
		r = check_former(&v.c, group, s.path, &left, e);
	if (r == 0 && !left)
		r = gpt_clear_half_written(s.path, v.c.settings.container_name, true, &left, e);
	if (r == 0 && left)
		return error_set(e, EEXIST, "%s has what an earlier 'san add' left: without --dry-run that is taken away first", s.path);
	if (r == 0)
		r = disk_inspect(s.path, &d, e);
	if (r == 0)
		r = check_disk(&d, &segment, e);
	if (r < 0)
		return r;
	printf("%s (%s): %s at %llu MiB would become partition byre-%s-pv%s\n", s.path, s.wwid,
	       str_bytes(bytes, sizeof(bytes), segment.size), (unsigned long long)(segment.start / PLAN_MIB), v.c.settings.container_name,
	       d.has_table ? "" : " of a new GPT");
	return 0;
}

bool san_dry_run;

int san_add_run(int argc, char **argv, struct error *e)
{
	char what[NOTE_SIZE], bytes[32];
	struct change_options o = {.container = options.container, .what = what, .wait = LEASE_WAIT, .waiting = tool_tell_waiting};
	struct change *ch CLEANUP(change_endp) = NULL;
	struct pv pv = {.extents = 0};
	struct search s;
	int r;

	(void)argc;
	disk_rescan();
	if (san_dry_run)
		return preview(argv[0], e);
	r = find_disk(argv[0], &s, e);
	if (r < 0)
		return r;
	snprintf(what, sizeof(what), "volmgr san add %.100s", s.wwid[0] ? s.wwid : argv[0]);
	r = change_begin(&o, &ch, e);
	if (r == 0)
		r = add_to(ch, argv[0], &pv, e);
	if (r < 0)
		return r;
	printf("%s: %s for container %s, which lies on %zu disks now\n", argv[0],
	       str_bytes(bytes, sizeof(bytes), (uint64_t)pv.extents * EXTENT_BYTES), ch->c.settings.container_name, ch->c.n_pvs);
	return 0;
}
