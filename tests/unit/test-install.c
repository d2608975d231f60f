/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "cluster/san.h"
#include "installer/install/install.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a new cluster ------------------------------------------------------------------------------------------------------ */

static unsigned char next_byte;

static int counted(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)buf)[i] = next_byte++;
	return 0;
}

static int no_random(void *buf, size_t len)
{
	(void)buf;
	(void)len;
	return -ENOSYS;
}

static void parse_settings(struct settings *s)
{
	static const char text[] = "storage-ip = 10.0.0.250\nnumber-of-nodes = 2\nmac.1 = 52:54:00:00:00:01\nmac.2 = 52:54:00:00:00:02\n"
				   "cluster-hostname = rack\nfirst-node-ip-netboot-netstorage = 10.0.0.11\nssh-key = ssh-ed25519 AAAA me\n"
				   "primary-gateway-local-ip = 10.0.0.11\nbackup-gateway-local-ip = 10.0.0.12\n";
	struct error e = ERROR_INIT;

	settings_init(s);
	if (settings_parse("f", text, strlen(text), s, &e) < 0)
		fail_msg("%s", e.text);
}

static void nodes_follow_from_the_settings(void **state)
{
	struct settings s CLEANUP(settings_free);
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;

	(void)state;
	parse_settings(&s);
	cluster_init(&c);
	next_byte = 0;
	assert_int_equal(build_cluster(&s, counted, &c, &e), 0);
	assert_string_equal(c.id, "00010203-0405-4607-8809-0a0b0c0d0e0f");
	assert_int_equal(c.key[0], 16);
	assert_int_equal(c.key[31], 47);
	assert_int_equal(c.n_nodes, 2);
	assert_string_equal(c.nodes[1].name, "rack2");
	assert_int_equal(c.nodes[1].number, 2);
	assert_int_equal(c.nodes[1].storage_ip, 0x0a00000c);
	assert_int_equal(c.nodes[1].boot_ip, 0x0a00000c);
	assert_int_equal(c.nodes[1].mac.b[5], 2);
	assert_string_equal(c.nodes[1].image, "debian12@1");
	assert_string_equal(c.nodes[0].machine_id, "3031323334354637b8393a3b3c3d3e3f");
	assert_string_not_equal(c.nodes[0].machine_id, c.nodes[1].machine_id);
	assert_int_equal(c.settings.n_macs, 0);
	assert_string_equal(c.settings.ssh_keys[0], "ssh-ed25519 AAAA me");
}

static void without_randomness_there_is_no_cluster(void **state)
{
	struct settings s CLEANUP(settings_free);
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;

	(void)state;
	parse_settings(&s);
	cluster_init(&c);
	assert_int_equal(build_cluster(&s, no_random, &c, &e), -ENOSYS);
	assert_true(e.text[0]);
}

/* --- targets and disks -------------------------------------------------------------------------------------------------- */

static void the_only_target_needs_no_name(void **state)
{
	struct iscsi_name one = {"iqn.2026-11.a:x", "1"};

	(void)state;
	assert_int_equal(iscsi_choose("", &one, 1, NULL), 0);
	assert_int_equal(iscsi_choose(",3", &one, 1, NULL), 0);
}

static void targets_are_chosen_by_name(void **state)
{
	struct iscsi_name two[] = {{"iqn.2026-11.a:x", "1"}, {"iqn.2026-11.a:xy", "1"}};
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(iscsi_choose("iqn.2026-11.a:xy", two, 2, NULL), 1);
	assert_int_equal(iscsi_choose("iqn.2026-11.a:x,1", two, 2, NULL), 0);
	assert_int_equal(iscsi_choose("iqn.2026-11.a:", two, 2, &e), -ENOENT);
	assert_string_equal(e.text, "iscsi-target: the SAN has no iqn.2026-11.a:; it has iqn.2026-11.a:x, iqn.2026-11.a:xy");
	assert_int_equal(iscsi_choose("", two, 2, &e), -EINVAL);
	assert_string_equal(e.text, "iscsi-target: the SAN has several: name one of iqn.2026-11.a:x, iqn.2026-11.a:xy");
}

static void luns_are_numbers(void **state)
{
	struct error e = ERROR_INIT;
	int lun;

	(void)state;
	assert_int_equal(iscsi_wanted_lun("iqn", &lun, &e), 0);
	assert_int_equal(lun, -1);
	assert_int_equal(iscsi_wanted_lun("iqn,0", &lun, &e), 0);
	assert_int_equal(lun, 0);
	assert_int_equal(iscsi_wanted_lun("iqn,two", &lun, &e), -EINVAL);
	assert_int_equal(iscsi_wanted_lun("iqn,", &lun, &e), -EINVAL);
	assert_int_equal(iscsi_wanted_lun("iqn,16384", &lun, &e), -EINVAL);
}

static void disks_are_chosen_by_lun(void **state)
{
	struct lun two[] = {{1, "/dev/sda", 1ull << 30}, {2, "/dev/sdb", 1ull << 34}};
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(iscsi_choose_lun("t", two, 1, -1, NULL), 0);
	assert_int_equal(iscsi_choose_lun("t", two, 2, 2, NULL), 1);
	assert_int_equal(iscsi_choose_lun("t", two, 2, -1, &e), -EINVAL);
	assert_string_equal(e.text, "iscsi-target: t has several disks: put the LUN behind it (t,LUN): 1 (1.0 GiB), 2 (16.0 GiB)");
	assert_int_equal(iscsi_choose_lun("t", two, 2, 7, &e), -ENOENT);
}

static void put(const char *root, const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

#define SESSION "class/iscsi_session/session1/"

static void disks_are_found_in_sysfs(void **state)
{
	char root[] = "/tmp/test-install.XXXXXX", clean[64];
	struct lun found[4];

	(void)state;
	assert_non_null(mkdtemp(root));
	put(root, SESSION "targetname", "iqn:a\n");
	put(root, SESSION "device/target2:0:0/2:0:0:0/type", "12\n");
	put(root, SESSION "device/target2:0:0/2:0:0:1/block/sda/size", "2048\n");
	put(root, SESSION "device/target2:0:0/2:0:0:12/block/sdb/size", "0\n");
	put(root, "class/iscsi_session/session2/targetname", "iqn:ab\n");
	put(root, "class/iscsi_session/session2/device/target3:0:0/3:0:0:5/block/sdc/size", "8\n");
	assert_int_equal(sysfs_luns(root, "iqn:a", found, 4), 1);
	assert_int_equal(found[0].number, 1);
	assert_string_equal(found[0].device, "/dev/sda");
	assert_int_equal(found[0].bytes, 1048576);
	assert_int_equal(sysfs_luns(root, "iqn:ab", found, 4), 1);
	assert_string_equal(found[0].device, "/dev/sdc");
	assert_int_equal(sysfs_luns(root, "iqn", found, 4), 0);
	put(root, "class/iscsi_session/session3/targetname", "iqn:ab\n");
	put(root, "class/iscsi_session/session3/device/target4:0:0/4:0:0:5/block/sdd/size", "8\n");
	put(root, "class/iscsi_session/session4/targetname", "iqn:a\n");
	put(root, "class/iscsi_session/session4/ifacename", SAN_CONTROL_IFACE "\n");
	put(root, "class/iscsi_session/session4/device/target5:0:0/5:0:0:7/block/sde/size", "8\n");
	assert_int_equal(sysfs_luns(root, "iqn:ab", found, 4), 1);
	assert_int_equal(sysfs_luns(root, "iqn:a", found, 4), 1);
	assert_true(sysfs_has_session(root, "iqn:ab"));
	assert_false(sysfs_has_session(root, "iqn:abc"));
	snprintf(clean, sizeof(clean), "rm -rf %s", root);
	assert_int_equal(system(clean), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_follow_from_the_settings),
		cmocka_unit_test(without_randomness_there_is_no_cluster),
		cmocka_unit_test(the_only_target_needs_no_name),
		cmocka_unit_test(targets_are_chosen_by_name),
		cmocka_unit_test(luns_are_numbers),
		cmocka_unit_test(disks_are_chosen_by_lun),
		cmocka_unit_test(disks_are_found_in_sysfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
