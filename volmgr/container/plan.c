/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define METADATA_BASE      (1024 * 1024ull) /* superblock, space maps, roots */
#define METADATA_PER_BLOCK 170ull

/* --- sizes ---------------------------------------------------------------------------------------------------------- */

uint32_t plan_extents(uint64_t bytes)
{
	uint64_t n = bytes / EXTENT_BYTES + (bytes % EXTENT_BYTES ? 1 : 0);

	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

uint64_t plan_metadata_bytes(uint64_t bytes)
{
	uint64_t blocks = bytes / (THIN_BLOCK_SECTORS * 512ull) + 1;

	return METADATA_BASE + blocks * METADATA_PER_BLOCK;
}

uint32_t plan_metadata_extents(uint64_t bytes)
{
	uint32_t n = plan_extents(plan_metadata_bytes(bytes));

	return n < 2 ? 2 : n;
}

/* "START-END" in MiB. */
static int parse_range(const char *text, struct disk_segment *ret)
{
	const char *dash = strchr(text, '-');
	uint64_t start, end;
	char first[24];

	if (!dash || (size_t)(dash - text) >= sizeof(first))
		return -EINVAL;
	snprintf(first, sizeof(first), "%.*s", (int)(dash - text), text);
	if (str_to_u64(first, 0, UINT64_MAX / PLAN_MIB, &start) < 0 || str_to_u64(dash + 1, 0, UINT64_MAX / PLAN_MIB, &end) < 0 ||
	    end <= start)
		return -EINVAL;
	ret->start = start * PLAN_MIB;
	ret->size = (end - start) * PLAN_MIB;
	return 0;
}

struct disk_segment plan_align(struct disk_segment s)
{
	uint64_t end = (s.start + s.size) / PLAN_ALIGN * PLAN_ALIGN;
	uint64_t start = (s.start + PLAN_ALIGN - 1) / PLAN_ALIGN * PLAN_ALIGN;

	return (struct disk_segment){start, end > start ? end - start : 0};
}

static int choose_segment(const struct settings *s, const struct disk_info *d, struct disk_segment *ret, struct error *e)
{
	struct disk_segment want;

	if (strcmp(s->free_space_allocation, "largest") == 0) {
		*ret = d->n_free ? plan_align(d->free_segments[0]) : (struct disk_segment){0, 0};
		return 0;
	}
	if (parse_range(s->free_space_allocation, &want) < 0)
		return error_set(e, EINVAL, "free-space-allocation: '%s' is neither 'largest' nor START-END in MiB",
				 s->free_space_allocation);
	for (size_t i = 0; i < d->n_free; i++) {
		const struct disk_segment *f = &d->free_segments[i];

		/* The table itself takes the first MiB: a range from 0 means from where one can begin. */
		if (want.start + PLAN_ALIGN >= f->start && want.start < f->start + f->size &&
		    want.start + want.size <= f->start + f->size) {
			uint64_t end = want.start + want.size, start = want.start < f->start ? f->start : want.start;

			*ret = plan_align((struct disk_segment){start, end > start ? end - start : 0});
			return 0;
		}
	}
	return error_set(e, EINVAL, "free-space-allocation: %s MiB is not free on %s", s->free_space_allocation, d->path);
}

static int check_disk(const struct settings *s, const struct disk_info *d, uint64_t image_bytes, struct error *e)
{
	char a[24], b[24];

	if (strlen(s->container_name) > PLAN_NAME_MAX)
		return error_set(e, EINVAL, "container-name: '%s' is longer than %d characters, too long for a partition's name",
				 s->container_name, PLAN_NAME_MAX);
	for (size_t i = 0; i < d->n_containers; i++)
		if (strcmp(d->containers[i].name, s->container_name) == 0)
			return error_set(e, EEXIST, "container-name: a container '%s' is on %s already: choose another name",
					 s->container_name, d->path);
	if (!d->has_table && d->other_content[0])
		return error_set(e, ENOTEMPTY, "%s has no GPT, but holds something (%s): wipe it yourself if it may go", d->path,
				 d->other_content);
	if (image_bytes > s->volume_size * PLAN_MIB)
		return error_set(e, EINVAL, "volume-size: the image takes %s, a volume of %s is smaller",
				 str_bytes(a, sizeof(a), image_bytes), str_bytes(b, sizeof(b), s->volume_size * PLAN_MIB));
	return 0;
}

/* In bytes; never more than half of what is left without it. */
static uint64_t slack(uint64_t nodes, const struct container_plan *p)
{
	uint64_t slack = space_slack(nodes, (p->available - PLAN_STATE - PLAN_PV_HEAD) / EXTENT_BYTES);
	uint64_t half = (p->available - p->needed) / 2 / EXTENT_BYTES;

	return (slack < half ? slack : half) * EXTENT_BYTES;
}

int container_plan(const struct settings *s, const struct disk_info *d, uint64_t image_bytes, struct container_plan *ret, struct error *e)
{
	struct container_plan p = {.image_extents = plan_extents(image_bytes)};
	uint64_t store = s->store_size ? s->store_size * PLAN_MIB : store_default(image_bytes, s->volume_size * PLAN_MIB);
	char a[24], b[24];
	int r = check_disk(s, d, image_bytes, e);

	store = plan_extents(store) + plan_metadata_extents(s->volume_size * PLAN_MIB);
	if (r == 0)
		r = choose_segment(s, d, &p.segment, e);
	if (r < 0)
		return r;
	p.image = p.image_extents * EXTENT_BYTES;
	p.stores = s->number_of_nodes * store * EXTENT_BYTES;
	p.swap = (uint64_t)s->number_of_nodes * plan_extents(s->swap_size * PLAN_MIB) * EXTENT_BYTES;
	p.shared = plan_extents(s->shared_size * PLAN_MIB) * EXTENT_BYTES;
	p.swap_extents = plan_extents(p.swap);
	p.shared_extents = plan_extents(p.shared);
	p.needed = PLAN_STATE + PLAN_PV_HEAD + p.image + p.stores + p.swap + p.shared;
	p.available = p.segment.size;
	if (p.needed > p.available || p.needed / EXTENT_BYTES > UINT32_MAX)
		return error_set(e, ENOSPC,
				 "the container needs %s, the free segment of %s has %s: make volumes smaller or choose another disk",
				 str_bytes(a, sizeof(a), p.needed), d->path, str_bytes(b, sizeof(b), p.available));
	p.slab_extents = plan_extents(p.stores + slack(s->number_of_nodes, &p));
	*ret = p;
	return 0;
}

/* --- extents ----------------------------------------------------------------------------------------------------------- */

static int compare_segments(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	if (x->pv != y->pv)
		return x->pv < y->pv ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static int add_run(struct segments *s, uint32_t pv, uint64_t start, uint64_t end)
{
	struct segment *last = s->n ? &s->v[s->n - 1] : NULL;

	if (end <= start)
		return 0;
	if (last && last->pv == pv && (uint64_t)last->start + last->count == start) {
		last->count += (uint32_t)(end - start);
		return 0;
	}
	return segments_add(s, (struct segment){pv, (uint32_t)start, (uint32_t)(end - start)});
}

/* All of LISTS in one array, by place. */
static int gather(const struct segments *const *lists, size_t n, struct segments *ret)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < lists[i]->n; k++)
			if (segments_add(ret, lists[i]->v[k]) < 0)
				return -ENOMEM;
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare_segments);
	return 0;
}

/* First of USED (sorted, apart) that ends behind extent START of PV. */
static size_t first_behind(const struct segments *used, uint32_t pv, uint64_t start)
{
	size_t low = 0, high = used->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct segment *u = &used->v[mid];

		if (u->pv < pv || (u->pv == pv && (uint64_t)u->start + u->count <= start))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int plan_free(const struct segments *from, const struct segments *const *used, size_t n, struct segments *ret)
{
	struct segments all CLEANUP(segments_free) = {NULL, 0}, out CLEANUP(segments_free) = {NULL, 0};
	int r = gather(used, n, &all);

	for (size_t i = 0; i < from->n && r == 0; i++) {
		const struct segment *f = &from->v[i];
		uint64_t at = f->start, end = (uint64_t)f->start + f->count;

		for (size_t k = first_behind(&all, f->pv, at); k < all.n && all.v[k].pv == f->pv && all.v[k].start < end && r == 0; k++) {
			r = add_run(&out, f->pv, at, all.v[k].start);
			at = (uint64_t)all.v[k].start + all.v[k].count;
		}
		if (r == 0)
			r = add_run(&out, f->pv, at, end);
	}
	if (r < 0)
		return r;
	*ret = out;
	out = (struct segments){NULL, 0};
	return 0;
}

/* The run to take next: the smallest that holds COUNT, else the largest. FREE has at least one. */
static size_t best_run(const struct segments *free, uint32_t count)
{
	size_t best = 0;

	for (size_t i = 1; i < free->n; i++) {
		uint32_t have = free->v[best].count, got = free->v[i].count;

		if (have >= count ? (got >= count && got < have) : got > have)
			best = i;
	}
	return best;
}

int plan_take(struct segments *free, uint32_t count, struct segments *ret)
{
	if (segments_extents(free) < count)
		return -ENOSPC;
	while (count) {
		size_t i = best_run(free, count);
		struct segment *f = &free->v[i];
		uint32_t n = f->count < count ? f->count : count;

		if (segments_add(ret, (struct segment){f->pv, f->start, n}) < 0)
			return -ENOMEM;
		f->start += n;
		f->count -= n;
		count -= n;
		if (f->count == 0) {
			memmove(f, f + 1, (free->n - i - 1) * sizeof(*f));
			free->n--;
		}
	}
	return 0;
}

/* --- the nodes' volumes --------------------------------------------------------------------------------------------------- */

static struct volume_wish wish(unsigned node, enum volume_kind kind, uint64_t mib)
{
	struct volume_wish w = {.kind = kind, .node = node, .bytes = mib * PLAN_MIB};

	snprintf(w.name, sizeof(w.name), "node%u.%s", node, volume_kind_name(kind));
	return w;
}

int plan_node_volumes(struct cluster *c, const char *image, struct error *e)
{
	const struct settings *s = &c->settings;
	cleanup_free struct volume_wish *w = calloc(2 * c->n_nodes + 1, sizeof(*w));
	struct space space cleanup_space = {.free = NULL};
	size_t n = 0;
	int r;

	if (!w)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < c->n_nodes; i++) {
		w[n] = wish(c->nodes[i].number, VOLUME_ROOT, s->volume_size);
		w[n].store = s->store_size * PLAN_MIB;
		snprintf(w[n++].image, sizeof(w->image), "%s", image);
		if (s->swap_size)
			w[n++] = wish(c->nodes[i].number, VOLUME_SWAP, s->swap_size);
	}
	r = space_read(c, &space, e);
	return r == 0 ? wishes_cut(c, &space, w, n, e) : r;
}
