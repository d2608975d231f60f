/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multipath tables and the kernel's status of them. */
#include "tests/unit/unit.h"

#include "volmgr/paths.h"

#include <errno.h>
#include <stdio.h>

static void a_table_has_every_path(void **state)
{
	const struct path_number v[] = {{8, 1, false}, {8, 17, false}};
	struct path_number many[PATHS_MAX];
	char text[224];

	(void)state;
	assert_int_equal(paths_table(v, 2, text), 0);
	assert_string_equal(text, "3 queue_if_no_path queue_mode bio 0 1 1 round-robin 0 2 1 8:1 1 8:17 1");
	for (unsigned i = 0; i < PATHS_MAX; i++)
		many[i] = (struct path_number){259, 1000000 + i, false};
	assert_int_equal(paths_table(many, 8, text), 0);
	assert_int_equal(paths_table(many, PATHS_MAX, text), -E2BIG);
}

static void the_status_tells_which_paths_failed(void **state)
{
	struct path_number v[PATHS_MAX];
	struct error e = ERROR_INIT;
	size_t n = 0;

	(void)state;
	/* As Linux 6.1 says it: both up; one failed; two groups, whose selector has words of its own and two for each path. */
	assert_int_equal(paths_parse_status("2 0 0 0 1 1 A 0 2 0 8:1 A 0 8:17 A 0 ", v, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_true(v[0].major == 8 && v[0].minor == 1 && !v[0].failed);
	assert_int_equal(paths_parse_status("2 1 0 0 1 1 A 0 2 0 8:1 F 3 8:17 A 0 ", v, &n, &e), 0);
	assert_true(v[0].failed && !v[1].failed && v[1].minor == 17);
	assert_int_equal(paths_parse_status("2 0 0 0 2 1 A 1 x 1 2 8:0 A 0 0 1 E 0 1 2 8:32 F 1 0 1", v, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_true(v[1].failed && v[1].minor == 32);
}

static void what_is_no_status_is_refused(void **state)
{
	static const char *const bad[] = {"",
					  "2 0 0 0 1 1 A 0 2 0 8:1 A 0",
					  "2 0 0 0 1 1 A 0 1 0 8-1 A 0",
					  "2 0 0 0 1 1 A 0 1 0 8:1 X 0",
					  "65 0",
					  "2 0 0 0 1 1 A 0 17 0 8:1 A 0",
					  "9 0 0"};
	struct path_number v[PATHS_MAX];
	struct error e = ERROR_INIT;
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(paths_parse_status(bad[i], v, &n, &e), -EPROTO);
	assert_int_equal(n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_has_every_path),
		cmocka_unit_test(the_status_tells_which_paths_failed),
		cmocka_unit_test(what_is_no_status_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
