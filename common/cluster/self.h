/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/byre/node: which node this machine is. Left by the initrd of a node and by the installer: the number, in a line. */
#ifndef BYRE_CLUSTER_SELF_H
#define BYRE_CLUSTER_SELF_H

#include "base/error.h"

#define SELF_FILE "/run/byre/node"

/* The number in FILE. -ENOENT: there is no such file, this machine is no node. -EINVAL: no number of a node. */
int self_read(const char *file, unsigned *ret, struct error *e);

#endif
