/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgrd.h"

#include "volmgr/registration.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REFILL_BYTES (64ull << 20) /* more than a writer takes in the moment that it needs */

void watch_init(struct watch *w)
{
	memset(w, 0, sizeof(*w));
	cluster_init(&w->c);
}

void watch_close(struct watch *w)
{
	state_area_close(w->area);
	cluster_free(&w->c);
	free(w->pvs);
	free(w->v);
	watch_init(w);
}

/* --- the state ------------------------------------------------------------------------------------------------------------ */

int watch_open(struct watch *w, const char *container, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	int r = container_find_one(container, &w->place, e);

	cluster_init(&c);
	if (r == 0)
		r = state_area_open(w->place.state, true, &w->area, e);
	if (r == 0)
		r = state_area_load(w->area, &c, NULL, e);
	if (r < 0) {
		state_area_close(steal_ptr(w->area));
		return r;
	}
	snprintf(w->container, sizeof(w->container), "%s", w->place.name);
	return watch_take(w, &c, e);
}

/* The SAN's disks may have become more. */
static int find_pvs(struct watch *w, struct error *e)
{
	int r;

	free(steal_ptr(w->pvs));
	r = cluster_pv_paths(&w->c, &w->pvs, e);
	/* A disk that was added may be reserved: it takes writes from those who registered there. */
	if (r == 0)
		r = fence_register(&w->c, w->pvs, w->node, NULL, e);
	if (r < 0)
		free(steal_ptr(w->pvs));
	return r;
}

/* Makes store S as large as the state says. */
static int match(struct watch *w, struct store_watch *s, bool rearm, struct error *e)
{
	const struct volume *v = cluster_volume(&w->c, s->name);
	struct store_change change = {.any = false};
	int r = v && !w->pvs ? find_pvs(w, e) : 0;

	if (r < 0 || !v)
		return r;
	r = store_extend(&w->c, v, w->pvs, rearm, &change, e);
	if (r == 0 && change.any)
		s->touched = false;
	s->late |= change.late;
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

/* One that cannot be matched keeps no other from it; the first trouble is told. */
static int match_all(struct watch *w, struct error *e)
{
	int worst = 0;

	for (size_t i = 0; i < w->n; i++) {
		int r = match(w, &w->v[i], false, worst ? NULL : e);

		worst = worst ? worst : r;
	}
	w->behind = worst < 0;
	return worst;
}

int watch_take(struct watch *w, struct cluster *c, struct error *e)
{
	struct cluster old = w->c;
	int r, worst;

	w->c = *c;
	cluster_init(c);
	if (w->c.n_pvs != old.n_pvs)
		free(steal_ptr(w->pvs));
	cluster_free(&old);
	/* A new disk may be reserved: this machine puts itself on its list now, and not when somebody waits for it. */
	r = w->pvs ? 0 : find_pvs(w, e);
	worst = match_all(w, r ? NULL : e);
	return r == 0 || r == -ENODEV ? worst : r;
}

int watch_refresh(struct watch *w, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	uint64_t generation;
	int r = state_area_generation(w->area, &generation, e);

	if (r == 0 && generation == w->c.generation && w->behind)
		return match_all(w, e);
	if (r < 0 || generation == w->c.generation)
		return r;
	cluster_init(&c);
	r = state_area_load(w->area, &c, NULL, e);
	return r == 0 && c.generation != w->c.generation ? watch_take(w, &c, e) : r;
}

/* --- the stores ------------------------------------------------------------------------------------------------------------- */

struct store_watch *watch_store(struct watch *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->v[i].name, name) == 0)
			return &w->v[i];
	return NULL;
}

static int found(const char *name, void *data, struct error *e)
{
	struct watch *w = data;
	struct store_watch *s = watch_store(w, name);
	int r;

	if (!s) {
		struct store_watch *more = realloc(w->v, (w->n + 1) * sizeof(*more));

		if (!more)
			return error_errno(e, ENOMEM, "volume %s", name);
		w->v = more;
		s = &more[w->n++];
		*s = (struct store_watch){.here = true};
		snprintf(s->name, sizeof(s->name), "%s", name);
		/* It may have been composed from an older state, or be newer than ours; others rely on what is told of it. */
		r = watch_refresh(w, e);
		return r == 0 ? match(w, watch_store(w, name), false, e) : r;
	}
	s->here = true;
	return 0;
}

/* The old root of a volume takes its own blocks, as many as the new one at most. */
static uint64_t limit(const struct volume *v)
{
	return v->bytes * (v->has_undo ? 2 : 1);
}

static void judge(struct store_watch *s, const struct volume *v)
{
	struct growth_store now = {
		.used = s->usage.data_used,
		.total = s->usage.data_total,
		.limit = limit(v),
		.full = s->usage.out_of_data,
	};

	s->limit = now.limit;
	s->wants = growth_wanted(&now);
	if (s->wants)
		s->touched = true;
	else
		s->short_since = 0;
}

static void wake(struct watch *w, const struct volume *v)
{
	struct error e = ERROR_INIT;
	int r = store_wake(&w->c, v, &e);

	w->busy |= r == -EAGAIN;
	if (r > 0)
		log_warning("volume %s stood still, and whoever wanted that is gone: it goes on", v->name);
	else if (r < 0 && r != -EAGAIN)
		log_warning("%s", e.text);
}

/* The admin has given it to somebody else, and said that this machine is off. */
static void tell_stray(struct watch *w, struct store_watch *s, const struct volume *v)
{
	bool stray = w->node && v->kind == VOLUME_DISK && v->node != w->node;
	uint64_t newest;

	/* It may have been taken since this state was read. */
	if (stray && !s->stray && (state_area_generation(w->area, &newest, NULL) < 0 || newest != w->c.generation)) {
		w->busy = true;
		return;
	}
	if (stray && !s->stray && v->node)
		log_warning("volume %s is composed here, but node %u holds it: stop what uses it, and volmgr detach %s", v->name, v->node, v->name);
	else if (stray && !s->stray)
		log_warning("volume %s is composed here, but is nobody's: stop what uses it, and volmgr detach %s", v->name, v->name);
	s->stray = stray;
}

/* A pool that was late has what it needs for the next time, once its writers have all that they want. */
static void refill(struct watch *w, struct store_watch *s, const struct volume *v)
{
	struct error e = ERROR_INIT;

	if (!s->late || s->usage.out_of_data || s->usage.data_total - s->usage.data_used < REFILL_BYTES)
		return;
	s->late = false;
	log_info("volume %s: its pool was late in standing still, and gave up a block for that", v->name);
	if (store_refill(&w->c, v, &e) < 0)
		log_warning("%s", e.text);
}

static int look_at(struct watch *w, struct store_watch *s, struct error *e)
{
	const struct volume *v = cluster_volume(&w->c, s->name);
	int r = -ENODEV;

	if (v) {
		wake(w, v);
		r = volume_usage(&w->c, v, &s->usage, e);
	}
	if (r < 0) {
		s->here = r != -ENODEV;
		return r == -ENODEV ? 0 : r;
	}
	judge(s, v);
	tell_stray(w, s, v);
	refill(w, s, v);
	/* Trimmed, or an old device is gone: without it the pool would not tell again. */
	return s->touched && !s->wants && s->usage.data_total < s->limit ? match(w, s, true, e) : 0;
}

int watch_look(struct watch *w, struct error *e)
{
	size_t kept = 0;
	int r;

	for (size_t i = 0; i < w->n; i++)
		w->v[i].here = false;
	w->busy = false;
	r = store_each(w->container, found, w, e);
	for (size_t i = 0; i < w->n && r == 0; i++) {
		if (w->v[i].here)
			r = look_at(w, &w->v[i], e);
		if (w->v[i].here)
			w->v[kept++] = w->v[i];
	}
	if (r == 0)
		w->n = kept;
	return r;
}

/* What goes into the slot; those in need first: there may be more than fit. */
static void summarise(const struct watch *w, const char *why, struct volume_status *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->node = w->node;
	ret->generation = w->c.generation;
	ret->written = (uint64_t)time(NULL);
	snprintf(ret->why, sizeof(ret->why), "%s", why);
	for (int well = 0; well < 2; well++)
		for (size_t i = 0; i < w->n; i++) {
			const struct store_watch *s = &w->v[i];
			struct store_status *t = &ret->stores[ret->n];

			if ((s->short_since == 0) != well)
				continue;
			ret->more = ret->n == VOLUME_STATUS_MAX;
			if (ret->more)
				break;
			*t = (struct store_status){
				.data_used = s->usage.data_used,
				.data_total = s->usage.data_total,
				.metadata_used = s->usage.metadata_used,
				.metadata_total = s->usage.metadata_total,
				.short_since = s->short_since,
				.full = s->usage.out_of_data,
			};
			snprintf(t->volume, sizeof(t->volume), "%s", s->name);
			ret->n++;
		}
}

/* Two reports that say the same, but for the time and how much is used. */
static bool same(const struct volume_status *a, const struct volume_status *b)
{
	if (a->generation != b->generation || a->n != b->n || a->more != b->more || a->leaving != b->leaving || strcmp(a->why, b->why) != 0)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->stores[i].volume, b->stores[i].volume) != 0 || a->stores[i].data_total != b->stores[i].data_total ||
		    a->stores[i].short_since != b->stores[i].short_since || a->stores[i].full != b->stores[i].full)
			return false;
	return true;
}

int watch_report(struct watch *w, const char *why, struct error *e)
{
	static struct volume_status last, now; /* too large for a stack that is locked in memory */
	struct buf b cleanup_buf = BUF_INIT;
	int r;

	if (!w->node || !w->area)
		return 0;
	summarise(w, why, &now);
	now.leaving = w->leaving;
	if (same(&now, &last) && now.written - last.written < VOLUME_STATUS_SIGN_OF_LIFE)
		return 0;
	r = volume_status_print(&now, STATUS_MAX, &b, e);
	if (r == 0)
		r = state_volumes_write(w->area, w->node, buf_str(&b), b.len, e);
	if (r == 0)
		last = now;
	return r;
}

void watch_short(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].wants && !w->v[i].short_since)
			w->v[i].short_since = (uint64_t)time(NULL);
}
