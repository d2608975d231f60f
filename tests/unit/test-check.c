/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What must hold between the parts of a cluster: each rule broken once, and told with the names of who breaks it. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>

static int setup(void **state)
{
	struct cluster *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	load_sample(c);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	cluster_free(*state);
	free(*state);
	return 0;
}

static void refused(const struct cluster *c, const char *message)
{
	struct error e = ERROR_INIT;

	if (cluster_check(c, &e) == 0)
		fail_msg("accepted, although: %s", message);
	assert_string_equal(e.text, message);
}

static void accepted(const struct cluster *c)
{
	struct error e = ERROR_INIT;

	if (cluster_check(c, &e) < 0)
		fail_msg("%s", e.text);
}

static struct volume *root(struct cluster *c, unsigned node)
{
	return cluster_node_volume(c, node, VOLUME_ROOT);
}

/* A volume NAME of that kind and node, with one extent at START. */
static struct volume *add_volume(struct cluster *c, const char *name, enum volume_kind kind, unsigned node, uint32_t start)
{
	struct volume *v;

	c->volumes = realloc(c->volumes, (c->n_volumes + 1) * sizeof(*c->volumes));
	assert_non_null(c->volumes);
	v = &c->volumes[c->n_volumes++];
	*v = (struct volume){.kind = kind, .node = node, .bytes = 4096};
	snprintf(v->name, sizeof(v->name), "%s", name);
	assert_int_equal(segments_add(&v->data, (struct segment){0, start, 1}), 0);
	if (volume_is_thin(v)) {
		assert_int_equal(segments_add(&v->metadata, (struct segment){0, start + 1, 1}), 0);
		snprintf(v->image, sizeof(v->image), "debian12@1");
	}
	return v;
}

/* debian12@VERSION, of one extent at START. */
static struct image *add_image(struct cluster *c, unsigned version, uint32_t start)
{
	struct image *i;

	c->images = realloc(c->images, (c->n_images + 1) * sizeof(*c->images));
	assert_non_null(c->images);
	i = &c->images[c->n_images++];
	*i = (struct image){.name = "debian12", .version = version, .bytes = 4096};
	assert_int_equal(segments_add(&i->segments, (struct segment){0, start, 1}), 0);
	return i;
}

static void set(char *dst, const char *text)
{
	memcpy(dst, text, strlen(text) + 1);
}

static void volumes_are_cut_from_slabs(void **state)
{
	struct cluster *c = *state;
	struct segment *g = &root(c, 3)->data.v[0];

	accepted(c);
	*g = (struct segment){0, 300, 10};
	refused(c, "node3.root: extents 300 to 309 of PV 0 are in no slab");
	*g = (struct segment){0, 1900, 256};
	refused(c, "node3.root: extents 1900 to 2155 of PV 0 are in no slab");
	*g = (struct segment){0, 1790, 256};
	refused(c, "node3.root: extents 1790 to 2045 of PV 0 reach out of slab slab0, which ends at 1799");
	*g = (struct segment){0, 7000, 10};
	refused(c, "node3.root: extents 7000 to 7009 of PV 0 are in no slab");
	*g = (struct segment){0, 1544, 256}; /* up to its end */
	accepted(c);
	root(c, 3)->metadata.v[0] = (struct segment){0, 999, 1};
	refused(c, "node3.root: extents 999 to 999 of PV 0 are in no slab");
}

/* The swap areas and the shared volume as well; and a slab may have grown. */
static void so_are_swap_and_shared(void **state)
{
	struct cluster *c = *state;
	struct segments *slab = &c->slabs[1].segments;

	cluster_node_volume(c, 3, VOLUME_SWAP)->data.v[0] = (struct segment){0, 5190, 64};
	refused(c, "node3.swap: extents 5190 to 5253 of PV 0 reach out of slab swap0, which ends at 5199");
	assert_int_equal(segments_add(slab, (struct segment){0, 5200, 100}), 0);
	accepted(c);
	c->volumes[0].data.v[0] = (struct segment){0, 7000, 256};
	refused(c, "shared: extents 7000 to 7255 of PV 0 are in no slab");
}

static void a_volume_spans_no_two_slabs(void **state)
{
	struct cluster *c = *state;

	c->slabs[1].segments.v[0] = (struct segment){0, 1800, 3400}; /* adjoins slab0 */
	root(c, 3)->data.v[0] = (struct segment){0, 1790, 20};
	refused(c, "node3.root: extents 1790 to 1809 of PV 0 reach out of slab slab0, which ends at 1799");
}

static void every_pv_has_its_own(void **state)
{
	struct cluster *c = *state;

	c->pvs = realloc(c->pvs, 2 * sizeof(*c->pvs));
	assert_non_null(c->pvs);
	c->n_pvs = 2;
	c->pvs[1] = c->pvs[0];
	refused(c, "PV 0 and PV 1: both have partition GUID 0b3c7a52-6a4e-4a4b-9d8f-1c2d3e4f5a6b");
	c->pvs[1].partuuid[0] = '1';
	accepted(c);
	root(c, 3)->data.v[0].pv = 1; /* the slab of those extents is on PV 0 */
	refused(c, "node3.root: extents 1518 to 1773 of PV 1 are in no slab");
}

static void a_node_has_one_root(void **state)
{
	struct cluster *c = *state;

	add_volume(c, "other", VOLUME_ROOT, 2, 1790);
	refused(c, "node 2 has two volumes for root: node2.root and other");
	c->volumes[c->n_volumes - 1].kind = VOLUME_DISK;
	accepted(c);
	root(c, 2)->kind = VOLUME_DISK;
	refused(c, "node 2 (node2) has no root volume");
	root(c, 3)->kind = VOLUME_DISK;
	root(c, 1)->kind = VOLUME_DISK;
	refused(c, "node 1 (node1) has no root volume");
}

static void a_node_has_at_most_one_swap(void **state)
{
	struct cluster *c = *state;

	add_volume(c, "more.swap", VOLUME_SWAP, 3, 5199);
	refused(c, "node 3 has two volumes for swap: node3.swap and more.swap");
	c->n_volumes--;
	segments_free(&c->volumes[c->n_volumes].data);
	c->volumes[6].kind = VOLUME_SHARED; /* none is enough */
	c->volumes[6].node = 0;
	accepted(c);
}

static void owners_are_nodes(void **state)
{
	struct cluster *c = *state;

	c->volumes[0].node = 2;
	refused(c, "volume shared: it is shared, and yet node 2's");
	c->volumes[0].node = 0;
	add_volume(c, "vm1", VOLUME_DISK, 4, 1790);
	refused(c, "volume vm1: there is no node 4");
	c->volumes[c->n_volumes - 1].node = 0;
	accepted(c);
	root(c, 3)->node = 0;
	refused(c, "volume node3.root: there is no node 0");
}

static void nothing_stands_on_an_image_that_is_filling(void **state)
{
	struct cluster *c = *state;

	add_image(c, 2, 300)->filling = true;
	accepted(c);
	set(root(c, 2)->image, "debian12@2");
	refused(c, "volume node2.root: image debian12@2 is still being filled");
	set(root(c, 2)->image, "debian12@1");
	set(c->nodes[1].image, "debian12@2");
	refused(c, "node 2: image debian12@2 is still being filled");
	set(c->nodes[1].image, "debian12@1");
	set(c->default_image, "debian12@2");
	refused(c, "default_image: image debian12@2 is still being filled");
	set(c->default_image, "");
	set(c->previous_image, "debian12@2");
	refused(c, "previous_image: image debian12@2 is still being filled");
	set(c->previous_image, "");
	set(add_volume(c, "vm1", VOLUME_DISK, 0, 1790)->image, "debian12@2");
	refused(c, "volume vm1: image debian12@2 is still being filled");
	set(c->volumes[c->n_volumes - 1].image, ""); /* blank */
	accepted(c);
	c->images[0].filling = true;
	refused(c, "default_image, the first one: image debian12@1 is still being filled");
}

static void images_are_there_and_for_nodes(void **state)
{
	struct cluster *c = *state;

	set(c->default_image, "debian12@7");
	refused(c, "default_image: there is no image 'debian12@7'");
	set(c->default_image, "");
	set(c->previous_image, "debian12@7");
	refused(c, "previous_image: there is no image 'debian12@7'");
	set(c->previous_image, "");
	add_image(c, 1, 300);
	refused(c, "two images are called 'debian12@1'");
	c->images[1].version = 2;
	c->images[1].use = IMAGE_DISK;
	accepted(c);
	set(c->default_image, "debian12@2");
	refused(c, "default_image: image debian12@2 is the disk of a VM, not for nodes");
	set(c->default_image, "");
	set(root(c, 1)->image, "debian12@2");
	refused(c, "volume node1.root: image debian12@2 is the disk of a VM, not for nodes");
	root(c, 1)->image[0] = '\0';
	refused(c, "volume node1.root: there is no image ''");
}

static void what_a_root_was_is_another_device(void **state)
{
	struct cluster *c = *state;
	struct volume *v = root(c, 2);

	v->has_undo = true;
	v->thin = 4;
	v->undo_thin = 4;
	set(v->undo_image, "debian12@1");
	refused(c, "volume node2.root: it and what it was before its reset are both thin device 4");
	v->undo_thin = 3;
	accepted(c);
	set(v->undo_image, "debian12@9");
	refused(c, "volume node2.root before its reset: there is no image 'debian12@9'");
	set(v->undo_image, "debian12@1");
	v = add_volume(c, "vm1", VOLUME_DISK, 0, 1790);
	v->has_undo = true;
	refused(c, "volume vm1: only a root can be what it was before a reset");
}

static void each_part_is_sound(void **state)
{
	struct cluster *c = *state;
	struct node was = c->nodes[2];
	struct volume *v = root(c, 1);
	size_t n;

	c->nodes[2].number = 2001;
	refused(c, "node 2001: number not from 1 to 2000");
	c->nodes[2] = was;
	set(c->nodes[2].name, "no name");
	refused(c, "node 3: 'no name' is no host name");
	c->nodes[2] = was;
	c->nodes[2].storage_ip = 0;
	refused(c, "node 3: an address is missing");
	c->nodes[2] = was;
	c->nodes[2].machine_id[0] = 'x';
	refused(c, "node 3: machine_id is not 32 hex digits");
	c->nodes[2] = was;
	n = v->metadata.n;
	v->metadata.n = 0;
	refused(c, "volume node1.root: it has no metadata");
	v->metadata.n = n;
	n = v->data.n;
	v->data.n = 0;
	refused(c, "volume node1.root: it has no space on the SAN");
	v->data.n = n;
	v->bytes++;
	refused(c, "volume node1.root: 5368709121 bytes: not a whole number of 4 KiB blocks");
	v->bytes--;
	c->volumes[0].bytes += 4096;
	refused(c, "volume shared: larger than its segments");
	c->volumes[0].bytes -= 4096;
	c->images[0].bytes++;
	refused(c, "image debian12@1: larger than its segments");
	c->images[0].bytes--;
	add_image(c, 2, 300)->version = 0;
	refused(c, "image 'debian12@0': no such name is allowed");
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		test(volumes_are_cut_from_slabs),
		test(so_are_swap_and_shared),
		test(a_volume_spans_no_two_slabs),
		test(every_pv_has_its_own),
		test(a_node_has_one_root),
		test(a_node_has_at_most_one_swap),
		test(owners_are_nodes),
		test(nothing_stands_on_an_image_that_is_filling),
		test(images_are_there_and_for_nodes),
		test(what_a_root_was_is_another_device),
		test(each_part_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
