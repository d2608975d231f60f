/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks found in a tree of files: a sysfs with a few attributes, and a sparse file with a GPT in the place of /dev/sda. */
#include "tests/unit/unit.h"

#include "volmgr/compose.h"
#include "volmgr/disk.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB (1024ull * 1024)

static char root[] = "/tmp/disks.XXXXXX";

static void put(const char *path, const char *text)
{
	char full[300], *slash;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	slash = strrchr(full, '/');
	*slash = '\0';
	assert_int_equal(dir_make(AT_FDCWD, full, 0755, NULL), 0);
	*slash = '/';
	assert_int_equal(file_write(AT_FDCWD, full, 0644, text, strlen(text), NULL), 0);
}

/* Partitions of 8 MiB one after another, by name. */
static void make_disk(const char *disk, const char *const *names, unsigned n)
{
	struct fdisk_context *c = fdisk_new_context();
	char path[300], attribute[120], number[16];

	snprintf(path, sizeof(path), "dev/%s", disk);
	put(path, "");
	snprintf(path, sizeof(path), "%s/dev/%s", root, disk);
	assert_int_equal(truncate(path, 64 * MIB), 0);
	assert_int_equal(fdisk_assign_device(c, path, 0), 0);
	assert_int_equal(fdisk_create_disklabel(c, "gpt"), 0);
	snprintf(attribute, sizeof(attribute), "sys/block/%s/size", disk);
	put(attribute, "131072\n");
	for (unsigned i = 0; i < n; i++) {
		struct fdisk_partition *p = fdisk_new_partition();

		fdisk_partition_partno_follow_default(p, 1);
		fdisk_partition_set_start(p, (i + 1) * 8 * MIB / 512);
		fdisk_partition_set_size(p, 8 * MIB / 512);
		fdisk_partition_set_name(p, names[i]);
		assert_int_equal(fdisk_add_partition(c, p, NULL), 0);
		fdisk_unref_partition(p);
		snprintf(attribute, sizeof(attribute), "sys/block/%s/%s%u/partition", disk, disk, i + 1);
		snprintf(number, sizeof(number), "%u\n", i + 1);
		put(attribute, number);
	}
	assert_int_equal(fdisk_write_disklabel(c), 0);
	fdisk_unref_context(c);
}

static int make_tree(void **state)
{
	static const char *const sda[] = {"byre-debian12-state", "somebody's", "byre-debian12-pv", "byre-half-state", "byre-Bad-state"};
	static const char *const sdb[] = {"byre-two-pv", "byre-two-state"};

	(void)state;
	assert_non_null(mkdtemp(root));
	make_disk("sda", sda, 5);
	make_disk("vdb", sdb, 2);
	make_disk("loop0", sdb, 2);
	put("dev/sdc", "no table here");
	put("sys/block/sdc/size", "8");
	put("sys/block/sdd/size", "0");
	put("sys/block/sda/device/model", "  VIRTUAL-DISK    \n");
	return 0;
}

static int remove_tree(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static void a_gpt_is_read(void **state)
{
	struct disk d;
	char model[40];

	(void)state;
	assert_int_equal(disk_read(root, "/dev/sda", &d, NULL), 0);
	assert_int_equal(d.n, 5);
	assert_string_equal(d.path, "/dev/sda");
	assert_string_equal(d.parts[1].label, "somebody's");
	assert_string_equal(d.parts[1].path, "/dev/sda2");
	assert_int_equal(d.parts[1].start, 16 * MIB);
	assert_int_equal(d.parts[1].size, 8 * MIB);
	assert_int_equal(strlen(d.parts[1].uuid), 36);
	assert_int_equal(strspn(d.parts[1].uuid, "0123456789abcdef-"), 36);
	disk_free(&d);
	assert_int_equal(disk_read(root, "/dev/sdc", &d, NULL), 0);
	assert_int_equal(d.n, 0);
	disk_free(&d);
	assert_int_equal(disk_read(root, "/dev/sdz", &d, NULL), -ENOENT);
	disk_attribute(root, "/dev/sda", "device/model", model, sizeof(model));
	assert_string_equal(model, "VIRTUAL-DISK");
}

struct found {
	struct container_place v[4];
	size_t n, disks;
};

static int find(const struct disk *d, void *data, struct error *e)
{
	struct found *f = data;

	(void)e;
	f->disks++;
	f->n += disk_containers(d, "", f->v + f->n, 4 - f->n);
	return 0;
}

static void containers_need_both_partitions(void **state)
{
	struct found f = {.n = 0};
	size_t one;

	(void)state;
	assert_int_equal(disk_each(root, find, &f, NULL), 0);
	assert_int_equal(f.disks, 3); /* sda, vdb, sdc; no loop device, no empty drive */
	assert_int_equal(f.n, 2);
	one = strcmp(f.v[0].name, "debian12") == 0 ? 0 : 1;
	assert_string_equal(f.v[one].disk, "/dev/sda");
	assert_string_equal(f.v[one].state, "/dev/sda1");
	assert_string_equal(f.v[one].pv, "/dev/sda3");
	assert_string_equal(f.v[1 - one].name, "two");
	assert_string_equal(f.v[1 - one].state, "/dev/vdb2");
	assert_string_equal(f.v[1 - one].pv, "/dev/vdb1");
}

/* A partition that the kernel does not show is none. */
/* It adds a disk, with which the later tests have to live. */
static void a_clone_is_refused(void **state)
{
	static const char *const clone[] = {"byre-two-pv", "byre-two-state"};
	struct container_place p;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(disk_find_one(root, "none", &p, &e), -ENODEV);
	assert_string_equal(e.text, "no disk holds container none: is the SAN attached?");
	assert_int_equal(disk_find_one(root, "two", &p, &e), 0);
	assert_string_equal(p.state, "/dev/vdb2");
	assert_int_equal(disk_find_one(root, "", &p, &e), -ENOTUNIQ);
	assert_non_null(strstr(e.text, "say which by its name"));
	make_disk("sde", clone, 2);
	assert_int_equal(disk_find_one(root, "two", &p, &e), -ENOTUNIQ);
	assert_non_null(strstr(e.text, "there are 2 containers two, two on /dev/"));
	assert_non_null(strstr(e.text, "two on /dev/vdb"));
	assert_non_null(strstr(e.text, "two on /dev/sde"));
	assert_non_null(strstr(e.text, "leave the disk of only one attached"));
}

static void what_the_kernel_does_not_know_is_not_used(void **state)
{
	char path[300];
	struct disk d;

	(void)state;
	snprintf(path, sizeof(path), "%s/sys/block/vdb/vdb1/partition", root);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(disk_read(root, "/dev/vdb", &d, NULL), 0);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.parts[0].path, "");
	assert_int_equal(disk_containers(&d, "two", NULL, 0), 0);
	disk_free(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpt_is_read),
		cmocka_unit_test(containers_need_both_partitions),
		cmocka_unit_test(a_clone_is_refused),
		cmocka_unit_test(what_the_kernel_does_not_know_is_not_used),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
