/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "iscsi_session.h"

#include "base/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int read_text(const char *path, char *ret, size_t size)
{
	int r = file_read_text(path, ret, size, NULL);

	if (r == 0 && strcmp(ret, "(null)") == 0) { /* the kernel's word for none */
		ret[0] = '\0';
		return -ENODATA;
	}
	return r;
}

int iscsi_session_text(const char *root, unsigned session, const char *name, char *ret, size_t size)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/sys/class/iscsi_session/session%u/%s", root, session, name);
	return read_text(path, ret, size);
}

int iscsi_session_portal(const char *root, unsigned session, char *ret, size_t size)
{
	char path[320], address[64], port[8];
	int r;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "%s/sys/class/iscsi_connection/connection%u:0/persistent_address", root, session);
	r = read_text(path, address, sizeof(address));
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/sys/class/iscsi_connection/connection%u:0/persistent_port", root, session);
	r = read_text(path, port, sizeof(port));
	if (r == 0 && (size_t)snprintf(ret, size, "%s:%s", address, port) >= size) {
		ret[0] = '\0';
		r = -ENAMETOOLONG;
	}
	return r;
}
