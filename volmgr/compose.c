/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/compose.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "compose_look.h"
#include "dm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define NO_SPACE_TIMEOUT "/sys/module/dm_thin_pool/parameters/no_space_timeout"
#define SECTOR           512
#define LOW_WATER_PART   8                      /* the pool tells when less than 1/8 of its blocks … */
#define LOW_WATER_MAX    (256ull * 1024 * 1024) /* … or than so many bytes are free */

#define cleanup_table CLEANUP(mapper_table_free)

/* One device of a volume, by name and by the uuid that tells it from another container's. */
struct device {
	char name[MAPPER_NAME_SIZE];
	char uuid[MAPPER_UUID_SIZE];
};

/* What a call has made, to be taken down again when it fails. */
struct undo {
	char names[6][MAPPER_NAME_SIZE];
	size_t n;
};

static void undo_all(struct undo *u)
{
	while (u->n)
		mapper_remove(u->names[--u->n], NULL);
}

static int name_device(const struct cluster *c, const char *what, const char *part, struct device *ret, struct error *e)
{
	int n = snprintf(ret->name, sizeof(ret->name), "byre-%s-%s%s", c->settings.container_name, what, part);
	int u = snprintf(ret->uuid, sizeof(ret->uuid), "BYRE-%s-%s%s", c->id, what, part);

	if (n < 0 || (size_t)n >= sizeof(ret->name) || u < 0 || (size_t)u >= sizeof(ret->uuid))
		return error_set(e, ENAMETOOLONG, "%s: too long a name for a device", what);
	return 0;
}

/* --- tables ------------------------------------------------------------------------------------------------------------- */

/* SEGS as linear lines, at most BYTES of them (0: all), rounded up to whole sectors. */
static int linear_table(const struct cluster *c, const struct segments *segs, uint64_t bytes, const char *const *pv_paths,
			struct mapper_table *t, struct error *e)
{
	uint64_t left = bytes ? (bytes + SECTOR - 1) / SECTOR : UINT64_MAX;

	for (size_t i = 0; i < segs->n && left; i++) {
		const struct segment *s = &segs->v[i];
		const struct pv *pv = &c->pvs[s->pv];
		uint64_t length = (uint64_t)s->count * EXTENT_SECTORS;
		char params[64];
		struct stat st;

		if (stat(pv_paths[s->pv], &st) < 0)
			return error_errno(e, errno, "%s", pv_paths[s->pv]);
		if (!S_ISBLK(st.st_mode))
			return error_set(e, ENOTBLK, "%s: not a block device", pv_paths[s->pv]);
		snprintf(params, sizeof(params), "%u:%u %llu", major(st.st_rdev), minor(st.st_rdev),
			 (unsigned long long)(pv->pe_start + (uint64_t)s->start * EXTENT_SECTORS));
		if (length > left)
			length = left;
		if (mapper_table_add(t, "linear", length, params) < 0)
			return error_errno(e, ENOMEM, "table");
		left -= length;
	}
	if (bytes && left)
		return error_set(e, EUCLEAN, "its segments hold %llu bytes less than its size", (unsigned long long)left * SECTOR);
	return 0;
}

static int single_line(struct mapper_table *t, const char *type, uint64_t bytes, const char *params, struct error *e)
{
	return mapper_table_add(t, type, bytes / SECTOR, params) < 0 ? error_errno(e, ENOMEM, "table") : 0;
}

/* --- devices ------------------------------------------------------------------------------------------------------------ */

/* 1: a whole device of ours is there. 0: none is; one left half-made by a crash is taken away. */
static int there(const struct device *d, struct mapper_info *ret, struct error *e)
{
	int r = mapper_info(d->name, ret, e);

	if (r < 0 || !ret->exists)
		return r;
	if (strcmp(ret->uuid, d->uuid) != 0)
		return error_set(e, EEXIST, "%s: a device of this name is there already, of another cluster", d->name);
	if (ret->live)
		return 1;
	return mapper_remove(d->name, e);
}

/* Makes D with table T unless it is there with that table. */
static int make(const struct device *d, const struct mapper_table *t, struct undo *u, struct error *e)
{
	struct mapper_info i;

	for (int tries = 0;; tries++) {
		int r = there(d, &i, e);

		if (r < 0)
			return r;
		if (r > 0)
			return mapper_compare(d->name, t, e);
		r = mapper_create(d->name, d->uuid, t, e);
		if (r == -EEXIST && tries == 0) /* somebody else was making it, too */
			continue;
		if (r == 0)
			memcpy(u->names[u->n++], d->name, sizeof(d->name));
		return r;
	}
}

static int make_linear(const struct cluster *c, const struct device *d, const struct segments *segs, uint64_t bytes, bool read_only,
		       const char *const *pv_paths, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = read_only};
	int r = mapper_need("linear", e);

	if (r == 0)
		r = linear_table(c, segs, bytes, pv_paths, &t, e);
	return r == 0 ? make(d, &t, u, e) : r;
}

static int device_number(const struct device *d, char ret[32], struct error *e)
{
	struct mapper_info i;
	int r = mapper_info(d->name, &i, e);

	if (r == 0 && !i.exists)
		r = error_set(e, ENODEV, "%s: the device has gone", d->name);
	if (r == 0)
		snprintf(ret, 32, "%u:%u", i.major, i.minor);
	return r;
}

/* --- images --------------------------------------------------------------------------------------------------------------- */

/*
 * An image has up to three devices over the same segments, told apart by their names' ends: a thin pool claims its origin for itself alone, so
 * whoever reads files has another device than the volumes that stand on the image.
 */
#define IMAGE_ORIGIN ""
#define IMAGE_READ   "-read"
#define IMAGE_NEW    "-new"

static int image_device(const struct cluster *c, const struct image *i, const char *end, struct device *ret, struct error *e)
{
	char ref[IMAGE_REF_SIZE];

	return name_device(c, image_ref(ref, i), end, ret, e);
}

static int make_origin(const struct cluster *c, const struct image *i, const char *const *pv_paths, struct device *ret, struct undo *u,
		       struct error *e)
{
	int r = image_device(c, i, IMAGE_ORIGIN, ret, e);

	return r == 0 ? make_linear(c, ret, &i->segments, i->bytes, true, pv_paths, u, e) : r;
}

/* BYTES 0: all of its segments. */
static int compose_image(const struct cluster *c, const struct image *i, const char *end, uint64_t bytes, bool read_only,
			 const char *const *pv_paths, char ret_path[256], struct error *e)
{
	struct undo u = {.n = 0};
	struct device d;
	int r = image_device(c, i, end, &d, e);

	if (r == 0)
		r = make_linear(c, &d, &i->segments, bytes, read_only, pv_paths, &u, e);
	if (r < 0) {
		undo_all(&u);
		error_wrap(e, "image %s@%u", i->name, i->version);
		return r;
	}
	mapper_path(d.name, ret_path);
	return 0;
}

static int release_image(const struct cluster *c, const struct image *i, const char *end, struct error *e)
{
	struct device d;
	int r = image_device(c, i, end, &d, e);

	return r == 0 ? mapper_remove(d.name, e) : r;
}

int image_compose(const struct cluster *c, const struct image *i, const char *const *pv_paths, char ret_path[256], struct error *e)
{
	return compose_image(c, i, IMAGE_READ, i->bytes, true, pv_paths, ret_path, e);
}

int image_release(const struct cluster *c, const struct image *i, struct error *e)
{
	return release_image(c, i, IMAGE_READ, e);
}

int image_compose_writable(const struct cluster *c, const struct image *i, const char *const *pv_paths, char ret_path[256], struct error *e)
{
	return compose_image(c, i, IMAGE_NEW, 0, false, pv_paths, ret_path, e);
}

int image_release_writable(const struct cluster *c, const struct image *i, struct error *e)
{
	return release_image(c, i, IMAGE_NEW, e);
}

/* --- roots ------------------------------------------------------------------------------------------------------------------ */

/* The devices of a root's volume, from below. */
struct root {
	struct device image, metadata, data, pool, thin;
};

/*
 * A volume that is only looked at has devices of its own names, so that it is never taken for the composed one; and its own view of the image,
 * see make_long_image.
 */
static int name_root(const struct cluster *c, const struct volume *v, bool look, struct root *ret, struct error *e)
{
	const struct {
		const char *part, *look;
		struct device *d;
	} names[] = {
		{NULL, "-look-image", &ret->image},  {"-metadata", "-look-metadata", &ret->metadata},
		{"-data", "-look-data", &ret->data}, {"-pool", "-look-pool", &ret->pool},
		{"", "-look", &ret->thin},
	};
	const struct image *i = cluster_image(c, v->image);
	int r;

	if (!i)
		return error_set(e, ENOENT, "its image %s is not in the state", v->image);
	r = image_device(c, i, IMAGE_ORIGIN, &ret->image, e);
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

static uint64_t low_water_blocks(uint64_t data_bytes)
{
	uint64_t bytes = data_bytes / LOW_WATER_PART;

	return (bytes < LOW_WATER_MAX ? bytes : LOW_WATER_MAX) / (THIN_BLOCK_SECTORS * SECTOR);
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
		r = single_line(&t, "zero", v->bytes - i->bytes, "", e);
	return r == 0 ? make(d, &t, u, e) : r;
}

/* The target wants a writable table even when it is told to be read-only; the devices beneath it are not writable then. */
static int make_pool(const struct root *r, uint64_t data_bytes, bool look, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = false};
	char metadata[32], data[32], params[160];
	int x = device_number(&r->metadata, metadata, e);

	if (x == 0)
		x = device_number(&r->data, data, e);
	if (x < 0)
		return x;
	snprintf(params, sizeof(params), "%s %s %d %llu %s", metadata, data, THIN_BLOCK_SECTORS,
		 (unsigned long long)low_water_blocks(data_bytes), look ? "1 read_only" : "0");
	x = single_line(&t, "thin-pool", data_bytes, params, e);
	return x == 0 ? make(&r->pool, &t, u, e) : x;
}

/*
 * The root is thin device 0. Transaction 0 means that a fresh pool may not have it yet; 1 that it has, so that no boot but the first asks for one.
 */
static int open_pool(const struct root *r, bool look, struct error *e)
{
	struct mapper_pool s;
	int x = mapper_pool_status(r->pool.name, &s, e);

	if (x < 0)
		return x;
	if (s.failed || s.needs_check)
		return error_set(e, EUCLEAN, "%s: the pool's metadata is damaged: check it with thin_check, repair it with thin_repair",
				 r->pool.name);
	if (look)
		return s.transaction ? 0 : error_set(e, ENODATA, "it was never booted: nothing to look at");
	if (s.transaction > 0)
		return 0;
	x = mapper_message(r->pool.name, "create_thin 0", e);
	if (x < 0 && x != -EEXIST)
		return x;
	return mapper_message(r->pool.name, "set_transaction_id 0 1", e);
}

static int make_thin(const struct root *r, uint64_t bytes, bool look, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = look};
	char pool[32], image[32], params[80];
	int x = device_number(&r->pool, pool, e);

	if (x == 0)
		x = device_number(&r->image, image, e);
	if (x < 0)
		return x;
	snprintf(params, sizeof(params), "%s 0 %s", pool, image);
	x = single_line(&t, "thin", bytes, params, e);
	return x == 0 ? make(&r->thin, &t, u, e) : x;
}

static int make_root(const struct cluster *c, const struct volume *v, bool look, const char *const *pv_paths, struct device *ret,
		     struct undo *u, struct error *e)
{
	const uint64_t data_bytes = segments_extents(&v->data) * EXTENT_BYTES;
	struct mapper_info info;
	struct root root;
	int r = name_root(c, v, look, &root, e);

	if (r < 0)
		return r;
	*ret = root.thin;
	r = mapper_need("thin-pool", e);
	if (r == 0)
		r = there(&root.thin, &info, e);
	if (r != 0)
		return r < 0 ? r : 0;
	wait_for_space();
	if (look)
		r = make_long_image(c, v, pv_paths, &root.image, u, e);
	else
		r = make_origin(c, cluster_image(c, v->image), pv_paths, &root.image, u, e);
	if (r == 0)
		r = make_linear(c, &root.metadata, &v->metadata, 0, look, pv_paths, u, e);
	if (r == 0)
		r = make_linear(c, &root.data, &v->data, 0, look, pv_paths, u, e);
	if (r == 0)
		r = make_pool(&root, data_bytes, look, u, e);
	if (r == 0)
		r = open_pool(&root, look, e);
	return r == 0 ? make_thin(&root, v->bytes, look, u, e) : r;
}

/* The image's device goes with the last volume on it. */
static int release_root(const struct cluster *c, const struct volume *v, bool look, struct error *e)
{
	struct mapper_info i;
	struct root root;
	int r = name_root(c, v, look, &root, e);
	const struct device *parts[] = {&root.thin, &root.pool, &root.data, &root.metadata};

	for (size_t k = 0; k < ARRAY_SIZE(parts) && r == 0; k++)
		r = mapper_remove(parts[k]->name, e);
	if (r == 0)
		r = mapper_info(root.image.name, &i, e);
	if (r == 0 && i.exists && i.open_count == 0 && mapper_remove(root.image.name, e) < 0)
		error_clear(e); /* somebody has just opened it */
	return r;
}

/* --- volumes ------------------------------------------------------------------------------------------------------------------ */

static int compose(const struct cluster *c, const struct volume *v, bool look, const char *const *pv_paths, char ret_path[256],
		   struct error *e)
{
	struct undo u = {.n = 0};
	struct device d;
	int r;

	if (v->kind == VOLUME_ROOT) {
		r = make_root(c, v, look, pv_paths, &d, &u, e);
	} else {
		r = name_device(c, v->name, "", &d, e);
		if (r == 0)
			r = make_linear(c, &d, &v->data, v->bytes, false, pv_paths, &u, e);
	}
	if (r < 0) {
		undo_all(&u);
		error_wrap(e, "volume %s", v->name);
		return r;
	}
	mapper_path(d.name, ret_path);
	return 0;
}

int volume_compose(const struct cluster *c, const struct volume *v, const char *const *pv_paths, char ret_path[256], struct error *e)
{
	return compose(c, v, false, pv_paths, ret_path, e);
}

int volume_release(const struct cluster *c, const struct volume *v, struct error *e)
{
	struct device d;
	int r;

	if (v->kind == VOLUME_ROOT) {
		r = release_root(c, v, false, e);
	} else {
		r = name_device(c, v->name, "", &d, e);
		if (r == 0)
			r = mapper_remove(d.name, e);
	}
	if (r < 0)
		error_wrap(e, "volume %s", v->name);
	return r;
}

int volume_look(const struct cluster *c, const struct volume *v, const char *const *pv_paths, char ret_path[256], struct error *e)
{
	if (v->kind != VOLUME_ROOT)
		return error_set(e, EINVAL, "volume %s: only a root can be looked at", v->name);
	return compose(c, v, true, pv_paths, ret_path, e);
}

int volume_unlook(const struct cluster *c, const struct volume *v, struct error *e)
{
	int r = release_root(c, v, true, e);

	if (r < 0)
		error_wrap(e, "volume %s", v->name);
	return r;
}

static bool is_whole(const struct device *d)
{
	struct mapper_info i;

	return mapper_info(d->name, &i, NULL) == 0 && i.exists && i.live && strcmp(i.uuid, d->uuid) == 0;
}

bool volume_is_composed(const struct cluster *c, const struct volume *v)
{
	struct device d;

	return name_device(c, v->name, "", &d, NULL) == 0 && is_whole(&d);
}

bool image_is_composed(const struct cluster *c, const struct image *i)
{
	struct device d;

	return image_device(c, i, IMAGE_READ, &d, NULL) == 0 && is_whole(&d);
}

int volume_usage(const struct cluster *c, const struct volume *v, struct store_usage *ret, struct error *e)
{
	const uint64_t block = THIN_BLOCK_SECTORS * SECTOR, metadata_block = 4096;
	struct mapper_info info;
	struct mapper_pool s;
	struct device d;
	int r = name_device(c, v->name, "-pool", &d, e);

	if (r == 0)
		r = there(&d, &info, e);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(e, ENODEV, "volume %s: not composed here", v->name);
	r = mapper_pool_status(d.name, &s, e);
	if (r < 0)
		return r;
	*ret = (struct store_usage){
		.data_used = s.data_used * block,
		.data_total = s.data_total * block,
		.metadata_used = s.metadata_used * metadata_block,
		.metadata_total = s.metadata_total * metadata_block,
		.out_of_data = s.out_of_data,
		.read_only = s.read_only || s.failed,
		.needs_check = s.needs_check,
	};
	return 0;
}
