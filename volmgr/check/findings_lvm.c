/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's LVs held against the slabs and images of the state. */
#include "findings.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cover.h"
#include "findings_list.h"
#include "plan.h"

#include <stdio.h>
#include <string.h>

/* A name that nobody but us gives: what bears it and stands nowhere was left by a change that was cut off. */
static bool is_ours(const char *lv)
{
	return str_starts(lv, "image.") || strcmp(lv, "stores") == 0 || strcmp(lv, "swap") == 0 || strcmp(lv, "shared") == 0;
}

/* What the state says of one LV. */
struct wanted {
	char lv[LVM_NAME_SIZE];
	const char *what; /* "slab", "image" */
	const struct segments *segments;
};

static void describe_slab(const struct slab *s, struct wanted *ret)
{
	*ret = (struct wanted){.what = "slab", .segments = &s->segments};
	snprintf(ret->lv, sizeof(ret->lv), "%s", s->lv);
}

static void describe_image(const struct image *i, struct wanted *ret)
{
	*ret = (struct wanted){.what = "image", .segments = &i->segments};
	image_lv_name(ret->lv, i);
}

static struct wanted *all_wanted(const struct cluster *c)
{
	struct wanted *w = calloc(c->n_slabs + c->n_images + 1, sizeof(*w));

	for (size_t i = 0; w && i < c->n_slabs; i++)
		describe_slab(&c->slabs[i], &w[i]);
	for (size_t i = 0; w && i < c->n_images; i++)
		describe_image(&c->images[i], &w[c->n_slabs + i]);
	return w;
}

/* All that the state names. */
static void named_by_state(const struct cluster *c, struct cover *ret)
{
	for (size_t i = 0; i < c->n_images; i++)
		cover_add(ret, &c->images[i].segments);
	for (size_t i = 0; i < c->n_slabs; i++)
		cover_add(ret, &c->slabs[i].segments);
	for (size_t i = 0; i < c->n_volumes; i++) {
		cover_add(ret, &c->volumes[i].metadata);
		cover_add(ret, &c->volumes[i].data);
	}
	cover_close(ret);
}

/* No LV but NAME itself has any of S. */
static bool free_in_lvm(const struct segments *s, const struct lvm_volume *lvs, size_t n, const char *name)
{
	struct cover others cleanup_cover = COVER_INIT;

	for (size_t i = 0; i < n; i++)
		if (strcmp(lvs[i].name, name) != 0)
			cover_add(&others, &lvs[i].segments);
	cover_close(&others);
	return cover_is_apart(&others, s);
}

static void lacking(const struct wanted *w, const struct lvm_volume *lvs, size_t n, const struct lvm_volume *lv, struct findings *ret)
{
	bool sure = free_in_lvm(w->segments, lvs, n, w->lv);
	struct finding *f = finding_add(ret, lv ? FAULT_LV_SHORT : FAULT_LV_MISSING, sure ? REMEDY_RESTORE_LV : REMEDY_NONE, w->lv, 0);

	if (lv)
		finding_text(f, "LV %s has %llu of the %llu extents of its %s: LVM takes the others for free space", w->lv,
			     (unsigned long long)segments_extents(&lv->segments), (unsigned long long)segments_extents(w->segments),
			     w->what);
	else
		finding_text(f, "%s %s has no LV: LVM takes its extents for free space", w->what, w->lv);
	if (sure)
		finding_how(f, "the LV gets the extents that the state names");
	else
		finding_how(f,
			    "another LV holds some of its extents: see whose bytes are there (" BY_HAND "), and remove or rename that LV");
}

static void longer(const struct cluster *c, const struct wanted *w, const struct lvm_volume *lv, struct findings *ret)
{
	struct cover named cleanup_cover = COVER_INIT;
	struct segments more CLEANUP(segments_free) = {NULL, 0};
	const struct segments *const have[] = {w->segments};
	struct finding *f;
	bool sure;

	named_by_state(c, &named);
	sure = plan_free(&lv->segments, have, 1, &more) == 0 && cover_is_apart(&named, &more);
	f = finding_add(ret, FAULT_LV_LONG, sure ? REMEDY_TAKE_LV : REMEDY_NONE, w->lv, 0);
	finding_text(f, "LV %s has %llu extents more than the state knows of its %s", w->lv,
		     (unsigned long long)(segments_extents(&lv->segments) - segments_extents(w->segments)), w->what);
	if (sure)
		finding_how(f, "the state takes them: they are free space of the %s", w->what);
	else
		finding_how(f, "the state gives some of them to somebody else: see whose bytes are there (" BY_HAND ")");
}

static void judge_wanted(const struct cluster *c, const struct wanted *w, const struct lvm_volume *lvs, size_t n, struct findings *ret)
{
	const struct lvm_volume *lv = lvm_find(lvs, n, w->lv);
	struct finding *f;

	switch (lv ? segments_compare(&lv->segments, w->segments) : SEGMENTS_SHORTER) {
	case SEGMENTS_SAME:
		return;
	case SEGMENTS_SHORTER:
		lacking(w, lvs, n, lv, ret);
		return;
	case SEGMENTS_LONGER:
		longer(c, w, lv, ret);
		return;
	case SEGMENTS_OTHER:
		f = finding_add(ret, FAULT_LV_DIFFERS, REMEDY_NONE, w->lv, 0);
		finding_text(f, "LV %s lies elsewhere than the state says of its %s: nodes use the state's extents", w->lv, w->what);
		finding_how(f, "somebody has moved it with LVM: restore LVM's metadata of before (vgcfgrestore), or see " BY_HAND);
	}
}

static void judge_unknown(const struct cluster *c, const struct lvm_volume *lv, struct findings *ret)
{
	struct cover named cleanup_cover = COVER_INIT;
	bool unnamed, sure;
	struct finding *f;
	const char *vg = c->settings.container_name;

	named_by_state(c, &named);
	unnamed = cover_is_apart(&named, &lv->segments);
	sure = unnamed && is_ours(lv->name);
	f = finding_add(ret, FAULT_LV_UNKNOWN, sure ? REMEDY_REMOVE_LV : REMEDY_NONE, lv->name, 0);
	finding_text(f, "LV %s (%llu extents) is no image's and no slab's%s", lv->name, (unsigned long long)segments_extents(&lv->segments),
		     unnamed ? "" : ", and lies where the state has something else");
	if (sure)
		finding_how(f, "it is removed");
	else if (unnamed)
		finding_how(f,
			    "made by hand? When it may go: lvm lvremove --config 'local{system_id=\"byre-%s\"} "
			    "global{system_id_source=\"lvmlocal\"}' %s/%s",
			    vg, vg, lv->name);
	else
		finding_how(f, "see whose bytes are there (" BY_HAND "), then remove the LV or the volume");
}

void findings_lvm(const struct cluster *c, const struct lvm_volume *lvs, size_t n, struct findings *ret)
{
	cleanup_free struct wanted *w = all_wanted(c);
	size_t n_wanted = c->n_slabs + c->n_images;

	if (!w) {
		ret->failed = true;
		return;
	}
	for (size_t i = 0; i < n_wanted; i++)
		judge_wanted(c, &w[i], lvs, n, ret);
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < n_wanted && strcmp(w[k].lv, lvs[i].name) != 0)
			k++;
		if (k == n_wanted)
			judge_unknown(c, &lvs[i], ret);
	}
}
