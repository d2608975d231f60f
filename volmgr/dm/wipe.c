/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "wipe.h"

#include "area.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>

#define MAGIC      "BYREWIPE"
#define MAGIC_LEN  8
#define VERSION    1
#define AT_VERSION 8
#define AT_BYTES   16
#define AT_NAME    24
#define AT_CRC     508
#define SECTOR     512

#define SWAP_AT        1024
#define SWAP_UUID_AT   (SWAP_AT + 12)
#define SWAP_UUID_LEN  16
#define SWAP_MAGIC     "SWAPSPACE2"
#define SWAP_MAGIC_LEN 10

#define PIECE (64ull * 1024 * 1024) /* zeroed by one call */

/* --- blocks ------------------------------------------------------------------------------------------------------------- */

static void put(unsigned char *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

void wipe_encode(unsigned char block[WIPE_BLOCK], const struct volume *v)
{
	memset(block, 0, WIPE_BLOCK);
	memcpy(block, MAGIC, MAGIC_LEN);
	put(block + AT_VERSION, VERSION, 4);
	put(block + AT_BYTES, v->bytes, 8);
	memcpy(block + AT_NAME, v->name, strlen(v->name));
	put(block + AT_CRC, crc32c(0, block, AT_CRC), 4);
}

bool wipe_wanted(const unsigned char block[WIPE_BLOCK], const struct volume *v)
{
	unsigned char want[WIPE_BLOCK];

	wipe_encode(want, v);
	return memcmp(block, want, SECTOR) == 0;
}

void swap_encode(unsigned char block[WIPE_BLOCK], uint64_t bytes)
{
	uint64_t last = bytes / WIPE_BLOCK - 1;

	memset(block, 0, WIPE_BLOCK);
	put(block + SWAP_AT, 1, 4);
	put(block + SWAP_AT + 4, last < UINT32_MAX ? last : UINT32_MAX, 4);
	while (getrandom(block + SWAP_UUID_AT, SWAP_UUID_LEN, 0) != SWAP_UUID_LEN)
		;
	memcpy(block + WIPE_BLOCK - SWAP_MAGIC_LEN, SWAP_MAGIC, SWAP_MAGIC_LEN);
}

/* --- devices -------------------------------------------------------------------------------------------------------------- */

static int zero_piece(int fd, bool device, uint64_t offset, uint64_t bytes)
{
	uint64_t range[2] = {offset, bytes};

	if (device)
		return ioctl(fd, BLKZEROOUT, range) < 0 ? -errno : 0;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes) < 0 ? -errno : 0;
}

int wipe_range(int fd, uint64_t offset, uint64_t bytes, wipe_progress_fn *progress, void *data, struct error *e)
{
	struct stat st;
	int r = fstat(fd, &st) < 0 ? -errno : 0;

	for (uint64_t done = 0; done < bytes && r == 0;) {
		uint64_t n = bytes - done < PIECE ? bytes - done : PIECE;

		r = zero_piece(fd, S_ISBLK(st.st_mode), offset + done, n);
		done += n;
		if (r == 0 && progress)
			progress(done, bytes, data);
	}
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r < 0 ? error_errno(e, r, "zeroing %llu bytes", (unsigned long long)bytes) : 0;
}

static int write_block(int fd, const unsigned char *block)
{
	int r = pwrite_full(fd, block, WIPE_BLOCK, 0);

	return r == 0 && fdatasync(fd) < 0 ? -errno : r;
}

/*
 * The first 512 bytes of BLOCK ask to be wiped until all else is in place: a disk writes them as a whole, so that no cut leaves a block that neither
 * asks nor serves.
 */
static int put_first_block(int fd, unsigned char *block, const struct volume *v)
{
	unsigned char ask[SECTOR];
	int r;

	memcpy(ask, block, SECTOR);
	memset(block, 0, WIPE_BLOCK);
	if (v->kind == VOLUME_SWAP)
		swap_encode(block, v->bytes);
	memcpy(block, ask, SECTOR);
	r = write_block(fd, block);
	memset(block, 0, SECTOR);
	return r == 0 ? write_block(fd, block) : r;
}

int wipe_first_use(const char *path, const struct volume *v, wipe_progress_fn *progress, void *data, struct error *e)
{
	cleanup_free unsigned char *block = aligned_alloc(WIPE_BLOCK, WIPE_BLOCK);
	cleanup_fd int fd = area_file_open(path, true);
	int r;

	if (fd < 0 || !block)
		return error_errno(e, fd < 0 ? fd : -ENOMEM, "%s", path);
	r = pread_full(fd, block, WIPE_BLOCK, 0);
	if (r < 0)
		return error_errno(e, r, "%s: its first block", path);
	if (!wipe_wanted(block, v))
		return 0;
	r = wipe_range(fd, WIPE_BLOCK, v->bytes - WIPE_BLOCK, progress, data, e);
	if (r < 0)
		return error_wrap(e, "%s", path);
	r = put_first_block(fd, block, v);
	return r < 0 ? error_errno(e, r, "%s: its first block", path) : 1;
}
