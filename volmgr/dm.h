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

struct mapper_info {
	bool exists; /* else nothing below is valid */
	bool live;   /* has a table in use */
	unsigned open_count;
	unsigned major, minor;
	char uuid[MAPPER_UUID_SIZE];
};
int mapper_info(const char *name, struct mapper_info *ret, struct error *e);

/* Creates NAME with its table and makes its node. -EEXIST when there is such a device already. */
int mapper_create(const char *name, const char *uuid, const struct mapper_table *t, struct error *e);

/* 0 when the device's live table has these lines (types, lengths and, for linear, parameters), -ESTALE when not. */
int mapper_compare(const char *name, const struct mapper_table *t, struct error *e);

/* Takes NAME away, waiting up to 2 s for others who have it open for a moment. 0 also when there is none; -EBUSY. */
int mapper_remove(const char *name, struct error *e);

/* Sends MESSAGE to the target at sector 0. */
int mapper_message(const char *name, const char *message, struct error *e);

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
