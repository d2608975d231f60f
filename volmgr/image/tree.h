/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of files. Paths are relative to the tree's root, and no link leads out of it. */
#ifndef BYRE_VOLMGR_TREE_H
#define BYRE_VOLMGR_TREE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* PATH below ROOT as if ROOT were the root of the machine: links that begin with '/' begin there. FLAGS as open(2). A descriptor, or a negative errno. */
int tree_open(int root, const char *path, int flags);
/* The same, but no link at all is followed. */
int tree_open_plain(int root, const char *path, int flags);

/* Called for everything but the root itself, folders before what is in them. 0; TREE_PASS: not into this folder; a negative errno ends the walk. */
#define TREE_PASS 1
typedef int tree_fn(const char *path, const struct stat *st, void *data, struct error *e);
/* Stays on ROOT's file system: a folder on another is told, and not entered. */
int tree_walk(int root, tree_fn *fn, void *data, struct error *e);

/* Whether PATH itself (no link) is a folder. */
bool tree_is_folder(int root, const char *path);
/* Removes PATH and all below it, with IN_IT only what is below it. What is not there is no error. */
int tree_remove(int root, const char *path, bool in_it, struct error *e);

#endif
