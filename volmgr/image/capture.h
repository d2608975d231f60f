/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of a node's root makes it this node and no other. Pure. */
#ifndef BYRE_VOLMGR_CAPTURE_H
#define BYRE_VOLMGR_CAPTURE_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

/* Whether the file PATH (relative to the root) stays out of an image made of a node's root: it is made anew at boot, or belongs to this one node's life. */
bool capture_leaves_out(const char *path, mode_t mode);

/* TEXT of /etc/shadow, with root's password locked: every node gets the cluster's. False: it is locked, or there is no root. */
bool capture_locks_root(const char *text, struct buf *ret);

#endif
