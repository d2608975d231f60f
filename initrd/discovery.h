/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An iSCSI discovery session (RFC 7143: login in the operational stage, then SendTargets=All), without
 * sockets: it hands out the PDUs to send and takes the answers in. No authentication, no digests.
 */
#ifndef BYRE_INITRD_DISCOVERY_H
#define BYRE_INITRD_DISCOVERY_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISCOVERY_HEADER 48
#define DISCOVERY_PDU    (DISCOVERY_HEADER + 16384)

struct discovery {
	const char *initiator; /* not copied */
	bool logged_in;
	uint32_t cmd_sn, exp_stat_sn, transfer_tag;
	struct buf text;  /* of the answers to SendTargets so far */
	struct buf names; /* target names, one per line, once it has ended */
};

void discovery_init(struct discovery *d, const char *initiator);
void discovery_free(struct discovery *d);
/* The next PDU to send, header and padded data; returns its length. */
size_t discovery_next(struct discovery *d, unsigned char pdu[DISCOVERY_PDU]);
/* How many bytes of data, padding included, follow this header. */
size_t discovery_data_size(const unsigned char header[DISCOVERY_HEADER]);
/* Takes the answer in, header and data (discovery_data_size <= DISCOVERY_PDU - DISCOVERY_HEADER). 1: send the
 * next; 0: ended, names are there; or a negative errno. */
int discovery_take(struct discovery *d, const unsigned char *pdu, struct error *e);

#endif
