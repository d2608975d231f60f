/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions beside those that the initrd made: logged in to by iscsiadm, kept by iscsid. Their records are in /run. */
#ifndef BYRE_VOLMGR_LOGIN_H
#define BYRE_VOLMGR_LOGIN_H

#include "base/error.h"
#include "cluster/san.h"

#include <stdbool.h>
#include <stddef.h>

#define SAN_PATH_IFACE "byre-path" /* of one more session for volumes; as SAN_CONTROL_IFACE */

struct login_kind {
	const char *iface;
	const char *const (*values)[2]; /* of its record: name, value */
	size_t n;
};

/* Logs in to TARGET at PORTAL ("192.168.0.250:3260") under the initiator's name, user and secret of the kernel's session LIKE. */
int login(const struct login_kind *kind, unsigned like, const char *target, const char *portal, struct error *e);

/* A session to TARGET at PORTAL (NULL: at any), of the control path when that is IFACE, for volumes otherwise; logged in now or not. */
bool login_is_there(const char *iface, const char *target, const char *portal);

#endif
