/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of a pool that nobody uses, to be given up when the pool would not stand still. */
#include "thin_parts.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BALLASTS   8                        /* each serves once, until all are had again */
#define BALLAST_ID (THIN_ID_MAX - BALLASTS) /* the first; no volume gets one of these */

/* A block is the device's own once anything was written to it. */
static int write_block(const char *name, struct error *e)
{
	const size_t bytes = 4096;
	cleanup_free char *zeros = aligned_alloc(bytes, bytes);
	cleanup_fd int fd = -1;
	char path[256];
	int r;

	if (!zeros)
		return error_errno(e, ENOMEM, "%s", name);
	memset(zeros, 0, bytes);
	mapper_path(name, path);
	fd = open(path, O_WRONLY | O_DIRECT | O_CLOEXEC);
	r = fd < 0 ? -errno : write_full(fd, zeros, bytes);
	return r < 0 ? error_errno(e, r, "%s", path) : 0;
}

/* 1: the device has its block. */
static int has_block(const struct device *d, struct error *e)
{
	char status[64];
	int r = mapper_status(d->name, "thin", status, sizeof(status), e);

	return r < 0 ? r : status[0] != '0';
}

/* The device of block ID, which is one device for all of them in turn: udev is slow to learn whose number is whose. */
static int turn_to(const struct thin_parts *p, uint32_t id, bool *made, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = false};
	char pool[32], params[64];
	int r = device_number(&p->pool, pool, e);

	if (r < 0)
		return r;
	snprintf(params, sizeof(params), "%s %u", pool, id);
	r = table_line(&t, "thin", THIN_BLOCK_BYTES, params, e);
	if (r == 0)
		r = *made ? mapper_reload(p->ballast.name, &t, e) : mapper_create(p->ballast.name, p->ballast.uuid, true, &t, e);
	*made |= r == 0;
	return r;
}

/* Why a device cannot be made libdevmapper does not tell apart: when it can once the pool has one, that was it. */
static int keep(const struct thin_parts *p, uint32_t id, bool fresh, bool *made, struct error *e)
{
	struct error absent = ERROR_INIT;
	int r = fresh ? -ENODATA : turn_to(p, id, made, &absent);

	if (r < 0) {
		r = thin_tell_pool(&p->pool, "create_thin", id, e);
		if (r == 0)
			r = turn_to(p, id, made, e);
	}
	if (r == 0)
		r = has_block(&p->ballast, e);
	return r == 0 ? write_block(p->ballast.name, e) : r;
}

/* The first is had last and goes first: when it is there, so are the others. */
static bool all_are_kept(const struct thin_parts *p, bool *made)
{
	struct error absent = ERROR_INIT;

	return turn_to(p, BALLAST_ID, made, &absent) == 0 && has_block(&p->ballast, NULL) > 0;
}

int ballast_keep(const struct thin_parts *p, bool fresh, struct error *e)
{
	bool made = false;
	int r = mapper_remove(p->ballast.name, e), gone;

	if (r == 0 && (fresh || !all_are_kept(p, &made)))
		for (uint32_t i = BALLASTS; r >= 0 && i-- > 0;)
			r = keep(p, BALLAST_ID + i, fresh, &made, e);
	gone = made ? mapper_remove(p->ballast.name, r < 0 ? NULL : e) : 0;
	return r < 0 ? r : gone;
}

void ballast_drop(const struct device *pool)
{
	for (uint32_t i = 0; i < BALLASTS; i++)
		if (thin_tell_pool(pool, "delete", BALLAST_ID + i, NULL) == 0)
			return;
}
