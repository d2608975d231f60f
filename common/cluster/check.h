/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of cluster_check. Private to its files. */
#ifndef BYRE_CLUSTER_CHECK_H
#define BYRE_CLUSTER_CHECK_H

#include "cluster/model.h"

/* Every segment inside its PV, no extent used twice, every volume cut from the slabs. */
int check_space(const struct cluster *c, struct error *e);

#endif
