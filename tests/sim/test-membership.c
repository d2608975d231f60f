/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is alive, as each node of a simulated cluster sees it. Bounds are in intervals. SIM_SEED repeats a campaign, SIM_CAMPAIGN=N makes N times as many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL 100
#define JOINED   8 /* so long after all are up, or reach each other again, each knows of all */
/* So long after a death everyone knows: the last sign of life was up to an interval ago, the next look comes up to one later. */
#define NOTICED(n) (member_limit(n) + 2)

static const unsigned sizes[] = {2, 3, 10, 100};

static struct sim *joined(uint64_t seed, unsigned n, double loss, unsigned nets)
{
	struct sim *s = sim_new(seed, n, INTERVAL);

	s->loss = loss;
	s->nets = nets;
	sim_start_all(s);
	assert_in_range((int)(sim_until_agreed(s, JOINED) + 1), 1, JOINED + 1);
	return s;
}

static void agree(struct sim *s, double within)
{
	unsigned who = 0, whom = 0;

	if (sim_until_agreed(s, within) >= 0)
		return;
	sim_agrees(s, &who, &whom);
	fail_msg("%u nodes: after %g intervals node %u takes node %u for %s", s->n, within, who, whom,
		 member_alive(s->nodes[who].m, whom) ? "alive" : "dead");
}

static void a_death_is_seen_by_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct sim *s = joined(i, sizes[i], 0.05, 1);

		sim_kill(s, sizes[i]);
		assert_false(sim_agrees(s, NULL, NULL));
		agree(s, NOTICED(sizes[i]));
		sim_start(s, sizes[i]);
		agree(s, JOINED);
		sim_free(s);
	}
}

static void nobody_is_taken_for_dead_on_a_lossy_network(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct sim *s = joined(i, sizes[i], 0.05, 2);

		for (unsigned k = 0; k < 2000 / sizes[i] + 50; k++) {
			sim_run(s, 1);
			assert_int_equal(sim_false_deaths(s), 0);
		}
		sim_free(s);
	}
}

static void one_network_is_enough(void **state)
{
	struct sim *s = joined(1, 20, 0, 2);

	(void)state;
	s->net_down[0] = true;
	for (unsigned k = 0; k < 50; k++) {
		sim_run(s, 1);
		assert_int_equal(sim_false_deaths(s), 0);
	}
	assert_true(member_silence_on(s->nodes[1].m, sim_clock(s, 1), 2, 0) > 40 * INTERVAL);
	assert_true(member_silence_on(s->nodes[1].m, sim_clock(s, 1), 2, 1) < 2 * INTERVAL);
	sim_free(s);
}

static void a_partition_heals(void **state)
{
	struct sim *s = joined(1, 50, 0.05, 1);

	(void)state;
	for (unsigned i = 1; i <= 20; i++)
		s->nodes[i].group = 1;
	agree(s, NOTICED(50));
	for (unsigned i = 1; i <= 20; i++)
		s->nodes[i].group = 0;
	agree(s, JOINED);
	sim_free(s);
}

static void most_may_die_at_once(void **state)
{
	struct sim *s = joined(1, 100, 0.05, 1);

	(void)state;
	for (unsigned i = 1; i <= 100; i++)
		if (i % 33)
			sim_kill(s, i);
	agree(s, 2 * NOTICED(100));
	sim_start_all(s);
	agree(s, JOINED);
	sim_free(s);
}

/* They do not know of each other, and a node looks for one of the absent only, each interval. */
static void a_few_of_many_find_each_other(void **state)
{
	struct sim *s = sim_new(1, 1000, INTERVAL);

	(void)state;
	sim_start(s, 100);
	sim_start(s, 500);
	sim_start(s, 900);
	agree(s, JOINED);
	sim_free(s);
}

/* Who may have to take over from a node far off in the graph hears it as often as a neighbour does. */
static void a_watched_node_is_heard_directly(void **state)
{
	struct sim *s = joined(1, 200, 0, 1);

	(void)state;
	sim_run(s, 20);
	assert_int_equal(gateway_move(&s->nodes[1].g, s->nodes[1].m, sim_clock(s, 1), 100), 0);
	sim_run(s, 3);
	for (unsigned k = 0; k < 100; k++) {
		sim_run(s, 0.3);
		assert_in_range(member_silence(s->nodes[1].m, sim_clock(s, 1), 100), 0, INTERVAL + 2);
	}
	sim_free(s);
}

/* … and when it is late, it is asked. */
static void a_watched_node_that_is_late_is_asked(void **state)
{
	struct sim *s = joined(1, 2, 0.15, 1);
	unsigned late = 0;

	(void)state;
	sim_run(s, 20);
	for (unsigned k = 0; k < 20000; k++) {
		sim_run(s, 0.1);
		late += member_silence(s->nodes[2].m, sim_clock(s, 2), 1) >= 3 * INTERVAL;
	}
	assert_in_range(late, 0, 5); /* without asking: 20 */
	sim_free(s);
}

static bool cut_1_to_2(const struct sim *s, unsigned from, unsigned to, unsigned net)
{
	(void)s;
	(void)net;
	return from == 1 && to == 2;
}

static void a_link_that_works_one_way_does_not_matter(void **state)
{
	struct sim *s = joined(1, 5, 0.05, 1);

	(void)state;
	s->cut = cut_1_to_2;
	for (unsigned k = 0; k < 100; k++) {
		sim_run(s, 1);
		assert_int_equal(sim_false_deaths(s), 0);
	}
	sim_free(s);
}

static void who_is_mute_is_out_and_knows(void **state)
{
	struct sim *s = joined(1, 10, 0, 1);

	(void)state;
	s->nodes[4].mute = true;
	agree(s, 2 * NOTICED(10));
	sim_run(s, 5);
	assert_false(member_is_heard(s->nodes[4].m, sim_clock(s, 4)));
	assert_true(member_is_heard(s->nodes[5].m, sim_clock(s, 5)));
	s->nodes[4].mute = false;
	agree(s, JOINED);
	sim_run(s, 3);
	assert_true(member_is_heard(s->nodes[4].m, sim_clock(s, 4)));
	sim_free(s);
}

static void who_is_deaf_is_out(void **state)
{
	struct sim *s = joined(1, 10, 0, 1);

	(void)state;
	s->nodes[4].deaf = true;
	agree(s, 2 * NOTICED(10) + 2);
	s->nodes[4].deaf = false;
	agree(s, JOINED);
	sim_free(s);
}

static void who_is_alone_is_heard(void **state)
{
	struct sim *s = joined(1, 3, 0, 1);

	(void)state;
	sim_kill(s, 2);
	sim_kill(s, 3);
	sim_run(s, 50);
	assert_true(member_is_heard(s->nodes[1].m, sim_clock(s, 1)));
	assert_true(member_settled_at(s->nodes[1].m) <= sim_clock(s, 1));
	sim_free(s);
}

/* A node that wakes up must not bury those whom it did not hear meanwhile, nor those who died meanwhile haunt anybody. */
static void who_was_stopped_wakes_up(void **state)
{
	struct sim *s = joined(1, 10, 0, 1);

	(void)state;
	sim_stop(s, 3);
	sim_run(s, 3);
	sim_kill(s, 7);
	agree(s, NOTICED(10));
	sim_run(s, 100);
	sim_go_on(s, 3);
	assert_int_equal(member_counts(s->nodes[3].m)->pauses, 1);
	assert_true(member_settled_at(s->nodes[3].m) > sim_clock(s, 3));
	for (unsigned k = 0; k < 40; k++) {
		sim_run(s, 0.25);
		for (unsigned i = 1; i <= 10; i++)
			assert_true(i == 3 || i == 7 || !member_alive(s->nodes[i].m, 7));
		for (unsigned i = 1; i <= 10; i++)
			assert_true(i == 7 || member_alive(s->nodes[3].m, i));
	}
	agree(s, 1);
	sim_free(s);
}

/* --- what was recorded -------------------------------------------------------------------------------------------------------- */

struct record {
	unsigned from, to, net;
	size_t len;
	uint8_t packet[128];
};
struct tape {
	struct record r[20000];
	size_t n;
};

static void tap(struct sim *s, unsigned net, unsigned to, const uint8_t *packet, size_t len)
{
	struct tape *t = s->tap_data;
	struct packet p;

	if (t->n == sizeof(t->r) / sizeof(*t->r) || len > sizeof(t->r[0].packet))
		return;
	assert_int_equal(packet_parse(packet, len, &p), 0);
	t->r[t->n] = (struct record){.from = p.from, .to = to, .net = net, .len = len};
	memcpy(t->r[t->n++].packet, packet, len);
}

/* Everything that FROM sent, again and again. LOOK is called after each packet. */
static void replay(struct sim *s, const struct tape *t, unsigned from, unsigned times, void (*look)(struct sim *s))
{
	for (unsigned k = 0; k < times; k++)
		for (size_t i = 0; i < t->n; i++) {
			if (t->r[i].from != from)
				continue;
			for (unsigned to = 1; to <= s->n; to++)
				if (to != from && (to == t->r[i].to || t->r[i].to == MEMBER_ALL))
					sim_inject(s, t->r[i].net, to, t->r[i].packet, t->r[i].len);
			sim_run(s, 0.1);
			look(s);
		}
}

static void node_2_is_dead(struct sim *s)
{
	for (unsigned i = 1; i <= s->n; i++)
		if (i != 2 && member_alive(s->nodes[i].m, 2))
			fail_msg("node %u takes node 2 for alive", i);
}

static void both_are_heard(struct sim *s)
{
	for (unsigned i = 1; i <= 2; i++) {
		uint32_t silence = member_silence(s->nodes[i].m, sim_clock(s, i), 3 - i);

		if (silence > 2 * INTERVAL)
			fail_msg("node %u did not hear the other for %u ms", i, silence);
	}
}

/* Records the lives of nodes that begin anew in between. */
static struct sim *recorded(struct tape *t, unsigned n)
{
	struct sim *s = joined(1, n, 0, 2);

	s->tap = tap;
	s->tap_data = t;
	sim_run(s, 20);
	sim_start(s, 2); /* the sender */
	sim_run(s, 20);
	sim_start(s, 1); /* a receiver */
	sim_run(s, 20);
	assert_true(t->n > 200 && t->n < sizeof(t->r) / sizeof(*t->r));
	s->tap = NULL;
	return s;
}

static void what_was_recorded_wakes_nobody(void **state)
{
	static struct tape t;
	struct sim *s = recorded(&t, 4);

	(void)state;
	sim_kill(s, 2);
	agree(s, NOTICED(4));
	replay(s, &t, 2, 3, node_2_is_dead);
	assert_true(member_counts(s->nodes[1].m)->stale > 100);
	sim_start(s, 2);
	agree(s, JOINED);
	sim_free(s);
}

/* A replay while its true sender lives neither disturbs it nor throws it back to an older life. */
static void what_was_recorded_disturbs_nobody(void **state)
{
	static struct tape t;
	struct sim *s;

	(void)state;
	t.n = 0;
	s = recorded(&t, 2);
	replay(s, &t, 2, 10, both_are_heard);
	sim_free(s);
}

/* --- generations ---------------------------------------------------------------------------------------------------------------- */

/* A new generation is not held back until somebody's next interval. */
static void news_spread_at_once(void **state)
{
	struct sim *s = joined(1, 200, 0, 1);

	(void)state;
	sim_run(s, 2);
	member_set_generation(s->nodes[77].m, 42);
	member_tick(s->nodes[77].m, sim_clock(s, 77));
	sim_run(s, 0.2);
	for (unsigned i = 1; i <= 200; i++)
		assert_int_equal(member_generation(s->nodes[i].m), 42);
	sim_free(s);
}

static void messages_grow_with_the_logarithm(void **state)
{
	(void)state;
	for (unsigned n = 16; n <= 256; n *= 4) {
		struct sim *s = joined(1, n, 0, 1);
		uint64_t before;
		double each;

		sim_run(s, 30); /* and the gateway has its owner */
		before = s->packets;
		sim_run(s, 10);
		each = (double)(s->packets - before) / 10 / n;
		assert_true(each <= 2 * __builtin_ctz(n) && each >= 2 * __builtin_ctz(n) - 2);
		sim_free(s);
	}
}

static void nodes_come_and_go_in_the_state(void **state)
{
	struct sim *s = joined(1, 6, 0, 1);

	(void)state;
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(member_set_nodes(s->nodes[i].m, s->numbers, 5), 0);
	sim_run(s, 1);
	for (unsigned i = 1; i <= 5; i++)
		assert_false(member_alive(s->nodes[i].m, 6));
	assert_true(member_counts(s->nodes[1].m)->strangers > 0);
	for (unsigned i = 1; i <= 5; i++)
		assert_int_equal(member_set_nodes(s->nodes[i].m, s->numbers, 6), 0);
	agree(s, JOINED);
	sim_free(s);
}

/* --- whatever happens ------------------------------------------------------------------------------------------------------------- */

static bool cut_at_random(const struct sim *s, unsigned from, unsigned to, unsigned net)
{
	const uint64_t *cuts = s->tap_data;

	return (from * 2654435761u ^ to * 40503u ^ net) % 97 < *cuts;
}

static void something_happens(struct sim *s, uint64_t *cuts)
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
		*cuts = sim_random(s, 60);
		break;
	}
}

static void calm_down(struct sim *s, uint64_t *cuts)
{
	*cuts = 0;
	for (unsigned i = 1; i <= s->n; i++) {
		struct sim_node *node = &s->nodes[i];

		node->group = 0;
		node->mute = node->deaf = false;
		if (node->stopped)
			sim_go_on(s, i);
	}
}

static void campaign(uint64_t seed)
{
	struct sim *s = sim_new(seed, 2 + (unsigned)(seed % 30), INTERVAL);
	uint64_t cuts = 0;

	s->loss = (double)(seed % 4) * 0.05;
	s->nets = 1 + seed % 2;
	s->cut = cut_at_random;
	s->tap_data = &cuts;
	sim_start_all(s);
	for (unsigned round = 0; round < 20; round++) {
		for (uint64_t k = sim_random(s, 8); k; k--) {
			something_happens(s, &cuts);
			sim_run(s, (double)sim_random(s, 300) / 100);
		}
		calm_down(s, &cuts);
		if (sim_until_agreed(s, 2 * NOTICED(s->n) + JOINED) < 0)
			fail_msg("SIM_SEED=%llu: round %u does not end", (unsigned long long)seed, round);
	}
	sim_free(s);
}

static void whatever_happens_it_is_right_again_soon(void **state)
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
		cmocka_unit_test(a_death_is_seen_by_all),
		cmocka_unit_test(nobody_is_taken_for_dead_on_a_lossy_network),
		cmocka_unit_test(one_network_is_enough),
		cmocka_unit_test(a_partition_heals),
		cmocka_unit_test(most_may_die_at_once),
		cmocka_unit_test(a_few_of_many_find_each_other),
		cmocka_unit_test(a_watched_node_is_heard_directly),
		cmocka_unit_test(a_watched_node_that_is_late_is_asked),
		cmocka_unit_test(a_link_that_works_one_way_does_not_matter),
		cmocka_unit_test(who_is_mute_is_out_and_knows),
		cmocka_unit_test(who_is_deaf_is_out),
		cmocka_unit_test(who_is_alone_is_heard),
		cmocka_unit_test(who_was_stopped_wakes_up),
		cmocka_unit_test(what_was_recorded_wakes_nobody),
		cmocka_unit_test(what_was_recorded_disturbs_nobody),
		cmocka_unit_test(news_spread_at_once),
		cmocka_unit_test(messages_grow_with_the_logarithm),
		cmocka_unit_test(nodes_come_and_go_in_the_state),
		cmocka_unit_test(whatever_happens_it_is_right_again_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
