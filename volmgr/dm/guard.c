/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

#define WAS_LATE 2 /* a guard's exit status */

/* 1: dismissed. 0: the other end is gone. */
static int watch(int fd, const struct guard_duty *duty, void *data, bool *ret_late)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char dismissed;

	for (;;) {
		int n = poll(&p, 1, duty->late ? (int)duty->late_ms : -1);

		if (n == 0) {
			*ret_late = true;
			duty->late(data);
		} else if (n > 0) {
			return read(fd, &dismissed, 1) == 1;
		} else if (errno != EINTR) {
			return 0;
		}
	}
}

static _Noreturn void guard(int fd, const struct guard_duty *duty, void *data)
{
	const char ready = 'r';
	bool late = false;

	if (set_apart() < 0 || write(fd, &ready, 1) != 1)
		_exit(1);
	if (!watch(fd, duty, data, &late) && duty->undo)
		duty->undo(data);
	_exit(late ? WAS_LATE : 0);
}

static int reap(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

int guard_start(const struct guard_duty *duty, void *data, struct guard *ret, struct error *e)
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
		guard(its, duty, data);
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

bool guard_dismiss_late(struct guard *g)
{
	const char dismissed = 'd';
	int status;

	if (!g->pid)
		return false;
	send(g->fd, &dismissed, 1, MSG_NOSIGNAL);
	status = reap(g->pid);
	close(g->fd);
	*g = (struct guard){.pid = 0};
	return WIFEXITED(status) && WEXITSTATUS(status) == WAS_LATE;
}

void guard_dismiss(struct guard *g)
{
	guard_dismiss_late(g);
}
