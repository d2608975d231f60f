/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "edit.h"

#include "base/str.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MIB     (1024 * 1024ull)
#define MIB_MAX (1ull << 32) /* 4 PiB */

static const struct table_column columns[] = {
	{"VOLUME", "volume", TABLE_TEXT}, {"NODE", "node", TABLE_NUMBER},      {"KIND", "kind", TABLE_TEXT},
	{"IMAGE", "image", TABLE_TEXT},   {"SIZE", "size_bytes", TABLE_BYTES}, {"STORE", "store_bytes", TABLE_BYTES},
	{NULL, "undo_image", TABLE_TEXT}, {NULL, "incarnation", TABLE_NUMBER}, {NULL, "generation", TABLE_NUMBER},
};

int edit_begin(struct edit *ed, const char *verb, int argc, char **argv, struct error *e)
{
	struct buf what cleanup_buf = BUF_INIT;
	char note[NOTE_SIZE];

	*ed = (struct edit){.told = BUF_INIT};
	if (options.state) {
		error_set(e, EINVAL, "%s: a copy of a state area has no volumes: name the container", verb);
		return -CLI_USAGE;
	}
	buf_printf(&what, "volmgr %s", verb);
	for (int i = 0; i < argc; i++)
		buf_printf(&what, " %s", argv[i]);
	snprintf(note, sizeof(note), "%s", buf_str(&what));
	if (what.len >= sizeof(note))
		memcpy(note + sizeof(note) - 4, "...", 4);
	return tool_change(str_printable(note), &ed->ch, e);
}

void edit_end(struct edit *ed)
{
	change_end(ed->ch);
	free(ed->names);
	free(ed->copies);
	buf_free(&ed->told);
}

static const struct volume *find_volume(const struct cluster *c, const char *text)
{
	const struct volume *v = cluster_volume(c, text);
	const struct node *n = v ? NULL : cluster_node_called(c, text);

	return n ? cluster_node_volume(c, n->number, VOLUME_ROOT) : v;
}

int edit_names(struct edit *ed, int argc, char **argv, struct error *e)
{
	ed->names = calloc((size_t)argc + 1, sizeof(*ed->names));
	ed->copies = calloc((size_t)argc + 1, sizeof(*ed->copies));
	if (!ed->names || !ed->copies)
		return error_errno(e, ENOMEM, "operands");
	for (int i = 0; i < argc; i++) {
		const struct volume *v = find_volume(&ed->ch->c, argv[i]);

		if (!v)
			return error_set(e, ENOENT, "there is no volume and no node '%.130s': see volmgr list", argv[i]);
		memcpy(ed->copies[i], v->name, sizeof(ed->copies[i]));
		ed->names[i] = ed->copies[i];
	}
	ed->n = (size_t)argc;
	return 0;
}

const char *edit_title(const struct edit *ed, const struct volume *v)
{
	const struct node *n = v->kind == VOLUME_ROOT ? cluster_node(&ed->ch->c, v->node) : NULL;

	return n ? n->name : v->name;
}

static int print_table(const struct edit *ed, struct error *e)
{
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));

	for (size_t i = 0; t && i < ed->n; i++) {
		const struct volume *v = cluster_volume(&ed->ch->c, ed->names[i]);

		if (!v)
			continue;
		table_row(t);
		table_text(t, v->name);
		table_number_if(t, v->node, v->node);
		table_text(t, volume_kind_name(v->kind));
		table_text(t, v->image[0] ? v->image : NULL);
		table_number(t, v->bytes);
		table_number(t, segments_extents(&v->data) * EXTENT_BYTES);
		table_text(t, v->has_undo ? v->undo_image : NULL);
		table_number_if(t, v->incarnation, v->incarnation);
		table_number(t, ed->ch->c.generation);
	}
	return table_print(t, true, "volumes", e);
}

int edit_publish(struct edit *ed, struct error *e)
{
	int r = change_publish(ed->ch, e);

	if (r < 0)
		return r;
	return options.json ? print_table(ed, e) : print_all(&ed->told, e);
}

int edit_mib(const char *text, const char *what, uint64_t *ret, struct error *e)
{
	uint64_t n;

	if (str_to_u64(text, 1, MIB_MAX, &n) < 0) {
		error_set(e, EINVAL, "%s: '%.40s' is not a number of MiB", what, text);
		return -CLI_USAGE;
	}
	*ret = n * MIB;
	return 0;
}
