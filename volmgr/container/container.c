/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "area.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "compose_look.h"
#include "gpt.h"
#include "heads.h"
#include "lvm.h"
#include "plan.h"
#include "space.h"
#include "wipe.h"
#include "volmgr/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>

#define PAGE      4096
#define LV_STORES "stores"
#define LV_SWAP   "swap"
#define LV_SHARED "shared"

struct teller {
	volmgr_progress_fn *fn;
	void *data;
};

static void tell(const struct teller *t, const char *what, uint64_t done, uint64_t total)
{
	if (t->fn)
		t->fn(what, done, total, t->data);
}

/*
 * Holds the disk's lock, so that udev does not make the kernel read the table anew (all partitions would be gone for a moment) while it is being
 * changed. Opened for reading: its close is no news to udev.
 */
static int lock_disk(const char *disk)
{
	int fd = open(disk, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		flock(fd, LOCK_EX);
	return fd;
}

/* At most 256 bytes: these never come in part. */
static void random_bytes(void *data, size_t n)
{
	while (getrandom(data, n, 0) != (ssize_t)n)
		;
}

static void new_uuid(char ret[CLUSTER_ID_SIZE])
{
	unsigned char b[16];
	char hex[33];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	snprintf(ret, CLUSTER_ID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}

/* --- what the state says of it -------------------------------------------------------------------------------------------- */

enum { LV_IMAGE_INDEX, LV_STORES_INDEX, LV_SWAP_INDEX, LV_SHARED_INDEX, LV_COUNT };

static void move_segments(struct segments *to, struct segments *from)
{
	*to = *from;
	*from = (struct segments){NULL, 0};
}

static int add_image(struct cluster *c, const char *name, uint64_t bytes, struct segments *segments)
{
	c->images = calloc(1, sizeof(*c->images));
	if (!c->images)
		return -ENOMEM;
	c->n_images = 1;
	c->images[0].version = 1;
	c->images[0].bytes = bytes;
	move_segments(&c->images[0].segments, segments);
	return str_copy(c->images[0].name, sizeof(c->images[0].name), name);
}

static int add_slabs(struct cluster *c, struct lvm_volume *lvs)
{
	static const int which[] = {LV_STORES_INDEX, LV_SWAP_INDEX, LV_SHARED_INDEX};

	c->slabs = calloc(ARRAY_SIZE(which), sizeof(*c->slabs));
	for (size_t i = 0; c->slabs && i < ARRAY_SIZE(which); i++) {
		struct lvm_volume *lv = &lvs[which[i]];

		if (!lv->extents)
			continue;
		snprintf(c->slabs[c->n_slabs].lv, sizeof(c->slabs[0].lv), "%.60s", lv->name);
		move_segments(&c->slabs[c->n_slabs++].segments, &lv->segments);
	}
	return c->slabs ? 0 : -ENOMEM;
}

/* The whole LV is one volume. */
static int add_shared(struct cluster *c)
{
	const struct slab *slab = cluster_slab(c, LV_SHARED);
	struct volume *v;

	if (!slab || !slab->segments.n)
		return 0;
	v = realloc(c->volumes, (c->n_volumes + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	c->volumes = v;
	v += c->n_volumes++;
	*v = (struct volume){.name = LV_SHARED, .kind = VOLUME_SHARED, .bytes = segments_extents(&slab->segments) * EXTENT_BYTES};
	return plan_free(&slab->segments, NULL, 0, &v->data);
}

static int describe(struct cluster *c, const struct pv *pv, struct lvm_volume *lvs, const char *image, uint64_t image_bytes,
		    struct error *e)
{
	char ref[IMAGE_REF_SIZE];
	int r;

	c->pvs = calloc(1, sizeof(*c->pvs));
	if (!c->pvs)
		return error_errno(e, ENOMEM, "the state");
	c->pvs[0] = *pv;
	c->n_pvs = 1;
	r = add_image(c, image, image_bytes, &lvs[LV_IMAGE_INDEX].segments);
	if (r == 0)
		r = add_slabs(c, lvs);
	if (r < 0)
		return error_errno(e, r, "the state");
	image_ref(ref, &c->images[0]);
	for (size_t i = 0; i < c->n_nodes; i++)
		memcpy(c->nodes[i].image, ref, sizeof(ref));
	r = plan_node_volumes(c, ref, e);
	if (r == 0 && add_shared(c) < 0)
		r = error_errno(e, ENOMEM, "the state");
	return r;
}

/* --- heads of volumes -------------------------------------------------------------------------------------------------------- */

static int write_heads(const struct cluster *c, const char *pv, const struct teller *t, struct error *e)
{
	cleanup_free const struct volume **v = calloc(c->n_volumes + 1, sizeof(*v));

	if (!v)
		return error_errno(e, ENOMEM, "heads of volumes");
	for (size_t i = 0; i < c->n_volumes; i++)
		v[i] = &c->volumes[i];
	tell(t, "stores", 0, 0);
	return heads_write(c, &pv, v, c->n_volumes, e);
}

struct wiping {
	const struct teller *t;
	uint64_t before, total;
};

static void tell_wiping(uint64_t done, uint64_t total, void *data)
{
	const struct wiping *w = data;

	(void)total;
	tell(w->t, "shared volume", w->before + done, w->total);
}

/* What everybody may compose at any time is zeroed here and now. */
static int wipe_shared(const struct cluster *c, const char *pv, const struct teller *t, struct error *e)
{
	const struct volume *v = cluster_node_volume(c, 0, VOLUME_SHARED);
	cleanup_fd int fd = area_file_open(pv, true);
	struct wiping w = {.t = t, .total = v ? v->bytes : 0};
	int r = fd < 0 ? error_errno(e, fd, "%s", pv) : 0;

	for (size_t i = 0; v && i < v->data.n && r == 0; i++) {
		const struct segment *s = &v->data.v[i];

		r = wipe_range(fd, segment_offset(c, s), s->count * EXTENT_BYTES, tell_wiping, &w, e);
		w.before += s->count * EXTENT_BYTES;
	}
	return r;
}

static int write_zeros(int fd, uint64_t at, uint64_t bytes)
{
	cleanup_free char *zeros = aligned_alloc(PAGE, PLAN_MIB);
	int r = zeros ? 0 : -ENOMEM;

	if (zeros)
		memset(zeros, 0, PLAN_MIB);
	for (uint64_t done = 0; done < bytes && r == 0; done += PLAN_MIB)
		r = pwrite_full(fd, zeros, bytes - done < PLAN_MIB ? bytes - done : PLAN_MIB, at + done);
	return r;
}

/* The first and last MiB of a partition that comes or goes: no signature of LVM or of a state area is left for anybody to find. */
static int wipe_ends(const char *path, struct error *e)
{
	cleanup_fd int fd = area_file_open(path, true);
	off_t size;
	int r;

	if (fd < 0)
		return error_errno(e, fd, "%s", path);
	size = lseek(fd, 0, SEEK_END);
	if (size < (off_t)(2 * PLAN_MIB))
		return error_set(e, ENOSPC, "%s: too small", path);
	r = write_zeros(fd, 0, PLAN_MIB);
	if (r == 0)
		r = write_zeros(fd, LAYOUT_COPY, PLAN_MIB);
	if (r == 0)
		r = write_zeros(fd, (uint64_t)size / PAGE * PAGE - PLAN_MIB, PLAN_MIB);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r < 0 ? error_errno(e, r, "%s: wiping", path) : 0;
}

/* The same of a state area, and of all that tells of documents: an area without those was never that of a cluster. */
static int wipe_state(const char *path, struct error *e)
{
	cleanup_fd int fd = area_file_open(path, true);
	int r = fd;

	if (r >= 0)
		r = write_zeros(fd, LAYOUT_SLOTS, LAYOUT_BLOCK);
	if (r == 0)
		r = write_zeros(fd, LAYOUT_SLOTS + LAYOUT_SLOT_SIZE, LAYOUT_BLOCK);
	if (r == 0)
		r = write_zeros(fd, LAYOUT_HISTORY, (uint64_t)LAYOUT_HISTORY_SLOTS * LAYOUT_BLOCK);
	return r < 0 ? error_errno(e, r, "%s: wiping", path) : wipe_ends(path, e); /* which flushes */
}

/* --- create, abandon ------------------------------------------------------------------------------------------------------------ */

/* An LV's name has no '@'. */
static void name_volumes(struct lvm_volume *lvs, const struct container_plan *p, const char *image)
{
	snprintf(lvs[LV_IMAGE_INDEX].name, sizeof(lvs[0].name), "image.%.60s.1", image);
	snprintf(lvs[LV_STORES_INDEX].name, sizeof(lvs[0].name), SLAB_STORES);
	snprintf(lvs[LV_SWAP_INDEX].name, sizeof(lvs[0].name), SLAB_SWAP);
	snprintf(lvs[LV_SHARED_INDEX].name, sizeof(lvs[0].name), LV_SHARED);
	lvs[LV_IMAGE_INDEX].extents = p->image_extents;
	lvs[LV_STORES_INDEX].extents = p->slab_extents;
	lvs[LV_SWAP_INDEX].extents = p->swap_extents;
	lvs[LV_SHARED_INDEX].extents = p->shared_extents;
}

static int fill_container(struct cluster *c, const struct container_place *place, const struct container_plan *p, const char *image,
			  const struct teller *t, struct error *e)
{
	const char *name = c->settings.container_name;
	struct lvm_volume lvs[LV_COUNT] = {{.extents = 0}};
	struct pv pv = {.extents = 0};
	int r;

	name_volumes(lvs, p, image);
	memcpy(pv.partuuid, place->pv_partuuid, sizeof(pv.partuuid));
	r = wipe_state(place->state, e);
	if (r == 0)
		r = wipe_ends(place->pv, e);
	tell(t, "volume group", 0, 0);
	if (r == 0)
		r = lvm_create(name, place->pv, lvs, LV_COUNT, &pv, e);
	if (r == 0)
		r = describe(c, &pv, lvs, image, p->image, e);
	for (size_t i = 0; i < LV_COUNT; i++)
		segments_free(&lvs[i].segments);
	if (r == 0)
		r = write_heads(c, place->pv, t, e);
	if (r == 0)
		r = wipe_shared(c, place->pv, t, e);
	tell(t, "state area", 0, 0);
	if (r == 0)
		r = state_area_format(place->state, name, c->id, e);
	return r == 0 ? lease_format(&(struct lease_place){place->state, c}, e) : r;
}

static int remove_container(const char *disk, const struct container_place *place, struct error *e)
{
	int r = wipe_ends(place->pv, e);

	if (r == 0)
		r = wipe_state(place->state, e);
	return r == 0 ? gpt_remove_container(disk, place->name, e) : r;
}

int container_create(struct cluster *c, const struct disk_info *d, const struct container_plan *p, const char *image_name,
		     volmgr_progress_fn *progress, void *data, struct error *e)
{
	const struct teller t = {progress, data};
	struct container_place place;
	cleanup_fd int lock = lock_disk(d->path);
	int r;

	if (lock < 0)
		return error_errno(e, errno, "%s", d->path);
	if (!str_is_label(image_name))
		return error_set(e, EINVAL, "'%s' is no name for an image", image_name);
	if (!c->id[0])
		new_uuid(c->id);
	tell(&t, "partitions", 0, 0);
	r = gpt_add_container(d, c->settings.container_name, &p->segment, &place, e);
	if (r < 0)
		return r;
	r = fill_container(c, &place, p, image_name, &t, e);
	if (r < 0) {
		cluster_forget_storage(c);
		remove_container(d->path, &place, NULL);
		error_wrap(e, "container %s", c->settings.container_name);
	}
	return r;
}

/* Nothing of it may be composed here any more: a partition in use stays in the kernel's table. */
static void release_all(const struct cluster *c)
{
	for (size_t i = 0; i < c->n_volumes; i++)
		volume_release(c, &c->volumes[i], NULL);
	for (size_t i = 0; i < c->n_images; i++) {
		image_release_writable(c, &c->images[i], NULL);
		image_release(c, &c->images[i], NULL);
	}
}

/* A name alone proves nothing: another machine may have made a container of the same one. */
static int check_owner(const struct cluster *c, const struct container_place *place, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	int r = state_area_open(place->state, false, &a, e);

	if (r == 0 && strcmp(area_superblock(a)->id, c->id) == 0)
		return 0;
	if (r == 0)
		error_set(e, EXDEV, "it is that of cluster %s", area_superblock(a)->id);
	error_wrap(e, "container %s on %s is not known to be this one", place->name, place->disk);
	return -EXDEV;
}

/* A node that told of itself had a document, whatever the slots say. Whatever cannot be read is no proof. */
static int check_no_status(struct state_area *a, struct error *e)
{
	for (unsigned i = 1; i < LAYOUT_STATUS_SLOTS; i++) {
		cleanup_free char *text = NULL;
		size_t len;
		int r = state_status_read(a, i, &text, &len, e);

		if (r == 0)
			return error_set(e, EEXIST, "node %u has told of itself", i);
		if (r != -ENODATA)
			return r;
	}
	return 0;
}

static int check_no_document(struct state_area *a, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = state_area_read(a, &text, &len, NULL, e);

	if (r == 0) {
		explicit_bzero(text, len);
		return error_set(e, EEXIST, "a document was published");
	}
	if (r == -ENODATA)
		return 0;
	return r == -EUCLEAN || r == -ENOTSUP ? error_set(e, EEXIST, "a document was published") : r;
}

#define NOT_KNOWN "container %s on %s is not known to be unfinished: %s"

/* What was cut off before it had a superblock: that comes late. A cluster has a record in the history before it has a document, and keeps it. */
static int check_no_area(const struct container_place *p, struct error *e)
{
	bool was_one;
	int r = area_had_document(p->state, &was_one, e);

	return r == 0 && was_one ? error_set(e, EEXIST, "there is no superblock, but a document was published") : r;
}

int container_check_unfinished(const struct container_place *p, struct error *e)
{
	struct state_area *a CLEANUP(state_area_closep) = NULL;
	struct error why = ERROR_INIT;
	int r = state_area_open(p->state, false, &a, &why);

	if (r == -EINVAL || r == -EUCLEAN) {
		r = check_no_area(p, &why);
		return r == 0 ? 0 : error_set(e, why.code, NOT_KNOWN, p->name, p->disk, why.text);
	}
	if (r == 0 && strcmp(area_superblock(a)->container, p->name) != 0)
		r = error_set(&why, EEXIST, "its state area is that of %s", area_superblock(a)->container);
	if (r == 0)
		r = check_no_document(a, &why);
	if (r == 0)
		r = check_no_status(a, &why);
	if (r == 0)
		return 0;
	return error_set(e, why.code, NOT_KNOWN, p->name, p->disk, why.text);
}

/* Of one that is mounted or mapped, the kernel would keep the partitions. */
static int check_unused(const char *path, struct error *e)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);

	if (fd < 0 && errno == EBUSY)
		return error_set(e, EBUSY, "%s is in use on this machine: start it anew, then try again", path);
	return fd < 0 ? error_errno(e, errno, "%s", path) : 0;
}

int container_remove_unfinished(const struct container_place *p, struct error *e)
{
	cleanup_fd int lock = lock_disk(p->disk);
	int r;

	if (lock < 0)
		return error_errno(e, errno, "%s", p->disk);
	r = container_check_unfinished(p, e);
	if (r == 0)
		r = check_unused(p->state, e);
	if (r == 0)
		r = check_unused(p->pv, e);
	return r == 0 ? remove_container(p->disk, p, e) : r;
}

int container_abandon(const struct cluster *c, const struct disk_info *d, struct error *e)
{
	cleanup_fd int lock = lock_disk(d->path);
	struct container_place place;
	int n;

	if (lock < 0)
		return error_errno(e, errno, "%s", d->path);
	n = container_find(c->settings.container_name, &place, 1, e);
	if (n < 0)
		return n;
	if (n == 0)
		return 0;
	if (n > 1 || strcmp(place.disk, d->path) != 0)
		return error_set(e, ENOTUNIQ, "container %s: found on %s, not only on %s", c->settings.container_name, place.disk, d->path);
	n = check_owner(c, &place, e);
	if (n < 0)
		return n;
	release_all(c);
	return remove_container(d->path, &place, e);
}
