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

/* One bar after another, as work goes from one thing to the next. Zeroed at first, but for PROGRAM. */
struct progress_chain {
	const char *program;
	struct progress p;
	char what[128];
	bool open;
};
/* WHAT is at DONE of TOTAL bytes: at all of them its bar ends, as it does when something else comes. TOTAL 0: there is no bar for WHAT. */
void progress_chain_at(struct progress_chain *c, const char *what, uint64_t done, uint64_t total);
/* Ends the one that is open, if any. */
void progress_chain_end(struct progress_chain *c);

#endif
