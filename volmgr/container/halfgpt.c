/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A GPT is written in five steps: backup entries and header, entries and header, and last the protective MBR, without which it is none (UEFI 2.10, 5.3). Whoever
 * dies in between leaves a disk that nobody knows, and that wipefs(8) cannot wipe.
 */
#include "gpt.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define END        (1024 * 1024) /* bytes of either end of a disk that are looked at */
#define ENTRIES    16384         /* bytes: 128 entries */
#define ENTRY      128
#define ENTRY_NAME 56 /* offset; 36 characters of UTF-16 */

static bool is_zero(const unsigned char *p, size_t n)
{
	while (n > 0 && !*p) {
		p++;
		n--;
	}
	return n == 0;
}

static bool has_name(const unsigned char *entry, const char *name)
{
	for (size_t i = 0; i < (ENTRY - ENTRY_NAME) / 2; i++) {
		char c = *name ? *name++ : '\0';

		if (entry[ENTRY_NAME + 2 * i] != (unsigned char)c || entry[ENTRY_NAME + 2 * i + 1])
			return false;
	}
	return true;
}

/* How many entries bear NAME; -1: another is there. */
static int count_entries(const unsigned char *p, const char *name)
{
	int n = 0;

	for (size_t at = 0; at < ENTRIES; at += ENTRY) {
		if (is_zero(p + at, ENTRY))
			continue;
		if (!has_name(p + at, name))
			return -1;
		n++;
	}
	return n;
}

static bool is_header(const unsigned char *p, size_t sector)
{
	return is_zero(p, sector) || memcmp(p, "EFI PART", 8) == 0;
}

bool gpt_half_written(const unsigned char *first, const unsigned char *last, size_t len, size_t sector, const char *container)
{
	size_t backup = len - sector - ENTRIES;
	char name[80];
	int n, more;

	snprintf(name, sizeof(name), "byre-%.60s-pv", container);
	if (len < 2 * sector + ENTRIES || !is_zero(first, sector) || !is_header(first + sector, sector) || !is_header(last + len - sector, sector))
		return false;
	if (!is_zero(first + 2 * sector + ENTRIES, len - 2 * sector - ENTRIES) || !is_zero(last, backup))
		return false;
	n = count_entries(first + 2 * sector, name);
	more = count_entries(last + backup, name);
	return n >= 0 && more >= 0 && n + more > 0;
}

struct ends {
	unsigned char *first, *last;
	uint64_t bytes;
	size_t sector;
};

static void ends_free(struct ends *d)
{
	free(d->first);
	free(d->last);
}

static int read_ends(int fd, struct ends *d)
{
	int sector, r;

	d->first = malloc(END);
	d->last = malloc(END);
	if (!d->first || !d->last)
		return -ENOMEM;
	if (ioctl(fd, BLKGETSIZE64, &d->bytes) < 0 || ioctl(fd, BLKSSZGET, &sector) < 0)
		return -errno;
	if (d->bytes < 4ull * END || sector < 512 || sector > 4096)
		return -EINVAL;
	d->sector = (size_t)sector;
	r = pread_full(fd, d->first, END, 0);
	return r < 0 ? r : pread_full(fd, d->last, END, d->bytes - END);
}

/* Both ends are zeros then. */
static int clear(int fd, struct ends *d)
{
	int r;

	memset(d->first, 0, END);
	r = pwrite_full(fd, d->first, END, 0);
	if (r == 0)
		r = pwrite_full(fd, d->first, END, d->bytes - END);
	return r == 0 && fsync(fd) < 0 ? -errno : r;
}

int gpt_clear_half_written(const char *disk, const char *container, bool look, bool *ret_half, struct error *e)
{
	struct ends d CLEANUP(ends_free) = {.bytes = 0};
	cleanup_fd int fd = open(disk, (look ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	int r = fd < 0 ? -errno : read_ends(fd, &d);
	bool half = r == 0 && gpt_half_written(d.first, d.last, END, d.sector, container);

	if (half && !look)
		r = clear(fd, &d);
	if (r < 0 && r != -EINVAL)
		return error_errno(e, r, "%s", disk);
	*ret_half = half;
	return 0;
}
