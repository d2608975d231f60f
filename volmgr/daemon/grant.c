/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgrd.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "room.h"
#include "store.h"
#include "volmgr/change.h"
#include "volmgr/volumes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MAX_WANTS 64

struct wants {
	struct store_want v[MAX_WANTS];
	size_t n;
};

/* It may take minutes until a dead holder's lease is free. */
static void say_waiting(const char *what, void *data)
{
	log_notice("%s", what);
	watch_short(data);
	watch_report(data, what, NULL);
}

/* More than its devices here have when a change was published and not made true yet. */
static uint64_t store_bytes(const struct volume *v)
{
	return segments_extents(&v->data) * EXTENT_BYTES;
}

static void add_want(struct wants *to, const struct store_watch *s, const struct volume *v, uint64_t now_ms)
{
	const struct growth_store store = {s->usage.data_used, s->usage.data_total, s->limit, s->usage.out_of_data};

	to->v[to->n++] = (struct store_want){v->name, (uint32_t)(growth_next(&s->growth, &store, now_ms) / EXTENT_BYTES)};
}

/* Whoever had been granted something by a volmgrd that died just takes it. */
static void gather(struct watch *w, const struct cluster *c, uint64_t now_ms, struct wants *ret)
{
	ret->n = 0;
	for (size_t i = 0; i < w->n && ret->n < MAX_WANTS; i++) {
		const struct volume *v = cluster_volume(c, w->v[i].name);

		if (w->v[i].wants && v && store_bytes(v) <= w->v[i].usage.data_total)
			add_want(ret, &w->v[i], v, now_ms);
	}
}

/*
 * V's old device, which nobody stands on, in return for space. Only one that is older than V's own: ids are not used twice, and the highest has to stay on
 * record. Whether it is in use is asked here: V may have been reset while it runs.
 */
static bool give_up_undo(struct change *ch, struct volume *v)
{
	uint32_t live;

	if (!v->has_undo || v->undo_thin > v->thin || store_live(&ch->c, v, &live, NULL) < 0 || live == v->undo_thin)
		return false;
	v->has_undo = false;
	v->undo_image[0] = '\0';
	return true;
}

struct outcome {
	bool some, none; /* stores got something, got nothing */
	uint32_t gone[MAX_WANTS];
	bool gave_up[MAX_WANTS];
};

static void judge(struct change *ch, struct watch *w, const struct wants *wants, struct outcome *o)
{
	for (size_t i = 0; i < wants->n; i++) {
		struct volume *v = cluster_volume(&ch->c, wants->v[i].volume);
		const struct store_watch *s = watch_store(w, v->name);

		if (wants->v[i].extents) {
			o->some = true;
			continue;
		}
		o->none = true;
		o->gone[i] = v->undo_thin;
		o->gave_up[i] = s && s->usage.data_total - s->usage.data_used <= s->usage.data_total / 16 && give_up_undo(ch, v);
	}
}

static bool changed(const struct wants *wants, const struct outcome *o)
{
	for (size_t i = 0; i < wants->n; i++)
		if (wants->v[i].extents || o->gave_up[i])
			return true;
	return false;
}

/* What was granted, on record for the size of the next. */
static void note(struct watch *w, const struct wants *wants, const struct outcome *o, uint64_t now_ms)
{
	char a[24], b[24];

	for (size_t i = 0; i < wants->n; i++) {
		struct store_watch *s = watch_store(w, wants->v[i].volume);

		if (!s)
			continue;
		if (wants->v[i].extents) {
			s->growth = (struct growth){wants->v[i].extents * EXTENT_BYTES, now_ms};
			s->short_since = 0;
			log_info("%s: %s more; %s were left", s->name, str_bytes(a, sizeof(a), s->growth.grant),
				 str_bytes(b, sizeof(b), s->usage.data_total - s->usage.data_used));
		} else if (!s->short_since) {
			s->short_since = (uint64_t)time(NULL);
		}
		if (o->gave_up[i])
			log_warning("%s: there is no space left: what it was before its last reset has been given up", s->name);
	}
}

static void forget(struct watch *w, const struct wants *wants, const struct outcome *o)
{
	for (size_t i = 0; i < wants->n; i++) {
		const struct volume *v = cluster_volume(&w->c, wants->v[i].volume);
		struct error e = ERROR_INIT;

		if (v && o->gave_up[i] && store_forget(&w->c, v, o->gone[i], &e) < 0)
			log_warning("%s", e.text);
	}
}

static int change(struct change *ch, struct watch *w, uint64_t now_ms, struct wants *wants, struct outcome *o, struct error *e)
{
	int r;

	gather(w, &ch->c, now_ms, wants);
	r = wants->n ? stores_grow(ch, wants->v, wants->n, e) : 0;
	if (r < 0)
		return r;
	judge(ch, w, wants, o);
	return changed(wants, o) ? change_publish(ch, e) : 0;
}

static void say_why(const struct watch *w, const struct wants *wants, char why[VOLUME_WHY_SIZE])
{
	snprintf(why, VOLUME_WHY_SIZE,
		 "container %s has no space left%s: remove volumes or images that are not needed (volmgr remove), or add a disk (volmgr "
		 "san add)",
		 w->container, wants->n > 1 ? " for all" : "");
}

/*
 * LVM is what takes longest. Now that nobody waits, it gets its turn while there is less space in the slabs than the same stores ask for next, or than half of the slack: not
 * after every first grant, since the writer goes on meanwhile. What fails here is told when it is needed.
 */
static void look_ahead(struct change *ch, const struct wants *wants)
{
	struct space space cleanup_space = {.free = NULL};
	uint64_t need = 0;

	for (size_t i = 0; i < wants->n; i++)
		need += 2ull * wants->v[i].extents;
	if (need && need < room_slack(&ch->c) / 2)
		need = room_slack(&ch->c) / 2;
	if (need && room_make_some(ch, SLAB_STORES, need, &space, NULL) == 0 && ch->intended)
		change_publish(ch, NULL);
}

/* The state is W's; a change of it needs it for a moment. */
static void lend(struct watch *w, struct change *ch, const struct wants *wants)
{
	ch->c = w->c;
	cluster_init(&w->c);
	look_ahead(ch, wants);
	w->c = ch->c;
	cluster_init(&ch->c);
}

int grant(struct watch *w, uint64_t now_ms, char why[VOLUME_WHY_SIZE], struct error *e)
{
	const struct change_options o = {.container = w->container, .what = "volmgrd: stores grow", .waiting = say_waiting, .data = w};
	struct change *ch CLEANUP(change_endp) = NULL;
	struct wants wants;
	struct outcome out = {.some = false};
	int r = change_begin(&o, &ch, e);

	why[0] = '\0';
	if (r == 0)
		r = change(ch, w, now_ms, &wants, &out, e);
	if (r == 0) {
		watch_look(w, NULL);
		note(w, &wants, &out, now_ms);
		r = watch_take(w, &ch->c, e);
		forget(w, &wants, &out);
	}
	if (r < 0)
		return r;
	if (!out.none)
		lend(w, ch, &wants);
	if (out.none)
		say_why(w, &wants, why);
	return out.none ? 1 : 0;
}
