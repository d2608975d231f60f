/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the state area holds beside the document: the nodes' slots, the intent, the history. Each bears the area's tag. */
#include "area_blocks.h"

#include "base/cleanup.h"
#include "base/crc32c.h"

#include <errno.h>
#include <string.h>

/* --- a node's slots: status, volumes --------------------------------------------------------------------------------------- */

static int slot_write(struct state_area *a, unsigned node, uint64_t offset, const char *text, size_t len, struct error *e)
{
	cleanup_free char *blocks = area_blocks(LAYOUT_STATUS_SIZE);
	struct status_header h = {area_tag(&a->super), node, (uint32_t)len, crc32c(0, text, len)};

	if (node < 1 || node >= LAYOUT_STATUS_SLOTS)
		return error_set(e, EINVAL, "%s: there is no slot of a node %u", a->name, node);
	if (len == 0 || len > LAYOUT_STATUS_MAX)
		return error_set(e, EFBIG, "%s: a status of %zu bytes; at most %llu fit", a->name, len, LAYOUT_STATUS_MAX);
	if (!blocks)
		return error_errno(e, ENOMEM, "%s", a->name);
	status_encode((unsigned char *)blocks, &h);
	memcpy(blocks + LAYOUT_BLOCK, text, len);
	return area_write_at(a, blocks, LAYOUT_BLOCK + whole_blocks(len), offset, e);
}

static int slot_read(struct state_area *a, unsigned node, uint64_t offset, char **ret_text, size_t *ret_len, struct error *e)
{
	cleanup_free char *blocks = area_blocks(LAYOUT_STATUS_SIZE + 1);
	struct status_header h;
	int r;

	if (node < 1 || node >= LAYOUT_STATUS_SLOTS)
		return error_set(e, EINVAL, "%s: there is no slot of a node %u", a->name, node);
	if (!blocks)
		return error_errno(e, ENOMEM, "%s", a->name);
	r = area_read_at(a, blocks, LAYOUT_STATUS_SIZE, offset, e);
	if (r < 0)
		return r;
	if (status_decode((unsigned char *)blocks, area_tag(&a->super), node, &h) != SLOT_WHOLE ||
	    crc32c(0, blocks + LAYOUT_BLOCK, h.length) != h.crc)
		return error_set(e, ENODATA, "%s: node %u has written no whole status", a->name, node);
	memmove(blocks, blocks + LAYOUT_BLOCK, h.length);
	blocks[h.length] = '\0';
	*ret_text = steal_ptr(blocks);
	if (ret_len)
		*ret_len = h.length;
	return 0;
}

int state_status_write(struct state_area *a, unsigned node, const char *text, size_t len, struct error *e)
{
	return slot_write(a, node, status_offset(node), text, len, e);
}

int state_status_read(struct state_area *a, unsigned node, char **ret_text, size_t *ret_len, struct error *e)
{
	return slot_read(a, node, status_offset(node), ret_text, ret_len, e);
}

int state_volumes_write(struct state_area *a, unsigned node, const char *text, size_t len, struct error *e)
{
	return slot_write(a, node, volumes_offset(node), text, len, e);
}

int state_volumes_read(struct state_area *a, unsigned node, char **ret_text, size_t *ret_len, struct error *e)
{
	return slot_read(a, node, volumes_offset(node), ret_text, ret_len, e);
}

int node_status_read(struct state_area *a, unsigned node, struct node_status *ret, struct error *e)
{
	cleanup_free char *text = NULL;
	struct node_status s;
	size_t len;
	int r = state_status_read(a, node, &text, &len, e);

	if (r < 0)
		return r;
	if (status_parse(text, len, &s, e) < 0 || s.node != node)
		return error_set(e, ENODATA, "%s: what node %u tells of itself is not understood", a->name, node);
	*ret = s;
	return 0;
}

int volume_status_read(struct state_area *a, unsigned node, struct volume_status *ret, struct error *e)
{
	cleanup_free char *text = NULL;
	size_t len;
	int r = state_volumes_read(a, node, &text, &len, e);

	if (r < 0)
		return r;
	if (volume_status_parse(text, len, ret, e) < 0 || ret->node != node)
		return error_set(e, ENODATA, "%s: what node %u tells of its volumes is not understood", a->name, node);
	return 0;
}

/* --- intent ------------------------------------------------------------------------------------------------------------------- */

int area_intent_read(struct state_area *a, bool *ret, struct error *e)
{
	cleanup_free unsigned char *block = NULL;
	bool set = false;
	int r = area_read_block(a, LAYOUT_INTENT, &block, e);

	if (r < 0)
		return r;
	switch (intent_decode(block, area_tag(&a->super), &set)) {
	case SLOT_NEWER:
		return error_set(e, ENOTSUP, "%s: the intent is of a newer layout: use a newer byre", a->name);
	case SLOT_DAMAGED:
		set = true;
		break;
	default:
		break;
	}
	*ret = set;
	return 0;
}

int area_intent_write(struct state_area *a, bool set, struct error *e)
{
	cleanup_free unsigned char *block = area_blocks(LAYOUT_BLOCK);
	bool got;
	int r;

	if (!block)
		return error_errno(e, ENOMEM, "%s", a->name);
	intent_encode(block, area_tag(&a->super), set);
	r = area_write_at(a, block, LAYOUT_BLOCK, LAYOUT_INTENT, e);
	if (r == 0)
		r = area_flush(a, e);
	if (r == 0)
		r = area_intent_read(a, &got, e);
	if (r == 0 && got != set)
		r = error_set(e, EIO, "%s: the intent reads back differently", a->name);
	return r;
}

/* --- history -------------------------------------------------------------------------------------------------------------------- */

int area_history_write(struct state_area *a, const struct history_record *h, struct error *e)
{
	cleanup_free unsigned char *block = area_blocks(LAYOUT_BLOCK);

	if (!block)
		return error_errno(e, ENOMEM, "%s", a->name);
	history_encode(block, area_tag(&a->super), h);
	return area_write_at(a, block, LAYOUT_BLOCK, history_offset(h->generation), e);
}

int area_history_read(struct state_area *a, uint64_t generation, struct history_record *ret, struct error *e)
{
	cleanup_free unsigned char *block = NULL;
	struct history_record h;
	int r = area_read_block(a, history_offset(generation), &block, e);

	if (r < 0)
		return r;
	if (history_decode(block, area_tag(&a->super), generation % LAYOUT_HISTORY_SLOTS, &h) != SLOT_WHOLE || h.generation != generation)
		return error_set(e, ENODATA, "%s: there is no record of generation %llu", a->name, (unsigned long long)generation);
	*ret = h;
	return 0;
}

static int compare_newest_first(const void *a, const void *b)
{
	const struct history_record *x = a, *y = b;

	return (x->generation < y->generation) - (x->generation > y->generation);
}

int area_history_list(struct state_area *a, struct history_record **ret, size_t *ret_n, struct error *e)
{
	enum { CHUNK = 256 }; /* records, read at once */
	cleanup_free struct history_record *list = calloc(LAYOUT_HISTORY_SLOTS, sizeof(*list));
	cleanup_free unsigned char *blocks = area_blocks(CHUNK * LAYOUT_BLOCK);
	size_t n = 0;

	if (!list || !blocks)
		return error_errno(e, ENOMEM, "%s", a->name);
	for (unsigned i = 0; i < LAYOUT_HISTORY_SLOTS; i++) {
		unsigned char *block = blocks + i % CHUNK * LAYOUT_BLOCK;
		int r = i % CHUNK ? 0 : area_read_at(a, blocks, CHUNK * LAYOUT_BLOCK, history_offset(i), e);

		if (r < 0)
			return r;
		if (history_decode(block, area_tag(&a->super), i, &list[n]) == SLOT_WHOLE)
			n++;
	}
	qsort(list, n, sizeof(*list), compare_newest_first);
	*ret = steal_ptr(list);
	*ret_n = n;
	return 0;
}
