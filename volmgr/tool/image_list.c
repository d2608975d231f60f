/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image list, image show. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/table.h"
#include "volmgr/images.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct table_column columns[] = {
	{"IMAGE", "image", TABLE_TEXT}, {NULL, "name", TABLE_TEXT},           {NULL, "version", TABLE_NUMBER},
	{"USE", "use", TABLE_TEXT},     {"SIZE", "size_bytes", TABLE_BYTES},  {"KERNEL", "kernel", TABLE_TEXT},
	{"MADE", "made", TABLE_TEXT},   {NULL, "created", TABLE_NUMBER},      {NULL, "sha256", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT}, {"VOLUMES", "volumes", TABLE_NUMBER},
};

/* "2026-11-21 02:45", in the machine's time zone. */
static char *made_text(const struct image *i, char dst[32])
{
	time_t t = (time_t)i->created;
	struct tm tm;

	if (!i->created || !localtime_r(&t, &tm) || !strftime(dst, 32, "%Y-%m-%d %H:%M", &tm))
		return NULL;
	return dst;
}

/* NULL: nothing special. */
static const char *state_text(const struct cluster *c, const struct image *i)
{
	char ref[IMAGE_REF_SIZE];

	if (i->filling)
		return "unfinished";
	if (cluster_default_image(c) == i)
		return "default";
	return strcmp(c->previous_image, image_ref(ref, i)) == 0 ? "previous" : NULL;
}

static size_t count_volumes(const struct cluster *c, const struct image *i)
{
	char ref[IMAGE_REF_SIZE];
	size_t n = 0;

	image_ref(ref, i);
	for (size_t k = 0; k < c->n_volumes; k++)
		n += strcmp(c->volumes[k].image, ref) == 0;
	return n;
}

static void add_row(const struct cluster *c, const struct image *i, struct table *t)
{
	char ref[IMAGE_REF_SIZE], made[32];

	table_row(t);
	table_text(t, image_ref(ref, i));
	table_text(t, i->name);
	table_number(t, i->version);
	table_text(t, image_use_name(i->use));
	table_number(t, i->bytes);
	table_text(t, i->kernel[0] ? i->kernel : NULL);
	table_text(t, made_text(i, made));
	table_number_if(t, i->created, i->created);
	table_text(t, i->sha256[0] ? i->sha256 : NULL);
	table_text(t, state_text(c, i));
	table_number(t, count_volumes(c, i));
}

int image_list_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));
	int r = view_open(&v, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	for (size_t i = 0; i < v.c.n_images; i++)
		add_row(&v.c, &v.c.images[i], t);
	return table_print(t, options.json, "images", e);
}

/* --- one --------------------------------------------------------------------------------------------------------------------- */

static void show_text(const struct cluster *c, const struct image *i, struct buf *b)
{
	char ref[IMAGE_REF_SIZE], size[32], made[32];
	struct buf users cleanup_buf = BUF_INIT;

	buf_printf(b, "image    %s%s%s\n", image_ref(ref, i), state_text(c, i) ? ", " : "", state_text(c, i) ? state_text(c, i) : "");
	buf_printf(b, "use      %s\nsize     %s\n", i->use == IMAGE_NODE ? "node: a root file system" : "disk: of a VM",
		   str_bytes(size, sizeof(size), i->bytes));
	buf_printf(b, "kernel   %s\n", i->kernel[0] ? i->kernel : "-");
	buf_printf(b, "made     %s\n", made_text(i, made) ? made : "-");
	buf_printf(b, "sha256   %s\n", i->sha256[0] ? i->sha256 : "not sealed");
	buf_printf(b, "used by  %s\n", images_users(c, ref, &users) ? buf_str(&users) : "-");
	if (i->filling)
		buf_printf(b, "begun on %s%s\n",
			   i->filled_by && cluster_node(c, i->filled_by) ? cluster_node(c, i->filled_by)->name
									 : "a machine that is no node",
			   ": while nobody fills it there, it is left over");
}

static json_t *volumes_on(const struct cluster *c, const char *ref, bool undo)
{
	json_t *list = json_array();

	for (size_t k = 0; k < c->n_volumes; k++) {
		const struct volume *v = &c->volumes[k];

		if (undo ? v->has_undo && strcmp(v->undo_image, ref) == 0 : strcmp(v->image, ref) == 0)
			json_array_append_new(list, json_string(v->name));
	}
	return list;
}

static json_t *nodes_on(const struct cluster *c, const char *ref)
{
	json_t *list = json_array();

	for (size_t k = 0; k < c->n_nodes; k++)
		if (strcmp(c->nodes[k].image, ref) == 0)
			json_array_append_new(list, json_string(c->nodes[k].name));
	return list;
}

static json_t *text_or_null(const char *text)
{
	return text && *text ? json_string(text) : json_null();
}

static int show_json(const struct cluster *c, const struct image *i, struct buf *b)
{
	cleanup_free char *text = NULL;
	char ref[IMAGE_REF_SIZE];
	json_t *o;

	image_ref(ref, i);
	o = json_pack("{s:s, s:s, s:i, s:s, s:I, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "image", ref, "name", i->name, "version",
		      (int)i->version, "use", image_use_name(i->use), "size_bytes", (json_int_t)i->bytes, "kernel", text_or_null(i->kernel),
		      "created", (json_int_t)i->created, "sha256", text_or_null(i->sha256), "state", text_or_null(state_text(c, i)),
		      "volumes", volumes_on(c, ref, false), "undo", volumes_on(c, ref, true), "nodes", nodes_on(c, ref));
	text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	json_decref(o);
	if (!text)
		return -ENOMEM;
	buf_printf(b, "%s\n", text);
	return 0;
}

int image_show_run(int argc, char **argv, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	struct view v cleanup_view;
	const struct image *i;
	int r = view_open(&v, e);

	(void)argc;
	if (r < 0)
		return r;
	i = images_find(&v.c, argv[0]);
	if (!i)
		return error_set(e, ENOENT, "there is no image '%.100s': 'volmgr image list' names them", argv[0]);
	if (!options.json)
		show_text(&v.c, i, &b);
	else if (show_json(&v.c, i, &b) < 0)
		return error_errno(e, ENOMEM, "output");
	return print_all(&b, e);
}
