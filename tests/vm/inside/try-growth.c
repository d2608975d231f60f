/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For growth.sh: a writer whose every byte can be checked, and changes of a cluster.
 *	write FILE START BYTES CHUNK	with O_DIRECT, one after another; prints "BYTES MS WORST_MS"
 *	scatter FILE BYTES		the first 4 KiB of each 64 KiB block, in an order that jumps about
 *	thin-out FILE BYTES		discards two of three 64 KiB blocks
 *	metadata BYTES			prints how many bytes of metadata a volume of BYTES has at least
 *	check FILE START BYTES		what write wrote is there
 *	creep NAME EXTENTS		makes NAME's store larger whenever it is full, by so little, until it is what the state says; prints how often, and how often its pool was late
 *	remove|reset-keep|undo NAME, resize NAME MIB, eat LEFT	changes; eat: a disk "eater" takes all space of the container but LEFT MiB
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "volmgr/change.h"
#include "volmgr/container/plan.h"
#include "volmgr/dm/store.h"
#include "volmgr/volumes.h"
#include "verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define MIB (1024ull * 1024)

static void freep_pvs(const char ***p)
{
	free(*p);
}

static uint64_t number(const char *s)
{
	uint64_t n;

	if (str_to_u64(s, 0, UINT64_MAX, &n) < 0) {
		fprintf(stderr, "try-growth: %s: no number\n", s);
		exit(2);
	}
	return n;
}

/* Every 8 bytes tell where they are (a step of splitmix64). */
static void pattern(uint64_t *to, size_t len, uint64_t at)
{
	for (size_t i = 0; i < len / 8; i++) {
		uint64_t x = at / 8 + i + 0x9e3779b97f4a7c15u;

		x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
		to[i] = x ^ x >> 27;
	}
}

static int do_write(char **argv, struct error *e)
{
	uint64_t start = number(argv[1]), bytes = number(argv[2]), chunk = number(argv[3]), worst = 0, began = clock_boot_ms();
	cleanup_fd int fd = open(argv[0], O_WRONLY | O_DIRECT | O_CLOEXEC);
	cleanup_free uint64_t *data = aligned_alloc(4096, chunk);

	if (fd < 0 || !data)
		return error_errno(e, errno, "%s", argv[0]);
	for (uint64_t at = 0; at < bytes; at += chunk) {
		uint64_t before, took;
		int r;

		pattern(data, chunk, start + at);
		before = clock_boot_ms();
		r = pwrite_full(fd, data, chunk, start + at);
		took = clock_boot_ms() - before;
		if (r < 0)
			return error_errno(e, r, "%s at %llu", argv[0], (unsigned long long)(start + at));
		worst = took > worst ? took : worst;
	}
	if (fsync(fd) < 0)
		return error_errno(e, errno, "%s: fsync", argv[0]);
	printf("%llu %llu %llu\n", (unsigned long long)bytes, (unsigned long long)(clock_boot_ms() - began), (unsigned long long)worst);
	return 0;
}

static int do_scatter(char **argv, struct error *e)
{
	uint64_t blocks = number(argv[1]) / 65536;
	cleanup_fd int fd = open(argv[0], O_WRONLY | O_DIRECT | O_CLOEXEC);
	cleanup_free uint64_t *data = aligned_alloc(4096, 4096);

	if (fd < 0 || !data)
		return error_errno(e, errno, "%s", argv[0]);
	for (uint64_t i = 0; i < blocks; i++) {
		uint64_t at = i * 40503 % blocks * 65536; /* every block, as long as their number has no factor in common with 40503 */
		int r;

		pattern(data, 4096, at);
		r = pwrite_full(fd, data, 4096, at);
		if (r < 0)
			return error_errno(e, r, "%s at %llu", argv[0], (unsigned long long)at);
	}
	return fsync(fd) < 0 ? error_errno(e, errno, "%s: fsync", argv[0]) : 0;
}

static int do_thin_out(char **argv, struct error *e)
{
	uint64_t blocks = number(argv[1]) / 65536;
	cleanup_fd int fd = open(argv[0], O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return error_errno(e, errno, "%s", argv[0]);
	for (uint64_t i = 0; i + 3 <= blocks; i += 3) {
		uint64_t range[2] = {i * 65536, 2 * 65536};

		if (ioctl(fd, BLKDISCARD, range) < 0)
			return error_errno(e, errno, "%s: discarding block %llu", argv[0], (unsigned long long)i);
	}
	return 0;
}

static int do_metadata(char **argv, struct error *e)
{
	(void)e;
	printf("%llu\n", (unsigned long long)(plan_metadata_bytes(number(argv[0])) / 4096 * 4096));
	return 0;
}

static int do_check(char **argv, struct error *e)
{
	uint64_t start = number(argv[1]), bytes = number(argv[2]);
	cleanup_fd int fd = open(argv[0], O_RDONLY | O_DIRECT | O_CLOEXEC);
	cleanup_free uint64_t *want = aligned_alloc(4096, MIB), *got = aligned_alloc(4096, MIB);

	if (fd < 0 || !want || !got)
		return error_errno(e, errno, "%s", argv[0]);
	for (uint64_t at = 0; at < bytes; at += MIB) {
		size_t n = bytes - at < MIB ? bytes - at : MIB;
		int r = pread_full(fd, got, n, start + at);

		pattern(want, n, start + at);
		if (r < 0 || memcmp(want, got, n) != 0)
			return error_set(e, r < 0 ? -r : EUCLEAN, "%s: not what was written, in the MiB from %llu", argv[0],
					 (unsigned long long)(start + at));
	}
	return 0;
}

/* --- changes ---------------------------------------------------------------------------------------------------------------- */

static int edit_remove(struct change *ch, char **argv, struct error *e)
{
	return volumes_remove(ch, (const char *const *)argv, 1, true, e);
}

static int edit_reset(struct change *ch, char **argv, struct error *e)
{
	return volumes_reset(ch, (const char *const *)argv, 1, "", true, false, e);
}

static int edit_undo(struct change *ch, char **argv, struct error *e)
{
	return volumes_undo(ch, (const char *const *)argv, 1, e);
}

static int edit_resize(struct change *ch, char **argv, struct error *e)
{
	return volume_resize(ch, argv[0], number(argv[1]) * MIB, e);
}

static uint64_t free_extents(const struct cluster *c)
{
	uint64_t all = 0, used = 0;

	for (size_t i = 0; i < c->n_pvs; i++)
		all += c->pvs[i].extents;
	for (size_t i = 0; i < c->n_images; i++)
		used += segments_extents(&c->images[i].segments);
	for (size_t i = 0; i < c->n_volumes; i++)
		used += segments_extents(&c->volumes[i].data) + segments_extents(&c->volumes[i].metadata);
	return all - used;
}

/* A blank disk "eater" whose store takes all but LEFT MiB. */
static int edit_eat(struct change *ch, char **argv, struct error *e)
{
	struct volume_wish w = {.name = "eater", .kind = VOLUME_DISK, .bytes = 0};
	uint64_t left = number(argv[0]) * MIB, free = free_extents(&ch->c) * EXTENT_BYTES;
	uint64_t metadata = plan_metadata_extents(free) * EXTENT_BYTES;

	if (free < left + metadata + 64 * MIB)
		return error_set(e, ENOSPC, "only %llu MiB are free", (unsigned long long)(free / MIB));
	w.bytes = free; /* its metadata come on top */
	w.store = free - left - metadata;
	return volumes_create(ch, &w, 1, e);
}

static int do_remove(char **argv, struct error *e)
{
	return change(getenv("CONTAINER"), edit_remove, argv, e);
}

static int do_reset_keep(char **argv, struct error *e)
{
	return change(getenv("CONTAINER"), edit_reset, argv, e);
}

static int do_undo(char **argv, struct error *e)
{
	return change(getenv("CONTAINER"), edit_undo, argv, e);
}

static int do_resize(char **argv, struct error *e)
{
	return change(getenv("CONTAINER"), edit_resize, argv, e);
}

/* The first EXTENTS of S; true when there are no more. */
static bool cut(struct segments *s, uint64_t extents)
{
	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].count > extents) {
			s->v[i].count = (uint32_t)extents;
			s->n = i + 1;
			return false;
		}
		extents -= s->v[i].count;
	}
	return true;
}

/* V's store STEP extents larger, once it is full; 1 when it is all that the state says. Adds to *LATE when its pool was long in standing still. */
static int creep(struct cluster *c, struct volume *v, const char *const *pvs, uint64_t step, unsigned *late, struct error *e)
{
	const struct timespec pause = {0, 10 * 1000 * 1000};
	struct segments all = v->data, some CLEANUP(segments_free) = {NULL, 0};
	struct store_usage now = {.out_of_data = false};
	struct store_change change;
	int r = 0;
	bool whole;

	while (r == 0 && !now.out_of_data) {
		nanosleep(&pause, NULL);
		r = volume_usage(c, v, &now, e);
	}
	for (size_t i = 0; i < all.n && r == 0; i++)
		r = segments_add(&some, all.v[i]);
	if (r < 0)
		return r;
	whole = cut(&some, now.data_total / EXTENT_BYTES + step);
	v->data = some;
	r = store_extend(c, v, pvs, false, &change, e);
	*late += r == 0 && change.late;
	v->data = all;
	return r < 0 ? r : whole;
}

static int load(struct cluster *c, struct error *e)
{
	struct container_place place;
	struct state_area *a = NULL;
	int r = container_find_one(getenv("CONTAINER"), &place, e);

	cluster_init(c);
	if (r == 0)
		r = state_area_open(place.state, false, &a, e);
	if (r == 0)
		r = state_area_load(a, c, NULL, e);
	state_area_close(a);
	return r;
}

static int do_creep(char **argv, struct error *e)
{
	struct cluster c CLEANUP(cluster_freep) = {.generation = 0};
	const char **pvs CLEANUP(freep_pvs) = NULL;
	unsigned steps = 0, late = 0;
	struct volume *v;
	int r = load(&c, e);

	v = r == 0 ? cluster_volume(&c, argv[0]) : NULL;
	if (r == 0)
		r = v ? cluster_pv_paths(&c, &pvs, e) : error_set(e, ENOENT, "%s", argv[0]);
	for (; r == 0; steps++)
		r = creep(&c, v, pvs, number(argv[1]), &late, e);
	if (r > 0)
		printf("%u %u\n", steps, late);
	return r < 0 ? r : 0;
}

static int do_eat(char **argv, struct error *e)
{
	return change(getenv("CONTAINER"), edit_eat, argv, e);
}

int main(int argc, char **argv)
{
	static const struct verb verbs[] = {
		{"write", 4, do_write},       {"scatter", 2, do_scatter}, {"thin-out", 2, do_thin_out},     {"check", 3, do_check},
		{"metadata", 1, do_metadata}, {"remove", 1, do_remove},   {"reset-keep", 1, do_reset_keep}, {"undo", 1, do_undo},
		{"resize", 2, do_resize},     {"eat", 1, do_eat},           {"creep", 2, do_creep},
	};

	return run_verb(verbs, ARRAY_SIZE(verbs), "try-growth", argc - 1, argv + 1);
}
