/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "cluster/document.h"
#include "volmgr/volmgr.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int state_area_format(const char *device, const char *container, const char *id, struct error *e)
{
	struct superblock s = {.id = ""};
	cleanup_fd int fd = area_file_open(device, true);
	void *ctx;
	int r;

	if (fd < 0)
		return error_errno(e, fd, "%s", device);
	if (lseek(fd, 0, SEEK_END) < (off_t)LAYOUT_SIZE)
		return error_set(e, ENOSPC, "%s: a state area takes 256 MiB", device);
	if (!str_is_label(container) || str_copy(s.container, sizeof(s.container), container) < 0 || str_copy(s.id, sizeof(s.id), id) < 0)
		return error_set(e, EINVAL, "'%s': not a container's name", container);
	ctx = area_file_new(fd);
	if (!ctx)
		return error_errno(e, ENOMEM, "%s", device);
	steal_fd(&fd);
	r = area_format_io(&area_file_io, ctx, &s, e);
	area_file_io.close(ctx);
	return r < 0 ? error_wrap(e, "%s", device) : 0;
}

int state_area_publish(struct state_area *a, struct cluster *c, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	uint64_t before = c->generation, next;
	int r;

	if (strcmp(area_superblock(a)->id, c->id) != 0)
		return error_set(e, EXDEV, "the state area there is that of container %s, cluster %s: this document is of cluster %s",
				 area_superblock(a)->container, area_superblock(a)->id, c->id);
	r = area_next_generation(a, &next, e);
	if (r < 0)
		return r;
	c->generation = next;
	r = document_print(c, &b, e);
	if (r == 0)
		r = area_write_document(a, next, buf_str(&b), b.len, e);
	if (r < 0)
		c->generation = before;
	return r;
}
