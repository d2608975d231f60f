/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two document slots: read by everybody without a lock, written by the holder of the lease. */
#include "area_blocks.h"

#include "base/cleanup.h"
#include "base/crc32c.h"
#include "cluster/document.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define READ_TRIES 8 /* of a reader that writers keep overtaking */

/* --- documents: read -------------------------------------------------------------------------------------------------------- */

struct heads {
	enum slot_state state[2];
	struct slot_header h[2];
};

static int read_heads(struct state_area *a, struct heads *ret, struct error *e)
{
	cleanup_free unsigned char *block = area_blocks(LAYOUT_BLOCK);

	if (!block)
		return error_errno(e, ENOMEM, "%s", a->name);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < 2; i++) {
		int r = area_read_at(a, block, LAYOUT_BLOCK, slot_offset(i), e);

		if (r < 0)
			return r;
		ret->state[i] = slot_decode(block, i, &ret->h[i]);
	}
	return 0;
}

static bool same_header(const struct slot_header *a, const struct slot_header *b)
{
	return a->generation == b->generation && a->length == b->length && a->crc == b->crc;
}

static bool same_heads(const struct heads *a, const struct heads *b)
{
	for (unsigned i = 0; i < 2; i++)
		if (a->state[i] != b->state[i] || (a->state[i] == SLOT_WHOLE && !same_header(&a->h[i], &b->h[i])))
			return false;
	return true;
}

/* -EUCLEAN: the text is not the one that the header tells of. */
static int read_text(struct state_area *a, unsigned slot, const struct slot_header *h, char **ret, struct error *e)
{
	cleanup_free char *text = area_blocks(h->length + 1);
	int r;

	if (!text)
		return error_errno(e, ENOMEM, "%s", a->name);
	r = area_read_at(a, text, whole_blocks(h->length), slot_offset(slot) + LAYOUT_BLOCK, e);
	if (r < 0)
		return r;
	if (crc32c(0, text, h->length) != h->crc)
		return error_set(e, EUCLEAN, "its text does not match its checksum");
	text[h->length] = '\0';
	*ret = steal_ptr(text);
	return 0;
}

/* Judges a text that is whole: 0 to take it. */
typedef int accept_fn(const char *text, size_t len, void *data, struct error *e);

struct reading {
	struct heads heads;
	unsigned order[2], n; /* candidates */
	unsigned taken;       /* slot */
	char why[256];        /* the newest was refused */
	struct error broken;  /* code 0, or why a text could not be read: that tells nothing of what is there */
	char *text;
};

/* The newest candidate that is whole and accepted. -EUCLEAN when none is; -ENOTSUP: it is a newer program's, and what is older must not be taken for it. */
static int try_slots(struct state_area *a, struct reading *rd, accept_fn *accept, void *data, struct error *e)
{
	int r = -EUCLEAN;

	rd->why[0] = '\0';
	error_clear(&rd->broken);
	for (unsigned i = 0; i < rd->n; i++) {
		unsigned slot = rd->order[i];
		const struct slot_header *h = &rd->heads.h[slot];

		r = read_text(a, slot, h, &rd->text, e);
		if (r < 0 && r != -EUCLEAN)
			rd->broken = *e;
		if (r == 0 && accept) {
			r = accept(rd->text, h->length, data, e);
			if (r == -ENOMEM)
				rd->broken = *e;
			if (r == -ENOTSUP)
				error_set(&rd->broken, ENOTSUP, "%s: generation %llu: %.600s: use a newer byre", a->name,
					  (unsigned long long)h->generation, e->text);
			if (r < 0) {
				free(rd->text);
				rd->text = NULL;
			}
		}
		if (r == 0)
			rd->taken = slot;
		if (r == 0 || r == -ENOTSUP)
			return r;
		if (i == 0)
			snprintf(rd->why, sizeof(rd->why), "%.250s", e->text);
	}
	return r;
}

static void report(const struct reading *rd, struct state_report *ret)
{
	unsigned slot = rd->taken, other = 1 - slot;
	unsigned long long g = rd->heads.h[slot].generation;

	ret->generation = g;
	ret->slot = slot;
	ret->warning[0] = '\0';
	if (slot != rd->order[0])
		snprintf(ret->warning, sizeof(ret->warning),
			 "generation %llu in slot %u is unusable (%.120s): the older generation %llu is used",
			 (unsigned long long)rd->heads.h[other].generation, other, rd->why, g);
	else if (rd->heads.state[other] == SLOT_DAMAGED)
		snprintf(ret->warning, sizeof(ret->warning), "the header of slot %u is damaged: generation %llu in slot %u is used", other,
			 g, slot);
	else if (rd->heads.state[other] == SLOT_EMPTY && g > 1)
		snprintf(ret->warning, sizeof(ret->warning), "slot %u was erased: generation %llu in slot %u is used", other, g, slot);
}

static int none_whole(struct state_area *a, const struct reading *rd, struct error *e)
{
	if (rd->heads.state[0] == SLOT_EMPTY && rd->heads.state[1] == SLOT_EMPTY)
		return error_set(e, ENODATA, "%s: no document was published yet", a->name);
	return error_set(e, EUCLEAN, "%s: no slot holds a whole document (slot 0 %s, slot 1 %s%s%s)", a->name,
			 rd->heads.state[0] == SLOT_WHOLE ? "torn" : slot_state_name(rd->heads.state[0]),
			 rd->heads.state[1] == SLOT_WHOLE ? "torn" : slot_state_name(rd->heads.state[1]), rd->why[0] ? ": " : "", rd->why);
}

/*
 * A writer may overwrite the slot that is being read. Then its header has moved on: read again. Only what stands still is damaged.
 */
static int read_newest(struct state_area *a, struct reading *rd, accept_fn *accept, void *data, struct error *e)
{
	struct error local = ERROR_INIT;
	struct heads now;
	int r;

	e = e ? e : &local;
	memset(rd, 0, sizeof(*rd));
	r = read_heads(a, &now, e);
	if (r < 0)
		return r;
	for (int i = 0; i < READ_TRIES; i++) {
		free(rd->text);
		rd->text = NULL;
		if (now.state[0] == SLOT_NEWER || now.state[1] == SLOT_NEWER)
			return error_set(e, ENOTSUP, "%s: the document is of a newer layout: use a newer byre", a->name);
		rd->heads = now;
		rd->n = slots_in_order(now.state, now.h, rd->order);
		r = try_slots(a, rd, accept, data, e);
		if (r == 0 && rd->taken == rd->order[0])
			return 0;
		if (read_heads(a, &now, &rd->broken) < 0 || same_heads(&now, &rd->heads))
			break;
	}
	if (rd->text)
		return 0;
	if (rd->broken.code == 0)
		return none_whole(a, rd, e);
	*e = rd->broken;
	return -e->code;
}

int state_area_read(struct state_area *a, char **ret_text, size_t *ret_len, struct state_report *rep, struct error *e)
{
	struct reading rd;
	int r = read_newest(a, &rd, NULL, NULL, e);

	if (r < 0)
		return r;
	if (rep)
		report(&rd, rep);
	if (ret_len)
		*ret_len = rd.heads.h[rd.taken].length;
	*ret_text = rd.text;
	return 0;
}

static int parse(const char *text, size_t len, void *data, struct error *e)
{
	cluster_free(data);
	cluster_init(data);
	return document_parse(text, len, data, e);
}

int state_area_load(struct state_area *a, struct cluster *ret, struct state_report *rep, struct error *e)
{
	struct reading rd;
	int r = read_newest(a, &rd, parse, ret, e);

	if (r < 0)
		return r;
	if (rep)
		report(&rd, rep);
	free(rd.text);
	return 0;
}

int state_area_generation(struct state_area *a, uint64_t *ret, struct error *e)
{
	struct heads now;
	unsigned order[2], n;
	int r = read_heads(a, &now, e);

	if (r < 0)
		return r;
	n = slots_in_order(now.state, now.h, order);
	*ret = n ? now.h[order[0]].generation : 0;
	return 0;
}

int area_inspect(struct state_area *a, struct slot_view ret[2], struct error *e)
{
	struct heads now;
	int r = read_heads(a, &now, e);

	for (unsigned i = 0; i < 2 && r == 0; i++) {
		cleanup_free char *text = NULL;

		ret[i].state = now.state[i];
		ret[i].header = now.h[i];
		ret[i].has_header = now.state[i] == SLOT_WHOLE;
		if (!ret[i].has_header)
			continue;
		r = read_text(a, i, &now.h[i], &text, e);
		if (r == -EUCLEAN) {
			ret[i].state = SLOT_DAMAGED;
			r = 0;
		}
	}
	return r;
}

/* --- documents: write --------------------------------------------------------------------------------------------------------- */

int area_next_generation(struct state_area *a, int keep, uint64_t seen, uint64_t *ret, struct error *e)
{
	struct slot_view view[2];
	enum slot_state state[2];
	struct slot_header h[2];
	int r = area_inspect(a, view, e), whole = -1;

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 2; i++) {
		if (view[i].state == SLOT_NEWER)
			return error_set(e, ENOTSUP, "%s: slot %u is of a newer layout: use a newer byre", a->name, i);
		state[i] = view[i].has_header ? SLOT_WHOLE : view[i].state;
		h[i] = view[i].header;
		if (view[i].state == SLOT_WHOLE && (whole < 0 || h[i].generation > h[whole].generation))
			whole = (int)i;
	}
	r = slots_next(state, h, keep < 0 ? whole : keep, seen, ret);
	return r < 0 ? error_errno(e, r, "%s: generations", a->name) : 0;
}

static int read_back(struct state_area *a, unsigned slot, const struct slot_header *h, struct error *e)
{
	cleanup_free char *text = NULL;
	struct heads now;
	int r = read_heads(a, &now, e);

	if (r == 0 && (now.state[slot] != SLOT_WHOLE || !same_header(&now.h[slot], h)))
		r = error_set(e, EIO, "its header reads back differently");
	if (r == 0)
		r = read_text(a, slot, h, &text, e);
	if (r < 0) {
		error_wrap(e, "%s: the document was written to slot %u, but cannot be relied on", a->name, slot);
		return -EIO;
	}
	return 0;
}

int area_write_document(struct state_area *a, uint64_t generation, const char *text, size_t len, struct error *e)
{
	struct slot_header h;
	unsigned slot = slot_of(generation);
	cleanup_free char *copy = NULL;
	cleanup_free unsigned char *head = area_blocks(LAYOUT_BLOCK);
	int r;

	if (len == 0 || len > DOCUMENT_MAX)
		return error_set(e, EFBIG, "%s: a document of %zu bytes; at most %u fit", a->name, len, DOCUMENT_MAX);
	copy = area_blocks(len);
	if (!copy || !head)
		return error_errno(e, ENOMEM, "%s", a->name);
	memcpy(copy, text, len);
	h.generation = generation;
	h.length = len;
	h.crc = crc32c(0, text, len);
	slot_encode(head, &h);
	r = area_write_at(a, copy, whole_blocks(len), slot_offset(slot) + LAYOUT_BLOCK, e);
	if (r == 0)
		r = area_flush(a, e);
	if (r == 0)
		r = area_write_at(a, (char *)head, LAYOUT_BLOCK, slot_offset(slot), e);
	if (r == 0)
		r = area_flush(a, e);
	return r == 0 ? read_back(a, slot, &h, e) : r;
}
