/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Volumes and stores become larger. */
#include "volmgr/volumes.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "heads.h"
#include "plan.h"
#include "room.h"

#include <errno.h>
#include <string.h>

#define BLOCK 4096u

/* What V needs more of when it gets BYTES: a thin one metadata (its data come as they are written), a plain one data. */
static struct volume_size missing(const struct volume *v, uint64_t bytes)
{
	uint64_t have = segments_extents(volume_is_thin(v) ? &v->metadata : &v->data);
	uint32_t want = volume_is_thin(v) ? plan_metadata_extents(bytes) : plan_extents(bytes);
	uint32_t more = want > have ? (uint32_t)(want - have) : 0;

	return volume_is_thin(v) ? (struct volume_size){more, 0} : (struct volume_size){0, more};
}

int volume_resize(struct change *ch, const char *name, uint64_t bytes, struct error *e)
{
	struct space space cleanup_space = {.free = NULL};
	struct volume *v = cluster_volume(&ch->c, name);
	const struct volume *one = v;
	struct volume_size more;
	char a[24];
	int r;

	if (!v)
		return error_set(e, ENOENT, "there is no volume %.130s: see volmgr list", name);
	if (v->kind == VOLUME_SHARED)
		return error_set(e, EINVAL, "volume %s: a shared volume keeps its size", name);
	bytes = bytes / BLOCK * BLOCK;
	if (bytes < v->bytes)
		return error_set(e, EINVAL, "volume %s has %s: it can only become larger", name, str_bytes(a, sizeof(a), v->bytes));
	if (plan_extents(bytes) == UINT32_MAX)
		return error_set(e, EINVAL, "volume %s: %llu bytes is no size for a volume", name, (unsigned long long)bytes);
	more = missing(v, bytes);
	r = room_make(ch, space_slab(v->kind), (uint64_t)more.metadata + more.data, &space, e);
	if (r == 0 && space_take(&space, space_slab(v->kind), more.metadata, &v->metadata) < 0)
		r = error_errno(e, ENOMEM, "volume %s", name);
	if (r == 0 && space_take(&space, space_slab(v->kind), more.data, &v->data) < 0)
		r = error_errno(e, ENOMEM, "volume %s", name);
	if (r < 0 || bytes == v->bytes)
		return r;
	v->bytes = bytes;
	return volume_is_thin(v) ? 0 : heads_write(&ch->c, ch->pvs, &one, 1, e);
}

/* Each its part when there is not enough for all. */
static int share_out(struct change *ch, struct store_want *w, size_t n, uint64_t want, struct space *space, struct error *e)
{
	uint64_t left = space_left(space);

	for (size_t i = 0; i < n; i++) {
		struct volume *v = cluster_volume(&ch->c, w[i].volume);

		uint32_t wanted = w[i].extents;

		if (want > left)
			w[i].extents = (uint32_t)(wanted * left / want);
		want -= wanted;
		left -= w[i].extents;
		if (space_take(space, SLAB_STORES, w[i].extents, &v->data) < 0)
			return error_errno(e, ENOMEM, "volume %s", v->name);
	}
	return 0;
}

int stores_grow(struct change *ch, struct store_want *w, size_t n, struct error *e)
{
	struct space space cleanup_space = {.free = NULL};
	uint64_t want = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		const struct volume *v = cluster_volume(&ch->c, w[i].volume);

		if (!v)
			return error_set(e, ENOENT, "there is no volume %.130s", w[i].volume);
		if (!volume_is_thin(v))
			return error_set(e, EINVAL, "volume %s has no store", v->name);
		want += w[i].extents;
	}
	r = room_make_some(ch, SLAB_STORES, want, &space, e);
	return r == 0 ? share_out(ch, w, n, want, &space, e) : r;
}
