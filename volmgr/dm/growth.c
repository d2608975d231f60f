/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "growth.h"

#include "cluster/model.h"

#define RESERVE_MIN (128ull << 20)
#define RESERVE_MAX (512ull << 20)
#define PAUSE_MIN   250u
#define PAUSE_MAX   10000u

static uint64_t clamp(uint64_t n, uint64_t min, uint64_t max)
{
	return n < min ? min : n > max ? max : n;
}

uint64_t store_reserve(uint64_t data_bytes)
{
	uint64_t reserve = clamp(data_bytes / 4, RESERVE_MIN, RESERVE_MAX);

	return reserve < data_bytes / 2 ? reserve : data_bytes / 2;
}

bool growth_wanted(const struct growth_store *s)
{
	uint64_t left = s->total > s->used ? s->total - s->used : 0;

	return s->full || (left <= store_reserve(s->total) && s->total < s->limit);
}

uint64_t growth_next(const struct growth *g, const struct growth_store *s, uint64_t now_ms)
{
	uint64_t least = store_reserve(s->total) > RESERVE_MIN ? store_reserve(s->total) : RESERVE_MIN;
	uint64_t since = now_ms > g->ms ? now_ms - g->ms : 0;
	uint64_t bytes = g->grant;

	if (bytes && since < GROWTH_FAST_MS)
		bytes *= 2;
	else if (since > GROWTH_SLOW_MS)
		bytes /= 2;
	bytes = clamp(bytes, least, GROWTH_MAX);
	if (s->total < s->limit && bytes > s->limit - s->total)
		bytes = s->limit - s->total;
	return bytes < EXTENT_BYTES ? EXTENT_BYTES : (bytes + EXTENT_BYTES - 1) / EXTENT_BYTES * EXTENT_BYTES;
}

unsigned growth_pause(unsigned failures)
{
	return failures > 5 ? PAUSE_MAX : clamp(PAUSE_MIN << failures, PAUSE_MIN, PAUSE_MAX);
}
