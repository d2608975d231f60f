/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB 1048576ull

/* "-rw-r--r-- 0/0    259621 2026-11-16 10:17 squashfs-root/boot/config": mode, owners, size (of a device: two numbers). */
static int add_line(const char *line, struct content *c, struct error *e)
{
	uint64_t size;
	int n = 0;

	if (sscanf(line, "%*[-dlcbps]%*[-rwxsStT] %*u/%*u %n", &n) < 0 || n == 0)
		return error_set(e, EINVAL, "unexpected line '%.60s' in the archive's listing", line);
	c->inodes++;
	if (line[0] == 'd')
		c->bytes += BLOCK_BYTES;
	if (line[0] != '-' && line[0] != 'l')
		return 0;
	if (sscanf(line + n, "%" SCNu64, &size) != 1)
		return error_set(e, EINVAL, "no size in line '%.60s' of the archive's listing", line);
	if (line[0] == '-' || size >= 60) /* a shorter link lives in its inode */
		c->bytes += (size + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
	return 0;
}

int content_of_listing(const char *text, struct content *ret, struct error *e)
{
	struct content c = {0, 0};

	while (*text) {
		size_t len = strcspn(text, "\n");
		char line[256];
		int r;

		snprintf(line, sizeof(line), "%.*s", (int)(len < sizeof(line) ? len : sizeof(line) - 1), text);
		r = len ? add_line(line, &c, e) : 0;
		if (r < 0)
			return r;
		text += len + (text[len] == '\n');
	}
	if (c.inodes == 0)
		return error_set(e, EINVAL, "the archive is empty");
	*ret = c;
	return 0;
}

/*
 * Every node holds the same inode density after its file system has grown, so it is that of a large file system (one inode
 * for 16 KiB) unless the content needs more.
 */
struct image_size image_size_for(const struct content *c)
{
	struct image_size s = {.journal_mib = c->bytes < 256 * MIB ? 16 : 32};
	uint64_t bytes = c->bytes + c->bytes / 20 + (32 + s.journal_mib) * MIB;

	s.inodes = bytes / 16384;
	if (s.inodes < c->inodes + c->inodes / 4)
		s.inodes = c->inodes + c->inodes / 4;
	bytes += s.inodes * 256;
	s.bytes = (bytes + EXTENT_BYTES - 1) / EXTENT_BYTES * EXTENT_BYTES;
	return s;
}
