/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "initrd.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#define EXT4_RESIZE _IOW('f', 16, __u64) /* EXT4_IOC_RESIZE_FS: the new size in blocks */

int fs_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *options, struct error *e)
{
	int r = dir_make(AT_FDCWD, target, 0755, e);

	if (r < 0)
		return r;
	if (mount(source, target, type, flags, options) < 0)
		return error_errno(e, errno, "mounting %s (%s) on %s", source, type, target);
	return 0;
}

/* Blocks and the size of one, from the superblock at 1024. */
static int ext4_size(int device, uint64_t *ret_blocks, uint32_t *ret_block_size)
{
	struct {
		uint32_t inodes, blocks_lo, reserved_lo, free_lo, free_inodes, first, log_size; /* 0x00 - 0x1b */
		unsigned char a[0x38 - 0x1c];
		uint16_t magic;
		unsigned char b[0x60 - 0x3a];
		uint32_t incompat;
		unsigned char c[0x150 - 0x64];
		uint32_t blocks_hi;
	} __attribute__((packed)) sb;
	int r = pread_full(device, &sb, sizeof(sb), 1024);

	if (r < 0)
		return r;
	if (le16toh(sb.magic) != 0xef53 || le32toh(sb.log_size) > 6)
		return -EINVAL;
	*ret_blocks = le32toh(sb.blocks_lo);
	if (le32toh(sb.incompat) & 0x80) /* 64bit */
		*ret_blocks |= (uint64_t)le32toh(sb.blocks_hi) << 32;
	*ret_block_size = 1024u << le32toh(sb.log_size);
	return 0;
}

int fs_grow_ext4(const char *device, const char *target, uint64_t *ret_bytes, struct error *e)
{
	cleanup_fd int dev = open(device, O_RDONLY | O_CLOEXEC);
	cleanup_fd int top = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes, blocks, wanted;
	uint32_t size;
	int r;

	if (dev < 0 || top < 0 || ioctl(dev, BLKGETSIZE64, &bytes) < 0)
		return error_errno(e, errno, "size of %s", device);
	r = ext4_size(dev, &blocks, &size);
	if (r < 0)
		return error_errno(e, r, "ext4 superblock of %s", device);
	wanted = bytes / size;
	*ret_bytes = wanted * size;
	if (blocks >= wanted)
		return 0;
	if (ioctl(top, EXT4_RESIZE, &wanted) < 0)
		return error_errno(e, errno, "growing the file system on %s", device);
	return 1;
}

int fs_loop(const char *file, char ret[32], struct error *e)
{
	cleanup_fd int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	cleanup_fd int backing = open(file, O_RDONLY | O_CLOEXEC);
	cleanup_fd int loop = -1;
	struct loop_config c = {.info.lo_flags = LO_FLAGS_READ_ONLY};
	int number;

	if (control < 0)
		return error_errno(e, errno, "/dev/loop-control");
	if (backing < 0)
		return error_errno(e, errno, "%s", file);
	number = ioctl(control, LOOP_CTL_GET_FREE);
	snprintf(ret, 32, "/dev/loop%d", number);
	loop = number < 0 ? -1 : open(ret, O_RDWR | O_CLOEXEC);
	c.fd = (unsigned)backing;
	snprintf((char *)c.info.lo_file_name, sizeof(c.info.lo_file_name), "%.60s", file);
	if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &c) < 0)
		return error_errno(e, errno, "loop device for %s", file);
	return 0;
}

bool fs_is_iso9660(const char *device, const char *label)
{
	cleanup_fd int fd = open(device, O_RDONLY | O_CLOEXEC);
	char sector[2048], volume[33];
	size_t len = 32;

	/* ECMA-119, 8.4: the primary volume descriptor is sector 16; bytes 40-71 are the label, padded with
	 * spaces. */
	if (fd < 0 || pread_full(fd, sector, sizeof(sector), 16 * 2048) < 0 || memcmp(sector, "\1CD001", 6) != 0)
		return false;
	memcpy(volume, sector + 40, len);
	while (len > 0 && volume[len - 1] == ' ')
		len--;
	volume[len] = '\0';
	return strcmp(volume, label) == 0;
}
