/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lease_resource.h"

#include "base/cleanup.h"
#include "base/spawn.h"
#include "base/str.h"
#include "lockspace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sanlock_admin.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int lease_resource_fill(union lease_resource *ret, const struct lease_place *p, const char *name, uint64_t offset, struct error *e)
{
	char space[LOCKSPACE_NAME_SIZE];
	struct sanlk_disk *d = ret->r.disks;

	memset(ret, 0, sizeof(*ret));
	lockspace_name(space, p->c->id);
	snprintf(ret->r.lockspace_name, sizeof(ret->r.lockspace_name), "%s", space);
	snprintf(ret->r.name, sizeof(ret->r.name), "%s", name);
	ret->r.num_disks = 1;
	d->offset = offset;
	return str_copy(d->path, sizeof(d->path), p->device) < 0 ? error_errno(e, ENAMETOOLONG, "%s", p->device) : 0;
}

/* --- making one -------------------------------------------------------------------------------------------------------------- */

static int init_one(const struct lease_place *p, const char *what, const char *value, bool large, struct error *e)
{
	char timeout[16];

	snprintf(timeout, sizeof(timeout), "%u", p->c->settings.lease_timeout);
	return spawn_simple(e, "sanlock", "direct", "init", what, value, "-o", timeout, "-Z", large ? "4096" : "512", "-A",
			    large ? "8M" : "1M", NULL);
}

/* A record fills a sector of the disk, so that it is written as a whole; the areas are as large as 2000 of them take. */
int lease_format(const struct lease_place *p, struct error *e)
{
	char space[LOCKSPACE_NAME_SIZE], value[256];
	cleanup_fd int fd = open(p->device, O_RDONLY | O_CLOEXEC);
	int sector = 512, r;

	if (fd < 0)
		return error_errno(e, errno, "%s", p->device);
	if (ioctl(fd, BLKSSZGET, &sector) < 0 && errno != ENOTTY)
		return error_errno(e, errno, "%s: sector size", p->device);
	lockspace_name(space, p->c->id);
	snprintf(value, sizeof(value), "%s:0:%s:%llu", space, p->device, LAYOUT_LOCKSPACE);
	r = init_one(p, "-s", value, sector > 512, e);
	snprintf(value, sizeof(value), "%s:%s:%s:%llu", space, LEASE_CHANGE, p->device, LEASE_CHANGE_AT);
	if (r == 0)
		r = init_one(p, "-r", value, sector > 512, e);
	snprintf(value, sizeof(value), "%s:%s:%s:%llu", space, LEASE_FENCE, p->device, LEASE_FENCE_AT);
	if (r == 0)
		r = init_one(p, "-r", value, sector > 512, e);
	return r < 0 ? error_wrap(e, "the lease on %s", p->device) : 0;
}

/* --- who holds it ------------------------------------------------------------------------------------------------------------ */

int lease_record_read(const struct lease_place *p, struct lease_record *ret, struct error *e)
{
	return lockspace_record(p->device, LEASE_CHANGE_AT, LEASE_RECORD_RESOURCE, ret, e);
}

int lease_holder(const struct lease_place *p, unsigned *ret, struct error *e)
{
	struct lease_record r;
	int n = lease_record_read(p, &r, e);

	if (n == 0)
		*ret = r.timestamp ? r.host : 0;
	return n;
}

/* --- freeing a fenced holder's ------------------------------------------------------------------------------------------------- */

static int clear_record(const struct lease_place *p, const struct lease_record *holder, struct error *e)
{
	struct lease_record now;
	union lease_resource u;
	int r = lease_record_read(p, &now, e);

	if (r < 0 || !now.timestamp || now.host != holder->host || now.generation != holder->generation || now.version != holder->version)
		return r;
	r = lease_resource_fill(&u, p, LEASE_CHANGE, LEASE_CHANGE_AT, e);
	if (r < 0)
		return r;
	u.r.flags = now.sector == 512 ? SANLK_RES_SECTOR512 | SANLK_RES_ALIGN1M : SANLK_RES_SECTOR4K | SANLK_RES_ALIGN8M;
	r = sanlock_write_resource(&u.r, 0, 0, 0);
	return r < 0 ? error_set(e, EIO, "freeing the lease: %s", lockspace_why(r)) : 0;
}

int lease_free_fenced(const struct lease_place *p, const struct lease_record *holder, struct error *e)
{
	struct sanlk_resource *list[1];
	union lease_resource u;
	cleanup_fd int sock = sanlock_register();
	int r = lease_resource_fill(&u, p, LEASE_FENCE, LEASE_FENCE_AT, e);

	if (r < 0)
		return r;
	list[0] = &u.r;
	r = sock < 0 ? sock : sanlock_acquire(sock, -1, SANLK_ACQUIRE_OWNER_NOWAIT, 1, list, NULL);
	if (r < 0)
		return error_set(e, EBUSY, "freeing the lease: %s", lockspace_why(r));
	r = clear_record(p, holder, e);
	sanlock_release(sock, -1, SANLK_REL_ALL, 0, NULL);
	return r;
}

int lease_fenced(const struct lease_place *p, unsigned node, struct error *e)
{
	struct lease_record holder;
	int r = lease_record_read(p, &holder, e);

	return r < 0 || !holder.timestamp || holder.host != node ? r : lease_free_fenced(p, &holder, e);
}
