/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "room.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "lvm.h"

#include <errno.h>

static struct slab *find_slab(const struct cluster *c, const char *lv)
{
	struct slab *own = cluster_slab(c, lv);

	return own ? own : c->n_slabs ? &c->slabs[0] : NULL;
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

uint64_t room_slack(const struct cluster *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_volumes; i++)
		n += volume_is_thin(&c->volumes[i]);
	return space_slack(n, space_total(c));
}

/* By how much to extend a slab when HAVE extents are free in all of them: for NEED, and for SPARE beside it when that can be had. 0: by nothing, or NEED cannot. */
static uint32_t step_for(const struct cluster *c, uint64_t need, uint64_t spare, uint64_t have)
{
	uint64_t total = space_total(c), unused = space_unused(c);
	uint32_t step = have < need + spare ? space_step(need + spare - have, total, unused) : 0;

	return step || have >= need ? step : space_step(need - have, total, unused);
}

static int no_space(const struct cluster *c, uint64_t need, uint64_t have, struct error *e)
{
	char a[24], b[24];

	return error_set(e, ENOSPC, "%s are needed, the container has %s free: remove volumes or images, or add a disk",
			 str_bytes(a, sizeof(a), need * EXTENT_BYTES), str_bytes(b, sizeof(b), (have + space_unused(c)) * EXTENT_BYTES));
}

static int make(struct change *ch, const char *lv, uint64_t need, bool all, struct space *ret, struct error *e)
{
	struct slab *slab = find_slab(&ch->c, lv);
	uint64_t have;
	uint32_t step;
	int r = space_read(&ch->c, ret, e);

	if (r < 0)
		return r;
	have = space_left(ret);
	step = slab ? step_for(&ch->c, need, all ? room_slack(&ch->c) : 0, have) : 0;
	if (!step && have < need && all)
		return no_space(&ch->c, need, have, e);
	if (!step && have < need && slab)
		step = (uint32_t)space_unused(&ch->c);
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

/* --- giving back ------------------------------------------------------------------------------------------------------------ */

/* How many to take off each slab for MISSING in all. False: they are not there. */
static bool share_out(const struct space *s, uint64_t missing, uint32_t *ret)
{
	for (size_t i = 0; i < s->c->n_slabs; i++) {
		uint32_t end = space_end(s, i);

		ret[i] = end < missing ? end : (uint32_t)missing;
		missing -= ret[i];
	}
	return missing == 0;
}

/*
 * The state first: an end that only LVM knows still is nobody's, and the next extension takes it in again; one that only the state knew, LVM would give to
 * somebody else.
 */
static int shorten(struct change *ch, const uint32_t *counts, struct error *e)
{
	const struct lvm_group g = {&ch->c, ch->pvs};
	int r;

	for (size_t i = 0; i < ch->c.n_slabs; i++)
		space_shorten(&ch->c, i, counts[i]);
	r = change_publish(ch, e);
	if (r == 0)
		r = change_intend(ch, e);
	for (size_t i = 0; i < ch->c.n_slabs && r == 0; i++)
		if (counts[i])
			r = lvm_reduce(&g, ch->c.slabs[i].lv, counts[i], e);
	return r;
}

int room_give_back(struct change *ch, uint64_t need, struct error *e)
{
	struct space space cleanup_space = {.free = NULL};
	cleanup_free uint32_t *counts = calloc(ch->c.n_slabs + 1, sizeof(*counts));
	uint64_t unused = space_unused(&ch->c);
	int r;

	if (!counts)
		return error_errno(e, ENOMEM, "slabs");
	if (need <= unused)
		return 0;
	r = space_read(&ch->c, &space, e);
	return r == 0 && share_out(&space, need - unused, counts) ? shorten(ch, counts, e) : r;
}
