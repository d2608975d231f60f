/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "gateway.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* So many intervals after the addresses were taken they are announced, and again: an announcement can be lost. */
static const unsigned char announcements[] = {0, 1, 3, 10};
#define N_ANNOUNCEMENTS (sizeof(announcements) / sizeof(*announcements))

/* So many candidates have an eye on the owner; the others wait long enough to hear of it as of anybody. */
#define WATCHERS 3

void gateway_init(struct gateway *g, unsigned self, unsigned interval_ms)
{
	*g = (struct gateway){.self = self, .interval_ms = interval_ms};
}

void gateway_free(struct gateway *g)
{
	free(g->order);
	g->order = NULL;
}

int gateway_set_order(struct gateway *g, const uint16_t *order, size_t n)
{
	uint16_t *copy = malloc(n ? n * sizeof(*copy) : 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, order, n * sizeof(*copy));
	free(g->order);
	g->order = copy;
	g->n_order = n;
	return 0;
}

static bool is_candidate(const struct gateway *g, unsigned number)
{
	for (size_t i = 0; i < g->n_order; i++)
		if (g->order[i] == number)
			return true;
	return false;
}

/* --- claims ------------------------------------------------------------------------------------------------------------ */

static bool beats(struct gateway_claim a, struct gateway_claim b)
{
	return a.term != b.term ? a.term > b.term : a.owner < b.owner;
}

static void adopt(struct gateway *g, struct member *m, uint64_t now, struct gateway_claim claim)
{
	g->claim = claim;
	g->claimed_ms = now;
	g->owner_holds = false;
	member_set_claim(m, claim, g->holds);
}

static void claim_for(struct gateway *g, struct member *m, uint64_t now, unsigned owner)
{
	adopt(g, m, now, (struct gateway_claim){g->claim.term + 1, (uint16_t)owner});
}

static void announce_anew(struct gateway *g, uint64_t now)
{
	g->announced = 0;
	g->announce_ms = now;
}

void gateway_heard(struct gateway *g, struct member *m, uint64_t now, unsigned from, struct gateway_claim claim, bool holds, bool heard)
{
	if (heard && beats(claim, g->claim))
		adopt(g, m, now, claim);
	if (heard && from == g->claim.owner)
		g->owner_holds = holds;
	if (holds && g->holds && g->claim.owner == g->self && beats(g->claim, claim)) {
		g->disputes++;
		announce_anew(g, now); /* the other's announcements may be in the caches */
	}
}

int gateway_move(struct gateway *g, struct member *m, uint64_t now, unsigned to)
{
	if (!is_candidate(g, to))
		return -ENOENT;
	if (!member_alive(m, to))
		return -EHOSTDOWN;
	if (g->claim.owner == to)
		return -EALREADY;
	claim_for(g, m, now, to);
	return 0;
}

/* --- succession -------------------------------------------------------------------------------------------------------- */

/* The live candidates before NUMBER, without the owner. */
static unsigned rank(const struct gateway *g, const struct member *m, unsigned number)
{
	unsigned before = 0;

	for (size_t i = 0; i < g->n_order && g->order[i] != number; i++)
		before += g->order[i] != g->claim.owner && member_alive(m, g->order[i]);
	return before;
}

static unsigned successor(const struct gateway *g, const struct member *m)
{
	for (size_t i = 0; i < g->n_order; i++)
		if (g->order[i] != g->claim.owner && member_alive(m, g->order[i]))
			return g->order[i];
	return 0;
}

/* For how long the candidates before this node are given precedence, in ms. */
static uint64_t stagger(const struct gateway *g, const struct member *m)
{
	return GATEWAY_STAGGER * (uint64_t)rank(g, m, g->self) * g->interval_ms;
}

/* For how long the owner must have been silent until this node takes over, in ms. */
static uint64_t patience(const struct gateway *g, const struct member *m)
{
	return GATEWAY_SILENCE * (uint64_t)g->interval_ms + stagger(g, m);
}

static bool may_claim(const struct gateway *g, const struct member *m, uint64_t now)
{
	return g->able && is_candidate(g, g->self) && now >= member_settled_at(m) && member_is_heard(m, now) &&
	       !member_is_deaf(m, now, g->claim.owner);
}

/* Nobody has it who may: so it was since the start, or since the state came to say so. */
static bool is_vacant(struct gateway *g, const struct member *m, uint64_t now)
{
	if (is_candidate(g, g->claim.owner)) {
		g->vacant_ms = 0;
		/* news of a claim may come before news of its owner */
		return now - g->claimed_ms >= patience(g, m) && member_silence(m, now, g->claim.owner) >= patience(g, m);
	}
	if (!g->vacant_ms)
		g->vacant_ms = now;
	return now - g->vacant_ms >= stagger(g, m);
}

static void look_at_owner(struct gateway *g, struct member *m, uint64_t now)
{
	if (!may_claim(g, m, now) || !is_vacant(g, m, now))
		return;
	g->takeovers++;
	claim_for(g, m, now, g->self);
}

/* An owner that cannot be one hands over to who can, if there is somebody. */
static void look_at_self(struct gateway *g, struct member *m, uint64_t now)
{
	unsigned next = g->able ? 0 : successor(g, m);

	if (next)
		claim_for(g, m, now, next);
}

static bool is_to_hold(const struct gateway *g, const struct member *m, uint64_t now)
{
	if (!member_is_heard(m, now))
		return false;
	if (g->claim.owner == g->self)
		return g->able;
	return g->holds && !g->owner_holds && now - g->claimed_ms < GATEWAY_HANDOVER * (uint64_t)g->interval_ms;
}

bool gateway_tick(struct gateway *g, struct member *m, uint64_t now)
{
	if (g->claim.owner == g->self)
		look_at_self(g, m, now);
	else
		look_at_owner(g, m, now);
	member_watch(m, is_candidate(g, g->self) && rank(g, m, g->self) < WATCHERS ? g->claim.owner : 0);
	member_set_claim(m, g->claim, g->holds);
	if (g->members != member_changes(m) && g->holds)
		announce_anew(g, now);
	g->members = member_changes(m);
	return is_to_hold(g, m, now);
}

/* --- announcements ------------------------------------------------------------------------------------------------------- */

void gateway_set_holds(struct gateway *g, struct member *m, uint64_t now, bool holds)
{
	if (holds && !g->holds)
		announce_anew(g, now);
	g->holds = holds;
	member_set_claim(m, g->claim, holds);
}

bool gateway_announce(struct gateway *g, uint64_t now)
{
	unsigned done = g->announced;

	if (!g->holds || g->claim.owner != g->self || done == N_ANNOUNCEMENTS || now < g->announce_ms)
		return false;
	g->announced++;
	if (g->announced < N_ANNOUNCEMENTS)
		g->announce_ms = now + (uint64_t)(announcements[done + 1] - announcements[done]) * g->interval_ms;
	return true;
}

uint64_t gateway_next(const struct gateway *g, const struct member *m, uint64_t now)
{
	uint64_t next = UINT64_MAX, due;

	if (g->holds && g->claim.owner == g->self && g->announced < N_ANNOUNCEMENTS)
		next = g->announce_ms;
	if (g->claim.owner == g->self || !may_claim(g, m, now) || !member_alive(m, g->claim.owner))
		return next;
	due = now - member_silence(m, now, g->claim.owner);
	due = (due > g->claimed_ms ? due : g->claimed_ms) + patience(g, m);
	return due < next ? due : next;
}
