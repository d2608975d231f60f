/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is different between two states of a cluster, for a person to read. Pure. */
#ifndef BYRE_CLUSTER_DIFFERENCE_H
#define BYRE_CLUSTER_DIFFERENCE_H

#include "base/buf.h"
#include "cluster/model.h"

struct difference {
	size_t n;       /* differences, a line each */
	size_t storage; /* of them: things on the SAN that are there in one of both only, or lie elsewhere */
};

/*
 * One line for each member that FROM and TO do not share, into B: "+ volume node4.root", "- node 4", "~ node 3: boot_ip: 192.168.0.3 -> 192.168.0.9".
 * Members of lists are matched by name. Secrets are not shown; generation and note are not compared.
 */
int cluster_difference(const struct cluster *from, const struct cluster *to, struct buf *b, struct difference *ret, struct error *e);

#endif
