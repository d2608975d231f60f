/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine that boots says so before it composes anything, and waits for a change that may not have seen it. */
#include "tests/unit/unit.h"

#include "base/crc32c.h"
#include "tests/unit/simdisk.h"
#include "volmgr/area/lease_record.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define CORPUS SOURCE_DIR "/tests/fuzz/corpus/lease/"
#define NODE   3
#define DEAD   (lease_dead_after(5) * 1000) /* of the sample's lease-timeout */

struct world {
	struct sim disk;
	struct state_area *a;
	struct cluster c;
};

static void begin(struct world *w)
{
	struct superblock super = {.container = "debian12"};

	sim_init(&w->disk, 1);
	load_sample(&w->c);
	snprintf(super.id, sizeof(super.id), "%s", w->c.id);
	assert_int_equal(area_format_io(&sim_io, &w->disk, &super, NULL), 0);
	assert_int_equal(area_open_io(&sim_io, &w->disk, "disk", true, &w->a, NULL), 0);
}

static void end(struct world *w)
{
	state_area_close(w->a);
	cluster_free(&w->c);
	sim_free(&w->disk);
}
#define cleanup_world CLEANUP(end)

static void put(unsigned char *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, v >>= 8)
		p[i] = (unsigned char)v;
}

/* A record as sanlock writes it, with another owner. */
static void write_record(struct world *w, const char *corpus, uint64_t offset, unsigned host, uint64_t generation, uint64_t version, uint64_t timestamp)
{
	unsigned char *block = aligned_alloc(LAYOUT_BLOCK, LAYOUT_BLOCK), *r = block + offset % LAYOUT_BLOCK;
	cleanup_free char *data = NULL;
	size_t len;

	assert_int_equal(file_read(AT_FDCWD, corpus, 4096, &data, &len, NULL), 0);
	assert_int_equal(sim_read(&w->disk, block, LAYOUT_BLOCK, offset / LAYOUT_BLOCK * LAYOUT_BLOCK), 0);
	memcpy(r, data + 1, LEASE_RECORD_SIZE);
	put(r + 32, host, 8);
	put(r + 40, generation, 8);
	put(r + 48, version, 8);
	put(r + 152, timestamp, 8);
	put(r + 168, ~crc32c(1, r, 168), 4);
	assert_int_equal(sim_write(&w->disk, block, LAYOUT_BLOCK, offset / LAYOUT_BLOCK * LAYOUT_BLOCK), 0);
	free(block);
}

static void write_host(struct world *w, unsigned host, uint64_t generation, uint64_t timestamp)
{
	write_record(w, CORPUS "host", LAYOUT_LOCKSPACE, 1, 1, 0, host == 1 ? timestamp : 7);
	write_record(w, CORPUS "host", LAYOUT_LOCKSPACE + (host - 1) * 512ull, host, generation, 0, timestamp);
}
static void write_lease(struct world *w, unsigned host, uint64_t generation, uint64_t version, uint64_t timestamp)
{
	write_record(w, CORPUS "resource", LAYOUT_RESOURCES, host, generation, version, timestamp);
}

static int waits(struct world *w, struct claim *k, uint64_t now)
{
	return claim_wait(w->a, k, now, NULL);
}

static void it_is_told_before_all(void **state)
{
	struct world w cleanup_world;
	struct volume_status t;
	struct claim k;

	(void)state;
	begin(&w);
	write_lease(&w, 0, 0, 0, 0);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	assert_int_equal(w.disk.cache.n, 0); /* flushed */
	assert_int_equal(volume_status_read(w.a, NODE, &t, NULL), 0);
	assert_int_equal(t.n, 1);
	assert_string_equal(t.stores[0].volume, "node3.root");
	assert_false(t.leaving);
	assert_int_equal(waits(&w, &k, 1000), 0);
}

/* What it told before has a later time: so it would be older than its own last word. */
static void a_clock_that_was_set_back_does_not_matter(void **state)
{
	struct node_status s = {.node = NODE, .boot_id = "1f3870be-2749-4c83-9aa4-51c5a0a3b9d1", .written = (uint64_t)time(NULL) + 86400, .leaving = true};
	struct buf b cleanup_buf = BUF_INIT;
	struct world w cleanup_world;
	struct volume_status t;
	struct claim k;

	(void)state;
	begin(&w);
	assert_int_equal(status_print(&s, &b, NULL), 0);
	assert_int_equal(state_status_write(w.a, NODE, buf_str(&b), b.len, NULL), 0);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	assert_int_equal(volume_status_read(w.a, NODE, &t, NULL), 0);
	assert_true(t.written > s.written);
}

static void a_change_that_goes_on_is_waited_for(void **state)
{
	struct world w cleanup_world;
	struct claim k;

	(void)state;
	begin(&w);
	/* It lives for long. */
	write_host(&w, 2, 5, 100);
	write_lease(&w, 2, 5, 9, 90);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	assert_int_equal(k.holder, 2);
	for (uint64_t now = 1000; now < 1000 + 5 * DEAD; now += 10000) {
		write_host(&w, 2, 5, 100 + now);
		assert_int_equal(waits(&w, &k, now), 1);
	}
	/* It lets go. */
	write_lease(&w, 2, 5, 9, 0);
	assert_int_equal(waits(&w, &k, 2000), 0);
	/* It, or another one, has begun the next: that one has seen us. */
	write_lease(&w, 2, 5, 9, 90);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	assert_int_equal(waits(&w, &k, 1000), 1);
	write_lease(&w, 2, 5, 10, 95);
	assert_int_equal(waits(&w, &k, 1001), 0);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	write_lease(&w, 1, 8, 11, 95);
	assert_int_equal(waits(&w, &k, 1001), 0);
}

static void a_dead_one_is_not_waited_for_for_ever(void **state)
{
	struct world w cleanup_world;
	struct claim k;

	(void)state;
	begin(&w);
	write_host(&w, 2, 5, 100);
	write_lease(&w, 2, 5, 9, 90);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	assert_int_equal(waits(&w, &k, 1000), 1);
	assert_int_equal(waits(&w, &k, 999 + DEAD), 1);
	assert_int_equal(waits(&w, &k, 1000 + DEAD), 0);
	/* It has left, or it is there anew: what it held before it holds no more. */
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	write_host(&w, 2, 5, 0);
	assert_int_equal(waits(&w, &k, 1000), 0);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	write_host(&w, 2, 6, 200);
	assert_int_equal(waits(&w, &k, 1000), 0);
	/* This machine itself, before it died. */
	write_host(&w, NODE, 5, 100);
	write_lease(&w, NODE, 5, 9, 90);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	assert_int_equal(waits(&w, &k, 1000), 0);
}

static void a_san_that_fails_is_told(void **state)
{
	struct world w cleanup_world;
	struct claim k;

	(void)state;
	begin(&w);
	write_host(&w, 2, 5, 100);
	write_lease(&w, 2, 5, 9, 90);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), 0);
	w.disk.broken_from = LAYOUT_LOCKSPACE;
	w.disk.broken_to = LAYOUT_SLOTS;
	w.disk.broken_code = EIO;
	assert_int_equal(waits(&w, &k, 1000), -EIO);
	assert_int_equal(claim_begin(w.a, &w.c, NODE, 1000, &k, NULL), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_before_all),
		cmocka_unit_test(a_clock_that_was_set_back_does_not_matter),
		cmocka_unit_test(a_change_that_goes_on_is_waited_for),
		cmocka_unit_test(a_dead_one_is_not_waited_for_for_ever),
		cmocka_unit_test(a_san_that_fails_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
