/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "findings.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cover.h"
#include "findings_list.h"

#include <stdio.h>
#include <string.h>

/* --- the state area ----------------------------------------------------------------------------------------------------------- */

static void judge_superblocks(const struct seen *s, struct findings *ret)
{
	for (unsigned i = 0; i < 2; i++) {
		struct finding *f;

		if (s->super[i] == SLOT_WHOLE)
			continue;
		f = finding_add(ret, FAULT_SUPERBLOCK, s->super[i] == SLOT_NEWER ? REMEDY_NONE : REMEDY_SUPERBLOCK, "", i);
		finding_text(f, "%s of the state area is %s", i ? "the superblock's copy" : "the superblock", slot_state_name(s->super[i]));
		finding_how(f, s->super[i] == SLOT_NEWER ? "use a newer byre" : "it is written anew from the other one");
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
	f = finding_add(ret, FAULT_SLOT, v->state == SLOT_DAMAGED && s->c ? REMEDY_PUBLISH : REMEDY_NONE, "", i);
	if (v->state == SLOT_NEWER)
		finding_text(f, "document slot %u is of a newer layout", i);
	else if (v->state == SLOT_WHOLE)
		finding_text(f, "document slot %u holds generation %llu, whole, but not to be used (%.200s); generation %llu is used", i, g,
			     s->warning ? s->warning : "", used);
	else if (v->has_header)
		finding_text(f,
			     "document slot %u is torn: the text of generation %llu does not match its checksum; generation %llu is used",
			     i, g, used);
	else
		finding_text(f, "the header of document slot %u is damaged; generation %llu is used", i, used);
	if (f->remedy == REMEDY_PUBLISH)
		finding_how(f, "the next generation is written over it%s",
			    v->has_header && g > used ? ": what the torn one changed has to be done again" : "");
	else if (v->state == SLOT_NEWER)
		finding_how(f, "use a newer byre");
	else
		finding_how(
			f, "a newer byre may be able to read it; else any change of the state writes over it, and what it changed is lost");
}

static void judge_area(const struct seen *s, struct findings *ret)
{
	struct finding *f;

	judge_superblocks(s, ret);
	for (unsigned i = 0; i < 2; i++)
		judge_slot(s, i, ret);
	if (!s->c) {
		f = finding_add(ret, FAULT_DOCUMENT, REMEDY_NONE, "", 0);
		finding_text(f, "no document can be used: %s", s->no_document);
		finding_how(f, "volmgr state import, with what volmgr state export once wrote; " BY_HAND " has the way without one");
	}
	if (s->history) {
		f = finding_add(ret, FAULT_HISTORY, REMEDY_NONE, "", 0);
		finding_text(f, "%llu generations from %llu to %llu have no record of who made them", (unsigned long long)s->history,
			     (unsigned long long)s->history_first, (unsigned long long)s->history_last);
	}
}

static void judge_lease(const struct seen *s, bool changing, struct findings *ret)
{
	struct finding *f;

	if (!s->holder_known) {
		f = finding_add(ret, FAULT_LEASE, REMEDY_NONE, "", 0);
		finding_text(f, "the lease cannot be read: %s", s->no_holder);
		finding_how(f, "nothing can be changed until it can: see that the SAN is well; \"The lease is gone\" in " BY_HAND
			       " has the way when it stays so");
	}
	if (changing) {
		f = finding_add(ret, FAULT_CHANGING, REMEDY_NONE, "", s->holder);
		finding_text(f, "a change is going on (node %u has the lease): LVM was not compared; check again when it is done",
			     s->holder);
	} else if (s->intent) {
		f = finding_add(ret, FAULT_INTENT, REMEDY_PUBLISH, "", 0);
		finding_text(f, "a change was cut off: LVM's metadata may be ahead of the state");
		finding_how(f, "the next change brings them together");
	}
}

/* --- slots of nodes ------------------------------------------------------------------------------------------------------------ */

static void judge_node_slots(const struct cluster *c, const unsigned *nodes, size_t n, bool volumes, struct findings *ret)
{
	for (size_t i = 0; i < n; i++) {
		struct finding *f;

		if (cluster_node(c, nodes[i]))
			continue;
		f = finding_add(ret, volumes ? FAULT_VOLUME_SLOT : FAULT_STATUS_SLOT, volumes ? REMEDY_CLEAR_VOLUMES : REMEDY_CLEAR_STATUS,
				"", nodes[i]);
		finding_text(f, "the %s slot of node %u, which is not in the state, is in use", volumes ? "volume" : "status", nodes[i]);
		finding_how(f, "it is emptied");
	}
}

/* --- volumes, PVs, images -------------------------------------------------------------------------------------------------------- */

static void judge_volumes(const struct cluster *c, struct findings *ret)
{
	struct cover slabs cleanup_cover = COVER_INIT;

	for (size_t i = 0; i < c->n_slabs; i++)
		cover_add(&slabs, &c->slabs[i].segments);
	cover_close(&slabs);
	for (size_t i = 0; i < c->n_volumes; i++) {
		const struct volume *v = &c->volumes[i];
		uint64_t stray = cover_misses(&slabs, &v->metadata) + cover_misses(&slabs, &v->data);
		struct finding *f;

		if (stray) {
			f = finding_add(ret, FAULT_VOLUME_STRAY, REMEDY_NONE, v->name, 0);
			finding_text(f, "volume %s has %llu extents that are in no slab: LVM may give them to somebody else", v->name,
				     (unsigned long long)stray);
			finding_how(f, "copy what it holds to a new volume, then: volmgr remove %s", v->name);
		}
		if (v->node && !cluster_node(c, v->node)) {
			f = finding_add(ret, FAULT_VOLUME_OWNER, REMEDY_NONE, v->name, v->node);
			finding_text(f, "volume %s belongs to node %u, which is not in the state", v->name, v->node);
			finding_how(f, "when nobody wants its files: volmgr remove %s", v->name);
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
	f = finding_add(ret, seen->found ? FAULT_PV_SHORT : FAULT_PV_MISSING, REMEDY_NONE, p->partuuid, (unsigned)i);
	if (seen->found)
		finding_text(f, "PV %zu, partition %s, has %s, not %s: %zu volumes and images have extents there (%s)", i, p->partuuid,
			     str_bytes(have, sizeof(have), seen->bytes), str_bytes(want, sizeof(want), bytes), n, n ? first : "-");
	else
		finding_text(f, "PV %zu, partition %s, is on no disk of this machine: %zu volumes and images have extents there (%s)", i,
			     p->partuuid, n, n ? first : "-");
	finding_how(f, seen->found ? "give the partition its size back (sfdisk), with the same start and GUID; its bytes are still there"
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
		f = finding_add(ret, FAULT_IMAGE_FILLING, gone ? REMEDY_REMOVE_IMAGE : REMEDY_NONE, image_ref(ref, m), 0);
		finding_text(f, "image %s is unfinished%s", ref,
			     gone ? ": nobody fills it any more" : ", and who began it is another machine");
		if (gone)
			finding_how(f, "it is removed; import it again");
		else
			finding_how(f, "it may be at work still; when it is not: volmgr image remove --force %s", ref);
	}
}

/* While a change goes on they may be what it is making. */
static void judge_left(const struct seen *s, bool changing, struct findings *ret)
{
	struct finding *f;

	if (s->strangers && !changing) {
		f = finding_add(ret, FAULT_PV_UNKNOWN, REMEDY_REMOVE_PV, "", 0);
		finding_text(f, "LVM's metadata name %zu PV%s that the state does not know: LVM changes nothing until that is mended",
			     s->strangers, s->strangers > 1 ? "s" : "");
		finding_how(f, "taken out of LVM's metadata, when no LV has a part there; volmgr san add takes the disk again");
	}
	for (size_t i = 0; i < s->n_left && !changing; i++) {
		const struct leftover *l = &s->left[i];

		f = finding_add(ret, FAULT_PV_LEFT, l->ours ? REMEDY_REMOVE_PV : REMEDY_NONE, l->part.uuid, 0);
		finding_text(f, "partition %u of %s is named %s, and is none of the container's", l->part.number, l->disk, l->part.label);
		if (l->ours)
			finding_how(f,
				    "an addition of the disk was cut off: the partition is removed; volmgr san add takes the disk again");
		else
			finding_how(f, "it holds another installation's volumes: leave that disk off this cluster, or remove the partition "
				       "if nobody needs it");
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
		f = finding_add(ret, FAULT_STATE, REMEDY_NONE, "", 0);
		finding_text(f, "the state contradicts itself: %s", e.text);
		finding_how(f, "volmgr state export, mend the text, volmgr state import");
	}
	for (size_t i = 0; s->pvs && i < s->c->n_pvs; i++)
		judge_pv(s->c, i, &s->pvs[i], ret);
	judge_left(s, changing, ret);
	judge_volumes(s->c, ret);
	judge_images(s, ret);
	if (s->lvm_known && !changing)
		findings_lvm(s->c, s->lvs, s->n_lvs, ret);
	if (!s->lvm_known && s->no_lvm[0]) {
		f = finding_add(ret, FAULT_LVM, s->lvm_damaged ? REMEDY_REMAKE_LVM : REMEDY_NONE, "", 0);
		finding_text(f, "LVM's metadata cannot be read: %s", s->no_lvm);
		finding_how(f, s->lvm_damaged ? "it is made anew from the state"
					      : "volumes do not need it; " BY_HAND " makes it anew from the state");
	}
	judge_node_slots(s->c, s->status, s->n_status, false, ret);
	judge_node_slots(s->c, s->volumes, s->n_volumes, true, ret);
}
