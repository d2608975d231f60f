/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `volmgr san list`: the disks of the SAN as this machine sees them. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/table.h"
#include "disk.h"

#include <errno.h>
#include <string.h>

static const struct table_column columns[] = {
	{"DISK", "disk", TABLE_TEXT},        {"LUN", "lun", TABLE_NUMBER},   {"SIZE", "size_bytes", TABLE_BYTES},
	{"FREE", "free_bytes", TABLE_BYTES}, {"HOLDS", "holds", TABLE_TEXT}, {"PATHS", "paths", TABLE_TEXT},
	{"WWID", "wwid", TABLE_TEXT},        {NULL, "serial", TABLE_TEXT},   {NULL, "target", TABLE_TEXT},
};

/* "debian12 (state, volumes), 2 other partitions", "ext4", "nothing". */
static void describe_content(const struct disk *d, const struct disk_info *i, struct buf *b)
{
	char name[NAME_SIZE];
	unsigned others = 0;

	for (size_t k = 0; k < d->n; k++) {
		const char *label = d->parts[k].label, *sep = b->len ? ", " : "";

		if (disk_container_label(label, "-state", name))
			buf_printf(b, "%s%s (state)", sep, name);
		else if (disk_container_label(label, "-pv", name))
			buf_printf(b, "%s%s (volumes)", sep, name);
		else
			others++;
	}
	if (others)
		buf_printf(b, "%s%u other partition%s", b->len ? ", " : "", others, others > 1 ? "s" : "");
	if (!b->len)
		buf_puts(b, i->other_content[0] ? i->other_content : "nothing");
}

static void describe_paths(const struct disk *d, struct buf *b)
{
	for (size_t i = 0; i < d->n_paths; i++) {
		const struct disk_path *p = &d->paths[i];

		buf_printf(b, "%s%s", i ? ", " : "", p->path + strlen("/dev/"));
		if (p->target[0])
			buf_printf(b, " by %s", p->portal);
		if (p->control || !p->up)
			buf_printf(b, " (%s%s%s)", p->control ? "control" : "", p->control && !p->up ? ", " : "", p->up ? "" : "down");
	}
}

static int add_disk(const struct disk *d, void *data, struct error *e)
{
	struct disk_info i CLEANUP(disk_info_free) = {.path = ""};
	struct buf holds cleanup_buf = BUF_INIT, paths cleanup_buf = BUF_INIT;
	const struct disk_path *p = &d->paths[0];
	struct table *t = data;
	int r = disk_inspect(d->path, &i, e);

	if (r < 0)
		return r;
	describe_content(d, &i, &holds);
	describe_paths(d, &paths);
	table_row(t);
	table_text(t, d->path);
	table_number_if(t, p->target[0], p->lun);
	table_number(t, i.bytes);
	table_number(t, i.n_free ? i.free_segments[0].size : 0);
	table_text(t, buf_str(&holds));
	table_text(t, buf_str(&paths));
	table_text(t, p->wwid[0] ? p->wwid : NULL);
	table_text(t, i.serial[0] ? i.serial : NULL);
	table_text(t, p->target[0] ? p->target : NULL);
	return buf_ok(&holds) && buf_ok(&paths) ? 0 : error_errno(e, ENOMEM, "%s", d->path);
}

int san_list_run(int argc, char **argv, struct error *e)
{
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));
	int r;

	(void)argc;
	(void)argv;
	disk_rescan();
	r = disk_each("", add_disk, t, e);
	return r < 0 ? r : table_print(t, options.json, "disks", e);
}
