/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cover.h"

#include "plan.h"

#include <stdlib.h>

/* Walks a list of segments, some extents at a time. */
struct walk {
	const struct segments *s;
	size_t i;
	uint32_t done; /* of s->v[i] */
};

static const struct segment *here(struct walk *w)
{
	while (w->i < w->s->n && w->done == w->s->v[w->i].count) {
		w->i++;
		w->done = 0;
	}
	return w->i < w->s->n ? &w->s->v[w->i] : NULL;
}

enum likeness segments_compare(const struct segments *a, const struct segments *b)
{
	struct walk x = {a, 0, 0}, y = {b, 0, 0};

	for (;;) {
		const struct segment *p = here(&x), *q = here(&y);
		uint32_t n, m;

		if (!p || !q)
			return p ? SEGMENTS_LONGER : q ? SEGMENTS_SHORTER : SEGMENTS_SAME;
		if (p->pv != q->pv || (uint64_t)p->start + x.done != (uint64_t)q->start + y.done)
			return SEGMENTS_OTHER;
		n = p->count - x.done;
		m = q->count - y.done;
		n = n < m ? n : m;
		x.done += n;
		y.done += n;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	if (x->pv != y->pv)
		return x->pv < y->pv ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static uint64_t end_of(const struct segment *s)
{
	uint64_t end = (uint64_t)s->start + s->count;

	return end < UINT32_MAX ? end : UINT32_MAX;
}

void cover_free(struct cover *u)
{
	segments_free(&u->s);
}

void cover_add(struct cover *u, const struct segments *s)
{
	for (size_t i = 0; i < s->n && !u->failed; i++)
		u->failed = segments_add(&u->s, s->v[i]) < 0;
}

void cover_close(struct cover *u)
{
	struct segment *v = u->s.v;
	size_t n = 0;

	if (u->s.n)
		qsort(v, u->s.n, sizeof(*v), by_place);
	for (size_t i = 0; i < u->s.n; i++) {
		if (n == 0 || v[n - 1].pv != v[i].pv || end_of(&v[n - 1]) < v[i].start)
			v[n++] = v[i];
		else if (end_of(&v[i]) > end_of(&v[n - 1]))
			v[n - 1].count = (uint32_t)(end_of(&v[i]) - v[n - 1].start);
	}
	u->s.n = n;
}

uint64_t cover_misses(const struct cover *u, const struct segments *s)
{
	struct segments left CLEANUP(segments_free) = {NULL, 0};
	const struct segments *const used[] = {&u->s};

	return u->failed || plan_free(s, used, 1, &left) < 0 ? UINT64_MAX : segments_extents(&left);
}

bool cover_is_apart(const struct cover *u, const struct segments *s)
{
	return cover_misses(u, s) == segments_extents(s);
}
