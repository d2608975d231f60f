/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BY_HAND "docs/recover-by-hand.md"

static const struct {
	const char *name;
	bool note;
} faults[] = {
	[FAULT_CHANGING] = {"changing", true},
	[FAULT_SUPERBLOCK] = {"superblock", false},
	[FAULT_SLOT] = {"slot", false},
	[FAULT_DOCUMENT] = {"document", false},
	[FAULT_STATE] = {"state", false},
	[FAULT_INTENT] = {"intent", false},
	[FAULT_LEASE] = {"lease", false},
	[FAULT_LVM] = {"lvm", false},
	[FAULT_LV_UNKNOWN] = {"lv-unknown", false},
	[FAULT_LV_MISSING] = {"lv-missing", false},
	[FAULT_LV_SHORT] = {"lv-short", false},
	[FAULT_LV_LONG] = {"lv-long", false},
	[FAULT_LV_DIFFERS] = {"lv-differs", false},
	[FAULT_VOLUME_STRAY] = {"volume-stray", false},
	[FAULT_VOLUME_OWNER] = {"volume-owner", false},
	[FAULT_PV_MISSING] = {"pv-missing", false},
	[FAULT_PV_SHORT] = {"pv-short", false},
	[FAULT_PV_UNKNOWN] = {"pv-unknown", false},
	[FAULT_PV_LEFT] = {"pv-left", false},
	[FAULT_IMAGE_FILLING] = {"image-filling", false},
	[FAULT_STATUS_SLOT] = {"status-slot", false},
	[FAULT_VOLUME_SLOT] = {"volume-slot", false},
	[FAULT_HISTORY] = {"history", true},
};

const char *fault_name(enum fault f)
{
	return faults[f].name;
}

bool fault_is_note(enum fault f)
{
	return faults[f].note;
}

void findings_free(struct findings *f)
{
	free(f->v);
	*f = (struct findings){NULL, 0, false};
}

size_t findings_faults(const struct findings *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += !fault_is_note(f->v[i].fault);
	return n;
}

static struct finding *find(struct findings *f, enum fault fault, enum remedy remedy, const char *name, unsigned number)
{
	static struct finding nowhere;
	struct finding *v = realloc(f->v, (f->n + 1) * sizeof(*v));

	if (!v) {
		f->failed = true;
		return &nowhere;
	}
	f->v = v;
	v += f->n++;
	*v = (struct finding){.fault = fault, .remedy = remedy, .number = number};
	snprintf(v->name, sizeof(v->name), "%s", name);
	return v;
}

static void __attribute__((format(printf, 2, 3))) says(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	str_printable(f->text);
}

static void __attribute__((format(printf, 2, 3))) mend(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->how, sizeof(f->how), fmt, ap);
	va_end(ap);
	str_printable(f->how);
}

/* --- segments ----------------------------------------------------------------------------------------------------------- */

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

enum likeness { SAME, LONGER, SHORTER, OTHER };

/* What A is to B, extent by extent, however either is cut. */
static enum likeness compare(const struct segments *a, const struct segments *b)
{
	struct walk x = {a, 0, 0}, y = {b, 0, 0};

	for (;;) {
		const struct segment *p = here(&x), *q = here(&y);
		uint32_t n, m;

		if (!p || !q)
			return p ? LONGER : q ? SHORTER : SAME;
		if (p->pv != q->pv || (uint64_t)p->start + x.done != (uint64_t)q->start + y.done)
			return OTHER;
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

/* Extents, in any order and named more than once (volumes lie in slabs), until cover_close. */
struct cover {
	struct segments s;
	bool failed;
};

static void cover_free(struct cover *u)
{
	segments_free(&u->s);
}
#define cleanup_cover CLEANUP(cover_free)

static void cover_add(struct cover *u, const struct segments *s)
{
	for (size_t i = 0; i < s->n && !u->failed; i++)
		u->failed = segments_add(&u->s, s->v[i]) < 0;
}

/* Sorted and apart from now on. */
static void cover_close(struct cover *u)
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

/* How many extents of S are not in U; UINT64_MAX when that cannot be told. */
static uint64_t outside(const struct segments *s, const struct cover *u)
{
	struct segments left CLEANUP(segments_free) = {NULL, 0};
	const struct segments *const used[] = {&u->s};

	return u->failed || plan_free(s, used, 1, &left) < 0 ? UINT64_MAX : segments_extents(&left);
}

static bool apart(const struct segments *s, const struct cover *u)
{
	return outside(s, u) == segments_extents(s);
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

/* --- LVM ------------------------------------------------------------------------------------------------------------------ */

char *image_lv_name(char dst[NAME_SIZE + 16], const struct image *i)
{
	snprintf(dst, NAME_SIZE + 16, "image.%.60s.%u", i->name, i->version);
	return dst;
}

/* A name that nobody but us gives: what bears it and stands nowhere was left by a change that was cut off. */
static bool is_ours(const char *lv)
{
	return str_starts(lv, "image.") || strcmp(lv, "stores") == 0 || strcmp(lv, "swap") == 0 || strcmp(lv, "shared") == 0;
}

/* What the state says of one LV. */
struct wanted {
	char lv[NAME_SIZE + 16];
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

static const struct lvm_volume *find_lv(const struct lvm_volume *lvs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(lvs[i].name, name) == 0)
			return &lvs[i];
	return NULL;
}

/* No LV but NAME itself has any of S. */
static bool free_in_lvm(const struct segments *s, const struct lvm_volume *lvs, size_t n, const char *name)
{
	struct cover others cleanup_cover = {{NULL, 0}, false};

	for (size_t i = 0; i < n; i++)
		if (strcmp(lvs[i].name, name) != 0)
			cover_add(&others, &lvs[i].segments);
	cover_close(&others);
	return apart(s, &others);
}

static void lacking(const struct wanted *w, const struct lvm_volume *lvs, size_t n, const struct lvm_volume *lv, struct findings *ret)
{
	bool sure = free_in_lvm(w->segments, lvs, n, w->lv);
	struct finding *f = find(ret, lv ? FAULT_LV_SHORT : FAULT_LV_MISSING, sure ? REMEDY_RESTORE_LV : REMEDY_NONE, w->lv, 0);

	if (lv)
		says(f, "LV %s has %llu of the %llu extents of its %s: LVM takes the others for free space", w->lv,
		     (unsigned long long)segments_extents(&lv->segments), (unsigned long long)segments_extents(w->segments), w->what);
	else
		says(f, "%s %s has no LV: LVM takes its extents for free space", w->what, w->lv);
	if (sure)
		mend(f, "the LV gets the extents that the state names");
	else
		mend(f, "another LV holds some of its extents: see whose bytes are there (" BY_HAND "), and remove or rename that LV");
}

static void longer(const struct cluster *c, const struct wanted *w, const struct lvm_volume *lv, struct findings *ret)
{
	struct cover named cleanup_cover = {{NULL, 0}, false};
	struct segments more CLEANUP(segments_free) = {NULL, 0};
	const struct segments *const have[] = {w->segments};
	struct finding *f;
	bool sure;

	named_by_state(c, &named);
	sure = plan_free(&lv->segments, have, 1, &more) == 0 && apart(&more, &named);
	f = find(ret, FAULT_LV_LONG, sure ? REMEDY_TAKE_LV : REMEDY_NONE, w->lv, 0);
	says(f, "LV %s has %llu extents more than the state knows of its %s", w->lv,
	     (unsigned long long)(segments_extents(&lv->segments) - segments_extents(w->segments)), w->what);
	if (sure)
		mend(f, "the state takes them: they are free space of the %s", w->what);
	else
		mend(f, "the state gives some of them to somebody else: see whose bytes are there (" BY_HAND ")");
}

static void judge_wanted(const struct cluster *c, const struct wanted *w, const struct lvm_volume *lvs, size_t n, struct findings *ret)
{
	const struct lvm_volume *lv = find_lv(lvs, n, w->lv);
	struct finding *f;

	switch (lv ? compare(&lv->segments, w->segments) : SHORTER) {
	case SAME:
		return;
	case SHORTER:
		lacking(w, lvs, n, lv, ret);
		return;
	case LONGER:
		longer(c, w, lv, ret);
		return;
	case OTHER:
		f = find(ret, FAULT_LV_DIFFERS, REMEDY_NONE, w->lv, 0);
		says(f, "LV %s lies elsewhere than the state says of its %s: nodes use the state's extents", w->lv, w->what);
		mend(f, "somebody has moved it with LVM: restore LVM's metadata of before (vgcfgrestore), or see " BY_HAND);
	}
}

static void judge_unknown(const struct cluster *c, const struct lvm_volume *lv, struct findings *ret)
{
	struct cover named cleanup_cover = {{NULL, 0}, false};
	bool unnamed, sure;
	struct finding *f;
	const char *vg = c->settings.container_name;

	named_by_state(c, &named);
	unnamed = apart(&lv->segments, &named);
	sure = unnamed && is_ours(lv->name);
	f = find(ret, FAULT_LV_UNKNOWN, sure ? REMEDY_REMOVE_LV : REMEDY_NONE, lv->name, 0);
	says(f, "LV %s (%llu extents) is no image's and no slab's%s", lv->name, (unsigned long long)segments_extents(&lv->segments),
	     unnamed ? "" : ", and lies where the state has something else");
	if (sure)
		mend(f, "it is removed");
	else if (unnamed)
		mend(f,
		     "made by hand? When it may go: lvm lvremove --config 'local{system_id=\"byre-%s\"} "
		     "global{system_id_source=\"lvmlocal\"}' %s/%s",
		     vg, vg, lv->name);
	else
		mend(f, "see whose bytes are there (" BY_HAND "), then remove the LV or the volume");
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

/* --- the state area ----------------------------------------------------------------------------------------------------------- */

static void judge_superblocks(const struct seen *s, struct findings *ret)
{
	for (unsigned i = 0; i < 2; i++) {
		struct finding *f;

		if (s->super[i] == SLOT_WHOLE)
			continue;
		f = find(ret, FAULT_SUPERBLOCK, s->super[i] == SLOT_NEWER ? REMEDY_NONE : REMEDY_SUPERBLOCK, "", i);
		says(f, "%s of the state area is %s", i ? "the superblock's copy" : "the superblock", slot_state_name(s->super[i]));
		mend(f, s->super[i] == SLOT_NEWER ? "use a newer byre" : "it is written anew from the other one");
	}
}

static unsigned long long used_generation(const struct seen *s)
{
	return s->c ? s->c->generation : 0;
}

static void judge_slot(const struct seen *s, unsigned i, struct findings *ret)
{
	const struct slot_view *v = &s->slots[i];
	unsigned long long g = v->header.generation, used = used_generation(s);
	struct finding *f;

	if (v->state == SLOT_EMPTY || (v->state == SLOT_WHOLE && g <= used))
		return;
	f = find(ret, FAULT_SLOT, v->state == SLOT_DAMAGED && s->c ? REMEDY_PUBLISH : REMEDY_NONE, "", i);
	if (v->state == SLOT_NEWER)
		says(f, "document slot %u is of a newer layout", i);
	else if (v->state == SLOT_WHOLE)
		says(f, "document slot %u holds generation %llu, whole, but not to be used (%.200s); generation %llu is used", i, g,
		     s->warning ? s->warning : "", used);
	else if (v->has_header)
		says(f, "document slot %u is torn: the text of generation %llu does not match its checksum; generation %llu is used", i, g,
		     used);
	else
		says(f, "the header of document slot %u is damaged; generation %llu is used", i, used);
	if (f->remedy == REMEDY_PUBLISH)
		mend(f, "the next generation is written over it%s",
		     v->has_header && g > used ? ": what the torn one changed has to be done again" : "");
	else if (v->state == SLOT_NEWER)
		mend(f, "use a newer byre");
	else
		mend(f, "a newer byre may be able to read it; else any change of the state writes over it, and what it changed is lost");
}

static void judge_area(const struct seen *s, struct findings *ret)
{
	struct finding *f;

	judge_superblocks(s, ret);
	for (unsigned i = 0; i < 2; i++)
		judge_slot(s, i, ret);
	if (!s->c) {
		f = find(ret, FAULT_DOCUMENT, REMEDY_NONE, "", 0);
		says(f, "no document can be used: %s", s->no_document);
		mend(f, "volmgr state import, with what volmgr state export once wrote; " BY_HAND " has the way without one");
	}
	if (s->history) {
		f = find(ret, FAULT_HISTORY, REMEDY_NONE, "", 0);
		says(f, "%llu generations from %llu to %llu have no record of who made them", (unsigned long long)s->history,
		     (unsigned long long)s->history_first, (unsigned long long)s->history_last);
	}
}

static void judge_lease(const struct seen *s, bool changing, struct findings *ret)
{
	struct finding *f;

	if (!s->holder_known) {
		f = find(ret, FAULT_LEASE, REMEDY_NONE, "", 0);
		says(f, "the lease cannot be read: %s", s->no_holder);
		mend(f, "nothing can be changed until it can: see that the SAN is well; \"The lease is gone\" in " BY_HAND
			" has the way when it stays so");
	}
	if (changing) {
		f = find(ret, FAULT_CHANGING, REMEDY_NONE, "", s->holder);
		says(f, "a change is going on (node %u has the lease): LVM was not compared; check again when it is done", s->holder);
	} else if (s->intent) {
		f = find(ret, FAULT_INTENT, REMEDY_PUBLISH, "", 0);
		says(f, "a change was cut off: LVM's metadata may be ahead of the state");
		mend(f, "the next change brings them together");
	}
}

/* --- slots of nodes ------------------------------------------------------------------------------------------------------------ */

static void judge_node_slots(const struct cluster *c, const unsigned *nodes, size_t n, bool volumes, struct findings *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct finding *f;

		if (cluster_node(c, nodes[i]))
			continue;
		f = find(ret, volumes ? FAULT_VOLUME_SLOT : FAULT_STATUS_SLOT, volumes ? REMEDY_CLEAR_VOLUMES : REMEDY_CLEAR_STATUS, "",
			 nodes[i]);
		says(f, "the %s slot of node %u, which is not in the state, is in use", volumes ? "volume" : "status", nodes[i]);
		mend(f, "it is emptied");
	}
}

/* --- volumes, PVs, images -------------------------------------------------------------------------------------------------------- */

static void judge_volumes(const struct cluster *c, struct findings *ret)
{
	struct cover slabs cleanup_cover = {{NULL, 0}, false};

	for (size_t i = 0; i < c->n_slabs; i++)
		cover_add(&slabs, &c->slabs[i].segments);
	cover_close(&slabs);
	for (size_t i = 0; i < c->n_volumes; i++) {
		const struct volume *v = &c->volumes[i];
		uint64_t stray = outside(&v->metadata, &slabs) + outside(&v->data, &slabs);
		struct finding *f;

		if (stray) {
			f = find(ret, FAULT_VOLUME_STRAY, REMEDY_NONE, v->name, 0);
			says(f, "volume %s has %llu extents that are in no slab: LVM may give them to somebody else", v->name,
			     (unsigned long long)stray);
			mend(f, "copy what it holds to a new volume, then: volmgr remove %s", v->name);
		}
		if (v->node && !cluster_node(c, v->node)) {
			f = find(ret, FAULT_VOLUME_OWNER, REMEDY_NONE, v->name, v->node);
			says(f, "volume %s belongs to node %u, which is not in the state", v->name, v->node);
			mend(f, "when nobody wants its files: volmgr remove %s", v->name);
		}
	}
}

static bool stands_on(const struct segments *s, size_t pv)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].pv == pv)
			return true;
	return false;
}

/* What is not whole without PV: how many volumes and images, and the first one's name. */
static size_t need_pv(const struct cluster *c, size_t pv, char ret_first[VOLUME_NAME_SIZE])
{
	size_t n = 0;

	ret_first[0] = '\0';
	for (size_t i = 0; i < c->n_images; i++)
		if (stands_on(&c->images[i].segments, pv) && n++ == 0)
			image_ref(ret_first, &c->images[i]);
	for (size_t i = 0; i < c->n_volumes; i++)
		if ((stands_on(&c->volumes[i].metadata, pv) || stands_on(&c->volumes[i].data, pv)) && n++ == 0)
			snprintf(ret_first, VOLUME_NAME_SIZE, "%s", c->volumes[i].name);
	return n;
}

static void judge_pv(const struct cluster *c, size_t i, const struct pv_seen *seen, struct findings *ret)
{
	const struct pv *p = &c->pvs[i];
	uint64_t bytes = p->pe_start * 512 + p->extents * EXTENT_BYTES;
	char first[VOLUME_NAME_SIZE], have[24], want[24];
	struct finding *f;
	size_t n;

	if (seen->found && seen->bytes >= bytes)
		return;
	n = need_pv(c, i, first);
	f = find(ret, seen->found ? FAULT_PV_SHORT : FAULT_PV_MISSING, REMEDY_NONE, p->partuuid, (unsigned)i);
	if (seen->found)
		says(f, "PV %zu, partition %s, has %s, not %s: %zu volumes and images have extents there (%s)", i, p->partuuid,
		     str_bytes(have, sizeof(have), seen->bytes), str_bytes(want, sizeof(want), bytes), n, n ? first : "-");
	else
		says(f, "PV %zu, partition %s, is on no disk of this machine: %zu volumes and images have extents there (%s)", i,
		     p->partuuid, n, n ? first : "-");
	mend(f, seen->found ? "give the partition its size back (sfdisk), with the same start and GUID; its bytes are still there"
			    : "attach its LUN, or look for a partition table that was written over (sgdisk --verify)");
}

static void judge_images(const struct seen *s, struct findings *ret)
{
	char ref[IMAGE_REF_SIZE];

	for (size_t i = 0; s->filling && i < s->c->n_images; i++) {
		const struct image *m = &s->c->images[i];
		bool gone = s->filling[i] == FILLING_GONE;
		struct finding *f;

		if (!m->filling || s->filling[i] == FILLING_LIVE)
			continue;
		f = find(ret, FAULT_IMAGE_FILLING, gone ? REMEDY_REMOVE_IMAGE : REMEDY_NONE, image_ref(ref, m), 0);
		says(f, "image %s is unfinished%s", ref, gone ? ": nobody fills it any more" : ", and who began it is another machine");
		if (gone)
			mend(f, "it is removed; import it again");
		else
			mend(f, "it may be at work still; when it is not: volmgr image remove --force %s", ref);
	}
}

/* While a change goes on they may be what it is making. */
static void judge_left(const struct seen *s, bool changing, struct findings *ret)
{
	struct finding *f;

	if (s->strangers && !changing) {
		f = find(ret, FAULT_PV_UNKNOWN, REMEDY_REMOVE_PV, "", 0);
		says(f, "LVM's metadata name %zu PV%s that the state does not know: LVM changes nothing until that is mended", s->strangers,
		     s->strangers > 1 ? "s" : "");
		mend(f, "taken out of LVM's metadata, when no LV has a part there; volmgr san add takes the disk again");
	}
	for (size_t i = 0; i < s->n_left && !changing; i++) {
		const struct leftover *l = &s->left[i];

		f = find(ret, FAULT_PV_LEFT, l->ours ? REMEDY_REMOVE_PV : REMEDY_NONE, l->part.uuid, 0);
		says(f, "partition %u of %s is named %s, and is none of the container's", l->part.number, l->disk, l->part.label);
		if (l->ours)
			mend(f, "an addition of the disk was cut off: the partition is removed; volmgr san add takes the disk again");
		else
			mend(f, "it holds another installation's volumes: leave that disk off this cluster, or remove the partition if nobody needs it");
	}
}

void findings_judge(const struct seen *s, struct findings *ret)
{
	bool changing = s->intent && s->holder_known && s->holder;
	struct error e = ERROR_INIT;
	struct finding *f;

	judge_area(s, ret);
	judge_lease(s, changing, ret);
	if (!s->c)
		return;
	if (cluster_check(s->c, &e) < 0) {
		f = find(ret, FAULT_STATE, REMEDY_NONE, "", 0);
		says(f, "the state contradicts itself: %s", e.text);
		mend(f, "volmgr state export, mend the text, volmgr state import");
	}
	for (size_t i = 0; s->pvs && i < s->c->n_pvs; i++)
		judge_pv(s->c, i, &s->pvs[i], ret);
	judge_left(s, changing, ret);
	judge_volumes(s->c, ret);
	judge_images(s, ret);
	if (s->lvm_known && !changing)
		findings_lvm(s->c, s->lvs, s->n_lvs, ret);
	if (!s->lvm_known && s->no_lvm[0]) {
		f = find(ret, FAULT_LVM, s->lvm_damaged ? REMEDY_REMAKE_LVM : REMEDY_NONE, "", 0);
		says(f, "LVM's metadata cannot be read: %s", s->no_lvm);
		mend(f, s->lvm_damaged ? "it is made anew from the state"
				       : "volumes do not need it; " BY_HAND " makes it anew from the state");
	}
	judge_node_slots(s->c, s->status, s->n_status, false, ret);
	judge_node_slots(s->c, s->volumes, s->n_volumes, true, ret);
}
