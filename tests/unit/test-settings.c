/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "cluster/portals.h"
#include "cluster/settings.h"

#include <errno.h>
#include <stdio.h>

#define MINIMAL                                                                                                                            \
	"storage-ip = 192.168.0.250\n"                                                                                                     \
	"number-of-nodes = 2\n"                                                                                                            \
	"mac.1 = 52:54:00:00:00:01\n"                                                                                                      \
	"mac.2 = 52:54:00:00:00:02\n"

static void expect(const char *more, const char *message)
{
	struct buf text CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;
	struct settings s;

	settings_init(&s);
	buf_printf(&text, "%s%s", MINIMAL, more);
	assert_int_equal(settings_parse("f", text.data, text.len, &s, &e), -EINVAL);
	assert_string_equal(e.text, message);
}

static void defaults_are_the_documented_ones(void **state)
{
	struct error e = ERROR_INIT;
	struct settings s;

	(void)state;
	settings_init(&s);
	assert_int_equal(settings_parse("f", MINIMAL, strlen(MINIMAL), &s, &e), 0);
	assert_string_equal(s.base_distribution, "debian12");
	assert_string_equal(s.container_name, "debian12");
	assert_int_equal(s.storage_netmask, 0xffffff00);
	assert_int_equal(s.storage_port, 3260);
	assert_int_equal(s.meta_master_ip, 0xc0a800fd);
	assert_int_equal(s.volume_size, 5120);
	assert_int_equal(s.swap_size, 2048);
	assert_int_equal(s.shared_size, 10240);
	assert_int_equal(s.primary_gateway_local_ip, 0xc0a80001);
	assert_int_equal(s.backup_gateway_local_ip, 0xc0a80002);
	assert_int_equal(s.spare_local_ip, 0xc0a800fd);
	assert_int_equal(s.first_node_ip_netboot, 0xc0a80001);
	assert_int_equal(s.netmask_netboot, 0xffffff00);
	assert_int_equal(settings_storage_ip(&s, 2), 0xc0a80002);
	assert_int_equal(s.mac_gather_procedure, MAC_MANUAL);
	settings_free(&s);
}

static void portals_are_a_list(void **state)
{
	struct portal v[PORTALS_MAX];
	struct error e = ERROR_INIT;
	size_t n = 9;

	(void)state;
	assert_int_equal(portals_parse("", 3260, v, &n, &e), 0);
	assert_int_equal(n, 0);
	assert_int_equal(portals_parse("192.168.0.1,192.168.0.2:860", 3260, v, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].ip, 0xc0a80001);
	assert_int_equal(v[0].port, 3260);
	assert_int_equal(v[1].ip, 0xc0a80002);
	assert_int_equal(v[1].port, 860);
	assert_int_equal(portals_parse("192.168.0.1,", 3260, v, &n, &e), -EINVAL);
	assert_string_equal(e.text, "'' is no portal: write IP or IP:PORT");
	assert_int_equal(portals_parse("192.168.0.1:0", 3260, v, &n, &e), -EINVAL);
	assert_int_equal(portals_parse("192.168.0.1:99999999999999999999", 3260, v, &n, &e), -EINVAL);
	assert_int_equal(portals_parse("224.0.0.1", 3260, v, &n, &e), -EINVAL);
	assert_string_equal(e.text, "224.0.0.1 is not the address of one machine");
	assert_int_equal(portals_parse("10.0.0.1,10.0.0.1:3260", 3260, v, &n, &e), -EINVAL);
	assert_string_equal(e.text, "10.0.0.1:3260 is there twice");
	assert_int_equal(portals_parse("1.0.0.1,1.0.0.2,1.0.0.3,1.0.0.4,1.0.0.5,1.0.0.6,1.0.0.7", 1, v, &n, &e), 0);
	assert_int_equal(n, 7);
	assert_int_equal(portals_parse("1.0.0.1,1.0.0.2,1.0.0.3,1.0.0.4,1.0.0.5,1.0.0.6,1.0.0.7,1.0.0.8", 1, v, &n, &e), -EINVAL);
	assert_string_equal(e.text, "more than 7 portals");
	assert_int_equal(n, 7);
}

static void portals_fit_the_network(void **state)
{
	(void)state;
	expect("storage-portals = 192.168.0.250", "f: storage-portals: 192.168.0.250 is storage-ip: name only the further ones");
	expect("storage-portals = 192.168.1.251", "f: storage-portals: 192.168.1.251 lies outside the network 192.168.0.0/255.255.255.0");
	expect("storage-portals = 192.168.0.2", "f: storage-portals and the nodes' storage addresses: both would have 192.168.0.2");
	expect("storage-portals = x", "f: storage-portals: 'x' is no portal: write IP or IP:PORT");
}

static void a_secret_is_printed_nowhere(void **state)
{
	static const char text[] = MINIMAL "chap-user = byre\nchap-secret = geheim-und-lang\n";
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct settings s;

	(void)state;
	settings_init(&s);
	assert_int_equal(settings_parse("f", text, strlen(text), &s, NULL), 0);
	assert_string_equal(s.chap_secret, "geheim-und-lang");
	settings_print(&s, &b);
	assert_null(strstr(b.data, "geheim"));
	assert_non_null(strstr(b.data, "chap-user = byre\n"));
	settings_free(&s);
	expect("chap-secret = geheim-und-lang", "f: chap-secret: whose? Give chap-user as well");
}

static void what_is_printed_reads_back(void **state)
{
	struct buf one CLEANUP(buf_free) = BUF_INIT, two CLEANUP(buf_free) = BUF_INIT;
	const char *text =
		MINIMAL "ssh-key = ssh-ed25519 AAAA me\nroot-password-hash = $y$j9T$x\ndomain = a.b\nunattended = on\nfencing = command\n"
			"fence-command = /sbin/off -n %N\n";
	struct error e = ERROR_INIT;
	struct settings s, again;

	(void)state;
	settings_init(&s);
	settings_init(&again);
	assert_int_equal(settings_parse("f", text, strlen(text), &s, &e), 0);
	settings_print(&s, &one);
	assert_int_equal(settings_parse("f", one.data, one.len, &again, &e), 0);
	settings_print(&again, &two);
	assert_string_equal(one.data, two.data);
	assert_non_null(strstr(one.data, "ssh-key = ssh-ed25519 AAAA me\n"));
	assert_non_null(strstr(one.data, "mac.2 = 52:54:00:00:00:02\n"));
	settings_free(&s);
	settings_free(&again);
}

static void wrong_values_get_one_line(void **state)
{
	(void)state;
	expect("colour = red\n", "f:5: colour: unknown key");
	expect("storage-ip = 10.0.0.1\n", "f:5: storage-ip: given twice");
	expect("public-ip = 10.0.0.256\n", "f:5: public-ip: '10.0.0.256' is no IPv4 address");
	expect("storage-netmask = 255.0.255.0\n", "f:5: storage-netmask: '255.0.255.0' is no netmask");
	expect("volume-size = big\n", "f:5: volume-size: 'big' is not a number from 512 to 1048576 (MiB)");
	expect("container-name = ../x\n", "f:5: container-name: '../x' is no name: use a-z, 0-9 and '-' (63 characters at most)");
	expect("unattended = perhaps\n", "f:5: unattended: 'perhaps' is neither yes nor no");
	expect("connection-kind = token-ring\n", "f:5: connection-kind: 'token-ring' is none of ethernet, infiniband");
	expect("mac.3 = 52:54:00:00:00:03\n", "f: mac.3: number-of-nodes is only 2");
	expect("mac.2001 = 52:54:00:00:00:03\n", "f:5: mac.2001: write mac.N with a node's number from 1 to 2000");
	expect("mac.2 = 52:54:00:00:00:03\n", "f:5: mac.2: given twice");
	expect("fencing = hope\n", "f:5: fencing: 'hope' is none of automatic, reservation, command, wait");
	expect("fencing = command\n", "f: fencing: command: say which one in fence-command");
	expect("fence-command = /sbin/off %h\n", "f: fence-command: '%h' is none of %n, %N, %m and %%");
	expect("fence-command = /sbin/off 100%\n", "f: fence-command: '%' is none of %n, %N, %m and %%");
	expect("ssh-key = hello\n", "f:5: ssh-key: 'hello' does not begin like a public key");
	expect("root-password-hash = secret\n", "f: root-password-hash: not a crypt(5) hash: make one with 'mkpasswd'");
}

static void addresses_must_fit_together(void **state)
{
	(void)state;
	expect("meta-master-ip = 192.168.1.253\n", "f: meta-master-ip: 192.168.1.253 lies outside the network 192.168.0.0/255.255.255.0");
	expect("spare-local-ip = 192.168.0.2\n", "f: spare-local-ip and the nodes' storage addresses: both would have 192.168.0.2");
	expect("first-node-ip-netboot-netstorage = 192.168.0.249\nprimary-gateway-local-ip = 192.168.0.249\nbackup-gateway-local-ip = "
	       "192.168.0.250\n",
	       "f: storage-ip and the nodes' storage addresses: both would have 192.168.0.250");
	expect("backup-gateway-local-ip = 192.168.0.9\n", "f: backup-gateway-local-ip: 192.168.0.9 is no node's boot address");
	expect("spare-local-ip = 192.168.0.255\n", "f: spare-local-ip: 192.168.0.255 is its network's own or broadcast address");
}

static void two_nodes_cannot_share_a_mac(void **state)
{
	const char *text = "storage-ip = 192.168.0.250\nnumber-of-nodes = 3\nmac.1 = 52:54:00:00:00:01\nmac.2 = 52:54:00:00:00:02\n"
			   "mac.3 = 52-54-00-00-00-01\n";
	struct error e = ERROR_INIT;
	struct settings s;

	(void)state;
	settings_init(&s);
	assert_int_equal(settings_parse("f", text, strlen(text), &s, &e), -EINVAL);
	assert_string_equal(e.text, "f: mac.3: 52:54:00:00:00:01 is mac.1 too");
}

static void what_is_required_is_missed(void **state)
{
	struct error e = ERROR_INIT;
	struct settings s;

	(void)state;
	settings_init(&s);
	assert_int_equal(settings_parse("f", "", 0, &s, &e), -EINVAL);
	assert_string_equal(e.text, "f: storage-ip: missing: it has no default");
	assert_int_equal(settings_parse("f", MINIMAL, strlen(MINIMAL) - 26, &s, &e), -EINVAL);
	assert_string_equal(e.text, "f: mac.2: missing: number-of-nodes is 2");
}

static void a_cluster_of_one_node_has_no_backup(void **state)
{
	const char *text = "storage-ip = 192.168.0.250\nnumber-of-nodes = 1\nmac.1 = 52:54:00:00:00:01\n";
	struct error e = ERROR_INIT;
	struct settings s;

	(void)state;
	settings_init(&s);
	assert_int_equal(settings_parse("f", text, strlen(text), &s, &e), 0);
	assert_int_equal(s.backup_gateway_local_ip, 0);
	settings_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(portals_are_a_list),          cmocka_unit_test(portals_fit_the_network),
		cmocka_unit_test(a_secret_is_printed_nowhere), cmocka_unit_test(defaults_are_the_documented_ones),
		cmocka_unit_test(what_is_printed_reads_back),  cmocka_unit_test(wrong_values_get_one_line),
		cmocka_unit_test(addresses_must_fit_together), cmocka_unit_test(two_nodes_cannot_share_a_mac),
		cmocka_unit_test(what_is_required_is_missed),  cmocka_unit_test(a_cluster_of_one_node_has_no_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
