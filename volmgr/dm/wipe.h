/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plain volumes (swap and the like) show nothing of what their segments held before. Whoever makes one writes a single block, "wipe me", at its begin;
 * whoever composes it first zeroes the volume and then puts its real first block there. So a thousand of them are made by a thousand small writes.
 *
 * "Wipe me", one block of 4 KiB, of which the first 512 bytes count (numbers are little endian, the rest is zeros):
 *
 *	0	"BYREWIPE"
 *	8	version, 1 (4 bytes)
 *	16	bytes of the volume (8 bytes)
 *	24	name of the volume (128 bytes, filled with zeros)
 *	508	CRC-32C of what is before it
 */
#ifndef BYRE_VOLMGR_WIPE_H
#define BYRE_VOLMGR_WIPE_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stdint.h>

#define WIPE_BLOCK 4096

/* --- pure ---------------------------------------------------------------------------------------------------------------- */

void wipe_encode(unsigned char block[WIPE_BLOCK], const struct volume *v);
/* BLOCK asks for V to be wiped. One that was meant for another volume, or for V when it had another size, does not. */
bool wipe_wanted(const unsigned char block[WIPE_BLOCK], const struct volume *v);

/* The first block of a swap area of BYTES, as mkswap(8) writes it: version, last page, no bad pages, a random uuid. */
void swap_encode(unsigned char block[WIPE_BLOCK], uint64_t bytes);

/* --- on a device --------------------------------------------------------------------------------------------------------- */

/* Told after each piece; may be NULL. */
typedef void wipe_progress_fn(uint64_t done, uint64_t total, void *data);

/* Zeros BYTES from OFFSET of FD, a block device or a file: by the disk itself where it can (BLKZEROOUT). They are on the disk when it returns 0. */
int wipe_range(int fd, uint64_t offset, uint64_t bytes, wipe_progress_fn *progress, void *data, struct error *e);

/*
 * To be called on the new device PATH of a plain volume before anybody else has it. 0: it was in use before, nothing done. 1: it asked to be wiped, and is
 * now; a swap volume is ready for swapon(8). Cut off half-way, it is done again at the next call.
 */
int wipe_first_use(const char *path, const struct volume *v, wipe_progress_fn *progress, void *data, struct error *e);

#endif
