/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state area behind its I/O: what compose.h and volmgr.h offer stands on this, and a test can put a simulated disk beneath it.
 */
#ifndef BYRE_VOLMGR_AREA_H
#define BYRE_VOLMGR_AREA_H

#include "layout.h"
#include "volmgr/compose.h"

/*
 * A disk: offsets and lengths are multiples of LAYOUT_BLOCK, buffers are aligned to it. Each returns 0 or a negative errno. WRITE may be lost
 * or torn until FLUSH has returned.
 */
struct area_io {
	int (*read)(void *ctx, void *data, size_t len, uint64_t offset);
	int (*write)(void *ctx, const void *data, size_t len, uint64_t offset);
	int (*flush)(void *ctx);
	void (*close)(void *ctx);
};

/* state_area_open on any disk. CTX is closed by state_area_close, and when this fails. NAME is used in messages. */
int area_open_io(const struct area_io *io, void *ctx, const char *name, bool writable, struct state_area **ret, struct error *e);

/* Empties the area and writes its superblocks; DISK must hold LAYOUT_SIZE bytes. */
int area_format_io(const struct area_io *io, void *ctx, const struct superblock *s, struct error *e);

const struct superblock *area_superblock(const struct state_area *a);

/* The io over an open file or block device, closed by close. */
extern const struct area_io area_file_io;
void *area_file_new(int fd);
/* Opens PATH with O_DIRECT, or without where the file system knows none: a descriptor, or a negative errno. */
int area_file_open(const char *path, bool writable);

/* Everything about the two document slots, their texts read and checked. */
struct slot_view {
	enum slot_state state; /* DAMAGED also when the text does not match its checksum */
	struct slot_header header;
	bool has_header;
};
int area_inspect(struct state_area *a, struct slot_view ret[2], struct error *e);

/* The generation that a publish has to take. */
int area_next_generation(struct state_area *a, uint64_t *ret, struct error *e);

/* Writes TEXT as document GENERATION (from area_next_generation): text, flush, header, flush, and reads both back. */
int area_write_document(struct state_area *a, uint64_t generation, const char *text, size_t len, struct error *e);

#endif
