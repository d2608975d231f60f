/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the live nodes answer a client: those K whose hash together with the client's address is highest (rendezvous hashing, Thaler and
 * Ravishankar 1998). All who agree on who lives agree on that without a word, and a node that dies moves its own clients only.
 */
#ifndef BYRE_METAMASTER_SHARE_H
#define BYRE_METAMASTER_SHARE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARE_SERVERS 3 /* answer a client, when there are so many */

/* Whether SELF is among the K of the N nodes in LIVE that answer the client MAC. */
bool share_answers(const uint16_t *live, size_t n, unsigned k, unsigned self, const struct mac *mac);

#endif
