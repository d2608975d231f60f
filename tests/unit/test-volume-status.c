/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "base/cleanup.h"
#include "cluster/volume_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void fill(struct volume_status *s, size_t n)
{
	*s = (struct volume_status){.node = 3, .generation = 7, .written = 1700000000, .why = "the container has no space left", .n = n};
	for (size_t i = 0; i < n; i++) {
		snprintf(s->stores[i].volume, sizeof(s->stores[i].volume), "web.vm%zu.disk", i);
		s->stores[i].data_total = s->stores[i].data_used = 1ull << 40;
		s->stores[i].short_since = 1700000000 + i;
		s->stores[i].full = i % 2;
	}
}

static void it_reads_back(void **state)
{
	static struct volume_status s, again;
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	fill(&s, 2);
	assert_int_equal(volume_status_print(&s, 12288, &b, &e), 0);
	assert_int_equal(volume_status_parse(b.data, b.len, &again, &e), 0);
	assert_int_equal(again.n, 2);
	assert_string_equal(again.why, s.why);
	assert_true(volume_status_find(&again, "web.vm1.disk")->full);
	assert_int_equal(volume_status_find(&again, "web.vm1.disk")->short_since, 1700000001);
	assert_null(volume_status_find(&again, "web.vm2.disk"));
}

static void what_does_not_fit_is_left_out(void **state)
{
	static struct volume_status s, again;
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	fill(&s, VOLUME_STATUS_MAX);
	assert_int_equal(volume_status_print(&s, 4096, &b, &e), 0);
	assert_in_range(b.len, 3500, 4096);
	assert_int_equal(volume_status_parse(b.data, b.len, &again, &e), 0);
	assert_in_range(again.n, 10, VOLUME_STATUS_MAX - 1);
	assert_string_equal(again.stores[0].volume, "web.vm0.disk");
	assert_int_equal(volume_status_print(&s, 64, &b, &e), -EFBIG);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "volume status: line"},
		{"{\"node\":3}", "generation: no number"},
		{"{\"node\":3000,\"generation\":1}", "node: no number from 0 to 2000"},
		{"{\"node\":3,\"generation\":1,\"written\":1,\"why\":\"\",\"stores\":{}}", "stores: no list"},
		{"{\"node\":3,\"generation\":1,\"written\":1,\"why\":\"\",\"stores\":[{\"volume\":\"a\"}]}",
		 "stores[0]: data_used: no number"},
	};
	static struct volume_status s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(volume_status_parse(bad[i].text, strlen(bad[i].text), &s, &e), -EINVAL);
		assert_non_null(strstr(e.text, bad[i].says));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_back),
		cmocka_unit_test(what_does_not_fit_is_left_out),
		cmocka_unit_test(what_is_wrong_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
