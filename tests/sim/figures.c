/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The membership's figures, from simulated clusters of growing size on one network that loses 5 % of all packets. Times are in intervals.
 * usage: figures [NODES...]      from 10 to 10,000 by default. One JSON object a line.
 */
#include "tests/sim/sim.h"

#include "metamaster/member/seal.h"

#include <stdio.h>
#include <stdlib.h>

#define LOSS  0.05
#define STEP  0.25
#define MOST  100
#define HEADS 28 /* bytes of IP and UDP */

static double sightings(struct sim *s, unsigned dead, double *ret_first)
{
	*ret_first = -1;
	for (double passed = 0; passed < MOST; passed += STEP) {
		unsigned seen = 0, all = 0;

		for (unsigned i = 1; i <= s->n; i++) {
			all += s->nodes[i].m != NULL;
			seen += s->nodes[i].m && !member_alive(s->nodes[i].m, dead);
		}
		if (seen && *ret_first < 0)
			*ret_first = passed;
		if (seen == all)
			return passed;
		sim_run(s, STEP);
	}
	return -1;
}

/* In milliseconds: packets travel for half of one at most. */
static double news(struct sim *s)
{
	const uint64_t generation = 7, began = s->now;
	unsigned knowing = 0;

	member_set_generation(s->nodes[1].m, generation);
	member_tick(s->nodes[1].m, sim_clock(s, 1));
	while (knowing < s->n && s->now - began < MOST * 1000ull * s->interval_ms) {
		sim_run(s, 0.001);
		knowing = 0;
		for (unsigned i = 1; i <= s->n; i++)
			knowing += !s->nodes[i].m || member_generation(s->nodes[i].m) == generation;
	}
	return (double)(s->now - began) / 1000;
}

static uint32_t worst_silence(const struct sim *s)
{
	uint32_t worst = 0;

	for (unsigned i = 1; i <= s->n; i += s->n / 10)
		for (unsigned k = 1; k <= s->n; k++) {
			uint32_t silence = member_silence(s->nodes[i].m, sim_clock(s, i), k);

			worst = silence > worst ? silence : worst;
		}
	return worst;
}

static void figures(unsigned n)
{
	struct sim *s = sim_new(1, n, 100);
	const unsigned intervals = n >= 5000 ? 5 : n >= 1000 ? 20 : 200;
	double joined, first, last, healed, told;
	uint64_t packets, bytes, wrong = 0;
	uint32_t worst = 0;

	s->loss = LOSS;
	sim_start_all(s);
	joined = sim_until_agreed(s, MOST);
	sim_run(s, 2);
	packets = s->packets, bytes = s->bytes;
	for (unsigned k = 0; k < intervals; k++) {
		sim_run(s, 1);
		wrong += sim_false_deaths(s);
		worst = worst_silence(s) > worst ? worst_silence(s) : worst;
	}
	packets = s->packets - packets, bytes = s->bytes - bytes;
	told = news(s);
	sim_kill(s, n / 2);
	last = sightings(s, n / 2, &first);
	for (unsigned i = 1; i <= n / 3; i++)
		s->nodes[i].group = 1;
	sim_run(s, member_limit(n) + 3);
	for (unsigned i = 1; i <= n / 3; i++)
		s->nodes[i].group = 0;
	healed = sim_until_agreed(s, MOST);
	printf("{\"nodes\":%u,\"limit\":%u,\"joined\":%.2f,\"packets\":%.1f,\"bytes\":%.0f,\"false\":%llu,\"worst_silence\":%.2f,\"news_ms\":%.1f,"
	       "\"death_first\":%.2f,\"death_last\":%.2f,\"healed\":%.2f}\n",
	       n, member_limit(n), joined, (double)packets / n / intervals, (double)bytes / (double)packets + SEAL_LEN + HEADS,
	       (unsigned long long)wrong, (double)worst / s->interval_ms, told, first, last, healed);
	fflush(stdout);
	sim_free(s);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = {10, 30, 100, 300, 1000, 3000, 10000};

	for (int i = 1; i < argc; i++)
		figures((unsigned)strtoul(argv[i], NULL, 10));
	for (size_t i = 0; argc < 2 && i < sizeof(sizes) / sizeof(*sizes); i++)
		figures(sizes[i]);
	return 0;
}
