/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What metamaster and the process that keeps the membership tell each other, over a Unix socket of type SOCK_SEQPACKET on one machine: a message is a
 * struct control, N elements behind it. Either side checks what it reads: one of them has no privileges, the other has all.
 */
#ifndef BYRE_METAMASTER_CONTROL_H
#define BYRE_METAMASTER_CONTROL_H

#include "member.h"
#include "seal.h"

#define CONTROL_VERSION  1
#define CONTROL_ALIVE_MS 10000 /* metamaster says something at least so often, or it does not work */

enum control_kind {
	/* to the member */
	CONTROL_SETUP = 1,  /* 1 struct control_setup: the first message; one that differs from what runs ends it */
	CONTROL_NODES,      /* N struct control_node, ascending by number */
	CONTROL_ORDER,      /* N uint16_t: candidates for the gateway */
	CONTROL_GENERATION, /* VALUE: a generation that is known here */
	CONTROL_GATEWAY,    /* VALUE: GATEWAY_ABLE | GATEWAY_HOLDS */
	CONTROL_MOVE,       /* VALUE: the node that is to have the gateway; answered by CONTROL_MOVED */
	CONTROL_ASK,        /* answered by CONTROL_PEERS */
	CONTROL_PING,       /* a sign of life */
	/* from the member */
	CONTROL_VIEW,     /* N uint16_t: who lives, ascending */
	CONTROL_NEWS,     /* VALUE: a generation that somebody told of */
	CONTROL_DUTY,     /* 1 struct control_duty: what this node is to do about the gateway */
	CONTROL_ANNOUNCE, /* the gateway's addresses are to be announced now */
	CONTROL_MOVED,    /* VALUE: 0 or an errno of gateway_move */
	CONTROL_PEERS,    /* N struct control_peer; VALUE: seals that did not fit */
	CONTROL_KINDS
};

struct control {
	uint32_t kind, n;
	uint64_t value;
};

#define GATEWAY_ABLE  1
#define GATEWAY_HOLDS 2

struct control_setup {
	uint32_t version, self, interval_ms, nets;
	uint32_t port;
	uint32_t broadcast[MEMBER_NETS]; /* IPv4, host byte order, as all addresses here */
	unsigned char key[SEAL_KEY];
};
struct control_node {
	uint32_t number;
	uint32_t ip[MEMBER_NETS]; /* 0: not in that network */
};
struct control_duty {
	uint32_t hold; /* whether the addresses are to be here */
	uint32_t term, owner, owner_holds;
	uint64_t takeovers, disputes;
};
struct control_peer {
	uint32_t number, alive;
	uint32_t silence_ms;                 /* UINT32_MAX: for long */
	uint32_t silence_on_ms[MEMBER_NETS]; /* on each network */
};

/* The length of a message of this KIND with N elements; 0: there is no such message. */
size_t control_len(uint32_t kind, uint32_t n);
/* Whether LEN bytes are one whole message, and its elements are where they belong. */
bool control_check(const void *data, size_t len);
/* Sends it: 0 or a negative errno. It does not wait: -EAGAIN when the other does not read. */
int control_send(int fd, enum control_kind kind, uint64_t value, const void *elements, uint32_t n);
/*
 * Receives one message, to be freed: its length, 0 when the other has gone, -EAGAIN, or -EBADMSG for what is none.
 */
int control_receive(int fd, struct control **ret);

#endif
