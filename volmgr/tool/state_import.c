/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document from a file becomes the next generation. As a rule this is a change like any other. Where no document can be read it is the way out: then the lease is
 * taken by what the file tells, and the superblock says whose area it is.
 */
#include "tool.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cluster/difference.h"
#include "cluster/document.h"
#include "heads.h"
#include "reconcile.h"
#include "volmgr/change.h"
#include "volmgr/control.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

bool state_import_dry_run;
const char *state_import_force;

struct import {
	const char *file;
	struct cluster wanted;
	struct view v;
	bool lost;        /* no document can be read there; … */
	struct error why; /* … this is why */
	size_t later;     /* changes that the history tells of, and the file does not know */
	struct difference d;
	bool adopted; /* LVM says the same */
	char what[NOTE_SIZE];
};

static void import_free(struct import *im)
{
	view_close(&im->v);
	cluster_free(&im->wanted);
}

static int read_wanted(struct import *im, struct error *e)
{
	char *text = NULL;
	size_t len;
	int r;

	cluster_init(&im->wanted);
	r = file_read(AT_FDCWD, im->file, DOCUMENT_MAX, &text, &len, e);
	if (r < 0)
		return r;
	r = document_parse(text, len, &im->wanted, e);
	explicit_bzero(text, len);
	free(text);
	return r < 0 ? error_wrap(e, "%s", im->file) : 0;
}

static int check_id(const struct import *im, struct error *e)
{
	const struct superblock *s = area_superblock(im->v.area);

	if (strcmp(s->id, im->wanted.id) == 0)
		return 0;
	return error_set(e, EXDEV, "%s is of cluster %s: the state area there is that of container %s, cluster %s", im->file, im->wanted.id,
			 s->container, s->id);
}

/* The newest state, or that there is none any more. */
static int look(struct import *im, struct error *e)
{
	int r = view_open_area(&im->v, e);

	if (r == 0)
		r = check_id(im, e);
	if (r < 0)
		return r;
	r = view_load(&im->v, &im->why);
	if (r == 0)
		return 0;
	if (r != -EUCLEAN && r != -ENODATA)
		return error_set(e, -r, "%s", im->why.text);
	im->lost = true;
	if (!state_import_force)
		return error_set(e, -r, "%.500s; to publish %s in its place: --force REASON", im->why.text, im->file);
	return 0;
}

/* --- telling --------------------------------------------------------------------------------------------------------------- */

/* Where no document is left, the history tells at least what was done since. */
static int tell_later(struct import *im, struct buf *b, struct error *e)
{
	cleanup_free struct history_record *list = NULL;
	size_t n = 0;
	int r = area_history_list(im->v.area, &list, &n, e);

	if (r < 0)
		return r;
	while (im->later < n && list[im->later].generation > im->wanted.generation)
		im->later++;
	buf_printf(b, "%s: no document can be read there: nothing to compare %s with, which was generation %" PRIu64 "\n", im->v.device, im->file,
		   im->wanted.generation);
	buf_puts(b, im->later ? "what was done after that, as the history tells, is in it no more:\n" : "the history tells of none after that\n");
	for (size_t i = im->later; i > 0; i--)
		buf_printf(b, "  generation %" PRIu64 ": %s\n", list[i - 1].generation, list[i - 1].note.what);
	return 0;
}

static int compare(struct import *im, struct buf *b, struct error *e)
{
	int r;

	if (im->lost)
		return tell_later(im, b, e);
	buf_printf(b, "from generation %" PRIu64 ", the newest, to %s, which was generation %" PRIu64 ":\n", im->v.c.generation, im->file,
		   im->wanted.generation);
	r = cluster_difference(&im->v.c, &im->wanted, b, &im->d, e);
	if (r == 0 && im->d.n == 0)
		buf_puts(b, "no difference\n");
	return r;
}

/* What nodes have written since the export stands where the newest state says. */
static int check_storage(const struct import *im, struct error *e)
{
	if (im->d.storage == 0 || state_import_force)
		return 0;
	return error_set(
		e, EPERM,
		"%zu volumes, images, slabs or PVs lie elsewhere in %s than they do now, or are in one of both only (--dry-run shows "
		"them): what was written since may be lost; if that is wanted: --force REASON",
		im->d.storage, im->file);
}

/* --- publishing -------------------------------------------------------------------------------------------------------------- */

static void note(struct import *im)
{
	snprintf(im->what, sizeof(im->what), "volmgr state import %.60s%s%s", im->file, state_import_force ? ": " : "",
		 state_import_force ? state_import_force : "");
}

/* A copy of a state area in a file has no lease: it is nobody else's. */
static bool is_copy(const char *device)
{
	struct stat st;

	return stat(device, &st) == 0 && S_ISREG(st.st_mode);
}

/*
 * With the area open for writing, and the lease held where there is one. What LVM has beyond an older document may be in use, and is not to go by itself because of a change
 * that was cut off before the document was lost: volmgr check tells of it.
 */
static int publish_lost(struct import *im, struct state_area *a, struct error *e)
{
	struct cluster there CLEANUP(cluster_freep);
	int r;

	cluster_init(&there);
	r = state_area_load(a, &there, NULL, NULL);
	if (r != -EUCLEAN && r != -ENODATA)
		return error_set(e, ESTALE, "%s: a document can be read there again: look anew, and try again", im->v.device);
	im->wanted.note = (struct change_note){.time = (uint64_t)time(NULL), .node = this_node()};
	memcpy(im->wanted.note.what, im->what, sizeof(im->what));
	r = im->later ? area_intent_write(a, false, e) : 0;
	return r == 0 ? area_restore(a, &im->wanted, e) : r;
}

static int publish_in_copy(struct import *im, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	int r = state_area_open(im->v.device, true, &a, e);

	if (r == 0 && im->lost)
		return publish_lost(im, a, e);
	im->wanted.generation = im->v.c.generation;
	im->wanted.note = (struct change_note){.time = (uint64_t)time(NULL), .node = this_node()};
	memcpy(im->wanted.note.what, im->what, sizeof(im->what));
	return r == 0 ? state_area_publish(a, &im->wanted, e) : r;
}

/* --- what nodes have written ----------------------------------------------------------------------------------------------- */

/* B goes on where A ends, if it is not A. */
static bool begins(const struct segments *b, const struct segments *a)
{
	uint64_t done = 0, length = segments_extents(a);
	size_t i = 0, k = 0;
	uint32_t x = 0, y = 0;

	while (done < length && i < a->n && k < b->n) {
		if (a->v[i].pv != b->v[k].pv || a->v[i].start + x != b->v[k].start + y)
			return false;
		done++;
		if (++x == a->v[i].count)
			x = 0, i++;
		if (++y == b->v[k].count)
			y = 0, k++;
	}
	return done == length;
}

static bool keeps(const struct volume *now, const struct volume *then)
{
	return then && then->kind == now->kind && then->thin == now->thin && then->bytes >= now->bytes && begins(&then->metadata, &now->metadata) &&
	       begins(&then->data, &now->data) && strcmp(then->image, now->image) == 0 && (now->kind != VOLUME_DISK || then->node == now->node);
}

/* Whoever has a volume composed goes on writing where it lies now, whatever is published; also when another volume gets that place. */
static int check_unused(const struct import *im, struct change *ch, struct error *e)
{
	struct uses u CLEANUP(uses_end);
	int r = 0;

	uses_begin(&u, ch->area, &ch->c);
	for (size_t i = 0; i < ch->c.n_volumes && r == 0; i++) {
		const struct volume *v = &ch->c.volumes[i];
		struct use use;

		if (keeps(v, cluster_volume(&im->wanted, v->name)))
			continue;
		r = uses_find(&u, v, &use, e);
		if (r == 0)
			r = use_refuse(&ch->c, v, &use, e);
	}
	return r < 0 ? error_wrap(e, "%s changes or lacks a volume that is in use", im->file) : 0;
}

/* A disk is added for good: LVM knows it, and what lies there would be nobody's. */
static int check_pvs(const struct import *im, const struct cluster *c, struct error *e)
{
	bool same = im->wanted.n_pvs == c->n_pvs;

	for (size_t i = 0; same && i < c->n_pvs; i++)
		same = strcmp(im->wanted.pvs[i].partuuid, c->pvs[i].partuuid) == 0 && im->wanted.pvs[i].extents == c->pvs[i].extents;
	return same ? 0 : error_set(e, EUCLEAN, "%s has other PVs than the container has now: put \"pvs\" as 'volmgr state show' has it into the file", im->file);
}

/* A pool does not start on less than it has been given once; and what lies behind would be others'. */
static int check_stores(const struct import *im, const char *const *pvs, struct error *e)
{
	char is[24], was[24];

	for (size_t i = 0; i < im->wanted.n_volumes; i++) {
		const struct volume *v = &im->wanted.volumes[i];
		uint64_t have = segments_extents(&v->data) * EXTENT_BYTES, bytes = 0;
		int r = volume_is_thin(v) ? head_pool_bytes(&im->wanted, pvs, v, &bytes, e) : 0;

		if (r < 0)
			return r;
		if (bytes > have)
			return error_set(e, EUCLEAN,
					 "volume %s: its store has grown to %s since, in %s it has %s: what was written behind that would be lost; put its "
					 "\"data\" as 'volmgr state show' has it into the file, or remove it there",
					 v->name, str_bytes(is, sizeof(is), bytes), im->file, str_bytes(was, sizeof(was), have));
	}
	return 0;
}

/* STORE, as NODE tells, lies where the lost state said: what FILE has must be able to be that. */
static int check_store(const struct import *im, unsigned node, const struct store_status *store, struct error *e)
{
	const struct volume *v = cluster_volume(&im->wanted, store->volume);
	const struct node *n = cluster_node(&im->wanted, node);
	char name[NAME_SIZE];

	if (n)
		snprintf(name, sizeof(name), "%s", n->name);
	else
		snprintf(name, sizeof(name), "node %u", node);
	if (!v)
		return error_set(e, EBUSY, "%s has volume %s in use, of which %s knows nothing: stop that first, or shut it down", name, store->volume,
				 im->file);
	if (v->kind == VOLUME_DISK && v->node != node)
		return error_set(e, EBUSY, "%s has volume %s in use, which it does not hold in %s: volmgr detach %s there first", name, v->name, im->file,
				 v->name);
	if (store->data_total > segments_extents(&v->data) * EXTENT_BYTES)
		return error_set(e, EBUSY, "%s has volume %s in use, whose store is larger than in %s: stop that first, or shut it down", name, v->name,
				 im->file);
	return 0;
}

static int check_told_by(const struct import *im, struct state_area *a, unsigned node, struct error *e)
{
	const uint64_t now = (uint64_t)time(NULL);
	struct volume any = {.kind = VOLUME_DISK};
	struct volume_status t;
	struct node_status s;
	int r = volume_status_read(a, node, &t, e), told;

	if (r < 0)
		return r == -ENODATA ? 0 : r;
	told = node_status_read(a, node, &s, NULL);
	for (size_t i = 0; i < t.n && r == 0; i++) {
		snprintf(any.name, sizeof(any.name), "%s", t.stores[i].volume);
		if (use_judge(&any, node, NULL, told == 0 ? &s : NULL, &t, now) >= USE_ENDING)
			r = check_store(im, node, &t.stores[i], e);
	}
	return r;
}

/* Where a document was lost nobody knows where volumes lay; but who lives tells which he has. Of who is silent the admin's word counts. */
static int check_told(const struct import *im, struct state_area *a, struct error *e)
{
	int r = 0;

	for (unsigned node = 1; im->later && node < LAYOUT_STATUS_SLOTS && r == 0; node++)
		r = check_told_by(im, a, node, e);
	return r;
}

static int check_lost(const struct import *im, struct state_area *a, struct error *e)
{
	cleanup_free const char **pvs = NULL;
	int r = check_told(im, a, e);

	if (r < 0 || options.state)
		return r;
	r = control_pv_paths(&im->wanted, &pvs, e);
	return r == 0 ? check_stores(im, pvs, e) : r;
}

/* No change can begin where no state is: lease and area are taken one by one. */
static int publish_under_lease(struct import *im, const struct change_options *o, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct lease *l = NULL;
	char device[64];
	int r = control_path(im->v.device, device, e);

	if (r == 0)
		r = state_area_open(device, true, &a, e);
	if (r == 0)
		r = lease_acquire(&(struct lease_place){device, &im->wanted}, o, &l, e);
	if (r < 0)
		return r;
	r = check_lost(im, a, e);
	if (r == 0)
		r = lease_check(l, e);
	if (r == 0)
		r = publish_lost(im, a, e);
	lease_release(l);
	return r;
}

static int publish_change(struct import *im, const struct change_options *o, struct error *e)
{
	struct change *ch CLEANUP(change_endp) = NULL;
	struct cluster newest;
	int r = change_begin(o, &ch, e);

	if (r < 0)
		return r;
	if (ch->c.generation != im->v.c.generation)
		return error_set(e, ESTALE, "generation %" PRIu64 " was published meanwhile: nothing was written, try again",
				 ch->c.generation);
	if (ch->pvs)
		r = check_unused(im, ch, e);
	if (r == 0 && ch->pvs && im->d.storage)
		r = check_pvs(im, &ch->c, e);
	if (r == 0 && ch->pvs && im->d.storage)
		r = check_stores(im, ch->pvs, e);
	if (r < 0)
		return r;
	newest = ch->c;
	im->wanted.generation = newest.generation;
	ch->c = im->wanted;
	im->wanted = newest;
	im->adopted = im->d.storage && ch->pvs;
	r = im->adopted ? adopt(ch, e) : change_publish(ch, e);
	im->wanted.generation = ch->c.generation;
	return r;
}

static int publish(struct import *im, struct error *e)
{
	const struct change_options o = {
		.container = options.container,
		.state = options.state,
		.what = im->what,
		.waiting = tool_tell_waiting,
	};

	note(im);
	if (is_copy(im->v.device))
		return publish_in_copy(im, e);
	return im->lost ? publish_under_lease(im, &o, e) : publish_change(im, &o, e);
}

static int import(struct import *im, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	int r = read_wanted(im, e);

	if (r == 0)
		r = look(im, e);
	if (r == 0)
		r = compare(im, &b, e);
	if (r == 0 && state_import_dry_run)
		return print_all(&b, e);
	if (r == 0)
		r = check_storage(im, e);
	if (r == 0 && (im->lost || im->d.n)) {
		r = publish(im, e);
		buf_printf(&b, "generation %" PRIu64 " is published%s\n", im->wanted.generation,
			   (im->d.storage || im->lost) && !im->adopted ? "; now look whether LVM says the same: volmgr check" : "");
	}
	return r == 0 ? print_all(&b, e) : r;
}

int state_import_run(int argc, char **argv, struct error *e)
{
	struct import im CLEANUP(import_free) = {.file = argv[0]};

	(void)argc;
	if (state_import_force && !*state_import_force) {
		error_set(e, EINVAL, "--force wants a reason: it goes into the history");
		return -CLI_USAGE;
	}
	return import(&im, e);
}
