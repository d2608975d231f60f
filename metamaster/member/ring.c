/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ring.h"

#include <stdbool.h>

static bool has(const size_t *list, size_t n, size_t place)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == place)
			return true;
	return false;
}

size_t ring_neighbours(size_t n, size_t place, size_t ret[RING_NEIGHBOURS])
{
	size_t count = 0;

	for (size_t d = 1; d < n; d *= 2) {
		const size_t both[] = {(place + d) % n, (place + n - d) % n};

		for (size_t i = 0; i < 2 && count < RING_NEIGHBOURS; i++)
			if (both[i] != place && !has(ret, count, both[i]))
				ret[count++] = both[i];
	}
	return count;
}

/* A distance is a sum of powers of two and their negatives, no two of them adjacent. */
unsigned ring_steps(size_t n)
{
	unsigned bits = 0;

	while (((size_t)1 << bits) < n)
		bits++;
	return (bits + 1) / 2;
}
