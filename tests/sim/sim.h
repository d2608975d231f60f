/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A cluster in one process: nodes that run the real state machine, on networks that lose, delay and cut, from a seed. Time is in microseconds here,
 * in milliseconds there. Nodes are numbered from 1.
 */
#ifndef BYRE_TESTS_SIM_H
#define BYRE_TESTS_SIM_H

#include "metamaster/member/gateway.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_node {
	struct sim *sim;
	struct member *m; /* NULL: off */
	struct gateway g;
	uint64_t take_at;   /* it is taking the gateway's addresses, and has them then; 0: it is not */
	unsigned announced; /* times that it announced the gateway's addresses */
	unsigned number;
	uint64_t clock_us; /* its clock is so much ahead */
	bool stopped;      /* SIGSTOP */
	unsigned group;    /* nodes of different groups do not reach each other */
	bool mute, deaf;   /* on all networks */
	uint64_t tick_at;  /* the time of its event in the queue; 0: none */
};

struct sim {
	uint64_t now, seed;
	unsigned n, nets, interval_ms;
	double loss;
	unsigned take_us;  /* so long a node takes to take the gateway's addresses */
	unsigned delay_us; /* at most; a tenth of it at least */
	bool net_down[MEMBER_NETS];
	struct sim_node *nodes; /* [n + 1], from 1 */
	uint16_t *numbers;
	size_t candidates;                                                          /* the first so many nodes may have the gateway */
	bool (*cut)(const struct sim *s, unsigned from, unsigned to, unsigned net); /* one way; NULL: none */
	void (*tap)(struct sim *s, unsigned net, unsigned to, const uint8_t *packet, size_t len); /* sees what is sent; NULL: nobody does */
	void *tap_data;
	uint64_t packets, bytes;
	struct sim_event *queue;
	size_t n_queue, size_queue;
	uint64_t order;
};

struct sim *sim_new(uint64_t seed, unsigned n, unsigned interval_ms);
void sim_free(struct sim *s);
uint64_t sim_random(struct sim *s, uint64_t below);

void sim_start(struct sim *s, unsigned number); /* it begins anew */
void sim_start_all(struct sim *s);
void sim_kill(struct sim *s, unsigned number);
void sim_stop(struct sim *s, unsigned number);
void sim_go_on(struct sim *s, unsigned number);
void sim_run(struct sim *s, double intervals);
/* Somebody else puts a packet on the network. */
void sim_inject(struct sim *s, unsigned net, unsigned to, const uint8_t *packet, size_t len);
/* What NUMBER's clock says. */
uint64_t sim_clock(const struct sim *s, unsigned number);

/* Whether all that run, and are not stopped, take exactly those alive that they reach. The first who does not, and whom, is in *RET_… (may be NULL). */
bool sim_agrees(const struct sim *s, unsigned *ret_who, unsigned *ret_whom);
/* Intervals until that is so, up to MOST; -1: it is not. */
double sim_until_agreed(struct sim *s, double most);
/* How many have the gateway's addresses; the last of them is in *RET (may be NULL). */
unsigned sim_holders(const struct sim *s, unsigned *ret);
/* How many pairs of nodes of one group that run disagree with the truth now. */
uint64_t sim_false_deaths(const struct sim *s);

#endif
