/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state area's layout, version 1: where each part lies and how its blocks are written. Pure: bytes in, bytes out.
 *
 *	0 and 1 MiB	superblock and its copy
 *	8 MiB		lockspace of the lease (8 MiB)
 *	16 MiB		resources of the lease (4 x 8 MiB)
 *	48, 80 MiB	document slots 0 and 1 (32 MiB each): one header block, then the text
 *	112 MiB		status slots (16 KiB each): one header block, then the text
 *	144 MiB		reserved, up to the end at 256 MiB
 *
 * Numbers are little endian. Every header fills one block of 4 KiB, ends with the CRC-32C of what is before it, and has all that matters in its
 * first 512 bytes, which a disk writes as a whole.
 */
#ifndef BYRE_VOLMGR_LAYOUT_H
#define BYRE_VOLMGR_LAYOUT_H

#include "base/error.h"
#include "cluster/model.h"

#include <stddef.h>
#include <stdint.h>

#define LAYOUT_MIB            (1024ull * 1024)
#define LAYOUT_VERSION        1
#define LAYOUT_BLOCK          4096
#define LAYOUT_SIZE           (256 * LAYOUT_MIB)
#define LAYOUT_COPY           (1 * LAYOUT_MIB)
#define LAYOUT_LOCKSPACE      (8 * LAYOUT_MIB)
#define LAYOUT_RESOURCES      (16 * LAYOUT_MIB)
#define LAYOUT_SLOTS          (48 * LAYOUT_MIB)
#define LAYOUT_SLOT_SIZE      (32 * LAYOUT_MIB)
#define LAYOUT_STATUS         (112 * LAYOUT_MIB)
#define LAYOUT_STATUS_SIZE    (16 * 1024ull)
#define LAYOUT_STATUS_SLOTS   2048u
#define LAYOUT_RESERVED       (144 * LAYOUT_MIB)
#define LAYOUT_DOCUMENT_MAX   (LAYOUT_SLOT_SIZE - LAYOUT_BLOCK)
#define LAYOUT_STATUS_MAX     (LAYOUT_STATUS_SIZE - LAYOUT_BLOCK)
#define LAYOUT_GENERATION_MAX (UINT64_MAX / 2)

struct superblock {
	char container[NAME_SIZE];
	char id[CLUSTER_ID_SIZE]; /* the cluster's */
};

void superblock_encode(unsigned char block[LAYOUT_BLOCK], const struct superblock *s);
/* -EINVAL: not a superblock; -EUCLEAN: a damaged one; -ENOTSUP: of a newer layout. */
int superblock_decode(const unsigned char block[LAYOUT_BLOCK], struct superblock *ret);

/* What a header block holds. EMPTY: zeros, never written. NEWER: of a layout that this program does not know. */
enum slot_state { SLOT_EMPTY, SLOT_WHOLE, SLOT_DAMAGED, SLOT_NEWER };
const char *slot_state_name(enum slot_state s);

/* GENERATION g lives in slot g % 2. CRC is that of the LENGTH bytes behind the header. */
struct slot_header {
	uint64_t generation, length;
	uint32_t crc;
};
static inline unsigned slot_of(uint64_t generation)
{
	return generation % 2;
}
static inline uint64_t slot_offset(unsigned slot)
{
	return LAYOUT_SLOTS + slot * LAYOUT_SLOT_SIZE;
}
void slot_encode(unsigned char block[LAYOUT_BLOCK], const struct slot_header *h);
/* RET is valid only with SLOT_WHOLE. */
enum slot_state slot_decode(const unsigned char block[LAYOUT_BLOCK], unsigned slot, struct slot_header *ret);

/* Slots with a whole header, newest first, into ORDER; returns how many. */
unsigned slots_in_order(const enum slot_state state[2], const struct slot_header h[2], unsigned order[2]);

/*
 * The generation to publish: newer than any header, and not in slot KEEP, the one that holds the newest whole document (-1: none). A damaged header may
 * have told of the generation after the other one, which somebody may have seen: that number is not used again.
 * -EOVERFLOW when the numbers are used up.
 */
int slots_next(const enum slot_state state[2], const struct slot_header h[2], int keep, uint64_t *ret);

/* AREA: a checksum of the cluster's id. */
struct status_header {
	uint32_t area, node, length, crc;
};
static inline uint64_t status_offset(unsigned node)
{
	return LAYOUT_STATUS + node * LAYOUT_STATUS_SIZE;
}
void status_encode(unsigned char block[LAYOUT_BLOCK], const struct status_header *h);
enum slot_state status_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, unsigned node, struct status_header *ret);

#endif
