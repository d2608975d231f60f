/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/images.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "compose_look.h"
#include "lvm.h"
#include "plan.h"
#include "room.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMED_MAX 12 /* users of one kind that are named; the others are counted */

/* --- which ------------------------------------------------------------------------------------------------------------------ */

static bool better(const struct image *a, const struct image *than)
{
	if (!than || a->filling != than->filling)
		return !than || !a->filling;
	return a->version > than->version;
}

struct image *images_find(const struct cluster *c, const char *text)
{
	struct image *best = NULL;

	if (strchr(text, '@'))
		return cluster_image(c, text);
	for (size_t k = 0; k < c->n_images; k++)
		if (strcmp(c->images[k].name, text) == 0 && better(&c->images[k], best))
			best = &c->images[k];
	return best;
}

unsigned images_next_version(const struct cluster *c, const char *name)
{
	unsigned highest = 0;

	for (size_t k = 0; k < c->n_images; k++)
		if (strcmp(c->images[k].name, name) == 0 && c->images[k].version > highest)
			highest = c->images[k].version;
	return highest + 1;
}

/* --- the default ---------------------------------------------------------------------------------------------------------- */

int image_check_default(const struct cluster *c, const struct image *i, struct error *e)
{
	const uint64_t volume = c->settings.volume_size << 20;
	char ref[IMAGE_REF_SIZE], size[32], room[32];

	image_ref(ref, i);
	if (i->filling || !i->sha256[0])
		return error_set(e, EINVAL, "image %s is unfinished: nothing can stand on it", ref);
	if (i->use != IMAGE_NODE)
		return error_set(e, EINVAL, "image %s is a VM's disk, not a node's root", ref);
	if (i->bytes > volume)
		return error_set(e, EFBIG, "image %s has %s: a node's volume has %s", ref, str_bytes(size, sizeof(size), i->bytes),
				 str_bytes(room, sizeof(room), volume));
	return 0;
}

int images_set_default(struct cluster *c, const struct image *i, struct error *e)
{
	const struct image *now = cluster_default_image(c);
	int r = image_check_default(c, i, e);

	if (r < 0)
		return r;
	if (now == i)
		return 0;
	c->previous_image[0] = '\0';
	if (now)
		image_ref(c->previous_image, now);
	image_ref(c->default_image, i);
	return 1;
}

int images_rollback(struct cluster *c, struct error *e)
{
	const struct image *before = c->previous_image[0] ? cluster_image(c, c->previous_image) : NULL;
	int r;

	if (!before)
		return error_set(e, ENOENT, "there is no default image to go back to: 'volmgr image default' chooses one");
	r = images_set_default(c, before, e);
	return r < 0 ? r : 0;
}

/* --- who uses it ------------------------------------------------------------------------------------------------------------ */

/* A list of names that ends in a number when it is too long. */
struct names {
	struct buf *b;
	const char *what;
	size_t n;
};

static void add_name(struct names *l, const char *name)
{
	if (l->n == 0)
		buf_printf(l->b, "%s%s ", l->b->len ? "; " : "", l->what);
	if (l->n < NAMED_MAX)
		buf_printf(l->b, "%s%s", l->n ? ", " : "", name);
	l->n++;
}

static size_t end_names(const struct names *l)
{
	if (l->n > NAMED_MAX)
		buf_printf(l->b, " and %zu more", l->n - NAMED_MAX);
	return l->n;
}

size_t images_users(const struct cluster *c, const char *ref, struct buf *b)
{
	const struct image *i = cluster_image(c, ref);
	struct names volumes = {b, "volumes", 0}, undo = {b, "what volumes were before their reset:", 0},
		     nodes = {b, "the boot of nodes", 0};
	size_t n;

	for (size_t k = 0; k < c->n_volumes; k++)
		if (strcmp(c->volumes[k].image, ref) == 0)
			add_name(&volumes, c->volumes[k].name);
	n = end_names(&volumes);
	for (size_t k = 0; k < c->n_volumes; k++)
		if (c->volumes[k].has_undo && strcmp(c->volumes[k].undo_image, ref) == 0)
			add_name(&undo, c->volumes[k].name);
	n += end_names(&undo);
	for (size_t k = 0; k < c->n_nodes; k++)
		if (strcmp(c->nodes[k].image, ref) == 0)
			add_name(&nodes, c->nodes[k].name);
	n += end_names(&nodes);
	if (i && cluster_default_image(c) == i) {
		buf_printf(b, "%sthe default of new nodes", b->len ? "; " : "");
		n++;
	}
	return n;
}

/* --- changes ---------------------------------------------------------------------------------------------------------------- */

static struct image *append(struct cluster *c)
{
	struct image *more = realloc(c->images, (c->n_images + 1) * sizeof(*more));

	if (!more)
		return NULL;
	c->images = more;
	more += c->n_images++;
	memset(more, 0, sizeof(*more));
	return more;
}

static int add_entry(struct cluster *c, struct image *i, struct lvm_volume *lv, struct error *e)
{
	struct image *entry = append(c);

	if (!entry)
		return error_errno(e, ENOMEM, "image");
	*entry = *i;
	entry->segments = lv->segments;
	lv->segments = (struct segments){NULL, 0};
	return 0;
}

int image_add(struct change *ch, const char *name, enum image_use use, uint64_t bytes, char ret_ref[IMAGE_REF_SIZE], struct error *e)
{
	const struct lvm_group g = {&ch->c, ch->pvs};
	struct image i = {.use = use, .filling = true, .filled_by = ch->node, .bytes = bytes};
	struct lvm_volume lv = {.extents = plan_extents(bytes)};
	int r;

	if (!str_is_label(name) || str_copy(i.name, sizeof(i.name), name) < 0)
		return error_set(e, EINVAL, "image name '%.80s': small letters, digits and '-' only", name);
	i.version = images_next_version(&ch->c, name);
	i.created = (uint64_t)time(NULL);
	image_lv_name(lv.name, &i);
	r = room_give_back(ch, lv.extents, e);
	if (r == 0)
		r = change_intend(ch, e);
	if (r == 0)
		r = lvm_add(&g, &lv, e);
	if (r == 0)
		r = add_entry(&ch->c, &i, &lv, e);
	segments_free(&lv.segments);
	if (r == 0)
		image_ref(ret_ref, &i);
	return r < 0 ? error_wrap(e, "image %s", name) : 0;
}

int image_finish(struct change *ch, const char *ref, const struct image *filled, struct error *e)
{
	struct image *i = cluster_image(&ch->c, ref);

	if (!i || !i->filling)
		return error_set(e, ENOENT, "image %s: somebody has removed it while it was being filled", ref);
	memcpy(i->sha256, filled->sha256, sizeof(i->sha256));
	memcpy(i->kernel, filled->kernel, sizeof(i->kernel));
	i->filling = false;
	i->filled_by = 0;
	return 0;
}

/* A machine that is no node may be any: unless the half-filled volume is composed here, it may be composed on another. */
static bool filled_elsewhere(const struct change *ch, const struct image *i)
{
	return i->filling && (i->filled_by != ch->node || (ch->node == 0 && !image_writable_is_composed(&ch->c, i, NULL)));
}

static int check_unused(const struct change *ch, const struct image *i, const char *ref, bool force, struct error *e)
{
	struct buf users cleanup_buf = BUF_INIT;
	const struct node *n = cluster_node(&ch->c, i->filled_by);

	if (images_users(&ch->c, ref, &users) > 0)
		return error_set(e, EBUSY, "image %s is used: %s", ref, buf_str(&users));
	if (filled_elsewhere(ch, i) && !force)
		return error_set(e, EBUSY, "image %s was begun on %s: remove it there, or make sure that nobody fills it and use --force",
				 ref, n ? n->name : "a machine that is no node");
	return 0;
}

/* The devices that this machine has of it. Who fills it has it open all the while; others only look into it, for a moment. */
static int release_here(const struct change *ch, const struct image *i, const char *ref, struct error *e)
{
	int r = image_release_writable(&ch->c, i, e);

	if (r == -EBUSY)
		return error_set(e, EBUSY, "image %s is being filled on this machine", ref);
	return r == 0 ? image_release(&ch->c, i, e) : r;
}

static void take_out(struct cluster *c, struct image *i)
{
	size_t at = (size_t)(i - c->images);

	segments_free(&i->segments);
	memmove(i, i + 1, (c->n_images - at - 1) * sizeof(*i));
	c->n_images--;
}

int image_remove(struct change *ch, const char *ref, bool force, struct error *e)
{
	const struct lvm_group g = {&ch->c, ch->pvs};
	struct image *i = cluster_image(&ch->c, ref);
	char lv[LVM_NAME_SIZE];
	const char *names[] = {lv};
	int r;

	if (!i)
		return error_set(e, ENOENT, "there is no image '%.100s': 'volmgr image list' names them", ref);
	r = check_unused(ch, i, ref, force, e);
	if (r == 0)
		r = release_here(ch, i, ref, e);
	if (r == 0)
		r = change_intend(ch, e);
	if (r < 0)
		return r;
	image_lv_name(lv, i);
	r = lvm_remove(&g, names, 1, e);
	if (r < 0)
		return error_wrap(e, "image %s", ref);
	if (strcmp(ch->c.previous_image, ref) == 0)
		ch->c.previous_image[0] = '\0';
	take_out(&ch->c, i);
	return 0;
}
