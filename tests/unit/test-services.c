/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every generated text of the sample cluster's node 2, against tests/unit/golden/services. GOLDEN_UPDATE=1 writes those anew: then
 * look at the difference.
 */
#include "tests/unit/unit.h"

#include "base/spawn.h"
#include "base/str.h"
#include "services/services.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define GOLDEN SOURCE_DIR "/tests/unit/golden/services/"

static const struct boot_service sample_boot = {
	.interface = "eth0",
	.tftp_root = "/run/byre/metamaster/tftp",
	.http_url = "http://192.168.0.2:8069",
	.run_dir = "/run/byre/metamaster",
	.user = "dnsmasq",
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* A fresh folder, for one test. */
static void make_folder(char path[64])
{
	snprintf(path, 64, "/tmp/byre-test-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static void remove_folder(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* NAME may be a path: its slashes are '_' in the golden file's name. */
static void is_golden(const char *name, const char *text)
{
	cleanup_free char *golden = NULL;
	char path[512];

	snprintf(path, sizeof(path), GOLDEN "%s", name);
	for (char *p = path + strlen(GOLDEN); *p; p++)
		if (*p == '/')
			*p = '_';
	if (getenv("GOLDEN_UPDATE"))
		assert_int_equal(file_write(AT_FDCWD, path, 0644, text, strlen(text), NULL), 0);
	assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &golden, NULL, NULL), 0);
	assert_string_equal(text, golden);
}

static void every_file_is_golden(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;

	(void)state;
	load_sample(&c);
	for (const struct service *s = services_table; s->name; s++) {
		for (const struct service_file *f = s->files; f && f->path; f++) {
			struct buf b CLEANUP(buf_free) = BUF_INIT;

			assert_int_equal(f->generate(&c, cluster_node(&c, 2), &b, &e), 0);
			assert_true(buf_ok(&b));
			if (strcmp(s->name, "record") == 0)
				continue; /* settings_print's, tested with it */
			is_golden(f->path + 1, buf_str(&b));
		}
	}
}

static void boot_texts_are_golden(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct buf conf CLEANUP(buf_free) = BUF_INIT, hosts CLEANUP(buf_free) = BUF_INIT, names CLEANUP(buf_free) = BUF_INIT,
			pxe CLEANUP(buf_free) = BUF_INIT, ipxe CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	load_sample(&c);
	assert_int_equal(services_dnsmasq(&c, cluster_node(&c, 2), &sample_boot, &conf, &e), 0);
	assert_int_equal(services_dhcp_hosts(&c, NULL, NULL, &hosts, &e), 0);
	assert_int_equal(services_dns_names(&c, &names, &e), 0);
	assert_int_equal(services_pxelinux(&c, cluster_node(&c, 3), &sample_boot, &pxe, &e), 0);
	assert_int_equal(services_ipxe(&c, cluster_node(&c, 3), &sample_boot, &ipxe, &e), 0);
	is_golden("dnsmasq.conf", buf_str(&conf));
	is_golden("dhcp-hosts", buf_str(&hosts));
	is_golden("names", buf_str(&names));
	is_golden("pxelinux", buf_str(&pxe));
	is_golden("ipxe", buf_str(&ipxe));
}

static void gateway_texts_are_golden(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct buf filter CLEANUP(buf_free) = BUF_INIT, conntrackd CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	load_sample(&c);
	assert_int_equal(services_conntrackd(&c, cluster_node(&c, 2), "eth0", "/run/byre/metamaster/conntrackd", &conntrackd, &e), 0);
	is_golden("conntrackd.conf", buf_str(&conntrackd));
	c.settings.public_ip = 0xc6336402;
	c.settings.first_node_ip_netstorage = 0x0a000001;
	assert_int_equal(services_nftables(&c, "eth1", &filter, &e), 0);
	is_golden("nftables", buf_str(&filter));
}

static void storage_of_its_own_shows(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct buf names CLEANUP(buf_free) = BUF_INIT, pxe CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	load_sample(&c);
	c.nodes[1].storage_ip = 0x0a000002;
	snprintf(c.settings.storage_if, sizeof(c.settings.storage_if), "ib0");
	snprintf(c.settings.storage_modules, sizeof(c.settings.storage_modules), "ib_ipoib,mlx4_ib");
	snprintf(c.settings.iscsi_target, sizeof(c.settings.iscsi_target), "iqn.2001-05.com.example:rack1,2");
	c.settings.domain[0] = '\0';
	assert_int_equal(services_dns_names(&c, &names, &e), 0);
	assert_int_equal(services_pxelinux(&c, cluster_node(&c, 2), &sample_boot, &pxe, &e), 0);
	assert_non_null(strstr(names.data, "192.168.0.2 node2\n10.0.0.2 node2-storage\n"));
	assert_non_null(strstr(
		pxe.data, " sif=ib0 sifip=10.0.0.2 sifnm=255.255.255.0 sifm=ib_ipoib,mlx4_ib ivid=iqn.2001-05.com.example:rack1 root="));
}

/* dnsmasq itself takes the configuration and the map. */
static void dnsmasq_takes_it(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct boot_service bs = sample_boot;
	struct buf conf CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;
	char folder[64], path[128], *line;

	(void)state;
	load_sample(&c);
	make_folder(folder);
	snprintf(path, sizeof(path), "%s/conf", folder);
	bs.user = "root";
	assert_int_equal(services_dnsmasq(&c, cluster_node(&c, 2), &bs, &conf, &e), 0);
	{
		struct buf hosts CLEANUP(buf_free) = BUF_INIT;
		char *rest;

		assert_int_equal(services_dhcp_hosts(&c, NULL, NULL, &hosts, &e), 0);
		for (line = strtok_r(hosts.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
			buf_printf(&conf, "dhcp-host=%s\n", line);
	}
	assert_int_equal(file_write(AT_FDCWD, path, 0644, conf.data, conf.len, &e), 0);
	if (spawn_simple(&e, "dnsmasq", "--test", "-C", path, NULL) < 0 && e.code != ENOENT)
		fail_msg("%s", e.text);
	remove_folder(folder);
}

/* ssh-keygen finds in the private key the public key that we print. */
static void ssh_keygen_agrees(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;
	char folder[64], path[128];

	(void)state;
	load_sample(&c);
	make_folder(folder);
	snprintf(path, sizeof(path), "%s/key", folder);
	for (size_t i = 0; i < c.n_nodes; i++) {
		struct buf private CLEANUP(buf_free) = BUF_INIT, public CLEANUP(buf_free) = BUF_INIT;
		const char *argv[] = {"ssh-keygen", "-y", "-f", path, NULL};
		struct spawn s = {.argv = argv};
		cleanup_free char *out = NULL;

		assert_int_equal(services_ssh_host_key(&c, &c.nodes[i], &private, &public, &e), 0);
		assert_int_equal(file_write(AT_FDCWD, path, 0600, private.data, private.len, &e), 0);
		if (spawn_run(&s, &out, NULL, &e) < 0 && e.code == ENOENT)
			break;
		assert_int_equal(e.code, 0);
		assert_string_equal(out, public.data);
	}
	remove_folder(folder);
}

static void keys_differ(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct buf k[4] = {BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT};
	struct error e = ERROR_INIT;

	(void)state;
	load_sample(&c);
	assert_int_equal(services_ssh_host_key(&c, &c.nodes[0], &k[0], NULL, &e), 0);
	assert_int_equal(services_ssh_host_key(&c, &c.nodes[1], &k[1], NULL, &e), 0);
	assert_int_equal(services_ssh_root_key(&c, &k[2], NULL, &e), 0);
	c.key[0] ^= 1;
	assert_int_equal(services_ssh_host_key(&c, &c.nodes[0], &k[3], NULL, &e), 0);
	for (int i = 0; i < 4; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(k[i].data, k[j].data);
	for (int i = 0; i < 4; i++)
		buf_free(&k[i]);
}

/* What was recorded installs the same cluster again. */
static void the_record_reads_back(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct settings s CLEANUP(settings_free);
	cleanup_free char *text = NULL;
	struct error e = ERROR_INIT;
	char folder[64];
	struct stat st;
	size_t len;
	int fd;

	(void)state;
	load_sample(&c);
	make_folder(folder);
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	settings_init(&s);
	assert_int_equal(services_render(&c, cluster_node(&c, 2), fd, NULL, &e), 0);
	assert_int_equal(file_read(fd, "etc/install/INSTALL.info", 1 << 20, &text, &len, &e), 0);
	assert_int_equal(settings_parse("INSTALL.info", text, len, &s, &e), 0);
	assert_int_equal(s.n_macs, 3);
	assert_true(mac_equal(&s.macs[2], &cluster_node(&c, 3)->mac));
	assert_int_equal(fstatat(fd, "etc/install/INSTALL.info", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(fd);
	remove_folder(folder);
}

static void rendering_twice_changes_nothing(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;
	unsigned changed = 0;
	char folder[64];
	int fd;

	(void)state;
	load_sample(&c);
	make_folder(folder);
	fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(services_render_tell(&c, cluster_node(&c, 2), fd, true, NULL, NULL, &e), 0);
	assert_int_equal(faccessat(fd, "etc", F_OK, 0), -1);
	assert_int_equal(services_render(&c, cluster_node(&c, 2), fd, &changed, &e), 0);
	assert_true(changed > 8);
	assert_int_equal(services_render(&c, cluster_node(&c, 2), fd, &changed, &e), 0);
	assert_int_equal(changed, 0);
	assert_int_equal(services_render(&c, cluster_node(&c, 3), fd, &changed, &e), 0);
	assert_int_equal(changed, 5); /* hostname, resolv.conf, the host key's two files, initiator name */
	close(fd);
	remove_folder(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_file_is_golden),
		cmocka_unit_test(boot_texts_are_golden),
		cmocka_unit_test(gateway_texts_are_golden),
		cmocka_unit_test(storage_of_its_own_shows),
		cmocka_unit_test(dnsmasq_takes_it),
		cmocka_unit_test(ssh_keygen_agrees),
		cmocka_unit_test(keys_differ),
		cmocka_unit_test(the_record_reads_back),
		cmocka_unit_test(rendering_twice_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
