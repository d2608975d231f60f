/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extents held against each other, however the lists that name them are cut. Pure. */
#ifndef BYRE_VOLMGR_COVER_H
#define BYRE_VOLMGR_COVER_H

#include "base/cleanup.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stdint.h>

/* What A is to B, extent by extent: SEGMENTS_LONGER goes on behind B's last one, SEGMENTS_SHORTER ends before it. */
enum likeness { SEGMENTS_SAME, SEGMENTS_LONGER, SEGMENTS_SHORTER, SEGMENTS_OTHER };
enum likeness segments_compare(const struct segments *a, const struct segments *b);

/* A set of extents. They are added in any order and named more than once (volumes lie in slabs) until cover_close; then they can be asked for. */
struct cover {
	struct segments s;
	bool failed; /* memory ran out: nothing can be told of it */
};
#define COVER_INIT                                                                                                                         \
	{                                                                                                                                  \
		{NULL, 0}, false                                                                                                           \
	}
void cover_free(struct cover *u);
#define cleanup_cover CLEANUP(cover_free)

void cover_add(struct cover *u, const struct segments *s);
/* Sorted and apart from now on. */
void cover_close(struct cover *u);

/* How many extents of S are not in U; UINT64_MAX when that cannot be told. */
uint64_t cover_misses(const struct cover *u, const struct segments *s);
/* None of them is. False also when that cannot be told. */
bool cover_is_apart(const struct cover *u, const struct segments *s);

#endif
