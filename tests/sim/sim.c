/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A packet that arrives at TO, or, with LEN 0, time for TO to look at the clock. */
struct sim_event {
	uint64_t at, order;
	unsigned to, net;
	struct sim_packet *packet;
};
struct sim_packet {
	unsigned users;
	size_t len;
	uint8_t data[];
};

/* --- chance (splitmix64) -------------------------------------------------------------------------------------------- */

uint64_t sim_random(struct sim *s, uint64_t below)
{
	uint64_t z = s->seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return below ? z % below : z;
}

static uint64_t node_random(void *data)
{
	struct sim_node *node = data;

	return sim_random(node->sim, 0);
}

/* --- the queue: a binary heap ------------------------------------------------------------------------------------------ */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void push(struct sim *s, struct sim_event ev)
{
	size_t i = s->n_queue++;

	if (s->n_queue > s->size_queue) {
		s->size_queue = 2 * s->n_queue;
		s->queue = realloc(s->queue, s->size_queue * sizeof(*s->queue));
		assert(s->queue);
	}
	ev.order = s->order++;
	for (; i && before(&ev, &s->queue[(i - 1) / 2]); i = (i - 1) / 2)
		s->queue[i] = s->queue[(i - 1) / 2];
	s->queue[i] = ev;
}

static struct sim_event pop(struct sim *s)
{
	struct sim_event first = s->queue[0], last = s->queue[--s->n_queue];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->n_queue) {
		if (child + 1 < s->n_queue && before(&s->queue[child + 1], &s->queue[child]))
			child++;
		if (!before(&s->queue[child], &last))
			break;
		s->queue[i] = s->queue[child];
		i = child;
	}
	s->queue[i] = last;
	return first;
}

/* --- the network ------------------------------------------------------------------------------------------------------- */

static bool passes(struct sim *s, const struct sim_node *from, const struct sim_node *to, unsigned net)
{
	if (!to->m || from == to || from->group != to->group || from->mute || to->deaf || s->net_down[net])
		return false;
	if (s->cut && s->cut(s, from->number, to->number, net))
		return false;
	return s->loss == 0 || (double)sim_random(s, 1u << 30) >= s->loss * (1u << 30);
}

static void deliver(struct sim *s, struct sim_packet *p, unsigned net, unsigned to)
{
	struct sim_event ev = {.at = s->now + s->delay_us / 10 + sim_random(s, s->delay_us), .to = to, .net = net, .packet = p};

	p->users++;
	push(s, ev);
}

static struct sim_packet *copy(const uint8_t *packet, size_t len)
{
	struct sim_packet *p = malloc(sizeof(*p) + len);

	assert(p);
	*p = (struct sim_packet){.users = 1, .len = len};
	memcpy(p->data, packet, len);
	return p;
}

void sim_inject(struct sim *s, unsigned net, unsigned to, const uint8_t *packet, size_t len)
{
	struct sim_packet *p = copy(packet, len);

	deliver(s, p, net, to);
	p->users--;
}

static void on_send(void *data, unsigned net, unsigned to, const uint8_t *packet, size_t len)
{
	struct sim_node *node = data;
	struct sim *s = node->sim;
	struct sim_packet *p = copy(packet, len);
	unsigned first = to == MEMBER_ALL ? 1 : to, last = to == MEMBER_ALL ? s->n : to;

	assert(to <= s->n);
	if (s->tap)
		s->tap(s, net, to, packet, len);
	s->packets++;
	s->bytes += len;
	for (unsigned i = first; i <= last; i++)
		if (passes(s, node, &s->nodes[i], net))
			deliver(s, p, net, i);
	if (--p->users == 0)
		free(p);
}

static void on_claim(void *data, uint64_t now, unsigned from, struct gateway_claim claim, bool holds, bool heard)
{
	struct sim_node *node = data;

	gateway_heard(&node->g, node->m, now, from, claim, holds, heard);
}

/* --- nodes --------------------------------------------------------------------------------------------------------------- */

static uint64_t clock_of(const struct sim_node *node)
{
	return (node->sim->now + node->clock_us) / 1000;
}

uint64_t sim_clock(const struct sim *s, unsigned number)
{
	return clock_of(&s->nodes[number]);
}

static void plan(struct sim_node *node)
{
	uint64_t next = member_next(node->m), gateway = gateway_next(&node->g, node->m, clock_of(node)), at;

	next = 1000 * (gateway < next ? gateway : next);

	at = next > node->clock_us + node->sim->now ? next - node->clock_us : node->sim->now;
	if (node->tick_at && node->tick_at <= at && node->tick_at >= node->sim->now)
		return;
	node->tick_at = at;
	push(node->sim, (struct sim_event){.at = at, .to = node->number});
}

/* Letting go of the addresses takes no time. */
static void take_or_let_go(struct sim_node *node, bool hold)
{
	struct sim *s = node->sim;

	if (hold && !node->g.holds && !node->take_at)
		node->take_at = s->now + s->take_us;
	if (hold && (!node->take_at || s->now < node->take_at))
		return;
	node->take_at = 0;
	if (hold != node->g.holds)
		gateway_set_holds(&node->g, node->m, clock_of(node), hold);
}

/* What a node does whenever it wakes up. */
static void work(struct sim_node *node)
{
	uint64_t now = clock_of(node);

	member_tick(node->m, now);
	take_or_let_go(node, gateway_tick(&node->g, node->m, now));
	if (gateway_announce(&node->g, now))
		node->announced++;
	plan(node);
}

void sim_start(struct sim *s, unsigned number)
{
	struct sim_node *node = &s->nodes[number];
	const struct member_config c = {
		.self = number,
		.interval_ms = s->interval_ms,
		.nets = s->nets,
		.random = node_random,
		.send = on_send,
		.claim = on_claim,
		.data = node,
	};

	sim_kill(s, number);
	node->clock_us = sim_random(s, 1ull << 36);
	node->m = member_new(&c, clock_of(node));
	assert(node->m && member_set_nodes(node->m, s->numbers, s->n) == 0);
	gateway_init(&node->g, number, s->interval_ms);
	node->g.able = true;
	assert(gateway_set_order(&node->g, s->numbers, s->candidates) == 0);
	plan(node);
}

void sim_start_all(struct sim *s)
{
	for (unsigned i = 1; i <= s->n; i++)
		sim_start(s, i);
}

void sim_kill(struct sim *s, unsigned number)
{
	struct sim_node *node = &s->nodes[number];

	member_free(node->m);
	gateway_free(&node->g);
	node->m = NULL;
	node->stopped = false;
	node->tick_at = node->take_at = 0;
}

void sim_stop(struct sim *s, unsigned number)
{
	s->nodes[number].stopped = true;
}

/* What had come while it was stopped is thrown away, as member_wake demands. */
void sim_go_on(struct sim *s, unsigned number)
{
	struct sim_node *node = &s->nodes[number];

	node->stopped = false;
	if (!node->m)
		return;
	member_wake(node->m, clock_of(node));
	work(node);
}

static void happen(struct sim *s, const struct sim_event *ev)
{
	struct sim_node *node = &s->nodes[ev->to];

	if (!ev->packet && node->tick_at != ev->at)
		return;
	if (!ev->packet)
		node->tick_at = 0;
	if (!node->m || node->stopped)
		return;
	member_wake(node->m, clock_of(node));
	if (ev->packet)
		member_receive(node->m, clock_of(node), ev->net, ev->packet->data, ev->packet->len);
	work(node);
}

static void let_go(struct sim_packet *p)
{
	if (p && --p->users == 0)
		free(p);
}

static void run_until(struct sim *s, uint64_t end)
{
	while (s->n_queue && s->queue[0].at <= end) {
		struct sim_event ev = pop(s);

		s->now = ev.at;
		happen(s, &ev);
		let_go(ev.packet);
	}
	s->now = end;
}

void sim_run(struct sim *s, double intervals)
{
	run_until(s, s->now + (uint64_t)(intervals * s->interval_ms * 1000));
}

struct sim *sim_new(uint64_t seed, unsigned n, unsigned interval_ms)
{
	struct sim *s = calloc(1, sizeof(*s));

	assert(s);
	*s = (struct sim){.now = 1000000, .seed = seed, .n = n, .nets = 1, .candidates = n, .interval_ms = interval_ms, .delay_us = 500};
	s->nodes = calloc(n + 1u, sizeof(*s->nodes));
	s->numbers = calloc(n, sizeof(*s->numbers));
	assert(s->nodes && s->numbers);
	for (unsigned i = 1; i <= n; i++) {
		s->nodes[i].sim = s;
		s->nodes[i].number = i;
		s->numbers[i - 1] = (uint16_t)i;
	}
	return s;
}

void sim_free(struct sim *s)
{
	while (s->n_queue)
		let_go(pop(s).packet);
	for (unsigned i = 1; i <= s->n; i++)
		sim_kill(s, i);
	free(s->queue);
	free(s->nodes);
	free(s->numbers);
	free(s);
}

/* --- what they believe ---------------------------------------------------------------------------------------------------- */

static bool reaches(const struct sim_node *a, const struct sim_node *b)
{
	if (a == b)
		return true;
	return b->m && !b->stopped && a->group == b->group && !a->mute && !a->deaf && !b->mute && !b->deaf;
}

bool sim_agrees(const struct sim *s, unsigned *ret_who, unsigned *ret_whom)
{
	for (unsigned i = 1; i <= s->n; i++) {
		const struct sim_node *a = &s->nodes[i];

		for (unsigned k = 1; a->m && !a->stopped && k <= s->n; k++)
			if (member_alive(a->m, k) != reaches(a, &s->nodes[k])) {
				if (ret_who)
					*ret_who = i;
				if (ret_whom)
					*ret_whom = k;
				return false;
			}
	}
	return true;
}

double sim_until_agreed(struct sim *s, double most)
{
	for (double passed = 0; passed <= most; passed += 0.25) {
		if (sim_agrees(s, NULL, NULL))
			return passed;
		sim_run(s, 0.25);
	}
	return -1;
}

unsigned sim_holders(const struct sim *s, unsigned *ret)
{
	unsigned count = 0;

	for (unsigned i = 1; i <= s->n; i++) {
		if (!s->nodes[i].m || !s->nodes[i].g.holds)
			continue;
		count++;
		if (ret)
			*ret = i;
	}
	return count;
}

uint64_t sim_false_deaths(const struct sim *s)
{
	uint64_t count = 0;

	for (unsigned i = 1; i <= s->n; i++)
		for (unsigned k = 1; s->nodes[i].m && !s->nodes[i].stopped && k <= s->n; k++)
			count += reaches(&s->nodes[i], &s->nodes[k]) && !member_alive(s->nodes[i].m, k);
	return count;
}
