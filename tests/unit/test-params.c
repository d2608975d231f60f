/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "initrd/params.h"

#include <errno.h>
#include <stdio.h>

static struct params parsed(const char *cmdline)
{
	struct params p;
	struct error e = ERROR_INIT;

	if (params_parse(cmdline, &p, &e) < 0)
		fail_msg("%s: %s", cmdline, e.text);
	return p;
}

static void refused(const char *cmdline, const char *why)
{
	struct params p;
	struct error e = ERROR_INIT;

	assert_int_equal(params_parse(cmdline, &p, &e), -EINVAL);
	assert_string_equal(e.text, why);
}

static void assert_ip(uint32_t ip, const char *text)
{
	char s[IP4_LEN];

	assert_string_equal(ip4_format(s, ip), text);
}

static void nothing_given_means_the_defaults(void **state)
{
	struct params p = parsed("");

	(void)state;
	assert_ip(p.storage_ip, "192.168.0.252");
	assert_int_equal(p.storage_port, 3260);
	assert_string_equal(p.sif, "eth0");
	assert_false(p.sif_given);
	assert_ip(p.sifip, "192.168.0.254");
	assert_ip(p.sifnm, "255.255.255.0");
	assert_int_equal(p.n_sifm, 0);
	assert_string_equal(p.ivid, "");
	assert_string_equal(p.container, "");
	assert_false(p.has_bootif);
	assert_string_equal(p.live, "");
	assert_int_equal(p.mtu, 0);
	assert_int_equal(p.wait, 30);
	assert_string_equal(p.init, "/sbin/init");
}

static void every_parameter_is_taken(void **state)
{
	struct params p = parsed("storage_ip=10.1.2.3 storage_port=860 sif=ib0 sifip=10.1.9.9 "
				 "sifnm=255.255.0.0 sifm=mlx4_ib,ib_ipoib "
				 "ivid=iqn.2026-11.org.example:disk root=/dev/byre/foo init=/bin/sh "
				 "byre.mtu=9000 byre.wait=5");

	(void)state;
	assert_ip(p.storage_ip, "10.1.2.3");
	assert_int_equal(p.storage_port, 860);
	assert_string_equal(p.sif, "ib0");
	assert_true(p.sif_given);
	assert_ip(p.sifip, "10.1.9.9");
	assert_ip(p.sifnm, "255.255.0.0");
	assert_int_equal(p.n_sifm, 2);
	assert_string_equal(p.sifm[0], "mlx4_ib");
	assert_string_equal(p.sifm[1], "ib_ipoib");
	assert_string_equal(p.ivid, "iqn.2026-11.org.example:disk");
	assert_string_equal(p.container, "foo");
	assert_string_equal(p.init, "/bin/sh");
	assert_int_equal(p.mtu, 9000);
	assert_int_equal(p.wait, 5);
}

static void the_manuals_lines_are_taken(void **state)
{
	struct params p = parsed("boot=x root=/dev/evms/defaultfoo storage_ip=192.168.0.200 sifm=e1000 quiet ---");

	(void)state;
	assert_string_equal(p.container, "foo");
	assert_ip(p.storage_ip, "192.168.0.200");
	assert_string_equal(p.sifm[0], "e1000");
	p = parsed("root=/dev/evms/defaultbar sif=ib0 sifnm=255.255.0.0 storage_ip=192.168.1.2 ---");
	assert_string_equal(p.container, "bar");
	assert_ip(p.storage_ip, "192.168.1.2");
}

static void the_first_occurrence_counts(void **state)
{
	struct params p = parsed("storage_ip=192.168.0.7 sif=eth1 storage_ip=192.168.0.8 sif=eth2");

	(void)state;
	assert_ip(p.storage_ip, "192.168.0.7");
	assert_string_equal(p.sif, "eth1");
	/* A later one is not even looked at, an earlier one is not skipped. */
	parsed("storage_port=3260 storage_port=none");
	refused("storage_port=none storage_port=3260", "storage_port=none: not a port number from 1 to 65535");
}

static void three_hyphens_end_the_list(void **state)
{
	struct params p = parsed("sif=eth3 --- sif=eth4 storage_ip=nonsense sifm=a");

	(void)state;
	assert_string_equal(p.sif, "eth3");
	assert_int_equal(p.n_sifm, 0);
	p = parsed("--- sif=eth3");
	assert_string_equal(p.sif, "eth0");
	p = parsed("---- sif=eth3"); /* only three */
	assert_string_equal(p.sif, "eth3");
}

static void other_words_are_the_kernels(void **state)
{
	struct params p = parsed("BOOT_IMAGE=/vmlinuz console=ttyS0,115200 ro storage_ipx=1 xsif=9 byre.other=1 Sif=eth7\n");

	(void)state;
	assert_string_equal(p.sif, "eth0");
}

static void quotes_keep_a_word_together(void **state)
{
	struct params p = parsed("dyndbg=\"sif=eth1 +p\" \"sif=eth2\" storage_ip=\"192.168.0.9\"");

	(void)state;
	assert_string_equal(p.sif, "eth2");
	assert_ip(p.storage_ip, "192.168.0.9");
	parsed("\"unclosed sif=eth1");
}

static void empty_lists_and_names_are_allowed(void **state)
{
	struct params p = parsed("ivid= sifm= root=");

	(void)state;
	assert_string_equal(p.ivid, "");
	assert_int_equal(p.n_sifm, 0);
	assert_string_equal(p.container, "");
	p = parsed("root=plain");
	assert_string_equal(p.container, "plain");
}

static void the_boot_interface_is_taken_as_the_firmware_writes_it(void **state)
{
	struct params p = parsed("BOOTIF=01-52-54-00-AB-cd-ef");
	char mac[MAC_LEN];

	(void)state;
	assert_true(p.has_bootif);
	assert_string_equal(mac_format(mac, &p.bootif), "52:54:00:ab:cd:ef");
	p = parsed("BOOTIF=52:54:00:ab:cd:ef");
	assert_true(p.has_bootif);
	refused("BOOTIF=01-52-54", "BOOTIF=01-52-54: not a hardware address like 01-52-54-00-12-34-56");
}

static void the_live_root_has_a_default(void **state)
{
	struct params p = parsed("byre.live");

	(void)state;
	assert_string_equal(p.live, "debian12");
	p = parsed("byre.live=other storage_ip=1.2.3.4"); /* the network is left to the live system */
	assert_string_equal(p.live, "other");
}

static void bad_values_are_named(void **state)
{
	(void)state;
	refused("storage_ip=192.168.0", "storage_ip=192.168.0: not an IPv4 address like 192.168.0.252");
	refused("storage_ip=", "storage_ip=: not an IPv4 address like 192.168.0.252");
	refused("storage_ip=224.0.0.1", "storage_ip=224.0.0.1: not the address of one machine");
	refused("sifip=127.0.0.1", "sifip=127.0.0.1: not the address of one machine");
	refused("sifnm=255.0.255.0", "sifnm=255.0.255.0: not a netmask like 255.255.255.0");
	refused("storage_port=0", "storage_port=0: not a port number from 1 to 65535");
	refused("storage_port=65536", "storage_port=65536: not a port number from 1 to 65535");
	refused("sif=", "sif=: not the name of a network interface like eth0");
	refused("sif=a/b", "sif=a/b: not the name of a network interface like eth0");
	refused("sif=sixteen-bytes-xx", "sif=sixteen-bytes-xx: not the name of a network interface like eth0");
	refused("sifm=e1000,,tg3", "sifm=e1000,,tg3: not a list of at most 16 kernel modules like e1000,tg3");
	refused("sifm=../x", "sifm=../x: not a list of at most 16 kernel modules like e1000,tg3");
	refused("ivid=disk", "ivid=disk: not the name of an iSCSI target: it begins with iqn., eui. or naa.");
	refused("root=/dev/sda1", "root=/dev/sda1: not a container: write /dev/byre/NAME, NAME, or nothing "
				  "for the only one on the SAN");
	refused("root=/dev/evms/default", "root=/dev/evms/default: not a container: write /dev/byre/NAME, "
					  "NAME, or nothing for the only one on the SAN");
	refused("init=sh", "init=sh: not an absolute path like /sbin/init");
	refused("byre.mtu=100", "byre.mtu=100: not a number of bytes from 576 to 65520");
	refused("byre.wait=0", "byre.wait=0: not a number of seconds from 1 to 3600");
	refused("storage_ip", "storage_ip: a value must follow: storage_ip=VALUE");
}

static void addresses_must_go_together(void **state)
{
	(void)state;
	refused("storage_ip=10.0.0.1", "storage_ip=10.0.0.1: not in the network of sifip=192.168.0.254/24: "
				       "correct storage_ip, sifip or sifnm");
	refused("storage_ip=192.168.0.254", "storage_ip=192.168.0.254: sifip is the same address: give the "
					    "SAN's address, and one of this machine's own");
	refused("sifip=192.168.0.255", "sifip=192.168.0.255: not the address of a machine in its network of "
				       "24 bits: correct sifip or sifnm");
	refused("sifip=192.168.0.0", "sifip=192.168.0.0: not the address of a machine in its network of 24 "
				     "bits: correct sifip or sifnm");
}

static void too_long_is_refused(void **state)
{
	char line[4096] = "ivid=iqn.", many[4096] = "sifm=a";
	struct params p;

	(void)state;
	memset(line + strlen(line), 'a', 300);
	assert_int_equal(params_parse(line, &p, NULL), -EINVAL);
	for (int i = 0; i < 16; i++)
		memcpy(many + strlen(many), ",a", sizeof(",a"));
	assert_int_equal(params_parse(many, &p, NULL), -EINVAL);
	memset(line, 'x', sizeof(line) - 1); /* a long word of the kernel's */
	assert_int_equal(params_parse(line, &p, NULL), 0);
}

static void further_portals_are_read(void **state)
{
	struct error e = ERROR_INIT;
	struct params p;

	(void)state;
	assert_int_equal(params_parse("byre.portals=192.168.0.250,192.168.0.251:860 storage_port=3261", &p, &e), 0);
	assert_int_equal(p.n_portals, 2);
	assert_int_equal(p.portals[0].port, 3261);
	assert_int_equal(p.portals[1].ip, 0xc0a800fb);
	assert_int_equal(p.portals[1].port, 860);
	assert_int_equal(params_parse("", &p, &e), 0);
	assert_int_equal(p.n_portals, 0);
	assert_int_equal(params_parse("byre.portals=192.168.0.250;", &p, &e), -EINVAL);
	assert_string_equal(e.text, "byre.portals: '192.168.0.250;' is no portal: write IP or IP:PORT");
	assert_int_equal(params_parse("byre.portals=192.168.7.250", &p, &e), -EINVAL);
	assert_string_equal(e.text, "byre.portals=192.168.7.250: not another machine in the network of sifip: correct it, sifip or sifnm");
}

int main(void)
{
	const struct CMUnitTest all[] = {
		cmocka_unit_test(nothing_given_means_the_defaults),
		cmocka_unit_test(every_parameter_is_taken),
		cmocka_unit_test(the_manuals_lines_are_taken),
		cmocka_unit_test(the_first_occurrence_counts),
		cmocka_unit_test(three_hyphens_end_the_list),
		cmocka_unit_test(other_words_are_the_kernels),
		cmocka_unit_test(quotes_keep_a_word_together),
		cmocka_unit_test(empty_lists_and_names_are_allowed),
		cmocka_unit_test(the_boot_interface_is_taken_as_the_firmware_writes_it),
		cmocka_unit_test(the_live_root_has_a_default),
		cmocka_unit_test(bad_values_are_named),
		cmocka_unit_test(addresses_must_go_together),
		cmocka_unit_test(too_long_is_refused),
		cmocka_unit_test(further_portals_are_read),
	};

	return cmocka_run_group_tests(all, NULL, NULL);
}
