/* SPDX-License-Identifier: GPL-2.0-or-later */
/* image diff: which files a node has changed against its image. */
#include "tool.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "cli/table.h"
#include "compose_look.h"
#include "tree_diff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define IMAGE_POINT "/run/byre/image-tree"

static const struct table_column columns[] = {
	{"CHANGE", "change", TABLE_TEXT},
	{"WHAT", "what", TABLE_TEXT},
	{"SIZE", "size_bytes", TABLE_BYTES},
	{"FILE", "path", TABLE_TEXT},
};

static const char *change_name(enum tree_change c)
{
	static const char *const names[] = {"added", "changed", "removed"};

	return (size_t)c < ARRAY_SIZE(names) ? names[c] : "?";
}

/* "content,mode"; NULL: nothing. */
static const char *what_text(unsigned what, char dst[64])
{
	static const char *const names[] = {"type", "content", "mode", "owner", "target"};
	size_t n = 0;

	dst[0] = '\0';
	for (unsigned k = 0; k < ARRAY_SIZE(names); k++)
		if (what & 1u << k)
			n += (size_t)snprintf(dst + n, 64 - n, "%s%s", n ? "," : "", names[k]);
	return n ? dst : NULL;
}

static int print(const struct tree_differences *d, struct error *e)
{
	struct table *t CLEANUP(table_freep) = table_new(columns, ARRAY_SIZE(columns));
	struct buf path cleanup_buf = BUF_INIT;
	char what[64];

	for (size_t i = 0; i < d->n; i++) {
		path.len = 0;
		buf_printf(&path, "/%s", d->v[i].path);
		table_row(t);
		table_text(t, change_name(d->v[i].change));
		table_text(t, what_text(d->v[i].what, what));
		table_number(t, d->v[i].bytes);
		table_text(t, buf_str(&path));
	}
	return table_print(t, options.json, "files", e);
}

static int diff_trees(const char *now, const char *before, struct error *e)
{
	struct tree_differences d CLEANUP(tree_differences_free) = {NULL, 0};
	cleanup_fd int a = open(now, O_RDONLY | O_DIRECTORY | O_CLOEXEC), b = open(before, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (a < 0 || b < 0)
		return error_errno(e, errno, "%s, %s", now, before);
	r = tree_diff(a, b, &d, e);
	return r == 0 ? print(&d, e) : r;
}

/* The image of a root that was never booted is all that there is: nothing differs. */
int image_diff_run(int argc, char **argv, struct error *e)
{
	struct node_tree t CLEANUP(node_tree_close) = {.path = NULL};
	const struct tree_differences none = {NULL, 0};
	const struct image *i;
	char device[256];
	bool was_there;
	int r = node_tree_open(&t, argv[0], false, e);

	(void)argc;
	if (r == -ENODATA)
		return print(&none, e);
	if (r < 0)
		return r;
	i = cluster_image(&t.v.c, t.root->image);
	if (!i)
		return error_set(e, ENOENT, "node %s: its image %s is not in the state", t.node->name, t.root->image);
	was_there = image_is_composed(&t.v.c, i);
	r = image_compose(&t.v.c, i, t.v.pvs, device, e);
	if (r < 0)
		return r;
	r = image_mount(device, IMAGE_POINT, true, e);
	if (r == 0) {
		r = diff_trees(t.path, IMAGE_POINT, e);
		image_umount(IMAGE_POINT, NULL);
	}
	if (!was_there)
		image_release(&t.v.c, i, NULL);
	return r;
}
