/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_source.h"

#include "area.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"
#include "capture.h"
#include "pipeline.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MOUNT_POINT "/run/byre/fill"
#define KERNEL      "boot/vmlinuz"
#define INITRD      "boot/initrd"
#define INIT        "sbin/init"
#define SHADOW      "etc/shadow"
#define CHUNK       (1024 * 1024)
#define PIECE       (64 * 1024)
#define WIPE_CHUNK  (64ull * 1024 * 1024)

/* --- whole devices ------------------------------------------------------------------------------------------------------------------ */

static int device_bytes(int fd, uint64_t *ret)
{
	return ioctl(fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
}

/* Where the SAN can, by giving the space back, so that one that is thinly provisioned stays so: the kernel does that only where it reads as zeros then. */
static int zero_range(int fd, uint64_t range[2])
{
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)range[0], (off_t)range[1]) == 0)
		return 0;
	return ioctl(fd, BLKZEROOUT, range) < 0 ? -errno : 0;
}

int image_wipe(const char *device, const struct image_job *job, struct error *e)
{
	cleanup_fd int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);
	uint64_t bytes = 0;
	int r = fd < 0 ? -errno : device_bytes(fd, &bytes);

	if (r < 0)
		return error_errno(e, r, "%s", device);
	for (uint64_t at = 0; at < bytes && r == 0; at += WIPE_CHUNK) {
		uint64_t range[2] = {at, bytes - at < WIPE_CHUNK ? bytes - at : WIPE_CHUNK};

		r = zero_range(fd, range);
		if (r < 0)
			return error_errno(e, r, "%s: wiping at %" PRIu64, device, at);
		r = job_at(job, "wiping", at + range[1], bytes, e);
	}
	return r;
}

static bool is_zero(const char *p, size_t n)
{
	return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* The pieces that hold anything: the device reads as zeros elsewhere. */
static int write_pieces(int fd, const char *chunk, size_t n, uint64_t at)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i += PIECE) {
		size_t len = n - i < PIECE ? n - i : PIECE;

		if (!is_zero(chunk + i, len))
			r = pwrite_full(fd, chunk + i, len, at + i);
	}
	return r;
}

/* A hole in the file is passed over. BYTES of it, the last block filled up with zeros. */
static int copy_raw(const struct image_source *s, const char *device, const struct image_job *job, struct error *e)
{
	cleanup_free char *chunk = aligned_alloc(IMAGE_BLOCK, CHUNK);
	cleanup_fd int to = area_file_open(device, true);
	const int from = s->parts[0].fd;
	const uint64_t bytes = s->sniffed.bytes;
	int r = 0;

	if (to < 0 || !chunk)
		return error_errno(e, to < 0 ? to : -ENOMEM, "%s", device);
	for (uint64_t at = 0; at < bytes && r == 0;) {
		off_t data = lseek(from, (off_t)at, SEEK_DATA);
		size_t n;

		if (data < 0 && errno == ENXIO)
			break;
		if (data > (off_t)at)
			at = (uint64_t)data / IMAGE_BLOCK * IMAGE_BLOCK;
		if (at >= bytes)
			break;
		n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;
		r = pread_full(from, chunk, n, at);
		if (r < 0)
			return error_errno(e, r, "%s: reading at %" PRIu64, s->path, at);
		memset(chunk + n, 0, (IMAGE_BLOCK - n % IMAGE_BLOCK) % IMAGE_BLOCK);
		r = write_pieces(to, chunk, (n + IMAGE_BLOCK - 1) / IMAGE_BLOCK * IMAGE_BLOCK, at);
		if (r < 0)
			return error_errno(e, r, "%s: writing at %" PRIu64, device, at);
		at += n;
		r = job_at(job, "writing", at, bytes, e);
	}
	return r < 0 ? r : job_at(job, "writing", bytes, bytes, e);
}

/* --- file systems ----------------------------------------------------------------------------------------------------------------- */

/*
 * Inode tables and the journal are written now, once: initialised later, in the background, they would land in every node's private
 * blocks. A file system of its own label, so that it is recognised when seen alone.
 */
static int make_fs(const struct image_size *size, const char *device, const struct image_job *job, struct error *e)
{
	char journal[32], inodes[32], bytes[32];
	const char *argv[] = {"mkfs.ext4",
			      "-q",
			      "-F",
			      "-b",
			      "4096",
			      "-I",
			      "256",
			      "-N",
			      inodes,
			      "-J",
			      journal,
			      "-m",
			      "1",
			      "-L",
			      "byre-root",
			      "-O",
			      "64bit,metadata_csum,resize_inode",
			      "-E",
			      "lazy_itable_init=0,lazy_journal_init=0,nodiscard",
			      device,
			      bytes,
			      NULL};

	snprintf(journal, sizeof(journal), "size=%u", size->journal_mib);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, size->inodes);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, size->bytes / IMAGE_BLOCK);
	return job_run(argv, job, NULL, e);
}

/* Once: what is mounted in it later goes with it. */
int image_own_mounts(struct error *e)
{
	static bool own;

	if (!own && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		return error_errno(e, errno, "mount namespace");
	own = true;
	return 0;
}

int image_mount(const char *device, const char *point, bool read_only, struct error *e)
{
	int r = dir_make(AT_FDCWD, point, 0700, e);

	if (r == 0)
		r = image_own_mounts(e);
	if (r < 0)
		return r;
	/* noload: a journal is never replayed here, for that would be a write. */
	if (mount(device, point, "ext4", MS_NOATIME | MS_NODEV | MS_NOSUID | (read_only ? MS_RDONLY | MS_NOEXEC : 0),
		  read_only ? "noload" : "noinit_itable") < 0)
		return error_errno(e, errno, "mounting %s", device);
	return 0;
}

int image_umount(const char *point, struct error *e)
{
	return umount2(point, UMOUNT_NOFOLLOW) < 0 ? error_errno(e, errno, "unmounting %s", point) : 0;
}

/* How much is there is what the file system says, so any unpacker can be watched. */
struct growing {
	const struct image_job *job;
	uint64_t before, total;
};

static uint64_t used_bytes(void)
{
	struct statvfs v;

	return statvfs(MOUNT_POINT, &v) < 0 ? 0 : (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
}

static int tick(void *data, struct error *e)
{
	const struct growing *g = data;
	uint64_t used = used_bytes(), done = used > g->before ? used - g->before : 0;

	return job_at(g->job, "unpacking", done < g->total ? done : g->total, g->total, e);
}

static int unsquash(const struct image_source *s, const struct image_job *job, struct error *e)
{
	const char *argv[] = {"unsquashfs", "-n", "-f", "-da", "32", "-fr", "32", "-d", MOUNT_POINT, s->path, NULL};
	struct growing g = {job, used_bytes(), s->content.bytes};
	const struct pipeline p = {.stages = {{.argv = argv}}, .n = 1, .input = -1, .tick = tick, .data = &g};
	int r = pipeline_run(&p, NULL, e);

	return r < 0 ? r : job_at(job, "unpacking", g.total, g.total, e);
}

/* In its place: the file keeps owner, mode and attributes, and no block of it keeps the old text. */
static int lock_root(int root, struct error *e)
{
	cleanup_fd int fd = tree_open_plain(root, SHADOW, O_RDWR | O_NONBLOCK);
	cleanup_buf struct buf locked = BUF_INIT;
	cleanup_free char *text = NULL;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : error_errno(e, fd, "/" SHADOW);
	r = file_read(root, SHADOW, 1 << 20, &text, NULL, e);
	if (r < 0 || !capture_locks_root(text, &locked))
		return r;
	r = buf_ok(&locked) ? pwrite_full(fd, buf_str(&locked), locked.len, 0) : -ENOMEM;
	if (r == 0 && ftruncate(fd, (off_t)locked.len) < 0)
		r = -errno;
	return r < 0 ? error_errno(e, r, "/" SHADOW) : 0;
}

static int unpack(const struct image_source *s, const struct image_job *job, struct error *e)
{
	cleanup_fd int fd = -1;
	int r;

	if (s->kind == SOURCE_TREE)
		r = tar_copy_tree(s, MOUNT_POINT, job, e);
	else if (s->kind == SOURCE_OCI || s->sniffed.format == SNIFF_TAR)
		r = tar_unpack(s, MOUNT_POINT, job, e);
	else
		r = unsquash(s, job, e);
	if (r < 0)
		return r;
	fd = open(MOUNT_POINT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && s->kind == SOURCE_TREE)
		r = lock_root(fd, e);
	if (r < 0)
		return r;
	return fd < 0 || syncfs(fd) < 0 ? error_errno(e, errno, "writing the image") : 0;
}

/* --- what a node can boot ----------------------------------------------------------------------------------------------------------- */

/*
 * The version that a kernel says of itself: the first word of the text at 0x200 + the number at 0x20e (Linux, Documentation/arch/x86/boot.rst,
 * kernel_version).
 */
static int read_kernel_version(int root, struct image *i, struct error *e)
{
	cleanup_fd int fd = tree_open(root, KERNEL, O_RDONLY | O_NONBLOCK);
	char head[0x210], text[sizeof(i->kernel)];
	unsigned at;

	if (fd < 0 || pread_full(fd, head, sizeof(head), 0) < 0 || memcmp(head + 0x202, "HdrS", 4) != 0)
		return error_set(e, EINVAL, "its /%s is no Linux kernel for x86", KERNEL);
	at = (unsigned char)head[0x20e] | (unsigned)(unsigned char)head[0x20f] << 8;
	if (pread_full(fd, text, sizeof(text), 0x200 + at) < 0)
		return error_set(e, EINVAL, "its /%s is cut short", KERNEL);
	text[strnlen(text, sizeof(text) - 1)] = '\0';
	text[strcspn(text, " ")] = '\0';
	return str_copy(i->kernel, sizeof(i->kernel), str_printable(text));
}

/* Links within the image count, as they do for who serves and boots it. */
static int check_bootable(struct image *i, struct error *e)
{
	static const struct {
		const char *path, *hint;
	} wanted[] = {
		{INIT, ""},
		{KERNEL, ""},
		{INITRD, ": byre's, made by /usr/lib/byre/mkinitrd in the tree"},
	};
	cleanup_fd int root = open(MOUNT_POINT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (root < 0)
		return error_errno(e, errno, "%s", MOUNT_POINT);
	for (size_t k = 0; k < ARRAY_SIZE(wanted); k++) {
		cleanup_fd int fd = tree_open(root, wanted[k].path, O_PATH);

		if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
			return error_set(e, ENOENT, "no node can boot it: it has no /%s%s", wanted[k].path, wanted[k].hint);
	}
	return read_kernel_version(root, i, e);
}

/* --- filling ------------------------------------------------------------------------------------------------------------------------ */

static int fill_fs(const struct image_source *s, const struct image_size *size, const char *device, struct image *i,
		   const struct image_job *job, struct error *e)
{
	int r = make_fs(size, device, job, e), unmounted;

	if (r == 0)
		r = image_mount(device, MOUNT_POINT, false, e);
	if (r < 0)
		return r;
	r = unpack(s, job, e);
	if (r == 0 && i->use == IMAGE_NODE)
		r = check_bootable(i, e);
	unmounted = image_umount(MOUNT_POINT, r == 0 ? e : NULL);
	return r < 0 ? r : unmounted;
}

static int check_written(const char *device, struct image *i, struct error *e)
{
	int r = image_mount(device, MOUNT_POINT, true, e), unmounted;

	if (r < 0)
		return r;
	r = check_bootable(i, e);
	unmounted = image_umount(MOUNT_POINT, r == 0 ? e : NULL);
	return r < 0 ? r : unmounted;
}

int image_fill(struct image_source *s, const struct image_size *size, const char *device, struct image *i, const struct image_job *job,
	       struct error *e)
{
	int r;

	if (s->kind != SOURCE_FILE || s->sniffed.format == SNIFF_TAR || s->sniffed.format == SNIFF_SQUASHFS)
		return fill_fs(s, size, device, i, job, e);
	if (s->sniffed.format == SNIFF_QCOW2)
		r = qcow2_write(s, device, job, e);
	else
		r = copy_raw(s, device, job, e);
	return r == 0 && i->use == IMAGE_NODE ? check_written(device, i, e) : r;
}
