/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "volmgr/container/lvm_text.h"

#include <string.h>

/* What LVM makes of it is seen in tests/vm/inside/check.sh. */
static void the_state_is_written_as_a_volume_group(void **state)
{
	static const char *const wanted[] = {
		"\ndebian12 {\n",
		"system_id = \"byre-debian12\"\nextent_size = 8192\n",
		"flags = [\"NOAUTOACTIVATE\"]",
		"\nslab0 {\n",
		"segment_count = 2\nsegment1 {\nstart_extent = 0\nextent_count = 800\ntype = \"striped\"\nstripe_count = 1\nstripes = "
		"[\"pv0\", 1000]\n}\n"
		"segment2 {\nstart_extent = 800\nextent_count = 7\ntype = \"striped\"\nstripe_count = 1\nstripes = [\"pv0\", 4000]\n}\n}\n",
		"\nswap0 {\n",
		"\nshared {\n",
		"\nimage.debian12.1 {\n",
	};
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct buf b CLEANUP(buf_free) = BUF_INIT;

	(void)state;
	load_sample(&c);
	assert_string_equal(c.slabs[0].lv, "slab0");
	assert_int_equal(segments_add(&c.slabs[0].segments, (struct segment){0, 4000, 7}), 0);
	lvm_text(&c, 1, &b);
	assert_true(buf_ok(&b));
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (!strstr(buf_str(&b), wanted[i]))
			fail_msg("no '%s' in:\n%s", wanted[i], buf_str(&b));
	assert_non_null(strstr(buf_str(&b), c.pvs[0].uuid));
}

/* Six groups of LVM's letters, and no two alike: group, slabs, image. */
static void uuids_are_new(void **state)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	char seen[8][39];
	size_t n = 0;

	(void)state;
	load_sample(&c);
	lvm_text(&c, 77, &b);
	for (const char *at = buf_str(&b); (at = strstr(at, "id = \"")); at += 6) {
		if (strncmp(at + 6, "byre-", 5) == 0)
			continue;
		assert_true(n < 8);
		memcpy(seen[n], at + 6, 38);
		seen[n][38] = '\0';
		assert_int_equal(at[6 + 38], '"');
		assert_int_equal(strspn(seen[n], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"), 38);
		for (unsigned i = 6; i <= 31; i += 5)
			assert_int_equal(seen[n][i], '-');
		for (size_t i = 0; i < n; i++)
			assert_string_not_equal(seen[i], seen[n]);
		n++;
	}
	assert_int_equal(n, 2 + c.n_slabs + c.n_images);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_state_is_written_as_a_volume_group),
		cmocka_unit_test(uuids_are_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
