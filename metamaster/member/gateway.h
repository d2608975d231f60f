/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which node has the gateway's addresses. A pure state machine beside the membership, whose heartbeats carry its claim: a term and an owner.
 *
 * The claim with the highest term holds; of two equal ones, the lower number. Who takes over makes a claim with the next term. The candidates
 * have an order; the first of them that lives takes over from an owner that is silent for GATEWAY_SILENCE intervals, each further one waits
 * GATEWAY_STAGGER longer. An owner that comes back is none any more: nothing moves without need. Anybody may move it, by a claim that names another.
 * An owner that is replaced while it lives keeps the addresses until the next one has them.
 */
#ifndef BYRE_METAMASTER_GATEWAY_H
#define BYRE_METAMASTER_GATEWAY_H

#include "member.h"

#define GATEWAY_SILENCE  3
#define GATEWAY_STAGGER  2
#define GATEWAY_HANDOVER 10 /* intervals that the next owner has to take the addresses */

struct gateway {
	unsigned self, interval_ms;
	uint16_t *order; /* candidates; the first is preferred */
	size_t n_order;
	bool able;  /* this node has what a gateway needs; the edge sets it */
	bool holds; /* it has the addresses: gateway_set_holds */
	struct gateway_claim claim;
	uint64_t claimed_ms;          /* when this claim became known */
	uint64_t vacant_ms;           /* since when no candidate has a claim, as far as was looked; 0: one has */
	bool owner_holds;             /* the owner, another node, told that it has the addresses */
	uint64_t members;             /* member_changes at the last look */
	uint64_t announce_ms;         /* the next announcement is due; 0: none is */
	unsigned announced;           /* so many since the addresses were taken, or since somebody disputed them */
	uint64_t takeovers, disputes; /* counted: claims made here because the owner was silent; others seen with the addresses */
};

void gateway_init(struct gateway *g, unsigned self, unsigned interval_ms);
void gateway_free(struct gateway *g);
/* The candidates, the preferred ones first. 0 or -ENOMEM. */
int gateway_set_order(struct gateway *g, const uint16_t *order, size_t n);
/* What FROM told, as member_config's claim. */
void gateway_heard(struct gateway *g, struct member *m, uint64_t now, unsigned from, struct gateway_claim claim, bool holds, bool heard);
/* The edge has taken the addresses, or let go of them. */
void gateway_set_holds(struct gateway *g, struct member *m, uint64_t now, bool holds);
/* Decides. True: this node is to have the addresses. Tells the member what it has decided. To be called after member_tick. */
bool gateway_tick(struct gateway *g, struct member *m, uint64_t now);
/* Whether the addresses, which this node has, are to be announced now. */
bool gateway_announce(struct gateway *g, uint64_t now);
/* When gateway_tick or gateway_announce may have something to say next. */
uint64_t gateway_next(const struct gateway *g, const struct member *m, uint64_t now);
/* Gives it to TO. -ENOENT: that is no candidate, -EHOSTDOWN: it does not live, -EALREADY: it has it. */
int gateway_move(struct gateway *g, struct member *m, uint64_t now, unsigned to);

#endif
