/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/unit.h"

#include "volmgr/container/gpt.h"
#include "volmgr/container/lvm_report.h"
#include "volmgr/container/plan.h"
#include "volmgr/volumes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GIB (1024ull * PLAN_MIB)

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(plan_extents(0), 0);
	assert_int_equal(plan_extents(1), 1);
	assert_int_equal(plan_extents(4 * PLAN_MIB), 1);
	assert_int_equal(plan_extents(4 * PLAN_MIB + 1), 2);
	assert_int_equal(plan_extents(UINT64_MAX), UINT32_MAX);
	/* never less than 8 MiB */
	assert_int_equal(plan_metadata_extents(512 * PLAN_MIB), 2);
	assert_int_equal(plan_metadata_extents(10 * GIB), 7);
	assert_int_equal(plan_metadata_extents(1024 * GIB), 681);
}

/* --- a container on a disk -------------------------------------------------------------------------------------------- */

static struct disk_segment segments[] = {{100 * GIB + 512, 20 * GIB}, {PLAN_MIB, 5 * GIB}};

static struct disk_info disk(void)
{
	struct disk_info d = {.path = "/dev/sdz", .bytes = 200 * GIB, .has_table = true, .free_segments = segments, .n_free = 2};

	return d;
}

static struct settings answers(void)
{
	struct settings s = {
		.container_name = "debian12",
		.free_space_allocation = "largest",
		.number_of_nodes = 3,
		.volume_size = 5120,
		.store_size = 1024,
		.swap_size = 510,
		.shared_size = 1000,
	};

	return s;
}

static void refused(const struct settings *s, const struct disk_info *d, uint64_t image, int code, const char *why)
{
	struct container_plan p = {.needed = 77};
	struct error e = ERROR_INIT;

	assert_int_equal(container_plan(s, d, image, &p, &e), -code);
	assert_string_equal(e.text, why);
	assert_int_equal(p.needed, 77);
}

static void a_container_is_planned(void **state)
{
	struct settings s = answers();
	struct disk_info d = disk();
	struct container_plan p;

	(void)state;
	assert_int_equal(container_plan(&s, &d, GIB + 1, &p, NULL), 0);
	assert_int_equal(p.segment.start % PLAN_ALIGN, 0);
	assert_int_equal(p.segment.size % PLAN_ALIGN, 0);
	assert_int_equal(p.segment.start, 100 * GIB + PLAN_ALIGN);
	assert_int_equal(p.image_extents, 257);
	assert_int_equal(p.slab_extents, 3 * (256 + plan_metadata_extents(5 * GIB)) + 128); /* and slack of 512 MiB */
	assert_int_equal(p.swap_extents, 3 * 128);
	assert_int_equal(p.shared_extents, 250);
	assert_int_equal(p.needed, PLAN_STATE + PLAN_PV_HEAD + p.image + p.stores + p.swap + p.shared);
}

/* What fits without slack fits with it. */
static void slack_refuses_nothing(void **state)
{
	struct settings s = answers();
	struct disk_info d = disk();
	struct container_plan p;

	(void)state;
	assert_int_equal(container_plan(&s, &d, GIB, &p, NULL), 0);
	for (uint64_t spare = 0; spare < GIB; spare += 100 * PLAN_MIB) {
		struct disk_segment one = {PLAN_ALIGN, p.needed + spare};
		struct container_plan tight;

		d.free_segments = &one;
		d.n_free = 1;
		assert_int_equal(container_plan(&s, &d, GIB, &tight, NULL), 0);
		assert_int_equal(tight.needed, p.needed);
		assert_in_range(tight.slab_extents * EXTENT_BYTES - p.stores, spare / 3, spare / 2);
		assert_true(tight.slab_extents * EXTENT_BYTES - p.stores <= 512 * PLAN_MIB);
	}
}

/* Two nodes more cost two stores and two swap areas, never an image. */
static void a_node_costs_its_private_space(void **state)
{
	struct settings s = answers();
	struct disk_info d = disk();
	struct container_plan three, five;

	(void)state;
	assert_int_equal(container_plan(&s, &d, GIB, &three, NULL), 0);
	s.number_of_nodes = 5;
	assert_int_equal(container_plan(&s, &d, GIB, &five, NULL), 0);
	assert_int_equal(five.image, three.image);
	assert_int_equal(five.needed - three.needed, 2 * (three.stores + three.swap) / 3);
}

static void a_range_can_be_named(void **state)
{
	struct settings s = answers();
	struct disk_info d = disk();
	struct container_plan p;

	(void)state;
	s.number_of_nodes = 1;
	snprintf(s.free_space_allocation, sizeof(s.free_space_allocation), "0-5000");
	assert_int_equal(container_plan(&s, &d, GIB, &p, NULL), 0);
	assert_int_equal(p.segment.start, PLAN_ALIGN);
	assert_int_equal(p.segment.start + p.segment.size, 5000 * PLAN_MIB);
	snprintf(s.free_space_allocation, sizeof(s.free_space_allocation), "4000-6000");
	refused(&s, &d, GIB, EINVAL, "free-space-allocation: 4000-6000 MiB is not free on /dev/sdz");
	snprintf(s.free_space_allocation, sizeof(s.free_space_allocation), "6000-5000");
	refused(&s, &d, GIB, EINVAL, "free-space-allocation: '6000-5000' is neither 'largest' nor START-END in MiB");
}

static void what_cannot_be_is_refused(void **state)
{
	static struct container_place there = {.name = "debian12", .disk = "/dev/sdz"};
	struct settings s = answers();
	struct disk_info d = disk();

	(void)state;
	d.containers = &there;
	d.n_containers = 1;
	refused(&s, &d, GIB, EEXIST, "container-name: a container 'debian12' is on /dev/sdz already: choose another name");
	d.n_containers = 0;
	refused(&s, &d, 6 * GIB, EINVAL, "volume-size: the image takes 6.0 GiB, a volume of 5.0 GiB is smaller");
	s.number_of_nodes = 100;
	refused(&s, &d, GIB, ENOSPC,
		"the container needs 154 GiB, the free segment of /dev/sdz has 20.0 GiB: make volumes smaller or choose another disk");
	d.has_table = false;
	snprintf(d.other_content, sizeof(d.other_content), "ext4");
	refused(&s, &d, GIB, ENOTEMPTY, "/dev/sdz has no GPT, but holds something (ext4): wipe it yourself if it may go");
	d = disk();
	snprintf(s.container_name, sizeof(s.container_name), "abcdefghijklmnopqrstuvwxyz");
	refused(&s, &d, GIB, EINVAL,
		"container-name: 'abcdefghijklmnopqrstuvwxyz' is longer than 25 characters, too long for a partition's name");
}

/* --- extents -------------------------------------------------------------------------------------------------------------- */

static void add(struct segments *s, uint32_t pv, uint32_t start, uint32_t count)
{
	assert_int_equal(segments_add(s, (struct segment){pv, start, count}), 0);
}

static void expect(const struct segments *s, const struct segment *want, size_t n)
{
	assert_int_equal(s->n, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(s->v[i].pv, want[i].pv);
		assert_int_equal(s->v[i].start, want[i].start);
		assert_int_equal(s->v[i].count, want[i].count);
	}
}

static void free_space_is_what_nobody_has(void **state)
{
	struct segments slab CLEANUP(segments_free) = {NULL, 0}, a CLEANUP(segments_free) = {NULL, 0}, b CLEANUP(segments_free) = {NULL, 0};
	struct segments left CLEANUP(segments_free) = {NULL, 0};
	const struct segments *used[] = {&a, &b};
	const struct segment want[] = {{0, 10, 5}, {0, 18, 2}, {1, 0, 3}, {1, 9, 1}};

	(void)state;
	add(&slab, 0, 10, 10);
	add(&slab, 1, 0, 10);
	add(&a, 1, 3, 2);
	add(&a, 0, 15, 3);
	add(&b, 1, 5, 4);
	add(&b, 2, 0, 100);
	assert_int_equal(plan_free(&slab, used, 2, &left), 0);
	expect(&left, want, 4);
}

static void the_smallest_run_that_fits_is_taken(void **state)
{
	struct segments left CLEANUP(segments_free) = {NULL, 0}, got CLEANUP(segments_free) = {NULL, 0};
	const struct segment want[] = {{0, 20, 4}, {0, 0, 10}, {0, 40, 2}};

	(void)state;
	add(&left, 0, 0, 10);
	add(&left, 0, 20, 5);
	add(&left, 0, 40, 7);
	assert_int_equal(plan_take(&left, 4, &got), 0);
	assert_int_equal(plan_take(&left, 12, &got), 0); /* no run holds them: the largest, and the rest of the next that does */
	expect(&got, want, 3);
	assert_int_equal(plan_take(&left, 7, &got), -ENOSPC);
	assert_int_equal(segments_extents(&left), 6);
	assert_int_equal(plan_take(&left, 6, &got), 0);
	assert_int_equal(left.n, 0);
	assert_int_equal(plan_take(&left, 0, &got), 0);
}

/* Takes and gives back at random: nothing is ever given twice, nothing is lost. */
static void takes_never_overlap(void **state)
{
	enum { EXTENTS = 200, OWNERS = 12 };
	struct segments slab CLEANUP(segments_free) = {NULL, 0}, owner[OWNERS] = {{NULL, 0}};
	const struct segments *used[OWNERS];

	(void)state;
	srand(7);
	add(&slab, 0, 5, EXTENTS / 2);
	add(&slab, 1, 0, EXTENTS / 2);
	for (size_t i = 0; i < OWNERS; i++)
		used[i] = &owner[i];
	for (int round = 0; round < 2000; round++) {
		struct segments left CLEANUP(segments_free) = {NULL, 0};
		struct segments *o = &owner[rand() % OWNERS];
		char seen[2][EXTENTS + 5] = {{0}};
		uint64_t total = 0;

		if (o->n)
			segments_free(o);
		else if (plan_free(&slab, used, OWNERS, &left) == 0)
			plan_take(&left, (uint32_t)(rand() % 40 + 1), o);
		segments_free(&left);
		assert_int_equal(plan_free(&slab, used, OWNERS, &left), 0);
		for (size_t i = 0; i <= OWNERS; i++) {
			const struct segments *s = i < OWNERS ? &owner[i] : &left;

			total += segments_extents(s);
			for (size_t k = 0; k < s->n; k++)
				for (uint32_t x = 0; x < s->v[k].count; x++)
					assert_int_equal(seen[s->v[k].pv][s->v[k].start + x]++, 0);
		}
		assert_int_equal(total, EXTENTS);
	}
	for (size_t i = 0; i < OWNERS; i++)
		segments_free(&owner[i]);
}

static struct cluster three_nodes(void)
{
	struct cluster c;

	cluster_init(&c);
	c.settings = answers();
	c.nodes = calloc(3, sizeof(*c.nodes));
	c.n_nodes = 3;
	for (unsigned i = 0; i < 3; i++)
		c.nodes[i].number = 2 * i + 1;
	c.images = calloc(1, sizeof(*c.images));
	c.n_images = 1;
	c.images[0] = (struct image){.name = "debian12", .version = 1, .bytes = 3 * GIB};
	c.slabs = calloc(2, sizeof(*c.slabs));
	c.n_slabs = 2;
	snprintf(c.slabs[0].lv, sizeof(c.slabs[0].lv), "stores");
	snprintf(c.slabs[1].lv, sizeof(c.slabs[1].lv), "swap");
	for (uint32_t i = 0; i < 8; i++)
		add(&c.slabs[0].segments, 0, 200 * i, 100);
	add(&c.slabs[1].segments, 0, 5000, 3 * 128);
	return c;
}

static void nodes_get_volumes_from_fragments(void **state)
{
	struct cluster c CLEANUP(cluster_freep) = three_nodes();
	struct error e = ERROR_INIT;
	uint32_t metadata = plan_metadata_extents(5 * GIB);

	(void)state;
	if (plan_node_volumes(&c, "debian12@1", &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(c.n_volumes, 6);
	assert_string_equal(c.volumes[4].name, "node5.root");
	assert_string_equal(c.volumes[5].name, "node5.swap");
	assert_string_equal(c.volumes[4].image, "debian12@1");
	for (size_t i = 0; i < 6; i += 2) {
		assert_int_equal(segments_extents(&c.volumes[i].metadata), metadata);
		assert_int_equal(segments_extents(&c.volumes[i].data), 256);
		assert_int_equal(c.volumes[i].bytes, 5 * GIB);
		assert_int_equal(segments_extents(&c.volumes[i + 1].data), 128);
		assert_int_equal(c.volumes[i + 1].data.v[0].start, 5000 + 128 * i / 2);
	}
	assert_true(c.volumes[0].data.n > 1);
	assert_int_equal(plan_node_volumes(&c, "debian12@1", &e), -ENOSPC);
	assert_int_equal(c.n_volumes, 6);
}

/* A tenth of the image, unless the answers say something else. */
static void a_store_is_a_tenth_of_its_image(void **state)
{
	struct cluster c CLEANUP(cluster_freep) = three_nodes();
	struct disk_info d = disk();
	struct container_plan p;

	(void)state;
	assert_int_equal(store_default(10 * GIB, 20 * GIB), GIB);
	assert_int_equal(store_default(10 * GIB + 10, 20 * GIB), GIB + EXTENT_BYTES);
	assert_int_equal(store_default(GIB, 5 * GIB), 256 * PLAN_MIB);
	assert_int_equal(store_default(0, 5 * GIB), 256 * PLAN_MIB);
	assert_int_equal(store_default(GIB, 100 * PLAN_MIB), 100 * PLAN_MIB);
	c.settings.store_size = 0;
	assert_int_equal(plan_node_volumes(&c, "debian12@1", NULL), 0);
	assert_int_equal(segments_extents(&c.volumes[0].data), 77); /* of 3 GiB */
	assert_int_equal(container_plan(&c.settings, &d, 3 * GIB, &p, NULL), 0);
	assert_int_equal(p.slab_extents, 3 * (77 + plan_metadata_extents(5 * GIB)) + 128);
}

/* --- what LVM reports ---------------------------------------------------------------------------------------------------------- */

static const struct pv group[] = {{.uuid = "VzWbRq-0001"}, {.uuid = "VzWbRq-0002"}};

#define ROW(pv, lv, at, start, size) ROW_OF("one", "", pv, lv, at, start, size)
#define ROW_OF(vg, missing, pv, lv, at, start, size)                                                                                       \
	"{\"vg_name\":\"" vg "\", \"pv_missing\":\"" missing "\", \"pv_uuid\":\"VzWbRq-000" pv "\", \"lv_name\":\"" lv                     \
	"\", \"seg_start_pe\":\"" at "\", \"pvseg_start\":\"" start "\", \"pvseg_size\":\"" size "\"}"
#define PVSEGS(rows) "{\"report\": [{\"pvseg\": [" rows "]}]}"

static void lvm_reports_are_read(void **state)
{
	static const char pvs[] = "{\"report\": [{\"pv\": [{\"pv_uuid\":\"VzWbRq-0001\", \"pe_start\":\"40960\", \"pv_pe_count\":\"441\", "
				  "\"vg_extent_size\":\"8192\"}]}]}";
	struct pv pv = {.extents = 0};
	uint64_t extent;

	(void)state;
	assert_int_equal(lvm_parse_pv(pvs, &pv, &extent, NULL), 0);
	assert_int_equal(pv.pe_start, 40960);
	assert_int_equal(pv.extents, 441);
	assert_int_equal(extent, EXTENT_SECTORS);
}

static void lvm_volumes_lie_on_several_disks(void **state)
{
	/* By PV and place there, as LVM says it; free space has no name. */
	static const char text[] = PVSEGS(
		ROW("1", "image", "0", "0", "64") "," ROW("1", "stores", "10", "64", "1") "," ROW("1", "stores", "0", "70", "10") "," ROW(
			"1", "", "0", "80", "361") "," ROW("2", "stores", "11", "5", "100") "," ROW("2", "", "0", "105", "7"));
	const struct segment want[] = {{0, 70, 10}, {0, 64, 1}, {1, 5, 100}};
	struct lvm_volume *v;
	size_t n;

	(void)state;
	assert_int_equal(lvm_parse_segments(text, group, 2, &v, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_string_equal(v[0].name, "image");
	assert_int_equal(v[0].extents, 64);
	assert_string_equal(v[1].name, "stores");
	assert_int_equal(v[1].extents, 111);
	expect(&v[1].segments, want, 3);
	lvm_list_free(v, n);
	assert_int_equal(lvm_parse_segments(PVSEGS(ROW("2", "", "0", "0", "7") "," ROW("1", "", "0", "0", "7")), group, 2, &v, &n, NULL),
			 0);
	assert_int_equal(n, 0);
	lvm_list_free(v, n);
}

#define PVS(rows)        "{\"report\": [{\"pv\": [" rows "]}]}"
#define PVROW(pv, group) "{\"pv_uuid\":\"" pv "\", \"vg_uuid\":\"" group "\"}"

/* What `volmgr san add` leaves in LVM's metadata when it is cut off before the state knows. */
static void pvs_that_the_state_does_not_know(void **state)
{
	char of[LVM_UUID_SIZE] = "";
	size_t n = 7;

	(void)state;
	assert_int_equal(
		lvm_parse_strangers(PVS(PVROW("VzWbRq-0001", "Fu42si") "," PVROW("VzWbRq-0002", "Fu42si")), group, 2, &n, of, NULL), 0);
	assert_int_equal(n, 0);
	assert_string_equal(of, "Fu42si");
	assert_int_equal(
		lvm_parse_strangers(PVS(PVROW("VzWbRq-0001", "Fu42si") "," PVROW("VzWbRq-0009", "Fu42si")), group, 2, &n, of, NULL), 0);
	assert_int_equal(n, 1);
	/* Blank, as `pvs --all` tells it; then nothing at all. */
	assert_int_equal(lvm_parse_strangers(PVS(PVROW("", "")), NULL, 0, &n, of, NULL), 0);
	assert_int_equal(n, 0);
	assert_string_equal(of, "");
	assert_int_equal(lvm_parse_strangers(PVS(""), NULL, 0, &n, of, NULL), 0);
	assert_int_equal(lvm_parse_strangers(PVSEGS(""), NULL, 0, &n, of, NULL), -EPROTO);
}

#define END_BYTES (64 * 1024)

static void put_entry(unsigned char *at, const char *name)
{
	at[0] = 1; /* a type */
	for (size_t i = 0; name[i]; i++)
		at[56 + 2 * i] = (unsigned char)name[i];
}

/* What a machine that died while it wrote a GPT has left, step by step; and what only looks like it. */
static void a_half_written_table_is_known(void **state)
{
	static unsigned char first[END_BYTES], last[END_BYTES];
	unsigned char *backup = last + END_BYTES - 512 - 16384;

	(void)state;
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "one")); /* blank */
	put_entry(backup, "byre-one-pv");
	assert_true(gpt_half_written(first, last, END_BYTES, 512, "one"));
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "on"));
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "one2"));
	memcpy(last + END_BYTES - 512, "EFI PART", 8);
	put_entry(first + 1024, "byre-one-pv");
	memcpy(first + 512, "EFI PART", 8);
	assert_true(gpt_half_written(first, last, END_BYTES, 512, "one"));
	assert_false(gpt_half_written(first, last, END_BYTES, 4096, "one"));
	put_entry(first + 1024 + 128, "home"); /* somebody's, whose MBR was lost */
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "one"));
	memset(first + 1024 + 128, 0, 128);
	first[END_BYTES - 1] = 1;
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "one"));
	first[END_BYTES - 1] = 0;
	first[510] = 0x55; /* whole: not ours to judge */
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "one"));
	first[510] = 0;
	last[0] = 1;
	assert_false(gpt_half_written(first, last, END_BYTES, 512, "one"));
}

/* What LVM says of a PV on which it finds no label; of one whose metadata it cannot read; and of a group that misses one. */
static void damaged_metadata_are_told(void **state)
{
	static const char *const damaged[] = {
		PVSEGS(""),
		PVSEGS(ROW("1", "", "0", "0", "7")),
		PVSEGS(ROW("1", "", "0", "0", "7") "," ROW_OF("", "", "2", "", "0", "0", "0")),
		PVSEGS(ROW("1", "", "0", "0", "7") "," ROW_OF("one", "missing", "2", "image", "0", "0", "4")),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct lvm_volume *v = NULL;
		size_t n = 77;

		assert_int_equal(lvm_parse_segments(damaged[i], group, 2, &v, &n, NULL), -EUCLEAN);
		assert_null(v);
		assert_int_equal(n, 77);
	}
}

static void nonsense_from_lvm_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"{\"report\":[]}",
		"{\"report\":[{\"pvseg\":3,\"pv\":3}]}",
		"{\"report\":[{\"pvseg\":[{\"lv_name\":\"image\"}],\"pv\":[{\"pv_uuid\":3}]}]}",
		"{\"report\":[{\"pvseg\":[3,[]],\"pv\":[{\"pv_uuid\":\"x\",\"pe_start\":\"-1\"}]},{}",
		PVSEGS(ROW("3", "image", "0", "0", "64")),                                     /* a PV that nobody knows */
		PVSEGS(ROW("1", "image", "0", "0", "0")),                                      /* empty */
		PVSEGS(ROW("1", "image", "1", "0", "4")),                                      /* its begin is missing */
		PVSEGS(ROW("1", "image", "0", "0", "4") "," ROW("2", "image", "0", "0", "4")), /* a stripe or a mirror */
		PVSEGS(ROW("1", "image", "0", "4294967295", "2")),
		PVSEGS(ROW("1", "image", "0", "x", "2")),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lvm_volume *v = NULL;
		size_t n = 77;
		struct pv pv;
		uint64_t extent;

		assert_int_equal(lvm_parse_segments(bad[i], group, 2, &v, &n, NULL), -EPROTO);
		assert_null(v);
		assert_int_equal(n, 77);
		assert_int_equal(lvm_parse_pv(bad[i], &pv, &extent, NULL), -EPROTO);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(a_container_is_planned),
		cmocka_unit_test(slack_refuses_nothing),
		cmocka_unit_test(a_node_costs_its_private_space),
		cmocka_unit_test(a_range_can_be_named),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(free_space_is_what_nobody_has),
		cmocka_unit_test(the_smallest_run_that_fits_is_taken),
		cmocka_unit_test(takes_never_overlap),
		cmocka_unit_test(nodes_get_volumes_from_fragments),
		cmocka_unit_test(a_store_is_a_tenth_of_its_image),
		cmocka_unit_test(lvm_reports_are_read),
		cmocka_unit_test(lvm_volumes_lie_on_several_disks),
		cmocka_unit_test(pvs_that_the_state_does_not_know),
		cmocka_unit_test(a_half_written_table_is_known),
		cmocka_unit_test(damaged_metadata_are_told),
		cmocka_unit_test(nonsense_from_lvm_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
