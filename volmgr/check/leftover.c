/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "leftover.h"

#include "base/cleanup.h"
#include "gpt.h"
#include "lvm.h"
#include "volmgr/registration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct search {
	const struct cluster *c;
	struct leftover *v;
	size_t n;
};

static bool is_known(const struct cluster *c, const struct partition *p)
{
	for (size_t i = 0; i < c->n_pvs; i++)
		if (strcmp(c->pvs[i].partuuid, p->uuid) == 0)
			return true;
	return false;
}

static int take(struct search *s, const struct disk *d, const struct partition *p, struct error *e)
{
	struct leftover *more = realloc(s->v, (s->n + 1) * sizeof(*more));

	if (!more)
		return error_errno(e, ENOMEM, "disks");
	s->v = more;
	more += s->n++;
	*more = (struct leftover){.part = *p};
	memcpy(more->disk, d->path, sizeof(more->disk));
	memcpy(more->control, d->path, sizeof(more->control));
	for (size_t i = 0; i < d->n_paths; i++)
		if (d->paths[i].control)
			memcpy(more->control, d->paths[i].path, sizeof(more->control));
	return 0;
}

static int look_for(const struct disk *d, void *data, struct error *e)
{
	struct search *s = data;
	char name[NAME_SIZE];
	int r = 0;

	for (size_t i = 0; i < d->n && r == 0; i++)
		if (disk_container_label(d->parts[i].label, "-pv", name) && strcmp(name, s->c->settings.container_name) == 0 &&
		    !is_known(s->c, &d->parts[i]))
			r = take(s, d, &d->parts[i], e);
	return r;
}

/* What cannot be looked at is not ours. */
static void judge(const struct cluster *c, const char *group, struct leftover *l)
{
	char path[64], of[LVM_UUID_SIZE];

	disk_partition_path("", l->control, l->part.number, path);
	if (!path[0] || lvm_group_of(c->settings.container_name, path, of, NULL) < 0)
		return;
	l->ours = !of[0] || (group[0] && strcmp(of, group) == 0);
}

int leftovers_find(const struct cluster *c, const char *group, struct leftover **ret, size_t *ret_n, struct error *e)
{
	struct search s = {.c = c};
	int r;

	disk_learn_partitions();
	r = disk_each("", look_for, &s, e);
	if (r < 0) {
		free(s.v);
		return r;
	}
	for (size_t i = 0; i < s.n; i++)
		judge(c, group, &s.v[i]);
	*ret = s.v;
	*ret_n = s.n;
	return 0;
}

int leftovers_remove(struct change *ch, bool *ret_done, struct error *e)
{
	const struct lvm_group g = {&ch->c, ch->pvs};
	cleanup_free struct leftover *v = NULL;
	char group[LVM_UUID_SIZE];
	size_t n = 0, strangers;
	bool done = false;
	int r = lvm_strangers(&g, &strangers, group, e);

	if (r == 0 && strangers) {
		r = change_intend(ch, e);
		if (r == 0)
			r = lvm_forget_strangers(&g, e);
		done = true;
	}
	if (r == 0)
		r = leftovers_find(&ch->c, group, &v, &n, e);
	for (size_t i = 0; i < n && r == 0; i++) {
		const char *control = v[i].control;

		if (!v[i].ours)
			continue;
		r = change_intend(ch, e);
		if (r == 0)
			r = fence_register_devices(&ch->c, &control, 1, ch->node, NULL, e);
		if (r == 0)
			r = gpt_remove_partition(v[i].control, v[i].part.uuid, e);
		done = true;
	}
	if (r == 0)
		*ret_done = done;
	return r;
}
