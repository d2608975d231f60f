/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program volmgr: what its commands share, and the commands, by file. */
#ifndef BYRE_VOLMGR_TOOL_H
#define BYRE_VOLMGR_TOOL_H

#include "area.h"
#include "base/buf.h"
#include "cli/progress.h"
#include "cluster/model.h"
#include "cluster/status.h"
#include "cluster/volume_status.h"
#include "store.h"
#include "use.h"
#include "volmgr/image_make.h"
#include "volmgr/volmgr.h"

/* --- main.c --- */

struct tool_options {
	const char *container, *state;
	bool json;
};
extern struct tool_options options;

/* One line "volmgr: warning: …" on standard error. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes all of B to standard output at once. */
int print_all(const struct buf *b, struct error *e);

/* --- view.c --- */

/* A container as it is now: its state area, opened for reading, and its newest whole document. */
struct view {
	struct container_place place; /* empty with --state */
	const char *device;           /* its state area */
	struct state_area *area;
	struct state_report report;
	struct cluster c;
	const char **pvs; /* NULL: not all of its disks are here; see NO_PVS */
	struct error no_pvs;
	struct uses uses; /* of c's volumes */
};
/* Finds the container by --state, --container, the state that this node booted from, or because it is the only one. Says a warning of the state area on standard error. */
int view_open(struct view *v, struct error *e);
/* Its two halves. Until it is loaded, C is empty: no document can be read, perhaps. */
int view_open_area(struct view *v, struct error *e);
int view_load(struct view *v, struct error *e);
void view_close(struct view *v);
#define cleanup_view CLEANUP(view_close)

/* -ENODEV when the container's disks are not attached here. */
int view_need_pvs(const struct view *v, struct error *e);

/* A node by its number or its name. */
int view_node(const struct view *v, const char *text, const struct node **ret, struct error *e);

/* --- usage.c --- */

/* What a volume holds of its own, and where it is in use. */
struct volume_use {
	bool here;              /* composed on this machine */
	bool known;             /* USED is valid */
	uint64_t used;          /* private bytes */
	uint64_t metadata_used; /* bytes */
	uint64_t short_since;   /* seconds since 1970: its store wants space and has none; 0 = all is well */
	bool full;              /* its writers wait */
	struct use use;         /* who has it, as far as can be told */
};
void volume_use(struct view *v, const struct volume *vol, struct volume_use *ret);

/* "here", or the name of the node that has it, and what is not well about that; NULL: it is in use nowhere. A disk that is held is not in use for that. */
#define USE_PLACE_SIZE (NAME_SIZE + 40)
const char *use_place(const struct view *v, const struct volume_use *use, char ret[USE_PLACE_SIZE]);

/* --- tool_change.c --- */

struct change;
/* change_begin with the container that the command line names; whoever holds the lease is told of on standard error. */
int tool_change(const char *what, struct change **ret, struct error *e);
/* How that is told, for change_options. */
void tool_tell_waiting(const char *what, void *data);

/* Long work: bars on the terminal, and job.go_on ends it after an interrupt_watch() (cli/interrupt.h). */
struct tool_work {
	struct image_job job;
	struct progress_chain bars;
};
void tool_work_begin(struct tool_work *w);
void tool_work_end(struct tool_work *w);

/* --- attach.c --- */

/* The volume of a node's root. -ENOENT. */
int tool_find_root(const struct view *v, const struct node *n, const struct volume **ret, struct error *e);
/* -EBUSY: its node may be writing ROOT. FORCE: a silent one is off. */
int tool_check_stopped(struct view *v, const struct volume *root, bool force, struct error *e);

/* --- node_tree.c --- */

/* A node's root, mounted to be read. */
struct node_tree {
	struct view v;
	const struct node *node;
	const struct volume *root;
	const char *path; /* of the folder where it is mounted, in a mount namespace of this process */
	struct store_moment moment; /* valid while FROZEN */
	bool mounted, frozen, looked;
};
/*
 * NODE (number or name) is switched off, or is this machine. CONSISTENT: what is read stands still, as it was at one instant. -EBUSY: it runs elsewhere; -ENODATA:
 * it was never booted. T is zeroed; close it also when this fails.
 */
int node_tree_open(struct node_tree *t, const char *node, bool consistent, struct error *e);
void node_tree_close(struct node_tree *t);

/* --- image_import.c --- */

struct new_image {
	const char *name;
	enum image_use use;
	bool make_default;
	char what[NOTE_SIZE]; /* for the history */
};
/* Makes S the next version of an image, and prints which. WANTED: bytes, 0 = as needed. On failure the state is as it was, or E says what is left. */
int image_make(struct image_source *s, const struct new_image *n, uint64_t wanted, struct error *e);

/* --- commands --- */
int list_run(int argc, char **argv, struct error *e);          /* list.c */
int status_run(int argc, char **argv, struct error *e);        /* status.c */
int state_show_run(int argc, char **argv, struct error *e);    /* state_show.c */
int state_history_run(int argc, char **argv, struct error *e); /* state_history.c */
int state_export_run(int argc, char **argv, struct error *e);  /* state_export.c */
int state_import_run(int argc, char **argv, struct error *e);  /* state_import.c */
extern bool state_export_force, state_import_dry_run;
extern const char *state_import_force;
extern unsigned state_history_number;
int image_verify_run(int argc, char **argv, struct error *e); /* image_verify.c */
int attach_run(int argc, char **argv, struct error *e);       /* attach.c */
int fence_run(int argc, char **argv, struct error *e);        /* fence_run.c */
extern bool fence_only_probe, fence_yes;
int image_import_run(int argc, char **argv, struct error *e); /* image_import.c */
int image_list_run(int argc, char **argv, struct error *e);   /* image_list.c */
int image_show_run(int argc, char **argv, struct error *e);
int image_default_run(int argc, char **argv, struct error *e); /* image_choose.c */
int image_rollback_run(int argc, char **argv, struct error *e);
int image_remove_run(int argc, char **argv, struct error *e);
int image_capture_run(int argc, char **argv, struct error *e); /* image_capture.c */
int image_diff_run(int argc, char **argv, struct error *e);    /* image_diff.c */
extern const char *import_use;
extern unsigned import_size;
extern bool import_default, image_remove_force, capture_default;
int detach_run(int argc, char **argv, struct error *e);
int check_run(int argc, char **argv, struct error *e); /* check.c */
extern bool check_repair;
extern bool state_show_secrets, attach_read_only, attach_force;
int san_list_run(int argc, char **argv, struct error *e); /* san_list.c */
int san_add_run(int argc, char **argv, struct error *e);  /* san_add.c */
extern bool san_dry_run;
int san_tend_run(int argc, char **argv, struct error *e); /* san_tend.c */
extern unsigned san_every;
int create_run(int argc, char **argv, struct error *e); /* create.c */
extern const char *create_kind, *create_image, *create_prefix;
extern unsigned create_size, create_store, create_node, create_count;
int remove_run(int argc, char **argv, struct error *e); /* reset.c */
int reset_run(int argc, char **argv, struct error *e);
int undo_run(int argc, char **argv, struct error *e);
extern const char *reset_image;
extern bool reset_keep, reset_force, remove_force;
int resize_run(int argc, char **argv, struct error *e); /* resize.c */
int grow_run(int argc, char **argv, struct error *e);
int trim_run(int argc, char **argv, struct error *e); /* trim.c */
int take_run(int argc, char **argv, struct error *e); /* hold.c */
int give_run(int argc, char **argv, struct error *e);
int leave_run(int argc, char **argv, struct error *e);
extern unsigned take_node;
extern bool take_force;

#endif
