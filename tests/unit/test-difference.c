/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "cluster/difference.h"

#include <stdlib.h>

struct two {
	struct cluster from, to;
};

static int setup(void **state)
{
	struct two *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	load_sample(&t->from);
	load_sample(&t->to);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct two *t = *state;

	cluster_free(&t->from);
	cluster_free(&t->to);
	free(t);
	return 0;
}

static void expect(const struct cluster *from, const struct cluster *to, size_t storage, const char *lines)
{
	struct buf b CLEANUP(buf_free) = BUF_INIT;
	struct difference d;
	size_t n = 0;

	assert_int_equal(cluster_difference(from, to, &b, &d, NULL), 0);
	assert_string_equal(buf_str(&b), lines);
	for (const char *p = buf_str(&b); *p; p++)
		n += *p == '\n';
	assert_int_equal(d.n, n);
	assert_int_equal(d.storage, storage);
}

static void what_is_the_same_is_not_told(void **state)
{
	struct two *t = *state;

	t->to.generation = 99;
	snprintf(t->to.note.what, sizeof(t->to.note.what), "something");
	expect(&t->from, &t->to, 0, "");
}

static void members_are_told_by_name(void **state)
{
	struct two *t = *state;
	struct volume first = t->to.volumes[0];

	t->to.nodes[1].boot_ip++;
	t->to.settings.swap_size = 512;
	snprintf(t->to.default_image, sizeof(t->to.default_image), "debian12@1");
	/* Another order is no difference. */
	t->to.volumes[0] = t->to.volumes[6];
	t->to.volumes[6] = first;
	expect(&t->from, &t->to, 0,
	       "~ settings: swap-size: 256 -> 512\n"
	       "~ node 2: boot_ip: 192.168.0.2 -> 192.168.0.3\n"
	       "~ default_image: none -> debian12@1\n");
	expect(&t->to, &t->from, 0,
	       "~ settings: swap-size: 512 -> 256\n"
	       "~ node 2: boot_ip: 192.168.0.3 -> 192.168.0.2\n"
	       "~ default_image: debian12@1 -> none\n");
}

static void what_is_there_in_one_only(void **state)
{
	struct two *t = *state;

	t->to.n_nodes--;
	t->to.images[0].version = 2;
	t->to.n_volumes--;
	expect(&t->from, &t->to, 3,
	       "- node 3\n"
	       "- image debian12@1\n"
	       "+ image debian12@2\n"
	       "- volume node3.swap\n");
	t->to.n_volumes++;
}

static void what_lies_elsewhere_counts_as_storage(void **state)
{
	struct two *t = *state;
	struct volume *v = cluster_volume(&t->to, "node2.root");

	v->bytes += 4096;
	expect(&t->from, &t->to, 0, "~ volume node2.root: bytes: 5368709120 -> 5368713216\n");
	v->bytes -= 4096;
	v->data.v[0].count++;
	t->to.slabs[0].segments.v[0].start++;
	v = cluster_volume(&t->to, "node1.root");
	v->has_undo = true;
	v->undo_thin = 1;
	expect(&t->from, &t->to, 3,
	       "~ slab slab0: segments: [[0,1000,800]] -> [[0,1001,800]]\n"
	       "~ volume node1.root: undo: none -> {\"thin\":1,\"image\":\"\"}\n"
	       "~ volume node2.root: data: [[0,1260,256]] -> [[0,1260,257]]\n");
}

static void secrets_are_not_shown(void **state)
{
	struct two *t = *state;

	t->to.key[5] ^= 1;
	snprintf(t->to.settings.root_password_hash, sizeof(t->to.settings.root_password_hash), "$6$secret");
	expect(&t->from, &t->to, 0, "~ settings: root-password-hash: another (hidden)\n~ key: another (hidden)\n");
	expect(&t->to, &t->from, 0, "~ settings: root-password-hash: another (hidden)\n~ key: another (hidden)\n");
}

static void nothing_reaches_the_terminal(void **state)
{
	struct two *t = *state;

	snprintf(t->to.images[0].kernel, sizeof(t->to.images[0].kernel), "6\033[2J\n+ volume x");
	expect(&t->from, &t->to, 0, "~ image debian12@1: kernel: 6.1.0-30-amd64 -> 6?[2J?+ volume x\n");
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(what_is_the_same_is_not_told),          test(members_are_told_by_name), test(what_is_there_in_one_only),
		test(what_lies_elsewhere_counts_as_storage), test(secrets_are_not_shown),    test(nothing_reaches_the_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
