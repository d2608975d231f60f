/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A composed thin volume: what its pool tells, how it becomes larger, which devices are in it. */
#include "store.h"

#include "base/cleanup.h"
#include "thin_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define QUIET_SECONDS 10 /* for what is under way to end: when the pool is full it does not */

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

static void drop(void *pool)
{
	ballast_drop(pool);
}

/* Puts T in place, in spite of what ballast.c is for. 1 when that was needed, else 0. */
static int reload_pool(struct thin_parts *p, const struct mapper_table *t, struct error *e)
{
	const struct guard_duty duty = {.late = drop, .late_ms = 2000};
	struct guard guard CLEANUP(guard_dismiss) = {.pid = 0};
	int r;

	guard_start(&duty, &p->pool, &guard, NULL); /* without one it goes well nearly always */
	r = mapper_reload(p->pool.name, t, e);
	return guard_dismiss_late(&guard) && r == 0 ? 1 : r;
}

/* The pool over all of its data device. ANYWAY: although that is not longer: because the metadata are, or for a new event. 1 when that was done, 2 when the pool was late. */
static int extend_pool(struct thin_parts *p, bool anyway, struct error *e)
{
	struct mapper_table data cleanup_table = {.read_only = false}, live cleanup_table = {.read_only = false};
	struct mapper_table t cleanup_table = {.read_only = false};
	int r = mapper_table_read(p->data.name, &data, e);

	if (r == 0)
		r = mapper_table_read(p->pool.name, &live, e);
	if (r < 0 || (!anyway && mapper_table_length(&live) >= mapper_table_length(&data)))
		return r;
	r = thin_pool_table(p, mapper_table_length(&data) * SECTOR, false, &t, e);
	if (r == 0)
		r = reload_pool(p, &t, e);
	return r < 0 ? r : 1 + r;
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
		r = mapper_reload_quiet(thin->name, &t, QUIET_SECONDS, e);
	return r < 0 ? r : 1;
}

int store_extend(const struct cluster *c, const struct volume *v, const char *const *pv_paths, bool rearm,
		 struct store_change *ret, struct error *e)
{
	cleanup_fd int lock = -1;
	struct thin_parts p;
	int r = thin_open_parts(c, v, &p, &lock, e), metadata = 0, data = 0, pool = 0;

	if (r == 0)
		r = metadata = extend_linear(c, &p.metadata, &v->metadata, pv_paths, e);
	if (r >= 0)
		r = data = extend_linear(c, &p.data, &v->data, pv_paths, e);
	if (r >= 0)
		r = pool = extend_pool(&p, rearm || metadata, e);
	if (r >= 0)
		r = extend_thin(&p.thin, v->bytes, e);
	if (r < 0)
		return about_volume(v, r, e);
	*ret = (struct store_change){.any = metadata || data || pool || r, .late = pool > 1};
	return 0;
}

int store_refill(const struct cluster *c, const struct volume *v, struct error *e)
{
	cleanup_fd int lock = -1;
	struct thin_parts p;
	int r = thin_open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = ballast_keep(&p, false, e);
	return about_volume(v, r, e);
}

/* --- devices in the pool ------------------------------------------------------------------------------------------------------ */

int thin_live_id(const struct device *thin, uint32_t *ret, struct error *e)
{
	struct mapper_table live cleanup_table = {.read_only = false};
	int r = mapper_table_read(thin->name, &live, e);

	if (r < 0)
		return r;
	return live.n == 1 && sscanf(live.v[0].params, "%*s %u", ret) == 1 ? 0 : error_set(e, EPROTO, "%s: no thin device", thin->name);
}

/* The kernel's answer for an id that is not there is "no data". */
int thin_delete_id(const struct device *pool, uint32_t id, struct error *e)
{
	struct error why = ERROR_INIT;
	int r = thin_tell_pool(pool, "delete", id, &why);

	if (r == 0 || r == -ENODATA)
		return 0;
	return error_set(e, -r, "%s", why.text);
}

int store_live(const struct cluster *c, const struct volume *v, uint32_t *ret, struct error *e)
{
	cleanup_fd int lock = -1;
	struct thin_parts p;
	int r = thin_open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = thin_live_id(&p.thin, ret, e);
	return about_volume(v, r, e);
}

int store_forget(const struct cluster *c, const struct volume *v, uint32_t id, struct error *e)
{
	cleanup_fd int lock = -1;
	struct thin_parts p;
	uint32_t own;
	int r = thin_open_parts(c, v, &p, &lock, e);

	if (r == 0)
		r = thin_live_id(&p.thin, &own, e);
	if (r == 0)
		r = own == id ? error_set(e, EBUSY, "device %u is in use", id) : thin_delete_id(&p.pool, id, e);
	return about_volume(v, r, e);
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
