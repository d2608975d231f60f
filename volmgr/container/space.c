/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "space.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEP_MIN   256u /* extents: 1 GiB */
#define STEP_PART  16
#define SLACK_EACH (128 * PLAN_MIB / EXTENT_BYTES)
#define SLACK_MIN  (512 * PLAN_MIB / EXTENT_BYTES)
#define SLACK_PART 16
#define STORE_MIN  (256 * PLAN_MIB)
#define BLOCK      4096u
#define PART_NAMES (sizeof("byre--") + sizeof("-look-metadata")) /* what dm names have around those of container and volume, and NULs */
#define DM_NAME    128

/* --- extents -------------------------------------------------------------------------------------------------------------- */

static size_t slab_index(const struct cluster *c, const char *lv)
{
	const struct slab *own = cluster_slab(c, lv);

	return own ? (size_t)(own - c->slabs) : c->n_slabs;
}

int space_read(const struct cluster *c, struct space *ret, struct error *e)
{
	cleanup_free const struct segments **used = calloc(2 * c->n_volumes + 1, sizeof(*used));
	int r = 0;

	*ret = (struct space){c, calloc(c->n_slabs + 1, sizeof(*ret->free))};
	if (!used || !ret->free)
		return error_errno(e, ENOMEM, "free space");
	for (size_t i = 0; i < c->n_volumes; i++) {
		used[2 * i] = &c->volumes[i].metadata;
		used[2 * i + 1] = &c->volumes[i].data;
	}
	for (size_t i = 0; i < c->n_slabs && r == 0; i++)
		r = plan_free(&c->slabs[i].segments, used, 2 * c->n_volumes, &ret->free[i]);
	return r < 0 ? error_errno(e, r, "free space") : 0;
}

void space_free(struct space *s)
{
	for (size_t i = 0; s->free && i < s->c->n_slabs; i++)
		segments_free(&s->free[i]);
	free(steal_ptr(s->free));
}

uint64_t space_left(const struct space *s)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s->c->n_slabs; i++)
		n += segments_extents(&s->free[i]);
	return n;
}

static bool holds(const struct segments *slab, uint32_t pv, uint32_t extent)
{
	for (size_t i = 0; i < slab->n; i++)
		if (slab->v[i].pv == pv && extent >= slab->v[i].start && extent - slab->v[i].start < slab->v[i].count)
			return true;
	return false;
}

/* S is a piece of SLAB. */
static int append(struct segments *to, const struct segment *s, const struct segments *slab)
{
	struct segment *last = to->n ? &to->v[to->n - 1] : NULL;

	if (!last || last->pv != s->pv || last->start + last->count != s->start || !holds(slab, s->pv, s->start - 1))
		return segments_add(to, *s);
	last->count += s->count;
	return 0;
}

static int take_from(struct space *s, size_t slab, uint32_t count, struct segments *ret)
{
	struct segments got CLEANUP(segments_free) = {NULL, 0};
	int r = plan_take(&s->free[slab], count, &got);

	for (size_t i = 0; i < got.n && r == 0; i++)
		r = append(ret, &got.v[i], &s->c->slabs[slab].segments);
	return r;
}

int space_take(struct space *s, const char *slab, uint32_t count, struct segments *ret)
{
	size_t own = slab_index(s->c, slab), n = s->c->n_slabs;

	if (space_left(s) < count)
		return -ENOSPC;
	for (size_t i = 0; i <= n && count; i++) {
		size_t k = i == 0 ? own : i - 1;
		uint64_t have = k < n ? segments_extents(&s->free[k]) : 0;
		uint32_t take = have < count ? (uint32_t)have : count;

		if (take && take_from(s, k, take, ret) < 0)
			return -ENOMEM;
		count -= take;
	}
	return 0;
}

uint64_t space_total(const struct cluster *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_pvs; i++)
		n += c->pvs[i].extents;
	return n;
}

uint64_t space_unused(const struct cluster *c)
{
	uint64_t total = space_total(c), used = 0;

	for (size_t i = 0; i < c->n_slabs; i++)
		used += segments_extents(&c->slabs[i].segments);
	for (size_t i = 0; i < c->n_images; i++)
		used += segments_extents(&c->images[i].segments);
	return total > used ? total - used : 0;
}

uint64_t space_slack(uint64_t n, uint64_t total)
{
	uint64_t slack = n * SLACK_EACH > SLACK_MIN ? n * SLACK_EACH : SLACK_MIN;

	return slack < total / SLACK_PART ? slack : total / SLACK_PART;
}

/* How many extents at the end of SEG are in FREE. */
static uint32_t free_end(const struct segments *free, const struct segment *seg)
{
	uint64_t end = (uint64_t)seg->start + seg->count;

	for (size_t i = 0; i < free->n; i++) {
		const struct segment *f = &free->v[i];
		uint64_t f_end = (uint64_t)f->start + f->count;

		/* Runs of FREE are as long as can be, and may go on behind SEG. */
		if (f->pv == seg->pv && f->start < end && f_end >= end)
			return (uint32_t)(end - (f->start > seg->start ? f->start : seg->start));
	}
	return 0;
}

uint32_t space_end(const struct space *s, size_t slab)
{
	const struct segments *segs = &s->c->slabs[slab].segments;
	uint64_t n = 0, all = segments_extents(segs);

	for (size_t i = segs->n; i-- > 0;) {
		uint32_t end = free_end(&s->free[slab], &segs->v[i]);

		n += end;
		if (end < segs->v[i].count)
			break;
	}
	return (uint32_t)(n < all ? n : all - (all > 0));
}

void space_shorten(struct cluster *c, size_t slab, uint32_t count)
{
	struct segments *segs = &c->slabs[slab].segments;

	while (segs->n && count) {
		struct segment *last = &segs->v[segs->n - 1];
		uint32_t n = last->count < count ? last->count : count;

		last->count -= n;
		count -= n;
		segs->n -= last->count == 0;
	}
}

uint32_t space_step(uint64_t missing, uint64_t total, uint64_t unused)
{
	uint64_t step = total / STEP_PART > STEP_MIN ? total / STEP_PART : STEP_MIN;

	if (missing > unused || missing > UINT32_MAX)
		return 0;
	if (step < missing)
		step = missing;
	return (uint32_t)(step < unused ? step : unused);
}

/* --- sizes ---------------------------------------------------------------------------------------------------------------- */

uint64_t store_default(uint64_t image_bytes, uint64_t volume_bytes)
{
	uint64_t n = image_bytes / 10;

	if (n < STORE_MIN)
		n = STORE_MIN;
	if (n > volume_bytes)
		n = volume_bytes;
	return plan_extents(n) * EXTENT_BYTES;
}

const char *space_slab(enum volume_kind kind)
{
	return kind == VOLUME_ROOT || kind == VOLUME_DISK ? SLAB_STORES : SLAB_SWAP;
}

struct volume_size volume_size(const struct cluster *c, const struct volume_wish *w)
{
	const struct image *i = cluster_image(c, w->image);

	if (strcmp(space_slab(w->kind), SLAB_STORES) != 0)
		return (struct volume_size){0, plan_extents(w->bytes)};
	return (struct volume_size){plan_metadata_extents(w->bytes),
				    plan_extents(w->store ? w->store : store_default(i ? i->bytes : 0, w->bytes))};
}

/* --- wishes --------------------------------------------------------------------------------------------------------------- */

/* Ends of device-mapper names that stand for a part of a volume: "a-pool" is no volume beside "a". */
static bool ends_as_part(const char *name)
{
	static const char *const ends[] = {"-metadata", "-data", "-pool", "-image", "-look", "-read", "-new", "-frozen", "-ballast"};
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (len > strlen(ends[i]) && strcmp(name + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int check_name(const struct cluster *c, const char *name, struct error *e)
{
	size_t max = DM_NAME - PART_NAMES - strlen(c->settings.container_name);

	if (!str_is_domain(name))
		return error_set(e, EINVAL, "'%.130s' is no name for a volume: use a-z, 0-9, '-' and '.'", name);
	if (strlen(name) > max)
		return error_set(e, EINVAL, "volume %.130s: a name has at most %zu characters here", name, max);
	if (ends_as_part(name))
		return error_set(e, EINVAL, "volume %s: names that end so are those of a volume's parts", name);
	if (cluster_volume(c, name))
		return error_set(e, EEXIST, "there is a volume %s already", name);
	return 0;
}

/* Roots and swap belong to a node, one of each; disks are taken (volume_take), and shared ones are everybody's. */
static int check_node(const struct cluster *c, const struct volume_wish *w, struct error *e)
{
	const struct volume *have;

	if (w->kind == VOLUME_DISK || w->kind == VOLUME_SHARED)
		return w->node == 0
			       ? 0
			       : error_set(e, EINVAL, "volume %s: a %s volume is made for no node", w->name, volume_kind_name(w->kind));
	if (!cluster_node(c, w->node))
		return error_set(e, w->node ? ENOENT : EINVAL, w->node ? "volume %s: there is no node %u" : "volume %s: for which node?",
				 w->name, w->node);
	have = cluster_node_volume(c, w->node, w->kind);
	return have ? error_set(e, EEXIST, "volume %s: node %u has %s already", w->name, w->node, have->name) : 0;
}

int volume_image(const struct cluster *c, const char *ref, enum volume_kind kind, uint64_t bytes, const struct image **ret, struct error *e)
{
	const struct image *i = cluster_image(c, ref);
	char a[24], b[24];

	if (!i)
		return error_set(e, ENOENT, "there is no image '%.80s': see volmgr image list", ref);
	if (i->filling)
		return error_set(e, EBUSY, "image %s is being filled still", ref);
	if (kind == VOLUME_ROOT && i->use != IMAGE_NODE)
		return error_set(e, EINVAL, "image %s is the disk of a VM, not a node's root", ref);
	if (i->bytes > bytes)
		return error_set(e, EINVAL, "image %s takes %s, a volume of %s is smaller", ref, str_bytes(a, sizeof(a), i->bytes),
				 str_bytes(b, sizeof(b), bytes));
	*ret = i;
	return 0;
}

static int check_image(const struct cluster *c, struct volume_wish *w, struct error *e)
{
	const struct image *i = cluster_default_image(c);

	if (strcmp(space_slab(w->kind), SLAB_STORES) != 0)
		return w->image[0] ? error_set(e, EINVAL, "volume %s: a %s volume stands on no image", w->name, volume_kind_name(w->kind))
				   : 0;
	if (w->kind == VOLUME_ROOT && !w->image[0] && i)
		image_ref(w->image, i);
	if (!w->image[0])
		return w->kind == VOLUME_DISK ? 0 : error_set(e, ENOENT, "there is no image");
	return volume_image(c, w->image, w->kind, w->bytes, &i, e);
}

static int check_wish(const struct cluster *c, struct volume_wish *w, struct error *e)
{
	int r = check_name(c, w->name, e);

	if (r == 0)
		r = check_node(c, w, e);
	if (r < 0)
		return r;
	if (w->bytes < PLAN_MIB || plan_extents(w->bytes) == UINT32_MAX)
		return error_set(e, EINVAL, "volume %s: %llu bytes is no size for a volume", w->name, (unsigned long long)w->bytes);
	w->bytes = (w->bytes + BLOCK - 1) / BLOCK * BLOCK;
	return check_image(c, w, e);
}

static int compare_wishes(const void *a, const void *b)
{
	const struct volume_wish *x = *(const struct volume_wish *const *)a, *y = *(const struct volume_wish *const *)b;

	return strcmp(x->name, y->name);
}

static int compare_places(const void *a, const void *b)
{
	const struct volume_wish *x = *(const struct volume_wish *const *)a, *y = *(const struct volume_wish *const *)b;

	return x->node != y->node ? (x->node < y->node ? -1 : 1) : (int)x->kind - (int)y->kind;
}

int wishes_check(const struct cluster *c, struct volume_wish *w, size_t n, struct error *e)
{
	cleanup_free const struct volume_wish **by = calloc(n + 1, sizeof(*by));
	int r = by ? 0 : error_errno(e, ENOMEM, "volumes");

	for (size_t i = 0; i < n && r == 0; i++) {
		by[i] = &w[i];
		r = check_wish(c, &w[i], e);
	}
	if (r < 0)
		return r;
	qsort(by, n, sizeof(*by), compare_wishes);
	for (size_t i = 1; i < n; i++)
		if (strcmp(by[i - 1]->name, by[i]->name) == 0)
			return error_set(e, EEXIST, "volume %s is named twice", by[i]->name);
	qsort(by, n, sizeof(*by), compare_places);
	for (size_t i = 1; i < n; i++)
		if (by[i]->node && compare_places(&by[i - 1], &by[i]) == 0)
			return error_set(e, EEXIST, "volumes %s and %s: a node has only one of a kind", by[i - 1]->name, by[i]->name);
	return 0;
}

/* --- cutting -------------------------------------------------------------------------------------------------------------- */

static int cut(const struct cluster *c, struct space *s, const struct volume_wish *w, struct volume *ret)
{
	const struct volume_size size = volume_size(c, w);
	int r;

	*ret = (struct volume){.kind = w->kind, .node = w->node, .bytes = w->bytes};
	memcpy(ret->name, w->name, sizeof(ret->name));
	memcpy(ret->image, w->image, sizeof(ret->image));
	r = space_take(s, space_slab(w->kind), size.metadata, &ret->metadata);
	return r == 0 ? space_take(s, space_slab(w->kind), size.data, &ret->data) : r;
}

int wishes_cut(struct cluster *c, struct space *s, const struct volume_wish *w, size_t n, struct error *e)
{
	struct volume *v = realloc(c->volumes, (c->n_volumes + n + 1) * sizeof(*v));
	size_t done = 0;
	int r = 0;

	if (!v)
		return error_errno(e, ENOMEM, "volumes");
	c->volumes = v;
	v += c->n_volumes;
	while (done < n && r == 0) {
		r = cut(c, s, &w[done], &v[done]);
		done++;
	}
	if (r == 0) {
		c->n_volumes += n;
		return 0;
	}
	while (done--) {
		segments_free(&v[done].metadata);
		segments_free(&v[done].data);
	}
	return error_errno(e, r, "cutting %zu volumes", n);
}
