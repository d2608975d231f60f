/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things lie on the SAN. Segments in sorted lists: one sweep finds what overlaps, another what lies outside. */
#include "cluster/check.h"

#include <errno.h>
#include <stdlib.h>

struct placed {
	struct segment seg;
	const char *owner;
	bool image;
};
struct placed_list {
	struct placed *v;
	size_t n, size;
};

static int add(struct placed_list *l, struct placed p, struct error *e)
{
	if (l->n == l->size) {
		size_t size = l->size ? 2 * l->size : 64;
		struct placed *v = realloc(l->v, size * sizeof(*v));

		if (!v)
			return error_errno(e, ENOMEM, "segments");
		l->v = v;
		l->size = size;
	}
	l->v[l->n++] = p;
	return 0;
}

static int place(const struct cluster *c, const struct segments *s, const char *owner, bool image, struct placed_list *l, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < s->n && r == 0; i++) {
		struct segment g = s->v[i];

		if (g.pv >= c->n_pvs || g.count == 0 || (uint64_t)g.start + g.count > c->pvs[g.pv].extents)
			return error_set(e, EINVAL, "%s: segment [%u,%u,%u] lies outside its PV", owner, g.pv, g.start, g.count);
		r = add(l, (struct placed){g, owner, image}, e);
	}
	return r;
}

/* USED: images and volumes. LVS: images and slabs. */
static int place_all(const struct cluster *c, struct placed_list *used, struct placed_list *lvs, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < c->n_images && r == 0; i++) {
		r = place(c, &c->images[i].segments, c->images[i].name, true, used, e);
		if (r == 0)
			r = place(c, &c->images[i].segments, c->images[i].name, true, lvs, e);
	}
	for (size_t i = 0; i < c->n_slabs && r == 0; i++)
		r = place(c, &c->slabs[i].segments, c->slabs[i].lv, false, lvs, e);
	for (size_t i = 0; i < c->n_volumes && r == 0; i++) {
		r = place(c, &c->volumes[i].metadata, c->volumes[i].name, false, used, e);
		if (r == 0)
			r = place(c, &c->volumes[i].data, c->volumes[i].name, false, used, e);
	}
	return r;
}

static int compare_placed(const void *a, const void *b)
{
	const struct segment *x = &((const struct placed *)a)->seg, *y = &((const struct placed *)b)->seg;

	if (x->pv != y->pv)
		return x->pv < y->pv ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

/* Sorts L. */
static int check_disjoint(struct placed_list *l, struct error *e)
{
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), compare_placed);
	for (size_t i = 1; i < l->n; i++) {
		const struct placed *a = &l->v[i - 1], *b = &l->v[i];

		if (a->seg.pv == b->seg.pv && a->seg.start + a->seg.count > b->seg.start)
			return error_set(e, EINVAL, "%s and %s overlap on the SAN at extent %u", a->owner, b->owner, b->seg.start);
	}
	return 0;
}

/* Neighbours of one owner become one: a volume may be cut across them. L is sorted. */
static void join_neighbours(struct placed_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		struct placed *last = n ? &l->v[n - 1] : NULL, p = l->v[i];

		if (last && last->owner == p.owner && last->seg.pv == p.seg.pv && last->seg.start + last->seg.count == p.seg.start)
			last->seg.count += p.seg.count;
		else
			l->v[n++] = p;
	}
	l->n = n;
}

static bool lies_before(const struct segment *a, const struct segment *b)
{
	return a->pv < b->pv || (a->pv == b->pv && a->start + a->count <= b->start);
}

/* Volumes in USED are cut from slabs in LVS. Both are sorted, and apart. */
static int check_cut(const struct placed_list *used, const struct placed_list *lvs, struct error *e)
{
	const struct placed *s = lvs->v, *end = lvs->v + lvs->n;

	for (size_t i = 0; i < used->n; i++) {
		const struct placed *p = &used->v[i];
		unsigned first = p->seg.start, last = p->seg.start + p->seg.count - 1;

		if (p->image)
			continue;
		while (s < end && (s->image || lies_before(&s->seg, &p->seg)))
			s++;
		if (s == end || s->seg.pv != p->seg.pv || s->seg.start > first)
			return error_set(e, EINVAL, "%s: extents %u to %u of PV %u are in no slab", p->owner, first, last, p->seg.pv);
		if (s->seg.start + s->seg.count <= last)
			return error_set(e, EINVAL, "%s: extents %u to %u of PV %u reach out of slab %s, which ends at %u", p->owner, first,
					 last, p->seg.pv, s->owner, s->seg.start + s->seg.count - 1);
	}
	return 0;
}

int check_space(const struct cluster *c, struct error *e)
{
	struct placed_list used = {0}, lvs = {0};
	int r = place_all(c, &used, &lvs, e);

	if (r == 0)
		r = check_disjoint(&used, e);
	if (r == 0)
		r = check_disjoint(&lvs, e);
	if (r == 0) {
		join_neighbours(&lvs);
		r = check_cut(&used, &lvs, e);
	}
	free(used.v);
	free(lvs.v);
	return r;
}
