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

/*
 * Of DEVICE, where no superblock is to be read: whether the head of a document or a record of the history is there, whole or damaged. Rubbish of others is none.
 */
int area_had_document(const char *device, bool *ret, struct error *e);

/* Everything about the two document slots, their texts read and checked. */
struct slot_view {
	enum slot_state state; /* DAMAGED also when the text does not match its checksum */
	struct slot_header header;
	bool has_header;
};
int area_inspect(struct state_area *a, struct slot_view ret[2], struct error *e);

/*
 * The generation that a publish has to take: newer than SEEN and than any that is there, and not in slot KEEP, from which readers take the document (-1: the
 * slot with the newest whole text, if any).
 */
int area_next_generation(struct state_area *a, int keep, uint64_t seen, uint64_t *ret, struct error *e);

/* Writes TEXT as document GENERATION (from area_next_generation): text, flush, header, flush, and reads both back. */
int area_write_document(struct state_area *a, uint64_t generation, const char *text, size_t len, struct error *e);

/*
 * Publishes C although no document there can be read, as a generation that nobody has seen: newer than c->generation (that of the file it comes from) and than what
 * headers and history tell of. -EXDEV: the area belongs to a cluster of another id.
 */
int area_restore(struct state_area *a, struct cluster *c, struct error *e);

/* --- intent, history ---------------------------------------------------------------------------------------------------- */

/* Set: LVM metadata may be ahead of the state. Flushed and read back. A damaged one reads as set: looking once too often does no harm. */
int area_intent_write(struct state_area *a, bool set, struct error *e);
int area_intent_read(struct state_area *a, bool *ret, struct error *e);

/*
 * The record of a generation is written before its document's header, and flushed with the document's text: one that is newer than the newest document was
 * never published.
 */
int area_history_write(struct state_area *a, const struct history_record *h, struct error *e);
/* -ENODATA: no record of that generation (never was, overwritten, or damaged). */
int area_history_read(struct state_area *a, uint64_t generation, struct history_record *ret, struct error *e);
/* All of them, newest first, in one allocation. */
int area_history_list(struct state_area *a, struct history_record **ret, size_t *ret_n, struct error *e);
#endif
