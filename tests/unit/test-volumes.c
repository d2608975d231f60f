/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making, changing and removing volumes on a PV that is a file, with LVM in the test's hand: what the state says, and what is written where. */
#include "tests/unit/unit.h"

#include "volmgr/container/plan.h"
#include "volmgr/container/lvm.h"
#include "volmgr/container/room.h"
#include "volmgr/container/space.h"
#include "volmgr/volumes.h"
#include "volmgr/dm/wipe.h"
#include "cluster/status.h"
#include "cluster/volume_status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define GIB (1024ull * PLAN_MIB)

/* --- the world -------------------------------------------------------------------------------------------------------------- */

static int commits, intents, publishes;
static enum node_state nodes_are;
static struct volume_status composed; /* what a node's volmgrd tells; of node 0: none tells anything */
static unsigned scatter; /* LVM gives extents in pieces of at most so many */

int __wrap_change_intend(struct change *ch, struct error *e);
int __wrap_change_intend(struct change *ch, struct error *e)
{
	(void)e;
	intents++;
	ch->intended = true;
	return 0;
}

bool __wrap_volume_may_write(const struct cluster *c, const struct volume *v);
bool __wrap_volume_may_write(const struct cluster *c, const struct volume *v)
{
	(void)c;
	(void)v;
	return false;
}

int __wrap_node_status_read(struct state_area *a, unsigned node, struct node_status *ret, struct error *e);
int __wrap_node_status_read(struct state_area *a, unsigned node, struct node_status *ret, struct error *e)
{
	(void)a;
	(void)e;
	if (nodes_are == NODE_UNSEEN)
		return -ENODATA;
	*ret = (struct node_status){.node = node, .generation = 1, .boot_id = "0f0e0d0c-0b0a-0908-0706-050403020100"};
	ret->written = (uint64_t)time(NULL) - (nodes_are == NODE_SILENT ? 1000 : 0);
	ret->leaving = nodes_are == NODE_LEFT;
	return 0;
}

int __wrap_volume_status_read(struct state_area *a, unsigned node, struct volume_status *ret, struct error *e);
int __wrap_volume_status_read(struct state_area *a, unsigned node, struct volume_status *ret, struct error *e)
{
	(void)a;
	(void)e;
	if (!composed.node || node != composed.node)
		return -ENODATA;
	*ret = composed;
	return 0;
}

static int take_unused(const struct cluster *c, uint32_t extents, struct segments *ret)
{
	const struct segments *used[64];
	struct segments whole CLEANUP(segments_free) = {NULL, 0}, left CLEANUP(segments_free) = {NULL, 0};
	size_t n = 0;

	for (size_t i = 0; i < c->n_slabs; i++)
		used[n++] = &c->slabs[i].segments;
	for (size_t i = 0; i < c->n_images; i++)
		used[n++] = &c->images[i].segments;
	for (uint32_t i = 0; i < c->n_pvs; i++)
		segments_add(&whole, (struct segment){i, 0, c->pvs[i].extents});
	plan_free(&whole, used, n, &left);
	if (segments_extents(&left) < extents)
		return -ENOSPC;
	while (extents) {
		uint32_t piece = scatter && extents > scatter ? scatter : extents;

		assert_int_equal(plan_take(&left, piece, ret), 0);
		extents -= piece;
	}
	return 0;
}

int __wrap_lvm_extend(const struct lvm_group *g, const char *name, uint32_t extents, struct segments *ret, struct error *e);
int __wrap_lvm_extend(const struct lvm_group *g, const char *name, uint32_t extents, struct segments *ret, struct error *e)
{
	struct segments now = {NULL, 0};

	for (size_t i = 0; i < g->c->n_slabs; i++)
		if (strcmp(g->c->slabs[i].lv, name) == 0)
			for (size_t k = 0; k < g->c->slabs[i].segments.n; k++)
				segments_add(&now, g->c->slabs[i].segments.v[k]);
	assert_true(now.n > 0);
	if (take_unused(g->c, extents, &now) < 0)
		return error_set(e, ENOSPC, "LVM is full");
	commits++;
	*ret = now;
	return 0;
}

/* The state has been published without what is given back; LVM gives it to nobody else. */
int __wrap_lvm_reduce(const struct lvm_group *g, const char *name, uint32_t extents, struct error *e);
int __wrap_lvm_reduce(const struct lvm_group *g, const char *name, uint32_t extents, struct error *e)
{
	(void)g;
	(void)e;
	assert_true(publishes > 0 && intents > 0);
	assert_true(extents > 0 && name[0]);
	commits++;
	return 0;
}

int __wrap_change_publish(struct change *ch, struct error *e);
int __wrap_change_publish(struct change *ch, struct error *e)
{
	(void)e;
	publishes++;
	ch->intended = false;
	return 0;
}

/* --- a change -------------------------------------------------------------------------------------------------------------- */

struct world {
	struct change ch;
	char path[64];
	const char *pvs[1];
};

static void begin(struct world *w)
{
	int fd;

	memset(w, 0, sizeof(*w));
	snprintf(w->path, sizeof(w->path), "/var/tmp/test-volumes.XXXXXX");
	fd = mkstemp(w->path);
	load_sample(&w->ch.c);
	snprintf(w->ch.c.slabs[0].lv, sizeof(w->ch.c.slabs[0].lv), "stores");
	snprintf(w->ch.c.slabs[1].lv, sizeof(w->ch.c.slabs[1].lv), "swap");
	assert_int_equal(ftruncate(fd, (off_t)(w->ch.c.pvs[0].pe_start * 512 + w->ch.c.pvs[0].extents * EXTENT_BYTES)), 0);
	close(fd);
	w->pvs[0] = w->path;
	w->ch.pvs = w->pvs;
	commits = intents = publishes = 0;
	nodes_are = NODE_UNSEEN;
	composed.node = 0;
	scatter = 0;
}

static void end(struct world *w)
{
	cluster_free(&w->ch.c);
	unlink(w->path);
}
#define cleanup_world CLEANUP(end)

static struct volume_wish wish(const char *name, enum volume_kind kind, uint64_t mib)
{
	struct volume_wish w = {.kind = kind, .bytes = mib * PLAN_MIB};

	snprintf(w.name, sizeof(w.name), "%s", name);
	return w;
}

static char *text_of(const struct cluster *c)
{
	struct buf b cleanup_buf = BUF_INIT;

	assert_int_equal(document_print(c, &b, NULL), 0);
	return buf_steal(&b);
}

static void head_of(const struct world *w, const struct volume *v, unsigned char block[WIPE_BLOCK])
{
	const struct segment *s = volume_is_thin(v) ? &v->metadata.v[0] : &v->data.v[0];
	cleanup_fd int fd = open(w->path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(pread(fd, block, WIPE_BLOCK, (off_t)((w->ch.c.pvs[0].pe_start + (uint64_t)s->start * EXTENT_SECTORS) * 512)),
			 WIPE_BLOCK);
}

static void put_head(const struct world *w, const struct volume *v, const unsigned char block[WIPE_BLOCK])
{
	const struct segment *s = volume_is_thin(v) ? &v->metadata.v[0] : &v->data.v[0];
	cleanup_fd int fd = open(w->path, O_RDWR | O_CLOEXEC);

	assert_int_equal(pwrite(fd, block, WIPE_BLOCK, (off_t)((w->ch.c.pvs[0].pe_start + (uint64_t)s->start * EXTENT_SECTORS) * 512)),
			 WIPE_BLOCK);
}

/* A pool's superblock as the kernel leaves it, with transaction ID. */
static void booted(const struct world *w, const char *name, unsigned char id)
{
	unsigned char block[WIPE_BLOCK] = {1, 2, 3};

	memcpy(block + 32, "\xba\x52\x9c\x01\0\0\0\0", 8); /* 27022010 */
	block[48] = id;
	put_head(w, cluster_volume(&w->ch.c, name), block);
}

static void is_zero(const unsigned char block[WIPE_BLOCK])
{
	for (size_t i = 0; i < WIPE_BLOCK; i++)
		assert_int_equal(block[i], 0);
}

/* --- create, remove --------------------------------------------------------------------------------------------------------- */

static void heads_are_written(void **state)
{
	struct world w cleanup_world;
	struct volume_wish want[] = {wish("a", VOLUME_DISK, 5120), wish("node1.x", VOLUME_SWAP, 64)};
	unsigned char block[WIPE_BLOCK];
	struct error e = ERROR_INIT;
	const struct volume *v;

	(void)state;
	begin(&w);
	nodes_are = NODE_LEFT;
	assert_int_equal(volumes_remove(&w.ch, (const char *const[]){"node1.swap"}, 1, false, NULL), 0);
	memset(block, 'x', sizeof(block));
	for (uint32_t i = 1000; i < 1000 + 800; i++)
		put_head(&w, &(struct volume){.kind = VOLUME_SWAP, .data = {&(struct segment){0, i, 1}, 1}}, block);
	want[1].node = 1;
	if (volumes_create(&w.ch, want, 2, &e) < 0)
		fail_msg("%s", e.text);
	v = cluster_volume(&w.ch.c, "a");
	assert_int_equal(v->node, 0);
	assert_int_equal(segments_extents(&v->metadata), plan_metadata_extents(5 * GIB));
	assert_int_equal(segments_extents(&v->data), 64);
	head_of(&w, v, block);
	is_zero(block);
	v = cluster_volume(&w.ch.c, "node1.x");
	assert_int_equal(segments_extents(&v->data), 16);
	head_of(&w, v, block);
	assert_true(wipe_wanted(block, v));
	assert_int_equal(commits, 1); /* there was space, but no slack beside it */
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
}

static void a_thousand_cost_one_commit(void **state)
{
	enum { MANY = 1000 };
	static struct volume_wish want[MANY];
	static const char *names[MANY];
	struct world w cleanup_world;
	struct error e = ERROR_INIT;
	uint64_t unused;

	(void)state;
	begin(&w);
	for (size_t i = 0; i < MANY; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vm%zu", i);
		want[i] = wish(name, VOLUME_DISK, 16);
		want[i].store = 4 * PLAN_MIB;
		names[i] = want[i].name;
	}
	if (volumes_create(&w.ch, want, MANY, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(commits, 1);
	assert_int_equal(intents, 1);
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
	unused = space_unused(&w.ch.c);
	assert_int_equal(volumes_remove(&w.ch, names, MANY, false, NULL), 0);
	assert_int_equal(w.ch.c.n_volumes, 7);
	assert_int_equal(volumes_create(&w.ch, want, MANY, NULL), 0);
	assert_int_equal(commits, 1); /* their space was free at once */
	assert_int_equal(space_unused(&w.ch.c), unused);
}

static void refused(struct world *w, struct volume_wish want, int code, const char *why)
{
	struct volume_wish both[2] = {wish("good", VOLUME_DISK, 100), want};
	cleanup_free char *before = text_of(&w->ch.c), *after = NULL;
	struct error e = ERROR_INIT;

	assert_int_equal(volumes_create(&w->ch, both, 2, &e), -code);
	assert_string_equal(e.text, why);
	after = text_of(&w->ch.c);
	assert_string_equal(before, after);
	assert_int_equal(commits, 0);
	assert_int_equal(intents, 0);
}

static struct volume_wish on_image(struct volume_wish w, const char *image)
{
	snprintf(w.image, sizeof(w.image), "%s", image);
	return w;
}

static struct volume_wish for_node(struct volume_wish w, unsigned node)
{
	w.node = node;
	return w;
}

static void what_cannot_be_is_refused(void **state)
{
	struct world w cleanup_world;

	(void)state;
	begin(&w);
	refused(&w, wish("node1.root", VOLUME_DISK, 10), EEXIST, "there is a volume node1.root already");
	refused(&w, wish("good", VOLUME_DISK, 10), EEXIST, "volume good is named twice");
	refused(&w, wish("Bad", VOLUME_DISK, 10), EINVAL, "'Bad' is no name for a volume: use a-z, 0-9, '-' and '.'");
	refused(&w, wish("../x", VOLUME_DISK, 10), EINVAL, "'../x' is no name for a volume: use a-z, 0-9, '-' and '.'");
	refused(&w, wish("good-pool", VOLUME_DISK, 10), EINVAL, "volume good-pool: names that end so are those of a volume's parts");
	refused(&w, wish("a", VOLUME_DISK, 0), EINVAL, "volume a: 0 bytes is no size for a volume");
	refused(&w, wish("a", VOLUME_DISK, 1ull << 43), EINVAL, "volume a: 9223372036854775808 bytes is no size for a volume");
	refused(&w, on_image(wish("a", VOLUME_DISK, 2000), "none@1"), ENOENT, "there is no image 'none@1': see volmgr image list");
	refused(&w, on_image(wish("a", VOLUME_DISK, 10), "debian12@1"), EINVAL,
		"image debian12@1 takes 1.0 GiB, a volume of 10.0 MiB is smaller");
	refused(&w, on_image(wish("a", VOLUME_SHARED, 2000), "debian12@1"), EINVAL, "volume a: a shared volume stands on no image");
	refused(&w, for_node(wish("a", VOLUME_DISK, 10), 1), EINVAL, "volume a: a disk volume is made for no node");
	refused(&w, wish("a", VOLUME_SWAP, 10), EINVAL, "volume a: for which node?");
	refused(&w, for_node(wish("a", VOLUME_SWAP, 10), 9), ENOENT, "volume a: there is no node 9");
	refused(&w, for_node(wish("a", VOLUME_SWAP, 10), 1), EEXIST, "volume a: node 1 has node1.swap already");
	refused(&w, wish("a", VOLUME_SHARED, 40000), ENOSPC,
		"39.2 GiB are needed, the container has 25.5 GiB free: remove volumes or images, or add a disk");
}

static void what_is_in_use_stays(void **state)
{
	static const char *const names[] = {"node1.swap", "shared", "d"};
	struct world w cleanup_world;
	struct volume_wish want = wish("d", VOLUME_DISK, 10);
	cleanup_free char *before = NULL, *after = NULL;
	struct error e = ERROR_INIT;

	(void)state;
	begin(&w);
	assert_int_equal(volumes_create(&w.ch, &want, 1, NULL), 0);
	cluster_volume(&w.ch.c, "d")->node = 2;
	cluster_volume(&w.ch.c, "d")->incarnation = 7;
	before = text_of(&w.ch.c);
	nodes_are = NODE_UP;
	assert_int_equal(volumes_remove(&w.ch, names, 1, false, &e), -EBUSY);
	assert_string_equal(e.text, "volume node1.swap: node1 is up: shut it down first");
	assert_int_equal(volumes_remove(&w.ch, names + 1, 1, false, &e), -EBUSY);
	assert_int_equal(volumes_remove(&w.ch, names + 2, 1, false, &e), -EBUSY);
	assert_string_equal(e.text, "volume d is held by node 2: volmgr give d there first");
	assert_int_equal(volumes_reset(&w.ch, (const char *const[]){"node1.root"}, 1, "", false, false, &e), -EBUSY);
	assert_int_equal(volumes_reset(&w.ch, (const char *const[]){"d"}, 1, "", false, false, &e), -EBUSY);
	nodes_are = NODE_SILENT;
	assert_int_equal(volumes_remove(&w.ch, names, 1, false, &e), -EBUSY);
	assert_string_equal(e.text, "volume node1.swap: node1 is silent, but did not shut down: make sure that it is off");
	assert_int_equal(volumes_reset(&w.ch, (const char *const[]){"node1.root"}, 1, "", false, false, &e), -EBUSY);
	assert_string_equal(e.text, "volume node1.root: node1 is silent, but did not shut down: make sure that it is off");
	nodes_are = NODE_LEFT;
	assert_int_equal(volumes_remove(&w.ch, (const char *const[]){"node1.swap", "nothere"}, 2, false, &e), -ENOENT);
	assert_int_equal(volumes_remove(&w.ch, (const char *const[]){"node1.swap", "node1.root"}, 2, true, &e), -EINVAL);
	assert_string_equal(e.text, "volume node1.root is a node's root: it goes with its node");
	after = text_of(&w.ch.c);
	assert_string_equal(before, after);
	assert_int_equal(volumes_remove(&w.ch, names, 2, false, &e), 0);
	/* Node 3 does not hold it, but tells that it has it composed; and that it has its root still, although it has said that it leaves. */
	cluster_volume(&w.ch.c, "d")->node = 0;
	composed = (struct volume_status){.node = 3, .written = (uint64_t)time(NULL), .stores = {{.volume = "d"}, {.volume = "node3.root"}}, .n = 2};
	assert_int_equal(volumes_remove(&w.ch, names + 2, 1, false, &e), -EBUSY);
	assert_int_equal(volumes_reset(&w.ch, (const char *const[]){"d"}, 1, "", false, false, &e), -EBUSY);
	assert_int_equal(volumes_reset(&w.ch, (const char *const[]){"node3.root"}, 1, "", false, false, &e), -EBUSY);
	assert_string_equal(e.text, "volume node3.root: node3 is shutting down or starting, and has it: wait until it is off");
	nodes_are = NODE_UP;
	assert_int_equal(volumes_remove(&w.ch, names + 2, 1, true, &e), 0);
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
}

/* --- reset, undo ------------------------------------------------------------------------------------------------------------- */

static void add_second_version(struct cluster *c)
{
	c->images = realloc(c->images, 2 * sizeof(*c->images));
	c->images[1] = c->images[0];
	c->images[1].version = 2;
	c->images[1].segments = (struct segments){NULL, 0};
	assert_int_equal(segments_add(&c->images[1].segments, (struct segment){0, 300, 256}), 0);
	c->n_images = 2;
}

static const char *const root2[] = {"node2.root"};

static void a_reset_is_fresh(void **state)
{
	struct world w cleanup_world;
	unsigned char block[WIPE_BLOCK];
	const struct volume *v;

	(void)state;
	begin(&w);
	add_second_version(&w.ch.c);
	snprintf(w.ch.c.default_image, sizeof(w.ch.c.default_image), "debian12@2");
	booted(&w, root2[0], 1);
	booted(&w, "node3.root", 1);
	v = cluster_volume(&w.ch.c, root2[0]);
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "", false, false, NULL), 0);
	assert_string_equal(v->image, "debian12@2");
	assert_string_equal(cluster_node(&w.ch.c, 2)->image, "debian12@2");
	assert_string_equal(cluster_node(&w.ch.c, 3)->image, "debian12@1");
	head_of(&w, v, block);
	is_zero(block);
	head_of(&w, cluster_volume(&w.ch.c, "node3.root"), block);
	assert_int_equal(block[0], 1);
	assert_int_equal(volumes_undo(&w.ch, root2, 1, NULL), -ENOENT);
	assert_int_equal(volumes_reset(&w.ch, (const char *const[]){"node2.swap"}, 1, "", false, false, NULL), -EINVAL);
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "none@1", false, false, NULL), -ENOENT);
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
	assert_int_equal(commits, 0);
}

/* The admin's word counts for a node that tells nothing, and for a root. */
static void a_silent_node_is_reset_by_force(void **state)
{
	const char *const root[] = {"node1.root"}, *const disk[] = {"d"};
	const struct volume_wish want = wish("d", VOLUME_DISK, 100);
	struct world w cleanup_world;

	(void)state;
	begin(&w);
	assert_int_equal(volumes_create(&w.ch, &want, 1, NULL), 0);
	cluster_volume(&w.ch.c, "d")->node = 1;
	composed = (struct volume_status){.node = 1, .stores = {{.volume = "d"}}, .n = 1};
	nodes_are = NODE_UP;
	assert_int_equal(volumes_reset(&w.ch, root, 1, "", false, true, NULL), -EBUSY);
	nodes_are = NODE_SILENT;
	assert_int_equal(volumes_reset(&w.ch, root, 1, "", false, false, NULL), -EBUSY);
	assert_int_equal(volumes_reset(&w.ch, disk, 1, "", false, true, NULL), -EBUSY);
	assert_int_equal(volumes_reset(&w.ch, root, 1, "", false, true, NULL), 0);
}

static void is(const struct world *w, uint32_t thin, const char *image, int undo, const char *undo_image)
{
	const struct volume *v = cluster_volume(&w->ch.c, root2[0]);

	assert_int_equal(cluster_check(&w->ch.c, NULL), 0);
	assert_int_equal(v->thin, thin);
	assert_string_equal(v->image, image);
	assert_string_equal(cluster_node(&w->ch.c, 2)->image, image);
	assert_int_equal(v->has_undo, undo >= 0);
	assert_string_equal(v->undo_image, undo_image);
	if (undo >= 0)
		assert_int_equal(v->undo_thin, undo);
}

static void a_kept_root_comes_back(void **state)
{
	struct world w cleanup_world;
	unsigned char block[WIPE_BLOCK];

	(void)state;
	begin(&w);
	add_second_version(&w.ch.c);
	nodes_are = NODE_UP; /* it takes effect at the next boot */
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "", true, false, NULL), 0);
	is(&w, 0, "debian12@1", -1, ""); /* it was never booted: nothing to keep */
	booted(&w, root2[0], 1);
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "debian12@2", true, false, NULL), 0);
	is(&w, 1, "debian12@2", 0, "debian12@1");
	/* Once more before it was booted: what it was comes back still. */
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "debian12@1", true, false, NULL), 0);
	is(&w, 1, "debian12@1", 0, "debian12@1");
	assert_int_equal(volumes_undo(&w.ch, root2, 1, NULL), 0);
	is(&w, 0, "debian12@1", -1, "");
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "debian12@2", true, false, NULL), 0);
	booted(&w, root2[0], 2);
	assert_int_equal(volumes_undo(&w.ch, root2, 1, NULL), 0);
	is(&w, 0, "debian12@1", 1, "debian12@2");
	assert_int_equal(volumes_undo(&w.ch, root2, 1, NULL), 0);
	is(&w, 1, "debian12@2", 0, "debian12@1");
	assert_int_equal(volumes_undo(&w.ch, (const char *const[]){root2[0], root2[0]}, 2, NULL), -EINVAL);
	assert_int_equal(volumes_undo(&w.ch, root2, 1, NULL), 0);
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "debian12@2", true, false, NULL), 0);
	is(&w, 2, "debian12@2", 0, "debian12@1");
	head_of(&w, cluster_volume(&w.ch.c, root2[0]), block);
	assert_int_equal(block[0], 1); /* nothing of it was written */
	nodes_are = NODE_LEFT;
	assert_int_equal(volumes_reset(&w.ch, root2, 1, "debian12@2", false, false, NULL), 0);
	is(&w, 0, "debian12@2", -1, "");
}

/* --- growing ---------------------------------------------------------------------------------------------------------------- */

static void volumes_become_larger(void **state)
{
	struct world w cleanup_world;
	unsigned char block[WIPE_BLOCK];
	const struct volume *v;

	(void)state;
	begin(&w);
	v = cluster_volume(&w.ch.c, root2[0]);
	assert_int_equal(volume_resize(&w.ch, root2[0], 100 * GIB, NULL), 0);
	assert_int_equal(v->bytes, 100 * GIB);
	assert_int_equal(segments_extents(&v->metadata), plan_metadata_extents(100 * GIB));
	assert_int_equal(v->metadata.v[0].start, 1258);
	assert_int_equal(segments_extents(&v->data), 256);
	assert_int_equal(volume_resize(&w.ch, root2[0], GIB, NULL), -EINVAL);
	assert_int_equal(volume_resize(&w.ch, "none", GIB, NULL), -ENOENT);
	assert_int_equal(volume_resize(&w.ch, "shared", 2 * GIB, NULL), -EINVAL);
	v = cluster_volume(&w.ch.c, "node2.swap");
	assert_int_equal(volume_resize(&w.ch, "node2.swap", 300 * PLAN_MIB, NULL), 0);
	assert_int_equal(segments_extents(&v->data), 75);
	head_of(&w, v, block);
	assert_true(wipe_wanted(block, v));
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
}

static uint64_t space_left_of(const struct cluster *c)
{
	struct space s cleanup_space = {.free = NULL};

	assert_int_equal(space_read(c, &s, NULL), 0);
	return space_left(&s);
}

static void stores_grow_while_there_is_space(void **state)
{
	struct store_want want[] = {{"node1.root", 1000}, {"node2.root", 3000}};
	struct world w cleanup_world;
	uint64_t unused, total;

	(void)state;
	begin(&w);
	assert_int_equal(stores_grow(&w.ch, want, 2, NULL), 0);
	assert_int_equal(want[0].extents, 1000);
	assert_int_equal(segments_extents(&cluster_volume(&w.ch.c, "node2.root")->data), 3256);
	assert_int_equal(commits, 1);
	unused = space_unused(&w.ch.c);
	want[0].extents = 4000;
	want[1].extents = 12000;
	assert_int_equal(stores_grow(&w.ch, want, 2, NULL), 0);
	total = (uint64_t)want[0].extents + want[1].extents;
	assert_true(total >= unused && total < 8000);
	assert_int_equal(space_left_of(&w.ch.c), 0);
	assert_in_range(want[1].extents, 3 * (uint64_t)want[0].extents - 3, 3 * (uint64_t)want[0].extents + 3);
	assert_int_equal(commits, 2);
	assert_int_equal(space_unused(&w.ch.c), 0);
	want[0].extents = want[1].extents = 1000;
	assert_int_equal(stores_grow(&w.ch, want, 2, NULL), 0);
	assert_int_equal(want[0].extents + want[1].extents, 0);
	assert_int_equal(commits, 2);
	assert_int_equal(stores_grow(&w.ch, &(struct store_want){"shared", 1}, 1, NULL), -EINVAL);
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
}

static void slack_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(space_slack(2, 100000), 128);
	assert_int_equal(space_slack(0, 100000), 128);
	assert_int_equal(space_slack(100, 100000), 3200);
	assert_int_equal(space_slack(2000, 100000), 6250);
	assert_int_equal(space_slack(2, 750), 46);
	assert_int_equal(space_slack(2, 0), 0);
}

/* What is made leaves slack behind it; a store that grows uses it without an LVM command. Short of space, nothing fails for it. */
static void slack_is_for_stores_that_grow(void **state)
{
	struct volume_wish one = wish("one", VOLUME_DISK, 100), last = wish("last", VOLUME_DISK, 100);
	struct store_want want = {"node1.root", 32};
	struct world w cleanup_world;
	struct space s cleanup_space = {.free = NULL};
	uint64_t left;

	(void)state;
	begin(&w);
	assert_int_equal(volumes_create(&w.ch, &one, 1, NULL), 0);
	assert_true(space_left_of(&w.ch.c) >= room_slack(&w.ch.c));
	commits = 0;
	assert_int_equal(stores_grow(&w.ch, &want, 1, NULL), 0);
	assert_int_equal(want.extents, 32);
	assert_int_equal(commits, 0);
	/* All but 40 extents of the group go to one store. */
	left = space_left_of(&w.ch.c) + space_unused(&w.ch.c);
	want.extents = (uint32_t)left - 40;
	assert_int_equal(stores_grow(&w.ch, &want, 1, NULL), 0);
	assert_int_equal(want.extents, left - 40);
	last.store = 100 * PLAN_MIB;
	assert_int_equal(volumes_create(&w.ch, &last, 1, NULL), 0);
	assert_int_equal(space_left_of(&w.ch.c) + space_unused(&w.ch.c), 40 - 25 - 2);
	assert_int_equal(room_make_some(&w.ch, SLAB_STORES, 1000, &s, NULL), 0);
	assert_int_equal(space_left(&s), 13);
}

static void free_ends_of_slabs_go_back(void **state)
{
	struct world w cleanup_world;
	struct space all cleanup_space = {.free = NULL};
	uint64_t slab;
	uint32_t ends = 0;

	(void)state;
	begin(&w);
	scatter = 300; /* an end of several pieces */
	assert_int_equal(room_make_some(&w.ch, SLAB_STORES, space_left_of(&w.ch.c) + space_unused(&w.ch.c), &all, NULL), 0);
	assert_int_equal(space_unused(&w.ch.c), 0);
	for (size_t i = 0; i < w.ch.c.n_slabs; i++)
		ends += space_end(&all, i);
	assert_true(ends > 1000);
	commits = intents = 0;
	assert_int_equal(room_give_back(&w.ch, 0, NULL), 0);
	assert_int_equal(room_give_back(&w.ch, ends + 1, NULL), 0); /* that many are not there: nothing changes */
	assert_int_equal(space_unused(&w.ch.c), 0);
	assert_int_equal(commits + publishes, 0);
	slab = segments_extents(&w.ch.c.slabs[0].segments);
	assert_int_equal(room_give_back(&w.ch, 700, NULL), 0);
	assert_int_equal(space_unused(&w.ch.c), 700);
	assert_int_equal(segments_extents(&w.ch.c.slabs[0].segments), slab - 700);
	assert_int_equal(publishes, 1);
	assert_int_equal(commits, 1);
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
	assert_int_equal(room_give_back(&w.ch, 700, NULL), 0);
	assert_int_equal(commits, 1);
	assert_int_equal(room_give_back(&w.ch, ends, NULL), 0);
	assert_int_equal(space_unused(&w.ch.c), ends);
	assert_int_equal(cluster_check(&w.ch.c, NULL), 0);
}

/* --- at random -------------------------------------------------------------------------------------------------------------- */

/* Every extent of the group has one owner: an image, a volume, a slab's free space, or nobody. */
static void nothing_overlaps_or_leaks(const struct cluster *c)
{
	struct space s cleanup_space = {.free = NULL};
	struct error e = ERROR_INIT;
	uint64_t volumes = 0, slabs = 0, images = 0;

	if (cluster_check(c, &e) < 0)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < c->n_volumes; i++)
		volumes += segments_extents(&c->volumes[i].metadata) + segments_extents(&c->volumes[i].data);
	for (size_t i = 0; i < c->n_slabs; i++)
		slabs += segments_extents(&c->slabs[i].segments);
	for (size_t i = 0; i < c->n_images; i++)
		images += segments_extents(&c->images[i].segments);
	assert_int_equal(space_read(c, &s, NULL), 0);
	assert_int_equal(volumes + space_left(&s), slabs);
	assert_int_equal(slabs + images + space_unused(c), c->pvs[0].extents);
}

static int any_create(struct change *ch)
{
	struct volume_wish want[5];
	size_t n = 1 + (size_t)rand() % 5;

	for (size_t i = 0; i < n; i++) {
		char name[16];

		snprintf(name, sizeof(name), "v%d", rand() % 40);
		want[i] = wish(name, rand() % 4 ? VOLUME_DISK : VOLUME_SHARED, 1 + (uint64_t)rand() % 3000);
		want[i].store = rand() % 2 ? 0 : ((uint64_t)rand() % 500) * PLAN_MIB;
		if (want[i].kind == VOLUME_DISK && rand() % 2)
			want[i] = on_image(want[i], "debian12@1");
	}
	return volumes_create(ch, want, n, NULL);
}

static const char *any_volume(const struct change *ch)
{
	return ch->c.volumes[(size_t)rand() % ch->c.n_volumes].name;
}

static int any_remove(struct change *ch)
{
	char names[3][VOLUME_NAME_SIZE];
	const char *list[3];
	size_t n = 1 + (size_t)rand() % 3;

	for (size_t i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "%s", any_volume(ch));
		list[i] = names[i];
	}
	return volumes_remove(ch, list, n, false, NULL);
}

static int any_grow(struct change *ch)
{
	struct store_want want[2] = {{any_volume(ch), (uint32_t)rand() % 100}, {any_volume(ch), (uint32_t)rand() % 100}};

	return stores_grow(ch, want, 2, NULL);
}

static int any(struct change *ch)
{
	switch (rand() % 7) {
	case 6:
		return room_give_back(ch, (uint64_t)rand() % 2000, NULL);
	case 0:
	case 1:
		return any_create(ch);
	case 2:
		return any_remove(ch);
	case 3:
		return any_grow(ch);
	case 4:
		return volume_resize(ch, any_volume(ch), ((uint64_t)rand() % 8000) * PLAN_MIB, NULL);
	default:
		return volumes_reset(ch, (const char *const[]){any_volume(ch)}, 1, "", rand() % 2, false, NULL);
	}
}

static void random_changes_keep_every_extent(void **state)
{
	struct world w cleanup_world;
	unsigned done = 0, failed = 0;

	(void)state;
	begin(&w);
	srand(11);
	for (int i = 0; i < 3000; i++) {
		cleanup_free char *before = text_of(&w.ch.c), *after = NULL;
		int had = commits;

		scatter = rand() % 2 ? 0 : 100;
		if (any(&w.ch) == 0) {
			done++;
		} else {
			failed++;
			after = text_of(&w.ch.c);
			assert_string_equal(before, after);
			assert_int_equal(commits, had);
		}
		assert_true(commits - had <= (publishes ? (int)w.ch.c.n_slabs : 1));
		publishes = 0;
		nothing_overlaps_or_leaks(&w.ch.c);
	}
	assert_true(done > 500 && failed > 500);
	assert_in_range(commits, 2, 400); /* what is given back is wanted again */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_are_written),
		cmocka_unit_test(a_thousand_cost_one_commit),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(what_is_in_use_stays),
		cmocka_unit_test(a_reset_is_fresh),
		cmocka_unit_test(a_silent_node_is_reset_by_force),
		cmocka_unit_test(a_kept_root_comes_back),
		cmocka_unit_test(volumes_become_larger),
		cmocka_unit_test(stores_grow_while_there_is_space),
		cmocka_unit_test(slack_is_bounded),
		cmocka_unit_test(slack_is_for_stores_that_grow),
		cmocka_unit_test(free_ends_of_slabs_go_back),
		cmocka_unit_test(random_changes_keep_every_extent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
