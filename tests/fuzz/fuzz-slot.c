/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state area whose blocks are the input. Its first byte says which headers get a right checksum, so that their fields are reached; then come pieces
 * for the superblocks, the slots, a node's two slots, the intent and a record of the history: the begin of the header, and the begin of the text behind it. Reading never goes astray, and
 * a publish is read back whatever was there before.
 */
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "volmgr/area/area.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PIECE (4 * LAYOUT_BLOCK)
#define HEAD  256 /* bytes of the input for a header, and … */
#define TEXT  64  /* … for the text behind it */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A disk of zeros but for a few pieces. */
static const uint64_t places[] = {
	0,
	LAYOUT_COPY,
	LAYOUT_SLOTS,
	LAYOUT_SLOTS + LAYOUT_SLOT_SIZE,
	LAYOUT_STATUS + LAYOUT_STATUS_SIZE,
	LAYOUT_VOLUMES + LAYOUT_STATUS_SIZE,
	LAYOUT_INTENT,
	LAYOUT_HISTORY + LAYOUT_BLOCK,
};
#define PIECES (sizeof(places) / sizeof(places[0]))
struct disk {
	unsigned char piece[PIECES][PIECE];
};

static int disk_read(void *ctx, void *to, size_t len, uint64_t offset)
{
	struct disk *d = ctx;

	memset(to, 0, len);
	for (size_t i = 0; i < PIECES; i++)
		if (offset >= places[i] && offset < places[i] + PIECE)
			memcpy(to, d->piece[i] + (offset - places[i]), len < places[i] + PIECE - offset ? len : places[i] + PIECE - offset);
	return 0;
}

static int disk_write(void *ctx, const void *from, size_t len, uint64_t offset)
{
	struct disk *d = ctx;

	for (size_t i = 0; i < PIECES; i++)
		if (offset >= places[i] && offset + len <= places[i] + PIECE)
			memcpy(d->piece[i] + (offset - places[i]), from, len);
	return 0;
}

static int disk_flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static void disk_close(void *ctx)
{
	(void)ctx;
}

static const struct area_io io = {disk_read, disk_write, disk_flush, disk_close};

static void mend(unsigned char *block)
{
	uint32_t crc = crc32c(0, block, LAYOUT_HEADER - 4);

	for (int i = 0; i < 4; i++)
		block[LAYOUT_HEADER - 4 + i] = (unsigned char)(crc >> (8 * i));
}

static void take(unsigned char *to, size_t len, const uint8_t **data, size_t *left)
{
	if (len > *left)
		len = *left;
	memcpy(to, *data, len);
	*data += len;
	*left -= len;
}

static void check_read(struct state_area *a)
{
	cleanup_free char *text = NULL, *status = NULL;
	struct state_report rep;
	size_t len;

	if (state_area_read(a, &text, &len, &rep, NULL) == 0 && (text[len] != '\0' || len == 0 || len > LAYOUT_DOCUMENT_MAX))
		abort();
	if (state_status_read(a, 1, &status, &len, NULL) == 0 && (status[len] != '\0' || len > STATUS_MAX))
		abort();
}

static void check_records(struct state_area *a)
{
	cleanup_free char *volumes = NULL;
	struct history_record h;
	bool set;
	size_t len;
	int r;

	if (state_volumes_read(a, 1, &volumes, &len, NULL) == 0 && (volumes[len] != '\0' || len > STATUS_MAX))
		abort();
	r = area_intent_read(a, &set, NULL);
	if (r < 0 && r != -ENOTSUP)
		abort();
	r = area_history_read(a, 1, &h, NULL);
	if (r == 0 && (h.generation != 1 || !memchr(h.note.what, '\0', NOTE_SIZE)))
		abort();
	if (area_history_read(a, 2, &h, NULL) != -ENODATA) /* nothing is there */
		abort();
	h = (struct history_record){.generation = LAYOUT_HISTORY_SLOTS + 1, .note = {.what = "written"}};
	if (area_history_write(a, &h, NULL) < 0 || area_history_read(a, h.generation, &h, NULL) < 0 || strcmp(h.note.what, "written") != 0)
		abort();
	if (area_intent_write(a, true, NULL) < 0 || area_intent_write(a, false, NULL) < 0 || area_intent_read(a, &set, NULL) < 0 || set)
		abort();
}

static void check_publish(struct state_area *a)
{
	cleanup_free char *text = NULL;
	struct state_report rep;
	size_t len;
	uint64_t g;

	if (area_next_generation(a, -1, 0, &g, NULL) < 0)
		return;
	if (area_write_document(a, g, "published", 9, NULL) < 0 || state_area_read(a, &text, &len, &rep, NULL) < 0)
		abort();
	if (len != 9 || strcmp(text, "published") != 0 || rep.generation != g)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct superblock super = {"debian12", "1f3870be-2749-4c83-9aa4-51c5a0a3b9d1"};
	cleanup_free struct disk *d = calloc(1, sizeof(*d));
	struct state_area *a = NULL;
	const uint8_t *rest = data + 1;
	size_t left = size ? size - 1 : 0;

	if (!d)
		return 0;
	for (size_t i = 0; i < PIECES && size > 1; i++) {
		take(d->piece[i], HEAD, &rest, &left);
		take(d->piece[i] + LAYOUT_BLOCK, TEXT, &rest, &left);
		if (data[0] >> i & 1)
			mend(d->piece[i]);
	}
	if (area_open_io(&io, d, "input", true, &a, NULL) < 0) {
		superblock_encode(d->piece[1], &super);
		memset(d->piece[0], 0, LAYOUT_BLOCK);
		if (area_open_io(&io, d, "input", true, &a, NULL) < 0)
			abort();
	}
	check_read(a);
	check_records(a);
	check_publish(a);
	state_area_close(a);
	return 0;
}
