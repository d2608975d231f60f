/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "member.h"
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEARS_QUARTERS   10 /* of an interval: so long a packet shows that its sender is heard */
#define START_INTERVALS  15 /* who has just started listens so long: its link may be coming up still */
#define PAUSE_INTERVALS  2  /* who sleeps longer has slept too long */
#define ANSWERS_TO_HELLO 3  /* nodes answer a broadcast, about */
#define ASK_QUARTERS     6  /* of an interval: so late a watched node is asked for a word, every quarter */

/* A node from which a packet came. They are kept for good: forgetting the sequence would let in what was recorded. */
struct peer {
	uint16_t number;
	uint64_t run;                 /* 0: none of its packets was fresh yet */
	uint64_t seq[MEMBER_NETS];    /* of the last in this run */
	uint64_t mine, theirs;        /* challenges: for it to echo; to echo to it (0: not known) */
	uint64_t heard_ms;            /* the last fresh packet (0: none yet), */
	uint64_t net_ms[MEMBER_NETS]; /* by network; 0: none */
	uint64_t told_ms;             /* the last packet to it */
};

struct member {
	struct member_config c;
	uint64_t run, challenge; /* the latter for whom none is known of yet */
	uint64_t seq[MEMBER_NETS];
	uint64_t awake, next, encoded; /* times */
	uint64_t lenient, settled;     /* nobody is found dead before; who lives is not relied on before */
	bool urgent;                   /* something is to be told at once */
	unsigned top;                  /* the highest number */
	uint8_t *known, *alive;        /* by number: whether it is a node, whether it lives */
	uint32_t *seen;                /* by number: when it is known to have lived (low 32 bits) */
	uint8_t *out;                  /* the packet under construction, with the ages as of ENCODED */
	uint16_t *live, *near;         /* n_live, n_near */
	size_t n_live, n_near;
	struct peer *peers; /* ascending by number */
	size_t n_peers;
	unsigned sought;                /* the last of the absent that was looked for */
	unsigned hellos, hellos_before; /* broadcasts heard in this interval and in the one before */
	unsigned watched;
	uint64_t asked;                  /* when the watched one was */
	uint64_t heard_us, did_not_hear; /* when somebody heard us, and not */
	uint64_t changes, generation;
	struct gateway_claim claim;
	bool holds;
	struct member_counts counts;
};

/* --- time ------------------------------------------------------------------------------------------------------------- */

static uint32_t age_ms(const struct member *m, uint64_t now, unsigned number)
{
	return (uint32_t)now - m->seen[number];
}

/* Half an interval beyond the last age that can be told. */
static uint32_t dead_ms(const struct member *m)
{
	return m->c.interval_ms * (2 * AGE_DEAD + 1) / 2;
}

unsigned member_limit(size_t n)
{
	return 4 + ring_steps(n);
}

static bool within(uint64_t then, uint64_t now, uint64_t ms)
{
	return then && now - then < ms;
}

/* --- peers ------------------------------------------------------------------------------------------------------------ */

static size_t place_of(const struct member *m, unsigned number)
{
	size_t low = 0, high = m->n_peers;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (m->peers[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct peer *find_peer(const struct member *m, unsigned number)
{
	size_t i = place_of(m, number);

	return i < m->n_peers && m->peers[i].number == number ? &m->peers[i] : NULL;
}

static struct peer *get_peer(struct member *m, unsigned number)
{
	size_t i = place_of(m, number);
	struct peer *p;

	if (i < m->n_peers && m->peers[i].number == number)
		return &m->peers[i];
	p = m->n_peers & (m->n_peers - 1) ? m->peers : realloc(m->peers, (m->n_peers ? 2 * m->n_peers : 1) * sizeof(*p));
	if (!p)
		return NULL;
	m->peers = p;
	memmove(&p[i + 1], &p[i], (m->n_peers - i) * sizeof(*p));
	m->n_peers++;
	p[i] = (struct peer){.number = (uint16_t)number, .mine = m->challenge};
	return &p[i];
}

static bool is_near(const struct member *m, unsigned number)
{
	for (size_t i = 0; i < m->n_near; i++)
		if (m->near[i] == number)
			return true;
	return false;
}

static bool is_recent(const struct member *m, uint64_t then, uint64_t now)
{
	return within(then, now, HEARS_QUARTERS * (uint64_t)m->c.interval_ms / 4);
}

/* --- sending ---------------------------------------------------------------------------------------------------------- */

/* Ages hold for a quarter of an interval, so they are reckoned as of its end. */
static void encode(struct member *m, uint64_t now)
{
	const uint32_t ms = m->c.interval_ms, then = (uint32_t)now + ms / 4;
	uint8_t *ages = m->out + PACKET_HEADER;

	if (m->encoded && now - m->encoded < ms / 4)
		return;
	m->encoded = now;
	memset(ages, 0xff, (m->top + 1) / 2);
	for (unsigned i = 1; i <= m->top; i++) {
		uint32_t age = (then - m->seen[i] + ms - 1) / ms;
		unsigned shift = (i - 1) % 2 * 4;

		if (i == m->c.self)
			age = 0;
		if (m->known[i] && age < AGE_DEAD)
			ages[(i - 1) / 2] = (uint8_t)((ages[(i - 1) / 2] & ~(0xf << shift)) | age << shift);
	}
}

static void send_on(struct member *m, uint64_t now, unsigned net, unsigned to, unsigned flags)
{
	struct peer *peer = find_peer(m, to);
	struct packet p = {
		.flags = (uint8_t)(flags | (m->holds ? PACKET_HOLDS : 0) | (peer && is_recent(m, peer->heard_ms, now) ? PACKET_HEARS : 0)),
		.net = (uint8_t)net,
		.from = (uint16_t)m->c.self,
		.to = (uint16_t)to,
		.run = m->run,
		.challenge = peer ? peer->mine : m->challenge,
		.echo = peer ? peer->theirs : 0,
		.seq = ++m->seq[net],
		.generation = m->generation,
		.claim = m->claim,
		.n = (uint16_t)m->top,
	};

	encode(m, now);
	p.ages = m->out + PACKET_HEADER;
	packet_print(&p, m->out);
	if (peer)
		peer->told_ms = now;
	m->counts.sent++;
	m->c.send(m->c.data, net, to, m->out, packet_len(p.n));
}

static void send_to(struct member *m, uint64_t now, unsigned to, unsigned flags)
{
	for (unsigned net = 0; net < m->c.nets; net++)
		send_on(m, now, net, to, flags);
}

/* --- who is alive ----------------------------------------------------------------------------------------------------- */

static void choose_near(struct member *m)
{
	size_t place = 0, ring[RING_NEIGHBOURS];

	while (place < m->n_live && m->live[place] != m->c.self)
		place++;
	m->n_near = ring_neighbours(m->n_live, place, ring);
	for (size_t i = 0; i < m->n_near; i++)
		m->near[i] = m->live[ring[i]];
}

static void list_live(struct member *m)
{
	m->n_live = 0;
	for (unsigned i = 1; i <= m->top; i++)
		if (m->alive[i])
			m->live[m->n_live++] = (uint16_t)i;
	m->changes++;
	choose_near(m);
}

/* Clamps what is old, so that it cannot become young again when the clock's 32 bits are through. */
static bool judge(struct member *m, uint64_t now)
{
	const uint32_t limit = member_limit(m->n_live) * m->c.interval_ms, dead = dead_ms(m);
	bool changed = false;

	for (unsigned i = 1; i <= m->top; i++) {
		uint32_t age = age_ms(m, now, i);
		bool alive = m->known[i] && age < limit;

		if (age > dead)
			m->seen[i] = (uint32_t)now - dead;
		if (i == m->c.self || alive == m->alive[i] || (!alive && now < m->lenient && m->known[i]))
			continue;
		m->alive[i] = alive;
		changed = true;
	}
	return changed;
}

static void seen_at(struct member *m, unsigned number, uint32_t ms)
{
	if ((int32_t)(ms - m->seen[number]) > 0)
		m->seen[number] = ms;
}

static void merge(struct member *m, uint64_t now, const struct packet *p)
{
	const unsigned n = p->n < m->top ? p->n : m->top;

	for (unsigned i = 1; i <= n; i++) {
		unsigned age = p->ages[(i - 1) / 2] >> ((i - 1) % 2 * 4) & 0xf;

		if (age < AGE_DEAD)
			seen_at(m, i, (uint32_t)now - age * m->c.interval_ms);
	}
	seen_at(m, p->from, (uint32_t)now);
}

/* --- receiving -------------------------------------------------------------------------------------------------------- */

static bool chance(struct member *m, double probability)
{
	return (double)(m->c.random(m->c.data) >> 11) < probability * 0x1p53;
}

/* How many live, as far as can be told: while they come up, each still thinks itself alone. */
static size_t crowd(const struct member *m)
{
	unsigned hellos = m->hellos > m->hellos_before ? m->hellos : m->hellos_before;

	return m->n_live > hellos + 1 ? m->n_live : hellos + 1;
}

/* Fresh: it echoes the challenge that its sender was given last, and is newer than the last from there. */
static bool is_fresh(const struct member *m, const struct peer *peer, const struct packet *p)
{
	return p->to == m->c.self && p->echo == peer->mine && (p->run != peer->run || p->seq > peer->seq[p->net]);
}

/* A node that begins anew gets a new challenge: what it said in its former life echoes the old one. */
static void follow_run(struct member *m, struct peer *peer, const struct packet *p)
{
	if (peer->run != p->run) {
		if (peer->run)
			peer->mine = m->c.random(m->c.data);
		peer->run = p->run;
		memset(peer->seq, 0, sizeof(peer->seq));
	}
	peer->seq[p->net] = p->seq;
}

/* Whether P calls for an answer before the next interval: without it the other cannot know that it is heard, or goes on by a claim that is past. */
static bool wants_answer(struct member *m, uint64_t now, const struct peer *peer, const struct packet *p, bool fresh)
{
	const uint64_t ms = m->c.interval_ms;

	if (p->to == MEMBER_ALL)
		return !m->alive[p->from] && chance(m, (double)ANSWERS_TO_HELLO / (double)crowd(m));
	if (fresh && p->flags & PACKET_ANSWER)
		return true;
	if (!fresh || !(p->flags & PACKET_HEARS) || p->claim.term < m->claim.term)
		return !within(peer->told_ms, now, ms / 4);
	return !is_near(m, p->from) && !within(peer->told_ms, now, 3 * ms / 4);
}

static void take_fresh(struct member *m, uint64_t now, struct peer *peer, const struct packet *p)
{
	bool heard = p->flags & PACKET_HEARS;

	follow_run(m, peer, p);
	peer->theirs = p->challenge;
	peer->heard_ms = peer->net_ms[p->net] = now;
	if (heard)
		m->heard_us = now;
	else
		m->did_not_hear = now;
	if (heard) {
		merge(m, now, p);
		member_set_generation(m, p->generation);
	}
	if (p->claim.term)
		m->c.claim(m->c.data, now, p->from, p->claim, p->flags & PACKET_HOLDS, heard);
}

static void take(struct member *m, uint64_t now, const struct packet *p)
{
	struct peer *peer = get_peer(m, p->from);
	bool fresh;

	if (!peer)
		return;
	fresh = is_fresh(m, peer, p);
	if (fresh)
		take_fresh(m, now, peer, p);
	else if (p->to == MEMBER_ALL)
		m->hellos++;
	else
		m->counts.stale++;
	if (!fresh && !within(peer->heard_ms, now, 2ull * m->c.interval_ms))
		peer->theirs = p->challenge;
	if (wants_answer(m, now, peer, p, fresh))
		send_on(m, now, p->net, p->from, 0);
}

void member_receive(struct member *m, uint64_t now, unsigned net, const uint8_t *packet, size_t len)
{
	struct packet p;

	m->counts.received++;
	if (packet_parse(packet, len, &p) < 0)
		m->counts.malformed++;
	else if (p.net != net || p.from == m->c.self || (p.to != MEMBER_ALL && p.to != m->c.self) || p.from > m->top || !m->known[p.from])
		m->counts.strangers++;
	else
		take(m, now, &p);
}

/* --- time passes ------------------------------------------------------------------------------------------------------- */

bool member_wake(struct member *m, uint64_t now)
{
	const uint64_t ms = m->c.interval_ms;
	bool paused = now - m->awake > PAUSE_INTERVALS * ms;

	m->awake = now;
	if (!paused)
		return false;
	m->counts.pauses++;
	m->lenient = m->settled = now + member_limit(m->n_live) * ms;
	m->next = now;
	return true;
}

/* One of the absent, in turn; 0: none is. */
static unsigned next_absent(struct member *m)
{
	for (unsigned i = 0; i < m->top; i++) {
		m->sought = m->sought % m->top + 1;
		if (m->known[m->sought] && !m->alive[m->sought])
			return m->sought;
	}
	return 0;
}

static void seek(struct member *m, uint64_t now)
{
	unsigned absent = next_absent(m);

	if (absent)
		send_to(m, now, absent, 0);
	if (absent && chance(m, 1.0 / (double)crowd(m)))
		send_to(m, now, MEMBER_ALL, 0);
	m->hellos_before = m->hellos;
	m->hellos = 0;
}

static void tell_all(struct member *m, uint64_t now)
{
	for (size_t i = 0; i < m->n_near; i++)
		send_to(m, now, m->near[i], 0);
	if (m->watched && m->watched != m->c.self && !is_near(m, m->watched))
		send_to(m, now, m->watched, 0);
	m->urgent = false;
}

static bool is_late(const struct member *m, uint64_t now)
{
	return m->watched && m->watched != m->c.self && m->alive[m->watched] &&
	       age_ms(m, now, m->watched) >= ASK_QUARTERS * m->c.interval_ms / 4;
}

static void ask(struct member *m, uint64_t now)
{
	if (!is_late(m, now) || within(m->asked, now, m->c.interval_ms / 4))
		return;
	m->asked = now;
	send_to(m, now, m->watched, PACKET_ANSWER);
}

void member_tick(struct member *m, uint64_t now)
{
	const uint64_t ms = m->c.interval_ms;

	if (now >= m->next) {
		if (judge(m, now))
			list_live(m);
		tell_all(m, now);
		seek(m, now);
		m->next = m->next + ms > now ? m->next + ms : now + ms;
	} else if (m->urgent) {
		tell_all(m, now);
	}
	ask(m, now);
}

uint64_t member_next(const struct member *m)
{
	const uint64_t ms = m->c.interval_ms;
	uint64_t next = m->urgent ? m->awake : m->next, late;

	if (!m->watched || m->watched == m->c.self || !m->alive[m->watched])
		return next;
	late = m->awake - age_ms(m, m->awake, m->watched) + ASK_QUARTERS * ms / 4;
	if (late < m->asked + ms / 4)
		late = m->asked + ms / 4;
	return late < next ? late : next;
}

/* --- made, told, asked -------------------------------------------------------------------------------------------------- */

struct member *member_new(const struct member_config *config, uint64_t now)
{
	const uint16_t self = (uint16_t)config->self;
	struct member *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->c = *config;
	m->run = config->random(config->data) | 1;
	m->challenge = config->random(config->data);
	m->awake = now;
	m->next = now + config->random(config->data) % config->interval_ms;
	if (member_set_nodes(m, &self, 1) < 0) {
		member_free(m);
		return NULL;
	}
	m->settled = now + START_INTERVALS * (uint64_t)config->interval_ms;
	return m;
}

void member_free(struct member *m)
{
	if (!m)
		return;
	free(m->known);
	free(m->alive);
	free(m->seen);
	free(m->out);
	free(m->live);
	free(m->near);
	free(m->peers);
	free(m);
}

/* Arrays for the numbers up to TOP; what is new in them is nobody, and dead. */
static int make_room(struct member *m, unsigned top)
{
	uint8_t *known = calloc(top + 1u, 1), *alive = calloc(top + 1u, 1), *out = malloc(packet_len(top));
	uint32_t *seen = calloc(top + 1u, sizeof(*seen));
	uint16_t *live = calloc(top, sizeof(*live)), *near = calloc(RING_NEIGHBOURS, sizeof(*near));

	if (!known || !alive || !out || !seen || !live || !near) {
		free(known), free(alive), free(out), free(seen), free(live), free(near);
		return -ENOMEM;
	}
	for (unsigned i = 0; i <= top; i++)
		seen[i] = i <= m->top && m->seen ? m->seen[i] : (uint32_t)m->awake - dead_ms(m);
	for (unsigned i = 1; i <= top && i <= m->top; i++)
		alive[i] = m->alive[i];
	free(m->known), free(m->alive), free(m->out), free(m->seen), free(m->live), free(m->near);
	m->known = known, m->alive = alive, m->out = out, m->seen = seen, m->live = live, m->near = near;
	m->top = top;
	m->encoded = 0;
	return 0;
}

int member_set_nodes(struct member *m, const uint16_t *numbers, size_t n)
{
	unsigned top = n && numbers[n - 1] > m->c.self ? numbers[n - 1] : m->c.self;
	int r = make_room(m, top);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++)
		m->known[numbers[i]] = 1;
	m->known[m->c.self] = m->alive[m->c.self] = 1;
	for (unsigned i = 1; i <= top; i++)
		m->alive[i] = m->alive[i] && m->known[i];
	list_live(m);
	return 0;
}

void member_set_generation(struct member *m, uint64_t generation)
{
	if (generation <= m->generation)
		return;
	m->generation = generation;
	m->urgent = true;
}

void member_set_claim(struct member *m, struct gateway_claim claim, bool holds)
{
	if (claim.term == m->claim.term && claim.owner == m->claim.owner && holds == m->holds)
		return;
	m->claim = claim;
	m->holds = holds;
	m->urgent = true;
}

void member_watch(struct member *m, unsigned number)
{
	m->watched = number <= m->top && m->known[number] ? number : 0;
}

bool member_alive(const struct member *m, unsigned number)
{
	return number && number <= m->top && m->alive[number];
}

const uint16_t *member_live(const struct member *m, size_t *ret_n)
{
	*ret_n = m->n_live;
	return m->live;
}

uint64_t member_changes(const struct member *m)
{
	return m->changes;
}

uint32_t member_silence(const struct member *m, uint64_t now, unsigned number)
{
	uint32_t age;

	if (number == m->c.self)
		return 0;
	if (!number || number > m->top || !m->known[number])
		return UINT32_MAX;
	age = age_ms(m, now, number);
	return age < dead_ms(m) ? age : UINT32_MAX;
}

uint32_t member_silence_on(const struct member *m, uint64_t now, unsigned number, unsigned net)
{
	const struct peer *p = find_peer(m, number);

	return p && p->net_ms[net] && now - p->net_ms[net] < UINT32_MAX ? (uint32_t)(now - p->net_ms[net]) : UINT32_MAX;
}

uint64_t member_generation(const struct member *m)
{
	return m->generation;
}

bool member_is_heard(const struct member *m, uint64_t now)
{
	return is_recent(m, m->heard_us, now) || !is_recent(m, m->did_not_hear, now);
}

bool member_is_deaf(const struct member *m, uint64_t now, unsigned except)
{
	size_t others = m->n_live - 1 - (except != m->c.self && member_alive(m, except));

	return others && !is_recent(m, m->heard_us, now);
}

uint64_t member_settled_at(const struct member *m)
{
	return m->settled;
}

const struct member_counts *member_counts(const struct member *m)
{
	return &m->counts;
}
