/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running another program, without a shell. */
#ifndef BYRE_BASE_SPAWN_H
#define BYRE_BASE_SPAWN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct spawn {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;  /* NULL-terminated NAME=VALUE, added to ours; may be NULL */
	const char *input;       /* text for its standard input; NULL: /dev/null */
	size_t max_output;       /* largest standard output taken; 0: 1 MiB */
	bool with_parent;        /* the kernel kills it when the thread that calls spawn_run is gone */
};

/*
 * Runs it to its end, not to that of what it leaves behind. 0 when it exited with 0. Otherwise E says which program, how it ended, and the last line of
 * its standard error; the code is EPROTO for a non-zero exit, EINTR for a signal, ENOENT when there is no such
 * program. *RET_OUTPUT (when not NULL) is its standard output, NUL-terminated, the caller's to free; without it the output goes to
 * /dev/null. *RET_STATUS (when not NULL) is the exit status whenever it exited, also with an error.
 */
int spawn_run(const struct spawn *s, char **ret_output, int *ret_status, struct error *e);

/* spawn_run for a plain argument list: spawn_simple(&e, "mkswap", path, NULL). */
int spawn_simple(struct error *e, const char *program, ...) __attribute__((sentinel));

#endif
