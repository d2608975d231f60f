/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pipeline.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 250

struct program {
	const char *name;
	pid_t pid;      /* 0: not started */
	int complaints; /* memory file: its standard error */
	int status;
};

struct run {
	struct program v[PIPELINE_MAX];
	size_t n;
};

/* --- starting --------------------------------------------------------------------------------------------------------------- */

/* A group of its own: the terminal's signals are for us, and we end it. */
static void become(const struct pipeline_stage *s, pid_t parent, const int fds[3])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(127);
	setenv("LC_ALL", "C.UTF-8", 1);
	if (!s->root || (chroot(s->root) == 0 && chdir("/") == 0))
		execvp(s->argv[0], (char *const *)(uintptr_t)s->argv);
	dprintf(2, "%s\n", errno == ENOENT ? "this program is not here: install its package" : strerror(errno));
	_exit(127);
}

/* Descriptors that children get are above 2, so that no dup2 overwrites one that is still wanted. */
static int start(const struct pipeline_stage *s, int in, int out, struct program *ret)
{
	const pid_t parent = getpid();
	int fds[3] = {in, out, ret->complaints};

	ret->pid = fork();
	if (ret->pid == 0)
		become(s, parent, fds);
	if (ret->pid > 0)
		return 0;
	ret->pid = 0;
	return -errno;
}

static int memory_file(void)
{
	int fd = memfd_create("pipeline", MFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int start_all(const struct pipeline *p, int output, struct run *r)
{
	cleanup_fd int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC), from = -1;
	int ret = nothing < 0 ? -errno : 0;

	for (size_t i = 0; i < p->n && ret == 0; i++) {
		struct program *g = &r->v[i];
		int pipes[2] = {-1, -1};
		int in = i ? from : p->input >= 0 ? p->input : nothing;

		g->name = p->stages[i].name ? p->stages[i].name : str_base(p->stages[i].argv[0]);
		g->complaints = memory_file();
		if (g->complaints < 0 || (i + 1 < p->n && pipe2(pipes, O_CLOEXEC) < 0))
			return -errno;
		r->n++;
		ret = start(&p->stages[i], in, i + 1 < p->n ? pipes[1] : output, g);
		if (from >= 0)
			close(from);
		from = pipes[0];
		if (pipes[1] >= 0)
			close(pipes[1]);
	}
	return ret;
}

/* --- the end ------------------------------------------------------------------------------------------------------------------ */

static void end_all(const struct run *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].pid)
			kill(r->v[i].pid, SIGKILL);
}

static void reap(struct program *g)
{
	while (g->pid && waitpid(g->pid, &g->status, 0) < 0 && errno == EINTR)
		;
}

/* Until the last has ended: the others end with it, for nobody reads them. */
static int wait_for(const struct pipeline *p, const struct run *r, struct error *e)
{
	cleanup_fd int ended = pidfd_open(r->v[r->n - 1].pid, 0);
	struct pollfd f = {ended, POLLIN, 0};

	if (ended < 0)
		return error_errno(e, errno, "waiting for %s", r->v[r->n - 1].name);
	while (poll(&f, 1, TICK_MS) <= 0) {
		int ret = p->tick ? p->tick(p->data, e) : 0;

		if (ret < 0)
			return ret;
	}
	return 0;
}

/* What it complained of first: later lines tell of the consequences. */
static void first_line(int fd, char *ret, size_t size)
{
	ssize_t n = pread(fd, ret, size - 1, 0);

	ret[n > 0 ? n : 0] = '\0';
	n = (ssize_t)strspn(ret, "\n");
	memmove(ret, ret + n, strlen(ret + n) + 1);
	ret[strcspn(ret, "\n")] = '\0';
	str_printable(ret);
}

/* The first that failed by itself. One whose reader had enough is ended by SIGPIPE. */
static int judge(const struct run *r, struct error *e)
{
	char why[256];

	for (size_t i = 0; i < r->n; i++) {
		const struct program *g = &r->v[i];

		if (g->status == 0 || (i + 1 < r->n && WIFSIGNALED(g->status) && WTERMSIG(g->status) == SIGPIPE))
			continue;
		first_line(g->complaints, why, sizeof(why));
		if (WIFSIGNALED(g->status))
			return error_set(e, EINTR, "%s was ended by signal %d", g->name, WTERMSIG(g->status));
		if (why[0] && strncmp(why, g->name, strlen(g->name)) == 0)
			return error_set(e, EPROTO, "%s", why);
		if (why[0])
			return error_set(e, EPROTO, "%s: %s", g->name, why);
		return error_set(e, EPROTO, "%s: exit status %d", g->name, WEXITSTATUS(g->status));
	}
	return 0;
}

int pipeline_run(const struct pipeline *p, int *ret_output, struct error *e)
{
	cleanup_fd int output = ret_output ? memory_file() : open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct run r = {.n = 0};
	int ret;

	if (output < 0)
		return error_errno(e, errno, "running %s", p->stages[0].argv[0]);
	ret = start_all(p, output, &r);
	ret = ret < 0 ? error_errno(e, ret, "running %s", p->stages[0].argv[0]) : wait_for(p, &r, e);
	if (ret < 0)
		end_all(&r);
	for (size_t i = 0; i < r.n; i++)
		reap(&r.v[i]);
	if (ret == 0)
		ret = judge(&r, e);
	for (size_t i = 0; i < r.n; i++)
		close(r.v[i].complaints);
	if (ret < 0)
		return ret;
	if (ret_output) {
		lseek(output, 0, SEEK_SET);
		*ret_output = steal_fd(&output);
	}
	return 0;
}
