/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "base/str.h"
#include "cluster/san.h"
#include "cluster/self.h"
#include "cluster/status.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static struct node_status sample(void)
{
	struct node_status s = {
		.node = 3,
		.generation = 7,
		.boot_id = "0f0e0d0c-0b0a-0908-0706-050403020100",
		.uptime_ms = 61000,
		.written = 1700000000,
		.counter = 4,
		.boot_ms = 23456,
		.phases = {{"network", 210}, {"iscsi", 1200}},
		.n_phases = 2,
		.root = {"/dev/mapper/byre-debian12-node3.root", 12 << 20, 1 << 30, 65536, 4 << 20},
	};

	return s;
}

static void it_reads_back(void **state)
{
	struct node_status s = sample(), again;
	struct buf one CLEANUP(buf_free) = BUF_INIT, two CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(status_print(&s, &one, &e), 0);
	assert_int_equal(status_parse(one.data, one.len, &again, &e), 0);
	assert_int_equal(again.n_phases, 2);
	assert_string_equal(again.phases[1].name, "iscsi");
	assert_int_equal(again.root.data_used, 12 << 20);
	assert_false(again.leaving);
	assert_int_equal(status_print(&again, &two, &e), 0);
	assert_string_equal(one.data, two.data);
}

static void refused(const char *text, const char *why)
{
	struct node_status s;
	struct error e = ERROR_INIT;

	assert_int_equal(status_parse(text, strlen(text), &s, &e), -EINVAL);
	assert_string_equal(e.text, why);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	refused("", "status: line 1: '[' or '{' expected near end of file");
	refused("[]", "status: node: no number from 0 to 2000");
	refused("{\"node\":2001}", "status: node: no number from 0 to 2000");
	refused("{\"node\":1,\"node\":2}", "status: line 1: duplicate object key near '\"node\"'");
	refused("{\"node\":1,\"generation\":1,\"boot_id\":\"x\"}", "status: boot_id: no UUID");
}

static void phases_come_from_the_initrd(void **state)
{
	const char *text = "{\"phases\": [{\"name\": \"modules\", \"start_ms\": 900, \"ms\": 41}], \"switch_root_ms\": 2700}";
	struct node_status s = sample();
	struct error e = ERROR_INIT;

	(void)state;
	assert_int_equal(status_parse_phases(text, strlen(text), &s, &e), 0);
	assert_int_equal(s.n_phases, 1);
	assert_int_equal(s.phases[0].ms, 41);
	assert_int_equal(status_parse_phases("{}", 2, &s, &e), -EINVAL);
	assert_int_equal(s.n_phases, 1);
}

static void age_tells_who_lives(void **state)
{
	struct node_status s = sample();

	(void)state;
	assert_int_equal(status_judge(NULL, s.written), NODE_UNSEEN);
	assert_int_equal(status_judge(&s, s.written + STATUS_FRESH), NODE_UP);
	assert_int_equal(status_judge(&s, s.written - STATUS_FRESH), NODE_UP);
	assert_int_equal(status_judge(&s, s.written + STATUS_FRESH + 1), NODE_SILENT);
	assert_int_equal(status_judge(&s, s.written - STATUS_FRESH - 1), NODE_SILENT);
	s.leaving = true;
	assert_int_equal(status_judge(&s, s.written), NODE_LEFT);
}

/* One form, whoever writes it; what is not known is left out. */
static void the_way_to_the_san_is_told_in_one_form(void **state)
{
	static const struct mac mac = {{0x52, 0x54, 0, 0, 0, 2}};
	struct san_reached s = {.interface = "eth0", .container = "debian12", .disk = "/dev/sda", .target = ""};
	struct buf b CLEANUP(buf_free) = BUF_INIT, all CLEANUP(buf_free) = BUF_INIT;

	(void)state;
	san_print(&s, &b);
	assert_string_equal(buf_str(&b), "interface = eth0\ncontainer = debian12\ndisk = /dev/sda\n");
	s.portal_ip = 0xc0a800fa;
	s.portal_port = 3260;
	s.target = "iqn.2026-11.org.byre.lab:san";
	s.initiator = "iqn.2026-11.org.byre:525400000002";
	s.mac = &mac;
	s.address = 0xc0a80002;
	s.netmask = 0xffffff00;
	s.state = "/dev/sda1";
	san_print(&s, &all);
	assert_string_equal(buf_str(&all), "portal = 192.168.0.250:3260\ntarget = iqn.2026-11.org.byre.lab:san\n"
					   "initiator = iqn.2026-11.org.byre:525400000002\ninterface = eth0\nmac = 52:54:00:00:00:02\n"
					   "address = 192.168.0.2/24\ncontainer = debian12\ndisk = /dev/sda\nstate = /dev/sda1\n");
}

static void a_machine_knows_its_number(void **state)
{
	static const struct {
		const char *text;
		int code;
	} files[] = {{"7\n", 0}, {"2000\n", 0}, {"0\n", -EINVAL}, {"node7\n", -EINVAL}, {"", -EINVAL}, {"77777777777777777777\n", -EINVAL}};
	char path[] = "/tmp/byre-unit-XXXXXX";
	cleanup_fd int fd = mkstemp(path);
	unsigned n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		assert_int_equal(file_write(AT_FDCWD, path, 0600, files[i].text, strlen(files[i].text), NULL), 0);
		assert_int_equal(self_read(path, &n, NULL), files[i].code);
		assert_int_equal(n, i == 0 ? 7 : 2000);
	}
	unlink(path);
	assert_int_equal(self_read(path, &n, NULL), -ENOENT);
}

static void a_node_is_called_by_number_or_name(void **state)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};

	(void)state;
	load_sample(&c);
	assert_int_equal(cluster_node_called(&c, "2")->number, 2);
	assert_int_equal(cluster_node_called(&c, "node3")->number, 3);
	assert_null(cluster_node_called(&c, "9"));
	snprintf(c.nodes[0].name, sizeof(c.nodes[0].name), "9");
	assert_int_equal(cluster_node_called(&c, "9")->number, 1);
	snprintf(c.nodes[0].name, sizeof(c.nodes[0].name), "2");
	assert_int_equal(cluster_node_called(&c, "2")->number, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_reads_back),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(phases_come_from_the_initrd),
		cmocka_unit_test(age_tells_who_lives),
		cmocka_unit_test(the_way_to_the_san_is_told_in_one_form),
		cmocka_unit_test(a_machine_knows_its_number),
		cmocka_unit_test(a_node_is_called_by_number_or_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
