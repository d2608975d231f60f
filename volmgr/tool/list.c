/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "cli/table.h"

#include <stdio.h>

static const struct table_column columns[] = {
	{"VOLUME", "volume", TABLE_TEXT},      {"NODE", "node", TABLE_NUMBER},
	{"KIND", "kind", TABLE_TEXT},          {"IMAGE", "image", TABLE_TEXT},
	{"SIZE", "size_bytes", TABLE_BYTES},   {"USED", "private_bytes", TABLE_BYTES},
	{"STORE", "store_bytes", TABLE_BYTES}, {NULL, "metadata_used_bytes", TABLE_BYTES},
	{NULL, "metadata_bytes", TABLE_BYTES}, {"IN USE", "in_use", TABLE_TEXT},
	{NULL, "device", TABLE_TEXT},          {NULL, "waits_since", TABLE_NUMBER},
};

static void add_place(const struct view *v, const struct volume *vol, const struct volume_use *use, struct table *t)
{
	char path[256], who[USE_PLACE_SIZE];

	snprintf(path, sizeof(path), "/dev/mapper/byre-%s-%s", v->c.settings.container_name, vol->name);
	table_text(t, use_place(v, use, who));
	table_text(t, use->here ? path : NULL);
}

static void add_row(struct view *v, const struct volume *vol, struct table *t)
{
	bool thin = volume_is_thin(vol);
	struct volume_use use;

	volume_use(v, vol, &use);
	table_row(t);
	table_text(t, vol->name);
	table_number_if(t, vol->node, vol->node);
	table_text(t, volume_kind_name(vol->kind));
	table_text(t, vol->image[0] ? vol->image : NULL);
	table_number(t, vol->bytes);
	table_number_if(t, use.known, use.used);
	table_number(t, segments_extents(&vol->data) * EXTENT_BYTES);
	table_number_if(t, use.known, use.metadata_used);
	table_number_if(t, thin, segments_extents(&vol->metadata) * EXTENT_BYTES);
	add_place(v, vol, &use, t);
	table_number_if(t, use.short_since, use.short_since);
}

int list_run(int argc, char **argv, struct error *e)
{
	struct view v cleanup_view;
	struct table *t CLEANUP(table_freep) = table_new(columns, sizeof(columns) / sizeof(columns[0]));
	int r = view_open(&v, e);

	(void)argc;
	(void)argv;
	if (r < 0)
		return r;
	for (size_t i = 0; i < v.c.n_volumes; i++)
		add_row(&v, &v.c.volumes[i], t);
	return table_print(t, options.json, "volumes", e);
}
