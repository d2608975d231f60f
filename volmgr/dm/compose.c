/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "volmgr/compose.h"

#include "base/crc32c.h"
#include "base/file.h"
#include "base/str.h"
#include "compose_look.h"
#include "compose_parts.h"
#include "wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define RUN_DIR   "/run/byre"
#define LOCK_FILE RUN_DIR "/compose.lock"
/* Its bytes: 0 for all devices, from 1 on for volumes, … */
#define LOCK_HOLDS (1ll << 33) /* … for who holds them, … */
#define LOCK_PLACE (1ll << 34) /* … and for this machine's place in the lockspace */

/* --- one at a time ------------------------------------------------------------------------------------------------------ */

/*
 * One byte of the file is one lock, of this open file and not of the process (fcntl(2), F_OFD_SETLK). Two volumes on one byte wait for each other
 * needlessly. WAIT: for who has it; else -EAGAIN.
 */
static int lock_byte(off_t byte, short type, bool wait, int *ret_fd, struct error *e)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int r = dir_make(AT_FDCWD, RUN_DIR, 0755, e), fd;

	if (r < 0)
		return r;
	fd = open(LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_errno(e, errno, LOCK_FILE);
	while (fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l) < 0)
		if (errno != EINTR) {
			r = error_errno(e, errno == EACCES ? EAGAIN : errno, "locking " LOCK_FILE);
			close(fd);
			return r;
		}
	*ret_fd = fd;
	return 0;
}

static off_t byte_of(const char *what)
{
	return (off_t)crc32c(0, what, strlen(what));
}

int lock_volume(const char *what, int *ret_fd, struct error *e)
{
	return lock_byte(1 + byte_of(what), F_WRLCK, true, ret_fd, e);
}

int try_lock_volume(const char *what, int *ret_fd, struct error *e)
{
	return lock_byte(1 + byte_of(what), F_WRLCK, false, ret_fd, e);
}

int lock_all(int *ret_fd, struct error *e)
{
	return lock_byte(0, F_WRLCK, true, ret_fd, e);
}

int lock_hold(const char *volume, int *ret_fd, struct error *e)
{
	return lock_byte(LOCK_HOLDS + byte_of(volume), F_WRLCK, true, ret_fd, e);
}

int lock_place(bool alone, int *ret_fd, struct error *e)
{
	return lock_byte(LOCK_PLACE, alone ? F_WRLCK : F_RDLCK, true, ret_fd, e);
}

/* --- names ---------------------------------------------------------------------------------------------------------------- */

void undo_all(struct undo *u)
{
	while (u->n)
		mapper_remove(u->names[--u->n], NULL);
}

int name_device(const struct cluster *c, const char *what, const char *part, struct device *ret, struct error *e)
{
	int n = snprintf(ret->name, sizeof(ret->name), "byre-%s-%s%s", c->settings.container_name, what, part);
	int u = snprintf(ret->uuid, sizeof(ret->uuid), "BYRE-%s-%s%s", c->id, what, part);

	if (n < 0 || (size_t)n >= sizeof(ret->name) || u < 0 || (size_t)u >= sizeof(ret->uuid))
		return error_set(e, ENAMETOOLONG, "%s: too long a name for a device", what);
	ret->part = part[0] != '\0';
	return 0;
}

int about_volume(const struct volume *v, int r, struct error *e)
{
	if (r < 0)
		error_wrap(e, "volume %s", v->name);
	return r;
}

/* --- tables ------------------------------------------------------------------------------------------------------------- */

int linear_table(const struct cluster *c, const struct segments *segs, uint64_t bytes, const char *const *pv_paths, struct mapper_table *t,
		 struct error *e)
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

int table_line(struct mapper_table *t, const char *type, uint64_t bytes, const char *params, struct error *e)
{
	return mapper_table_add(t, type, bytes / SECTOR, params) < 0 ? error_errno(e, ENOMEM, "table") : 0;
}

/* --- devices ------------------------------------------------------------------------------------------------------------ */

int device_there(const struct device *d, struct mapper_info *ret, struct error *e)
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

int device_make(const struct device *d, const struct mapper_table *t, struct undo *u, struct error *e)
{
	struct mapper_info i;

	for (int tries = 0;; tries++) {
		int r = device_there(d, &i, e);

		if (r < 0)
			return r;
		if (r > 0)
			return mapper_compare(d->name, t, e);
		r = mapper_create(d->name, d->uuid, d->part, t, e);
		if (r == -EEXIST && tries == 0) /* somebody else was making it, too */
			continue;
		if (r == 0)
			memcpy(u->names[u->n++], d->name, sizeof(d->name));
		return r;
	}
}

int device_make_linear(const struct cluster *c, const struct device *d, const struct segments *segs, uint64_t bytes, bool read_only,
		       const char *const *pv_paths, struct undo *u, struct error *e)
{
	struct mapper_table t cleanup_table = {.read_only = read_only};
	int r = mapper_need("linear", e);

	if (r == 0)
		r = linear_table(c, segs, bytes, pv_paths, &t, e);
	return r == 0 ? device_make(d, &t, u, e) : r;
}

int device_number(const struct device *d, char ret[32], struct error *e)
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

int image_origin(const struct cluster *c, const struct image *i, struct device *ret, struct error *e)
{
	return image_device(c, i, IMAGE_ORIGIN, ret, e);
}

int image_make_origin(const struct cluster *c, const struct image *i, const char *const *pv_paths, struct undo *u, struct error *e)
{
	struct device d;
	int r = image_origin(c, i, &d, e);

	return r == 0 ? device_make_linear(c, &d, &i->segments, i->bytes, true, pv_paths, u, e) : r;
}

/* BYTES 0: all of its segments. */
static int compose_image(const struct cluster *c, const struct image *i, const char *end, uint64_t bytes, bool read_only,
			 const char *const *pv_paths, char ret_path[256], struct error *e)
{
	struct undo u = {.n = 0};
	cleanup_fd int all = -1;
	struct device d;
	int r = image_device(c, i, end, &d, e);

	if (r == 0)
		r = lock_all(&all, e);
	if (r == 0)
		r = device_make_linear(c, &d, &i->segments, bytes, read_only, pv_paths, &u, e);
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
	cleanup_fd int all = -1;
	struct device d;
	int r = image_device(c, i, end, &d, e);

	if (r == 0)
		r = lock_all(&all, e);
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

bool image_writable_is_composed(const struct cluster *c, const struct image *i, bool *ret_open)
{
	struct mapper_info info = {.exists = false};
	struct device d;

	if (image_device(c, i, IMAGE_NEW, &d, NULL) < 0 || mapper_info(d.name, &info, NULL) < 0 || !info.exists)
		return false;
	if (ret_open)
		*ret_open = info.open_count > 0;
	return strcmp(info.uuid, d.uuid) == 0;
}

/* --- volumes ------------------------------------------------------------------------------------------------------------------ */

/* Every device of V but what has to be done once it is there. */
static int make_devices(const struct cluster *c, const struct volume *v, bool look, const char *const *pv_paths, struct device *ret,
			struct undo *u, struct error *e)
{
	cleanup_fd int all = -1;
	int r = lock_all(&all, e);

	if (r < 0)
		return r;
	if (volume_is_thin(v))
		return thin_make(c, v, look, pv_paths, ret, u, e);
	r = name_device(c, v->name, "", ret, e);
	return r == 0 ? device_make_linear(c, ret, &v->data, v->bytes, false, pv_paths, u, e) : r;
}

/* A plain volume that is new is wiped before its path is known to anybody; the shared one was when it was made. */
static int wipe_new(const struct volume *v, const struct device *d, struct error *e)
{
	char path[256];
	int r;

	if (volume_is_thin(v) || v->kind == VOLUME_SHARED)
		return 0;
	mapper_path(d->name, path);
	r = wipe_first_use(path, v, NULL, NULL, e);
	return r < 0 ? r : 0;
}

static int compose(const struct cluster *c, const struct volume *v, bool look, const char *const *pv_paths, char ret_path[256],
		   struct error *e)
{
	struct undo u = {.n = 0};
	cleanup_fd int lock = -1;
	struct device d;
	int r = lock_volume(v->name, &lock, e);

	if (r == 0)
		r = make_devices(c, v, look, pv_paths, &d, &u, e);
	if (r == 0 && u.n)
		r = wipe_new(v, &d, e);
	if (r < 0) {
		undo_all(&u);
		return about_volume(v, r, e);
	}
	mapper_path(d.name, ret_path);
	return 0;
}

static int release(const struct cluster *c, const struct volume *v, bool look, struct error *e)
{
	cleanup_fd int lock = -1, all = -1;
	struct device d;
	int r = lock_volume(v->name, &lock, e);

	if (r == 0)
		r = lock_all(&all, e);
	if (r == 0 && volume_is_thin(v)) {
		r = thin_release(c, v, look, e);
	} else if (r == 0) {
		r = name_device(c, v->name, "", &d, e);
		if (r == 0)
			r = mapper_remove(d.name, e);
	}
	return about_volume(v, r, e);
}

int volume_compose(const struct cluster *c, const struct volume *v, const char *const *pv_paths, char ret_path[256], struct error *e)
{
	return compose(c, v, false, pv_paths, ret_path, e);
}

int volume_release(const struct cluster *c, const struct volume *v, struct error *e)
{
	return release(c, v, false, e);
}

int volume_look(const struct cluster *c, const struct volume *v, const char *const *pv_paths, char ret_path[256], struct error *e)
{
	if (!volume_is_thin(v))
		return error_set(e, EINVAL, "volume %s: only a thin volume can be looked at", v->name);
	return compose(c, v, true, pv_paths, ret_path, e);
}

int volume_unlook(const struct cluster *c, const struct volume *v, struct error *e)
{
	return release(c, v, true, e);
}

bool device_is_whole(const struct device *d)
{
	struct mapper_info i;

	return mapper_info(d->name, &i, NULL) == 0 && i.exists && i.live && strcmp(i.uuid, d->uuid) == 0;
}

bool volume_is_composed(const struct cluster *c, const struct volume *v)
{
	struct device d;

	return name_device(c, v->name, "", &d, NULL) == 0 && device_is_whole(&d);
}

bool volume_may_write(const struct cluster *c, const struct volume *v)
{
	struct mapper_info i;
	struct device d;

	return name_device(c, v->name, volume_is_thin(v) ? "-pool" : "", &d, NULL) < 0 || mapper_info(d.name, &i, NULL) < 0 ||
	       (i.exists && strcmp(i.uuid, d.uuid) == 0);
}

bool image_is_composed(const struct cluster *c, const struct image *i)
{
	struct device d;

	return image_device(c, i, IMAGE_READ, &d, NULL) == 0 && device_is_whole(&d);
}
