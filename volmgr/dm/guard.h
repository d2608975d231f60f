/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must not stay as it is when this process dies: a process of its own that puts it right then. */
#ifndef BYRE_VOLMGR_GUARD_H
#define BYRE_VOLMGR_GUARD_H

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

/* Zeroed: there is none. */
struct guard {
	pid_t pid;
	int fd; /* a socket to it: its end is how it learns of ours */
};
typedef void guard_fn(void *data);
struct guard_duty {
	guard_fn *undo;   /* called when this process ends before guard_dismiss, however it ends; may be NULL */
	guard_fn *late;   /* called again and again when that does not come; may be NULL */
	unsigned late_ms; /* between two calls */
};

/*
 * From now on a guard does its DUTY, with DATA. It runs in a copy of this process as it is now, that has its memory locked (so the root file system may stand
 * still meanwhile), a session of its own, and nothing on its standard descriptors. Descriptors that are open now stay open in it.
 */
int guard_start(const struct guard_duty *duty, void *data, struct guard *ret, struct error *e);
/* Nothing is to be guarded any more: the guard has ended when this returns. */
void guard_dismiss(struct guard *g);
/* The same: true when the guard has found it late. */
bool guard_dismiss_late(struct guard *g);

#endif
