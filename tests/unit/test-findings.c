/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every fault of a container, one by one: found, told, and mended only where that is sure. */
#include "tests/unit/unit.h"

#include "volmgr/check/findings.h"

#include <stdlib.h>

#define MAX_LVS 6

/* A container that is well; each test spoils one thing. */
struct bench {
	struct cluster c;
	struct lvm_volume lvs[MAX_LVS];
	struct pv_seen pv;
	struct seen seen;
	struct findings found;
};

static struct lvm_volume *add_lv(struct bench *b, const char *name, struct segment s)
{
	struct lvm_volume *lv = &b->lvs[b->seen.n_lvs++];

	snprintf(lv->name, sizeof(lv->name), "%s", name);
	lv->extents = s.count;
	assert_int_equal(segments_add(&lv->segments, s), 0);
	return lv;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	load_sample(&b->c);
	b->pv = (struct pv_seen){true, b->c.pvs[0].pe_start * 512 + b->c.pvs[0].extents * EXTENT_BYTES};
	b->seen = (struct seen){
		.c = &b->c,
		.super = {SLOT_WHOLE, SLOT_WHOLE},
		.slots = {{SLOT_EMPTY, {0, 0, 0}, false}, {SLOT_WHOLE, {1, 100, 0}, true}},
		.holder_known = true,
		.pvs = &b->pv,
		.lvm_known = true,
		.lvs = b->lvs,
	};
	add_lv(b, "image.debian12.1", (struct segment){0, 0, 256});
	add_lv(b, "slab0", (struct segment){0, 1000, 800});
	add_lv(b, "swap0", (struct segment){0, 5000, 200});
	add_lv(b, "shared", (struct segment){0, 6000, 256});
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	for (size_t i = 0; i < MAX_LVS; i++)
		segments_free(&b->lvs[i].segments);
	cluster_free(&b->c);
	findings_free(&b->found);
	free(b);
	return 0;
}

static const struct findings *judge(struct bench *b)
{
	findings_free(&b->found);
	findings_judge(&b->seen, &b->found);
	assert_false(b->found.failed);
	for (size_t i = 0; i < b->found.n; i++) {
		assert_true(b->found.v[i].text[0]);
		assert_true(fault_is_note(b->found.v[i].fault) || b->found.v[i].how[0]);
	}
	return &b->found;
}

/* Exactly this is found. */
static const struct finding *only(struct bench *b, enum fault fault, enum remedy remedy, const char *name, unsigned number)
{
	const struct findings *f = judge(b);

	for (size_t i = 1; i < f->n; i++)
		print_message("also: %s\n", f->v[i].text);
	assert_int_equal(f->n, 1);
	if (f->v[0].fault != fault || f->v[0].remedy != remedy)
		fail_msg("%s, remedy %d: %s", fault_name(f->v[0].fault), f->v[0].remedy, f->v[0].text);
	assert_string_equal(f->v[0].name, name);
	assert_int_equal(f->v[0].number, number);
	return f->v;
}

static struct segment *first(struct bench *b, const char *lv)
{
	for (size_t i = 0; i < b->seen.n_lvs; i++)
		if (strcmp(b->lvs[i].name, lv) == 0)
			return &b->lvs[i].segments.v[0];
	fail_msg("no LV %s", lv);
	return NULL;
}

static void forget_lv(struct bench *b, const char *lv)
{
	for (size_t i = 0; i < b->seen.n_lvs; i++) {
		if (strcmp(b->lvs[i].name, lv) != 0)
			continue;
		segments_free(&b->lvs[i].segments);
		b->lvs[i] = b->lvs[--b->seen.n_lvs];
		b->lvs[b->seen.n_lvs] = (struct lvm_volume){.name = ""};
	}
}

static void a_container_that_is_well(void **state)
{
	struct bench *b = *state;

	assert_int_equal(judge(b)->n, 0);
	/* However LVM cuts the segments. */
	first(b, "slab0")->count = 300;
	assert_int_equal(segments_add(&b->lvs[1].segments, (struct segment){0, 1300, 500}), 0);
	assert_int_equal(judge(b)->n, 0);
}

static void an_lv_that_nobody_names(void **state)
{
	struct bench *b = *state;

	add_lv(b, "image.debian12.2", (struct segment){0, 300, 10});
	assert_string_equal(only(b, FAULT_LV_UNKNOWN, REMEDY_REMOVE_LV, "image.debian12.2", 0)->text,
			    "LV image.debian12.2 (10 extents) is no image's and no slab's");
}

static void an_lv_of_somebody_else_stays(void **state)
{
	struct bench *b = *state;

	add_lv(b, "backup", (struct segment){0, 300, 10});
	assert_non_null(strstr(only(b, FAULT_LV_UNKNOWN, REMEDY_NONE, "backup", 0)->how, "lvremove"));
}

static void an_unknown_lv_over_a_volume_stays(void **state)
{
	struct bench *b = *state;

	forget_lv(b, "swap0");
	add_lv(b, "image.new.1", (struct segment){0, 5190, 20}); /* ends behind what was the slab */
	judge(b);
	assert_int_equal(b->found.n, 2);
	assert_int_equal(b->found.v[0].fault, FAULT_LV_MISSING);
	assert_int_equal(b->found.v[0].remedy, REMEDY_NONE);
	assert_int_equal(b->found.v[1].fault, FAULT_LV_UNKNOWN);
	assert_int_equal(b->found.v[1].remedy, REMEDY_NONE);
}

static void a_slab_that_lost_its_lv(void **state)
{
	struct bench *b = *state;

	forget_lv(b, "slab0");
	only(b, FAULT_LV_MISSING, REMEDY_RESTORE_LV, "slab0", 0);
}

static void an_image_that_lost_its_lv(void **state)
{
	struct bench *b = *state;

	forget_lv(b, "image.debian12.1");
	only(b, FAULT_LV_MISSING, REMEDY_RESTORE_LV, "image.debian12.1", 0);
}

static void a_slab_that_is_shorter_in_lvm(void **state)
{
	struct bench *b = *state;

	first(b, "slab0")->count = 700;
	assert_non_null(strstr(only(b, FAULT_LV_SHORT, REMEDY_RESTORE_LV, "slab0", 0)->text, "700 of the 800 extents"));
	first(b, "shared")->start = 1750; /* takes some of them; it differs from the state itself */
	judge(b);
	assert_int_equal(b->found.n, 2);
	assert_int_equal(b->found.v[0].fault, FAULT_LV_SHORT);
	assert_int_equal(b->found.v[0].remedy, REMEDY_NONE);
	assert_int_equal(b->found.v[1].fault, FAULT_LV_DIFFERS);
}

static void a_slab_that_is_longer_in_lvm(void **state)
{
	struct bench *b = *state;

	first(b, "slab0")->count = 900;
	assert_string_equal(only(b, FAULT_LV_LONG, REMEDY_TAKE_LV, "slab0", 0)->text,
			    "LV slab0 has 100 extents more than the state knows of its slab");
}

/* What the state has behind the slab is another's: LVM's word is not taken. */
static void a_longer_slab_over_something_else(void **state)
{
	struct bench *b = *state;

	first(b, "slab0")->count = 5000 - 1000 + 1;
	judge(b);
	assert_int_equal(b->found.v[0].fault, FAULT_LV_LONG);
	assert_int_equal(b->found.v[0].remedy, REMEDY_NONE);
}

static void a_slab_that_was_moved(void **state)
{
	struct bench *b = *state;

	first(b, "swap0")->start = 5001;
	only(b, FAULT_LV_DIFFERS, REMEDY_NONE, "swap0", 0);
}

static void a_volume_outside_its_slab(void **state)
{
	struct bench *b = *state;

	cluster_node_volume(&b->c, 3, VOLUME_SWAP)->data.v[0].start = 5190; /* 54 of 64 extents behind the slab's end */
	judge(b);
	assert_int_equal(b->found.n, 2); /* and the state as a whole */
	assert_int_equal(b->found.v[0].fault, FAULT_STATE);
	assert_int_equal(b->found.v[1].fault, FAULT_VOLUME_STRAY);
	assert_string_equal(b->found.v[1].text, "volume node3.swap has 54 extents that are in no slab: LVM may give them to somebody else");
}

static void segments_that_overlap(void **state)
{
	struct bench *b = *state;

	cluster_node_volume(&b->c, 2, VOLUME_SWAP)->data.v[0].start = 5063;
	assert_non_null(strstr(only(b, FAULT_STATE, REMEDY_NONE, "", 0)->text, "node1.swap and node2.swap overlap"));
}

static void a_store_that_nobody_owns(void **state)
{
	struct bench *b = *state;

	b->c.n_nodes = 2;
	judge(b);
	assert_int_equal(b->found.n, 3); /* root, swap, and the state as a whole */
	assert_int_equal(b->found.v[0].fault, FAULT_STATE);
	assert_int_equal(b->found.v[1].fault, FAULT_VOLUME_OWNER);
	assert_int_equal(b->found.v[1].remedy, REMEDY_NONE);
	assert_string_equal(b->found.v[1].name, "node3.root");
}

static void slots_of_removed_nodes(void **state)
{
	static const unsigned nodes[] = {1, 3, 9};
	struct bench *b = *state;

	b->seen.status = nodes;
	b->seen.n_status = 3;
	only(b, FAULT_STATUS_SLOT, REMEDY_CLEAR_STATUS, "", 9);
	b->seen.n_status = 0;
	b->seen.volumes = nodes;
	b->seen.n_volumes = 3;
	only(b, FAULT_VOLUME_SLOT, REMEDY_CLEAR_VOLUMES, "", 9);
}

static void an_image_that_nobody_fills(void **state)
{
	struct bench *b = *state;
	enum filling filling = FILLING_LIVE;

	b->c.images[0].filling = true;
	b->seen.filling = &filling;
	judge(b); /* nothing may stand on it: that is the state's own fault */
	for (size_t i = 0; i < b->found.n; i++)
		assert_int_not_equal(b->found.v[i].fault, FAULT_IMAGE_FILLING);
	filling = FILLING_GONE;
	assert_int_equal(judge(b)->v[1].remedy, REMEDY_REMOVE_IMAGE);
	assert_int_equal(b->found.v[1].fault, FAULT_IMAGE_FILLING);
	assert_string_equal(b->found.v[1].name, "debian12@1");
	filling = FILLING_UNKNOWN;
	assert_int_equal(judge(b)->v[1].remedy, REMEDY_NONE);
	assert_int_equal(b->found.v[1].fault, FAULT_IMAGE_FILLING);
}

static void damaged_superblocks(void **state)
{
	struct bench *b = *state;

	b->seen.super[1] = SLOT_DAMAGED;
	only(b, FAULT_SUPERBLOCK, REMEDY_SUPERBLOCK, "", 1);
	b->seen.super[1] = SLOT_WHOLE;
	b->seen.super[0] = SLOT_EMPTY;
	only(b, FAULT_SUPERBLOCK, REMEDY_SUPERBLOCK, "", 0);
	b->seen.super[0] = SLOT_NEWER;
	only(b, FAULT_SUPERBLOCK, REMEDY_NONE, "", 0);
}

static void damaged_slots(void **state)
{
	struct bench *b = *state;

	b->seen.slots[0] = (struct slot_view){SLOT_DAMAGED, {0, 0, 0}, false};
	assert_string_equal(only(b, FAULT_SLOT, REMEDY_PUBLISH, "", 0)->text,
			    "the header of document slot 0 is damaged; generation 1 is used");
	b->seen.slots[0] = (struct slot_view){SLOT_DAMAGED, {2, 100, 0}, true};
	assert_non_null(strstr(only(b, FAULT_SLOT, REMEDY_PUBLISH, "", 0)->how, "has to be done again"));
	b->seen.slots[0] = (struct slot_view){SLOT_NEWER, {0, 0, 0}, false};
	only(b, FAULT_SLOT, REMEDY_NONE, "", 0);
}

/* Whole, newer than the one used, and refused: it may be a newer program's, so nobody writes over it unasked. */
static void a_newest_document_that_does_not_parse(void **state)
{
	struct bench *b = *state;

	b->seen.slots[0] = (struct slot_view){SLOT_WHOLE, {2, 100, 0}, true};
	b->seen.warning = "node1.swap and node2.swap overlap on the SAN at extent 5063";
	assert_non_null(strstr(only(b, FAULT_SLOT, REMEDY_NONE, "", 0)->text, "node1.swap and node2.swap overlap"));
}

static void no_document_at_all(void **state)
{
	struct bench *b = *state;

	b->seen.c = NULL;
	b->seen.slots[1].state = SLOT_DAMAGED;
	snprintf(b->seen.no_document, sizeof(b->seen.no_document), "no slot holds a whole document");
	judge(b);
	assert_int_equal(b->found.n, 2);
	assert_int_equal(b->found.v[0].fault, FAULT_SLOT);
	assert_int_equal(b->found.v[0].remedy, REMEDY_NONE);
	assert_int_equal(b->found.v[1].fault, FAULT_DOCUMENT);
}

static void partitions(void **state)
{
	struct bench *b = *state;

	b->pv.found = false;
	assert_non_null(strstr(only(b, FAULT_PV_MISSING, REMEDY_NONE, b->c.pvs[0].partuuid, 0)->text,
			       "8 volumes and images have extents there (debian12@1)"));
	b->pv = (struct pv_seen){true, b->pv.bytes - 1};
	only(b, FAULT_PV_SHORT, REMEDY_NONE, b->c.pvs[0].partuuid, 0);
}

/* Only what a change that was cut off can have left is taken away. */
static void pvs_that_nobody_knows(void **state)
{
	struct bench *b = *state;
	struct leftover left = {.disk = "/dev/sdb", .part = {.label = "byre-debian12-pv", .uuid = "0b3c7a52-9", .number = 1}, .ours = true};

	b->seen.strangers = 1;
	only(b, FAULT_PV_UNKNOWN, REMEDY_REMOVE_PV, "", 0);
	b->seen.intent = true;
	b->seen.holder = 2;
	only(b, FAULT_CHANGING, REMEDY_NONE, "", 2);
	b->seen.intent = false;
	b->seen.strangers = 0;
	b->seen.left = &left;
	b->seen.n_left = 1;
	assert_non_null(strstr(only(b, FAULT_PV_LEFT, REMEDY_REMOVE_PV, "0b3c7a52-9", 0)->text, "partition 1 of /dev/sdb"));
	left.ours = false;
	assert_non_null(strstr(only(b, FAULT_PV_LEFT, REMEDY_NONE, "0b3c7a52-9", 0)->how, "another installation"));
}

static void what_cannot_be_read(void **state)
{
	struct bench *b = *state;

	b->seen.holder_known = false;
	snprintf(b->seen.no_holder, sizeof(b->seen.no_holder), "magic");
	only(b, FAULT_LEASE, REMEDY_NONE, "", 0);
	b->seen.holder_known = true;
	b->seen.lvm_known = false;
	snprintf(b->seen.no_lvm, sizeof(b->seen.no_lvm), "no such PV");
	only(b, FAULT_LVM, REMEDY_NONE, "", 0);
	b->seen.lvm_damaged = true;
	only(b, FAULT_LVM, REMEDY_REMAKE_LVM, "", 0);
}

static void an_intent_that_was_left(void **state)
{
	struct bench *b = *state;

	b->seen.intent = true;
	only(b, FAULT_INTENT, REMEDY_PUBLISH, "", 0);
}

/* While somebody changes it, LVM may be ahead: nothing is said of it. */
static void a_change_that_goes_on(void **state)
{
	struct bench *b = *state;

	b->seen.intent = true;
	b->seen.holder = 2;
	add_lv(b, "image.debian12.2", (struct segment){0, 300, 10});
	only(b, FAULT_CHANGING, REMEDY_NONE, "", 2);
	assert_int_equal(findings_faults(&b->found), 0);
}

static void history_gaps_are_notes(void **state)
{
	struct bench *b = *state;

	b->seen.history = 2;
	b->seen.history_first = 5;
	b->seen.history_last = 9;
	only(b, FAULT_HISTORY, REMEDY_NONE, "", 0);
	assert_int_equal(findings_faults(&b->found), 0);
}

static bool meet(const struct segments *a, const struct segments *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++) {
			const struct segment *x = &a->v[i], *y = &b->v[k];

			if (x->pv == y->pv && x->count && y->count && x->start < (uint64_t)y->start + y->count &&
			    y->start < (uint64_t)x->start + x->count)
				return true;
		}
	return false;
}

/* No byte that the state names lies in LV NAME. */
static void holds_nothing(struct bench *b, const char *name)
{
	const struct segments *lv = NULL;

	for (size_t i = 0; i < b->seen.n_lvs; i++)
		if (strcmp(b->lvs[i].name, name) == 0)
			lv = &b->lvs[i].segments;
	assert_non_null(lv);
	for (size_t i = 0; i < b->c.n_images; i++)
		assert_false(meet(lv, &b->c.images[i].segments));
	for (size_t i = 0; i < b->c.n_slabs; i++)
		assert_false(meet(lv, &b->c.slabs[i].segments));
	for (size_t i = 0; i < b->c.n_volumes; i++)
		assert_false(meet(lv, &b->c.volumes[i].data) || meet(lv, &b->c.volumes[i].metadata));
}

/* Anything for segments and names: it ends, and everything that it would mend leaves what the state names alone. */
static void nonsense(void **state)
{
	struct bench *b = *state;

	srand(11);
	add_lv(b, "image.left.1", (struct segment){0, 300, 10});
	for (int round = 0; round < 3000; round++) {
		struct segments *lists[] = {&b->lvs[rand() % b->seen.n_lvs].segments, &b->c.slabs[rand() % b->c.n_slabs].segments,
					    &b->c.volumes[rand() % b->c.n_volumes].data, &b->c.images[0].segments};
		struct segments *s = lists[rand() % 4];
		struct segment *g = &s->v[rand() % s->n];

		switch (rand() % 5) {
		case 0:
			g->start = rand() % 4 ? (uint32_t)rand() % 8000 : UINT32_MAX - (uint32_t)rand() % 3;
			break;
		case 1:
			g->count = rand() % 4 ? (uint32_t)rand() % 900 : UINT32_MAX;
			break;
		case 2:
			g->pv = (uint32_t)rand() % 3;
			break;
		case 3:
			if (s->n < 6)
				assert_int_equal(segments_add(s, (struct segment){0, (uint32_t)rand() % 8000, (uint32_t)rand() % 50}), 0);
			break;
		default:
			b->seen.slots[rand() % 2] =
				(struct slot_view){(enum slot_state)(rand() % 4), {(uint64_t)rand() % 4, 1, 1}, rand() % 2};
		}
		for (size_t i = 0; i < judge(b)->n; i++)
			if (b->found.v[i].remedy == REMEDY_REMOVE_LV)
				holds_nothing(b, b->found.v[i].name);
	}
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(a_container_that_is_well),
		test(an_lv_that_nobody_names),
		test(an_lv_of_somebody_else_stays),
		test(an_unknown_lv_over_a_volume_stays),
		test(a_slab_that_lost_its_lv),
		test(an_image_that_lost_its_lv),
		test(a_slab_that_is_shorter_in_lvm),
		test(a_slab_that_is_longer_in_lvm),
		test(a_longer_slab_over_something_else),
		test(a_slab_that_was_moved),
		test(a_volume_outside_its_slab),
		test(segments_that_overlap),
		test(a_store_that_nobody_owns),
		test(slots_of_removed_nodes),
		test(an_image_that_nobody_fills),
		test(damaged_superblocks),
		test(damaged_slots),
		test(a_newest_document_that_does_not_parse),
		test(no_document_at_all),
		test(partitions),
		test(pvs_that_nobody_knows),
		test(what_cannot_be_read),
		test(an_intent_that_was_left),
		test(a_change_that_goes_on),
		test(history_gaps_are_notes),
		test(nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
