/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tool.h"

#include "base/cleanup.h"
#include "cli/progress.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void advance(const char *what, uint64_t done, uint64_t total, void *data)
{
	(void)what;
	(void)total;
	progress_at(data, done);
}

static int verify(const struct view *v, const struct image *i, struct buf *b, struct error *e)
{
	char ref[IMAGE_REF_SIZE];
	struct progress p;
	int r;

	if (!i->sha256[0])
		return error_set(e, ENODATA, "image %s: unfinished: there is no checksum to compare with", image_ref(ref, i));
	progress_begin(&p, "volmgr", image_ref(ref, i), i->bytes, true);
	r = image_verify(&v->c, i, advance, &p, e);
	progress_end(&p);
	if (r == 0)
		buf_printf(b, "%s: whole, sha256 %s\n", ref, i->sha256);
	return r;
}

int image_verify_run(int argc, char **argv, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	struct view v cleanup_view;
	const struct image *only = NULL;
	int r = view_open(&v, e);

	if (r == 0)
		r = view_need_pvs(&v, e);
	if (r < 0)
		return r;
	if (argc > 0) {
		only = cluster_image(&v.c, argv[0]);
		if (!only)
			return error_set(e, ENOENT, "there is no image '%.100s': 'volmgr status' names them", argv[0]);
	}
	for (size_t i = 0; i < v.c.n_images && r == 0; i++)
		if (only ? only == &v.c.images[i] : !v.c.images[i].filling)
			r = verify(&v, &v.c.images[i], &b, e);
	return r == 0 ? print_all(&b, e) : r;
}
