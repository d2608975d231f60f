/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a volume, from what the nodes tell and when they told it. */
#include "tests/unit/unit.h"

#include "volmgr/change/use.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NOW 1000000

static struct volume volume(const char *name, enum volume_kind kind, unsigned node)
{
	struct volume v = {.kind = kind, .node = node};

	snprintf(v.name, sizeof(v.name), "%s", name);
	return v;
}

/* What a node tells: AGE seconds ago, -1: never. */
struct told {
	int status;
	bool left;
	int volumes;
	const char *lists; /* NULL: nothing */
	bool more, ended;
};

static enum use_kind judge(const struct volume *v, unsigned node, struct told t)
{
	struct node_status s = {.node = node, .written = NOW - (uint64_t)t.status, .leaving = t.left};
	const struct volume root = volume("node2.root", VOLUME_ROOT, 2);
	struct volume_status l = {.node = node, .written = NOW - (uint64_t)t.volumes, .more = t.more, .leaving = t.ended, .n = t.lists ? 1 : 0};

	if (t.lists)
		snprintf(l.stores[0].volume, sizeof(l.stores[0].volume), "%s", t.lists);
	return use_judge(v, node, node == 2 ? &root : NULL, t.status < 0 ? NULL : &s, t.volumes < 0 ? NULL : &l, NOW);
}

static void roots_are_their_nodes(void **state)
{
	const struct volume root = volume("node2.root", VOLUME_ROOT, 2), swap = volume("node2.swap", VOLUME_SWAP, 2);
	const struct volume shared = volume("shared", VOLUME_SHARED, 0);
	const int old = VOLUME_STATUS_FRESH + 1;

	(void)state;
	assert_int_equal(judge(&root, 2, (struct told){-1, false, -1, NULL, false, false}), USE_NONE);
	assert_int_equal(judge(&root, 2, (struct told){1, false, -1, NULL, false, false}), USE_THERE);
	assert_int_equal(judge(&root, 2, (struct told){1, false, 1, NULL, false, false}), USE_THERE); /* volmgrd has not looked yet */
	assert_int_equal(judge(&root, 3, (struct told){1, false, 1, NULL, false, false}), USE_NONE);
	assert_int_equal(judge(&swap, 2, (struct told){1, false, 1, "node2.swap", false, false}), USE_THERE);
	assert_int_equal(judge(&shared, 3, (struct told){STATUS_FRESH + 1, false, -1, NULL, false, false}), USE_SILENT);
	/* Metamaster has left, volmgrd tells still; then its last word; or it was cut off. */
	assert_int_equal(judge(&root, 2, (struct told){5, true, 1, "node2.root", false, false}), USE_ENDING);
	assert_int_equal(judge(&root, 2, (struct told){5, true, 1, "node2.root", false, true}), USE_NONE);
	assert_int_equal(judge(&root, 2, (struct told){old + 9, true, old, "node2.root", false, false}), USE_SILENT);
	assert_int_equal(judge(&root, 2, (struct told){old, true, old + 9, "node2.root", false, false}), USE_NONE);
	/* Metamaster is dead, or has not started yet. */
	assert_int_equal(judge(&root, 2, (struct told){500, false, 1, "node2.root", false, false}), USE_THERE);
	assert_int_equal(judge(&root, 2, (struct told){500, true, 1, "node2.root", false, false}), USE_ENDING);
	assert_int_equal(judge(&root, 2, (struct told){-1, false, 1, "node2.root", false, false}), USE_THERE);
	assert_int_equal(judge(&root, 2, (struct told){-1, false, old, "node2.root", false, false}), USE_SILENT);
}

/* The initrd has written the volume slot; the status slot is that of the boot before. */
static void who_boots_has_its_root(void **state)
{
	const struct volume root = volume("node2.root", VOLUME_ROOT, 2), swap = volume("node2.swap", VOLUME_SWAP, 2), other = volume("node3.swap", VOLUME_SWAP, 3);
	const struct volume shared = volume("shared", VOLUME_SHARED, 0), disk = volume("d", VOLUME_DISK, 2);
	const struct told boots = {500, true, 1, "node2.root", false, false}, hangs = {5000, true, 4000, "node2.root", false, false};
	const struct told new = {-1, false, 1, "node2.root", false, false}, crashed = {5000, false, 1, "node2.root", false, false};
	const struct volume *const mine[] = {&root, &swap, &shared};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(judge(mine[i], 2, boots), USE_ENDING);
		assert_int_equal(judge(mine[i], 2, hangs), USE_SILENT);
		assert_int_equal(judge(mine[i], 2, new), USE_THERE);
		assert_int_equal(judge(mine[i], 2, crashed), USE_THERE);
	}
	assert_int_equal(judge(&other, 2, boots), USE_NONE);
	assert_int_equal(judge(&disk, 2, boots), USE_NONE);
	assert_int_equal(judge(&shared, 3, boots), USE_NONE);
}

static void disks_are_whose_volmgrd_tells_so(void **state)
{
	const struct volume disk = volume("d", VOLUME_DISK, 2);
	const int old = VOLUME_STATUS_FRESH + 1;

	(void)state;
	assert_int_equal(judge(&disk, 2, (struct told){1, false, 1, "other", false, false}), USE_NONE);
	assert_int_equal(judge(&disk, 2, (struct told){1, false, 1, "d", false, false}), USE_THERE);
	assert_int_equal(judge(&disk, 3, (struct told){1, false, 1, "d", false, false}), USE_THERE); /* not the holder */
	assert_int_equal(judge(&disk, 2, (struct told){1, false, 1, "other", true, false}), USE_THERE); /* the list is not whole */
	assert_int_equal(judge(&disk, 3, (struct told){1, false, 1, "other", true, false}), USE_NONE);
	assert_int_equal(judge(&disk, 2, (struct told){1, true, 1, "d", false, false}), USE_ENDING);
	assert_int_equal(judge(&disk, 2, (struct told){1, true, 1, "d", false, true}), USE_NONE);
	assert_int_equal(judge(&disk, 2, (struct told){1, false, old, "d", false, false}), USE_THERE);
	assert_int_equal(judge(&disk, 2, (struct told){500, false, old, "d", false, false}), USE_SILENT);
}

static void it_is_refused_in_a_sentence(void **state)
{
	struct cluster c CLEANUP(cluster_freep);
	const struct volume disk = volume("d", VOLUME_DISK, 2), root = volume("node2.root", VOLUME_ROOT, 2);
	const struct {
		const struct volume *v;
		struct use use;
		const char *text;
	} cases[] = {
		{&disk, {USE_HERE, 0}, "volume d is in use on this machine: volmgr detach d"},
		{&root, {USE_HERE, 0}, "volume node2.root is in use on this machine"},
		{&disk, {USE_HELD, 2}, "volume d is held by node 2: volmgr give d there first"},
		{&disk, {USE_THERE, 3}, "volume d is in use on node3: volmgr detach d there, then volmgr give d"},
		{&root, {USE_THERE, 2}, "volume node2.root: node2 is up: shut it down first"},
		{&root, {USE_ENDING, 2}, "volume node2.root: node2 is shutting down or starting, and has it: wait until it is off"},
		{&root, {USE_SILENT, 2}, "volume node2.root: node2 is silent, but did not shut down: make sure that it is off"},
	};

	(void)state;
	load_sample(&c);
	assert_int_equal(use_refuse(&c, &disk, &(struct use){USE_NONE, 0}, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error e = ERROR_INIT;

		assert_int_equal(use_refuse(&c, cases[i].v, &cases[i].use, &e), -EBUSY);
		assert_string_equal(e.text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_are_their_nodes),
		cmocka_unit_test(who_boots_has_its_root),
		cmocka_unit_test(disks_are_whose_volmgrd_tells_so),
		cmocka_unit_test(it_is_refused_in_a_sentence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
