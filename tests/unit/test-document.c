/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Replaces the first OLD in the sample by NEW and expects this refusal. */
static void refused(const char *old, const char *new, const char *message)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;
	struct cluster c;
	size_t len;
	cleanup_free char *text = read_sample(&len);
	size_t at;

	assert_non_null(strstr(text, old));
	at = (size_t)(strstr(text, old) - text);
	buf_add(&b, text, at);
	buf_puts(&b, new);
	buf_puts(&b, text + at + strlen(old));
	cluster_init(&c);
	assert_true(document_parse(b.data, b.len, &c, &e) < 0);
	assert_string_equal(e.text, message);
	assert_null(c.nodes);
}

static void the_sample_reads(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	struct mac mac;

	(void)state;
	load_sample(&c);
	assert_int_equal(c.generation, 1);
	assert_int_equal(c.n_nodes, 3);
	assert_int_equal(c.n_volumes, 7);
	assert_int_equal(c.settings.storage_ip, 0xc0a800fa);
	assert_int_equal(mac_parse("52:54:00:00:00:03", &mac), 0);
	assert_int_equal(cluster_node_by_mac(&c, &mac)->number, 3);
	assert_null(cluster_node(&c, 4));
	assert_string_equal(cluster_node_volume(&c, 2, VOLUME_SWAP)->name, "node2.swap");
	assert_int_equal(segments_extents(&cluster_volume(&c, "node1.root")->data), 256);
	assert_non_null(cluster_image(&c, "debian12@1"));
	assert_null(cluster_image(&c, "debian12@2"));
}

static void what_is_printed_reads_back(void **state)
{
	struct cluster c CLEANUP(cluster_freep), again CLEANUP(cluster_freep);
	struct buf one CLEANUP(buf_free) = BUF_INIT, two CLEANUP(buf_free) = BUF_INIT;
	struct error e = ERROR_INIT;
	size_t len;
	cleanup_free char *text = read_sample(&len);

	(void)state;
	load_sample(&c);
	cluster_init(&again);
	assert_int_equal(document_print(&c, &one, &e), 0);
	assert_string_equal(one.data, text);
	assert_int_equal(document_parse(one.data, one.len, &again, &e), 0);
	assert_int_equal(document_print(&again, &two, &e), 0);
	assert_string_equal(one.data, two.data);
}

/* A setting that came later has its default in an older document; one that has no default is missed. */
static void older_settings_have_their_defaults(void **state)
{
	static const char later[] = "\"fencing\":\"automatic\",\"fence-command\":\"\",";
	struct cluster c CLEANUP(cluster_freep);
	struct error e = ERROR_INIT;
	size_t len;
	cleanup_free char *text = read_sample(&len);
	char *at = strstr(text, later);

	(void)state;
	assert_non_null(at);
	memmove(at, at + strlen(later), strlen(at + strlen(later)) + 1);
	cluster_init(&c);
	c.settings.fencing = FENCING_WAIT;
	assert_int_equal(document_parse(text, strlen(text), &c, &e), 0);
	assert_int_equal(c.settings.fencing, FENCING_AUTOMATIC);
	refused("\"storage-ip\":\"192.168.0.250\",", "", "document: settings: storage-ip: missing: it has no default");
}

static void broken_documents_are_refused(void **state)
{
	(void)state;
	refused("\"format\":1", "\"format\":2", "document: format 2: this program reads format 1");
	refused("\"generation\":1", "\"generation\":0", "document: generation 0");
	refused("\"generation\":1", "\"generation\":-1", "document: generation: no number from 0 to 9223372036854775807");
	refused("\"generation\":1,", "\"generation\":1,\"generation\":2,", "document: line 1: duplicate object key near '\"generation\"'");
	refused("\"key\":\"00", "\"key\":\"0", "document: key: not 64 hex digits");
	refused("\"mac\":\"52:54:00:00:00:02\"", "\"mac\":\"52:54:00:00:00\"",
		"document: nodes[1]: mac: '52:54:00:00:00' is no MAC address");
	refused("\"mac\":\"52:54:00:00:00:02\"", "\"mac\":\"52:54:00:00:00:01\"",
		"document: node 1 and node 2: both have MAC address 52:54:00:00:00:01");
	refused("\"boot_ip\":\"192.168.0.2\"", "\"boot_ip\":\"192.168.0.3\"", "document: node 2 and node 3: both have address 192.168.0.3");
	refused("\"name\":\"node2\"", "\"name\":\"node1\"", "document: two nodes are called 'node1'");
	refused("\"number\":2", "\"number\":1", "document: node 1: numbers must ascend");
	refused("\"image\":\"debian12@1\"}", "\"image\":\"debian12@7\"}", "document: node 1: there is no image 'debian12@7'");
	refused("\"name\":\"node2.root\"", "\"name\":\"node1.root\"", "document: two volumes are called 'node1.root'");
	refused("\"name\":\"node2.root\"", "\"name\":\"../x\"", "document: volume '../x': no such name is allowed");
	refused("\"storage-port\":\"3260\"", "\"storage-port\":\"0\"",
		"document: settings: storage-port: '0' is not a number from 1 to 65535");
}

static void segments_must_be_inside_and_apart(void **state)
{
	(void)state;
	refused("[0,1002,256]", "[1,1002,256]", "document: node1.root: segment [1,1002,256] lies outside its PV");
	refused("[0,1002,256]", "[0,7900,256]", "document: node1.root: segment [0,7900,256] lies outside its PV");
	refused("[0,1002,256]", "[0,4294967295,4294967295]", "document: node1.root: segment [0,4294967295,4294967295] lies outside its PV");
	refused("[0,1002,256]", "[0,1002,257]", "document: node1.root and node2.root overlap on the SAN at extent 1258");
	refused("[0,1002,256]", "[0,100,10]", "document: debian12 and node1.root overlap on the SAN at extent 100");
	refused("[0,1002,256]", "[0,1002]", "document: volumes[1]: data: segment 0 is not [pv,start,count]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_reads),
		cmocka_unit_test(what_is_printed_reads_back),
		cmocka_unit_test(older_settings_have_their_defaults),
		cmocka_unit_test(broken_documents_are_refused),
		cmocka_unit_test(segments_must_be_inside_and_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
