/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes this machine its node, beyond files that are generated. ROOT is "/" but in tests. */
#ifndef BYRE_SERVICES_APPLY_H
#define BYRE_SERVICES_APPLY_H

#include "base/error.h"
#include "cluster/model.h"

#include <stdbool.h>

/* apply.c */

/*
 * Puts HASH ("" = no login by password) into root's line of etc/shadow below ROOTFD, and nothing else: 1 when it was another one, 0 when there was
 * nothing to do. With DRY_RUN nothing is written. The file's owner and mode stay.
 */
int shadow_set_root(int rootfd, const char *hash, bool dry_run, struct error *e);
int hostname_set(const char *name, struct error *e);
/* Gives the boot address to the interface with the node's MAC address when no interface has it yet. */
int boot_address_set(const struct cluster *c, const struct node *self, struct error *e);

/* swap.c: makes the node's swap volume swap space unless it is, and uses it. 0 also when the node has none, or it is not composed here. */
int swap_start(const struct cluster *c, const struct node *self, struct error *e);

#endif
