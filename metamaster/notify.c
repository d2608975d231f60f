/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "meta.h"

#include "base/cleanup.h"
#include "base/str.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

void notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	cleanup_fd int fd = -1;

	if (!path || str_copy(to.sun_path, sizeof(to.sun_path), path) < 0)
		return;
	if (to.sun_path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
}
