/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "compose_look.h"
#include "volmgr/change.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <time.h>

/* What all volumes take together. Bytes. */
struct totals {
	uint64_t images, stores, swap, shared, free;
	uint64_t private_used;
	size_t roots, known; /* volumes of that kind; those whose private bytes are known */
};

struct summary {
	struct view *v;
	struct slot_view slots[2];
	struct totals t;
};

static uint64_t bytes_of(const struct segments *s)
{
	return segments_extents(s) * EXTENT_BYTES;
}

static void add_volume(struct view *v, const struct volume *vol, struct totals *t)
{
	struct volume_use use;

	if (vol->kind == VOLUME_SWAP)
		t->swap += bytes_of(&vol->data);
	if (vol->kind == VOLUME_SHARED)
		t->shared += bytes_of(&vol->data);
	if (!volume_is_thin(vol))
		return;
	volume_use(v, vol, &use);
	t->stores += bytes_of(&vol->data) + bytes_of(&vol->metadata);
	if (vol->kind != VOLUME_ROOT)
		return;
	t->roots++;
	t->known += use.known;
	t->private_used += use.known ? use.used : 0;
}

static uint64_t pv_bytes(const struct cluster *c)
{
	uint64_t n = 0;

	for (size_t i = 0; i < c->n_pvs; i++)
		n += c->pvs[i].extents * EXTENT_BYTES;
	return n;
}

/* What is free within slabs is free for every volume, so it counts. */
static void add_up(struct view *v, struct totals *t)
{
	const struct cluster *c = &v->c;
	uint64_t taken;

	for (size_t i = 0; i < c->n_images; i++)
		t->images += bytes_of(&c->images[i].segments);
	for (size_t i = 0; i < c->n_volumes; i++)
		add_volume(v, &c->volumes[i], t);
	taken = t->images + t->stores + t->swap + t->shared;
	t->free = pv_bytes(c) > taken ? pv_bytes(c) - taken : 0;
}

/* --- text ------------------------------------------------------------------------------------------------------------------ */

static void put_bytes(struct buf *b, uint64_t bytes)
{
	char text[24];

	buf_puts(b, str_bytes(text, sizeof(text), bytes));
}

static void put_place(const struct view *v, struct buf *b)
{
	const struct cluster *c = &v->c;

	buf_printf(b, "container   %s\ncluster id  %s\n", c->settings.container_name, c->id);
	if (v->place.disk[0])
		buf_printf(b, "disk        %s: state area %s, volumes %s\n", v->place.disk, v->place.state, v->place.pv);
	for (size_t i = 0; i < c->n_pvs; i++)
		buf_printf(b, "volumes on  %s, partition %s\n", v->pvs ? v->pvs[i] : "a disk that is not here", c->pvs[i].partuuid);
}

static void put_fencing(const struct cluster *c, struct buf *b)
{
	buf_printf(b, "fencing     %s%s%s%s\n", fencing_name(c->settings.fencing), c->fencing_why[0] ? " (" : "", c->fencing_why,
		   c->fencing_why[0] ? ")" : "");
}

static void put_slots(const struct summary *s, struct buf *b)
{
	buf_printf(b, "state       generation %llu, from slot %u\n", (unsigned long long)s->v->report.generation, s->v->report.slot);
	for (unsigned i = 0; i < 2; i++) {
		const struct slot_view *w = &s->slots[i];

		buf_printf(b, "  slot %u    %s", i, w->state == SLOT_DAMAGED && w->has_header ? "torn" : slot_state_name(w->state));
		if (w->has_header)
			buf_printf(b, ": generation %llu, %llu bytes", (unsigned long long)w->header.generation,
				   (unsigned long long)w->header.length);
		buf_puts(b, "\n");
	}
}

static void put_images(const struct cluster *c, struct buf *b)
{
	char ref[IMAGE_REF_SIZE];

	for (size_t i = 0; i < c->n_images; i++) {
		const struct image *m = &c->images[i];

		buf_printf(b, "image       %s, ", image_ref(ref, m));
		put_bytes(b, m->bytes);
		buf_printf(b, ", kernel %s\n  sha256    %s\n", m->kernel[0] ? m->kernel : "unknown",
			   m->sha256[0] ? m->sha256 : "not sealed");
	}
}

static void put_totals(const struct summary *s, struct buf *b)
{
	const struct totals *t = &s->t;
	const struct {
		const char *what;
		uint64_t bytes;
	} lines[] = {{"space", pv_bytes(&s->v->c)}, {"  free", t->free}, {"  images", t->images},
		     {"  stores", t->stores},       {"  swap", t->swap}, {"  shared", t->shared}};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		buf_printf(b, "%-11s ", lines[i].what);
		put_bytes(b, lines[i].bytes);
		buf_puts(b, "\n");
	}
	buf_puts(b, "private     ");
	put_bytes(b, t->private_used);
	buf_printf(b, " written by %zu of %zu nodes", t->known, t->roots);
	if (t->known) {
		buf_puts(b, ", ");
		put_bytes(b, t->private_used / t->known);
		buf_puts(b, " each; the images are there once");
	}
	buf_puts(b, "\n");
}

static bool is_on_holder(const struct view *v, const struct volume *vol, const struct volume_use *use, const char *where)
{
	const struct node *holder = cluster_node(&v->c, vol->node);

	return holder && (use->here ? holder->number == this_node() : strcmp(where, holder->name) == 0);
}

/* One line for each holder, and one for the disks that nobody holds: "vm1, vm2 (not in use)". */
static void put_disk(struct view *v, const struct volume *vol, bool first, struct buf *b)
{
	char place[USE_PLACE_SIZE];
	struct volume_use use;
	const char *where;

	volume_use(v, vol, &use);
	where = use_place(v, &use, place);
	buf_printf(b, "%s%s", first ? "" : ", ", vol->name);
	if (!where && vol->node)
		buf_puts(b, " (not in use)");
	else if (where && !is_on_holder(v, vol, &use, where))
		buf_printf(b, " (in use: %s)", where);
}

static void put_disks_of(struct view *v, unsigned node, const char *holder, struct buf *b)
{
	bool first = true;

	for (size_t i = 0; i < v->c.n_volumes; i++) {
		if (v->c.volumes[i].kind != VOLUME_DISK || v->c.volumes[i].node != node)
			continue;
		if (first)
			buf_printf(b, "  %-9s ", holder);
		put_disk(v, &v->c.volumes[i], first, b);
		first = false;
	}
	if (!first)
		buf_puts(b, "\n");
}

static void put_disks(struct view *v, struct buf *b)
{
	const struct cluster *c = &v->c;
	size_t n = 0, held = 0;

	for (size_t i = 0; i < c->n_volumes; i++) {
		n += c->volumes[i].kind == VOLUME_DISK;
		held += c->volumes[i].kind == VOLUME_DISK && c->volumes[i].node;
	}
	if (n == 0)
		return;
	buf_printf(b, "disks       %zu, of which nodes hold %zu\n", n, held);
	for (size_t i = 0; i < c->n_nodes; i++)
		put_disks_of(v, c->nodes[i].number, c->nodes[i].name, b);
	put_disks_of(v, 0, "nobody", b);
}

/* The volumes whose stores want space and have none. What can be done about it each node tells itself, in WHY. */
typedef void wait_fn(const struct volume *vol, const struct volume_use *use, const char *why, void *data);

static void each_wait(struct view *v, wait_fn *fn, void *data)
{
	for (size_t i = 0; i < v->c.n_volumes; i++) {
		const struct volume *vol = &v->c.volumes[i];
		struct volume_status told;
		struct volume_use use;

		if (!volume_is_thin(vol) || !vol->node)
			continue;
		volume_use(v, vol, &use);
		if (use.short_since)
			fn(vol, &use, volume_status_read(v->area, vol->node, &told, NULL) == 0 ? told.why : "", data);
	}
}

static void put_wait(const struct volume *vol, const struct volume_use *use, const char *why, void *data)
{
	const time_t since = (time_t)use->short_since;
	char when[32] = "";
	struct tm tm;

	if (localtime_r(&since, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	buf_printf(data, "%s %s since %s", vol->name, use->full ? "waits for space" : "is short of space", when);
	buf_printf(data, "%s%s\n", why[0] ? ": " : "", why);
}

static int print_text(const struct summary *s, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;

	put_place(s->v, &b);
	put_slots(s, &b);
	put_fencing(&s->v->c, &b);
	buf_printf(&b, "nodes       %zu\n", s->v->c.n_nodes);
	put_images(&s->v->c, &b);
	put_disks(s->v, &b);
	put_totals(s, &b);
	each_wait(s->v, put_wait, &b);
	for (size_t i = 0; i < b.len; i++)
		if (((unsigned char)b.data[i] < ' ' && b.data[i] != '\n') || b.data[i] == 0x7f)
			b.data[i] = '?';
	return print_all(&b, e);
}

/* --- JSON -------------------------------------------------------------------------------------------------------------------- */

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *json_slots(const struct summary *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < 2; i++) {
		const struct slot_view *w = &s->slots[i];

		json_array_append_new(list, json_pack("{s:i,s:s,s:o,s:o}", "slot", (int)i, "state",
						      w->state == SLOT_DAMAGED && w->has_header ? "torn" : slot_state_name(w->state),
						      "generation", w->has_header ? number(w->header.generation) : json_null(), "bytes",
						      w->has_header ? number(w->header.length) : json_null()));
	}
	return list;
}

static json_t *json_images(const struct cluster *c)
{
	json_t *list = json_array();
	char ref[IMAGE_REF_SIZE];

	for (size_t i = 0; i < c->n_images; i++) {
		const struct image *m = &c->images[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:i,s:o,s:o,s:o,s:b}", "image", image_ref(ref, m), "name", m->name, "version",
						(int)m->version, "bytes", number(m->bytes), "kernel", text_or_null(m->kernel), "sha256",
						text_or_null(m->sha256), "composed_here", image_is_composed(c, m)));
	}
	return list;
}

static json_t *json_pvs(const struct view *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->c.n_pvs; i++)
		json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "partuuid", v->c.pvs[i].partuuid, "device",
						      text_or_null(v->pvs ? v->pvs[i] : NULL), "bytes",
						      number(v->c.pvs[i].extents * EXTENT_BYTES)));
	return list;
}

static json_t *json_totals(const struct summary *s)
{
	const struct totals *t = &s->t;

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "pv_bytes", number(pv_bytes(&s->v->c)), "free_bytes", number(t->free),
			 "image_bytes", number(t->images), "store_bytes", number(t->stores), "swap_bytes", number(t->swap), "shared_bytes",
			 number(t->shared), "private_bytes", number(t->private_used), "roots", number(t->roots), "roots_known",
			 number(t->known));
}

static json_t *json_disks(struct view *v)
{
	json_t *list = json_array();
	char place[USE_PLACE_SIZE];
	struct volume_use use;

	for (size_t i = 0; i < v->c.n_volumes; i++) {
		const struct volume *vol = &v->c.volumes[i];

		if (vol->kind != VOLUME_DISK)
			continue;
		volume_use(v, vol, &use);
		json_array_append_new(list, json_pack("{s:s,s:o,s:o}", "volume", vol->name, "node", vol->node ? number(vol->node) : json_null(), "in_use",
						      text_or_null(use_place(v, &use, place))));
	}
	return list;
}

static void add_wait(const struct volume *vol, const struct volume_use *use, const char *why, void *data)
{
	json_array_append_new(data, json_pack("{s:s,s:i,s:o,s:b,s:s}", "volume", vol->name, "node", (int)vol->node, "since",
					      number(use->short_since), "full", use->full, "why", why));
}

static json_t *json_waits(struct view *v)
{
	json_t *list = json_array();

	each_wait(v, add_wait, list);
	return list;
}

static int print_json(const struct summary *s, struct error *e)
{
	struct view *v = s->v;
	struct buf b cleanup_buf = BUF_INIT;
	cleanup_free char *text = NULL;
	json_auto_t *o =
		json_pack("{s:s,s:s,s:o,s:{s:o,s:i,s:o,s:o},s:{s:s,s:o},s:i,s:o,s:o,s:o,s:o,s:o}", "container", v->c.settings.container_name,
			  "id", v->c.id, "disk", text_or_null(v->place.disk), "state", "generation", number(v->report.generation), "slot",
			  (int)v->report.slot, "warning", text_or_null(v->report.warning), "slots", json_slots(s), "fencing", "way",
			  fencing_name(v->c.settings.fencing), "why", text_or_null(v->c.fencing_why), "nodes", (int)v->c.n_nodes, "pvs",
			  json_pvs(v), "images", json_images(&v->c), "disks", json_disks(v), "totals", json_totals(s), "waiting", json_waits(v));

	text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	if (!text)
		return error_errno(e, ENOMEM, "output");
	buf_printf(&b, "%s\n", text);
	return print_all(&b, e);
}

int status_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct summary s = {.v = &v};
	int r = view_open(&v, e);

	(void)argc;
	(void)argv;
	if (r == 0)
		r = area_inspect(v.area, s.slots, e);
	if (r < 0)
		return r;
	add_up(&v, &s.t);
	return options.json ? print_json(&s, e) : print_text(&s, e);
}
