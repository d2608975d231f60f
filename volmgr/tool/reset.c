/* SPDX-License-Identifier: GPL-2.0-or-later */
/* volmgr remove, reset, undo */
#include "base/cleanup.h"
#include "base/str.h"
#include "edit.h"
#include "tool.h"

#include <stdio.h>

const char *reset_image = "";
bool reset_keep, reset_force, remove_force;

static uint64_t extents_of(const struct edit *ed)
{
	uint64_t n = 0;

	for (size_t i = 0; i < ed->n; i++) {
		const struct volume *v = cluster_volume(&ed->ch->c, ed->names[i]);

		n += segments_extents(&v->metadata) + segments_extents(&v->data);
	}
	return n;
}

int remove_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit;
	uint64_t bytes = 0;
	char text[24];
	int r = edit_begin(&ed, remove_force ? "remove --force" : "remove", argc, argv, e);

	if (r == 0)
		r = edit_names(&ed, argc, argv, e);
	if (r == 0) {
		bytes = extents_of(&ed) * EXTENT_BYTES;
		r = volumes_remove(ed.ch, ed.names, ed.n, remove_force, e);
	}
	if (r < 0)
		return r;
	if (ed.n == 1)
		buf_printf(&ed.told, "%s is removed", ed.names[0]);
	else
		buf_printf(&ed.told, "%zu volumes are removed", ed.n);
	buf_printf(&ed.told, ": %s are free again\n", str_bytes(text, sizeof(text), bytes));
	return edit_publish(&ed, e);
}

static void tell_reset(struct edit *ed, const struct volume *v)
{
	const char *title = edit_title(ed, v);

	buf_printf(&ed->told, "%s starts anew from %s at its next %s", title, v->image[0] ? v->image : "zeros",
		   v->kind == VOLUME_ROOT ? "boot" : "use");
	if (v->has_undo)
		buf_printf(&ed->told, "; volmgr undo %s takes it back\n", title);
	else
		buf_puts(&ed->told, reset_keep ? "; it was never booted, so there is nothing to keep\n" : "; what it was is gone\n");
}

int reset_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit;
	int r = edit_begin(&ed, reset_keep ? "reset --keep" : reset_force ? "reset --force" : "reset", argc, argv, e);

	if (r == 0)
		r = edit_names(&ed, argc, argv, e);
	if (r == 0)
		r = volumes_reset(ed.ch, ed.names, ed.n, reset_image, reset_keep, reset_force, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ed.n; i++)
		tell_reset(&ed, cluster_volume(&ed.ch->c, ed.names[i]));
	return edit_publish(&ed, e);
}

int undo_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit;
	int r = edit_begin(&ed, "undo", argc, argv, e);

	if (r == 0)
		r = edit_names(&ed, argc, argv, e);
	if (r == 0)
		r = volumes_undo(ed.ch, ed.names, ed.n, e);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ed.n; i++) {
		const struct volume *v = cluster_volume(&ed.ch->c, ed.names[i]);

		buf_printf(&ed.told, "%s is again what it was before its reset, on %s, from its next boot on%s\n", edit_title(&ed, v),
			   v->image, v->has_undo ? "; the same command takes that back" : "");
	}
	return edit_publish(&ed, e);
}
