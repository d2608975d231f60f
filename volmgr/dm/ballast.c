/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One block of a pool that nobody uses, to be given up when the pool would not stand still. */
#include "thin_parts.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BALLAST_ID (THIN_ID_MAX - 1) /* no volume gets this one */

/* Its block is there once anything was written. */
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

static int fill(const struct device *d, struct error *e)
{
	char status[64];
	int r = mapper_status(d->name, "thin", status, sizeof(status), e);

	return r == 0 && status[0] == '0' ? write_block(d->name, e) : r;
}

static int make_device(const struct thin_parts *p, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = false};
	char pool[32], params[64];
	int r = device_number(&p->pool, pool, e);

	if (r < 0)
		return r;
	snprintf(params, sizeof(params), "%s %u", pool, BALLAST_ID);
	r = table_line(&t, "thin", THIN_BLOCK_BYTES, params, e);
	return r == 0 ? mapper_create(p->ballast.name, p->ballast.uuid, true, &t, e) : r;
}

/* Why a device cannot be made libdevmapper does not tell apart: when it can once the pool has one, that was it. */
int ballast_keep(const struct thin_parts *p, bool fresh, struct error *e)
{
	struct error absent = ERROR_INIT;
	int r = mapper_remove(p->ballast.name, e), gone;

	if (r < 0)
		return r;
	r = fresh ? -ENODATA : make_device(p, &absent);
	if (r < 0)
		r = thin_tell_pool(&p->pool, "create_thin", BALLAST_ID, e);
	if (r == 0 && (fresh || absent.text[0]))
		r = make_device(p, e);
	if (r < 0)
		return r;
	r = fill(&p->ballast, e);
	gone = mapper_remove(p->ballast.name, r < 0 ? NULL : e);
	return r < 0 ? r : gone;
}

void ballast_drop(const struct device *pool)
{
	thin_tell_pool(pool, "delete", BALLAST_ID, NULL);
}
