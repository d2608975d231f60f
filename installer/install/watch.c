/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "install.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 250

static volatile sig_atomic_t interrupted;

static void note(int sig)
{
	interrupted = sig;
}

void watch_signals(void)
{
	struct sigaction a = {.sa_handler = note};

	sigemptyset(&a.sa_mask);
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGHUP, &a, NULL);
}

int watch_interrupted(struct error *e)
{
	if (!interrupted)
		return 0;
	return error_set(e, EINTR, "interrupted by signal %d", (int)interrupted);
}

/*
 * The process beside us: runs the program and sends what came of it through FD. A signal to the group ends the program, not this one (a
 * handler, unlike SIG_IGN, is not inherited), so that nothing of it is left when this one has ended.
 */
static void run_beside(const struct spawn *s, int fd)
{
	struct error err = ERROR_INIT;
	int r;

	setpgid(0, 0);
	r = spawn_run(s, NULL, NULL, &err);
	if (write_full(fd, &err, sizeof(err)) < 0)
		_exit(2);
	_exit(r < 0);
}

static void wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

int watch_spawn(const struct spawn *s, void (*tick)(void *data), void *data, struct error *e)
{
	struct error err = ERROR_INIT;
	struct pollfd p;
	int pipes[2], r = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0)
		return error_errno(e, errno, "running %s", s->argv[0]);
	pid = fork();
	if (pid == 0)
		run_beside(s, pipes[1]);
	close(pipes[1]);
	if (pid < 0) {
		close(pipes[0]);
		return error_errno(e, errno, "running %s", s->argv[0]);
	}
	setpgid(pid, pid);
	p = (struct pollfd){pipes[0], POLLIN, 0};
	while (r == 0 && poll(&p, 1, TICK_MS) <= 0) {
		tick(data);
		r = watch_interrupted(e);
	}
	if (r < 0)
		kill(-pid, SIGTERM);
	n = r < 0 ? 0 : read(pipes[0], &err, sizeof(err));
	close(pipes[0]);
	wait_for(pid);
	if (r < 0)
		return r;
	if (n != sizeof(err))
		return error_set(e, EIO, "%s: ended without saying how", s->argv[0]);
	if (!err.code)
		return 0;
	if (e)
		*e = err;
	return -err.code;
}
