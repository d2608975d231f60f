/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Thin volumes: roots and disks. A store's metadata and data, the pool on them, and in it a thin device on the image. */
#include "base/file.h"
#include "base/str.h"
#include "compose_parts.h"
#include "growth.h"
#include "thin_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NO_SPACE_TIMEOUT "/sys/module/dm_thin_pool/parameters/no_space_timeout"

/* --- parts -------------------------------------------------------------------------------------------------------------- */

/*
 * A volume that is only looked at has devices of its own names, so that it is never taken for the composed one; and its own view of the image,
 * see make_long_image.
 */
int thin_name_parts(const struct cluster *c, const struct volume *v, bool look, struct thin_parts *ret, struct error *e)
{
	const struct {
		const char *part, *look;
		struct device *d;
	} names[] = {
		{NULL, "-look-image", &ret->image},  {"-metadata", "-look-metadata", &ret->metadata},
		{"-data", "-look-data", &ret->data}, {"-pool", "-look-pool", &ret->pool},
		{"", "-look", &ret->thin},           {"-ballast", "-look-ballast", &ret->ballast},
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

int thin_wake(const struct device *thin, struct error *e)
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
int thin_pool_table(const struct thin_parts *p, uint64_t data_bytes, bool look, struct mapper_table *t, struct error *e)
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

static int make_pool(const struct thin_parts *p, uint64_t data_bytes, bool look, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = false};
	int r = thin_pool_table(p, data_bytes, look, &t, e);

	return r == 0 ? device_make(&p->pool, &t, u, e) : r;
}

int thin_tell_pool(const struct device *pool, const char *what, uint32_t id, struct error *e)
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
			thin_tell_pool(pool, "delete", (uint32_t)id, NULL);
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
	r = thin_tell_pool(pool, "create_thin", v->thin, e);
	if (r < 0 && r != -EEXIST) /* it was made before a crash, and never used */
		return r;
	snprintf(message, sizeof(message), "set_transaction_id %llu %llu", (unsigned long long)transaction, v->thin + 1ull);
	return mapper_message(pool->name, message, e);
}

static int open_pool(const struct thin_parts *p, const struct volume *v, bool look, struct mapper_pool *ret, struct error *e)
{
	int r = mapper_pool_status(p->pool.name, ret, e);

	if (r < 0)
		return r;
	if (ret->failed || ret->needs_check)
		return error_set(e, EUCLEAN, "%s: the pool's metadata is damaged: check it with thin_check, repair it with thin_repair",
				 p->pool.name);
	if (ret->transaction > v->thin)
		return 0;
	return look ? error_set(e, ENODATA, "it was never booted: nothing to look at") : make_newest(&p->pool, v, ret->transaction, e);
}

/* Device ID in the pool of P, on P's image. */
static int thin_table(const struct thin_parts *p, uint32_t id, uint64_t bytes, struct mapper_table *t, struct error *e)
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

static int make_thin(const struct thin_parts *p, const struct volume *v, bool look, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = look};
	int r = thin_table(p, v->thin, v->bytes, &t, e);

	return r == 0 ? device_make(&p->thin, &t, u, e) : r;
}

static int make_image(const struct cluster *c, const struct volume *v, const struct thin_parts *p, bool look, const char *const *pv_paths,
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
	struct mapper_pool pool;
	struct thin_parts p;
	int r = thin_name_parts(c, v, look, &p, e);

	if (r < 0)
		return r;
	*ret = p.thin;
	r = mapper_need("thin-pool", e);
	if (r == 0)
		r = device_there(&p.thin, &info, e);
	if (r != 0)
		return r < 0 ? r : thin_wake(&p.thin, e);
	wait_for_space();
	r = make_image(c, v, &p, look, pv_paths, u, e);
	if (r == 0)
		r = device_make_linear(c, &p.metadata, &v->metadata, 0, look, pv_paths, u, e);
	if (r == 0)
		r = device_make_linear(c, &p.data, &v->data, 0, look, pv_paths, u, e);
	if (r == 0)
		r = make_pool(&p, data_bytes, look, u, e);
	if (r == 0)
		r = open_pool(&p, v, look, &pool, e);
	if (r == 0)
		r = make_thin(&p, v, look, u, e);
	/* A volume does without. Nobody writes to it yet. */
	if (r == 0 && !look && pool.data_used < pool.data_total)
		ballast_keep(&p, pool.transaction == 0, NULL);
	return r;
}

/* The image's device goes with the last volume on it. */
int thin_release(const struct cluster *c, const struct volume *v, bool look, struct error *e)
{
	struct mapper_info i = {.exists = false};
	struct thin_parts p;
	int r = thin_name_parts(c, v, look, &p, e);
	const struct device *parts[] = {&p.ballast, &p.thin, &p.pool, &p.data, &p.metadata};

	for (size_t k = 0; k < ARRAY_SIZE(parts) && r == 0; k++)
		r = mapper_remove(parts[k]->name, e);
	if (r == 0 && p.image.name[0])
		r = mapper_info(p.image.name, &i, e);
	if (r == 0 && i.exists && i.open_count == 0 && mapper_remove(p.image.name, e) < 0)
		error_clear(e); /* somebody has just opened it */
	return r;
}

int thin_open_parts(const struct cluster *c, const struct volume *v, struct thin_parts *ret, int *ret_lock, struct error *e)
{
	int r = lock_volume(v->name, ret_lock, e);

	if (r == 0)
		r = thin_name_parts(c, v, false, ret, e);
	if (r == 0 && (!device_is_whole(&ret->thin) || !device_is_whole(&ret->pool)))
		r = error_set(e, ENODEV, "not composed here");
	return r == 0 ? thin_wake(&ret->thin, e) : r;
}
