/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs in a row, each reading what the one before it writes. They end with this process, however it ends. */
#ifndef BYRE_VOLMGR_PIPELINE_H
#define BYRE_VOLMGR_PIPELINE_H

#include "base/error.h"

#include <stddef.h>

#define PIPELINE_MAX 3

struct pipeline_stage {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH, but with ROOT it is a path there */
	const char *root;        /* the folder that is the program's root; NULL: ours */
	const char *name;        /* for messages; NULL: the last part of argv[0] */
};

struct pipeline {
	struct pipeline_stage stages[PIPELINE_MAX];
	size_t n;
	int input;                                /* descriptor: standard input of the first; -1: /dev/null */
	int (*tick)(void *data, struct error *e); /* called four times a second; negative, with E set, ends them all. May be NULL */
	void *data;
};

/*
 * Runs them to their end. 0 when all exited with 0; otherwise E names the first that failed by itself and the first line that it complained with. *RET_OUTPUT (may be
 * NULL) is a descriptor with the last one's output, at its beginning; the caller closes it.
 */
int pipeline_run(const struct pipeline *p, int *ret_output, struct error *e);

#endif
