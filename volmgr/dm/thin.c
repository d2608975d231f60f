/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thin volumes: roots and disks. A store's metadata and data, the pool on them, and in it a thin device on the image. */
#include "base/file.h"
#include "base/str.h"
#include "compose_parts.h"
#include "growth.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define NO_SPACE_TIMEOUT "/sys/module/dm_thin_pool/parameters/no_space_timeout"
#define THIN_BLOCK_BYTES (THIN_BLOCK_SECTORS * SECTOR)
#define STILL_FILE       "/run/byre/still"
#define FROZEN_ID        THIN_ID_MAX /* no volume gets this one */
#define THAW_TRIES       60

/* --- parts -------------------------------------------------------------------------------------------------------------- */

/* The devices of a volume, from below; a blank one has no image. */
struct parts {
	struct device image, metadata, data, pool, thin;
};

/*
 * A volume that is only looked at has devices of its own names, so that it is never taken for the composed one; and its own view of the image,
 * see make_long_image.
 */
static int name_parts(const struct cluster *c, const struct volume *v, bool look, struct parts *ret, struct error *e)
{
	const struct {
		const char *part, *look;
		struct device *d;
	} names[] = {
		{NULL, "-look-image", &ret->image},  {"-metadata", "-look-metadata", &ret->metadata},
		{"-data", "-look-data", &ret->data}, {"-pool", "-look-pool", &ret->pool},
		{"", "-look", &ret->thin},
	};
	const struct image *i = v->image[0] ? cluster_image(c, v->image) : NULL;
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	if (v->image[0] && !i)
		return error_set(e, ENOENT, "its image %s is not in the state", v->image);
	if (i)
		r = image_origin(c, i, &ret->image, e);
	for (size_t k = 0; k < ARRAY_SIZE(names) && r == 0; k++)
		if (look || names[k].part)
			r = name_device(c, v->name, look ? names[k].look : names[k].part, names[k].d, e);
	return r;
}

/* A full pool waits for space for ever, as long as this says 0. */
static void wait_for_space(void)
{
	cleanup_fd int fd = open(NO_SPACE_TIMEOUT, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		write_full(fd, "0", 1);
}

/*
 * The image with zeros behind it up to the volume's size. A pool that is read-only passes every read of a block that was never written to the
 * origin, also where the origin has ended (Linux 6.1).
 */
static int make_long_image(const struct cluster *c, const struct volume *v, const char *const *pv_paths, const struct device *d,
			   struct undo *u, struct error *e)
{
	const struct image *i = cluster_image(c, v->image);
	struct mapper_table t cleanup_table = {.read_only = true};
	int r = mapper_need("zero", e);

	if (r == 0)
		r = linear_table(c, &i->segments, i->bytes, pv_paths, &t, e);
	if (r == 0 && v->bytes > i->bytes)
		r = table_line(&t, "zero", v->bytes - i->bytes, "", e);
	return r == 0 ? device_make(d, &t, u, e) : r;
}

/* Whoever has the volume's lock and finds its device suspended knows that who suspended it is dead. */
static int wake(const struct device *thin, struct error *e)
{
	struct mapper_info i;
	int r = mapper_info(thin->name, &i, e);

	return r == 0 && i.exists && i.live && i.still ? mapper_resume(thin->name, e) : r;
}

/* --- composing ------------------------------------------------------------------------------------------------------------ */

/*
 * The target wants a writable table even when it is told to be read-only; the devices beneath it are not writable then. What is trimmed stays with the store: the SAN
 * need not hear of it.
 */
static int pool_table(const struct parts *p, uint64_t data_bytes, bool look, struct mapper_table *t, struct error *e)
{
	char metadata[32], data[32], params[160];
	int r = device_number(&p->metadata, metadata, e);

	if (r == 0)
		r = device_number(&p->data, data, e);
	if (r < 0)
		return r;
	snprintf(params, sizeof(params), "%s %s %d %llu 1 %s", metadata, data, THIN_BLOCK_SECTORS,
		 (unsigned long long)(store_reserve(data_bytes) / THIN_BLOCK_BYTES), look ? "read_only" : "no_discard_passdown");
	return table_line(t, "thin-pool", data_bytes, params, e);
}

static int make_pool(const struct parts *p, uint64_t data_bytes, bool look, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = false};
	int r = pool_table(p, data_bytes, look, &t, e);

	return r == 0 ? device_make(&p->pool, &t, u, e) : r;
}

/* A message about one thin device. */
static int tell_pool(const struct device *pool, const char *what, uint32_t id, struct error *e)
{
	char message[64];

	snprintf(message, sizeof(message), "%s %u", what, id);
	return mapper_message(pool->name, message, e);
}

/* Devices that neither V nor its undo needs any more. The kernel does not tell which there are; all but the newest went when newer ones came. */
static void forget_old(const struct device *pool, const struct volume *v, uint64_t transaction)
{
	for (uint64_t id = transaction > 4 ? transaction - 4 : 0; id < transaction; id++)
		if (id != v->thin && !(v->has_undo && id == v->undo_thin))
			tell_pool(pool, "delete", (uint32_t)id, NULL);
}

/*
 * The pool's transaction number is one more than the highest id that a device of V ever had, so that the device is asked for once only: ids are not used
 * again while the store lives.
 */
static int make_newest(const struct device *pool, const struct volume *v, uint64_t transaction, struct error *e)
{
	char message[64];
	int r;

	forget_old(pool, v, transaction);
	r = tell_pool(pool, "create_thin", v->thin, e);
	if (r < 0 && r != -EEXIST) /* it was made before a crash, and never used */
		return r;
	snprintf(message, sizeof(message), "set_transaction_id %llu %llu", (unsigned long long)transaction, v->thin + 1ull);
	return mapper_message(pool->name, message, e);
}

static int open_pool(const struct parts *p, const struct volume *v, bool look, struct error *e)
{
	struct mapper_pool s;
	int r = mapper_pool_status(p->pool.name, &s, e);

	if (r < 0)
		return r;
	if (s.failed || s.needs_check)
		return error_set(e, EUCLEAN, "%s: the pool's metadata is damaged: check it with thin_check, repair it with thin_repair",
				 p->pool.name);
	if (s.transaction > v->thin)
		return 0;
	return look ? error_set(e, ENODATA, "it was never booted: nothing to look at") : make_newest(&p->pool, v, s.transaction, e);
}

/* Device ID in the pool of P, on P's image. */
static int thin_table(const struct parts *p, uint32_t id, uint64_t bytes, struct mapper_table *t, struct error *e)
{
	char pool[32], image[32] = "", params[80];
	int r = device_number(&p->pool, pool, e);

	if (r == 0 && p->image.name[0])
		r = device_number(&p->image, image, e);
	if (r < 0)
		return r;
	snprintf(params, sizeof(params), "%s %u%s%s", pool, id, image[0] ? " " : "", image);
	return table_line(t, "thin", bytes, params, e);
}

static int make_thin(const struct parts *p, const struct volume *v, bool look, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = look};
	int r = thin_table(p, v->thin, v->bytes, &t, e);

	return r == 0 ? device_make(&p->thin, &t, u, e) : r;
}

static int make_image(const struct cluster *c, const struct volume *v, const struct parts *p, bool look, const char *const *pv_paths,
		      struct undo *u, struct error *e)
{
	if (!v->image[0])
		return 0;
	return look ? make_long_image(c, v, pv_paths, &p->image, u, e) : image_make_origin(c, cluster_image(c, v->image), pv_paths, u, e);
}

int thin_make(const struct cluster *c, const struct volume *v, bool look, const char *const *pv_paths, struct device *ret, struct undo *u,
	      struct error *e)
{
	const uint64_t data_bytes = segments_extents(&v->data) * EXTENT_BYTES;
	struct mapper_info info;
	struct parts p;
	int r = name_parts(c, v, look, &p, e);

	if (r < 0)
		return r;
	*ret = p.thin;
	r = mapper_need("thin-pool", e);
	if (r == 0)
		r = device_there(&p.thin, &info, e);
	if (r != 0)
		return r < 0 ? r : wake(&p.thin, e);
	wait_for_space();
	r = make_image(c, v, &p, look, pv_paths, u, e);
	if (r == 0)
		r = device_make_linear(c, &p.metadata, &v->metadata, 0, look, pv_paths, u, e);
	if (r == 0)
		r = device_make_linear(c, &p.data, &v->data, 0, look, pv_paths, u, e);
	if (r == 0)
		r = make_pool(&p, data_bytes, look, u, e);
	if (r == 0)
		r = open_pool(&p, v, look, e);
	return r == 0 ? make_thin(&p, v, look, u, e) : r;
}

/* The image's device goes with the last volume on it. */
int thin_release(const struct cluster *c, const struct volume *v, bool look, struct error *e)
{
	struct mapper_info i = {.exists = false};
	struct parts p;
	int r = name_parts(c, v, look, &p, e);
	const struct device *parts[] = {&p.thin, &p.pool, &p.data, &p.metadata};

	for (size_t k = 0; k < ARRAY_SIZE(parts) && r == 0; k++)
		r = mapper_remove(parts[k]->name, e);
	if (r == 0 && p.image.name[0])
		r = mapper_info(p.image.name, &i, e);
	if (r == 0 && i.exists && i.open_count == 0 && mapper_remove(p.image.name, e) < 0)
		error_clear(e); /* somebody has just opened it */
	return r;
}

/* --- while it is composed -------------------------------------------------------------------------------------------------- */

/* R, and when it is an error, E with V's name in front. */
static int about(const struct volume *v, int r, struct error *e)
{
	if (r < 0)
		error_wrap(e, "volume %s", v->name);
	return r;
}

/* The volume's lock, and its parts when they are here. -ENODEV. */
static int open_parts(const struct cluster *c, const struct volume *v, struct parts *ret, int *ret_lock, struct error *e)
{
	int r = lock_volume(v->name, ret_lock, e);

	if (r == 0)
		r = name_parts(c, v, false, ret, e);
	if (r == 0 && (!device_is_whole(&ret->thin) || !device_is_whole(&ret->pool)))
		r = error_set(e, ENODEV, "not composed here");
	return r == 0 ? wake(&ret->thin, e) : r;
}

int volume_usage(const struct cluster *c, const struct volume *v, struct store_usage *ret, struct error *e)
{
	const uint64_t metadata_block = 4096;
	struct mapper_pool s;
	struct device d;
	int r = name_device(c, v->name, "-pool", &d, e);

	if (r < 0)
		return r;
	if (!device_is_whole(&d))
		return error_set(e, ENODEV, "volume %s: not composed here", v->name);
	r = mapper_pool_status(d.name, &s, e);
	if (r < 0)
		return r;
	*ret = (struct store_usage){
		.data_used = s.data_used * THIN_BLOCK_BYTES,
		.data_total = s.data_total * THIN_BLOCK_BYTES,
		.metadata_used = s.metadata_used * metadata_block,
		.metadata_total = s.metadata_total * metadata_block,
		.out_of_data = s.out_of_data,
		.read_only = s.read_only || s.failed,
		.needs_check = s.needs_check,
	};
	return 0;
}

/* D, the metadata or the data, to be as long as SEGS. Returns 1 when it was made longer. */
static int extend_linear(const struct cluster *c, const struct device *d, const struct segments *segs, const char *const *pv_paths,
			 struct error *e)
{
	struct mapper_table live cleanup_table = {.read_only = false}, table cleanup_table = {.read_only = false};
	int r = mapper_table_read(d->name, &live, e);

	if (r == 0)
		r = linear_table(c, segs, 0, pv_paths, &table, e);
	if (r < 0)
		return r;
	if (mapper_table_length(&live) >= mapper_table_length(&table))
		return mapper_table_begins(&live, &table) ? 0
							  : error_set(e, ESTALE, "%s: its segments are not those of the state", d->name);
	if (!mapper_table_begins(&table, &live))
		return error_set(e, ESTALE, "%s: its segments are not those of the state", d->name);
	r = mapper_reload(d->name, &table, e);
	return r < 0 ? r : 1;
}

/* The pool over all of its data device. ANYWAY: although that is not longer: because the metadata are, or for a new event. */
static int extend_pool(const struct parts *p, bool anyway, struct error *e)
{
	struct mapper_table data cleanup_table = {.read_only = false}, live cleanup_table = {.read_only = false};
	struct mapper_table t cleanup_table = {.read_only = false};
	int r = mapper_table_read(p->data.name, &data, e);

	if (r == 0)
		r = mapper_table_read(p->pool.name, &live, e);
	if (r < 0 || (!anyway && mapper_table_length(&live) >= mapper_table_length(&data)))
		return r;
	r = pool_table(p, mapper_table_length(&data) * SECTOR, false, &t, e);
	if (r == 0)
		r = mapper_reload(p->pool.name, &t, e);
	return r < 0 ? r : 1;
}

/* The volume itself. It may be another device of the pool than the state has by now, so its own parameters stay. */
static int extend_thin(const struct device *thin, uint64_t bytes, struct error *e)
{
	struct mapper_table live cleanup_table = {.read_only = false}, t cleanup_table = {.read_only = false};
	int r = mapper_table_read(thin->name, &live, e);

	if (r < 0 || live.n != 1 || mapper_table_length(&live) >= bytes / SECTOR)
		return r;
	r = table_line(&t, "thin", bytes, live.v[0].params, e);
	if (r == 0)
		r = mapper_reload(thin->name, &t, e);
	return r < 0 ? r : 1;
}

int store_extend(const struct cluster *c, const struct volume *v, const char *const *pv_paths, bool rearm, int *ret_changed,
		 struct error *e)
{
	cleanup_fd int lock = -1;
	struct parts p;
	int r = open_parts(c, v, &p, &lock, e), metadata = 0, data = 0, pool = 0;

	if (r == 0)
		r = metadata = extend_linear(c, &p.metadata, &v->metadata, pv_paths, e);
	if (r >= 0)
		r = data = extend_linear(c, &p.data, &v->data, pv_paths, e);
	if (r >= 0)
		r = pool = extend_pool(&p, rearm || metadata, e);
	if (r >= 0)
		r = extend_thin(&p.thin, v->bytes, e);
	if (r < 0)
		return about(v, r, e);
	*ret_changed = metadata || data || pool || r;
	return 0;
}

/* --- other devices in the pool ------------------------------------------------------------------------------------------------ */

/* The id of the device that is composed. */
static int live_id(const struct device *thin, uint32_t *ret, struct error *e)
{
	struct mapper_table live cleanup_table = {.read_only = false};
	int r = mapper_table_read(thin->name, &live, e);

	if (r < 0)
		return r;
	return live.n == 1 && sscanf(live.v[0].params, "%*s %u", ret) == 1 ? 0 : error_set(e, EPROTO, "%s: no thin device", thin->name);
}

/* The kernel's answer for an id that is not there is "no data". */
static int delete_id(const struct device *pool, uint32_t id, struct error *e)
{
	struct error why = ERROR_INIT;
	int r = tell_pool(pool, "delete", id, &why);

	if (r == 0 || r == -ENODATA)
		return 0;
	return error_set(e, -r, "%s", why.text);
}

int store_live(const struct cluster *c, const struct volume *v, uint32_t *ret, struct error *e)
{
	cleanup_fd int lock = -1;
	struct parts p;
	int r = open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = live_id(&p.thin, ret, e);
	return about(v, r, e);
}

int store_forget(const struct cluster *c, const struct volume *v, uint32_t id, struct error *e)
{
	cleanup_fd int lock = -1;
	struct parts p;
	uint32_t own;
	int r = open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = live_id(&p.thin, &own, e);
	if (r == 0)
		r = own == id ? error_set(e, EBUSY, "device %u is in use", id) : delete_id(&p.pool, id, e);
	return about(v, r, e);
}

/* While the volume stands still nothing may be read from it, not even this program. */
static int snapshot(const struct parts *p, struct error *e)
{
	char message[64];
	uint32_t id;
	int r = live_id(&p->thin, &id, e), back;

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
	struct parts p;
	int r = try_lock_volume(v->name, &lock, e);

	if (r == 0)
		r = name_parts(c, v, false, &p, e);
	if (r == 0)
		r = mapper_info(p.thin.name, &i, e);
	if (r < 0 || !i.exists || !i.still)
		return r;
	r = wake(&p.thin, e);
	return r < 0 ? about(v, r, e) : 1;
}

/* The device that holds what was frozen, be it here or not. */
static int name_frozen(const struct cluster *c, const struct volume *v, struct device *ret, struct error *e)
{
	return name_device(c, v->name, "-frozen", ret, e);
}

/* Takes it away, made by whomever. */
static int thaw(const struct parts *p, const struct device *frozen, struct error *e)
{
	int r = mapper_remove(frozen->name, e);

	return r == 0 ? delete_id(&p->pool, FROZEN_ID, e) : r;
}

/* The device on what was frozen, with the origin of the live one. */
static int make_frozen(const struct parts *p, const struct device *frozen, struct error *e)
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
	return r == 0 ? mapper_create(frozen->name, frozen->uuid, &t, e) : r;
}

/* What is frozen goes with who froze it. */
struct frozen_by {
	const struct parts *p;
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

static int freeze(const struct parts *p, const struct device *frozen, struct error *e)
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
	struct guard guard CLEANUP(guard_dismiss) = {.pid = 0};
	cleanup_fd int lock = -1, moment = -1;
	struct device frozen;
	struct parts p;
	struct frozen_by by = {&p, &frozen, v};
	int r = name_parts(c, v, false, &p, e);

	if (r == 0)
		r = name_frozen(c, v, &frozen, e);
	if (r == 0)
		r = lock_moment(&frozen, &moment, e);
	if (r == 0) /* before the volume is locked: its copy of the lock would not be let go */
		r = guard_start(unfreeze_after_death, &by, &guard, e);
	if (r == 0)
		r = open_parts(c, v, &p, &lock, e);
	if (r == 0)
		r = freeze(&p, &frozen, e);
	if (r < 0)
		return about(v, r, e);
	*ret = (struct store_moment){guard, steal_fd(&moment)};
	guard = (struct guard){.pid = 0};
	mapper_path(frozen.name, ret_path);
	return 0;
}

int store_unfreeze(const struct cluster *c, const struct volume *v, struct store_moment *m, struct error *e)
{
	struct device frozen;
	cleanup_fd int lock = -1;
	struct parts p;
	int r = open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = name_frozen(c, v, &frozen, e);
	if (r == 0)
		r = thaw(&p, &frozen, e);
	guard_dismiss(&m->guard);
	close(m->lock);
	return about(v, r, e);
}

/* --- what is here ------------------------------------------------------------------------------------------------------------------ */

struct each {
	size_t prefix;
	store_fn *fn;
	void *data;
};

static int one_device(const char *name, void *data, struct error *e)
{
	static const char end[] = "-pool";
	const struct each *w = data;
	size_t n = strlen(name);
	char volume[VOLUME_NAME_SIZE];

	if (n < w->prefix + sizeof(end) || strcmp(name + n - strlen(end), end) != 0 || n - strlen(end) - w->prefix >= sizeof(volume))
		return 0;
	snprintf(volume, sizeof(volume), "%.*s", (int)(n - strlen(end) - w->prefix), name + w->prefix);
	return w->fn(volume, w->data, e);
}

int store_each(const char *container, store_fn *fn, void *data, struct error *e)
{
	char prefix[MAPPER_NAME_SIZE];
	struct each w = {.fn = fn, .data = data};

	w.prefix = (size_t)snprintf(prefix, sizeof(prefix), "byre-%s-", container);
	return mapper_each(prefix, one_device, &w, e);
}
