/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/volumes.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "heads.h"
#include "room.h"
#include "use.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- which volumes ---------------------------------------------------------------------------------------------------------- */

typedef struct volume **volume_list; /* one allocation; pointers into c->volumes */

static int find_all(const struct change *ch, const char *const *names, size_t n, volume_list *ret, struct error *e)
{
	cleanup_free volume_list v = calloc(n + 1, sizeof(struct volume *));

	if (!v)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < n; i++) {
		v[i] = cluster_volume(&ch->c, names[i]);
		if (!v[i])
			return error_set(e, ENOENT, "there is no volume %.130s: see volmgr list", names[i]);
	}
	*ret = steal_ptr(v);
	return 0;
}

/* FORCE: what the nodes tell does not count. */
static int check_unused(struct change *ch, struct uses *u, const struct volume *v, bool force, struct error *e)
{
	struct use use;
	int r = uses_find(u, v, &use, force ? NULL : e);

	if (force && (r < 0 || use.kind != USE_HERE))
		return 0;
	if (r == 0 && use.kind == USE_NONE && str_starts(v->name, VOLUME_WIPING))
		return error_set(e, EBUSY, "volume %s is being zeroed: wait, or say --force if you know that nobody does", v->name);
	return r == 0 ? use_refuse(&ch->c, v, &use, e) : r;
}

/* --- create, remove --------------------------------------------------------------------------------------------------------- */

static void drop_from(struct cluster *c, size_t first)
{
	while (c->n_volumes > first) {
		struct volume *v = &c->volumes[--c->n_volumes];

		segments_free(&v->metadata);
		segments_free(&v->data);
	}
}

/* Of the volumes from FIRST on. */
static int write_new_heads(struct change *ch, size_t first, struct error *e)
{
	const size_t n = ch->c.n_volumes - first;
	cleanup_free const struct volume **v = calloc(n + 1, sizeof(*v));

	if (!v)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < n; i++)
		v[i] = &ch->c.volumes[first + i];
	return heads_write(&ch->c, ch->pvs, v, n, e);
}

int volumes_create(struct change *ch, const struct volume_wish *w, size_t n, struct error *e)
{
	cleanup_free struct volume_wish *wishes = calloc(n + 1, sizeof(*wishes));
	struct space space cleanup_space = {.free = NULL};
	const size_t first = ch->c.n_volumes;
	uint64_t need = 0;
	int r;

	if (!wishes)
		return error_errno(e, ENOMEM, "volumes");
	memcpy(wishes, w, n * sizeof(*w));
	r = wishes_check(&ch->c, wishes, n, e);
	for (size_t i = 0; i < n && r == 0; i++) {
		const struct volume_size size = volume_size(&ch->c, &wishes[i]);

		need += (uint64_t)size.metadata + size.data;
	}
	if (r == 0 && n)
		r = room_make(ch, space_slab(wishes[0].kind), need, &space, e);
	if (r == 0 && n)
		r = wishes_cut(&ch->c, &space, wishes, n, e);
	if (r < 0)
		return r;
	r = write_new_heads(ch, first, e);
	if (r < 0)
		drop_from(&ch->c, first);
	return r;
}

static bool is_one_of(const struct volume *v, const volume_list list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == v)
			return true;
	return false;
}

/* A node without a root is none. */
static int check_removable(struct change *ch, struct uses *u, const struct volume *v, bool force, struct error *e)
{
	if (v->kind == VOLUME_ROOT && cluster_node(&ch->c, v->node))
		return error_set(e, EINVAL, "volume %s is a node's root: it goes with its node", v->name);
	return check_unused(ch, u, v, force, e);
}

int volumes_remove(struct change *ch, const char *const *names, size_t n, bool force, struct error *e)
{
	struct cluster *c = &ch->c;
	struct uses u CLEANUP(uses_end);
	cleanup_free volume_list v = NULL;
	size_t left = 0;
	int r = find_all(ch, names, n, &v, e);

	uses_begin(&u, ch->area, c);
	for (size_t i = 0; i < n && r == 0; i++)
		r = check_removable(ch, &u, v[i], force, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < c->n_volumes; i++) {
		struct volume *x = &c->volumes[i];

		if (!is_one_of(x, v, n)) {
			/* Pointers in V to what lies behind I stay right: an entry moves down only onto one that was passed. */
			c->volumes[left++] = *x;
			continue;
		}
		segments_free(&x->metadata);
		segments_free(&x->data);
	}
	c->n_volumes = left;
	return 0;
}

/* --- reset, undo ------------------------------------------------------------------------------------------------------------- */

/* A node boots what its root stands on. */
static void set_image(struct cluster *c, struct volume *v, const char *ref)
{
	struct node *n = v->kind == VOLUME_ROOT ? cluster_node(c, v->node) : NULL;

	snprintf(v->image, sizeof(v->image), "%s", ref);
	if (n)
		snprintf(n->image, sizeof(n->image), "%s", ref);
}

static int next_thin(const struct volume *v, uint32_t *ret, struct error *e)
{
	uint32_t highest = v->has_undo && v->undo_thin > v->thin ? v->undo_thin : v->thin;

	if (highest >= THIN_ID_VOLUME_MAX)
		return error_set(e, EOVERFLOW, "volume %s was reset too often: reset it without keeping what it has", v->name);
	*ret = highest + 1;
	return 0;
}

/* What a reset makes of V; changes nothing yet. */
struct reset {
	struct volume *v;
	char image[IMAGE_REF_SIZE];
	bool old;      /* there is something to be kept, … */
	uint32_t thin; /* … and this is the id of what comes beside it */
};

/* FORCE is a word about a root's node. Of a disk's the admin gives it by taking the disk. */
static int check_resettable(struct change *ch, struct uses *u, const struct volume *v, bool force, struct error *e)
{
	struct use use;

	if (force && v->kind == VOLUME_ROOT && uses_find(u, v, &use, NULL) == 0 && use.kind == USE_SILENT)
		return 0;
	return check_unused(ch, u, v, false, e);
}

static int plan_reset(struct change *ch, struct volume *v, const char *image, bool keep, struct reset *ret, struct error *e)
{
	const struct image *i = v->kind == VOLUME_ROOT ? cluster_default_image(&ch->c) : NULL;
	int r = 0;

	*ret = (struct reset){.v = v};
	if (!volume_is_thin(v) || (keep && v->kind != VOLUME_ROOT))
		return error_set(e, EINVAL, "volume %s: a %s volume cannot be reset%s", v->name, volume_kind_name(v->kind),
				 volume_is_thin(v) ? " and kept" : "");
	if (image[0])
		snprintf(ret->image, sizeof(ret->image), "%s", image);
	else if (i)
		image_ref(ret->image, i);
	else
		memcpy(ret->image, v->image, sizeof(ret->image));
	if (ret->image[0])
		r = volume_image(&ch->c, ret->image, v->kind, v->bytes, &i, e);
	if (r == 0 && keep)
		r = head_has_thin(&ch->c, ch->pvs, v, &ret->old, e);
	if (r == 0 && ret->old)
		r = next_thin(v, &ret->thin, e);
	return r;
}

static void apply_reset(struct cluster *c, const struct reset *r, bool keep)
{
	struct volume *v = r->v;

	if (keep && r->old) {
		v->has_undo = true;
		v->undo_thin = v->thin;
		memcpy(v->undo_image, v->image, sizeof(v->undo_image));
		v->thin = r->thin;
	} else if (!keep) {
		v->has_undo = false;
		v->undo_thin = v->thin = 0;
		v->undo_image[0] = '\0';
	}
	set_image(c, v, r->image);
}

int volumes_reset(struct change *ch, const char *const *names, size_t n, const char *image, bool keep, bool force, struct error *e)
{
	cleanup_free struct reset *resets = calloc(n + 1, sizeof(*resets));
	struct uses u CLEANUP(uses_end);
	cleanup_free volume_list v = NULL;
	int r = resets ? find_all(ch, names, n, &v, e) : error_errno(e, ENOMEM, "volumes");

	uses_begin(&u, ch->area, &ch->c);
	for (size_t i = 0; i < n && r == 0; i++) {
		r = plan_reset(ch, v[i], image, keep, &resets[i], e);
		if (r == 0 && !keep)
			r = check_resettable(ch, &u, v[i], force, e);
	}
	if (r == 0 && !keep)
		r = heads_write(&ch->c, ch->pvs, (const struct volume *const *)v, n, e);
	for (size_t i = 0; i < n && r == 0; i++)
		apply_reset(&ch->c, &resets[i], keep);
	return r;
}

/* One that is not in the pool yet is not worth going back to. */
static int undo_one(struct change *ch, struct volume *v, bool booted)
{
	const uint32_t thin = v->thin;
	char image[IMAGE_REF_SIZE];

	memcpy(image, v->image, sizeof(image));
	v->thin = v->undo_thin;
	set_image(&ch->c, v, v->undo_image);
	v->has_undo = booted;
	v->undo_thin = booted ? thin : 0;
	snprintf(v->undo_image, sizeof(v->undo_image), "%s", booted ? image : "");
	return 0;
}

int volumes_undo(struct change *ch, const char *const *names, size_t n, struct error *e)
{
	cleanup_free bool *booted = calloc(n + 1, sizeof(*booted));
	cleanup_free volume_list v = NULL;
	int r = booted ? find_all(ch, names, n, &v, e) : error_errno(e, ENOMEM, "volumes");

	for (size_t i = 0; i < n && r == 0; i++) {
		if (!v[i]->has_undo)
			r = error_set(e, ENOENT, "volume %s: what it was before its last reset is not kept", v[i]->name);
		if (r == 0 && is_one_of(v[i], v, i))
			r = error_set(e, EINVAL, "volume %s is named twice", v[i]->name);
		if (r == 0)
			r = head_has_thin(&ch->c, ch->pvs, v[i], &booted[i], e);
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = undo_one(ch, v[i], booted[i]);
	return r;
}
