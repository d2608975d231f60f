/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "look.h"

#include "area_blocks.h"
#include "base/cleanup.h"
#include "compose_look.h"
#include "disk.h"
#include "volmgr/change.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CHUNK (1024 * 1024) /* bytes of one read */

/* --- the state area ------------------------------------------------------------------------------------------------------ */

int look_superblock(struct state_area *a, unsigned copy, enum slot_state *ret, struct error *e)
{
	cleanup_free unsigned char *block = NULL;
	struct superblock s;
	int r = area_read_block(a, superblock_offset(copy), &block, e);

	if (r < 0)
		return r;
	r = superblock_decode(block, &s);
	*ret = r == -ENOTSUP ? SLOT_NEWER : r < 0 || memcmp(&s, &a->super, sizeof(s)) != 0 ? SLOT_DAMAGED : SLOT_WHOLE;
	return 0;
}

/* The nodes that have written a slot of the table at OFFSET. */
static int look_at_slots(struct state_area *a, uint64_t offset, unsigned **ret, size_t *ret_n, struct error *e)
{
	cleanup_free unsigned char *chunk = area_blocks(CHUNK);
	cleanup_free unsigned *nodes = calloc(LAYOUT_STATUS_SLOTS, sizeof(*nodes));
	struct status_header h;
	size_t n = 0;

	if (!chunk || !nodes)
		return error_errno(e, ENOMEM, "%s", a->name);
	for (unsigned node = 0; node < LAYOUT_STATUS_SLOTS; node++) {
		uint64_t at = node * LAYOUT_STATUS_SIZE;
		int r = at % CHUNK ? 0 : area_read_at(a, chunk, CHUNK, offset + at, e);

		if (r < 0)
			return r;
		if (status_decode(chunk + at % CHUNK, area_tag(&a->super), node, &h) == SLOT_WHOLE)
			nodes[n++] = node;
	}
	*ret = steal_ptr(nodes);
	*ret_n = n;
	return 0;
}

/* Generations without a record between the oldest record and the newest document. */
static int look_at_history(struct state_area *a, uint64_t newest, struct seen *s, struct error *e)
{
	cleanup_free struct history_record *v = NULL;
	uint64_t expect = newest;
	size_t n;
	int r = area_history_list(a, &v, &n, e);

	for (size_t i = 0; r == 0 && i < n; i++) {
		uint64_t g = v[i].generation;

		if (g > newest)
			continue;
		if (g < expect) {
			s->history_first = g + 1;
			s->history_last = s->history ? s->history_last : expect;
			s->history += expect - g;
		}
		expect = g - 1;
	}
	return r;
}

static int look_at_area(struct state_area *a, struct look *l, struct error *e)
{
	struct seen *s = &l->seen;
	struct error why = ERROR_INIT;
	int r = 0;

	for (unsigned i = 0; i < 2 && r == 0; i++)
		r = look_superblock(a, i, &s->super[i], e);
	if (r == 0)
		r = area_inspect(a, s->slots, e);
	if (r == 0 && state_area_load(a, &l->c, &l->report, &why) == 0)
		s->c = &l->c;
	snprintf(s->no_document, sizeof(s->no_document), "%.380s", why.text);
	s->warning = l->report.warning;
	if (r == 0)
		r = area_intent_read(a, &s->intent, e);
	if (r == 0)
		r = look_at_slots(a, LAYOUT_STATUS, &l->status, &s->n_status, e);
	if (r == 0)
		r = look_at_slots(a, LAYOUT_VOLUMES, &l->volumes, &s->n_volumes, e);
	if (r == 0 && s->c)
		r = look_at_history(a, s->c->generation, s, e);
	s->status = l->status;
	s->volumes = l->volumes;
	return r;
}

/* --- disks and LVM -------------------------------------------------------------------------------------------------------- */

/* The largest that bears a PV's GUID. */
static int see_partitions(const struct disk *d, void *data, struct error *e)
{
	struct look *l = data;

	(void)e;
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 0; k < l->c.n_pvs; k++)
			if (strcmp(d->parts[i].uuid, l->c.pvs[k].partuuid) == 0 && d->parts[i].size >= l->pvs[k].bytes)
				l->pvs[k] = (struct pv_seen){true, d->parts[i].size};
	return 0;
}

static int look_at_pvs(struct look *l, struct error *e)
{
	int r;

	l->pvs = calloc(l->c.n_pvs + 1, sizeof(*l->pvs));
	if (!l->pvs)
		return error_errno(e, ENOMEM, "disks");
	r = disk_each("", see_partitions, l, e);
	l->seen.pvs = r < 0 ? NULL : l->pvs;
	return r;
}

/* What cannot be read is told; a PV that is missing has been told already. */
static void look_at_lvm(struct look *l)
{
	cleanup_free const char **paths = NULL;
	struct error why = ERROR_INIT;
	char group[LVM_UUID_SIZE];
	int r;

	for (size_t i = 0; i < l->c.n_pvs; i++)
		if (!l->pvs[i].found)
			return;
	r = cluster_pv_paths(&l->c, &paths, &why);
	if (r == 0)
		r = lvm_strangers(&(struct lvm_group){&l->c, paths}, &l->seen.strangers, group, &why);
	if (r == 0)
		r = leftovers_find(&l->c, group, &l->left, &l->seen.n_left, &why);
	l->seen.left = l->left;
	if (r == 0)
		r = lvm_list(&(struct lvm_group){&l->c, paths}, &l->lvs, &l->seen.n_lvs, &why);
	l->seen.lvs = l->lvs;
	l->seen.lvm_known = r == 0;
	l->seen.lvm_damaged = r == -EUCLEAN;
	snprintf(l->seen.no_lvm, sizeof(l->seen.no_lvm), "%.380s", why.text);
}

/* On this machine its device is open as long as somebody fills it; of others nothing is known. */
enum filling look_filling(const struct cluster *c, const struct image *i, unsigned node)
{
	bool open = false, composed = image_writable_is_composed(c, i, &open);

	if (composed && open)
		return FILLING_LIVE;
	return i->filled_by == node && (node || composed) ? FILLING_GONE : FILLING_UNKNOWN;
}

static int look_at_images(struct look *l, struct error *e)
{
	l->filling = calloc(l->c.n_images + 1, sizeof(*l->filling));
	if (!l->filling)
		return error_errno(e, ENOMEM, "images");
	for (size_t i = 0; i < l->c.n_images; i++)
		if (l->c.images[i].filling)
			l->filling[i] = look_filling(&l->c, &l->c.images[i], this_node());
	l->seen.filling = l->filling;
	return 0;
}

/* --- all of it ------------------------------------------------------------------------------------------------------------- */

static void look_at_lease(const char *device, struct look *l)
{
	struct error why = ERROR_INIT;

	l->seen.holder_known = !l->seen.c || lease_holder(&(struct lease_place){device, &l->c}, &l->seen.holder, &why) == 0;
	snprintf(l->seen.no_holder, sizeof(l->seen.no_holder), "%.250s", why.text);
}

int look_at(struct state_area *a, const char *device, bool disks, struct look *ret, struct error *e)
{
	uint64_t before, after;
	bool intent = false;
	int r;

	memset(ret, 0, sizeof(*ret));
	cluster_init(&ret->c);
	ret->seen.holder_known = true;
	r = state_area_generation(a, &before, e);
	if (r == 0)
		r = look_at_area(a, ret, e);
	if (r == 0 && device)
		look_at_lease(device, ret);
	if (r == 0 && disks && ret->seen.c) {
		r = look_at_pvs(ret, e);
		if (r == 0)
			look_at_lvm(ret);
		if (r == 0)
			r = look_at_images(ret, e);
	}
	if (r == 0)
		r = state_area_generation(a, &after, e);
	if (r == 0)
		r = area_intent_read(a, &intent, e);
	if (r == 0 && (before != after || intent != ret->seen.intent))
		r = error_set(e, EAGAIN, "somebody changes the state");
	if (r < 0)
		look_free(ret);
	return r;
}

void look_free(struct look *l)
{
	cluster_free(&l->c);
	lvm_list_free(l->lvs, l->lvs ? l->seen.n_lvs : 0);
	free(l->pvs);
	free(l->left);
	free(l->filling);
	free(l->status);
	free(l->volumes);
	memset(l, 0, sizeof(*l));
}
