/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's device-mapper. Thin: it does what it is told; compose.c decides. Works with and without udev: device nodes are made by libdevmapper
 * itself and no udev cookie is waited for.
 */
#ifndef BYRE_VOLMGR_DM_H
#define BYRE_VOLMGR_DM_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAPPER_NAME_SIZE 128 /* the kernel's, with NUL */
#define MAPPER_UUID_SIZE 129

/* One line of a table, in sectors. */
struct mapper_line {
	uint64_t start, length;
	char type[16];
	char params[224];
};
struct mapper_table {
	struct mapper_line *v;
	size_t n;
	bool read_only;
};
int mapper_table_add(struct mapper_table *t, const char *type, uint64_t length, const char *params);
void mapper_table_free(struct mapper_table *t);
uint64_t mapper_table_length(const struct mapper_table *t); /* sectors */
/* T begins with the lines of HEAD: types, lengths and, for linear, parameters; the last of them may be longer in T. */
bool mapper_table_begins(const struct mapper_table *t, const struct mapper_table *head);

struct mapper_info {
	bool exists; /* else nothing below is valid */
	bool live;   /* has a table in use */
	bool still;  /* suspended: I/O waits */
	unsigned open_count;
	unsigned major, minor;
	char uuid[MAPPER_UUID_SIZE];
};
int mapper_info(const char *name, struct mapper_info *ret, struct error *e);

/* Creates NAME with its table and makes its node. QUIET: udev shall look for nothing on it. -EEXIST when there is such a device already. */
int mapper_create(const char *name, const char *uuid, bool quiet, const struct mapper_table *t, struct error *e);

/*
 * Puts T in the place of the device's table, for good. Nothing that waits in the device is failed or has to end first, and no file system on it is frozen. One
 * system call during which the device stands still; the caller's memory is not needed meanwhile.
 */
int mapper_reload(const char *name, const struct mapper_table *t, struct error *e);
/*
 * The same once all I/O under way has ended, which it has to within SECONDS; new I/O waits meanwhile. -EINTR: it has not, and nothing has changed. A thin device wants this: of
 * what waits in it nothing may come back to its pool just when the caller is killed.
 */
int mapper_reload_quiet(const char *name, const struct mapper_table *t, unsigned seconds, struct error *e);

/* The device's live table into RET, for mapper_table_free. */
int mapper_table_read(const char *name, struct mapper_table *ret, struct error *e);

/* Stops and starts I/O to the device; stopping waits for what is under way, and freezes the file system on it. Between the two, have your memory locked. */
int mapper_suspend(const char *name, struct error *e);
int mapper_resume(const char *name, struct error *e);

/* Calls FN with the name of each device whose name begins with PREFIX; a negative return ends the walk and is handed on. */
typedef int mapper_name_fn(const char *name, void *data, struct error *e);
int mapper_each(const char *prefix, mapper_name_fn *fn, void *data, struct error *e);

/*
 * Events of all devices: mapper_events_open gives a descriptor for poll(2), readable (POLLIN) once any device has told something since the last mapper_events_arm.
 * Arm first, look at the devices then, and nothing is missed.
 */
int mapper_events_open(int *ret, struct error *e);
int mapper_events_arm(int fd, struct error *e);

/* 0 when the device's live table has these lines (types, lengths and, for linear, parameters), -ESTALE when not. */
int mapper_compare(const char *name, const struct mapper_table *t, struct error *e);

/* Takes NAME away, waiting up to 5 s for others who have it open for a moment. 0 also when there is none; -EBUSY. */
int mapper_remove(const char *name, struct error *e);

/* Sends MESSAGE to the target at sector 0. */
int mapper_message(const char *name, const char *message, struct error *e);

/* The status of NAME's only target, which is of TYPE, as the kernel tells it. -ENODEV: it has another. */
int mapper_status(const char *name, const char *type, char *ret, size_t size, struct error *e);

struct mapper_pool {
	uint64_t transaction;
	uint64_t data_used, data_total;         /* blocks of the pool */
	uint64_t metadata_used, metadata_total; /* blocks of 4 KiB */
	bool failed, read_only, out_of_data, needs_check;
};
int mapper_pool_status(const char *name, struct mapper_pool *ret, struct error *e);

/* Makes sure that the kernel has target TYPE, with modprobe when it has not. -ENOTSUP names the module to load. */
int mapper_need(const char *type, struct error *e);

/* The path of NAME's node. */
void mapper_path(const char *name, char ret[256]);

#endif
