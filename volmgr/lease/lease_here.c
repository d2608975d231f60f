/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lease_here.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/pidfd.h>

#define LOCK_FILE "/run/byre/lease-%s.lock"

/*
 * Two locks on one file stand before the lease: flock, which children inherit with the descriptor, so that it is free when the last of them is gone; and a
 * POSIX lock, of which the kernel says the process. Nobody joins the lockspace anew while a process here may believe to hold the lease, since a new
 * place frees for other machines what the old one held.
 */
int lease_lock_here(const char *name, struct error *e)
{
	cleanup_fd int fd = -1;
	char path[64];
	int r = dir_make(AT_FDCWD, "/run/byre", 0755, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), LOCK_FILE, name);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(e, errno, "%s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? error_set(e, EBUSY, "another process of this machine holds the lease")
					    : error_errno(e, errno, "%s", path);
	fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET});
	return steal_fd(&fd);
}

pid_t lease_holder_here(const char *name)
{
	struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	cleanup_fd int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), LOCK_FILE, name);
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fcntl(fd, F_GETLK, &l) < 0 || l.l_type == F_UNLCK)
		return 0;
	return l.l_pid;
}

void lease_kill_here(const char *name)
{
	pid_t pid = lease_holder_here(name);
	cleanup_fd int fd = pid > 0 ? pidfd_open(pid, 0) : -1;

	/* Still the one: so the number was not given to another process in between. */
	if (fd >= 0 && lease_holder_here(name) == pid)
		pidfd_send_signal(fd, SIGKILL, NULL, 0);
}
