/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two heartbeats that were authenticated, one after another, to a node that has a neighbour: it answers well-formed or not at all. */
#include "metamaster/member/member.h"

#include <stdlib.h>
#include <string.h>

#define SELF 2
#define NOW  5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t same(void *data)
{
	(void)data;
	return 3;
}

static void sent(void *data, unsigned net, unsigned to, const uint8_t *packet, size_t len)
{
	struct packet p;

	(void)data;
	if (packet_parse(packet, len, &p) < 0 || p.net != net || p.to != to || p.from != SELF)
		abort();
}

static void claimed(void *data, uint64_t now, unsigned from, struct gateway_claim claim, bool holds, bool heard)
{
	(void)data, (void)now, (void)holds, (void)heard;
	if (!from || from == SELF || !claim.term != !claim.owner)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct member_config c = {.self = SELF, .interval_ms = 100, .nets = 2, .random = same, .send = sent, .claim = claimed};
	const uint16_t nodes[] = {1, 2, 5, 9};
	struct member *m = member_new(&c, NOW);
	size_t first = size ? data[size - 1] % size : 0;

	if (!m || member_set_nodes(m, nodes, 4) < 0)
		abort();
	member_watch(m, 5);
	member_receive(m, NOW + 10, 0, data, first);
	member_receive(m, NOW + 20, first & 1, data + first, size - first);
	member_receive(m, NOW + 30, 0, data, size);
	for (unsigned t = 40; t < 400; t += 20) {
		member_wake(m, NOW + t);
		member_tick(m, NOW + t);
	}
	if (!member_alive(m, SELF) || member_next(m) <= NOW)
		abort();
	member_free(m);
	return 0;
}
