/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program volmgr: what its commands share, and the commands, by file. */
#ifndef BYRE_VOLMGR_TOOL_H
#define BYRE_VOLMGR_TOOL_H

#include "area.h"
#include "base/buf.h"
#include "cluster/model.h"
#include "cluster/status.h"
#include "volmgr/volmgr.h"

/* --- main.c --- */

struct tool_options {
	const char *container, *state;
	bool json;
};
extern struct tool_options options;

/* A container as it is now: its state area, opened for reading, and its newest whole document. */
struct view {
	struct container_place place; /* empty with --state */
	struct state_area *area;
	struct state_report report;
	struct cluster c;
	const char **pvs; /* NULL: not all of its disks are here; see NO_PVS */
	struct error no_pvs;
};
/* Finds the container by --state, --container, the state that this node booted from, or because it is the only one. Says a warning of the state area on standard error. */
int view_open(struct view *v, struct error *e);
void view_close(struct view *v);
#define cleanup_view CLEANUP(view_close)

/* -ENODEV when the container's disks are not attached here. */
int view_need_pvs(const struct view *v, struct error *e);

/* One line "volmgr: warning: …" on standard error. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes all of B to standard output at once. */
int print_all(const struct buf *b, struct error *e);

/* --- usage.c --- */

/* What a volume holds of its own, and where it is in use. */
struct volume_use {
	bool here;              /* composed on this machine */
	bool known;             /* USED is valid */
	uint64_t used;          /* private bytes */
	uint64_t metadata_used; /* bytes */
	enum node_state node;   /* of its node, as its status slot tells */
};
void volume_use(const struct view *v, const struct volume *vol, struct volume_use *ret);
/* The status of node NUMBER as its slot tells: -ENODATA when it has written none. */
int node_status_read(const struct view *v, unsigned number, struct node_status *ret, struct error *e);

/* --- commands --- */
int list_run(int argc, char **argv, struct error *e);         /* list.c */
int status_run(int argc, char **argv, struct error *e);       /* status.c */
int state_show_run(int argc, char **argv, struct error *e);   /* state_show.c */
int image_verify_run(int argc, char **argv, struct error *e); /* image_verify.c */
int attach_run(int argc, char **argv, struct error *e);       /* attach.c */
int detach_run(int argc, char **argv, struct error *e);
extern bool state_show_secrets, attach_read_only, attach_force;

#endif
