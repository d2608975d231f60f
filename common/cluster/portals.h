/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways to a SAN: a list of iSCSI portals, IP[:PORT] with commas between. Pure. */
#ifndef BYRE_CLUSTER_PORTALS_H
#define BYRE_CLUSTER_PORTALS_H

#include "base/addr.h"
#include "base/error.h"

#include <stddef.h>

#define PORTALS_MAX 7 /* beside the first one */

struct portal {
	uint32_t ip;
	unsigned port;
};

/* PORT: where none is said. "" is an empty list. -EINVAL: E says what is wrong; RET and RET_N are valid on success only. */
int portals_parse(const char *text, unsigned port, struct portal ret[PORTALS_MAX], size_t *ret_n, struct error *e);

#endif
