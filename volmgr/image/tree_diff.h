/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What has become of a tree of files. */
#ifndef BYRE_VOLMGR_TREE_DIFF_H
#define BYRE_VOLMGR_TREE_DIFF_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum tree_change { TREE_ADDED, TREE_CHANGED, TREE_REMOVED };

/* DIFF_TYPE: a file where there was a link, say; then nothing else is compared. */
enum { DIFF_TYPE = 1, DIFF_CONTENT = 2, DIFF_MODE = 4, DIFF_OWNER = 8, DIFF_TARGET = 16 };

struct tree_difference {
	char *path;
	enum tree_change change;
	unsigned what;  /* of a CHANGED one */
	uint64_t bytes; /* of a regular file, as it is now (REMOVED: as it was) */
};
struct tree_differences {
	struct tree_difference *v; /* by path */
	size_t n;
};

/*
 * Compares the trees NOW and BEFORE (folders, each on one file system). Two files of one size and one time of change are taken for equal; where the times differ
 * their bytes are read. Times alone are no difference.
 */
int tree_diff(int now, int before, struct tree_differences *ret, struct error *e);
void tree_differences_free(struct tree_differences *d);

#endif
