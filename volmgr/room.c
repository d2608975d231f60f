/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "room.h"

#include "base/str.h"
#include "lvm.h"

#include <errno.h>
#include <string.h>

static struct slab *find_slab(const struct cluster *c, const char *lv)
{
	for (size_t i = 0; i < c->n_slabs; i++)
		if (strcmp(c->slabs[i].lv, lv) == 0)
			return &c->slabs[i];
	return c->n_slabs ? &c->slabs[0] : NULL;
}

static int extend(struct change *ch, struct slab *slab, uint32_t extents, struct error *e)
{
	const struct lvm_group g = {&ch->c, ch->pvs};
	struct segments now;
	int r = change_intend(ch, e);

	if (r == 0)
		r = lvm_extend(&g, slab->lv, extents, &now, e);
	if (r < 0)
		return r;
	segments_free(&slab->segments);
	slab->segments = now;
	return 0;
}

static uint64_t group_extents(const struct cluster *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_pvs; i++)
		n += c->pvs[i].extents;
	return n;
}

static int make(struct change *ch, const char *lv, uint64_t need, bool all, struct space *ret, struct error *e)
{
	struct slab *slab = find_slab(&ch->c, lv);
	uint64_t unused = space_unused(&ch->c), have;
	char a[24], b[24];
	uint32_t step;
	int r = space_read(&ch->c, ret, e);

	if (r < 0)
		return r;
	have = space_left(ret);
	if (have >= need)
		return 0;
	step = slab ? space_step(need - have, group_extents(&ch->c), unused) : 0;
	if (!step && all)
		return error_set(e, ENOSPC, "%s are needed, the container has %s free: remove volumes or images, or add a disk",
				 str_bytes(a, sizeof(a), need * EXTENT_BYTES), str_bytes(b, sizeof(b), (have + unused) * EXTENT_BYTES));
	if (!step && slab)
		step = (uint32_t)unused;
	if (!step)
		return 0;
	space_free(ret);
	r = extend(ch, slab, step, e);
	return r == 0 ? space_read(&ch->c, ret, e) : r;
}

int room_make(struct change *ch, const char *slab, uint64_t need, struct space *ret, struct error *e)
{
	return make(ch, slab, need, true, ret, e);
}

int room_make_some(struct change *ch, const char *slab, uint64_t need, struct space *ret, struct error *e)
{
	return make(ch, slab, need, false, ret, e);
}
