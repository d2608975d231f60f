/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated disk with a volatile cache, for the state area. It counts writes and flushes; at a chosen one it fails as disks do. What was
 * written since the last flush reaches the medium by sectors, in any selection that the seed picks: so does a power cut.
 */
#ifndef BYRE_TESTS_SIMDISK_H
#define BYRE_TESTS_SIMDISK_H

#include "volmgr/area/area.h"

#include <errno.h>
#include <stdlib.h>

#define SIM_SECTOR  512
#define SIM_SECTORS (LAYOUT_SIZE / SIM_SECTOR)

enum sim_fault {
	SIM_NONE,
	SIM_POWER, /* the operation and all after it fail; the cache is lost but for a selection of its sectors */
	SIM_LOSE,  /* the write is acknowledged and never done */
	SIM_TEAR,  /* the write is acknowledged, a selection of its sectors done */
	SIM_ERROR, /* the write fails with EIO, a selection of its sectors done */
};

/* Sectors that were written; by number, NULL where none was. USED lists the numbers. */
struct sim_layer {
	unsigned char **sector;
	uint32_t *used;
	size_t n, size;
};

struct sim {
	struct sim_layer medium, cache;
	uint64_t random;
	unsigned operations, at; /* the fault strikes operation AT (counted from 1) */
	enum sim_fault fault;
	bool dead;
	void (*before_read)(struct sim *s, uint64_t offset); /* may write */
	uint64_t broken_from, broken_to;                     /* reads that begin in between fail with BROKEN_CODE */
	int broken_code;
	unsigned reads;
	void *data;
};

static inline uint64_t sim_random(struct sim *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static inline void sim_init(struct sim *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->medium.sector = calloc(SIM_SECTORS, sizeof(*s->medium.sector));
	s->cache.sector = calloc(SIM_SECTORS, sizeof(*s->cache.sector));
	assert_non_null(s->medium.sector);
	assert_non_null(s->cache.sector);
	s->random = seed * 0x9e3779b97f4a7c15ull + 1;
}

static inline void sim_drop(struct sim_layer *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->sector[l->used[i]]);
		l->sector[l->used[i]] = NULL;
	}
	l->n = 0;
}

static inline void sim_free(struct sim *s)
{
	struct sim_layer *layers[] = {&s->medium, &s->cache};

	for (size_t i = 0; i < 2; i++) {
		sim_drop(layers[i]);
		free(layers[i]->sector);
		free(layers[i]->used);
	}
}

static inline void sim_put(struct sim_layer *l, uint64_t sector, const unsigned char *data)
{
	if (!l->sector[sector]) {
		if (l->n == l->size) {
			l->size = 2 * l->size + 64;
			l->used = realloc(l->used, l->size * sizeof(*l->used));
			assert_non_null(l->used);
		}
		l->used[l->n++] = (uint32_t)sector;
		l->sector[sector] = malloc(SIM_SECTOR);
		assert_non_null(l->sector[sector]);
	}
	memcpy(l->sector[sector], data, SIM_SECTOR);
}

/* Cached sectors reach the medium: all, or a selection; the others are forgotten. */
static inline void sim_settle(struct sim *s, bool all)
{
	unsigned odds = (unsigned)(sim_random(s) % 5); /* of 4: from none to all */

	for (size_t i = 0; i < s->cache.n; i++)
		if (all || sim_random(s) % 4 < odds)
			sim_put(&s->medium, s->cache.used[i], s->cache.sector[s->cache.used[i]]);
	sim_drop(&s->cache);
}

/* The machine comes back. */
static inline void sim_power_on(struct sim *s)
{
	if (!s->dead)
		sim_settle(s, false);
	s->dead = false;
	s->fault = SIM_NONE;
	s->operations = s->at = 0;
}

static inline bool sim_strikes(struct sim *s)
{
	return ++s->operations == s->at && s->fault != SIM_NONE;
}

static inline int sim_read(void *ctx, void *data, size_t len, uint64_t offset)
{
	struct sim *s = ctx;

	assert_true(offset % LAYOUT_BLOCK == 0 && len % LAYOUT_BLOCK == 0 && offset + len <= LAYOUT_SIZE);
	assert_int_equal((uintptr_t)data % LAYOUT_BLOCK, 0);
	if (s->dead)
		return -EIO;
	s->reads++;
	if (s->before_read)
		s->before_read(s, offset);
	if (offset >= s->broken_from && offset < s->broken_to)
		return -s->broken_code;
	for (size_t i = 0; i < len / SIM_SECTOR; i++) {
		uint64_t sector = offset / SIM_SECTOR + i;
		const unsigned char *from = s->cache.sector[sector] ? s->cache.sector[sector] : s->medium.sector[sector];

		if (from)
			memcpy((char *)data + i * SIM_SECTOR, from, SIM_SECTOR);
		else
			memset((char *)data + i * SIM_SECTOR, 0, SIM_SECTOR);
	}
	return 0;
}

static inline int sim_write(void *ctx, const void *data, size_t len, uint64_t offset)
{
	struct sim *s = ctx;
	bool strikes, part;

	assert_true(offset % LAYOUT_BLOCK == 0 && len % LAYOUT_BLOCK == 0 && offset + len <= LAYOUT_SIZE);
	assert_int_equal((uintptr_t)data % LAYOUT_BLOCK, 0);
	if (s->dead)
		return -EIO;
	strikes = sim_strikes(s);
	part = strikes && (s->fault == SIM_TEAR || s->fault == SIM_ERROR);
	for (size_t i = 0; i < len / SIM_SECTOR; i++)
		if ((!strikes || part || s->fault == SIM_POWER) && (!part || sim_random(s) % 2))
			sim_put(&s->cache, offset / SIM_SECTOR + i, (const unsigned char *)data + i * SIM_SECTOR);
	if (!strikes || s->fault == SIM_LOSE || s->fault == SIM_TEAR)
		return 0;
	if (s->fault == SIM_POWER) {
		sim_settle(s, false);
		s->dead = true;
	}
	return -EIO;
}

static inline int sim_flush(void *ctx)
{
	struct sim *s = ctx;

	if (s->dead)
		return -EIO;
	if (sim_strikes(s) && s->fault == SIM_POWER) {
		sim_settle(s, false);
		s->dead = true;
		return -EIO;
	}
	sim_settle(s, true);
	return 0;
}

static inline void sim_close(void *ctx)
{
	(void)ctx;
}

static const struct area_io sim_io = {sim_read, sim_write, sim_flush, sim_close};

/* One bit of the medium, of a sector that was written, is another. */
static inline void sim_damage(struct sim *s, uint64_t offset)
{
	unsigned char *sector = s->medium.sector[offset / SIM_SECTOR];

	assert_non_null(sector);
	sector[offset % SIM_SECTOR] ^= 0x40;
}

/* A fault picked by chance, in one of the next MOST operations: power, two times of three. */
static inline void sim_may_fail(struct sim *s, unsigned most)
{
	s->operations = 0;
	s->fault = sim_random(s) % 3 ? SIM_POWER : SIM_NONE;
	s->at = (unsigned)(sim_random(s) % most + 1);
}

static inline struct state_area *sim_open(struct sim *s)
{
	struct state_area *a = NULL;
	struct error e = ERROR_INIT;

	if (area_open_io(&sim_io, s, "disk", true, &a, &e) < 0)
		fail_msg("%s", e.text);
	return a;
}

#endif
