/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who of the cluster's nodes lives. A pure state machine: time and packets in, packets out.
 *
 * Every interval a node sends what it knows to its neighbours in the binomial graph of the nodes that it takes to be alive, on every network: for each
 * node the time since that is known to have lived. Such an age only ever errs upwards, however it travels, so that nobody lives on in hearsay, and
 * all see a death at nearly the same time. What is heard counts only when the sender hears us too: a node that is deaf or mute is out for all.
 * Nodes that are not alive are looked for: one of them each interval, and all of them by a broadcast each interval of the whole cluster.
 *
 * Nothing here trusts a clock beyond its own run. A packet counts when it echoes the challenge that its receiver gave the sender, and follows the
 * sender's last in sequence: what was recorded earlier does not. Authentication itself is the edge's (seal.h).
 *
 * Times are in milliseconds of any clock that only goes forward.
 */
#ifndef BYRE_METAMASTER_MEMBER_H
#define BYRE_METAMASTER_MEMBER_H

#include "packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMBER_NETS 2
#define MEMBER_ALL  0 /* as a receiver: a broadcast */

struct member_config {
	unsigned self; /* number of this node */
	unsigned interval_ms;
	unsigned nets;                  /* networks, up to MEMBER_NETS */
	uint64_t (*random)(void *data); /* unpredictable */
	void (*send)(void *data, unsigned net, unsigned to, const uint8_t *packet, size_t len);
	/* A packet of a node that hears us (HEARD) or does not told of this claim; HOLDS: its sender has the addresses. */
	void (*claim)(void *data, uint64_t now, unsigned from, struct gateway_claim claim, bool holds, bool heard);
	void *data;
};

struct member_counts {
	uint64_t sent, received; /* packets */
	uint64_t malformed, strangers,
		stale;   /* refused: not a heartbeat; of or for somebody else; neither fresh nor new (a replay, or a first word) */
	uint64_t pauses; /* this node itself stood still */
};

struct member;

/* NULL: no memory. It knows of itself only. */
struct member *member_new(const struct member_config *config, uint64_t now);
void member_free(struct member *m);

/* The nodes of the cluster, ascending. 0 or -ENOMEM. */
int member_set_nodes(struct member *m, const uint16_t *numbers, size_t n);
/* A generation of the state that is known here: the others hear of it at once. */
void member_set_generation(struct member *m, uint64_t generation);
/* What is told of the gateway from now on; the others hear of it at once. */
void member_set_claim(struct member *m, struct gateway_claim claim, bool holds);
/* This node is one of those that may have to take something over from NUMBER (0: nobody): it is asked for a word when it is late. */
void member_watch(struct member *m, unsigned number);

/*
 * To be called first, whenever the program wakes up. True: it has slept through intervals (stopped, starved). What has arrived in the meantime is
 * old and is to be thrown away unread; nobody is taken for dead until all had time to be heard again.
 */
bool member_wake(struct member *m, uint64_t now);
void member_receive(struct member *m, uint64_t now, unsigned net, const uint8_t *packet, size_t len);
/* Does what is due. */
void member_tick(struct member *m, uint64_t now);
/* When something is due next. */
uint64_t member_next(const struct member *m);

bool member_alive(const struct member *m, unsigned number);
/* The nodes alive, this one among them, ascending; the array is the member's, until its next call. */
const uint16_t *member_live(const struct member *m, size_t *ret_n);
/* Counts the changes of that. */
uint64_t member_changes(const struct member *m);
/* Milliseconds since NUMBER is known to have lived; UINT32_MAX: for long. */
uint32_t member_silence(const struct member *m, uint64_t now, unsigned number);
/* Milliseconds since a packet of NUMBER came by this network; UINT32_MAX: for long, or never. */
uint32_t member_silence_on(const struct member *m, uint64_t now, unsigned number, unsigned net);
/* The newest generation that any node told of. */
uint64_t member_generation(const struct member *m);
/* False while others can be heard and none of them hears this node: it is to keep out of everything. */
bool member_is_heard(const struct member *m, uint64_t now);
/* True while others than EXCEPT are taken to be alive and none of them is heard: it is this node rather that cannot hear. */
bool member_is_deaf(const struct member *m, uint64_t now, unsigned except);
/* From when on it is known who is alive: after the start, and after each pause, it has to be listened for a while. */
uint64_t member_settled_at(const struct member *m);
/* A node that is not heard of for so many intervals is dead, in a cluster of N live ones. */
unsigned member_limit(size_t n);
const struct member_counts *member_counts(const struct member *m);

#endif
