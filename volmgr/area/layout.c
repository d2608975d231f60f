/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "layout.h"

#include "base/crc32c.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

#define MAGIC_LEN    8
#define AT_VERSION   8
#define AT_BODY      16
#define AT_CRC       (LAYOUT_HEADER - 4)
#define AT_CONTAINER 128
#define AT_ID        (AT_CONTAINER + NAME_SIZE)
#define AT_WHAT      64

static const char super_magic[] = "BYRESTAT", slot_magic[] = "BYREDOCU", status_magic[] = "BYRENODE", intent_magic[] = "BYREINTE",
		  history_magic[] = "BYREHIST";

/*
 * Where the parts lie, as the superblock of version 1 records it. The last one is where the reserved part begins: lower in an older area, which
 * has nothing yet where parts came later.
 */
static const uint64_t parts[] = {
	LAYOUT_SIZE,      LAYOUT_COPY,   LAYOUT_LOCKSPACE,   LAYOUT_RESOURCES,    LAYOUT_SLOTS,
	LAYOUT_SLOT_SIZE, LAYOUT_STATUS, LAYOUT_STATUS_SIZE, LAYOUT_STATUS_SLOTS, LAYOUT_RESERVED,
};
#define N_FIXED (ARRAY_SIZE(parts) - 1)

static void put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static void put64(unsigned char *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static uint32_t get32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const unsigned char *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void begin(unsigned char *block, const char *magic)
{
	memset(block, 0, LAYOUT_BLOCK);
	memcpy(block, magic, MAGIC_LEN);
	put32(block + AT_VERSION, LAYOUT_VERSION);
}

static void end(unsigned char *block)
{
	put32(block + AT_CRC, crc32c(0, block, AT_CRC));
}

static bool is_zero(const unsigned char *block)
{
	return block[0] == 0 && memcmp(block, block + 1, LAYOUT_BLOCK - 1) == 0;
}

static enum slot_state judge(const unsigned char *block, const char *magic)
{
	if (is_zero(block))
		return SLOT_EMPTY;
	if (memcmp(block, magic, MAGIC_LEN) != 0 || get32(block + AT_CRC) != crc32c(0, block, AT_CRC))
		return SLOT_DAMAGED;
	return get32(block + AT_VERSION) > LAYOUT_VERSION ? SLOT_NEWER : SLOT_WHOLE;
}

const char *slot_state_name(enum slot_state s)
{
	static const char *const names[] = {"empty", "whole", "damaged", "of a newer layout"};

	return names[s];
}

void superblock_encode(unsigned char block[LAYOUT_BLOCK], const struct superblock *s)
{
	begin(block, super_magic);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		put64(block + AT_BODY + 8 * i, parts[i]);
	memcpy(block + AT_CONTAINER, s->container, strlen(s->container));
	memcpy(block + AT_ID, s->id, strlen(s->id));
	end(block);
}

/* The text of SIZE bytes at P, when it ends within them. */
static bool get_text(const unsigned char *p, size_t size, char *ret)
{
	if (!memchr(p, '\0', size))
		return false;
	memcpy(ret, p, size);
	return true;
}

int superblock_decode(const unsigned char block[LAYOUT_BLOCK], struct superblock *ret)
{
	struct superblock s;

	if (memcmp(block, super_magic, MAGIC_LEN) != 0)
		return -EINVAL;
	switch (judge(block, super_magic)) {
	case SLOT_WHOLE:
		break;
	case SLOT_NEWER:
		return -ENOTSUP;
	default:
		return -EUCLEAN;
	}
	for (size_t i = 0; i < N_FIXED; i++)
		if (get64(block + AT_BODY + 8 * i) != parts[i])
			return -EUCLEAN;
	if (get64(block + AT_BODY + 8 * N_FIXED) > LAYOUT_SIZE)
		return -EUCLEAN;
	if (!get_text(block + AT_CONTAINER, sizeof(s.container), s.container) || !get_text(block + AT_ID, sizeof(s.id), s.id) ||
	    !str_is_label(s.container))
		return -EUCLEAN;
	*ret = s;
	return 0;
}

void slot_encode(unsigned char block[LAYOUT_BLOCK], const struct slot_header *h)
{
	begin(block, slot_magic);
	put32(block + AT_BODY, slot_of(h->generation));
	put32(block + AT_BODY + 4, h->crc);
	put64(block + AT_BODY + 8, h->generation);
	put64(block + AT_BODY + 16, h->length);
	end(block);
}

enum slot_state slot_decode(const unsigned char block[LAYOUT_BLOCK], unsigned slot, struct slot_header *ret)
{
	enum slot_state s = judge(block, slot_magic);
	struct slot_header h;

	if (s != SLOT_WHOLE)
		return s;
	h.crc = get32(block + AT_BODY + 4);
	h.generation = get64(block + AT_BODY + 8);
	h.length = get64(block + AT_BODY + 16);
	if (get32(block + AT_BODY) != slot || slot_of(h.generation) != slot || h.generation == 0 || h.generation > LAYOUT_GENERATION_MAX ||
	    h.length == 0 || h.length > LAYOUT_DOCUMENT_MAX)
		return SLOT_DAMAGED;
	*ret = h;
	return SLOT_WHOLE;
}

bool layout_tells_of_document(const unsigned char block[LAYOUT_BLOCK])
{
	return memcmp(block, slot_magic, MAGIC_LEN) == 0 || memcmp(block, history_magic, MAGIC_LEN) == 0;
}

unsigned slots_in_order(const enum slot_state state[2], const struct slot_header h[2], unsigned order[2])
{
	unsigned n = 0;

	for (unsigned i = 0; i < 2; i++)
		if (state[i] == SLOT_WHOLE)
			order[n++] = i;
	if (n == 2 && h[1].generation > h[0].generation) {
		order[0] = 1;
		order[1] = 0;
	}
	return n;
}

int slots_next(const enum slot_state state[2], const struct slot_header h[2], int keep, uint64_t seen, uint64_t *ret)
{
	uint64_t g = 0;

	for (unsigned i = 0; i < 2; i++)
		if (state[i] == SLOT_WHOLE && h[i].generation > g)
			g = h[i].generation;
	if (g && (state[0] == SLOT_DAMAGED || state[1] == SLOT_DAMAGED || (g > 1 && (state[0] == SLOT_EMPTY || state[1] == SLOT_EMPTY))))
		g++;
	if (g < seen)
		g = seen;
	g++;
	if (keep >= 0 && slot_of(g) == (unsigned)keep)
		g++;
	if (g > LAYOUT_GENERATION_MAX)
		return -EOVERFLOW;
	*ret = g;
	return 0;
}

uint32_t area_tag(const struct superblock *s)
{
	return crc32c(0, s->id, strlen(s->id));
}

void status_encode(unsigned char block[LAYOUT_BLOCK], const struct status_header *h)
{
	begin(block, status_magic);
	put32(block + AT_BODY, h->area);
	put32(block + AT_BODY + 4, h->node);
	put32(block + AT_BODY + 8, h->length);
	put32(block + AT_BODY + 12, h->crc);
	end(block);
}

enum slot_state status_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, unsigned node, struct status_header *ret)
{
	enum slot_state s = judge(block, status_magic);
	struct status_header h;

	if (s != SLOT_WHOLE)
		return s;
	h.area = get32(block + AT_BODY);
	h.node = get32(block + AT_BODY + 4);
	h.length = get32(block + AT_BODY + 8);
	h.crc = get32(block + AT_BODY + 12);
	if (h.area != area || h.node != node || h.length == 0 || h.length > LAYOUT_STATUS_MAX)
		return SLOT_DAMAGED;
	*ret = h;
	return SLOT_WHOLE;
}

void intent_encode(unsigned char block[LAYOUT_BLOCK], uint32_t area, bool set)
{
	begin(block, intent_magic);
	put32(block + AT_BODY, area);
	put32(block + AT_BODY + 4, set);
	end(block);
}

enum slot_state intent_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, bool *ret)
{
	enum slot_state s = judge(block, intent_magic);

	if (s != SLOT_WHOLE)
		return s;
	if (get32(block + AT_BODY) != area)
		return SLOT_EMPTY;
	if (get32(block + AT_BODY + 4) > 1)
		return SLOT_DAMAGED;
	*ret = get32(block + AT_BODY + 4);
	return SLOT_WHOLE;
}

void history_encode(unsigned char block[LAYOUT_BLOCK], uint32_t area, const struct history_record *h)
{
	begin(block, history_magic);
	put32(block + AT_BODY, area);
	put32(block + AT_BODY + 4, h->crc);
	put64(block + AT_BODY + 8, h->generation);
	put64(block + AT_BODY + 16, h->length);
	put64(block + AT_BODY + 24, h->note.time);
	put32(block + AT_BODY + 32, h->note.node);
	memcpy(block + AT_WHAT, h->note.what, strnlen(h->note.what, NOTE_SIZE - 1));
	end(block);
}

enum slot_state history_decode(const unsigned char block[LAYOUT_BLOCK], uint32_t area, unsigned place, struct history_record *ret)
{
	enum slot_state s = judge(block, history_magic);
	struct history_record h;

	if (s != SLOT_WHOLE)
		return s;
	if (get32(block + AT_BODY) != area)
		return SLOT_EMPTY;
	h.crc = get32(block + AT_BODY + 4);
	h.generation = get64(block + AT_BODY + 8);
	h.length = get64(block + AT_BODY + 16);
	h.note.time = get64(block + AT_BODY + 24);
	h.note.node = get32(block + AT_BODY + 32);
	if (h.generation == 0 || h.generation > LAYOUT_GENERATION_MAX || h.generation % LAYOUT_HISTORY_SLOTS != place ||
	    !get_text(block + AT_WHAT, NOTE_SIZE, h.note.what))
		return SLOT_DAMAGED;
	*ret = h;
	return SLOT_WHOLE;
}
