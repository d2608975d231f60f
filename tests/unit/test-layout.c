/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "base/crc32c.h"
#include "volmgr/area/layout.h"

#include <errno.h>

static const struct superblock super = {"debian12", "1f3870be-2749-4c83-9aa4-51c5a0a3b9d1"};

static void superblock_reads_back(void **state)
{
	unsigned char block[LAYOUT_BLOCK];
	struct superblock s;

	(void)state;
	superblock_encode(block, &super);
	assert_int_equal(superblock_decode(block, &s), 0);
	assert_string_equal(s.container, super.container);
	assert_string_equal(s.id, super.id);
	assert_memory_equal(block, "BYRESTAT\1\0\0\0", 12);
}

static void every_changed_byte_is_seen(void **state)
{
	unsigned char block[LAYOUT_BLOCK];
	struct slot_header h = {7, 100, 0x12345678}, got;
	struct superblock s;

	(void)state;
	for (size_t i = 0; i < LAYOUT_HEADER; i++) {
		superblock_encode(block, &super);
		block[i] ^= 1u << (i % 8);
		assert_int_not_equal(superblock_decode(block, &s), 0);
		slot_encode(block, &h);
		block[i] ^= 1u << (i % 8);
		assert_int_equal(slot_decode(block, 1, &got), SLOT_DAMAGED);
	}
}

static void zeros_are_no_area(void **state)
{
	unsigned char block[LAYOUT_BLOCK] = {0};
	struct superblock s;
	struct slot_header h;
	struct status_header n;

	(void)state;
	assert_int_equal(superblock_decode(block, &s), -EINVAL);
	assert_int_equal(slot_decode(block, 0, &h), SLOT_EMPTY);
	assert_int_equal(status_decode(block, 1, 1, &n), SLOT_EMPTY);
}

static void a_slot_holds_only_its_own(void **state)
{
	unsigned char block[LAYOUT_BLOCK];
	struct slot_header h = {8, 100, 1}, got;
	const struct slot_header bad[] = {{0, 100, 1}, {8, 0, 1}, {8, LAYOUT_DOCUMENT_MAX + 1, 1}, {UINT64_MAX - 1, 1, 1}};

	(void)state;
	slot_encode(block, &h);
	assert_int_equal(slot_decode(block, 0, &got), SLOT_WHOLE);
	assert_int_equal(got.generation, 8);
	assert_int_equal(got.length, 100);
	assert_int_equal(slot_decode(block, 1, &got), SLOT_DAMAGED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		slot_encode(block, &bad[i]);
		assert_int_equal(slot_decode(block, 0, &got), SLOT_DAMAGED);
	}
}

static void a_status_belongs_to_node_and_area(void **state)
{
	unsigned char block[LAYOUT_BLOCK];
	struct status_header h = {77, 3, 50, 9}, got;

	(void)state;
	status_encode(block, &h);
	assert_int_equal(status_decode(block, 77, 3, &got), SLOT_WHOLE);
	assert_int_equal(got.length, 50);
	assert_int_equal(status_decode(block, 77, 4, &got), SLOT_DAMAGED);
	assert_int_equal(status_decode(block, 78, 3, &got), SLOT_DAMAGED);
}

/* What a former area left is not taken; a record stands in its own place only. */
static void intent_and_history_bear_the_tag(void **state)
{
	const struct history_record h = {.generation = 4099, .length = 9, .crc = 5, .note = {.time = 8, .node = 2, .what = "try"}};
	unsigned char block[LAYOUT_BLOCK];
	struct history_record got;
	bool set = false;

	(void)state;
	intent_encode(block, 77, true);
	assert_int_equal(intent_decode(block, 77, &set), SLOT_WHOLE);
	assert_true(set);
	assert_int_equal(intent_decode(block, 78, &set), SLOT_EMPTY);
	history_encode(block, 77, &h);
	assert_int_equal(history_decode(block, 77, 3, &got), SLOT_WHOLE);
	assert_int_equal(got.generation, 4099);
	assert_string_equal(got.note.what, "try");
	assert_int_equal(history_decode(block, 78, 3, &got), SLOT_EMPTY);
	assert_int_equal(history_decode(block, 77, 4, &got), SLOT_DAMAGED);
	for (size_t i = 0; i < LAYOUT_HEADER; i++) {
		intent_encode(block, 77, true);
		block[i] ^= 1u << (i % 8);
		assert_int_equal(intent_decode(block, 77, &set), SLOT_DAMAGED);
		history_encode(block, 77, &h);
		block[i] ^= 1u << (i % 8);
		assert_int_equal(history_decode(block, 77, 3, &got), SLOT_DAMAGED);
	}
}

/* Of a block of which any sectors were written, and others not, over another header or over nothing: it is the one or the other. */
static void a_torn_write_leaves_the_former_or_the_new(void **state)
{
	const struct slot_header old = {5, 100, 0x11111111}, new = {7, 2000, 0x22222222};
	unsigned char before[LAYOUT_BLOCK], after[LAYOUT_BLOCK], torn[LAYOUT_BLOCK];
	struct slot_header got;

	(void)state;
	slot_encode(after, &new);
	for (unsigned is_over_nothing = 0; is_over_nothing < 2; is_over_nothing++) {
		slot_encode(before, &old);
		if (is_over_nothing)
			memset(before, 0, sizeof(before));
		for (unsigned written = 0; written < 256; written++) {
			for (unsigned k = 0; k < 8; k++)
				memcpy(torn + 512 * k, (written >> k & 1 ? after : before) + 512 * k, 512);
			if (is_over_nothing && !(written & 1)) {
				assert_int_equal(slot_decode(torn, 1, &got), SLOT_EMPTY);
				continue;
			}
			assert_int_equal(slot_decode(torn, 1, &got), SLOT_WHOLE);
			assert_int_equal(got.generation, written & 1 ? 7 : 5);
		}
	}
}

/* The first areas had their reserved part right behind the status slots. */
static void an_older_area_opens(void **state)
{
	unsigned char block[LAYOUT_BLOCK];
	struct superblock s;
	uint32_t crc;

	(void)state;
	superblock_encode(block, &super);
	memset(block + 16 + 9 * 8, 0, 8);
	block[16 + 9 * 8 + 3] = 9; /* 144 MiB */
	crc = crc32c(0, block, LAYOUT_HEADER - 4);
	for (size_t i = 0; i < 4; i++)
		block[LAYOUT_HEADER - 4 + i] = (unsigned char)(crc >> (8 * i));
	assert_int_equal(superblock_decode(block, &s), 0);
	assert_string_equal(s.id, super.id);
}

static void the_newest_comes_first(void **state)
{
	const struct slot_header h[2] = {{8, 1, 1}, {9, 1, 1}}, swapped[2] = {{10, 1, 1}, {9, 1, 1}};
	const enum slot_state both[2] = {SLOT_WHOLE, SLOT_WHOLE}, first[2] = {SLOT_WHOLE, SLOT_DAMAGED}, none[2] = {SLOT_EMPTY, SLOT_EMPTY};
	unsigned order[2];

	(void)state;
	assert_int_equal(slots_in_order(both, h, order), 2);
	assert_int_equal(order[0], 1);
	assert_int_equal(slots_in_order(both, swapped, order), 2);
	assert_int_equal(order[0], 0);
	assert_int_equal(slots_in_order(first, h, order), 1);
	assert_int_equal(order[0], 0);
	assert_int_equal(slots_in_order(none, h, order), 0);
}

/* The next one is newer than whatever anybody may have seen, and spares the only whole document. */
static void the_next_generation_spares_the_whole_one(void **state)
{
	const enum slot_state both[2] = {SLOT_WHOLE, SLOT_WHOLE}, first[2] = {SLOT_WHOLE, SLOT_DAMAGED}, none[2] = {SLOT_EMPTY, SLOT_EMPTY};
	const struct slot_header h[2] = {{8, 1, 1}, {9, 1, 1}},
				 last[2] = {{LAYOUT_GENERATION_MAX - 1, 1, 1}, {LAYOUT_GENERATION_MAX, 1, 1}};
	uint64_t g;

	(void)state;
	assert_int_equal(slots_next(none, h, -1, 0, &g), 0);
	assert_int_equal(g, 1);
	assert_int_equal(slots_next(both, h, 1, 0, &g), 0);
	assert_int_equal(g, 10);
	assert_int_equal(slots_next(both, h, 0, 0, &g), 0); /* the text of 9 is torn */
	assert_int_equal(g, 11);
	assert_int_equal(slots_next(first, h, 0, 0, &g), 0); /* 9 may have been there */
	assert_int_equal(g, 11);
	assert_int_equal(slots_next(both, last, 1, 0, &g), -EOVERFLOW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(superblock_reads_back),
		cmocka_unit_test(every_changed_byte_is_seen),
		cmocka_unit_test(zeros_are_no_area),
		cmocka_unit_test(a_slot_holds_only_its_own),
		cmocka_unit_test(a_status_belongs_to_node_and_area),
		cmocka_unit_test(intent_and_history_bear_the_tag),
		cmocka_unit_test(a_torn_write_leaves_the_former_or_the_new),
		cmocka_unit_test(an_older_area_opens),
		cmocka_unit_test(the_newest_comes_first),
		cmocka_unit_test(the_next_generation_spares_the_whole_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
