/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What composing a volume is made of: compose.c has plain volumes and images, thin.c thin ones (see thin_parts.h). */
#ifndef BYRE_VOLMGR_COMPOSE_PARTS_H
#define BYRE_VOLMGR_COMPOSE_PARTS_H

#include "base/cleanup.h"
#include "dm.h"
#include "volmgr/compose.h"

#define SECTOR        512
#define cleanup_table CLEANUP(mapper_table_free)

/* One device of a volume, by name and by the uuid that tells it from another container's. */
struct device {
	char name[MAPPER_NAME_SIZE];
	char uuid[MAPPER_UUID_SIZE];
	bool part; /* of a volume or an image: not for the eyes of others */
};
/* PART is what its name ends with: "-pool". */
int name_device(const struct cluster *c, const char *what, const char *part, struct device *ret, struct error *e);
/* R, and when it is an error, E with V's name in front. */
int about_volume(const struct volume *v, int r, struct error *e);
/* "MAJOR:MINOR". */
int device_number(const struct device *d, char ret[32], struct error *e);
/* 1: a whole device of ours is there. 0: none is; one left half-made by a crash is taken away. Only with the lock held. */
int device_there(const struct device *d, struct mapper_info *ret, struct error *e);
/* The same, as one sees it without touching anything. */
bool device_is_whole(const struct device *d);

/* What a call has made, to be taken down again when it fails. */
struct undo {
	char names[6][MAPPER_NAME_SIZE];
	size_t n;
};
void undo_all(struct undo *u);

/* Makes D with table T unless it is there with that table. */
int device_make(const struct device *d, const struct mapper_table *t, struct undo *u, struct error *e);
int device_make_linear(const struct cluster *c, const struct device *d, const struct segments *segs, uint64_t bytes, bool read_only,
		       const char *const *pv_paths, struct undo *u, struct error *e);

/* SEGS as linear lines, at most BYTES of them (0: all), rounded up to whole sectors. */
int linear_table(const struct cluster *c, const struct segments *segs, uint64_t bytes, const char *const *pv_paths, struct mapper_table *t,
		 struct error *e);
int table_line(struct mapper_table *t, const char *type, uint64_t bytes, const char *params, struct error *e);

/* The device of an image on which volumes stand: names it, makes it. */
int image_origin(const struct cluster *c, const struct image *i, struct device *ret, struct error *e);
int image_make_origin(const struct cluster *c, const struct image *i, const char *const *pv_paths, struct undo *u, struct error *e);

/*
 * Nobody else on this machine makes or removes devices while ALL is locked, nor composes or changes the volume WHAT while that is. Locked in this
 * order; both are let go of by closing the descriptor, at the latest when the process ends.
 */
int lock_volume(const char *what, int *ret_fd, struct error *e);
int try_lock_volume(const char *what, int *ret_fd, struct error *e); /* -EAGAIN: another has it */
int lock_all(int *ret_fd, struct error *e);

/* --- thin.c --- */

/* The volume with all its parts, its own device's name in RET. LOOK: see compose_look.h. With the locks held. */
int thin_make(const struct cluster *c, const struct volume *v, bool look, const char *const *pv_paths, struct device *ret, struct undo *u,
	      struct error *e);
int thin_release(const struct cluster *c, const struct volume *v, bool look, struct error *e);

#endif
