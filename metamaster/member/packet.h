/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A heartbeat on the wire. All numbers are big-endian.
 *
 *   0  4  "byrM"           16  8  run: of the sender's life, random     48  8  generation of the state that it knows of
 *   4  1  format, 1        24  8  challenge to the receiver, random     56  4  gateway: term
 *   5  1  flags            32  8  echo of the receiver's challenge      60  2  gateway: owner
 *   6  1  network          40  8  sequence in the run and the network   62  2  n
 *   7  1  0                                                             64     (n + 1) / 2 bytes: ages of the nodes 1 … n, 4 bits each
 *   8  2  from
 *  10  2  to, 0 = all      12  4  0                                     then 16 bytes of authentication (seal.h)
 *
 * An age is the time since the node is known to have lived, in intervals, rounded up; AGE_DEAD stands for that much or more. The low half of a
 * byte comes first. An age of an unused number is AGE_DEAD.
 */
#ifndef BYRE_METAMASTER_PACKET_H
#define BYRE_METAMASTER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKET_NODES  10240 /* the highest number of a node */
#define PACKET_HEADER 64
#define PACKET_MAX    (PACKET_HEADER + PACKET_NODES / 2)
#define AGE_DEAD      15

#define PACKET_HEARS  1 /* the sender hears the receiver: the link works both ways */
#define PACKET_ANSWER 2 /* an answer is wanted at once */
#define PACKET_HOLDS  4 /* the sender has the gateway's addresses */
#define PACKET_FLAGS  7

/* Who is to have the gateway: of two claims the one with the higher term holds. */
struct gateway_claim {
	uint32_t term;  /* 0: nobody has claimed it yet */
	uint16_t owner; /* number of a node; 0 with term 0 */
};

struct packet {
	uint8_t flags, net;
	uint16_t from, to;
	uint64_t run, challenge, echo, seq, generation;
	struct gateway_claim claim;
	uint16_t n;
	const uint8_t *ages; /* (n + 1) / 2 bytes, the caller's */
};

/* The length of a packet that tells of N nodes. */
static inline size_t packet_len(unsigned n)
{
	return PACKET_HEADER + (n + 1) / 2;
}
/* Writes P into DST, which has room for packet_len(p->n) bytes; its ages may be in their place already. */
void packet_print(const struct packet *p, uint8_t *dst);
/* 0 and *RET, whose ages point into DATA; -EINVAL: this is no heartbeat. */
int packet_parse(const uint8_t *data, size_t len, struct packet *ret);

#endif
