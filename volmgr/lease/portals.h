/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Portals of the SAN that did not answer when this machine booted, and do now. */
#ifndef BYRE_VOLMGR_PORTALS_H
#define BYRE_VOLMGR_PORTALS_H

#include "base/error.h"
#include "cluster/model.h"

/*
 * Logs in to each portal of C's SAN to which volumes have no session on this machine and which answers; *RET_N: how many. The disks of the new sessions are paths then, see
 * paths_tend. Starts programs: must be done by a process that may wait for the root file system.
 */
int portals_log_in(const struct cluster *c, unsigned *ret_n, struct error *e);

/* Whether there are such portals, answering or not. */
bool portals_missing(const struct cluster *c);

#endif
