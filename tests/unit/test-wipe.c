/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "volmgr/dm/wipe.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES (3 * 1024 * 1024ull)

static struct volume volume(enum volume_kind kind)
{
	return (struct volume){.name = "node3.swap", .kind = kind, .bytes = BYTES};
}

static void the_block_is_for_one_volume(void **state)
{
	struct volume v = volume(VOLUME_SWAP), other = v;
	unsigned char block[WIPE_BLOCK], zeros[WIPE_BLOCK] = {0};

	(void)state;
	wipe_encode(block, &v);
	assert_true(wipe_wanted(block, &v));
	assert_memory_equal(block, "BYREWIPE\1\0\0\0", 12);
	other.bytes += 4096;
	assert_false(wipe_wanted(block, &other));
	other = v;
	other.name[4] = '4';
	assert_false(wipe_wanted(block, &other));
	assert_false(wipe_wanted(zeros, &v));
	for (size_t i = 0; i < 512; i++) {
		block[i] ^= 1;
		assert_false(wipe_wanted(block, &v));
		block[i] ^= 1;
	}
}

/* What the disk does with a torn write of 4 KiB: the first SECTORS of it arrive. COUNT writes go well before. */
static int writes_left = -1;
int __real_pwrite_full(int fd, const void *data, size_t len, uint64_t offset);
int __wrap_pwrite_full(int fd, const void *data, size_t len, uint64_t offset);
static size_t torn_from, torn_to;
int __wrap_pwrite_full(int fd, const void *data, size_t len, uint64_t offset)
{
	if (writes_left == 0) {
		if (torn_to > torn_from)
			__real_pwrite_full(fd, (const char *)data + torn_from, torn_to - torn_from, offset + torn_from);
		return -5;
	}
	if (writes_left > 0)
		writes_left--;
	return __real_pwrite_full(fd, data, len, offset);
}

static void fill(const char *path, const struct volume *v)
{
	cleanup_fd int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned char block[WIPE_BLOCK];

	memset(block, 'x', sizeof(block));
	for (uint64_t at = 0; at < BYTES + WIPE_BLOCK; at += WIPE_BLOCK)
		assert_int_equal(pwrite(fd, block, WIPE_BLOCK, (off_t)at), WIPE_BLOCK);
	wipe_encode(block, v);
	assert_int_equal(pwrite(fd, block, WIPE_BLOCK, 0), WIPE_BLOCK);
}

static void is_wiped(const char *path, const struct volume *v)
{
	cleanup_free char *data = NULL;
	size_t len;

	assert_int_equal(file_read(AT_FDCWD, path, 2 * BYTES, &data, &len, NULL), 0);
	assert_int_equal(len, BYTES + WIPE_BLOCK);
	if (v->kind == VOLUME_SWAP) {
		assert_memory_equal(data + WIPE_BLOCK - 10, "SWAPSPACE2", 10);
		memset(data + 1024, 0, 28);
		memset(data + WIPE_BLOCK - 10, 0, 10);
	}
	for (size_t i = 0; i < BYTES; i++)
		assert_int_equal(data[i], 0);
	assert_int_equal(data[BYTES], 'x'); /* its neighbour */
}

static void a_new_volume_reads_zeros(void **state)
{
	static const enum volume_kind kinds[] = {VOLUME_SWAP, VOLUME_SHARED};
	char path[] = "/var/tmp/test-wipe.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	for (size_t i = 0; i < 2; i++) {
		struct volume v = volume(kinds[i]);

		fill(path, &v);
		assert_int_equal(wipe_first_use(path, &v, NULL, NULL, NULL), 1);
		is_wiped(path, &v);
		assert_int_equal(wipe_first_use(path, &v, NULL, NULL, NULL), 0);
	}
	unlink(path);
}

/* Cut off at any write, with any part of it on the disk: the next try ends it, or it was ended. */
static void a_cut_is_made_good(void **state)
{
	struct volume v = volume(VOLUME_SWAP);
	char path[] = "/var/tmp/test-wipe.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	for (int n = 0; n < 2; n++)
		for (unsigned tear = 0; tear <= 16; tear++) {
			fill(path, &v);
			torn_from = tear <= 8 ? 0 : 512 * (tear - 8);
			torn_to = tear <= 8 ? 512 * tear : WIPE_BLOCK;
			writes_left = n;
			assert_int_equal(wipe_first_use(path, &v, NULL, NULL, NULL), -5);
			writes_left = -1;
			assert_true(wipe_first_use(path, &v, NULL, NULL, NULL) >= 0);
			is_wiped(path, &v);
		}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_block_is_for_one_volume),
		cmocka_unit_test(a_new_volume_reads_zeros),
		cmocka_unit_test(a_cut_is_made_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
