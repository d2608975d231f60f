/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control path: a second iSCSI session to the SAN, with a short replacement time-out. Volumes stand on the first session, where I/O waits for days while
 * the SAN is away. A write of the state or of LVM's metadata must not: it has to fail while the lease still protects it, and never land later.
 */
#ifndef BYRE_VOLMGR_CONTROL_H
#define BYRE_VOLMGR_CONTROL_H

#include "base/error.h"
#include "cluster/model.h"
#include "volmgr/compose.h"

/*
 * The path of DEVICE (/dev/sda1) on the control session (/dev/sdb1), logging in with iscsiadm when there is none: under the name of the volumes' session, by any of
 * its portals; the record is kept in /run. A disk that is not on iSCSI, or whose own session has a short time-out already, is its own control path.
 */
int control_path(const char *device, char ret[64], struct error *e);

/* control_path of each PV of C, found by partition GUID: as cluster_pv_paths. */
int control_pv_paths(const struct cluster *c, const char ***ret, struct error *e);

#endif
