/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel tells of an iSCSI session, by its number. ROOT ("" on a machine) is put in front of /sys. */
#ifndef BYRE_VOLMGR_ISCSI_SESSION_H
#define BYRE_VOLMGR_ISCSI_SESSION_H

#include <stddef.h>

/* NAME: "targetname", "ifacename", "username", …. -ENODATA: the session has none; else as file_read_text. RET is "" when this fails. */
int iscsi_session_text(const char *root, unsigned session, const char *name, char *ret, size_t size);

/* "192.168.0.250:3260", the portal that the session was made with. As above. */
int iscsi_session_portal(const char *root, unsigned session, char *ret, size_t size);

#endif
