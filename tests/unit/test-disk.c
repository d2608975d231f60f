/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks found in a tree of files: a sysfs with a few attributes, and a sparse file with a GPT in the place of /dev/sda. */
#include "tests/unit/unit.h"

#include "volmgr/compose.h"
#include "volmgr/san/disk.h"
#include "volmgr/san/iscsi_session.h"
#include "volmgr/paths.h"

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
	make_disk("nbd0", sdb, 2);
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

/* --- several paths to one LUN --------------------------------------------------------------------------------------------- */

static void link_to(const char *target, const char *path)
{
	char full[300];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(symlink(target, full), 0);
}

/* One session to target iqn.T with LUN 1 under it: DISK, whose GPT is in FILE (a disk made by make_disk). */
static void make_path(unsigned session, const char *disk, const char *file, const char *wwid, const char *target, const char *iface,
		      const char *portal)
{
	char host[200], path[300], text[300];

	snprintf(host, sizeof(host), "sys/devices/platform/host%u/session%u/target%u:0:0/%u:0:0:1", session, session, session, session);
	snprintf(path, sizeof(path), "%s/block/%s/size", host, disk);
	put(path, "131072\n");
	for (unsigned i = 1; i <= 2; i++) {
		snprintf(path, sizeof(path), "%s/block/%s/%s%u/partition", host, disk, disk, i);
		snprintf(text, sizeof(text), "%u\n", i);
		put(path, text);
	}
	snprintf(path, sizeof(path), "%s/wwid", host);
	put(path, wwid);
	snprintf(path, sizeof(path), "%s/state", host);
	put(path, "running\n");
	snprintf(path, sizeof(path), "%s/block/%s/device", host, disk);
	link_to("../..", path);
	snprintf(text, sizeof(text), "../%s/block/%s", host + strlen("sys/"), disk);
	snprintf(path, sizeof(path), "sys/block/%s", disk);
	link_to(text, path);
	snprintf(path, sizeof(path), "dev/%s", disk);
	link_to(file, path);
	snprintf(path, sizeof(path), "sys/class/iscsi_session/session%u/targetname", session);
	put(path, target);
	snprintf(path, sizeof(path), "sys/class/iscsi_session/session%u/ifacename", session);
	put(path, iface);
	snprintf(path, sizeof(path), "sys/class/iscsi_session/session%u/recovery_tmo", session);
	put(path, "86400\n");
	snprintf(path, sizeof(path), "sys/class/iscsi_connection/connection%u:0/persistent_address", session);
	put(path, portal);
	snprintf(path, sizeof(path), "sys/class/iscsi_connection/connection%u:0/persistent_port", session);
	put(path, "3260\n");
}

static void set_state(unsigned session, const char *state)
{
	char path[200];

	snprintf(path, sizeof(path), "sys/devices/platform/host%u/session%u/target%u:0:0/%u:0:0:1/state", session, session, session,
		 session);
	put(path, state);
}

static int keep_lun(const struct disk *d, void *data, struct error *e)
{
	struct disk *ret = data;

	(void)e;
	if (!d->n || strcmp(d->parts[0].label, "byre-san-state") != 0)
		return 0;
	assert_int_equal(ret->n_paths, 0);
	*ret = *d;
	ret->parts = NULL;
	ret->paths = calloc(d->n_paths, sizeof(*d->paths));
	memcpy(ret->paths, d->paths, d->n_paths * sizeof(*d->paths));
	return 0;
}

static int count(const struct disk *d, void *data, struct error *e)
{
	(void)d;
	(void)e;
	return ++*(int *)data, 0;
}

static int disks_now(void)
{
	int n = 0;

	assert_int_equal(disk_each(root, count, &n, NULL), 0);
	return n;
}

static void held_disks_are_looked_at_once(void **state)
{
	int n = disks_now();

	(void)state;
	disk_hold();
	disk_hold();
	assert_int_equal(disks_now(), n);
	make_disk("sdz", NULL, 0);
	assert_int_equal(disks_now(), n);
	disk_let_go();
	assert_int_equal(disks_now(), n);
	disk_forget();
	assert_int_equal(disks_now(), n + 1);
	put("sys/block/sdz/size", "0");
	assert_int_equal(disks_now(), n + 1);
	disk_let_go();
	assert_int_equal(disks_now(), n);
}

static void the_paths_of_a_lun_are_one_disk(void **state)
{
	static const char *const names[] = {"byre-san-state", "byre-san-pv"};
	struct container_place p;
	struct disk d = {.n = 0};
	char control[64];

	(void)state;
	make_disk("lun", names, 2);
	/* The file alone is no disk of the kernel's. */
	put("sys/block/lun/size", "0");
	make_path(7, "sdg", "lun", "t10.IET 00010001\n", "iqn.T\n", "byre-control\n", "10.0.0.1\n");
	make_path(8, "sdh", "lun", "t10.IET 00010001\n", "iqn.T\n", "default\n", "10.0.0.1\n");
	make_path(9, "sdi", "lun", "t10.IET 00010001\n", "iqn.T\n", "default\n", "10.0.0.2\n");
	assert_int_equal(disk_each(root, keep_lun, &d, NULL), 0);
	assert_int_equal(d.n_paths, 3);
	assert_string_equal(d.path, "/dev/sdh");
	assert_string_equal(d.paths[0].path, "/dev/sdh");
	assert_string_equal(d.paths[0].portal, "10.0.0.1:3260");
	assert_string_equal(d.paths[0].target, "iqn.T");
	assert_int_equal(d.paths[0].lun, 1);
	assert_int_equal(d.paths[0].session, 8);
	assert_int_equal(d.paths[0].recovery, 86400);
	assert_string_equal(d.paths[1].path, "/dev/sdi");
	assert_string_equal(d.paths[2].path, "/dev/sdg");
	assert_true(d.paths[2].control && !d.paths[1].control);
	disk_free(&d);
	assert_int_equal(disk_find_one(root, "san", &p, NULL), 0);
	assert_string_equal(p.state, "/dev/sdh1");
	assert_int_equal(disk_control_partition(root, "/dev/sdh2", control, NULL), 0);
	assert_string_equal(control, "/dev/sdg2");
	assert_int_equal(disk_control_partition(root, "/dev/sdg2", control, NULL), 0);
	assert_string_equal(control, "/dev/sdg2");
}

static void a_path_that_runs_comes_first(void **state)
{
	struct container_place p;

	(void)state;
	set_state(8, "transport-offline\n");
	assert_int_equal(disk_find_one(root, "san", &p, NULL), 0);
	assert_string_equal(p.state, "/dev/sdi1");
	set_state(9, "blocked\n");
	assert_int_equal(disk_find_one(root, "san", &p, NULL), 0);
	assert_string_equal(p.state, "/dev/sdh1"); /* never the control path while there is another */
	set_state(8, "running\n");
	set_state(9, "running\n");
}

static void another_target_with_the_same_text_is_another_disk(void **state)
{
	struct container_place p;
	struct error e = ERROR_INIT;

	(void)state;
	put("sys/class/iscsi_session/session9/targetname", "iqn.OTHER\n");
	assert_int_equal(disk_find_one(root, "san", &p, &e), -ENOTUNIQ);
	/* A registered id is unique in the world. */
	for (unsigned i = 7; i <= 9; i++) {
		char path[200];

		snprintf(path, sizeof(path), "sys/devices/platform/host%u/session%u/target%u:0:0/%u:0:0:1/wwid", i, i, i, i);
		put(path, "naa.6001405abcdef\n");
	}
	assert_int_equal(disk_find_one(root, "san", &p, &e), 0);
}

static void a_disk_without_a_control_path_says_so(void **state)
{
	struct error e = ERROR_INIT;
	char control[64];

	(void)state;
	assert_int_equal(disk_control_partition(root, "/dev/sda1", control, &e), -ENOENT);
	assert_string_equal(e.text, "/dev/sda1: no control session leads to its disk");
	assert_int_equal(disk_control_partition(root, "/dev/sda9", control, &e), -ENOENT);
	assert_string_equal(e.text, "/dev/sda9: no disk has this partition");
}

static void partitions_go_by_their_multipath_device(void **state)
{
	struct container_place p;
	char control[64];

	(void)state;
	put("sys/block/sdh/sdh1/holders/dm-3/x", "");
	put("sys/block/dm-3/dm/uuid", PATHS_UUID "x\n");
	put("sys/block/dm-3/dm/name", "byre-san-paths-state\n");
	put("sys/block/sdh/sdh2/holders/dm-4/x", "");
	put("sys/block/dm-4/dm/uuid", "LVM-x\n");
	put("sys/block/dm-4/dm/name", "somebody\n");
	assert_int_equal(disk_find_one(root, "san", &p, NULL), 0);
	assert_string_equal(p.state, "/dev/mapper/byre-san-paths-state");
	assert_string_equal(p.pv, "/dev/sdh2");
	assert_int_equal(disk_control_partition(root, "/dev/mapper/byre-san-paths-state", control, NULL), 0);
	assert_string_equal(control, "/dev/sdg1");
}

/* Another machine has changed the table: the kernel's partition 2 lies elsewhere. */
static void an_outdated_partition_is_none(void **state)
{
	struct disk d;

	(void)state;
	put("sys/block/sda/sda2/start", "32768\n");
	put("sys/block/sda/sda2/size", "16384\n");
	assert_int_equal(disk_read(root, "/dev/sda", &d, NULL), 0);
	assert_string_equal(d.parts[1].path, "/dev/sda2");
	disk_free(&d);
	put("sys/block/sda/sda2/size", "16385\n");
	assert_int_equal(disk_read(root, "/dev/sda", &d, NULL), 0);
	assert_string_equal(d.parts[1].path, "");
	disk_free(&d);
	put("sys/block/sda/sda2/size", "16384\n");
	put("sys/block/sda/sda2/start", "32767\n");
	assert_int_equal(disk_read(root, "/dev/sda", &d, NULL), 0);
	assert_string_equal(d.parts[1].path, "");
	disk_free(&d);
}

/* A partition that the kernel does not show is none. */
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

static void what_a_session_has_not_is_not_told(void **state)
{
	char text[16];

	(void)state;
	put("sys/class/iscsi_session/session30/username", "(null)\n");
	put("sys/class/iscsi_session/session30/targetname", "iqn.T\n");
	assert_int_equal(iscsi_session_text(root, 30, "targetname", text, sizeof(text)), 0);
	assert_string_equal(text, "iqn.T");
	assert_int_equal(iscsi_session_text(root, 30, "username", text, sizeof(text)), -ENODATA);
	assert_string_equal(text, "");
	assert_int_equal(iscsi_session_portal(root, 30, text, sizeof(text)), -ENOENT);
	put("sys/class/iscsi_connection/connection30:0/persistent_address", "10.0.0.1\n");
	put("sys/class/iscsi_connection/connection30:0/persistent_port", "3260\n");
	assert_int_equal(iscsi_session_portal(root, 30, text, sizeof(text)), 0);
	assert_string_equal(text, "10.0.0.1:3260");
	assert_int_equal(iscsi_session_portal(root, 30, text, 13), -ENAMETOOLONG);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gpt_is_read),
		cmocka_unit_test(containers_need_both_partitions),
		cmocka_unit_test(a_clone_is_refused),
		cmocka_unit_test(held_disks_are_looked_at_once),
		cmocka_unit_test(the_paths_of_a_lun_are_one_disk),
		cmocka_unit_test(a_path_that_runs_comes_first),
		cmocka_unit_test(another_target_with_the_same_text_is_another_disk),
		cmocka_unit_test(a_disk_without_a_control_path_says_so),
		cmocka_unit_test(partitions_go_by_their_multipath_device),
		cmocka_unit_test(an_outdated_partition_is_none),
		cmocka_unit_test(what_the_kernel_does_not_know_is_not_used),
		cmocka_unit_test(what_a_session_has_not_is_not_told),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
