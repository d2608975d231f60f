/* SPDX-License-Identifier: GPL-2.0-or-later */
/* volmgr resize, grow */
#include "base/cleanup.h"
#include "base/str.h"
#include "edit.h"
#include "plan.h"
#include "tool.h"

#include <errno.h>
#include <stdio.h>

/* volmgrd makes thin volumes larger while they are in use; what stands on them is another matter. */
static void tell_next(const struct cluster *c, const struct volume *v, struct buf *b)
{
	switch (v->kind) {
	case VOLUME_ROOT:
		buf_printf(b, ": at once where it is in use. Its file system grows when the node boots, or there now: resize2fs /dev/mapper/byre-%s-%s\n",
			   c->settings.container_name, v->name);
		break;
	case VOLUME_DISK:
		buf_puts(b, ": at once where it is in use\n");
		break;
	default:
		buf_puts(b, " from its node's next boot on\n");
	}
}

int resize_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit = {.told = BUF_INIT};
	const struct volume *v;
	uint64_t bytes;
	char text[24];
	int r = edit_mib(argv[1], "resize", &bytes, e);

	if (r == 0)
		r = edit_begin(&ed, "resize", argc, argv, e);
	if (r == 0)
		r = edit_names(&ed, 1, argv, e);
	if (r == 0)
		r = volume_resize(ed.ch, ed.names[0], bytes, e);
	if (r < 0)
		return r;
	v = cluster_volume(&ed.ch->c, ed.names[0]);
	buf_printf(&ed.told, "%s has %s", v->name, str_bytes(text, sizeof(text), v->bytes));
	tell_next(&ed.ch->c, v, &ed.told);
	return edit_publish(&ed, e);
}

int grow_run(int argc, char **argv, struct error *e)
{
	struct edit ed cleanup_edit = {.told = BUF_INIT};
	struct store_want want;
	const struct volume *v;
	uint64_t bytes;
	char more[24], all[24];
	int r = edit_mib(argv[1], "grow", &bytes, e);

	if (r == 0)
		r = edit_begin(&ed, "grow", argc, argv, e);
	if (r == 0)
		r = edit_names(&ed, 1, argv, e);
	if (r < 0)
		return r;
	want = (struct store_want){ed.names[0], plan_extents(bytes)};
	r = stores_grow(ed.ch, &want, 1, e);
	if (r < 0)
		return r;
	if (!want.extents)
		return error_set(e, ENOSPC, "the container has no space left: remove volumes or images, or add a disk");
	v = cluster_volume(&ed.ch->c, ed.names[0]);
	buf_printf(&ed.told, "%s: %s more for its store, %s in all%s\n", v->name,
		   str_bytes(more, sizeof(more), want.extents * EXTENT_BYTES),
		   str_bytes(all, sizeof(all), segments_extents(&v->data) * EXTENT_BYTES),
		   want.extents < plan_extents(bytes) ? "; the container is full now: add a disk" : "");
	return edit_publish(&ed, e);
}
