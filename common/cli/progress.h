/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long work, told while it goes on: on a terminal one line that is redrawn, elsewhere a plain line at the start, every tenth
 * part and the end. Written to standard error.
 */
#ifndef BYRE_CLI_PROGRESS_H
#define BYRE_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *program, *what;
	uint64_t total, done; /* in bytes when BYTES, else in steps; TOTAL 0: unknown */
	bool bytes;
	bool terminal;
	unsigned told; /* tenths told so far */
	uint64_t started_ms, drawn_ms;
};

/* WHAT must outlive P. */
void progress_begin(struct progress *p, const char *program, const char *what, uint64_t total, bool bytes);
void progress_at(struct progress *p, uint64_t done);
/* Ends the line: what was done, how long it took, and the rate. */
void progress_end(struct progress *p);

#endif
