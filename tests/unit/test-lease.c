/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "volmgr/area/lease_record.h"

#include <errno.h>

#define CORPUS SOURCE_DIR "/tests/fuzz/corpus/lease/"

/* A record as sanlock 3.8.5 wrote it; the corpus has one byte in front. */
static void read_record(const char *name, unsigned char ret[LEASE_RECORD_SIZE])
{
	cleanup_free char *data = NULL;
	size_t len;

	assert_int_equal(file_read(AT_FDCWD, name, 4096, &data, &len, NULL), 0);
	assert_int_equal(len, LEASE_RECORD_SIZE + 1);
	memcpy(ret, data + 1, LEASE_RECORD_SIZE);
}

static void records_of_sanlock_are_read(void **state)
{
	unsigned char data[LEASE_RECORD_SIZE];
	struct lease_record r;

	(void)state;
	read_record(CORPUS "host", data);
	assert_int_equal(lease_record_decode(data, LEASE_RECORD_HOST, &r), 0);
	assert_string_equal(r.lockspace, "byre-12345678");
	assert_int_equal(r.sector, 512);
	assert_int_equal(r.io_timeout, 10);
	assert_int_equal(r.timestamp, 0);
	assert_int_equal(lease_record_decode(data, LEASE_RECORD_RESOURCE, &r), -EINVAL);
	read_record(CORPUS "resource", data);
	assert_int_equal(lease_record_decode(data, LEASE_RECORD_RESOURCE, &r), 0);
	assert_string_equal(r.name, "change");
	assert_int_equal(r.host, 0);
}

static void a_changed_record_is_damaged(void **state)
{
	unsigned char data[LEASE_RECORD_SIZE];
	struct lease_record r;

	(void)state;
	for (size_t i = 4; i < 172; i++) {
		read_record(CORPUS "resource", data);
		data[i] ^= 1u << (i % 8);
		assert_int_equal(lease_record_decode(data, LEASE_RECORD_RESOURCE, &r), -EUCLEAN);
	}
}

static const struct lease_record one = {.host = 3, .generation = 5, .version = 7, .timestamp = 1};

static void a_living_holder_has_its_time(void **state)
{
	struct patience p = {.wait = 20, .io_timeout = 5};

	(void)state;
	assert_int_equal(patience_step(&p, &one, false, 1000), PATIENCE_TELL);
	assert_int_equal(patience_step(&p, &one, false, 20999), PATIENCE_WAIT);
	assert_int_equal(patience_step(&p, &one, false, 21000), PATIENCE_ASK);
	assert_int_equal(patience_step(&p, &one, false, 21050), PATIENCE_WAIT);
	assert_int_equal(patience_step(&p, &one, false, 51000), PATIENCE_ASK);
	assert_int_equal(patience_step(&p, &one, false, 1000 + (20 + 100 + 60) * 1000 - 1), PATIENCE_ASK);
	assert_int_equal(patience_step(&p, &one, false, 1000 + (20 + 100 + 60) * 1000), PATIENCE_GIVE_UP);
}

/* Many machines that take their turns: none of them is to blame for the time that the others took. */
static void the_next_holder_has_its_own_time(void **state)
{
	struct patience p = {.wait = 20, .io_timeout = 5};
	struct lease_record next = one;

	(void)state;
	for (uint64_t now = 1000; now < 1000000; now += 19000) {
		next.version++;
		assert_int_equal(patience_step(&p, &next, false, now), PATIENCE_TELL);
		assert_int_equal(patience_step(&p, &next, false, now + 18000), PATIENCE_WAIT);
	}
	next.generation++;
	assert_int_equal(patience_step(&p, &next, false, 1000000), PATIENCE_TELL);
	next.host++;
	assert_int_equal(patience_step(&p, &next, false, 1000000), PATIENCE_TELL);
}

static void a_failing_machine_is_fenced_once(void **state)
{
	struct patience p = {.wait = 20, .io_timeout = 5};

	(void)state;
	assert_int_equal(patience_step(&p, &one, true, 1000), PATIENCE_TELL);
	assert_int_equal(patience_step(&p, &one, true, 1001), PATIENCE_FENCE);
	assert_int_equal(patience_step(&p, &one, true, 30000), PATIENCE_WAIT);
	assert_int_equal(patience_step(&p, &one, true, 200000), PATIENCE_GIVE_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_sanlock_are_read),      cmocka_unit_test(a_changed_record_is_damaged),
		cmocka_unit_test(a_living_holder_has_its_time),     cmocka_unit_test(the_next_holder_has_its_own_time),
		cmocka_unit_test(a_failing_machine_is_fenced_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
