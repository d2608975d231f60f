/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the state area share: an open area, and blocks read and written with their errors told. */
#ifndef BYRE_VOLMGR_AREA_BLOCKS_H
#define BYRE_VOLMGR_AREA_BLOCKS_H

#include "area.h"

struct state_area {
	const struct area_io *io;
	void *ctx;
	bool writable;
	char name[128];
	struct superblock super;
};

static inline size_t whole_blocks(size_t len)
{
	return (len + LAYOUT_BLOCK - 1) / LAYOUT_BLOCK * LAYOUT_BLOCK;
}

/* LEN bytes of zeros, rounded up to blocks and aligned. */
void *area_blocks(size_t len);

/* One block, for the caller to free. */
int area_read_block(struct state_area *a, uint64_t offset, unsigned char **ret, struct error *e);

int area_read_at(struct state_area *a, void *data, size_t len, uint64_t offset, struct error *e);
/* -EROFS: opened for reading only. */
int area_write_at(struct state_area *a, const void *data, size_t len, uint64_t offset, struct error *e);
int area_flush(struct state_area *a, struct error *e);

#endif
