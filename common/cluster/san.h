/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /run/byre/san: how this machine reached the SAN, for who has to look or to log in again. Left by the initrd of a node and by the installer. */
#ifndef BYRE_CLUSTER_SAN_H
#define BYRE_CLUSTER_SAN_H

#include "base/addr.h"
#include "base/buf.h"

/*
 * The name of the iSCSI interface under which the control session logs in (/sys/class/iscsi_session/…/ifacename tells it): a second session to the same
 * target with a short time-out. No volume ever stands on its disks.
 */
#define SAN_CONTROL_IFACE "byre-control"

/* What is empty, NULL or 0 is not known, and is left out. */
struct san_reached {
	uint32_t portal_ip; /* with PORTAL_PORT */
	unsigned portal_port;
	const char *target, *initiator;
	const char *interface;
	const struct mac *mac;
	uint32_t address; /* with NETMASK: the interface's */
	uint32_t netmask;
	const char *container, *disk, *state;
};

/* Lines of KEY = VALUE, in the order above. */
void san_print(const struct san_reached *s, struct buf *b);

#endif
