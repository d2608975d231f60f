/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much space a store has to have in hand, and how much it is given next. Pure. */
#ifndef BYRE_VOLMGR_GROWTH_H
#define BYRE_VOLMGR_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The reserve of a store of DATA_BYTES: the last bytes of it, mapped like the others, that a writer uses while the next grant is under way. The pool tells
 * (low-water mark) when it is touched. A quarter of the store, at least 128 MiB and at most 512 MiB, but never more than half of it.
 */
uint64_t store_reserve(uint64_t data_bytes);

/* A store as it is. Bytes. */
struct growth_store {
	uint64_t used, total;
	uint64_t limit; /* what its devices can use at most: nothing is granted beyond */
	bool full;      /* writers wait: whatever the limit says, more can be used */
};
bool growth_wanted(const struct growth_store *s);

/* The grants of one store, one after another; zeroed at the beginning. */
struct growth {
	uint64_t grant; /* bytes, the last one; 0 = none yet */
	uint64_t ms;    /* when; any steady clock */
};
/*
 * The bytes to ask for at NOW_MS, at least one extent: as much as the reserve at first, twice as much as the last time when that was less than GROWTH_FAST_MS ago,
 * half as much when it was more than GROWTH_SLOW_MS ago; at most GROWTH_MAX, and not beyond the limit.
 */
#define GROWTH_FAST_MS 10000
#define GROWTH_SLOW_MS 120000
#define GROWTH_MAX     (8ull << 30)
uint64_t growth_next(const struct growth *g, const struct growth_store *s, uint64_t now_ms);

/* Milliseconds until trying again after FAILURES in a row: from a quarter of a second, doubling up to ten seconds. */
unsigned growth_pause(unsigned failures);

#endif
