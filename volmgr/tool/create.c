/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "edit.h"
#include "heads.h"
#include "tool.h"
#include "wipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB       (1024 * 1024ull)
#define COUNT_MAX 100000u

const char *create_kind = "disk", *create_image = "", *create_prefix;
unsigned create_size, create_store, create_node, create_count;

/* --- what is wanted --------------------------------------------------------------------------------------------------------- */

static int usage(struct error *e, const char *why)
{
	error_set(e, EINVAL, "create: %s", why);
	return -CLI_USAGE;
}

static int parse_kind(enum volume_kind *ret, struct error *e)
{
	static const enum volume_kind kinds[] = {VOLUME_DISK, VOLUME_SWAP, VOLUME_SHARED};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(create_kind, volume_kind_name(kinds[i])) == 0) {
			*ret = kinds[i];
			return 0;
		}
	return usage(e, "--kind is disk, swap or shared");
}

static int check_options(int argc, struct error *e)
{
	if ((argc > 0) == (create_count > 0))
		return usage(e, argc ? "names, or --count: not both" : "which volumes? Names, or --count N --prefix NAME");
	if (create_count && !create_prefix)
		return usage(e, "--count wants a --prefix for the names");
	if (create_prefix && !create_count)
		return usage(e, "--prefix wants a --count");
	if (create_count > COUNT_MAX)
		return usage(e, "--count: too many");
	if (!create_size && !create_image[0])
		return usage(e, "--size MIB is missing");
	return 0;
}

static int make_wishes(int argc, char **argv, enum volume_kind kind, struct volume_wish **ret, size_t *ret_n, struct error *e)
{
	size_t n = create_count ? create_count : (size_t)argc;
	cleanup_free struct volume_wish *w = calloc(n, sizeof(*w));

	if (!w)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < n; i++) {
		char name[VOLUME_NAME_SIZE + 16];

		snprintf(name, sizeof(name), create_count ? "%.127s%zu" : "%.140s", create_count ? create_prefix : argv[i], i + 1);
		w[i] = (struct volume_wish){.kind = kind, .node = create_node, .bytes = create_size * MIB, .store = create_store * MIB};
		if (str_copy(w[i].name, sizeof(w[i].name), name) < 0)
			return error_set(e, EINVAL, "'%.140s': too long a name for a volume", name);
		if (str_copy(w[i].image, sizeof(w[i].image), create_image) < 0)
			return error_set(e, EINVAL, "'%.100s' is no image", create_image);
	}
	*ret = steal_ptr(w);
	*ret_n = n;
	return 0;
}

/* Without a size, a disk is as large as its image. */
static int size_by_image(const struct cluster *c, struct volume_wish *w, size_t n, struct error *e)
{
	const struct image *i = create_image[0] ? cluster_image(c, create_image) : NULL;

	if (create_image[0] && !i)
		return error_set(e, ENOENT, "there is no image '%.80s': see volmgr image list", create_image);
	for (size_t k = 0; k < n; k++)
		if (!w[k].bytes)
			w[k].bytes = i->bytes;
	return 0;
}

/* --- disks and swap ----------------------------------------------------------------------------------------------------------- */

static void tell(struct edit *ed, const struct volume_wish *w, size_t n)
{
	const struct volume *v = cluster_volume(&ed->ch->c, w->name);
	char size[24], store[24];

	str_bytes(size, sizeof(size), v->bytes);
	str_bytes(store, sizeof(store), segments_extents(&v->data) * EXTENT_BYTES);
	if (n == 1)
		buf_printf(&ed->told, "%s is made: %s", v->name, size);
	else
		buf_printf(&ed->told, "%zu volumes are made, %s to %s: %s each", n, w[0].name, w[n - 1].name, size);
	if (v->kind == VOLUME_DISK)
		buf_printf(&ed->told, " on %s, with %s of their own to begin with; volmgr take NAME gives one to a node\n",
			   v->image[0] ? v->image : "no image", store);
	else
		buf_printf(&ed->told, "; node %u has it from its next boot on\n", v->node);
}

static int make_volumes(int argc, char **argv, struct volume_wish *w, size_t n, struct error *e)
{
	struct edit ed cleanup_edit;
	int r = edit_begin(&ed, "create", argc, argv, e);

	if (r == 0)
		r = size_by_image(&ed.ch->c, w, n, e);
	if (r == 0)
		r = volumes_create(ed.ch, w, n, e);
	if (r < 0)
		return r;
	ed.n = n;
	ed.names = calloc(n, sizeof(*ed.names));
	if (!ed.names)
		return error_errno(e, ENOMEM, "volumes");
	for (size_t i = 0; i < n; i++)
		ed.names[i] = w[i].name;
	tell(&ed, w, n);
	return edit_publish(&ed, e);
}

/* --- shared volumes --------------------------------------------------------------------------------------------------------- */

/*
 * Everybody may compose one as soon as it bears its name, so it is zeroed before: under another name, and without the lease, as that takes its time. Cut off in
 * between, the same command goes on.
 */
static int reserve(int argc, char **argv, const struct volume_wish *w, struct error *e)
{
	struct edit ed cleanup_edit;
	struct volume_wish wiping = *w;
	const struct volume *v;
	int r;

	snprintf(wiping.name, sizeof(wiping.name), "%s%.100s", VOLUME_WIPING, w->name);
	r = edit_begin(&ed, "create", argc, argv, e);
	if (r < 0)
		return r;
	if (cluster_volume(&ed.ch->c, w->name))
		return error_set(e, EEXIST, "there is a volume %s already", w->name);
	v = cluster_volume(&ed.ch->c, wiping.name);
	if (v && v->bytes == w->bytes)
		return 0;
	r = volumes_create(ed.ch, &wiping, 1, e);
	return r == 0 ? change_publish(ed.ch, e) : r;
}

struct wiping {
	struct progress p;
	uint64_t before;
};

static void advance(uint64_t done, uint64_t total, void *data)
{
	struct wiping *w = data;

	(void)total;
	progress_at(&w->p, w->before + done);
}

static int wipe(const char *name, struct error *e)
{
	struct view view cleanup_view;
	const struct volume *v = NULL;
	char wiping[VOLUME_NAME_SIZE + 16];
	struct wiping w = {.before = 0};
	int r = view_open(&view, e);

	snprintf(wiping, sizeof(wiping), "%s%s", VOLUME_WIPING, name);
	if (r == 0)
		r = view_need_pvs(&view, e);
	if (r == 0 && !(v = cluster_volume(&view.c, wiping)))
		r = error_set(e, ENOENT, "volume %s was removed while it was made", name);
	if (r < 0)
		return r;
	progress_begin(&w.p, "volmgr", name, v->bytes, true);
	for (size_t i = 0; i < v->data.n && r == 0; i++) {
		const struct segment *s = &v->data.v[i];
		cleanup_fd int fd = area_file_open(view.pvs[s->pv], true);

		r = fd < 0 ? error_errno(e, fd, "%s", view.pvs[s->pv])
			   : wipe_range(fd, segment_offset(&view.c, s), s->count * EXTENT_BYTES, advance, &w, e);
		w.before += s->count * EXTENT_BYTES;
	}
	progress_end(&w.p);
	return r;
}

static int name_it(int argc, char **argv, const struct volume_wish *w, struct error *e)
{
	struct edit ed cleanup_edit;
	char wiping[VOLUME_NAME_SIZE + 16], size[24];
	struct volume *v;
	int r = edit_begin(&ed, "create", argc, argv, e);

	snprintf(wiping, sizeof(wiping), "%s%s", VOLUME_WIPING, w->name);
	if (r < 0)
		return r;
	v = cluster_volume(&ed.ch->c, wiping);
	if (!v || cluster_volume(&ed.ch->c, w->name))
		return error_set(e, ENOENT, "volume %s was %s while it was made", w->name, v ? "made by somebody else" : "removed");
	memcpy(v->name, w->name, sizeof(v->name));
	ed.n = 1;
	ed.names = calloc(1, sizeof(*ed.names));
	if (!ed.names)
		return error_errno(e, ENOMEM, "volumes");
	ed.names[0] = w->name;
	buf_printf(&ed.told, "%s is made: %s of zeros, for every node\n", w->name, str_bytes(size, sizeof(size), v->bytes));
	return edit_publish(&ed, e);
}

static int make_shared(int argc, char **argv, const struct volume_wish *w, size_t n, struct error *e)
{
	int r = n == 1 ? 0 : usage(e, "one shared volume at a time");

	if (r == 0)
		r = reserve(argc, argv, w, e);
	if (r == 0)
		r = wipe(w->name, e);
	return r == 0 ? name_it(argc, argv, w, e) : r;
}

int create_run(int argc, char **argv, struct error *e)
{
	cleanup_free struct volume_wish *w = NULL;
	enum volume_kind kind = VOLUME_DISK;
	size_t n = 0;
	int r = check_options(argc, e);

	if (r == 0)
		r = parse_kind(&kind, e);
	if (r == 0)
		r = make_wishes(argc, argv, kind, &w, &n, e);
	if (r < 0)
		return r;
	return kind == VOLUME_SHARED ? make_shared(argc, argv, w, n, e) : make_volumes(argc, argv, w, n, e);
}
