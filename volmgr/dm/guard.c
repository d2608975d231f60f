/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Out of reach of what is meant for the one that it guards: its terminal, its group, its name. */
static int set_apart(void)
{
	const int ignored[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		signal(ignored[i], SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return -errno;
	prctl(PR_SET_NAME, "byre-guard");
	return setsid() < 0 || mlockall(MCL_CURRENT | MCL_FUTURE) < 0 ? -errno : 0;
}

static _Noreturn void guard(int fd, guard_fn *undo, void *data)
{
	const char ready = 'r';
	char dismissed;
	ssize_t n;

	if (set_apart() < 0 || write(fd, &ready, 1) != 1)
		_exit(1);
	while ((n = read(fd, &dismissed, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		undo(data);
	_exit(0);
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int guard_start(guard_fn *undo, void *data, struct guard *ret, struct error *e)
{
	cleanup_fd int ours = -1, its = -1;
	int ends[2];
	char ready;
	ssize_t n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return error_errno(e, errno, "a guard");
	ours = ends[0];
	its = ends[1];
	pid = fork();
	if (pid < 0)
		return error_errno(e, errno, "a guard");
	if (pid == 0) {
		close(ours);
		guard(its, undo, data);
	}
	close(steal_fd(&its));
	while ((n = read(ours, &ready, 1)) < 0 && errno == EINTR)
		;
	if (n != 1) {
		reap(pid);
		return error_set(e, ENOMEM, "a guard: it cannot lock its memory");
	}
	*ret = (struct guard){pid, steal_fd(&ours)};
	return 0;
}

void guard_dismiss(struct guard *g)
{
	const char dismissed = 'd';

	if (!g->pid)
		return;
	send(g->fd, &dismissed, 1, MSG_NOSIGNAL);
	reap(g->pid);
	close(g->fd);
	*g = (struct guard){.pid = 0};
}
