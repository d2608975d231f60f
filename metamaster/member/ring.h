/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The binomial graph: of N places in a ring, each has those at a distance of 1, 2, 4, … in both directions as neighbours. Few links each, a short
 * way between any two, and many ways apart from each other (Angskun, Bosilca, Dongarra: Binomial Graph, 2007).
 */
#ifndef BYRE_METAMASTER_RING_H
#define BYRE_METAMASTER_RING_H

#include <stddef.h>

#define RING_NEIGHBOURS 28 /* at most, of 2^14 places */

/* The neighbours of PLACE (from 0) of N, each once: their number, and them in RET. */
size_t ring_neighbours(size_t n, size_t place, size_t ret[RING_NEIGHBOURS]);
/* So many steps lead from any place to any other, at most. */
unsigned ring_steps(size_t n);

#endif
