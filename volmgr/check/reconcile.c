/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reconcile.h"

#include "area_blocks.h"
#include "base/cleanup.h"
#include "volmgr/images.h"
#include "leftover.h"
#include "look.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <string.h>

/* --- LVM ------------------------------------------------------------------------------------------------------------------ */

struct group {
	struct change *ch;
	struct lvm_group g;
	struct lvm_volume *lvs;
	size_t n;
	bool edited; /* the state has to be published */
};

static void group_free(struct group *p)
{
	lvm_list_free(p->lvs, p->n);
}
#define cleanup_group CLEANUP(group_free)

/* The segments of the slab or image whose LV is NAME. */
static struct segments *state_segments(struct cluster *c, const char *name)
{
	struct slab *slab = cluster_slab(c, name);
	char lv[LVM_NAME_SIZE];

	if (slab)
		return &slab->segments;
	for (size_t i = 0; i < c->n_images; i++)
		if (strcmp(image_lv_name(lv, &c->images[i]), name) == 0)
			return &c->images[i].segments;
	return NULL;
}

static int take_lv(struct group *p, const char *name, struct error *e)
{
	const struct lvm_volume *lv = lvm_find(p->lvs, p->n, name);
	struct segments *s = state_segments(&p->ch->c, name), taken = {NULL, 0};

	if (!lv || !s)
		return error_set(e, ENOENT, "LV %s has gone", name);
	for (size_t i = 0; i < lv->segments.n; i++) {
		if (segments_add(&taken, lv->segments.v[i]) < 0) {
			segments_free(&taken);
			return error_errno(e, ENOMEM, "LV %s", name);
		}
	}
	segments_free(s);
	*s = taken;
	p->edited = true;
	return 0;
}

static int restore_lv(struct group *p, const char *name, struct error *e)
{
	const struct segments *s = state_segments(&p->ch->c, name);
	const struct lvm_volume *lv = lvm_find(p->lvs, p->n, name);
	int r;

	if (!s)
		return error_set(e, ENOENT, "the state has no %s", name);
	r = change_intend(p->ch, e);
	return r == 0 ? lvm_restore(&p->g, name, lv ? lv->extents : 0, s, e) : r;
}

/* All that nobody names, in one commit. */
static int remove_lvs(struct group *p, const struct findings *f, struct error *e)
{
	cleanup_free const char **names = calloc(f->n + 1, sizeof(*names));
	size_t n = 0;
	int r;

	if (!names)
		return error_errno(e, ENOMEM, "LVs");
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].remedy == REMEDY_REMOVE_LV)
			names[n++] = f->v[i].name;
	if (n == 0)
		return 0;
	r = change_intend(p->ch, e);
	return r == 0 ? lvm_remove(&p->g, names, n, e) : r;
}

/* Every LV; when LVM cannot read its own metadata, after these were made anew from the state. */
static int list_lvs(struct group *p, struct error *e)
{
	int r = lvm_list(&p->g, &p->lvs, &p->n, e);

	if (r != -EUCLEAN)
		return r;
	r = change_intend(p->ch, e);
	if (r == 0)
		r = lvm_remake(&p->g, e);
	return r == 0 ? lvm_list(&p->g, &p->lvs, &p->n, e) : r;
}

/* LVs of which the state and LVM name different parts. */
static int agree_on_lvs(struct group *p, const struct findings *f, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < f->n && r == 0; i++) {
		if (f->v[i].remedy == REMEDY_TAKE_LV)
			r = take_lv(p, f->v[i].name, e);
		if (f->v[i].remedy == REMEDY_RESTORE_LV)
			r = restore_lv(p, f->v[i].name, e);
	}
	return r;
}

/* LVM gets back what the state names: an image whose removal was cut off is there again, before anybody takes its extents for free ones. */
static int mend_lvm(struct change *ch, bool *ret_edited, struct error *e)
{
	struct group p cleanup_group = {.ch = ch, .g = {&ch->c, ch->pvs}};
	struct findings f CLEANUP(findings_free) = {NULL, 0, false};
	int r = list_lvs(&p, e);

	if (r < 0)
		return r;
	findings_lvm(&ch->c, p.lvs, p.n, &f);
	if (f.failed)
		return error_errno(e, ENOMEM, "findings");
	r = remove_lvs(&p, &f, e);
	if (r == 0)
		r = agree_on_lvs(&p, &f, e);
	*ret_edited |= p.edited;
	return r;
}

int reconcile(struct change *ch, struct error *e)
{
	bool edited = false, taken;
	int r = leftovers_remove(ch, &taken, e);

	if (r == 0)
		r = mend_lvm(ch, &edited, e);
	if (r == 0 && edited)
		r = change_publish(ch, e);
	return r < 0 ? error_wrap(e, "a change was cut off; bringing LVM and the state together") : 0;
}

/* What LVM has lost since, or never had, before anybody composes it. */
static int restore_lvs(struct change *ch, struct error *e)
{
	struct group p cleanup_group = {.ch = ch, .g = {&ch->c, ch->pvs}};
	struct findings f CLEANUP(findings_free) = {NULL, 0, false};
	int r = lvm_list(&p.g, &p.lvs, &p.n, e);

	if (r < 0)
		return r;
	findings_lvm(&ch->c, p.lvs, p.n, &f);
	if (f.failed)
		return error_errno(e, ENOMEM, "findings");
	for (size_t i = 0; i < f.n; i++)
		if (f.v[i].remedy == REMEDY_NONE)
			return error_set(e, EUCLEAN, "%s; %s", f.v[i].text, f.v[i].how);
	return agree_on_lvs(&p, &f, e);
}

int adopt(struct change *ch, struct error *e)
{
	bool edited = false;
	int r = change_intend(ch, e);

	if (r == 0)
		r = restore_lvs(ch, e);
	if (r < 0)
		return r;
	/* Not taken back by this publish: what nobody names any more is there still. */
	ch->intended = false;
	r = change_publish(ch, e);
	ch->intended = true;
	if (r == 0)
		r = mend_lvm(ch, &edited, e);
	return r == 0 ? change_settle(ch, edited, e) : r;
}

/* --- the state area --------------------------------------------------------------------------------------------------------- */

static int write_block(struct change *ch, const unsigned char *block, uint64_t offset, struct error *e)
{
	int r = lease_check(ch->lease, e);

	if (r == 0)
		r = area_write_at(ch->area, block, LAYOUT_BLOCK, offset, e);
	return r == 0 ? area_flush(ch->area, e) : r;
}

static int mend_area(struct change *ch, const struct finding *f, struct error *e)
{
	cleanup_free unsigned char *block = area_blocks(LAYOUT_BLOCK);

	if (!block)
		return error_errno(e, ENOMEM, "state area");
	switch (f->remedy) {
	case REMEDY_SUPERBLOCK:
		superblock_encode(block, area_superblock(ch->area));
		return write_block(ch, block, superblock_offset(f->number), e);
	case REMEDY_CLEAR_STATUS:
		return cluster_node(&ch->c, f->number) ? 0 : write_block(ch, block, status_offset(f->number), e);
	case REMEDY_CLEAR_VOLUMES:
		return cluster_node(&ch->c, f->number) ? 0 : write_block(ch, block, volumes_offset(f->number), e);
	default:
		return 0;
	}
}

/* --- all ------------------------------------------------------------------------------------------------------------------------ */

static bool any(const struct findings *f, enum remedy remedy)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].remedy == remedy)
			return true;
	return false;
}

/* Images that nobody fills any more; one that somebody does is kept by image_remove. */
static int remove_images(struct change *ch, const struct findings *f, bool *ret_edited, struct error *e)
{
	int r = 0;

	for (size_t i = 0; i < f->n && r == 0; i++) {
		if (f->v[i].remedy != REMEDY_REMOVE_IMAGE || !cluster_image(&ch->c, f->v[i].name))
			continue;
		r = image_remove(ch, f->v[i].name, false, e);
		*ret_edited |= r == 0;
	}
	return r;
}

int repair(struct change *ch, const struct findings *f, struct error *e)
{
	bool publish = any(f, REMEDY_PUBLISH), taken;
	int r = any(f, REMEDY_REMOVE_PV) ? leftovers_remove(ch, &taken, e) : 0;

	for (size_t i = 0; i < f->n && r == 0; i++)
		r = mend_area(ch, &f->v[i], e);
	if (r == 0 && (any(f, REMEDY_REMOVE_LV) || any(f, REMEDY_TAKE_LV) || any(f, REMEDY_RESTORE_LV) || any(f, REMEDY_REMAKE_LVM)))
		r = mend_lvm(ch, &publish, e);
	if (r == 0)
		r = remove_images(ch, f, &publish, e);
	/* The intent is taken back by a publish. */
	return r == 0 && (publish || ch->intended) ? change_publish(ch, e) : r;
}
