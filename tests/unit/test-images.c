/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "base/str.h"
#include "volmgr/image/capture.h"
#include "volmgr/image_make.h"
#include "volmgr/image/image_oci.h"
#include "volmgr/image/image_sniff.h"
#include "volmgr/images.h"
#include "volmgr/image/tree.h"
#include "volmgr/image/tree_diff.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- content ---------------------------------------------------------------------------------------------------------- */

#define LISTING                                                                                                                            \
	"drwxr-xr-x 0/0                     303 2026-11-20 23:02 squashfs-root\n"                                                          \
	"lrwxrwxrwx 0/0                       7 2026-11-20 23:02 squashfs-root/bin -> usr/bin\n"                                           \
	"crw-rw-rw- 0/0                   5,  1 2026-11-20 23:01 squashfs-root/dev/console\n"                                              \
	"-rwsr-xr-x 0/0                    4097 2026-11-16 10:17 squashfs-root/usr/bin/su\n"                                               \
	"-rw-r--r-- 1000/100                  0 2026-11-16 10:17 squashfs-root/a b\n"                                                      \
	"drwxrwxrwt 0/0                       3 2026-11-20 23:02 squashfs-root/tmp\n"

static int of_listing(const char *text, struct image_content *ret, struct error *e)
{
	return image_content_of_listing(text, strlen(text), ret, e);
}

static void content_is_counted_in_blocks(void **state)
{
	struct image_content c;

	(void)state;
	assert_int_equal(of_listing(LISTING, &c, NULL), 0);
	assert_int_equal(c.inodes, 6);
	assert_int_equal(c.bytes, 4 * 4096); /* two folders, two blocks of su */
}

static void strange_listings_are_refused(void **state)
{
	struct error e = ERROR_INIT;
	struct image_content c;

	(void)state;
	assert_int_equal(of_listing("", &c, &e), -EINVAL);
	assert_int_equal(of_listing("hello world\n", &c, &e), -EINVAL);
	assert_int_equal(of_listing("-rw-r--r-- 0/0 x 2026-11-16 10:17 a\n", &c, &e), -EINVAL);
	assert_non_null(strstr(e.text, "no size"));
}

static int of_tar_line(const char *line, struct image_listed *ret)
{
	struct error e = ERROR_INIT;
	int r = image_list_tar_line(line, strlen(line), ret, &e);

	assert_int_equal(r < 0, e.text[0] != '\0');
	return r;
}

static void an_archive_says_where_it_ends(void **state)
{
	struct image_listed l;

	(void)state;
	assert_int_equal(of_tar_line("block 17: -rw-r--r-- 0/0 5 2026-11-16 10:17 a b", &l), 1);
	assert_int_equal(l.size, 5);
	assert_int_equal(l.name_len, 3);
	assert_int_equal(of_tar_line("block 18: ** Block of NULs **", &l), 0);
	assert_int_equal(of_tar_line("block 18: ** End of File **", &l), -EINVAL);
	assert_int_equal(of_tar_line("block", &l), -EINVAL);
	assert_int_equal(of_tar_line("block 17: ", &l), -EINVAL);
	assert_int_equal(of_tar_line("", &l), -EINVAL);
}

static void the_image_holds_its_content(void **state)
{
	(void)state;
	for (uint64_t mib = 1; mib < 100000; mib = mib * 3 + 1) {
		struct image_content c = {mib << 20, mib * 20};
		struct image_size s = image_size_for(&c);

		assert_int_equal(s.bytes % EXTENT_BYTES, 0);
		assert_true(s.inodes > c.inodes);
		assert_true(s.bytes > c.bytes + s.inodes * 256 + ((uint64_t)s.journal_mib << 20));
		assert_true(s.bytes < c.bytes + c.bytes / 5 + (128ull << 20));
	}
}

static void tar_lists_alike(void **state)
{
	static const char line[] = "hrw-r--r-- 0/0               0 2026-11-20 23:02 a\\nb link to c",
			  device[] = "brw------- 0/6 8,16 2026-11-20 23:02 sdb";
	struct image_content c = {0, 0};
	struct image_listed l;

	(void)state;
	assert_int_equal(image_list_line(line, strlen(line), &l, NULL), 0);
	assert_int_equal(l.type, 'h');
	assert_memory_equal(l.name, "a\\nb link to c", l.name_len);
	image_content_add(&c, &l);
	assert_int_equal(c.inodes, 0);
	assert_int_equal(image_list_line(device, strlen(device), &l, NULL), 0);
	assert_int_equal(l.name_len, 3);
}

static void sums_do_not_overflow(void **state)
{
	static const char line[] = "-rw-r--r-- 0/0 1125899906842624 2026-11-20 23:02 large";
	struct image_content c = {0, 0};
	struct image_listed l;

	(void)state;
	assert_int_equal(image_list_line(line, strlen(line), &l, NULL), 0);
	for (int i = 0; i < 100000; i++)
		image_content_add(&c, &l);
	assert_true(c.bytes >= 1ull << 50 && image_size_for(&c).bytes > c.bytes);
}

/* --- sniffing ----------------------------------------------------------------------------------------------------------- */

static unsigned char head[SNIFF_BYTES];

static void put(size_t at, const char *bytes, size_t n)
{
	memcpy(head + at, bytes, n);
}

static int sniff(uint64_t file_bytes, struct sniffed *s, struct error *e)
{
	return image_sniff(head, sizeof(head) < file_bytes ? sizeof(head) : (size_t)file_bytes, file_bytes, s, e);
}

static void begin(void)
{
	memset(head, 0, sizeof(head));
}

static void formats_are_told_by_content(void **state)
{
	static const struct {
		const char *magic;
		size_t n;
		enum sniff_packing packing;
	} packed[] = {{"\x1f\x8b\x08", 3, SNIFF_GZIP}, {"\xfd\x37zXZ\0", 6, SNIFF_XZ}, {"\x28\xb5\x2f\xfd", 4, SNIFF_ZSTD}};
	struct sniffed s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(packed); i++) {
		begin();
		put(0, packed[i].magic, packed[i].n);
		assert_int_equal(sniff(10000, &s, NULL), 0);
		assert_int_equal(s.format, SNIFF_TAR);
		assert_int_equal(s.packing, packed[i].packing);
	}
	begin();
	put(510, "\x55\xaa", 2);
	assert_int_equal(sniff(1 << 20, &s, NULL), 0);
	assert_int_equal(s.format, SNIFF_DISK);
	assert_int_equal(s.bytes, 1 << 20);
}

/* A header whose sum is right is one, with and without "ustar". */
static void tar_is_told_by_its_sum(void **state)
{
	struct sniffed s;
	unsigned sum = 8 * ' ';

	(void)state;
	begin();
	put(0, "bin/", 4);
	put(124, "00000000000", 11);
	for (size_t i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? 0 : head[i];
	snprintf((char *)head + 148, 8, "%06o", sum);
	assert_int_equal(sniff(10240, &s, NULL), 0);
	assert_int_equal(s.format, SNIFF_TAR);
	head[5]++;
	assert_int_equal(sniff(10240, &s, NULL), -EINVAL);
}

static void make_ext4(unsigned blocks)
{
	begin();
	put(1024 + 0x38, "\x53\xef\x01", 3);
	head[1024 + 4] = (unsigned char)blocks;
	head[1024 + 5] = (unsigned char)(blocks >> 8);
	head[1024 + 0x18] = 2;
	head[1024 + 0x60] = 0x40;
}

static void expect_sniff_refusal(uint64_t bytes, const char *why)
{
	struct error e = ERROR_INIT;
	struct sniffed s;

	assert_int_equal(sniff(bytes, &s, &e), -EINVAL);
	if (!strstr(e.text, why))
		fail_msg("'%s' lacks '%s'", e.text, why);
}

static void ext4_has_to_be_whole_and_clean(void **state)
{
	struct sniffed s;

	(void)state;
	make_ext4(1000);
	assert_int_equal(sniff(1000 * 4096, &s, NULL), 0);
	assert_int_equal(s.format, SNIFF_EXT4);
	assert_int_equal(s.bytes, 1000 * 4096);
	expect_sniff_refusal(1000 * 4096 - 1, "cut short");
	head[1024 + 0x60] |= 4;
	expect_sniff_refusal(1000 * 4096, "e2fsck");
	make_ext4(1000);
	head[1024 + 0x3a] = 0;
	expect_sniff_refusal(1000 * 4096, "e2fsck");
	make_ext4(1000);
	head[1024 + 0x60] = 2;
	expect_sniff_refusal(1000 * 4096, "no ext4");
	make_ext4(0);
	expect_sniff_refusal(1000 * 4096, "makes no sense");
}

static void squashfs_has_to_be_whole(void **state)
{
	struct sniffed s;

	(void)state;
	begin();
	put(0, "hsqs", 4);
	head[28] = 4;
	put(40, "\x00\x20", 2);
	assert_int_equal(sniff(8192, &s, NULL), 0);
	assert_int_equal(s.format, SNIFF_SQUASHFS);
	expect_sniff_refusal(8191, "cut short");
	head[28] = 3;
	expect_sniff_refusal(8192, "version");
}

static void put_partition(size_t at, unsigned char status, unsigned char type, unsigned sectors)
{
	head[at] = status;
	head[at + 4] = type;
	head[at + 9] = 8; /* from 2048 */
	head[at + 12] = (unsigned char)sectors;
	head[at + 13] = (unsigned char)(sectors >> 8);
}

static void a_disk_reaches_to_its_end(void **state)
{
	struct sniffed s;

	(void)state;
	begin();
	put(510, "\x55\xaa", 2);
	put_partition(446, 0x80, 0x83, 1000);
	put_partition(462, 0, 0x82, 2048);
	assert_int_equal(sniff(4096 * 512, &s, NULL), 0);
	expect_sniff_refusal(4095 * 512, "cut short");
	put_partition(478, 0x33, 0xc0, 60000); /* program, not a table */
	assert_int_equal(sniff(4095 * 512, &s, NULL), 0);
	begin();
	put(510, "\x55\xaa", 2);
	put_partition(446, 0, 0xee, 60000);
	put(512, "EFI PART", 8);
	put(512 + 32, "\xff\x0f", 2);
	assert_int_equal(sniff(4096 * 512, &s, NULL), 0);
	expect_sniff_refusal(4096 * 512 - 1, "cut short");
	put(512 + 32, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	expect_sniff_refusal(4096 * 512, "cut short");
}

/* Another file behind a qcow2 image would be any file of this machine. */
static void qcow2_stands_alone(void **state)
{
	struct sniffed s;

	(void)state;
	begin();
	put(0, "QFI\xfb\0\0\0\3", 8);
	put(24, "\0\0\0\0\0\x10\0\0", 8);
	assert_int_equal(sniff(200000, &s, NULL), 0);
	assert_int_equal(s.bytes, 1 << 20);
	head[79] = 4;
	expect_sniff_refusal(200000, "another file");
	head[79] = 2;
	expect_sniff_refusal(200000, "damaged");
	head[79] = 0;
	head[15] = 1;
	expect_sniff_refusal(200000, "another file");
	head[15] = 0;
	head[35] = 1;
	expect_sniff_refusal(200000, "encrypted");
	head[35] = 0;
	head[7] = 9;
	expect_sniff_refusal(200000, "version 9");
}

static void others_are_refused(void **state)
{
	(void)state;
	begin();
	expect_sniff_refusal(0, "empty");
	expect_sniff_refusal(5000, "neither");
	put(0, "KDMV", 4);
	expect_sniff_refusal(5000, "VMDK");
}

/* --- OCI ------------------------------------------------------------------------------------------------------------------ */

#define SUM_A            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUM_B            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ENTRY(sum, more) "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:" sum "\",\"size\":7" more "}"
#define FOR(os, arch)    ",\"platform\":{\"os\":\"" os "\",\"architecture\":\"" arch "\"}"
#define INDEX(list)      "{\"schemaVersion\":2,\"manifests\":[" list "]}"
#define LAYER(sum)       "{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"digest\":\"sha256:" sum "\",\"size\":9}"

static void the_one_for_us_is_chosen(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *sum;
	} cases[] = {
		{INDEX(ENTRY(SUM_A, "")), 0, SUM_A},
		{INDEX(ENTRY(SUM_A, FOR("linux", "arm64")) "," ENTRY(SUM_B, FOR("linux", "amd64"))), 0, SUM_B},
		{INDEX(ENTRY(SUM_A, FOR("linux", "amd64")) "," ENTRY(SUM_B, FOR("unknown", "unknown"))), 0, SUM_A},
		{INDEX(ENTRY(SUM_A, "") "," ENTRY(SUM_B, "")), -ENOTUNIQ, NULL},
		{INDEX(ENTRY(SUM_A, FOR("linux", "amd64")) "," ENTRY(SUM_B, FOR("linux", "amd64"))), -ENOTUNIQ, NULL},
		{INDEX(ENTRY(SUM_A, FOR("linux", "arm64"))), -ENOENT, NULL},
		{INDEX(""), -ENOENT, NULL},
		{"{}", -ENOENT, NULL},
		{"[]", -EINVAL, NULL},
		{"{", -EINVAL, NULL},
		{INDEX("{\"mediaType\":\"text/plain\"}"), -EINVAL, NULL},
		{INDEX("{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"md5:1\",\"size\":1}"), -EINVAL, NULL},
		{INDEX("{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:../../../etc/"
		       "passwd\",\"size\":1}"),
		 -EINVAL, NULL},
		{INDEX("{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"sha256:" SUM_A "\",\"size\":-1}"),
		 -EINVAL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error e = ERROR_INIT;
		struct oci_descriptor d;
		bool index = true;
		int r = oci_choose(cases[i].text, strlen(cases[i].text), &d, &index, &e);

		if (r != cases[i].code)
			fail_msg("%s: %d, not %d: %s", cases[i].text, r, cases[i].code, e.text);
		if (r == 0) {
			assert_string_equal(d.sha256, cases[i].sum);
			assert_int_equal(d.bytes, 7);
			assert_false(index);
		}
	}
}

static void layers_come_in_order(void **state)
{
	static const char good[] = "{\"schemaVersion\":2,\"layers\":[" LAYER(SUM_B) "," LAYER(SUM_A) "]}",
			  none[] = "{\"schemaVersion\":2,\"layers\":[]}", old[] = "{\"schemaVersion\":1,\"layers\":[" LAYER(SUM_B) "]}",
			  other[] = "{\"schemaVersion\":2,\"layers\":[" ENTRY(SUM_A, "") "]}";
	cleanup_free struct oci_descriptor *l = NULL;
	size_t n;

	(void)state;
	assert_int_equal(oci_layers(good, strlen(good), &l, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(l[0].sha256, SUM_B);
	assert_string_equal(l[1].sha256, SUM_A);
	assert_int_equal(oci_layers(none, strlen(none), NULL, NULL, NULL), -EINVAL);
	assert_int_equal(oci_layers(old, strlen(old), NULL, NULL, NULL), -EINVAL);
	assert_int_equal(oci_layers(other, strlen(other), NULL, NULL, NULL), -EINVAL);
}

static void whiteouts_are_told(void **state)
{
	static const struct {
		const char *path, *gone;
		bool opaque;
	} cases[] = {
		{"etc/.wh.motd", "etc/motd", false}, {"./.wh.bin", "./bin", false}, {".wh.a b", "a b", false},
		{"var/.wh..wh..opq", "var/.", true}, {".wh..wh..opq", ".", true},   {"etc/motd", NULL, false},
		{"etc/.wh.", NULL, false},           {"etc/.wh...", NULL, false},   {"a.wh.b", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char gone[64];
		bool opaque = false;

		assert_int_equal(oci_whiteout(cases[i].path, gone, &opaque), cases[i].gone != NULL);
		if (cases[i].gone) {
			assert_string_equal(gone, cases[i].gone);
			assert_int_equal(opaque, cases[i].opaque);
		}
	}
}

/* --- trees ---------------------------------------------------------------------------------------------------------------- */

static void nothing_outside_is_removed(void **state)
{
	char top[] = "/tmp/byre-tree-XXXXXX";
	cleanup_fd int folder = -1, root = -1;
	struct error e = ERROR_INIT;

	(void)state;
	assert_non_null(mkdtemp(top));
	folder = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(dir_make(folder, "root/in/deep", 0755, &e) | dir_make(folder, "out", 0755, &e), 0);
	assert_int_equal(file_write(folder, "out/kept", 0600, "", 0, &e) | file_write(folder, "root/in/deep/f", 0600, "", 0, &e), 0);
	assert_int_equal(symlinkat("/tmp", folder, "root/link") | symlinkat("../out", folder, "root/up"), 0);
	root = openat(folder, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (const char *const *p = (const char *const[]){"up/kept", "../out/kept", "/out/kept", "in/../../out/kept", "..", ".", NULL}; *p;
	     p++)
		tree_remove(root, *p, false, &e);
	assert_int_equal(tree_remove(root, "up", true, &e), 0);
	assert_int_equal(tree_remove(root, "link", true, &e), 0);
	assert_int_equal(faccessat(folder, "out/kept", F_OK, 0), 0);
	assert_int_equal(access("/tmp", F_OK), 0);
	assert_true(tree_is_folder(root, "in/deep"));
	assert_false(tree_is_folder(root, "link"));
	assert_int_equal(tree_remove(root, "in", true, &e), 0);
	assert_true(tree_is_folder(root, "in"));
	assert_false(tree_is_folder(root, "in/deep"));
	assert_int_equal(tree_remove(root, "in", false, &e), 0);
	assert_false(tree_is_folder(root, "in"));
	assert_int_equal(tree_remove(folder, "root", false, &e) | tree_remove(folder, "out", false, &e), 0);
	assert_int_equal(rmdir(top), 0);
}

static void a_captured_root_is_nobodys(void **state)
{
	static const struct {
		const char *path;
		mode_t mode;
		bool out;
	} cases[] = {
		{"etc/machine-id", S_IFREG, true},
		{"etc/ssh/ssh_host_ed25519_key", S_IFREG, true},
		{"etc/ssh/ssh_host_ed25519_key.pub", S_IFREG, true},
		{"etc/ssh/sshd_config", S_IFREG, false},
		{"etc/ssh", S_IFDIR, false},
		{"var/log/apt", S_IFDIR, false},
		{"var/log/apt/history.log", S_IFREG, true},
		{"var/log", S_IFDIR, false},
		{"var/logs/x", S_IFREG, false},
		{"var/log/journal", S_IFDIR, false},
		{"var/log/journal/0123456789abcdef0123456789abcdef", S_IFDIR, true},
		{"run/byre", S_IFDIR, true},
		{"run", S_IFDIR, false},
		{"srv/socket", S_IFSOCK, true},
		{"etc/hosts.allow", S_IFREG, false},
		{"boot/vmlinuz", S_IFLNK, false},
		{"etc/shadow-", S_IFREG, true},
		{"etc/shadow", S_IFREG, false},
		{"etc/iscsi/nodes/iqn.x/10.0.0.1,3260,1", S_IFREG, true},
		{"etc/iscsi/iscsid.conf", S_IFREG, false},
		{"root/.ssh/id_ed25519", S_IFREG, true},
		{"root/.ssh/authorized_keys", S_IFREG, false},
		{"var/lib/dbus/machine-id", S_IFREG, true},
		{"var/lib/dbus/machine-id", S_IFLNK, false},
		{"var/backups/shadow.bak", S_IFREG, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (capture_leaves_out(cases[i].path, cases[i].mode) != cases[i].out)
			fail_msg("%s", cases[i].path);
}

static void expect_locked(const char *text, const char *want)
{
	struct buf b cleanup_buf = BUF_INIT;

	assert_int_equal(capture_locks_root(text, &b), want != NULL);
	if (want)
		assert_string_equal(buf_str(&b), want);
	else
		assert_int_equal(b.len, 0);
}

static void a_captured_root_has_no_password(void **state)
{
	(void)state;
	expect_locked("root:$6$salt$hash:19000:0:99999:7:::\nme:$6$x$y:1::::::\n", "root:*:19000:0:99999:7:::\nme:$6$x$y:1::::::\n");
	expect_locked("daemon:*:1::::::\nroot::2::::::", "daemon:*:1::::::\nroot:*:2::::::");
	expect_locked("root:!$6$x$y:2::::::\n", "root:*:2::::::\n");
	expect_locked("root", NULL);
	expect_locked("root:", "root:*");
	expect_locked("root:*:2::::::\n", NULL);
	expect_locked("notroot:x:2\n", NULL);
	expect_locked("", NULL);
}

/* --- versions, the default, users --------------------------------------------------------------------------------------------- */

static void add_image(struct cluster *c, unsigned version, enum image_use use, bool filling, uint64_t bytes)
{
	struct image *i;

	c->images = realloc(c->images, (c->n_images + 1) * sizeof(*c->images));
	assert_non_null(c->images);
	i = &c->images[c->n_images++];
	*i = (struct image){.name = "debian12", .version = version, .use = use, .filling = filling, .bytes = bytes, .sha256 = "00"};
}

static void the_default_goes_forth_and_back(void **state)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct error e = ERROR_INIT;

	(void)state;
	load_sample(&c);
	assert_int_equal(images_next_version(&c, "debian12"), 2);
	assert_int_equal(images_next_version(&c, "other"), 1);
	assert_int_equal(images_rollback(&c, &e), -ENOENT);
	add_image(&c, 2, IMAGE_NODE, false, 1 << 30);
	add_image(&c, 7, IMAGE_NODE, true, 1 << 30);
	add_image(&c, 8, IMAGE_DISK, false, 1 << 30);
	add_image(&c, 9, IMAGE_NODE, false, 1ull << 50);
	assert_int_equal(images_next_version(&c, "debian12"), 10);
	assert_int_equal(images_find(&c, "debian12")->version, 9);
	assert_int_equal(images_find(&c, "debian12@7")->version, 7);
	assert_null(images_find(&c, "debian"));
	assert_int_equal(images_set_default(&c, images_find(&c, "debian12@1"), &e), 0);
	assert_int_equal(images_set_default(&c, images_find(&c, "debian12@7"), &e), -EINVAL);
	assert_int_equal(images_set_default(&c, images_find(&c, "debian12@8"), &e), -EINVAL);
	assert_int_equal(images_set_default(&c, images_find(&c, "debian12@9"), &e), -EFBIG);
	assert_string_equal(c.default_image, "");
	assert_int_equal(images_set_default(&c, images_find(&c, "debian12@2"), &e), 1);
	assert_string_equal(c.previous_image, "debian12@1");
	assert_int_equal(images_rollback(&c, &e), 0);
	assert_string_equal(c.default_image, "debian12@1");
	assert_int_equal(images_rollback(&c, &e), 0);
	assert_string_equal(c.default_image, "debian12@2");
	snprintf(c.previous_image, sizeof(c.previous_image), "debian12@5");
	assert_int_equal(images_rollback(&c, &e), -ENOENT);
}

static void users_are_named(void **state)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	struct buf b cleanup_buf = BUF_INIT, none cleanup_buf = BUF_INIT;
	struct volume *root;

	(void)state;
	load_sample(&c);
	add_image(&c, 2, IMAGE_NODE, false, 1 << 30);
	add_image(&c, 3, IMAGE_NODE, false, 1 << 30);
	root = cluster_node_volume(&c, 1, VOLUME_ROOT);
	root->has_undo = true;
	snprintf(root->undo_image, sizeof(root->undo_image), "debian12@2");
	assert_int_equal(images_users(&c, "debian12@1", &b), 7);
	assert_string_equal(buf_str(&b),
			    "volumes node1.root, node2.root, node3.root; the boot of nodes node1, node2, node3; the default of new nodes");
	b.len = 0;
	assert_int_equal(images_users(&c, "debian12@2", &b), 1);
	assert_string_equal(buf_str(&b), "what volumes were before their reset: node1.root");
	assert_int_equal(images_users(&c, "debian12@3", &none), 0);
	assert_string_equal(buf_str(&none), "");
}

/* --- differences ----------------------------------------------------------------------------------------------------------- */

static void differences_are_found(void **state)
{
	static const struct {
		const char *path;
		enum tree_change change;
		unsigned what;
	} want[] = {
		{"added", TREE_ADDED, 0},
		{"added/in", TREE_ADDED, 0},
		{"content", TREE_CHANGED, DIFF_CONTENT},
		{"gone", TREE_REMOVED, 0},
		{"link", TREE_CHANGED, DIFF_TARGET},
		{"mode", TREE_CHANGED, DIFF_MODE},
		{"size", TREE_CHANGED, DIFF_CONTENT},
		{"type", TREE_CHANGED, DIFF_TYPE},
	};
	struct tree_differences d CLEANUP(tree_differences_free) = {NULL, 0};
	char top[] = "/tmp/byre-diff-XXXXXX", script[1024];
	cleanup_fd int folder = -1, now = -1, before = -1;
	struct error e = ERROR_INIT;

	(void)state;
	assert_non_null(mkdtemp(top));
	snprintf(script, sizeof(script),
		 "cd %s && mkdir before && cd before && echo one >content && echo one >size && echo x >gone && echo x >mode && echo x "
		 ">touched && "
		 "echo x >type && ln -s /a link && mkdir same && echo y >same/y && touch -d @1000 * same/y && cp -a . ../now && cd ../now "
		 "&& "
		 "echo two >content && echo three >size && rm gone type && chmod 700 mode && touch -d @2000 touched && ln -s x type && "
		 "ln -sf /b link && mkdir added && echo z >added/in",
		 top);
	assert_int_equal(system(script), 0);
	folder = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	now = openat(folder, "now", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	before = openat(folder, "before", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(tree_diff(now, before, &d, &e), 0);
	for (size_t i = 0; i < d.n && i < ARRAY_SIZE(want); i++) {
		assert_string_equal(d.v[i].path, want[i].path);
		assert_int_equal(d.v[i].change, want[i].change);
		assert_int_equal(d.v[i].what, want[i].what);
	}
	assert_int_equal(d.n, ARRAY_SIZE(want));
	assert_int_equal(tree_remove(folder, "now", false, &e) | tree_remove(folder, "before", false, &e), 0);
	assert_int_equal(rmdir(top), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_is_counted_in_blocks),
		cmocka_unit_test(strange_listings_are_refused),
		cmocka_unit_test(the_image_holds_its_content),
		cmocka_unit_test(tar_lists_alike),
		cmocka_unit_test(an_archive_says_where_it_ends),
		cmocka_unit_test(sums_do_not_overflow),
		cmocka_unit_test(formats_are_told_by_content),
		cmocka_unit_test(tar_is_told_by_its_sum),
		cmocka_unit_test(ext4_has_to_be_whole_and_clean),
		cmocka_unit_test(squashfs_has_to_be_whole),
		cmocka_unit_test(a_disk_reaches_to_its_end),
		cmocka_unit_test(qcow2_stands_alone),
		cmocka_unit_test(others_are_refused),
		cmocka_unit_test(the_one_for_us_is_chosen),
		cmocka_unit_test(layers_come_in_order),
		cmocka_unit_test(whiteouts_are_told),
		cmocka_unit_test(nothing_outside_is_removed),
		cmocka_unit_test(a_captured_root_is_nobodys),
		cmocka_unit_test(a_captured_root_has_no_password),
		cmocka_unit_test(the_default_goes_forth_and_back),
		cmocka_unit_test(users_are_named),
		cmocka_unit_test(differences_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
