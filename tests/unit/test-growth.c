/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "cluster/model.h"
#include "volmgr/dm/growth.h"

#define MIB (1024ull * 1024)
#define GIB (1024 * MIB)

static void the_reserve_is_a_quarter_within_limits(void **state)
{
	(void)state;
	assert_int_equal(store_reserve(64 * MIB), 32 * MIB);
	assert_int_equal(store_reserve(128 * MIB), 64 * MIB);
	assert_int_equal(store_reserve(256 * MIB), 128 * MIB);
	assert_int_equal(store_reserve(1 * GIB), 256 * MIB);
	assert_int_equal(store_reserve(2 * GIB), 512 * MIB);
	assert_int_equal(store_reserve(500 * GIB), 512 * MIB);
	assert_int_equal(store_reserve(0), 0);
}

static void a_touched_reserve_wants_more(void **state)
{
	struct growth_store s = {.used = 127 * MIB, .total = 256 * MIB, .limit = 5 * GIB};

	(void)state;
	assert_false(growth_wanted(&s));
	s.used = 128 * MIB;
	assert_true(growth_wanted(&s));
	s.limit = s.total; /* the volume can use no more */
	assert_false(growth_wanted(&s));
	s.full = true; /* yet it waits: for an older device in the pool, say */
	assert_true(growth_wanted(&s));
}

static void grants_double_while_they_follow_fast(void **state)
{
	struct growth_store s = {.used = 200 * MIB, .total = 256 * MIB, .limit = 100 * GIB};
	struct growth g = {0, 0};

	(void)state;
	assert_int_equal(growth_next(&g, &s, 1000), 128 * MIB);
	g = (struct growth){128 * MIB, 1000};
	assert_int_equal(growth_next(&g, &s, 1000 + GROWTH_FAST_MS - 1), 256 * MIB);
	assert_int_equal(growth_next(&g, &s, 1000 + GROWTH_FAST_MS), 128 * MIB);
	g = (struct growth){4 * GIB, 1000};
	assert_int_equal(growth_next(&g, &s, 1000 + GROWTH_SLOW_MS), 4 * GIB);
	assert_int_equal(growth_next(&g, &s, 1001 + GROWTH_SLOW_MS), 2 * GIB);
	g.grant = GROWTH_MAX;
	assert_int_equal(growth_next(&g, &s, 1001), GROWTH_MAX);
	g.grant = 129 * MIB; /* whole extents */
	assert_int_equal(growth_next(&g, &s, 1001) % EXTENT_BYTES, 0);
	g.ms = 5000; /* a clock behind */
	assert_int_equal(growth_next(&g, &s, 1001), 260 * MIB);
}

static void nothing_is_granted_beyond_the_limit(void **state)
{
	struct growth_store s = {.used = 230 * MIB, .total = 256 * MIB, .limit = 276 * MIB};
	struct growth g = {0, 0};

	(void)state;
	assert_int_equal(growth_next(&g, &s, 0), 20 * MIB);
	s.limit = s.total + 1;
	assert_int_equal(growth_next(&g, &s, 0), EXTENT_BYTES);
	s.limit = s.total; /* full although: asked for as if there were none */
	s.full = true;
	assert_int_equal(growth_next(&g, &s, 0), 128 * MIB);
}

static void pauses_grow_to_ten_seconds(void **state)
{
	(void)state;
	assert_int_equal(growth_pause(0), 250);
	assert_int_equal(growth_pause(1), 500);
	assert_int_equal(growth_pause(5), 8000);
	assert_int_equal(growth_pause(6), 10000);
	assert_int_equal(growth_pause(4000000000u), 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reserve_is_a_quarter_within_limits),
		cmocka_unit_test(a_touched_reserve_wants_more),
		cmocka_unit_test(grants_double_while_they_follow_fast),
		cmocka_unit_test(nothing_is_granted_beyond_the_limit),
		cmocka_unit_test(pauses_grow_to_ten_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
