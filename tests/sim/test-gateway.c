/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has the gateway's addresses in a simulated cluster. Bounds are in intervals. SIM_SEED repeats a campaign, SIM_CAMPAIGN=N makes N times as many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/sim/sim.h"

#include <errno.h>
#include <stdlib.h>

#define INTERVAL 100
#define STEP     0.05
#define SETTLED  30

static unsigned owner(const struct sim *s)
{
	unsigned who = 0;

	assert_int_equal(sim_holders(s, &who), 1);
	return who;
}

/* One of the nodes has the gateway, and all know which. */
static struct sim *settled(uint64_t seed, unsigned n, double loss)
{
	struct sim *s = sim_new(seed, n, INTERVAL);

	s->loss = loss;
	sim_start_all(s);
	sim_run(s, SETTLED);
	owner(s);
	return s;
}

/* Intervals until somebody has it; -1 after MOST. */
static double gap(struct sim *s, double most)
{
	for (double passed = 0; passed < most; passed += STEP) {
		if (sim_holders(s, NULL))
			return passed;
		sim_run(s, STEP);
	}
	return -1;
}

static uint64_t takeovers(const struct sim *s)
{
	uint64_t sum = 0;

	for (unsigned i = 1; i <= s->n; i++)
		sum += s->nodes[i].m ? s->nodes[i].g.takeovers : 0;
	return sum;
}

static void the_first_candidate_gets_it(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim *s = settled(seed, 5, 0);

		assert_int_equal(owner(s), 1);
		assert_int_equal(takeovers(s), 1);
		sim_free(s);
	}
}

static void who_is_alone_gets_it(void **state)
{
	struct sim *s = sim_new(1, 5, INTERVAL);

	(void)state;
	sim_start(s, 4);
	sim_run(s, SETTLED);
	assert_int_equal(owner(s), 4);
	sim_free(s);
}

static void a_dead_owner_is_replaced_in_time(void **state)
{
	double worst = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 200; seed++) {
		struct sim *s = settled(seed, 5, 0.05);
		double passed;

		sim_run(s, (double)sim_random(s, 100) / 100);
		sim_kill(s, owner(s));
		passed = gap(s, 10);
		assert_true(passed >= 0);
		worst = passed > worst ? passed : worst;
		sim_run(s, SETTLED);
		assert_int_equal(owner(s), 2);
		sim_free(s);
	}
	if (worst > 3.1)
		fail_msg("it took up to %.2f intervals", worst);
}

static void the_next_may_be_dead_as_well(void **state)
{
	struct sim *s = settled(1, 5, 0);

	(void)state;
	sim_kill(s, 1);
	sim_kill(s, 2);
	assert_true(gap(s, 6) >= 0);
	sim_run(s, SETTLED);
	assert_int_equal(owner(s), 3);
	sim_free(s);
}

static void nothing_moves_without_need(void **state)
{
	struct sim *s = settled(1, 5, 0);

	(void)state;
	sim_kill(s, 1);
	sim_run(s, SETTLED);
	sim_start(s, 1);
	sim_run(s, 3 * SETTLED);
	assert_int_equal(owner(s), 2);
	sim_free(s);
}

/* In half an hour, at 5 % loss on the only network. */
static void a_lossy_network_moves_nothing(void **state)
{
	const char *times = getenv("SIM_CAMPAIGN");
	struct sim *s = settled(1, 5, 0.05);
	uint64_t before = takeovers(s);

	(void)state;
	sim_run(s, 18000.0 * (double)(times ? strtoull(times, NULL, 10) : 1));
	assert_int_equal(takeovers(s), before);
	sim_free(s);
}

static void it_can_be_moved_without_a_gap(void **state)
{
	struct sim *s = settled(1, 5, 0.05);

	(void)state;
	s->take_us = 30000;
	for (unsigned to = 5; to; to--) {
		/* whoever asks */
		assert_int_equal(gateway_move(&s->nodes[3].g, s->nodes[3].m, sim_clock(s, 3), to), 0);
		for (unsigned k = 0; k < 20 / STEP; k++) {
			sim_run(s, STEP);
			assert_true(sim_holders(s, NULL) >= 1);
		}
		assert_int_equal(owner(s), to);
	}
	assert_int_equal(gateway_move(&s->nodes[3].g, s->nodes[3].m, sim_clock(s, 3), 1), -EALREADY);
	assert_int_equal(gateway_move(&s->nodes[3].g, s->nodes[3].m, sim_clock(s, 3), 6), -ENOENT);
	sim_kill(s, 2);
	sim_run(s, SETTLED);
	assert_int_equal(gateway_move(&s->nodes[3].g, s->nodes[3].m, sim_clock(s, 3), 2), -EHOSTDOWN);
	sim_free(s);
}

static void a_target_that_cannot_gives_it_on(void **state)
{
	struct sim *s = settled(1, 3, 0);

	(void)state;
	s->nodes[2].g.able = false;
	assert_int_equal(gateway_move(&s->nodes[1].g, s->nodes[1].m, sim_clock(s, 1), 2), 0);
	for (unsigned k = 0; k < 20 / STEP; k++) {
		sim_run(s, STEP);
		assert_true(sim_holders(s, NULL) >= 1);
	}
	assert_int_equal(owner(s), 1);
	sim_free(s);
}

/* It keeps the addresses until the next one has them. */
static void an_owner_that_cannot_hands_over(void **state)
{
	struct sim *s = settled(1, 3, 0);

	(void)state;
	s->take_us = 30000;
	s->nodes[1].g.able = false;
	for (unsigned k = 0; k < 10 / STEP; k++) {
		sim_run(s, STEP);
		assert_true(sim_holders(s, NULL) >= 1);
	}
	assert_int_equal(owner(s), 2);
	sim_free(s);
}

/* The state may take a node from among the candidates; then the order holds as well. */
static void an_owner_that_is_no_candidate_is_replaced(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct sim *s = settled(seed, 5, 0);

		for (unsigned i = 1; i <= 5; i++)
			assert_int_equal(gateway_set_order(&s->nodes[i].g, s->numbers + 1, 4), 0);
		s->nodes[1].g.able = false;
		sim_run(s, 10);
		assert_int_equal(owner(s), 2);
		sim_free(s);
	}
}

/* The stopped one still has the addresses: nothing can be done about that from afar. Awake, it lets go at the first word that it hears. */
static void an_owner_that_was_stopped_lets_go(void **state)
{
	struct sim *s = settled(1, 5, 0);

	(void)state;
	sim_stop(s, 1);
	sim_run(s, 50);
	assert_int_equal(sim_holders(s, NULL), 2);
	s->nodes[2].announced = 0;
	sim_go_on(s, 1);
	sim_run(s, 1.1);
	assert_int_equal(owner(s), 2);
	sim_run(s, 11);
	assert_true(s->nodes[2].announced >= 2);
	sim_free(s);
}

static void a_short_pause_moves_nothing(void **state)
{
	struct sim *s = settled(1, 5, 0);

	(void)state;
	sim_stop(s, 2); /* the first to take over */
	sim_run(s, 30);
	sim_go_on(s, 2);
	sim_run(s, 30);
	assert_int_equal(owner(s), 1);
	sim_free(s);
}

static void two_owners_are_one_soon_after_a_partition(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++) {
		struct sim *s = settled(seed, 6, 0);
		unsigned winner;
		uint64_t before;

		for (unsigned i = 3; i <= 6; i++)
			s->nodes[i].group = 1;
		sim_run(s, 40);
		assert_int_equal(sim_holders(s, NULL), 2);
		before = takeovers(s);
		for (unsigned i = 1; i <= 6; i++) {
			s->nodes[i].group = 0;
			s->nodes[i].announced = 0;
		}
		while (sim_false_deaths(s) == 6 * 6 - 4 * 4 - 2 * 2) /* until the first hears of the other side */
			sim_run(s, STEP);
		sim_run(s, 1.5);
		winner = owner(s);
		assert_true(winner >= 3); /* its term is higher */
		sim_run(s, 2);
		assert_true(s->nodes[winner].announced >= 1);
		assert_int_equal(takeovers(s), before);
		sim_free(s);
	}
}

static void a_mute_owner_gives_up(void **state)
{
	struct sim *s = settled(1, 4, 0);

	(void)state;
	s->nodes[1].mute = true;
	sim_run(s, 2 * SETTLED);
	assert_int_equal(owner(s), 2);
	sim_free(s);
}

/* … also when nobody can take its place. */
static void the_only_candidate_gives_up_when_mute(void **state)
{
	struct sim *s = sim_new(1, 4, INTERVAL);

	(void)state;
	s->candidates = 1;
	sim_start_all(s);
	sim_run(s, SETTLED);
	assert_int_equal(owner(s), 1);
	s->nodes[1].mute = true;
	sim_run(s, SETTLED);
	assert_int_equal(sim_holders(s, NULL), 0);
	s->nodes[1].mute = false;
	sim_run(s, SETTLED);
	assert_int_equal(owner(s), 1);
	sim_free(s);
}

static void a_mute_node_takes_nothing(void **state)
{
	struct sim *s = settled(1, 4, 0);

	(void)state;
	s->nodes[2].mute = true;
	sim_run(s, 2 * SETTLED);
	assert_int_equal(owner(s), 1);
	s->nodes[2].mute = false;
	sim_run(s, SETTLED);
	assert_int_equal(owner(s), 1);
	assert_int_equal(takeovers(s), 1);
	sim_free(s);
}

static void who_was_deaf_for_a_moment_takes_nothing(void **state)
{
	struct sim *s = settled(1, 4, 0);

	(void)state;
	s->nodes[2].deaf = true;
	sim_run(s, 4);
	s->nodes[2].deaf = false;
	sim_run(s, SETTLED);
	assert_int_equal(owner(s), 1);
	assert_int_equal(takeovers(s), 1);
	sim_free(s);
}

/* It believes itself alone. */
static void a_deaf_node_takes_it_from_nobody_else(void **state)
{
	struct sim *s = settled(1, 4, 0);

	(void)state;
	s->nodes[2].deaf = true;
	sim_run(s, 2 * SETTLED);
	assert_true(s->nodes[2].g.holds);
	assert_true(s->nodes[2].g.claim.term > s->nodes[1].g.claim.term);
	for (unsigned i = 1; i <= 4; i++)
		assert_true(i == 2 || (s->nodes[i].g.claim.owner == 1 && s->nodes[i].g.claim.term == 1));
	sim_free(s);
}

/* A deaf owner believes itself alone and keeps the addresses; the rightful one sees it and says so again and again. */
static void a_deaf_owner_is_contradicted(void **state)
{
	struct sim *s = settled(1, 4, 0);

	(void)state;
	s->nodes[1].deaf = true;
	sim_run(s, SETTLED);
	assert_true(s->nodes[2].g.holds);
	s->nodes[2].announced = 0;
	sim_run(s, 20);
	assert_true(s->nodes[2].announced >= 5);
	s->nodes[1].deaf = false;
	sim_run(s, 5);
	assert_int_equal(owner(s), 2);
	sim_free(s);
}

static void it_is_announced_more_than_once(void **state)
{
	struct sim *s = settled(1, 2, 0);

	(void)state;
	sim_kill(s, 1);
	sim_run(s, 4);
	assert_in_range(s->nodes[2].announced, 1, 3);
	sim_run(s, 20);
	assert_in_range(s->nodes[2].announced, 4, 8);
	sim_run(s, 100);
	assert_in_range(s->nodes[2].announced, 4, 8);
	sim_free(s);
}

/* --- whatever happens ------------------------------------------------------------------------------------------------------------- */

static void something_happens(struct sim *s)
{
	unsigned who = 1 + (unsigned)sim_random(s, s->n);
	struct sim_node *node = &s->nodes[who];

	switch (sim_random(s, 9)) {
	case 0:
		sim_kill(s, who);
		break;
	case 1:
	case 2:
		sim_start(s, who);
		break;
	case 3:
		sim_stop(s, who);
		break;
	case 4:
		sim_go_on(s, who);
		break;
	case 5:
		node->group = !node->group;
		break;
	case 6:
		node->mute = !node->mute;
		break;
	case 7:
		node->deaf = !node->deaf;
		break;
	case 8:
		if (node->m && !node->stopped)
			gateway_move(&node->g, node->m, sim_clock(s, who), 1 + (unsigned)sim_random(s, s->n));
		break;
	}
}

static void calm_down(struct sim *s)
{
	for (unsigned i = 1; i <= s->n; i++) {
		s->nodes[i].group = 0;
		s->nodes[i].mute = s->nodes[i].deaf = false;
		if (s->nodes[i].stopped)
			sim_go_on(s, i);
	}
}

static bool somebody_runs(const struct sim *s)
{
	for (unsigned i = 1; i <= s->n; i++)
		if (s->nodes[i].m)
			return true;
	return false;
}

static void campaign(uint64_t seed)
{
	struct sim *s = sim_new(seed, 2 + (unsigned)(seed % 8), INTERVAL);

	s->loss = (double)(seed % 3) * 0.05;
	s->nets = 1 + seed % 2;
	sim_start_all(s);
	for (unsigned round = 0; round < 20; round++) {
		for (uint64_t k = sim_random(s, 8); k; k--) {
			something_happens(s);
			sim_run(s, (double)sim_random(s, 300) / 100);
		}
		calm_down(s);
		sim_run(s, 40);
		if (somebody_runs(s) && sim_holders(s, NULL) != 1)
			fail_msg("SIM_SEED=%llu: after round %u %u have it", (unsigned long long)seed, round, sim_holders(s, NULL));
	}
	sim_free(s);
}

static void whatever_happens_one_has_it_in_the_end(void **state)
{
	const char *seed = getenv("SIM_SEED"), *times = getenv("SIM_CAMPAIGN");
	uint64_t n = 40ull * (times ? strtoull(times, NULL, 10) : 1);

	(void)state;
	if (seed) {
		campaign(strtoull(seed, NULL, 10));
		return;
	}
	for (uint64_t i = 1; i <= n; i++)
		campaign(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_candidate_gets_it),
		cmocka_unit_test(who_is_alone_gets_it),
		cmocka_unit_test(a_dead_owner_is_replaced_in_time),
		cmocka_unit_test(the_next_may_be_dead_as_well),
		cmocka_unit_test(nothing_moves_without_need),
		cmocka_unit_test(a_lossy_network_moves_nothing),
		cmocka_unit_test(it_can_be_moved_without_a_gap),
		cmocka_unit_test(a_target_that_cannot_gives_it_on),
		cmocka_unit_test(an_owner_that_cannot_hands_over),
		cmocka_unit_test(an_owner_that_is_no_candidate_is_replaced),
		cmocka_unit_test(an_owner_that_was_stopped_lets_go),
		cmocka_unit_test(a_short_pause_moves_nothing),
		cmocka_unit_test(two_owners_are_one_soon_after_a_partition),
		cmocka_unit_test(a_mute_owner_gives_up),
		cmocka_unit_test(the_only_candidate_gives_up_when_mute),
		cmocka_unit_test(a_mute_node_takes_nothing),
		cmocka_unit_test(who_was_deaf_for_a_moment_takes_nothing),
		cmocka_unit_test(a_deaf_node_takes_it_from_nobody_else),
		cmocka_unit_test(a_deaf_owner_is_contradicted),
		cmocka_unit_test(it_is_announced_more_than_once),
		cmocka_unit_test(whatever_happens_one_has_it_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
