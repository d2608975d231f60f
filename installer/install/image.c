/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The node image: an ext4 file system, the archive unpacked into it, checked, sealed. Nothing of any node is written into it. It is mounted
 * in a mount namespace of this process, so that nothing stays mounted whatever happens.
 */
#include "install.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "cli/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MOUNT_POINT "/run/byre/install"
#define KERNEL      "boot/vmlinuz"
#define INITRD      "boot/initrd"

/*
 * Inode tables and the journal are written now, once: initialised later, in the background, they would land in every node's private
 * blocks. A file system of its own label, so that it is recognised when seen alone.
 */
static int make_fs(const struct install *in, const char *device, struct error *e)
{
	char journal[32], inodes[32], bytes[32];

	snprintf(journal, sizeof(journal), "size=%u", in->image_size.journal_mib);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, in->image_size.inodes);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, in->image_size.bytes / BLOCK_BYTES);
	return spawn_simple(e, "mkfs.ext4", "-q", "-F", "-b", "4096", "-I", "256", "-N", inodes, "-J", journal, "-m", "1", "-L",
			    "byre-root", "-O", "64bit,metadata_csum,resize_inode", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
			    device, bytes, NULL);
}

static int mount_image(const char *device, struct error *e)
{
	int r = dir_make(AT_FDCWD, MOUNT_POINT, 0700, e);

	if (r < 0)
		return r;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_errno(e, errno, "mount namespace");
	if (mount(device, MOUNT_POINT, "ext4", MS_NOATIME | MS_NODEV, "noinit_itable") < 0)
		return error_errno(e, errno, "mounting %s", device);
	return 0;
}

/* --- unpack ------------------------------------------------------------------------------------------------------------------ */

struct unpacking {
	struct progress p;
	uint64_t used_before, total;
};

static uint64_t used_bytes(void)
{
	struct statvfs v;

	if (statvfs(MOUNT_POINT, &v) < 0)
		return 0;
	return (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
}

/* How much is there is what the file system says, so any unpacker can be watched. */
static void unpack_tick(void *data)
{
	struct unpacking *u = data;
	uint64_t used = used_bytes(), done = used > u->used_before ? used - u->used_before : 0;

	progress_at(&u->p, done < u->total ? done : u->total);
}

static int unpack(const struct install *in, struct error *e)
{
	const char *argv[] = {"unsquashfs", "-n", "-f", "-da", "32", "-fr", "32", "-d", MOUNT_POINT, in->archive, NULL};
	struct spawn s = {.argv = argv, .max_output = 1u << 24};
	struct unpacking u = {.used_before = used_bytes(), .total = in->content.bytes};
	cleanup_fd int fd = -1;
	int r;

	progress_begin(&u.p, "byre-install", "image: unpacking", u.total, true);
	r = watch_spawn(&s, unpack_tick, &u, e);
	if (r < 0)
		return r;
	fd = open(MOUNT_POINT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || syncfs(fd) < 0)
		return error_errno(e, errno, "writing the image");
	progress_at(&u.p, u.total);
	progress_end(&u.p);
	return 0;
}

/* --- check --------------------------------------------------------------------------------------------------------------------- */

/*
 * The version that a kernel says of itself: the first word of the text at 0x200 + the number at 0x20e (Linux, Documentation/arch/x86/boot.rst,
 * kernel_version).
 */
static int read_kernel_version(int root, struct image *i, struct error *e)
{
	cleanup_fd int fd = openat(root, KERNEL, O_RDONLY | O_CLOEXEC);
	char head[0x210], text[sizeof(i->kernel)];
	unsigned at;

	if (fd < 0 || pread_full(fd, head, sizeof(head), 0) < 0 || memcmp(head + 0x202, "HdrS", 4) != 0)
		return error_set(e, EINVAL, "the archive's /%s is no Linux kernel for x86", KERNEL);
	at = (unsigned char)head[0x20e] | (unsigned)(unsigned char)head[0x20f] << 8;
	if (pread_full(fd, text, sizeof(text), 0x200 + at) < 0)
		return error_set(e, EINVAL, "the archive's /%s is cut short", KERNEL);
	text[strnlen(text, sizeof(text) - 1)] = '\0';
	text[strcspn(text, " ")] = '\0';
	return str_copy(i->kernel, sizeof(i->kernel), str_printable(text));
}

static int check_boot_files(struct image *i, struct error *e)
{
	cleanup_fd int root = open(MOUNT_POINT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (root < 0)
		return error_errno(e, errno, "%s", MOUNT_POINT);
	for (const char *const *f = (const char *const[]){KERNEL, INITRD, NULL}; *f; f++)
		if (fstatat(root, *f, &st, 0) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
			return error_set(e, ENOENT, "the archive has no /%s", *f);
	return read_kernel_version(root, i, e);
}

static int fill(const struct install *in, struct image *i, const char *device, struct error *e)
{
	int r = mount_image(device, e), umounted;

	if (r < 0)
		return r;
	r = unpack(in, e);
	if (r == 0)
		r = check_boot_files(i, e);
	umounted = umount(MOUNT_POINT);
	if (r == 0 && umounted < 0)
		r = error_errno(e, errno, "unmounting %s", device);
	return r;
}

int step_image(struct install *in, struct error *e)
{
	struct told *t CLEANUP(told_freep) = told_new();
	struct image *i = &in->cluster.images[0];
	char device[256], size[32];
	int r;

	i->bytes = in->image_size.bytes;
	r = image_open_new(&in->cluster, i, device, e);
	if (r < 0)
		return r;
	tell("image: ext4 of %s on %s", str_bytes(size, sizeof(size), i->bytes), device);
	r = make_fs(in, device, e);
	if (r == 0)
		r = fill(in, i, device, e);
	if (r == 0)
		r = image_seal(&in->cluster, i, told_progress, t, e);
	told_end(t);
	if (r < 0)
		return r;
	tell("image: %s@%u, kernel %s, sha256 %s", i->name, i->version, i->kernel, i->sha256);
	return 0;
}
