/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A composed thin volume as it was at one moment: a second device of its pool, beside the one that goes on. */
#include "store.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "thin_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define STILL_FILE "/run/byre/still"
#define FROZEN_ID  THIN_ID_MAX /* no volume gets this one */
#define THAW_TRIES 60

/* While the volume stands still nothing may be read from it, not even this program. */
static int snapshot(const struct thin_parts *p, struct error *e)
{
	char message[64];
	uint32_t id;
	int r = thin_live_id(&p->thin, &id, e), back;

	if (r < 0)
		return r;
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		return error_errno(e, errno, "locking the memory");
	snprintf(message, sizeof(message), "create_snap %u %u", FROZEN_ID, id);
	/* Should we and our guard be killed both, volmgrd lets it go on: this has it look until the volume's lock is free. */
	r = file_write(AT_FDCWD, STILL_FILE, 0600, p->thin.name, strlen(p->thin.name), e);
	if (r == 0)
		r = mapper_suspend(p->thin.name, e);
	if (r < 0)
		return r;
	r = mapper_message(p->pool.name, message, e);
	back = mapper_resume(p->thin.name, r < 0 ? NULL : e);
	return r < 0 ? r : back;
}

int store_wake(const struct cluster *c, const struct volume *v, struct error *e)
{
	cleanup_fd int lock = -1;
	struct mapper_info i;
	struct thin_parts p;
	int r = try_lock_volume(v->name, &lock, e);

	if (r == 0)
		r = thin_name_parts(c, v, false, &p, e);
	if (r == 0)
		r = mapper_info(p.thin.name, &i, e);
	if (r < 0 || !i.exists || !i.still)
		return r;
	r = thin_wake(&p.thin, e);
	return r < 0 ? about_volume(v, r, e) : 1;
}

/* The device that holds what was frozen, be it here or not. */
static int name_frozen(const struct cluster *c, const struct volume *v, struct device *ret, struct error *e)
{
	return name_device(c, v->name, "-frozen", ret, e);
}

/* Takes it away, made by whomever. */
static int thaw(const struct thin_parts *p, const struct device *frozen, struct error *e)
{
	int r = mapper_remove(frozen->name, e);

	return r == 0 ? thin_delete_id(&p->pool, FROZEN_ID, e) : r;
}

/* The device on what was frozen, with the origin of the live one. */
static int make_frozen(const struct thin_parts *p, const struct device *frozen, struct error *e)
{
	struct mapper_table live cleanup_table = {.read_only = false}, t cleanup_table = {.read_only = true};
	char params[80], pool[32], image[32] = "";
	int r = mapper_table_read(p->thin.name, &live, e);

	if (r < 0)
		return r;
	if (live.n != 1 || sscanf(live.v[0].params, "%31s %*u %31s", pool, image) < 1)
		return error_set(e, EPROTO, "%s: no thin device", p->thin.name);
	snprintf(params, sizeof(params), "%s %u %s", pool, FROZEN_ID, image);
	r = table_line(&t, "thin", mapper_table_length(&live) * SECTOR, str_trim(params), e);
	return r == 0 ? mapper_create(frozen->name, frozen->uuid, frozen->part, &t, e) : r;
}

/* What is frozen goes with who froze it. */
struct frozen_by {
	const struct thin_parts *p;
	const struct device *frozen;
	const struct volume *v;
};

/* The device is in use until the last of the programs that read it has ended, too; mapper_remove waits for a moment. */
static void unfreeze_after_death(void *data)
{
	const struct frozen_by *f = data;
	int r = -EBUSY;

	mapper_resume(f->p->thin.name, NULL);
	for (int i = 0; i < THAW_TRIES && r == -EBUSY; i++) {
		cleanup_fd int lock = -1;

		r = lock_volume(f->v->name, &lock, NULL);
		if (r == 0)
			r = thaw(f->p, f->frozen, NULL);
	}
}

/* One moment at a time: who keeps it has LOCK, and so has his guard. */
static int lock_moment(const struct device *frozen, int *ret_lock, struct error *e)
{
	int r = try_lock_volume(frozen->name, ret_lock, e);

	return r == -EAGAIN ? error_set(e, EBUSY, "it is being captured already, or what a killed capture left is being taken away") : r;
}

static int freeze(const struct thin_parts *p, const struct device *frozen, struct error *e)
{
	struct mapper_pool s;
	int r = mapper_pool_status(p->pool.name, &s, e);

	if (r == 0 && s.out_of_data)
		r = error_set(e, ENOSPC, "its store is full and its writers wait: it cannot stand still now");
	if (r == 0)
		r = thaw(p, frozen, e);
	if (r == 0)
		r = snapshot(p, e);
	return r == 0 ? make_frozen(p, frozen, e) : r;
}

int store_freeze(const struct cluster *c, const struct volume *v, struct store_moment *ret, char ret_path[256], struct error *e)
{
	const struct guard_duty duty = {.undo = unfreeze_after_death};
	struct guard guard CLEANUP(guard_dismiss) = {.pid = 0};
	cleanup_fd int lock = -1, moment = -1;
	struct device frozen;
	struct thin_parts p;
	struct frozen_by by = {&p, &frozen, v};
	int r = thin_name_parts(c, v, false, &p, e);

	if (r == 0)
		r = name_frozen(c, v, &frozen, e);
	if (r == 0)
		r = lock_moment(&frozen, &moment, e);
	if (r == 0) /* before the volume is locked: its copy of the lock would not be let go */
		r = guard_start(&duty, &by, &guard, e);
	if (r == 0)
		r = thin_open_parts(c, v, &p, &lock, e);
	if (r == 0)
		r = freeze(&p, &frozen, e);
	if (r < 0)
		return about_volume(v, r, e);
	*ret = (struct store_moment){guard, steal_fd(&moment)};
	guard = (struct guard){.pid = 0};
	mapper_path(frozen.name, ret_path);
	return 0;
}

int store_unfreeze(const struct cluster *c, const struct volume *v, struct store_moment *m, struct error *e)
{
	struct device frozen;
	cleanup_fd int lock = -1;
	struct thin_parts p;
	int r = thin_open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = name_frozen(c, v, &frozen, e);
	if (r == 0)
		r = thaw(&p, &frozen, e);
	guard_dismiss(&m->guard);
	close(m->lock);
	return about_volume(v, r, e);
}
