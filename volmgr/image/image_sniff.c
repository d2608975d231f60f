/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image_sniff.h"

#include "base/str.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct file {
	const unsigned char *head;
	size_t len;
	uint64_t bytes;
};

static bool has(const struct file *f, size_t at, const char *magic, size_t n)
{
	return at + n <= f->len && memcmp(f->head + at, magic, n) == 0;
}

/* LEN bytes at AT, least significant first; 0 beyond the end. */
static uint64_t little(const struct file *f, size_t at, size_t len)
{
	uint64_t v = 0;

	for (size_t i = len; at + len <= f->len && i > 0; i--)
		v = v << 8 | f->head[at + i - 1];
	return v;
}

static uint64_t big(const struct file *f, size_t at, size_t len)
{
	uint64_t v = 0;

	for (size_t i = 0; at + len <= f->len && i < len; i++)
		v = v << 8 | f->head[at + i];
	return v;
}

/* --- packed ------------------------------------------------------------------------------------------------------------------- */

static bool sniff_packed(const struct file *f, struct sniffed *ret)
{
	static const struct {
		const char *magic;
		size_t n;
		enum sniff_packing packing;
	} known[] = {
		{"\x1f\x8b", 2, SNIFF_GZIP},
		{"\xfd\x37zXZ", 6, SNIFF_XZ}, /* with the NUL behind it */
		{"\x28\xb5\x2f\xfd", 4, SNIFF_ZSTD},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (!has(f, 0, known[i].magic, known[i].n))
			continue;
		*ret = (struct sniffed){SNIFF_TAR, known[i].packing, 0};
		return true;
	}
	return false;
}

/* --- tar ------------------------------------------------------------------------------------------------------------------------ */

/* The sum of a header's bytes, that of its own field taken as blanks (tar(5)). It tells also archives older than "ustar". */
static bool sniff_tar(const struct file *f)
{
	uint64_t sum = 0, said = 0;
	size_t i = 148;

	if (f->len < 512 || !f->head[0])
		return false;
	for (size_t k = 0; k < 512; k++)
		sum += k >= 148 && k < 156 ? ' ' : f->head[k];
	while (i < 156 && f->head[i] == ' ')
		i++;
	if (i == 156 || f->head[i] < '0' || f->head[i] > '7')
		return false;
	for (; i < 156 && f->head[i] >= '0' && f->head[i] <= '7'; i++)
		said = said * 8 + (f->head[i] - '0');
	return said == sum;
}

/* --- squashfs -------------------------------------------------------------------------------------------------------------------- */

/* The superblock of squashfs 4 (Linux, Documentation/filesystems/squashfs.rst): version at 28, bytes used at 40. */
static int sniff_squashfs(const struct file *f, struct sniffed *ret, struct error *e)
{
	*ret = (struct sniffed){SNIFF_SQUASHFS, SNIFF_PLAIN, little(f, 40, 8)};
	if (f->len < 96 || little(f, 28, 2) != 4)
		return error_set(e, EINVAL, "a squashfs archive of a version that is not known here");
	if (ret->bytes > f->bytes)
		return error_set(e, EINVAL, "a squashfs archive that is cut short: it says %llu bytes and has %llu",
				 (unsigned long long)ret->bytes, (unsigned long long)f->bytes);
	return 0;
}

/* --- ext4 ------------------------------------------------------------------------------------------------------------------------ */

/* The superblock lies at 1024 (Linux, Documentation/filesystems/ext4/super.rst). */
#define EXT4            1024
#define EXT4_RECOVER    0x4
#define EXT4_EXTENTS    0x40
#define EXT4_64BIT      0x80
#define EXT4_LARGE_LOGS 6 /* blocks of 64 KiB */

static bool is_ext4(const struct file *f)
{
	return has(f, EXT4 + 0x38, "\x53\xef", 2);
}

static int sniff_ext4(const struct file *f, struct sniffed *ret, struct error *e)
{
	uint64_t incompat = little(f, EXT4 + 0x60, 4), log = little(f, EXT4 + 0x18, 4), blocks = little(f, EXT4 + 4, 4);

	if (f->len < EXT4 + 1024 || log > EXT4_LARGE_LOGS || !(incompat & EXT4_EXTENTS))
		return error_set(e, EINVAL, "a file system of ext's family, but no ext4");
	if (incompat & EXT4_64BIT)
		blocks |= little(f, EXT4 + 0x150, 4) << 32;
	if (blocks == 0 || blocks > (1ull << 50) >> (10 + log))
		return error_set(e, EINVAL, "an ext4 file system whose size makes no sense");
	*ret = (struct sniffed){SNIFF_EXT4, SNIFF_PLAIN, blocks << (10 + log)};
	if (ret->bytes > f->bytes)
		return error_set(e, EINVAL, "an ext4 file system that is cut short: it has %llu bytes, the file %llu",
				 (unsigned long long)ret->bytes, (unsigned long long)f->bytes);
	if (incompat & EXT4_RECOVER || !(little(f, EXT4 + 0x3a, 2) & 1))
		return error_set(e, EINVAL, "an ext4 file system that was not unmounted cleanly: run e2fsck on it");
	return 0;
}

/* --- qcow2 ----------------------------------------------------------------------------------------------------------------------- */

/* QEMU, docs/interop/qcow2.txt. Another file behind it would be taken for a part of the image: any file of this machine. */
static int sniff_qcow2(const struct file *f, struct sniffed *ret, struct error *e)
{
	uint64_t version = big(f, 4, 4), incompatible = version >= 3 ? big(f, 72, 8) : 0;

	*ret = (struct sniffed){SNIFF_QCOW2, SNIFF_PLAIN, big(f, 24, 8)};
	if (f->len < 104 || version < 2 || version > 3)
		return error_set(e, EINVAL, "a qcow image of version %llu, which is not known here", (unsigned long long)version);
	if (big(f, 8, 8) || incompatible & 4)
		return error_set(e, EINVAL, "a qcow2 image with another file behind it: flatten it with qemu-img convert");
	if (incompatible & 2)
		return error_set(e, EINVAL, "a qcow2 image that is marked as damaged: repair it with qemu-img check -r all");
	if (big(f, 32, 4))
		return error_set(e, EINVAL, "an encrypted qcow2 image: decrypt it with qemu-img convert");
	if (ret->bytes == 0 || ret->bytes > 1ull << 50)
		return error_set(e, EINVAL, "a qcow2 image whose size makes no sense");
	return 0;
}

/* --- disks ----------------------------------------------------------------------------------------------------------------------- */

/* Formats of disks that have to be converted: they would be taken for what is on the disk. */
static const char *foreign(const struct file *f)
{
	static const struct {
		size_t at, n;
		const char *magic, *name;
	} known[] = {
		{0, 4, "KDMV", "VMDK"},
		{0, 8, "vhdxfile", "VHDX"},
		{0, 8, "conectix", "VHD"},
		{0x40, 4, "\x7f\x10\xda\xbe", "VDI"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (has(f, known[i].at, known[i].magic, known[i].n))
			return known[i].name;
	return NULL;
}

/* The sectors that an MBR's partitions reach to (0: it has none, for what is there is no table of partitions); that which stands for a GPT says nothing. */
static uint64_t mbr_end(const struct file *f)
{
	uint64_t end = 0;

	for (size_t at = 446; at < 510; at += 16) {
		uint64_t type = little(f, at + 4, 1), reaches = little(f, at + 8, 4) + little(f, at + 12, 4);

		if (little(f, at, 1) & 0x7f)
			return 0;
		if (type != 0 && type != 0xee && reaches > end)
			end = reaches;
	}
	return end;
}

/* A GPT has a copy in the last sector (UEFI, 5.3.2: AlternateLBA). */
static int sniff_disk(const struct file *f, struct sniffed *ret, struct error *e)
{
	uint64_t last = has(f, 512, "EFI PART", 8) ? little(f, 512 + 32, 8) : 0, mbr = mbr_end(f), sectors = f->bytes / 512;

	*ret = (struct sniffed){SNIFF_DISK, SNIFF_PLAIN, f->bytes};
	if (last >= sectors || mbr > sectors)
		return error_set(e, EINVAL, "a disk that is cut short: its partitions reach to sector %llu and it has %llu",
				 (unsigned long long)(last >= sectors ? last : mbr - 1), (unsigned long long)sectors);
	return 0;
}

int image_sniff(const unsigned char *head, size_t len, uint64_t file_bytes, struct sniffed *ret, struct error *e)
{
	const struct file f = {head, len, file_bytes};

	if (len == 0)
		return error_set(e, EINVAL, "it is empty");
	if (foreign(&f))
		return error_set(e, EINVAL, "a disk in %s format: convert it with qemu-img convert -O qcow2", foreign(&f));
	if (has(&f, 0, "QFI\xfb", 4))
		return sniff_qcow2(&f, ret, e);
	if (has(&f, 0, "hsqs", 4))
		return sniff_squashfs(&f, ret, e);
	if (sniff_packed(&f, ret))
		return 0;
	if (sniff_tar(&f)) {
		*ret = (struct sniffed){SNIFF_TAR, SNIFF_PLAIN, 0};
		return 0;
	}
	if (has(&f, 512, "EFI PART", 8) || has(&f, 510, "\x55\xaa", 2))
		return sniff_disk(&f, ret, e);
	if (is_ext4(&f))
		return sniff_ext4(&f, ret, e);
	return error_set(e, EINVAL, "neither tar (also gzip, xz, zstd), squashfs, ext4, a partitioned disk, qcow2 nor an OCI image layout");
}

const char *sniff_packing_name(enum sniff_packing p)
{
	static const char *const names[] = {"", "gzip", "xz", "zstd"};

	return (size_t)p < ARRAY_SIZE(names) ? names[p] : "";
}

const char *sniff_format_name(enum sniff_format f)
{
	static const char *const names[] = {"tar archive", "squashfs archive", "ext4 file system", "disk", "qcow2 image"};

	return (size_t)f < ARRAY_SIZE(names) ? names[f] : "unknown";
}
