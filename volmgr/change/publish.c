/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
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

/* What readers take now: its generation (0 = none yet) and its slot (-1). */
static int look(struct state_area *a, uint64_t *ret_generation, int *ret_slot, struct error *e)
{
	struct cluster there CLEANUP(cluster_freep);
	struct state_report rep;
	struct error why = ERROR_INIT;
	int r;

	cluster_init(&there);
	r = state_area_load(a, &there, &rep, &why);
	if (r < 0 && r != -ENODATA)
		return error_set(e, -r, "%s", why.text);
	*ret_generation = r == 0 ? rep.generation : 0;
	*ret_slot = r == 0 ? (int)rep.slot : -1;
	return 0;
}

static int record(struct state_area *a, const struct cluster *c, const struct buf *b, struct error *e)
{
	struct history_record h = {.generation = c->generation, .length = b->len, .crc = crc32c(0, b->data, b->len), .note = c->note};

	return area_history_write(a, &h, e);
}

/* C as generation NEXT; when that fails, c->generation stays as it was. */
static int publish_as(struct state_area *a, struct cluster *c, uint64_t next, struct error *e)
{
	struct buf b cleanup_buf = BUF_INIT;
	uint64_t before = c->generation;
	int r;

	c->generation = next;
	r = cluster_check(c, e);
	if (r == 0)
		r = document_print(c, &b, e);
	if (r == 0)
		r = record(a, c, &b, e);
	if (r == 0)
		r = area_write_document(a, next, buf_str(&b), b.len, e);
	if (r < 0)
		c->generation = before;
	return r;
}

static int check_id(struct state_area *a, const struct cluster *c, struct error *e)
{
	const struct superblock *s = area_superblock(a);

	return strcmp(s->id, c->id) == 0
		       ? 0
		       : error_set(e, EXDEV, "the state area there is that of container %s, cluster %s: this document is of cluster %s",
				   s->container, s->id, c->id);
}

/* A first document comes into an area that has never had one: behind erased slots the history still tells of them. */
static int check_new(struct state_area *a, struct error *e)
{
	cleanup_free struct history_record *list = NULL;
	size_t n;
	int r = area_history_list(a, &list, &n, e);

	if (r == 0 && n && list[0].generation > 1)
		return error_set(e, EUCLEAN, "generation %llu was published here, and both slots are empty: see 'volmgr state import'",
				 (unsigned long long)list[0].generation);
	return r;
}

int state_area_publish(struct state_area *a, struct cluster *c, struct error *e)
{
	uint64_t newest, next;
	int slot, r = check_id(a, c, e);

	if (r == 0)
		r = look(a, &newest, &slot, e);
	if (r < 0)
		return r;
	if (newest != c->generation)
		return error_set(e, ESTALE,
				 "generation %llu of the state is the newest, this change was made to generation %llu: nothing was "
				 "written, try again",
				 (unsigned long long)newest, (unsigned long long)c->generation);
	if (newest == 0)
		r = check_new(a, e);
	if (r == 0)
		r = area_next_generation(a, slot, 0, &next, e);
	return r == 0 ? publish_as(a, c, next, e) : r;
}

int area_restore(struct state_area *a, struct cluster *c, struct error *e)
{
	cleanup_free struct history_record *list = NULL;
	uint64_t seen = c->generation, next;
	size_t n = 0;
	int r = check_id(a, c, e);

	if (r == 0)
		r = area_history_list(a, &list, &n, e);
	if (r == 0 && n && list[0].generation > seen)
		seen = list[0].generation;
	if (r == 0)
		r = area_next_generation(a, -1, seen, &next, e);
	return r == 0 ? publish_as(a, c, next, e) : r;
}
