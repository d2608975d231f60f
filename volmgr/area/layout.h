/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state area's layout, version 1: where each part lies and how its blocks are written. Pure: bytes in, bytes out.
 *
 *	0 and 1 MiB	superblock and its copy
 *	8 MiB		lockspace of the lease (8 MiB)
 *	16 MiB		resources of the lease (4 x 8 MiB)
 *	48, 80 MiB	document slots 0 and 1 (32 MiB each): one header block, then the text
 *	112 MiB		status slots (16 KiB each): one header block, then the text
 *	144 MiB		the intent (one block)
 *	146 MiB		volume slots (2048 of 16 KiB, as the status slots; written by volmgrd)
 *	180 MiB		history (4096 records of one block: that of generation g is record g % 4096)
 *	196 MiB		reserved, up to the end at 256 MiB
 *
 * Numbers are little endian. Every header has a block of 4 KiB to itself, but lies in its first 512 bytes, which a disk writes as a whole: they end with
 * the CRC-32C of what is before it, and zeros fill the block. So a torn write leaves the former header or the new one. What needs no emptying when an
 * area is made over a former one bears the area's tag.
 */
#ifndef BYRE_VOLMGR_LAYOUT_H
#define BYRE_VOLMGR_LAYOUT_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_MIB            (1024ull * 1024)
#define LAYOUT_VERSION        1
#define LAYOUT_BLOCK          4096
#define LAYOUT_HEADER         512
#define LAYOUT_SIZE           (256 * LAYOUT_MIB)
#define LAYOUT_COPY           (1 * LAYOUT_MIB)
#define LAYOUT_LOCKSPACE      (8 * LAYOUT_MIB)
#define LAYOUT_RESOURCES      (16 * LAYOUT_MIB)
#define LAYOUT_SLOTS          (48 * LAYOUT_MIB)
#define LAYOUT_SLOT_SIZE      (32 * LAYOUT_MIB)
#define LAYOUT_STATUS         (112 * LAYOUT_MIB)
#define LAYOUT_STATUS_SIZE    (16 * 1024ull)
#define LAYOUT_STATUS_SLOTS   2048u
#define LAYOUT_INTENT         (144 * LAYOUT_MIB)
#define LAYOUT_VOLUMES        (146 * LAYOUT_MIB)
#define LAYOUT_HISTORY        (180 * LAYOUT_MIB)
#define LAYOUT_HISTORY_SLOTS  4096u
#define LAYOUT_RESERVED       (196 * LAYOUT_MIB)
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

/* The block is the header of a document or a record of the history, or was one before it was damaged. */
bool layout_tells_of_document(const unsigned char block[LAYOUT_BLOCK]);

/* Slots with a whole header, newest first, into ORDER; returns how many. */
unsigned slots_in_order(const enum slot_state state[2], const struct slot_header h[2], unsigned order[2]);

/*
 * The generation to publish: newer than any header and than SEEN, and not in slot KEEP, the one that holds the newest whole document (-1: none). A header
 * that is damaged, or was erased, may have told of the generation after the other one, which somebody may have seen: that number is not used again.
 * -EOVERFLOW when the numbers are used up.
 */
int slots_next(const enum slot_state state[2], const struct slot_header h[2], int keep, uint64_t seen, uint64_t *ret);

/* The tag of an area: a checksum of the cluster's id. */
uint32_t area_tag(const struct superblock *s);

/* Of a status slot or a volume slot. AREA: the tag. */
struct status_header {
	uint32_t area, node, length, crc;
};
static inline uint64_t status_offset(unsigned node)
{
	return LAYOUT_STATUS + node * LAYOUT_STATUS_SIZE;
}
static inline uint64_t volumes_offset(unsigned node)
{
	return LAYOUT_VOLUMES + node * LAYOUT_STATUS_SIZE;
}
void status_encode(unsigned char block[LAYOUT_BLOCK], const struct status_header *h);
enum slot_state status_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, unsigned node, struct status_header *ret);

/* The intent. Of a former area: EMPTY. RET is valid only with SLOT_WHOLE. */
void intent_encode(unsigned char block[LAYOUT_BLOCK], uint32_t area, bool set);
enum slot_state intent_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, bool *ret);

/* Who published generation GENERATION. */
struct history_record {
	uint64_t generation, length; /* of the document, bytes */
	uint32_t crc;                /* of the document */
	struct change_note note;
};
static inline uint64_t history_offset(uint64_t generation)
{
	return LAYOUT_HISTORY + generation % LAYOUT_HISTORY_SLOTS * LAYOUT_BLOCK;
}
void history_encode(unsigned char block[LAYOUT_BLOCK], uint32_t area, const struct history_record *h);
/* The record that stands in place PLACE (generation % LAYOUT_HISTORY_SLOTS). Of a former area: EMPTY. RET is valid only with SLOT_WHOLE. */
enum slot_state history_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, unsigned place, struct history_record *ret);

#endif
